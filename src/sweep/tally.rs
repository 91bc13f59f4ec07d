//! What many seeds came to, as `test` counts them: failures, what happened at all, means.
//!
//! It keeps sums, no seed but the first that failed.

use std::fmt;

use crate::run::Summary;
use crate::workload::{Metric, Verdict};

/// What one seed came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// Why it failed, in a sentence; `None` if it did not.
    pub reason: Option<String>,
    /// What happened in it, by the names of [`SOMETIMES`].
    pub acted: [bool; SOMETIMES.len()],
    /// The figures by the names of [`MEANS`], where there were any.
    pub figures: [Option<f64>; MEANS.len()],
}

/// What may happen in a run, and the figure that tells: a pass in which nothing happened is seen as such.
pub const SOMETIMES: [(&str, &str); 8] = [
    ("a message was lost", "dropped_by_loss"),
    ("a cut dropped something", "dropped_by_cut"),
    ("a message found its node down", "dropped_by_down"),
    ("a node crashed", "crashes"),
    ("a disk was wiped", "wipes"),
    ("a pause held something", "held"),
    ("a message was duplicated", "duplicates"),
    ("a repair acted", "repaired"),
];

/// The figures whose means are told, with the unit in which they are.
pub const MEANS: [(&str, &str); 5] = [
    ("msgs_per_op", ""),
    ("stable_latency_p50", "ms"),
    ("stable_latency_p95", "ms"),
    ("stable_latency_p99", "ms"),
    ("stable_latency_max", "ms"),
];

impl Outcome {
    /// What a seed's run came to; `unmet` are the bounds that it missed.
    pub fn new(seed: u64, summary: &Summary, unmet: &[String]) -> Outcome {
        let problem = summary.problems.first().map(|problem| problem.text.clone());
        let reason = match summary.verdict {
            Verdict::Pass => unmet.first().cloned(),
            verdict => Some(problem.unwrap_or_else(|| format!("the verdict is {verdict}"))),
        };
        let figure = |name: &str| match summary.metric(name) {
            Some(Metric::Count(count)) => Some(count as f64),
            Some(Metric::Number(number)) => Some(number),
            Some(Metric::Span(span)) => Some(span.as_nanos() as f64 / 1e6),
            Some(Metric::None) | None => None,
        };
        Outcome {
            seed,
            reason,
            acted: SOMETIMES.map(|(_, name)| figure(name).is_some_and(|figure| figure > 0.0)),
            figures: MEANS.map(|(name, _)| figure(name)),
        }
    }
}

/// What all seeds together came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    /// Seeds run.
    pub runs: u64,
    /// Seeds that failed.
    pub failures: u64,
    /// The first seed that failed, and why.
    pub first: Option<(u64, String)>,
    /// In how many seeds each of [`SOMETIMES`] happened.
    pub acted: [u64; SOMETIMES.len()],
    /// The sums of each of [`MEANS`], and over how many seeds.
    sums: [(f64, u64); MEANS.len()],
}

impl Tally {
    /// Counts a seed. Seeds come in their order.
    pub fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        if let Some(reason) = &outcome.reason {
            self.failures += 1;
            self.first.get_or_insert_with(|| (outcome.seed, reason.clone()));
        }
        for (count, acted) in self.acted.iter_mut().zip(outcome.acted) {
            *count += u64::from(acted);
        }
        for ((sum, count), figure) in self.sums.iter_mut().zip(outcome.figures) {
            *sum += figure.unwrap_or(0.0);
            *count += u64::from(figure.is_some());
        }
    }

    /// The mean of a figure over the seeds that had it.
    pub fn mean(&self, figure: usize) -> Option<f64> {
        let (sum, count) = self.sums[figure];
        (count > 0).then(|| sum / count as f64)
    }

    /// The share of seeds that failed.
    pub fn failure_rate(&self) -> Rate {
        Rate::of(self.failures, self.runs)
    }
}

/// A share, with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// The share as it was seen.
    pub estimate: f64,
    /// The interval's lower end.
    pub low: f64,
    /// The interval's upper end.
    pub high: f64,
}

impl Rate {
    /// `failures` of `runs`, with the interval by Wilson (1927), good for few failures and for none.
    pub fn of(failures: u64, runs: u64) -> Rate {
        const Z: f64 = 1.959_963_984_540_054;
        let n = runs.max(1) as f64;
        let p = failures as f64 / n;
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * libm::sqrt(p * (1.0 - p) / n + Z * Z / (4.0 * n * n));
        let low = if failures == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if failures == runs { 1.0 } else { (middle + half).min(1.0) };
        Rate { estimate: p, low, high }
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [estimate, low, high] = [self.estimate, self.low, self.high].map(|share| 100.0 * share);
        write!(f, "{estimate:.3} % (95 % interval {low:.3} to {high:.3} %)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_wilsons() {
        let Rate { estimate, low, high } = Rate::of(10, 100);
        assert!(
            (estimate - 0.1).abs() < 1e-12 && (low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4,
            "{low} {high}"
        );
        let Rate { low, high, .. } = Rate::of(0, 1_000);
        assert!(low == 0.0 && (high - 0.003_827).abs() < 1e-5, "{high}");
        assert_eq!(Rate::of(5, 5).high, 1.0);
    }
}
