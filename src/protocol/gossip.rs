//! Gossip: a new value is told to a few random peers, who do the same; a periodic exchange repairs what got lost.
//!
//! Rumour mongering with push (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987): each
//! *new* value goes once to `fanout` distinct peers, never back to where it came from. Anti-entropy, of the same paper:
//! every so often a node compares its set with that of one random peer, first by the sums of buckets of fingerprints,
//! then by the fingerprints of the buckets that differ, and at last only what is missing passes, both ways. What came
//! by repair is not forwarded.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

use crate::hash::{hash_of, mix};
use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::ratio::Quotient;
use crate::time::Span;
use crate::value::{Value, ValueSet};
use crate::workload::broadcast::{Event, Request, Response};

/// The knobs of gossip.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// To how many distinct random peers a node tells each new value.
    pub fanout: u32,
    /// How often a node compares its values with a random peer's; null for never.
    #[serde(deserialize_with = "period")]
    pub anti_entropy: Option<Span>,
}

/// A length of time that something is done again after, or null for never.
pub(super) fn period<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    let or_null = |error| de::Error::custom(format!("{error}, or null for never"));
    match Option::deserialize(deserializer).map_err(or_null)? {
        Some(Span::ZERO) => {
            Err(de::Error::custom("no time at all would never end; give a length, or null for never"))
        }
        period => Ok(period),
    }
}

impl Default for Config {
    fn default() -> Config {
        Config { fanout: 2, anti_entropy: Some(Span::from_secs(1)) }
    }
}

/// Node to node. A rumour is small and by far the most common; the rest is boxed, so that all are small in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A value, and how many hops it has come.
    Rumor {
        /// The value.
        message: Value,
        /// This one included.
        hops: u32,
    },
    /// The sums of the fingerprints of the sender's values, by bucket: fingerprint mod the number of buckets.
    Digest {
        /// One a bucket.
        sums: Box<[u64]>,
    },
    /// We differ.
    Differ(Box<Differ>),
    /// What you lack, and what I lack.
    Repair(Box<Repair>),
}

/// In these of so many buckets we differ; these are the fingerprints of what I have there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Differ {
    /// How many buckets there are.
    pub of: u64,
    /// Those that differ.
    pub buckets: Vec<u64>,
    /// The fingerprints of all the sender's values in them.
    pub have: Vec<u64>,
}

/// What you lack, and what I lack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repair {
    /// Values that the receiver lacks.
    pub messages: Vec<Value>,
    /// Fingerprints of values that the sender lacks.
    pub want: Vec<u64>,
}

/// The timers of gossip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Compare notes with a random peer.
    AntiEntropy,
}

/// A node that gossips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gossip {
    config: Config,
    /// In order of arrival; on disk before a broadcast is acknowledged.
    seen: ValueSet,
    broadcasts_received: u64,
    rumors_sent: u64,
}

impl Node for Gossip {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = ValueSet;

