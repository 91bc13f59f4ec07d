//! The simulator: a whole cluster of nodes on a virtual clock and a seeded network. It knows no protocol and no file.
//!
//! [`Sim::run`] takes one event after the other in the total order (instant, sequence), hands it to the node that it
//! concerns, and applies the effects. At one instant the ends of faults come first, then everything else in the order
//! in which it was scheduled. All that happens is shown to an [`Observer`] as a typed [`Record`] and folded into the
//! [digest](Sim::digest), in the same order, whether anybody observes or not.

use crate::hash::fold;
use crate::id::{Members, NodeId};
use crate::node::{self, Draws, Earlier, Effect, Input, InputOf, Moment, Neighbours, Node, Outbox, Source};
use crate::rng::{Keys, Tally};
use crate::time::{Span, Time};
use crate::topology::Layout;
use crate::workload::Entry;

mod ahead;
pub(crate) mod bench;
mod calls;
mod client;
mod clock;
mod deliverer;
pub mod fault;
mod host;
pub mod network;
mod pending;
pub mod queue;
mod record;
mod setup;
mod storm;

pub use client::WhenBusy;
pub use record::{Counters, Digest, Observer, Passage, Record, Stop, Why};
pub use setup::Setup;

use client::{Answer, Clients};
use clock::Clocks;
use deliverer::{Deliverers, Item};
use fault::{Edge, Fault, edges};
use host::{Held, Host, Life};
use network::{Fate, Network};
use pending::{Alarm, Pending, Slab};
use queue::Queue;

/// More events than this at one instant are a livelock.
pub const MOST_AT_ONE_INSTANT: u64 = 1_000_000;

/// A cluster in virtual time.
#[derive(Debug)]
pub struct Sim<N: Node, O = ()> {
    now: Time,
    node_keys: Keys,
    config: N::Config,
    members: Members,
    layout: Layout,
    hosts: Vec<Host<N>>,
    inputs: Tally,
    network: Network,
    clocks: Clocks,
    /// None in the ideal profile.
    deliverers: Option<Deliverers>,
    queue: Queue<Pending>,
    flights: Slab<(Passage, N::Message)>,
    alarms: Slab<Alarm<N::Timer>>,
    answers: Slab<(usize, Answer<N::Response>)>,
    clients: Clients<N::Request, N::Response>,
    faults: Vec<Fault>,
    /// The latest first.
    edges: Vec<Edge>,
    end: Time,
    timeout: Span,
    generation: u64,
    outbox: Outbox<N>,
    /// Whom the messages go to that are due next.
    ahead: Vec<NodeId>,
    digest: u64,
    counters: Counters,
    max_events: u64,
    at_this_instant: u64,
    handling: Option<(NodeId, &'static str)>,
    booted: bool,
    observer: O,
}

impl<N: Node, O: Observer<N>> Sim<N, O> {
    /// A cluster before its run: nothing has started yet.
    ///
    /// # Panics
    /// If an operation asks a node, or a fault names one, that the cluster does not number; if a fault is not drawn.
    pub fn new(setup: Setup<N>, observer: O) -> Sim<N, O> {
        let count = setup.members.count();
        assert!(
            setup.operations.iter().all(|operation| operation.node.0 < count),
            "an operation asks a node of the cluster"
        );
        Sim {
            now: Time::ZERO,
            node_keys: Keys::new(setup.seed, setup.reseed, "node"),
            layout: Layout::new(setup.topology, &setup.members),
            hosts: (0..count).map(|_| Host::new()).collect(),
            inputs: Tally::default(),
            network: Network::new(&setup),
            clocks: Clocks::default(),
            deliverers: Deliverers::for_profile(setup.profile, count),
            queue: Queue::new(),
            flights: Slab::new(),
            alarms: Slab::new(),
            answers: Slab::new(),
            clients: Clients::new(setup.operations, setup.workers, setup.when_busy, setup.seed),
            edges: edges(&setup.faults, setup.storm_end),
            faults: setup.faults,
            members: setup.members,
            config: setup.config,
            end: setup.end,
            timeout: setup.timeout,
            generation: 0,
            outbox: Outbox::new(),
            ahead: Vec::new(),
            digest: 0,
            counters: Counters::default(),
            max_events: setup.max_events,
            at_this_instant: 0,
            handling: None,
            booted: false,
            observer,
        }
    }

