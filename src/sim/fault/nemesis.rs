//! The nemesis: faults that come and go at random, drawn from the seed and written out before the run.
//!
//! Each kind has an on/off sequence and a stream of its own, so that leaving one out leaves the others as they were.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DrawnPartition, Fault, FaultKind, Skew, draw_partition};
use crate::id::{Members, NodeId, NodeSet};
use crate::ratio::{Chance, Rate};
use crate::rng::{Key, Stream};
use crate::sim::network::{Latency, LinkChange};
use crate::time::{Offset, Span, Time};

/// Faults that come and go at random for as long as the storm lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nemesis {
    /// Which kinds; each comes and goes on its own.
    pub kinds: Vec<NemesisKind>,
    /// The mean time between a coming and a going; each is drawn uniformly from 0 to twice that.
    #[serde(default = "interval")]
    pub interval: Span,
}

fn interval() -> Span {
    Span::from_secs(10)
}

/// A kind of random fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NemesisKind {
    /// One of the drawn partitions.
    Partition,
    /// Some nodes crash.
    Crash,
    /// One node loses its disk.
    Wipe,
    /// Some nodes are paused.
    Pause,
    /// Links lose three messages in ten and double one in ten.
    Flaky,
    /// Links are slow: half a second, exponentially distributed.
    Slow,
    /// Some clocks are up to five seconds off, and run at half to twice the right rate.
    Skew,
}

impl Nemesis {
    /// About how many faults it would draw.
    pub fn expected(&self, time_limit: Span) -> f64 {
        self.kinds.len() as f64 * time_limit.as_secs_f64() / (2.0 * self.interval.as_secs_f64())
    }

    /// What is wrong with it: the key below it, and a sentence.
    pub fn problem(&self) -> Option<(String, String)> {
        if self.interval == Span::ZERO {
            return Some((
                "interval".into(),
                "faults that come and go in no time do nothing; give a length".into(),
            ));
        }
        if self.kinds.is_empty() {
            return Some(("kinds".into(), "name a kind, or leave the nemesis out".into()));
        }
        let twice = (1..self.kinds.len()).find(|at| self.kinds[..*at].contains(&self.kinds[*at]));
        twice.map(|at| (format!("kinds.{at}"), "the kind is named twice".into()))
    }

    /// The faults of a run, explicit. Each kind is drawn from its own stream, so that leaving one out keeps the rest.
    pub fn draw(&self, seed: u64, time_limit: Span, members: &Members) -> Vec<Fault> {
        let mut faults = Vec::new();
        let end = Time::ZERO + time_limit;
        let longest = self.interval + self.interval;
        for kind in &self.kinds {
            let mut stream = Key::new(seed, "nemesis").with(*kind as u64).stream();
            let mut at = Time::ZERO + stream.span(Span::from_nanos(1), longest);
            while at < end {
                let lasts = stream.span(Span::from_nanos(1), longest);
                faults.push(Fault { at, lasts: Some(lasts), fault: draw_kind(*kind, members, &mut stream) });
                at = at + lasts + stream.span(Span::from_nanos(1), longest);
            }
        }
        faults.sort_by_key(|fault| fault.at);
        faults
    }
}

/// Draws what a random fault is. A new kind of fault gets its weight here.
fn draw_kind(kind: NemesisKind, members: &Members, stream: &mut Stream) -> FaultKind {
    let some = |stream: &mut Stream, most: u64| {
        let mut order: Vec<NodeId> = (0..members.count()).map(NodeId).collect();
        stream.shuffle(&mut order);
        order.truncate(1 + stream.below(most.max(1)) as usize);
        order.sort_unstable();
        NodeSet::of(order)
    };
    let third = u64::from(members.count()) / 3;
    let everywhere = LinkChange { from: None, to: None, latency: None, loss: None, duplicate: None };
    match kind {
        NemesisKind::Partition => {
            const KINDS: [DrawnPartition; 5] = [
                DrawnPartition::Halves,
                DrawnPartition::Ring,
                DrawnPartition::IsolateOne,
                DrawnPartition::MinorityThird,
                DrawnPartition::Bridge,
            ];
            let kind = KINDS[stream.below(KINDS.len() as u64) as usize];
            FaultKind::Partition(draw_partition(kind, members, stream))
        }
        NemesisKind::Crash => FaultKind::Crash(some(stream, third)),
        NemesisKind::Wipe => FaultKind::Wipe(some(stream, 1)),
        NemesisKind::Pause => FaultKind::Pause(some(stream, third)),
        NemesisKind::Flaky => {
            let (loss, duplicate) = (Chance::new(0.3), Chance::new(0.1));
            FaultKind::Link(LinkChange { loss, duplicate, ..everywhere })
        }
        NemesisKind::Slow => {
            let latency = Some(Latency::Exponential { mean: Span::from_millis(500) });
            FaultKind::Link(LinkChange { latency, ..everywhere })
        }
        NemesisKind::Skew => {
            let nodes = some(stream, third);
            let millis = stream.below(10_001) as i64 - 5_000;
            let rate = Rate::new((50 + stream.below(151)) as f64 / 100.0).expect("it lies in 0.5 to 2");
            FaultKind::Skew(Skew { nodes, offset: Offset::from_nanos(millis * 1_000_000), rate })
        }
    }
}
