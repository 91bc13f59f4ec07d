//! How values spread: who had each when, in how many hops, and how much of the telling was in vain.
//!
//! The first delivery of a value at a node counts, over all the node's lives. Kept are counters, crossing times and a
//! bit for each node, not a table of deliveries.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::check::FirstTwo;
use crate::hash::BuildWordHasher;
use crate::id::{Members, NodeId};
use crate::time::{Span, Time};
use crate::value::Value;

/// The shares of the nodes, in percent, whose crossing times are kept.
pub const SHARES: [u32; 4] = [50, 95, 99, 100];

/// What nodes announce.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A value is known here for the first time.
    Delivered {
        /// Which.
        value: Value,
        /// How many hops it came; 0 at the node that a client handed it to.
        hops: u32,
    },
    /// A value is known here for the first time, through a repair.
    Repaired {
        /// Which.
        value: Value,
    },
    /// A value came that was known already.
    Redundant {
        /// Which.
        value: Value,
    },
}

/// How all values of a run spread.
#[derive(Clone, Debug)]
pub struct Spread {
    nodes: u32,
    count: u32,
    values: IndexMap<Value, Track, BuildWordHasher>,
    /// Deliveries to nodes that had the value already.
    pub redundant: u64,
    /// First deliveries by repair.
    pub repaired: u64,
    /// First deliveries by a hop count.
    pub hops: Vec<u64>,
}

/// How one value spread.
#[derive(Clone, Debug)]
pub struct Track {
    first: (NodeId, Time),
    second: Option<Time>,
    holders: Vec<u64>,
    held_by: u32,
    crossed: [Option<Time>; SHARES.len()],
}

impl Spread {
    /// Nothing has spread yet among these members.
    pub fn new(members: &Members) -> Spread {
        Spread {
            nodes: members.present(),
            count: members.count(),
            values: IndexMap::default(),
            redundant: 0,
            repaired: 0,
            hops: Vec::new(),
        }
    }

    /// A node announced an event.
    pub fn see(&mut self, at: Time, node: NodeId, event: &Event) {
        match event {
            Event::Delivered { value, hops } => self.deliver(at, node, value, Some(*hops)),
            Event::Repaired { value } => self.deliver(at, node, value, None),
            Event::Redundant { .. } => self.redundant += 1,
        }
    }

    /// A node has the value now; `hops` as far as they are known.
    pub fn deliver(&mut self, at: Time, node: NodeId, value: &Value, hops: Option<u32>) {
        let words = self.count.div_ceil(64) as usize;
        if !self.values.contains_key(value) {
            let track = Track {
                first: (node, at),
                second: None,
                holders: vec![0; words],
                held_by: 0,
                crossed: [None; SHARES.len()],
            };
            self.values.insert(value.clone(), track);
        }
        let track = self.values.get_mut(value).expect("it has just been put in");
        let (word, bit) = (node.index() / 64, 1 << (node.0 % 64));
        if track.holders[word] & bit != 0 {
            return;
        }
        track.holders[word] |= bit;
        track.held_by += 1;
        if track.first.0 != node && track.second.is_none() {
            track.second = Some(at);
        }
        for (crossed, share) in track.crossed.iter_mut().zip(SHARES) {
            if crossed.is_none() && u64::from(track.held_by) * 100 >= u64::from(share) * u64::from(self.nodes)
            {
                *crossed = Some(at);
            }
        }
        match hops {
            None => self.repaired += 1,
            Some(hops) => {
                let hops = hops.min(MOST_HOPS) as usize;
                self.hops.resize(self.hops.len().max(hops + 1), 0);
                self.hops[hops] += 1;
            }
        }
    }

    /// How a value spread, if anybody had it.
    pub fn of(&self, value: &Value) -> Option<&Track> {
        self.values.get(value)
    }

    /// How many values reached all nodes.
    pub fn reached_all(&self) -> u64 {
        self.values.values().filter(|track| track.held_by == self.nodes).count() as u64
    }

    /// The times that values took, from their first delivery, to reach a share of the nodes, sorted. A value that did
    /// not get so far is not among them.
    pub fn times_to(&self, share: usize) -> Vec<Span> {
        let times = self.values.values().filter_map(|track| Some(track.crossed[share]?.since(track.first.1)));
        let mut times: Vec<Span> = times.collect();
        times.sort_unstable();
        times
    }

    /// First deliveries that came over at least one hop, or by repair.
    pub fn deliveries(&self) -> u64 {
        self.hops.iter().skip(1).sum::<u64>() + self.repaired
    }

    /// The greatest number of hops of a first delivery.
    pub fn last_hop(&self) -> Option<u64> {
        (self.hops.len() as u64).checked_sub(1)
    }
}

/// Hops are counted one by one up to here.
const MOST_HOPS: u32 = 1_000_000;

impl Track {
    /// Who had it first, and when a second node did.
    pub fn first_two(&self) -> FirstTwo {
        FirstTwo { first: self.first, second: self.second }
    }

    /// Whether the node has ever had it.
    pub fn held_by(&self, node: NodeId) -> bool {
        self.holders[node.index() / 64] & (1 << (node.0 % 64)) != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_delivery_at_a_node_counts() {
        let mut spread = Spread::new(&Members::all(4));
        let value = Value::from(1);
        for (ms, node, hops) in [
            (10, 0, Some(0)),
            (20, 1, Some(1)),
            (25, 1, Some(2)),
            (30, 2, Some(2)),
            (70, 3, None),
            (80, 0, None),
        ] {
            spread.deliver(Time::ZERO + Span::from_millis(ms), NodeId(node), &value, hops);
        }
        assert_eq!(spread.times_to(0), [Span::from_millis(10)]);
        assert_eq!(spread.times_to(3), [Span::from_millis(60)]);
        assert_eq!((spread.hops.as_slice(), spread.repaired, spread.deliveries()), (&[1, 1, 1][..], 1, 3));
        assert_eq!((spread.last_hop(), spread.reached_all()), (Some(2), 1));
        let first_two = spread.of(&value).unwrap().first_two();
        assert_eq!(first_two.second, Some(Time::ZERO + Span::from_millis(20)));
    }
}
