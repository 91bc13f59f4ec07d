//! Counters without coordination: every life of a node counts in a slot of its own, and slots merge by the greater.
//!
//! The state-based PN-counter of Shapiro et al., "A comprehensive study of convergent and commutative replicated data
//! types" (2011), as G-counter, too. What a slot has newly come to is told to `fanout` peers, who do the same, never back
//! to where it came from; every so often a node compares a hash of all its slots with a random peer's, and if they
//! differ both send what the other lacks. A disk that is lost takes its slot with it: the next life draws a new nonce and
//! counts in a new one, as others may know the old one further than this node does.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::hash::{hash_of, mix};
use crate::id::NodeId;
use crate::node::{Call, Context, ErrorCode, Node};
use crate::workload::counter::sums::clamp;
use crate::workload::counter::{Any, Deltas, Event, Growing, Request, Response, Slot};

pub use super::knobs::{Config, Timer};

/// A slot, and what it has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tally {
    /// Which.
    pub slot: Slot,
    /// What was added.
    pub up: u64,
    /// What was taken away.
    pub down: u64,
}

impl Tally {
    fn extent(&self) -> u64 {
        self.up.saturating_add(self.down)
    }
}

/// Slots in order, each once, with what they have come to, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tallies(Vec<Tally>);

impl Tallies {
    /// What the slot has come to; nothing, if it is not known.
    fn of(&self, slot: Slot) -> Tally {
        let at = self.0.binary_search_by_key(&slot, |tally| tally.slot);
        at.map_or(Tally { slot, up: 0, down: 0 }, |at| self.0[at])
    }

    /// Takes in what somebody knows of a slot; what it has come to now, if that is news.
    fn merge(&mut self, other: Tally) -> Option<Tally> {
        let mine = self.of(other.slot);
        let merged = Tally { slot: other.slot, up: mine.up.max(other.up), down: mine.down.max(other.down) };
        if merged == mine {
            return None;
        }
        match self.0.binary_search_by_key(&other.slot, |tally| tally.slot) {
            Ok(at) => self.0[at] = merged,
            Err(at) => self.0.insert(at, merged),
        }
        Some(merged)
    }

    /// What these know that the others do not.
    fn beyond(&self, others: &Tallies) -> Vec<Tally> {
        let more = |mine: &&Tally| {
            let theirs = others.of(mine.slot);
            mine.up > theirs.up || mine.down > theirs.down
        };
        self.0.iter().filter(more).copied().collect()
    }

    fn sum(&self) -> i64 {
        clamp(self.0.iter().map(|tally| i128::from(tally.up) - i128::from(tally.down)).sum())
    }

    /// A number below 2^53, so that no JSON reader on the way rounds it.
    fn fingerprint(&self) -> u64 {
        mix(hash_of(self)) % (1 << 53)
    }
}

/// All that survives a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Disk {
    /// Of the slot of this life; none before the first one has begun.
    nonce: Option<u64>,
    tallies: Tallies,
}

/// Node to node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// What a slot has newly come to.
    News(Box<Tally>),
    /// A hash of all the sender's slots.
    Digest {
        /// Below 2^53.
        hash: u64,
    },
    /// We differ; this is all I know.
    Differ {
        /// Every slot.
        tallies: Vec<Tally>,
    },
    /// What you lack.
    Repair {
        /// Slots that the sender knows further.
        tallies: Vec<Tally>,
    },
}

/// A node that counts, over what may be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter<D> {
    config: Config,
    own: Slot,
    disk: Disk,
    deltas: PhantomData<fn() -> D>,
}

/// A node whose counter only grows.
pub type GCounter = Counter<Growing>;

/// A node whose counter goes both ways.
pub type PnCounter = Counter<Any>;

impl<D: Deltas> Node for Counter<D> {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = Disk;

    fn start(config: &Config, mut disk: Disk, ctx: &mut Context<'_, Self>) -> Self {
        // Below 2^53, so that no JSON reader on the way rounds it.
        let nonce = *disk.nonce.get_or_insert_with(|| ctx.rng().below(1 << 53));
        config.begin(ctx);
        let own = Slot { node: ctx.me(), nonce };
        Counter { config: config.clone(), own, disk, deltas: PhantomData }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Add { delta } if !D::allow(delta) => {
                let text = format!("a {} does not take {delta}; add 0 or more", D::NAME);
                ctx.reject(call, ErrorCode::MalformedRequest, text);
            }
            Request::Add { delta } => self.add(delta, call, ctx),
            Request::Read => ctx.reply(call, Response::ReadOk { value: self.disk.tallies.sum() }),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::News(tally) => {
                if let Some(tally) = self.learn(*tally, ctx) {
                    self.tell(tally, Some(from), ctx);
                }
            }
            Message::Digest { hash } => {
                if hash != self.disk.tallies.fingerprint() {
                    ctx.send(from, Message::Differ { tallies: self.disk.tallies.0.clone() });
                }
            }
            Message::Differ { tallies } => self.repair(from, tallies, ctx),
            Message::Repair { tallies } => tallies.into_iter().for_each(|tally| _ = self.learn(tally, ctx)),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Self>) {
        let Timer::AntiEntropy = timer;
        self.config.exchange(Message::Digest { hash: self.disk.tallies.fingerprint() }, ctx);
    }

