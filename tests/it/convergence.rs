//! The convergence property: whatever storm is drawn, once it is over every protocol of the registry converges.
//!
//! Cases are drawn from a fixed number, so that a test that passed passes again; RUMORMILL_SEED=N draws others.

use std::cell::Cell;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestError, TestRunner};
use rumormill::node::Node;
use rumormill::protocol::{Registry as _, Visitor, builtin};
use rumormill::run::Summary;
use rumormill::workload::{Metric, Verdict, Workload};

use crate::support::{root, run_text};

/// A storm over a small cluster, before it is written as a file.
#[derive(Clone, Debug)]
struct Storm {
    seed: u64,
    nodes: u32,
    loss: u32,
    duplicate: u32,
    latency: String,
    order: &'static str,
    profile: &'static str,
    operations: Vec<(u32, u32)>,
    faults: Vec<Trouble>,
}

#[derive(Clone, Debug)]
struct Trouble {
    at: u32,
    lasts: u32,
    kind: u32,
    nodes: (u32, u32),
}

const LIMIT: u32 = 10_000;

/// The first kind of trouble that befalls hosts and not links; all that follow do, too.
const PAUSE: u32 = 6;

fn storm() -> impl Strategy<Value = Storm> {
    let latency = prop_oneof![
        (0_u32..100).prop_map(|ms| format!(r#"{{ "constant": "{ms}ms" }}"#)),
        (0_u32..50, 50_u32..400)
            .prop_map(|(a, b)| format!(r#"{{ "uniform": {{ "min": "{a}ms", "max": "{b}ms" }} }}"#)),
        (1_u32..200).prop_map(|ms| format!(r#"{{ "exponential": {{ "mean": "{ms}ms" }} }}"#)),
        (1_u32..100).prop_map(|ms| format!(r#"{{ "lognormal": {{ "median": "{ms}ms", "sigma": 0.8 }} }}"#)),
    ];
    let trouble = (0..LIMIT, 1..LIMIT / 2, 0_u32..9, (0_u32..7, 0_u32..7))
        .prop_map(|(at, lasts, kind, nodes)| Trouble { at, lasts, kind, nodes });
    (2_u32..=7).prop_flat_map(move |nodes| {
        let operations = prop::collection::vec((0..LIMIT, 0..nodes), 1..=20);
        let faults = prop::collection::vec(trouble.clone(), 0..=10);
        let order = prop_oneof![Just("any"), Just("fifo")];
        let profile = prop_oneof![Just("ideal"), Just("maelstrom")];
        let rest = (0_u32..30, 0_u32..20, latency.clone(), order, profile);
        (any::<u32>(), operations, faults, rest).prop_map(
            move |(seed, operations, faults, (loss, duplicate, latency, order, profile))| Storm {
                seed: u64::from(seed),
                nodes,
                loss,
                duplicate,
                latency,
                order,
                profile,
                operations,
                faults,
            },
        )
    })
}

impl Storm {
    /// Whether it could have got in the way. Where no node speaks to another, nothing that befalls links does.
    fn concerns(&self, summary: &Summary) -> bool {
        let befalls_hosts = |trouble: &Trouble| trouble.kind >= PAUSE;
        summary.counters.sent > 0 || self.faults.iter().any(befalls_hosts)
    }

    /// The storm as a scenario file. One disk is lost at most: with two, a value may be gone for good and rightly.
    fn file(&self, protocol: &str, workload: &str) -> String {
        let node = |at: u32| format!("n{}", at % self.nodes);
        let mut operations: Vec<String> = Vec::new();
        for (number, (at, to)) in self.operations.iter().enumerate() {
            let request = format!(r#"{{ "type": "broadcast", "message": {number} }}"#);
            operations.push(format!(
                r#"{{ "at": "{at}ms", "client": {number}, "node": "{}", "request": {request} }}"#,
                node(*to)
            ));
        }
        let mut faults: Vec<String> = Vec::new();
        let mut wiped = false;
        for Trouble { at, lasts, kind, nodes: (a, b) } in &self.faults {
            let (a, b) = (node(*a), node(*b));
            let fault = match *kind {
                0 => r#"{ "partition": "halves" }"#.to_owned(),
                1 => r#"{ "partition": "ring" }"#.to_owned(),
                2 => r#"{ "partition": "bridge" }"#.to_owned(),
                3 => format!(r#"{{ "cut": {{ "from": ["{a}"], "to": ["{b}"] }} }}"#),
                4 => format!(r#"{{ "link": {{ "from": ["{a}"], "loss": 0.8, "duplicate": 0.5 }} }}"#),
                5 => {
                    let (behind, rate) = (at % 20_000, f64::from(1 + lasts % 40) / 10.0);
                    format!(
                        r#"{{ "skew": {{ "nodes": ["{a}"], "offset": "-{behind}ms", "rate": {rate:?} }} }}"#
                    )
                }
                PAUSE => format!(r#"{{ "pause": ["{a}"] }}"#),
                7 if !wiped => {
                    wiped = true;
                    format!(r#"{{ "wipe": ["{a}"] }}"#)
                }
                _ => format!(r#"{{ "crash": ["{a}"] }}"#),
            };
            faults.push(format!(r#"{{ "at": "{at}ms", "for": "{lasts}ms", "fault": {fault} }}"#));
        }
        // Operations are written out where that is known how; elsewhere they are drawn, so many that hardly a fault
        // falls between two of them.
        let operations = match workload {
            "broadcast" => format!("\n  \"operations\": [{}],", operations.join(",\n    ")),
            _ => String::new(),
        };
        let mut file = String::new();
        let Storm { seed, nodes, latency, order, profile, .. } = self;
        let (loss, duplicate) = (f64::from(self.loss) / 100.0, f64::from(self.duplicate) / 100.0);
        write!(
            file,
            r#"{{
  "name": "storm", "seed": {seed}, "nodes": {nodes}, "protocol": {protocol},
  "network": {{ "latency": {latency}, "loss": {loss}, "duplicate": {duplicate}, "order": "{order}" }}, "profile": "{profile}",
  "workload": {{ "{workload}": {{ "rate": 20, "time_limit": "{LIMIT}ms" }} }},{}
  "faults": [{}],
  "settle": "40s"
}}
"#,
            operations,
            faults.join(",\n    ")
        )
        .unwrap();
        file
    }
}

struct RunText<'a>(&'a str);

impl Visitor for RunText<'_> {
    type Output = Summary;

    fn visit<W, N>(self) -> Summary
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        run_text::<W, N>(self.0)
    }
}

fn run_file(protocol: &str, file: &str) -> Summary {
    builtin().with(protocol, RunText(file)).unwrap_or_else(|_| panic!("{protocol} is in the registry"))
}

fn runner(cases: u32) -> TestRunner {
    let seed = std::env::var("RUMORMILL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let config = ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
}

/// Whether something got in the way of a message, a request or an answer.
fn acted(summary: &Summary) -> bool {
    let counters = summary.counters;
    let dropped = counters.lost + counters.cut + counters.down + counters.requests_dropped;
    dropped + counters.held + counters.duplicated > 0
        || summary
            .metric("spread_to_100")
            .is_some_and(|spread| spread != Metric::Span(rumormill::time::Span::ZERO))
}

#[test]
fn every_protocol_converges_after_any_storm() {
    for row in builtin().rows() {
        converges(row.name, "{}", row.workload, row.name);
    }
}

#[test]
fn flood_converges_over_every_overlay_and_when_it_gathers() {
    for (knobs, case) in [
        (r#"{ "batch": "150ms" }"#, "flood-batch"),
        (r#"{ "overlay": "star" }"#, "flood-star"),
        (r#"{ "overlay": "star", "hub_batch": "380ms", "retry": "300ms" }"#, "flood-hub"),
        (r#"{ "overlay": { "tree": 4 }, "batch": "20ms" }"#, "flood-tree"),
        (r#"{ "overlay": { "tree": 1 } }"#, "flood-line"),
    ] {
        converges("flood", knobs, "broadcast", case);
    }
}

/// Runs 200 storms over a protocol with these knobs; a file named after the case keeps the one that hurt it.
fn converges(name: &str, knobs: &str, workload: &str, case: &str) {
    let (cases, acting) = (Cell::new(0_u32), Cell::new(0_u32));
    let protocol = format!(r#"{{ "{name}": {knobs} }}"#);
    let result = runner(200).run(&storm(), |storm| {
        let summary = run_file(name, &storm.file(&protocol, workload));
        if storm.concerns(&summary) {
            cases.set(cases.get() + 1);
            acting.set(acting.get() + u32::from(acted(&summary)));
        }
        let texts: Vec<&str> = summary.problems.iter().map(|problem| problem.text.as_str()).collect();
        prop_assert!(
            matches!(summary.verdict, Verdict::Pass | Verdict::Unknown),
            "{texts:?} {:#?}",
            summary.stories
        );
        Ok(())
    });
    if let Err(TestError::Fail(why, storm)) = &result {
        let folder = root().join("failures");
        let path = folder.join(format!("convergence-{case}.json"));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(&path, storm.file(&protocol, workload)).unwrap();
        panic!("{case} does not converge: {why}\nreplay: cargo run -- run {}", path.display());
    }
    result.unwrap();
    assert!(
        cases.get() >= 100 && acting.get() * 10 >= cases.get() * 9,
        "{case}: {} of {} storms got in the way",
        acting.get(),
        cases.get()
    );
}

/// The property can fail: without repair it does, and not seldom.
#[test]
fn without_repair_gossip_does_not_always_converge() {
    assert!(failures("gossip", r#"{ "gossip": { "anti_entropy": null } }"#) >= 1);
}

#[test]
fn a_blind_flood_does_not_always_converge() {
    assert!(failures("flood", r#"{ "flood": { "retry": null } }"#) >= 10);
}

/// How many of 100 storms hurt a protocol.
fn failures(name: &str, protocol: &str) -> u32 {
    let failures = Cell::new(0_u32);
    let ran = runner(100).run(&storm(), |storm| {
        let summary = run_file(name, &storm.file(protocol, "broadcast"));
        failures.set(failures.get() + u32::from(summary.verdict == Verdict::Fail));
        Ok(())
    });
    ran.unwrap();
    failures.get()
}
