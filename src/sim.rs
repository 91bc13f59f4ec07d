//! The simulator: a whole cluster of nodes on a virtual clock and a seeded network. It knows no protocol and no file.
//!
//! [`Sim::run`] takes one event after the other in the total order (instant, sequence), hands it to the node that it
//! concerns, and applies the effects. At one instant the ends of faults come first, then everything else in the order
//! in which it was scheduled. All that happens is shown to an [`Observer`] as a typed [`Record`] and folded into the
//! [digest](Sim::digest), in the same order, whether anybody observes or not.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::hash::{WordHasher, fold, hash_of};
use crate::id::{ClientId, Members, NodeId};
use crate::node::{
    self, Call, Draws, Effect, EffectOf, Input, InputOf, Moment, Neighbours, Node, Rejection, Source,
};
use crate::rng::{Key, Tally};
use crate::time::{Span, Time};
use crate::topology::{Layout, Topology};
use crate::workload::{Entry, Operation};

mod client;
pub mod fault;
mod host;
pub mod network;
mod queue;

use client::{Answer, Clients};
use fault::{Edge, Fault, FaultKind, Side, edges};
use host::{Held, Host, Life};
use network::{Fate, Network, NetworkConfig, Override, Way};
use queue::Queue;

/// More events than this at one instant are a livelock.
pub const MOST_AT_ONE_INSTANT: u64 = 1_000_000;

/// All that decides a run: the same setup gives the same trace.
#[derive(Debug)]
pub struct Setup<N: Node> {
    /// The number that all chance comes from.
    pub seed: u64,
    /// Who is in the cluster.
    pub members: Members,
    /// The protocol's knobs.
    pub config: N::Config,
    /// Who is told to be whose neighbour.
    pub topology: Topology,
    /// The network.
    pub network: NetworkConfig,
    /// The faults, with everything drawn ([`Fault::drawn`]).
    pub faults: Vec<Fault>,
    /// What clients ask, and when.
    pub operations: Vec<Operation<N::Request>>,
    /// How many workers take turns.
    pub workers: u32,
    /// When all faults end.
    pub storm_end: Time,
    /// The run goes on at least until then.
    pub end: Time,
    /// How long a client waits for an answer.
    pub timeout: Span,
    /// The run is stopped after this many events.
    pub max_events: u64,
}

/// Not derived, as a node need not be `Clone` for its setup to be.
impl<N: Node> Clone for Setup<N> {
    fn clone(&self) -> Setup<N> {
        Setup {
            members: self.members.clone(),
            config: self.config.clone(),
            network: self.network.clone(),
            faults: self.faults.clone(),
            operations: self.operations.clone(),
            ..*self
        }
    }
}

impl<N: Node> Setup<N> {
    /// A calm cluster: no faults, no operations, no latency, a client timeout of 5 s.
    pub fn new(seed: u64, nodes: u32, config: N::Config) -> Setup<N> {
        Setup {
            seed,
            members: Members::all(nodes),
            config,
            topology: Topology::Total,
            network: NetworkConfig::default(),
            faults: Vec::new(),
            operations: Vec::new(),
            workers: 0,
            storm_end: Time::ZERO,
            end: Time::ZERO,
            timeout: Span::from_secs(5),
            max_events: u64::MAX,
        }
    }
}

