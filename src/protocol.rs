//! The registry: which protocols there are, and what each serves. A protocol is a file in `protocol/` and a row here.
//!
//! It is open: [`Registry::and`] adds a node of your own, and every command of [`cli::main`](crate::cli::main) serves it.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::node::Node;
use crate::workload::broadcast::Broadcast;
use crate::workload::counter::{GCounter, PnCounter};
use crate::workload::echo::Echo;
use crate::workload::g_set::GSet;
use crate::workload::unique_ids::UniqueIds;
use crate::workload::{Trouble, Workload};

pub mod counter;
pub mod echo;
pub mod flood;
pub mod g_set;
pub mod gossip;
pub mod knobs;
pub mod relay;
pub mod rumors;
pub mod unique_ids;

/// Something to be done with a protocol's types.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Does it.
    fn visit<W, N>(self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
        N::Config: JsonSchema;
}

/// A protocol as `list` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The protocol's name.
    pub name: &'static str,
    /// The workload it serves.
    pub workload: &'static str,
    /// What the workload holds it to survive.
    pub survives: &'static [Trouble],
}

/// Protocols by name.
pub trait Registry: Sized {
    /// Hands the types of the protocol of this name to the visitor; gives the visitor back if there is none.
    ///
    /// # Errors
    /// The visitor, if no protocol has the name.
    fn with<V: Visitor>(&self, name: &str, visitor: V) -> Result<V::Output, V>;

    /// All protocols, in the order in which they were added.
    fn rows(&self) -> Vec<Row>;

    /// The same protocols and one more.
    fn and<W, N>(self, name: &'static str) -> And<Self, W, N>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
        N::Config: JsonSchema,
    {
        And { rest: self, name, types: PhantomData }
    }
}

/// No protocol at all.
#[derive(Clone, Copy, Debug)]
pub struct Empty;

impl Registry for Empty {
    fn with<V: Visitor>(&self, _: &str, visitor: V) -> Result<V::Output, V> {
        Err(visitor)
    }

    fn rows(&self) -> Vec<Row> {
        Vec::new()
    }
}

/// A registry with one more protocol.
#[derive(Clone, Copy, Debug)]
pub struct And<R, W, N> {
    rest: R,
    name: &'static str,
    types: PhantomData<fn() -> (W, N)>,
}

impl<R, W, N> Registry for And<R, W, N>
where
    R: Registry,
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    N::Config: JsonSchema,
{
    fn with<V: Visitor>(&self, name: &str, visitor: V) -> Result<V::Output, V> {
        if name == self.name { Ok(visitor.visit::<W, N>()) } else { self.rest.with(name, visitor) }
    }

    fn rows(&self) -> Vec<Row> {
        let mut rows = self.rest.rows();
        rows.push(Row { name: self.name, workload: W::NAME, survives: W::SURVIVES });
        rows
    }
}

/// The protocols that come with this program.
pub fn builtin() -> impl Registry {
    Empty
        .and::<Broadcast, gossip::Gossip>("gossip")
        .and::<Broadcast, flood::Flood>("flood")
        .and::<Broadcast, relay::Relay>("relay")
        .and::<Echo, echo::Echoer>("echo")
        .and::<UniqueIds, unique_ids::Generator>("unique-ids")
        .and::<GSet, g_set::GSet>("g-set")
        .and::<GCounter, counter::GCounter>("g-counter")
        .and::<PnCounter, counter::PnCounter>("pn-counter")
}

/// The JSON Schema of scenario files for the protocols of a registry.
pub fn schema(registry: &impl Registry, run_metrics: &[&str]) -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    let mut protocols = serde_json::Map::new();
    let mut workloads = serde_json::Map::new();
    let mut metrics: Vec<&str> = run_metrics.to_vec();
    for row in registry.rows() {
        let Ok(parts) = registry.with(row.name, Parts { generator: &mut generator }) else { continue };
        protocols.insert(row.name.to_owned(), knobs(parts.protocol));
        workloads.insert(row.workload.to_owned(), parts.workload.to_value());
        metrics.extend(parts.metrics.iter().filter(|name| !run_metrics.contains(name)));
    }
    let mut schema = generator.into_root_schema_for::<crate::scenario::Scenario>().to_value();
    let choice = |properties: serde_json::Map<String, serde_json::Value>, about: &str| {
        serde_json::json!({
            "type": "object", "description": about, "properties": properties,
            "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
        })
    };
    schema["properties"]["protocol"] = choice(protocols, "The protocol's name with its knobs.");
    schema["properties"]["workload"] = choice(workloads, "The workload's name with its knobs.");
    if let Some(definitions) = schema["$defs"].as_object_mut() {
        definitions.remove("Choice");
    }
    metrics.sort_unstable();
    for metric in metrics {
        schema["$defs"]["Expect"]["properties"][metric] = serde_json::json!({
            "anyOf": [{ "type": "number" }, { "type": "string", "pattern": "^(<|<=|=|>=|>)? ?[0-9.]+ ?(ns|us|ms|s|m|min|h)?$" }],
        });
    }
    schema["title"] = "A rumormill scenario".into();
    schema
}

/// The schema of a protocol's knobs; one without any is written `{}`.
fn knobs(schema: Schema) -> serde_json::Value {
    let schema = schema.to_value();
    if schema["type"] == "null" {
        return serde_json::json!({ "type": "object", "additionalProperties": false });
    }
    schema
}

struct Parts<'a> {
    generator: &'a mut SchemaGenerator,
}

struct PartSchemas {
    protocol: Schema,
    workload: Schema,
    metrics: &'static [&'static str],
}

impl Visitor for Parts<'_> {
    type Output = PartSchemas;

    fn visit<W, N>(self) -> PartSchemas
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
        N::Config: JsonSchema,
    {
        // Inlined, as protocols may well give their knobs types of the same name.
        PartSchemas {
            protocol: N::Config::json_schema(self.generator),
            workload: W::Config::json_schema(self.generator),
            metrics: W::METRICS,
        }
    }
}
