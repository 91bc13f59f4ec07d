//! The seeded network: what becomes of a message, and which links are cut. It has no clock and knows no message.
//!
//! A message's fate is drawn when it is sent, from a key that names it; whether its link is cut is looked at only when
//! it is due. Faults edit what is here, messages only read it, at a cost that grows with the faults in force and with
//! nothing else: a link exists only while something overrides it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Members, NodeId, NodeSet};
use crate::node::Node;
use crate::ratio::{Chance, Odds};
use crate::rng::{Before, Keys, Stream, Tally};
use crate::sim::Setup;
use crate::time::{Span, Time};

/// How long a message is under way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Latency {
    /// Always this long.
    Constant(Span),
    /// Uniformly from `min` to `max`, both included.
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// Exponentially distributed.
    Exponential {
        /// The mean.
        mean: Span,
    },
    /// Log-normally distributed.
    Lognormal {
        /// The median.
        median: Span,
        /// The standard deviation of the logarithm; 0 to 10.
        sigma: f64,
    },
}

impl Latency {
    /// No time at all.
    pub const ZERO: Latency = Latency::Constant(Span::ZERO);

    #[inline]
    fn draw(self, stream: &mut Stream) -> Span {
        match self {
            Latency::Constant(span) => span,
            Latency::Uniform { min, max } => stream.span(min, max),
            Latency::Exponential { mean } => stream.exponential(mean),
            Latency::Lognormal { median, sigma } => stream.lognormal(median, sigma),
        }
    }

    /// What is wrong with it beyond what its type refuses.
    pub fn problem(self) -> Option<String> {
        match self {
            Latency::Uniform { min, max } if min > max => Some(format!("min {min} is longer than max {max}")),
            Latency::Lognormal { sigma, .. } if !(0.0..=10.0).contains(&sigma) => {
                Some(format!("sigma {sigma} is not from 0 to 10"))
            }
            Latency::Constant(_)
            | Latency::Uniform { .. }
            | Latency::Exponential { .. }
            | Latency::Lognormal { .. } => None,
        }
    }
}

/// The order of arrival on a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As the latencies fall: messages overtake each other.
    #[default]
    Any,
    /// A message never overtakes an earlier one of the same link.
    Fifo,
}

/// When a node takes what is sent to it, and when a cut is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Everything arrives when it is due; a cut drops what is due while it lasts.
    #[default]
    Ideal,
    /// As with Maelstrom, a node's one deliverer holds what it has taken until it is due, and nothing else, a request
    /// neither, reaches the node meanwhile; a cut is judged when it is taken; latencies are whole milliseconds.
    Maelstrom,
}

impl Profile {
    /// As much of a latency as counts.
    #[inline]
    fn whole(self, latency: Span) -> Span {
        match self {
            Profile::Ideal => latency,
            Profile::Maelstrom => Span::from_millis(latency.as_millis()),
        }
    }
}

/// How a set of links differs from the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkChange {
    /// The senders; all nodes unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NodeSet>,
    /// The receivers; all nodes unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<NodeSet>,
    /// The latency there; unchanged unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<Latency>,
    /// The chance there that a message is lost; unchanged unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Chance>,
    /// The chance there that a message arrives twice; unchanged unless named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<Chance>,
}

/// The network of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// How long a message is under way between nodes.
    pub latency: Latency,
    /// How long a request or a reply is under way between a client and a node.
    pub client_latency: Latency,
    /// The chance that a message is lost.
    pub loss: Chance,
    /// The chance that a message arrives twice, each copy with a latency of its own.
    pub duplicate: Chance,
    /// The order of arrival on each link.
    pub order: Order,
    /// Links that differ from the rest for the whole run; the later in the list wins.
    pub links: Vec<LinkChange>,
}

impl Default for NetworkConfig {
    fn default() -> NetworkConfig {
        NetworkConfig {
            latency: Latency::ZERO,
            client_latency: Latency::ZERO,
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            order: Order::Any,
            links: Vec::new(),
        }
    }
}

/// Nodes as a bit set, made for asking often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NodeBits(Vec<u64>);

impl NodeBits {
    pub(crate) fn of(nodes: impl IntoIterator<Item = NodeId>, count: u32) -> NodeBits {
        let mut bits = vec![0; count.div_ceil(64) as usize];
        nodes.into_iter().for_each(|node| bits[node.index() / 64] |= 1 << (node.0 % 64));
        NodeBits(bits)
    }

