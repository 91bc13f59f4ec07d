//! What relaying nodes say to one another. It knows no node.

use serde::{Deserialize, Serialize};

use super::stream::Stream;
use crate::id::NodeId;
use crate::time::{Span, Time};
use crate::value::Value;

/// Node to node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// All there is to say, as far as there is something to say.
    Relay(Box<Relayed>),
}

/// The one message: values, what the sender has, what it wants.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Relayed {
    /// The nonce of the sender's disk.
    pub disk: u64,
    /// Whom the sender follows; itself, if it is a root.
    pub hub: NodeId,
    /// How many values the sender has in all.
    pub count: u64,
    /// What the sender has beyond what it has told before: so many of this stream. `data` tells, too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub have: Vec<(NodeId, u64, u64)>,
    /// Values for you.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub data: Vec<Batch>,
    /// Answer at once with all that you have beyond `have`, and name this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub want: Option<u64>,
    /// The number of the want that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<u64>,
    /// This is a flush, and the next is this much later at the earliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flush: Option<Span>,
    /// The sender's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Time>,
    /// The clock that you last sent, and how long it has waited here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<(Time, Span)>,
}

/// Values of a stream that follow one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Batch {
    /// The stream's node.
    pub node: NodeId,
    /// The stream's disk.
    pub disk: u64,
    /// How many of the stream come before them.
    pub start: u64,
    /// How many hops they have come, this one included; nothing once they have passed by repair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hops: Option<u32>,
    /// The values.
    pub messages: Vec<Value>,
}

impl Batch {
    /// The stream.
    pub fn stream(&self) -> Stream {
        Stream { node: self.node, disk: self.disk }
    }

    /// How many of the stream whoever sent this has at least.
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.messages.len() as u64)
    }
}

impl Relayed {
    /// All that this says of what the sender has: so many of these streams.
    pub fn claims(&self) -> impl Iterator<Item = (Stream, u64)> {
        let told =
            self.have.iter().map(|(node, disk, length)| (Stream { node: *node, disk: *disk }, *length));
        told.chain(self.data.iter().map(|batch| (batch.stream(), batch.end())))
    }

    /// How long it has taken to the sender and back, if this, which comes now, echoes a clock.
    pub(super) fn rtt(&self, now: Time) -> Option<Span> {
        let (sent, waited) = self.echo?;
        let passed = now.as_nanos().checked_sub(sent.as_nanos())?;
        passed.checked_sub(waited.as_nanos()).map(Span::from_nanos)
    }
}

/// So many bytes of values go into one message at most, but for its first value.
pub(super) const MOST_TOLD: usize = 1 << 20;

/// About the bytes of a value in a message.
pub(super) fn size(value: &Value) -> usize {
    value.text().len() + 2
}
