//! A node that sends for several rounds, round by round: the state is how many are uninformed, and how many have been
//! sending for one round, for two, ...
//!
//! There are many such states, so this is for small clusters; where there are too many it says so. The states from which
//! the same senders send to the same uninformed share the work.

use super::course::{Course, State};
use super::mass::Mass;
use super::silence::Batches;
use super::work::Work;
use crate::epidemic::{NoAnswer, Setting};

/// The most states that are kept.
const MOST_STATES: usize = 2_000_000;

/// What it costs to put a state where it belongs, beside a sum.
const MERGING: usize = 100;

/// Less mass than this in a state is let go, and counted.
const EDGE: f64 = 1e-22;

/// The digits of a state: u uninformed; then how many have been informed for 0, 1, ... rounds and are to send yet.
#[derive(Clone, Copy)]
struct Digits {
    bits: u32,
    /// How many rounds a node sends.
    ages: u32,
    has_rest: bool,
}

/// What a round depends on: the uninformed, the nodes that send their last copies, and those that send K.
type Senders = (usize, usize, usize);

/// Runs through so many rounds, or until silence.
pub(super) fn run(setting: &Setting, rounds: Option<u32>, work: &mut Work) -> Result<Course, NoAnswer> {
    let nodes = setting.nodes as usize;
    let mut batches = Batches::new(setting)?;
    let digits = Digits::new(setting, &batches)?;
    let mut mass = Mass::none(nodes, batches.beyond());
    let mut now = digits.start(nodes);
    let mut seen = vec![State::of(&digits.uninformed(&now, nodes), nodes)];
    while rounds.is_none_or(|rounds| seen.len() <= rounds as usize)
        && now.iter().any(|&(state, _)| !digits.is_silent(state))
    {
        now = digits.round(&now, &mut batches, &mut mass, work)?;
        seen.push(State::of(&digits.uninformed(&now, nodes), nodes));
    }
    let mut end = digits.uninformed(&now, nodes);
    end.dropped = mass.dropped;
    let relative_error = batches.relative_error() * (nodes * seen.len()) as f64;
    let messages = super::messages_of_lives(setting, rounds, &seen);
    Ok(Course { states: seen, end, messages, answers: 0.0, relative_error, rounds_to_all: None })
}

impl Digits {
    fn new(setting: &Setting, batches: &Batches) -> Result<Digits, NoAnswer> {
        let bits = u64::BITS - setting.nodes.leading_zeros();
        let has_rest = batches.has_rest();
        let ages = u32::try_from(batches.fulls + u64::from(has_rest)).map_err(|_| NoAnswer::TooLarge)?;
        match ages.checked_add(1).and_then(|digits| digits.checked_mul(bits)) {
            Some(needed) if needed <= u128::BITS => Ok(Digits { bits, ages, has_rest }),
            _ => Err(NoAnswer::TooLarge),
        }
    }

    /// The source has just been informed.
    fn start(self, nodes: usize) -> Vec<(u128, f64)> {
        vec![((nodes as u128 - 1) << (self.bits * self.ages) | u128::from(self.ages > 0), 1.0)]
    }

    fn digit(self, state: u128, age: u32) -> usize {
        (state >> (self.bits * age) & ((1 << self.bits) - 1)) as usize
    }

    /// How many are uninformed: the highest digit, so that the states of a u lie together.
    fn u(self, state: u128) -> usize {
        self.digit(state, self.ages)
    }

    /// Nothing can change any more: nobody is to send, or nobody to be told.
    fn is_silent(self, state: u128) -> bool {
        self.u(state) == 0 || state & ((1 << (self.bits * self.ages)) - 1) == 0
    }

    fn senders(self, state: u128) -> Senders {
        let last = self.ages - u32::from(self.has_rest);
        let full = (0..last).map(|age| self.digit(state, age)).sum();
        (self.u(state), if self.has_rest { self.digit(state, last) } else { 0 }, full)
    }

    /// Everybody is a round older, and there are `v` uninformed. Where all is said, who would still send is forgotten.
    fn next(self, state: u128, v: usize) -> u128 {
        let informed = (self.u(state) - v) as u128;
        let older = state << self.bits & ((1 << (self.bits * self.ages)) - 1);
        let ages = if v == 0 { 0 } else { older | informed };
        (v as u128) << (self.bits * self.ages) | ages
    }

    fn round(
        self,
        now: &[(u128, f64)],
        batches: &mut Batches,
        mass: &mut Mass,
        work: &mut Work,
    ) -> Result<Vec<(u128, f64)>, NoAnswer> {
        let mut by_senders: Vec<(Senders, u128, f64)> =
            now.iter().map(|&(state, p)| (self.senders(state), state, p)).collect();
        by_senders.sort_unstable_by_key(|&(senders, state, _)| (senders, state));
        let mut next = Vec::new();
        for group in by_senders.chunk_by(|one, other| one.0 == other.0) {
            let (u, rest, full) = group[0].0;
            mass.clear();
            mass.add(u, 1.0);
            (0..rest).try_for_each(|_| batches.serve_rest(mass, work))?;
            (0..full).try_for_each(|_| batches.serve_full(mass, work))?;
            work.spend((MERGING * group.len() * mass.window().len()) as u64)?;
            for &(_, state, p) in group {
                next.extend(mass.window().map(|v| (self.next(state, v), p * mass.at(v))));
            }
            if next.len() > 2 * MOST_STATES {
                next = merged(next, mass)?;
            }
        }
        merged(next, mass)
    }

    /// The distribution of the uninformed.
    fn uninformed(self, states: &[(u128, f64)], nodes: usize) -> Mass {
        let mut uninformed = Mass::none(nodes, 0);
        states.iter().for_each(|&(state, p)| uninformed.add(self.u(state), p));
        uninformed
    }
}

/// Each state once, and none that is next to nothing. The sort is stable: the order of the sums is settled.
fn merged(mut states: Vec<(u128, f64)>, dropped: &mut Mass) -> Result<Vec<(u128, f64)>, NoAnswer> {
    states.sort_by_key(|&(state, _)| state);
    states.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            kept.1 += later.1;
        }
        same
    });
    states.retain(|&(_, p)| {
        if p < EDGE {
            dropped.dropped += p;
        }
        p >= EDGE
    });
    if states.len() > MOST_STATES { Err(NoAnswer::TooLarge) } else { Ok(states) }
}
