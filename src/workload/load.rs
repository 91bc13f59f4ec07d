//! The load: when clients ask, and who asks whom, as Maelstrom spaces and shares it out. It knows no request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effects, Operation, Phase};
use crate::id::{ClientId, Members, NodeId};
use crate::rng::{Key, Stream};
use crate::time::{Span, Time};

/// How much clients ask, and for how long: the knobs that all workloads share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// Operations a second, over all clients together.
    pub rate: f64,
    /// For how long operations are drawn: the end of the storm.
    pub time_limit: Span,
}

impl Default for Load {
    fn default() -> Load {
        Load { rate: 5.0, time_limit: Span::from_secs(20) }
    }
}

impl AsRef<Load> for Load {
    fn as_ref(&self) -> &Load {
        self
    }
}

impl Load {
    /// About how many operations would be drawn.
    pub fn expected(&self) -> f64 {
        self.rate * self.time_limit.as_secs_f64()
    }

    /// What is wrong with it, if anything: the key, and a sentence.
    pub fn problem(&self) -> Option<(&'static str, String)> {
        let possible = self.rate > 0.0 && self.rate <= 1e6;
        let text =
            || format!("{} is no rate; write operations a second, above 0 and at most 1000000", self.rate);
        (!possible).then(|| ("rate", text()))
    }

    /// Draws operations at intervals uniform in [0, 2 / rate), workers in turn, worker i asking node i mod the nodes'
    /// count (Maelstrom's generator). `ask` draws each request and says what becomes of it without an answer.
    pub fn draw<Q>(
        &self,
        members: &Members,
        clients: u32,
        key: Key,
        mut ask: impl FnMut(&mut Stream) -> (Q, Effects),
    ) -> Vec<Operation<Q>> {
        let mut stream = key.stream();
        let longest = ((2e9 / self.rate) as u64).max(1);
        let end = Time::ZERO + self.time_limit;
        let (mut operations, mut at, mut turn) = (Vec::new(), Time::ZERO, 0_u32);
        loop {
            at = at + Span::from_nanos(stream.below(longest));
            if at >= end {
                return operations;
            }
            let client = ClientId(turn % clients);
            let (request, effect) = ask(&mut stream);
            let node = NodeId(client.0 % members.count());
            operations.push(Operation { at, client, node, request, effect, phase: Phase::Storm });
            turn = turn.wrapping_add(1);
        }
    }
}
