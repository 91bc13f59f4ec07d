//! `shrink`: from a failing scenario to the smallest that still fails for the same reason, as a file.

use std::io::{IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::load::{Overrides, load, program};
use super::{Done, Exit, Failure, print, shell_word};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::report::printable;
use crate::run::lanes::lanes;
use crate::run::{QuietPanics, Summary, explicit, run};
use crate::scenario::Scenario;
use crate::scenario::document::Document;
use crate::scenario::expect::Expect;
use crate::shrink::{End, Reason, Shrinker, shrink as search};
use crate::time::Span;
use crate::value::Value;
use crate::workload::{Verdict, Workload};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file that fails, or the name of one that comes with the program.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    overrides: Overrides,
    /// Stop after this long, with the smallest found so far.
    #[arg(long, value_name = "LENGTH", default_value = BUDGET)]
    budget: Span,
    /// How many threads share the runs; as many as there are cores unless given. The output is the same.
    #[arg(long, value_name = "N", value_parser = super::load::jobs)]
    jobs: Option<usize>,
    /// Write the smallest scenario to FILE; beside the scenario, with .small.json at its end, unless given.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// A search may take this long unless another length is given.
pub(super) const BUDGET: &str = "60s";

pub(super) fn shrink(registry: &impl Registry, args: &Args, out: &mut impl Write) -> Done {
    let loaded = load(registry, &args.scenario, &args.overrides)?;
    let work = Work { args, scenario: &loaded.scenario, document: &loaded.document, out };
    let _quiet = QuietPanics::begin();
    registry
        .with(&loaded.scenario.protocol.name, work)
        .unwrap_or_else(|_| unreachable!("the protocol was looked up"))
}

struct Work<'a, O> {
    args: &'a Args,
    scenario: &'a Scenario,
    document: &'a Document,
    out: &'a mut O,
}

impl<O: Write> Visitor for Work<'_, O> {
    type Output = Done;

    fn visit<W, N>(self) -> Done
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let path = self.args.out.clone().unwrap_or_else(|| beside(&self.args.scenario));
        // Better before the search than after it.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if path.is_dir() || folder.is_some_and(|folder| !folder.is_dir()) {
            let text = format!(
                "{}: cannot write the scenario; name a file in a folder that is there",
                path.display()
            );
            return Err(Failure { exit: Exit::Io, text });
        }
        let failing = explicit::<W, N>(self.scenario, self.document).map_err(Failure::bad_scenario)?;
        let shrunk = Shrunk::of::<W, N>(failing, self.args.budget, self.args.jobs)?;
        print(self.out, &shrunk.told(&path))?;
        shrunk.write(&path)?;
        Ok(0)
    }
}

/// Where a smaller scenario goes: beside the file, or into this folder for one that comes with the program.
fn beside(scenario: &str) -> PathBuf {
    Path::new(scenario).with_extension("small.json")
}

/// A smaller scenario that fails for the same reason.
#[derive(Debug)]
pub(super) struct Shrunk {
    before: (Scenario, Summary),
    after: (Scenario, Summary),
    reason: String,
    end: End,
    tried: u64,
    /// What happens in the smallest, for the terminal.
    story: String,
}

impl Shrunk {
    /// The smallest scenario found, run twice more from the text that is written.
    pub(super) fn of<W, N>(failing: Scenario, budget: Span, jobs: Option<usize>) -> Result<Shrunk, Failure>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let (reason, before) = Reason::of::<W, N>(&failing).ok_or_else(|| passes(&failing))?;
        let fails = |candidate: &Scenario| reason.holds::<W, N>(candidate);
        let mut watch = Watch::begin(budget);
        let mut shrinker = Shrinker::new(failing.clone());
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let goes_on = |smallest: &Scenario| watch.goes_on(smallest);
        let end = search(&mut shrinker, jobs.unwrap_or_else(cores), fails, goes_on);
        drop(watch);
        let reason = reason.fingerprint().to_owned();
        let smallest = named(shrinker.smallest(), &failing, &reason);
        let (smallest, after) = twice::<W, N>(smallest, &reason)?;
        let tried = shrinker.decided();
        let values: Vec<Value> = after.problems.iter().filter_map(|problem| problem.value.clone()).collect();
        let story = lanes::<W, N>(&smallest, &values);
        Ok(Shrunk { before: (failing, before), after: (smallest, after), reason, end, tried, story })
    }

    /// Writes the scenario.
    pub(super) fn write(&self, path: &Path) -> Result<(), Failure> {
        std::fs::write(path, self.after.0.concise())
            .map_err(|error| Failure::io(&format!("{}: cannot write the scenario", path.display()), &error))
    }

    /// What became of it, for people.
    pub(super) fn told(&self, path: &Path) -> String {
        let size = |(scenario, summary): &(Scenario, Summary)| {
            let operations = scenario.operations.as_ref().map_or(0, Vec::len);
            [
                ("faults", scenario.faults.len().to_string()),
                ("operations", operations.to_string()),
                ("nodes", scenario.members().present().to_string()),
                ("virtual time", format!("{:.3} s", summary.ended.as_nanos() as f64 / 1e9)),
                ("events", summary.counters.events.to_string()),
            ]
        };
        let mut told = format!("{}\n\n", printable(&self.reason));
        let mut row = |label: &str, row: &str| told.push_str(&format!("{label:<15} {}\n", printable(row)));
        for ((what, before), (_, after)) in size(&self.before).iter().zip(size(&self.after)) {
            row(what, &format!("{before} -> {after}"));
        }
        let tried = self.tried;
        match self.end {
            End::FixedPoint => {
                row("search", &format!("{tried} tried; nothing smaller fails for the same reason"))
            }
            End::Stopped => row(
                "search",
                &format!(
                    "{tried} tried, then the budget was used up; more may be found with a longer --budget"
                ),
            ),
        }
        told.push('\n');
        for problem in &self.after.1.problems {
            told.push_str(&format!("  - {}\n", printable(&problem.text)));
        }
        told.push_str(&format!("\n{}", self.story));
        let path = path.display().to_string();
        told.push_str(&format!("\n{:<15} {}\n", "digest", self.after.1.digest));
        told.push_str(&format!("{:<15} {path}\n", "written"));
        told.push_str(&format!("{:<15} {} run {}\n", "replay", program(), shell_word(&path)));
        told
    }
}

