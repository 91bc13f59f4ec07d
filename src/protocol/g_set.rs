//! A set that only grows, by gossip: how its elements spread is told in [`rumors`](super::rumors).

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::value::ValueSet;
use crate::workload::g_set::{Event, Request, Response};

use super::rumors::Rumors;
pub use super::{
    knobs::{Config, Timer},
    rumors::Message,
};

/// A node that keeps a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GSet {
    rumors: Rumors,
}

impl Node for GSet {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = ValueSet;

    fn start(_: &Config, seen: ValueSet, ctx: &mut Context<'_, GSet>) -> GSet {
        GSet { rumors: Rumors::start(seen, ctx) }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, GSet>) {
        match request {
            Request::Add { element } => {
                self.rumors.add(element, ctx);
                ctx.reply(call, Response::AddOk);
            }
            Request::Read => ctx.reply(call, Response::ReadOk { value: self.rumors.read() }),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, GSet>) {
        self.rumors.on_message(from, message, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, GSet>) {
        self.rumors.on_timer(timer, ctx);
    }

    fn durable(&self) -> &ValueSet {
        self.rumors.seen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solo::Solo;
    use crate::value::Value;
    use expect_test::expect;

    fn node(fanout: u32) -> Solo<GSet> {
        Solo::new(Config { fanout, anti_entropy: None }, NodeId(1), 4, 7)
    }

    fn add(element: i64) -> Request {
        Request::Add { element: Value::from(element) }
    }

    #[test]
    fn an_element_is_acknowledged_and_told_on_and_shown_once() {
        let mut node = node(1);
        expect!["[Reply(Call(0), AddOk), Send(n2, Rumor { message: 5, hops: 1 }), Emit(Delivered { value: 5, hops: 0 })]"].assert_eq(&format!("{:?}", node.request(add(5))));
        expect!["[Reply(Call(1), AddOk)]"].assert_eq(&format!("{:?}", node.request(add(5))));
        expect!["[Reply(Call(2), ReadOk { value: [5] })]"]
            .assert_eq(&format!("{:?}", node.request(Request::Read)));
    }

    #[test]
    fn elements_survive_a_crash_and_not_a_wipe() {
        let mut node = node(0);
        node.request(add(5));
        node.crash_and_restart();
        expect!["[Reply(Call(1), ReadOk { value: [5] })]"]
            .assert_eq(&format!("{:?}", node.request(Request::Read)));
        node.wipe_and_restart();
        expect!["[Reply(Call(2), ReadOk { value: [] })]"]
            .assert_eq(&format!("{:?}", node.request(Request::Read)));
    }
}
