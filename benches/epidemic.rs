//! Epidemic mathematics: nanoseconds per push of trials that are played, milliseconds of exact answers.
//!
//! `cargo bench --bench epidemic [NODES...]`. Each figure is the least of several runs on one thread, as these machines
//! are noisy. As many rounds are played as nearly never inform everyone, so that every push that is counted is drawn.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints and reads the real clock"
)]

use std::time::Instant;

use rumormill::epidemic::min_fanout::{Criterion, min_fanout};
use rumormill::epidemic::{Method, Mode, Sender, Setting, answer, monte_carlo};
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

/// Milliseconds of the quickest of five.
fn least(work: impl Fn()) -> f64 {
    let once = |_| {
        let began = Instant::now();
        work();
        began.elapsed().as_secs_f64() * 1e3
    };
    (0..5).map(once).fold(f64::MAX, f64::min)
}

fn exact() {
    println!(
        "\n{:<10} {:>8} {:>7} {:>8} {:>6} {:>12} {:>10}",
        "mode", "nodes", "fanout", "rounds", "loss", "method", "ms"
    );
    let once = Mode::PushOnce(Sender::Drawn);
    for (name, mode, nodes, fanout, rounds, loss) in [
        ("push", Mode::Push, 25, 3, Some(5), 0.0),
        ("push", Mode::Push, 1_000, 3, Some(10), 0.1),
        ("push", Mode::Push, 10_000, 3, Some(10), 0.0),
        ("push", Mode::Push, 10_000, 3, Some(10), 0.1),
        ("push", Mode::Push, 1_000_000, 3, Some(15), 0.1),
        ("push-once", once, 10_000, 4, None, 0.0),
        ("pull", Mode::Pull, 1_000, 3, Some(10), 0.1),
        ("push-pull", Mode::PushPull, 1_000, 3, Some(10), 0.1),
    ] {
        let loss = Chance::new(loss).expect("a probability");
        let setting = Setting { nodes, fanout, rounds, loss, mode };
        let method = match answer(&setting).expect("it can be answered").method {
            Method::Exact { .. } => "exact",
            Method::Approximate { .. } => "approximate",
        };
        let millis = least(|| _ = answer(&setting));
        let rounds = rounds.map_or("silence".to_owned(), |rounds| rounds.to_string());
        println!(
            "{name:<10} {nodes:>8} {fanout:>7} {rounds:>8} {:>6} {method:>12} {millis:>10.2}",
            loss.as_f64()
        );
    }
    let target = Chance::new(0.99).expect("a probability");
    let setting = Setting { nodes: 1_000, fanout: 0, rounds: Some(5), loss: Chance::NEVER, mode: Mode::Push };
    let millis = least(|| _ = min_fanout(&setting, target, Criterion::Atomic));
    println!("the smallest fanout for 1,000 nodes, 5 rounds, all with 0.99: {millis:.2} ms");
}

fn main() {
    let named: Vec<u64> = std::env::args().filter_map(|arg| arg.parse().ok()).collect();
    let sizes = if named.is_empty() { vec![1_000, 10_000, 100_000, 1_000_000] } else { named };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("a thread");
    pool.install(|| monte_carlo(&sizes));
    exact();
}
