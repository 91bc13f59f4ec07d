//! The clients: who asks, who waits, and the history of what they saw. It knows no node.
//!
//! The load is open: operations come at their times whether or not earlier ones have ended. If the client whose turn
//! it is still waits, a fresh client asks in its place (Jepsen's process + N), or another that is free; in the place of
//! one that has given up without knowing, always a fresh one.

use crate::hash::hash_of;
use crate::id::{ClientId, Members, NodeId};
use crate::node::{Data, Rejection};
use crate::rng::Key;
use crate::time::Time;
use crate::workload::{Effects, Entry, Operation, Outcome, Phase, Reason, Stamp};

/// Who asks if the client whose turn it is still waits. The last look around is always taken by a stand-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum WhenBusy {
    /// A fresh client in its place, so that who asks whom depends on nothing that happens in the run.
    #[default]
    StandIn,
    /// The first after it that is free, or the lowest; it asks the node of its own number (Maelstrom today).
    NextFree,
    /// Any that is free, drawn anew; it asks the node of its own number (Maelstrom in 2021).
    AnyFree,
}

/// The operations of a run and what has become of them.
#[derive(Debug)]
pub(crate) struct Clients<Q, A> {
    schedule: Vec<Operation<Q>>,
    /// In order of invocation.
    entries: Vec<Entry<Q, A>>,
    /// The hashes of the entries, as far as they have been worked out.
    hashes: Vec<Option<u64>>,
    /// For each operation of the schedule, its place among the entries once it was invoked.
    places: Vec<Option<usize>>,
    /// For each worker, the client that asks in its place now, and its open operation.
    workers: Vec<Worker>,
    when_busy: WhenBusy,
    key: Key,
    index: u64,
    unresolved: usize,
    pub(crate) stand_ins: u64,
    pub(crate) late: u64,
}

#[derive(Clone, Copy, Debug)]
struct Worker {
    client: ClientId,
    waits_for: Option<usize>,
}

/// What a node answers.
pub(crate) type Answer<A> = Result<A, Rejection>;

impl<Q: Data, A: Data> Clients<Q, A> {
    /// Clients for `workers` taking turns, more if the schedule names more.
    pub(crate) fn new(
        schedule: Vec<Operation<Q>>,
        workers: u32,
        when_busy: WhenBusy,
        seed: u64,
    ) -> Clients<Q, A> {
        let named = schedule.iter().map(|operation| operation.client.0 + 1).max().unwrap_or(0);
        let idle = |number| Worker { client: ClientId(number), waits_for: None };
        Clients {
            entries: Vec::with_capacity(schedule.len()),
            hashes: Vec::with_capacity(schedule.len()),
            places: vec![None; schedule.len()],
            unresolved: schedule.len(),
            workers: (0..workers.max(named)).map(idle).collect(),
            schedule,
            when_busy,
            key: Key::new(seed, "turn"),
            index: 0,
            stand_ins: 0,
            late: 0,
        }
    }

    pub(crate) fn schedule(&self) -> &[Operation<Q>] {
        &self.schedule
    }

    /// Whether some operation is still to come or open.
    pub(crate) fn unresolved(&self) -> bool {
        self.unresolved > 0
    }

    pub(crate) fn entry(&self, operation: usize) -> &Entry<Q, A> {
        let place = self.places[operation].expect("an operation is looked up after it was invoked");
        &self.entries[place]
    }

    /// What became of an operation, if it is one and has been asked.
    pub(crate) fn find(&self, operation: usize) -> Option<&Entry<Q, A>> {
        self.places.get(operation).copied().flatten().map(|place| &self.entries[place])
    }

    /// The client asks, or whoever asks in its place; returns who asks.
    pub(crate) fn invoke(&mut self, operation: usize, members: &Members, now: Time) -> ClientId {
        if let Some(worker) = self.other_than_busy(operation, members) {
            let operation = &mut self.schedule[operation];
            (operation.client, operation.node) = (ClientId(worker), node_of(worker, members));
        }
        let Operation { client: turn, node, ref request, phase, .. } = self.schedule[operation];
        let request = request.clone();
        let workers = self.workers.len() as u32;
        let worker = &mut self.workers[turn.0 as usize];
        if worker.waits_for.is_some() {
            worker.client.0 += workers;
            self.stand_ins += 1;
        }
        worker.waits_for = Some(operation);
        let client = worker.client;
        let invoked = self.stamp(now);
        self.places[operation] = Some(self.entries.len());
        self.entries.push(Entry {
            client,
            node,
            request,
            phase,
            invoked,
            completed: invoked,
            outcome: Outcome::Open,
        });
        self.hashes.push(None);
        client
    }

