//! Faults as data: how a file writes them, how a seed draws what the file leaves open, and the schedule they become.
//!
//! Every fault is an interval, half open, so that leaving one out removes both its ends. What a fault does to links is
//! the [network](super::network)'s affair, what it does to hosts the [simulator](super)'s.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{Members, NodeId, NodeSet};
use crate::ratio::Rate;
use crate::rng::{Key, Stream};
use crate::sim::network::{Cut, LinkChange, NodeBits};
use crate::time::{Offset, Span, Time};

mod nemesis;

pub use nemesis::{Nemesis, NemesisKind};

/// A fault as the scenario file writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// When it begins.
    pub at: Time,
    /// How long it lasts; to the end of the storm unless given.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Span>,
    /// What it is.
    pub fault: FaultKind,
}

/// What a fault does while it lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// Cuts every link between different groups.
    Partition(Partition),
    /// Cuts the links from some nodes to others, one way.
    Cut {
        /// The senders.
        from: NodeSet,
        /// The receivers.
        to: NodeSet,
    },
    /// Changes loss, latency or duplication of some links.
    Link(LinkChange),
    /// Takes nodes down; they come back with their disks.
    Crash(NodeSet),
    /// Takes nodes down; they come back with empty disks.
    Wipe(NodeSet),
    /// Holds nodes still; they go on with all that has come in the meantime.
    Pause(NodeSet),
    /// Lets the clocks of nodes go wrong.
    Skew(Skew),
}

/// How clocks go wrong: they show so much more than true time, and run at another rate from when the fault begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skew {
    /// Whose clocks.
    pub nodes: NodeSet,
    /// How far they are ahead, "-2s" if they are behind.
    #[serde(default)]
    pub offset: Offset,
    /// How fast they run. A timer runs at the rate that its clock had when it was set.
    #[serde(default)]
    pub rate: Rate,
}

impl FaultKind {
    /// The kind's name in files.
    pub fn name(&self) -> &'static str {
        match self {
            FaultKind::Partition(_) => "partition",
            FaultKind::Cut { .. } => "cut",
            FaultKind::Link(_) => "link",
            FaultKind::Crash(_) => "crash",
            FaultKind::Wipe(_) => "wipe",
            FaultKind::Pause(_) => "pause",
            FaultKind::Skew(_) => "skew",
        }
    }
}

/// How a partition divides the nodes.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Partition {
    /// Groups of nodes; a node in no group keeps its links.
    Groups(Vec<Group>),
    /// On a ring in this order every node sees the nearest majority; no two see the same.
    Ring {
        /// The order of the nodes on the ring.
        ring: NodeSet,
    },
    /// Drawn from the seed.
    Drawn(DrawnPartition),
}

/// A partition whose nodes the seed draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DrawnPartition {
    /// A random half and the rest.
    Halves,
    /// Every node sees a majority, each a different one.
    Ring,
    /// One node and the rest.
    IsolateOne,
    /// A random third and the rest.
    MinorityThird,
    /// Two halves that only one node can reach both of.
    Bridge,
}

/// One side of a partition.
#[derive(Clone, Debug, PartialEq)]
pub enum Group {
    /// These nodes.
    Nodes(NodeSet),
    /// All nodes that no other group names.
    Rest,
}

impl Serialize for Group {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Group::Nodes(nodes) => nodes.serialize(serializer),
            Group::Rest => ["rest"].serialize(serializer),
        }
    }
}

impl JsonSchema for Group {
    fn schema_name() -> Cow<'static, str> {
        "Group".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": { "type": "string", "pattern": "^(rest|n[0-9]+(\\.\\.n[0-9]+)?)$" },
            "description": "Nodes: \"n3\", \"n0..n11\" (both ends in), or \"rest\" for all that no other group names.",
        })
    }
}

impl<'de> Deserialize<'de> for Group {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Group, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        if texts == ["rest"] {
            return Ok(Group::Rest);
        }
        if texts.iter().any(|text| text == "rest") {
            return Err(de::Error::custom("\"rest\" stands alone in its group"));
        }
        NodeSet::deserialize(de::value::SeqDeserializer::new(texts.into_iter())).map(Group::Nodes)
    }
}

