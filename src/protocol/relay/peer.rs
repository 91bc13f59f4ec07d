//! What a relaying node knows and believes of a peer. It knows no message and no network.

use std::collections::BTreeMap;

use super::disk::Durable;
use super::stream::{Stream, Vector};
use crate::time::{Span, Time};

/// What is known of a peer, and believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Peer {
    /// The disk that it spoke of last.
    disk: Option<u64>,
    /// The disks that it has lost: what is said of them comes late, and of values alone it is still true. With the number
    /// of the first want that was told after that: who answers one of those has not lost it.
    former: BTreeMap<u64, u64>,
    /// What it has said that it has.
    pub(super) known: Vector,
    /// What has been sent to it, or need not be; it may have got lost.
    pub(super) sent: Vector,
    /// What it has been told that this node has; that may have got lost, too.
    pub(super) told: Vector,
    /// How many values it has said that it has, all in all.
    pub(super) count: u64,
    /// What it was sent and has not said that it has, if a timer watches over that.
    pub(super) awaited: Vector,
    /// The number of the want that it has not answered.
    pub(super) asked: Option<u64>,
    pub(super) standing: Standing,
    /// Whether it has named this node as its hub.
    pub(super) follows: bool,
    /// Whether an acknowledgement is under way, should nothing else be said to it sooner.
    pub(super) ack_set: bool,
    /// Its clock in its last message that showed one, and this node's when that came.
    pub(super) arrived: Option<(Time, Time)>,
}

/// Whether a peer is believed to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Trusted,
    /// It has not answered, and only the answer to a later want, one of this number or above, clears it: a message that
    /// comes shows one way of the link alone.
    Suspect { since: u64, backoff: Span, probed: bool },
}

/// Which disk a peer speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spoken {
    /// The one that it spoke of last, or its first.
    Same,
    /// One that is in place of that: nothing that was known or believed of the peer still holds.
    Another,
    /// One that it has lost, as far as anybody knows.
    Former,
}

impl Peer {
    pub(super) fn is_suspect(&self) -> bool {
        matches!(self.standing, Standing::Suspect { .. })
    }

    /// It speaks of this disk, and answers this want if it is an answer; the next want has the number `next`. Disks come
    /// in no order that shows, so that the first word of a lost one may come after that of the one that took its place;
    /// but only a disk that is still there answers what was asked afterwards.
    pub(super) fn speaks_of(&mut self, disk: u64, answer: Option<u64>, next: u64) -> Spoken {
        let is_there = |since: &u64| answer.is_some_and(|number| (*since..next).contains(&number));
        if self.former.get(&disk).is_some_and(|since| !is_there(since)) {
            return Spoken::Former;
        }
        match self.disk.replace(disk) {
            Some(before) if before != disk => {
                let Peer { mut former, standing, .. } = std::mem::take(self);
                former.remove(&disk);
                former.insert(before, next);
                *self = Peer { disk: Some(disk), former, standing, ..Peer::default() };
                Spoken::Another
            }
            _ => Spoken::Same,
        }
    }

    /// Whether this is the disk that it spoke of last.
    #[cfg(test)]
    pub(super) fn speaks_now_of(&self, disk: u64) -> bool {
        self.disk == Some(disk)
    }

    /// How many values of the stream it has, or will have if nothing gets lost.
    pub(super) fn reach(&self, stream: Stream) -> u64 {
        self.known.of(stream).max(self.sent.of(stream))
    }

    /// Whether there is something here that it does not have, nor will.
    pub(super) fn is_behind(&self, disk: &Durable) -> bool {
        disk.lengths().any(|(stream, length)| length > self.reach(stream))
    }

    /// Whether it has said of values that are here, too, and has not been told so.
    pub(super) fn is_owed(&self, disk: &Durable) -> bool {
        disk.lengths().any(|(stream, length)| self.owed(stream, length))
    }

    /// The same of one stream, of which there are so many here.
    pub(super) fn owed(&self, stream: Stream, length: u64) -> bool {
        length.min(self.known.of(stream)) > self.told.of(stream)
    }

    /// Whether it has something that is not here, or has said of something and that got lost.
    pub(super) fn is_ahead(&self, disk: &Durable) -> bool {
        disk.lacks(&self.known) || self.known.sum() < self.count
    }

    /// What it was sent and has not said that it has.
    pub(super) fn under_way(&self) -> Vector {
        let mut under_way = Vector::default();
        for (stream, length) in self.sent.iter().filter(|(stream, length)| self.known.of(*stream) < **length)
        {
            under_way.raise(stream, *length);
        }
        under_way
    }

    /// Nothing that was sent or told is believed to have come.
    pub(super) fn doubt(&mut self) {
        self.sent.clear();
        self.told.clear();
        self.awaited.clear();
        self.asked = None;
    }
}
