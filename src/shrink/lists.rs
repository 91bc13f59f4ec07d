//! The lists of a scenario whose entries can be left out: faults, operations, nodes.
//!
//! A node that is left out becomes absent, so that nobody else is renamed; what is said of it goes, too.

use std::ops::Range;

use super::cut;
use crate::id::{NodeId, NodeSet};
use crate::scenario::Scenario;
use crate::sim::fault::{Fault, FaultKind, Group, Partition};

/// A list whose entries can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Faults,
    Operations,
    Nodes,
}

impl List {
    pub(super) const FIRST: List = List::Faults;

    pub(super) fn next(self) -> Option<List> {
        match self {
            List::Faults => Some(List::Operations),
            List::Operations => Some(List::Nodes),
            List::Nodes => None,
        }
    }

    pub(super) fn length(self, scenario: &Scenario) -> usize {
        match self {
            List::Faults => scenario.faults.len(),
            List::Operations => scenario.operations.as_ref().map_or(0, Vec::len),
            List::Nodes => scenario.members().present() as usize,
        }
    }

    /// The scenario without these entries; `None` if they cannot all be left out. One node and one operation
    /// stay.
    pub(super) fn without(self, scenario: &Scenario, range: Range<usize>) -> Option<Scenario> {
        let without = self.left_over(scenario, range)?;
        let asked = |scenario: &Scenario| scenario.operations.as_ref().is_some_and(|all| !all.is_empty());
        (asked(&without) || !asked(scenario)).then_some(without)
    }

    fn left_over(self, scenario: &Scenario, range: Range<usize>) -> Option<Scenario> {
        match self {
            List::Faults => Some(Scenario { faults: cut(&scenario.faults, range), ..scenario.clone() }),
            List::Operations => {
                let operations = scenario.operations.as_ref().map(|all| cut(all, range));
                Some(Scenario { operations, ..scenario.clone() })
            }
            List::Nodes => {
                let present: Vec<NodeId> = scenario.members().iter().collect();
                let out = NodeSet::of(present[range].iter().copied());
                (out.iter().count() < present.len()).then(|| without_nodes(scenario, &out))
            }
        }
    }
}

fn without_nodes(scenario: &Scenario, out: &NodeSet) -> Scenario {
    let operations = scenario.operations.as_ref().map(|all| {
        let left = all.iter().filter(|operation| !out.contains(operation.node));
        left.cloned().collect()
    });
    let mut absent: Vec<NodeId> = scenario.absent.iter().chain(out.iter()).collect();
    absent.sort_unstable();
    Scenario {
        absent: NodeSet::of(absent),
        operations,
        faults: scenario.faults.iter().filter_map(|fault| unspoken(fault, out)).collect(),
        ..scenario.clone()
    }
}

/// The fault without a word of these nodes; `None` if nothing is left of it.
fn unspoken(fault: &Fault, out: &NodeSet) -> Option<Fault> {
    let fewer = |nodes: &NodeSet| {
        let left = NodeSet::of(nodes.iter().filter(|node| !out.contains(*node)));
        (!left.is_empty()).then_some(left)
    };
    let kind = match &fault.fault {
        FaultKind::Partition(Partition::Groups(groups)) => {
            let group = |group: &Group| match group {
                Group::Nodes(nodes) => fewer(nodes).map(Group::Nodes),
                Group::Rest => Some(Group::Rest),
            };
            let groups: Vec<Group> = groups.iter().filter_map(group).collect();
            (groups.len() > 1).then_some(FaultKind::Partition(Partition::Groups(groups)))
        }
        FaultKind::Partition(Partition::Ring { ring }) => {
            fewer(ring).map(|ring| FaultKind::Partition(Partition::Ring { ring }))
        }
        FaultKind::Partition(Partition::Drawn(_)) => unreachable!("a scenario to be shrunk draws nothing"),
        FaultKind::Cut { from, to } => {
            fewer(from).zip(fewer(to)).map(|(from, to)| FaultKind::Cut { from, to })
        }
        FaultKind::Link(change) => {
            let (from, to) = (change.from.as_ref().map(fewer), change.to.as_ref().map(fewer));
            let gone = matches!(from, Some(None)) || matches!(to, Some(None));
            let mut change = change.clone();
            (change.from, change.to) = (from.flatten(), to.flatten());
            (!gone).then_some(FaultKind::Link(change))
        }
        FaultKind::Crash(nodes) => fewer(nodes).map(FaultKind::Crash),
        FaultKind::Wipe(nodes) => fewer(nodes).map(FaultKind::Wipe),
        FaultKind::Pause(nodes) => fewer(nodes).map(FaultKind::Pause),
        FaultKind::Skew(skew) => fewer(&skew.nodes).map(|nodes| {
            let mut skew = skew.clone();
            skew.nodes = nodes;
            FaultKind::Skew(skew)
        }),
    };
    kind.map(|kind| Fault { fault: kind, ..fault.clone() })
}