    pub(crate) fn contains(&self, node: NodeId) -> bool {
        self.0[node.index() / 64] & (1 << (node.0 % 64)) != 0
    }
}

/// Which links a fault cuts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Between nodes of different groups; a node in no group keeps its links.
    Groups(Vec<Option<u32>>),
    /// From these to those, one way.
    OneWay(NodeBits, NodeBits),
    /// Between nodes further apart than `reach` places on a ring of all `places`.
    Ring { place: Vec<Option<u32>>, places: u32, reach: u32 },
}

impl Cut {
    fn cuts(&self, src: NodeId, dst: NodeId) -> bool {
        match self {
            Cut::Groups(groups) => match (groups[src.index()], groups[dst.index()]) {
                (Some(a), Some(b)) => a != b,
                (Some(_) | None, _) => false,
            },
            Cut::OneWay(from, to) => from.contains(src) && to.contains(dst),
            Cut::Ring { place, places, reach } => match (place[src.index()], place[dst.index()]) {
                (Some(a), Some(b)) => a.abs_diff(b).min(places - a.abs_diff(b)) > *reach,
                (Some(_) | None, _) => false,
            },
        }
    }
}

/// A [`LinkChange`] in force, or waiting for its fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Override {
    pub(crate) from: Option<NodeBits>,
    pub(crate) to: Option<NodeBits>,
    pub(crate) latency: Option<Latency>,
    pub(crate) loss: Option<Chance>,
    pub(crate) duplicate: Option<Chance>,
}

impl Override {
    pub(crate) fn new(change: &LinkChange, members: &Members) -> Override {
        let bits =
            |nodes: &Option<NodeSet>| nodes.as_ref().map(|nodes| NodeBits::of(nodes.iter(), members.count()));
        Override {
            from: bits(&change.from),
            to: bits(&change.to),
            latency: change.latency,
            loss: change.loss,
            duplicate: change.duplicate,
        }
    }

    fn covers(&self, src: NodeId, dst: NodeId) -> bool {
        self.from.as_ref().is_none_or(|from| from.contains(src))
            && self.to.as_ref().is_none_or(|to| to.contains(dst))
    }
}

/// What becomes of a message, as far as its sending decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Lost,
    Once(Time),
    Twice(Time, Time),
}

/// A place in the schedule's list of faults.
pub(crate) type FaultIndex = usize;

/// The state of all links.
#[derive(Clone, Debug)]
pub(crate) struct Network {
    keys: Keys,
    client_keys: Keys,
    base: Link,
    client_latency: Latency,
    permanent: Vec<Override>,
    /// By their faults' places in the file, so that the later wins.
    overrides: BTreeMap<FaultIndex, Override>,
    cuts: BTreeMap<FaultIndex, Cut>,
    sends: Tally,
    asks: Tally,
    /// The last due instant of each link that has been used, if links keep the order.
    fifo: Option<BTreeMap<(NodeId, NodeId), Time>>,
    profile: Profile,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Link {
    latency: Latency,
    loss: Odds,
    duplicate: Odds,
    /// The latency if nothing about a message is left to chance.
    certain: Option<Span>,
}

impl Link {
    fn new(latency: Latency, loss: Odds, duplicate: Odds) -> Link {
        let certain = match latency {
            Latency::Constant(span) => (loss == Odds::NONE && duplicate == Odds::NONE).then_some(span),
            Latency::Uniform { .. } | Latency::Exponential { .. } | Latency::Lognormal { .. } => None,
        };
        Link { latency, loss, duplicate, certain }
    }

    /// The draws come in a fixed order (loss, duplicate, latency, the copy's latency), so that a higher loss loses the
    /// same messages and more.
    #[inline(always)]
    fn draw(&self, profile: Profile, now: Time, mut stream: Stream) -> Fate {
        let (lost, twice) = (self.loss.happen(stream.word()), self.duplicate.happen(stream.word()));
        if lost {
            return Fate::Lost;
        }
        let due = now + profile.whole(self.latency.draw(&mut stream));
        if twice {
            Fate::Twice(due, now + profile.whole(self.latency.draw(&mut stream)))
        } else {
            Fate::Once(due)
        }
    }
}

impl Network {
    pub(crate) fn new<N: Node>(setup: &Setup<N>) -> Network {
        let Setup { seed, reseed, network: config, profile, members, .. } = setup;
        Network {
            keys: Keys::new(*seed, *reseed, "net"),
            client_keys: Keys::new(*seed, *reseed, "client"),
            base: Link::new(config.latency, config.loss.odds(), config.duplicate.odds()),
            client_latency: config.client_latency,
            permanent: config.links.iter().map(|change| Override::new(change, members)).collect(),
            overrides: BTreeMap::new(),
            cuts: BTreeMap::new(),
            sends: Tally::default(),
            asks: Tally::default(),
            fifo: (config.order == Order::Fifo).then(BTreeMap::new),
            profile: *profile,
        }
    }

