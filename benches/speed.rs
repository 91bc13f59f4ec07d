//! What an event costs: nanoseconds of CPU beside a bare loop over the same work, and peak memory, as one table.
//!
//! `cargo bench --bench speed [ROW...]`, each word the beginning of rows' names; `growth` is a table of its own, below the
//! rows: what W1 costs by the number of nodes. Each row runs in a process of its own, so that its peak memory is its own;
//! in it the simulator and the bare loop take turns, and each figure is the least of several runs, as these machines are
//! noisy. That is also why this is no criterion: it would time the two one after the other, minutes apart, and quote
//! their medians. The ratio is what counts. What is timed begins with the start of the nodes, or where a row says more.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and refuses words that it does not know"
)]

use std::process::{Command, ExitCode};

use rumormill::id::{ClientId, NodeId};
use rumormill::node::Node;
use rumormill::protocol::flood::{self, Flood};
use rumormill::protocol::gossip::{self, Gossip};
use rumormill::ratio::Chance;
use rumormill::run::run_untold;
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::queue::Queue;
use rumormill::sim::{Setup, Sim};
use rumormill::time::{Span, Time};
use rumormill::topology::Topology;
use rumormill::value::Value;
use rumormill::workload::broadcast::{Broadcast, Request};
use rumormill::workload::{Effects, Metric, Operation, Phase};

mod bare;
mod cpu;
mod rows;

use cpu::cpu;
use rows::{Asked, SEEDS};

/// The rows, each with what it takes to measure it.
const ROWS: [(&str, Measure); 11] = [
    ("W1 1000", || one_rumour(1_000)),
    ("W1 10000", || one_rumour(10_000)),
    ("W1 100000", || one_rumour(100_000)),
    ("W1 1000000", || one_rumour(1_000_000)),
    ("100 rumours 1000000", || rumours(1_000_000, 100)),
    ("W2", acknowledged),
    ("W3 100000", || hold(100_000)),
    ("W3 1000000", || hold(1_000_000)),
    ("test seed", || judged(&test_seed())),
    ("quickstart", || judged(&quickstart())),
    ("construct 25", construct),
];

/// The rows that are left out unless they are named, as they take a minute or gigabytes.
const LONG: [&str; 1] = ["100 rumours 1000000"];

/// The word for the table by the number of nodes, which is left out unless it is named.
const GROWTH: &str = "growth";
/// The numbers of nodes by which growth is told.
const GROWN: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

type Measure = fn() -> Row;

/// What was measured.
struct Row {
    /// What there was in a run of what the figures are divided by.
    events: u64,
    ours: f64,
    bare: Option<f64>,
    peak: u64,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    if let [flag, row] = &words[..]
        && let Some(line) = of_own_process(flag, row)
    {
        println!("{line}");
        return ExitCode::SUCCESS;
    }
    let names: Vec<&str> = ROWS.iter().map(|(row, _)| *row).chain([GROWTH]).collect();
    let asked = match Asked::new(words, &names) {
        Ok(asked) => asked,
        Err(refusal) => {
            eprintln!("speed: {refusal}");
            return ExitCode::from(64);
        }
    };
    let wanted = |row: &str| asked.names(row) || asked.is_silent() && !LONG.contains(&row);
    let rows: Vec<&str> = ROWS.iter().map(|(row, _)| *row).filter(|row| wanted(row)).collect();
    if !rows.is_empty() {
        println!(
            "{:<20} {:>10} {:>9} {:>9} {:>6} {:>10}",
            "", "events", "ns each", "bare", "ratio", "peak MB"
        );
        rows.iter().for_each(|row| in_its_own_process(["--row", row]));
    }
    if asked.names(GROWTH) {
        println!("{:<10} {:>10} {:>9} {:>10} {:>11}", "nodes", "events", "ns each", "peak MB", "bytes/node");
        GROWN.iter().for_each(|nodes| in_its_own_process(["--grown", &nodes.to_string()]));
    }
    ExitCode::SUCCESS
}