    fn start(config: &Config, seen: ValueSet, ctx: &mut Context<'_, Gossip>) -> Gossip {
        if let Some(period) = config.anti_entropy {
            // A random phase, so that nodes that start together do not exchange together.
            let phase = ctx.rng().span(Span::from_nanos(1), period);
            ctx.set_timer(Timer::AntiEntropy, phase);
        }
        Gossip { config: config.clone(), seen, broadcasts_received: 0, rumors_sent: 0 }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Gossip>) {
        match request {
            Request::Broadcast { message } => {
                self.broadcasts_received += 1;
                self.learn(message, 0, None, ctx);
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read => {
                ctx.reply(call, Response::ReadOk { messages: self.seen.iter().cloned().collect() })
            }
            Request::GossipStats => ctx.reply(call, self.stats()),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Gossip>) {
        match message {
            Message::Rumor { message, hops } => {
                if !self.learn(message.clone(), hops, Some(from), ctx) {
                    ctx.emit(Event::Redundant { value: message });
                }
            }
            Message::Digest { sums } => self.compare(from, &sums, ctx),
            Message::Differ(differ) => self.repair(from, *differ, ctx),
            Message::Repair(repair) => {
                repair.messages.into_iter().for_each(|value| self.mend(value, ctx));
                self.send_repair(from, self.with_fingerprints(repair.want), Vec::new(), ctx);
            }
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Gossip>) {
        let Timer::AntiEntropy = timer;
        let mut peer = Vec::with_capacity(1);
        ctx.pick_peers(1, None, &mut peer);
        for peer in peer {
            ctx.send(peer, Message::Digest { sums: self.sums(self.buckets()).into() });
        }
        if let Some(period) = self.config.anti_entropy {
            ctx.set_timer(Timer::AntiEntropy, period);
        }
    }

    fn durable(&self) -> &ValueSet {
        &self.seen
    }
}

/// Rumour mongering.
impl Gossip {
    /// Takes in a value that came from a client or as a rumour, and tells it on if it is new; `false` if it is not.
    fn learn(
        &mut self,
        value: Value,
        hops: u32,
        from: Option<NodeId>,
        ctx: &mut Context<'_, Gossip>,
    ) -> bool {
        if !self.seen.insert(value.clone()) {
            return false;
        }
        let mut peers = Vec::with_capacity(self.config.fanout.min(64) as usize);
        ctx.pick_peers(self.config.fanout as usize, from, &mut peers);
        self.rumors_sent += peers.len() as u64;
        for peer in peers {
            ctx.send(peer, Message::Rumor { message: value.clone(), hops: hops.saturating_add(1) });
        }
        ctx.emit(Event::Delivered { value, hops });
        true
    }

    fn stats(&self) -> Response {
        Response::GossipStatsOk {
            broadcasts_received: self.broadcasts_received,
            gossip_messages_sent: self.rumors_sent,
            messages_per_op: Quotient::of(self.rumors_sent, self.broadcasts_received),
            unique_messages: self.seen.len() as u64,
        }
    }
}

/// Anti-entropy.
impl Gossip {
    /// A peer shows its sums: tell it where we differ, and what is there; nothing if we do not.
    fn compare(&self, from: NodeId, sums: &[u64], ctx: &mut Context<'_, Gossip>) {
        if sums.is_empty() {
            return;
        }
        let of = sums.len() as u64;
        let mine = self.sums(of);
        let buckets: Vec<u64> =
            (0..of).filter(|bucket| mine[*bucket as usize] != sums[*bucket as usize]).collect();
        if !buckets.is_empty() {
            let have = self.within(of, &buckets).map(|(print, _)| print).take(MOST_FINGERPRINTS).collect();
            ctx.send(from, Message::Differ(Box::new(Differ { of, buckets, have })));
        }
    }

    /// A peer shows what it has where we differ: send it what it lacks, and ask for what this node lacks.
    fn repair(&self, from: NodeId, differ: Differ, ctx: &mut Context<'_, Gossip>) {
        let Differ { of, buckets, mut have } = differ;
        if of == 0 {
            return;
        }
        have.sort_unstable();
        let (known, lacking): (Vec<_>, Vec<_>) =
            self.within(of, &buckets).partition(|(print, _)| have.binary_search(print).is_ok());
        let mut known: Vec<u64> = known.into_iter().map(|(print, _)| print).collect();
        known.sort_unstable();
        have.retain(|print| known.binary_search(print).is_err());
        have.truncate(MOST_FINGERPRINTS);
        self.send_repair(from, lacking.into_iter().map(|(_, value)| value.clone()).collect(), have, ctx);
    }

    fn send_repair(
        &self,
        to: NodeId,
        mut messages: Vec<Value>,
        want: Vec<u64>,
        ctx: &mut Context<'_, Gossip>,
    ) {
        let mut bytes = 0;
        messages.retain(|value| {
            let first = bytes == 0;
            bytes += value.text().len();
            first || bytes < MOST_REPAIRED
        });
        if !messages.is_empty() || !want.is_empty() {
            ctx.send(to, Message::Repair(Box::new(Repair { messages, want })));
        }
    }

    /// Takes in a value that a peer sent to repair this node's set.
    fn mend(&mut self, value: Value, ctx: &mut Context<'_, Gossip>) {
        if self.seen.insert(value.clone()) {
            ctx.emit(Event::Repaired { value });
        } else {
            ctx.emit(Event::Redundant { value });
        }
    }

    /// As many buckets as leave about eight values in each.
    fn buckets(&self) -> u64 {
        (self.seen.len() as u64 / 8).next_power_of_two().clamp(1, 1_024)
    }

    fn sums(&self, of: u64) -> Vec<u64> {
        let mut sums = vec![0_u64; of as usize];
        for print in self.seen.iter().map(fingerprint) {
            let sum = &mut sums[(print % of) as usize];
            *sum = (*sum + print) % FINGERPRINTS;
        }
        sums
    }

    fn within<'a>(&'a self, of: u64, buckets: &'a [u64]) -> impl Iterator<Item = (u64, &'a Value)> {
        let mut wanted = buckets.to_vec();
        wanted.sort_unstable();
        let prints = self.seen.iter().map(|value| (fingerprint(value), value));
        prints.filter(move |(print, _)| wanted.binary_search(&(print % of)).is_ok())
    }

    fn with_fingerprints(&self, mut prints: Vec<u64>) -> Vec<Value> {
        if prints.is_empty() {
            return Vec::new();
        }
        prints.sort_unstable();
        self.seen.iter().filter(|value| prints.binary_search(&fingerprint(value)).is_ok()).cloned().collect()
    }
}

/// So many bytes of values go into one repair at most, but for the first; the rest waits for the next exchange.
const MOST_REPAIRED: usize = 1 << 20;

/// So many fingerprints go into one message at most; what is left out is looked at in a later exchange.
const MOST_FINGERPRINTS: usize = 50_000;

/// Fingerprints stay below 2^53, so that no JSON reader on the way rounds them.
const FINGERPRINTS: u64 = 1 << 53;

fn fingerprint(value: &Value) -> u64 {
    mix(hash_of(value)) % FINGERPRINTS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solo::Solo;
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

    /// Two nodes with overlapping sets end equal, whatever they hold, and only what is missing passes.
    #[test]
    fn an_exchange_mends_both_sides_and_sends_only_what_is_missing() {
        let mut nodes =
            [0, 1].map(|me| Solo::<Gossip>::new(Config { fanout: 0, ..calm() }, NodeId(me), 2, 7));
        for number in 0..200 {
            for (me, node) in nodes.iter_mut().enumerate() {
                if number % 10 != me as i64 {
                    node.request(Request::Broadcast { message: Value::from(number) });
                }
            }
        }
        let digest = Message::Digest { sums: nodes[0].node().sums(nodes[0].node().buckets()).into() };
        let mut on_the_way = vec![(1, digest)];
        let mut repaired = 0;
        while let Some((to, message)) = on_the_way.pop() {
            if let Message::Repair(repair) = &message {
                repaired += repair.messages.len();
            }
            for effect in nodes[to].message(NodeId(1 - to as u32), message) {
                if let crate::node::Effect::Send(_, message) = effect {
                    on_the_way.push((1 - to, message));
                }
            }
        }
        assert_eq!(repaired, 40, "20 were missing on either side");
        assert!(nodes.iter().all(|node| node.node().seen.len() == 200));
        let digest = Message::Digest { sums: nodes[0].node().sums(16).into() };
        assert_eq!(nodes[1].message(NodeId(0), digest), [], "equal sets have nothing to say");
    }

    #[test]
    fn a_message_in_flight_is_small() {
        assert_eq!(std::mem::size_of::<Message>(), 24);
    }

    #[test]
    fn strange_messages_do_no_harm() {
        let mut node = Solo::<Gossip>::new(calm(), NodeId(0), 2, 7);
        node.request(Request::Broadcast { message: value("1") });
        for message in [
            Message::Digest { sums: Box::default() },
            Message::Differ(Box::new(Differ { of: 0, buckets: vec![0], have: vec![] })),
            Message::Differ(Box::new(Differ { of: u64::MAX, buckets: vec![5, 5], have: vec![1, 1] })),
            Message::Repair(Box::new(Repair { messages: vec![], want: vec![9] })),
        ] {
            node.message(NodeId(1), message);
        }
        assert_eq!(node.node().seen.len(), 1);
    }
}
