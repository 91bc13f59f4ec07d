//! A folder of runs: `manifest.json`, and `runs.jsonl` with a line for each run, in their order.
//!
//! While runs are missing the lines stand in `runs.jsonl.part`, which is renamed once it is complete. A line is written
//! as soon as its turn has come, and a line that was cut short is written again, so a process may be killed at any
//! instant: the next goes on where it was, to the same bytes. It knows no scenario: that is for whoever runs them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::record::Record;
use super::vary::{Point, VaryError};
use crate::scenario::document::Misfit;

/// The file that says what a folder holds.
pub const MANIFEST: &str = "manifest.json";
/// The runs.
pub const RUNS: &str = "runs.jsonl";
/// The runs while some are missing.
const PART: &str = "runs.jsonl.part";
/// The disk is made to keep what was written each time that so many bytes were: what a power cut may cost.
const SYNC: u64 = 1 << 20;

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system says no.
    #[error("{what}: {error}")]
    Io {
        /// What was tried, on what.
        what: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// The folder holds another sweep.
    #[error(
        "{path}: another sweep is kept here\n  {differences}\n  \
         give the options that it was begun with to go on with it, or choose another --out DIR",
        differences = .differences.join("\n  ")
    )]
    Differs {
        /// The folder.
        path: String,
        /// What is not the same, a line each.
        differences: Vec<String>,
    },
    /// Another process is at it.
    #[error("{0}: another process is writing here; wait for it, or choose another --out DIR")]
    Busy(String),
    /// There are runs, and nothing says whose.
    #[error("{0}: there are runs here but no {MANIFEST} that says of what; choose another --out DIR")]
    Unnamed(String),
    /// The manifest is none.
    #[error("{0}")]
    Manifest(#[from] Misfit),
    /// The manifest's values make no grid.
    #[error("{0}: {1}")]
    Grid(String, VaryError),
    /// A finished folder's line is not that of the run which should stand there.
    #[error(
        "{path}:{line}: this is not the run of {run}; the file was changed or damaged: remove it, and make it again"
    )]
    Damaged {
        /// The file.
        path: String,
        /// The line, from 1.
        line: u64,
        /// Which run should stand there.
        run: String,
    },
}

fn io(what: impl Into<String>) -> impl FnOnce(std::io::Error) -> FolderError {
    move |error| FolderError::Io { what: what.into(), error }
}

/// How a folder was found.
#[derive(Debug)]
pub enum Found {
    /// All runs are there.
    Complete,
    /// Some are missing, maybe all.
    Open(Folder),
}

/// A folder that runs are being added to; no other process may meanwhile.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    part: File,
    length: u64,
    unsynced: u64,
    /// How many runs it holds.
    pub runs: u64,
    /// How many bytes at the end were of no use, and were cut off.
    pub cut_off: u64,
}

/// Reads what a folder says of itself, if it says anything.
///
/// # Errors
/// If it cannot be read, or says something else.
pub fn manifest(folder: &Path) -> Result<Option<Manifest>, FolderError> {
    let path = folder.join(MANIFEST);
    let name = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Manifest::read(&name, &text)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(name)(error)),
    }
}

