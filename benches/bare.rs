//! The bare loop that the simulator is measured against: a standard heap, one random stream, one bit a node.
//!
//! Frozen: it is the yardstick, so it is never improved. W1: one rumour; on first receipt a node forwards it to four
//! distinct random peers; latency uniform from 1 to 100 ms; loss 5 %; until nothing is under way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rumormill::rng::{Key, Stream};
use rumormill::time::Span;

/// How many peers a node tells.
pub(crate) const FANOUT: usize = 4;
/// Messages lost in a hundred.
pub(crate) const LOSS_PERCENT: u64 = 5;
/// The shortest and the longest latency.
pub(crate) const LATENCY: (Span, Span) = (Span::from_millis(1), Span::from_millis(100));

/// Runs W1 over `nodes` nodes; the number of deliveries.
pub(crate) fn run(nodes: u32, seed: u64) -> u64 {
    let mut stream = Key::new(seed, "bare").stream();
    let mut heap = BinaryHeap::new();
    let mut seen = vec![false; nodes as usize];
    let (mut sequence, mut deliveries) = (0_u64, 0_u64);
    seen[0] = true;
    tell(0, 0, nodes, &mut stream, &mut heap, &mut sequence);
    while let Some(Reverse((now, _, to, _))) = heap.pop() {
        deliveries += 1;
        if !std::mem::replace(&mut seen[to as usize], true) {
            tell(to, now, nodes, &mut stream, &mut heap, &mut sequence);
        }
    }
    deliveries
}

type Heap = BinaryHeap<Reverse<(u64, u64, u32, u32)>>;

fn tell(me: u32, now: u64, nodes: u32, stream: &mut Stream, heap: &mut Heap, sequence: &mut u64) {
    let mut picked = [u32::MAX; FANOUT];
    for at in 0..FANOUT {
        let peer = loop {
            let peer = stream.below(u64::from(nodes)) as u32;
            if peer != me && !picked[..at].contains(&peer) {
                break peer;
            }
        };
        picked[at] = peer;
        if stream.below(100) < LOSS_PERCENT {
            continue;
        }
        let width = LATENCY.1.as_nanos() - LATENCY.0.as_nanos() + 1;
        let due = now + LATENCY.0.as_nanos() + stream.below(width);
        heap.push(Reverse((due, *sequence, peer, me)));
        *sequence += 1;
    }
}

// ---- W2: values on a tree of four branches, with acknowledgements

/// How many nodes there are.
pub(crate) const NODES_ON_TREE: u32 = 25;
/// How many values clients hand in, worker i at node i.
pub(crate) const BROADCASTS: u32 = 2_000;
/// From one to the next.
pub(crate) const INTERVAL_OF_BROADCASTS: Interval = Interval(Span::from_millis(10));
/// Every message takes so long.
pub(crate) const LATENCY_ON_TREE: Span = Span::from_millis(100);
/// What is not acknowledged by then is sent again.
const RETRY: Span = Span::from_secs(1);

/// A span that can be taken several times.
pub(crate) struct Interval(Span);

impl Interval {
    pub(crate) const fn times(&self, number: u32) -> Span {
        Span::from_nanos(self.0.as_nanos() * number as u64)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Broadcast { at: u32, value: u32 },
    Tell { to: u32, from: u32, value: u32 },
    Ack { to: u32, from: u32, value: u32 },
    Retry { at: u32, peer: u32, generation: u64 },
}

/// What a node waits for from one neighbour.
struct Outstanding {
    peer: u32,
    values: Vec<(u32, u64)>,
    /// Which setting of the timer counts, if it is set.
    timer: Option<u64>,
}

struct Tree {
    now: u64,
    heap: BinaryHeap<Reverse<(u64, u64, Event)>>,
    sequence: u64,
    generation: u64,
    seen: Vec<Vec<bool>>,
    outstanding: Vec<Vec<Outstanding>>,
}

/// Runs W2: each new value goes to every neighbour but the one it came from, each is acknowledged, and what is not is
/// sent again by one timer for each neighbour; the number of deliveries.
pub(crate) fn acknowledged() -> u64 {
    let near = |node: u32| {
        let parent = node.checked_sub(1).map(|below| below / 4);
        parent.into_iter().chain((4 * node + 1..4 * node + 5).filter(|child| *child < NODES_ON_TREE))
    };
    let wait = |peer| Outstanding { peer, values: Vec::new(), timer: None };
    let mut tree = Tree {
        now: 0,
        heap: BinaryHeap::new(),
        sequence: 0,
        generation: 0,
        seen: (0..NODES_ON_TREE).map(|_| vec![false; BROADCASTS as usize]).collect(),
        outstanding: (0..NODES_ON_TREE).map(|node| near(node).map(wait).collect()).collect(),
    };
    for value in 0..BROADCASTS {
        let at = INTERVAL_OF_BROADCASTS.times(value).as_nanos();
        tree.push(at, Event::Broadcast { at: value % NODES_ON_TREE, value });
    }
    let mut deliveries = 0;
    while let Some(Reverse((now, _, event))) = tree.heap.pop() {
        tree.now = now;
        match event {
            Event::Broadcast { at, value } => tree.learn(at, value, None),
            Event::Tell { to, from, value } => {
                deliveries += 1;
                tree.learn(to, value, Some(from));
                tree.push(now + LATENCY_ON_TREE.as_nanos(), Event::Ack { to: from, from: to, value });
            }
            Event::Ack { to, from, value } => {
                deliveries += 1;
                tree.acknowledged(to, from, value);
            }
            Event::Retry { at, peer, generation } => tree.send_again(at, peer, generation),
        }
    }
    deliveries
}

impl Tree {
    fn push(&mut self, at: u64, event: Event) {
        self.heap.push(Reverse((at, self.sequence, event)));
        self.sequence += 1;
    }

