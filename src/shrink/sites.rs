//! The sites of a scenario: everything beside its lists that has a simpler value.
//!
//! Every value that a site proposes is simpler than the one that is there by a measure that only falls (a length, an
//! instant, a count of nodes, nothing in place of something), so that the search ends. What a run is held to is no site:
//! with less time to settle, or a client that waits less, anything would fail in the end.

use crate::id::NodeSet;
use crate::ratio::Chance;
use crate::scenario::document::{Document, Raw};
use crate::scenario::{Choice, ExplicitOperation, Scenario};
use crate::sim::fault::{Fault, FaultKind};
use crate::sim::network::{Latency, NetworkConfig, Order, Profile};
use crate::time::{Span, Time};

/// Something that can be made simpler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// The network: its chances, latencies and peculiarities.
    Network,
    /// Numbers that no node and no client bears any more.
    Numbers,
    /// All instants and lengths at once, to round ones.
    AllTimes,
    /// Everything earlier by the same.
    Shift,
    /// How long one fault lasts.
    Length(usize),
    /// Whom one fault befalls.
    Befallen(usize),
    /// When one fault begins.
    Fault(usize),
    /// When one operation is asked.
    Operation(usize),
    /// When the storm ends.
    Limit,
}

/// Instants and lengths are rounded to these, in milliseconds, the coarsest first.
const ROUND: [u64; 5] = [10_000, 1_000, 100, 10, 1];

impl Site {
    pub(super) const fn first() -> Site {
        Site::Network
    }

    pub(super) fn next(self, scenario: &Scenario) -> Option<Site> {
        let (faults, operations) = (scenario.faults.len(), scenario.operations.as_ref().map_or(0, Vec::len));
        let in_faults =
            |site: fn(usize) -> Site, at: usize, then: Site| if at < faults { site(at) } else { then };
        let operation = |at| if at < operations { Site::Operation(at) } else { Site::Limit };
        Some(match self {
            Site::Network => Site::Numbers,
            Site::Numbers => Site::AllTimes,
            Site::AllTimes => Site::Shift,
            Site::Shift => in_faults(Site::Length, 0, operation(0)),
            Site::Length(at) => Site::Befallen(at),
            Site::Befallen(at) => Site::Fault(at),
            Site::Fault(at) => in_faults(Site::Length, at + 1, operation(0)),
            Site::Operation(at) => operation(at + 1),
            Site::Limit => return None,
        })
    }

    /// The scenario with each simpler value in this place, the simplest first.
    pub(super) fn simpler(self, scenario: &Scenario) -> Vec<Scenario> {
        let with = |change: &dyn Fn(&mut Scenario)| {
            let mut simpler = scenario.clone();
            change(&mut simpler);
            simpler
        };
        let fault = |at: usize, change: &dyn Fn(&mut Fault)| with(&|it| change(&mut it.faults[at]));
        match self {
            Site::Network => network(&scenario.network)
                .into_iter()
                .map(|network| with(&|it| it.network = network.clone()))
                .chain((scenario.profile != Profile::Ideal).then(|| with(&|it| it.profile = Profile::Ideal)))
                .collect(),
            Site::Numbers => numbers(scenario),
            Site::AllTimes => ROUND.into_iter().filter_map(|millis| all_rounded(scenario, millis)).collect(),
            Site::Shift => earlier(scenario),
            Site::Length(at) => match scenario.faults[at].lasts {
                None => Vec::new(),
                Some(lasts) => lengths(lasts, Span::from_millis(1))
                    .map(|lasts| fault(at, &|it| it.lasts = Some(lasts)))
                    .collect(),
            },
            Site::Befallen(at) => befallen(&scenario.faults[at].fault)
                .into_iter()
                .map(|kind| fault(at, &|it| it.fault = kind.clone()))
                .collect(),
            Site::Fault(at) => {
                rounded(scenario.faults[at].at).map(|time| fault(at, &|it| it.at = time)).collect()
            }
            Site::Operation(at) => {
                let operations = scenario.operations.as_deref().unwrap_or_default();
                let moved = |time| {
                    with(&|it| {
                        if let Some(operations) = &mut it.operations {
                            operations[at].at = time;
                        }
                    })
                };
                rounded(operations[at].at).map(moved).collect()
            }
            Site::Limit => limits(scenario),
        }
    }
}

