//! `replay`: a run as a transcript for people; or where its trace differs first from one that was kept.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::difference::{Folder, first_difference, first_line};
use super::load::{Loaded, Overrides, load};
use super::run::traced;
use super::{Done, Failure, print};
use crate::id::NodeId;
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::report::{Paint, Report};
use crate::run::transcript::{Transcript, Window};
use crate::run::{QuietPanics, Summary, run};
use crate::time::Time;
use crate::trace::FORMAT;
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, or the name of a scenario that comes with the program.
    #[arg(value_name = "FILE")]
    scenario: String,
    #[command(flatten)]
    overrides: Overrides,
    /// Only events from this instant on, "5.01s" say.
    #[arg(long, value_name = "T")]
    from: Option<Time>,
    /// Only events up to this instant, "5.2s" say; it belongs to them.
    #[arg(long, value_name = "T")]
    until: Option<Time>,
    /// Only events of this node, "n3" say: what it sends, gets, is asked and does. Ends of faults are always told.
    #[arg(long, value_name = "NODE")]
    node: Option<NodeId>,
    /// Compare with a trace that `run --trace` wrote, and show the first event that differs instead; 1 if any does.
    #[arg(long, value_name = "TRACE", conflicts_with_all = ["from", "until", "node"])]
    against: Option<PathBuf>,
}

pub(super) fn replay(registry: &impl Registry, args: &Args, paint: Paint, out: &mut impl Write) -> Done {
    let loaded = load(registry, &args.scenario, &args.overrides)?;
    let (summary, differs) = match &args.against {
        Some(trace) => against(registry, &loaded, trace, out)?,
        None => (told(registry, &loaded, args.window(&loaded)?, out)?, Differs::No),
    };
    let replay = loaded.replay();
    let report = Report::new(&loaded.scenario, &summary, loaded.overridden, &replay);
    print(out, &format!("\n{}", report.text_in_short(paint)))?;
    Ok(match differs {
        Differs::No => report.exit_code(),
        Differs::Yes => 1,
    })
}

/// Whether the run's trace differs from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Differs {
    Yes,
    No,
}

impl Args {
    fn window(&self, loaded: &Loaded) -> Result<Window, Failure> {
        let window = Window {
            from: self.from.unwrap_or(Window::ALL.from),
            until: self.until.unwrap_or(Window::ALL.until),
            node: self.node,
        };
        if window.from > window.until {
            let text = format!("--from {} is after --until {}", window.from, window.until);
            return Err(Failure::usage(text));
        }
        let scenario = &loaded.scenario;
        match self.node.filter(|node| !scenario.members().contains(*node)) {
            None => Ok(window),
            Some(node) => {
                let less = if scenario.absent.is_empty() { "" } else { ", less those absent" };
                let last = scenario.nodes - 1;
                Err(Failure::usage(format!(
                    "--node {node}: there is no {node}; the nodes are n0 to n{last}{less}"
                )))
            }
        }
    }
}

/// Runs the scenario and tells what happens in the window.
fn told(
    registry: &impl Registry,
    loaded: &Loaded,
    window: Window,
    out: &mut impl Write,
) -> Result<Summary, Failure> {
    let work = Told { loaded, window, out };
    let quiet = QuietPanics::begin();
    let done = registry.with(&loaded.scenario.protocol.name, work);
    drop(quiet);
    done.unwrap_or_else(|_| unreachable!("the protocol was looked up when the scenario was loaded"))
}

struct Told<'a, O: Write> {
    loaded: &'a Loaded,
    window: Window,
    out: &'a mut O,
}

impl<O: Write> Visitor for Told<'_, O> {
    type Output = Result<Summary, Failure>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let Loaded { scenario, document, .. } = self.loaded;
        let faults = scenario.setup::<W, N>(document).map_err(Failure::bad_scenario)?.faults;
        let buffer = BufWriter::with_capacity(1 << 16, &mut *self.out);
        let mut transcript = Transcript::new(buffer, self.window, &faults);
        let summary = run::<W, N, _>(scenario, document, &mut transcript).map_err(Failure::bad_scenario)?;
        let (told, events) = transcript.finish().map_err(|error| Failure::stdout(&error))?;
        if self.window != Window::ALL {
            print(self.out, &format!("\n{told} of {events} events\n"))?;
        }
        Ok(summary)
    }
}

/// Runs the scenario and compares its trace with one that was kept.
fn against(
    registry: &impl Registry,
    loaded: &Loaded,
    trace: &Path,
    out: &mut impl Write,
) -> Result<(Summary, Differs), Failure> {
    let version = check_header(loaded, trace)?;
    let folder = Folder::new()?;
    let ours = folder.file("ours");
    let summary = traced(registry, loaded, Some(&ours))?;
    let Some(difference) = first_difference([("theirs", trace), ("ours", &ours)])? else {
        print(out, &format!("{}: every event the same\n", trace.display()))?;
        return Ok((summary, Differs::No));
    };
    let writer = match version == env!("CARGO_PKG_VERSION") {
        true => String::new(),
        false => format!(" (theirs is of version {version})"),
    };
    print(out, &format!("{}: event {} differs{writer}\n{difference}", trace.display(), difference.number))?;
    Ok((summary, Differs::Yes))
}

/// The first line of a trace, as far as it must be ours.
#[derive(Deserialize)]
struct Theirs {
    version: String,
    scenario: String,
    seed: u64,
    nodes: u32,
    protocol: String,
}

#[derive(Deserialize)]
struct Format {
    trace: u32,
}

/// Whether the trace is of this run; the version of the program that wrote it.
fn check_header(loaded: &Loaded, trace: &Path) -> Result<String, Failure> {
    let path = trace.display();
    let line = first_line(trace)?;
    let no_trace = |_| {
        let text = format!("{path}: this is no trace; `run {} --trace FILE` writes one", loaded.arguments[0]);
        Failure::bad_scenario(text)
    };
    let Format { trace: format } = serde_json::from_str(&line).map_err(no_trace)?;
    if format != FORMAT {
        let text = format!("{path}: a trace of format {format}, and this program reads format {FORMAT}");
        return Err(Failure::bad_scenario(text));
    }
    let theirs: Theirs = serde_json::from_str(&line).map_err(no_trace)?;
    let ours = &loaded.scenario;
    let other = |what: &str, theirs: &str, ours: &str| {
        Err(Failure::usage(format!("{path}: the trace is of {what} {theirs}, and this run of {ours}")))
    };
    if theirs.scenario != ours.name {
        return other("the scenario", &theirs.scenario, &ours.name);
    }
    if theirs.protocol != ours.protocol.name {
        return other("the protocol", &theirs.protocol, &ours.protocol.name);
    }
    if theirs.nodes != ours.nodes {
        return other("a cluster of", &theirs.nodes.to_string(), &ours.nodes.to_string());
    }
    if theirs.seed != ours.seed {
        return Err(Failure::usage(format!(
            "{path}: the trace is of seed {}, and this run of {}; give --seed {0}",
            theirs.seed, ours.seed
        )));
    }
    Ok(theirs.version)
}
