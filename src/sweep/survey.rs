//! What the runs of a sweep came to: how many fail, in which ways, and how the figures are distributed.
//!
//! Runs are counted in their order, so the first failure of a kind is the one with the lowest seed at its point.

use std::collections::BTreeMap;

use super::record::{FIGURES, Record};
use super::tally::Rate;

/// What all runs came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Survey {
    /// What the runs of each point of the grid came to.
    pub points: Vec<Row>,
    /// The ways in which runs fail, by their fingerprints.
    pub kinds: BTreeMap<String, Kind>,
    /// The first run that failed.
    pub first: Option<First>,
}

/// What the runs of one point came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// How many there were.
    pub runs: u64,
    /// How many failed.
    pub failures: u64,
    values: [Vec<f64>; FIGURES.len()],
}

/// A way to fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    /// How many runs failed so.
    pub count: u64,
    /// The number of the first one's point.
    pub point: usize,
    /// The first one's seed.
    pub seed: u64,
}

/// The first run that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// The number of its point.
    pub point: usize,
    /// Its seed.
    pub seed: u64,
    /// Why, in words that failures of the same kind share.
    pub fingerprint: String,
    /// Why, in a sentence.
    pub reason: String,
    /// The digest of its trace.
    pub digest: String,
}

/// How a figure is distributed over runs: each is the least value that so many of them do not exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantiles {
    /// Over how many runs; those that have no such figure are left out.
    pub runs: u64,
    /// 50 % of the runs.
    pub p50: f64,
    /// 95 %.
    pub p95: f64,
    /// 99 %.
    pub p99: f64,
    /// All of them.
    pub max: f64,
}

impl Survey {
    /// Of no runs yet, at so many points.
    pub fn new(points: usize) -> Survey {
        Survey { points: vec![Row::default(); points], kinds: BTreeMap::new(), first: None }
    }

    /// Counts a run of a point.
    pub fn add(&mut self, point: usize, record: &Record) {
        let row = &mut self.points[point];
        row.runs += 1;
        for (values, figure) in row.values.iter_mut().zip(record.figures) {
            values.extend(figure);
        }
        let Some(fingerprint) = &record.fingerprint else { return };
        row.failures += 1;
        let seed = record.seed;
        self.first.get_or_insert_with(|| First {
            point,
            seed,
            fingerprint: fingerprint.clone(),
            reason: record.reason.clone().unwrap_or_default(),
            digest: record.digest.clone(),
        });
        match self.kinds.get_mut(fingerprint) {
            Some(kind) => kind.count += 1,
            None => _ = self.kinds.insert(fingerprint.clone(), Kind { count: 1, point, seed }),
        }
    }

    /// How many runs there were.
    pub fn runs(&self) -> u64 {
        self.points.iter().map(|row| row.runs).sum()
    }

    /// How many failed.
    pub fn failures(&self) -> u64 {
        self.points.iter().map(|row| row.failures).sum()
    }

    /// The share of all runs that failed.
    pub fn rate(&self) -> Rate {
        Rate::of(self.failures(), self.runs())
    }

    /// The ways to fail, the most frequent first.
    pub fn kinds(&self) -> Vec<(&str, &Kind)> {
        let mut kinds: Vec<(&str, &Kind)> =
            self.kinds.iter().map(|(name, kind)| (name.as_str(), kind)).collect();
        kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count));
        kinds
    }
}

impl Row {
    /// The share of its runs that failed.
    pub fn rate(&self) -> Rate {
        Rate::of(self.failures, self.runs)
    }

    /// How each of [`FIGURES`] is distributed; `None` if no run has it.
    pub fn quantiles(&self) -> [Option<Quantiles>; FIGURES.len()] {
        std::array::from_fn(|figure| {
            let mut values = self.values[figure].clone();
            values.sort_unstable_by(f64::total_cmp);
            let at = |percent: usize| values[(values.len() * percent).div_ceil(100) - 1];
            (!values.is_empty()).then(|| Quantiles {
                runs: values.len() as u64,
                p50: at(50),
                p95: at(95),
                p99: at(99),
                max: at(100),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(seed: u64, fingerprint: Option<&str>) -> Record {
        Record {
            seed,
            line: String::new(),
            fingerprint: fingerprint.map(Into::into),
            reason: fingerprint.map(|kind| format!("{kind} at {seed}")),
            digest: format!("{seed:016x}"),
            figures: [Some(seed as f64), None, Some(1.0)],
        }
    }

    #[test]
    fn failures_are_counted_by_kind_and_figures_by_point() {
        let mut survey = Survey::new(2);
        for seed in (0..200).rev().map(|seed| 199 - seed) {
            let kind = (seed % 50 == 7).then_some(if seed == 57 { "rare" } else { "common" });
            survey.add(0, &record(seed, kind));
        }
        survey.add(1, &record(5, Some("rare")));
        assert_eq!((survey.runs(), survey.failures()), (201, 5));
        assert_eq!(
            survey.kinds(),
            [
                ("common", &Kind { count: 3, point: 0, seed: 7 }),
                ("rare", &Kind { count: 2, point: 0, seed: 57 })
            ]
        );
        let first = survey.first.clone().unwrap();
        assert_eq!((first.seed, first.reason.as_str()), (7, "common at 7"));
        let [spread, none, ones] = survey.points[0].quantiles();
        assert_eq!(spread, Some(Quantiles { runs: 200, p50: 99.0, p95: 189.0, p99: 197.0, max: 199.0 }));
        assert_eq!((none, ones.map(|ones| ones.p50)), (None, Some(1.0)));
        assert_eq!(survey.points[1].quantiles()[0].map(|it| (it.p50, it.max)), Some((5.0, 5.0)));
    }
}
