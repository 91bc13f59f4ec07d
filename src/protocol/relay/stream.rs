//! Streams of values, and maps from streams: how many values of each somebody has is a [`Vector`]. It knows no node.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;

/// The values that one node took in from clients while it had one disk, in the order in which they came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Stream {
    /// Who took them in.
    pub node: NodeId,
    /// The nonce of the disk that they were written to.
    pub disk: u64,
}

/// Something for each of some streams, in their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Streams<T>(Vec<(Stream, T)>);

impl<T> Default for Streams<T> {
    fn default() -> Streams<T> {
        Streams(Vec::new())
    }
}

impl<T> Streams<T> {
    pub(super) fn get(&self, stream: Stream) -> Option<&T> {
        let at = self.0.binary_search_by_key(&stream, |(stream, _)| *stream).ok()?;
        Some(&self.0[at].1)
    }

    pub(super) fn entry(&mut self, stream: Stream) -> &mut T
    where
        T: Default,
    {
        let at = match self.0.binary_search_by_key(&stream, |(stream, _)| *stream) {
            Ok(at) => at,
            Err(at) => {
                self.0.insert(at, (stream, T::default()));
                at
            }
        };
        &mut self.0[at].1
    }

    pub(super) fn remove(&mut self, stream: Stream) {
        self.0.retain(|(other, _)| *other != stream);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Stream, &T)> {
        self.0.iter().map(|(stream, what)| (*stream, what))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// How many values of each stream somebody has: always its first ones.
pub(super) type Vector = Streams<u64>;

impl Vector {
    /// How many of this stream.
    pub(super) fn of(&self, stream: Stream) -> u64 {
        self.get(stream).copied().unwrap_or(0)
    }

    /// At least so many of this stream.
    pub(super) fn raise(&mut self, stream: Stream, length: u64) {
        if length > 0 {
            let known = self.entry(stream);
            *known = (*known).max(length);
        }
    }

    /// At most so many of this stream.
    pub(super) fn lower(&mut self, stream: Stream, length: u64) {
        if self.of(stream) > length {
            *self.entry(stream) = length;
        }
    }

    /// Stream by stream the more of both.
    pub(super) fn join(&mut self, other: &Vector) {
        other.iter().for_each(|(stream, length)| self.raise(stream, *length));
    }

    /// Whether it has everything that the other has.
    pub(super) fn covers(&self, other: &Vector) -> bool {
        other.iter().all(|(stream, length)| self.of(stream) >= *length)
    }

    /// How many values in all; as good as infinite if a peer made it up.
    pub(super) fn sum(&self) -> u64 {
        self.iter().fold(0, |sum, (_, length)| sum.saturating_add(*length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(node: u32) -> Stream {
        Stream { node: NodeId(node), disk: 7 }
    }

    #[test]
    fn a_vector_is_a_join_of_what_it_was_told() {
        let mut some = Vector::default();
        some.raise(stream(3), 4);
        some.raise(stream(1), 2);
        some.raise(stream(3), 1);
        some.raise(stream(2), 0);
        assert_eq!(some.iter().collect::<Vec<_>>(), [(stream(1), &2), (stream(3), &4)]);
        let mut more = Vector::default();
        more.raise(stream(1), 5);
        assert!(!some.covers(&more) && !more.covers(&some) && some.covers(&Vector::default()));
        more.join(&some);
        assert!(more.covers(&some) && (more.sum(), more.of(stream(9))) == (9, 0));
        more.lower(stream(1), 1);
        more.lower(stream(9), 1);
        assert_eq!(more.iter().collect::<Vec<_>>(), [(stream(1), &1), (stream(3), &4)]);
        more.raise(stream(9), u64::MAX);
        assert_eq!(more.sum(), u64::MAX);
    }
}
