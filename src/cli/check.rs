//! `check`: is a scenario file right, and what does it say in full? Also prints the JSON Schema.

use std::io::Write;

use super::load::{Loaded, Overrides, load};
use super::{Done, Failure, print};
use crate::node::Node;
use crate::protocol::{Registry, Visitor, schema};
use crate::run::{METRICS, in_full};
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit};
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// A scenario file, or the name of a scenario that comes with the program.
    #[arg(value_name = "SCENARIO", required_unless_present = "schema")]
    scenario: Option<String>,
    #[command(flatten)]
    overrides: Overrides,
    /// Print the JSON Schema of scenario files instead.
    #[arg(long, conflicts_with = "scenario")]
    schema: bool,
}

pub(super) fn check(registry: &impl Registry, args: &Args, out: &mut impl Write) -> Done {
    let Some(name) = &args.scenario else {
        let schema = schema(registry, METRICS);
        let text =
            serde_json::to_string_pretty(&schema).map_err(|error| Failure::internal(error.to_string()))?;
        print(out, &(text + "\n"))?;
        return Ok(0);
    };
    let loaded = load(registry, name, &args.overrides)?;
    let full = registry.with(&loaded.scenario.protocol.name, InFull(&loaded));
    let full =
        full.unwrap_or_else(|_| unreachable!("the protocol was looked up when the scenario was loaded"));
    let full = full.map_err(Failure::bad_scenario)?;
    let json = serde_json::to_string(&full).map_err(|error| Failure::internal(error.to_string()))?;
    let document = Document::parse(name, &json).map_err(|error| Failure::internal(error.to_string()))?;
    print(out, &document.root().pretty())?;
    Ok(0)
}

struct InFull<'a>(&'a Loaded);

impl Visitor for InFull<'_> {
    type Output = Result<Scenario, Misfit>;

    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        in_full::<W, N>(&self.0.scenario, &self.0.document)
    }
}
