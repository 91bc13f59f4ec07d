//! `why`: the chance of failing against time, the instant that decided, and what happened then.

use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};

use serde::Serialize;

use super::bar::Bar;
use super::load::{Loaded, Overrides, load, program};
use super::{Done, Failure, print, shell_word};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::report::printable;
use crate::rng::Reseed;
use crate::run::transcript::{Transcript, Window};
use crate::run::{QuietPanics, Summary, explicit, run_reseeded, run_written_out};
use crate::scenario::Scenario;
use crate::sweep::Tally;
use crate::time::Time;
use crate::why::{Curve, Decided, Effort, Fate, Instants, Point, why as find_out};
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, or the name of a scenario that comes with the program; its run must fail.
    #[arg(value_name = "FILE")]
    scenario: String,
    #[command(flatten)]
    overrides: Overrides,
    /// How many futures are drawn at each instant; with more of them smaller differences show.
    #[arg(long, value_name = "M", default_value = "20")]
    samples: NonZeroU32,
    /// How many instants are looked at, evenly over the run, before the search for the one that decides.
    #[arg(long, value_name = "N", default_value = "20")]
    grid: NonZeroU32,
    /// How many threads; as many as there are cores unless given. The output is the same with any number.
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Print the curve as JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed.
const FORMAT: u32 = 1;
/// How wide a bar of 1 is.
const BAR: usize = 40;
/// So many lines of the transcript are shown.
const MOST_LINES: usize = 24;
/// So many instants before and after the deciding ones are shown.
const BESIDE: isize = 3;

pub(super) fn why(registry: &impl Registry, args: &Args, out: &mut impl Write) -> Done {
    let loaded = load(registry, &args.scenario, &args.overrides)?;
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = args.jobs.map_or_else(cores, NonZeroUsize::get);
    let effort = Effort { samples: args.samples.get(), grid: args.grid.get(), jobs };
    let quiet = QuietPanics::begin();
    let found = registry.with(&loaded.scenario.protocol.name, Ask { loaded: &loaded, effort });
    drop(quiet);
    let found =
        found.unwrap_or_else(|_| unreachable!("the protocol was looked up when the scenario was loaded"))?;
    print(out, &if args.json { found.json(&loaded) } else { found.text(&loaded) })?;
    Ok(0)
}

struct Ask<'a> {
    loaded: &'a Loaded,
    effort: Effort,
}

/// What was found out.
struct Found {
    fingerprint: String,
    samples: u32,
    curve: Curve,
    then: Option<Then>,
}

/// What happened when it was decided.
struct Then {
    window: Window,
    transcript: String,
}

impl Visitor for Ask<'_> {
    type Output = Result<Found, Failure>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let Loaded { scenario, document, .. } = self.loaded;
        let full = explicit::<W, N>(scenario, document).map_err(Failure::bad_scenario)?;
        let mut instants = Instants::default();
        let summary = run_written_out::<W, N, _>(&full, &mut instants);
        let fingerprint = summary.fingerprint(&full).ok_or_else(|| does_not_fail(self.loaded, &summary))?;
        let future =
            |reseed: Reseed| match run_reseeded::<W, N, ()>(&full, reseed, &mut ()).fingerprint(&full) {
                None => Fate::Passes,
                Some(other) if other == fingerprint => Fate::Same,
                Some(_) => Fate::Other,
            };
        // Halving a run of so many instants takes about as many points as their number has digits in base two.
        let most = u64::from(self.effort.samples) * (u64::from(self.effort.grid) + 32);
        let (mut tally, mut bar) = (Tally::default(), Bar::new("seeds", most, 0));
        let curve = find_out(full.seed, &instants, self.effort, future, |point| {
            tally.runs += u64::from(point.samples);
            tally.failures += u64::from(point.same);
            bar.show(tally.runs, Some(tally.failures));
        });
        drop(bar);
        let then = |decided, from, until| {
            let window = Window { from, until, node: None };
            Some(Then { window, transcript: transcript::<W, N>(&full, window, decided) })
        };
        let then = match curve.decided {
            Decided::FromTheStart | Decided::Gradually(..) => None,
            Decided::At(Point { from, .. }, _) => {
                then(from, instants.beside(from, -BESIDE), instants.beside(from, BESIDE))
            }
            Decided::Between(low, high) => then(low.from, low.from, instants.beside(high.from, -1)),
        };
        Ok(Found { fingerprint, samples: self.effort.samples, curve, then })
    }
}

fn does_not_fail(loaded: &Loaded, summary: &Summary) -> Failure {
    Failure::usage(format!(
        "{}: the run of seed {} does not fail (its verdict is {}, and it meets its bounds), so there is nothing to \
         explain; give a --seed that fails",
        loaded.arguments[0], loaded.scenario.seed, summary.verdict
    ))
}

