//! The judges judged: each liar is failed by the judge named within a hundred seeds, its honest twin passes them all.

use rumormill::node::{Call, Context, ErrorCode, Node};
use rumormill::workload::broadcast::{Broadcast, Event, Request, Response};
use rumormill::{NodeId, Value, ValueSet};
use serde::{Deserialize, Serialize};

use crate::support::{self, Lie, shrinks_to_its_lie};

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Tell { message: Value },
}

/// What a node may lie about.
const NOTHING: u8 = 0;
const FORGETS: u8 = 1;
const READS_TWICE: u8 = 2;
const INVENTS: u8 = 3;
const NEVER_ANSWERS: u8 = 4;
const LOSES_ITS_DISK: u8 = 5;
const PANICS: u8 = 6;
const READS_STALE: u8 = 7;

/// Tells everybody every new value; what it lies about, it does one time in twenty.
struct Teller {
    lie: u8,
    seen: ValueSet,
    disk: ValueSet,
    first_read: Option<Vec<Value>>,
}

impl Teller {
    fn lies(&self, lie: u8, ctx: &mut Context<'_, Self>) -> bool {
        self.lie == lie && ctx.rng().below(20) == 0
    }

    fn learn(&mut self, value: Value, ctx: &mut Context<'_, Self>) {
        if self.seen.insert(value.clone()) {
            if self.lie != LOSES_ITS_DISK {
                self.disk.insert(value.clone());
            }
            let me = ctx.me();
            for peer in ctx.nodes().iter().filter(|peer| *peer != me) {
                ctx.send(peer, Message::Tell { message: value.clone() });
            }
            ctx.emit(Event::Delivered { value, hops: 0 });
        }
    }
}

impl Node for Teller {
    type Config = Lie;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = ();
    type Durable = ValueSet;

    fn start(config: &Lie, disk: ValueSet, _: &mut Context<'_, Self>) -> Self {
        Teller { lie: config.lie, seen: disk.clone(), disk, first_read: None }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Broadcast { message } => {
                if !self.lies(FORGETS, ctx) {
                    self.learn(message, ctx);
                }
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read if self.lie == NEVER_ANSWERS && ctx.me() == NodeId(2) => drop(call),
            Request::Read => {
                let mut messages: Vec<Value> = self.seen.iter().cloned().collect();
                let first = self.first_read.get_or_insert_with(|| messages.clone());
                if self.lie == READS_STALE && ctx.me() == NodeId(2) {
                    messages.clone_from(first);
                }
                if self.lies(READS_TWICE, ctx) {
                    messages.extend(messages.first().cloned());
                }
                if self.lies(INVENTS, ctx) {
                    messages.push(Value::from(-1));
                }
                assert!(!self.lies(PANICS, ctx), "this node has had enough");
                ctx.reply(call, Response::ReadOk { messages: messages.into_iter().collect() });
            }
            Request::GossipStats => ctx.reject(call, ErrorCode::NotSupported, "none"),
        }
    }

    fn on_message(&mut self, _: NodeId, Message::Tell { message }: Message, ctx: &mut Context<'_, Self>) {
        self.learn(message, ctx);
    }

    fn on_timer(&mut self, _: (), _: &mut Context<'_, Self>) {}

    fn durable(&self) -> &ValueSet {
        &self.disk
    }
}

/// A calm run in which n1 crashes when all is told, so that a node must have put on disk what it acknowledged.
fn scenario(lie: u8, seed: u64) -> String {
    format!(
        r#"{{
            "name": "liar", "seed": {seed}, "nodes": 5, "protocol": {{ "teller": {{ "lie": {lie} }} }},
            "network": {{ "latency": {{ "uniform": {{ "min": "1ms", "max": "50ms" }} }} }},
            "workload": {{ "broadcast": {{ "rate": 20, "time_limit": "3s" }} }},
            "faults": [{{ "at": "2999ms", "fault": {{ "crash": ["n1"] }} }}], "settle": "1s"
        }}"#
    )
}

/// How many of a hundred seeds fail for the reason named, and how many for any other.
fn failures(lie: u8, reason: &str) -> (usize, usize) {
    std::panic::set_hook(Box::new(|info| {
        if !info.to_string().contains("had enough") {
            eprintln!("{info}");
        }
    }));
    support::failures::<Broadcast, Teller>(
        |seed| scenario(lie, seed),
        |summary| summary.problems.iter().any(|problem| problem.text.contains(reason)),
    )
}

#[test]
fn the_honest_twin_passes_every_seed() {
    assert_eq!(failures(NOTHING, "any"), (0, 0));
}

#[test]
fn every_liar_is_failed_for_its_own_lie() {
    for (liar, (named, other)) in [
        ("acknowledges and forgets", failures(FORGETS, "it never arrived there")),
        ("reads twice", failures(READS_TWICE, "twice")),
        ("invents", failures(INVENTS, "which no client sent")),
        ("never answers", failures(NEVER_ANSWERS, "n2 did not answer its final read")),
        ("loses its disk", failures(LOSES_ITS_DISK, "it had been there")),
        ("reads stale for ever", failures(READS_STALE, "of n2; it had been there")),
        ("panics", failures(PANICS, "panic: this node has had enough (n")),
    ] {
        assert!(named > 50 && other == 0, "{liar}: {named} for the lie, {other} for something else");
    }
}

#[test]
fn every_lie_shrinks_to_itself() {
    shrinks_to_its_lie::<Broadcast, Teller>("acknowledges and forgets", FORGETS, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("reads twice", READS_TWICE, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("invents", INVENTS, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("never answers", NEVER_ANSWERS, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("loses its disk", LOSES_ITS_DISK, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("reads stale for ever", READS_STALE, scenario);
    shrinks_to_its_lie::<Broadcast, Teller>("panics", PANICS, scenario);
}
