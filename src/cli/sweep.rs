//! `sweep`: a scenario under many seeds and many values, kept in a folder that a killed sweep goes on from.

use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::bar::Bar;
use super::interrupt::Interrupt;
use super::load::{self, Loaded, Overrides, load};
use super::summary::{self, Exports, Swept, at, varied};
use super::{Done, Exit, Failure};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::run::{QuietPanics, in_full, run_untold};
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit, Raw};
use crate::sweep::folder::{Folder, Found};
use crate::sweep::manifest::{self, Manifest};
use crate::sweep::record::Record;
use crate::sweep::shard::Shard;
use crate::sweep::survey::Survey;
use crate::sweep::sweep as run_seeds;
use crate::sweep::vary::{Point, Vary, grid};
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    /// A scenario file, or the name of a scenario that comes with the program.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    /// The seeds: A..B without B, A..=B with it.
    #[arg(long, value_name = "A..B", value_parser = load::seeds)]
    seeds: Range<u64>,
    /// How many threads share the seeds; as many as there are cores unless given. What is written is the same.
    #[arg(long, value_name = "N", value_parser = super::load::jobs)]
    jobs: Option<usize>,
    /// Another value for a key, as in protocol.gossip.fanout=3; JSON, or else a string. Can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Values for a key, one after the other: A..B, A..=B or a list with commas. Repeated, it makes a grid.
    #[arg(long, value_name = "KEY=VALUES")]
    vary: Vec<Vary>,
    /// Only the I-th of N parts of the seeds, counted from 1; `merge` puts them together.
    #[arg(long, value_name = "I/N")]
    shard: Option<Shard>,
    /// Keep a line for each run in DIR/runs.jsonl. The same command goes on where an interrupted one was.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    exports: Exports,
}

const EXAMPLES: &str = "\
Examples:
  rumormill sweep quickstart --seeds 0..1000
  rumormill sweep my.json --seeds 0..1000 --vary protocol.gossip.fanout=1..=6
  rumormill sweep my.json --seeds 0..1000000 --shard 3/64 --out part-3

Exit codes: 0 no run failed; 1, or that of --fail-exit, one did; 130 interrupted.
docs/clusters.md says what is kept, and how shards are run on a cluster.";

/// The exit code after Ctrl-C.
const INTERRUPTED: u8 = 130;

pub(super) fn sweep(registry: &impl Registry, args: &Args, out: &mut impl Write) -> Done {
    let overrides = Overrides { seed: None, set: args.set.clone() };
    let base = load(registry, &args.scenario, &overrides)?;
    let points = grid(&args.vary).map_err(|error| Failure::usage(format!("--vary: {error}")))?;
    let id = manifest::id(&checked(registry, &base)?);
    let loaded = points.iter().map(|point| {
        let loaded = at(registry, &base.document, point)?;
        checked(registry, &loaded).map_err(|failure| varied(failure, point))?;
        Ok(loaded)
    });
    let loaded = loaded.collect::<Result<Vec<Loaded>, Failure>>()?;
    let manifest = Manifest {
        format: manifest::FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        id,
        seeds: args.seeds.clone(),
        vary: args.vary.clone(),
        shard: args.shard,
        scenario: Raw(base.document.root().json()),
    };
    if manifest.share().is_empty() {
        let seeds = args.seeds.end - args.seeds.start;
        let text = format!(
            "--shard {}: there are only {seeds} seeds to share",
            manifest.shard.expect("it is a part")
        );
        return Err(Failure::usage(text));
    }
    let quiet = QuietPanics::begin();
    let (survey, stopped) = runs(registry, args, &manifest, &points, &loaded)?;
    drop(quiet);
    let swept = Swept { base: &base, manifest: &manifest, points: &points, survey: &survey };
    let code = summary::tell(registry, &args.exports, &swept, out)?;
    Ok(if stopped == Stopped::Yes { INTERRUPTED } else { code })
}

/// Whether a sweep was interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stopped {
    No,
    Yes,
}

