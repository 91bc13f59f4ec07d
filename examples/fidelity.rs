//! Holds the profile "maelstrom" against the real one: every row that somebody has measured there, beside ours.
//!
//! `cargo run --release --example fidelity > docs/fidelity.md`. Each of our figures is the mean of twenty seeds; nothing
//! is fitted. A goal that is missed is marked and makes it exit 1. With a word, only rows that contain it are run.
#![expect(clippy::print_stdout, reason = "it prints a page")]

use std::fmt::Write as _;
use std::process::ExitCode;

use rumormill::protocol::flood::Flood;
use rumormill::run::{Summary, run};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;
use rumormill::workload::broadcast::Broadcast;
use rumormill::workload::{Metric, Verdict};

const SEEDS: u64 = 20;

/// Somebody's figures: messages per operation, and stable latencies in milliseconds at 0.5, 0.95, 0.99 and 1.
struct Theirs {
    msgs_per_op: Option<f64>,
    latencies: [f64; 4],
}

/// How far our figures may be from theirs.
#[derive(Clone, Copy)]
struct Goal {
    msgs_per_op: Option<Within>,
    body: Within,
    most: Within,
}

#[derive(Clone, Copy)]
enum Within {
    Percent(f64),
    Millis(f64),
    /// Whichever is more.
    Either(f64, f64),
    /// Theirs lies between the least and the greatest of our seeds.
    Seeds,
}

struct Row {
    name: &'static str,
    topology: &'static str,
    latency: &'static str,
    workers: &'static str,
    flood: &'static str,
    theirs: Theirs,
    goal: Goal,
}

/// Our figures, one for each seed.
struct Ours {
    msgs_per_op: Vec<f64>,
    latencies: [Vec<f64>; 4],
}

const TENTH: &str = r#"{ "constant": "100ms" }"#;
const HUNDREDTH: &str = r#"{ "constant": "10ms" }"#;

/// The tutorial of Maelstrom (its doc/03-broadcast, of 2021): a blind flood, workers drawn at random.
fn tutorial() -> Vec<Row> {
    use Within::{Millis, Percent, Seeds};
    let row = |name, topology, latency, msgs_per_op: Option<f64>, latencies, body, most| Row {
        name,
        topology,
        latency,
        workers: "random",
        flood: r#"{ "retry": null }"#,
        theirs: Theirs { msgs_per_op, latencies },
        goal: Goal { msgs_per_op: msgs_per_op.map(|_| Percent(3.0)), body, most },
    };
    let exponential = r#"{ "exponential": { "mean": "100ms" } }"#;
    vec![
        row(
            "line, 10",
            "line",
            HUNDREDTH,
            Some(12.0),
            [86.0, 170.0, 193.0, 224.0],
            Millis(15.0),
            Millis(15.0),
        ),
        row("grid, 10", "grid", HUNDREDTH, Some(27.8), [11.0, 42.0, 56.0, 72.0], Millis(5.0), Millis(5.0)),
        row("grid, 100", "grid", TENTH, None, [452.0, 656.0, 748.0, 791.0], Percent(6.0), Percent(3.0)),
        row(
            "grid, 100 exponential",
            "grid",
            exponential,
            None,
            [229.0, 431.0, 520.0, 630.0],
            Percent(10.0),
            Seeds,
        ),
        row(
            "tree4, 100",
            "tree4",
            TENTH,
            Some(12.0),
            [386.0, 489.0, 498.0, 505.0],
            Percent(6.0),
            Percent(3.0),
        ),
        row("total, 100", "total", TENTH, Some(290.6), [77.0, 95.0, 96.0, 97.0], Millis(12.0), Millis(12.0)),
    ]
}

