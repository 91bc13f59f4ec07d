//! Many seeds of one scenario: how often it fails, which seed fails first, and what happened at all.
//!
//! Seeds are shared out among threads and taken in again in their order, so that any number of threads gives the same
//! result. It knows no protocol and no workload: what a run of a seed is, is handed in.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;

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

    /// The share of seeds that failed, with its 95 % interval by Wilson (1927), good for few failures and for none.
    pub fn failure_rate(&self) -> (f64, f64, f64) {
        const Z: f64 = 1.959_963_984_540_054;
        let n = self.runs.max(1) as f64;
        let p = self.failures as f64 / n;
        let middle = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
        let half = Z / (1.0 + Z * Z / n) * libm::sqrt(p * (1.0 - p) / n + Z * Z / (4.0 * n * n));
        let low = if self.failures == 0 { 0.0 } else { (middle - half).max(0.0) };
        let high = if self.failures == self.runs { 1.0 } else { (middle + half).min(1.0) };
        (p, low, high)
    }
}

/// Runs every seed on `jobs` threads and hands the outcomes over in the order of the seeds. An error ends it; the one
/// of the lowest seed is returned.
///
/// # Errors
/// What the first run that could not be made says.
pub fn sweep<E: Send>(
    seeds: Range<u64>,
    jobs: usize,
    run: impl Fn(u64) -> Result<Outcome, E> + Sync,
    mut each: impl FnMut(&Outcome),
) -> Result<(), E> {
    let next = AtomicU64::new(seeds.start);
    let stop = AtomicBool::new(false);
    let (sender, receiver) = sync_channel(4 * jobs.max(1));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            let (sender, next, stop, run) = (sender.clone(), &next, &stop, &run);
            let end = seeds.end;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || sender.send((seed, run(seed))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut expected) = (BTreeMap::new(), seeds.start);
        for (seed, outcome) in receiver {
            waiting.insert(seed, outcome);
            while let Some(outcome) = waiting.remove(&expected) {
                expected += 1;
                match outcome {
                    Ok(outcome) => each(&outcome),
                    Err(error) => {
                        stop.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(seed: u64) -> Outcome {
        let reason = (seed % 10 == 7).then(|| format!("seed {seed} is bad"));
        Outcome {
            seed,
            reason,
            acted: [seed.is_multiple_of(2); SOMETIMES.len()],
            figures: [Some(seed as f64); MEANS.len()],
        }
    }

    fn tally(jobs: usize) -> Tally {
        let mut tally = Tally::default();
        let swept = sweep(0..100, jobs, |seed| Ok::<_, ()>(outcome(seed)), |outcome| tally.add(outcome));
        assert_eq!(swept, Ok(()));
        tally
    }

    #[test]
    fn any_number_of_threads_gives_the_same_result() {
        let one = tally(1);
        assert_eq!((one.runs, one.failures, one.acted[0]), (100, 10, 50));
        assert_eq!(one.first, Some((7, "seed 7 is bad".into())));
        assert_eq!(one.mean(0), Some(49.5));
        assert_eq!(one, tally(2));
        assert_eq!(one, tally(7));
    }

    #[test]
    fn the_first_run_that_cannot_be_made_ends_it() {
        let run = |seed| if seed >= 5 { Err(seed) } else { Ok(outcome(seed)) };
        for jobs in [1, 3] {
            let mut seen = Vec::new();
            assert_eq!(sweep(0..1_000_000, jobs, run, |outcome| seen.push(outcome.seed)), Err(5));
            assert_eq!(seen, [0, 1, 2, 3, 4]);
        }
    }

    #[test]
    fn intervals_are_wilsons() {
        let rate = |failures, runs| Tally { runs, failures, ..Tally::default() }.failure_rate();
        let (p, low, high) = rate(10, 100);
        assert!(
            (p - 0.1).abs() < 1e-12 && (low - 0.0552).abs() < 1e-4 && (high - 0.1744).abs() < 1e-4,
            "{low} {high}"
        );
        let (_, low, high) = rate(0, 1_000);
        assert!(low == 0.0 && (high - 0.003_827).abs() < 1e-5, "{high}");
        assert_eq!(rate(5, 5).2, 1.0);
    }
}
