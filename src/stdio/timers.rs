//! The timers of a served node, in real time. They know no node.

use crate::time::{Span, Time};

/// The pending timers: each value at most once.
#[derive(Debug)]
pub(super) struct Timers<T>(Vec<(Time, T)>);

/// When a handler should have run, and when it did, which in real time is a little later.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) due: Time,
    pub(super) now: Time,
}

impl Since {
    /// A handler that runs when it should.
    pub(super) fn now(now: Time) -> Since {
        Since { due: now, now }
    }

    /// When a timer of this length fires. It counts from when its handler should have run, so that one that is set
    /// again and again does not drift; a host that has slept through that does not make up for it.
    fn plus(self, length: Span) -> Time {
        let due = self.due + length;
        if due > self.now { due } else { self.now + length }
    }
}

impl<T: Copy + Eq> Timers<T> {
    pub(super) fn new() -> Timers<T> {
        Timers(Vec::new())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Sets a timer, or moves it.
    pub(super) fn set(&mut self, timer: T, length: Span, since: Since) {
        self.cancel(timer);
        self.0.push((since.plus(length), timer));
    }

    pub(super) fn cancel(&mut self, timer: T) {
        self.0.retain(|(_, other)| *other != timer);
    }

    /// When the next one is due.
    pub(super) fn next(&self) -> Option<Time> {
        self.0.iter().map(|(due, _)| *due).min()
    }

    /// Takes the one that has been due for longest.
    pub(super) fn take_due(&mut self, now: Time) -> Option<(Time, T)> {
        let due = (0..self.0.len()).filter(|at| self.0[*at].0 <= now);
        let longest = due.min_by_key(|at| self.0[*at].0)?;
        Some(self.0.remove(longest))
    }
}
