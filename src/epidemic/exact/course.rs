//! What an exact run has seen, round by round, and what follows from it.

use super::mass::Mass;
use crate::epidemic::{Answer, Method, Round, RoundsToAll, Setting};

/// Rarer than this, what happens once everybody is informed is beneath the precision of what is kept.
const RARE: f64 = 1e-12;

/// The state after a round.
#[derive(Clone, Copy, Debug)]
pub(in crate::epidemic) struct State {
    /// The mean number of informed nodes.
    pub(in crate::epidemic) informed: f64,
    /// The mean number of uninformed nodes. Each of the two is kept, for it may be small beside the other.
    pub(in crate::epidemic) missed: f64,
    /// The probability that there are any.
    pub(in crate::epidemic) p_not_all: f64,
    /// The probability that there are none.
    pub(in crate::epidemic) p_all: f64,
}

impl State {
    pub(in crate::epidemic) fn of(mass: &Mass, nodes: usize) -> State {
        let missed = mass.mean();
        // A probability is no more than 1, whatever the last digit of a sum.
        let (p_not_all, p_all) = (mass.above_none().min(1.0), mass.at(0).min(1.0));
        State { informed: nodes as f64 - missed, missed, p_not_all, p_all }
    }

    pub(in crate::epidemic) fn told(&self, nodes: u64) -> Round {
        Round {
            share_informed: self.informed / nodes as f64,
            per_node_miss: (self.missed / (nodes - 1) as f64).min(1.0),
            p_not_all: self.p_not_all,
        }
    }
}

/// A run through the rounds.
#[derive(Clone, Debug)]
pub(super) struct Course {
    /// After round 0, 1, ...; shorter than the rounds once nothing can change any more. Empty if only the end is known.
    pub(super) states: Vec<State>,
    /// The distribution of the uninformed at the end.
    pub(super) end: Mass,
    /// The mean number of messages, pushes and questions.
    pub(super) messages: f64,
    /// The mean number of answers.
    pub(super) answers: f64,
    /// The bound on the relative error of every probability that was not let go.
    pub(super) relative_error: f64,
    /// The rounds to all, however many.
    pub(super) rounds_to_all: Option<RoundsToAll>,
}

impl Course {
    pub(super) fn answer(self, setting: &Setting) -> Answer {
        let end = State::of(&self.end, setting.nodes as usize);
        let Round { per_node_miss, p_not_all, .. } = end.told(setting.nodes);
        Answer {
            per_node_miss,
            p_not_all,
            mean_informed: end.informed,
            var_informed: self.end.spread_about(end.missed),
            expected_messages: self.messages,
            expected_answers: self.answers,
            rounds: self.states.iter().map(|state| state.told(setting.nodes)).collect(),
            rounds_to_all: self.rounds_to_all,
            rounds_to_all_if_reached: rounds_to_all(&self.states),
            informed: Some((0..=setting.nodes as usize).rev().map(|u| self.end.at(u)).collect()),
            method: Method::Exact { error_bound: self.end.dropped + self.relative_error * p_not_all },
        }
    }
}

/// The first round after which all are informed, over the runs in which that is within these states.
pub(in crate::epidemic) fn rounds_to_all(states: &[State]) -> Option<RoundsToAll> {
    // Of the two differences that are the same, the one between the smaller numbers is the more precise.
    let first = |pair: &[State]| match pair[1].p_all < 0.5 {
        true => pair[1].p_all - pair[0].p_all,
        false => pair[0].p_not_all - pair[1].p_not_all,
    };
    let first: Vec<f64> = states.windows(2).map(|pair| first(pair).max(0.0)).collect();
    let all: f64 = first.iter().sum();
    if all < RARE {
        return None;
    }
    let mean = first.iter().zip(1..).map(|(p, t)| p * f64::from(t)).sum::<f64>() / all;
    let about = |t: i32| (f64::from(t) - mean) * (f64::from(t) - mean);
    let variance = first.iter().zip(1..).map(|(p, t)| p * about(t)).sum::<f64>() / all;
    // The first round after which no more than this share takes longer.
    let within = |later: f64| {
        let (mut left, mut t) = (0.0, first.len());
        while t > 0 && (left + first[t - 1]) / all <= later * (1.0 + 1e-12) {
            left += first[t - 1];
            t -= 1;
        }
        t as u32
    };
    Some(RoundsToAll { mean, variance, p50: within(0.5), p90: within(0.1), p99: within(0.01) })
}

/// What is known of a cluster in which there is nobody to inform.
pub(super) fn nobody_to_inform(nodes: u64) -> Answer {
    let at_once = RoundsToAll { mean: 0.0, variance: 0.0, p50: 0, p90: 0, p99: 0 };
    let mut informed = vec![0.0; nodes as usize];
    informed.push(1.0);
    Answer {
        per_node_miss: 0.0,
        p_not_all: 0.0,
        mean_informed: nodes as f64,
        var_informed: 0.0,
        expected_messages: 0.0,
        expected_answers: 0.0,
        rounds: vec![Round { share_informed: 1.0, per_node_miss: 0.0, p_not_all: 0.0 }],
        rounds_to_all: Some(at_once),
        rounds_to_all_if_reached: Some(at_once),
        informed: Some(informed),
        method: Method::Exact { error_bound: 0.0 },
    }
}

/// The source alone draws: the mass after it.
pub(super) fn source_draws(setting: &Setting, mass: &mut Mass) {
    let contacts = setting.contacts();
    let untouched = (setting.nodes - 1 - contacts) as usize;
    mass.add_survivors(untouched, contacts, setting.loss.as_f64(), 1.0);
    mass.trim();
}
