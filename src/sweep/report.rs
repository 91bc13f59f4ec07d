//! What a sweep prints: a screen for people, or JSON, CSV and Markdown for whatever comes next.
//!
//! A merged sweep prints the same as one that was never cut in parts.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::manifest::{Manifest, told};
use super::record::{FIGURES, Unit};
use super::survey::{Quantiles, Row, Survey};
use super::table::Table;
use super::vary::{Point, shown};
use crate::report::printable;
use crate::scenario::Scenario;

/// The version of the JSON summary.
pub const FORMAT: u32 = 1;
/// Kinds of failure shown to people; the JSON summary has all.
const MOST_KINDS: usize = 10;

/// A sweep's runs, and what they are of.
#[derive(Debug)]
pub struct Report<'a> {
    /// The scenario without what is varied.
    pub scenario: &'a Scenario,
    /// What was run.
    pub manifest: &'a Manifest,
    /// At which points.
    pub points: &'a [Point],
    /// What the runs came to.
    pub survey: &'a Survey,
    /// What became of the first failing run.
    pub kept: Option<Kept>,
}

/// What became of the first failing run's scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It was written to a file.
    Saved {
        /// The file.
        path: String,
        /// The command to paste that runs it again.
        replay: String,
    },
    /// It could not be.
    Unsaved {
        /// Why.
        why: String,
    },
}

impl Report<'_> {
    /// One screen for people.
    pub fn text(&self) -> String {
        let Report { scenario: Scenario { name, nodes, protocol, workload, .. }, survey, .. } = self;
        let word = match survey.failures() {
            0 if survey.runs() < self.all() => "UNKNOWN",
            0 => "PASS",
            _ => "FAIL",
        };
        let mut text = format!(
            "{word}  {}: {} under {}, {nodes} nodes: {} of {} runs failed\n\n",
            printable(name),
            printable(&protocol.name),
            printable(&workload.name),
            survey.failures(),
            survey.runs()
        );
        let mut row = |label: &str, told: &str| {
            _ = writeln!(text, "{label:<15} {}", printable(told));
        };
        row("seeds", &self.seeds());
        row("failure rate", &survey.rate().to_string());
        self.kinds(&mut row);
        if let [point] = survey.points.as_slice() {
            quantiles(point, &mut row);
        }
        if let Some(first) = &survey.first {
            let with = self.with(first.point);
            row("first failure", &format!("seed {}{with}: {}", first.seed, first.reason));
        }
        match &self.kept {
            Some(Kept::Saved { path, replay }) => {
                row("saved", path);
                row("replay", replay);
            }
            Some(Kept::Unsaved { why }) => row("not saved", why),
            None => {}
        }
        if !self.manifest.vary.is_empty() {
            text.push('\n');
            self.table().aligned().lines().for_each(|line| _ = writeln!(text, "{}", printable(line)));
        }
        text
    }

    /// How many runs there are when none is missing.
    fn all(&self) -> u64 {
        let share = self.manifest.share();
        (share.end - share.start).saturating_mul(self.points.len() as u64)
    }

    fn seeds(&self) -> String {
        let Manifest { seeds, shard, .. } = self.manifest;
        let share = self.manifest.share();
        let part = shard.map_or(String::new(), |shard| format!(", shard {shard} of {}", told(seeds)));
        let all = self.all();
        let missing = all.saturating_sub(self.survey.runs());
        let missing = if missing == 0 {
            String::new()
        } else {
            format!("; interrupted, {missing} of {all} runs missing")
        };
        let points = self.points.len();
        let points = if points == 1 { String::new() } else { format!(" at {points} points") };
        format!("{}{part}{points}{missing}", told(&share))
    }

    fn kinds(&self, row: &mut impl FnMut(&str, &str)) {
        let kinds = self.survey.kinds();
        for (at, (fingerprint, kind)) in kinds.iter().take(MOST_KINDS).enumerate() {
            let with = self.with(kind.point);
            let told = format!("{} x {fingerprint} (first: seed {}{with})", kind.count, kind.seed);
            row(if at == 0 { "kinds" } else { "" }, &told);
        }
        if kinds.len() > MOST_KINDS {
            row("", &format!("and {} more kinds (--json lists them)", kinds.len() - MOST_KINDS));
        }
    }

    fn with(&self, point: usize) -> String {
        if self.manifest.vary.is_empty() { String::new() } else { format!(" with {}", self.points[point]) }
    }

    /// The varied keys as heads of columns: their last words, unless two share one.
    fn keys(&self) -> Vec<String> {
        let keys = || self.manifest.vary.iter().map(|vary| vary.key.as_str());
        let last = |key: &str| key.rsplit('.').next().unwrap_or_default().to_owned();
        let head = |key: &str| match keys().filter(|other| last(other) == last(key)).count() {
            1 => last(key),
            _ => key.to_owned(),
        };
        keys().map(head).collect()
    }

    /// A row for each point, for people.
    fn table(&self) -> Table {
        let figures = [1, 2].map(|figure| FIGURES[figure]);
        let mut head = self.keys();
        head.extend(["runs", "failed", "rate %", "95 % interval"].map(str::to_owned));
        for figure in figures {
            head.push(format!("{}: p50", figure.head));
            head.extend(["p95", "p99", "max"].map(str::to_owned));
        }
        let row = |(point, row): (&Point, &Row)| {
            let rate = row.rate();
            let percent = |share: f64| format!("{:.2}", 100.0 * share);
            let mut cells: Vec<String> = point.0.iter().map(|(_, value)| shown(value)).collect();
            cells.extend([row.runs, row.failures].map(|count| count.to_string()));
            cells.extend(match row.runs {
                0 => ["-".to_owned(), "-".to_owned()],
                _ => [percent(rate.estimate), format!("{} to {}", percent(rate.low), percent(rate.high))],
            });
            let [_, spread, messages] = row.quantiles();
            for (figure, quantiles) in figures.iter().zip([spread, messages]) {
                let cell = |value: f64| people(value, figure.unit);
                cells.extend(values(quantiles).map(|value| value.map_or("-".to_owned(), cell)));
            }
            cells
        };
        Table { head, rows: self.points.iter().zip(&self.survey.points).map(row).collect() }
    }

    /// A row for each point, as Markdown.
    pub fn markdown(&self) -> String {
        self.table().markdown()
    }

    /// A row for each point, with full keys and all figures, lengths of time in nanoseconds.
    pub fn csv(&self) -> String {
        let mut head: Vec<String> = self.manifest.vary.iter().map(|vary| vary.key.clone()).collect();
        head.extend(["runs", "failures", "failure_rate", "low", "high"].map(str::to_owned));
        for figure in FIGURES {
            head.extend(["runs", "p50", "p95", "p99", "max"].map(|what| format!("{}_{what}", figure.name)));
        }
        let row = |(point, row): (&Point, &Row)| {
            let rate = row.rate();
            let mut cells: Vec<String> = point.0.iter().map(|(_, value)| shown(value)).collect();
            cells.extend([row.runs, row.failures].map(|count| count.to_string()));
            cells.extend([rate.estimate, rate.low, rate.high].map(|share| share.to_string()));
            for quantiles in row.quantiles() {
                cells.push(quantiles.map_or(0, |quantiles| quantiles.runs).to_string());
                cells.extend(values(quantiles).map(|value| value.map_or(String::new(), |it| it.to_string())));
            }
            cells
        };
        Table { head, rows: self.points.iter().zip(&self.survey.points).map(row).collect() }.csv()
    }

    /// One JSON object.
    pub fn json(&self) -> String {
        let Report { scenario, manifest, points, survey, kept } = self;
        let kind = |(fingerprint, kind): (&str, &super::survey::Kind)| json!({ "fingerprint": fingerprint, "count": kind.count, "seed": kind.seed, "set": set(&points[kind.point]) });
        let row = |(point, row): (&Point, &Row)| {
            let figures = FIGURES.iter().zip(row.quantiles());
            let figures: Map<String, Value> = figures
                .map(|(figure, quantiles)| (figure.name.to_owned(), distribution(quantiles)))
                .collect();
            json!({
                "set": set(point),
                "runs": row.runs,
                "failures": row.failures,
                "failure-rate": rate(row.rate()),
                "figures": figures,
            })
        };
        let (path, replay) = match kept {
            Some(Kept::Saved { path, replay }) => (Some(path), Some(replay)),
            Some(Kept::Unsaved { .. }) | None => (None, None),
        };
        let first = survey.first.as_ref().map(|first| {
            json!({
                "seed": first.seed, "set": set(&points[first.point]), "fingerprint": first.fingerprint,
                "reason": first.reason, "digest": first.digest, "saved": path, "replay": replay,
            })
        });
        let json = json!({
            "format": FORMAT,
            "version": manifest.version,
            "scenario": scenario.name,
            "id": manifest.id,
            "protocol": scenario.protocol.name,
            "workload": scenario.workload.name,
            "seeds": told(&manifest.seeds),
            "shard": manifest.shard,
            "complete": survey.runs() == self.all(),
            "runs": survey.runs(),
            "failures": survey.failures(),
            "failure-rate": rate(survey.rate()),
            "kinds": survey.kinds().into_iter().map(kind).collect::<Vec<_>>(),
            "first-failure": first,
            "points": points.iter().zip(&survey.points).map(row).collect::<Vec<_>>(),
        });
        format!("{json:#}\n")
    }
}

