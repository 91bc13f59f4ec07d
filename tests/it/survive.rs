//! What workloads say that their protocols survive, they do: every one of those troubles, on few nodes and on more, with
//! and without latency, over many seeds. RUMORMILL_SEEDS=200 looks at more of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rumormill::NodeId;
use rumormill::node::Node;
use rumormill::protocol::{Registry as _, Row, Visitor, builtin};
use rumormill::run::{Summary, run};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::{Document, Misfit};
use rumormill::sim::fault::{Fault, FaultKind};
use rumormill::sim::{Observer, Record};
use rumormill::sweep::{Outcome, Tally, sweep};
use rumormill::time::{Span, Time};
use rumormill::workload::{Trouble, Workload};

/// One trouble for one protocol.
#[derive(Clone, Copy)]
struct Case<'a> {
    row: &'a Row,
    trouble: Trouble,
    nodes: u32,
    latency: Span,
}

impl Case<'_> {
    fn scenario(&self) -> String {
        let Case { row, trouble, nodes, latency } = self;
        format!(
            r#"{{ "name": "survive", "nodes": {nodes}, "protocol": {{ "{}": {{}} }}, "topology": "grid",
                 "network": {{ "latency": {{ "constant": "{}ns" }} }},
                 "workload": {{ "{}": {{ "rate": 20, "time_limit": "10s" }} }},
                 "nemesis": {{ "kinds": ["{trouble}"], "interval": "2s" }} }}"#,
            row.name,
            latency.as_nanos(),
            row.workload
        )
    }

    fn replay(&self, seed: u64) -> String {
        let Case { row, trouble, nodes, latency } = self;
        format!(
            "rumormill test -w {} -p {} --node-count {nodes} --rate 20 --time-limit 10 --latency {} --nemesis {trouble} \
             --nemesis-interval 2 --seed {seed}",
            row.workload,
            row.name,
            latency.as_millis()
        )
    }
}

/// What can be felt of a trouble beside what is counted.
#[derive(Default)]
struct Felt {
    /// How long the slowest message took that arrived.
    slowest: Span,
    /// Who had something to do, and when.
    inputs: Vec<(Time, NodeId)>,
}

impl<N: Node> Observer<N> for Felt {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::Deliver(passage, _) => {
                self.slowest = self.slowest.max(at.since(passage.sent));
                self.inputs.push((at, passage.dst));
            }
            Record::Request(_, _, node) | Record::Timer(node, _) => self.inputs.push((at, *node)),
            _ => {}
        }
    }
}

impl Felt {
    fn acted(&self, case: &Case<'_>, summary: &Summary) -> bool {
        let counters = &summary.counters;
        match case.trouble {
            Trouble::Partition => counters.cut > 0,
            Trouble::Crash => counters.crashes > 0 && counters.restarts > 0,
            Trouble::Wipe => counters.wipes > 0 && counters.restarts > 0,
            Trouble::Pause => counters.held > 0,
            Trouble::Flaky => counters.lost > 0 && counters.duplicated > 0,
            Trouble::Slow => self.slowest > case.latency + case.latency + Span::from_millis(100),
            Trouble::Skew => summary.faults.iter().any(|fault| self.works_by_a_wrong_clock(fault)),
        }
    }

    fn works_by_a_wrong_clock(&self, fault: &Fault) -> bool {
        let FaultKind::Skew(skew) = &fault.fault else { return false };
        let end = fault.at + fault.lasts.expect("what a nemesis draws has an end");
        self.inputs.iter().any(|(at, node)| (fault.at..end).contains(at) && skew.nodes.contains(*node))
    }
}

/// What many seeds of a case came to.
struct Swept {
    tally: Tally,
    /// In how many the trouble could be felt.
    acted: u64,
    /// How many messages passed between nodes.
    sent: u64,
}

impl Visitor for Case<'_> {
    type Output = Swept;

    fn visit<W, N>(self) -> Swept
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let document = Document::parse("a test's scenario", &self.scenario()).unwrap();
        let base = Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}"));
        let (felt, sent) = (AtomicU64::new(0), AtomicU64::new(0));
        let one = |seed| {
            let mut watch = Felt::default();
            let summary = run::<W, N, _>(&Scenario { seed, ..base.clone() }, &document, &mut watch)?;
            felt.fetch_add(u64::from(watch.acted(&self, &summary)), Ordering::Relaxed);
            sent.fetch_add(summary.counters.sent, Ordering::Relaxed);
            Ok::<_, Misfit>(Outcome::new(seed, &summary, &[]))
        };
        let mut tally = Tally::default();
        let jobs = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let each = |outcome: Outcome| {
            tally.add(&outcome);
            Ok(())
        };
        sweep(0..seeds(), jobs, &AtomicBool::new(false), one, each)
            .unwrap_or_else(|misfit| panic!("{misfit}"));
        Swept { tally, acted: felt.into_inner(), sent: sent.into_inner() }
    }
}

fn seeds() -> u64 {
    std::env::var("RUMORMILL_SEEDS").map_or(20, |seeds| seeds.parse().expect("RUMORMILL_SEEDS is a number"))
}

/// The first protocol of each workload, flood and relay.
fn rows() -> Vec<Row> {
    let rows = builtin().rows();
    let first = |at: usize| rows[..at].iter().all(|row| row.workload != rows[at].workload);
    let wanted = (0..rows.len()).filter(|at| first(*at) || ["flood", "relay"].contains(&rows[*at].name));
    wanted.map(|at| rows[at].clone()).collect()
}

#[test]
fn every_protocol_survives_what_its_workload_holds_it_to() {
    assert_eq!(rows().len(), 8);
    for row in &rows() {
        for trouble in row.survives.iter().copied() {
            for (nodes, millis) in [(5, 0), (5, 100), (25, 0), (25, 100)] {
                let case = Case { row, trouble, nodes, latency: Span::from_millis(millis) };
                let swept =
                    builtin().with(row.name, case).unwrap_or_else(|_| panic!("{} is there", row.name));
                if let Some((seed, reason)) = &swept.tally.first {
                    let Tally { failures, runs, .. } = swept.tally;
                    panic!("{failures} of {runs} seeds failed; {reason}\n{}", case.replay(*seed));
                }
                // Where nodes do not talk, nothing can happen to what they say.
                let on_links = matches!(trouble, Trouble::Partition | Trouble::Flaky | Trouble::Slow);
                let felt = swept.acted >= swept.tally.runs * 9 / 10 || (on_links && swept.sent == 0);
                assert!(felt, "felt in {} of {} seeds: {}", swept.acted, swept.tally.runs, case.replay(0));
            }
        }
    }
}
