//! `list`: the protocols, the workloads, and the scenarios that come with the program.

use std::fmt::Write as _;
use std::io::Write;

use super::builtin;
use super::load::program;
use super::{Done, print, survives};
use crate::protocol::Registry;
use crate::scenario::document::Document;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {}

pub(super) fn list(registry: &impl Registry, _: &Args, out: &mut impl Write) -> Done {
    let mut text = "protocols\n".to_owned();
    for row in registry.rows() {
        _ = writeln!(text, "  {:<22} serves {}", row.name, row.workload);
    }
    text.push_str("\nworkloads, and what their protocols are held to survive (test --nemesis)\n");
    let rows = registry.rows();
    for (at, row) in rows.iter().enumerate() {
        if rows[..at].iter().any(|other| other.workload == row.workload) {
            continue;
        }
        _ = writeln!(text, "  {:<22} {}", row.workload, survives::listed(row.survives));
    }
    _ = writeln!(text, "\nscenarios ({} run NAME)", program());
    for builtin in builtin::ALL {
        let about = Document::parse(builtin.name, builtin.text)
            .ok()
            .and_then(|document| document.get::<String>("about"));
        _ = writeln!(text, "  {:<22} {}", builtin.name, about.and_then(Result::ok).unwrap_or_default());
    }
    print(out, &text)?;
    Ok(0)
}
