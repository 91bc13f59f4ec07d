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
