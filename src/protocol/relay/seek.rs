//! How a relaying node gets what it lacks and nobody brings: by asking one peer after another.

use super::tell::{Load, Say};
use super::{Relay, Timer};
use crate::id::NodeId;
use crate::node::Context;
use crate::time::{Span, Time};

/// Who is asked for what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pull {
    peer: NodeId,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// It may come by itself.
    Waiting,
    Asked,
}

/// So long what is missing may take to come by itself.
const GRACE: Span = Span::from_millis(200);

/// So long an answer may take before another is asked, if nobody is found out to be suspect before.
const PULL: Span = Span::from_secs(1);

/// So long the hub, or a root's peers, may not be heard after the whole cluster's start, and after that of this node alone.
const FIRST_SILENCE: Span = Span::from_secs(3);
const BLANK_SILENCE: Span = Span::from_secs(1);

/// So long they may not be heard after that, and at most, once they have not been for long.
const SILENCE: Span = Span::from_secs(10);
const LONGEST_SILENCE: Span = Span::from_secs(30);

impl Relay {
    /// The peer may have what nobody brings.
    pub(super) fn seek(&mut self, from: NodeId, ctx: &mut Context<'_, Relay>) {
        if self.pull.is_none() && self.is_ahead(from) {
            self.pull = Some(Pull { peer: from, stage: Stage::Waiting });
            ctx.set_timer(Timer::Pull, GRACE);
        }
    }

    fn is_ahead(&self, node: NodeId) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.is_ahead(&self.durable))
    }

    /// The grace is over, or the answer has not come.
    pub(super) fn pull(&mut self, ctx: &mut Context<'_, Relay>) {
        let Some(Pull { peer, stage }) = self.pull.take() else { return };
        let ahead = |node: &NodeId| self.is_ahead(*node);
        let mut others: Vec<NodeId> = self.peers.keys().copied().filter(ahead).collect();
        if others.iter().any(|other| !self.suspects(*other)) {
            others.retain(|other| !self.suspects(*other));
        }
        let Some(mut next) = others.first().copied() else { return };
        match stage {
            Stage::Waiting if others.contains(&peer) => next = peer,
            Stage::Waiting | Stage::Asked => {
                others.retain(|other| *other != peer);
                if !others.is_empty() {
                    next = others[ctx.rng().below(others.len() as u64) as usize];
                }
            }
        }
        self.pull = Some(Pull { peer: next, stage: Stage::Asked });
        ctx.set_timer(Timer::Pull, PULL);
        self.tell(next, Say { want: true, ..Say::of(Load::Digest) }, ctx);
    }

    /// An answer has come. If there is more, it is asked for.
    pub(super) fn found(&mut self, from: NodeId, ctx: &mut Context<'_, Relay>) {
        if self.pull == Some(Pull { peer: from, stage: Stage::Asked }) {
            self.pull = None;
            ctx.cancel_timer(Timer::Pull);
            let next = self.peers.keys().copied().find(|node| self.is_ahead(*node));
            next.into_iter().for_each(|node| self.seek(node, ctx));
        }
    }

    /// This peer does not answer. If it was asked for what is missing, another is.
    pub(super) fn give_up(&mut self, peer: NodeId, ctx: &mut Context<'_, Relay>) {
        if self.pull == Some(Pull { peer, stage: Stage::Asked }) {
            self.pull(ctx);
        }
    }

    /// Somebody has been heard. What others than the hub say is no sign that there is a way to the hub.
    pub(super) fn heard(&mut self, from: NodeId, ctx: &mut Context<'_, Relay>) {
        if from == self.hub || self.is_root(ctx) {
            self.silence = SILENCE + SILENCE;
            ctx.set_timer(Timer::Heartbeat, SILENCE);
        }
    }

    /// Nobody has been heard for long: asks the hub, and a root anybody.
    pub(super) fn ask_around(&mut self, ctx: &mut Context<'_, Relay>) {
        let mut whom = Vec::with_capacity(1);
        match self.is_root(ctx) {
            true => ctx.pick_peers(1, None, &mut whom),
            false => whom.push(self.hub),
        }
        ctx.set_timer(Timer::Heartbeat, self.silence);
        self.silence = LONGEST_SILENCE.min(self.silence + self.silence);
        whom.into_iter().for_each(|peer| self.tell(peer, Say { want: true, ..Say::of(Load::Digest) }, ctx));
    }

    /// A node that comes up with values on disk may have missed much, and asks at once; by a timer, as a host may let it
    /// speak only later. One whose disk is blank though the cluster has begun may have lost one, and does not wait long.
    pub(super) fn begin(&mut self, ctx: &mut Context<'_, Relay>) {
        self.silence = SILENCE;
        let wait = match (self.durable.count(), ctx.now()) {
            (0, Time::ZERO) => FIRST_SILENCE,
            (0, _) => BLANK_SILENCE,
            _ => Span::ZERO,
        };
        ctx.set_timer(Timer::Heartbeat, wait);
    }
}
