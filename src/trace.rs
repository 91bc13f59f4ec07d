//! The trace: one JSON object a line for everything that happens, after a header that says of which run.
//!
//! Lines are written in the order of the digest, one for each event folded into it. It knows no protocol.

use std::io::{self, Write};

use serde::Serialize;

use crate::id::{ClientId, NodeId};
use crate::node::Node;
use crate::sim::{Observer, Record, Why};
use crate::stdio::wire::encode_body;
use crate::time::Time;

/// The version of the trace's format.
pub const FORMAT: u32 = 1;

/// The first line.
#[derive(Clone, Debug, Serialize)]
pub struct Header<'a> {
    /// The version of the trace's format.
    pub trace: u32,
    /// The program's version.
    pub version: &'a str,
    /// The scenario's name.
    pub scenario: &'a str,
    /// The run's seed.
    pub seed: u64,
    /// How many nodes.
    pub nodes: u32,
    /// Which protocol.
    pub protocol: &'a str,
}

/// Writes a trace. The first error ends it and is kept.
#[derive(Debug)]
pub struct Tracer<W: Write> {
    out: W,
    line: Vec<u8>,
    error: Option<io::Error>,
}

impl<W: Write> Tracer<W> {
    /// A trace that begins with its header.
    pub fn new(out: W, header: &Header<'_>) -> Tracer<W> {
        let mut tracer = Tracer { out, line: Vec::new(), error: None };
        tracer.line = serde_json::to_vec(header).expect("a header can be written as JSON");
        tracer.end_line();
        tracer
    }

    /// Flushes, and says what went wrong first if anything did.
    ///
    /// # Errors
    /// The first error of the writer.
    pub fn finish(mut self) -> io::Result<W> {
        match self.error.take() {
            Some(error) => Err(error),
            None => self.out.flush().map(|()| self.out),
        }
    }

    fn end_line(&mut self) {
        self.line.push(b'\n');
        if self.error.is_none() {
            self.error = self.out.write_all(&self.line).err();
        }
    }

    fn begin(&mut self, at: Time, kind: &str) {
        self.line.clear();
        self.line
            .extend_from_slice(format!("{{\"time\": {}, \"kind\": \"{kind}\"", at.as_nanos()).as_bytes());
    }

    fn ends(&mut self, src: impl std::fmt::Display, dst: impl std::fmt::Display) {
        self.line.extend_from_slice(format!(", \"src\": \"{src}\", \"dst\": \"{dst}\"").as_bytes());
    }

    fn number(&mut self, key: &str, number: u64) {
        self.line.extend_from_slice(format!(", \"{key}\": {number}").as_bytes());
    }

    fn text(&mut self, key: &str, text: &str) {
        self.line.extend_from_slice(format!(", \"{key}\": ").as_bytes());
        serde_json::to_writer(&mut self.line, text).expect("a string can be written as JSON");
    }

    fn body<T: Serialize + std::fmt::Debug>(&mut self, payload: &T) {
        self.line.extend_from_slice(b", \"body\": ");
        let begin = self.line.len();
        if encode_body(&mut self.line, payload).is_err() {
            // What never crosses the wire, an event say, need not be an enum of flat variants.
            self.line.truncate(begin);
            let text = serde_json::to_string(payload).unwrap_or_else(|_| "null".to_owned());
            self.line.extend_from_slice(text.as_bytes());
        }
    }

    fn node(&mut self, at: Time, kind: &str, node: NodeId) {
        self.begin(at, kind);
        self.text("node", &node.to_string());
    }

    fn client(&mut self, at: Time, kind: &str, operation: usize, src: ClientId, dst: NodeId) {
        self.begin(at, kind);
        self.ends(src, dst);
        self.number("operation", operation as u64);
    }
}

impl<N: Node, W: Write> Observer<N> for Tracer<W> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::FaultBegins(fault) => {
                self.begin(at, "fault-begins");
                self.number("fault", *fault as u64);
            }
            Record::FaultEnds(fault) => {
                self.begin(at, "fault-ends");
                self.number("fault", *fault as u64);
            }
            Record::Start(node, incarnation) => {
                self.node(at, "start", *node);
                self.number("incarnation", u64::from(*incarnation));
            }
            Record::Crash(node) => self.node(at, "crash", *node),
            Record::Wipe(node) => self.node(at, "wipe", *node),
            Record::Pause(node) => self.node(at, "pause", *node),
            Record::Resume(node) => self.node(at, "resume", *node),
            Record::Invoke(operation, client, node, request) => {
                self.client(at, "invoke", *operation, *client, *node);
                self.body(request);
            }
            Record::Request(operation, client, node) => {
                self.client(at, "request", *operation, *client, *node)
            }
            Record::RequestDropped(operation, client, node) => {
                self.client(at, "drop-request", *operation, *client, *node);
                self.text("why", "down");
            }
            Record::Response(operation, client, node, answer) => {
                self.begin(at, if answer.is_ok() { "ok" } else { "error" });
                self.ends(node, client);
                self.number("operation", *operation as u64);
                match answer {
                    Ok(response) => self.body(response),
                    Err(rejection) => {
                        self.number("code", rejection.code.number());
                        self.text("text", &rejection.text);
                    }
                }
            }
            Record::Late(operation, client, node) => {
                self.begin(at, "late");
                self.ends(node, client);
                self.number("operation", *operation as u64);
            }
            Record::TimedOut(operation, client, node) => {
                self.client(at, "timeout", *operation, *client, *node)
            }
            Record::Deliver(passage, message) => {
                self.begin(at, "deliver");
                self.ends(passage.src, passage.dst);
                self.number("sent", passage.sent.as_nanos());
                self.body(message);
            }
            Record::Drop(passage, why, message) => {
                self.begin(at, "drop");
                self.ends(passage.src, passage.dst);
                self.number("sent", passage.sent.as_nanos());
                self.text("why", word(*why));
                if let Why::Cut(fault) = why {
                    self.number("fault", *fault as u64);
                }
                self.body(message);
            }
            Record::Timer(node, timer) => {
                self.node(at, "timer", *node);
                self.text("timer", &format!("{timer:?}"));
            }
            Record::Event(node, event) => {
                self.node(at, "event", *node);
                self.body(event);
            }
        }
        self.line.push(b'}');
        self.end_line();
    }
}

/// Why a message was dropped, in a word.
pub fn word(why: Why) -> &'static str {
    match why {
        Why::Loss => "loss",
        Why::Cut(_) => "cut",
        Why::Down => "down",
        Why::CrashedWhilePaused => "crashed-while-paused",
        Why::Absent => "absent",
        Why::Unread => "unread",
    }
}
