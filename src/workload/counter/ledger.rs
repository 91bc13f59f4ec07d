//! Who took in which add, and how far others came to know of it: what decides whether a lost add is forgiven.

use indexmap::IndexMap;

use super::Slot;
use crate::hash::BuildWordHasher;
use crate::id::NodeId;
use crate::time::Time;

/// What nodes announced of all slots.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    slots: IndexMap<Slot, Page, BuildWordHasher>,
}

#[derive(Clone, Debug, Default)]
struct Page {
    adds: Vec<Taken>,
    /// When any other node knew further than all others had before, and how far.
    elsewhere: Vec<(Time, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Taken {
    at: Time,
    delta: i64,
    extent: u64,
}

impl Page {
    /// How far any other node knew at this instant.
    fn known_elsewhere(&self, at: Time) -> u64 {
        let by_then = self.elsewhere.partition_point(|(when, _)| *when <= at);
        by_then.checked_sub(1).map_or(0, |last| self.elsewhere[last].1)
    }
}

impl Ledger {
    /// A slot's node took in a client's number.
    pub fn add(&mut self, at: Time, slot: Slot, delta: i64, extent: u64) {
        self.slots.entry(slot).or_default().adds.push(Taken { at, delta, extent });
    }

    /// A node knows a slot up to an extent; that a slot's own node does says nothing.
    pub fn learn(&mut self, at: Time, node: NodeId, slot: Slot, extent: u64) {
        let elsewhere = &mut self.slots.entry(slot).or_default().elsewhere;
        if node != slot.node && elsewhere.last().is_none_or(|(_, furthest)| *furthest < extent) {
            elsewhere.push((at, extent));
        }
    }

    /// Whether a number that the node took in between two instants fell with its disk before any other node knew of it.
    /// The same number taken in twice meanwhile is one or the other; it is enough that one of them fell. A wipe comes
    /// before all else at its instant: what was taken in just then was taken in after it.
    pub fn fell_alone(
        &self,
        node: NodeId,
        delta: i64,
        (from, until): (Time, Time),
        wipes: &[(NodeId, Time)],
    ) -> bool {
        self.slots.iter().filter(|(slot, _)| slot.node == node).any(|(_, page)| {
            let meant = |add: &&Taken| add.delta == delta && from <= add.at && add.at <= until;
            page.adds.iter().filter(meant).any(|add| {
                let fell = |at: Time| at > add.at && page.known_elsewhere(at) < add.extent;
                wipes.iter().any(|(wiped, at)| *wiped == node && fell(*at))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    #[test]
    fn of_one_number_taken_in_twice_it_is_enough_that_one_fell() {
        let slot = Slot { node: NodeId(0), nonce: 7 };
        let (asked, wipes) = ((at("10ms"), at("13ms")), [(NodeId(0), at("20ms"))]);
        let mut ledger = Ledger::default();
        ledger.add(at("11ms"), slot, 3, 3);
        ledger.add(at("12ms"), slot, 3, 6);
        ledger.learn(at("15ms"), NodeId(1), slot, 3);
        assert!(ledger.fell_alone(NodeId(0), 3, asked, &wipes), "the second did");
        ledger.learn(at("16ms"), NodeId(1), slot, 6);
        assert!(!ledger.fell_alone(NodeId(0), 3, asked, &wipes), "neither did");
        assert!(!ledger.fell_alone(NodeId(0), 4, asked, &wipes), "nobody took in a 4");
    }
}
