//! What a flooding node has sent and no neighbour has acknowledged, in flat lists that keep their room.
//!
//! It knows no timer and sends nothing.

use std::collections::VecDeque;

use super::few::Few;
use super::message::Told;
use crate::id::NodeId;
use crate::time::Time;

/// Values that were first sent together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flight {
    /// Greater than those of all earlier ones.
    pub(super) number: u64,
    pub(super) sent: Time,
    pub(super) messages: Few<Told>,
}

/// What has not been acknowledged, by neighbour, in order of number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Flights(Vec<(NodeId, VecDeque<Flight>)>);

impl Flights {
    /// The neighbours that have not acknowledged everything, in order.
    pub(super) fn peers(&self) -> impl Iterator<Item = NodeId> {
        self.0.iter().filter(|(_, flights)| !flights.is_empty()).map(|(peer, _)| *peer)
    }

    /// What this neighbour has not acknowledged.
    pub(super) fn to(&mut self, peer: NodeId) -> &mut VecDeque<Flight> {
        let at = self.0.binary_search_by_key(&peer, |(other, _)| *other).unwrap_or_else(|at| {
            self.0.insert(at, (peer, VecDeque::new()));
            at
        });
        &mut self.0[at].1
    }

    /// The neighbour has acknowledged these.
    pub(super) fn land(&mut self, peer: NodeId, numbers: &[u64]) -> Landed {
        let Ok(at) = self.0.binary_search_by_key(&peer, |(other, _)| *other) else {
            return Landed::Some;
        };
        let flights = &mut self.0[at].1;
        let before = flights.len();
        for number in numbers {
            if let Ok(at) = flights.binary_search_by_key(number, |flight| flight.number) {
                flights.remove(at);
            }
        }
        if before > 0 && flights.is_empty() { Landed::Last } else { Landed::Some }
    }

    /// Forgets what is under way to the neighbour; `false` if nothing is.
    pub(super) fn forget(&mut self, peer: NodeId) -> bool {
        let flights = self.0.iter_mut().find(|(other, flights)| *other == peer && !flights.is_empty());
        flights.map(|(_, flights)| flights.clear()).is_some()
    }

    /// Forgets what is under way to all others.
    pub(super) fn keep(&mut self, keeps: impl Fn(NodeId) -> bool) {
        self.0.retain(|(peer, _)| keeps(*peer));
    }
}

/// What an acknowledgement leaves under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landed {
    /// Something, or there was nothing before.
    Some,
    /// Nothing any more.
    Last,
}
