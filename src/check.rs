//! Judging sets: what clients added, what they read, and what that says. It knows no node and no message.
//!
//! The figures are those of Jepsen's set-full checker as Maelstrom uses it (jepsen/src/jepsen/checker.clj). The strict
//! judgement beside them demands more: every acknowledged value in every live node's final read, none twice, none
//! that nobody added.

use indexmap::{IndexMap, IndexSet};

use crate::hash::BuildWordHasher;
use crate::id::{Members, NodeId};
use crate::time::{Span, Time};
use crate::value::Value;
use crate::workload::{Phase, Stamp, Verdict};

/// A value that a client added.
#[derive(Clone, Debug)]
pub struct Add<'a> {
    /// What it added.
    pub value: &'a Value,
    /// To which node.
    pub node: NodeId,
    /// When it asked.
    pub invoked: Stamp,
    /// When it was told that the value is in.
    pub acknowledged: Option<Stamp>,
}

/// A read that was answered.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    /// Whom it asked.
    pub node: NodeId,
    /// When in the run.
    pub phase: Phase,
    /// When the client asked.
    pub invoked: Stamp,
    /// When it heard.
    pub completed: Stamp,
    /// What it heard.
    pub values: &'a [Value],
}

/// What became of one value, by set-full.
#[derive(Clone, Debug)]
struct Element<'a> {
    value: &'a Value,
    added: &'a Add<'a>,
    acknowledged: Option<Stamp>,
    /// The acknowledgement or the completion of the first read that shows it, whichever came first.
    known: Option<Stamp>,
    /// The latest-invoked completed read that shows it.
    last_present: Option<Stamp>,
    /// The latest-invoked read, completed after the value was added, that lacks it.
    last_absent: Option<Stamp>,
}

impl Element<'_> {
    fn stable_latency(&self) -> Option<Span> {
        let (known, present) = (self.known?, self.last_present?);
        match self.last_absent {
            Some(absent) if absent.index > present.index => None,
            Some(absent) => Some((absent.at + Span::from_nanos(1)).since(known.at)),
            None => Some(Span::ZERO),
        }
    }

    fn is_lost(&self) -> bool {
        let (Some(known), Some(absent)) = (self.known, self.last_absent) else { return false };
        absent.index > known.index && self.last_present.is_none_or(|present| absent.index > present.index)
    }
}

/// The figures of set-full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetFull {
    /// Distinct values that clients tried to add.
    pub attempts: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Shown by the latest-invoked reads, with the time until they were, in whole milliseconds, in the order added.
    pub stable: Vec<(Value, u64)>,
    /// Known, but lacking in the latest-invoked read.
    pub lost: Vec<Value>,
    /// Neither stable nor lost.
    pub never_read: Vec<Value>,
    /// Values that some read shows twice or more.
    pub duplicated: Vec<Value>,
}

impl SetFull {
    /// The stable values whose latency is above 0.
    pub fn stale(&self) -> impl Iterator<Item = &(Value, u64)> {
        self.stable.iter().filter(|(_, latency)| *latency > 0)
    }

    /// The stable latency in milliseconds below which a share of the stable values lies: Maelstrom's quantile,
    /// `sorted[min(n - 1, floor(n q))]` with `q` in hundredths. `None` if no value is stable.
    pub fn stable_latency(&self, hundredths: usize) -> Option<u64> {
        let mut sorted: Vec<u64> = self.stable.iter().map(|(_, latency)| *latency).collect();
        sorted.sort_unstable();
        sorted.get((sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1))).copied()
    }

    /// Maelstrom's verdict: fail if a value is lost, unknown if none is stable.
    pub fn verdict(&self) -> Verdict {
        match (self.lost.is_empty(), self.stable.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, true) => Verdict::Unknown,
            (true, false) => Verdict::Pass,
        }
    }
}

/// Who first had a value, as far as forgiving it depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstTwo {
    /// The first node that had it, and when.
    pub first: (NodeId, Time),
    /// When a second node had it, too.
    pub second: Option<Time>,
}

/// What the strict judgement holds against a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strict {
    /// Acknowledged values with the live nodes whose final reads lack them.
    pub lost: Vec<(Value, Vec<NodeId>)>,
    /// The same, but forgiven: the acknowledging node lost its disk before any other node had the value.
    pub forgiven: Vec<(Value, Vec<NodeId>)>,
    /// Nodes that did not answer their own final read.
    pub silent: Vec<NodeId>,
    /// Values that a read of this node shows twice or more.
    pub duplicated: Vec<(Value, NodeId)>,
    /// Values that a read of this node shows and nobody had asked to add.
    pub invented: Vec<(Value, NodeId)>,
}

impl Strict {
    /// Fail if anything speaks against the run, unknown if nothing was acknowledged that could speak for it.
    pub fn verdict(&self, acknowledged: u64) -> Verdict {
        let clean = self.lost.is_empty()
            && self.silent.is_empty()
            && self.duplicated.is_empty()
            && self.invented.is_empty();
        match (clean, acknowledged) {
            (false, _) => Verdict::Fail,
            (true, 0) => Verdict::Unknown,
            (true, _) => Verdict::Pass,
        }
    }
}