    /// Starts the nodes, and takes events until all operations have ended and the run's time has passed. Faults that
    /// begin at once begin before the nodes start.
    pub fn run(&mut self) -> Stop {
        if !std::mem::replace(&mut self.booted, true) {
            self.boot();
        }
        loop {
            if self.counters.events >= self.max_events {
                return Stop::MaxEvents(self.now);
            }
            if self.at_this_instant > MOST_AT_ONE_INSTANT {
                return Stop::Livelock(self.now);
            }
            if !self.step() {
                return Stop::Done;
            }
        }
    }

    /// The virtual time.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The hash of all that has happened so far, folded event by event.
    pub fn digest(&self) -> Digest {
        Digest(self.digest)
    }

    /// The digest together with the result of every operation so far.
    pub fn sealed(&self) -> Digest {
        let hashes = self.clients.hashes();
        Digest(hashes.fold(self.digest, |digest, hash| fold(digest.rotate_left(17) ^ hash)))
    }

    /// What has been counted so far.
    pub fn counters(&self) -> Counters {
        Counters { late: self.clients.late, stand_ins: self.clients.stand_ins, ..self.counters }
    }

    /// What clients asked and heard so far, in order of asking.
    pub fn history(&self) -> &[Entry<N::Request, N::Response>] {
        self.clients.history()
    }

    /// The node, unless it is down.
    pub fn node(&self, id: NodeId) -> Option<&N> {
        match &self.hosts[id.index()].life {
            Life::Up(node) => Some(node),
            Life::Down(_) => None,
        }
    }

    /// The node whose handler is running, and what it handles: after a panic, the one that panicked.
    pub fn handling(&self) -> Option<(NodeId, &'static str)> {
        self.handling
    }

    /// What clients asked and heard, once the run is over.
    pub fn into_history(self) -> Vec<Entry<N::Request, N::Response>> {
        self.clients.into_history()
    }

    /// Whoever has been watching.
    pub fn into_observer(self) -> O {
        self.observer
    }

    fn boot(&mut self) {
        for (number, operation) in self.clients.schedule().iter().enumerate() {
            self.queue.push(operation.at, Pending::Invoke(number as u32));
        }
        self.take_edges(Time::ZERO);
        for id in (0..self.members.count()).map(NodeId) {
            if self.members.contains(id) && self.hosts[id.index()].downs == 0 {
                self.come_up(id);
            }
        }
    }

    /// Takes one event, or the ends of faults that come before it; `false` if the run is over.
    fn step(&mut self) -> bool {
        let next_edge = self.edges.last().map_or(Time::MAX, |edge| edge.at);
        let unresolved = self.clients.unresolved();
        let limit = if unresolved { next_edge } else { next_edge.min(self.end + Span::from_nanos(1)) };
        if let Some((at, pending)) = self.queue.pop_before(limit) {
            self.look_ahead();
            self.move_to(at);
            self.take(pending);
            return true;
        }
        if self.edges.is_empty() || (!unresolved && next_edge > self.end) {
            return false;
        }
        self.move_to(next_edge);
        self.take_edges(next_edge);
        true
    }

    fn move_to(&mut self, at: Time) {
        if at != self.now {
            self.now = at;
            self.at_this_instant = 0;
        }
        self.at_this_instant += 1;
    }

