//! One node in hand, for tests and docs: give it inputs, look at the effects. It knows no network and no other node.
//!
//! Time stands still until it is [moved](Solo::elapse). Timers are kept as a host keeps them: one pending for each
//! value, moved when set anew, gone with the node when it crashes.

use crate::id::{ClientId, Members, NodeId};
use crate::node::{
    self, Call, Draws, Earlier, Effect, EffectOf, Input, InputOf, Moment, Neighbours, Node, Outbox, Source,
};
use crate::rng::{Key, Tally};
use crate::time::{Span, Time};

/// A node in a test's hand.
///
/// ```
/// use rumormill::protocol::gossip::{Config, Gossip};
/// use rumormill::solo::Solo;
/// use rumormill::workload::broadcast::Request;
/// use rumormill::{NodeId, Value};
///
/// let mut node = Solo::<Gossip>::new(Config::default(), NodeId(0), 5, 7);
/// let effects = node.request(Request::Broadcast { message: Value::from(42) });
/// assert_eq!(effects.len(), 4, "a reply, two rumours, an event: {effects:?}");
/// ```
#[derive(Debug)]
pub struct Solo<N: Node> {
    node: N,
    config: N::Config,
    me: NodeId,
    members: Members,
    neighbours: Option<Vec<NodeId>>,
    key: Key,
    incarnation: u32,
    now: Time,
    timers: Vec<(Time, N::Timer)>,
    inputs: Tally,
    calls: u64,
    started: Vec<EffectOf<N>>,
}

impl<N: Node> Solo<N> {
    /// Node `me` of a cluster of `nodes`, started with an empty disk.
    pub fn new(config: N::Config, me: NodeId, nodes: u32, seed: u64) -> Solo<N> {
        let (members, key) = (Members::all(nodes), Key::new(seed, "node"));
        let mut outbox = Outbox::new();
        let draws = Draws { run: key, incarnation: 0, source: Source::Start, earlier: Earlier::Counted(0) };
        let neighbours = Neighbours::All(me, &members);
        let moment = Moment { me, at: Time::ZERO, now: Time::ZERO, members: &members, neighbours, draws };
        let node = node::start(&config, N::Durable::default(), moment, &mut outbox);
        let mut solo = Solo {
            node,
            config,
            me,
            members,
            neighbours: None,
            key,
            incarnation: 0,
            now: Time::ZERO,
            timers: Vec::new(),
            inputs: Tally::default(),
            calls: 0,
            started: Vec::new(),
        };
        let effects = Vec::from(outbox.effects);
        solo.keep_timers(&effects);
        solo.started = effects;
        solo
    }

    /// What the node asked for when it started last.
    pub fn started(&self) -> &[EffectOf<N>] {
        &self.started
    }

    /// The node.
    pub fn node(&self) -> &N {
        &self.node
    }

    /// The clock.
    pub fn now(&self) -> Time {
        self.now
    }

    /// A client asks. Calls are numbered from 0.
    pub fn request(&mut self, request: N::Request) -> Vec<EffectOf<N>> {
        let call = Call::new(self.calls);
        self.calls += 1;
        self.give(Input::Request(request, call), Source::Client(ClientId(0)))
    }

    /// A peer's message arrives.
    pub fn message(&mut self, from: NodeId, message: N::Message) -> Vec<EffectOf<N>> {
        self.give(Input::Message(from, message), Source::Peer(from))
    }

    /// The node is told its neighbours.
    pub fn topology(&mut self, neighbours: &[NodeId]) -> Vec<EffectOf<N>> {
        self.neighbours = Some(neighbours.to_vec());
        self.give(Input::Topology, Source::Topology)
    }

    /// Time passes; the timers that come due fire in order. Returns each with what it caused.
    pub fn elapse(&mut self, span: Span) -> Vec<(N::Timer, Vec<EffectOf<N>>)> {
        let until = self.now + span;
        let mut fired = Vec::new();
        while let Some(at) = self.next_timer().filter(|at| self.timers[*at].0 <= until) {
            let (due, timer) = self.timers.remove(at);
            self.now = due;
            fired.push((timer, self.give(Input::Timer(timer), Source::timer(&timer))));
        }
        self.now = until;
        fired
    }

    /// The node crashes and comes up again with what it had put on disk. Returns what it asks for.
    pub fn crash_and_restart(&mut self) -> &[EffectOf<N>] {
        let disk = self.node.durable().clone();
        self.restart(disk)
    }

    /// The node loses its disk, too.
    pub fn wipe_and_restart(&mut self) -> &[EffectOf<N>] {
        self.restart(N::Durable::default())
    }

    fn restart(&mut self, disk: N::Durable) -> &[EffectOf<N>] {
        self.incarnation += 1;
        self.timers.clear();
        let mut outbox = Outbox::new();
        let moment = self.moment(Source::Start, 0);
        self.node = node::start(&self.config, disk, moment, &mut outbox);
        let effects = Vec::from(outbox.effects);
        self.keep_timers(&effects);
        self.started = effects;
        &self.started
    }

    fn next_timer(&self) -> Option<usize> {
        (0..self.timers.len()).min_by_key(|at| self.timers[*at].0)
    }

    fn moment(&self, source: Source, earlier: u64) -> Moment<'_> {
        let earlier = Earlier::Counted(earlier);
        let draws = Draws { run: self.key, incarnation: self.incarnation, source, earlier };
        let neighbours = Neighbours::new(self.me, &self.members, self.neighbours.as_deref());
        Moment { me: self.me, at: self.now, now: self.now, members: &self.members, neighbours, draws }
    }

    fn give(&mut self, input: InputOf<N>, source: Source) -> Vec<EffectOf<N>> {
        let earlier = Earlier::Counted(self.inputs.next(self.now, (u64::from(self.me.0), source.word())));
        let mut outbox = Outbox::new();
        let draws = Draws { run: self.key, incarnation: self.incarnation, source, earlier };
        let neighbours = Neighbours::new(self.me, &self.members, self.neighbours.as_deref());
        let moment =
            Moment { me: self.me, at: self.now, now: self.now, members: &self.members, neighbours, draws };
        node::dispatch(&mut self.node, &self.config, input, moment, &mut outbox);
        let effects = Vec::from(outbox.effects);
        self.keep_timers(&effects);
        effects
    }

    fn keep_timers(&mut self, effects: &[EffectOf<N>]) {
        for effect in effects {
            match effect {
                Effect::SetTimer(timer, after) => {
                    self.timers.retain(|(_, other)| other != timer);
                    self.timers.push((self.now + *after, *timer));
                }
                Effect::CancelTimer(timer) => self.timers.retain(|(_, other)| other != timer),
                Effect::Send(..) | Effect::Reply(..) | Effect::Reject(..) | Effect::Emit(_) => {}
            }
        }
    }
}
