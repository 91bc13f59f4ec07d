//! Echo: every node answers at once with what it was sent. No node ever speaks to another.

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::workload::echo::{Event, Request, Response};

/// Nothing passes between nodes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Message {}

/// There are no timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {}

/// A node that echoes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echoer;

impl Node for Echoer {
    type Config = ();
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = ();

    fn start((): &(), (): (), _: &mut Context<'_, Echoer>) -> Echoer {
        Echoer
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Echoer>) {
        match request {
            Request::Echo { echo } => ctx.reply(call, Response::EchoOk { echo }),
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, _: &mut Context<'_, Echoer>) {
        match message {}
    }

    fn on_timer(&mut self, timer: Timer, _: &mut Context<'_, Echoer>) {
        match timer {}
    }

    fn durable(&self) -> &() {
        &()
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::solo::Solo;
    use crate::value::Value;

    fn ask(node: &mut Solo<Echoer>, text: &str) -> String {
        format!("{:?}", node.request(Request::Echo { echo: Value::parse(text).unwrap() }))
    }

    #[test]
    fn what_comes_in_goes_out_as_it_was_written() {
        let mut node = Solo::<Echoer>::new((), NodeId(1), 5, 7);
        assert_eq!(node.started(), []);
        expect![[r#"[Reply(Call(0), EchoOk { echo: "Please echo 35" })]"#]]
            .assert_eq(&ask(&mut node, "\"Please echo 35\""));
        expect![[r#"[Reply(Call(1), EchoOk { echo: {"b": [1.0, 18446744073709551616], "a": null} })]"#]]
            .assert_eq(&ask(&mut node, r#"{"b": [1.0, 18446744073709551616], "a": null}"#));
    }

    #[test]
    fn a_node_that_comes_up_again_echoes_again() {
        let mut node = Solo::<Echoer>::new((), NodeId(1), 5, 7);
        assert_eq!(node.crash_and_restart(), []);
        expect!["[Reply(Call(0), EchoOk { echo: 1 })]"].assert_eq(&ask(&mut node, "1"));
        assert_eq!(node.wipe_and_restart(), []);
        expect!["[Reply(Call(1), EchoOk { echo: 1 })]"].assert_eq(&ask(&mut node, "1"));
    }
}
