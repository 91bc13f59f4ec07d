//! The scenario file: read strictly, edited from the command line, written in full, and drawn from its seed.
//!
//! What a misspelt word says is in `misspelt.rs`, what any other slip says in `misfit.rs`.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rumormill::id::NodeId;
use rumormill::protocol::gossip::Gossip;

use rumormill::scenario::Scenario;
use rumormill::scenario::document::{Document, Misfit};
use rumormill::sim::Setup;
use rumormill::sim::fault::{Fault, FaultKind};
use rumormill::stdio::wire::encode_body;
use rumormill::time::Span;
use rumormill::workload::Phase;
use rumormill::workload::broadcast::Broadcast;

use crate::program::Desk;
use crate::support::run_named;

mod misfit;
mod misspelt;

use misspelt::EVERYTHING;

const QUICKSTART: &str = include_str!("../../scenarios/quickstart.json");

/// Reads a text, edited as `--set` asks.
fn read_file(text: &str, sets: &[&str]) -> Result<(Scenario, Document), Misfit> {
    let mut document = Document::parse("s.json", text)?;
    sets.iter().try_for_each(|set| document.set(set))?;
    Ok((Scenario::read(&document)?, document))
}

/// Reads a text with gossip's knobs, edited as `--set` asks.
fn read(text: &str, sets: &[&str]) -> Result<(Scenario, Document), Misfit> {
    let (scenario, document) = read_file(text, sets)?;
    scenario.node_config::<Gossip>(&document)?;
    scenario.workload_config::<Broadcast>(&document)?;
    Ok((scenario, document))
}

fn setup(text: &str, sets: &[&str]) -> Setup<Gossip> {
    let (scenario, document) = read(text, sets).unwrap_or_else(|error| panic!("{error}"));
    scenario.setup::<Broadcast, Gossip>(&document).unwrap_or_else(|error| panic!("{error}"))
}

fn digest(text: &str, sets: &[&str]) -> String {
    let (scenario, document) = read_file(text, sets).unwrap_or_else(|error| panic!("{error}"));
    run_named(&scenario, &document).digest.to_string()
}

