//! A host: the slot that a node runs in, with its disk, its timers and, while it is held still, its inbox.
//!
//! It knows no queue and no network. Whether a firing is stale is decided here, by the timer's generation.

use std::hash::Hash;

use crate::hash::hash_of;
use crate::id::NodeId;
use crate::node::Node;
use crate::rng::Before;
use crate::time::Time;

/// What waits at a paused host, in the order in which it was due.
#[derive(Debug)]
pub(crate) enum Held<N: Node> {
    /// The host came up while it was paused.
    Start,
    Message {
        src: NodeId,
        sent: Time,
        message: N::Message,
    },
    Request {
        operation: usize,
    },
    Timer {
        timer: N::Timer,
        generation: u64,
    },
}

/// A slot for one node. A message to a random node of many misses the cache, but once: a gossiping host is one line.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Host<N: Node> {
    pub(crate) life: Life<N>,
    /// The number of the life that began last, or will begin first.
    pub(crate) incarnation: u32,
    /// When it was given its last input.
    heard: Time,
    /// How many faults hold it down, and how many hold it still.
    pub(crate) downs: u32,
    pub(crate) pauses: u32,
    /// The last pause has just ended: the host goes on once all that ends at this instant has ended.
    pub(crate) resumes: bool,
    /// What few inputs look at, kept apart so that a host is small where a message meets it.
    aside: Option<Box<Aside<N>>>,
}

#[derive(Debug)]
pub(crate) struct Aside<N: Node> {
    pub(crate) timers: Timers<N::Timer>,
    pub(crate) inbox: Vec<Held<N>>,
}

/// The node while it lives; its disk while it does not.
#[derive(Debug)]
pub(crate) enum Life<N: Node> {
    Up(N),
    Down(N::Durable),
}

impl<N: Node> Host<N> {
    pub(crate) fn new() -> Host<N> {
        Host {
            life: Life::Down(N::Durable::default()),
            incarnation: 0,
            heard: Time::MAX,
            downs: 0,
            pauses: 0,
            resumes: false,
            aside: None,
        }
    }

    /// It is given an input now; whether it was given another before at this very instant.
    pub(crate) fn hears(&mut self, now: Time) -> Before {
        if std::mem::replace(&mut self.heard, now) == now { Before::Perhaps } else { Before::Nothing }
    }

    /// Reads a word, so that the host is in the cache when it is needed.
    pub(crate) fn touch(&self) -> u64 {
        self.heard.as_nanos()
    }

    pub(crate) fn aside(&mut self) -> &mut Aside<N> {
        self.aside.get_or_insert_with(|| Box::new(Aside { timers: Timers::default(), inbox: Vec::new() }))
    }

    /// Whether the host keeps what arrives for later.
    pub(crate) fn holds_still(&self) -> bool {
        self.pauses > 0 && self.downs == 0
    }

    /// Drops the node, its timers and its inbox, which is returned; the disk stays.
    pub(crate) fn crash(&mut self) -> Vec<Held<N>> {
        if let Life::Up(node) = &self.life {
            self.life = Life::Down(node.durable().clone());
            self.incarnation += 1;
        }
        self.aside.take().map(|aside| aside.inbox).unwrap_or_default()
    }

    /// Empties the disk of a node that is down.
    pub(crate) fn wipe(&mut self) {
        assert!(matches!(self.life, Life::Down(_)), "only a disk that nobody uses is wiped");
        self.life = Life::Down(N::Durable::default());
    }
}

/// The pending timers of one host, at most one for each value, ordered by hash.
#[derive(Debug)]
pub(crate) struct Timers<T>(Vec<(u64, T, u64)>);

impl<T> Default for Timers<T> {
    fn default() -> Timers<T> {
        Timers(Vec::new())
    }
}

impl<T: Copy + Eq + Hash> Timers<T> {
    /// Sets the timer to this generation, in place of any earlier setting.
    pub(crate) fn set(&mut self, timer: T, generation: u64) {
        match self.find(timer) {
            Ok(at) => self.0[at].2 = generation,
            Err(at) => self.0.insert(at, (hash_of(&timer), timer, generation)),
        }
    }

    /// Forgets the timer.
    pub(crate) fn cancel(&mut self, timer: T) {
        if let Ok(at) = self.find(timer) {
            self.0.remove(at);
        }
    }

    /// Takes the timer out if this generation of it is still the pending one; a stale firing finds nothing.
    pub(crate) fn fire(&mut self, timer: T, generation: u64) -> bool {
        match self.find(timer) {
            Ok(at) if self.0[at].2 == generation => {
                self.0.remove(at);
                true
            }
            Ok(_) | Err(_) => false,
        }
    }

    /// Whether this generation of the timer is the pending one.
    pub(crate) fn is_pending(&self, timer: T, generation: u64) -> bool {
        self.find(timer).is_ok_and(|at| self.0[at].2 == generation)
    }

    fn find(&self, timer: T) -> Result<usize, usize> {
        let hash = hash_of(&timer);
        let first = self.0.partition_point(|(other, _, _)| *other < hash);
        let equals = self.0[first..].iter().take_while(|(other, _, _)| *other == hash);
        equals.enumerate().find(|(_, (_, other, _))| *other == timer).map(|(at, _)| first + at).ok_or(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gossiping_host_is_one_cache_line() {
        assert_eq!(std::mem::size_of::<Host<crate::protocol::gossip::Gossip>>(), 64);
    }

    #[test]
    fn a_timer_that_moved_or_was_cancelled_does_not_fire() {
        let mut timers = Timers::default();
        timers.set("a", 1);
        timers.set("b", 2);
        timers.set("a", 3);
        assert!(!timers.fire("a", 1), "it moved");
        assert!(timers.fire("a", 3));
        assert!(!timers.fire("a", 3), "it has fired");
        timers.cancel("b");
        assert!(!timers.fire("b", 2), "it was cancelled");
        timers.cancel("b");
    }
}
