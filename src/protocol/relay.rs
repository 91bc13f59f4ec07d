//! Relay: the cheapest fault-tolerant broadcast that we know of. Values are gathered at a hub and scattered once a period.
//!
//! Every node follows the first one before it in the list that it trusts; who trusts nobody before it is a root. A node
//! acknowledges a value at once, keeps it, and brings it to its hub just before the hub's next flush, where it would have
//! waited anyhow. Acknowledgements are how much of each stream somebody has, and ride on what is sent anyway: who has
//! nothing new is silent. In a calm cluster that is one message a node and period down, and at most one up.
//!
//! What keeps it right is that every belief is watched over: what was sent to the hub or to a follower and is not
//! acknowledged in time makes a peer suspect, and nothing that was sent to it counts any more; who claims more than is
//! here is asked; who is asked answers at once, with all that the other lacks; and only an answer clears a suspect, so
//! that a link which is cut one way is no link. A hub is always earlier in the list, so nobody follows himself. And what
//! the hub should have acknowledged by now is entrusted to a third node: two disks may be lost one after the other.
//!
//! The files: `stream` and `disk` (what there is), `message`, `peer` (what is believed), `hear`, `tell` and `seek` (what
//! is made of that), `roles` (hubs and suspects), `pace` (when to speak).

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::ratio::Quotient;
use crate::time::{Span, Time};
use crate::workload::broadcast::{Event, Request, Response};

mod disk;
mod hear;
mod message;
mod pace;
mod peer;
mod roles;
mod seek;
mod stream;
mod tell;

pub use disk::Durable;
use disk::{Early, Novelty};
pub use message::{Batch, Message, Relayed};
use pace::Pace;
use peer::Peer;
use seek::Pull;
pub use stream::Stream;
use stream::{Streams, Vector};

/// The knobs of relay.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long a hub gathers values between two flushes: the longer, the fewer messages, and the later values are known.
    #[serde(deserialize_with = "some_time")]
    pub period: Span,
    /// How long before the hub's flush a node's values shall be there.
    pub margin: Span,
    /// How long an acknowledgement waits for something to ride on.
    pub ack: Span,
    /// How much longer than it should an acknowledgement or answer may take before a peer is suspect.
    pub patience: Span,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            period: Span::from_millis(440),
            margin: Span::from_millis(20),
            ack: Span::from_secs(2),
            patience: Span::from_millis(400),
        }
    }
}

fn some_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    match Span::deserialize(deserializer)? {
        Span::ZERO => {
            Err(de::Error::custom("a hub that gathers for no time at all would never be done; give a length"))
        }
        period => Ok(period),
    }
}

/// The timers of relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Bring the hub what is new.
    Up,
    /// A period has passed since the last flush.
    Flush,
    /// Acknowledge what this peer has sent.
    Ack(NodeId),
    /// This peer has not acknowledged or answered in time.
    Patience(NodeId),
    /// Ask a suspect again.
    Probe(NodeId),
    /// Ask for what is missing, or ask another.
    Pull,
    /// The hub has not been heard for long, or by a root nobody.
    Heartbeat,
    /// The hub should have acknowledged by now what it was brought.
    Overdue,
}

/// What a node that has something for its hub waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Up {
    /// For its slot, at this instant.
    InSlot(Time),
    /// For the next flush, or for that to be overdue.
    Late,
}

/// A node that relays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    config: Config,
    durable: Durable,
    /// The nonce of the disk.
    disk: u64,
    early: Early,
    /// How many hops each stream's values have come.
    hops: Streams<u32>,
    /// The streams that it is for this node to bring to its hub.
    pushed: BTreeSet<Stream>,
    /// What has been in a flush that this node heard.
    base: Vector,
    peers: BTreeMap<NodeId, Peer>,
    /// Whom this node follows; itself if it is a root.
    hub: NodeId,
    pace: Pace,
    /// What the timer that brings the hub what is new is set for, if it is.
    up: Option<Up>,
    /// Whether somebody served may lack something, or be owed an acknowledgement.
    news: bool,
    /// Whether a period has not yet passed since the last flush.
    cooling: bool,
    pull: Option<Pull>,
    /// How long nobody may be heard.
    silence: Span,
    next_number: u64,
    broadcasts_received: u64,
    messages_sent: u64,
}

impl Node for Relay {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = Durable;