    fn take(&mut self, pending: Pending) {
        match pending {
            Pending::Message(slot) => {
                let (passage, message) = self.flights.take(slot);
                match self.network.cut(passage.src, passage.dst) {
                    Some(fault) => self.drop_message(passage, Why::Cut(fault), &message),
                    None => self.arrive(passage, message),
                }
            }
            Pending::HandOver(node) => self.hand_over(node),
            Pending::Alarm(slot) => {
                let Alarm { host, timer, generation } = self.alarms.take(slot);
                self.fire(host, timer, generation);
            }
            Pending::Invoke(operation) => self.invoke(operation as usize),
            Pending::Request(operation) => self.request(operation as usize),
            Pending::Response(slot) => {
                let (operation, answer) = self.answers.take(slot);
                self.respond(operation, answer);
            }
            Pending::Expire(operation) => {
                let operation = operation as usize;
                if self.clients.expire(operation, self.now) {
                    let (client, node) = self.ends(operation);
                    self.record(&Record::TimedOut(operation, client, node));
                }
            }
        }
    }

    /// Folds what happened into the digest and shows it.
    #[inline(always)]
    fn record(&mut self, record: &Record<'_, N>) {
        self.fold_in(record.hash(self.now));
        self.observer.observe(self.now, record);
    }

    /// Folds the hash of what happened into the digest.
    #[inline(always)]
    fn fold_in(&mut self, hash: u64) {
        self.counters.events += 1;
        self.digest = fold(self.digest.rotate_left(17) ^ hash);
    }

    // ---- messages

    #[inline(always)]
    fn send(&mut self, src: NodeId, dst: NodeId, message: N::Message) {
        self.counters.sent += 1;
        let passage = Passage { src, dst, sent: self.now };
        match self.network.route(src, dst, self.now) {
            Fate::Once(due) => self.launch(due, passage, message),
            Fate::Lost => self.drop_message(passage, Why::Loss, &message),
            Fate::Twice(due, again) => self.launch_twice(due, again, passage, message),
        }
    }

    #[cold]
    fn launch_twice(&mut self, due: Time, again: Time, passage: Passage, message: N::Message) {
        self.counters.duplicated += 1;
        self.launch(due, passage, message.clone());
        self.launch(again, passage, message);
    }

    #[inline(always)]
    fn launch(&mut self, due: Time, passage: Passage, message: N::Message) {
        let dst = passage.dst;
        let slot = self.flights.put((passage, message));
        match self.deliverers {
            None => self.queue.push(due, Pending::Message(slot)),
            Some(_) => self.wait_in_line(dst, due, Item::Message(slot)),
        }
    }

    fn drop_message(&mut self, passage: Passage, why: Why, message: &N::Message) {
        *match why {
            Why::Loss => &mut self.counters.lost,
            Why::Cut(_) => &mut self.counters.cut,
            Why::Down | Why::CrashedWhilePaused | Why::Absent | Why::Unread => &mut self.counters.down,
        } += 1;
        self.record(&Record::Drop(passage, why, message));
    }

    #[inline]
    fn arrive(&mut self, passage: Passage, message: N::Message) {
        let Passage { src, dst, sent } = passage;
        let host = &mut self.hosts[dst.index()];
        if host.holds_still() {
            host.aside().inbox.push(Held::Message { src, sent, message });
            self.counters.held += 1;
            return;
        }
        match host.life {
            Life::Up(_) => self.deliver(passage, message),
            Life::Down(_) => {
                let why = if self.members.contains(dst) { Why::Down } else { Why::Absent };
                self.drop_message(passage, why, &message);
            }
        }
    }

    #[inline(always)]
    fn deliver(&mut self, passage: Passage, message: N::Message) {
        self.counters.delivered += 1;
        self.record(&Record::Deliver(passage, &message));
        self.handle(passage.dst, Input::Message(passage.src, message), Source::Peer(passage.src));
    }

    // ---- timers

    fn set_timer(&mut self, id: NodeId, timer: N::Timer, after: Span) {
        self.generation += 1;
        let generation = self.generation;
        self.hosts[id.index()].aside().timers.set(timer, generation);
        let slot = self.alarms.put(Alarm { host: id, timer, generation });
        let due = self.now + self.clocks.takes(id, after);
        self.queue.push(due, Pending::Alarm(slot));
    }

