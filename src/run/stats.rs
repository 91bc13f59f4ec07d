//! How many operations ended how, in all and by name, under the names of Jepsen's stats checker.

use indexmap::IndexMap;
use serde::Serialize;

use crate::ratio::Quotient;
use crate::workload::{EntryOf, Outcome, Verdict, Workload};

/// How many operations ended how (Jepsen's stats checker).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Tallies {
    /// Whether any was ok; of all operations, whether any of each kind was.
    #[serde(rename = "valid?")]
    valid: bool,
    count: u64,
    ok_count: u64,
    fail_count: u64,
    info_count: u64,
}

impl Tallies {
    fn add<A>(&mut self, outcome: &Outcome<A>) {
        self.count += 1;
        match outcome {
            Outcome::Ok(_) => {
                self.ok_count += 1;
                self.valid = true;
            }
            Outcome::Fail(_) => self.fail_count += 1,
            Outcome::Info(_) | Outcome::Open => self.info_count += 1,
        }
    }
}

/// [`Tallies`] of all operations and of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Stats {
    #[serde(flatten)]
    all: Tallies,
    by_f: IndexMap<&'static str, Tallies, crate::hash::BuildWordHasher>,
}

impl Stats {
    pub(super) fn of<W: Workload>(history: &[EntryOf<W>]) -> Stats {
        let mut stats = Stats::default();
        for entry in history {
            stats.all.add(&entry.outcome);
            stats.by_f.entry(W::function(&entry.request)).or_default().add(&entry.outcome);
        }
        stats.all.valid = stats.by_f.values().all(|tallies| tallies.valid);
        stats.by_f.sort_unstable_keys();
        stats
    }

    /// Jepsen's verdict: of each kind of operation some were ok.
    pub fn verdict(&self) -> Verdict {
        if self.all.valid { Verdict::Pass } else { Verdict::Fail }
    }

    /// How many were ok, failed, or may have happened.
    pub(super) fn outcomes(&self) -> [u64; 3] {
        let Tallies { ok_count, fail_count, info_count, .. } = self.all;
        [ok_count, fail_count, info_count]
    }

    /// The share of operations that were ok.
    pub fn availability(&self) -> Quotient {
        Quotient::of(self.all.ok_count, self.all.count)
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let kinds = self.by_f.iter().map(|(name, tallies)| {
            let part =
                |count: u64, word: &str| if count > 0 { format!(", {count} {word}") } else { String::new() };
            format!(
                "{name} {} ok{}{}",
                tallies.ok_count,
                part(tallies.fail_count, "fail"),
                part(tallies.info_count, "info")
            )
        });
        format!("{} (availability {:.3})", kinds.collect::<Vec<_>>().join("; "), self.availability().as_f64())
    }
}
