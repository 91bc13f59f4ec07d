//! Judging what is a set to clients, and what that shows: under Maelstrom's names, under those of `expect`, in words.

use serde::Serialize;

use crate::check::{Add, Read, SetFull, SetHistory, Stale, Strict};
use crate::id::{NodeId, few};
use crate::ratio::Quotient;
use crate::time::Span;
use crate::value::Value;
use crate::workload::spread::{SHARES, Spread};
use crate::workload::validity::Validity;
use crate::workload::{Facts, Judged, Metric, Problem, Stamp};

/// The figures that `expect` may bound.
pub(super) const METRICS: &[&str] = &[
    "attempts",
    "acknowledged",
    "lost",
    "forgiven",
    "kept",
    "stable",
    "stale",
    "never_read",
    "duplicated",
    "stable_latency_p0",
    "stable_latency_p50",
    "stable_latency_p95",
    "stable_latency_p99",
    "stable_latency_max",
    "spread_to_50",
    "spread_to_95",
    "spread_to_99",
    "spread_to_100",
    "reached_all",
    "last_hop",
    "rmr",
    "repaired",
    "redundant",
];

/// The figures of a run with a set: Maelstrom's under its names and in its order, then ours.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    worst_stale: Vec<WorstStale>,
    duplicated_count: u64,
    #[serde(rename = "valid?")]
    valid: Validity,
    lost_count: u64,
    lost: Vec<Value>,
    stable_count: u64,
    stale_count: u64,
    stale: Vec<Value>,
    never_read_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    stable_latencies: Option<Latencies>,
    attempt_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    lost_latencies: Option<Latencies>,
    never_read: Vec<Value>,
    /// Each value that one read shows more than once, and how often at most.
    duplicated: Vec<(Value, u64)>,
    strict: StrictFigures,
    spread: SpreadFigures,
}

/// Quantiles in milliseconds.
#[derive(Clone, Copy, Debug, Serialize)]
struct Latencies {
    #[serde(rename = "0")]
    p0: u64,
    #[serde(rename = "0.5")]
    p50: u64,
    #[serde(rename = "0.95")]
    p95: u64,
    #[serde(rename = "0.99")]
    p99: u64,
    #[serde(rename = "1")]
    max: u64,
}

