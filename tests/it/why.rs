//! `why`: chance at one instant that decides is found, what faults decide is told apart, threads change nothing.

use expect_test::expect;
use rumormill::protocol::flood::Flood;
use rumormill::rng::Reseed;
use rumormill::run::transcript::{Transcript, Window};
use rumormill::run::{explicit, run_reseeded, run_written_out};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;
use rumormill::time::{Span, Time};
use rumormill::workload::broadcast::Broadcast;

use crate::program::Desk;

/// A value goes down a line of three nodes; its last link may lose it at 5.010 s, and nothing is sent again.
const CHANCE: &str = r#"{
  "name": "chance", "seed": 2, "nodes": 3, "topology": "line",
  "protocol": { "flood": { "retry": null } },
  "network": { "latency": { "constant": "10ms" }, "links": [{ "from": ["n1"], "to": ["n2"], "loss": 0.5 }] },
  "workload": { "broadcast": { "time_limit": "6s" } },
  "operations": [
    { "at": "1s", "client": 2, "node": "n2", "request": { "type": "read" } },
    { "at": "5s", "client": 0, "node": "n0", "request": { "type": "broadcast", "message": 3 } }
  ],
  "settle": "1s"
}
"#;

/// The same line without any loss, cut for good.
fn cut() -> String {
    let fault = r#""faults": [{ "at": "4s", "fault": { "partition": [["n0"], ["rest"]] } }], "settle""#;
    CHANCE.replace("0.5", "0.0").replace(r#""settle""#, fault)
}

/// A scenario and the first seed with which it fails.
fn failing(text: &str) -> (Desk, String) {
    let desk = Desk::with("s.json", text);
    let fails = |seed: &u32| desk.run(["run", "s.json", "--seed", &seed.to_string()]).code == 1;
    let seed = (0..20).find(fails).expect("one of twenty seeds fails");
    (desk, seed.to_string())
}

#[test]
fn the_instant_that_decided_is_found() {
    let (desk, seed) = failing(CHANCE);
    let said = desk.run(["why", "s.json", "--seed", &seed, "--samples", "40", "--grid", "7"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    let lines: Vec<&str> = said.out.lines().filter(|line| !line.starts_with("replay ")).collect();
    expect![[r#"
        chance, seed 1, fails: broadcast: never arrived
        All chance from an instant on is drawn anew, 40 times: how often does it fail the same way?

        redrawn from  fails
           0.000000s   0.47  ███████████████████
           1.000000s   0.38  ███████████████
           5.000000s   0.50  ████████████████████
           5.010000s   0.47  ███████████████████
           7.000000s   1.00  ████████████████████████████████████████
             nothing   1.00  ████████████████████████████████████████

        decided at 5.010000s: redrawn from 5.010000s on, 19 of 40 fail; with that instant kept, 40 of 40

        what happened then
             0.000000s  n0            start         incarnation 0
             0.000000s  n1            start         incarnation 0
             0.000000s  n2            start         incarnation 0
             1.000000s  c2 -> n2      invoke        read
             1.000000s  c2 -> n2      request
             1.000000s  n2 -> c2      ok            read_ok []
             5.000000s  c0 -> n0      invoke        broadcast 3
             5.000000s  c0 -> n0      request
             5.000000s  n0            event         delivered value 3, hops 0
             5.000000s  n0 -> c0      ok            broadcast_ok
        >    5.010000s  n0 -> n1      deliver       tell [{message 3, hops 1}] (sent 5.000000s)
        >    5.010000s  n1            event         delivered value 3, hops 1
        >    5.010000s  n1 -> n2      drop          lost: tell [{message 3, hops 2}] (sent 5.010000s)
             7.000000s  c1 -> n1      invoke        read
             7.000000s  c1 -> n1      request
             7.000000s  n1 -> c1      ok            read_ok [3]
             7.000000s  c2 -> n2      invoke        read
             7.000000s  c2 -> n2      request
             7.000000s  n2 -> c2      ok            read_ok []
             7.000000s  c0 -> n0      invoke        read
             7.000000s  c0 -> n0      request
             7.000000s  n0 -> c0      ok            read_ok [3]

    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn what_faults_decide_is_decided_from_the_start() {
    let (desk, seed) = failing(&cut());
    let said = desk.run(["why", "s.json", "--seed", &seed, "--samples", "10", "--grid", "5"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("\ndecided from the start: "), "{said:?}");
    let json =
        desk.run(["why", "s.json", "--seed", &seed, "--samples", "10", "--grid", "5", "--json"]).json();
    assert_eq!((json["decided"].as_str(), json["between-ns"].is_null()), (Some("from-the-start"), true));
}

#[test]
fn any_number_of_threads_prints_the_same() {
    let (desk, seed) = failing(CHANCE);
    for more in [&["--json"][..], &[]] {
        let said =
            |jobs: &str| desk.run(["why", "s.json", "--seed", &seed, "--jobs", jobs].iter().chain(more));
        assert_eq!(said("1").out, said("3").out);
    }
    let json = desk.run(["why", "s.json", "--seed", &seed, "--json"]).json();
    assert_eq!(json["decided"], "at", "{json}");
    assert_eq!(json["between-ns"][0], 5_010_000_000_u64, "{json}");
    let points = json["points"].as_array().unwrap();
    assert!(points.iter().all(|point| point["samples"] == 20), "{json}");
    assert!(points.last().unwrap()["redrawn-from-ns"].is_null(), "{json}");
}

#[test]
fn a_run_that_does_not_fail_has_no_why() {
    let desk = Desk::with("s.json", CHANCE.replace("0.5", "0.0"));
    let said = desk.run(["why", "s.json"]);
    assert_eq!((said.code, said.out.as_str()), (64, ""), "{said:?}");
    assert!(
        said.talk.contains("does not fail") && said.talk.contains("give a --seed that fails"),
        "{said:?}"
    );
    for args in [["--samples", "0"], ["--grid", "x"], ["--jobs", "0"]] {
        assert_eq!(desk.run(["why", "s.json"].iter().chain(&args)).code, 64, "{args:?}");
    }
}

#[test]
fn a_file_may_expect_the_failure() {
    let (desk, seed) = failing(&CHANCE.replace(r#""settle""#, r#""expect": { "lost": "<1" }, "settle""#));
    let args =
        ["why", "s.json", "--seed", &seed, "--set", "expect.verdict=fail", "--samples", "2", "--grid", "2"];
    assert_eq!(desk.run(args).code, 0);
}

/// A run of [`CHANCE`] as a transcript, whose chance comes from another seed from an instant on, if from any.
fn transcript(reseed: Option<Reseed>) -> Vec<String> {
    let text = CHANCE.replace(r#""constant": "10ms""#, r#""uniform": { "min": "1ms", "max": "20ms" }"#);
    let document = Document::parse("s.json", &text).unwrap();
    let scenario = Scenario::read(&document).unwrap();
    let full = explicit::<Broadcast, Flood>(&scenario, &document).unwrap();
    let mut told = Vec::new();
    let mut transcript = Transcript::new(&mut told, Window::ALL, &[]);
    match reseed {
        None => run_written_out::<Broadcast, Flood, _>(&full, &mut transcript),
        Some(reseed) => run_reseeded::<Broadcast, Flood, _>(&full, reseed, &mut transcript),
    };
    String::from_utf8(told).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn what_is_before_the_redrawn_future_stays() {
    let original = transcript(None);
    let from = |secs| Time::ZERO + Span::from_secs(secs);
    assert_eq!(transcript(Some(Reseed { from: from(0), seed: 2 })), original, "the seed is the run's own");
    assert_eq!(transcript(Some(Reseed { from: from(6), seed: 9 })), original, "nothing is drawn so late");
    let redrawn = transcript(Some(Reseed { from: from(5), seed: 9 }));
    assert_ne!(redrawn, original);
    let past = |lines: &[String]| -> Vec<String> {
        lines.iter().filter(|line| !line.trim().starts_with(['5', '7'])).cloned().collect()
    };
    assert!(past(&original).len() > 5, "{original:?}");
    assert_eq!(past(&redrawn), past(&original));
}
