//! Flood: a new value is told to every neighbour but the one it came from, until each has acknowledged it.
//!
//! With `retry` null it is the blind flood: no acknowledgements, nothing is sent twice, and what the network loses is
//! lost. Otherwise every Tell bears numbers, and is sent again until an Ack names them. An Ack follows the write, so
//! what was acknowledged outlives a crash of the receiver; what was not is kept for it by the sender.
//!
//! Three things can break that bond, and each has its cure. *The sender crashes* and forgets what is outstanding: when
//! it comes up with values on disk it owes all of them to all neighbours. *A disk is lost* with values that were
//! acknowledged: a node that starts with a blank disk when its clock has left zero cannot rule that out, so it says
//! Hello to each neighbour until that one answers Welcome, and whoever hears it owes it everything (through a crash,
//! too: the disk remembers that it is asking). At zero the whole cluster starts, so a calm run has no Hello; on
//! stdio, where a killed process is a wiped one, each process says it once. *What an earlier disk sent* comes late:
//! an Ack names numbers that Hello voided, a Welcome names the disk that asked, and a Tell from another disk than the
//! sender's latest does not show that the sender has the value. Nothing is kept for a neighbour that owes no answer.

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Members, NodeId};
use crate::node::{Call, Context, Neighbours, Node};
use crate::protocol::knobs::period;
use crate::ratio::Quotient;
use crate::time::{Span, Time};
use crate::topology;
use crate::workload::broadcast::{Event, Request, Response};

mod disk;
mod few;
mod flights;
mod message;

use disk::Disk;
pub use disk::Durable;
pub use few::Few;
use flights::{Flight, Flights, Landed};
use message::{MOST_TOLD, pieces, size};
pub use message::{Message, Receipt, Told};

/// The knobs of flood.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How long to wait for an acknowledgement before sending again; null to flood blindly, without any.
    #[serde(deserialize_with = "period")]
    pub retry: Option<Span>,
    /// How long new values are gathered before they are sent, as one message to each neighbour; 0s to send at once.
    pub batch: Span,
    /// In place of `batch` at the first node; null for the same.
    pub hub_batch: Option<Span>,
    /// Who tells whom.
    pub overlay: Overlay,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            retry: Some(Span::from_secs(1)),
            batch: Span::ZERO,
            hub_batch: None,
            overlay: Overlay::Given,
        }
    }
}

/// Who tells whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Overlay {
    /// The neighbours of the topology.
    Given,
    /// The first node is everybody's neighbour, and there are no others.
    Star,
    /// Breadth first from n0, with so many children a node.
    Tree(NonZeroU32),
}

/// The timers of flood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// Send what has been gathered.
    Flush,
    /// Send again what this neighbour has not acknowledged.
    Retry(NodeId),
    /// Ask those that have not answered for all they have.
    Hello,
}

/// A node that floods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flood {
    /// How long values are gathered here.
    batch: Span,
    /// What to do about acknowledgements; `None` in a blind flood.
    retry: Option<Span>,
    overlay: Overlay,
    /// The overlay's neighbours; empty where they need no list.
    listed: Vec<NodeId>,
    durable: Durable,
    /// Learnt since the last flush, each with the one neighbour that need not be told.
    gathered: Vec<(Told, Option<NodeId>)>,
    /// Neighbours that are to be told everything at the next flush.
    owed: BTreeSet<NodeId>,
    flights: Flights,
    /// Room for what a flush sends; empty in between.
    due: Vec<(NodeId, Few<Told>)>,
    /// Neighbours that have not answered Hello; `None` before the first was sent.
    asking: Option<BTreeSet<NodeId>>,
    next_number: u64,
    broadcasts_received: u64,
    tells_sent: u64,
}

impl Node for Flood {
    type Config = Config;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = Timer;
    type Durable = Durable;

