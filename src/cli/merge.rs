//! `merge`: the shards of a sweep put together, and what they come to.

use std::io::Write;
use std::path::PathBuf;

use super::load::{Overrides, typed};
use super::summary::{self, Exports, Swept};
use super::{Done, Exit, Failure};
use crate::protocol::Registry;
use crate::scenario::document::Document;
use crate::sweep::folder::{FolderError, MANIFEST};
use crate::sweep::merge::{MergeError, merge as merge_parts, whole};
use crate::sweep::survey::Survey;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The folders of all shards, in any order.
    #[arg(value_name = "DIR", required = true)]
    parts: Vec<PathBuf>,
    /// The folder for the whole.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    exports: Exports,
}

pub(super) fn merge(registry: &impl Registry, args: &Args, out: &mut impl Write) -> Done {
    let (manifest, parts) = whole(&args.parts).map_err(refused)?;
    let name = args.parts[0].join(MANIFEST).display().to_string();
    let points = manifest.points().map_err(|error| Failure::bad_scenario(format!("{name}: {error}")))?;
    let document = Document::parse(&name, &manifest.scenario.0).map_err(Failure::bad_scenario)?;
    let base = typed(registry, &name, document, &Overrides { seed: None, set: Vec::new() })?;
    let mut survey = Survey::new(points.len());
    let merged =
        merge_parts(&manifest, &parts, &points, &args.out, |point, record| survey.add(point, record));
    merged.map_err(summary::folder)?;
    let swept = Swept { base: &base, manifest: &manifest, points: &points, survey: &survey };
    summary::tell(registry, &args.exports, &swept, out)
}

fn refused(error: MergeError) -> Failure {
    match error {
        MergeError::Folder(error @ FolderError::Io { .. }) => summary::folder(error),
        other => Failure { exit: Exit::Usage, text: other.to_string() },
    }
}
