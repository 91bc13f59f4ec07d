//! The processes of the nodes: how they start, what is written to them, what they say, how they end.

use std::io;
use std::time::Duration;

use super::child::{MOST_UNREAD, Process, Said, Unheard, What};
use super::line::{Meaning, meaning, shortened};
use super::{Bench, Body, Foreign, Host, INIT, STARTER, TOPOLOGY, clock};
use crate::id::NodeId;
use crate::sim::{Observer, Record};
use crate::time::Span;
use crate::topology::Topology;
use crate::workload::Workload;

/// A node prints no more lines than this in a second, a hundred times what a busy one does.
const MOST_A_SECOND: u32 = 20_000;

/// Whether a line is on its way to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Written {
    Taken,
    Refused,
}

impl<W: Workload, O: Observer<Foreign<W>>> Bench<'_, W, O> {
    pub(super) fn host(&self, node: NodeId) -> &Host {
        &self.hosts[node.index()]
    }

    pub(super) fn complain(&mut self, node: NodeId, kind: &'static str, text: String) {
        self.complaints.add(node, self.now(), kind, text);
    }

    pub(super) fn spawn(&mut self, node: NodeId) -> io::Result<()> {
        let life = self.host(node).life;
        let process = Process::spawn(self.program, node, life, &self.says)?;
        let host = &mut self.hosts[node.index()];
        (host.process, host.is_ready, host.unfinished, host.closed) = (Some(process), false, None, None);
        let now = self.now();
        self.observer.observe(now, &Record::Start(node, life));
        self.counters.restarts += u64::from(life > 0);
        let ids: Vec<String> = self.members.iter().map(|node| format!("\"{node}\"")).collect();
        let body = format!(
            "{{\"type\": \"init\", \"msg_id\": {INIT}, \"node_id\": \"{node}\", \"node_ids\": [{}]}}",
            ids.join(", ")
        );
        self.tell(node, &body);
        Ok(())
    }

    pub(super) fn tell_topology(&mut self, node: NodeId) {
        let neighbours = |node: NodeId| -> String {
            let near: Vec<String> = match self.topology {
                Topology::Total => {
                    self.members.iter().filter(|it| *it != node).map(|it| format!("\"{it}\"")).collect()
                }
                shape => {
                    let near = shape.neighbours(node, self.members.count()).into_iter();
                    near.filter(|it| self.members.contains(*it)).map(|it| format!("\"{it}\"")).collect()
                }
            };
            format!("\"{node}\": [{}]", near.join(", "))
        };
        let all: Vec<String> = self.members.iter().map(neighbours).collect();
        let body = format!(
            "{{\"type\": \"topology\", \"msg_id\": {TOPOLOGY}, \"topology\": {{{}}}}}",
            all.join(", ")
        );
        self.tell(node, &body);
    }

    /// Tells a node, as it starts, who it is and whom it knows.
    fn tell(&mut self, node: NodeId, body: &str) {
        let line = self.line(STARTER, node, body);
        _ = self.write(node, line);
    }

    /// The line that carries a message, with a number of its own as Maelstrom gives it.
    pub(super) fn line(&mut self, src: &str, dest: NodeId, body: &str) -> Vec<u8> {
        self.lines += 1;
        let id = self.lines;
        format!("{{\"id\": {id}, \"src\": \"{src}\", \"dest\": \"{dest}\", \"body\": {body}}}\n").into_bytes()
    }

    /// Writes a line to a node, unless too many wait for it already.
    pub(super) fn write(&mut self, node: NodeId, line: Vec<u8>) -> Written {
        let Some(process) = &self.host(node).process else { return Written::Refused };
        match process.tell(line) {
            Ok(()) => return Written::Taken,
            Err(Unheard::Closed) => self.is_closed(node),
            // One that is held still cannot read, and who is flooded need not keep pace: that is nobody's fault.
            Err(Unheard::DoesNotRead) if self.host(node).pauses > 0 || self.complaints.any("floods") => {}
            Err(Unheard::DoesNotRead) => {
                let text = format!(
                    "does not read: {MOST_UNREAD} lines wait for it; read stdin without waiting for anything else"
                );
                self.complain(node, "does not read", text);
            }
        }
        Written::Refused
    }

    /// A node's stdin is closed. One that is about to end is complained of for that alone, so it is given a moment.
    fn is_closed(&mut self, node: NodeId) {
        let host = &mut self.hosts[node.index()];
        if host.closed.get_or_insert_with(clock).elapsed() > Duration::from_millis(200) {
            let text = "closed its stdin, and is told nothing more; read it to its end".to_owned();
            self.complain(node, "closed stdin", text);
        }
    }

    /// Whether a node may still print lines in this second; one that floods is complained of, and heard no more in it.
    fn may_speak(&mut self, node: NodeId) -> bool {
        let now = self.now();
        let host = &mut self.hosts[node.index()];
        if now >= host.second + Span::from_secs(1) {
            (host.second, host.spoken) = (now, 0);
        }
        host.spoken += 1;
        if host.spoken > MOST_A_SECOND {
            let text = format!(
                "floods: printed more than {MOST_A_SECOND} lines within a second, and the rest of that second was \
                 skipped; send only what is new, and wait before you send it again"
            );
            self.complain(node, "floods", text);
        }
        self.host(node).spoken <= MOST_A_SECOND
    }

    pub(super) fn hear(&mut self, Said { node, life, what }: Said) {
        if life != self.host(node).life || self.host(node).process.is_none() {
            return;
        }
        match what {
            What::NoNewline(text) => self.hosts[node.index()].unfinished = Some((clock(), text)),
            What::TooLong => {
                self.complain(
                    node,
                    "too long",
                    "printed a line of more than 4 MiB; it was skipped".to_owned(),
                );
            }
            What::Line(line) => {
                self.hosts[node.index()].unfinished = None;
                if self.may_speak(node) && !line.iter().all(u8::is_ascii_whitespace) {
                    self.understand(node, &line);
                }
            }
            What::End => {
                self.look_for_a_newline(node, Duration::ZERO);
                let ended = self.hosts[node.index()].process.take();
                let status = ended.and_then(|mut process| {
                    // It has closed its stdout; its end is not far.
                    (0..50).find_map(|_| {
                        let ended = process.ended();
                        if ended.is_none() {
                            std::thread::sleep(Duration::from_millis(2));
                        }
                        ended
                    })
                });
                let how = status.map_or("closed its stdout".to_owned(), |status| format!("ended ({status})"));
                let text =
                    format!("{how} while the run went on; what it wrote to stderr says why (--log-stderr)");
                self.complain(node, "ended", text);
                let now = self.now();
                self.observer.observe(now, &Record::Crash(node));
            }
        }
    }

    pub(super) fn look_for_a_newline(&mut self, node: NodeId, patience: Duration) {
        let host = &mut self.hosts[node.index()];
        let Some((_, text)) = host.unfinished.take_if(|(since, _)| clock() - *since >= patience) else {
            return;
        };
        let text = format!(
            "printed this without an end of line: {}; end each message with a newline, and flush",
            shortened(&text)
        );
        self.complain(node, "no newline", text);
    }

    pub(super) fn understand(&mut self, node: NodeId, line: &[u8]) {
        match meaning(line, node, self.members.count()) {
            Ok(Meaning::ToNode(dst, body)) => self.send(node, dst, Body(body)),
            Ok(Meaning::Answer { client, in_reply_to, body }) => {
                self.answered(node, &client, in_reply_to, &body)
            }
            Err((kind, text)) => self.complain(node, kind, text),
        }
    }
}