/// What was measured on today's Maelstrom: acknowledged, resent after 1 s, values gathered before they are sent.
fn today() -> Vec<Row> {
    use Within::{Either, Percent};
    let row = |name, flood, msgs_per_op: Option<f64>, latencies| {
        let gathers = msgs_per_op.is_some();
        let at_once = Either(5.0, 10.0);
        Row {
            name,
            topology: "grid",
            latency: TENTH,
            workers: "rotating",
            flood,
            theirs: Theirs { msgs_per_op, latencies },
            goal: Goal {
                msgs_per_op: msgs_per_op.map(|_| Percent(5.0)),
                body: if gathers { Percent(5.0) } else { at_once },
                most: if gathers { Percent(10.0) } else { at_once },
            },
        }
    };
    vec![
        row("grid, T = 0", "{}", None, [456.0, 687.0, 773.0, 804.0]),
        row("tree4, T = 0", r#"{ "overlay": { "tree": 4 } }"#, None, [355.0, 481.0, 498.0, 505.0]),
        row(
            "star, all T = 150 ms",
            r#"{ "overlay": "star", "batch": "150ms" }"#,
            Some(3.85),
            [371.0, 396.0, 398.0, 401.0],
        ),
        row(
            "star, all T = 300 ms",
            r#"{ "overlay": "star", "batch": "300ms" }"#,
            Some(2.13),
            [487.0, 691.0, 757.0, 788.0],
        ),
        row(
            "star, all T = 500 ms",
            r#"{ "overlay": "star", "batch": "500ms" }"#,
            Some(1.43),
            [708.0, 1062.0, 1096.0, 1134.0],
        ),
        row(HUB_380, HUB_380_FLOOD, Some(2.15), [262.0, 464.0, 479.0, 574.0]),
        row(
            "star, only the hub T = 1500 ms",
            r#"{ "overlay": "star", "hub_batch": "1500ms" }"#,
            Some(1.27),
            [849.0, 1514.0, 1583.0, 1599.0],
        ),
        row(
            "tree4, all T = 100 ms",
            r#"{ "overlay": { "tree": 4 }, "batch": "100ms" }"#,
            Some(4.90),
            [687.0, 899.0, 950.0, 975.0],
        ),
        row(
            "tree4, all T = 200 ms",
            r#"{ "overlay": { "tree": 4 }, "batch": "200ms" }"#,
            Some(2.99),
            [984.0, 1322.0, 1376.0, 1398.0],
        ),
    ]
}

const HUB_380: &str = "star, only the hub T = 380 ms";
const HUB_380_FLOOD: &str = r#"{ "overlay": "star", "hub_batch": "380ms" }"#;

impl Row {
    fn ours(&self, profile: &str) -> Ours {
        let mut ours = Ours { msgs_per_op: Vec::new(), latencies: [const { Vec::new() }; 4] };
        for seed in 0..SEEDS {
            let summary = self.run(profile, seed);
            assert_eq!(summary.verdict, Verdict::Pass, "{} seed {seed}: {:?}", self.name, summary.problems);
            let Some(Metric::Number(msgs_per_op)) = summary.metric("msgs_per_op") else {
                unreachable!("every run has messages per operation")
            };
            ours.msgs_per_op.push(msgs_per_op);
            for (latencies, at) in ours.latencies.iter_mut().zip(["p50", "p95", "p99", "max"]) {
                let Some(Metric::Span(span)) = summary.metric(&format!("stable_latency_{at}")) else {
                    unreachable!("values were stable")
                };
                latencies.push(span.as_millis() as f64);
            }
        }
        ours
    }

    fn run(&self, profile: &str, seed: u64) -> Summary {
        let Row { topology, latency, workers, flood, .. } = self;
        let text = format!(
            r#"{{ "name": "fidelity", "seed": {seed}, "nodes": 25, "protocol": {{ "flood": {flood} }},
                  "topology": "{topology}", "network": {{ "latency": {latency} }}, "profile": "{profile}",
                  "workload": {{ "broadcast": {{ "rate": 100, "time_limit": "20s", "workers": "{workers}" }} }} }}"#
        );
        let document = Document::parse("a row", &text).expect("it is JSON");
        let scenario = Scenario::read(&document).expect("it is a scenario");
        run::<Broadcast, Flood, ()>(&scenario, &document, &mut ()).expect("its knobs fit")
    }
}

impl Within {
    fn holds(self, theirs: f64, ours: &[f64]) -> bool {
        let off = (mean(ours) - theirs).abs();
        match self {
            Within::Percent(percent) => off <= theirs * percent / 100.0,
            Within::Millis(millis) => off <= millis,
            Within::Either(percent, millis) => off <= (theirs * percent / 100.0).max(millis),
            Within::Seeds => {
                let (least, most) = ends(ours);
                (least..=most).contains(&theirs)
            }
        }
    }

    fn told(self) -> String {
        match self {
            Within::Percent(percent) => format!("{percent} %"),
            Within::Millis(millis) => format!("{millis} ms"),
            Within::Either(percent, millis) => format!("{percent} % or {millis} ms"),
            Within::Seeds => "among the seeds".to_owned(),
        }
    }
}

