//! `serve`: a node on stdin and stdout. Maelstrom runs it as `--bin rumormill -- serve gossip`.

use std::hash::{BuildHasher, Hasher};
use std::io;

use super::questions::Questions;
use super::{Done, Failure};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::scenario::document::{Document, Misfit};
use crate::stdio;
use crate::workload::Workload;
use crate::workload::broadcast::Broadcast;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The protocol.
    #[arg(value_name = "PROTOCOL", default_value = "gossip")]
    protocol: String,
    /// Another value for one of its knobs, as in fanout=3; JSON, or else a string. Can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// For tests: the number that all chance comes from; the system's unless given.
    #[arg(long, value_name = "N", value_parser = super::load::seed, allow_hyphen_values = true)]
    seed: Option<u64>,
}

pub(super) fn serve(registry: &impl Registry, args: &Args) -> Done {
    let mut knobs = Document::parse("knobs", "{}").map_err(Failure::bad_scenario)?;
    for assignment in &args.set {
        knobs.set(assignment).map_err(|misfit| Failure::usage(misfit.to_string()))?;
    }
    let work = Work { knobs, seed: args.seed.unwrap_or_else(system_seed) };
    match registry.with(&args.protocol, work) {
        Ok(done) => done.map(|()| 0),
        Err(_) => {
            let names: Vec<&str> = registry.rows().iter().map(|row| row.name).collect();
            Err(Failure::usage(
                Misfit::word("protocol", &args.protocol, &names).standing("serve").to_string(),
            ))
        }
    }
}

struct Work {
    knobs: Document,
    seed: u64,
}

impl Visitor for Work {
    type Output = Result<(), Failure>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let config: N::Config = match self.knobs.get("") {
            Some(config) => config.map_err(|misfit| Failure::usage(misfit.to_string()))?,
            None => unreachable!("the whole is always there"),
        };
        let (input, output, log) = (io::stdin(), io::stdout().lock(), io::stderr());
        let served = match W::NAME {
            Broadcast::NAME => stdio::serve::<N>(Questions, config, self.seed, input, output, log),
            _ => stdio::serve::<N>(stdio::Nothing, config, self.seed, input, output, log),
        };
        served.map_err(|error| Failure::io("stdin or stdout", &error))
    }
}

/// A number from the system, as no two nodes should draw alike.
fn system_seed() -> u64 {
    #[expect(clippy::disallowed_types, reason = "the one place that wants the system's own randomness")]
    let state = std::hash::RandomState::new();
    state.build_hasher().finish()
}
