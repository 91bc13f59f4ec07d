//! What a run prints: one screen for people, verdict first, or one JSON object for programs.
//!
//! It compares the run with what its scenario expects, and knows no protocol and no workload.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ratio::Quotient;
use crate::run::{Stats, Summary};
use crate::scenario::Scenario;
use crate::sim::Counters;
use crate::sim::fault::Fault;
use crate::workload::{Metric, Verdict};

mod edn;
mod map;

use map::Results;

/// The version of the JSON report.
pub const FORMAT: u32 = 1;
/// Stories told to people; the JSON report has more.
const MOST_STORIES: usize = 3;
/// Problems shown to people; the JSON report has all.
const MOST_PROBLEMS: usize = 5;

/// Whether the file's digest applies: it speaks of the file as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overridden {
    /// The run is exactly the file's.
    No,
    /// The command line changed something.
    Yes,
}

/// Whether to paint the verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    /// Green, red or yellow.
    Colour,
    /// Plain text.
    Plain,
}

/// A run beside what was expected of it.
#[derive(Debug)]
pub struct Report<'a> {
    scenario: &'a Scenario,
    summary: &'a Summary,
    /// The command that repeats it.
    replay: &'a str,
    /// What was expected and did not come, a sentence each.
    unmet: Vec<String>,
    other_digest: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Compares a run with what its scenario expects.
    pub fn new(
        scenario: &'a Scenario,
        summary: &'a Summary,
        overridden: Overridden,
        replay: &'a str,
    ) -> Report<'a> {
        let expect = &scenario.expect;
        let mut unmet = Vec::new();
        let expected = expect.verdict.unwrap_or(Verdict::Pass);
        if summary.verdict != expected {
            unmet.push(format!("expected the verdict {expected}, and it is {}", summary.verdict));
        }
        for (name, bound) in &expect.bounds {
            let metric = summary.metric(name).unwrap_or(Metric::None);
            let Ok(bound) = bound else { continue };
            if !bound.holds(metric) {
                unmet.push(format!("expected {name} {}, and it is {metric}", Phrase(&bound.to_string())));
            }
        }
        let digest = summary.digest.to_string();
        let pinned =
            expect.digest.as_deref().filter(|pinned| *pinned != digest && overridden == Overridden::No);
        Report { scenario, summary, replay, unmet, other_digest: pinned }
    }

    /// What was expected and did not come, a sentence each.
    pub fn unmet(&self) -> &[String] {
        &self.unmet
    }

    /// 0 if all is as expected, 2 if the verdict is unknown and should not be, 1 otherwise.
    pub fn exit_code(&self) -> u8 {
        let expected = self.scenario.expect.verdict.unwrap_or(Verdict::Pass);
        match (self.unmet.is_empty(), self.other_digest) {
            (true, None) => 0,
            (false, _) if self.summary.verdict == Verdict::Unknown && expected != Verdict::Unknown => 2,
            (true, Some(_)) | (false, _) => 1,
        }
    }

    /// One screen for people.
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::new();
        self.head(&mut text, paint);
        self.trouble(&mut text);
        text.push('\n');
        self.figures(&mut text);
        self.end(&mut text);
        text
    }

    /// The verdict, what speaks against the run, and the digest, without any figures.
    pub fn text_in_short(&self, paint: Paint) -> String {
        let mut text = String::new();
        self.head(&mut text, paint);
        self.trouble(&mut text);
        self.end(&mut text);
        text
    }

    /// The verdict and what speaks against the run as ever; the figures as the map that Maelstrom ends a test with.
    pub fn text_with_map(&self, paint: Paint) -> String {
        let mut text = String::new();
        self.head(&mut text, paint);
        self.trouble(&mut text);
        text.push('\n');
        let map =
            edn::pretty(&serde_json::to_string(&self.results()).expect("results can be written as JSON"));
        map.lines().for_each(|told| line(&mut text, &printable(told)));
        text.push('\n');
        // What a strict judge forgave, and whether the storm acted, Maelstrom does not tell.
        self.summary.rows.iter().take(1).for_each(|(label, row)| self.row(&mut text, label, row));
        self.row(&mut text, "storm", &storm(&self.summary.faults, &self.summary.counters));
        self.end(&mut text);
        text
    }

    fn results(&self) -> Results<'_> {
        Results::of(self.scenario, self.summary)
    }

    fn end(&self, text: &mut String) {
        text.push('\n');
        self.row(text, "digest", &self.summary.digest.to_string());
        self.row(text, "replay", self.replay);
    }

    fn head(&self, text: &mut String, paint: Paint) {
        let Summary { verdict, maelstrom, .. } = self.summary;
        let word = verdict.to_string().to_uppercase();
        let word = match (paint, verdict) {
            (Paint::Plain, _) => word,
            (Paint::Colour, Verdict::Pass) => format!("\x1b[1;32m{word}\x1b[0m"),
            (Paint::Colour, Verdict::Unknown) => format!("\x1b[1;33m{word}\x1b[0m"),
            (Paint::Colour, Verdict::Fail) => format!("\x1b[1;31m{word}\x1b[0m"),
        };
        let expected = self.scenario.expect.verdict == Some(*verdict) && *verdict != Verdict::Pass;
        let missed = self.unmet.len() + usize::from(self.other_digest.is_some());
        let expected = match (expected, verdict, missed) {
            (true, _, 0) => " (as expected)".to_owned(),
            (_, Verdict::Pass, 1) => ", but not as expected: 1 expectation is not met".to_owned(),
            (_, Verdict::Pass, 2..) => format!(", but not as expected: {missed} expectations are not met"),
            (_, _, _) => String::new(),
        };
        let Scenario { name, protocol, workload, seed, .. } = self.scenario;
        let present = self.scenario.members().present();
        let nodes = if present == 1 { "1 node".to_owned() } else { format!("{present} nodes") };
        line(
            text,
            &format!(
                "{word}{expected}  {name}: {} under {}, {nodes}, seed {seed}",
                protocol.name, workload.name
            ),
        );
        line(text, &format!("      strict verdict {verdict}, which decides; Maelstrom's own {maelstrom}"));
    }

    fn trouble(&self, text: &mut String) {
        let problems = &self.summary.problems;
        for problem in problems.iter().take(MOST_PROBLEMS) {
            line(text, &format!("  - {}", printable(&problem.text)));
        }
        if problems.len() > MOST_PROBLEMS {
            line(text, &format!("  - and {} more (--json lists them)", problems.len() - MOST_PROBLEMS));
        }
        if self.summary.verdict == Verdict::Unknown && problems.is_empty() {
            line(
                text,
                "  - nothing that clients asked for was acknowledged, so there is nothing to judge: are there operations?",
            );
        }
        let stories = &self.summary.stories;
        for story in stories.iter().take(MOST_STORIES) {
            story.lines().for_each(|told| line(text, &format!("    {}", printable(told))));
        }
        if stories.len() > MOST_STORIES {
            line(
                text,
                &format!("    and the stories of {} more (--json tells them)", stories.len() - MOST_STORIES),
            );
        }
        for unmet in &self.unmet {
            line(text, &format!("  ! {}", printable(unmet)));
        }
        if let Some(pinned) = self.other_digest {
            let so_far = if self.unmet.is_empty() { "same verdict, other trace" } else { "other trace" };
            line(
                text,
                &format!("  ! the file's digest is {pinned}: the program changed ({so_far}); bless if meant"),
            );
        }
    }

    fn figures(&self, text: &mut String) {
        let Summary { rows, stats, counters, ended, .. } = self.summary;
        rows.iter().for_each(|(label, row)| self.row(text, label, row));
        self.row(text, "operations", &stats.line());
        let per_op = Quotient::of(counters.sent, counters.invocations).as_f64();
        self.row(
            text,
            "messages",
            &format!("{} between nodes, {per_op:.2} per operation; {}", counters.sent, fates(counters)),
        );
        self.row(text, "storm", &storm(&self.summary.faults, counters));
        self.row(
            text,
            "time",
            &format!("{:.3} s simulated, {} events", ended.as_nanos() as f64 / 1e9, counters.events),
        );
    }

    fn row(&self, text: &mut String, label: &str, row: &str) {
        line(text, &format!("{label:<15} {}", printable(row)));
    }

    /// One JSON object; whether the run was found to be deterministic, if that was looked at.
    pub fn json(&self, deterministic: Option<bool>) -> String {
        let faults = serde_json::value::to_raw_value(&self.summary.faults);
        let results = self.results();
        let json = Json {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            scenario: &self.scenario.name,
            verdict: self.summary.verdict,
            maelstrom_verdict: self.summary.maelstrom,
            as_expected: self.exit_code() == 0,
            unmet: &self.unmet,
            problems: self.summary.problems.iter().map(|problem| problem.text.as_str()).collect(),
            stories: &self.summary.stories,
            seed: self.scenario.seed,
            digest: self.summary.digest.to_string(),
            replay: self.replay,
            nodes: self.scenario.members().present(),
            protocol: &self.scenario.protocol.name,
            workload_name: &self.scenario.workload.name,
            stats: results.stats,
            availability: results.availability,
            net: results.net,
            workload: results.workload,
            figures: self.summary.metrics.iter().map(|(name, metric)| (*name, *metric)).collect(),
            faults: faults.expect("faults can be written as JSON"),
            ended_ns: self.summary.ended.as_nanos(),
            deterministic,
        };
        serde_json::to_string_pretty(&json).expect("a report can be written as JSON")
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

/// A node's own words, or a file's, may hold control characters; a terminal must not obey them.
pub fn printable(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// A bound as part of a sentence.
struct Phrase<'a>(&'a str);

impl std::fmt::Display for Phrase<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let split = self.0.find(|c| !"<>=".contains(c)).unwrap_or(0);
        let (sign, limit) = self.0.split_at(split);
        write!(f, "{} {limit}", if sign.is_empty() { "=" } else { sign })
    }
}

