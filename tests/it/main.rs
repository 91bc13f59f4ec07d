//! The tests that look at the whole from outside; each module is a chapter.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may stop at what it did not expect, look at its environment and say what it sees"
)]

mod bridge;
mod cli;
mod convergence;
mod determinism;
mod epidemic;
mod flood;
mod frontier;
mod liars;
mod liars_counters;
mod liars_disks;
mod liars_ids;
mod liars_resent;
mod many_seeds;
mod network;
mod own_node;
#[cfg(unix)]
mod process;
mod program;
mod readme;
mod relay;
mod replay;
mod scenario;
mod scenarios;
mod shrink;
mod stdio;
mod support;
mod survive;
mod sweep;
mod tidy;
mod why;
