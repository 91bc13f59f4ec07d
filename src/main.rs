//! The program: the command line over the protocols that come with it.

use std::process::ExitCode;

fn main() -> ExitCode {
    rumormill::cli::main(rumormill::protocol::builtin())
}
