//! What clients ask, and what of what nodes answer is an answer.

use std::time::Duration;

use super::host::Written;
use super::line::{answer, shortened, tag_of};
use super::{Bench, FIRST_OPERATION, Foreign, INIT, Pending, STARTER, TOPOLOGY};
use crate::id::NodeId;
use crate::sim::bench::{Item, Way};
use crate::sim::{Observer, Record};
use crate::stdio::wire::{Envelope, encode};
use crate::workload::Workload;

impl<W: Workload, O: Observer<Foreign<W>>> Bench<'_, W, O> {
    pub(super) fn invoke(&mut self, operation: usize) {
        self.counters.invocations += 1;
        let now = self.now();
        let client = self.clients.invoke(operation, &self.members, now);
        let scheduled = &self.clients.schedule()[operation];
        let node = scheduled.node;
        let record = Record::Invoke(operation, client, node, &scheduled.request);
        self.observer.observe(now, &record);
        let due = self.network.client_due(client.0, node, Way::Request, now);
        match self.deliverers {
            None => self.at(due, Pending::Request(operation as u32)),
            Some(_) => self.wait_in_line(node, due, Item::Request(operation as u32)),
        }
        self.at(now + self.timeout, Pending::Expire(operation as u32));
    }

    pub(super) fn request(&mut self, operation: usize) {
        let entry = self.clients.entry(operation);
        let (client, node) = (entry.client, entry.node);
        let now = self.now();
        if self.host(node).process.is_none() {
            self.counters.requests_dropped += 1;
            return self.observer.observe(now, &Record::RequestDropped(operation, client, node));
        }
        self.observer.observe(now, &Record::Request(operation, client, node));
        let mut line = Vec::new();
        let (src, dest) = (client.to_string(), node.to_string());
        let envelope = Envelope {
            src: &src,
            dest: &dest,
            in_reply_to: None,
            msg_id: operation as u64 + FIRST_OPERATION,
        };
        let request = &self.clients.schedule()[operation].request;
        encode(&mut line, envelope, request).expect("a request is a flat message");
        self.lines += 1;
        self.look_for_a_newline(node, Duration::from_secs(1));
        if self.write(node, line) == Written::Taken {
            self.asked.insert(operation, now);
        }
    }

    pub(super) fn answered(&mut self, node: NodeId, client: &str, in_reply_to: u64, body: &str) {
        if client == STARTER && in_reply_to < FIRST_OPERATION {
            return self.started(node, in_reply_to, body);
        }
        let shown = shortened(body.as_bytes());
        let operation = in_reply_to.wrapping_sub(FIRST_OPERATION) as usize;
        let asked = self
            .clients
            .find(operation)
            .filter(|entry| entry.node == node && entry.client.to_string() == client);
        let Some(asker) = asked.map(|entry| entry.client) else {
            let text = format!(
                "answers {client} in_reply_to {in_reply_to}, which {client} never asked it: {shown}; in_reply_to is the \
                 request's msg_id, and dest the request's src"
            );
            return self.complain(node, "wrong in_reply_to", text);
        };
        let answer = match answer::<W>(body) {
            Ok(answer) => answer,
            Err((kind, text)) => return self.complain(node, kind, text),
        };
        let Some(since) = self.asked.remove(&operation) else {
            let text = format!(
                "answers {client} in_reply_to {in_reply_to} twice: {shown}; answer each request once"
            );
            return self.complain(node, "answers twice", text);
        };
        self.counters.answers += 1;
        let now = self.now();
        let took = now.since(since);
        if took > self.timeout && self.host(node).resumed <= since {
            let text = format!(
                "answers {client} in_reply_to {in_reply_to} after {took}, and clients wait {}: {shown}; answer at once, \
                 and do what takes long after that",
                self.timeout
            );
            self.complain(node, "late", text);
        }
        // Where clients have latency, an answer is heard later; it is stamped here as it comes, as Maelstrom does.
        let in_time = self.clients.answer(operation, answer.clone(), now);
        let record = match in_time {
            true => Record::Response(operation, asker, node, &answer),
            false => Record::Late(operation, asker, node),
        };
        self.observer.observe(now, &record);
    }

    pub(super) fn started(&mut self, node: NodeId, in_reply_to: u64, body: &str) {
        let tag = tag_of(body);
        match (in_reply_to, tag.as_str()) {
            (INIT, "init_ok") if W::GREETINGS > 2 => self.tell_topology(node),
            (INIT, "init_ok") | (TOPOLOGY, "topology_ok") => self.hosts[node.index()].is_ready = true,
            _ => {
                let asked = if in_reply_to == INIT { "init" } else { "topology" };
                let shown = shortened(body.as_bytes());
                self.hosts[node.index()].is_refusing = true;
                self.complain(
                    node,
                    "wrong type",
                    format!("answers {asked} with {shown}; answer it with {asked}_ok"),
                );
            }
        }
    }
}
