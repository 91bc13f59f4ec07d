//! The event queue: what is due earliest comes first, and at one instant what was pushed first. It knows no event.
//!
//! A radix queue. Time is read in groups of six bits; a pending event lies at the level of the highest group in which
//! its instant differs from `base`, in the slot of that group. The earliest slot is either small enough to be sorted
//! into `near`, from which events are popped, or spread over the levels below. Push is constant time, an event moves
//! about once for every group of bits that matters, and nothing allocates once warm.

use crate::time::Time;

const BITS: u32 = 6;
const SLOTS: usize = 1 << BITS;
const LEVELS: usize = 64_usize.div_ceil(BITS as usize);
/// A slot of so few events is sorted rather than spread.
const FEW: usize = 256;
/// So many events are too many to keep sorted by insertion.
const MANY: usize = 1_024;
/// A slot's buffer larger than this is given back when the slot has been emptied.
const KEPT: usize = 4_096;

#[derive(Clone, Copy, Debug)]
struct Pending<T> {
    at: u64,
    sequence: u64,
    item: T,
}

#[derive(Debug)]
struct Level<T> {
    /// One bit a slot that holds anything.
    occupied: u64,
    slots: Vec<Vec<Pending<T>>>,
}

/// Pending events in the total order (instant, sequence of pushing).
#[derive(Debug)]
pub struct Queue<T> {
    sequence: u64,
    pending: usize,
    /// The instant of the last pop: nothing may be pushed before it.
    now: u64,
    /// What the levels are relative to; no event of the levels is earlier.
    base: u64,
    /// Events before this instant are in `near`, all others in the levels.
    near_end: u64,
    /// Sorted, the next event last.
    near: Vec<Pending<T>>,
    /// What is in `near` has been put there since this was asked for last.
    refilled: bool,
    levels: Vec<Level<T>>,
}

impl<T: Copy> Default for Queue<T> {
    fn default() -> Queue<T> {
        Queue::new()
    }
}

impl<T: Copy> Queue<T> {
    /// Nothing is pending, and time is at its beginning.
    pub fn new() -> Queue<T> {
        let level = || Level { occupied: 0, slots: (0..SLOTS).map(|_| Vec::new()).collect() };
        Queue {
            sequence: 0,
            pending: 0,
            now: 0,
            base: 0,
            near_end: 0,
            near: Vec::with_capacity(MANY + 1),
            refilled: false,
            levels: (0..LEVELS).map(|_| level()).collect(),
        }
    }