/// A set's history with its values numbered.
#[derive(Debug)]
pub struct SetHistory<'a> {
    reads: &'a [Read<'a>],
    elements: IndexMap<&'a Value, Element<'a>, BuildWordHasher>,
    duplicated: IndexSet<(Value, NodeId), BuildWordHasher>,
    invented: IndexSet<(Value, NodeId), BuildWordHasher>,
}

impl<'a> SetHistory<'a> {
    /// Goes through the history once. Adds are in order of invocation; one value added twice counts as one.
    /// Takes time in proportion to reads x values.
    pub fn new(adds: &'a [Add<'a>], reads: &'a [Read<'a>]) -> SetHistory<'a> {
        let mut history = SetHistory {
            reads,
            elements: IndexMap::default(),
            duplicated: IndexSet::default(),
            invented: IndexSet::default(),
        };
        for added in adds {
            let new = || Element {
                value: added.value,
                added,
                acknowledged: None,
                known: None,
                last_present: None,
                last_absent: None,
            };
            let element = history.elements.entry(added.value).or_insert_with(new);
            element.acknowledged = earliest(element.acknowledged, added.acknowledged);
            element.known = element.acknowledged;
        }
        let mut shown_by = vec![usize::MAX; history.elements.len()];
        for (number, read) in reads.iter().enumerate() {
            history.read(number, read, &mut shown_by);
        }
        history
    }

    fn read(&mut self, number: usize, read: &Read<'_>, shown_by: &mut [usize]) {
        for value in read.values {
            match self.elements.get_index_of(value) {
                None => _ = self.invented.insert((value.clone(), read.node)),
                Some(at) if shown_by[at] == number => _ = self.duplicated.insert((value.clone(), read.node)),
                Some(at) => shown_by[at] = number,
            }
        }
        for (element, shown) in self.elements.values_mut().zip(&*shown_by) {
            if *shown == number {
                element.known = earliest(element.known, Some(read.completed));
                element.last_present = element.last_present.max(Some(read.invoked));
            } else if read.completed.index > element.added.invoked.index {
                element.last_absent = element.last_absent.max(Some(read.invoked));
            }
        }
    }

    /// The figures of set-full.
    pub fn set_full(&self) -> SetFull {
        let mut figures = SetFull { attempts: self.elements.len() as u64, ..SetFull::default() };
        for element in self.elements.values() {
            figures.acknowledged += u64::from(element.acknowledged.is_some());
            let value = element.value.clone();
            match element.stable_latency() {
                Some(latency) => figures.stable.push((value, latency.as_millis())),
                None if element.is_lost() => figures.lost.push(value),
                None => figures.never_read.push(value),
            }
        }
        let distinct: IndexSet<&Value, BuildWordHasher> =
            self.duplicated.iter().map(|(value, _)| value).collect();
        figures.duplicated = distinct.into_iter().cloned().collect();
        figures
    }

    /// What the strict judgement holds against the run. `spread` says who first had a value.
    pub fn strict(
        &self,
        members: &Members,
        wipes: &[(NodeId, Time)],
        spread: impl Fn(&Value) -> Option<FirstTwo>,
    ) -> Strict {
        let mut strict = Strict {
            duplicated: self.duplicated.iter().cloned().collect(),
            invented: self.invented.iter().cloned().collect(),
            ..Strict::default()
        };
        let acknowledged = self.elements.values().filter(|element| element.acknowledged.is_some());
        let acknowledged: IndexMap<&Value, &Element<'_>, BuildWordHasher> =
            acknowledged.map(|element| (element.value, element)).collect();
        let mut lacking: Vec<Vec<NodeId>> = vec![Vec::new(); acknowledged.len()];
        for node in members.iter() {
            let finals = self.reads.iter().filter(|read| read.phase == Phase::Final && read.node == node);
            let Some(last) = finals.max_by_key(|read| read.invoked) else {
                strict.silent.push(node);
                continue;
            };
            let mut shown = vec![false; acknowledged.len()];
            last.values
                .iter()
                .filter_map(|value| acknowledged.get_index_of(value))
                .for_each(|at| shown[at] = true);
            lacking
                .iter_mut()
                .zip(shown)
                .filter(|(_, shown)| !shown)
                .for_each(|(lacking, _)| lacking.push(node));
        }
        for (element, lacking) in
            acknowledged.values().zip(lacking).filter(|(_, lacking)| !lacking.is_empty())
        {
            let forgiven = is_forgiven(element, wipes, spread(element.value));
            let list = if forgiven { &mut strict.forgiven } else { &mut strict.lost };
            list.push((element.value.clone(), lacking));
        }
        strict
    }
}

/// Whether the acknowledging node lost its disk after it had acknowledged and before any other node had the value.
fn is_forgiven(element: &Element<'_>, wipes: &[(NodeId, Time)], spread: Option<FirstTwo>) -> bool {
    let (Some(acknowledged), Some(spread)) = (element.acknowledged, spread) else { return false };
    let holder = element.added.node;
    let others = if spread.first.0 == holder { spread.second } else { Some(spread.first.1) };
    wipes.iter().any(|(node, wiped)| {
        *node == holder && *wiped >= acknowledged.at && others.is_none_or(|others| others > *wiped)
    })
}

fn earliest(a: Option<Stamp>, b: Option<Stamp>) -> Option<Stamp> {
    [a, b].into_iter().flatten().min()
}
