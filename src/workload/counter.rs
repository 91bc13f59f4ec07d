//! Counters: clients add to a number at any node and want every node to know the sum (Maelstrom's g-counter, which only
//! grows, and pn-counter).
//!
//! It knows no protocol. Its judge asks whether the final reads can be: see [`figures`] for what is held against a run.

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::id::{Members, NodeId};
use crate::rng::{Key, Stream};
use crate::time::Time;
use crate::workload::load::Load;
use crate::workload::{Effects, EntryOf, Facts, Judged, Operation, Trouble, Workload};

pub mod figures;
pub mod ledger;
pub mod sums;

pub use figures::Figures;
use ledger::Ledger;

/// Which numbers may be added: what tells the two counters apart.
pub trait Deltas: Clone + Copy + fmt::Debug + PartialEq + Eq + 'static {
    /// The workload's name.
    const NAME: &'static str;
    /// The workload in a sentence.
    const ABOUT: &'static str;

    /// Draws a number to add, as Maelstrom does.
    fn draw(stream: &mut Stream) -> i64;

    /// Whether the number may be added.
    fn allow(delta: i64) -> bool;
}

/// Only what is not negative: the counter grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growing;

impl Deltas for Growing {
    const NAME: &'static str = "g-counter";
    const ABOUT: &'static str =
        "clients add to a counter that only grows; every node must come to know the sum";

    fn draw(stream: &mut Stream) -> i64 {
        stream.below(5) as i64
    }

    fn allow(delta: i64) -> bool {
        delta >= 0
    }
}

/// Any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Any;

impl Deltas for Any {
    const NAME: &'static str = "pn-counter";
    const ABOUT: &'static str =
        "clients add to a counter and take from it; every node must come to know the sum";

    fn draw(stream: &mut Stream) -> i64 {
        stream.below(10) as i64 - 5
    }

    fn allow(_: i64) -> bool {
        true
    }
}

/// A counter workload, over what may be added.
#[derive(Clone, Copy, Debug)]
pub struct Counter<D>(PhantomData<fn() -> D>);

/// The counter that only grows.
pub type GCounter = Counter<Growing>;

/// The counter that goes both ways.
pub type PnCounter = Counter<Any>;

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Add this number.
    Add {
        /// What to add.
        delta: i64,
    },
    /// What is the sum?
    Read,
}

/// What clients hear back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The number is in.
    AddOk,
    /// As far as is known, this is the sum.
    ReadOk {
        /// The sum; the nearest number of 64 bits if it is beyond them.
        value: i64,
    },
}

/// What one life of a node counts in. A life ends when the disk is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Slot {
    /// The node.
    pub node: NodeId,
    /// Drawn for this life.
    pub nonce: u64,
}

/// What nodes announce. A slot's extent is the sum of what was added in it, each taken without its sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A client's number is in, at the slot's own node.
    Added {
        /// Where it was added.
        slot: Slot,
        /// The number.
        delta: i64,
        /// The slot's extent, with it.
        extent: u64,
    },
    /// The adds of a slot are known here up to an extent.
    Learned {
        /// Which slot.
        slot: Slot,
        /// How far.
        extent: u64,
    },
}

impl<D: Deltas> Workload for Counter<D> {
    const NAME: &'static str = D::NAME;
    const ABOUT: &'static str = D::ABOUT;
    const METRICS: &'static [&'static str] = figures::METRICS;
    const SURVIVES: &'static [Trouble] = &Trouble::ALL;
    type Config = Load;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Witness = Ledger;
    type Figures = Figures;

    fn draw(load: &Load, members: &Members, clients: u32, key: Key) -> Vec<Operation<Request>> {
        load.draw(members, clients, key, |stream| match stream.below(2) {
            0 => (Request::Add { delta: D::draw(stream) }, Effects::Changes),
            _ => (Request::Read, Effects::Reads),
        })
    }

    fn final_request() -> Option<Request> {
        Some(Request::Read)
    }

    fn is_read(request: &Request) -> bool {
        match request {
            Request::Add { .. } => false,
            Request::Read => true,
        }
    }

    fn function(request: &Request) -> &'static str {
        match request {
            Request::Add { .. } => "add",
            Request::Read => "read",
        }
    }

    fn witness(_: &Members) -> Ledger {
        Ledger::default()
    }

    fn see(ledger: &mut Ledger, at: Time, node: NodeId, event: &Event) {
        match event {
            Event::Added { slot, delta, extent } => ledger.add(at, *slot, *delta, *extent),
            Event::Learned { slot, extent } => ledger.learn(at, node, *slot, *extent),
        }
    }

    fn judge(history: &[EntryOf<Self>], ledger: &Ledger, facts: &Facts<'_>) -> Judged<Figures> {
        figures::judge(history, ledger, facts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;
    use std::collections::BTreeMap;

    fn drawn<D: Deltas>() -> Vec<Request> {
        let load = Load { rate: 100.0, time_limit: Span::from_secs(100), ..Load::default() };
        let operations = Counter::<D>::draw(&load, &Members::all(5), 5, Key::new(1, "load"));
        for operation in &operations {
            assert_eq!(operation.effect == Effects::Reads, Counter::<D>::is_read(&operation.request));
        }
        operations.into_iter().map(|operation| operation.request).collect()
    }

    /// How often each number is to be added.
    fn deltas<D: Deltas>() -> BTreeMap<i64, usize> {
        let mut counts = BTreeMap::new();
        for request in drawn::<D>() {
            if let Request::Add { delta } = request {
                *counts.entry(delta).or_default() += 1;
            }
        }
        counts
    }

    #[test]
    fn numbers_are_drawn_evenly_within_maelstroms_bounds() {
        let (growing, any) = (deltas::<Growing>(), deltas::<Any>());
        assert_eq!(growing.keys().copied().collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        assert!(growing.values().all(|count| (900..1_100).contains(count)), "{growing:?}");
        assert_eq!(any.keys().copied().collect::<Vec<_>>(), (-5..=4).collect::<Vec<_>>());
        assert!(any.values().all(|count| (420..580).contains(count)), "{any:?}");
        assert!(growing.keys().all(|delta| Growing::allow(*delta)) && !Growing::allow(-1) && Any::allow(-1));
    }

    #[test]
    fn a_fair_coin_says_whether_to_add_or_to_read() {
        let requests = drawn::<Any>();
        let reads = requests.iter().filter(|request| **request == Request::Read).count();
        assert!((0.48..0.52).contains(&(reads as f64 / requests.len() as f64)), "{reads}");
    }

    #[test]
    fn names_are_maelstroms() {
        assert_eq!((GCounter::NAME, PnCounter::NAME), ("g-counter", "pn-counter"));
        let names = [Request::Add { delta: 1 }, Request::Read].map(|request| PnCounter::function(&request));
        assert_eq!(names, ["add", "read"]);
        assert_eq!(PnCounter::final_request(), Some(Request::Read));
        let text = |response| serde_json::to_string(&response).unwrap();
        assert_eq!(text(Response::ReadOk { value: -3 }), r#"{"read_ok":{"value":-3}}"#);
        assert_eq!(text(Response::AddOk), r#""add_ok""#);
    }
}
