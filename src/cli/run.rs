//! `run`: a scenario, judged; with a trace if asked; twice more if its determinism is to be checked.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::difference::{Folder, first_difference};
use super::load::{Loaded, Overrides, load};
use super::tracing::{self, FileTracer};
use super::{Done, Failure, print};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::report::{Paint, Report};
use crate::run::{QuietPanics, Summary, run as run_scenario};
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, or the name of a scenario that comes with the program.
    #[arg(value_name = "SCENARIO")]
    scenario: String,
    #[command(flatten)]
    overrides: Overrides,
    /// Write everything that happens to FILE, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    trace: Option<PathBuf>,
    /// Run again, here and in a fresh process, and compare every event; 3 if any differs.
    #[arg(long)]
    check_determinism: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// The exit code of a run that is not the same twice.
const NOT_DETERMINISTIC: u8 = 3;

pub(super) fn run(registry: &impl Registry, args: &Args, paint: Paint, out: &mut impl Write) -> Done {
    let loaded = load(registry, &args.scenario, &args.overrides)?;
    let summary = traced(registry, &loaded, args.trace.as_deref())?;
    if args.check_determinism
        && let Some(difference) = twice_more(registry, args, &loaded)?
    {
        match args.json {
            true => print(
                out,
                &format!("{:#}\n", serde_json::json!({ "deterministic": false, "difference": difference })),
            )?,
            false => print(out, &difference)?,
        }
        return Ok(NOT_DETERMINISTIC);
    }
    let replay = loaded.replay();
    let report = Report::new(&loaded.scenario, &summary, loaded.overridden, &replay);
    if args.json {
        print(out, &(report.json(args.check_determinism.then_some(true)) + "\n"))?;
    } else {
        print(out, &report.text(paint))?;
        if args.check_determinism {
            print(out, "determinism     three runs, one of them in a fresh process: every event the same\n")?;
        }
    }
    Ok(report.exit_code())
}

/// Runs a scenario, with a trace if there is a path for it.
pub(super) fn traced(
    registry: &impl Registry,
    loaded: &Loaded,
    path: Option<&Path>,
) -> Result<Summary, Failure> {
    let scenario_file = Path::new(&loaded.arguments[0]).canonicalize().ok();
    if let Some(path) = path
        && path.canonicalize().is_ok_and(|path| Some(path) == scenario_file)
    {
        let text = format!("{}: this is the scenario; choose another --trace FILE", path.display());
        return Err(Failure::usage(text));
    }
    let tracer = tracing::begin(path, &loaded.scenario)?;
    let work = Work { loaded, tracer };
    let quiet = QuietPanics::begin();
    let done = registry.with(&loaded.scenario.protocol.name, work);
    drop(quiet);
    let done =
        done.unwrap_or_else(|_| unreachable!("the protocol was looked up when the scenario was loaded"));
    let (summary, tracer) = done.map_err(Failure::bad_scenario)?;
    tracing::end(tracer, path)?;
    Ok(summary)
}

struct Work<'a> {
    loaded: &'a Loaded,
    tracer: Option<FileTracer>,
}

impl Visitor for Work<'_> {
    type Output = Result<(Summary, Option<FileTracer>), crate::scenario::document::Misfit>;

    fn visit<W, N>(mut self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let Loaded { scenario, document, .. } = self.loaded;
        let summary = run_scenario::<W, N, _>(scenario, document, &mut self.tracer)?;
        Ok((summary, self.tracer))
    }
}

/// Three traces of the same run: one, another in this process, one in a fresh process. The first difference, if any.
fn twice_more(registry: &impl Registry, args: &Args, loaded: &Loaded) -> Result<Option<String>, Failure> {
    let folder = Folder::new()?;
    let paths = ["first", "again", "fresh"].map(|name| folder.file(name));
    traced(registry, loaded, Some(&paths[0]))?;
    traced(registry, loaded, Some(&paths[1]))?;
    fresh(args, &paths[2])?;
    for (other, whose) in
        [(&paths[1], "a second run in the same process"), (&paths[2], "a run in a fresh process")]
    {
        if let Some(difference) = first_difference([("first run", &paths[0]), ("other run", other)])? {
            return Ok(Some(format!(
                "NOT DETERMINISTIC: event {} of {whose} differs\n{difference}\
                 A handler may know only its state, its input and its context: look for a static, a clock, a \
                 HashMap, an address.\n",
                difference.number
            )));
        }
    }
    Ok(None)
}

/// The same run in a fresh process of the same program.
fn fresh(args: &Args, trace: &Path) -> Result<(), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::io("this program", &error))?;
    let mut command = std::process::Command::new(&program);
    command.arg("run").arg(&args.scenario).arg("--trace").arg(trace);
    args.overrides.seed.iter().for_each(|seed| _ = command.arg("--seed").arg(seed.to_string()));
    args.overrides.set.iter().for_each(|assignment| _ = command.arg("--set").arg(assignment));
    let output = command.output().map_err(|error| Failure::io(&program.display().to_string(), &error))?;
    match output.status.code() {
        Some(0..=2) => Ok(()),
        code => {
            let said = String::from_utf8_lossy(&output.stderr);
            Err(Failure::internal(format!("the fresh process ended with {code:?}: {}", said.trim())))
        }
    }
}
