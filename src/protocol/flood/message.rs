//! What flooding nodes say to one another, and how much of it goes into one message. It knows no node.

use serde::{Deserialize, Serialize};

use super::few::Few;
use crate::value::Value;

/// Node to node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// Values for you.
    Tell {
        /// In the order in which the sender learnt them.
        messages: Few<Told>,
        /// What to acknowledge; nothing in a blind flood.
        receipt: Option<Receipt>,
    },
    /// These are on my disk.
    Ack {
        /// The numbers of the Tell.
        numbers: Few<u64>,
    },
    /// My disk was blank: tell me everything.
    Hello {
        /// The asking disk.
        disk: u64,
    },
    /// I shall.
    Welcome {
        /// The disk that asked.
        disk: u64,
    },
}

/// A value on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Told {
    /// The value.
    pub message: Value,
    /// How many hops it has come, this one included; null once it has passed by repair.
    pub hops: Option<u32>,
}

/// What to acknowledge.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Receipt {
    /// The disk that the values are on.
    pub disk: u64,
    /// One number for each time that some of these values were first sent.
    pub numbers: Few<u64>,
}

/// So many bytes go into one message at most, but for its first value.
pub(super) const MOST_TOLD: usize = 1 << 20;

/// About the bytes of a value in a message.
pub(super) fn size(told: &Told) -> usize {
    told.message.text().len() + 32
}

/// The values in as few messages as they fit into.
pub(super) fn pieces(messages: Few<Told>) -> Vec<Vec<Told>> {
    let (mut pieces, mut room) = (Vec::new(), 0);
    for told in messages {
        let size = size(&told);
        if size > room || pieces.is_empty() {
            pieces.push(Vec::new());
            room = MOST_TOLD;
        }
        room = room.saturating_sub(size);
        if let Some(piece) = pieces.last_mut() {
            piece.push(told);
        }
    }
    pieces
}
