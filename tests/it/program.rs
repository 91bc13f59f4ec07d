//! The real program in a temporary folder of its own: what it is given, what it says, how it ends.
//!
//! It knows nothing of scenarios. Colours and the environment are as in a script, not as on a terminal.

use std::path::PathBuf;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use assert_cmd::cargo::{cargo_bin, cargo_bin_cmd};
use tempfile::TempDir;

/// Whatever takes longer is ended, and fails its test.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder to run the program in; it goes away with the test.
pub(crate) struct Desk(TempDir);

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) talk: String,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk(tempfile::tempdir().expect("there is room for temporary files"))
    }

    /// A folder with one file in it.
    pub(crate) fn with(name: &str, contents: impl AsRef<[u8]>) -> Desk {
        let desk = Desk::new();
        desk.put(name, contents);
        desk
    }

    pub(crate) fn put(&self, name: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), contents).expect("a temporary file can be written");
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = cargo_bin_cmd!("rumormill");
        command.current_dir(self.0.path()).env_remove("NO_COLOR").timeout(PATIENCE);
        command
    }

    pub(crate) fn run<A: AsRef<std::ffi::OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Said {
        Said::of(self.command().args(args).output().expect("the program can be run"))
    }

    /// A line for `sh`, where `$RUMORMILL` is the program.
    pub(crate) fn shell(&self, line: &str) -> Said {
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .current_dir(self.0.path())
            .env("RUMORMILL", cargo_bin!("rumormill"))
            .timeout(PATIENCE);
        Said::of(shell.output().expect("there is a shell"))
    }
}

impl Said {
    fn of(output: Output) -> Said {
        let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
        Said {
            code: output.status.code().unwrap_or_else(|| panic!("the program was killed: {output:?}")),
            out: text(output.stdout),
            talk: text(output.stderr),
        }
    }

    /// The report of `run --json`.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The digest in a report for people.
    pub(crate) fn digest(&self) -> &str {
        self.row("digest")
    }

    /// The row of a report for people that begins with a label.
    pub(crate) fn row(&self, label: &str) -> &str {
        let rest = self.out.lines().find_map(|line| line.strip_prefix(label)?.strip_prefix("  "));
        rest.unwrap_or_else(|| panic!("there is a row `{label}`: {self:?}")).trim()
    }
}