/// Nothing instead of chance, no time instead of some; latencies that are always the same.
fn network(network: &NetworkConfig) -> Vec<NetworkConfig> {
    let mut simpler = Vec::new();
    let mut with = |simple: NetworkConfig| simpler.extend((simple != *network).then_some(simple));
    with(NetworkConfig::default());
    with(NetworkConfig { loss: Chance::NEVER, ..network.clone() });
    with(NetworkConfig { duplicate: Chance::NEVER, ..network.clone() });
    with(NetworkConfig { links: Vec::new(), ..network.clone() });
    with(NetworkConfig { order: Order::Any, ..network.clone() });
    with(NetworkConfig { client_latency: Latency::ZERO, ..network.clone() });
    for latency in latencies(network.latency) {
        with(NetworkConfig { latency, ..network.clone() });
    }
    simpler
}

fn latencies(latency: Latency) -> Vec<Latency> {
    let (typical, constant) = match latency {
        Latency::Constant(span) => (span, true),
        Latency::Uniform { max, .. } => (max, false),
        Latency::Exponential { mean } => (mean, false),
        Latency::Lognormal { median, .. } => (median, false),
    };
    let mut spans: Vec<Span> = lengths(typical, Span::ZERO).collect();
    spans.extend((!constant).then_some(typical));
    spans.into_iter().map(Latency::Constant).collect()
}

/// As many nodes as bear a number, clients numbered like the nodes they ask, and as many as are named.
fn numbers(scenario: &Scenario) -> Vec<Scenario> {
    let mut simpler = Vec::new();
    let last = scenario.members().iter().last().map_or(0, |node| node.0);
    if last + 1 < scenario.nodes {
        let absent = NodeSet::of(scenario.absent.iter().filter(|node| node.0 <= last));
        simpler.push(Scenario { nodes: last + 1, absent, ..scenario.clone() });
    }
    let by_node =
        |operation: &ExplicitOperation| ExplicitOperation { client: operation.node.0, ..operation.clone() };
    let operations = scenario.operations.as_deref().unwrap_or_default();
    if operations.iter().any(|operation| operation.client > operation.node.0) {
        let operations = Some(operations.iter().map(by_node).collect());
        simpler.push(Scenario { operations, concurrency: None, ..scenario.clone() });
    }
    if scenario.concurrency.is_some() {
        simpler.push(Scenario { concurrency: None, ..scenario.clone() });
    }
    simpler
}

/// Shorter lengths, the shortest first: the least, a half, and what is rounder.
fn lengths(length: Span, least: Span) -> impl Iterator<Item = Span> {
    let half = Span::from_nanos(length.as_nanos() / 2);
    let round = |millis: u64| Span::from_millis(length.as_millis() / millis * millis);
    let mut shorter: Vec<Span> = ROUND.into_iter().map(round).chain([half, least]).collect();
    shorter.retain(|span| *span < length && *span >= least);
    shorter.sort_unstable();
    shorter.dedup();
    shorter.into_iter()
}

/// Earlier instants that are rounder, the roundest first: the beginning of the run is rounder than any.
fn rounded(time: Time) -> impl Iterator<Item = Time> {
    let round =
        move |millis: u64| Time::from_nanos(time.as_nanos() / (millis * 1_000_000) * (millis * 1_000_000));
    let earlier = std::iter::once(Time::ZERO).chain(ROUND.map(round));
    let mut earlier: Vec<Time> = earlier.filter(|earlier| *earlier < time).collect();
    earlier.dedup();
    earlier.into_iter()
}

fn all_rounded(scenario: &Scenario, millis: u64) -> Option<Scenario> {
    let unit = millis * 1_000_000;
    let round = |time: Time| Time::from_nanos(time.as_nanos() / unit * unit);
    let mut simpler = scenario.clone();
    for operation in simpler.operations.iter_mut().flatten() {
        operation.at = round(operation.at);
    }
    for fault in &mut simpler.faults {
        fault.at = round(fault.at);
        fault.lasts = fault.lasts.map(|lasts| {
            let whole = Span::from_nanos(lasts.as_nanos() / unit * unit);
            if whole == Span::ZERO { lasts } else { whole }
        });
    }
    let same = |a: &Scenario, b: &Scenario| {
        let times = |it: &Scenario| it.operations.iter().flatten().map(|it| it.at).collect::<Vec<_>>();
        times(a) == times(b) && a.faults == b.faults
    };
    (!same(&simpler, scenario)).then_some(simpler)
}

