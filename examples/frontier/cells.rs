//! What the page is made of: which protocols with which knobs, on how many nodes, and what a run comes to.
//!
//! It knows no page and no plot. A run is that of the fidelity page: rate 100, 20 s, 100 ms from node to node.

use rumormill::node::Node;
use rumormill::protocol::{Registry as _, Visitor, builtin};
use rumormill::run::{Summary, run};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::{Document, Misfit};
use rumormill::sim::network::Profile;
use rumormill::sim::{Observer, Passage, Record};
use rumormill::stdio::wire::encode_body;
use rumormill::time::{Span, Time};
use rumormill::workload::{Metric, Verdict, Workload};

/// For how long clients ask.
const STORM: Span = Span::from_secs(20);

/// A cluster, and over how many seeds its figures are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) nodes: u32,
    pub(crate) seeds: u64,
}

pub(crate) const SIZES: [Size; 3] =
    [Size { nodes: 25, seeds: 20 }, Size { nodes: 100, seeds: 5 }, Size { nodes: 1_000, seeds: 2 }];

/// What the network does to messages between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weather {
    Calm,
    /// A random half and the rest cannot reach each other from 5 s to 15 s.
    Halves,
}

/// What a scenario and the page call a profile.
pub(crate) fn called(profile: Profile) -> &'static str {
    match profile {
        Profile::Ideal => "ideal",
        Profile::Maelstrom => "maelstrom",
    }
}

/// Rows that differ in one knob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// By fanout; notes are compared every second.
    Gossip,
    /// By how long the hub gathers; the rays gather nothing.
    Star,
    /// By how long every node gathers.
    Tree,
    /// By period.
    Relay,
}

impl Family {
    pub(crate) const ALL: [Family; 4] = [Family::Gossip, Family::Star, Family::Tree, Family::Relay];

    pub(crate) fn title(self) -> &'static str {
        match self {
            Family::Gossip => "gossip",
            Family::Star => "flood on a star",
            Family::Tree => "flood on tree4",
            Family::Relay => "relay",
        }
    }

    fn knobs(self, nodes: u32) -> &'static [u32] {
        match (self, nodes) {
            (Family::Gossip, 25) => &[2, 3, 4, 6, 8],
            (Family::Gossip, 100) => &[2, 4, 8],
            (Family::Gossip, _) => &[2, 4],
            (Family::Star, 25 | 100) => &[0, 200, 380, 1_000, 1_500],
            (Family::Star, _) => &[0, 380, 1_500],
            (Family::Tree, 25 | 100) => &[0, 50, 100, 200, 300],
            (Family::Tree, _) => &[0, 100, 200],
            (Family::Relay, 25) => &[200, 300, 360, 440, 700, 1_000, 1_300, 1_550, 1_620, 1_700, 2_000],
            (Family::Relay, 100) => &[200, 300, 440, 700, 1_000, 1_300, 1_700, 2_000],
            (Family::Relay, _) => &[440, 1_000, 1_700],
        }
    }
}

/// A line of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) family: Family,
    knob: u32,
}

/// All rows of a table.
pub(crate) fn rows(nodes: u32) -> impl Iterator<Item = Row> {
    let family =
        move |family: Family| family.knobs(nodes).iter().map(move |knob| Row { family, knob: *knob });
    Family::ALL.into_iter().flat_map(family)
}

/// What a run comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) msgs_per_op: f64,
    /// Of stable latencies, in milliseconds.
    pub(crate) median: f64,
    pub(crate) most: f64,
    /// By Maelstrom's definitions.
    pub(crate) is_valid: bool,
    pub(crate) is_strict: bool,
    /// In the calm with Maelstrom's queues.
    pub(crate) load: Option<Load>,
}

/// What the run asks of the network and of its busiest node.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Load {
    pub(crate) bytes_per_op: f64,
    /// Sent and received, a second, while clients ask: by the busiest node, and by a node in the mean.
    pub(crate) busiest_messages: f64,
    pub(crate) mean_messages: f64,
    pub(crate) busiest_bytes: f64,
}

impl Row {
    /// How the page calls it.
    pub(crate) fn name(self) -> String {
        let Row { family, knob } = self;
        match family {
            Family::Gossip => format!("{}, fanout {knob}", family.title()),
            Family::Star | Family::Tree | Family::Relay => format!("{}, {knob} ms", family.title()),
        }
    }

