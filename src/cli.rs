//! The command line: one file a subcommand. [`main`] serves any registry, so that your own node gets every command.
//!
//! Data goes to stdout, talk to stderr. Exit codes: 0 as expected, 1 a property failed, 2 unknown, 3 not
//! deterministic, 64 usage, 65 bad scenario, 70 internal, 74 I/O, 130 interrupted.

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand, ValueEnum};

use crate::protocol::Registry;
use crate::report::{Paint, printable};

mod bar;
mod builtin;
mod check;
mod completions;
mod difference;
mod fanout;
mod interrupt;
mod keep;
mod list;
mod load;
mod merge;
mod new;
mod odds;
mod questions;
#[cfg(unix)]
mod real;
mod replay;
mod run;
mod serve;
mod shrink;
mod spread;
mod summary;
mod survives;
mod sweep;
mod test;
mod tracing;
mod why;

/// What kind of end a command comes to, other than a good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    SeenEnough = 0,
    Usage = 64,
    BadScenario = 65,
    Internal = 70,
    Io = 74,
    Interrupted = 130,
}

/// Why a command could not do its work: how it exits, and what it says.
#[derive(Debug)]
struct Failure {
    exit: Exit,
    text: String,
}

impl Failure {
    fn usage(text: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, text: text.into() }
    }

    fn bad_scenario(text: impl ToString) -> Failure {
        Failure { exit: Exit::BadScenario, text: text.to_string() }
    }

    fn interrupted(text: impl Into<String>) -> Failure {
        Failure { exit: Exit::Interrupted, text: text.into() }
    }

    fn internal(text: impl Into<String>) -> Failure {
        Failure { exit: Exit::Internal, text: text.into() }
    }

    /// Whoever read our output has seen enough, or stdout failed.
    fn stdout(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure { exit: Exit::SeenEnough, text: String::new() },
            _ => Failure::io("stdout", error),
        }
    }

    fn io(what: &str, error: &io::Error) -> Failure {
        Failure { exit: Exit::Io, text: format!("{what}: {error}") }
    }
}

/// The exit code of a command that did its work, or why it could not.
type Done = Result<u8, Failure>;

fn hints(program: &str) -> String {
    format!(
        "rumormill runs a cluster of gossip nodes in virtual time, the same way every time.\n\n  \
         {program} run quickstart     run a scenario: 25 nodes, lost messages, one partition\n  \
         {program} list               the protocols, and the scenarios that come with it\n  \
         {program} new my-scenario    write a scenario file to start from\n\n\
         `{program} --help` lists all commands.\n"
    )
}

#[derive(Debug, Parser)]
#[command(name = "rumormill", version, about = "A deterministic cluster simulator for gossip protocols")]
struct Args {
    /// Whether to colour what is printed.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario and judge it.
    Run(run::Args),
    /// Replay a run as a transcript for people: a line for every event, its verdict, its digest.
    Replay(replay::Args),
    /// Find out when it was decided that a run fails: redraw its future from many instants on.
    Why(why::Args),
    /// Test a protocol under a workload with Maelstrom's options: one seed, or a thousand.
    Test(Box<test::Args>),
    /// Run a scenario under many seeds and many values, and count what fails.
    ///
    /// A run fails if its verdict is not pass or if it misses a bound of `expect`, whatever verdict is expected.
    Sweep(Box<sweep::Args>),
    /// Put the shards of a sweep together.
    ///
    /// What comes of it has the same bytes, and prints the same, as a sweep that was never cut in shards.
    Merge(merge::Args),
    /// Find the smallest scenario that fails for the same reason.
    Shrink(shrink::Args),
    /// Check a scenario file and print it in full, with every default.
    Check(check::Args),
    /// Write a scenario file to start from.
    New(new::Args),
    /// List the protocols, the workloads and the scenarios that come with the program.
    List(list::Args),
    /// Find the fanout that a cluster needs: by the textbook's formula, and in truth.
    Fanout(fanout::Args),
    /// Work out how far a rumour gets, round by round: exactly, and by trials.
    Spread(spread::Args),
    /// Serve a node on stdin and stdout, as Maelstrom runs it.
    Serve(serve::Args),
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Runs the command line of this process over the protocols of a registry.
///
/// A node of your own gets every command:
///
/// ```no_run
/// # use rumormill::{cli, protocol::{self, Registry as _, gossip::Gossip}, workload::broadcast::Broadcast};
/// fn main() -> std::process::ExitCode {
///     cli::main(protocol::builtin().and::<Broadcast, Gossip>("mine"))
/// }
/// ```
pub fn main(registry: impl Registry) -> ExitCode {
    let code = run_args(&registry, std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr());
    ExitCode::from(code)
}

fn run_args(
    registry: &impl Registry,
    args: impl Iterator<Item = OsString>,
    out: &mut impl Write,
    talk: &mut (impl Write + IsTerminal),
) -> u8 {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return said_by_clap(&error),
    };
    let Some(command) = args.command else {
        _ = talk.write_all(hints(&load::program()).as_bytes());
        return Exit::Usage as u8;
    };
    let paint = paint(args.color);
    let done = match command {
        Command::Run(args) => run::run(registry, &args, paint, out),
        Command::Replay(args) => replay::replay(registry, &args, paint, out),
        Command::Why(args) => why::why(registry, &args, out),
        Command::Test(args) => test::test(registry, &args, paint, out),
        Command::Sweep(args) => sweep::sweep(registry, &args, out),
        Command::Merge(args) => merge::merge(registry, &args, out),
        Command::Shrink(args) => shrink::shrink(registry, &args, out),
        Command::Check(args) => check::check(registry, &args, out),
        Command::New(args) => new::new(&args, out),
        Command::List(args) => list::list(registry, &args, out),
        Command::Fanout(args) => fanout::fanout(&args, out),
        Command::Spread(args) => spread::spread(&args, out),
        Command::Serve(args) => serve::serve(registry, &args),
        Command::Completions(args) => completions::completions(&mut Args::command(), &args, out),
    };
    match done
        .and_then(|code| seen_enough(out.flush()).map(|()| code).map_err(|error| Failure::stdout(&error)))
    {
        Ok(code) => code,
        Err(Failure { exit: Exit::SeenEnough, .. }) => Exit::SeenEnough as u8,
        Err(failure) => {
            let lines: Vec<String> = failure.text.lines().map(printable).collect();
            _ = writeln!(
                talk,
                "error: {}",
                lines.join(
                    "
"
                )
            );
            failure.exit as u8
        }
    }
}

/// clap's own exit codes are not ours: a wrong command line is 64.
fn said_by_clap(error: &clap::Error) -> u8 {
    _ = error.print();
    if error.use_stderr() { Exit::Usage as u8 } else { 0 }
}

fn paint(colour: Colour) -> Paint {
    #[expect(clippy::disallowed_methods, reason = "the command line may look at its environment")]
    let no_color = std::env::var("NO_COLOR").is_ok_and(|value| !value.is_empty());
    match colour {
        Colour::Always => Paint::Colour,
        Colour::Auto if io::stdout().is_terminal() && !no_color => Paint::Colour,
        Colour::Auto | Colour::Never => Paint::Plain,
    }
}

/// Writes to stdout. Whoever reads it may have seen enough; that changes nothing of what a command comes to.
fn print(out: &mut impl Write, text: &str) -> Result<(), Failure> {
    seen_enough(out.write_all(text.as_bytes())).map_err(|error| Failure::stdout(&error))
}

/// A reader that has gone is no trouble.
fn seen_enough(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Text as one word of a shell's command line.
fn shell_word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}
