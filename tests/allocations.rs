//! The hot loop does not allocate once it is warm: what is allocated grows with what a run holds, not with its events.

use counting_allocator::{Counting, counted};
use rumormill::id::{ClientId, NodeId};
use rumormill::node::Node;
use rumormill::protocol::flood::{self, Flood};
use rumormill::protocol::gossip::{self, Gossip};
use rumormill::ratio::Chance;
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::{Setup, Sim};
use rumormill::time::{Span, Time};
use rumormill::topology::Topology;
use rumormill::value::Value;
use rumormill::workload::broadcast::Request;
use rumormill::workload::{Effects, Operation, Phase};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn broadcasts(nodes: u32, values: u32) -> Vec<Operation<Request>> {
    let broadcast = |number: u32| Operation {
        at: Time::ZERO + Span::from_millis(10 * u64::from(number)),
        client: ClientId(number),
        node: NodeId(number % nodes),
        request: Request::Broadcast { message: Value::from(i64::from(number)) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    };
    (0..values).map(broadcast).collect()
}

/// Messages delivered in a run, and allocations.
fn run<N: Node>(setup: Setup<N>) -> (u64, u64) {
    let mut sim = Sim::new(setup, ());
    let (_, allocations) = counted(|| sim.run());
    (sim.counters().delivered, allocations)
}

/// One rumour among many nodes, uniform latency, some loss.
fn rumour(nodes: u32) -> (u64, u64) {
    run(Setup {
        network: NetworkConfig {
            latency: Latency::Uniform { min: Span::from_millis(1), max: Span::from_millis(100) },
            loss: Chance::new(0.05).expect("a probability"),
            ..NetworkConfig::default()
        },
        operations: broadcasts(nodes, 1),
        end: Time::ZERO + Span::from_secs(10),
        ..Setup::<Gossip>::new(1, nodes, gossip::Config { fanout: 4, anti_entropy: None })
    })
}

#[test]
fn a_rumour_allocates_for_room_and_not_for_messages() {
    let (_, of_few) = rumour(1_000);
    let (delivered, allocations) = rumour(16_000);
    assert!(delivered > 50_000);
    // Room doubles: sixteen times as many nodes need four more steps in each of the queue's buffers that are in use.
    assert!(allocations < 1_000 && allocations < 3 * of_few, "{of_few}, then {allocations}");
}

/// Values on a tree, with acknowledgements.
fn tree(values: u32) -> (u64, u64) {
    run(Setup {
        topology: Topology::Tree4,
        network: NetworkConfig {
            latency: Latency::Constant(Span::from_millis(100)),
            ..NetworkConfig::default()
        },
        operations: broadcasts(25, values),
        end: Time::ZERO + Span::from_secs(30),
        ..Setup::<Flood>::new(1, 25, flood::Config::default())
    })
}

/// What grows is the list of values of each node, and the history.
#[test]
fn acknowledged_values_allocate_for_room_and_not_for_messages() {
    let ((few, before), (more, after)) = (tree(500), tree(1_000));
    let each = (after - before) as f64 / (more - few) as f64;
    assert!(each < 0.05, "{each} a delivery");
}
