//! What a relaying node says, to whom, and when.

use super::message::{Batch, MOST_TOLD, Message, Relayed, size};
use super::pace::Turn;
use super::peer::Peer;
use super::stream::Stream;
use super::{Relay, Timer, Up};
use crate::id::NodeId;
use crate::node::Context;
use crate::time::Time;
use crate::value::Value;

/// Which values go with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Load {
    /// None; the peer sees what there is.
    Digest,
    /// Those that are for this node to bring to its hub: its own, its followers', and those that it was entrusted with.
    /// The hub asks somebody for the rest.
    Pushed,
    /// All that the peer lacks.
    All,
}

/// What a message is for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Say {
    pub(super) load: Load,
    /// Whether an answer is wanted.
    pub(super) want: bool,
    /// The number of the want that it answers.
    pub(super) answer: Option<u64>,
    /// Whether it is a flush.
    pub(super) flush: bool,
}

impl Say {
    pub(super) fn of(load: Load) -> Say {
        Say { load, want: false, answer: None, flush: false }
    }
}

impl Relay {
    /// Sends the one message there is.
    pub(super) fn tell(&mut self, to: NodeId, say: Say, ctx: &mut Context<'_, Relay>) {
        let (hub, now) = (self.hub, ctx.now());
        let want = say.want.then_some(self.next_number);
        self.next_number += u64::from(say.want);
        self.messages_sent += 1;
        let mut peer = std::mem::take(self.peers.entry(to).or_default());
        if say.want || say.answer.is_some() {
            peer.told.clear();
        }
        if say.answer.is_some() {
            // Whoever asks has shown all that it has. That something was sent to it, or shown to it, is no reason not to
            // send it now.
            peer.sent.clear();
        }
        let data = self.load(&mut peer, say);
        let have = self.digest(&mut peer, &data);
        if say.load == Load::Pushed {
            // It sees the rest, and asks for it.
            self.durable.lengths().for_each(|(stream, length)| peer.sent.raise(stream, length));
        }
        if std::mem::take(&mut peer.ack_set) {
            ctx.cancel_timer(Timer::Ack(to));
        }
        let echo = if say.flush { peer.arrived.take() } else { None };
        let message = Relayed {
            disk: self.disk,
            hub,
            count: self.durable.count(),
            have,
            data,
            want,
            answer: say.answer,
            flush: say.flush.then_some(self.config.period),
            clock: (to == hub).then_some(now),
            echo: echo.map(|(theirs, mine)| (theirs, now.since(mine))),
        };
        ctx.send(to, Message::Relay(Box::new(message)));
        peer.asked = want.or(peer.asked);
        self.peers.insert(to, peer);
        if say.want {
            ctx.set_timer(Timer::Patience(to), self.patience_to_answer());
        }
        self.watch(to, ctx);
        debug_assert!(self.is_sound(to, ctx), "what {to} was told is here, and what it was sent is awaited");
    }

    /// As much of the load as fits into one message.
    fn load(&self, peer: &mut Peer, say: Say) -> Vec<Batch> {
        let mut room = MOST_TOLD;
        let mut data: Vec<Batch> = Vec::new();
        for (stream, values) in self.durable.streams() {
            let goes = match say.load {
                Load::Digest => false,
                Load::Pushed => self.is_pushed(stream),
                Load::All => true,
            };
            let start = peer.reach(stream);
            let Some(rest) = values.get(start as usize..).filter(|rest| goes && !rest.is_empty()) else {
                continue;
            };
            let mut fits = |value: &Value| {
                let size = size(value);
                let fits = room == MOST_TOLD || size <= room;
                room = if fits { room.saturating_sub(size) } else { 0 };
                fits
            };
            let messages: Vec<Value> = rest.iter().take_while(|value| fits(value)).cloned().collect();
            if messages.is_empty() {
                break;
            }
            // What somebody asked for has not come by itself, and how far is not known.
            let hops =
                self.hops.get(stream).filter(|_| say.answer.is_none()).map(|hops| hops.saturating_add(1));
            let batch = Batch { node: stream.node, disk: stream.disk, start, hops, messages };
            peer.sent.raise(stream, batch.end());
            data.push(batch);
        }
        data
    }

    /// What the peer has not been told yet, but for what the values tell it.
    fn digest(&self, peer: &mut Peer, data: &[Batch]) -> Vec<(NodeId, u64, u64)> {
        data.iter().for_each(|batch| peer.told.raise(batch.stream(), batch.end()));
        let mut have = Vec::new();
        for (stream, length) in self.durable.lengths() {
            if length > peer.told.of(stream) {
                peer.told.raise(stream, length);
                have.push((stream.node, stream.disk, length));
            }
        }
        have
    }

    /// Sees to it that what was sent is either acknowledged in time or sent again.
    pub(super) fn watch(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        if !self.watches(node, ctx) {
            return;
        }
        let (patience, is_hub) = (self.patience(node), node == self.hub);
        let Some(peer) = self.peers.get_mut(&node).filter(|peer| peer.awaited.is_empty()) else { return };
        peer.awaited = peer.under_way();
        if peer.awaited.is_empty() {
            return;
        }
        if peer.asked.is_none() {
            ctx.set_timer(Timer::Patience(node), patience);
        }
        if is_hub {
            ctx.set_timer(Timer::Overdue, self.pace.overdue(ctx.now(), self.config.period));
        }
    }

