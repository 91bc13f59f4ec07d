//! The standard heap of the bare loop: the baseline.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::EventQueue;

pub(crate) struct StdHeap<T> {
    sequence: u64,
    heap: BinaryHeap<Reverse<(u64, u64, T)>>,
}

impl<T: Copy + Ord> EventQueue<T> for StdHeap<T> {
    fn empty() -> StdHeap<T> {
        StdHeap { sequence: 0, heap: BinaryHeap::new() }
    }

    fn push(&mut self, at: u64, item: T) {
        self.heap.push(Reverse((at, self.sequence, item)));
        self.sequence += 1;
    }

    fn pop_before(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.heap.peek()?.0.0 >= limit {
            return None;
        }
        self.heap.pop().map(|Reverse((at, _, item))| (at, item))
    }
}
