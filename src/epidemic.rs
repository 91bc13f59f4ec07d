//! Epidemic mathematics: how a rumour spreads in synchronous rounds over a complete graph, exactly and by simulation.
//!
//! One rumour among N nodes; node 0 is the source and is informed at round 0. A sender draws K *distinct* peers of the
//! N - 1 others; each push is lost with a probability, independently, and still counts as sent. All senders of a round
//! act on the state at its start, and a node informed in round t first sends in round t + 1.
//!
//! The answers: the textbook's formula, the exact one, an approximation of that for clusters too large for it, and
//! trials that are played out. It knows no simulator, no node and no I/O.

pub mod answer;
pub mod approximate;
pub mod estimate;
pub mod exact;
pub mod formula;
pub mod min_fanout;
pub mod monte_carlo;
pub mod rumor;

pub use answer::{Answer, Method, NoAnswer, Round, RoundsToAll};

use crate::ratio::Chance;
use exact::{Wanted, Work};

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

impl Mode {
    /// memberlist's mode for a cluster of this size: L = `mult` times ceil(log10(nodes + 1)) copies.
    pub fn limited(mult: u32, nodes: u64) -> Mode {
        // 1 for up to 9 nodes, 2 for up to 99: the decimal digits of the number of nodes.
        let digits = nodes.checked_ilog10().map_or(0, |log| log + 1);
        Mode::Limited { copies: mult.saturating_mul(digits) }
    }
}

impl Setting {
    /// How many distinct peers a node really contacts a round.
    pub fn contacts(&self) -> u64 {
        self.fanout.min(self.nodes.saturating_sub(1))
    }
}

/// How far a rumour gets: exactly if that costs no more than [`Work::DEFAULT`], else approximately.
///
/// Costs a second or two at most, and at most some 300 MB. The answer says by which method it was got.
///
/// # Errors
/// [`NoAnswer::Endless`] for push, pull or push-pull without a number of rounds; [`NoAnswer::TooLarge`] where the exact
/// answer takes too much work and there is no approximation, which is only there for push.
///
/// ```
/// use rumormill::epidemic::{Mode, Setting, answer};
/// use rumormill::ratio::Chance;
///
/// let setting = Setting { nodes: 25, fanout: 3, rounds: Some(5), loss: Chance::NEVER, mode: Mode::Push };
/// let answer = answer(&setting).expect("25 nodes are few");
/// assert_eq!(format!("{:.6}", answer.p_not_all), "0.005274");
/// ```
pub fn answer(setting: &Setting) -> Result<Answer, NoAnswer> {
    answer_out_of(setting, Wanted::All, &mut Work::new(2 * Work::DEFAULT.multiply_adds()))
}

/// The same, but only of the end, and for no more than so much work.
///
/// # Errors
/// As [`answer()`].
pub fn answer_within(setting: &Setting, mut work: Work) -> Result<Answer, NoAnswer> {
    answer_out_of(setting, Wanted::End, &mut work)
}

/// The same, out of a stock of work.
fn answer_out_of(setting: &Setting, wanted: Wanted, work: &mut Work) -> Result<Answer, NoAnswer> {
    let most = Work::DEFAULT.multiply_adds();
    // About what a wide round costs.
    let wide = setting.nodes as f64 * setting.nodes as f64 * setting.contacts() as f64;
    let hopeless = wide > 2.0 * most as f64;
    if setting.mode != Mode::Push {
        return work.lend(most, |lent| exact::answer_out_of(setting, wanted, lent));
    }
    // The source's own round costs next to nothing.
    let exact = match hopeless && setting.rounds != Some(1) {
        true => Err(NoAnswer::TooLarge),
        false => work.lend(most, |lent| exact::answer_out_of(setting, wanted, lent)),
    };
    match exact {
        Err(NoAnswer::TooLarge) => work.lend(most, |lent| approximate::answer_out_of(setting, wanted, lent)),
        other => other,
    }
}