    /// Whether nothing is believed of the peer that is not watched over. It costs as much as it looks like, and is for
    /// assertions.
    pub(super) fn is_sound(&self, node: NodeId, ctx: &Context<'_, Relay>) -> bool {
        self.peers.get(&node).is_none_or(|peer| {
            let watched = !self.watches(node, ctx) || peer.under_way().is_empty() || !peer.awaited.is_empty();
            watched && !self.durable.lacks(&peer.told)
        })
    }

    /// Waits no longer for what was sent.
    pub(super) fn unwatch(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node).filter(|peer| !peer.awaited.is_empty()) else { return };
        peer.awaited.clear();
        if peer.asked.is_none() {
            ctx.cancel_timer(Timer::Patience(node));
        }
        if node == self.hub {
            ctx.cancel_timer(Timer::Overdue);
        }
    }

    /// The hub has not acknowledged what it was brought. It may have lost its disk, and this node is then the only one
    /// that has it: another shall keep it, too. Should the hub be gone for long, that one is the next.
    pub(super) fn entrust(&mut self, ctx: &mut Context<'_, Relay>) {
        if self.peers.get(&self.hub).is_none_or(|hub| hub.awaited.is_empty()) {
            return;
        }
        // Whom this node serves is told anyway.
        let may = |node: &NodeId| {
            ![self.hub, ctx.me()].contains(node) && !self.suspects(*node) && !self.serves(*node, ctx)
        };
        let Some(second) = ctx.nodes().iter().find(may) else { return };
        let sent = |stream| self.peers.get(&second).map_or(0, |peer| peer.reach(stream));
        // What has been in a flush others have, too.
        let is_missing =
            |(stream, length)| length > self.base.of(stream).max(sent(stream)) && self.is_pushed(stream);
        if self.durable.lengths().any(is_missing) {
            self.peers.entry(second).or_default().sent.join(&self.base);
            self.tell(second, Say::of(Load::Pushed), ctx);
        }
    }

    /// Whether it is for this node to bring the stream to its hub.
    fn is_pushed(&self, stream: Stream) -> bool {
        self.pushed.contains(&stream)
    }

    /// Tells everyone served what it lacks, and what this node has of its values.
    pub(super) fn flush(&mut self, ctx: &mut Context<'_, Relay>) {
        self.news = false;
        for node in self.served(ctx) {
            let peer = self.peers.entry(node).or_default();
            if peer.is_behind(&self.durable) || peer.is_owed(&self.durable) {
                self.tell(node, Say { flush: true, ..Say::of(Load::All) }, ctx);
                self.cooling = true;
                // Too much for one message.
                self.news |= self.peers.get(&node).is_some_and(|peer| peer.is_behind(&self.durable));
            }
        }
        if self.cooling {
            ctx.set_timer(Timer::Flush, self.config.period);
        }
    }

    /// Brings the hub what is new, in time for its next flush.
    pub(super) fn speak_up(&mut self, ctx: &mut Context<'_, Relay>) {
        if self.up.is_some() || self.is_root(ctx) || !self.has_for_hub() {
            return;
        }
        match self.pace.turn(ctx.now(), self.config.margin) {
            Turn::Now => self.tell(self.hub, Say::of(Load::Pushed), ctx),
            Turn::InSlot(wait) => {
                self.up = Some(Up::InSlot(ctx.now() + wait));
                ctx.set_timer(Timer::Up, wait);
            }
            Turn::Late(wait) => {
                self.up = Some(Up::Late);
                ctx.set_timer(Timer::Up, wait);
            }
        }
    }

    /// A flush has come. A slot that is taken stays taken, unless there is a sooner one now: else flushes that come at
    /// shorter intervals than the slot is away would put it off again and again.
    pub(super) fn keep_turn(&mut self, ctx: &Context<'_, Relay>) {
        let now = ctx.now();
        let sooner = |at: Time| match self.pace.turn(now, self.config.margin) {
            Turn::Now => true,
            Turn::InSlot(wait) => now + wait < at,
            // A flush has just come: no slot has passed.
            Turn::Late(_) => false,
        };
        self.up = self.up.filter(|up| match up {
            Up::InSlot(at) => !sooner(*at),
            Up::Late => false,
        });
    }

    /// The slot has come.
    pub(super) fn speak_up_now(&mut self, ctx: &mut Context<'_, Relay>) {
        self.up = None;
        if !self.is_root(ctx) && self.has_for_hub() {
            self.tell(self.hub, Say::of(Load::Pushed), ctx);
        }
    }

    fn has_for_hub(&self) -> bool {
        match self.peers.get(&self.hub) {
            Some(peer) => peer.is_behind(&self.durable),
            None => self.durable.count() > 0,
        }
    }

    /// Says what this node has, if nothing else has been said since.
    pub(super) fn acknowledge(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        peer.ack_set = false;
        if peer.is_owed(&self.durable) {
            self.tell(node, Say::of(Load::Digest), ctx);
        }
    }
}
