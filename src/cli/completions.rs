//! `completions`: a script that teaches a shell this program's words.

use std::io::Write;

use clap_complete::Shell;

use super::{Done, Failure};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// For which shell.
    shell: Shell,
}

pub(super) fn completions(command: &mut clap::Command, args: &Args, out: &mut impl Write) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "rumormill", &mut script);
    out.write_all(&script).map_err(|error| Failure::stdout(&error))?;
    Ok(0)
}