    fn start(config: &Config, durable: Durable, ctx: &mut Context<'_, Flood>) -> Flood {
        let me = ctx.me();
        let batch = config.hub_batch.filter(|_| Some(me) == hub(ctx.nodes())).unwrap_or(config.batch);
        let mut node = Flood {
            batch,
            retry: config.retry,
            overlay: config.overlay,
            listed: listed(config.overlay, me, ctx.nodes()),
            durable,
            gathered: Vec::new(),
            owed: BTreeSet::new(),
            flights: Flights::default(),
            due: Vec::new(),
            asking: None,
            next_number: 0,
            broadcasts_received: 0,
            tells_sent: 0,
        };
        if config.retry.is_some() {
            node.take_up(ctx);
        }
        node
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Flood>) {
        match request {
            Request::Broadcast { message } => {
                self.broadcasts_received += 1;
                self.learn(Told { message, hops: Some(0) }, None, ctx);
                self.flush_in_time(ctx);
                ctx.reply(call, Response::BroadcastOk);
            }
            Request::Read => {
                let messages = self.durable.values.list();
                ctx.reply(call, Response::ReadOk { messages });
            }
            Request::GossipStats => ctx.reply(call, self.stats()),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, ctx: &mut Context<'_, Flood>) {
        match message {
            Message::Tell { messages, receipt } => {
                let has_them =
                    receipt.as_ref().is_none_or(|receipt| self.durable.is_latest(from, receipt.disk));
                for told in messages {
                    let known = told.message.clone();
                    if !self.learn(told, has_them.then_some(from), ctx) {
                        ctx.emit(Event::Redundant { value: known });
                    }
                }
                if let Some(Receipt { numbers, .. }) = receipt {
                    ctx.send(from, Message::Ack { numbers });
                }
                self.flush_in_time(ctx);
            }
            Message::Ack { numbers } => self.acknowledged(from, &numbers, ctx),
            Message::Hello { disk } => self.welcome(from, disk, ctx),
            Message::Welcome { disk } => self.welcomed(from, disk, ctx),
        }
    }

    fn on_timer(&mut self, timer: Timer, ctx: &mut Context<'_, Flood>) {
        match timer {
            Timer::Flush => self.flush(ctx),
            Timer::Retry(peer) => self.send_again(peer, ctx),
            Timer::Hello => self.ask(ctx),
        }
    }

    fn on_topology(&mut self, ctx: &mut Context<'_, Flood>) {
        if self.retry.is_none() || self.overlay != Overlay::Given {
            return;
        }
        let near = ctx.neighbours();
        for peer in self.flights.peers().filter(|peer| !near.contains(*peer)) {
            ctx.cancel_timer(Timer::Retry(peer));
        }
        self.flights.keep(|peer| near.contains(peer));
        self.owe_all(ctx);
        if self.asking.take().is_some() {
            ctx.set_timer(Timer::Hello, Span::ZERO);
        }
    }

    fn durable(&self) -> &Durable {
        &self.durable
    }
}

/// The node that a star's rays meet at, and that `hub_batch` is for.
fn hub(members: &Members) -> Option<NodeId> {
    members.iter().next()
}

/// The overlay's neighbours of a node, where they are few and not those of the topology.
fn listed(overlay: Overlay, me: NodeId, members: &Members) -> Vec<NodeId> {
    let mut near = match overlay {
        Overlay::Given => Vec::new(),
        Overlay::Star => hub(members).into_iter().collect(),
        Overlay::Tree(branches) => topology::tree(me, members.count(), branches.get()),
    };
    near.retain(|node| *node != me && members.contains(*node));
    near
}

/// Flooding.
impl Flood {
    fn neighbours<'a>(&'a self, ctx: &Context<'a, Flood>) -> Neighbours<'a> {
        match self.overlay {
            Overlay::Given => ctx.neighbours(),
            Overlay::Star if Some(ctx.me()) == hub(ctx.nodes()) => Neighbours::All(ctx.me(), ctx.nodes()),
            Overlay::Star | Overlay::Tree(_) => Neighbours::Listed(&self.listed),
        }
    }

