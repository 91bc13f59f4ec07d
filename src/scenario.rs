//! The scenario file: what a run is made of, read strictly and written in full.
//!
//! A file names its protocol and its workload; their knobs stay text here and are typed by whoever knows the types.
//! [`Scenario::setup`] draws from the seed what the file leaves open, and gives the simulator data only.

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{Members, NodeId, NodeSet};
use crate::node::Node;
use crate::sim::fault::{Fault, FaultKind, Nemesis};
use crate::sim::network::{LinkChange, NetworkConfig, Profile};
use crate::time::{Span, Time};
use crate::topology::Topology;
use crate::workload::Workload;

pub mod document;
mod draw;
pub mod expect;
mod text;

use document::{Document, Misfit, Raw};
use expect::Expect;

/// The version of the format that this program reads and writes.
pub const FORMAT: u32 = 1;
/// More nodes than this are refused.
pub const MOST_NODES: u32 = 1_000_000;

/// A seeded run, and what is expected of it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Where an editor finds the schema.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The version of this format: 1.
    #[serde(default = "format")]
    pub format: u32,
    /// A short name.
    pub name: String,
    /// What it shows, in a sentence.
    #[serde(default)]
    pub about: String,
    /// The number that all chance comes from.
    #[serde(default)]
    pub seed: u64,
    /// How many nodes; they are called n0, n1, ...
    #[serde(deserialize_with = "nodes", serialize_with = "u32::serialize")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub nodes: u32,
    /// Nodes taken out without renaming the others.
    #[serde(default, skip_serializing_if = "NodeSet::is_empty")]
    pub absent: NodeSet,
    /// The protocol's name with its knobs: { "gossip": { "fanout": 3 } }.
    pub protocol: Choice,
    /// Who is told to be whose neighbour.
    #[serde(default)]
    pub topology: Topology,
    /// The network.
    #[serde(default)]
    pub network: NetworkConfig,
    /// When nodes take what is sent to them: as it is due, or as Maelstrom hands it over.
    #[serde(default)]
    pub profile: Profile,
    /// The workload's name with its knobs: { "broadcast": { "rate": 10.0, "time_limit": "20s" } }.
    pub workload: Choice,
    /// How many clients take turns; as many as nodes unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub concurrency: Option<u32>,
    /// How long a client waits for an answer.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// What clients ask, in place of what the workload would draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operations: Option<Vec<ExplicitOperation>>,
    /// The faults.
    #[serde(default)]
    pub faults: Vec<Fault>,
    /// More faults, drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nemesis: Option<Nemesis>,
    /// How long the cluster is left alone between the end of the storm and the final reads.
    #[serde(default = "settle")]
    pub settle: Span,
    /// The run fails after so many events.
    #[serde(default = "max_events")]
    pub max_events: u64,
    /// What the run must come to.
    #[serde(default)]
    pub expect: Expect,
}

fn format() -> u32 {
    FORMAT
}

fn timeout() -> Span {
    Span::from_secs(5)
}

fn settle() -> Span {
    Span::from_secs(10)
}

fn max_events() -> u64 {
    100_000_000
}

fn nodes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let nodes = u64::deserialize(deserializer)?;
    match u32::try_from(nodes) {
        Ok(nodes) if (1..=MOST_NODES).contains(&nodes) => Ok(nodes),
        Ok(_) | Err(_) => {
            Err(de::Error::custom(format!("{nodes} is not possible; write a number from 1 to {MOST_NODES}")))
        }
    }
}

/// A name with what belongs to it, as an object with one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which protocol or workload.
    pub name: String,
    /// Its knobs as JSON text.
    pub config: Raw,
}

impl<'de> Deserialize<'de> for Choice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Choice, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Choice;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one key, a name, such as { \"gossip\": {} }")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Choice, A::Error> {
                let one = || de::Error::custom("write one name with its knobs, such as { \"gossip\": {} }");
                let (name, config) = map.next_entry()?.ok_or_else(one)?;
                match map.next_key::<String>()? {
                    None => Ok(Choice { name, config }),
                    Some(other) => Err(de::Error::custom(format!(
                        "both `{name}` and `{other}` are named; there can be only one"
                    ))),
                }
            }
        }
        deserializer.deserialize_map(One)
    }
}

