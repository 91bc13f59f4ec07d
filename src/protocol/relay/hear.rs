//! What a relaying node makes of a message, rule by rule.

use super::disk::Novelty;
use super::message::{Batch, Relayed};
use super::peer::Spoken;
use super::stream::Stream;
use super::tell::{Load, Say};
use super::{Relay, Timer};
use crate::id::NodeId;
use crate::node::Context;
use crate::value::Value;
use crate::workload::broadcast::Event;

impl Relay {
    pub(super) fn hear(&mut self, from: NodeId, heard: Relayed, ctx: &mut Context<'_, Relay>) {
        self.heard(from, ctx);
        let peer = self.peers.entry(from).or_default();
        match peer.speaks_of(heard.disk, heard.answer, self.next_number) {
            Spoken::Same => {}
            Spoken::Another => self.news = true,
            Spoken::Former => {
                // Of a disk that it has lost nothing is true but the values. If it is this one that it has, it answers.
                let asks = peer.asked.is_none();
                heard.data.into_iter().for_each(|batch| self.merge(batch, ctx));
                if asks {
                    self.tell(from, Say { want: true, ..Say::of(Load::Digest) }, ctx);
                }
                return;
            }
        }
        if let Some(period) = heard.flush.filter(|_| from == self.hub) {
            self.pace.hear(ctx.now(), period, heard.rtt(ctx.now()));
        }
        self.note(from, &heard, ctx);
        let claims: Vec<(Stream, u64)> = heard.claims().collect();
        let is_brought = heard.flush.is_none() && heard.answer.is_none();
        if is_brought {
            self.pushed.extend(heard.data.iter().map(Batch::stream));
        }
        let is_awaited = !heard.data.is_empty() && !is_brought;
        heard.data.into_iter().for_each(|batch| self.merge(batch, ctx));
        self.owe(from, &claims, is_awaited, ctx);
        if heard.flush.is_some() {
            self.note_flush(from, ctx);
        }
        if let Some(number) = heard.want {
            self.tell(from, Say { answer: Some(number), ..Say::of(Load::All) }, ctx);
        }
        if heard.answer.is_some() {
            self.found(from, ctx);
        }
        self.seek(from, ctx);
        self.probe_sooner(from, ctx);
    }

    /// Takes down what the sender says of itself.
    fn note(&mut self, from: NodeId, heard: &Relayed, ctx: &mut Context<'_, Relay>) {
        let peer = self.peers.entry(from).or_default();
        heard.claims().for_each(|(stream, length)| peer.known.raise(stream, length));
        peer.count = peer.count.max(heard.count);
        peer.follows = heard.hub == ctx.me();
        if let Some(clock) = heard.clock {
            peer.arrived = Some((clock, ctx.now()));
        }
        for batch in &heard.data {
            // What it was told that this node has comes again: it has not heard.
            if batch.end() <= peer.told.of(batch.stream()) {
                peer.told.lower(batch.stream(), batch.start);
            }
        }
        if peer.known.covers(&peer.awaited) || !self.watches(from, ctx) {
            self.unwatch(from, ctx);
        }
        self.watch(from, ctx);
        if let Some(number) = heard.answer {
            self.trust(from, number, ctx);
        }
    }

    /// Takes in values, and with them those that came too early.
    fn merge(&mut self, batch: Batch, ctx: &mut Context<'_, Relay>) {
        let (stream, hops) = (batch.stream(), batch.hops);
        let mut next = Some((batch.start, batch.messages));
        while let Some((start, values)) = next {
            self.take_in(stream, start, values, hops, ctx);
            next = self.early.take(stream, self.durable.length(stream));
        }
    }

    fn take_in(
        &mut self,
        stream: Stream,
        start: u64,
        values: Vec<Value>,
        hops: Option<u32>,
        ctx: &mut Context<'_, Relay>,
    ) {
        let length = self.durable.length(stream);
        if start > length {
            self.early.keep(stream, start, values);
            return;
        }
        let known = usize::try_from(length - start).unwrap_or(usize::MAX).min(values.len());
        let mut values = values.into_iter();
        values.by_ref().take(known).for_each(|value| ctx.emit(Event::Redundant { value }));
        if let Some(hops) = hops.filter(|_| values.len() > 0) {
            *self.hops.entry(stream) = hops;
        }
        for value in values {
            self.news = true;
            ctx.emit(match (self.durable.append(stream, value.clone()), hops) {
                (Novelty::Known, _) => Event::Redundant { value },
                (Novelty::New, Some(hops)) => Event::Delivered { value, hops },
                (Novelty::New, None) => Event::Repaired { value },
            });
        }
    }

    /// The sender has something that is here, too: it will hear of that, if this node serves it or follows it, or if it
    /// may serve this node and watches over what it has sent. Others would only acknowledge each other's acknowledgements.
    fn owe(
        &mut self,
        from: NodeId,
        claims: &[(Stream, u64)],
        is_awaited: bool,
        ctx: &mut Context<'_, Relay>,
    ) {
        let serves = self.serves(from, ctx);
        if !serves && from != self.hub && !is_awaited {
            return;
        }
        let Some(peer) = self.peers.get_mut(&from) else { return };
        if !claims.iter().any(|(stream, _)| peer.owed(*stream, self.durable.length(*stream))) {
            return;
        }
        if serves {
            self.news = true;
        } else if !std::mem::replace(&mut peer.ack_set, true) {
            ctx.set_timer(Timer::Ack(from), self.config.ack);
        }
    }

    /// All that was in the hub's flushes has, as far as anybody knows, reached everybody.
    fn note_flush(&mut self, from: NodeId, ctx: &Context<'_, Relay>) {
        let Some(peer) = self.peers.get(&from) else { return };
        self.base.join(&peer.known);
        if from == self.hub {
            self.keep_turn(ctx);
        }
    }
}