    /// How many events are pending.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.pending
    }

    /// Lets an event be due at this instant, after all that was pushed for it before.
    ///
    /// # Panics
    /// If `at` lies before the event popped last.
    pub fn push(&mut self, at: Time, item: T) {
        let at = at.as_nanos();
        assert!(at >= self.now, "an event cannot be due in the past");
        let pending = Pending { at, sequence: self.sequence, item };
        self.sequence += 1;
        self.pending += 1;
        if at >= self.near_end { self.file(pending) } else { self.put_near(pending) }
    }

    fn put_near(&mut self, pending: Pending<T>) {
        let at = pending.at;
        let place = self.near.partition_point(|other| other.at > at);
        self.near.insert(place, pending);
        // Whoever popped up to a limit may push before `base`, and such events have no place in the levels.
        if self.near.len() > MANY && self.near.last().is_some_and(|next| next.at >= self.base) {
            self.spill();
        }
    }

    /// The next event, if it is due before `limit`.
    pub fn pop_before(&mut self, limit: Time) -> Option<(Time, T)> {
        if self.near.is_empty() && !self.refill(limit.as_nanos()) {
            return None;
        }
        let next = self.near.pop_if(|next| next.at < limit.as_nanos())?;
        self.pending -= 1;
        self.now = next.at;
        Some((Time::from_nanos(next.at), next.item))
    }

    /// What will be popped next, the latest first, if it has come into view since this was asked last: a chance to look
    /// at what it stands for all at once, so that the cache misses overlap.
    pub fn new_in_view(&mut self) -> Option<impl Iterator<Item = T>> {
        std::mem::take(&mut self.refilled).then(|| self.near.iter().map(|pending| pending.item))
    }

    /// Puts an event into the levels.
    fn file(&mut self, pending: Pending<T>) {
        let differs = pending.at ^ self.base;
        let level = (63 - (differs | 1).leading_zeros()) / BITS;
        let slot = (pending.at >> (level * BITS)) as usize % SLOTS;
        let level = &mut self.levels[level as usize];
        level.occupied |= 1 << slot;
        level.slots[slot].push(pending);
    }

    /// Moves the earliest events of the levels into `near`, which is empty; `false` if none is due before `limit`.
    fn refill(&mut self, limit: u64) -> bool {
        while let Some(level) = self.levels.iter().position(|level| level.occupied != 0) {
            let slot = self.levels[level].occupied.trailing_zeros();
            let shift = level as u32 * BITS;
            let above = u64::MAX.checked_shl(shift + BITS).unwrap_or(0);
            let start = (self.base & above) | (u64::from(slot) << shift);
            if start >= limit {
                return false;
            }
            self.levels[level].occupied &= !(1 << slot);
            let mut events = std::mem::take(&mut self.levels[level].slots[slot as usize]);
            self.base = start;
            if level == 0 || events.len() <= FEW {
                // What is pushed for the very instant that is being popped comes after all of it: file it anew.
                self.near_end = if level == 0 { start } else { start.saturating_add(1 << shift) };
                self.near.append(&mut events);
                self.near
                    .sort_unstable_by_key(|event| !(u128::from(event.at) << 64 | u128::from(event.sequence)));
                self.keep(level, slot, events);
                self.refilled = true;
                return true;
            }
            // A caller who stops at a limit within this slot may still push before `base`: such events go to `near`.
            self.near_end = start;
            events.drain(..).for_each(|event| self.file(event));
            self.keep(level, slot, events);
        }
        false
    }

    /// Gives an emptied buffer back to its slot, unless it is large.
    fn keep(&mut self, level: usize, slot: u32, buffer: Vec<Pending<T>>) {
        if buffer.capacity() <= KEPT {
            self.levels[level].slots[slot as usize] = buffer;
        }
    }

    /// Puts `near` back into the levels, as it has grown too long to be kept sorted.
    fn spill(&mut self) {
        self.base = self.base.max(self.now);
        self.near_end = self.base;
        let mut near = std::mem::take(&mut self.near);
        // Latest first would turn events of one instant round; slots keep the order of pushing.
        near.drain(..).rev().for_each(|event| self.file(event));
        self.near = near;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[derive(Clone, Debug)]
    enum Step {
        Push(u64),
        Pop,
        PopBefore(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let delay =
            prop_oneof![Just(0), 0_u64..5, 0_u64..5_000, 0_u64..200_000_000, 0_u64..u64::MAX / 1_000_000];
        let step = prop_oneof![
            6 => delay.clone().prop_map(Step::Push),
            4 => Just(Step::Pop),
            1 => delay.prop_map(Step::PopBefore)
        ];
        prop::collection::vec(step, 0..2_000)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        /// Against the plainest queue there is: a list sorted by (instant, sequence).
        #[test]
        fn behaves_as_a_sorted_list(steps in steps()) {
            let (mut queue, mut list, mut now) = (Queue::new(), Vec::<(u64, u64)>::new(), 0_u64);
            for (sequence, step) in steps.into_iter().enumerate() {
                let limit = match step {
                    Step::Push(delay) => {
                        let at = now + delay;
                        queue.push(Time::from_nanos(at), sequence as u64);
                        let place = list.partition_point(|other| *other < (at, sequence as u64));
                        list.insert(place, (at, sequence as u64));
                        continue;
                    }
                    Step::Pop => u64::MAX,
                    Step::PopBefore(delay) => now + delay,
                };
                let expected = list.first().copied().filter(|(at, _)| *at < limit);
                let popped = queue.pop_before(Time::from_nanos(limit)).map(|(at, item)| (at.as_nanos(), item));
                prop_assert_eq!(popped, expected);
                if let Some((at, _)) = expected {
                    list.remove(0);
                    now = at;
                }
                prop_assert_eq!(queue.len(), list.len());
            }
        }
    }

    #[test]
    fn crowds_at_one_instant_and_bursts_into_the_near_window_keep_their_order() {
        let mut queue = Queue::new();
        (0..64).for_each(|item| queue.push(Time::from_nanos(1_000_000 + item), item));
        assert_eq!(queue.pop_before(Time::MAX).map(|(_, item)| item), Some(0));
        (64..5_000).for_each(|item| queue.push(Time::from_nanos(1_000_063), item));
        for expected in 1..5_000 {
            assert_eq!(queue.pop_before(Time::MAX).map(|(_, item)| item), Some(expected));
            if expected == 4_000 {
                (5_000..5_010).for_each(|item| queue.push(Time::from_nanos(1_000_063), item));
            }
        }
        assert_eq!(queue.len(), 10);
    }

    /// Some wait at one instant, others at the far end of time, and what is pushed meanwhile comes in its turn.
    #[test]
    fn a_million_at_one_instant_and_some_at_the_end_of_time_keep_their_order() {
        let mut queue = Queue::new();
        let far = [u64::MAX - 1, u64::MAX / 2, u64::MAX - 2, 1 << 62].map(Time::from_nanos);
        far.into_iter().zip(2_000_000..).for_each(|(at, item)| queue.push(at, item));
        (0..1_000_000).for_each(|item| queue.push(Time::from_nanos(7), item));
        for expected in 0..2_000_000 {
            if expected % 2 == 0 && expected < 1_000_000 {
                queue.push(Time::from_nanos(7), 1_000_000 + expected / 2);
            }
            if expected == 1_500_000 {
                break;
            }
            assert_eq!(queue.pop_before(Time::from_nanos(8)), Some((Time::from_nanos(7), expected)));
        }
        assert_eq!(queue.pop_before(Time::from_nanos(8)), None);
        let rest: Vec<u64> =
            std::iter::from_fn(|| queue.pop_before(Time::MAX)).map(|(_, item)| item).collect();
        assert_eq!(rest, [2_000_003, 2_000_001, 2_000_002, 2_000_000]);
    }

    #[test]
    #[should_panic(expected = "due in the past")]
    fn the_past_is_over() {
        let mut queue = Queue::new();
        queue.push(Time::from_nanos(5), ());
        queue.pop_before(Time::MAX);
        queue.push(Time::from_nanos(4), ());
    }
}
