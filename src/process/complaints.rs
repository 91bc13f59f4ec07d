//! What nodes do wrong as processes: the first of each kind is told, the rest are counted.

use crate::id::NodeId;
use crate::time::Time;
use crate::workload::Problem;

/// What has been complained of, in the order of the first of each kind of each node.
#[derive(Debug, Default)]
pub(super) struct Complaints(Vec<Complaint>);

#[derive(Debug)]
struct Complaint {
    node: NodeId,
    kind: &'static str,
    text: String,
    more: u64,
}

impl Complaints {
    /// Complains of a node; the text follows its name.
    pub(super) fn add(&mut self, node: NodeId, at: Time, kind: &'static str, text: String) {
        match self.0.iter_mut().find(|other| other.node == node && other.kind == kind) {
            Some(first) => first.more += 1,
            None => self.0.push(Complaint { node, kind, text: format!("{node}, {at}: {text}"), more: 0 }),
        }
    }

    /// Whether any node has been complained of for this.
    pub(super) fn any(&self, kind: &str) -> bool {
        self.0.iter().any(|complaint| complaint.kind == kind)
    }

    /// The complaints as problems of the run.
    pub(super) fn problems(self) -> Vec<Problem> {
        let problem = |Complaint { kind, text, more, .. }: Complaint| {
            let text = if more > 0 { format!("{text} (and {more} more like this)") } else { text };
            Problem { kind: kind.into(), text, value: None }
        };
        self.0.into_iter().map(problem).collect()
    }
}
