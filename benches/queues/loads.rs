//! What the queues are given: the hold model, one rumour, and a tree whose latency is constant.

use rumormill::rng::{Key, Stream};

use super::EventQueue;
use crate::bare;
use crate::cpu::cpu;

/// W3: a queue with so many pending, always.
pub(crate) struct Hold<Q> {
    queue: Q,
    next: usize,
}

impl<Q: EventQueue<u32>> Hold<Q> {
    pub(crate) fn new(pending: u32, increments: &[u64]) -> Hold<Q> {
        let mut hold = Hold { queue: Q::empty(), next: 0 };
        for item in 0..pending {
            let at = hold.increment(increments);
            hold.queue.push(at, item);
        }
        hold
    }

    fn increment(&mut self, increments: &[u64]) -> u64 {
        self.next = (self.next + 1) % increments.len();
        increments[self.next]
    }

    /// Takes the next and puts it back later, so many times; nanoseconds.
    pub(crate) fn hold(&mut self, times: u64, increments: &[u64]) -> f64 {
        let hold = || {
            for _ in 0..times {
                let (at, item) = self.queue.pop_before(u64::MAX).expect("something is always pending");
                let later = at + self.increment(increments);
                self.queue.push(later, item);
            }
        };
        cpu(hold).1
    }
}

/// W1: the bare loop, over another queue; the number of deliveries, and nanoseconds.
pub(crate) fn one_rumour<Q: EventQueue<(u32, u32)>>(nodes: u32, seed: u64) -> (u64, f64) {
    let run = || {
        let mut stream = Key::new(seed, "bare").stream();
        let mut queue = Q::empty();
        let mut seen = vec![false; nodes as usize];
        let mut deliveries = 0;
        seen[0] = true;
        tell(0, 0, nodes, &mut stream, &mut queue);
        while let Some((now, (to, _))) = queue.pop_before(u64::MAX) {
            deliveries += 1;
            if !std::mem::replace(&mut seen[to as usize], true) {
                tell(to, now, nodes, &mut stream, &mut queue);
            }
        }
        deliveries
    };
    cpu(run)
}

fn tell<Q: EventQueue<(u32, u32)>>(me: u32, now: u64, nodes: u32, stream: &mut Stream, queue: &mut Q) {
    let mut picked = [u32::MAX; bare::FANOUT];
    for at in 0..bare::FANOUT {
        let peer = loop {
            let peer = stream.below(u64::from(nodes)) as u32;
            if peer != me && !picked[..at].contains(&peer) {
                break peer;
            }
        };
        picked[at] = peer;
        if stream.below(100) < bare::LOSS_PERCENT {
            continue;
        }
        let (min, max) = bare::LATENCY;
        let due = now + min.as_nanos() + stream.below(max.as_nanos() - min.as_nanos() + 1);
        queue.push(due, (peer, me));
    }
}

/// One timer for each child, a second ahead of what is not acknowledged yet.
const RETRY: u64 = 1_000_000_000;
const LATENCY: u64 = bare::LATENCY_ON_TREE.as_nanos();

/// Four bytes: what is pending is small.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Broadcast,
    Tell(u16),
    Ack(u16),
    Retry(u16),
}

/// W2's pattern, no more: values go down a tree of four branches from its root, each is acknowledged, and a timer, which
/// no acknowledgement ends, is set for a child that has none; the number of events, and nanoseconds. What a node would do
/// beside is left out.
pub(crate) fn tree<Q: EventQueue<Event>>() -> (u64, f64) {
    let run = || {
        let mut queue = Q::empty();
        for value in 0..bare::BROADCASTS {
            queue.push(bare::INTERVAL_OF_BROADCASTS.times(value).as_nanos(), Event::Broadcast);
        }
        let mut set = [false; bare::NODES_ON_TREE as usize];
        let mut events = 0;
        while let Some((now, event)) = queue.pop_before(u64::MAX) {
            events += 1;
            let learnt = match event {
                Event::Broadcast => 0,
                Event::Tell(node) => {
                    queue.push(now + LATENCY, Event::Ack(node));
                    u32::from(node)
                }
                Event::Ack(_) => continue,
                Event::Retry(node) => {
                    set[usize::from(node)] = false;
                    continue;
                }
            };
            for child in (4 * learnt + 1..4 * learnt + 5).filter(|child| *child < bare::NODES_ON_TREE) {
                if !std::mem::replace(&mut set[child as usize], true) {
                    queue.push(now + RETRY, Event::Retry(child as u16));
                }
                queue.push(now + LATENCY, Event::Tell(child as u16));
            }
        }
        events
    };
    cpu(run)
}