/// Something that happened. A trace has one line for each, the digest one hash.
#[derive(Debug)]
#[non_exhaustive]
pub enum Record<'a, N: Node> {
    /// A fault, by its place in the schedule, begins.
    FaultBegins(usize),
    /// A fault ends.
    FaultEnds(usize),
    /// A node comes up.
    Start(NodeId, u32),
    /// A host goes down and keeps its disk.
    Crash(NodeId),
    /// A host goes down, or is down, and loses its disk.
    Wipe(NodeId),
    /// A host is held still.
    Pause(NodeId),
    /// A host goes on.
    Resume(NodeId),
    /// A client asks: the operation's place in the schedule, who asks whom what.
    Invoke(usize, ClientId, NodeId, &'a N::Request),
    /// A request reaches the node.
    Request(usize, ClientId, NodeId),
    /// A request finds its node down.
    RequestDropped(usize, ClientId, NodeId),
    /// A client hears in time.
    Response(usize, ClientId, NodeId, &'a Result<N::Response, Rejection>),
    /// A client that had given up hears after all.
    Late(usize, ClientId, NodeId),
    /// A client gives up.
    TimedOut(usize, ClientId, NodeId),
    /// A message reaches its node.
    Deliver(Passage, &'a N::Message),
    /// A message does not.
    Drop(Passage, Why, &'a N::Message),
    /// A timer fires.
    Timer(NodeId, N::Timer),
    /// A node announces.
    Event(NodeId, &'a N::Event),
}

/// A message's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Who sent it.
    pub src: NodeId,
    /// To whom.
    pub dst: NodeId,
    /// When.
    pub sent: Time,
}

/// Why a message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// The network lost it when it was sent.
    Loss,
    /// This fault, by its place in the schedule, had cut the link when it was due.
    Cut(usize),
    /// The receiver was down when it was due.
    Down,
    /// The receiver was paused when it was due, and went down before it went on.
    CrashedWhilePaused,
    /// The receiver is not in the cluster.
    Absent,
}

impl<N: Node> Record<'_, N> {
    /// The event's hash: of its instant, its kind, its two ends in a word, and what it carried.
    fn hash(&self, at: Time) -> u64 {
        let mut state = WordHasher::default();
        state.write_u64(at.as_nanos());
        let mut ends = |kind: u64, a: u32, b: u32| {
            state.write_u64(kind);
            state.write_u64(u64::from(a) << 32 | u64::from(b));
        };
        match self {
            Record::FaultBegins(fault) => ends(1, 0, *fault as u32),
            Record::FaultEnds(fault) => ends(2, 0, *fault as u32),
            Record::Start(node, incarnation) => ends(3, node.0, *incarnation),
            Record::Crash(node) => ends(4, node.0, 0),
            Record::Wipe(node) => ends(5, node.0, 0),
            Record::Pause(node) => ends(6, node.0, 0),
            Record::Resume(node) => ends(7, node.0, 0),
            Record::Invoke(_, client, node, request) => {
                ends(8, client.0, node.0);
                request.hash(&mut state);
            }
            Record::Request(_, client, node) => ends(9, client.0, node.0),
            Record::RequestDropped(_, client, node) => ends(10, client.0, node.0),
            Record::Response(_, client, node, answer) => {
                ends(11, client.0, node.0);
                answer.hash(&mut state);
            }
            Record::Late(_, client, node) => ends(12, client.0, node.0),
            Record::TimedOut(_, client, node) => ends(13, client.0, node.0),
            Record::Deliver(passage, message) => {
                ends(14, passage.src.0, passage.dst.0);
                message.hash(&mut state);
            }
            Record::Drop(passage, why, message) => {
                ends(15, passage.src.0, passage.dst.0);
                why.hash(&mut state);
                message.hash(&mut state);
            }
            Record::Timer(node, timer) => {
                ends(16, node.0, 0);
                timer.hash(&mut state);
            }
            Record::Event(node, event) => {
                ends(17, node.0, 0);
                event.hash(&mut state);
            }
        }
        state.finish()
    }
}

/// Is shown all that happens, in order.
pub trait Observer<N: Node> {
    /// Something happened at this instant.
    fn observe(&mut self, at: Time, record: &Record<'_, N>);
}

/// Nobody watches.
impl<N: Node> Observer<N> for () {
    fn observe(&mut self, _: Time, _: &Record<'_, N>) {}
}

impl<N: Node, A: Observer<N>, B: Observer<N>> Observer<N> for (A, B) {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        self.0.observe(at, record);
        self.1.observe(at, record);
    }
}

impl<N: Node, O: Observer<N>> Observer<N> for &mut O {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        (**self).observe(at, record);
    }
}

impl<N: Node, O: Observer<N>> Observer<N> for Option<O> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        if let Some(observer) = self {
            observer.observe(at, record);
        }
    }
}

/// How a run's trace is identified: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(pub u64);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{:016x}", self.0))
    }
}

/// What a run counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that nodes sent, lost ones included, a duplicate not.
    pub sent: u64,
    /// Messages that reached their nodes, duplicates included.
    pub delivered: u64,
    /// Second copies that the network made.
    pub duplicated: u64,
    /// Dropped as the network lost them.
    pub lost: u64,
    /// Dropped at a cut link.
    pub cut: u64,
    /// Dropped at a host that was down or absent, or that went down with them in its inbox.
    pub down: u64,
    /// Requests that found their node down.
    pub requests_dropped: u64,
    /// Timers fired.
    pub timers: u64,
    /// Messages, requests and firings that waited at a paused host.
    pub held: u64,
    /// Hosts brought down.
    pub crashes: u64,
    /// Disks lost.
    pub wipes: u64,
    /// Hosts held still.
    pub pauses: u64,
    /// Nodes that came up again.
    pub restarts: u64,
    /// Events in all.
    pub events: u64,
    /// Requests that clients made.
    pub invocations: u64,
    /// Answers under way to clients.
    pub answers: u64,
    /// Answers that came after their clients had given up.
    pub late: u64,
    /// Operations that a fresh client made as the one whose turn it was still waited.
    pub stand_ins: u64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All operations ended and all its time passed.
    Done,
    /// More than [`MOST_AT_ONE_INSTANT`] events at this instant.
    Livelock(Time),
    /// The bound on events was reached at this instant.
    MaxEvents(Time),
}

