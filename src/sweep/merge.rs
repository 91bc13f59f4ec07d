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
    /// Some of a part's runs are missing.
    #[error("{0}: this part is not complete; give the command that began it again, and it goes on")]
    Incomplete(String),
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
    /// Seeds that no part holds.
    #[error("the seeds {seeds} are missing{shards}: name the folders that hold them too, or run them first")]
    Missing {
        /// Which.
        seeds: String,
        /// Which shards these are, if that can be said.
        shards: String,
    },
}

/// A part of a sweep.
#[derive(Debug)]
pub struct Part {
    path: PathBuf,
    manifest: Manifest,
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
    let shares = parts.iter().map(|part| part.manifest.share());
    let missing = gaps(&first.manifest.seeds, shares);
    if !missing.is_empty() {
        let shards = missing_shards(&parts);
        return Err(MergeError::Missing {
            seeds: missing.iter().map(told).collect::<Vec<_>>().join(", "),
            shards,
        });
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
    if !path.join(folder::RUNS).exists() {
        return Err(MergeError::Incomplete(name()));
    }
    Ok(Part { path: path.to_owned(), manifest })
}

/// The missing shards by their numbers, if all parts are of as many.
fn missing_shards(parts: &[Part]) -> String {
    let shards: Vec<Shard> = parts.iter().filter_map(|part| part.manifest.shard).collect();
    let Some(count) = shards.first().map(|shard| shard.count()) else { return String::new() };
    if shards.len() < parts.len() || shards.iter().any(|shard| shard.count() != count) {
        return String::new();
    }
    let missing = Shard::all(count).filter(|shard| !shards.contains(shard));
    let missing: Vec<String> = missing.take(20).map(|shard| shard.to_string()).collect();
    format!(" (shard {})", missing.join(", "))
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
