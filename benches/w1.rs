//! W1: nanoseconds per delivery of `Sim<Gossip>` with everything on, beside the bare loop, in the same run.
//!
//! `cargo bench --bench w1 [NODES...]`. Each figure is the least of several runs, as these machines are noisy; the
//! ratio of the two is what counts. The nodes start within the run; the rest of the construction is measured apart.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the real clock"
)]

use std::time::Instant;

use rumormill::id::{ClientId, NodeId};
use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::ratio::Chance;
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::{Setup, Sim};
use rumormill::time::{Span, Time};
use rumormill::value::Value;
use rumormill::workload::broadcast::Request;
use rumormill::workload::{Effects, Operation, Phase};

mod bare;

fn setup(nodes: u32, seed: u64) -> Setup<Gossip> {
    let broadcast = Operation {
        at: Time::ZERO,
        client: ClientId(0),
        node: NodeId(0),
        request: Request::Broadcast { message: Value::from(1) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    };
    let (min, max) = bare::LATENCY;
    Setup {
        network: NetworkConfig {
            latency: Latency::Uniform { min, max },
            loss: Chance::new(bare::LOSS_PERCENT as f64 / 100.0).expect("a probability"),
            ..NetworkConfig::default()
        },
        operations: vec![broadcast],
        end: Time::ZERO + Span::from_secs(3_600),
        ..Setup::new(seed, nodes, Config { fanout: bare::FANOUT as u32, anti_entropy: None })
    }
}

/// Nanoseconds per delivery of one run of the bare loop.
fn bare_loop(nodes: u32, seed: u64) -> f64 {
    let began = Instant::now();
    let deliveries = bare::run(nodes, seed);
    began.elapsed().as_nanos() as f64 / deliveries as f64
}

/// Nanoseconds per delivery of one simulated run, and per node of constructing its cluster.
fn simulator(nodes: u32, seed: u64) -> (f64, f64) {
    let setup = setup(nodes, seed);
    let began = Instant::now();
    let mut sim = Sim::new(setup, ());
    let constructed = began.elapsed().as_nanos() as f64 / f64::from(nodes);
    let began = Instant::now();
    sim.run();
    (began.elapsed().as_nanos() as f64 / sim.counters().delivered as f64, constructed)
}

fn main() {
    let named: Vec<u32> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if named.is_empty() { vec![1_000, 10_000, 100_000] } else { named };
    println!("{:>10} {:>12} {:>12} {:>7} {:>14}", "nodes", "bare ns", "sim ns", "ratio", "construct ns");
    for nodes in sizes {
        let runs = (2_000_000 / nodes).clamp(3, 50);
        let (mut bare, mut sim, mut constructed) = (f64::MAX, f64::MAX, f64::MAX);
        for seed in 0..u64::from(runs) {
            bare = bare.min(bare_loop(nodes, seed));
            let (ran, built) = simulator(nodes, seed);
            sim = sim.min(ran);
            constructed = constructed.min(built);
        }
        println!("{nodes:>10} {bare:>12.1} {sim:>12.1} {:>7.2} {constructed:>14.1}", sim / bare);
    }
}
