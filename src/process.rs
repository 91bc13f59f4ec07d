//! Real processes as nodes, in real time: a Maelstrom without the JVM. Unix only.
//!
//! It starts a program for each node, routes what they print through the same network, drives the same clients and
//! injects the same faults as the simulator; the same judges judge. A partition, a cut or a link's fault acts on the
//! network; a pause stops the process (SIGSTOP, SIGCONT); a crash and a wipe both kill it (SIGKILL) and start a fresh
//! one, as nothing here is known of a node's disk. Clocks cannot be skewed.
//!
//! One thread does all this; pipes have threads of their own, so that a process that does not read or write holds up
//! nobody. Every process ends with the run, however that ends.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::id::{Members, NodeId};
use crate::run::Observed;
use crate::sim::bench::{Clients, Deliverers, Edge, Item, Network, edges};
use crate::sim::fault::Fault;
use crate::sim::{Counters, Observer, Passage, Record, Setup, Why};
use crate::time::{Span, Time};
use crate::topology::Topology;
use crate::workload::{Problem, Workload};

mod calls;
mod child;
mod complaints;
mod foreign;
mod host;
mod line;
mod post;
mod storm;

pub use child::{Logs, Program};
pub use foreign::{Body, Foreign};

use child::{Process, Said};
use complaints::Complaints;

/// The msg_ids of `init` and `topology`; those of operations follow.
const INIT: u64 = 0;
const TOPOLOGY: u64 = 1;
const FIRST_OPERATION: u64 = 2;
/// So many things that processes said wait to be looked at; then their pipes fill.
const MOST_SAID: usize = 10_000;
/// Whoever asks the nodes to start.
const STARTER: &str = "c0";

/// What came of a run in real time.
#[derive(Debug)]
pub struct Ended<W: Workload> {
    /// What clients asked and heard, what was counted, who was killed.
    pub seen: Observed<W>,
    /// What the nodes did wrong as processes.
    pub problems: Vec<Problem>,
    /// It was interrupted before its end.
    pub interrupted: bool,
}

/// Runs a program as the nodes of a cluster, until all operations have ended and the run's time has passed, or until
/// `interrupt` is set.
///
/// # Errors
/// If a process cannot be started.
pub fn run<W, O>(
    setup: Setup<Foreign<W>>,
    program: &Program,
    interrupt: &AtomicBool,
    observer: &mut O,
) -> io::Result<Ended<W>>
where
    W: Workload,
    O: Observer<Foreign<W>>,
{
    let (says, said) = sync_channel(MOST_SAID);
    let count = setup.members.count();
    let mut bench = Bench {
        topology: setup.topology,
        network: Network::new(&setup),
        deliverers: Deliverers::for_profile(setup.profile, count),
        clients: Clients::new(setup.operations, setup.workers, setup.when_busy, setup.seed),
        edges: edges(&setup.faults, setup.storm_end),
        faults: setup.faults,
        end: setup.end,
        timeout: setup.timeout,
        hosts: (0..count).map(|_| Host::default()).collect(),
        members: setup.members,
        program,
        says,
        said,
        zero: None,
        queue: BinaryHeap::new(),
        sequence: 0,
        parcels: BTreeMap::new(),
        next_parcel: 0,
        lines: 0,
        counters: Counters::default(),
        asked: BTreeMap::new(),
        complaints: Complaints::default(),
        wipes: Vec::new(),
        observer,
    };
    bench.boot(interrupt)?;
    // A cluster of which no node has started has been complained of, and nothing can come of asking it.
    if bench.hosts.iter().any(|host| host.is_ready) {
        bench.drive(interrupt)?;
    }
    Ok(bench.end(interrupt.load(Ordering::Relaxed)))
}

/// What is to be done at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Pending {
    Message(u32),
    Invoke(u32),
    Request(u32),
    Expire(u32),
    HandOver(NodeId),
}

/// A message under way.
#[derive(Debug)]
struct Parcel {
    passage: Passage,
    body: Body,
}

/// The place of a node's process.
#[derive(Debug, Default)]
struct Host {
    process: Option<Process>,
    life: u32,
    downs: u32,
    pauses: u32,
    /// It has answered `init` or `topology` with something else, and that is complained of.
    is_refusing: bool,
    /// Since when its stdin is closed.
    closed: Option<Instant>,
    /// When it went on last.
    resumed: Time,
    /// So many lines it has printed since this instant, which is less than a second ago.
    spoken: u32,
    second: Time,
    /// It has answered `init`, and `topology` where there is one.
    is_ready: bool,
    /// Something whole that it printed without an end of line, and when.
    unfinished: Option<(Instant, Vec<u8>)>,
}

struct Bench<'a, W: Workload, O> {
    members: Members,
    topology: Topology,
    program: &'a Program,
    hosts: Vec<Host>,
    says: SyncSender<Said>,
    said: Receiver<Said>,
    /// When the run began; it has not while the nodes start.
    zero: Option<Instant>,
    network: Network,
    deliverers: Option<Deliverers>,
    clients: Clients<W::Request, W::Response>,
    faults: Vec<Fault>,
    /// The latest first.
    edges: Vec<Edge>,
    end: Time,
    timeout: Span,
    queue: BinaryHeap<Reverse<(Time, u64, Pending)>>,
    sequence: u64,
    parcels: BTreeMap<u32, Parcel>,
    next_parcel: u32,
    /// Lines written to nodes.
    lines: u64,
    counters: Counters,
    /// Operations that nodes have been asked and have not answered, and since when.
    asked: BTreeMap<usize, Time>,
    complaints: Complaints,
    wipes: Vec<(NodeId, Time)>,
    observer: &'a mut O,
}

