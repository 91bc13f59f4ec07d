//! What is answered about a spreading rumour, with how it was got; or why there is no answer.

use thiserror::Error;

/// How far a rumour gets.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The probability that a given node other than the source is uninformed at the end.
    pub per_node_miss: f64,
    /// The probability that anybody is uninformed at the end; summed as such, so that it is precise when it is small.
    pub p_not_all: f64,
    /// The mean number of informed nodes at the end, the source included.
    pub mean_informed: f64,
    /// The variance of that number.
    pub var_informed: f64,
    /// The mean number of pushes and questions sent, the lost ones included: as trials count them. In pull everybody
    /// asks in every round, in push-pull the uninformed do.
    pub expected_messages: f64,
    /// The mean number of answers sent, the lost ones included, beside those: an informed node answers each question
    /// that comes to it. 0 where nobody asks.
    pub expected_answers: f64,
    /// The state after round 0, 1, 2, ... The list ends early once nothing can change any more: [`Answer::after`].
    /// Empty if only the end is known, which so is for large clusters that are run until silence.
    pub rounds: Vec<Round>,
    /// The rounds that informing everybody takes, however many those are; `None` where that is not almost sure
    /// or the tail is too long to be worked out.
    pub rounds_to_all: Option<RoundsToAll>,
    /// The same over those runs only that informed everybody within the setting's rounds, which trials estimate; `None`
    /// if that is rarer than 10^-12, or only the end is known.
    pub rounds_to_all_if_reached: Option<RoundsToAll>,
    /// The distribution of the number of informed nodes at the end: entry i is the probability of i. `None` if it was
    /// approximated.
    pub informed: Option<Vec<f64>>,
    /// How it was got.
    pub method: Method,
}

impl Answer {
    /// The state after this round, if rounds are known.
    pub fn after(&self, round: u32) -> Option<&Round> {
        self.rounds.get(round as usize).or(self.rounds.last())
    }
}

/// The state after a round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// The mean share of the nodes that are informed, the source included.
    pub share_informed: f64,
    /// The probability that a given node other than the source is uninformed.
    pub per_node_miss: f64,
    /// The probability that anybody is uninformed.
    pub p_not_all: f64,
}

/// After how many rounds everybody is informed for the first time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundsToAll {
    /// The mean.
    pub mean: f64,
    /// The variance.
    pub variance: f64,
    /// The fewest rounds that suffice in half of the runs.
    pub p50: u32,
    /// The fewest rounds that suffice in 90 % of the runs.
    pub p90: u32,
    /// The fewest rounds that suffice in 99 % of the runs.
    pub p99: u32,
}

/// How an answer was got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    /// By summing over all that can happen.
    Exact {
        /// A proven bound on the absolute error of both probabilities: rounding, and mass below 10^-22 let go.
        error_bound: f64,
    },
    /// By following the mean and the variance where the numbers are large.
    Approximate {
        /// Several times the absolute error that was measured beside exact answers, for both probabilities.
        error_bound: f64,
    },
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum NoAnswer {
    /// The mode never falls silent, and no number of rounds was given.
    #[error("this mode never falls silent; give a number of rounds")]
    Endless,
    /// The exact answer costs more than is allowed, and there is no approximation.
    #[error("the exact answer takes too much work here, and there is no approximation; simulate instead")]
    TooLarge,
    /// In no round nobody is told anything, so no fanout reaches the target.
    #[error("no fanout reaches the target: in 0 rounds nobody is told anything")]
    NoRounds,
    /// All that is sent is lost, so no fanout reaches the target.
    #[error("no fanout reaches the target: every message is lost")]
    AllLost,
    /// The target is not reached even if every node contacts all others.
    #[error("no fanout reaches the target: contacting all other nodes is not enough")]
    AllNotEnough,
}
