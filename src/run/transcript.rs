//! A run as a transcript for people: a line for every event, or for those of a window of time, or of one node.
//!
//! Lines come in the order of the digest and use the words of the [`trace`](crate::trace). It knows no protocol.

use std::io::{self, Write};

use crate::id::NodeId;
use crate::node::Node;
use crate::report::printable;
use crate::run::words::{brief, fate, fault};
use crate::sim::fault::Fault;
use crate::sim::{Observer, Record};
use crate::time::Time;

/// What a line says of a payload has so many characters at most.
const WIDEST: usize = 100;

/// Which events are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first instant.
    pub from: Time,
    /// The last instant.
    pub until: Time,
    /// Only what this node sends, gets, is asked or does, if one is named. Ends of faults are told all the same.
    pub node: Option<NodeId>,
}

impl Window {
    /// All events.
    pub const ALL: Window = Window { from: Time::ZERO, until: Time::MAX, node: None };
}

/// Writes a transcript. The first error ends it and is kept.
#[derive(Debug)]
pub struct Transcript<'a, W: Write> {
    out: W,
    window: Window,
    faults: &'a [Fault],
    error: Option<io::Error>,
    told: u64,
    events: u64,
}

impl<'a, W: Write> Transcript<'a, W> {
    /// A transcript of a run that has these faults, everything drawn.
    pub fn new(out: W, window: Window, faults: &'a [Fault]) -> Transcript<'a, W> {
        Transcript { out, window, faults, error: None, told: 0, events: 0 }
    }

    /// Flushes, and says how many events were told, and of how many.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(mut self) -> io::Result<(u64, u64)> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| (self.told, self.events)),
        }
    }

    fn line(&mut self, at: Time, who: &str, kind: &str, what: &str) {
        self.told += 1;
        let line = format!("{:>12}  {who:<12}  {kind:<12}  {what}", clock(at));
        if self.error.is_none() {
            self.error = writeln!(self.out, "{}", line.trim_end()).err();
        }
    }
}

impl<N: Node, W: Write> Observer<N> for Transcript<'_, W> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        self.events += 1;
        let Window { from, until, node } = self.window;
        let concerned = node.is_none_or(|node| concerns(record, node));
        if at < from || at > until || !concerned {
            return;
        }
        let faults = self.faults;
        let mut line = |who: String, kind: &str, what: String| self.line(at, &who, kind, &what);
        match record {
            Record::FaultBegins(place) => {
                let told = fault(*place, &faults[*place]);
                line(String::new(), "fault-begins", told);
            }
            Record::FaultEnds(place) => {
                let told = fault(*place, &faults[*place]);
                line(String::new(), "fault-ends", told);
            }
            Record::Start(node, incarnation) => {
                line(node.to_string(), "start", format!("incarnation {incarnation}"))
            }
            Record::Crash(node) => line(node.to_string(), "crash", String::new()),
            Record::Wipe(node) => line(node.to_string(), "wipe", String::new()),
            Record::Pause(node) => line(node.to_string(), "pause", String::new()),
            Record::Resume(node) => line(node.to_string(), "resume", String::new()),
            Record::Invoke(_, client, node, request) => {
                line(format!("{client} -> {node}"), "invoke", brief(*request, WIDEST));
            }
            Record::Request(_, client, node) => line(format!("{client} -> {node}"), "request", String::new()),
            Record::RequestDropped(_, client, node) => {
                line(format!("{client} -> {node}"), "drop-request", "down".to_owned())
            }
            Record::Response(_, client, node, Ok(response)) => {
                line(format!("{node} -> {client}"), "ok", brief(response, WIDEST));
            }
            Record::Response(_, client, node, Err(rejection)) => {
                let text = format!("{}: {}", rejection.code.number(), printable(&rejection.text));
                line(format!("{node} -> {client}"), "error", text);
            }
            Record::Late(_, client, node) => line(format!("{node} -> {client}"), "late", String::new()),
            Record::TimedOut(_, client, node) => {
                line(format!("{client} -> {node}"), "timeout", String::new())
            }
            Record::Deliver(passage, message) => {
                let what = format!("{} (sent {})", brief(*message, WIDEST), clock(passage.sent));
                line(format!("{} -> {}", passage.src, passage.dst), "deliver", what);
            }
            Record::Drop(passage, why, message) => {
                let what =
                    format!("{}: {} (sent {})", fate(*why), brief(*message, WIDEST), clock(passage.sent));
                line(format!("{} -> {}", passage.src, passage.dst), "drop", what);
            }
            Record::Timer(node, timer) => line(node.to_string(), "timer", printable(&format!("{timer:?}"))),
            Record::Event(node, event) => line(node.to_string(), "event", brief(*event, WIDEST)),
        }
    }
}

/// An instant to the microsecond.
fn clock(at: Time) -> String {
    let (secs, micros) = (at.as_nanos() / 1_000_000_000, at.as_nanos() / 1_000 % 1_000_000);
    format!("{secs}.{micros:06}s")
}

/// Whether a record is of this node: what it sends or gets, is asked or does. Ends of faults are everybody's.
fn concerns<N: Node>(record: &Record<'_, N>, node: NodeId) -> bool {
    match record {
        Record::FaultBegins(_) | Record::FaultEnds(_) => true,
        Record::Start(at, _)
        | Record::Crash(at)
        | Record::Wipe(at)
        | Record::Pause(at)
        | Record::Resume(at)
        | Record::Invoke(_, _, at, _)
        | Record::Request(_, _, at)
        | Record::RequestDropped(_, _, at)
        | Record::Response(_, _, at, _)
        | Record::Late(_, _, at)
        | Record::TimedOut(_, _, at)
        | Record::Timer(at, _)
        | Record::Event(at, _) => *at == node,
        Record::Deliver(passage, _) | Record::Drop(passage, _, _) => {
            [passage.src, passage.dst].contains(&node)
        }
    }
}