impl Serialize for Choice {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1))?;
        map.serialize_entry(&self.name, &self.config)?;
        map.end()
    }
}

impl JsonSchema for Choice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Choice".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "minProperties": 1, "maxProperties": 1 })
    }
}

/// An operation written out.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExplicitOperation {
    /// When the client asks.
    pub at: Time,
    /// Whose turn it is; clients are numbered from 0.
    #[serde(default)]
    pub client: u32,
    /// Which node it asks, "n1" say.
    #[serde(deserialize_with = "node_name", serialize_with = "name_of")]
    #[schemars(with = "String", regex(pattern = r"^n[0-9]+$"))]
    pub node: NodeId,
    /// What it asks: the body of a Maelstrom message, { "type": "broadcast", "message": 42 } say.
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub request: Raw,
}

fn node_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

fn name_of<S: Serializer>(node: &NodeId, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(node)
}

/// More operations than this are refused.
const MOST_OPERATIONS: u64 = 10_000_000;
/// A nemesis that would draw more faults than this is refused.
const MOST_FAULTS: u64 = 100_000;
/// Clients are numbered below this.
const MOST_CLIENTS: u32 = 1_000_000;

impl Scenario {
    /// Reads a document; everything that does not depend on the protocol or the workload is checked.
    pub fn read(document: &Document) -> Result<Scenario, Misfit> {
        let scenario: Scenario = document.get("").expect("the whole is always there")?;
        match scenario.problem() {
            None => Ok(scenario),
            Some((path, text)) => Err(document.find_place(Misfit::at(path, text))),
        }
    }

    /// Who is in the cluster.
    pub fn members(&self) -> Members {
        Members::all(self.nodes).without(&self.absent)
    }

    /// How many clients take turns.
    pub fn clients(&self) -> u32 {
        self.concurrency.unwrap_or(self.nodes)
    }

    fn problem(&self) -> Option<(String, String)> {
        let wrong = |path: &str, text: String| Some((path.to_owned(), text));
        if self.format != FORMAT {
            return wrong("format", format!("this program reads format {FORMAT}, not {}", self.format));
        }
        if self.name.is_empty() || self.name.chars().any(|c| c.is_control() || c == '/') {
            return wrong("name", "write a short name of printable characters, without /".into());
        }
        if let Some(node) = self.absent.greatest().filter(|node| node.0 >= self.nodes) {
            return wrong("absent", format!("there is no {node}; the nodes are n0 to n{}", self.nodes - 1));
        }
        let members = self.members();
        if members.present() == 0 {
            return wrong("absent", "no node is left".into());
        }
        if !(1..=MOST_CLIENTS).contains(&self.clients()) && self.concurrency.is_some() {
            return wrong("concurrency", format!("write a number from 1 to {MOST_CLIENTS}"));
        }
        if self.timeout == Span::ZERO {
            return wrong(
                "timeout",
                "a client that waits no time never hears anything; give a length".into(),
            );
        }
        for (name, latency) in
            [("latency", self.network.latency), ("client_latency", self.network.client_latency)]
        {
            if let Some(text) = latency.problem() {
                return wrong(&format!("network.{name}"), text);
            }
        }
        for (at, change) in self.network.links.iter().enumerate() {
            if let Some((key, text)) = link_problem(change, &members) {
                return Some((format!("network.links.{at}{key}"), text));
            }
        }
        for (at, fault) in self.faults.iter().enumerate() {
            if let Some((key, text)) = fault.problem(&members) {
                return Some((format!("faults.{at}.{key}"), text));
            }
        }
        if let Some((key, text)) = self.nemesis.as_ref().and_then(Nemesis::problem) {
            return Some((format!("nemesis.{key}"), text));
        }
        for (at, operation) in self.operations.iter().flatten().enumerate() {
            if !members.contains(operation.node) {
                let text = format!(
                    "there is no {}; the nodes are n0 to n{}, less those absent",
                    operation.node,
                    self.nodes - 1
                );
                return Some((format!("operations.{at}.node"), text));
            }
            if operation.client >= MOST_CLIENTS {
                return Some((
                    format!("operations.{at}.client"),
                    format!("clients are numbered from 0 to {}", MOST_CLIENTS - 1),
                ));
            }
        }
        None
    }