/// The line that a process of its own prints for a row of either table; `None` if the flag asks for none.
fn of_own_process(flag: &str, row: &str) -> Option<String> {
    match flag {
        "--row" => {
            let (_, measure) =
                ROWS.iter().find(|(name, _)| *name == row).expect("a row is named as the table names it");
            Some(shown(row, &measure()))
        }
        "--grown" => Some(grown(row.parse().expect("a number of nodes"))),
        _ => None,
    }
}

fn in_its_own_process(words: [&str; 2]) {
    let own = std::env::current_exe().expect("a program knows where it lies");
    let status = Command::new(own).args(words).status().expect("a row runs");
    assert!(status.success(), "{words:?} failed");
}

fn shown(name: &str, row: &Row) -> String {
    let Row { events, ours, bare, peak } = row;
    let per_event = |nanos: f64| nanos / *events as f64;
    let beside = bare.map_or_else(
        || format!("{:>9} {:>6}", "", ""),
        |bare| format!("{:>9.1} {:>6.2}", per_event(bare), ours / bare),
    );
    let peak = *peak as f64 / 1e6;
    format!("{name:<20} {events:>10} {:>9.1} {beside} {peak:>10.1}", per_event(*ours))
}

/// The least of some turns. The first turn is ours alone, and tells the peak memory.
fn least(
    turns: u32,
    mut ours: impl FnMut(u64) -> (u64, f64),
    mut bare: Option<&mut dyn FnMut(u64) -> f64>,
) -> Row {
    let (events, first) = ours(0);
    let mut row = Row { events, ours: first, bare: None, peak: peak_memory() };
    for seed in (0..u64::from(turns)).map(|turn| turn % SEEDS) {
        if let Some(bare) = &mut bare {
            row.bare = Some(row.bare.unwrap_or(f64::MAX).min(bare(seed)));
        }
        let (count, nanos) = ours(seed);
        row.ours = row.ours.min(nanos * row.events as f64 / count as f64);
    }
    row
}

/// The most memory that this process has had, in bytes; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) * 1_024
}

// ---- W1: rumours among many nodes

