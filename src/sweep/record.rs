//! What is kept of a run: a line of JSON, and of it what a survey looks at.
//!
//! A line that is read back counts for the same as the run that wrote it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::vary::Point;
use crate::hash::BuildWordHasher;
use crate::run::Summary;
use crate::scenario::Scenario;
use crate::scenario::document::Raw;
use crate::workload::{Metric, Verdict};

/// The figures that a survey takes quantiles of, and for people their names and units.
pub const FIGURES: [Figure; 3] = [
    Figure { name: "spread_to_95", told: "spread to 95 %", head: "spread to 95 % (ms)", unit: Unit::Millis },
    Figure { name: "spread_to_100", told: "spread to all", head: "spread (ms)", unit: Unit::Millis },
    Figure { name: "msgs_per_op", told: "messages per op", head: "msgs/op", unit: Unit::One },
];

/// A figure of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// As `expect` calls it.
    pub name: &'static str,
    /// For people.
    pub told: &'static str,
    /// At the head of a column.
    pub head: &'static str,
    /// What people are told it in.
    pub unit: Unit,
}

/// What a figure is told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A plain number.
    One,
    /// A length of time: nanoseconds in files, milliseconds for people.
    Millis,
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its seed.
    pub seed: u64,
    /// The line of JSON that is kept, with its end.
    pub line: String,
    /// Why the run fails, in words that failures of the same kind share; `None` if it does not.
    pub fingerprint: Option<String>,
    /// Why it fails, in a sentence.
    pub reason: Option<String>,
    /// The digest of its trace.
    pub digest: String,
    /// The values of [`FIGURES`], where there were any.
    pub figures: [Option<f64>; FIGURES.len()],
}

/// A line as it is written.
#[derive(Serialize)]
struct Written<'a> {
    seed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: &'a Option<Raw>,
    verdict: Verdict,
    fingerprint: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: &'a Option<String>,
    digest: &'a str,
    figures: IndexMap<&'a str, Metric, BuildWordHasher>,
}

/// A line as it is read back.
#[derive(Deserialize)]
struct Read<'a> {
    seed: u64,
    #[serde(borrow)]
    set: Option<&'a RawValue>,
    fingerprint: Option<String>,
    reason: Option<String>,
    digest: String,
    #[serde(borrow)]
    figures: BTreeMap<Cow<'a, str>, Option<f64>>,
}

impl Record {
    /// Of a run of a scenario at a point of the grid.
    pub fn new(scenario: &Scenario, point: &Point, summary: &Summary) -> Record {
        let fingerprint = summary.fingerprint(scenario);
        let reason = fingerprint.as_ref().map(|kind| {
            let problem = summary.problems.first().filter(|_| summary.verdict != Verdict::Pass);
            problem.map_or_else(|| missed(kind, summary), |problem| problem.text.clone())
        });
        let digest = summary.digest.to_string();
        let line = serde_json::to_string(&Written {
            seed: scenario.seed,
            set: &point.json(),
            verdict: summary.verdict,
            fingerprint: &fingerprint,
            reason: &reason,
            digest: &digest,
            figures: summary.metrics.iter().copied().collect(),
        });
        let line = line.expect("a run can be written as JSON") + "\n";
        let figure = |figure: Figure| match summary.metric(figure.name) {
            Some(Metric::Count(count)) => Some(count as f64),
            Some(Metric::Number(number)) => Some(number).filter(|number| number.is_finite()),
            Some(Metric::Span(span)) => Some(span.as_nanos() as f64),
            Some(Metric::None) | None => None,
        };
        Record { seed: scenario.seed, line, fingerprint, reason, digest, figures: FIGURES.map(figure) }
    }

    /// Reads a line with its end; `None` unless it is whole, and that of this seed at this point.
    pub fn read(line: &str, seed: u64, point: &Point) -> Option<Record> {
        let read: Read<'_> = serde_json::from_str(line.strip_suffix('\n')?).ok()?;
        let set = point.json();
        if read.seed != seed || read.set.map(RawValue::get) != set.as_ref().map(|set| set.0.as_str()) {
            return None;
        }
        let figure = |figure: Figure| read.figures.get(figure.name).copied().flatten();
        Some(Record {
            seed,
            line: line.to_owned(),
            figures: FIGURES.map(figure),
            fingerprint: read.fingerprint,
            reason: read.reason,
            digest: read.digest,
        })
    }
}

/// A run that was good but for a bound, or that left nothing to judge.
fn missed(kind: &str, summary: &Summary) -> String {
    match kind.strip_prefix("bound: ") {
        Some(name) => {
            let metric = summary.metric(name).unwrap_or(Metric::None);
            format!("the bound on {name} is missed: it is {metric}")
        }
        None => format!("the verdict is {}", summary.verdict),
    }
}