impl<'de> Deserialize<'de> for Partition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Partition, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Partition;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("groups such as [[\"n0..n2\"], [\"rest\"]], or one of halves, ring, isolate-one, minority-third, bridge")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Partition, E> {
                DrawnPartition::deserialize(de::value::StrDeserializer::new(text)).map(Partition::Drawn)
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Partition, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Partition::Groups)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Partition, A::Error> {
                #[derive(Deserialize)]
                #[serde(deny_unknown_fields)]
                struct Order {
                    ring: NodeSet,
                }
                let order = Order::deserialize(de::value::MapAccessDeserializer::new(map))?;
                Ok(Partition::Ring { ring: order.ring })
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl Fault {
    /// The fault with everything explicit that the seed draws. A fault's draws are keyed by what it is and when, so
    /// that leaving another one out does not change them; `twin` counts those of the same instant before it.
    pub fn drawn(&self, seed: u64, members: &Members, twin: u64) -> Fault {
        let FaultKind::Partition(Partition::Drawn(kind)) = &self.fault else { return self.clone() };
        let mut stream =
            Key::new(seed, "fault").with(self.at.as_nanos()).with(*kind as u64).with(twin).stream();
        Fault { fault: FaultKind::Partition(draw_partition(*kind, members, &mut stream)), ..self.clone() }
    }

    /// What is wrong with the fault in a cluster of these members: the key below the fault, and a sentence.
    pub fn problem(&self, members: &Members) -> Option<(String, String)> {
        if self.lasts == Some(Span::ZERO) {
            return Some((
                "for".into(),
                "a fault that lasts no time does nothing; give a length, or leave `for` out".into(),
            ));
        }
        let path = |rest: &str| format!("fault.{}{rest}", self.fault.name());
        let check = |rest: String, nodes: &NodeSet| match nodes.greatest() {
            None => Some((path(&rest), "no node is named".to_owned())),
            Some(node) if node.0 >= members.count() => Some((
                path(&rest),
                format!("there is no {node}; the nodes are n0 to n{}", members.count() - 1),
            )),
            Some(_) => None,
        };
        match &self.fault {
            FaultKind::Partition(Partition::Drawn(_)) => None,
            FaultKind::Partition(Partition::Ring { ring }) => {
                check(".ring".into(), ring).or_else(|| repeated(ring).map(|text| (path(".ring"), text)))
            }
            FaultKind::Partition(Partition::Groups(groups)) => {
                let mut named = NodeSet::default();
                let mut rests = 0;
                for (at, group) in groups.iter().enumerate() {
                    match group {
                        Group::Rest => rests += 1,
                        Group::Nodes(nodes) => {
                            if let Some(problem) = check(format!(".{at}"), nodes) {
                                return Some(problem);
                            }
                            named = NodeSet::of(named.iter().chain(nodes.iter()));
                            if let Some(text) = repeated(&named) {
                                return Some((path(&format!(".{at}")), text));
                            }
                        }
                    }
                }
                match rests > 1 {
                    true => Some((path(""), "only one group can be \"rest\"".into())),
                    false if groups.len() < 2 => {
                        Some((path(""), "a partition needs two groups or more".into()))
                    }
                    false => None,
                }
            }
            FaultKind::Cut { from, to } => check(".from".into(), from).or_else(|| check(".to".into(), to)),
            FaultKind::Link(change) => {
                let from = change.from.as_ref().and_then(|nodes| check(".from".into(), nodes));
                let to = change.to.as_ref().and_then(|nodes| check(".to".into(), nodes));
                let latency =
                    change.latency.and_then(|latency| latency.problem()).map(|text| (path(".latency"), text));
                let nothing = change.latency.is_none() && change.loss.is_none() && change.duplicate.is_none();
                let nothing = nothing
                    .then(|| (path(""), "it changes nothing; name a latency, loss or duplicate".to_owned()));
                from.or(to).or(latency).or(nothing)
            }
            FaultKind::Crash(nodes) | FaultKind::Wipe(nodes) | FaultKind::Pause(nodes) => {
                check(String::new(), nodes)
            }
            FaultKind::Skew(Skew { nodes, offset, rate }) => {
                let right = *offset == Offset::ZERO && *rate == Rate::TRUE;
                let nothing = || (path(""), "it changes nothing; give an offset or a rate".to_owned());
                check(".nodes".into(), nodes).or_else(|| right.then(nothing))
            }
        }
    }

    /// The links that it cuts, if it is of that kind; everything drawn.
    ///
    /// # Panics
    /// If something is left to be drawn.
    pub(crate) fn cut(&self, members: &Members) -> Option<Cut> {
        let count = members.count();
        match &self.fault {
            FaultKind::Partition(Partition::Drawn(_)) => unreachable!("faults are drawn before the run"),
            FaultKind::Partition(Partition::Groups(groups)) => {
                let rest = groups.iter().position(|group| *group == Group::Rest).map(|at| at as u32);
                let mut of = vec![rest; count as usize];
                for (at, group) in groups.iter().enumerate() {
                    if let Group::Nodes(nodes) = group {
                        nodes.iter().for_each(|node| of[node.index()] = Some(at as u32));
                    }
                }
                Some(Cut::Groups(of))
            }
            FaultKind::Partition(Partition::Ring { ring }) => {
                let mut place = vec![None; count as usize];
                let mut places = 0;
                for node in ring.iter() {
                    place[node.index()] = Some(places);
                    places += 1;
                }
                if places == 3 {
                    // The nearest majority of three is all three; so that each sees another one, the ring is a path.
                    return Some(Cut::Groups(
                        place.iter().map(|place| place.filter(|place| *place != 1)).collect(),
                    ));
                }
                // Of p nodes a majority is floor(p/2) others; half of them, rounded up, on either side.
                Some(Cut::Ring { place, places, reach: (places / 2).div_ceil(2) })
            }
            FaultKind::Cut { from, to } => {
                Some(Cut::OneWay(NodeBits::of(from.iter(), count), NodeBits::of(to.iter(), count)))
            }
            FaultKind::Link(_)
            | FaultKind::Crash(_)
            | FaultKind::Wipe(_)
            | FaultKind::Pause(_)
            | FaultKind::Skew(_) => None,
        }
    }

    /// The nodes whose hosts it takes down or holds.
    pub(crate) fn hosts(&self) -> Option<&NodeSet> {
        match &self.fault {
            FaultKind::Crash(nodes) | FaultKind::Wipe(nodes) | FaultKind::Pause(nodes) => Some(nodes),
            FaultKind::Partition(_) | FaultKind::Cut { .. } | FaultKind::Link(_) | FaultKind::Skew(_) => None,
        }
    }
}

fn repeated(nodes: &NodeSet) -> Option<String> {
    let mut all: Vec<NodeId> = nodes.iter().collect();
    all.sort_unstable();
    all.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| format!("{} is named twice", pair[0]))
}

