//! A hierarchical timing wheel (Varghese and Lauck, 1987), with a heap for what lies beyond it.
//!
//! Time is cut into ticks. A wheel has a slot for each value of eight bits of the tick; three wheels reach 68 seconds
//! ahead. A slot of an upper wheel is spread over the one below when its time comes; one of the lowest is sorted. What is
//! pushed for a tick that is being popped already goes to a small heap beside it, which keeps the exact order.

use super::EventQueue;
use super::four_heap::FourHeap;
use super::pending::{Pending, latest_first};

/// A tick has so many bits of nanoseconds: four microseconds.
const TICK: u32 = 12;
const BITS: u32 = 8;
const SLOTS: usize = 1 << BITS;
const WHEELS: u32 = 3;

pub(crate) struct Wheel<T> {
    sequence: u64,
    /// The tick that the wheels are relative to.
    base: u64,
    /// What is due before this tick is in `due` or in `late`.
    near_end: u64,
    /// The tick that is being popped, the next event last.
    due: Vec<Pending<T>>,
    /// What was pushed for it since.
    late: FourHeap<T>,
    wheels: Vec<Slots<T>>,
    overflow: FourHeap<T>,
}

struct Slots<T> {
    /// One bit a slot that holds anything.
    occupied: [u64; SLOTS / 64],
    slots: Vec<Vec<Pending<T>>>,
}

impl<T> Slots<T> {
    fn first(&self) -> Option<usize> {
        let word = self.occupied.iter().position(|word| *word != 0)?;
        Some(word * 64 + self.occupied[word].trailing_zeros() as usize)
    }
}

impl<T: Copy> Wheel<T> {
    /// Puts an event into the wheels, or beyond them.
    fn file(&mut self, pending: Pending<T>) {
        let tick = pending.at >> TICK;
        let wheel = (63 - ((tick ^ self.base) | 1).leading_zeros()) / BITS;
        if wheel >= WHEELS {
            return self.overflow.insert(pending);
        }
        let slot = (tick >> (wheel * BITS)) as usize % SLOTS;
        let wheel = &mut self.wheels[wheel as usize];
        wheel.occupied[slot / 64] |= 1 << (slot % 64);
        wheel.slots[slot].push(pending);
    }

    /// Moves the earliest tick into `due`, which is empty as `late` is; `false` if none begins before `limit`.
    fn refill(&mut self, limit: u64) -> bool {
        loop {
            let first = self.wheels.iter().position(|wheel| wheel.first().is_some());
            let Some(wheel) = first else {
                match self.overflow.next() {
                    Some(next) if next.at < limit => self.base = next.at >> TICK,
                    Some(_) | None => return false,
                }
                self.near_end = self.near_end.max(self.base);
                let round = |at: u64| at >> (TICK + WHEELS * BITS);
                let this = round(self.base << TICK);
                while self.overflow.next().is_some_and(|next| round(next.at) == this) {
                    let pending = self.overflow.take().expect("there is one");
                    self.file(pending);
                }
                continue;
            };
            let slot = self.wheels[wheel].first().expect("it holds something");
            let shift = wheel as u32 * BITS;
            let start = self.base >> (shift + BITS) << (shift + BITS) | (slot as u64) << shift;
            if start << TICK >= limit {
                return false;
            }
            self.wheels[wheel].occupied[slot / 64] &= !(1 << (slot % 64));
            self.base = start;
            if wheel == 0 {
                self.near_end = start + 1;
                std::mem::swap(&mut self.due, &mut self.wheels[0].slots[slot]);
                latest_first(&mut self.due);
                return true;
            }
            self.near_end = self.near_end.max(start);
            let mut events = std::mem::take(&mut self.wheels[wheel].slots[slot]);
            events.drain(..).for_each(|event| self.file(event));
            self.wheels[wheel].slots[slot] = events;
        }
    }
}

impl<T: Copy> EventQueue<T> for Wheel<T> {
    fn empty() -> Wheel<T> {
        let slots = || Slots { occupied: [0; SLOTS / 64], slots: (0..SLOTS).map(|_| Vec::new()).collect() };
        Wheel {
            sequence: 0,
            base: 0,
            near_end: 0,
            due: Vec::new(),
            late: FourHeap::new(),
            wheels: (0..WHEELS).map(|_| slots()).collect(),
            overflow: FourHeap::new(),
        }
    }

    fn push(&mut self, at: u64, item: T) {
        let pending = Pending { at, sequence: self.sequence, item };
        self.sequence += 1;
        if at >> TICK >= self.near_end { self.file(pending) } else { self.late.insert(pending) }
    }

    fn pop_before(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.due.is_empty() && self.late.next().is_none() && !self.refill(limit) {
            return None;
        }
        let late = match (self.due.last(), self.late.next()) {
            (Some(due), Some(late)) => late.order() < due.order(),
            (due, _) => due.is_none(),
        };
        let next = if late { self.late.next() } else { self.due.last() };
        if next?.at >= limit {
            return None;
        }
        let next = if late { self.late.take() } else { self.due.pop() };
        next.map(|next| (next.at, next.item))
    }
}