fn passes(scenario: &Scenario) -> Failure {
    let Scenario { name, seed, .. } = scenario;
    Failure::usage(format!(
        "{name} with seed {seed} does not fail, so there is nothing to shrink; a seed that fails is found by \
         `{} test ... --seeds 0..1000`, which keeps the first one in failures/",
        program()
    ))
}

/// The scenario with what it came to: where it is from, why it fails, what its run must show.
fn named(smallest: &Scenario, failing: &Scenario, reason: &str) -> Scenario {
    let bounds = failing.expect.bounds.clone().into_iter();
    let bounds = bounds.filter(|(name, _)| reason == format!("bound: {name}")).collect();
    Scenario {
        about: format!(
            "The smallest found that fails like {} with seed {}: {reason}.",
            failing.name, failing.seed
        ),
        expect: Expect { verdict: None, bounds, digest: None },
        ..smallest.clone()
    }
}

/// Runs the scenario twice from its text and pins what both came to.
fn twice<W, N>(smallest: Scenario, reason: &str) -> Result<(Scenario, Summary), Failure>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let text = smallest.concise();
    let once = || {
        let internal = |misfit| Failure::internal(format!("a smaller scenario cannot be read: {misfit}"));
        let document = Document::parse("the smaller scenario", &text).map_err(internal)?;
        let scenario = Scenario::read(&document).map_err(internal)?;
        let summary = run::<W, N, ()>(&scenario, &document, &mut ()).map_err(internal)?;
        Ok::<_, Failure>((summary.fingerprint(&scenario), summary))
    };
    let ((one_reason, one), (other_reason, other)) = (once()?, once()?);
    if one.digest != other.digest || one_reason != other_reason || one_reason.as_deref() != Some(reason) {
        let text = format!(
            "the smaller scenario does not run the same twice ({} and {}); is the node deterministic? try \
             `run --check-determinism`",
            one.digest, other.digest
        );
        return Err(Failure { exit: Exit::Internal, text });
    }
    let verdict = (one.verdict != Verdict::Pass).then_some(one.verdict);
    let digest = Some(one.digest.to_string());
    let expect = Expect { verdict, digest, ..smallest.expect.clone() };
    Ok((Scenario { expect, ..smallest }, one))
}

/// Looks at the clock, and tells on a terminal how small it has got.
struct Watch {
    began: Instant,
    budget: Duration,
    shown: bool,
}

impl Watch {
    fn begin(budget: Span) -> Watch {
        let budget = Duration::from_nanos(budget.as_nanos());
        Watch { began: now(), budget, shown: std::io::stderr().is_terminal() }
    }

    fn goes_on(&mut self, smallest: &Scenario) -> bool {
        let passed = now() - self.began;
        if self.shown {
            let operations = smallest.operations.as_ref().map_or(0, Vec::len);
            // Nobody can be told that stderr is gone.
            _ = write!(
                std::io::stderr(),
                "\r\x1b[K{} faults, {operations} operations, {} nodes; {} of {} s",
                smallest.faults.len(),
                smallest.members().present(),
                passed.as_secs(),
                self.budget.as_secs()
            );
        }
        passed < self.budget
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.shown {
            _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long to search is real time; no run sees it")]
fn now() -> Instant {
    Instant::now()
}