    /// Takes in a value and gathers it for all neighbours but one; `false` if it is not new.
    fn learn(&mut self, told: Told, except: Option<NodeId>, ctx: &mut Context<'_, Flood>) -> bool {
        let Told { message: value, hops } = told;
        if !self.durable.values.insert(value.clone()) {
            return false;
        }
        if self.neighbours(ctx).iter().any(|peer| Some(peer) != except) {
            if self.gathered.is_empty() && self.owed.is_empty() && self.batch > Span::ZERO {
                ctx.set_timer(Timer::Flush, self.batch);
            }
            let next = Told { message: value.clone(), hops: hops.map(|hops| hops.saturating_add(1)) };
            self.gathered.push((next, except));
        }
        ctx.emit(match hops {
            Some(hops) => Event::Delivered { value, hops },
            None => Event::Repaired { value },
        });
        true
    }

    /// Whoever gathers nothing sends at the end of each handler; whoever gathers has set the timer.
    fn flush_in_time(&mut self, ctx: &mut Context<'_, Flood>) {
        if self.batch == Span::ZERO {
            self.flush(ctx);
        }
    }

    /// Tells each neighbour what is due to it.
    fn flush(&mut self, ctx: &mut Context<'_, Flood>) {
        if self.gathered.is_empty() && self.owed.is_empty() {
            return;
        }
        let mut due = std::mem::take(&mut self.due);
        for peer in self.neighbours(ctx).iter() {
            let messages: Few<Told> = match self.owed.contains(&peer) {
                true => self.everything().collect(),
                false => self.gathered.iter().filter(|(_, except)| *except != Some(peer)).map(told).collect(),
            };
            if !messages.is_empty() {
                due.push((peer, messages));
            }
        }
        self.gathered.clear();
        self.owed.clear();
        for (peer, messages) in due.drain(..) {
            match messages.len() {
                1 => self.tell(peer, messages, ctx),
                _ => pieces(messages).into_iter().for_each(|messages| self.tell(peer, messages.into(), ctx)),
            }
        }
        self.due = due;
    }

    fn everything(&self) -> impl Iterator<Item = Told> {
        self.durable.values.iter().map(|value| Told { message: value.clone(), hops: None })
    }

    fn tell(&mut self, peer: NodeId, messages: Few<Told>, ctx: &mut Context<'_, Flood>) {
        self.tells_sent += 1;
        let receipt = self.retry.map(|retry| {
            let number = self.next_number;
            self.next_number += 1;
            let flights = self.flights.to(peer);
            if flights.is_empty() {
                ctx.set_timer(Timer::Retry(peer), retry);
            }
            flights.push_back(Flight { number, sent: ctx.now(), messages: messages.clone() });
            Receipt { disk: self.durable.disk.nonce(), numbers: Few::one(number) }
        });
        ctx.send(peer, Message::Tell { messages, receipt });
    }

    fn stats(&self) -> Response {
        Response::GossipStatsOk {
            broadcasts_received: self.broadcasts_received,
            gossip_messages_sent: self.tells_sent,
            messages_per_op: Quotient::of(self.tells_sent, self.broadcasts_received),
            unique_messages: self.durable.values.len() as u64,
        }
    }
}

/// Acknowledgement.
impl Flood {
    /// The neighbour has these on disk. Numbers of an earlier life, or from before a Hello, say nothing.
    fn acknowledged(&mut self, from: NodeId, numbers: &[u64], ctx: &mut Context<'_, Flood>) {
        match self.flights.land(from, numbers) {
            Landed::Last => ctx.cancel_timer(Timer::Retry(from)),
            Landed::Some => {}
        }
    }