    fn durable(&self) -> &Disk {
        &self.disk
    }
}

impl<D: Deltas> Counter<D> {
    /// Counts what a client adds in this life's slot, unless that is full.
    fn add(&mut self, delta: i64, call: Call, ctx: &mut Context<'_, Self>) {
        let mut tally = self.disk.tallies.of(self.own);
        let size = delta.unsigned_abs();
        let Some(extent) = tally.extent().checked_add(size) else {
            ctx.reject(call, ErrorCode::Abort, format!("{delta} is more than this node can still count"));
            return;
        };
        *if delta < 0 { &mut tally.down } else { &mut tally.up } += size;
        if self.disk.tallies.merge(tally).is_some() {
            self.tell(tally, None, ctx);
        }
        ctx.emit(Event::Added { slot: self.own, delta, extent });
        ctx.reply(call, Response::AddOk);
    }

    /// Takes in what a peer knows of a slot; what the slot has come to now, if that is news.
    fn learn(&mut self, tally: Tally, ctx: &mut Context<'_, Self>) -> Option<Tally> {
        let news = self.disk.tallies.merge(tally)?;
        ctx.emit(Event::Learned { slot: news.slot, extent: news.extent() });
        Some(news)
    }

    fn tell(&self, tally: Tally, except: Option<NodeId>, ctx: &mut Context<'_, Self>) {
        ctx.send_to_peers(self.config.fanout as usize, except, Message::News(Box::new(tally)));
    }

