//! Looking ahead: in a large cluster nearly every message meets a host that is in no cache, and waits for memory.
//!
//! The queue takes up what is due next by dozens. Each time, all these messages and their hosts are read at once, so that
//! the waits overlap. It changes nothing that happens.

use super::pending::Pending;
use super::{Observer, Sim};
use crate::node::Node;

/// So few hosts are in the cache anyway.
const FEW_HOSTS: usize = 8_192;

impl<N: Node, O: Observer<N>> Sim<N, O> {
    /// Looks at the messages that are due next and at their hosts, all at once, so that the cache misses overlap.
    #[inline]
    pub(super) fn look_ahead(&mut self) {
        let Some(items) = self.queue.new_in_view() else { return };
        if self.hosts.len() < FEW_HOSTS {
            return;
        }
        self.ahead.clear();
        for item in items {
            if let Pending::Message(slot) = item {
                self.ahead.push(self.flights.look(slot).0.dst);
            }
        }
        let seen = self.ahead.iter().fold(0, |seen, dst| seen ^ self.hosts[dst.index()].touch());
        std::hint::black_box(seen);
    }
}
