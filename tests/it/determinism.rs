//! What decides what: taking something out of a run leaves every decision alone that does not depend on it.

use std::collections::BTreeMap;

use rumormill::id::{ClientId, Members, NodeId};
use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::ratio::Chance;
use rumormill::sim::fault::{DrawnPartition, Fault, FaultKind, Partition};
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::{Observer, Record, Setup, Sim};
use rumormill::time::{Span, Time};
use rumormill::workload::broadcast::{Event, Request};
use rumormill::workload::{Effects, Operation, Phase};
use rumormill::{NodeId as Node, Value};

/// Where and when each value was first delivered, and every line of what happened.
#[derive(Default)]
struct Watch {
    deliveries: BTreeMap<(Value, Node), Time>,
    lines: Vec<(Time, String)>,
}

impl Observer<Gossip> for Watch {
    fn observe(&mut self, at: Time, record: &Record<'_, Gossip>) {
        if let Record::Event(node, Event::Delivered { value, .. } | Event::Repaired { value }) = record {
            self.deliveries.entry((value.clone(), *node)).or_insert(at);
        }
        self.lines.push((at, format!("{record:?}")));
    }
}

fn millis(millis: u64) -> Time {
    Time::ZERO + Span::from_millis(millis)
}

/// 25 nodes, 40 broadcasts, loss, duplicates, repair on.
fn setup() -> Setup<Gossip> {
    let broadcast = |number: u32| Operation {
        at: millis(100 + 75 * u64::from(number)),
        client: ClientId(number % 25),
        node: NodeId(number * 7 % 25),
        request: Request::Broadcast { message: Value::from(i64::from(number)) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    };
    Setup {
        network: NetworkConfig {
            latency: Latency::Exponential { mean: Span::from_millis(20) },
            loss: Chance::new(0.1).unwrap(),
            duplicate: Chance::new(0.02).unwrap(),
            ..NetworkConfig::default()
        },
        operations: (0..40).map(broadcast).collect(),
        workers: 25,
        storm_end: millis(5_000),
        end: millis(12_000),
        ..Setup::new(29, 25, Config { fanout: 3, anti_entropy: Some(Span::from_millis(500)) })
    }
}

fn watch(setup: Setup<Gossip>) -> Watch {
    let mut watch = Watch::default();
    Sim::new(setup, &mut watch).run();
    watch
}

#[test]
fn an_operation_taken_out_leaves_the_other_values_deliveries_alone() {
    let whole = watch(setup()).deliveries;
    assert_eq!(whole.len(), 40 * 25, "every value reaches every node");
    let mut worst = 1.0_f64;
    for without in 0..40 {
        let mut less = setup();
        less.operations.remove(without);
        let value = Value::from(without as i64);
        let less = watch(less).deliveries;
        let others = whole.iter().filter(|((other, _), _)| *other != value);
        let same = others.filter(|(key, at)| less.get(key) == Some(at)).count();
        worst = worst.min(same as f64 / (39.0 * 25.0));
    }
    assert!(worst >= 0.99, "only {:.2} % of the other deliveries are identical", worst * 100.0);
}

#[test]
fn a_node_taken_out_leaves_what_it_never_met_alone() {
    let whole = watch(setup()).deliveries;
    let mut less = setup();
    less.members = Members::all(25).without(&"n24".parse().unwrap());
    less.operations.retain(|operation| operation.node != NodeId(24));
    let less = watch(less).deliveries;
    // A value's first hops are drawn before the absent node could matter to it.
    let first = whole.iter().filter(|((_, node), at)| node.0 != 24 && at.as_nanos() < 130_000_000);
    let (same, all) =
        first.fold((0, 0), |(same, all), (key, at)| (same + usize::from(less.get(key) == Some(at)), all + 1));
    assert!(all > 5 && same * 10 >= all * 8, "{same} of {all}");
}

#[test]
fn a_fault_taken_out_leaves_everything_before_it_alone() {
    let members = Members::all(25);
    let fault = |at, kind| {
        Fault { at: millis(at), lasts: Some(Span::from_millis(800)), fault: kind }.drawn(29, &members, 0)
    };
    let faults = vec![
        fault(1_000, FaultKind::Partition(Partition::Drawn(DrawnPartition::Halves))),
        fault(2_000, FaultKind::Crash("n3..n9".parse().unwrap())),
    ];
    let stormy = watch(Setup { faults: faults.clone(), ..setup() });
    let calmer = watch(Setup { faults: faults[..1].to_vec(), ..setup() });
    let before =
        |watch: &Watch| watch.lines.iter().filter(|(at, _)| *at < millis(2_000)).cloned().collect::<Vec<_>>();
    assert!(before(&stormy).len() > 1_000);
    assert_eq!(before(&stormy), before(&calmer));
    assert_ne!(stormy.lines, calmer.lines);
}

#[test]
fn the_digest_names_the_trace() {
    let digest = |setup: Setup<Gossip>| {
        let mut sim = Sim::new(setup, ());
        sim.run();
        sim.digest()
    };
    let watched = |setup| {
        let mut sim = Sim::new(setup, Watch::default());
        sim.run();
        sim.digest()
    };
    assert_eq!(digest(setup()), digest(setup()));
    assert_eq!(digest(setup()), watched(setup()), "watching changes nothing");
    assert_ne!(digest(setup()), digest(Setup { seed: 30, ..setup() }));
    let mut one_less = setup();
    one_less.operations.pop();
    assert_ne!(digest(setup()), digest(one_less));
}
