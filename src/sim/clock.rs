//! The clocks that nodes read: true but for those that a fault has skewed. It knows no queue and no timer.
//!
//! A skewed clock shows `since + offset + rate x (now - since)`, where the fault began at `since`: the rate alone makes
//! no jump when the fault begins. When it ends the clock is put right, which may be a jump back.

use std::collections::BTreeMap;

use super::fault::Skew;
use super::network::{FaultIndex, NodeBits};
use crate::id::NodeId;
use crate::ratio::Rate;
use crate::time::{Offset, Span, Time};

/// The clocks of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// By their faults' places in the file, so that the later wins.
    skewed: BTreeMap<FaultIndex, Skewed>,
}

#[derive(Debug)]
struct Skewed {
    nodes: NodeBits,
    since: Time,
    offset: Offset,
    rate: Rate,
}

impl Clocks {
    pub(crate) fn begin_skew(&mut self, fault: FaultIndex, skew: &Skew, nodes: u32, since: Time) {
        let Skew { offset, rate, .. } = *skew;
        self.skewed
            .insert(fault, Skewed { nodes: NodeBits::of(skew.nodes.iter(), nodes), since, offset, rate });
    }

    pub(crate) fn end(&mut self, fault: FaultIndex) {
        self.skewed.remove(&fault);
    }

    /// What the node's clock shows. Once the run has begun no clock shows its very beginning: a node may take that as
    /// the sign that the whole cluster starts.
    #[inline]
    pub(crate) fn shows(&self, node: NodeId, now: Time) -> Time {
        if self.skewed.is_empty() { now } else { self.shows_skewed(node, now) }
    }

    #[cold]
    fn shows_skewed(&self, node: NodeId, now: Time) -> Time {
        match self.of(node) {
            None => now,
            Some(Skewed { since, offset, rate, .. }) => {
                let shown = *since + rate.counted(now - *since) + *offset;
                shown.max(now.min(Time::from_nanos(1)))
            }
        }
    }

    /// How long it takes the node's clock to count the span.
    pub(crate) fn takes(&self, node: NodeId, span: Span) -> Span {
        self.of(node).map_or(span, |skewed| skewed.rate.takes(span))
    }

    fn of(&self, node: NodeId) -> Option<&Skewed> {
        self.skewed.values().rev().find(|skewed| skewed.nodes.contains(node))
    }
}