/// What happens in a window of time, with a mark where it was decided.
fn transcript<W, N>(full: &Scenario, window: Window, decided: Time) -> String
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let mut text = Vec::new();
    run_written_out::<W, N, _>(full, &mut Transcript::new(&mut text, window, &full.faults));
    let text = String::from_utf8(text).expect("a transcript is UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    let decisive = |line: &str| line.trim_start().starts_with(&fine(decided));
    let middle = lines.iter().position(|line| decisive(line)).unwrap_or_default();
    let first = middle.saturating_sub(MOST_LINES / 2).min(lines.len().saturating_sub(MOST_LINES));
    let mark = |line: &&str| format!("{} {line}", if decisive(line) { ">" } else { " " });
    let mut shown: Vec<String> = lines.iter().skip(first).take(MOST_LINES).map(mark).collect();
    if shown.len() < lines.len() {
        shown.push(format!("  ... and {} events more, before and after these", lines.len() - shown.len()));
    }
    shown.join("\n") + "\n"
}

impl Found {
    fn text(&self, loaded: &Loaded) -> String {
        let Scenario { name, seed, .. } = &loaded.scenario;
        let mut text = format!(
            "{name}, seed {seed}, fails: {}\nAll chance from an instant on is drawn anew, {} times: how often does it \
             fail the same way?\n\n{:>12}  {:>5}\n",
            printable(&self.fingerprint),
            self.samples,
            "redrawn from",
            "fails"
        );
        self.curve.points.iter().for_each(|point| text += &line(point));
        text += &format!("\n{}\n", self.decided());
        if let Some(Then { window, transcript }) = &self.then {
            let words: Vec<String> = loaded.arguments.iter().map(|word| shell_word(word)).collect();
            text += &format!(
                "\nwhat happened then\n{transcript}\n{:<15} {} replay {} --from {} --until {}\n",
                "replay",
                program(),
                words.join(" "),
                window.from,
                window.until
            );
        }
        text
    }

    fn decided(&self) -> String {
        let of = |point: &Point| format!("{} of {}", point.same, point.samples);
        let redrawn = |point: &Point| match point.from {
            Time::MAX => format!("with nothing redrawn, {}", of(point)),
            from => format!("redrawn from {} on, {}", fine(from), of(point)),
        };
        let till = |point: &Point| match point.from {
            Time::MAX => "the end".to_owned(),
            from => fine(from),
        };
        match &self.curve.decided {
            Decided::FromTheStart => format!(
                "decided from the start: with all chance redrawn, {} fail; its operations, faults and knobs decide",
                of(&self.curve.points[0])
            ),
            Decided::At(low, high) => format!(
                "decided at {}: {} fail; with that instant kept, {}",
                fine(low.from),
                redrawn(low),
                of(high)
            ),
            Decided::Between(low, high) => format!(
                "decided between {} and {}: {} fail; {}",
                fine(low.from),
                till(high),
                redrawn(low),
                redrawn(high)
            ),
            Decided::Gradually(low, high) => format!(
                "it stays chance, and no short time decides: between {} and {} it grows from {} to {}",
                fine(low.from),
                till(high),
                of(low),
                of(high)
            ),
        }
    }

    fn json(&self, loaded: &Loaded) -> String {
        let from = |point: &Point| (point.from != Time::MAX).then(|| point.from.as_nanos());
        let (how, ends) = match &self.curve.decided {
            Decided::FromTheStart => ("from-the-start", None),
            Decided::At(low, high) => ("at", Some([from(low), from(high)])),
            Decided::Between(low, high) => ("between", Some([from(low), from(high)])),
            Decided::Gradually(low, high) => ("gradually", Some([from(low), from(high)])),
        };
        let points = self.curve.points.iter().map(|point| Measured {
            redrawn_from_ns: from(point),
            samples: point.samples,
            same: point.same,
            other: point.other,
            share: point.share(),
        });
        let json = Json {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            scenario: &loaded.scenario.name,
            seed: loaded.scenario.seed,
            fingerprint: &self.fingerprint,
            decided: how,
            between_ns: ends,
            points: points.collect(),
        };
        serde_json::to_string_pretty(&json).expect("what was found out can be written as JSON") + "\n"
    }
}

/// A point of the curve.
fn line(point: &Point) -> String {
    let from = if point.from == Time::MAX { "nothing".to_owned() } else { fine(point.from) };
    let bar = "█".repeat((point.share() * BAR as f64).round() as usize);
    let other = match point.other {
        0 => String::new(),
        other => format!("{}  and {other} for another reason", " ".repeat(BAR - bar.chars().count())),
    };
    format!("{from:>12}  {:>5.2}  {bar}{other}", point.share()).trim_end().to_owned() + "\n"
}

/// An instant to the microsecond: instants that decide lie close together.
fn fine(at: Time) -> String {
    let micros = at.as_nanos() / 1_000;
    format!("{}.{:06}s", micros / 1_000_000, micros % 1_000_000)
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Json<'a> {
    format: u32,
    version: &'a str,
    scenario: &'a str,
    seed: u64,
    fingerprint: &'a str,
    decided: &'a str,
    between_ns: Option<[Option<u64>; 2]>,
    points: Vec<Measured>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Measured {
    redrawn_from_ns: Option<u64>,
    samples: u32,
    same: u32,
    other: u32,
    share: f64,
}