fn mean(figures: &[f64]) -> f64 {
    figures.iter().sum::<f64>() / figures.len() as f64
}

fn ends(figures: &[f64]) -> (f64, f64) {
    let order = |least: bool| move |a: f64, b: &f64| if least { a.min(*b) } else { a.max(*b) };
    (figures.iter().fold(f64::MAX, order(true)), figures.iter().fold(f64::MIN, order(false)))
}

/// Writes a row and gives the number of goals it misses.
fn told(row: &Row, ours: &Ours, page: &mut String) -> u32 {
    let Row { name, theirs, goal, .. } = row;
    let mut missed = Vec::new();
    if let (Some(theirs), Some(within)) = (theirs.msgs_per_op, goal.msgs_per_op)
        && !within.holds(theirs, &ours.msgs_per_op)
    {
        missed.push("msgs-per-op");
    }
    for (at, what) in ["0.5", "0.95", "0.99", "1"].into_iter().enumerate() {
        let within = if at == 3 { goal.most } else { goal.body };
        if !within.holds(theirs.latencies[at], &ours.latencies[at]) {
            missed.push(what);
        }
    }
    let figures =
        |latencies: &[f64]| latencies.iter().map(|ms| format!("{ms:.0}")).collect::<Vec<_>>().join(" / ");
    let (least, most) = ends(&ours.latencies[3]);
    _ = writeln!(
        page,
        "| {name} | {} | {:.2} | {} | {} | {least:.0} to {most:.0} | {}, {}, {} | {} |",
        theirs.msgs_per_op.map_or("-".to_owned(), |number| format!("{number:.2}")),
        mean(&ours.msgs_per_op),
        figures(&theirs.latencies),
        figures(&ours.latencies.each_ref().map(|latencies| mean(latencies))),
        goal.msgs_per_op.map_or("-".to_owned(), Within::told),
        goal.body.told(),
        goal.most.told(),
        if missed.is_empty() { "met".to_owned() } else { format!("MISSED: {}", missed.join(", ")) },
    );
    missed.len() as u32
}

fn table(rows: &[Row], page: &mut String) -> u32 {
    page.push_str(
        "| row | msgs-per-op: theirs | ours | 0.5 / 0.95 / 0.99 / 1 ms: theirs | ours | our seeds' maxima \
         | goals: msgs-per-op, to 0.99, 1 | |\n|---|---|---|---|---|---|---|---|\n",
    );
    rows.iter().map(|row| told(row, &row.ours("maelstrom"), page)).sum()
}

fn main() -> ExitCode {
    let word = std::env::args().nth(1).unwrap_or_default();
    let chosen = |rows: Vec<Row>| rows.into_iter().filter(|row| row.name.contains(&word)).collect::<Vec<_>>();
    let mut page = format!(
        "# Is the profile \"maelstrom\" true to Maelstrom?\n\n\
         Made by `just fidelity`. 25 nodes, rate 100, 20 s; each of our figures is the mean of {SEEDS} seeds, and nothing\n\
         is fitted. Latencies are stable latencies at these quantiles.\n\n\
         ## A blind flood, against Maelstrom's tutorial (2021)\n\n\
         To the topology's neighbours except the sender of the first copy; workers drawn at random, as Maelstrom did then.\n\n"
    );
    let mut missed = table(&chosen(tutorial()), &mut page);
    page.push_str(
        "\n## An acknowledged flood, against measurements on today's Maelstrom (0.2.5)\n\n\
         Resent after 1 s; new values are gathered for T before they are sent; latency 100 ms; workers rotate. How many\n\
         messages there are at T = 0 depends on how fast a process answers, and is left out.\n\n",
    );
    let rows = chosen(today());
    missed += table(&rows, &mut page);
    if let Some(row) = rows.iter().find(|row| row.name == HUB_380) {
        let median = |profile| mean(&row.ours(profile).latencies[0]);
        let (ideal, maelstrom) = (median("ideal"), median("maelstrom"));
        let more = 100.0 * (ideal / maelstrom - 1.0);
        missed += u32::from(more < 25.0);
        _ = writeln!(
            page,
            "\nDoes the profile matter? {HUB_380}: in the profile \"ideal\" the median is {ideal:.0} ms, {more:.0} % above \
             that of \"maelstrom\" (goal: at least 25 %, {}).",
            if more >= 25.0 { "met" } else { "MISSED" }
        );
    }
    print!("{page}");
    ExitCode::from(u8::from(missed > 0))
}