    pub(crate) fn begin_cut(&mut self, fault: FaultIndex, cut: Cut) {
        self.cuts.insert(fault, cut);
    }

    pub(crate) fn begin_override(&mut self, fault: FaultIndex, change: Override) {
        self.overrides.insert(fault, change);
    }

    pub(crate) fn end(&mut self, fault: FaultIndex) {
        self.cuts.remove(&fault);
        self.overrides.remove(&fault);
    }

    /// The fault that cuts the link now, the first in the file if several do.
    #[inline]
    pub(crate) fn cut(&self, src: NodeId, dst: NodeId) -> Option<FaultIndex> {
        if self.cuts.is_empty() { None } else { self.first_cut(src, dst) }
    }

    #[cold]
    fn first_cut(&self, src: NodeId, dst: NodeId) -> Option<FaultIndex> {
        self.cuts.iter().find(|(_, cut)| cut.cuts(src, dst)).map(|(fault, _)| *fault)
    }

    #[cold]
    fn changed_link(&self, src: NodeId, dst: NodeId) -> Link {
        let Link { mut latency, mut loss, mut duplicate, .. } = self.base;
        for change in
            self.permanent.iter().chain(self.overrides.values()).filter(|change| change.covers(src, dst))
        {
            latency = change.latency.unwrap_or(latency);
            loss = change.loss.map_or(loss, Chance::odds);
            duplicate = change.duplicate.map_or(duplicate, Chance::odds);
        }
        Link::new(latency, loss, duplicate)
    }

    /// Says whether whoever sends next may have sent before at this very instant.
    #[inline]
    pub(crate) fn begin_sends(&mut self, now: Time, before: Before) {
        self.sends.compare(now, before);
    }

    /// Draws the fate of a message sent now.
    #[inline(always)]
    pub(crate) fn route(&mut self, src: NodeId, dst: NodeId, now: Time) -> Fate {
        let plain = self.permanent.is_empty() && self.overrides.is_empty();
        let changed;
        let link = if plain {
            &self.base
        } else {
            changed = self.changed_link(src, dst);
            &changed
        };
        let fate = match link.certain {
            // Links change before anything is sent at an instant: no draw of this instant needs this one counted.
            Some(latency) => Fate::Once(now + self.profile.whole(latency)),
            None => {
                let pair = u64::from(src.0) << 32 | u64::from(dst.0);
                let earlier = self.sends.next(now, (pair, 0));
                let key = self.keys.at(now).with(pair).with(now.as_nanos()).with(earlier);
                link.draw(self.profile, now, key.stream())
            }
        };
        if self.fifo.is_none() { fate } else { self.in_order(src, dst, fate) }
    }

    #[cold]
    fn in_order(&mut self, src: NodeId, dst: NodeId, fate: Fate) -> Fate {
        let Some(last) = &mut self.fifo else { return fate };
        let mut after = |due: Time| {
            let last = last.entry((src, dst)).or_default();
            *last = due.max(*last);
            *last
        };
        match fate {
            Fate::Lost => Fate::Lost,
            Fate::Once(due) => Fate::Once(after(due)),
            Fate::Twice(a, b) => {
                let first = after(a.min(b));
                Fate::Twice(first, after(a.max(b)))
            }
        }
    }

    /// When what passes between a client and a node now will be there. Such links know latency and nothing else.
    pub(crate) fn client_due(&mut self, client: u32, node: NodeId, way: Way, now: Time) -> Time {
        if let Latency::Constant(span) = self.client_latency {
            return now + span;
        }
        let pair = u64::from(client) << 32 | u64::from(node.0);
        let earlier = self.asks.next(now, (pair, way as u64));
        let mut stream =
            self.client_keys.at(now).with(pair).with(way as u64).with(now.as_nanos()).with(earlier).stream();
        now + self.client_latency.draw(&mut stream)
    }
}

/// The direction of what passes between a client and a node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Request,
    Response,
}
