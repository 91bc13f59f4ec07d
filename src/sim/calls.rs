//! How what clients ask reaches the nodes, and how answers go back. Who waits for what is the clients' affair.

use super::client::Answer;
use super::deliverer::Item;
use super::host::{Held, Life};
use super::network::Way;
use super::pending::Pending;
use super::record::hashes_of_answer;
use super::{Observer, Record, Sim};
use crate::id::{ClientId, NodeId};
use crate::node::{Call, Input, Node, Source};
use crate::workload::Operation;

impl<N: Node, O: Observer<N>> Sim<N, O> {
    pub(super) fn ends(&self, operation: usize) -> (ClientId, NodeId) {
        let entry = self.clients.entry(operation);
        (entry.client, entry.node)
    }

    pub(super) fn invoke(&mut self, operation: usize) {
        self.counters.invocations += 1;
        let client = self.clients.invoke(operation, &self.members, self.now);
        let Operation { node, request, .. } = &self.clients.schedule()[operation];
        let (node, request) = (*node, request.clone());
        self.record(&Record::Invoke(operation, client, node, &request));
        let due = self.network.client_due(client.0, node, Way::Request, self.now);
        match self.deliverers {
            None => self.queue.push(due, Pending::Request(operation as u32)),
            Some(_) => self.wait_in_line(node, due, Item::Request(operation as u32)),
        }
        self.queue.push(self.now + self.timeout, Pending::Expire(operation as u32));
    }

    pub(super) fn request(&mut self, operation: usize) {
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

    pub(super) fn ask(&mut self, operation: usize) {
        let (client, node) = self.ends(operation);
        self.record(&Record::Request(operation, client, node));
        let request = self.clients.schedule()[operation].request.clone();
        self.handle(node, Input::Request(request, Call::new(operation as u64)), Source::Client(client));
    }

    pub(super) fn answer(&mut self, call: &Call, answer: Answer<N::Response>) {
        self.counters.answers += 1;
        let operation = call.number() as usize;
        let (client, node) = self.ends(operation);
        let due = self.network.client_due(client.0, node, Way::Response, self.now);
        let slot = self.answers.put((operation, answer));
        self.queue.push(due, Pending::Response(slot));
    }

    pub(super) fn respond(&mut self, operation: usize, answer: Answer<N::Response>) {
        let (client, node) = self.ends(operation);
        if !self.clients.is_open(operation) {
            self.record(&Record::Late(operation, client, node));
            self.clients.answer(operation, answer, self.now);
            return;
        }
        let record = Record::Response(operation, client, node, &answer);
        self.observer.observe(self.now, &record);
        if answer.is_err() {
            self.fold_in(record.hash(self.now));
        }
        self.clients.answer(operation, answer, self.now);
        if let Some((of_record, of_entry)) = hashes_of_answer(self.now, self.clients.entry(operation)) {
            self.fold_in(of_record);
            self.clients.keep_hash(operation, of_entry);
        }
    }
}
