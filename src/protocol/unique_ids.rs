//! Unique ids: every node makes ids on its own, so all of them are there for their clients whatever the network does.
//!
//! An id is a string of three parts, "2-9f86d081884c7d65-41": the node's number, so that no two nodes meet; a nonce of
//! 64 bits drawn in `start`, so that no two lives of a node do; and a count of the ids given in that life, so that no two
//! requests do, not even at one instant.
//!
//! Nothing is on disk. A counter there would have to be written before each answer, and a wiped node, which cannot know
//! that it lived before, would begin it anew all the same: it needs the nonce, and the nonce needs nothing else. Two
//! lives of one node draw the same nonce with a chance of 2^-64; of a node that came up a million times, any two do so
//! with one of 3 in 10^8. As text the nonce is safe from JSON readers that keep but 53 bits of a number.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::value::Value;
use crate::workload::unique_ids::{Event, Request, Response};

/// Nothing passes between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {}

/// There are no timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {}

/// A node that makes ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generator {
    /// This life's own.
    nonce: u64,
    /// How many ids were given in this life.
    given: u64,
}

impl Node for Generator {
    type Config = ();
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = ();

    fn start((): &(), (): (), ctx: &mut Context<'_, Generator>) -> Generator {
        Generator { nonce: ctx.rng().word(), given: 0 }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Generator>) {
        match request {
            Request::Generate => {
                let id = self.next_id(ctx.me());
                ctx.reply(call, Response::GenerateOk { id });
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Context<'_, Generator>) {
        match message {}
    }

    fn on_timer(&mut self, timer: Timer, _: &mut Context<'_, Generator>) {
        match timer {}
    }

    fn durable(&self) -> &() {
        &()
    }
}

impl Generator {
    fn next_id(&mut self, me: NodeId) -> Value {
        let text = format!("\"{}-{:016x}-{}\"", me.0, self.nonce, self.given);
        self.given += 1;
        Value::parse(&text).expect("letters, digits and dashes in quotes are JSON")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use expect_test::expect;

    use super::*;
    use crate::node::Effect;
    use crate::solo::Solo;
    use crate::time::Span;

    fn node(me: u32, seed: u64) -> Solo<Generator> {
        Solo::new((), NodeId(me), 5, seed)
    }

    /// The ids of so many requests, all at one instant.
    fn ids(node: &mut Solo<Generator>, count: usize) -> Vec<Value> {
        let id = |effects: Vec<_>| match effects.into_iter().next() {
            Some(Effect::Reply(_, Response::GenerateOk { id })) => id,
            other => panic!("{other:?}"),
        };
        (0..count).map(|_| id(node.request(Request::Generate))).collect()
    }

    #[test]
    fn an_id_is_the_node_its_nonce_and_a_count() {
        let mut node = node(2, 7);
        assert_eq!(node.started(), []);
        let asked = [node.request(Request::Generate), node.request(Request::Generate)];
        expect![[r#"
            [
                [
                    Reply(
                        Call(
                            0,
                        ),
                        GenerateOk {
                            id: "2-435a78c08005ec9e-0",
                        },
                    ),
                ],
                [
                    Reply(
                        Call(
                            1,
                        ),
                        GenerateOk {
                            id: "2-435a78c08005ec9e-1",
                        },
                    ),
                ],
            ]"#]]
        .assert_eq(&format!("{asked:#?}"));
    }

    #[test]
    fn no_life_of_any_node_repeats_an_id() {
        let mut seen = BTreeSet::new();
        let mut asked = 0;
        for me in 0..5 {
            let mut node = node(me, 7);
            for life in 0..6 {
                let ids = ids(&mut node, 20);
                asked += ids.len();
                seen.extend(ids);
                // Time may stand still between two lives, and may not.
                node.elapse(Span::from_millis(life % 2));
                let started = if life % 2 == 0 { node.crash_and_restart() } else { node.wipe_and_restart() };
                assert_eq!(started, []);
            }
        }
        assert_eq!((seen.len(), asked), (600, 600));
    }

    #[test]
    fn what_tells_lives_apart_is_the_nonce_alone() {
        let mut node = node(2, 7);
        let before = ids(&mut node, 3);
        node.wipe_and_restart();
        let after = ids(&mut node, 3);
        let parts = |ids: &[Value]| -> Vec<Vec<String>> {
            let split = |id: &Value| id.text().trim_matches('"').split('-').map(str::to_owned).collect();
            ids.iter().map(split).collect()
        };
        for (before, after) in parts(&before).iter().zip(parts(&after)) {
            assert_eq!((before.len(), after.len()), (3, 3));
            assert_eq!((&before[0], &before[2]), (&after[0], &after[2]));
            assert_ne!(before[1], after[1]);
            assert!(before[1].len() == 16 && after[1].len() == 16, "64 bits");
        }
    }

    #[test]
    fn nodes_with_the_same_nonce_still_differ() {
        let id = |me| Generator { nonce: 9, given: 0 }.next_id(NodeId(me));
        assert_ne!(id(1), id(2));
        assert_eq!(id(11).text(), "\"11-0000000000000009-0\"");
    }
}
