//! A node of your own, with every command of rumormill: it tells each new value to all its neighbours.
use std::process::ExitCode;

use rumormill::node::{Call, Context, ErrorCode, Node};
use rumormill::protocol::Registry as _;
use rumormill::workload::broadcast::{Broadcast, Event, Request, Response};
use rumormill::{NodeId, Value, ValueSet, cli, protocol};

#[derive(Clone, Debug, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Shout { message: Value, hops: u32 },
}

struct Shout(ValueSet);

impl Node for Shout {
    type Config = ();
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = ();
    type Durable = ValueSet; // survives a crash

    fn start(_: &(), seen: ValueSet, _: &mut Context<'_, Self>) -> Self {
        Shout(seen)
    }
    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Broadcast { message } => {
                self.on_message(ctx.me(), Message::Shout { message, hops: 0 }, ctx);
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read => ctx.reply(call, Response::ReadOk { messages: self.0.iter().cloned().collect() }),
            Request::GossipStats => ctx.reject(call, ErrorCode::NotSupported, "no statistics here"),
        }
    }
    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        let Message::Shout { message: value, hops } = message;
        if self.0.insert(value.clone()) {
            for peer in ctx.neighbours().iter().filter(|peer| *peer != from) {
                ctx.send(peer, Message::Shout { message: value.clone(), hops: hops + 1 });
            }
            ctx.emit(Event::Delivered { value, hops }); // events are for the figures
        } else {
            ctx.emit(Event::Redundant { value });
        }
    }
    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {}
    fn durable(&self) -> &ValueSet {
        &self.0
    }
}

fn main() -> ExitCode {
    cli::main(protocol::builtin().and::<Broadcast, Shout>("shout"))
}
