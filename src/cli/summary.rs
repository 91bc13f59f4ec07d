//! The end of a sweep, run or merged: its summary printed and exported, its first failing scenario kept.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::load::{self, Loaded, Overrides};
use super::{Done, Exit, Failure, keep, print, shell_word};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::scenario::Scenario;
use crate::scenario::document::Document;
use crate::sweep::folder::FolderError;
use crate::sweep::manifest::Manifest;
use crate::sweep::report::{Kept, Report};
use crate::sweep::survey::{First, Survey};
use crate::sweep::vary::Point;
use crate::workload::Workload;

/// Where the summary goes, and what a failure exits with.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Exports {
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Write the summary to FILE, as JSON.
    #[arg(long, value_name = "FILE")]
    export_json: Option<PathBuf>,
    /// Write a row for each varied value to FILE, as CSV; lengths of time in nanoseconds.
    #[arg(long, value_name = "FILE")]
    export_csv: Option<PathBuf>,
    /// Write a row for each varied value to FILE, as Markdown.
    #[arg(long, value_name = "FILE")]
    export_markdown: Option<PathBuf>,
    /// Exit with CODE in place of 1 if a run failed, so that to a scheduler a shard that found a failure is not broken.
    #[arg(long, value_name = "CODE", default_value_t = 1)]
    fail_exit: u8,
}

/// What a sweep was of.
pub(super) struct Swept<'a> {
    /// The scenario with what `--set` changed, and nothing varied.
    pub(super) base: &'a Loaded,
    pub(super) manifest: &'a Manifest,
    pub(super) points: &'a [Point],
    pub(super) survey: &'a Survey,
}

/// The scenario at a point of the grid; errors speak of `--vary`.
pub(super) fn at(registry: &impl Registry, document: &Document, point: &Point) -> Result<Loaded, Failure> {
    let overrides = Overrides { seed: None, set: point.assignments() };
    load::typed(registry, "the sweep", document.clone(), &overrides).map_err(|failure| varied(failure, point))
}

/// The same error, of what `--vary` was told.
pub(super) fn varied(mut failure: Failure, point: &Point) -> Failure {
    for assignment in point.assignments() {
        failure.text = failure.text.replace(&format!("--set {assignment}"), &format!("--vary {assignment}"));
    }
    failure
}

/// How a folder's error exits.
pub(super) fn folder(error: FolderError) -> Failure {
    let exit = match &error {
        FolderError::Differs { .. } | FolderError::Unnamed(_) => Exit::Usage,
        FolderError::Io { .. }
        | FolderError::Busy(_)
        | FolderError::Manifest(_)
        | FolderError::Grid(..)
        | FolderError::Damaged { .. } => Exit::Io,
    };
    Failure { exit, text: error.to_string() }
}

/// Prints and exports what a sweep came to, and keeps its first failing scenario.
pub(super) fn tell(
    registry: &impl Registry,
    exports: &Exports,
    swept: &Swept<'_>,
    out: &mut impl Write,
) -> Done {
    let Swept { base, manifest, points, survey } = swept;
    let kept = survey.first.as_ref().map(|first| match kept(registry, swept, first) {
        Ok(path) => {
            let path = path.display().to_string();
            let replay = format!("{} run {}", load::program(), shell_word(&path));
            Kept::Saved { path, replay }
        }
        Err(failure) => Kept::Unsaved { why: failure.text },
    });
    let report = Report { scenario: &base.scenario, manifest, points, survey, kept };
    print(out, &if exports.json { report.json() } else { report.text() })?;
    export(exports.export_json.as_deref(), "--export-json", || report.json())?;
    export(exports.export_csv.as_deref(), "--export-csv", || report.csv())?;
    export(exports.export_markdown.as_deref(), "--export-markdown", || report.markdown())?;
    Ok(if survey.failures() == 0 { 0 } else { exports.fail_exit })
}

fn export(path: Option<&Path>, option: &str, text: impl FnOnce() -> String) -> Result<(), Failure> {
    let Some(path) = path else { return Ok(()) };
    let what = format!("{}: cannot be written; choose another {option} FILE", path.display());
    std::fs::write(path, text()).map_err(|error| Failure::io(&what, &error))
}

/// Writes the first failing scenario with everything drawn, and the digest that it must have.
fn kept(registry: &impl Registry, swept: &Swept<'_>, first: &First) -> Result<PathBuf, Failure> {
    let loaded = at(registry, &swept.base.document, &swept.points[first.point])?;
    let mut scenario = Scenario { seed: first.seed, ..loaded.scenario.clone() };
    scenario.expect.digest = Some(first.digest.clone());
    let protocol = scenario.protocol.name.clone();
    let keep = Keep { scenario, document: &loaded.document };
    registry.with(&protocol, keep).unwrap_or_else(|_| unreachable!("the protocol was looked up"))
}

struct Keep<'a> {
    scenario: Scenario,
    document: &'a Document,
}

impl Visitor for Keep<'_> {
    type Output = Result<PathBuf, Failure>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        keep::keep::<W, N>(&self.scenario, self.document)
    }
}
