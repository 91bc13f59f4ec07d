//! The profile "maelstrom": one deliverer a node, which holds what it has taken until it is due.
//!
//! Maelstrom's network (its `net.clj`) keeps a queue for each node, in order of deadlines. An idle deliverer takes the
//! head at once, holds it until it is due, hands it over and takes the next; meanwhile nothing else reaches the node,
//! so what clients ask queues behind what peers sent. Hosts that are down or paused meet what is handed over as they meet
//! what is due in the ideal profile.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::network::Profile;
use super::pending::Pending;
use super::{Observer, Sim, Why};
use crate::id::NodeId;
use crate::node::Node;
use crate::time::{Span, Time};

impl<N: Node, O: Observer<N>> Sim<N, O> {
    fn deliverers(&mut self) -> &mut Deliverers {
        self.deliverers.as_mut().expect("the profile has deliverers")
    }

    /// Puts what is sent to a node in its line.
    pub(super) fn wait_in_line(&mut self, node: NodeId, deadline: Time, item: Item) {
        if self.deliverers().wait(node, deadline, item) {
            self.take_next(node);
        }
    }

    /// An idle deliverer takes the first item in its line that no cut drops, and holds it until it is due.
    fn take_next(&mut self, node: NodeId) {
        while let Some((deadline, item)) = self.deliverers().next(node) {
            if let Item::Message(slot) = item {
                let src = self.flights.look(slot).0.src;
                if let Some(fault) = self.network.cut(src, node) {
                    let (passage, message) = self.flights.take(slot);
                    self.drop_message(passage, Why::Cut(fault), &message);
                    continue;
                }
            }
            self.deliverers().hold(node, item);
            let due = self.now + held_for(deadline, self.now);
            return self.queue.push(due, Pending::HandOver(node));
        }
    }

    /// A deliverer hands over what it holds, and takes the next.
    pub(super) fn hand_over(&mut self, node: NodeId) {
        match self.deliverers().hand_over(node) {
            Item::Message(slot) => {
                let (passage, message) = self.flights.take(slot);
                self.arrive(passage, message);
            }
            Item::Request(operation) => self.request(operation as usize),
        }
        self.take_next(node);
    }
}

/// How long a deliverer holds what is due then: whole milliseconds, rounded down.
fn held_for(deadline: Time, now: Time) -> Span {
    Span::from_millis((deadline - now).as_millis())
}

/// What waits for a deliverer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Item {
    /// A message, by its slot.
    Message(u32),
    /// A request, by its operation.
    Request(u32),
}

/// The deliverers of all nodes.
#[derive(Debug)]
pub(crate) struct Deliverers {
    lines: Vec<Line>,
    /// Counts what has been put in line, so that equal deadlines keep the order of sending.
    count: u64,
}

#[derive(Debug, Default)]
struct Line {
    waiting: BinaryHeap<Reverse<(Time, u64, Item)>>,
    held: Option<Item>,
}

impl Deliverers {
    /// The deliverers of so many nodes; none in the ideal profile.
    pub(crate) fn for_profile(profile: Profile, nodes: u32) -> Option<Deliverers> {
        match profile {
            Profile::Ideal => None,
            Profile::Maelstrom => {
                Some(Deliverers { lines: (0..nodes).map(|_| Line::default()).collect(), count: 0 })
            }
        }
    }

    /// Puts an item in line; whether the node's deliverer is idle and takes its next.
    #[must_use]
    pub(crate) fn wait(&mut self, node: NodeId, deadline: Time, item: Item) -> bool {
        self.count += 1;
        let line = &mut self.lines[node.index()];
        line.waiting.push(Reverse((deadline, self.count, item)));
        line.held.is_none()
    }

    /// The item that is due first leaves the line.
    pub(crate) fn next(&mut self, node: NodeId) -> Option<(Time, Item)> {
        self.lines[node.index()].waiting.pop().map(|Reverse((deadline, _, item))| (deadline, item))
    }

    /// The deliverer holds the item, and takes no other.
    pub(crate) fn hold(&mut self, node: NodeId, item: Item) {
        let held = self.lines[node.index()].held.replace(item);
        assert!(held.is_none(), "a deliverer holds one item at a time");
    }

    /// The held item is handed over.
    pub(crate) fn hand_over(&mut self, node: NodeId) -> Item {
        self.lines[node.index()].held.take().expect("a deliverer hands over what it holds")
    }
}
