//! Epidemic mathematics: how a rumour spreads in synchronous rounds over a complete graph, exactly and by simulation.
//!
//! One rumour among N nodes; node 0 is the source and is informed at round 0. A sender draws K *distinct* peers of the
//! N - 1 others; each push is lost with a probability, independently, and still counts as sent. All senders of a round
//! act on the state at its start, and a node informed in round t first sends in round t + 1.
//!
//! The answers: the textbook's formula, the exact one, an approximation of that for clusters too large for it, and
//! trials that are played out. It knows no simulator, no node and no I/O.

pub mod answer;
pub mod exact;
pub mod formula;

pub use answer::{Answer, Method, NoAnswer, Round, RoundsToAll};

use crate::ratio::Chance;

/// The way in which a rumour spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Infect forever: every informed node pushes to K peers in every round.
    Push,
    /// Infect and die: a node pushes to K peers once, in the round after it first hears.
    PushOnce(Sender),
    /// As memberlist does: a node sends the rumour to K peers a round until it has sent so many copies; the last round
    /// of a node may have fewer.
    Limited {
        /// How many copies a node sends at most, L in memberlist's words.
        copies: u32,
    },
    /// Every node asks K peers in every round; question and answer are each lost with the same probability.
    Pull,
    /// Every node contacts K peers in every round: the informed push, the uninformed pull.
    PushPull,
}

/// Whether the node that a rumour was first heard from is among those that it may be pushed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Sender {
    /// It may be drawn like any other.
    #[default]
    Drawn,
    /// It is left out of the candidates. The source has none to leave out.
    LeftOut,
}

/// What is asked of a spreading rumour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Setting {
    /// How many nodes, the source included.
    pub nodes: u64,
    /// How many peers a node contacts a round, K; more than `nodes - 1` count as that.
    pub fanout: u64,
    /// How many rounds; `None` until nobody has anything left to send, which only [`Mode::PushOnce`] and
    /// [`Mode::Limited`] ever reach.
    pub rounds: Option<u32>,
    /// The probability that a push, a question or an answer is lost.
    pub loss: Chance,
    /// The way in which the rumour spreads.
    pub mode: Mode,
}

impl Setting {
    /// How many distinct peers a node really contacts a round.
    pub fn contacts(&self) -> u64 {
        self.fanout.min(self.nodes.saturating_sub(1))
    }
}
