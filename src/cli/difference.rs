//! Where two traces differ first, with what came before; and a folder for traces that nobody keeps.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::report::printable;

/// So many events before the difference are shown.
const CONTEXT: usize = 4;

/// The first event in which two traces differ.
#[derive(Debug)]
pub(super) struct Difference {
    /// Its place; the first event is 1.
    pub(super) number: u64,
    /// The last events that are the same.
    before: VecDeque<String>,
    /// The lines that differ, or are missing, beside whose they are.
    lines: [(&'static str, String); 2],
}

/// Compares two traces, line by line after their headers.
pub(super) fn first_difference(traces: [(&'static str, &Path); 2]) -> Result<Option<Difference>, Failure> {
    let [(one, one_path), (other, other_path)] = traces;
    let (mut ones, mut others) = (Lines::open(one_path)?, Lines::open(other_path)?);
    ones.next()?;
    others.next()?;
    let mut before = VecDeque::new();
    for number in 1_u64.. {
        match (ones.next()?, others.next()?) {
            (None, None) => break,
            (Some(a), Some(b)) if a == b => {
                before.push_back(a);
                if before.len() > CONTEXT {
                    before.pop_front();
                }
            }
            (a, b) => {
                let shown = |line: Option<String>| line.unwrap_or_else(|| "(nothing more)".to_owned());
                return Ok(Some(Difference { number, before, lines: [(one, shown(a)), (other, shown(b))] }));
            }
        }
    }
    Ok(None)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.lines.iter().map(|(whose, _)| whose.len()).max().unwrap_or_default() + 1;
        let before = self.before.iter().map(|line| ("", line));
        for (whose, line) in before.chain(self.lines.iter().map(|(whose, line)| (*whose, line))) {
            let whose = if whose.is_empty() { String::new() } else { format!("{whose}:") };
            writeln!(f, "  {whose:<width$} {}", printable(line))?;
        }
        Ok(())
    }
}

/// The lines of a file.
struct Lines<'a> {
    path: &'a Path,
    file: BufReader<File>,
}

impl Lines<'_> {
    fn open(path: &Path) -> Result<Lines<'_>, Failure> {
        let file = File::open(path).map_err(|error| Failure::io(&path.display().to_string(), &error))?;
        Ok(Lines { path, file: BufReader::new(file) })
    }

    fn next(&mut self) -> Result<Option<String>, Failure> {
        let mut line = String::new();
        match self.file.read_line(&mut line) {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(line.trim_end().to_owned())),
            Err(error) => Err(Failure::io(&self.path.display().to_string(), &error)),
        }
    }
}

/// The first line of a file.
pub(super) fn first_line(path: &Path) -> Result<String, Failure> {
    Ok(Lines::open(path)?.next()?.unwrap_or_default())
}

/// A folder of this process's own that goes away with it.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Folder, Failure> {
        let path = std::env::temp_dir().join(format!("rumormill-{}", std::process::id()));
        std::fs::create_dir(&path).map_err(|error| Failure::io(&path.display().to_string(), &error))?;
        Ok(Folder(path))
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed from a folder for temporary files is left to it.
        _ = std::fs::remove_dir_all(&self.0);
    }
}
