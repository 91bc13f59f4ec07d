//! One process: a reader and a writer for its pipes, its log, its signals, and its certain end.
//!
//! It knows lines and nothing of what they say. Whoever holds it is never blocked by it: what cannot be written is
//! refused, and what is read waits in a bounded channel of all.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::id::NodeId;

/// What is run as a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The program; it is run without a shell.
    pub path: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// Where what it writes to stderr goes.
    pub logs: Logs,
}

/// Where what nodes write to stderr goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Logs {
    /// Nowhere.
    Nowhere,
    /// To stderr, each line with the node's name before it.
    Stderr,
    /// To files in this folder, n0.log and so on.
    Folder(PathBuf),
}

/// So many lines wait to be written to a process; then it does not read.
pub(super) const MOST_UNREAD: usize = 10_000;
/// Longer lines are not read.
const LONGEST_LINE: usize = 4 << 20;

/// What a process that has ended wrote to stderr is waited for no longer than this.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// What a process says.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) node: NodeId,
    /// Which life of the node, so that what an earlier process said is told apart.
    pub(super) life: u32,
    pub(super) what: What,
}

/// What came out of a process.
#[derive(Debug)]
pub(super) enum What {
    /// A line, without its end.
    Line(Vec<u8>),
    /// Something that looks whole, but has no end of line yet.
    NoNewline(Vec<u8>),
    /// A line of more than four mebibytes.
    TooLong,
    /// The process has closed its stdout.
    End,
}

/// A running process. Dropping it kills it, with all that it started, and waits for its end.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    lines: SyncSender<Vec<u8>>,
    /// Reads its stderr to the end.
    log: JoinHandle<()>,
}

/// Why nothing can be written to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unheard {
    /// Its pipe and queue are full.
    DoesNotRead,
    /// It has closed its stdin, or has ended.
    Closed,
}

impl Process {
    /// Starts a program for a node; what it says goes to `says`.
    pub(super) fn spawn(
        program: &Program,
        node: NodeId,
        life: u32,
        says: &SyncSender<Said>,
    ) -> io::Result<Process> {
        let mut command = Command::new(&program.path);
        command.args(&program.args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C is for whoever runs the nodes, who then ends them with all that they started.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        let ends = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = ends else { unreachable!("all three are pipes") };
        let (lines, to_write) = sync_channel::<Vec<u8>>(MOST_UNREAD);
        let says = says.clone();
        let log = log(program, node, life)?;
        _ = in_background(move || write(stdin, to_write));
        _ = in_background(move || read(stdout, |what| says.send(Said { node, life, what }).is_ok()));
        let log = in_background(move || keep(stderr, node, log));
        Ok(Process { child, lines, log })
    }

    /// Writes a line, as soon as the process reads.
    pub(super) fn tell(&self, line: Vec<u8>) -> Result<(), Unheard> {
        match self.lines.try_send(line) {
            Ok(()) => Ok(()),
            Err(TrySendError::Disconnected(_)) => Err(Unheard::Closed),
            Err(TrySendError::Full(_)) => Err(Unheard::DoesNotRead),
        }
    }

    /// Holds the process and all that it started still, lets them go on, or ends them.
    pub(super) fn signal(&self, signal: rustix::process::Signal) -> io::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("the process has no number"))?;
        Ok(rustix::process::kill_process_group(pid, signal)?)
    }

    /// How the process ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and that is all that can go wrong.
        _ = self.signal(rustix::process::Signal::KILL);
        _ = self.child.wait();
        // Its last words; if a child of its own holds on to its stderr, nobody waits for that.
        let began = super::clock();
        while !self.log.is_finished() && began.elapsed() < LAST_WORDS {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "pipes of real processes are read and written while others wait"
)]
fn in_background(work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::spawn(work)
}

fn write(mut stdin: ChildStdin, lines: std::sync::mpsc::Receiver<Vec<u8>>) {
    for line in lines {
        if stdin.write_all(&line).and_then(|()| stdin.flush()).is_err() {
            return;
        }
    }
}

/// Cuts what comes into lines, until nobody listens.
fn read(mut stdout: ChildStdout, says: impl Fn(What) -> bool) {
    let (mut held, mut chunk) = (Vec::new(), [0; 1 << 16]);
    let mut skipping = false;
    loop {
        let count = match stdout.read(&mut chunk) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        let mut rest = &chunk[..count];
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            held.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let line = std::mem::take(&mut held);
            if !std::mem::take(&mut skipping) && !says(What::Line(line)) {
                return;
            }
        }
        held.extend_from_slice(rest);
        if held.len() > LONGEST_LINE {
            held.clear();
            if !std::mem::replace(&mut skipping, true) && !says(What::TooLong) {
                return;
            }
        }
        if held.ends_with(b"}") && !says(What::NoNewline(held.clone())) {
            return;
        }
    }
    if !held.is_empty() && !says(What::NoNewline(held)) {
        return;
    }
    says(What::End);
}

enum Log {
    Nowhere,
    Stderr,
    File(File),
}

fn log(program: &Program, node: NodeId, life: u32) -> io::Result<Log> {
    Ok(match &program.logs {
        Logs::Nowhere => Log::Nowhere,
        Logs::Stderr => Log::Stderr,
        Logs::Folder(folder) => {
            let path = folder.join(format!("{node}.log"));
            let file = match life {
                0 => File::create(&path),
                _ => File::options().append(true).create(true).open(&path),
            };
            let named =
                |error| io::Error::other(format!("its log {} cannot be written: {error}", path.display()));
            Log::File(file.map_err(named)?)
        }
    })
}

/// Reads stderr to its end, so that nobody blocks on it, and keeps what is to be kept.
fn keep(stderr: ChildStderr, node: NodeId, mut log: Log) {
    let mut lines = BufReader::new(stderr);
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
        // A log that cannot be written is no reason to end a run.
        _ = match &mut log {
            Log::Nowhere => Ok(()),
            Log::File(file) => file.write_all(&line),
            Log::Stderr => {
                let text = crate::report::printable(String::from_utf8_lossy(&line).trim_end());
                writeln!(io::stderr(), "{node}: {text}")
            }
        };
        line.clear();
    }
}