    /// Joins all that has waited for half of `retry`, so that it stays joined, under the numbers that it had, so that
    /// a late Ack still counts.
    fn send_again(&mut self, peer: NodeId, ctx: &mut Context<'_, Flood>) {
        let Some(retry) = self.retry else { return };
        let flights = self.flights.to(peer);
        let (now, disk) = (ctx.now(), self.durable.disk.nonce());
        let half = Span::from_nanos(retry.as_nanos() / 2);
        let mut joined: Vec<(Vec<u64>, Vec<Told>)> = Vec::new();
        let mut room = 0;
        // A clock that was put back has waited for nothing that it sent, as it were, later.
        let has_waited = |sent: Time| sent > now || sent + half <= now;
        for flight in flights.iter_mut().filter(|flight| has_waited(flight.sent)) {
            flight.sent = now;
            let size: usize = flight.messages.iter().map(size).sum();
            if size > room || joined.is_empty() {
                joined.push((Vec::new(), Vec::new()));
                room = MOST_TOLD;
            }
            room = room.saturating_sub(size);
            if let Some((numbers, messages)) = joined.last_mut() {
                numbers.push(flight.number);
                messages.extend_from_slice(&flight.messages);
            }
        }
        if let Some(earliest) = flights.iter().map(|flight| flight.sent).min() {
            ctx.set_timer(Timer::Retry(peer), (earliest + retry).since(now));
        }
        for (numbers, messages) in joined {
            self.tells_sent += 1;
            let receipt = Some(Receipt { disk, numbers: numbers.into() });
            ctx.send(peer, Message::Tell { messages: messages.into(), receipt });
        }
    }
}

/// Coming up again.
impl Flood {
    /// A flood with acknowledgements begins, perhaps not for the first time.
    fn take_up(&mut self, ctx: &mut Context<'_, Flood>) {
        // Below 2^53 with all that is counted on from here, so that no JSON reader on the way rounds them.
        let (nonce, number) = (ctx.rng().word() >> 11, ctx.rng().word() >> 12);
        self.next_number = number;
        self.durable.disk = match self.durable.disk {
            Disk::Blank if ctx.now() == Time::ZERO => Disk::Whole(nonce),
            Disk::Blank => Disk::Asking(nonce),
            known => known,
        };
        if let Disk::Asking(_) = self.durable.disk {
            // By a timer, as a host may tell the neighbours only after the start.
            ctx.set_timer(Timer::Hello, Span::ZERO);
        }
        self.owe_all(ctx);
    }

    /// No neighbour can be trusted to have anything.
    fn owe_all(&mut self, ctx: &mut Context<'_, Flood>) {
        let near: Vec<NodeId> = match self.durable.values.is_empty() {
            true => Vec::new(),
            false => self.neighbours(ctx).iter().collect(),
        };
        near.into_iter().for_each(|peer| self.owe(peer, ctx));
    }

    /// All values are due to the neighbour; what was under way to it is among them.
    fn owe(&mut self, peer: NodeId, ctx: &mut Context<'_, Flood>) {
        if self.flights.forget(peer) {
            ctx.cancel_timer(Timer::Retry(peer));
        }
        if self.gathered.is_empty() && self.owed.is_empty() {
            ctx.set_timer(Timer::Flush, self.batch);
        }
        self.owed.insert(peer);
    }

    /// Says Hello to those that have not answered.
    fn ask(&mut self, ctx: &mut Context<'_, Flood>) {
        let (Some(retry), Disk::Asking(disk)) = (self.retry, self.durable.disk) else { return };
        let asking = self.asking.take().unwrap_or_else(|| self.neighbours(ctx).iter().collect());
        if asking.is_empty() {
            self.durable.disk = Disk::Whole(disk);
            return;
        }
        asking.iter().for_each(|peer| ctx.send(*peer, Message::Hello { disk }));
        ctx.set_timer(Timer::Hello, retry);
        self.asking = Some(asking);
    }

