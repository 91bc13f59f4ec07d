//! `test --bin`: the same test with real processes as nodes, in real time.

use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::interrupt::Interrupt;
use super::{Done, Failure, print, tracing};
use crate::process::{Ended, Foreign, Logs, Program, run};
use crate::report::{Overridden, Paint, Report};
use crate::scenario::document::Document;
use crate::scenario::{Choice, Scenario};
use crate::sim::fault::{FaultKind, NemesisKind};
use crate::time::Span;
use crate::workload::Workload;

/// The program to be run in place of a protocol.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Bin {
    /// Run this program as every node, in real time, in place of a protocol; its arguments follow after --.
    #[arg(long, value_name = "PROGRAM", conflicts_with_all = ["protocol", "seeds", "save", "shrink"])]
    bin: Option<PathBuf>,
    /// Print what the nodes write to stderr, each line with its node's name.
    #[arg(long, conflicts_with = "out")]
    log_stderr: bool,
    /// Keep what the nodes write to stderr in this folder, as n0.log and so on.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// What a node acknowledged no longer than this before it was killed is forgiven, in seconds: nobody can say
    /// who else had it by then. 1 unless given.
    #[arg(long, value_name = "SECONDS", value_parser = super::test::length, allow_hyphen_values = true)]
    grace: Option<f64>,
    /// The program's arguments.
    #[arg(last = true, value_name = "ARGUMENTS")]
    args: Vec<String>,
}

/// How long a killed node's acknowledgements are forgiven unless it is said, in seconds.
const GRACE: f64 = 1.0;

impl Bin {
    /// What is to be run, if a program is.
    pub(super) fn program(&self) -> Result<Option<Program>, Failure> {
        let Some(path) = &self.bin else { return self.nothing_else() };
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

    /// No program, and nothing that is only for one.
    fn nothing_else(&self) -> Result<Option<Program>, Failure> {
        let given = [
            ("--log-stderr", self.log_stderr),
            ("--out", self.out.is_some()),
            ("--grace", self.grace.is_some()),
            ("arguments after --", !self.args.is_empty()),
        ];
        match given.iter().find(|(_, given)| *given) {
            Some((name, _)) => {
                Err(Failure::usage(format!("{name}: only for real processes; name one with --bin")))
            }
            None => Ok(None),
        }
    }

    fn grace(&self) -> Span {
        Span::from_nanos((self.grace.unwrap_or(GRACE) * 1e9) as u64)
    }
}

/// A test with a program as its nodes.
pub(super) struct Real<'a> {
    pub(super) bin: &'a Bin,
    pub(super) program: Program,
    pub(super) scenario: &'a Scenario,
    pub(super) document: &'a Document,
    /// The command that does it again.
    pub(super) replay: &'a str,
    pub(super) trace: Option<&'a Path>,
    pub(super) shown: Shown,
}

impl Real<'_> {
    /// Runs it in real time, and judges it.
    pub(super) fn test<W: Workload>(self, out: &mut impl Write) -> Done {
        let Real { bin, program, scenario, document, replay, trace, shown } = self;
        let skews = scenario.nemesis.as_ref().is_some_and(|it| it.kinds.contains(&NemesisKind::Skew))
            || scenario.faults.iter().any(|it| matches!(it.fault, FaultKind::Skew(_)));
        if skews {
            return Err(Failure::usage("the clocks of real processes cannot be skewed; leave skew out"));
        }
        let setup = scenario.setup::<W, Foreign<W>>(document).map_err(Failure::bad_scenario)?;
        let scenario = &named_after(&program, scenario);
        let mut tracer = tracing::begin(trace, scenario)?;
        let interrupt = Interrupt::never_at_once()?;
        let ran = run::<W, _>(setup, &program, interrupt.flag(), &mut tracer)
            .map_err(|error| cannot_start(&program, &error))?;
        tracing::end(tracer, trace)?;
        let Ended { seen, problems, interrupted } = ran;
        if interrupted {
            // Of half a run nothing can be said: the final reads are missing.
            let text = format!("interrupted after {}; all nodes were ended", seen.ended);
            return Err(Failure::interrupted(text));
        }
        let summary = seen.judged(problems, bin.grace());
        let report = Report::new(scenario, &summary, Overridden::Yes, replay);
        match shown {
            Shown::Json => print(out, &(report.json(None) + "\n"))?,
            Shown::Text(paint) => print(out, &report.text_with_map(paint))?,
        }
        Ok(report.exit_code())
    }
}

/// What runs is the program, whatever protocol could have served.
fn named_after(program: &Program, scenario: &Scenario) -> Scenario {
    let name = program.path.file_name().unwrap_or(program.path.as_os_str()).to_string_lossy().into_owned();
    let protocol = Choice { name: name.clone(), ..scenario.protocol.clone() };
    Scenario { name: format!("{}-{name}", scenario.workload.name), protocol, ..scenario.clone() }
}

fn cannot_start(program: &Program, error: &io::Error) -> Failure {
    /// What the system says of a file that is no program of its kind.
    const NOT_EXECUTABLE: Option<i32> = Some(8);
    let path = &program.path;
    let hint = match error.kind() {
        ErrorKind::NotFound if path.components().count() == 1 && path.exists() => {
            format!("; for the file of that name in this folder write --bin ./{}", path.display())
        }
        ErrorKind::NotFound if path.exists() => {
            "; what its first line names after #! is not there".to_owned()
        }
        ErrorKind::NotFound => "; there is no such program".to_owned(),
        ErrorKind::PermissionDenied => "; make it executable, with chmod +x say".to_owned(),
        _ if error.raw_os_error() == NOT_EXECUTABLE => {
            "; it is no program of this machine, and a script begins with #! and its interpreter".to_owned()
        }
        _ => String::new(),
    };
    Failure::io(&format!("--bin {}: cannot be started{hint}", path.display()), error)
}

/// How the result is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    Json,
    Text(Paint),
}
