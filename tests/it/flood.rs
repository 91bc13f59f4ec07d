//! Flood: as many messages as arithmetic says when it is calm, everything everywhere after any storm.

use rumormill::id::{ClientId, NodeId};
use rumormill::protocol::flood::{Config, Flood, Overlay};
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::{Counters, Setup, Sim, Stop};
use rumormill::time::{Span, Time};
use rumormill::topology::Topology;
use rumormill::value::Value;
use rumormill::workload::broadcast::Request;
use rumormill::workload::{Effects, Operation, Phase};

const NODES: u32 = 25;
const ADDS: u32 = 40;

fn blind() -> Config {
    Config { retry: None, ..Config::default() }
}

fn tree(branches: u32) -> Overlay {
    Overlay::Tree(branches.try_into().unwrap())
}

/// Forty values over four seconds, latencies such that no answer takes a second; ends with all values everywhere.
fn calm(seed: u64, topology: Topology, config: Config) -> Counters {
    let broadcast = |number: u32| Operation {
        at: Time::ZERO + Span::from_millis(3_000 + 97 * u64::from(number)),
        client: ClientId(number % NODES),
        node: NodeId(number * 7 % NODES),
        request: Request::Broadcast { message: Value::from(i64::from(number)) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    };
    let latency = Latency::Uniform { min: Span::from_nanos(1), max: Span::from_millis(200) };
    let mut sim = Sim::new(
        Setup {
            topology,
            network: NetworkConfig { latency, ..NetworkConfig::default() },
            operations: (0..ADDS).map(broadcast).collect(),
            workers: NODES,
            storm_end: Time::ZERO + Span::from_secs(8),
            end: Time::ZERO + Span::from_secs(60),
            ..Setup::<Flood>::new(seed, NODES, config)
        },
        (),
    );
    assert_eq!(sim.run(), Stop::Done);
    for node in (0..NODES).map(NodeId) {
        let disk = serde_json::to_value(rumormill::node::Node::durable(sim.node(node).unwrap())).unwrap();
        assert_eq!(disk["values"].as_array().unwrap().len(), ADDS as usize, "{node}");
    }
    sim.counters()
}

#[test]
fn a_calm_flood_sends_exactly_as_many_messages_as_there_are_ways() {
    let given = Overlay::Given;
    for (topology, overlay, each) in [
        (Topology::Line, given, 24),
        (Topology::Tree4, given, 24),
        (Topology::Grid, given, 56),
        (Topology::Total, given, 576),
        (Topology::Grid, Overlay::Star, 24),
        (Topology::Total, tree(4), 24),
        (Topology::Line, tree(1), 24),
    ] {
        for seed in 0..20 {
            let config = Config { overlay, ..blind() };
            let sent = calm(seed, topology, config).sent;
            assert_eq!(sent, each * u64::from(ADDS), "{topology:?} {overlay:?} blind, seed {seed}");
            let config = Config { overlay, ..Config::default() };
            let sent = calm(seed, topology, config).sent;
            assert_eq!(sent, 2 * each * u64::from(ADDS), "{topology:?} {overlay:?}, seed {seed}");
        }
    }
}

#[test]
fn a_tree_overlay_is_the_topology_of_that_name() {
    let sim = |topology, overlay| calm(3, topology, Config { overlay, ..Config::default() });
    assert_eq!(sim(Topology::Tree4, Overlay::Given), sim(Topology::Line, tree(4)));
}

#[test]
fn gathering_joins_values() {
    let sent = |overlay, batch, hub_batch: Option<u64>| {
        let hub_batch = hub_batch.map(Span::from_millis);
        let config = Config { overlay, batch: Span::from_millis(batch), hub_batch, ..blind() };
        calm(5, Topology::Grid, config).sent
    };
    for overlay in [Overlay::Given, Overlay::Star, tree(4)] {
        let counts = [0, 200, 1_000].map(|batch| sent(overlay, batch, None));
        assert!(counts[1] * 10 < counts[0] * 9 && counts[2] * 3 < counts[1] * 2, "{overlay:?}: {counts:?}");
    }
    // Each value once to the hub (but those that it was handed itself), and one message a ray for each flush.
    let (sent, handed) = (sent(Overlay::Star, 0, Some(10_000)), u64::from(ADDS / NODES) + 1);
    assert_eq!(sent, u64::from(ADDS) - handed + u64::from(NODES - 1));
}