#[test]
fn set_edits_what_a_path_leads_to() {
    let desk = Desk::new();
    for (set, line) in [
        ("seed=3", r#""seed": 3,"#),
        ("protocol.gossip.fanout=5", r#""fanout": 5,"#),
        ("protocol.gossip={}", r#"{ "gossip": { "fanout": 2, "anti_entropy": "1s" } }"#),
        ("protocol.gossip.anti_entropy=null", r#""anti_entropy": null"#),
        // What is not JSON is a string; what is JSON can be one all the same.
        ("settle=3s", r#""settle": "3s""#),
        (r#"settle="3s""#, r#""settle": "3s""#),
        (r#"about="7""#, r#""about": "7""#),
        ("about=a = b", r#""about": "a = b""#),
        ("about=", r#""about": """#),
        // Entries of lists are counted from 0.
        ("faults.0.for=2s", r#"{ "at": "5s", "for": "2s", "#),
        ("faults.0.fault.partition.0.0=n0..n3", r#"[["n0..n3"], ["rest"]]"#),
        (r#"faults.0.fault={"crash":["n3"]}"#, r#"{ "crash": ["n3"] }"#),
        // What is not there is made.
        ("network.client_latency.constant=2ms", r#""client_latency": { "constant": "2ms" }"#),
        (r#"nemesis.kinds=["crash"]"#, r#""nemesis": { "kinds": ["crash"], "interval": "10s" }"#),
        ("expect.msgs_per_op=<40", r#""msgs_per_op": "<40""#),
    ] {
        let said = desk.run(["check", "quickstart", "--set", set]);
        assert!(said.code == 0 && said.out.contains(line), "--set {set} gives `{line}`: {said:?}");
    }
}

#[test]
fn the_last_set_of_a_key_counts_and_seed_counts_after_all() {
    let desk = Desk::new();
    let full = |args: &[&str]| desk.run([&["check", "quickstart"], args].concat()).out;
    assert_eq!(full(&["--set", "seed=3", "--set", "seed=4"]), full(&["--set", "seed=4"]));
    assert_eq!(full(&["--seed", "4", "--set", "seed=3"]), full(&["--set", "seed=4"]));
}

#[test]
fn a_set_that_does_not_fit_is_the_place_of_its_error() {
    let desk = Desk::new();
    for (set, code, says) in [
        ("seed", 64, "write --set KEY=VALUE"),
        ("=3", 64, "a key is empty; write --set KEY=VALUE"),
        ("a..b=3", 64, "a key is empty; write --set KEY=VALUE"),
        ("protocol.gosip.fanout=3", 65, "protocol.gosip: unknown key `gosip`; did you mean `gossip`?"),
        ("protocol.gossip.fanot=3", 65, "protocol.gossip.fanot: unknown key `fanot`; did you mean `fanout`?"),
        (
            "workload.brodcast.rate=3",
            65,
            "workload.brodcast: unknown key `brodcast`; did you mean `broadcast`?",
        ),
        ("sed=3", 65, "sed: unknown key `sed`; did you mean `seed`?"),
        ("topology=gird", 65, "topology: unknown word `gird`; did you mean `grid`?"),
        ("network.loss=2", 65, "network.loss: 2 is not a probability"),
        ("faults.0.fo=1s", 65, "faults.0.fo: unknown key `fo`; did you mean `for`?"),
        ("faults.1.for=1s", 65, "faults.1: the list has 1 entries, counted from 0"),
        ("faults.x.for=1s", 65, "faults.x: the list has 1 entries, counted from 0"),
        ("seed.x=1", 65, "seed.x: there is nothing below this key"),
        // The file's latency is exponential; a second one is this edit's fault.
        ("network.latency.constant=5ms", 65, "network.latency"),
        (r#"faults.0.fault={"crash":["n25"]}"#, 65, "faults.0.fault.crash: there is no n25"),
    ] {
        let said = desk.run(["check", "quickstart", "--set", set]);
        let placed = said.talk.starts_with(&format!("error: --set {set}: ")) && said.talk.contains(says);
        assert!(said.code == code && placed, "--set {set} says `{says}` and exits {code}: {said:?}");
    }
}

#[test]
fn what_check_prints_says_the_same_as_the_file() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.extension().is_some_and(|it| it == "json"));
    let mut texts: Vec<(String, String)> = files
        .map(|path| (path.display().to_string(), std::fs::read_to_string(&path).unwrap()))
        .chain([("everything.json".to_owned(), EVERYTHING.to_owned())])
        .collect();
    texts.sort();
    assert!(texts.len() > 5, "{folder} has scenarios");
    for (name, text) in texts {
        let desk = Desk::with("s.json", &text);
        let full = desk.run(["check", "s.json"]);
        assert_eq!(full.code, 0, "{name}: {full:?}");
        desk.put("full.json", &full.out);
        assert_eq!(desk.run(["check", "full.json"]).out, full.out, "{name}");
        assert_eq!(digest(&text, &[]), digest(&full.out, &[]), "{name}");
    }
}

#[test]
fn a_protocol_without_knobs_is_written_as_the_schema_has_it() {
    let text =
        r#"{ "name": "s", "nodes": 3, "protocol": { "unique-ids": {} }, "workload": { "unique-ids": {} } }"#;
    let said = Desk::with("s.json", text).run(["check", "s.json"]);
    assert!(said.code == 0 && said.out.contains(r#""protocol": { "unique-ids": {} },"#), "{said:?}");
}

#[test]
fn explicit_operations_replace_the_drawn_ones_and_nothing_else() {
    let drawn = setup(QUICKSTART, &[]);
    let storm: Vec<String> = drawn
        .operations
        .iter()
        .filter(|operation| operation.phase == Phase::Storm)
        .map(|operation| {
            let mut body = Vec::new();
            encode_body(&mut body, &operation.request).unwrap();
            let body = String::from_utf8(body).unwrap();
            let (client, nanos) = (operation.client.0, operation.at.as_nanos());
            format!(
                r#"{{"at": "{nanos}ns", "client": {client}, "node": "{}", "request": {body}}}"#,
                operation.node
            )
        })
        .collect();
    assert!(storm.len() > 100, "quickstart has a load");
    let set = format!("operations=[{}]", storm.join(", "));
    assert_eq!(setup(QUICKSTART, &[&set]).operations, drawn.operations);
    assert_eq!(digest(QUICKSTART, &[&set]), digest(QUICKSTART, &[]));

    let none = setup(QUICKSTART, &["operations=[]"]);
    assert!(none.operations.iter().all(|operation| operation.phase == Phase::Final));
    assert_eq!((none.operations.len(), none.faults), (25, drawn.faults));
}

#[test]
fn an_absent_node_takes_only_its_own_draws_away() {
    let nemesis =
        r#"nemesis={"kinds": ["partition", "crash", "wipe", "pause", "flaky", "slow"], "interval": "2s"}"#;
    let drawn = r#"faults=[{"at": "1s", "fault": {"partition": "halves"}}, {"at": "1s", "fault": {"partition": "ring"}}]"#;
    let all = setup(QUICKSTART, &[nemesis, drawn]);
    let some = setup(QUICKSTART, &[nemesis, drawn, r#"absent=["n7", "n9..n12"]"#]);
    let present = |node: NodeId| node.0 != 7 && !(9..=12).contains(&node.0);
    let others = all.operations.iter().filter(|operation| present(operation.node)).cloned();
    assert_eq!(some.operations, others.collect::<Vec<_>>());
    assert_eq!(some.faults, all.faults);
    assert_eq!(some.workers, all.workers);
}

#[test]
fn an_absent_node_is_in_no_traffic() {
    let sets = [r#"absent=["n7", "n9..n12"]"#, "expect={}", "workload.broadcast.time_limit=8s"];
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let desk = Desk::new();
    let said = desk.run(["run", "quickstart", "--trace", "t"].into_iter().chain(sets));
    assert!(said.out.starts_with("PASS  quickstart: gossip under broadcast, 20 nodes, seed 7\n"), "{said:?}");
    let trace = desk.read("t");
    assert!(trace.contains("\"n8\"") && trace.lines().count() > 1000);
    for absent in ["\"n7\"", "\"n9\"", "\"n10\"", "\"n11\"", "\"n12\""] {
        assert!(!trace.contains(absent), "{absent} is not there");
    }
}

/// The nemesis' faults of quickstart under some edits.
fn drawn_by_nemesis(sets: &[&str]) -> Vec<Fault> {
    setup(QUICKSTART, &[&["faults=[]"], sets].concat()).faults
}

#[test]
fn what_the_nemesis_does_depends_on_the_seed_alone() {
    let nemesis = r#"nemesis={"kinds": ["partition", "crash", "wipe", "pause", "flaky", "slow", "skew"], "interval": "1s"}"#;
    let faults = drawn_by_nemesis(&[nemesis]);
    for other in [
        "protocol.gossip.fanout=1",
        "network.loss=0.5",
        "operations=[]",
        "workload.broadcast.rate=1",
        "topology=line",
        "concurrency=3",
        "settle=1s",
        r#"absent=["n3"]"#,
    ] {
        assert_eq!(drawn_by_nemesis(&[nemesis, other]), faults, "{other}");
    }
    assert_ne!(drawn_by_nemesis(&[nemesis, "seed=8"]), faults);

    // A longer storm goes on where the shorter one ended; a kind fewer leaves the others alone.
    let longer = drawn_by_nemesis(&[nemesis, "workload.broadcast.time_limit=40s"]);
    assert_eq!(longer[..faults.len()], faults);
    let fewer = drawn_by_nemesis(&[nemesis, r#"nemesis.kinds=["slow", "wipe"]"#]);
    let of_kind = |fault: &&Fault| match &fault.fault {
        FaultKind::Wipe(_) => true,
        FaultKind::Link(change) => change.latency.is_some(),
        FaultKind::Partition(_)
        | FaultKind::Cut { .. }
        | FaultKind::Crash(_)
        | FaultKind::Pause(_)
        | FaultKind::Skew(_) => false,
    };
    assert_eq!(fewer, faults.iter().filter(of_kind).cloned().collect::<Vec<_>>());
}

#[test]
fn the_nemesis_keeps_to_its_interval_and_its_storm() {
    let nemesis = r#"nemesis={"kinds": ["partition", "crash", "wipe", "pause", "flaky", "slow", "skew"], "interval": "1s"}"#;
    let faults = drawn_by_nemesis(&[nemesis]);
    for name in ["partition", "crash", "wipe", "pause", "link"] {
        let these: Vec<&Fault> = faults.iter().filter(|fault| fault.fault.name() == name).collect();
        assert!(these.len() >= 5, "some of each: {name}");
        for fault in these {
            let lasts = fault.lasts.expect("it goes as it came");
            assert!(lasts > Span::ZERO && lasts <= Span::from_secs(2), "{fault:?}");
            assert!(fault.at.as_nanos() < 20_000_000_000, "{fault:?}");
            assert!(
                !matches!(&fault.fault, FaultKind::Wipe(nodes) if nodes.iter().count() != 1),
                "{fault:?}"
            );
        }
    }
}

/// An edit of a text's bytes: where, how many to take out, and what to put there.
fn edit() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let word = prop::sample::select(vec![
        "", "\"", "{", "}", "[", "]", ",", ":", "-", "0", "9", "1e9", ".", "null", "true", "\\u0000", "\n",
        "\u{feff}", "\"n99\"", "\"rest\"", "n3..n1", "ms", "h",
    ]);
    let bytes =
        prop_oneof![word.prop_map(|word| word.as_bytes().to_vec()), prop::collection::vec(any::<u8>(), 0..4)];
    (any::<prop::sample::Index>(), 0..6_usize, bytes)
}

#[test]
fn a_name_with_a_dot_is_a_name_like_others() {
    let text = QUICKSTART.replace(r#""gossip""#, r#""goss.ip""#);
    let (scenario, document) = read(&text, &[]).unwrap();
    assert_eq!(scenario.node_config::<Gossip>(&document).unwrap().fanout, 3);
}

proptest! {
    // The same cases every time: what fails here fails for everybody.
    #![proptest_config(ProptestConfig {
        cases: 512,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_mutated_file_is_read_or_refused_with_a_place(edits in prop::collection::vec(edit(), 1..4)) {
        let mut bytes = EVERYTHING.as_bytes().to_vec();
        for (index, taken, put) in edits {
            let at = index.index(bytes.len());
            bytes.splice(at..(at + taken).min(bytes.len()), put);
        }
        let text = String::from_utf8_lossy(&bytes);
        match read(&text, &[]) {
            // What can be read can be written in full and read again.
            Ok((scenario, _)) => {
                let full = serde_json::to_string(&scenario).unwrap();
                let again = read(&full, &[]).map(|(again, _)| serde_json::to_string(&again).unwrap());
                prop_assert_eq!(again, Ok(full));
            }
            Err(misfit) => {
                let text = misfit.to_string();
                let place: Vec<&str> = misfit.place.split(':').collect();
                let counts = |number: &str| number.parse::<usize>().is_ok_and(|number| number > 0);
                let [name, line, column] = place[..] else { return Err(TestCaseError::fail(text)) };
                prop_assert!(name == "s.json" && counts(line), "{}", text);
                prop_assert!(counts(column), "{}", text);
            }
        }
    }
}