    fn start(config: &Config, mut durable: Durable, ctx: &mut Context<'_, Relay>) -> Relay {
        // Below 2^53 with all that is counted on from here, so that no JSON reader on the way rounds them.
        let (nonce, next_number) = (ctx.rng().word() >> 11, ctx.rng().word() >> 12);
        let disk = *durable.disk.get_or_insert(nonce);
        let own = Stream { node: ctx.me(), disk };
        let mut hops = Streams::default();
        *hops.entry(own) = 0;
        let mut node = Relay {
            config: config.clone(),
            durable,
            disk,
            early: Early::default(),
            hops,
            pushed: BTreeSet::from([own]),
            base: Vector::default(),
            peers: BTreeMap::new(),
            hub: ctx.nodes().iter().next().unwrap_or(ctx.me()),
            pace: Pace::default(),
            up: None,
            news: false,
            cooling: false,
            pull: None,
            silence: Span::ZERO,
            next_number,
            broadcasts_received: 0,
            messages_sent: 0,
        };
        node.begin(ctx);
        node
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Relay>) {
        match request {
            Request::Broadcast { message: value } => {
                self.broadcasts_received += 1;
                if !self.durable.values().contains(&value) {
                    let own = Stream { node: ctx.me(), disk: self.disk };
                    let novelty = self.durable.append(own, value.clone());
                    debug_assert_eq!(novelty, Novelty::New);
                    ctx.emit(Event::Delivered { value, hops: 0 });
                    self.news = true;
                    self.tend(ctx);
                }
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read => {
                ctx.reply(
                    call,
                    Response::ReadOk { messages: self.durable.values().iter().cloned().collect() },
                );
            }
            Request::GossipStats => ctx.reply(call, self.stats()),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Relay>) {
        let Message::Relay(heard) = message;
        self.hear(from, *heard, ctx);
        self.tend(ctx);
        debug_assert!(
            self.is_sound(from, ctx),
            "what {from} was told is here, and what it was sent is awaited"
        );
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Relay>) {
        match timer {
            Timer::Up => self.speak_up_now(ctx),
            Timer::Flush => self.cooling = false,
            Timer::Ack(peer) => self.acknowledge(peer, ctx),
            Timer::Patience(peer) => self.lose_patience(peer, ctx),
            Timer::Probe(peer) => self.probe_again(peer, ctx),
            Timer::Pull => self.pull(ctx),
            Timer::Heartbeat => self.ask_around(ctx),
            Timer::Overdue => self.entrust(ctx),
        }
        self.tend(ctx);
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }
}

impl Relay {
    /// Does what follows from what is known now, whatever has just changed.
    fn tend(&mut self, ctx: &mut Context<'_, Relay>) {
        self.choose_hub(ctx);
        if self.news && !self.cooling {
            self.flush(ctx);
        }
        self.speak_up(ctx);
    }

    fn stats(&self) -> Response {
        Response::GossipStatsOk {
            broadcasts_received: self.broadcasts_received,
            gossip_messages_sent: self.messages_sent,
            messages_per_op: Quotient::of(self.messages_sent, self.broadcasts_received),
            unique_messages: self.durable.values().len() as u64,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ClientId, Members, NodeSet};
    use crate::node::{Effect, EffectOf};
    use crate::sim::fault::{Fault, Nemesis, NemesisKind};
    use crate::sim::network::{Latency, NetworkConfig, Profile};
    use crate::sim::{Setup, Sim, Stop};
    use crate::solo::Solo;
    use crate::value::Value;
    use crate::workload::{Effects, Operation, Phase};

    const HUB: NodeId = NodeId(0);

    fn node(me: u32) -> Solo<Relay> {
        Solo::new(Config::default(), NodeId(me), 5, 7)
    }

    fn broadcast(number: i64) -> Request {
        Request::Broadcast { message: Value::from(number) }
    }

    /// What a peer says that follows `hub` and has `count` values on disk 9.
    fn from_disk(disk: u64, hub: u32, count: u64) -> Relayed {
        Relayed {
            disk,
            hub: NodeId(hub),
            count,
            have: Vec::new(),
            data: Vec::new(),
            want: None,
            answer: None,
            flush: None,
            clock: None,
            echo: None,
        }
    }

    fn says(hub: u32, count: u64) -> Relayed {
        from_disk(9, hub, count)
    }

    /// Values of the peer's own stream.
    fn batch(peer: u32, start: u64, values: std::ops::Range<i64>) -> Batch {
        let messages = values.map(Value::from).collect();
        Batch { node: NodeId(peer), disk: 9, start, hops: Some(1), messages }
    }

    fn hears(node: &mut Solo<Relay>, from: u32, heard: Relayed) -> Vec<EffectOf<Relay>> {
        node.message(NodeId(from), Message::Relay(Box::new(heard)))
    }

    /// The wants among these effects: whom, and their numbers.
    fn wants(effects: &[EffectOf<Relay>]) -> Vec<(NodeId, u64)> {
        let wants = effects.iter().filter_map(|effect| match effect {
            Effect::Send(to, Message::Relay(said)) => said.want.map(|number| (*to, number)),
            _ => None,
        });
        wants.collect()
    }

    /// One effect a line, messages as on the wire; but for the timer that every message moves.
    fn told(effects: &[EffectOf<Relay>]) -> String {
        let mut text = String::new();
        for effect in effects {
            _ = match effect {
                Effect::SetTimer(Timer::Heartbeat, _) => continue,
                Effect::Send(to, Message::Relay(said)) => {
                    writeln!(text, "{to} <- {}", serde_json::to_string(said).unwrap())
                }
                other => writeln!(text, "{other:?}"),
            };
        }
        text
    }

    fn check(expected: &Expect, effects: &[EffectOf<Relay>]) {
        expected.assert_eq(&told(effects));
    }

    fn elapse(node: &mut Solo<Relay>, millis: u64) -> String {
        let mut text = String::new();
        for (timer, effects) in node.elapse(Span::from_millis(millis)) {
            _ = write!(text, "{timer:?}\n{}", told(&effects));
        }
        text
    }

    // ---- a calm cluster

    #[test]
    fn a_value_is_acknowledged_at_once_and_brought_to_the_hub_just_before_its_flush() {
        let mut leaf = node(2);
        check(&expect![[r#""#]], leaf.started());
        check(
            &expect![[r#"
                Reply(Call(0), BroadcastOk)
                Emit(Delivered { value: 1, hops: 0 })
                n0 <- {"disk":2369787263975613,"hub":0,"count":1,"data":[{"node":2,"disk":2369787263975613,"start":0,"hops":1,"messages":[1]}],"clock":"0s"}
                SetTimer(Patience(n0), 1.09s)
                SetTimer(Overdue, 730ms)
            "#]],
            &leaf.request(broadcast(1)),
        );
        leaf.elapse(Span::from_millis(200));
        let flush = Relayed {
            have: vec![(NodeId(2), leaf.node().disk, 1)],
            data: vec![batch(3, 0, 30..32)],
            flush: Some(Span::from_millis(440)),
            echo: Some((Time::ZERO, Span::ZERO)),
            ..says(0, 3)
        };
        check(
            &expect![[r#"
                CancelTimer(Patience(n0))
                CancelTimer(Overdue)
                Emit(Delivered { value: 30, hops: 1 })
                Emit(Delivered { value: 31, hops: 1 })
                SetTimer(Ack(n0), 2s)
            "#]],
            &hears(&mut leaf, 0, flush),
        );
        leaf.elapse(Span::from_millis(50));
        check(
            &expect![[r#"
                Reply(Call(1), BroadcastOk)
                Emit(Delivered { value: 2, hops: 0 })
                SetTimer(Up, 170ms)
            "#]],
            &leaf.request(broadcast(2)),
        );
        expect![""].assert_eq(&elapse(&mut leaf, 161));
        check(
            &expect![[r#"
                Reply(Call(2), BroadcastOk)
                Emit(Delivered { value: 3, hops: 0 })
            "#]],
            &leaf.request(broadcast(3)),
        );
    }

    #[test]
    fn a_hub_tells_each_what_it_lacks_at_once_when_idle_and_once_a_period_when_busy() {
        let mut hub = node(0);
        let up = Relayed { data: vec![batch(2, 0, 20..21)], clock: Some(Time::ZERO), ..says(0, 1) };
        check(
            &expect![[r#"
                Emit(Delivered { value: 20, hops: 1 })
                n1 <- {"disk":7591801269723121,"hub":0,"count":1,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20]}],"flush":"440ms"}
                SetTimer(Patience(n1), 3.09s)
                n2 <- {"disk":7591801269723121,"hub":0,"count":1,"have":[[2,9,1]],"flush":"440ms","echo":["0s","0s"]}
                n3 <- {"disk":7591801269723121,"hub":0,"count":1,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20]}],"flush":"440ms"}
                SetTimer(Patience(n3), 3.09s)
                n4 <- {"disk":7591801269723121,"hub":0,"count":1,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20]}],"flush":"440ms"}
                SetTimer(Patience(n4), 3.09s)
                SetTimer(Flush, 440ms)
            "#]],
            &hears(&mut hub, 2, up),
        );
        hub.elapse(Span::from_millis(40));
        check(
            &expect![[r#"
            Reply(Call(0), BroadcastOk)
            Emit(Delivered { value: 1, hops: 0 })
        "#]],
            &hub.request(broadcast(1)),
        );
        let up = Relayed { data: vec![batch(3, 0, 30..31)], clock: Some(Time::ZERO), ..says(0, 2) };
        check(
            &expect![[r#"
            Emit(Delivered { value: 30, hops: 1 })
            SetTimer(Pull, 200ms)
        "#]],
            &hears(&mut hub, 3, up),
        );
        expect![[r#"
            Pull
            SetTimer(Pull, 1s)
            n3 <- {"disk":7591801269723121,"hub":0,"count":3,"have":[[0,7591801269723121,1],[2,9,1],[3,9,1]],"want":2354322645056473}
            SetTimer(Patience(n3), 650ms)
            Flush
            n1 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":0,"disk":7591801269723121,"start":0,"hops":1,"messages":[1]},{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"flush":"440ms"}
            n2 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":0,"disk":7591801269723121,"start":0,"hops":1,"messages":[1]},{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"flush":"440ms"}
            SetTimer(Patience(n2), 3.09s)
            n3 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":0,"disk":7591801269723121,"start":0,"hops":1,"messages":[1]}],"flush":"440ms","echo":["0s","400ms"]}
            n4 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":0,"disk":7591801269723121,"start":0,"hops":1,"messages":[1]},{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"flush":"440ms"}
            SetTimer(Flush, 440ms)
        "#]].assert_eq(&elapse(&mut hub, 400));
        expect![[r#"
            Flush
        "#]]
        .assert_eq(&elapse(&mut hub, 440));
    }

    // ---- the rules, by their numbers

    #[test]
    fn rule_1_what_was_known_of_a_disk_is_not_known_of_the_next() {
        let mut hub = node(0);
        hears(&mut hub, 2, Relayed { data: vec![batch(2, 0, 20..23)], ..says(0, 3) });
        let known = |hub: &Solo<Relay>| hub.node().peers[&NodeId(2)].known.sum();
        assert_eq!(known(&hub), 3);
        hears(&mut hub, 2, from_disk(10, 0, 0));
        assert_eq!(known(&hub), 0);
        expect![[r#"
            Flush
            n2 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20,21,22]}],"flush":"440ms"}
            SetTimer(Patience(n2), 3.09s)
            SetTimer(Flush, 440ms)
        "#]].assert_eq(&elapse(&mut hub, 440));
        hub.elapse(Span::from_millis(440));
        let late = Relayed { data: vec![batch(2, 3, 23..24)], want: Some(5), ..says(0, 4) };
        check(
            &expect![[r#"
                Emit(Delivered { value: 23, hops: 1 })
                n2 <- {"disk":7591801269723121,"hub":0,"count":4,"have":[[2,9,4]],"want":2354322645056473}
                SetTimer(Patience(n2), 650ms)
                n1 <- {"disk":7591801269723121,"hub":0,"count":4,"data":[{"node":2,"disk":9,"start":3,"hops":2,"messages":[23]}],"flush":"440ms"}
                n2 <- {"disk":7591801269723121,"hub":0,"count":4,"data":[{"node":2,"disk":9,"start":3,"hops":2,"messages":[23]}],"flush":"440ms"}
                n3 <- {"disk":7591801269723121,"hub":0,"count":4,"data":[{"node":2,"disk":9,"start":3,"hops":2,"messages":[23]}],"flush":"440ms"}
                n4 <- {"disk":7591801269723121,"hub":0,"count":4,"data":[{"node":2,"disk":9,"start":3,"hops":2,"messages":[23]}],"flush":"440ms"}
                SetTimer(Flush, 440ms)
            "#]],
            &hears(&mut hub, 2, late),
        );
        assert_eq!(known(&hub), 0, "what comes late from the disk that is lost brings values and no more");
    }

    #[test]
    fn what_comes_late_from_a_lost_disk_does_not_pass_for_the_disk_that_took_its_place() {
        let mut hub = node(0);
        let speaks_now_of = |hub: &Solo<Relay>, disk| hub.node().peers[&NodeId(2)].speaks_now_of(disk);
        hears(&mut hub, 2, from_disk(10, 0, 0));
        hears(&mut hub, 2, from_disk(9, 0, 0));
        assert!(speaks_now_of(&hub, 9), "nobody can know yet which of both came first");
        let early = hub.node().next_number - 1;
        let asked = wants(&hears(&mut hub, 2, Relayed { answer: Some(early), ..from_disk(10, 0, 0) }));
        let [(NodeId(2), number)] = asked[..] else { panic!("{asked:?}") };
        assert!(speaks_now_of(&hub, 9), "that one may have been asked before it was lost");
        assert_eq!(wants(&hears(&mut hub, 2, from_disk(10, 0, 0))), [], "once is enough");
        let far = Relayed { answer: Some(u64::MAX), ..from_disk(10, 0, 0) };
        assert_eq!((wants(&hears(&mut hub, 2, far)), speaks_now_of(&hub, 9)), (vec![], true), "never asked");
        hears(&mut hub, 2, Relayed { answer: Some(number), ..from_disk(10, 0, 0) });
        assert!(speaks_now_of(&hub, 10), "a disk that was lost does not answer what is asked afterwards");
        hears(&mut hub, 2, Relayed { answer: Some(number), ..from_disk(9, 0, 0) });
        assert!(speaks_now_of(&hub, 10));
    }

    #[test]
    fn rule_2_and_3_what_was_sent_is_awaited_until_it_is_known_to_be_there() {
        let mut leaf = node(2);
        let disk = leaf.node().disk;
        leaf.request(broadcast(1));
        leaf.elapse(Span::from_millis(100));
        check(
            &expect![[r#"
            Reply(Call(1), BroadcastOk)
            Emit(Delivered { value: 2, hops: 0 })
            n0 <- {"disk":2369787263975613,"hub":0,"count":2,"data":[{"node":2,"disk":2369787263975613,"start":1,"hops":1,"messages":[2]}],"clock":"100ms"}
        "#]],
            &leaf.request(broadcast(2)),
        );
        let covers = |length| Relayed { have: vec![(NodeId(2), disk, length)], ..says(0, length) };
        check(
            &expect![[r#"
                CancelTimer(Patience(n0))
                CancelTimer(Overdue)
                SetTimer(Patience(n0), 1.09s)
                SetTimer(Overdue, 730ms)
            "#]],
            &hears(&mut leaf, 0, covers(1)),
        );
        check(
            &expect![[r#"
                CancelTimer(Patience(n0))
                CancelTimer(Overdue)
            "#]],
            &hears(&mut leaf, 0, covers(2)),
        );
    }

    #[test]
    fn rule_4_values_are_taken_in_once_and_in_order_whenever_they_come() {
        let mut hub = node(0);
        let up = |start, values| Relayed { data: vec![batch(2, start, values)], ..says(0, 3) };
        check(
            &expect![[r#"
            SetTimer(Pull, 200ms)
        "#]],
            &hears(&mut hub, 2, up(2, 22..23)),
        );
        check(&expect![[r#""#]], &hears(&mut hub, 2, up(1, 21..22)));
        check(
            &expect![[r#"
                Emit(Delivered { value: 20, hops: 1 })
                Emit(Delivered { value: 21, hops: 1 })
                Emit(Delivered { value: 22, hops: 1 })
                n1 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20,21,22]}],"flush":"440ms"}
                SetTimer(Patience(n1), 3.09s)
                n2 <- {"disk":7591801269723121,"hub":0,"count":3,"have":[[2,9,3]],"flush":"440ms"}
                n3 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20,21,22]}],"flush":"440ms"}
                SetTimer(Patience(n3), 3.09s)
                n4 <- {"disk":7591801269723121,"hub":0,"count":3,"data":[{"node":2,"disk":9,"start":0,"hops":2,"messages":[20,21,22]}],"flush":"440ms"}
                SetTimer(Patience(n4), 3.09s)
                SetTimer(Flush, 440ms)
            "#]],
            &hears(&mut hub, 2, up(0, 20..21)),
        );
        check(
            &expect![[r#"
            Emit(Redundant { value: 20 })
            Emit(Redundant { value: 21 })
        "#]],
            &hears(&mut hub, 2, up(0, 20..22)),
        );
    }

    #[test]
    fn rule_5_a_new_hub_is_brought_what_the_last_one_did_not_scatter_and_a_new_root_scatters() {
        let mut leaf = node(2);
        let disk = leaf.node().disk;
        leaf.request(broadcast(1));
        let flush = Relayed {
            have: vec![(NodeId(2), disk, 1)],
            data: vec![batch(3, 0, 30..32)],
            flush: Some(Span::from_millis(440)),
            ..says(0, 3)
        };
        hears(&mut leaf, 0, flush);
        leaf.request(broadcast(2));
        leaf.elapse(Span::from_millis(200));
        expect![[r#"
            Overdue
            n1 <- {"disk":2369787263975613,"hub":0,"count":4,"have":[[3,9,2]],"data":[{"node":2,"disk":2369787263975613,"start":1,"hops":1,"messages":[2]}]}
            Patience(n0)
            SetTimer(Probe(n0), 873.05433ms)
            n0 <- {"disk":2369787263975613,"hub":0,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949755,"clock":"1.09s"}
            SetTimer(Patience(n0), 650ms)
            n1 <- {"disk":2369787263975613,"hub":1,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949756,"clock":"1.09s"}
            SetTimer(Patience(n1), 650ms)
            SetTimer(Overdue, 730ms)
        "#]].assert_eq(&elapse(&mut leaf, 1_300));
        assert_eq!(leaf.node().hub, NodeId(1));
        expect![[r#"
            Patience(n0)
            Patience(n1)
            SetTimer(Probe(n1), 1.133996636s)
            n1 <- {"disk":2369787263975613,"hub":1,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949757,"clock":"1.74s"}
            SetTimer(Patience(n1), 650ms)
            n3 <- {"disk":2369787263975613,"hub":2,"count":4,"have":[[3,9,2]],"data":[{"node":2,"disk":2369787263975613,"start":1,"hops":1,"messages":[2]}],"want":483562465949758,"flush":"440ms"}
            SetTimer(Patience(n3), 650ms)
            n4 <- {"disk":2369787263975613,"hub":2,"count":4,"have":[[3,9,2]],"data":[{"node":2,"disk":2369787263975613,"start":1,"hops":1,"messages":[2]}],"want":483562465949759,"flush":"440ms"}
            SetTimer(Patience(n4), 650ms)
            Overdue
            Probe(n0)
            SetTimer(Probe(n0), 2.333578993s)
            n0 <- {"disk":2369787263975613,"hub":2,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949760}
            SetTimer(Patience(n0), 650ms)
            Patience(n1)
            Patience(n3)
            SetTimer(Probe(n3), 1.159897874s)
            n3 <- {"disk":2369787263975613,"hub":2,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949761}
            SetTimer(Patience(n3), 650ms)
            Patience(n4)
            SetTimer(Probe(n4), 1.078153065s)
            n4 <- {"disk":2369787263975613,"hub":2,"count":4,"have":[[2,2369787263975613,2],[3,9,2]],"want":483562465949762}
            SetTimer(Patience(n4), 650ms)
        "#]].assert_eq(&elapse(&mut leaf, 900));
        assert_eq!(leaf.node().hub, NodeId(2), "a root");
    }

    #[test]
    fn rule_6_a_followers_values_go_up_with_ones_own() {
        let mut middle = node(1);
        check(
            &expect![[r#"
                Emit(Delivered { value: 30, hops: 1 })
                n3 <- {"disk":8291029656185729,"hub":0,"count":1,"have":[[3,9,1]],"flush":"440ms"}
                SetTimer(Flush, 440ms)
                n0 <- {"disk":8291029656185729,"hub":0,"count":1,"data":[{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"clock":"0s"}
                SetTimer(Patience(n0), 1.09s)
                SetTimer(Overdue, 730ms)
            "#]],
            &hears(&mut middle, 3, Relayed { data: vec![batch(3, 0, 30..31)], ..says(1, 1) }),
        );
        expect![""].assert_eq(&elapse(&mut middle, 1));
    }

    #[test]
    fn rule_7_a_flush_says_when_the_next_one_comes_and_how_long_the_way_is() {
        let mut leaf = node(2);
        leaf.elapse(Span::from_millis(500));
        let flush = Relayed {
            flush: Some(Span::from_millis(1_700)),
            echo: Some((Time::ZERO + Span::from_millis(200), Span::from_millis(60))),
            ..says(0, 0)
        };
        hears(&mut leaf, 0, flush.clone());
        assert_eq!(leaf.node().pace.rtt(), Span::from_millis(240));
        let wait = leaf.node().pace.turn(leaf.now(), leaf.node().config.margin);
        assert_eq!(wait, pace::Turn::InSlot(Span::from_millis(1_700 - 240 - 20)));
        hears(&mut leaf, 1, Relayed { flush: Some(Span::from_secs(9)), ..flush });
        assert_eq!(wait, leaf.node().pace.turn(leaf.now(), leaf.node().config.margin), "of the hub's alone");
    }

    /// A way and back of 430 ms makes the slot 430 ms away, and flushes come sooner than that now and then.
    #[test]
    fn flushes_that_come_early_do_not_put_off_who_waits_for_a_slot() {
        let mut leaf = node(2);
        let mut told = Vec::new();
        let mut flush = |leaf: &mut Solo<Relay>, at: u64| {
            let fired = leaf.elapse(Span::from_millis(at - leaf.now().as_nanos() / 1_000_000));
            told.extend(fired.iter().filter(|(timer, _)| *timer == Timer::Up).map(|_| at));
            let echo = Some((Time::ZERO + Span::from_millis(at - 430), Span::ZERO));
            hears(leaf, 0, Relayed { flush: Some(Span::from_millis(440)), echo, ..says(0, 0) });
        };
        flush(&mut leaf, 1_000);
        leaf.request(broadcast(1));
        [1_400, 1_800, 2_200].into_iter().for_each(|at| flush(&mut leaf, at));
        assert_eq!(told, [1_800], "before that flush and after the one before");
    }

    #[test]
    fn a_flush_that_makes_for_a_sooner_slot_gives_it() {
        let mut leaf = node(2);
        leaf.elapse(Span::from_secs(1));
        let echo = Some((Time::ZERO + Span::from_millis(800), Span::ZERO));
        let flush = |period| Relayed { flush: Some(period), echo, ..says(0, 0) };
        hears(&mut leaf, 0, flush(Span::from_secs(9)));
        leaf.request(broadcast(1));
        hears(&mut leaf, 0, flush(Span::from_millis(440)));
        let fired = leaf.elapse(Span::from_millis(440));
        assert!(fired.iter().any(|(timer, _)| *timer == Timer::Up), "{fired:?}");
    }

    #[test]
    fn rule_8_what_nobody_brings_is_asked_for_from_one_after_another() {
        let mut leaf = node(2);
        let shows = || Relayed { have: vec![(NodeId(3), 9, 1)], ..says(0, 1) };
        check(
            &expect![[r#"
            SetTimer(Pull, 200ms)
        "#]],
            &hears(&mut leaf, 0, shows()),
        );
        check(&expect![[r#""#]], &hears(&mut leaf, 3, shows()));
        expect![[r#"
            Pull
            SetTimer(Pull, 1s)
            n0 <- {"disk":2369787263975613,"hub":0,"count":0,"want":483562465949755,"clock":"200ms"}
            SetTimer(Patience(n0), 650ms)
        "#]]
        .assert_eq(&elapse(&mut leaf, 200));
        expect![[r#"
            Patience(n0)
            SetTimer(Probe(n0), 1.069412081s)
            n0 <- {"disk":2369787263975613,"hub":0,"count":0,"want":483562465949756,"clock":"850ms"}
            SetTimer(Patience(n0), 650ms)
            SetTimer(Pull, 1s)
            n3 <- {"disk":2369787263975613,"hub":0,"count":0,"want":483562465949757}
            SetTimer(Patience(n3), 650ms)
            n1 <- {"disk":2369787263975613,"hub":1,"count":0,"want":483562465949758,"clock":"850ms"}
            SetTimer(Patience(n1), 650ms)
        "#]]
        .assert_eq(&elapse(&mut leaf, 1_000));
        let answer = Relayed {
            answer: Some(0),
            data: vec![Batch { hops: None, ..batch(3, 0, 30..31) }],
            ..says(0, 1)
        };
        check(
            &expect![[r#"
                Emit(Repaired { value: 30 })
                SetTimer(Ack(n3), 2s)
                CancelTimer(Pull)
                n1 <- {"disk":2369787263975613,"hub":1,"count":1,"have":[[3,9,1]],"clock":"1.2s"}
                SetTimer(Overdue, 730ms)
            "#]],
            &hears(&mut leaf, 3, answer),
        );
        let mut leaf = node(2);
        check(
            &expect![[r#"
            SetTimer(Pull, 200ms)
        "#]],
            &hears(&mut leaf, 0, says(0, 1)),
        );
        expect![[r#"
            Pull
            SetTimer(Pull, 1s)
            n0 <- {"disk":2369787263975613,"hub":0,"count":0,"want":483562465949755,"clock":"200ms"}
            SetTimer(Patience(n0), 650ms)
        "#]]
        .assert_eq(&elapse(&mut leaf, 200));
    }

    #[test]
    fn who_is_not_suspect_is_asked_first() {
        let mut leaf = node(4);
        let pulls = |leaf: &mut Solo<Relay>| {
            let fired = leaf.elapse(Span::from_secs(1));
            let pulls = fired.iter().filter(|(timer, _)| *timer == Timer::Pull);
            let asked = pulls.flat_map(|(_, effects)| wants(effects)).map(|(to, _)| to);
            asked.collect::<Vec<NodeId>>()
        };
        hears(&mut leaf, 0, says(0, 1));
        assert_eq!(pulls(&mut leaf), [HUB], "there is nobody else who has it");
        assert!(leaf.node().suspects(HUB));
        hears(&mut leaf, 3, says(0, 1));
        assert_eq!(pulls(&mut leaf), [NodeId(3)]);
    }

    #[test]
    fn rule_9_a_want_is_answered_at_once_with_all_that_the_asker_does_not_show() {
        let mut hub = node(0);
        hub.request(broadcast(1));
        hub.request(broadcast(2));
        let own = hub.node().disk;
        let want = Relayed { have: vec![(NodeId(0), own, 1)], want: Some(5), ..says(0, 1) };
        check(
            &expect![[r#"
                CancelTimer(Patience(n2))
                n2 <- {"disk":7591801269723121,"hub":0,"count":2,"data":[{"node":0,"disk":7591801269723121,"start":1,"messages":[2]}],"answer":5}
                SetTimer(Patience(n2), 3.09s)
            "#]],
            &hears(&mut hub, 2, want),
        );
    }

    // ---- suspicion

    #[test]
    fn a_suspect_is_asked_again_and_again_and_only_an_answer_clears_it() {
        let mut leaf = node(1);
        leaf.request(broadcast(1));
        let asked: Vec<(u64, Vec<(NodeId, u64)>)> = (0..80)
            .filter_map(|tenth| {
                let fired = leaf.elapse(Span::from_millis(100));
                let asked: Vec<_> = fired.iter().flat_map(|(_, effects)| wants(effects)).collect();
                let to_hub = asked.iter().any(|(to, _)| *to == HUB);
                to_hub.then_some((tenth * 100, asked))
            })
            .collect();
        let times: Vec<u64> = asked.iter().map(|(at, _)| *at).collect();
        expect!["[1000, 1900, 4000, 6000, 7700]"].assert_eq(&format!("{times:?}"));
        assert!(leaf.node().suspects(HUB) && leaf.node().hub == NodeId(1), "a root");
        let sooner = hears(&mut leaf, 0, says(0, 0));
        assert_eq!(wants(&sooner).len(), 1, "the way may be open again");
        assert_eq!(wants(&hears(&mut leaf, 0, says(0, 0))), [], "once in a while");
        assert!(leaf.node().suspects(HUB), "it has been heard, and may not hear");
        let first = asked[0].1[0].1;
        hears(&mut leaf, 0, Relayed { answer: Some(first - 1), ..says(0, 0) });
        assert!(leaf.node().suspects(HUB), "an answer to what was asked before");
        let cleared = hears(&mut leaf, 0, Relayed { answer: Some(first), ..says(0, 0) });
        assert!(!leaf.node().suspects(HUB) && leaf.node().hub == HUB);
        check(
            &expect![[r#"
                CancelTimer(Patience(n0))
                CancelTimer(Probe(n0))
                n0 <- {"disk":8291029656185729,"hub":0,"count":1,"data":[{"node":1,"disk":8291029656185729,"start":0,"hops":1,"messages":[1]}],"want":3184763338190989,"clock":"8s"}
                SetTimer(Patience(n0), 650ms)
                SetTimer(Overdue, 730ms)
            "#]],
            &cleared,
        );
    }

    // ---- what is overdue

    #[test]
    fn what_the_hub_should_have_acknowledged_is_entrusted_to_another_once() {
        let mut leaf = node(3);
        leaf.request(broadcast(1));
        let flush = Relayed {
            have: vec![(NodeId(3), leaf.node().disk, 1)],
            data: vec![batch(4, 0, 40..41)],
            flush: Some(Span::from_millis(440)),
            echo: Some((Time::ZERO, Span::ZERO)),
            ..says(0, 2)
        };
        leaf.elapse(Span::from_millis(200));
        hears(&mut leaf, 0, flush);
        leaf.request(broadcast(2));
        expect![[r#"
            Up
            CancelTimer(Ack(n0))
            n0 <- {"disk":5032745906640890,"hub":0,"count":3,"have":[[4,9,1]],"data":[{"node":3,"disk":5032745906640890,"start":1,"hops":1,"messages":[2]}],"clock":"420ms"}
            SetTimer(Patience(n0), 1.04s)
            SetTimer(Overdue, 260ms)
        "#]].assert_eq(&elapse(&mut leaf, 479));
        expect![[r#"
            Overdue
            n1 <- {"disk":5032745906640890,"hub":0,"count":3,"have":[[4,9,1]],"data":[{"node":3,"disk":5032745906640890,"start":1,"hops":1,"messages":[2]}]}
        "#]].assert_eq(&elapse(&mut leaf, 1));
        expect![[r#""#]].assert_eq(&elapse(&mut leaf, 300));
    }

    #[test]
    fn who_is_entrusted_with_values_brings_them_to_the_hub_and_acknowledges_nothing() {
        let mut second = node(1);
        let data = vec![batch(3, 0, 30..31)];
        check(
            &expect![[r#"
            Emit(Delivered { value: 30, hops: 1 })
            n0 <- {"disk":8291029656185729,"hub":0,"count":1,"data":[{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"clock":"0s"}
            SetTimer(Patience(n0), 1.09s)
            SetTimer(Overdue, 730ms)
        "#]],
            &hears(&mut second, 3, Relayed { data, ..says(0, 1) }),
        );
        hears(&mut second, 0, Relayed { have: vec![(NodeId(3), 9, 1)], ..says(0, 1) });
        expect![[r#""#]].assert_eq(&elapse(&mut second, 3_000));
        check(
            &expect![[r#"
            n0 <- {"disk":8291029656185729,"hub":0,"count":1,"data":[{"node":3,"disk":9,"start":0,"hops":2,"messages":[30]}],"clock":"3s"}
            SetTimer(Patience(n0), 1.09s)
            SetTimer(Overdue, 730ms)
        "#]],
            &hears(&mut second, 0, from_disk(10, 0, 0)),
        );
    }

    #[test]
    fn who_neither_serves_nor_follows_gets_no_acknowledgement_of_what_it_only_shows() {
        let mut leaf = node(2);
        hears(
            &mut leaf,
            0,
            Relayed { data: vec![batch(3, 0, 30..31)], flush: Some(Span::ZERO), ..says(0, 1) },
        );
        leaf.elapse(Span::from_secs(3));
        check(&expect![[""]], &hears(&mut leaf, 4, Relayed { have: vec![(NodeId(3), 9, 1)], ..says(0, 1) }));
        let data = vec![batch(4, 0, 40..41)];
        let from_a_root = Relayed { data, flush: Some(Span::from_millis(440)), ..says(1, 2) };
        check(
            &expect![[r#"
            Emit(Delivered { value: 40, hops: 1 })
            SetTimer(Ack(n1), 2s)
            SetTimer(Pull, 200ms)
            n0 <- {"disk":2369787263975613,"hub":0,"count":2,"have":[[4,9,1]],"clock":"3s"}
            SetTimer(Patience(n0), 1.09s)
            SetTimer(Overdue, 290ms)
        "#]],
            &hears(&mut leaf, 1, from_a_root),
        );
    }

    // ---- silence

    #[test]
    fn who_hears_nobody_asks_its_hub_and_a_root_anybody() {
        let silence = |me| {
            let mut node = node(me);
            let mut asked = Vec::new();
            for second in 1..=60 {
                let fired = node.elapse(Span::from_secs(1));
                for (to, _) in fired
                    .iter()
                    .filter(|(timer, _)| *timer == Timer::Heartbeat)
                    .flat_map(|(_, effects)| wants(effects))
                {
                    asked.push((second, to));
                }
            }
            format!("{asked:?}")
        };
        expect!["[(3, n3), (13, n3), (33, n1)]"].assert_eq(&silence(0));
        expect!["[(3, n0), (13, n2), (33, n2)]"].assert_eq(&silence(4));
    }

    #[test]
    fn who_comes_up_with_values_asks_at_once_and_who_has_lost_them_soon() {
        let mut leaf = node(2);
        leaf.request(broadcast(1));
        leaf.elapse(Span::from_millis(10));
        leaf.crash_and_restart();
        expect![[r#"
            Heartbeat
            n0 <- {"disk":2369787263975613,"hub":0,"count":1,"have":[[2,2369787263975613,1]],"want":1742457196503968,"clock":"10ms"}
            SetTimer(Patience(n0), 650ms)
            n0 <- {"disk":2369787263975613,"hub":0,"count":1,"data":[{"node":2,"disk":2369787263975613,"start":0,"hops":1,"messages":[1]}],"clock":"10ms"}
            SetTimer(Overdue, 730ms)
        "#]].assert_eq(&elapse(&mut leaf, 0));
        let before = leaf.node().disk;
        leaf.wipe_and_restart();
        assert_ne!(leaf.node().disk, before, "what it had numbered is another disk's");
        expect![[r#"
            Heartbeat
            n0 <- {"disk":79342523098783,"hub":0,"count":0,"want":3531629355120836,"clock":"1.01s"}
            SetTimer(Patience(n0), 650ms)
        "#]]
        .assert_eq(&elapse(&mut leaf, 1_000));
    }

    #[test]
    fn what_others_than_the_hub_say_is_no_sign_of_the_hub() {
        let mut leaf = node(2);
        let heartbeat = |effects: Vec<EffectOf<Relay>>| {
            effects.iter().any(|effect| matches!(effect, Effect::SetTimer(Timer::Heartbeat, _)))
        };
        assert!(!heartbeat(hears(&mut leaf, 3, says(0, 0))));
        assert!(heartbeat(hears(&mut leaf, 0, says(0, 0))));
        assert!(heartbeat(hears(&mut node(0), 3, says(0, 0))), "a root has nobody else");
    }

    #[test]
    fn a_node_alone_is_silent() {
        let mut alone = Solo::<Relay>::new(Config::default(), NodeId(0), 1, 7);
        let effects = alone.request(broadcast(1));
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::Send(..))), "{effects:?}");
        let fired = alone.elapse(Span::from_secs(60));
        assert!(
            !fired.iter().any(|(_, effects)| effects.iter().any(|effect| matches!(effect, Effect::Send(..))))
        );
    }

    // ---- and the rest

    #[test]
    fn many_values_go_in_messages_that_fit_on_a_line() {
        let mut hub = node(0);
        for number in 0..5 {
            let text = format!("\"{number}{}\"", "x".repeat(400_000));
            hub.request(Request::Broadcast { message: Value::parse(&text).unwrap() });
        }
        let carried = |effects: &[EffectOf<Relay>]| {
            let said = effects.iter().filter_map(|effect| match effect {
                Effect::Send(NodeId(2), Message::Relay(said)) => Some(said),
                _ => None,
            });
            said.map(|said| said.data.iter().map(|batch| batch.messages.len()).sum()).collect::<Vec<usize>>()
        };
        let flushes: Vec<Vec<usize>> = (0..3)
            .map(|_| {
                hub.elapse(Span::from_millis(440)).iter().flat_map(|(_, effects)| carried(effects)).collect()
            })
            .collect();
        assert_eq!(flushes, [vec![2], vec![2], vec![]], "one went at once");
        let want = |have| Relayed { have, want: Some(5), ..from_disk(11, 0, 0) };
        assert_eq!(carried(&hears(&mut hub, 2, want(vec![]))), [2], "the asker sees that there is more");
        let own = hub.node().disk;
        assert_eq!(carried(&hears(&mut hub, 2, want(vec![(HUB, own, 2)]))), [2]);
    }

    #[test]
    fn statistics_count_messages_for_each_broadcast() {
        let mut leaf = node(2);
        leaf.request(broadcast(1));
        check(
            &expect![[r#"
            Reply(Call(1), GossipStatsOk { broadcasts_received: 1, gossip_messages_sent: 1, messages_per_op: 1, unique_messages: 1 })
        "#]],
            &leaf.request(Request::GossipStats),
        );
    }

    #[test]
    fn strange_messages_do_no_harm() {
        let far = u64::MAX;
        let strange = [
            Relayed { have: vec![(NodeId(1), far, far), (NodeId(1), far, far), (HUB, 0, 0)], ..says(4, far) },
            Relayed { data: vec![batch(1, far, 0..3), batch(2, far - 1, 0..3)], ..says(1, 0) },
            Relayed { data: vec![batch(3, 0, 0..0), batch(3, 0, 0..2), batch(3, 1, 5..9)], ..says(2, 1) },
            Relayed { want: Some(far), answer: Some(far), flush: Some(Span::ZERO), ..says(1, 2) },
            Relayed {
                clock: Some(Time::MAX),
                echo: Some((Time::MAX, Span::LONGEST)),
                flush: Some(Span::LONGEST),
                ..says(0, 0)
            },
            from_disk(far, 3, 3),
        ];
        for me in 0..3 {
            let mut node = node(me);
            for round in 0..3 {
                for heard in &strange {
                    for from in (0..5).filter(|from| *from != me) {
                        hears(&mut node, from, heard.clone());
                    }
                }
                node.request(broadcast(round));
                node.elapse(Span::from_secs(2));
            }
            let Some(Effect::Reply(_, Response::ReadOk { messages })) = node.request(Request::Read).pop()
            else {
                panic!("a read is answered")
            };
            assert!((0..3).all(|number| messages.contains(&Value::from(number))), "{messages:?}");
        }
    }

    // ---- what always holds

    /// A cluster in a storm: of so many nodes, with these kinds of faults.
    fn storm(seed: u64, nodes: u32, kinds: Vec<NemesisKind>, latency: u64, end: Span) -> Sim<Relay, ()> {
        let limit = Span::from_secs(10);
        let broadcast = |number: u32| Operation {
            at: Time::ZERO + Span::from_millis(97 * u64::from(number)),
            client: ClientId(number),
            node: NodeId(number * 7 % nodes),
            request: broadcast(i64::from(number)),
            effect: Effects::Changes,
            phase: Phase::Storm,
        };
        let nemesis = Nemesis { kinds, interval: Span::from_secs(1) };
        let faults: Vec<Fault> = nemesis.draw(seed, limit, &Members::all(nodes).without(&NodeSet::default()));
        let latency = Latency::Uniform { min: Span::from_nanos(1), max: Span::from_millis(2 * latency + 1) };
        let mut sim = Sim::new(
            Setup {
                network: NetworkConfig { latency, ..NetworkConfig::default() },
                profile: if seed.is_multiple_of(2) { Profile::Ideal } else { Profile::Maelstrom },
                faults,
                operations: (0..100)
                    .map(broadcast)
                    .filter(|operation| operation.at < Time::ZERO + end)
                    .collect(),
                workers: 100,
                storm_end: Time::ZERO + limit,
                end: Time::ZERO + end,
                ..Setup::<Relay>::new(seed, nodes, Config::default())
            },
            (),
        );
        assert_eq!(sim.run(), Stop::Done);
        sim
    }

    fn vector(node: &Relay) -> Vector {
        let mut vector = Vector::default();
        node.durable.lengths().for_each(|(stream, length)| vector.raise(stream, length));
        vector
    }

    /// Looks at all nodes at one instant.
    fn invariants(sim: &Sim<Relay, ()>, nodes: u32) {
        let all = || (0..nodes).map(NodeId).filter_map(|id| Some((id, sim.node(id)?)));
        for (id, node) in all() {
            let mine = vector(node);
            assert!(node.hub <= id, "{id} follows {}", node.hub);
            let values: BTreeSet<&Value> = node.durable.streams().flat_map(|(_, values)| values).collect();
            assert_eq!(values, node.durable.values().iter().collect(), "{id} holds what its streams do");
            for (other, peer) in &node.peers {
                assert!(mine.covers(&peer.told), "{id} told {other} of more than it has");
                let watched = !peer.is_suspect() && (*other == node.hub || (node.hub == id) || peer.follows);
                assert!(
                    !watched || peer.under_way().is_empty() || !peer.awaited.is_empty(),
                    "{id} forgets what it sent {other}"
                );
                let timed = peer.awaited.is_empty() || watched;
                assert!(timed, "{id} waits for {other}, which it does not watch");
            }
            for (other, peer) in all().filter(|(other, _)| *other != id) {
                let known = node.peers.get(&other).filter(|known| known.speaks_now_of(peer.disk));
                assert!(
                    known.is_none_or(|known| vector(peer).covers(&known.known)),
                    "{id} overrates {other}"
                );
                let own = Stream { node: other, disk: peer.disk };
                assert!(
                    mine.of(own) <= peer.durable.length(own),
                    "{id} has more of {other} than {other} itself"
                );
            }
        }
    }

    fn kinds() -> impl Strategy<Value = Vec<NemesisKind>> {
        use NemesisKind::{Crash, Flaky, Partition, Pause, Skew, Slow, Wipe};
        prop::sample::subsequence(vec![Partition, Crash, Wipe, Pause, Flaky, Slow, Skew], 1..=7)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

        #[test]
        fn whatever_the_storm_nobody_believes_too_much_and_all_ends_well(
            (seed, nodes, kinds, latency, at) in (any::<u64>(), 2_u32..9, kinds(), 0_u64..150, 0_u64..12_000)
        ) {
            invariants(&storm(seed, nodes, kinds.clone(), latency, Span::from_millis(at)), nodes);
            let settled = storm(seed, nodes, kinds, latency, Span::from_secs(40));
            invariants(&settled, nodes);
            let disks = || (0..nodes).map(|id| vector(settled.node(NodeId(id)).expect("the storm is over")));
            for disk in disks() {
                prop_assert!(disks().all(|other| other == disk), "all have the same");
            }
        }
    }
}
