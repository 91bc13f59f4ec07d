//! The judge of sets judged: who acknowledges before it has written to its disk loses by a crash what a client was told
//! to be in. Its honest twin answers when it has written.

use rumormill::node::{Call, Context, Node};
use rumormill::time::Span;
use rumormill::workload::g_set::{Event, GSet, Request, Response};
use rumormill::{NodeId, Value, ValueSet};
use serde::{Deserialize, Serialize};

use crate::support::{self, Lie, shrinks_to_its_lie};

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    All { elements: Vec<Value> },
}

/// What a node may lie about.
const NOTHING: u8 = 0;
const ACKNOWLEDGES_EARLY: u8 = 1;

/// Writes twice a second what clients handed to it, and then tells everybody all that it has.
struct Scribe {
    lie: u8,
    /// What is not on disk yet, and who waits for that.
    unwritten: Vec<(Value, Option<Call>)>,
    disk: ValueSet,
}

impl Scribe {
    fn write(&mut self, element: Value, ctx: &mut Context<'_, Self>) {
        if self.disk.insert(element.clone()) {
            ctx.emit(Event::Delivered { value: element, hops: 0 });
        }
    }
}

impl Node for Scribe {
    type Config = Lie;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = ();
    type Durable = ValueSet;

    fn start(config: &Lie, disk: ValueSet, ctx: &mut Context<'_, Self>) -> Self {
        ctx.set_timer((), Span::from_millis(500));
        Scribe { lie: config.lie, unwritten: Vec::new(), disk }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Add { element } if self.lie == ACKNOWLEDGES_EARLY => {
                self.unwritten.push((element, None));
                ctx.reply(call, Response::AddOk);
            }
            Request::Add { element } => self.unwritten.push((element, Some(call))),
            Request::Read => ctx.reply(call, Response::ReadOk { value: self.disk.iter().cloned().collect() }),
        }
    }

    fn on_message(&mut self, _: NodeId, Message::All { elements }: Message, ctx: &mut Context<'_, Self>) {
        elements.into_iter().for_each(|element| self.write(element, ctx));
    }

    fn on_timer(&mut self, (): (), ctx: &mut Context<'_, Self>) {
        for (element, waits) in std::mem::take(&mut self.unwritten) {
            self.write(element, ctx);
            if let Some(call) = waits {
                ctx.reply(call, Response::AddOk);
            }
        }
        let (me, elements) = (ctx.me(), Vec::from_iter(self.disk.iter().cloned()));
        for peer in ctx.nodes().iter().filter(|peer| *peer != me) {
            ctx.send(peer, Message::All { elements: elements.clone() });
        }
        ctx.set_timer((), Span::from_millis(500));
    }

    fn durable(&self) -> &ValueSet {
        &self.disk
    }
}

/// Two nodes crash just before they would write.
fn scenario(lie: u8, seed: u64) -> String {
    format!(
        r#"{{
            "name": "liar", "seed": {seed}, "nodes": 5, "protocol": {{ "scribe": {{ "lie": {lie} }} }},
            "network": {{ "latency": {{ "uniform": {{ "min": "1ms", "max": "50ms" }} }} }},
            "workload": {{ "g-set": {{ "rate": 20, "time_limit": "4s" }} }},
            "faults": [{{ "at": "1999ms", "for": "100ms", "fault": {{ "crash": ["n1", "n2"] }} }}],
            "settle": "2s"
        }}"#
    )
}

fn failures(lie: u8, reason: &str) -> (usize, usize) {
    support::failures::<GSet, Scribe>(
        |seed| scenario(lie, seed),
        |summary| summary.problems.iter().all(|problem| problem.text.contains(reason)),
    )
}

#[test]
fn the_honest_twin_passes_every_seed() {
    assert_eq!(failures(NOTHING, "any"), (0, 0));
}

#[test]
fn who_acknowledges_early_is_failed_for_it() {
    let (named, other) = failures(ACKNOWLEDGES_EARLY, "it never arrived there");
    assert!(named > 50 && other == 0, "{named} for the lie, {other} for something else");
}

#[test]
fn the_lie_shrinks_to_itself() {
    shrinks_to_its_lie::<GSet, Scribe>("acknowledges early", ACKNOWLEDGES_EARLY, scenario);
}