    /// A peer shows all it knows: take that in, and send it what it lacks.
    fn repair(&mut self, from: NodeId, tallies: Vec<Tally>, ctx: &mut Context<'_, Self>) {
        let mut theirs = Tallies::default();
        for tally in tallies {
            theirs.merge(tally);
            self.learn(tally, ctx);
        }
        let lacking = self.disk.tallies.beyond(&theirs);
        if !lacking.is_empty() {
            ctx.send(from, Message::Repair { tallies: lacking });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{Effect, EffectOf};
    use crate::solo::Solo;
    use crate::time::Span;
    use expect_test::expect;

    fn calm(fanout: u32) -> Config {
        Config { fanout, anti_entropy: None }
    }

    fn node(me: u32, fanout: u32) -> Solo<PnCounter> {
        Solo::new(calm(fanout), NodeId(me), 3, 7)
    }

    fn add(delta: i64) -> Request {
        Request::Add { delta }
    }

    fn value(node: &mut Solo<PnCounter>) -> i64 {
        match node.request(Request::Read)[..] {
            [Effect::Reply(_, Response::ReadOk { value })] => value,
            ref other => panic!("no answer to a read: {other:?}"),
        }
    }

    fn shown<T: std::fmt::Debug>(effects: &[T]) -> String {
        effects.iter().map(|effect| format!("{effect:?}\n")).collect()
    }

    #[test]
    fn an_add_is_acknowledged_and_the_slot_is_told_on() {
        let mut node = node(1, 2);
        expect![[r#"
            Reply(Call(0), AddOk)
            Send(n0, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 4, down: 0 }))
            Send(n2, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 4, down: 0 }))
            Emit(Added { slot: Slot { node: n1, nonce: 8291029656185729 }, delta: 4, extent: 4 })
        "#]]
        .assert_eq(&shown(&node.request(add(4))));
        expect![[r#"
            Reply(Call(1), AddOk)
            Send(n0, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 4, down: 5 }))
            Send(n2, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 4, down: 5 }))
            Emit(Added { slot: Slot { node: n1, nonce: 8291029656185729 }, delta: -5, extent: 9 })
        "#]]
        .assert_eq(&shown(&node.request(add(-5))));
        expect![[r#"
            Reply(Call(2), AddOk)
            Emit(Added { slot: Slot { node: n1, nonce: 8291029656185729 }, delta: 0, extent: 9 })
        "#]]
        .assert_eq(&shown(&node.request(add(0))));
        expect![[r#"
            Reply(Call(3), ReadOk { value: -1 })
        "#]]
        .assert_eq(&shown(&node.request(Request::Read)));
    }

    #[test]
    fn a_counter_that_grows_takes_nothing_away() {
        let mut node = Solo::<GCounter>::new(calm(2), NodeId(1), 3, 7);
        expect![[r#"
            Reject(Call(0), Rejection { code: MalformedRequest, text: "a g-counter does not take -1; add 0 or more" })
        "#]].assert_eq(&shown(&node.request(add(-1))));
        expect![[r#"
            Reply(Call(1), AddOk)
            Send(n0, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 1, down: 0 }))
            Send(n2, News(Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 1, down: 0 }))
            Emit(Added { slot: Slot { node: n1, nonce: 8291029656185729 }, delta: 1, extent: 1 })
        "#]]
        .assert_eq(&shown(&node.request(add(1))));
    }

    #[test]
    fn news_is_told_on_once_and_never_back() {
        let mut node = node(1, 2);
        let news = |up, down| {
            let slot = Slot { node: NodeId(0), nonce: 9 };
            Message::News(Box::new(Tally { slot, up, down }))
        };
        expect![[r#"
            Emit(Learned { slot: Slot { node: n0, nonce: 9 }, extent: 5 })
            Send(n2, News(Tally { slot: Slot { node: n0, nonce: 9 }, up: 4, down: 1 }))
        "#]]
        .assert_eq(&shown(&node.message(NodeId(0), news(4, 1))));
        for known in [news(4, 1), news(3, 1), news(4, 0)] {
            assert_eq!(node.message(NodeId(2), known), [], "a duplicate counts for nothing");
        }
        node.message(NodeId(2), news(2, 6));
        assert_eq!(value(&mut node), -2, "the greater of each counts, whatever came first");
    }

    #[test]
    fn a_crash_keeps_the_slot_and_a_wipe_begins_another() {
        let mut node = node(1, 0);
        let nonce = |node: &Solo<PnCounter>| node.node().own.nonce;
        let first = nonce(&node);
        assert_eq!(node.node().durable().nonce, Some(first), "the slot is on disk before it is used");
        node.request(add(4));
        node.crash_and_restart();
        node.request(add(-1));
        assert_eq!((nonce(&node), value(&mut node)), (first, 3));
        assert_eq!(node.node().durable().tallies.0.len(), 1);
        node.wipe_and_restart();
        assert_eq!(value(&mut node), 0);
        node.request(add(2));
        assert_ne!(nonce(&node), first);
        let before = Tally { slot: Slot { node: NodeId(1), nonce: first }, up: 4, down: 1 };
        node.message(NodeId(0), Message::Repair { tallies: vec![before] });
        assert_eq!(value(&mut node), 5, "what others kept of the old life adds to the new one");
    }

    /// Lets two nodes talk until they have nothing more to say; returns what they said.
    fn talk(nodes: &mut [Solo<PnCounter>; 2], mut effects: Vec<EffectOf<PnCounter>>) -> String {
        let (mut said, mut to) = (String::new(), 1);
        while let Some(Effect::Send(_, message)) =
            effects.into_iter().find(|effect| matches!(effect, Effect::Send(..)))
        {
            said += &format!("{message:?}\n");
            effects = nodes[to].message(NodeId(1 - to as u32), message);
            to = 1 - to;
        }
        said
    }

    #[test]
    fn an_exchange_mends_both_sides_and_equals_keep_silent() {
        let config = Config { fanout: 0, anti_entropy: Some(Span::from_secs(1)) };
        let mut nodes = [0, 1].map(|me| Solo::<PnCounter>::new(config.clone(), NodeId(me), 2, 7));
        nodes[0].request(add(4));
        nodes[1].request(add(-3));
        let fired = nodes[0].elapse(Span::from_secs(1)).remove(0).1;
        expect![[r#"
            Digest { hash: 8656258243389633 }
            Differ { tallies: [Tally { slot: Slot { node: n1, nonce: 8291029656185729 }, up: 0, down: 3 }] }
            Repair { tallies: [Tally { slot: Slot { node: n0, nonce: 7591801269723121 }, up: 4, down: 0 }] }
        "#]]
        .assert_eq(&talk(&mut nodes, fired));
        assert_eq!(nodes.each_mut().map(value), [1, 1]);
        let fired = nodes[0].elapse(Span::from_secs(1)).remove(0).1;
        assert_eq!(talk(&mut nodes, fired).lines().count(), 1, "a digest, and no answer");
    }

    #[test]
    fn a_full_slot_takes_no_more_and_sums_end_at_64_bits() {
        let mut node = node(1, 0);
        for _ in 0..2 {
            node.request(add(i64::MAX));
        }
        assert_eq!(value(&mut node), i64::MAX);
        node.request(add(1));
        expect![[r#"
            Reject(Call(4), Rejection { code: Abort, text: "1 is more than this node can still count" })
        "#]]
        .assert_eq(&shown(&node.request(add(1))));
        let slot = Slot { node: NodeId(1), nonce: node.node().own.nonce };
        let strange = Tally { slot, up: u64::MAX, down: u64::MAX };
        node.message(NodeId(0), Message::Differ { tallies: vec![strange, strange] });
        assert_eq!(value(&mut node), 0);
    }
}
