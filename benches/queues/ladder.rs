//! A ladder queue (Tang, Goh and Thng, 2005).
//!
//! What is far lies unsorted in the top. When its time comes it is spread over the buckets of a rung, about so many
//! events each; a bucket that holds many becomes a rung of its own below, one that holds few is sorted into the bottom,
//! from which events are popped. Widths are powers of two here, so that nothing is divided.

use super::EventQueue;
use super::pending::{Pending, latest_first};

/// A bucket of so few events is sorted rather than spread.
const FEW: usize = 64;
/// So many events are too many to keep sorted by insertion.
const MANY: usize = 512;
/// A rung has a bucket for about so many events.
const EACH: usize = 8;

/// Instants are below `u64::MAX`.
pub(crate) struct Ladder<T> {
    sequence: u64,
    top: Vec<Pending<T>>,
    /// The first and the last instant in the top.
    top_span: (u64, u64),
    /// What is due at this instant or later goes to the top.
    top_start: u64,
    /// The widest first; those past `depth` are kept for their buffers.
    rungs: Vec<Rung<T>>,
    depth: usize,
    /// Sorted, the next event last.
    bottom: Vec<Pending<T>>,
}

struct Rung<T> {
    start: u64,
    /// A bucket is so many bits of nanoseconds wide.
    shift: u32,
    /// The next bucket, and its first instant.
    current: usize,
    floor: u64,
    used: usize,
    buckets: Vec<Vec<Pending<T>>>,
}

impl<T: Copy> Rung<T> {
    fn add(&mut self, pending: Pending<T>) {
        self.buckets[((pending.at - self.start) >> self.shift) as usize].push(pending);
    }

    fn go_to(&mut self, bucket: usize) {
        self.current = bucket;
        let floor = u128::from(self.start) + ((bucket as u128) << self.shift);
        self.floor = u64::try_from(floor).unwrap_or(u64::MAX);
    }

    /// Goes to the next bucket that holds anything; `false` if none does.
    fn advance(&mut self) -> bool {
        let ahead = &self.buckets[self.current..self.used];
        let empty = ahead.iter().position(|bucket| !bucket.is_empty()).unwrap_or(ahead.len());
        self.go_to(self.current + empty);
        self.current < self.used
    }
}

impl<T: Copy> Ladder<T> {
    /// Spreads events over a new rung from `start` to `last`.
    fn spawn(&mut self, start: u64, last: u64, events: &mut Vec<Pending<T>>) {
        let buckets = (events.len() / EACH).max(2) as u64;
        let width = (last - start) / buckets + 1;
        let shift = width.checked_next_power_of_two().map_or(63, u64::trailing_zeros);
        let used = ((last - start) >> shift) as usize + 1;
        if self.rungs.len() == self.depth {
            let buckets = Vec::new();
            self.rungs.push(Rung { start, shift, current: 0, floor: start, used, buckets });
        }
        let rung = &mut self.rungs[self.depth];
        self.depth += 1;
        (rung.start, rung.shift, rung.used) = (start, shift, used);
        if rung.buckets.len() < used {
            rung.buckets.resize_with(used, Vec::new);
        }
        rung.go_to(0);
        events.drain(..).for_each(|event| rung.add(event));
    }

    /// Moves the earliest events into the bottom, which is empty; `false` if none is due before `limit`.
    fn refill(&mut self, limit: u64) -> bool {
        loop {
            if self.depth == 0 {
                let (first, last) = self.top_span;
                if self.top.is_empty() || first >= limit {
                    return false;
                }
                let mut top = std::mem::take(&mut self.top);
                // More for an only instant comes after all of it, in the top.
                self.top_start = if first == last { last } else { last + 1 };
                self.top_span = (u64::MAX, 0);
                if first == last || top.len() <= FEW {
                    self.bottom.append(&mut top);
                    latest_first(&mut self.bottom);
                    self.top = top;
                    return true;
                }
                self.spawn(first, last, &mut top);
                self.top = top;
            }
            let rung = &mut self.rungs[self.depth - 1];
            if !rung.advance() {
                self.depth -= 1;
                continue;
            }
            if rung.floor >= limit {
                return false;
            }
            let (bucket, start, shift) = (rung.current, rung.floor, rung.shift);
            let mut events = std::mem::take(&mut rung.buckets[bucket]);
            // A bucket of one instant stays the next one: what is pushed for it comes after all of it.
            if shift > 0 {
                rung.go_to(bucket + 1);
            }
            let parent = self.depth - 1;
            let sorts = shift == 0 || events.len() <= FEW;
            if sorts {
                self.bottom.append(&mut events);
                latest_first(&mut self.bottom);
            } else {
                self.spawn(start, start.saturating_add((1 << shift) - 1), &mut events);
            }
            self.rungs[parent].buckets[bucket] = events;
            if sorts {
                return true;
            }
        }
    }

    fn put_bottom(&mut self, pending: Pending<T>) {
        let place = self.bottom.partition_point(|other| other.at > pending.at);
        self.bottom.insert(place, pending);
        if self.bottom.len() <= MANY {
            return;
        }
        // The bottom becomes the lowest rung, which must reach to the one above.
        let above = self.depth.checked_sub(1).map_or(self.top_start, |lowest| self.rungs[lowest].floor);
        let (start, last) = (self.bottom[MANY].at, self.bottom[0].at.max(above - 1));
        let mut bottom = std::mem::take(&mut self.bottom);
        bottom.reverse();
        self.spawn(start, last, &mut bottom);
        self.bottom = bottom;
    }
}

impl<T: Copy> EventQueue<T> for Ladder<T> {
    fn empty() -> Ladder<T> {
        Ladder {
            sequence: 0,
            top: Vec::new(),
            top_span: (u64::MAX, 0),
            top_start: 0,
            rungs: Vec::new(),
            depth: 0,
            bottom: Vec::new(),
        }
    }

    fn push(&mut self, at: u64, item: T) {
        let pending = Pending { at, sequence: self.sequence, item };
        self.sequence += 1;
        if at >= self.top_start {
            self.top_span = (self.top_span.0.min(at), self.top_span.1.max(at));
            return self.top.push(pending);
        }
        match self.rungs[..self.depth].iter_mut().find(|rung| at >= rung.floor) {
            Some(rung) => rung.add(pending),
            None => self.put_bottom(pending),
        }
    }

    fn pop_before(&mut self, limit: u64) -> Option<(u64, T)> {
        if self.bottom.is_empty() && !self.refill(limit) {
            return None;
        }
        self.bottom.pop_if(|next| next.at < limit).map(|next| (next.at, next.item))
    }
}