    fn protocol(self) -> (&'static str, String) {
        let knob = self.knob;
        match self.family {
            Family::Gossip => ("gossip", format!(r#"{{ "fanout": {knob} }}"#)),
            Family::Star => ("flood", format!(r#"{{ "overlay": "star", "hub_batch": "{knob}ms" }}"#)),
            Family::Tree => ("flood", format!(r#"{{ "overlay": {{ "tree": 4 }}, "batch": "{knob}ms" }}"#)),
            Family::Relay => ("relay", format!(r#"{{ "period": "{knob}ms" }}"#)),
        }
    }

    pub(crate) fn run(self, nodes: u32, profile: Profile, weather: Weather, seed: u64) -> Outcome {
        let (name, knobs) = self.protocol();
        let faults = match weather {
            Weather::Calm => "",
            Weather::Halves => r#"{ "at": "5s", "for": "10s", "fault": { "partition": "halves" } }"#,
        };
        let told = called(profile);
        let text = format!(
            r#"{{ "name": "frontier", "seed": {seed}, "nodes": {nodes}, "protocol": {{ "{name}": {knobs} }},
                  "network": {{ "latency": {{ "constant": "100ms" }} }}, "profile": "{told}", "faults": [{faults}],
                  "workload": {{ "broadcast": {{ "rate": 100, "time_limit": "{STORM}", "workers": "rotating" }} }} }}"#
        );
        let document = Document::parse("a row", &text).expect("it is JSON");
        let scenario = Scenario::read(&document).expect("it is a scenario");
        let is_weighed = weather == Weather::Calm && profile == Profile::Maelstrom;
        let scales = is_weighed.then(|| Scales::new(nodes));
        let Ok(ran) = builtin().with(name, Run { scenario, document, scales }) else {
            unreachable!("{name} is in the registry")
        };
        let (summary, scales) = ran.expect("its knobs fit");
        outcome(&summary, scales.as_ref())
    }
}

fn outcome(summary: &Summary, scales: Option<&Scales>) -> Outcome {
    let Some(Metric::Number(msgs_per_op)) = summary.metric("msgs_per_op") else {
        unreachable!("every run has messages per operation")
    };
    let millis = |name| {
        let Some(Metric::Span(span)) = summary.metric(name) else { unreachable!("values were stable") };
        span.as_millis() as f64
    };
    Outcome {
        msgs_per_op,
        median: millis("stable_latency_p50"),
        most: millis("stable_latency_max"),
        is_valid: summary.maelstrom == Verdict::Pass,
        is_strict: summary.verdict == Verdict::Pass,
        load: scales.map(|scales| scales.load(summary.counters.invocations)),
    }
}

struct Run {
    scenario: Scenario,
    document: Document,
    scales: Option<Scales>,
}

impl Visitor for Run {
    type Output = Result<(Summary, Option<Scales>), Misfit>;

    fn visit<W, N>(mut self) -> Self::Output
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let summary = run::<W, N, _>(&self.scenario, &self.document, &mut self.scales)?;
        Ok((summary, self.scales))
    }
}

/// Weighs every message at both its ends.
struct Scales {
    bytes: u64,
    /// For each node, while clients ask: messages, and their bytes.
    ends: Vec<(u64, u64)>,
    body: Vec<u8>,
}

impl Scales {
    fn new(nodes: u32) -> Scales {
        Scales { bytes: 0, ends: vec![(0, 0); nodes as usize], body: Vec::new() }
    }

    fn load(&self, operations: u64) -> Load {
        let a_second = |count: u64| count as f64 / STORM.as_secs_f64();
        let busiest = |count: fn(&(u64, u64)) -> u64| self.ends.iter().map(count).max().unwrap_or_default();
        let messages: u64 = self.ends.iter().map(|(messages, _)| messages).sum();
        Load {
            bytes_per_op: self.bytes as f64 / operations as f64,
            busiest_messages: a_second(busiest(|(messages, _)| *messages)),
            mean_messages: a_second(messages) / self.ends.len() as f64,
            busiest_bytes: a_second(busiest(|(_, bytes)| *bytes)),
        }
    }
}

impl<N: Node> Observer<N> for Scales {
    fn observe(&mut self, _: Time, record: &Record<'_, N>) {
        let (Record::Deliver(passage, message) | Record::Drop(passage, _, message)) = record else { return };
        self.body.clear();
        encode_body(&mut self.body, message).expect("a message is a flat body");
        let bytes = self.body.len() as u64;
        self.bytes += bytes;
        let Passage { src, dst, sent } = passage;
        if *sent < Time::ZERO + STORM {
            for end in [src, dst] {
                let (messages, weight) = &mut self.ends[end.0 as usize];
                *messages += 1;
                *weight += bytes;
            }
        }
    }
}
