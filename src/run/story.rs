//! The story of one value: who asked for it, whom it reached, and the last hop that failed.
//!
//! It knows no protocol: a message tells of the value if its hash shows it ([`mentions`]).

use crate::id::{ClientId, Members, NodeId, few};
use crate::node::Node;
use crate::sim::fault::Fault;
use crate::sim::{Observer, Passage, Record, Why};
use crate::time::Time;
use crate::value::{Value, mentions};

/// Follows one value through a run.
#[derive(Debug)]
pub(crate) struct Story<'a> {
    value: &'a Value,
    members: &'a Members,
    asked: Option<(ClientId, NodeId, Time)>,
    /// When each node first came to know it.
    reached: Vec<Option<Time>>,
    /// The last message with it that each node missed.
    missed: Vec<Option<(Passage, Why, Time)>>,
    wiped: Vec<Option<Time>>,
}

impl<'a> Story<'a> {
    pub(crate) fn new(value: &'a Value, members: &'a Members) -> Story<'a> {
        let count = members.count() as usize;
        Story {
            value,
            members,
            asked: None,
            reached: vec![None; count],
            missed: vec![None; count],
            wiped: vec![None; count],
        }
    }

    fn reach(&mut self, node: NodeId, at: Time) {
        self.reached[node.index()].get_or_insert(at);
    }

    pub(crate) fn tell(&self, faults: &[Fault]) -> String {
        let mut lines = Vec::new();
        match self.asked {
            Some((client, node, at)) => {
                lines.push(format!("value {}: {client} gave it to {node} at {at}", self.value))
            }
            None => lines.push(format!("value {}: no client asked for it", self.value)),
        }
        let had: Vec<NodeId> =
            self.members.iter().filter(|node| self.reached[node.index()].is_some()).collect();
        let lacking = self.members.iter().filter(|node| self.reached[node.index()].is_none());
        lines.push(format!("  had it, of {} nodes: {}", self.members.present(), few(&had)));
        for node in had.iter().filter(|node| self.wiped[node.index()] > self.reached[node.index()]).take(2) {
            let wiped = self.wiped[node.index()].unwrap_or_default();
            lines.push(format!("  {node} lost its disk at {wiped}"));
        }
        let (missed, unsent): (Vec<NodeId>, Vec<NodeId>) =
            lacking.partition(|node| self.missed[node.index()].is_some());
        let last = missed.iter().filter_map(|node| self.missed[node.index()]).max_by_key(|(_, _, at)| *at);
        if let Some((passage, why, at)) = last {
            let Passage { src, dst, sent } = passage;
            lines.push(format!(
                "  last hop that failed: {src} to {dst}, sent at {sent}, dropped at {at}: {}",
                because(why, faults)
            ));
        }
        if !unsent.is_empty() {
            lines.push(format!("  nobody ever sent it to {}", few(&unsent)));
        }
        lines.join("\n")
    }
}

impl<N: Node> Observer<N> for Story<'_> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::Invoke(_, client, node, request)
                if self.asked.is_none() && mentions(*request, self.value) =>
            {
                self.asked = Some((*client, *node, at));
            }
            Record::Request(_, client, node)
                if self.asked.is_some_and(|(c, n, _)| (c, n) == (*client, *node)) =>
            {
                self.reach(*node, at);
            }
            Record::Deliver(passage, message) if mentions(*message, self.value) => {
                self.reach(passage.dst, at)
            }
            Record::Drop(passage, why, message) if mentions(*message, self.value) => {
                self.missed[passage.dst.index()] = Some((*passage, *why, at));
            }
            Record::Wipe(node) => self.wiped[node.index()] = Some(at),
            _ => {}
        }
    }
}

fn because(why: Why, faults: &[Fault]) -> String {
    match why {
        Why::Loss => "the network lost it".to_owned(),
        Why::Cut(fault) => format!("the link was cut by faults[{fault}], a {}", faults[fault].fault.name()),
        Why::Down => "the receiver was down".to_owned(),
        Why::CrashedWhilePaused => "the receiver was paused, and crashed".to_owned(),
        Why::Absent => "the receiver is absent".to_owned(),
    }
}
