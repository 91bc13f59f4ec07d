//! Epidemic mathematics: nanoseconds per push of trials that are played.
//!
//! `cargo bench --bench epidemic [NODES...]`. Each figure is the least of several runs on one thread, as these machines
//! are noisy. As many rounds are played as nearly never inform everyone, so that every push that is counted is drawn.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the real clock"
)]

use std::time::Instant;

use rumormill::epidemic::{Mode, Setting, monte_carlo};
use rumormill::ratio::Chance;

/// About how many pushes are timed at once.
const PUSHES: u64 = 20_000_000;

/// Nanoseconds per push: of the quickest of several runs.
fn push(setting: &Setting, runs: u64) -> f64 {
    let one = monte_carlo::trials(setting, 1, 0).expect("it can be played").messages.mean;
    let trials = (PUSHES as f64 / one) as u64 + 1;
    let run = |seed| {
        let began = Instant::now();
        let played = monte_carlo::trials(setting, trials, seed).expect("it can be played");
        began.elapsed().as_nanos() as f64 / (played.messages.mean * trials as f64)
    };
    (0..runs).map(run).fold(f64::MAX, f64::min)
}

fn monte_carlo(sizes: &[u64]) {
    println!("{:>10} {:>7} {:>8} {:>8} {:>14}", "nodes", "fanout", "rounds", "loss", "ns per push");
    let played = |nodes, fanout, rounds, loss| {
        let loss = Chance::new(loss).expect("a probability");
        let setting = Setting { nodes, fanout, rounds: Some(rounds), loss, mode: Mode::Push };
        let nanos = push(&setting, 7);
        println!("{nodes:>10} {fanout:>7} {rounds:>8} {:>8} {nanos:>14.2}", loss.as_f64());
    };
    for nodes in sizes {
        let rounds = |fanout: u64| {
            let nodes = *nodes as f64;
            (libm::log(nodes) / libm::log(1.0 + fanout as f64) + 0.5 * libm::log(nodes) / fanout as f64)
                as u32
        };
        played(*nodes, 3, rounds(3), 0.0);
        played(*nodes, 3, rounds(3), 0.05);
    }
    let largest = sizes.iter().copied().max().unwrap_or(1_000_000);
    for (fanout, rounds) in [(1, 27), (2, 17), (4, 11), (8, 7), (20, 5)] {
        played(largest, fanout, rounds, 0.0);
    }
}

fn main() {
    let named: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if named.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { named };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| monte_carlo(&sizes));
}