fn quantiles(point: &Row, row: &mut impl FnMut(&str, &str)) {
    for (figure, quantiles) in FIGURES.iter().zip(point.quantiles()) {
        let [Some(p50), Some(p95), Some(p99), Some(max)] =
            values(quantiles).map(|it| it.map(|it| people(it, figure.unit)))
        else {
            continue;
        };
        let unit = match figure.unit {
            Unit::Millis => " ms (each run's median over its values)",
            Unit::One => "",
        };
        row(figure.told, &format!("p50 {p50}, p95 {p95}, p99 {p99}, max {max}{unit}"));
    }
}

fn values(quantiles: Option<Quantiles>) -> [Option<f64>; 4] {
    quantiles.map_or([None; 4], |it| [it.p50, it.p95, it.p99, it.max].map(Some))
}

/// A figure for people.
fn people(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Millis => format!("{:.1}", value / 1e6),
        Unit::One => format!("{value:.2}"),
    }
}

fn set(point: &Point) -> Value {
    let field = |(key, value): &(String, crate::scenario::document::Raw)| {
        (key.clone(), serde_json::from_str(&value.0).unwrap_or(Value::Null))
    };
    Value::Object(point.0.iter().map(field).collect())
}

fn rate(rate: super::Rate) -> Value {
    json!({ "estimate": rate.estimate, "low": rate.low, "high": rate.high })
}

fn distribution(quantiles: Option<Quantiles>) -> Value {
    quantiles.map_or(
        Value::Null,
        |it| json!({ "runs": it.runs, "p50": it.p50, "p95": it.p95, "p99": it.p99, "max": it.max }),
    )
}