fn fates(counters: &Counters) -> String {
    let mut text = String::new();
    for (count, what) in [
        (counters.lost, "lost"),
        (counters.cut, "dropped at cut links"),
        (counters.down, "dropped at hosts that were down"),
        (counters.duplicated, "duplicated"),
    ] {
        if count > 0 {
            let comma = if text.is_empty() { "" } else { ", " };
            _ = write!(text, "{comma}{count} {what}");
        }
    }
    if text.is_empty() { "all arrived".to_owned() } else { text }
}

fn storm(faults: &[Fault], counters: &Counters) -> String {
    if faults.is_empty() {
        return "no faults".to_owned();
    }
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for fault in faults {
        match kinds.iter_mut().find(|(kind, _)| *kind == fault.fault.name()) {
            Some((_, count)) => *count += 1,
            None => kinds.push((fault.fault.name(), 1)),
        }
    }
    let kinds: Vec<String> = kinds.iter().map(|(kind, count)| format!("{count} x {kind}")).collect();
    let mut text = kinds.join(", ");
    for (count, what) in [
        (counters.crashes, "nodes that crashed"),
        (counters.wipes, "disks wiped"),
        (counters.pauses, "nodes paused"),
        (counters.held, "inputs held by pauses"),
        (counters.requests_dropped, "requests to nodes that were down"),
    ] {
        if count > 0 {
            _ = write!(text, "; {what}: {count}");
        }
    }
    text
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    format: u32,
    version: &'a str,
    scenario: &'a str,
    verdict: Verdict,
    maelstrom_verdict: Verdict,
    as_expected: bool,
    unmet: &'a [String],
    problems: Vec<&'a str>,
    stories: &'a [String],
    seed: u64,
    digest: String,
    replay: &'a str,
    nodes: u32,
    protocol: &'a str,
    workload_name: &'a str,
    stats: &'a Stats,
    availability: map::Availability,
    net: map::Net,
    workload: Box<RawValue>,
    figures: indexmap::IndexMap<&'a str, Metric, crate::hash::BuildWordHasher>,
    faults: Box<RawValue>,
    ended_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deterministic: Option<bool>,
}

/// Lengths of time as nanoseconds, so that programs need not read units.
impl Serialize for Metric {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Metric::Count(count) => serializer.serialize_u64(*count),
            Metric::Number(number) => serializer.serialize_f64(*number),
            Metric::Span(span) => serializer.serialize_u64(span.as_nanos()),
            Metric::None => serializer.serialize_none(),
        }
    }
}