    fn learn(&mut self, me: u32, value: u32, from: Option<u32>) {
        if std::mem::replace(&mut self.seen[me as usize][value as usize], true) {
            return;
        }
        for place in 0..self.outstanding[me as usize].len() {
            let waits = &mut self.outstanding[me as usize][place];
            let peer = waits.peer;
            if Some(peer) == from {
                continue;
            }
            waits.values.push((value, self.now));
            let sets = waits.timer.is_none().then(|| {
                self.generation += 1;
                waits.timer = Some(self.generation);
                self.generation
            });
            if let Some(generation) = sets {
                self.push(self.now + RETRY.as_nanos(), Event::Retry { at: me, peer, generation });
            }
            self.push(self.now + LATENCY_ON_TREE.as_nanos(), Event::Tell { to: peer, from: me, value });
        }
    }

    fn acknowledged(&mut self, me: u32, from: u32, value: u32) {
        let waits = &mut self.outstanding[me as usize];
        let Some(waits) = waits.iter_mut().find(|waits| waits.peer == from) else { return };
        waits.values.retain(|(other, _)| *other != value);
        if waits.values.is_empty() {
            waits.timer = None;
        }
    }

    fn send_again(&mut self, me: u32, peer: u32, generation: u64) {
        let waits = &mut self.outstanding[me as usize];
        let Some(waits) = waits.iter_mut().find(|waits| waits.peer == peer) else { return };
        if waits.timer != Some(generation) {
            return;
        }
        let (now, half) = (self.now, RETRY.as_nanos() / 2);
        let mut again = Vec::new();
        for (value, sent) in waits.values.iter_mut().filter(|(_, sent)| sent + half <= now) {
            *sent = now;
            again.push(*value);
        }
        self.generation += 1;
        waits.timer = Some(self.generation);
        let earliest = waits.values.iter().map(|(_, sent)| *sent).min().unwrap_or(now);
        let generation = self.generation;
        self.push(earliest + RETRY.as_nanos(), Event::Retry { at: me, peer, generation });
        for value in again {
            self.push(now + LATENCY_ON_TREE.as_nanos(), Event::Tell { to: peer, from: me, value });
        }
    }
}

// ---- W3: the hold model

/// Exponentially distributed increments with a mean of a millisecond, drawn beforehand so that drawing is not timed.
pub(crate) fn increments() -> Vec<u64> {
    let mut stream = Key::new(3, "bare").stream();
    (0..1 << 16).map(|_| stream.exponential(Span::from_millis(1)).as_nanos()).collect()
}

/// A heap with so many pending, always.
pub(crate) struct Hold {
    heap: BinaryHeap<Reverse<(u64, u64, u32)>>,
    sequence: u64,
    next: usize,
}

impl Hold {
    pub(crate) fn new(pending: u32, increments: &[u64]) -> Hold {
        let mut hold = Hold { heap: BinaryHeap::new(), sequence: 0, next: 0 };
        for item in 0..pending {
            let at = hold.increment(increments);
            hold.push(at, item);
        }
        hold
    }

    fn increment(&mut self, increments: &[u64]) -> u64 {
        self.next = (self.next + 1) % increments.len();
        increments[self.next]
    }

    fn push(&mut self, at: u64, item: u32) {
        self.heap.push(Reverse((at, self.sequence, item)));
        self.sequence += 1;
    }

    /// Takes the next and puts it back later, so many times.
    pub(crate) fn hold(&mut self, times: u64, increments: &[u64]) {
        for _ in 0..times {
            if let Some(Reverse((at, _, item))) = self.heap.pop() {
                let later = at + self.increment(increments);
                self.push(later, item);
            }
        }
    }
}
