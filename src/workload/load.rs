//! The load: when clients ask, and who asks whom, as Maelstrom spaces and shares it out. It knows no request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Effects, Operation, Phase};
use crate::id::{ClientId, Members, NodeId};
use crate::rng::{Key, Stream};
use crate::time::{Span, Time};

/// The last word of the key that whose turn it is is drawn from.
const TURNS: u64 = 1;

/// How much clients ask, and for how long: the knobs that all workloads share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Load {
    /// Operations a second, over all clients together.
    pub rate: f64,
    /// For how long operations are drawn: the end of the storm.
    pub time_limit: Span,
    /// Who asks next.
    pub workers: Turns,
}

/// How clients take turns. Worker i asks node i mod the nodes' count. If the one whose turn it is still waits, a fresh
/// client asks in its place when they go in turn, and another that is free otherwise, as with Maelstrom; a file with
/// explicit operations says itself who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Turns {
    /// One after the other.
    #[default]
    InTurn,
    /// One after the other, the first twice a round: it asks in the nemesis's place, too (today's Maelstrom).
    Rotating,
    /// Any (Maelstrom of 2021, when its tutorial was written).
    Random,
}

impl Turns {
    /// Whose turn the operation of this number is. What is drawn comes from a stream of its own.
    fn client(self, number: u64, clients: u32, stream: &mut Stream) -> ClientId {
        let clients = u64::from(clients);
        let client = match self {
            Turns::InTurn => number % clients,
            // The last of N + 1 places is the nemesis's; it is never free, and the search begins anew at the lowest.
            Turns::Rotating => number % (clients + 1) % clients,
            Turns::Random => stream.below(clients),
        };
        ClientId(client as u32)
    }
}

impl Default for Load {
    fn default() -> Load {
        Load { rate: 5.0, time_limit: Span::from_secs(20), workers: Turns::InTurn }
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

    /// Draws operations at intervals uniform in [0, 2 / rate), worker i asking node i mod the nodes' count (Maelstrom's
    /// generator). `ask` draws each request and says what becomes of it without an answer.
    pub fn draw<Q>(
        &self,
        members: &Members,
        clients: u32,
        key: Key,
        mut ask: impl FnMut(&mut Stream) -> (Q, Effects),
    ) -> Vec<Operation<Q>> {
        let (mut stream, mut turns) = (key.stream(), key.with(TURNS).stream());
        let longest = ((2e9 / self.rate) as u64).max(1);
        let end = Time::ZERO + self.time_limit;
        let (mut operations, mut at, mut turn) = (Vec::new(), Time::ZERO, 0);
        loop {
            at = at + Span::from_nanos(stream.below(longest));
            if at >= end {
                return operations;
            }
            let client = self.workers.client(turn, clients, &mut turns);
            let (request, effect) = ask(&mut stream);
            let node = NodeId(client.0 % members.count());
            operations.push(Operation { at, client, node, request, effect, phase: Phase::Storm });
            turn += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clients(workers: Turns, clients: u32) -> Vec<u32> {
        let load = Load { rate: 100.0, time_limit: Span::from_secs(10), workers };
        let operations = load.draw(&Members::all(3), clients, Key::new(1, "ops"), |_| ((), Effects::Reads));
        assert!(operations.iter().all(|operation| operation.node.0 == operation.client.0 % 3));
        operations.iter().map(|operation| operation.client.0).collect()
    }

    #[test]
    fn workers_take_turns_as_they_are_told() {
        assert!(clients(Turns::InTurn, 4).starts_with(&[0, 1, 2, 3, 0, 1, 2, 3, 0]));
        assert!(clients(Turns::Rotating, 3).starts_with(&[0, 1, 2, 0, 0, 1, 2, 0, 0]));
        let random = clients(Turns::Random, 4);
        for client in 0..4 {
            let count = random.iter().filter(|other| **other == client).count();
            assert!(count.abs_diff(random.len() / 4) < 60, "client {client} asks {count} times");
        }
        assert!(random.windows(2).any(|pair| pair[0] == pair[1]), "nobody waits for a turn");
    }

    #[test]
    fn who_asks_shifts_nothing_else() {
        let drawn = |workers| {
            let load = Load { workers, ..Load::default() };
            let ask = |stream: &mut Stream| (stream.below(1_000), Effects::Reads);
            let operations = load.draw(&Members::all(3), 3, Key::new(1, "ops"), ask);
            operations.iter().map(|operation| (operation.at, operation.request)).collect::<Vec<_>>()
        };
        assert_eq!(drawn(Turns::InTurn), drawn(Turns::Random));
    }
}
