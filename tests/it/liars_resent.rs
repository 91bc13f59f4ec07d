//! The judge of counters judged: who adds again what is only resent, as its acknowledgement was lost, counts it twice.
//! Its honest twin tells the adds of a peer apart by their numbers.

use std::collections::{BTreeMap, BTreeSet};

use rumormill::NodeId;
use rumormill::node::{Call, Context, Node};
use rumormill::time::Span;
use rumormill::workload::counter::{Event, PnCounter, Request, Response};
use serde::{Deserialize, Serialize};

use crate::support::{self, Lie, shrinks_to_its_lie};

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// A client's add, by its number among the sender's.
    Add { number: u64, delta: i64 },
    /// That number has come.
    Ack { number: u64 },
}

/// What a node may lie about.
const NOTHING: u8 = 0;
const COUNTS_RESENT: u8 = 1;

/// Hands every add on to every peer until it is acknowledged.
struct Courier {
    lie: u8,
    sum: i64,
    given: u64,
    unacknowledged: BTreeMap<(NodeId, u64), i64>,
    heard: BTreeSet<(NodeId, u64)>,
}

impl Node for Courier {
    type Config = Lie;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = ();
    type Durable = ();

    fn start(config: &Lie, (): (), ctx: &mut Context<'_, Self>) -> Self {
        ctx.set_timer((), Span::from_millis(200));
        Courier { lie: config.lie, sum: 0, given: 0, unacknowledged: BTreeMap::new(), heard: BTreeSet::new() }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Add { delta } => {
                self.sum += delta;
                self.given += 1;
                let (me, number) = (ctx.me(), self.given);
                for peer in ctx.nodes().iter().filter(|peer| *peer != me) {
                    self.unacknowledged.insert((peer, number), delta);
                    ctx.send(peer, Message::Add { number, delta });
                }
                ctx.reply(call, Response::AddOk);
            }
            Request::Read => ctx.reply(call, Response::ReadOk { value: self.sum }),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Add { number, delta } => {
                let is_new = self.heard.insert((from, number));
                if is_new || self.lie == COUNTS_RESENT {
                    self.sum += delta;
                }
                ctx.send(from, Message::Ack { number });
            }
            Message::Ack { number } => {
                self.unacknowledged.remove(&(from, number));
            }
        }
    }

    fn on_timer(&mut self, (): (), ctx: &mut Context<'_, Self>) {
        for (&(peer, number), &delta) in &self.unacknowledged {
            ctx.send(peer, Message::Add { number, delta });
        }
        ctx.set_timer((), Span::from_millis(200));
    }

    fn durable(&self) -> &() {
        &()
    }
}

/// Nothing is duplicated or down, but one message in twenty is lost.
fn scenario(lie: u8, seed: u64) -> String {
    format!(
        r#"{{
            "name": "liar", "seed": {seed}, "nodes": 5, "protocol": {{ "courier": {{ "lie": {lie} }} }},
            "network": {{ "latency": {{ "uniform": {{ "min": "1ms", "max": "50ms" }} }}, "loss": 0.05 }},
            "workload": {{ "pn-counter": {{ "rate": 20, "time_limit": "3s" }} }},
            "settle": "3s"
        }}"#
    )
}

fn failures(lie: u8, reason: &str) -> (usize, usize) {
    support::failures::<PnCounter, Courier>(
        |seed| scenario(lie, seed),
        |summary| summary.problems.iter().any(|problem| problem.text.contains(reason)),
    )
}

#[test]
fn the_honest_twin_passes_every_seed() {
    assert_eq!(failures(NOTHING, "any"), (0, 0));
}

#[test]
fn who_counts_a_resent_add_twice_is_failed_for_it() {
    let (named, other) = failures(COUNTS_RESENT, "the acknowledged adds come to");
    assert!(named > 50 && other == 0, "{named} for the lie, {other} for something else");
}

#[test]
fn the_lie_shrinks_to_itself() {
    shrinks_to_its_lie::<PnCounter, Courier>("counts a resent add", COUNTS_RESENT, scenario);
}