impl Folder {
    /// Opens a folder for a sweep, makes it if need be, and shows the runs that it holds, each with the number of its
    /// point.
    ///
    /// # Errors
    /// If it holds another sweep, another process is at it, or the system says no.
    pub fn open(
        path: &Path,
        here: &Manifest,
        points: &[Point],
        mut see: impl FnMut(usize, &Record),
    ) -> Result<Found, FolderError> {
        let name = path.display().to_string();
        let same = |there: Option<Manifest>| match there {
            Some(there) => match there.differences(here) {
                differences if differences.is_empty() => Ok(true),
                differences => Err(FolderError::Differs { path: name.clone(), differences }),
            },
            None => Ok(false),
        };
        if same(manifest(path)?)? && path.join(RUNS).exists() {
            read_all(path, here, points, see)?;
            return Ok(Found::Complete);
        }
        std::fs::create_dir_all(path).map_err(io(format!("{name}: cannot make this folder")))?;
        let part_name = path.join(PART);
        let told = part_name.display().to_string();
        let part = OpenOptions::new().append(true).read(true).create(true).open(&part_name);
        let part = part.map_err(io(format!("{told}: cannot write here; choose another --out DIR")))?;
        match part.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(FolderError::Busy(name)),
            // Where files cannot be locked it is for people to start it once.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        if !same(manifest(path)?)? {
            if path.join(RUNS).exists() || part.metadata().map_err(io(&*told))?.len() > 0 {
                return Err(FolderError::Unnamed(name));
            }
            replace(&path.join(MANIFEST), here.text().as_bytes())?;
        }
        let mut lines = Lines::open(&part_name)?;
        for (number, (point, seed)) in order(here, points).enumerate() {
            let Some(record) = lines.next(seed, &points[point])? else { break };
            debug_assert_eq!(lines.number, number as u64 + 1);
            see(point, &record);
        }
        let (length, runs) = (lines.bytes, lines.number);
        let cut_off = part.metadata().map_err(io(&*told))?.len() - length;
        part.set_len(length).map_err(io(told))?;
        Ok(Found::Open(Folder { path: path.to_owned(), part, length, unsynced: 0, runs, cut_off }))
    }

    /// Adds the run whose turn it is. If it cannot be written, what was there stays as it was.
    ///
    /// # Errors
    /// If the system says no.
    pub fn append(&mut self, record: &Record) -> Result<(), FolderError> {
        let bytes = record.line.as_bytes();
        let written = self.part.write_all(bytes).and_then(|()| {
            self.unsynced += bytes.len() as u64;
            if self.unsynced >= SYNC { self.sync() } else { Ok(()) }
        });
        if let Err(error) = written {
            // If not even this can be done, the next process does it.
            _ = self.part.set_len(self.length);
            let what = format!(
                "{}: cannot write the run of seed {} ({} runs are kept; make room, and give the same command \
                 again to go on)",
                self.path.join(PART).display(),
                record.seed,
                self.runs
            );
            return Err(io(what)(error));
        }
        self.length += bytes.len() as u64;
        self.runs += 1;
        Ok(())
    }

    /// Makes the disk keep what was written.
    ///
    /// # Errors
    /// If the system says no.
    pub fn sync(&mut self) -> std::io::Result<()> {
        self.unsynced = 0;
        self.part.sync_data()
    }

    /// All runs are there.
    ///
    /// # Errors
    /// If the system says no.
    pub fn finish(self) -> Result<(), FolderError> {
        let (part, runs) = (self.path.join(PART), self.path.join(RUNS));
        let renamed = self.part.sync_all().and_then(|()| std::fs::rename(&part, &runs));
        renamed.map_err(io(format!("{}: cannot be finished", part.display())))?;
        sync_folder(&self.path);
        Ok(())
    }
}

/// Which runs a folder holds, in their order: the number of the point, and the seed.
pub fn order(manifest: &Manifest, points: &[Point]) -> impl Iterator<Item = (usize, u64)> {
    let seeds = manifest.share();
    (0..points.len()).flat_map(move |point| seeds.clone().map(move |seed| (point, seed)))
}

/// Shows all runs of a finished folder.
///
/// # Errors
/// If one is missing or another stands in its place.
pub fn read_all(
    folder: &Path,
    manifest: &Manifest,
    points: &[Point],
    mut see: impl FnMut(usize, &Record),
) -> Result<(), FolderError> {
    let mut lines = Lines::open(&folder.join(RUNS))?;
    for (point, seed) in order(manifest, points) {
        see(point, &lines.expect(seed, &points[point])?);
    }
    lines.end()
}

/// A file replaced as a whole, or not at all.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), FolderError> {
    let new = path.with_extension("json.part");
    let write = || {
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)
    };
    write().map_err(io(format!("{}: cannot be written", path.display())))?;
    path.parent().into_iter().for_each(sync_folder);
    Ok(())
}

/// Makes the disk keep the names in a folder, where the system can.
fn sync_folder(path: &Path) {
    _ = File::open(path).and_then(|folder| folder.sync_all());
}

/// The lines of a file of runs, each held against the run that should stand there.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    /// How many were good.
    number: u64,
    /// How many bytes they have.
    bytes: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Lines, FolderError> {
        let file = File::open(path).map_err(io(path.display().to_string()))?;
        let reader = BufReader::with_capacity(1 << 16, file);
        Ok(Lines { path: path.to_owned(), reader, buffer: Vec::new(), number: 0, bytes: 0 })
    }

    /// The next run; `None` at the end, or if it is another.
    fn next(&mut self, seed: u64, point: &Point) -> Result<Option<Record>, FolderError> {
        self.buffer.clear();
        let read = self.reader.read_until(b'\n', &mut self.buffer);
        read.map_err(io(self.path.display().to_string()))?;
        let record = std::str::from_utf8(&self.buffer).ok().and_then(|line| Record::read(line, seed, point));
        if record.is_some() {
            self.number += 1;
            self.bytes += self.buffer.len() as u64;
        }
        Ok(record)
    }

    /// The next run, which must be there.
    pub(super) fn expect(&mut self, seed: u64, point: &Point) -> Result<Record, FolderError> {
        let set = point.to_string();
        let with = if set.is_empty() { set } else { format!(" with {set}") };
        self.next(seed, point)?.ok_or_else(|| self.damaged(format!("seed {seed}{with}")))
    }

    /// There must be no more.
    pub(super) fn end(mut self) -> Result<(), FolderError> {
        let more = self.reader.fill_buf().map_err(io(self.path.display().to_string()))?;
        if more.is_empty() { Ok(()) } else { Err(self.damaged("any seed of this sweep".to_owned())) }
    }

    fn damaged(&self, run: String) -> FolderError {
        FolderError::Damaged { path: self.path.display().to_string(), line: self.number + 1, run }
    }
}