/// Draws a partition over all numbers, absent ones included, so that taking a node out moves nobody else.
fn draw_partition(kind: DrawnPartition, members: &Members, stream: &mut Stream) -> Partition {
    let mut order: Vec<NodeId> = (0..members.count()).map(NodeId).collect();
    stream.shuffle(&mut order);
    let set = |nodes: &[NodeId]| {
        let mut nodes = nodes.to_vec();
        nodes.sort_unstable();
        Group::Nodes(NodeSet::of(nodes))
    };
    let split = |at: usize| match at {
        0 => Partition::Groups(vec![set(&order), Group::Rest]),
        at => Partition::Groups(vec![set(&order[..at]), Group::Rest]),
    };
    match kind {
        DrawnPartition::Halves => split(order.len() / 2),
        DrawnPartition::IsolateOne => split(1),
        DrawnPartition::MinorityThird => split(order.len() / 3),
        DrawnPartition::Ring => Partition::Ring { ring: NodeSet::of(order) },
        DrawnPartition::Bridge if order.len() < 3 => split(order.len() / 2),
        DrawnPartition::Bridge => {
            let half = (order.len() - 1) / 2;
            Partition::Groups(vec![set(&order[1..=half]), set(&order[half + 1..])])
        }
    }
}

/// One end of a fault: at `at`, fault number `fault` begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) at: Time,
    pub(crate) side: Side,
    pub(crate) fault: usize,
}

/// Which end of an interval. Beginnings come first at one instant, so that adjoining crashes are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Side {
    Begin,
    End,
}

/// All ends of all faults in order of time, the latest first; nothing outlasts the storm.
pub(crate) fn edges(faults: &[Fault], storm_end: Time) -> Vec<Edge> {
    let mut edges = Vec::with_capacity(2 * faults.len());
    for (fault, it) in faults.iter().enumerate() {
        let end = it.lasts.map_or(storm_end, |span| it.at + span).min(storm_end);
        if it.at < end {
            edges.push(Edge { at: it.at, side: Side::Begin, fault });
            edges.push(Edge { at: end, side: Side::End, fault });
        }
    }
    edges.sort_by_key(|edge| std::cmp::Reverse((edge.at, edge.side, edge.fault)));
    edges
}
