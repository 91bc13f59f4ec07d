//! What a run shows: everything that happens as typed records, what it counts, how it ended, and its digest.
//!
//! A record's hash does not depend on any other; only folding them does. It knows no queue and no host.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::hash::{Twins, WordHasher};
use crate::id::{ClientId, NodeId};
use crate::node::{Node, Rejection};
use crate::time::Time;
use crate::workload::{Entry, Outcome};

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
    /// The receiver, a real process, reads nothing, and too much waits for it already.
    Unread,
}

/// The kind of a response, as its hash says it.
const RESPONSE: u64 = 11;

impl<N: Node> Record<'_, N> {
    /// The event's hash: of its instant, its kind, its two ends in a word, and what it carried.
    /// Always inlined, so that where the kind is known only its arm is left.
    #[inline(always)]
    pub(super) fn hash(&self, at: Time) -> u64 {
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
                ends(RESPONSE, client.0, node.0);
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

impl Digest {
    /// There is none: what happens in real time is never the same twice.
    pub const NONE: Digest = Digest(0);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Digest::NONE => f.pad("none: real time is never the same twice"),
            Digest(hash) => f.pad(&format!("{hash:016x}")),
        }
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
    /// More than [`MOST_AT_ONE_INSTANT`](super::MOST_AT_ONE_INSTANT) events at this instant.
    Livelock(Time),
    /// The bound on events was reached at this instant.
    MaxEvents(Time),
}

/// The hash of the record of an answer that has just come, and that of its entry, if the operation is ok. Both end with
/// the response, which may be long, and is read but once for both.
pub(super) fn hashes_of_answer<Q: Hash, A: Hash>(at: Time, entry: &Entry<Q, A>) -> Option<(u64, u64)> {
    let Outcome::Ok(response) = &entry.outcome else { return None };
    let (mut of_record, mut of_entry) = (WordHasher::default(), WordHasher::default());
    of_record.write_u64(at.as_nanos());
    of_record.write_u64(RESPONSE);
    of_record.write_u64(u64::from(entry.client.0) << 32 | u64::from(entry.node.0));
    std::mem::discriminant(&Ok::<(), Rejection>(())).hash(&mut of_record);
    entry.hash_beginning(&mut of_entry);
    std::mem::discriminant(&entry.outcome).hash(&mut of_entry);
    let mut both = Twins::new(&of_record, &of_entry);
    response.hash(&mut both);
    Some(both.finish_both())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::hash_of;
    use crate::protocol::gossip::Gossip;
    use crate::workload::broadcast::{Request, Response};
    use crate::workload::{Phase, Reason, Stamp};

    #[test]
    fn an_answer_read_once_hashes_as_its_record_and_its_entry_do() {
        let (client, node, at) = (ClientId(7), NodeId(3), Time::from_nanos(5_000));
        let (invoked, completed) =
            (Stamp { index: 4, at: Time::from_nanos(9) }, Stamp { index: 8, at: Time::from_nanos(5_000) });
        let entry = |outcome| {
            let (request, phase) = (Request::Read, Phase::Final);
            Entry { client, node, request, phase, invoked, completed, outcome }
        };
        for messages in [vec![], vec![1], vec![3, -5, 70_000]] {
            let response =
                Response::ReadOk { messages: messages.into_iter().map(crate::value::Value::from).collect() };
            let answer = Ok(response.clone());
            let record = Record::<Gossip>::Response(0, client, node, &answer).hash(at);
            let entry = entry(Outcome::Ok(response));
            assert_eq!(hashes_of_answer(at, &entry), Some((record, hash_of(&entry))));
        }
        assert_eq!(hashes_of_answer(at, &entry(Outcome::<Response>::Info(Reason::TimedOut))), None);
    }
}
