//! Gossip: a new value is told to a few random peers, who do the same; a periodic exchange repairs what got lost.
//!
//! How it spreads is told in [`rumors`](super::rumors).

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::ratio::Quotient;
use crate::value::ValueSet;
use crate::workload::broadcast::{Event, Request, Response};

pub use super::knobs::{Config, Timer};
use super::rumors::Rumors;
pub use super::rumors::{Differ, Message, Repair};

/// A node that gossips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gossip {
    rumors: Rumors,
    broadcasts_received: u64,
}

impl Node for Gossip {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = ValueSet;

    fn start(_: &Config, seen: ValueSet, ctx: &mut Context<'_, Gossip>) -> Gossip {
        Gossip { rumors: Rumors::start(seen, ctx), broadcasts_received: 0 }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Gossip>) {
        match request {
            Request::Broadcast { message } => {
                self.broadcasts_received += 1;
                self.rumors.add(message, ctx);
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read => ctx.reply(call, Response::ReadOk { messages: self.rumors.read() }),
            Request::GossipStats => ctx.reply(call, self.stats()),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Gossip>) {
        self.rumors.on_message(from, message, ctx);
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Gossip>) {
        self.rumors.on_timer(timer, ctx);
    }

    fn durable(&self) -> &ValueSet {
        self.rumors.seen()
    }
}

impl Gossip {
    fn stats(&self) -> Response {
        Response::GossipStatsOk {
            broadcasts_received: self.broadcasts_received,
            gossip_messages_sent: self.rumors.sent(),
            messages_per_op: Quotient::of(self.rumors.sent(), self.broadcasts_received),
            unique_messages: self.rumors.seen().len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solo::Solo;
    use crate::time::Span;
    use crate::value::Value;
    use expect_test::expect;

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    fn calm() -> Config {
        Config { anti_entropy: None, ..Config::default() }
    }

    #[test]
    fn a_new_value_is_acknowledged_first_and_told_to_two_peers() {
        let mut node = Solo::<Gossip>::new(calm(), NodeId(1), 5, 7);
        expect![[r#"
            [
                Reply(
                    Call(
                        0,
                    ),
                    BroadcastOk,
                ),
                Send(
                    n3,
                    Rumor {
                        message: 42,
                        hops: 1,
                    },
                ),
                Send(
                    n0,
                    Rumor {
                        message: 42,
                        hops: 1,
                    },
                ),
                Emit(
                    Delivered {
                        value: 42,
                        hops: 0,
                    },
                ),
            ]"#]]
        .assert_eq(&format!("{:#?}", node.request(Request::Broadcast { message: value("42") })));
        expect!["[Reply(Call(1), BroadcastOk)]"]
            .assert_eq(&format!("{:?}", node.request(Request::Broadcast { message: value("42") })));
    }

    #[test]
    fn a_rumour_never_goes_back_and_a_known_one_goes_nowhere() {
        let mut node = Solo::<Gossip>::new(Config { fanout: 9, ..calm() }, NodeId(1), 5, 7);
        let rumour = || Message::Rumor { message: value("\"x\""), hops: 3 };
        expect![[r#"[Send(n0, Rumor { message: "x", hops: 4 }), Send(n2, Rumor { message: "x", hops: 4 }), Send(n3, Rumor { message: "x", hops: 4 }), Emit(Delivered { value: "x", hops: 3 })]"#]].assert_eq(&format!("{:?}", node.message(NodeId(4), rumour())));
        expect![[r#"[Emit(Redundant { value: "x" })]"#]]
            .assert_eq(&format!("{:?}", node.message(NodeId(2), rumour())));
    }

    #[test]
    fn statistics_count_rumours_for_each_broadcast() {
        let mut node = Solo::<Gossip>::new(calm(), NodeId(0), 5, 7);
        expect!["[Reply(Call(0), GossipStatsOk { broadcasts_received: 0, gossip_messages_sent: 0, messages_per_op: 0, unique_messages: 0 })]"].assert_eq(&format!("{:?}", node.request(Request::GossipStats)));
        node.request(Request::Broadcast { message: value("1") });
        node.message(NodeId(2), Message::Rumor { message: value("2"), hops: 1 });
        expect!["[Reply(Call(2), GossipStatsOk { broadcasts_received: 1, gossip_messages_sent: 4, messages_per_op: 4, unique_messages: 2 })]"].assert_eq(&format!("{:?}", node.request(Request::GossipStats)));
    }

    #[test]
    fn what_was_acknowledged_survives_a_crash_and_not_a_wipe() {
        let mut node = Solo::<Gossip>::new(calm(), NodeId(0), 1, 7);
        node.request(Request::Broadcast { message: value("1") });
        node.crash_and_restart();
        assert_eq!(node.node().durable().len(), 1);
        node.wipe_and_restart();
        assert!(node.node().durable().is_empty());
    }

    #[test]
    fn a_lone_node_keeps_still_and_keeps_its_timer() {
        let mut node = Solo::<Gossip>::new(Config::default(), NodeId(0), 1, 7);
        for (_, effects) in node.elapse(Span::from_secs(3)) {
            assert!(
                matches!(effects[..], [crate::node::Effect::SetTimer(Timer::AntiEntropy, _)]),
                "{effects:?}"
            );
        }
    }
}