    /// A peer has a new disk: it is owed everything, once.
    fn welcome(&mut self, from: NodeId, disk: u64, ctx: &mut Context<'_, Flood>) {
        ctx.send(from, Message::Welcome { disk });
        let again = self.durable.asked.insert(from, disk) == Some(disk);
        let has_some = self.retry.is_some() && !self.durable.values.is_empty();
        if has_some && !again && self.neighbours(ctx).contains(from) {
            self.owe(from, ctx);
        }
    }

    /// A neighbour has heard this node's Hello.
    fn welcomed(&mut self, from: NodeId, disk: u64, ctx: &mut Context<'_, Flood>) {
        let (Some(asking), Disk::Asking(mine)) = (&mut self.asking, self.durable.disk) else { return };
        if disk == mine && asking.remove(&from) && asking.is_empty() {
            self.asking = None;
            self.durable.disk = Disk::Whole(mine);
            ctx.cancel_timer(Timer::Hello);
        }
    }
}

fn told((told, _): &(Told, Option<NodeId>)) -> Told {
    told.clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::Effect;
    use crate::solo::Solo;
    use crate::value::Value;
    use expect_test::{Expect, expect};

    fn blind() -> Config {
        Config { retry: None, ..Config::default() }
    }

    fn gathering(batch: u64, hub_batch: Option<u64>) -> Config {
        Config { batch: Span::from_millis(batch), hub_batch: hub_batch.map(Span::from_millis), ..blind() }
    }

    /// n1 of five nodes with n0 and n2 beside it.
    fn between(config: Config) -> Solo<Flood> {
        let mut node = Solo::new(config, NodeId(1), 5, 7);
        node.topology(&[NodeId(0), NodeId(2)]);
        node
    }

    fn broadcast(number: i64) -> Request {
        Request::Broadcast { message: Value::from(number) }
    }

    fn told(number: i64) -> Few<Told> {
        Few::one(Told { message: Value::from(number), hops: Some(3) })
    }

    fn from_disk(disk: u64, number: i64) -> Message {
        Message::Tell {
            messages: told(number),
            receipt: Some(Receipt { disk, numbers: Few::one(number as u64) }),
        }
    }

    fn check(expected: &Expect, effects: &[crate::node::EffectOf<Flood>]) {
        expected.assert_eq(&effects.iter().map(|effect| format!("{effect:?}\n")).collect::<String>());
    }

    /// The numbers that the Tells among these effects want acknowledged, by neighbour.
    fn numbers(effects: &[crate::node::EffectOf<Flood>]) -> Vec<(NodeId, Few<u64>)> {
        let tells = effects.iter().filter_map(|effect| match effect {
            Effect::Send(to, Message::Tell { receipt: Some(receipt), .. }) => {
                Some((*to, receipt.numbers.clone()))
            }
            _ => None,
        });
        tells.collect()
    }

    #[test]
    fn a_blind_flood_tells_all_neighbours_but_the_first_sender_and_forgets() {
        let mut node = between(blind());
        check(
            &expect![[r#"
            Reply(Call(0), BroadcastOk)
            Emit(Delivered { value: 1, hops: 0 })
            Send(n0, Tell { messages: [Told { message: 1, hops: Some(1) }], receipt: None })
            Send(n2, Tell { messages: [Told { message: 1, hops: Some(1) }], receipt: None })
        "#]],
            &node.request(broadcast(1)),
        );
        let tell = || Message::Tell { messages: told(2), receipt: None };
        check(
            &expect![[r#"
            Emit(Delivered { value: 2, hops: 3 })
            Send(n0, Tell { messages: [Told { message: 2, hops: Some(4) }], receipt: None })
        "#]],
            &node.message(NodeId(2), tell()),
        );
        check(
            &expect![[r#"
            Emit(Redundant { value: 2 })
        "#]],
            &node.message(NodeId(0), tell()),
        );
        assert_eq!(node.elapse(Span::from_secs(9)), []);
    }

    #[test]
    fn a_tell_is_acknowledged_and_told_on_until_it_is_acknowledged() {
        let mut node = between(Config::default());
        assert_eq!(node.started(), [], "a calm start says nothing");
        let effects = node.message(NodeId(2), from_disk(5, 2));
        check(
            &expect![[r#"
            Emit(Delivered { value: 2, hops: 3 })
            Send(n2, Ack { numbers: [2] })
            SetTimer(Retry(n0), 1s)
            Send(n0, Tell { messages: [Told { message: 2, hops: Some(4) }], receipt: Some(Receipt { disk: 8291029656185729, numbers: [3184763338190967] }) })
        "#]],
            &effects,
        );
        let (peer, numbers) = numbers(&effects).remove(0);
        let [(Timer::Retry(NodeId(0)), again)] = &node.elapse(Span::from_millis(1_500))[..] else {
            panic!("one retry");
        };
        check(
            &expect![[r#"
            SetTimer(Retry(n0), 1s)
            Send(n0, Tell { messages: [Told { message: 2, hops: Some(4) }], receipt: Some(Receipt { disk: 8291029656185729, numbers: [3184763338190967] }) })
        "#]],
            again,
        );
        check(&expect![[""]], &node.message(peer, Message::Ack { numbers: Few::one(numbers[0] + 1) }));
        check(
            &expect![[r#"
            CancelTimer(Retry(n0))
        "#]],
            &node.message(peer, Message::Ack { numbers }),
        );
        assert_eq!(node.elapse(Span::from_secs(9)), []);
    }

    #[test]
    fn what_is_sent_again_is_joined_and_a_late_ack_still_counts() {
        let mut node = between(Config::default());
        let first = numbers(&node.request(broadcast(1)));
        node.elapse(Span::from_millis(100));
        let second = numbers(&node.request(broadcast(2)));
        let again = node.elapse(Span::from_millis(900));
        let joined: Vec<_> = again.iter().flat_map(|(_, effects)| numbers(effects)).collect();
        let both = |at: usize| (first[at].0, first[at].1.iter().chain(&*second[at].1).copied().collect());
        assert_eq!(joined, [both(0), both(1)]);
        for (peer, numbers) in first.into_iter().chain(second) {
            node.message(peer, Message::Ack { numbers });
        }
        assert_eq!(node.elapse(Span::from_secs(9)), []);
    }

    #[test]
    fn values_are_gathered_for_a_while_and_for_another_at_the_first_node() {
        for (me, config, millis) in [
            (1, gathering(100, None), 100),
            (1, gathering(100, Some(300)), 100),
            (0, gathering(100, Some(300)), 300),
            (0, gathering(100, None), 100),
        ] {
            let mut node = Solo::<Flood>::new(config, NodeId(me), 3, 7);
            let sends =
                |effects: &[_]| effects.iter().filter(|effect| matches!(effect, Effect::Send(..))).count();
            assert_eq!(sends(&node.request(broadcast(1))), 0);
            node.elapse(Span::from_millis(60));
            assert_eq!(sends(&node.request(broadcast(2))), 0);
            assert_eq!(node.elapse(Span::from_millis(millis - 61)), []);
            let fired = node.elapse(Span::from_millis(1));
            let [(Timer::Flush, effects)] = &fired[..] else { panic!("{fired:?}") };
            assert_eq!(sends(effects), 2, "one message to each neighbour");
        }
        let mut node = between(gathering(100, None));
        node.request(broadcast(1));
        node.message(NodeId(2), Message::Tell { messages: told(2), receipt: None });
        check(
            &expect![[r#"
            Send(n0, Tell { messages: [Told { message: 1, hops: Some(1) }, Told { message: 2, hops: Some(4) }], receipt: None })
            Send(n2, Tell { messages: [Told { message: 1, hops: Some(1) }], receipt: None })
        "#]],
            &node.elapse(Span::from_secs(1)).remove(0).1,
        );
    }

    #[test]
    fn what_nobody_need_be_told_is_not_gathered() {
        let mut leaf = Solo::<Flood>::new(gathering(100, None), NodeId(1), 5, 7);
        leaf.topology(&[NodeId(0)]);
        let effects = leaf.message(NodeId(0), Message::Tell { messages: told(1), receipt: None });
        assert!(!effects.iter().any(|effect| matches!(effect, Effect::SetTimer(..))), "{effects:?}");
        leaf.elapse(Span::from_millis(90));
        leaf.request(broadcast(2));
        assert_eq!(leaf.elapse(Span::from_millis(99)), [], "its own value waits as long as any");
        assert_eq!(leaf.elapse(Span::from_millis(1)).len(), 1);
    }

    #[test]
    fn who_comes_up_with_values_owes_them_to_all_neighbours() {
        let mut node = between(Config::default());
        node.request(broadcast(1));
        node.message(NodeId(2), from_disk(5, 2));
        node.elapse(Span::from_millis(10));
        check(
            &expect![[r#"
            SetTimer(Flush, 0s)
        "#]],
            node.crash_and_restart(),
        );
        check(
            &expect![[r#"
            SetTimer(Retry(n0), 1s)
            Send(n0, Tell { messages: [Told { message: 1, hops: None }, Told { message: 2, hops: None }], receipt: Some(Receipt { disk: 8291029656185729, numbers: [687485145507678] }) })
            SetTimer(Retry(n2), 1s)
            Send(n2, Tell { messages: [Told { message: 1, hops: None }, Told { message: 2, hops: None }], receipt: Some(Receipt { disk: 8291029656185729, numbers: [687485145507679] }) })
        "#]],
            &node.elapse(Span::ZERO).remove(0).1,
        );
    }

    #[test]
    fn who_comes_up_with_a_blank_disk_asks_until_all_have_answered() {
        let mut node = between(Config::default());
        node.elapse(Span::from_millis(10));
        check(
            &expect![[r#"
            SetTimer(Hello, 0s)
        "#]],
            node.wipe_and_restart(),
        );
        check(
            &expect![[r#"
            Send(n0, Hello { disk: 7497804697808739 })
            Send(n2, Hello { disk: 7497804697808739 })
            SetTimer(Hello, 1s)
        "#]],
            &node.elapse(Span::ZERO).remove(0).1,
        );
        let Disk::Asking(disk) = node.node().durable.disk else { panic!("it asks") };
        node.message(NodeId(0), Message::Welcome { disk: disk ^ 1 });
        node.message(NodeId(2), Message::Welcome { disk });
        check(
            &expect![[r#"
            Send(n0, Hello { disk: 7497804697808739 })
            SetTimer(Hello, 1s)
        "#]],
            &node.elapse(Span::from_secs(1)).remove(0).1,
        );
        node.crash_and_restart();
        assert_eq!(node.node().durable.disk, Disk::Asking(disk), "it still asks after a crash");
        assert_eq!(node.elapse(Span::ZERO).len(), 1);
        node.message(NodeId(0), Message::Welcome { disk });
        check(
            &expect![[r#"
            CancelTimer(Hello)
        "#]],
            &node.message(NodeId(2), Message::Welcome { disk }),
        );
        assert_eq!(node.node().durable.disk, Disk::Whole(disk));
        assert_eq!(node.elapse(Span::from_secs(9)), []);
    }

    #[test]
    fn a_hello_is_answered_and_voids_what_was_acknowledged_before() {
        let mut node = between(Config::default());
        let first = numbers(&node.request(broadcast(1)));
        check(
            &expect![[r#"
            Send(n2, Welcome { disk: 9 })
            CancelTimer(Retry(n2))
            SetTimer(Flush, 0s)
        "#]],
            &node.message(NodeId(2), Message::Hello { disk: 9 }),
        );
        check(
            &expect![[r#"
            SetTimer(Retry(n2), 1s)
            Send(n2, Tell { messages: [Told { message: 1, hops: None }], receipt: Some(Receipt { disk: 8291029656185729, numbers: [3184763338190969] }) })
        "#]],
            &node.elapse(Span::ZERO).remove(0).1,
        );
        check(
            &expect![["Send(n2, Welcome { disk: 9 })\n"]],
            &node.message(NodeId(2), Message::Hello { disk: 9 }),
        );
        for (peer, numbers) in first {
            node.message(peer, Message::Ack { numbers });
        }
        let again = node.elapse(Span::from_secs(1));
        assert!(matches!(again[..], [(Timer::Retry(NodeId(2)), _)]), "{again:?}");
    }

    #[test]
    fn what_an_earlier_disk_sent_goes_back_to_the_new_one() {
        let mut node = between(Config::default());
        let to = |effects: &[_]| numbers(effects).into_iter().map(|(peer, _)| peer.0).collect::<Vec<_>>();
        assert_eq!(to(&node.message(NodeId(2), from_disk(5, 1))), [0]);
        node.message(NodeId(2), Message::Hello { disk: 6 });
        assert_eq!(to(&node.message(NodeId(2), from_disk(5, 2))), [0, 2]);
        assert_eq!(to(&node.message(NodeId(2), from_disk(6, 3))), [0]);
    }

    #[test]
    fn statistics_count_tells_for_each_broadcast() {
        let mut node = between(Config::default());
        node.request(broadcast(1));
        node.elapse(Span::from_secs(1));
        check(
            &expect![[r#"
            Reply(Call(1), GossipStatsOk { broadcasts_received: 1, gossip_messages_sent: 4, messages_per_op: 4, unique_messages: 1 })
        "#]],
            &node.request(Request::GossipStats),
        );
    }

    #[test]
    fn overlays_stand_on_the_nodes_numbers() {
        let near = |overlay, me| {
            let mut node = Solo::<Flood>::new(Config { overlay, ..blind() }, NodeId(me), 9, 7);
            let sends = node.request(broadcast(1)).into_iter().filter_map(|effect| match effect {
                Effect::Send(to, _) => Some(to.0),
                _ => None,
            });
            sends.collect::<Vec<_>>()
        };
        assert_eq!(near(Overlay::Given, 3), [0, 1, 2, 4, 5, 6, 7, 8]);
        assert_eq!(near(Overlay::Star, 0), [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(near(Overlay::Star, 3), [0]);
        let three = Overlay::Tree(NonZeroU32::new(3).unwrap());
        assert_eq!((near(three, 0), near(three, 2), near(three, 8)), (vec![1, 2, 3], vec![0, 7, 8], vec![2]));
    }

    #[test]
    fn many_values_go_in_pieces_that_fit_on_a_line() {
        let mut node = between(Config::default());
        for number in 0..5 {
            let text = format!("\"{number}{}\"", "x".repeat(400_000));
            node.request(Request::Broadcast { message: Value::parse(&text).unwrap() });
        }
        let tells = |fired: Vec<(Timer, Vec<_>)>| {
            fired.iter().map(|(_, effects)| numbers(effects).len()).collect::<Vec<_>>()
        };
        assert_eq!(tells(node.elapse(Span::from_secs(1))), [3, 3], "what is sent again");
        node.crash_and_restart();
        assert_eq!(tells(node.elapse(Span::ZERO)), [6], "what is owed");
    }

    #[test]
    fn strange_messages_do_no_harm() {
        let mut node = between(Config::default());
        for message in [
            Message::Tell { messages: vec![].into(), receipt: None },
            Message::Tell {
                messages: vec![].into(),
                receipt: Some(Receipt { disk: u64::MAX, numbers: vec![].into() }),
            },
            Message::Ack { numbers: vec![1, 1].into() },
            Message::Welcome { disk: 3 },
            Message::Hello { disk: 0 },
        ] {
            node.message(NodeId(4), message);
        }
        assert_eq!(node.elapse(Span::from_secs(9)), []);
    }
}