#[expect(clippy::disallowed_methods, reason = "real processes live in real time")]
fn clock() -> Instant {
    Instant::now()
}

/// Time.
impl<W: Workload, O: Observer<Foreign<W>>> Bench<'_, W, O> {
    fn now(&self) -> Time {
        let passed = self.zero.map_or(0, |zero| (clock() - zero).as_nanos());
        Time::from_nanos(u64::try_from(passed).unwrap_or(u64::MAX))
    }

    fn at(&mut self, time: Time, pending: Pending) {
        self.sequence += 1;
        self.queue.push(Reverse((time, self.sequence, pending)));
    }

    /// Starts all nodes and waits until they are ready.
    fn boot(&mut self, interrupt: &AtomicBool) -> io::Result<()> {
        for node in self.members.iter().collect::<Vec<_>>() {
            self.spawn(node)?;
        }
        // Twice what a client waits for an answer; then a node hangs.
        let patience = self.timeout + self.timeout;
        let began = clock();
        while self.members.iter().any(|node| !self.host(node).is_ready)
            && (clock() - began).as_nanos() < u128::from(patience.as_nanos())
        {
            if interrupt.load(Ordering::Relaxed) {
                return Ok(());
            }
            self.listen(Duration::from_millis(20));
            let gone = |node: NodeId| self.host(node).process.is_none();
            if self.members.iter().all(gone) {
                break;
            }
        }
        for node in self.members.iter().collect::<Vec<_>>() {
            let host = self.host(node);
            if !host.is_ready && !host.is_refusing && host.process.is_some() {
                let text = format!(
                    "did not answer init within {patience}; answer it with init_ok, and flush stdout after each line"
                );
                self.complain(node, "hangs at init", text);
            }
        }
        self.zero = Some(clock());
        for (number, operation) in
            self.clients.schedule().iter().map(|it| it.at).enumerate().collect::<Vec<_>>()
        {
            self.at(operation, Pending::Invoke(number as u32));
        }
        Ok(())
    }

    /// Does what is due and listens until something else is, to the end of the run.
    fn drive(&mut self, interrupt: &AtomicBool) -> io::Result<()> {
        while !interrupt.load(Ordering::Relaxed) {
            let now = self.now();
            if now > self.end && !self.clients.unresolved() {
                break;
            }
            self.take_edges(now)?;
            while let Some(Reverse((at, _, pending))) = self.queue.peek().copied()
                && at <= now
            {
                self.queue.pop();
                self.take(pending);
            }
            let next_edge = self.edges.last().map_or(Time::MAX, |edge| edge.at);
            let next = self.queue.peek().map_or(Time::MAX, |Reverse((at, _, _))| *at).min(next_edge);
            let wait = (next - self.now()).as_nanos().min(20_000_000);
            self.listen(Duration::from_nanos(wait));
        }
        Ok(())
    }

    /// Hears what processes say, for this long at most if they say nothing.
    fn listen(&mut self, wait: Duration) {
        match self.said.recv_timeout(wait) {
            Ok(said) => self.hear(said),
            Err(RecvTimeoutError::Timeout) => return,
            Err(RecvTimeoutError::Disconnected) => unreachable!("a sender is kept for the next process"),
        }
        // What else is there already, but not for ever: something may be due.
        for _ in 0..256 {
            let Ok(said) = self.said.try_recv() else { return };
            self.hear(said);
        }
    }

    fn take(&mut self, pending: Pending) {
        match pending {
            Pending::Message(slot) => {
                let Some(Parcel { passage, .. }) = self.parcels.get(&slot) else { return };
                match self.network.cut(passage.src, passage.dst) {
                    Some(fault) => self.drop_parcel(slot, Why::Cut(fault)),
                    None => self.deliver(slot),
                }
            }
            Pending::Invoke(operation) => self.invoke(operation as usize),
            Pending::Request(operation) => self.request(operation as usize),
            Pending::Expire(operation) => {
                let (operation, now) = (operation as usize, self.now());
                if self.clients.expire(operation, now) {
                    let entry = self.clients.entry(operation);
                    let record = Record::TimedOut(operation, entry.client, entry.node);
                    self.observer.observe(now, &record);
                }
            }
            Pending::HandOver(node) => {
                let Some(deliverers) = &mut self.deliverers else { return };
                match deliverers.hand_over(node) {
                    Item::Message(slot) => self.deliver(slot),
                    Item::Request(operation) => self.request(operation as usize),
                }
                self.take_next(node);
            }
        }
    }

    fn end(mut self, interrupted: bool) -> Ended<W> {
        let now = self.now();
        for node in self.members.iter().collect::<Vec<_>>() {
            self.look_for_a_newline(node, Duration::ZERO);
        }
        // All at once, then each is waited for.
        for host in &self.hosts {
            if let Some(process) = &host.process {
                _ = process.signal(Signal::KILL);
            }
        }
        self.hosts.clear();
        let counters =
            Counters { late: self.clients.late, stand_ins: self.clients.stand_ins, ..self.counters };
        let history = self.clients.history().to_vec();
        let seen = Observed {
            history,
            counters,
            ended: now,
            members: self.members,
            faults: self.faults,
            wipes: self.wipes,
        };
        Ended { seen, problems: self.complaints.problems(), interrupted }
    }
}