    fn fire(&mut self, id: NodeId, timer: N::Timer, generation: u64) {
        let host = &mut self.hosts[id.index()];
        if host.holds_still() {
            if host.aside().timers.is_pending(timer, generation) {
                host.aside().inbox.push(Held::Timer { timer, generation });
                self.counters.held += 1;
            }
        } else if host.aside().timers.fire(timer, generation) {
            self.counters.timers += 1;
            self.record(&Record::Timer(id, timer));
            self.handle(id, Input::Timer(timer), Source::timer(&timer));
        }
    }

    // ---- handlers

    #[inline(always)]
    fn handle(&mut self, id: NodeId, input: InputOf<N>, source: Source) {
        let host = &mut self.hosts[id.index()];
        let before = host.hears(self.now);
        self.network.begin_sends(self.now, before);
        self.inputs.compare(self.now, before);
        self.inputs.note(self.now, (u64::from(id.0), source.word()));
        let earlier = Earlier::Noted(&mut self.inputs);
        let draws =
            Draws { run: self.node_keys.at(self.now), incarnation: host.incarnation, source, earlier };
        let neighbours = Neighbours::new(id, &self.members, self.layout.of(id));
        let moment = Moment {
            me: id,
            at: self.now,
            now: self.clocks.shows(id, self.now),
            members: &self.members,
            neighbours,
            draws,
        };
        let Life::Up(node) = &mut host.life else { unreachable!("only a node that is up is given input") };
        self.handling = Some((id, what(&input)));
        node::dispatch(node, &self.config, input, moment, &mut self.outbox);
        self.handling = None;
        self.apply(id);
    }

    fn start(&mut self, id: NodeId) {
        let incarnation = self.hosts[id.index()].incarnation;
        self.record(&Record::Start(id, incarnation));
        let host = &mut self.hosts[id.index()];
        let before = host.hears(self.now);
        self.network.begin_sends(self.now, before);
        self.inputs.compare(self.now, before);
        self.inputs.note(self.now, (u64::from(id.0), Source::Start.word()));
        let earlier = Earlier::Noted(&mut self.inputs);
        let Life::Down(disk) = &mut host.life else { unreachable!("only a node that is down is started") };
        let disk = std::mem::take(disk);
        let draws = Draws { run: self.node_keys.at(self.now), incarnation, source: Source::Start, earlier };
        let neighbours = Neighbours::new(id, &self.members, self.layout.of(id));
        let moment = Moment {
            me: id,
            at: self.now,
            now: self.clocks.shows(id, self.now),
            members: &self.members,
            neighbours,
            draws,
        };
        self.handling = Some((id, "its start"));
        host.life = Life::Up(node::start(&self.config, disk, moment, &mut self.outbox));
        self.handling = None;
        self.counters.restarts += u64::from(incarnation > 0);
        self.apply(id);
    }

    fn apply(&mut self, id: NodeId) {
        while let Some(effect) = self.outbox.effects.pop_front() {
            match effect {
                Effect::Send(to, message) => self.send(id, to, message),
                Effect::Reply(call, response) => self.answer(&call, Ok(response)),
                Effect::Reject(call, rejection) => self.answer(&call, Err(rejection)),
                Effect::SetTimer(timer, after) => self.set_timer(id, timer, after),
                Effect::CancelTimer(timer) => self.hosts[id.index()].aside().timers.cancel(timer),
                Effect::Emit(event) => self.record(&Record::Event(id, &event)),
            }
        }
    }
}

/// What a handler was given, in words.
const fn what<R, M, T>(input: &Input<R, M, T>) -> &'static str {
    match input {
        Input::Request(..) => "a request",
        Input::Message(..) => "a message",
        Input::Timer(_) => "a timer",
        Input::Topology => "its neighbours",
    }
}
