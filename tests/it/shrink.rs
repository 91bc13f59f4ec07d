//! The shrinker: it ends where nothing smaller fails, with any number of threads, and keeps the reason.

use rumormill::protocol::flood::Flood;
use rumormill::protocol::gossip::Gossip;
use rumormill::run::{explicit, run_written_out};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;
use rumormill::shrink::{End, Reason, Shrinker, shrink};
use rumormill::sim::fault::FaultKind;
use rumormill::workload::Verdict;
use rumormill::workload::broadcast::Broadcast;

use crate::program::Desk;

/// A storm of everything, over so many nodes and seconds.
fn storm(protocol: &str, nodes: u32, seed: u64) -> (Scenario, Document) {
    let text = format!(
        r#"{{
            "name": "storm", "seed": {seed}, "nodes": {nodes}, "protocol": {{ {protocol} }},
            "network": {{ "latency": {{ "exponential": {{ "mean": "30ms" }} }}, "loss": 0.1, "duplicate": 0.1 }},
            "workload": {{ "broadcast": {{ "rate": 20, "time_limit": "20s" }} }},
            "nemesis": {{ "kinds": ["partition", "crash", "wipe", "pause", "flaky", "slow", "skew"], "interval": "3s" }}
        }}"#
    );
    let document = Document::parse("a storm", &text).unwrap();
    (Scenario::read(&document).unwrap(), document)
}

fn written_out(protocol: &str, nodes: u32, seed: u64) -> Scenario {
    let (scenario, document) = storm(protocol, nodes, seed);
    explicit::<Broadcast, Gossip>(&scenario, &document).unwrap()
}

fn has_wipe_of_n3(scenario: &Scenario) -> bool {
    let wipes = |kind: &FaultKind| matches!(kind, FaultKind::Wipe(nodes) if nodes.to_string().contains("n3"));
    scenario.faults.iter().any(|fault| wipes(&fault.fault))
}

