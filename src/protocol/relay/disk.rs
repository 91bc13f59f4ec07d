//! What a relaying node keeps on disk: every value, by its stream and place in it. It knows no node.

use serde::{Deserialize, Serialize};

use super::stream::{Stream, Streams, Vector};
use crate::value::{Value, ValueSet};

/// What survives a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// Which disk this is, by a nonce; nothing on a blank one.
    pub(super) disk: Option<u64>,
    /// All values of all streams, without gaps. How many there are is this node's vector, so that it never says more
    /// than is there.
    log: Streams<Vec<Value>>,
    /// The same in order of arrival, each once.
    values: ValueSet,
}

/// Whether a value had been known before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    Known,
}

impl Durable {
    pub(super) fn values(&self) -> &ValueSet {
        &self.values
    }

    pub(super) fn streams(&self) -> impl Iterator<Item = (Stream, &[Value])> {
        self.log.iter().map(|(stream, values)| (stream, &values[..]))
    }

    /// How many values of each stream there are.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (Stream, u64)> {
        self.log.iter().map(|(stream, values)| (stream, values.len() as u64))
    }

    /// How many values of the stream there are.
    pub(super) fn length(&self, stream: Stream) -> u64 {
        self.log.get(stream).map_or(0, |values| values.len() as u64)
    }

    /// How many values there are in all streams.
    pub(super) fn count(&self) -> u64 {
        self.lengths().map(|(_, length)| length).sum()
    }

    /// Whether the vector names values that are not here.
    pub(super) fn lacks(&self, vector: &Vector) -> bool {
        vector.iter().any(|(stream, length)| *length > self.length(stream))
    }

    /// Adds the stream's next value.
    pub(super) fn append(&mut self, stream: Stream, value: Value) -> Novelty {
        self.log.entry(stream).push(value.clone());
        if self.values.insert(value) { Novelty::New } else { Novelty::Known }
    }
}

/// Batches that came before those that they follow on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Early {
    batches: Streams<Vec<(u64, Vec<Value>)>>,
    kept: usize,
}

/// So many batches are kept at most until what they follow on has come; what is thrown away will be pulled.
const MOST_EARLY: usize = 1_000;

impl Early {
    pub(super) fn keep(&mut self, stream: Stream, start: u64, values: Vec<Value>) {
        if self.kept < MOST_EARLY {
            self.kept += 1;
            self.batches.entry(stream).push((start, values));
        }
    }

    /// A batch that begins within the first `length` values of the stream, or right after them.
    pub(super) fn take(&mut self, stream: Stream, length: u64) -> Option<(u64, Vec<Value>)> {
        self.batches.get(stream)?;
        let batches = self.batches.entry(stream);
        let at = batches.iter().position(|(start, _)| *start <= length)?;
        let batch = batches.swap_remove(at);
        self.kept -= 1;
        if batches.is_empty() {
            self.batches.remove(stream);
        }
        Some(batch)
    }
}