impl Latencies {
    fn of(quantile: impl Fn(usize) -> Option<u64>) -> Option<Latencies> {
        Some(Latencies {
            p0: quantile(0)?,
            p50: quantile(50)?,
            p95: quantile(95)?,
            p99: quantile(99)?,
            max: quantile(100)?,
        })
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct WorstStale {
    element: Value,
    outcome: &'static str,
    stable_latency: u64,
    lost_latency: Option<u64>,
    known: Place,
    last_absent: Place,
}

/// A place in the history.
#[derive(Clone, Copy, Debug, Serialize)]
struct Place {
    index: u64,
    /// In nanoseconds since the run began.
    time: u64,
}

impl From<Stamp> for Place {
    fn from(stamp: Stamp) -> Place {
        Place { index: stamp.index, time: stamp.at.as_nanos() }
    }
}

impl From<&Stale> for WorstStale {
    fn from(stale: &Stale) -> WorstStale {
        WorstStale {
            element: stale.value.clone(),
            outcome: "stable",
            stable_latency: stale.latency,
            lost_latency: None,
            known: stale.known.into(),
            last_absent: stale.last_absent.into(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct StrictFigures {
    acknowledged_count: u64,
    lost: Vec<Missing>,
    forgiven: Vec<Missing>,
    silent: Vec<NodeId>,
    invented: Vec<Missing>,
}

#[derive(Clone, Debug, Serialize)]
struct Missing {
    value: Value,
    nodes: Vec<NodeId>,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct SpreadFigures {
    /// To a share of the nodes in percent: the median over values and the longest, in milliseconds.
    to: Vec<(u32, Option<f64>, Option<f64>)>,
    reached_all_count: u64,
    hops: Vec<u64>,
    deliveries: u64,
    redundant: u64,
    repaired: u64,
    rmr: Quotient,
}

/// Judges what clients added and read, by set-full and strictly.
pub(super) fn judge(
    adds: &[Add<'_>],
    reads: &[Read<'_>],
    spread: &Spread,
    facts: &Facts<'_>,
) -> Judged<Figures> {
    let set = SetHistory::new(adds, reads);
    let set_full = set.set_full();
    let first_two = |value: &Value| Some(spread.of(value)?.first_two());
    let mut strict = set.strict(facts, first_two);
    strict.kept = set.kept(&strict, facts.crashes, first_two);
    let known = match facts.grace {
        None => Known::Announced(spread),
        Some(_) => Known::Read(reads),
    };
    judged(&set_full, &strict, spread, &known, facts)
}

pub(super) fn judged(
    set_full: &SetFull,
    strict: &Strict,
    spread: &Spread,
    known: &Known<'_>,
    facts: &Facts<'_>,
) -> Judged<Figures> {
    Judged {
        strict: strict.verdict(set_full.acknowledged),
        maelstrom: set_full.verdict(),
        problems: problems(strict, known),
        figures: figures(set_full, strict, spread),
        metrics: metrics(set_full, strict, spread),
        rows: rows(set_full, strict, spread, facts),
    }
}

/// What is known of where a value was.
pub(super) enum Known<'a> {
    /// Nodes announced what they had.
    Announced(&'a Spread),
    /// They did not: all that is known is what clients read.
    Read(&'a [Read<'a>]),
}

impl Known<'_> {
    fn held_by(&self, value: &Value, node: NodeId) -> bool {
        match self {
            Known::Announced(spread) => spread.of(value).is_some_and(|track| track.held_by(node)),
            Known::Read(reads) => reads.iter().any(|read| read.node == node && read.values.contains(value)),
        }
    }

    /// The kind of a loss, and how it came about, if so many of the nodes that lack the value never had it.
    fn tell(&self, never: usize, lacking: usize) -> (&'static str, String) {
        match (self, never) {
            (Known::Announced(_), 0) => ("vanished", "it had been there".to_owned()),
            (Known::Announced(_), n) if n == lacking => {
                ("never arrived", "it never arrived there".to_owned())
            }
            (Known::Announced(_), n) => ("never arrived", format!("it never arrived at {n} of them")),
            (Known::Read(_), 0) => ("vanished", "earlier reads there had shown it".to_owned()),
            (Known::Read(_), n) if n == lacking => ("never shown", "no read there ever showed it".to_owned()),
            (Known::Read(_), n) => ("never shown", format!("no read of {n} of them ever showed it")),
        }
    }
}

fn problems(strict: &Strict, known: &Known<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (value, lacking) in &strict.lost {
        let never = lacking.iter().filter(|node| !known.held_by(value, **node)).count();
        let (kind, how) = known.tell(never, lacking.len());
        let text = format!(
            "value {value} was acknowledged, but is not in the final read of {}; {how}",
            few(lacking)
        );
        problems.push(Problem { kind: kind.into(), text, value: Some(value.clone()) });
    }
    for node in &strict.silent {
        let text = format!("{node} did not answer its final read");
        problems.push(Problem { kind: "silent".into(), text, value: None });
    }
    for (value, node) in &strict.duplicated {
        let text = format!("a read of {node} shows value {value} twice");
        problems.push(Problem { kind: "twice".into(), text, value: None });
    }
    for (value, node) in &strict.invented {
        let text = format!("a read of {node} shows value {value}, which no client sent");
        problems.push(Problem { kind: "invented".into(), text, value: None });
    }
    problems
}

fn figures(set_full: &SetFull, strict: &Strict, spread: &Spread) -> Figures {
    let sorted = |values: &mut dyn Iterator<Item = &Value>| {
        let mut values: Vec<Value> = values.cloned().collect();
        values.sort_unstable();
        values
    };
    let missing = |list: &[(Value, Vec<NodeId>)]| {
        list.iter().map(|(value, nodes)| Missing { value: value.clone(), nodes: nodes.clone() }).collect()
    };
    let millis = |span: Option<&Span>| span.map(|span| span.as_nanos() as f64 / 1e6);
    let to = |(at, share)| {
        let times = spread.times_to(at);
        (share, millis(times.get(times.len() / 2)), millis(times.last()))
    };
    Figures {
        worst_stale: set_full.worst_stale.iter().map(WorstStale::from).collect(),
        duplicated_count: set_full.duplicated.len() as u64,
        valid: set_full.verdict().into(),
        lost_count: set_full.lost.len() as u64,
        lost: sorted(&mut set_full.lost.iter().map(|(value, _)| value)),
        stable_count: set_full.stable.len() as u64,
        stale_count: set_full.stale().count() as u64,
        stale: sorted(&mut set_full.stale().map(|(value, _)| value)),
        never_read_count: set_full.never_read.len() as u64,
        stable_latencies: Latencies::of(|hundredths| set_full.stable_latency(hundredths)),
        attempt_count: set_full.attempts,
        lost_latencies: Latencies::of(|hundredths| set_full.lost_latency(hundredths)),
        never_read: sorted(&mut set_full.never_read.iter()),
        duplicated: set_full.duplicated.clone(),
        strict: StrictFigures {
            acknowledged_count: set_full.acknowledged,
            lost: missing(&strict.lost),
            forgiven: missing(&strict.forgiven),
            silent: strict.silent.clone(),
            invented: strict
                .invented
                .iter()
                .map(|(value, node)| Missing { value: value.clone(), nodes: vec![*node] })
                .collect(),
        },
        spread: SpreadFigures {
            to: SHARES.into_iter().enumerate().map(to).collect(),
            reached_all_count: spread.reached_all(),
            hops: spread.hops.clone(),
            deliveries: spread.deliveries(),
            redundant: spread.redundant,
            repaired: spread.repaired,
            rmr: Quotient::of(spread.redundant, spread.deliveries()),
        },
    }
}

fn metrics(set_full: &SetFull, strict: &Strict, spread: &Spread) -> Vec<(&'static str, Metric)> {
    let count = |list: usize| Metric::Count(list as u64);
    let latency = |hundredths| {
        set_full.stable_latency(hundredths).map_or(Metric::None, |ms| Metric::Span(Span::from_millis(ms)))
    };
    let time = |share| {
        let times = spread.times_to(share);
        times.get(times.len() / 2).map_or(Metric::None, |span| Metric::Span(*span))
    };
    vec![
        ("attempts", Metric::Count(set_full.attempts)),
        ("acknowledged", Metric::Count(set_full.acknowledged)),
        ("lost", count(strict.lost.len())),
        ("forgiven", count(strict.forgiven.len())),
        ("kept", count(strict.kept.len())),
        ("stable", count(set_full.stable.len())),
        ("stale", count(set_full.stale().count())),
        ("never_read", count(set_full.never_read.len())),
        ("duplicated", count(strict.duplicated.len())),
        ("stable_latency_p0", latency(0)),
        ("stable_latency_p50", latency(50)),
        ("stable_latency_p95", latency(95)),
        ("stable_latency_p99", latency(99)),
        ("stable_latency_max", latency(100)),
        ("spread_to_50", time(0)),
        ("spread_to_95", time(1)),
        ("spread_to_99", time(2)),
        ("spread_to_100", time(3)),
        ("reached_all", Metric::Count(spread.reached_all())),
        ("last_hop", spread.last_hop().map_or(Metric::None, Metric::Count)),
        ("rmr", Metric::Number(Quotient::of(spread.redundant, spread.deliveries()).as_f64())),
        ("repaired", Metric::Count(spread.repaired)),
        ("redundant", Metric::Count(spread.redundant)),
    ]
}

fn rows(
    set_full: &SetFull,
    strict: &Strict,
    spread: &Spread,
    facts: &Facts<'_>,
) -> Vec<(&'static str, String)> {
    let mut values = format!(
        "{} sent, {} acknowledged, {} lost",
        set_full.attempts,
        set_full.acknowledged,
        strict.lost.len()
    );
    if !strict.forgiven.is_empty() {
        values += &format!(", {} forgiven ({})", strict.forgiven.len(), facts.why_forgiven("had them"));
    }
    if !strict.kept.is_empty() {
        values += &format!(", {} kept by a disk alone through a crash", strict.kept.len());
    }
    let quantile =
        |hundredths| set_full.stable_latency(hundredths).map_or("-".to_owned(), |ms| ms.to_string());
    let stale = set_full.stale().count();
    let latencies = format!(
        "least {}, median {}, 95 % {}, 99 % {}, most {} ms, as Maelstrom counts; {stale} values were stale",
        quantile(0),
        quantile(50),
        quantile(95),
        quantile(99),
        quantile(100),
    );
    let shares = SHARES.into_iter().enumerate().map(|(at, share)| {
        let times = spread.times_to(at);
        let time = times.get(times.len() / 2).map_or("-".to_owned(), |span| rounded(*span));
        format!("{share} % in {time}")
    });
    let shares: Vec<String> = shares.collect();
    let hops = spread.last_hop().map_or("-".to_owned(), |hop| hop.to_string());
    let rmr = Quotient::of(spread.redundant, spread.deliveries()).as_f64();
    vec![
        ("values", values),
        ("stable latency", latencies),
        (
            "spread",
            format!(
                "to {} of the nodes (medians over values); {} reached all",
                shares.join(", to "),
                spread.reached_all()
            ),
        ),
        (
            "deliveries",
            format!(
                "{} to new nodes, {} of them by repair; {} redundant ({rmr:.2} for each new one); most hops {hops}",
                spread.deliveries(),
                spread.repaired,
                spread.redundant
            ),
        ),
    ]
}

/// A length to a tenth of a millisecond, for people.
fn rounded(span: Span) -> String {
    format!("{:.1} ms", span.as_nanos() as f64 / 1e6)
}
