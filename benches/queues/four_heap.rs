//! A heap of four branches: half the height of the standard one, and the four children lie beside each other.

use super::EventQueue;
use super::pending::Pending;

const BRANCHES: usize = 4;

pub(crate) struct FourHeap<T> {
    sequence: u64,
    heap: Vec<Pending<T>>,
}

impl<T: Copy> FourHeap<T> {
    pub(crate) const fn new() -> FourHeap<T> {
        FourHeap { sequence: 0, heap: Vec::new() }
    }

    pub(crate) fn next(&self) -> Option<&Pending<T>> {
        self.heap.first()
    }

    pub(crate) fn insert(&mut self, pending: Pending<T>) {
        let mut hole = self.heap.len();
        self.heap.push(pending);
        while hole > 0 {
            let parent = (hole - 1) / BRANCHES;
            if self.heap[parent].order() < pending.order() {
                break;
            }
            self.heap[hole] = self.heap[parent];
            hole = parent;
        }
        self.heap[hole] = pending;
    }

    pub(crate) fn take(&mut self) -> Option<Pending<T>> {
        let last = self.heap.pop()?;
        let Some(&first) = self.heap.first() else { return Some(last) };
        let mut hole = 0;
        loop {
            let child = BRANCHES * hole + 1;
            let Some(least) = self.least(child) else { break };
            if last.order() < self.heap[least].order() {
                break;
            }
            self.heap[hole] = self.heap[least];
            hole = least;
        }
        self.heap[hole] = last;
        Some(first)
    }

    /// The earliest of the siblings that begin at this place.
    fn least(&self, child: usize) -> Option<usize> {
        if let Some([a, b, c, d]) = self.heap.get(child..child + BRANCHES) {
            let (first, second) =
                (usize::from(b.order() < a.order()), 2 + usize::from(d.order() < c.order()));
            let earlier = |x: usize, y: usize| self.heap[child + y].order() < self.heap[child + x].order();
            return Some(child + if earlier(first, second) { second } else { first });
        }
        (child..self.heap.len()).min_by_key(|&place| self.heap[place].order())
    }
}

impl<T: Copy> EventQueue<T> for FourHeap<T> {
    fn empty() -> FourHeap<T> {
        FourHeap::new()
    }

    fn push(&mut self, at: u64, item: T) {
        self.insert(Pending { at, sequence: self.sequence, item });
        self.sequence += 1;
    }

    fn pop_before(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.next()?.at >= limit {
            return None;
        }
        self.take().map(|next| (next.at, next.item))
    }
}