/// What is pending, small enough to be moved about.
#[derive(Clone, Copy, Debug)]
enum Pending {
    Message(u32),
    Alarm(u32),
    Invoke(u32),
    Request(u32),
    Response(u32),
    Expire(u32),
}

#[derive(Debug)]
struct Alarm<T> {
    host: NodeId,
    timer: T,
    generation: u64,
}

/// Things under way, in slots that are used again.
#[derive(Debug)]
struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    const fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }

    fn put(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(item);
            return slot;
        }
        self.slots.push(Some(item));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 things are under way")
    }

    fn take(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.slots[slot as usize].take().expect("what is pending is taken once")
    }
}

/// A cluster in virtual time.
#[derive(Debug)]
pub struct Sim<N: Node, O = ()> {
    now: Time,
    node_key: Key,
    config: N::Config,
    members: Members,
    layout: Layout,
    hosts: Vec<Host<N>>,
    inputs: Tally,
    network: Network,
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
    outbox: Vec<EffectOf<N>>,
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
            node_key: Key::new(setup.seed, "node"),
            layout: Layout::new(setup.topology, &setup.members),
            hosts: (0..count).map(|_| Host::new()).collect(),
            inputs: Tally::default(),
            network: Network::new(setup.seed, &setup.network, &setup.members),
            queue: Queue::new(),
            flights: Slab::new(),
            alarms: Slab::new(),
            answers: Slab::new(),
            clients: Clients::new(setup.operations, setup.workers),
            edges: edges(&setup.faults, setup.storm_end),
            faults: setup.faults,
            members: setup.members,
            config: setup.config,
            end: setup.end,
            timeout: setup.timeout,
            generation: 0,
            outbox: Vec::new(),
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
                self.arrive(passage, message);
            }
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
    fn record(&mut self, record: &Record<'_, N>) {
        self.counters.events += 1;
        self.digest = fold(self.digest.rotate_left(17) ^ record.hash(self.now));
        self.observer.observe(self.now, record);
    }

    // ---- messages

    fn send(&mut self, src: NodeId, dst: NodeId, message: N::Message) {
        self.counters.sent += 1;
        let passage = Passage { src, dst, sent: self.now };
        match self.network.route(src, dst, self.now) {
            Fate::Lost => self.drop_message(passage, Why::Loss, &message),
            Fate::Once(due) => self.launch(due, passage, message),
            Fate::Twice(due, again) => {
                self.counters.duplicated += 1;
                self.launch(due, passage, message.clone());
                self.launch(again, passage, message);
            }
        }
    }

    fn launch(&mut self, due: Time, passage: Passage, message: N::Message) {
        let slot = self.flights.put((passage, message));
        self.queue.push(due, Pending::Message(slot));
    }

    fn drop_message(&mut self, passage: Passage, why: Why, message: &N::Message) {
        *match why {
            Why::Loss => &mut self.counters.lost,
            Why::Cut(_) => &mut self.counters.cut,
            Why::Down | Why::CrashedWhilePaused | Why::Absent => &mut self.counters.down,
        } += 1;
        self.record(&Record::Drop(passage, why, message));
    }

    fn arrive(&mut self, passage: Passage, message: N::Message) {
        let Passage { src, dst, sent } = passage;
        if let Some(fault) = self.network.cut(src, dst) {
            return self.drop_message(passage, Why::Cut(fault), &message);
        }
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
        self.queue.push(self.now + after, Pending::Alarm(slot));
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

    // ---- clients

    fn ends(&self, operation: usize) -> (ClientId, NodeId) {
        let entry = self.clients.entry(operation);
        (entry.client, entry.node)
    }

    fn invoke(&mut self, operation: usize) {
        self.counters.invocations += 1;
        let client = self.clients.invoke(operation, self.now);
        let Operation { node, request, .. } = &self.clients.schedule()[operation];
        let (node, request) = (*node, request.clone());
        self.record(&Record::Invoke(operation, client, node, &request));
        let due = self.network.client_due(client.0, node, Way::Request, self.now);
        self.queue.push(due, Pending::Request(operation as u32));
        self.queue.push(self.now + self.timeout, Pending::Expire(operation as u32));
    }

    fn request(&mut self, operation: usize) {
        let (client, node) = self.ends(operation);
        let host = &mut self.hosts[node.index()];
        if host.holds_still() {
            host.aside().inbox.push(Held::Request { operation });
            self.counters.held += 1;
            return;
        }
        match host.life {
            Life::Up(_) => self.ask(operation),
            Life::Down(_) => {
                self.counters.requests_dropped += 1;
                self.record(&Record::RequestDropped(operation, client, node));
            }
        }
    }

    fn ask(&mut self, operation: usize) {
        let (client, node) = self.ends(operation);
        self.record(&Record::Request(operation, client, node));
        let request = self.clients.schedule()[operation].request.clone();
        self.handle(node, Input::Request(request, Call::new(operation as u64)), Source::Client(client));
    }

    fn answer(&mut self, call: &Call, answer: Answer<N::Response>) {
        self.counters.answers += 1;
        let operation = call.number() as usize;
        let (client, node) = self.ends(operation);
        let due = self.network.client_due(client.0, node, Way::Response, self.now);
        let slot = self.answers.put((operation, answer));
        self.queue.push(due, Pending::Response(slot));
    }

    fn respond(&mut self, operation: usize, answer: Answer<N::Response>) {
        let (client, node) = self.ends(operation);
        if self.clients.answer(operation, answer.clone(), self.now) {
            self.record(&Record::Response(operation, client, node, &answer));
        } else {
            self.record(&Record::Late(operation, client, node));
        }
    }

    // ---- handlers

    fn handle(&mut self, id: NodeId, input: InputOf<N>, source: Source) {
        let earlier = self.inputs.next(self.now, (u64::from(id.0), source.word()));
        let host = &mut self.hosts[id.index()];
        let draws = Draws { run: self.node_key, incarnation: host.incarnation, source, earlier };
        let neighbours = Neighbours::new(id, &self.members, self.layout.of(id));
        let moment = Moment { me: id, now: self.now, members: &self.members, neighbours, draws };
        let Life::Up(node) = &mut host.life else { unreachable!("only a node that is up is given input") };
        self.handling = Some((id, what(&input)));
        node::dispatch(node, input, moment, &mut self.outbox);
        self.handling = None;
        self.apply(id);
    }

    fn start(&mut self, id: NodeId) {
        let earlier = self.inputs.next(self.now, (u64::from(id.0), Source::Start.word()));
        let incarnation = self.hosts[id.index()].incarnation;
        self.record(&Record::Start(id, incarnation));
        let host = &mut self.hosts[id.index()];
        let Life::Down(disk) = &mut host.life else { unreachable!("only a node that is down is started") };
        let disk = std::mem::take(disk);
        let draws = Draws { run: self.node_key, incarnation, source: Source::Start, earlier };
        let neighbours = Neighbours::new(id, &self.members, self.layout.of(id));
        let moment = Moment { me: id, now: self.now, members: &self.members, neighbours, draws };
        self.handling = Some((id, "its start"));
        host.life = Life::Up(node::start(&self.config, disk, moment, &mut self.outbox));
        self.handling = None;
        self.counters.restarts += u64::from(incarnation > 0);
        self.apply(id);
    }

    fn apply(&mut self, id: NodeId) {
        let mut outbox = std::mem::take(&mut self.outbox);
        for effect in outbox.drain(..) {
            match effect {
                Effect::Send(to, message) => self.send(id, to, message),
                Effect::Reply(call, response) => self.answer(&call, Ok(response)),
                Effect::Reject(call, rejection) => self.answer(&call, Err(rejection)),
                Effect::SetTimer(timer, after) => self.set_timer(id, timer, after),
                Effect::CancelTimer(timer) => self.hosts[id.index()].aside().timers.cancel(timer),
                Effect::Emit(event) => self.record(&Record::Event(id, &event)),
            }
        }
        self.outbox = outbox;
    }

    // ---- faults

    /// Takes all ends of faults at this instant; then hosts that nothing holds any more come up and go on.
    fn take_edges(&mut self, at: Time) {
        let mut ended = Vec::new();
        while let Some(edge) = self.edges.pop_if(|edge| edge.at == at) {
            match edge.side {
                Side::Begin => self.begin_fault(edge.fault),
                Side::End => {
                    self.end_fault(edge.fault);
                    ended.push(edge.fault);
                }
            }
        }
        for fault in ended {
            self.for_hosts(fault, |sim, id, _| sim.settle(id));
        }
    }

    fn begin_fault(&mut self, fault: usize) {
        self.record(&Record::FaultBegins(fault));
        let it = &self.faults[fault];
        if let FaultKind::Link(change) = &it.fault {
            self.network.begin_override(fault, Override::new(change, &self.members));
        } else if let Some(cut) = it.cut(&self.members) {
            self.network.begin_cut(fault, cut);
        }
        self.for_hosts(fault, |sim, id, kind| match kind {
            FaultKind::Crash(_) => sim.take_down(id, None),
            FaultKind::Wipe(_) => sim.take_down(id, Some(Wiped)),
            FaultKind::Pause(_) => sim.hold(id),
            FaultKind::Partition(_) | FaultKind::Cut { .. } | FaultKind::Link(_) => {}
        });
    }

    fn end_fault(&mut self, fault: usize) {
        self.record(&Record::FaultEnds(fault));
        self.network.end(fault);
        self.for_hosts(fault, |sim, id, kind| match kind {
            FaultKind::Crash(_) | FaultKind::Wipe(_) => sim.hosts[id.index()].downs -= 1,
            FaultKind::Pause(_) => {
                let host = &mut sim.hosts[id.index()];
                host.pauses -= 1;
                host.resumes = host.pauses == 0;
            }
            FaultKind::Partition(_) | FaultKind::Cut { .. } | FaultKind::Link(_) => {}
        });
    }

    fn for_hosts(&mut self, fault: usize, act: impl Fn(&mut Self, NodeId, &FaultKind)) {
        let kind = self.faults[fault].fault.clone();
        let Some(nodes) = self.faults[fault].hosts().cloned() else { return };
        for id in nodes.iter().filter(|id| self.members.contains(*id)).collect::<Vec<_>>() {
            act(self, id, &kind);
        }
    }

    fn take_down(&mut self, id: NodeId, wiped: Option<Wiped>) {
        let host = &mut self.hosts[id.index()];
        host.downs += 1;
        let falls = host.downs == 1;
        let inbox = host.crash();
        self.counters.crashes += u64::from(falls);
        if wiped.is_some() {
            self.hosts[id.index()].wipe();
            self.counters.wipes += 1;
            self.record(&Record::Wipe(id));
        } else if falls {
            self.record(&Record::Crash(id));
        }
        for held in inbox {
            match held {
                Held::Message { src, sent, message } => {
                    self.drop_message(Passage { src, dst: id, sent }, Why::CrashedWhilePaused, &message);
                }
                Held::Request { operation } => {
                    self.counters.requests_dropped += 1;
                    let (client, node) = self.ends(operation);
                    self.record(&Record::RequestDropped(operation, client, node));
                }
                Held::Start | Held::Timer { .. } => {}
            }
        }
    }

    fn hold(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        host.pauses += 1;
        if host.pauses == 1 {
            self.counters.pauses += 1;
            self.record(&Record::Pause(id));
        }
    }

    /// Lets a host up, or go on, if nothing holds it any more.
    fn settle(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        let goes_on = std::mem::take(&mut host.resumes);
        if host.downs > 0 {
            return;
        }
        let starts_later = host.aside().inbox.iter().any(|held| matches!(held, Held::Start));
        if matches!(host.life, Life::Down(_)) && !starts_later {
            self.come_up(id);
        }
        if goes_on {
            self.go_on(id);
        }
    }

    fn come_up(&mut self, id: NodeId) {
        if self.hosts[id.index()].pauses > 0 {
            self.hosts[id.index()].aside().inbox.push(Held::Start);
        } else {
            self.start(id);
        }
    }

    fn go_on(&mut self, id: NodeId) {
        let inbox = std::mem::take(&mut self.hosts[id.index()].aside().inbox);
        self.record(&Record::Resume(id));
        for held in inbox {
            match held {
                Held::Start => self.start(id),
                Held::Message { src, sent, message } => self.deliver(Passage { src, dst: id, sent }, message),
                Held::Request { operation } => self.ask(operation),
                Held::Timer { timer, generation } => self.fire(id, timer, generation),
            }
        }
    }
}

/// Marks a fault that takes the disk, too.
#[derive(Clone, Copy, Debug)]
struct Wiped;

/// What a handler was given, in words.
const fn what<R, M, T>(input: &Input<R, M, T>) -> &'static str {
    match input {
        Input::Request(..) => "a request",
        Input::Message(..) => "a message",
        Input::Timer(_) => "a timer",
        Input::Topology => "its neighbours",
    }
}

/// The digest of a run together with the result of every operation.
pub fn seal<Q: Hash, A: Hash>(digest: Digest, history: &[Entry<Q, A>]) -> Digest {
    Digest(history.iter().fold(digest.0, |digest, entry| fold(digest.rotate_left(17) ^ hash_of(entry))))
}