    /// The protocol's knobs.
    pub fn node_config<N: Node>(&self, document: &Document) -> Result<N::Config, Misfit> {
        let item = document.root().find("protocol").and_then(|item| item.child(&self.protocol.name));
        let item = item.expect("the protocol is in the document");
        item.read().map_err(|misfit| document.find_place(misfit.below(&self.protocol.name).below("protocol")))
    }

    /// The workload's knobs, checked.
    pub fn workload_config<W: Workload>(&self, document: &Document) -> Result<W::Config, Misfit> {
        if self.workload.name != W::NAME {
            let text = format!(
                "protocol `{}` serves the workload `{}`, not `{}`",
                self.protocol.name,
                W::NAME,
                self.workload.name
            );
            let near = document::nearest(&self.workload.name, &[W::NAME]);
            let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            let text = match near.is_empty() {
                true => text,
                false => format!("unknown workload `{}`{near}", self.workload.name),
            };
            let mut misfit = Misfit::at(self.workload.name.clone(), text);
            misfit.allowed = vec![W::NAME.to_owned()];
            return Err(document.find_place(misfit.below("workload")));
        }
        let path = format!("workload.{}", W::NAME);
        let config: W::Config = document.get(&path).expect("the workload is in the document")?;
        let limit = W::time_limit(&config);
        let problem = W::problem(&config).map(|(key, text)| Misfit::at(format!("{path}.{key}"), text));
        let wrong = problem.or_else(|| self.too_much(&path, W::expected(&config), limit));
        let wrong = wrong.or_else(|| self.too_late(limit));
        wrong.map_or(Ok(config), |misfit| Err(document.find_place(misfit)))
    }

    /// What would not fit into memory.
    fn too_much(&self, path: &str, operations: f64, limit: Span) -> Option<Misfit> {
        if self.operations.is_none() && operations > MOST_OPERATIONS as f64 {
            let text = format!(
                "about {operations:.0} operations would be drawn, and at most {MOST_OPERATIONS} can be"
            );
            return Some(Misfit::at(path, text));
        }
        let faults = self.nemesis.as_ref().map_or(0.0, |nemesis| nemesis.expected(limit));
        let text = format!(
            "about {faults:.0} faults would be drawn, and at most {MOST_FAULTS} can be; give a longer one"
        );
        (faults > MOST_FAULTS as f64).then(|| Misfit::at("nemesis.interval", text))
    }

    /// What would come when the storm is over.
    fn too_late(&self, limit: Span) -> Option<Misfit> {
        let end = Time::ZERO + limit;
        let mut operations = self.operations.iter().flatten().enumerate();
        if let Some((at, operation)) = operations.find(|(_, it)| it.at > end) {
            let text = format!("{} is after the workload's time limit of {limit}", operation.at);
            return Some(Misfit::at(format!("operations.{at}.at"), text));
        }
        let (at, fault) = self.faults.iter().enumerate().find(|(_, it)| it.at >= end)?;
        let text =
            format!("{} is not before the workload's time limit of {limit}, when the storm ends", fault.at);
        Some(Misfit::at(format!("faults.{at}.at"), text))
    }
}

fn link_problem(change: &LinkChange, members: &Members) -> Option<(String, String)> {
    let fault = Fault { at: Time::ZERO, lasts: None, fault: FaultKind::Link(change.clone()) };
    fault.problem(members).map(|(key, text)| (key.trim_start_matches("fault.link").to_owned(), text))
}