fn asks_for(scenario: &Scenario, value: u64) -> bool {
    let request = format!(r#"{{"type": "broadcast", "message": {value}}}"#);
    scenario.operations.iter().flatten().any(|operation| operation.request.0 == request)
}

#[test]
fn it_ends_at_exactly_what_matters_with_any_number_of_threads() {
    let failing = (0..).map(|seed| written_out(r#""gossip": {}"#, 25, seed));
    let failing = failing.take(100).find(has_wipe_of_n3).unwrap();
    let with = |jobs| {
        let mut shrinker = Shrinker::new(failing.clone());
        let matters = |it: &Scenario| has_wipe_of_n3(it) && asks_for(it, 17) && asks_for(it, 130);
        assert_eq!(shrink(&mut shrinker, jobs, matters, |_| true), End::FixedPoint);
        shrinker.smallest().clone()
    };
    let smallest = with(1);
    assert_eq!((smallest.faults.len(), smallest.operations.as_ref().unwrap().len()), (1, 2));
    // Whom the wipe befalls and whom the operations ask, and nobody else.
    assert!((1..=3).contains(&smallest.members().present()), "{:?}", smallest.members());
    assert!(smallest.operations.iter().flatten().all(|operation| operation.at.as_nanos() == 0));
    assert_eq!(smallest.network, rumormill::sim::network::NetworkConfig::default());
    for jobs in [2, 3, 8] {
        assert_eq!(format!("{smallest:?}"), format!("{:?}", with(jobs)), "{jobs} threads");
    }
}

#[test]
fn it_stops_when_it_is_told_with_what_it_has() {
    let failing = written_out(r#""gossip": {}"#, 5, 1);
    let mut shrinker = Shrinker::new(failing.clone());
    let mut asked = 0;
    let end = shrink(
        &mut shrinker,
        2,
        |_| false,
        |_| {
            asked += 1;
            asked < 10
        },
    );
    assert_eq!(end, End::Stopped);
    assert_eq!(format!("{:?}", shrinker.smallest()), format!("{failing:?}"), "nothing smaller failed");
}

/// A rumour that is never repaired, over links that lose a tenth.
const HOPELESS: &str = r#""gossip": { "fanout": 1, "anti_entropy": null }"#;

#[test]
fn the_fingerprint_is_what_keeps_the_reason() {
    let mut slipped = 0;
    for seed in 0..20 {
        let failing = written_out(HOPELESS, 5, seed);
        let (reason, _) = Reason::of::<Broadcast, Gossip>(&failing).unwrap();
        let end = |fails: &(dyn Fn(&Scenario) -> bool + Sync)| {
            let mut shrinker = Shrinker::new(failing.clone());
            shrink(&mut shrinker, 2, fails, |_| true);
            let smallest = shrinker.smallest();
            run_written_out::<Broadcast, Gossip, ()>(smallest, &mut ()).fingerprint(smallest).unwrap()
        };
        assert_eq!(end(&|candidate| reason.holds::<Broadcast, Gossip>(candidate)), reason.fingerprint());
        let any = |candidate: &Scenario| {
            run_written_out::<Broadcast, Gossip, ()>(candidate, &mut ()).fingerprint(candidate).is_some()
        };
        slipped += u32::from(end(&any) != reason.fingerprint());
    }
    assert!(slipped >= 5, "if any failure counts, only {slipped} of 20 slip to another");
}

#[test]
fn what_the_storm_did_is_not_mistaken_for_a_topology_that_fell_apart() {
    let failing = (0..200).find_map(|seed| {
        let (scenario, document) = storm(r#""flood": { "retry": null }"#, 9, seed);
        let failing = explicit::<Broadcast, Flood>(&scenario, &document).unwrap();
        Reason::of::<Broadcast, Flood>(&failing).map(|(reason, _)| (reason, failing))
    });
    let (reason, failing) = failing.unwrap();
    let mut shrinker = Shrinker::new(failing);
    shrink(&mut shrinker, 2, |candidate| reason.holds::<Broadcast, Flood>(candidate), |_| true);
    let calm = rumormill::shrink::calm(shrinker.smallest());
    assert_eq!(run_written_out::<Broadcast, Flood, ()>(&calm, &mut ()).verdict, Verdict::Pass, "{calm:?}");
}

#[test]
fn a_smaller_file_is_written_that_fails_alike() {
    let desk = Desk::new();
    let said = desk.run(["shrink", "lossy-without-repair", "--jobs", "1"]);
    assert!(said.code == 0 && said.out.starts_with("broadcast: never arrived\n"), "{said:?}");
    for part in
        ["operations      50 -> 1", "nodes           25 -> 2", "nothing smaller fails for the same reason"]
    {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    let ran = desk.run(["run", "lossy-without-repair.small.json"]);
    assert!(ran.code == 0 && ran.out.starts_with("FAIL (as expected)"), "{ran:?}");
    let again = desk.run(["shrink", "lossy-without-repair.small.json", "--jobs", "4", "--out", "again.json"]);
    assert!(again.out.contains("operations      1 -> 1"), "{again:?}");
    let read = |name: &str| std::fs::read_to_string(desk.path(name)).unwrap();
    let but_about = |text: String| text.lines().filter(|line| !line.contains("about")).collect::<String>();
    assert_eq!(but_about(read("again.json")), but_about(read("lossy-without-repair.small.json")));
    assert!(!read("again.json").contains("nemesis") && !read("again.json").contains("max_events"));
}

#[test]
fn test_shrinks_the_first_failure_if_asked() {
    let desk = Desk::new();
    let hopeless = ["--set", "protocol.gossip.anti_entropy=null", "--set", "protocol.gossip.fanout=1"];
    let test = ["test", "-w", "broadcast", "--time-limit", "5", "--shrink"];
    let many = desk.run(test.into_iter().chain(hopeless).chain(["--seeds", "0..20"]));
    assert!(many.code == 1 && many.out.contains("\nbroadcast: never arrived\n"), "{many:?}");
    assert!(many.out.contains("replay          ") && many.out.contains("-seed-0.small.json"), "{many:?}");
    let one = desk.run(test.into_iter().chain(hopeless).chain(["--seed", "0", "--json"]));
    assert!(serde_json::from_str::<serde_json::Value>(&one.out).is_ok(), "{one:?}");
    assert!(desk.path("failures/broadcast-gossip-seed-0.small.json").exists());
}

#[test]
fn what_cannot_be_shrunk_is_said() {
    let desk = Desk::new();
    for (args, code, says) in [
        (vec!["quickstart"], 64, "quickstart with seed 7 does not fail, so there is nothing to shrink"),
        (
            vec!["lossy-without-repair", "--out", "no/such/folder.json"],
            74,
            "no/such/folder.json: cannot write",
        ),
        (vec!["lossy-without-repair", "--budget", "1"], 64, "250ms"),
        (vec!["nowhere.json"], 64, "no such file"),
    ] {
        let said = desk.run(std::iter::once("shrink").chain(args.iter().copied()));
        assert!(said.code == code && said.talk.contains(says), "{args:?}: {said:?}");
    }
    let said = desk.run(["shrink", "lossy-without-repair", "--budget", "0s"]);
    assert!(said.code == 0 && said.out.contains("the budget was used up"), "{said:?}");
}
