//! `test --bin`: the same test with real processes as nodes, in real time.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::{Done, Exit, Failure, print};
use crate::process::{Ended, Foreign, Logs, Program, run};
use crate::report::{Overridden, Paint, Report};
use crate::scenario::document::Document;
use crate::scenario::{Choice, Scenario};
use crate::sim::fault::{FaultKind, NemesisKind};
use crate::workload::Workload;

/// The program to be run in place of a protocol.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Bin {
    /// Run this program as every node, in real time, in place of a protocol; its arguments follow after --.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["protocol", "seeds", "save", "shrink"])]
    bin: Option<PathBuf>,
    /// Print what the nodes write to stderr, each line with its node's name.
    #[arg(long, requires = "bin", conflicts_with = "out")]
    log_stderr: bool,
    /// Keep what the nodes write to stderr in this folder, as n0.log and so on.
    #[arg(long, value_name = "FOLDER", requires = "bin")]
    out: Option<PathBuf>,
    /// The program's arguments.
    #[arg(last = true, requires = "bin", value_name = "ARGUMENTS")]
    args: Vec<String>,
}

impl Bin {
    /// What is to be run, if a program is.
    pub(super) fn program(&self) -> Result<Option<Program>, Failure> {
        let Some(path) = &self.bin else { return Ok(None) };
        let logs = match &self.out {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|error| Failure::io(&format!("--out {}", folder.display()), &error))?;
                Logs::Folder(folder.clone())
            }
            None if self.log_stderr => Logs::Stderr,
            None => Logs::Nowhere,
        };
        Ok(Some(Program { path: path.clone(), args: self.args.clone(), logs }))
    }
}

/// Runs a scenario with a program as its nodes, and judges it.
pub(super) fn test<W: Workload>(
    program: &Program,
    scenario: &Scenario,
    document: &Document,
    replay: &str,
    shown: Shown,
    out: &mut impl Write,
) -> Done {
    let skews = scenario.nemesis.as_ref().is_some_and(|it| it.kinds.contains(&NemesisKind::Skew))
        || scenario.faults.iter().any(|it| matches!(it.fault, FaultKind::Skew(_)));
    if skews {
        return Err(Failure::usage("the clocks of real processes cannot be skewed; leave skew out"));
    }
    let setup = scenario.setup::<W, Foreign<W>>(document).map_err(Failure::bad_scenario)?;
    let interrupt = interruptible()?;
    let cannot_start = |error| {
        let path = program.path.display();
        Failure::io(
            &format!("--bin {path}: cannot be started; name a program, with ./ if it is a file here"),
            &error,
        )
    };
    let ran = run::<W, ()>(setup, program, &interrupt, &mut ()).map_err(cannot_start)?;
    let Ended { seen, problems, interrupted } = ran;
    if interrupted {
        // Of half a run nothing can be said: the final reads are missing.
        let text = format!("interrupted after {}; all nodes were ended", seen.ended);
        return Err(Failure { exit: Exit::Interrupted, text });
    }
    let summary = seen.judged(problems);
    // What ran is the program, whatever protocol could have served.
    let name = program.path.file_name().unwrap_or(program.path.as_os_str()).to_string_lossy().into_owned();
    let protocol = Choice { name: name.clone(), ..scenario.protocol.clone() };
    let name = format!("{}-{name}", scenario.workload.name);
    let scenario = &Scenario { name, protocol, ..scenario.clone() };
    let report = Report::new(scenario, &summary, Overridden::Yes, replay);
    match shown {
        Shown::Json => print(out, &(report.json(None) + "\n"))?,
        Shown::Text(paint) => print(out, &report.text_with_map(paint))?,
    }
    Ok(report.exit_code())
}

/// How the result is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    Json,
    Text(Paint),
}

/// Set by Ctrl-C, so that no process outlives the run.
fn interruptible() -> Result<Arc<AtomicBool>, Failure> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register(signal, Arc::clone(&flag))
            .map_err(|error| Failure::io("signals cannot be caught", &error))?;
    }
    Ok(flag)
}