/// Runs all that is not kept already.
fn runs(
    registry: &impl Registry,
    args: &Args,
    manifest: &Manifest,
    points: &[Point],
    loaded: &[Loaded],
) -> Result<(Survey, Stopped), Failure> {
    let mut survey = Survey::new(points.len());
    let mut last = None;
    let found = match &args.out {
        None => None,
        Some(path) => {
            let found = Folder::open(path, manifest, points, |point, record| {
                survey.add(point, record);
                last = Some((point, record.clone()));
            });
            Some((path, found.map_err(summary::folder)?))
        }
    };
    let share = manifest.share();
    let each = share.end - share.start;
    let all = each.saturating_mul(points.len() as u64);
    let mut folder = match found {
        None => None,
        Some((path, Found::Complete)) => {
            note(&format!("{}: all {all} runs are there already", path.display()));
            return Ok((survey, Stopped::No));
        }
        Some((path, Found::Open(folder))) => {
            if let Some((point, record)) = last {
                still_the_same(registry, path, &points[point], &loaded[point], &record)?;
            }
            begin(path, &folder, all);
            Some(folder)
        }
    };
    let stop = Interrupt::watched()?;
    let before = survey.runs();
    let mut bar = Bar::new("seeds", all, before);
    for (at, (point, loaded)) in points.iter().zip(loaded).enumerate() {
        let done = before.saturating_sub(each.saturating_mul(at as u64)).min(each);
        let work = Work {
            loaded,
            point,
            seeds: share.start + done..share.end,
            jobs: args.jobs.unwrap_or_else(load::cores),
            stop: stop.flag(),
            each: |record: Record| {
                folder.as_mut().map_or(Ok(()), |folder| folder.append(&record)).map_err(summary::folder)?;
                survey.add(at, &record);
                bar.show(survey.runs(), Some(survey.failures()));
                Ok(())
            },
        };
        let ran = registry.with(&loaded.scenario.protocol.name, work);
        ran.unwrap_or_else(|_| unreachable!("the protocol was looked up"))?;
    }
    drop(bar);
    if survey.runs() == all {
        folder.map_or(Ok(()), Folder::finish).map_err(summary::folder)?;
        return Ok((survey, Stopped::No));
    }
    interrupted(args, folder, survey.runs(), all)?;
    Ok((survey, Stopped::Yes))
}

/// Says what is there already.
fn begin(path: &Path, folder: &Folder, all: u64) {
    let path = path.display();
    if folder.cut_off > 0 {
        note(&format!("{path}: the last run was cut short ({} bytes); it is made again", folder.cut_off));
    }
    if folder.runs > 0 {
        note(&format!("{path}: {} of {all} runs are there; going on", folder.runs));
    }
}

fn interrupted(args: &Args, folder: Option<Folder>, runs: u64, all: u64) -> Result<(), Failure> {
    match (folder, &args.out) {
        (Some(mut folder), Some(path)) => {
            let path = path.display();
            folder.sync().map_err(|error| Failure::io(&path.to_string(), &error))?;
            note(&format!(
                "interrupted: {runs} of {all} runs are kept in {path}; the same command goes on with them"
            ));
        }
        (None, _) | (_, None) => {
            note(&format!("interrupted after {runs} of {all} runs; with --out DIR they would be kept"));
        }
    }
    Ok(())
}

/// Talk, for people.
fn note(text: &str) {
    // Nobody can be told that stderr is gone.
    _ = writeln!(std::io::stderr(), "{}", crate::report::printable(text));
}

/// What is kept was written by this program, not by another build of the same version: one run shows it.
fn still_the_same(
    registry: &impl Registry,
    path: &Path,
    point: &Point,
    loaded: &Loaded,
    kept: &Record,
) -> Result<(), Failure> {
    let mut now = None;
    let work = Work {
        loaded,
        point,
        seeds: kept.seed..kept.seed + 1,
        jobs: 1,
        stop: &AtomicBool::new(false),
        each: |record: Record| {
            now = Some(record);
            Ok(())
        },
    };
    let ran = registry.with(&loaded.scenario.protocol.name, work);
    ran.unwrap_or_else(|_| unreachable!("the protocol was looked up"))?;
    let now = now.expect("one seed was run");
    if now.line == kept.line {
        return Ok(());
    }
    let text = format!(
        "{}: seed {} comes to something else than is kept here (digest {}, and now {}): the program has changed; \
         begin again in another --out DIR",
        path.display(),
        kept.seed,
        kept.digest,
        now.digest
    );
    Err(Failure { exit: Exit::Io, text })
}

/// Runs seeds of a scenario at a point, in their order.
struct Work<'a, F> {
    loaded: &'a Loaded,
    point: &'a Point,
    seeds: Range<u64>,
    jobs: usize,
    stop: &'a AtomicBool,
    each: F,
}

impl<F: FnMut(Record) -> Result<(), Failure>> Visitor for Work<'_, F> {
    type Output = Result<(), Failure>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        if self.seeds.is_empty() || self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Loaded { scenario, document, .. } = self.loaded;
        let one = |seed| {
            let scenario = Scenario { seed, ..scenario.clone() };
            let summary = run_untold::<W, N>(&scenario, document).map_err(Failure::bad_scenario)?;
            Ok(Record::new(&scenario, self.point, &summary))
        };
        run_seeds(self.seeds, self.jobs, self.stop, one, self.each)
    }
}

/// A scenario with its knobs written out, once they are known to fit.
fn checked(registry: &impl Registry, loaded: &Loaded) -> Result<Scenario, Failure> {
    let Loaded { scenario, document, .. } = loaded;
    let full = registry.with(&scenario.protocol.name, InFull { scenario, document });
    full.unwrap_or_else(|_| unreachable!("the protocol was looked up")).map_err(Failure::bad_scenario)
}

struct InFull<'a> {
    scenario: &'a Scenario,
    document: &'a Document,
}

impl Visitor for InFull<'_> {
    type Output = Result<Scenario, Misfit>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        in_full::<W, N>(self.scenario, self.document)
    }
}