fn broadcast(at: Time, number: u32, node: NodeId) -> Operation<Request> {
    Operation {
        at,
        client: ClientId(number),
        node,
        request: Request::Broadcast { message: Value::from(i64::from(number)) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    }
}

/// One rumour begins each second, when the last has fallen silent.
fn gossip(nodes: u32, rumours: u32, seed: u64) -> Setup<Gossip> {
    let (min, max) = bare::LATENCY;
    let begin =
        |number: u32| broadcast(Time::ZERO + Span::from_secs(number.into()), number, NodeId(number % nodes));
    Setup {
        network: NetworkConfig {
            latency: Latency::Uniform { min, max },
            loss: Chance::new(bare::LOSS_PERCENT as f64 / 100.0).expect("a probability"),
            ..NetworkConfig::default()
        },
        operations: (0..rumours).map(begin).collect(),
        end: Time::ZERO + Span::from_secs(3_600),
        ..Setup::new(seed, nodes, gossip::Config { fanout: bare::FANOUT as u32, anti_entropy: None })
    }
}

/// Messages delivered in a run, and nanoseconds.
fn simulated<N: Node>(setup: Setup<N>) -> (u64, f64) {
    let mut sim = Sim::new(setup, ());
    let (_, nanos) = cpu(|| sim.run());
    (sim.counters().delivered, nanos)
}

/// An event is a delivery; the bare loop's count of them differs by a little, as its chance does.
fn one_rumour(nodes: u32) -> Row {
    let (events, _) = simulated(gossip(nodes, 1, 0));
    let mut bare_loop = |seed| {
        let (deliveries, nanos) = cpu(|| bare::run(nodes, seed));
        nanos * events as f64 / deliveries as f64
    };
    least(turns(nodes), |seed| simulated(gossip(nodes, 1, seed)), Some(&mut bare_loop))
}

/// W1 by itself, and what a node takes of the memory beyond that of a process that has done nothing yet.
fn grown(nodes: u32) -> String {
    let empty = peak_memory();
    let row = least(turns(nodes), |seed| simulated(gossip(nodes, 1, seed)), None);
    let per_node = row.peak.saturating_sub(empty) as f64 / f64::from(nodes);
    let (each, peak) = (row.ours / row.events as f64, row.peak as f64 / 1e6);
    format!("{nodes:<10} {:>10} {each:>9.1} {peak:>10.1} {per_node:>11.0}", row.events)
}

fn turns(nodes: u32) -> u32 {
    (4_000_000 / nodes).clamp(5, 200)
}

fn rumours(nodes: u32, rumours: u32) -> Row {
    least(0, |seed| simulated(gossip(nodes, rumours, seed)), None)
}

// ---- W2: values on a tree, with acknowledgements

fn tree() -> Setup<Flood> {
    let at = |number: u32| Time::ZERO + bare::INTERVAL_OF_BROADCASTS.times(number);
    Setup {
        topology: Topology::Tree4,
        network: NetworkConfig {
            latency: Latency::Constant(bare::LATENCY_ON_TREE),
            ..NetworkConfig::default()
        },
        operations: (0..bare::BROADCASTS)
            .map(|number| broadcast(at(number), number, NodeId(number % bare::NODES_ON_TREE)))
            .collect(),
        end: Time::ZERO + Span::from_secs(30),
        ..Setup::new(0, bare::NODES_ON_TREE, flood::Config::default())
    }
}

/// An event is a delivery: of a value, or of an acknowledgement.
fn acknowledged() -> Row {
    let mut bare_loop = |_| cpu(bare::acknowledged).1;
    assert_eq!(simulated(tree()).0, bare::acknowledged(), "both do the same work");
    least(50, |_| simulated(tree()), Some(&mut bare_loop))
}

// ---- W3: the queue alone, in the hold model: with so many pending, take the next and put one in its place

fn hold(pending: u32) -> Row {
    let increments = bare::increments();
    let holds = 4 * u64::from(pending);
    let mut heap = bare::Hold::new(pending, &increments);
    let mut bare_loop = |_| cpu(|| heap.hold(holds, &increments)).1;
    let mut queue = Queue::new();
    let mut increment = increments.iter().cycle();
    let mut next = || *increment.next().expect("a cycle does not end");
    (0..pending).for_each(|item| queue.push(Time::from_nanos(next()), item));
    let mut ours = |_| {
        let hold = || {
            for _ in 0..holds {
                let (at, item) = queue.pop_before(Time::MAX).expect("something is always pending");
                queue.push(at + Span::from_nanos(next()), item);
            }
        };
        (holds, cpu(hold).1)
    };
    ours(0);
    least(5, ours, Some(&mut bare_loop))
}

// ---- whole runs, judged

fn test_seed() -> String {
    let latency = r#""network": { "latency": { "constant": "100ms" } }"#;
    let load = r#""workload": { "broadcast": { "rate": 100.0, "time_limit": "20s" } }"#;
    format!(r#"{{ "name": "test", "nodes": 25, "protocol": {{ "gossip": {{}} }}, {latency}, {load} }}"#)
}

fn quickstart() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/quickstart.json");
    std::fs::read_to_string(path).expect("the scenario is there")
}

/// From the text to the verdict.
fn judged(text: &str) -> Row {
    let run = |seed| {
        let (events, nanos) = cpu(|| {
            let document = Document::parse("a row", text).expect("it is JSON");
            let scenario = Scenario { seed, ..Scenario::read(&document).expect("it is a scenario") };
            let summary = run_untold::<Broadcast, Gossip>(&scenario, &document).expect("its knobs fit");
            summary.metric("events")
        });
        let Some(Metric::Count(events)) = events else { panic!("events are counted") };
        (events, nanos)
    };
    least(30, run, None)
}

/// What a cluster costs before it runs, by nodes.
fn construct() -> Row {
    least(200, |seed| (25, cpu(|| drop(Sim::new(gossip(25, 1, seed), ()))).1), None)
}
