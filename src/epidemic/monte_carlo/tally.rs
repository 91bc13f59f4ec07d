//! What trials come to: whole numbers while they are played, means and quantiles in the end.

use std::collections::BTreeMap;

use super::play::Wave;
use crate::epidemic::estimate::{Estimate, Moments};

/// What the trials of a setting came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Trials {
    /// How many were played: all that were asked for, unless it was stopped.
    pub trials: u64,
    /// The share of the nodes other than the source that were informed in the end; 1 if there are none.
    pub delivery_rate: Estimate,
    /// The share of the trials in which everyone was informed.
    pub atomic_rate: Estimate,
    /// The number of the trials in which everyone was informed.
    pub trials_reached_all: u64,
    /// How many nodes were informed in the end, the source included.
    pub informed: Estimate,
    /// How many messages were sent, lost ones too: pushes, and questions but not their answers.
    pub messages: Estimate,
    /// After how many rounds everyone was informed, over the trials in which that came to be; `None` if there are none.
    pub rounds_to_all: Option<RoundsToAll>,
    /// The mean share informed, source included, after each round in which it grew in some trial; the first is round 0.
    pub shares: BTreeMap<u32, f64>,
    /// In how many trials so many were informed in the end, the source included.
    pub histogram: BTreeMap<u64, u64>,
}

/// The first round after which everyone was informed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundsToAll {
    /// The mean.
    pub mean: Estimate,
    /// Half of the trials were done by then.
    pub p50: u32,
    /// Nine in ten of the trials were done by then.
    pub p90: u32,
    /// 99 in a hundred of the trials were done by then.
    pub p99: u32,
    /// All of the trials were done by then.
    pub max: u32,
}

impl Trials {
    /// The mean share informed after this round, source included.
    pub fn share_after(&self, round: u32) -> f64 {
        self.shares.range(..=round).next_back().map_or(1.0, |(_, share)| *share)
    }
}

/// Whole numbers, summed up over trials.
#[derive(Debug, Default)]
pub(super) struct Tally {
    informed: BTreeMap<u64, u64>,
    rounds_to_all: BTreeMap<u32, u64>,
    messages: Moments,
    /// How many were informed in each round, round 0 being the source's.
    news: BTreeMap<u32, u128>,
}

impl Tally {
    /// Takes in a trial: in which rounds how many were informed, and how many messages were sent.
    pub(super) fn add(&mut self, nodes: u32, waves: &[Wave], messages: u64) {
        let mut informed = 0;
        for wave in waves {
            informed += u64::from(wave.count);
            *self.news.entry(wave.round).or_default() += u128::from(wave.count);
        }
        *self.informed.entry(informed).or_default() += 1;
        if informed == u64::from(nodes) {
            *self.rounds_to_all.entry(waves.last().map_or(0, |wave| wave.round)).or_default() += 1;
        }
        self.messages.add(messages);
    }

    pub(super) fn absorb(&mut self, other: Tally) {
        other.informed.into_iter().for_each(|(key, times)| *self.informed.entry(key).or_default() += times);
        other
            .rounds_to_all
            .into_iter()
            .for_each(|(key, times)| *self.rounds_to_all.entry(key).or_default() += times);
        other.news.into_iter().for_each(|(key, times)| *self.news.entry(key).or_default() += times);
        self.messages.absorb(other.messages);
    }

    /// What the trials of a cluster of so many nodes came to; `None` if there were none.
    pub(super) fn trials(self, nodes: u64) -> Option<Trials> {
        let trials = self.informed.values().sum();
        let trials_reached_all = self.informed.get(&nodes).copied().unwrap_or(0);
        let mut atomic = Moments::default();
        atomic.add_times(1, trials_reached_all);
        atomic.add_times(0, trials - trials_reached_all);
        let informed = moments(&self.informed).estimate()?;
        let delivery_rate = match nodes {
            0 | 1 => Estimate::certain(1.0),
            _ => informed.part(-1.0, (nodes - 1) as f64),
        };
        let mut so_far = 0;
        let shares = self.news.iter().map(|(round, news)| {
            so_far += news;
            (*round, so_far as f64 / (u128::from(trials) * u128::from(nodes)) as f64)
        });
        Some(Trials {
            trials,
            delivery_rate,
            atomic_rate: atomic.estimate()?,
            trials_reached_all,
            informed,
            messages: self.messages.estimate()?,
            rounds_to_all: rounds_to_all(&self.rounds_to_all),
            shares: shares.collect(),
            histogram: self.informed,
        })
    }
}

fn moments<K: Copy + Into<u64>>(times: &BTreeMap<K, u64>) -> Moments {
    let mut moments = Moments::default();
    times.iter().for_each(|(value, times)| moments.add_times((*value).into(), *times));
    moments
}

fn rounds_to_all(times: &BTreeMap<u32, u64>) -> Option<RoundsToAll> {
    let count: u64 = times.values().sum();
    let by = |percent: u128| {
        let rank = (u128::from(count) * percent).div_ceil(100);
        let mut so_far = 0;
        times.iter().find(|(_, times)| {
            so_far += u128::from(**times);
            so_far >= rank
        })
    };
    Some(RoundsToAll {
        mean: moments(times).estimate()?,
        p50: *by(50)?.0,
        p90: *by(90)?.0,
        p99: *by(99)?.0,
        max: *times.last_key_value()?.0,
    })
}