    /// Who is free, if the client whose turn it is waits and anybody else may ask.
    fn other_than_busy(&self, operation: usize, members: &Members) -> Option<u32> {
        let Operation { client: ClientId(turn), phase, .. } = self.schedule[operation];
        let may_ask = |worker: &u32| {
            self.workers[*worker as usize].waits_for.is_none() && members.contains(node_of(*worker, members))
        };
        if self.when_busy == WhenBusy::StandIn || phase == Phase::Final || may_ask(&turn) {
            return None;
        }
        let free: Vec<u32> = (0..self.workers.len() as u32).filter(may_ask).collect();
        match self.when_busy {
            WhenBusy::StandIn => None,
            WhenBusy::NextFree => free.iter().find(|worker| **worker > turn).or(free.first()).copied(),
            WhenBusy::AnyFree if free.is_empty() => None,
            WhenBusy::AnyFree => {
                let drawn = self.key.with(operation as u64).stream().below(free.len() as u64);
                Some(free[drawn as usize])
            }
        }
    }

    /// An answer reaches the client; `false` if it had given up, and the answer is dropped.
    pub(crate) fn answer(&mut self, operation: usize, answer: Answer<A>, now: Time) -> bool {
        let reads = self.schedule[operation].effect == Effects::Reads;
        let outcome = match answer {
            Ok(response) => Outcome::Ok(response),
            Err(rejection) if reads || rejection.code.is_definite() => {
                Outcome::Fail(Reason::Rejected(rejection))
            }
            Err(rejection) => Outcome::Info(Reason::Rejected(rejection)),
        };
        let in_time = self.close(operation, outcome, now);
        self.late += u64::from(!in_time);
        in_time
    }

    /// The client gives up; `false` if it had its answer.
    pub(crate) fn expire(&mut self, operation: usize, now: Time) -> bool {
        let outcome = match self.schedule[operation].effect {
            Effects::Reads => Outcome::Fail(Reason::TimedOut),
            Effects::Changes => Outcome::Info(Reason::TimedOut),
        };
        self.close(operation, outcome, now)
    }

    fn close(&mut self, operation: usize, outcome: Outcome<A>, now: Time) -> bool {
        let place = self.places[operation].expect("an operation ends after it was invoked");
        if !matches!(self.entries[place].outcome, Outcome::Open) {
            return false;
        }
        let completed = self.stamp(now);
        let retires = matches!(outcome, Outcome::Info(_));
        self.entries[place].outcome = outcome;
        self.entries[place].completed = completed;
        self.unresolved -= 1;
        let workers = self.workers.len() as u32;
        let worker = &mut self.workers[self.schedule[operation].client.0 as usize];
        if worker.waits_for == Some(operation) {
            worker.waits_for = None;
            // A client that does not know whether it happened never asks again.
            worker.client.0 += if retires { workers } else { 0 };
        }
        true
    }

    fn stamp(&mut self, at: Time) -> Stamp {
        self.index += 1;
        Stamp { index: self.index - 1, at }
    }

    /// Whether the operation has not ended.
    pub(crate) fn is_open(&self, operation: usize) -> bool {
        matches!(self.entry(operation).outcome, Outcome::Open)
    }

    /// Keeps the hash of the entry of an operation that has ended.
    pub(crate) fn keep_hash(&mut self, operation: usize, hash: u64) {
        let place = self.places[operation].expect("an operation ends after it was invoked");
        self.hashes[place] = Some(hash);
    }

    /// The hash of each entry, in order of invocation.
    pub(crate) fn hashes(&self) -> impl Iterator<Item = u64> {
        self.entries.iter().zip(&self.hashes).map(|(entry, hash)| hash.unwrap_or_else(|| hash_of(entry)))
    }

    /// Everything that was asked, once nobody asks any more.
    pub(crate) fn into_history(self) -> Vec<Entry<Q, A>> {
        self.entries
    }

    /// Everything that was asked, in order of invocation.
    pub(crate) fn history(&self) -> &[Entry<Q, A>] {
        &self.entries
    }
}

/// The node that a worker asks.
fn node_of(worker: u32, members: &Members) -> NodeId {
    NodeId(worker % members.count())
}