/// The instants at which anything is asked or begins.
fn instants(scenario: &Scenario) -> impl Iterator<Item = Time> {
    let operations = scenario.operations.iter().flatten().map(|operation| operation.at);
    operations.chain(scenario.faults.iter().map(|fault| fault.at))
}

/// Everything earlier by as much as comes before the first, or by a half of that.
fn earlier(scenario: &Scenario) -> Vec<Scenario> {
    let first = instants(scenario).min().unwrap_or_default() - Time::ZERO;
    let by = |span: Span| {
        let move_up = |time: Time| Time::from_nanos(time.as_nanos() - span.as_nanos());
        let mut simpler = scenario.clone();
        simpler.operations.iter_mut().flatten().for_each(|operation| operation.at = move_up(operation.at));
        simpler.faults.iter_mut().for_each(|fault| fault.at = move_up(fault.at));
        simpler
    };
    let spans = [first, Span::from_nanos(first.as_nanos() / 2)];
    spans.into_iter().filter(|span| *span > Span::from_millis(1)).map(by).collect()
}

/// The same fault for one node less.
fn befallen(kind: &FaultKind) -> Vec<FaultKind> {
    let fewer = |nodes: &NodeSet| {
        let all: Vec<_> = nodes.iter().collect();
        let without = |at: usize| {
            NodeSet::of(all.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, node)| *node))
        };
        if all.len() < 2 { Vec::new() } else { (0..all.len()).map(without).collect() }
    };
    match kind {
        FaultKind::Crash(nodes) => fewer(nodes).into_iter().map(FaultKind::Crash).collect(),
        FaultKind::Wipe(nodes) => fewer(nodes).into_iter().map(FaultKind::Wipe).collect(),
        FaultKind::Pause(nodes) => fewer(nodes).into_iter().map(FaultKind::Pause).collect(),
        FaultKind::Skew(skew) => {
            let with = |nodes| {
                let mut skew = skew.clone();
                skew.nodes = nodes;
                FaultKind::Skew(skew)
            };
            fewer(&skew.nodes).into_iter().map(with).collect()
        }
        FaultKind::Cut { from, to } => {
            let senders = fewer(from).into_iter().map(|from| FaultKind::Cut { from, to: to.clone() });
            let receivers = fewer(to).into_iter().map(|to| FaultKind::Cut { from: from.clone(), to });
            senders.chain(receivers).collect()
        }
        FaultKind::Partition(_) | FaultKind::Link(_) => Vec::new(),
    }
}

/// Storms that end sooner, but not before the last that is asked or begins.
fn limits(scenario: &Scenario) -> Vec<Scenario> {
    let Some(limit) = time_limit(&scenario.workload) else { return Vec::new() };
    let last = instants(scenario).max().unwrap_or_default() - Time::ZERO;
    let end = |fault: &Fault| fault.lasts.map_or(Span::ZERO, |lasts| fault.at + lasts - Time::ZERO);
    let faults_end = scenario.faults.iter().map(end).max().unwrap_or_default();
    let up = |span: Span, millis: u64| Span::from_millis((span.as_millis() / millis + 1) * millis);
    let ends = [last, faults_end.max(last)].into_iter().flat_map(|end| ROUND.map(|millis| up(end, millis)));
    let mut sooner: Vec<Span> = ends.filter(|end| *end < limit).collect();
    sooner.sort_unstable();
    sooner.dedup();
    let with = |limit| Scenario { workload: with_limit(&scenario.workload, limit), ..scenario.clone() };
    sooner.into_iter().map(with).collect()
}

/// When the storm ends, as the workload's knobs say.
pub(super) fn time_limit(workload: &Choice) -> Option<Span> {
    let knobs = Document::parse("the workload", &workload.config.0).ok()?;
    knobs.get("time_limit")?.ok()
}

fn with_limit(workload: &Choice, limit: Span) -> Choice {
    let mut knobs = Document::parse("the workload", &workload.config.0).expect("its knobs were read before");
    knobs.set(&format!("time_limit={limit}")).expect("knobs are an object");
    Choice { name: workload.name.clone(), config: Raw(knobs.root().json()) }
}
