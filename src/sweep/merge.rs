//! The parts of a sweep put together again: which belong together, and in what order.
//!
//! What is missing, twice there or of another sweep is refused by name. The lines are those of the parts, unchanged.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::folder::{self, Folder, FolderError, Found, Lines};
use super::manifest::{Manifest, told};
use super::record::Record;
use super::shard::Shard;
use super::vary::Point;

/// Why parts do not make a whole.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// A folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Not a folder of runs.
    #[error("{0}: there is no {MANIFEST} here; name folders that `sweep --out` wrote", MANIFEST = folder::MANIFEST)]
    NoSweep(String),
    /// Parts of different sweeps.
    #[error(
        "{one} and {other} are not parts of the same sweep\n  {differences}\n  \
         (there: {one}, here: {other}); merge those of one sweep",
        differences = .differences.join("\n  ")
    )]
    Foreign {
        /// A folder.
        one: String,
        /// Another.
        other: String,
        /// What is not the same.
        differences: Vec<String>,
    },
    /// Seeds that two parts hold.
    #[error("{one} and {other} both hold the seeds {seeds}; leave one of them out")]
    Overlap {
        /// A folder.
        one: String,
        /// Another.
        other: String,
        /// What both hold.
        seeds: String,
    },
    /// Runs that no part holds.
    #[error(
        "not all runs are there\n  {missing}\n  {todo}",
        missing = .missing.join("\n  ")
    )]
    Missing {
        /// Which, a line each.
        missing: Vec<String>,
        /// What to do.
        todo: String,
    },
}

/// A part of a sweep.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    manifest: Manifest,
    state: State,
}

/// Whether a part is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Complete,
    Begun,
}

impl Part {
    fn name(&self) -> String {
        self.path.display().to_string()
    }
}

/// Reads what folders say of themselves, in the order of their seeds, and what they are together.
///
/// # Errors
/// If they do not make a whole.
pub fn whole(folders: &[PathBuf]) -> Result<(Manifest, Vec<Part>), MergeError> {
    let mut parts = folders.iter().map(|path| part(path)).collect::<Result<Vec<Part>, MergeError>>()?;
    parts.sort_by_key(|part| (part.manifest.share().start, part.manifest.share().end));
    let first = parts.first().expect("there is a folder at least");
    for other in &parts[1..] {
        let differences = first.manifest.differences_of_the_whole(&other.manifest);
        if !differences.is_empty() {
            return Err(MergeError::Foreign { one: first.name(), other: other.name(), differences });
        }
    }
    for pair in parts.windows(2) {
        let (one, other) = (pair[0].manifest.share(), pair[1].manifest.share());
        if other.start < one.end {
            let seeds = told(&(other.start..one.end.min(other.end)));
            return Err(MergeError::Overlap { one: pair[0].name(), other: pair[1].name(), seeds });
        }
    }
    let unfinished = unfinished(&first.manifest.seeds, &parts);
    if !unfinished.is_empty() {
        return Err(MergeError::Missing { missing: unfinished, todo: todo(&parts) });
    }
    Ok((Manifest { shard: None, ..first.manifest.clone() }, parts))
}

/// What lies between neighbours that are in order.
fn gaps(seeds: &Range<u64>, shares: impl Iterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let (mut gaps, mut expected) = (Vec::new(), seeds.start);
    for share in shares {
        gaps.push(expected..share.start);
        expected = share.end;
    }
    gaps.push(expected..seeds.end);
    gaps.retain(|gap| !gap.is_empty());
    gaps
}

fn part(path: &Path) -> Result<Part, MergeError> {
    let name = || path.display().to_string();
    let manifest = folder::manifest(path)?.ok_or_else(|| MergeError::NoSweep(name()))?;
    let state = if path.join(folder::RUNS).exists() { State::Complete } else { State::Begun };
    Ok(Part { path: path.to_owned(), manifest, state })
}

/// What is missing, a line each.
fn unfinished(seeds: &Range<u64>, parts: &[Part]) -> Vec<String> {
    let begun = parts.iter().filter(|part| part.state == State::Begun);
    let begun = begun.map(|part| format!("{} is not complete", part.name()));
    let gaps = gaps(seeds, parts.iter().map(|part| part.manifest.share()));
    begun
        .chain(gaps.iter().map(|gap| format!("the seeds {} are in none of the folders", told(gap))))
        .collect()
}

/// What to run, by the shards' numbers if all are of as many.
fn todo(parts: &[Part]) -> String {
    let shard = |part: &Part| part.manifest.shard;
    let Some(count) = parts.iter().find_map(shard).map(Shard::count) else {
        return "give the command that began it again, and it goes on".to_owned();
    };
    if parts.iter().any(|part| shard(part).is_none_or(|shard| shard.count() != count)) {
        return "name the folders that hold them too, or run them first".to_owned();
    }
    let done = |it: Shard| parts.iter().any(|part| part.state == State::Complete && shard(part) == Some(it));
    let missing = Shard::all(count).filter(|shard| !done(*shard)).map(|shard| shard.number().to_string());
    let missing: Vec<String> = missing.collect();
    format!(
        "give the commands of these shards of {count} again, and those begun go on (in Slurm: --array={0}): {0}",
        missing.join(",")
    )
}

/// Writes the runs of all parts to a folder, and shows them, each with the number of its point.
///
/// # Errors
/// If a part's run is missing or another stands in its place, or the folder cannot be used.
pub fn merge(
    whole: &Manifest,
    parts: &[Part],
    points: &[Point],
    to: &Path,
    mut see: impl FnMut(usize, &Record),
) -> Result<(), FolderError> {
    let Found::Open(mut folder) = Folder::open(to, whole, points, &mut see)? else { return Ok(()) };
    let there = folder.runs;
    let open = |part: &Part| Ok((part.manifest.share(), Lines::open(&part.path.join(folder::RUNS))?));
    let mut sources = parts.iter().map(open).collect::<Result<Vec<_>, FolderError>>()?;
    let mut number = 0;
    for (at, point) in points.iter().enumerate() {
        for (seeds, lines) in &mut sources {
            for seed in seeds.clone() {
                let record = lines.expect(seed, point)?;
                number += 1;
                if number > there {
                    folder.append(&record)?;
                    see(at, &record);
                }
            }
        }
    }
    sources.into_iter().try_for_each(|(_, lines)| lines.end())?;
    folder.finish()
}
