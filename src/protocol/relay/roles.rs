//! Who is whose hub, who is believed to be there, and what follows when that changes.

use super::peer::Standing;
use super::tell::{Load, Say};
use super::{Relay, Timer};
use crate::id::NodeId;
use crate::node::Context;
use crate::time::Span;

/// A suspect is asked again after this long, then after twice that.
const PROBE: Span = Span::from_secs(1);

impl Relay {
    /// The first node before this one that is not suspect; this one, a root, if there is none. As a hub is always earlier
    /// in the list, nobody follows himself by way of others, whatever each suspects.
    fn first_trusted(&self, ctx: &Context<'_, Relay>) -> NodeId {
        let earlier = ctx.nodes().iter().take_while(|node| *node < ctx.me());
        let suspect = |node: &NodeId| self.peers.get(node).is_some_and(|peer| peer.is_suspect());
        earlier.into_iter().find(|node| !suspect(node)).unwrap_or(ctx.me())
    }

    pub(super) fn is_root(&self, ctx: &Context<'_, Relay>) -> bool {
        self.hub == ctx.me()
    }

    /// Whether this node brings the peer what it lacks.
    pub(super) fn serves(&self, node: NodeId, ctx: &Context<'_, Relay>) -> bool {
        let follows = || self.peers.get(&node).is_some_and(|peer| peer.follows);
        node != self.hub && node != ctx.me() && !self.suspects(node) && (self.is_root(ctx) || follows())
    }

    /// All that are served.
    pub(super) fn served(&self, ctx: &Context<'_, Relay>) -> Vec<NodeId> {
        match self.is_root(ctx) {
            true => ctx.nodes().iter().filter(|node| self.serves(*node, ctx)).collect(),
            false => self.peers.keys().copied().filter(|node| self.serves(*node, ctx)).collect(),
        }
    }

    pub(super) fn suspects(&self, node: NodeId) -> bool {
        self.peers.get(&node).is_some_and(|peer| peer.is_suspect())
    }

    /// How long the peer may take to say that it has what it was sent.
    pub(super) fn patience(&self, node: NodeId) -> Span {
        let there_and_back = self.config.period + self.pace.rtt() + self.config.patience;
        if node == self.hub { there_and_back } else { there_and_back + self.config.ack }
    }

    /// How long the peer may take to answer.
    pub(super) fn patience_to_answer(&self) -> Span {
        self.pace.rtt() + self.config.patience
    }

    /// The peer has not said or answered what it should have.
    pub(super) fn lose_patience(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if peer.is_suspect() || (peer.awaited.is_empty() && peer.asked.is_none()) {
            return;
        }
        peer.doubt();
        peer.standing = Standing::Suspect { since: self.next_number, backoff: PROBE, probed: false };
        self.probe(node, ctx);
        self.give_up(node, ctx);
    }

    /// The peer has answered: what it has is known, and nothing else is believed.
    pub(super) fn trust(&mut self, node: NodeId, number: u64, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        let counts = match peer.standing {
            Standing::Trusted => peer.asked == Some(number),
            Standing::Suspect { since, .. } => (since..self.next_number).contains(&number),
        };
        if counts {
            peer.standing = Standing::Trusted;
            peer.asked = None;
            peer.sent.clear();
            peer.awaited.clear();
            ctx.cancel_timer(Timer::Patience(node));
            ctx.cancel_timer(Timer::Probe(node));
            self.news = true;
        }
    }

    /// Asks a suspect, if it matters: one that could be hub in place of the hub, or one that this node would serve.
    pub(super) fn probe(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let matters = self.is_root(ctx) || node <= self.hub;
        let Some(peer) = self.peers.get_mut(&node) else { return };
        let matters = matters || peer.follows;
        let Standing::Suspect { backoff, probed, .. } = &mut peer.standing else { return };
        *probed = matters;
        if !matters {
            return;
        }
        let tenth = Span::from_nanos(backoff.as_nanos() / 10);
        let wait =
            ctx.rng().span(Span::from_nanos(8 * tenth.as_nanos()), Span::from_nanos(12 * tenth.as_nanos()));
        ctx.set_timer(Timer::Probe(node), wait);
        self.tell(node, Say { want: true, ..Say::of(Load::Digest) }, ctx);
    }

    /// It has not answered.
    pub(super) fn probe_again(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if let Standing::Suspect { backoff, .. } = &mut peer.standing {
            *backoff = PROBE + PROBE;
            self.probe(node, ctx);
        }
    }

    /// A message of a suspect has come: is the way there open again, too?
    pub(super) fn probe_sooner(&mut self, node: NodeId, ctx: &mut Context<'_, Relay>) {
        let Some(peer) = self.peers.get_mut(&node) else { return };
        if let Standing::Suspect { backoff, .. } = &mut peer.standing
            && *backoff > PROBE
        {
            *backoff = PROBE;
            self.probe(node, ctx);
        }
    }

    /// Follows the first that is trusted.
    pub(super) fn choose_hub(&mut self, ctx: &mut Context<'_, Relay>) {
        let hub = self.first_trusted(ctx);
        debug_assert!(hub <= ctx.me(), "a hub is never later in the list");
        if hub == self.hub {
            return;
        }
        self.hub = hub;
        self.pace = Default::default();
        let peers: Vec<NodeId> = self.peers.keys().copied().collect();
        for node in peers {
            if !self.watches(node, ctx) {
                self.unwatch(node, ctx);
            }
        }
        // What the last hub scattered has reached the others, as far as anybody knows; their answers tell.
        let greeted = if self.is_root(ctx) { self.served(ctx) } else { vec![hub] };
        let load = if self.is_root(ctx) { Load::All } else { Load::Pushed };
        for node in greeted {
            self.peers.entry(node).or_default().sent.join(&self.base);
            self.tell(node, Say { want: true, flush: self.is_root(ctx), ..Say::of(load) }, ctx);
        }
        let forgotten = self
            .peers
            .iter()
            .filter(|(_, peer)| matches!(peer.standing, Standing::Suspect { probed: false, .. }));
        let forgotten: Vec<NodeId> = forgotten.map(|(node, _)| *node).collect();
        forgotten.into_iter().for_each(|node| self.probe(node, ctx));
    }

    /// Whether what the peer was sent is watched over until it says that it has it.
    pub(super) fn watches(&self, node: NodeId, ctx: &Context<'_, Relay>) -> bool {
        !self.suspects(node) && (node == self.hub || self.serves(node, ctx))
    }
}
