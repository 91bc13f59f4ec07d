//! Event queues beside each other: nanoseconds an event, and the ratio to the standard heap, as one table.
//!
//! `cargo bench --bench queues [ROW...]`, each word the beginning of rows' names. All keep the same exact order, which is
//! checked first. In each row they take turns, and each figure is the least of several, in nanoseconds of CPU. What a
//! simulator does beside is not in them, but what the bare loop does is: in W1 an event includes drawing peers, loss and
//! latencies. W1 and W3 are those of `speed`. W2-like has the pattern of its W2 only: every value is handed in at the
//! root, timers are set for children alone, and no acknowledgement ends one.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and refuses words that it does not know"
)]

use std::process::ExitCode;

use rumormill::rng::Key;
use rumormill::sim::queue::Queue;

#[expect(dead_code, reason = "what `speed` measures beside")]
mod bare;
mod cpu;
mod rows;

/// One structure a file, what they are given, and what they have in common.
mod queues {
    pub(crate) mod binary_heap;
    pub(crate) mod four_heap;
    pub(crate) mod ladder;
    pub(crate) mod loads;
    mod pending;
    mod radix;
    pub(crate) mod wheel;

    /// Pending events in the total order (instant, sequence of pushing). None is pushed before the last that was popped.
    pub(crate) trait EventQueue<T> {
        fn empty() -> Self;
        fn push(&mut self, at: u64, item: T);
        /// The next event, if it is due before `limit`.
        fn pop_before(&mut self, limit: u64) -> Option<(u64, T)>;
    }
}

use queues::EventQueue;
use queues::binary_heap::StdHeap;
use queues::four_heap::FourHeap;
use queues::ladder::Ladder;
use queues::loads::{Hold, one_rumour, tree};
use queues::wheel::Wheel;
use rows::{Asked, SEEDS};

const NAMES: [&str; 5] = ["std heap", "4-ary heap", "ladder", "wheel", "radix"];

/// How many are pending in W3.
const PENDING: [u32; 5] = [25, 1_000, 10_000, 100_000, 1_000_000];
/// How many nodes W1 has.
const NODES: [u32; 3] = [1_000, 10_000, 100_000];
const W2: &str = "W2-like";

/// One turn of a queue, given the turn's number: events, and nanoseconds.
type Turn = Box<dyn FnMut(u64) -> (u64, f64)>;

/// The same thing for each of the queues, in the order of their names.
macro_rules! each_queue {
    (|$queue:ident| $made:expr) => {
        [
            {
                type $queue<T> = StdHeap<T>;
                $made
            },
            {
                type $queue<T> = FourHeap<T>;
                $made
            },
            {
                type $queue<T> = Ladder<T>;
                $made
            },
            {
                type $queue<T> = Wheel<T>;
                $made
            },
            {
                type $queue<T> = Queue<T>;
                $made
            },
        ]
    };
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let holds = PENDING.map(|pending| (format!("W3 {pending}"), pending));
    let rumours = NODES.map(|nodes| (format!("W1 {nodes}"), nodes));
    let names: Vec<&str> = holds.iter().chain(&rumours).map(|(row, _)| row.as_str()).chain([W2]).collect();
    let asked = match Asked::new(words, &names) {
        Ok(asked) => asked,
        Err(refusal) => {
            eprintln!("queues: {refusal}");
            return ExitCode::from(64);
        }
    };
    let wanted = |row: &str| asked.is_silent() || asked.names(row);
    all_agree();
    print!("{:<12}", "");
    NAMES.iter().for_each(|name| print!(" {name:>16}"));
    println!();
    for (row, pending) in holds.iter().filter(|(row, _)| wanted(row)) {
        show(row, 7, hold(*pending));
    }
    for (row, nodes) in rumours.iter().filter(|(row, _)| wanted(row)) {
        show(row, (2_000_000 / nodes).clamp(10, 200), rumour(*nodes));
    }
    if wanted(W2) {
        show(W2, 30, each_queue!(|Q| Box::new(|_| tree::<Q<_>>()) as Turn));
    }
    ExitCode::SUCCESS
}

fn hold(pending: u32) -> [Turn; NAMES.len()] {
    let holds = 4 * u64::from(pending.max(25_000));
    each_queue!(|Q| {
        let increments = bare::increments();
        let mut hold = Hold::<Q<_>>::new(pending, &increments);
        Box::new(move |_| (holds, hold.hold(holds, &increments))) as Turn
    })
}

fn rumour(nodes: u32) -> [Turn; NAMES.len()] {
    each_queue!(|Q| Box::new(move |turn| one_rumour::<Q<_>>(nodes, turn % SEEDS)) as Turn)
}

/// The least of some turns of each, after one that warms up.
fn show(row: &str, turns: u32, mut queues: [Turn; NAMES.len()]) {
    let mut least = [f64::MAX; NAMES.len()];
    for turn in 0..=u64::from(turns) {
        for (queue, least) in queues.iter_mut().zip(&mut least) {
            let (events, nanos) = queue(turn);
            if turn > 0 {
                *least = least.min(nanos / events as f64);
            }
        }
    }
    print!("{row:<12}");
    least.iter().for_each(|nanos| print!(" {:>16}", format!("{nanos:.1} ({:.2})", nanos / least[0])));
    println!();
}

/// All queues give the same events in the same order, whatever is pushed.
fn all_agree() {
    for seed in 0..20 {
        let ran = each_queue!(|Q| random_mix::<Q<u32>>(seed));
        for (name, events) in NAMES.iter().zip(&ran) {
            assert!(*events == ran[0], "{name} does not keep the order");
        }
    }
}

/// What comes out, with what nothing was due for, of pushes near and far, many for one instant, and of pops, some up to
/// a limit. Crowds grow and shrink.
fn random_mix<Q: EventQueue<u32>>(seed: u64) -> Vec<Option<(u64, u32)>> {
    let mut stream = Key::new(seed, "queues").stream();
    let (mut queue, mut came, mut now) = (Q::empty(), Vec::new(), 0);
    for step in 0..100_000 {
        let grows = step / 10_000 % 2 == 0;
        if stream.below(10) < if grows { 6 } else { 4 } {
            let delay = match stream.below(6) {
                0 => 0,
                1 => 100_000_000,
                2 => stream.below(5),
                3 => stream.below(5_000),
                4 => stream.below(200_000_000),
                _ => {
                    let bits = stream.below(50);
                    stream.below(1 << bits)
                }
            };
            // Many are due at the very same instant.
            let crowd = if stream.below(500) == 0 { 1_500 } else { 1 };
            (0..crowd).for_each(|_| queue.push(now + delay, step));
            continue;
        }
        let limit = if stream.below(8) == 0 { now + stream.below(1_000_000) } else { u64::MAX };
        let popped = queue.pop_before(limit);
        now = popped.map_or(now, |(at, _)| at);
        came.push(popped);
    }
    came.extend(std::iter::from_fn(|| queue.pop_before(u64::MAX)).map(Some));
    came
}
