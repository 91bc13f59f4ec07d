//! From a scenario to the data that decides its run: what the file leaves open is drawn from the seed.
//!
//! Operations, faults and final reads each come from a stream of their own, so that none shifts another.

use serde::Deserialize;

use super::document::{Document, Misfit, Raw};
use super::{ExplicitOperation, Scenario};
use crate::id::{ClientId, Members, NodeId};
use crate::node::Node;
use crate::rng::Key;
use crate::sim::fault::Fault;
use crate::sim::{Setup, WhenBusy};
use crate::stdio::wire::{DecodeError, decode, encode_body};
use crate::time::{Span, Time};
use crate::workload::load::Turns;
use crate::workload::{Effects, Operation, Phase, Workload};

impl Scenario {
    /// The faults with everything explicit, those of the nemesis after those of the file.
    pub fn drawn_faults(&self, time_limit: Span) -> Vec<Fault> {
        let members = self.members();
        let mut faults: Vec<Fault> = Vec::new();
        for fault in &self.faults {
            let twin = faults.iter().filter(|other| other.at == fault.at).count() as u64;
            faults.push(fault.drawn(self.seed, &members, twin));
        }
        if let Some(nemesis) = &self.nemesis {
            faults.extend(nemesis.draw(self.seed, time_limit, &members));
        }
        faults
    }

    /// All that decides the run. What the file leaves open is drawn from the seed, each kind from its own stream.
    pub fn setup<W, N>(&self, document: &Document) -> Result<Setup<N>, Misfit>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let config = self.node_config::<N>(document)?;
        let load = self.workload_config::<W>(document)?;
        let operations = match &self.operations {
            Some(explicit) => self.explicit::<W>(explicit, document)?,
            None => W::draw(&load, &Members::all(self.nodes), self.clients(), Key::new(self.seed, "ops")),
        };
        Ok(self.assembled::<W, N>(config, &load, operations))
    }

    /// The same for a scenario with everything written out that was made by a program and fits its types, so that no
    /// document is needed to say what is wrong where.
    ///
    /// # Panics
    /// If it does not fit them, or leaves its operations to be drawn.
    pub fn setup_written_out<W, N>(&self) -> Setup<N>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let fits = "a scenario made by a program fits its types";
        // No knobs at all are written `{}` in a file.
        let config = serde_json::from_str(&self.protocol.config.0);
        let config = config.or_else(|_| serde_json::from_str("null")).expect(fits);
        let load: W::Config = serde_json::from_str(&self.workload.config.0).expect(fits);
        let operation = |it: &ExplicitOperation| {
            let Tagged { tag } = serde_json::from_str(&it.request.0).expect(fits);
            it.typed::<W>(decode(&tag, &it.request.0).expect(fits))
        };
        let operations = self.operations.as_deref().expect("operations are written out");
        self.assembled::<W, N>(config, &load, operations.iter().map(operation).collect())
    }

    /// What decides the run, once the operations of the storm are known.
    fn assembled<W, N>(
        &self,
        config: N::Config,
        load: &W::Config,
        mut operations: Vec<Operation<W::Request>>,
    ) -> Setup<N>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let members = self.members();
        let time_limit = W::time_limit(load);
        let storm_end = Time::ZERO + time_limit;
        let end = storm_end + self.settle;
        operations.retain(|operation| members.contains(operation.node));
        operations.extend(self.final_operations::<W>(&members, end));
        Setup {
            seed: self.seed,
            reseed: None,
            config,
            topology: self.topology,
            network: self.network.clone(),
            profile: self.profile,
            faults: self.drawn_faults(time_limit),
            operations,
            workers: self.clients(),
            // What is written out says who asks.
            when_busy: match (&self.operations, load.as_ref().workers) {
                (Some(_), _) | (None, Turns::InTurn) => WhenBusy::StandIn,
                (None, Turns::Rotating) => WhenBusy::NextFree,
                (None, Turns::Random) => WhenBusy::AnyFree,
            },
            storm_end,
            end,
            timeout: self.timeout,
            max_events: self.max_events,
            members,
        }
    }

    fn explicit<W: Workload>(
        &self,
        explicit: &[ExplicitOperation],
        document: &Document,
    ) -> Result<Vec<Operation<W::Request>>, Misfit> {
        let operation = |(at, operation): (usize, &ExplicitOperation)| {
            let path = format!("operations.{at}.request");
            let request = request::<W>(&path, &operation.request, document)
                .map_err(|misfit| document.find_place(misfit))?;
            Ok(operation.typed::<W>(request))
        };
        explicit.iter().enumerate().map(operation).collect()
    }

    /// The last look around: every node once, in an order drawn from the seed, 1 ns apart. The order is drawn over all
    /// numbers, so that taking a node out leaves the others' places alone.
    fn final_operations<W: Workload>(&self, members: &Members, end: Time) -> Vec<Operation<W::Request>> {
        let Some(request) = W::final_request() else { return Vec::new() };
        let mut order: Vec<NodeId> = (0..self.nodes).map(NodeId).collect();
        Key::new(self.seed, "final").stream().shuffle(&mut order);
        let operation = |(place, node): (usize, NodeId)| Operation {
            at: end + Span::from_nanos(place as u64),
            client: ClientId(node.0 % self.clients()),
            node,
            effect: effect::<W>(&request),
            request: request.clone(),
            phase: Phase::Final,
        };
        order.into_iter().enumerate().filter(|(_, node)| members.contains(*node)).map(operation).collect()
    }
}

impl ExplicitOperation {
    fn typed<W: Workload>(&self, request: W::Request) -> Operation<W::Request> {
        Operation {
            at: self.at,
            client: ClientId(self.client),
            node: self.node,
            effect: effect::<W>(&request),
            request,
            phase: Phase::Storm,
        }
    }
}

/// The key that says what a request is.
#[derive(Deserialize)]
struct Tagged {
    #[serde(rename = "type")]
    tag: String,
}

/// Types a request, as strictly as the rest of the file, though the wire would be lenient.
fn request<W: Workload>(path: &str, body: &Raw, document: &Document) -> Result<W::Request, Misfit> {
    let tag = document.get::<String>(&format!("{path}.type"));
    let tag = tag.ok_or_else(|| Misfit::at(path, "the request has no `type`"))??;
    let request: W::Request = decode(&tag, &body.0).map_err(|error| match error {
        DecodeError::Unknown(allowed) => {
            Misfit::word("request", &tag, allowed).below(&format!("{path}.type"))
        }
        DecodeError::Malformed(text) => Misfit::at(path, text),
    })?;
    let mut again = Vec::new();
    encode_body(&mut again, &request).map_err(|error| Misfit::at(path, error.to_string()))?;
    let again = Document::parse(path, &String::from_utf8_lossy(&again))?;
    let known = again.root().keys();
    let given = document.root().find(path).map(|item| item.keys()).unwrap_or_default();
    match given.into_iter().find(|key| !known.contains(key)) {
        Some(key) => Err(Misfit::word("key", key, &known).below(&format!("{path}.{key}"))),
        None => Ok(request),
    }
}

fn effect<W: Workload>(request: &W::Request) -> Effects {
    if W::is_read(request) { Effects::Reads } else { Effects::Changes }
}
