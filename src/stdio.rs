//! A node on stdin and stdout, as Maelstrom runs it. It knows no simulator and no particular protocol.
//!
//! [`Stdio`] is the host as a machine without I/O: a line goes in, lines come out. [`serve`] drives it with a real
//! clock and a thread that reads. Nothing is kept on disk, so a killed process is a wipe. Whatever comes in, nothing
//! but messages goes out; what cannot be read or answered is logged, counted and survived.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::hash::hash_of;
use crate::id::{ClientId, Members, NodeId, greatest_node};
use crate::node::{
    self, Call, Draws, Earlier, Effect, EffectOf, ErrorCode, Input, InputOf, Moment, Neighbours, Node,
    Outbox, Source,
};
use crate::rng::{Key, Tally};
use crate::time::Time;

mod aside;
mod post;
mod serve;
mod timers;
pub mod wire;

pub use aside::{Aside, Never, Nothing};
pub use post::Output;
use post::{Caller, HostResponse, Post};
pub use serve::serve;
use timers::{Since, Timers};
use wire::{DecodeError, Line, decode};

/// A longer line is skipped, in bytes.
pub const LONGEST_LINE: usize = 4 << 20;
/// So many lines from peers wait for `init` at most; the oldest is dropped.
pub const MOST_WAITING_LINES: usize = 1_000;
/// So many bytes of lines wait for `init` at most.
pub const MOST_WAITING_BYTES: usize = 1 << 20;
/// So many calls are remembered while the node holds them; the oldest is forgotten.
const MOST_HELD_CALLS: usize = 100_000;

/// What Maelstrom, rather than a workload, asks of a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum HostRequest {
    Init { node_id: String, node_ids: Vec<String> },
    Topology { topology: BTreeMap<String, Vec<String>> },
}

/// A served node without its I/O.
#[derive(Debug)]
pub struct Stdio<N: Node, A = Nothing> {
    aside: A,
    config: N::Config,
    seed: u64,
    post: Post,
    stage: Stage<N>,
    read: u64,
}

#[derive(Debug)]
enum Stage<N: Node> {
    /// Before `init`: what cannot be answered yet.
    Waiting { lines: VecDeque<String>, bytes: usize },
    /// After it.
    Running(Box<Running<N>>),
}

impl<N: Node> Stdio<N> {
    /// A host that waits for its `init`.
    pub fn new(config: N::Config, seed: u64) -> Stdio<N> {
        Stdio::beside(Nothing, config, seed)
    }
}

impl<N: Node, A: Aside> Stdio<N, A> {
    /// A host that waits for its `init`, and answers some requests by itself.
    pub fn beside(aside: A, config: N::Config, seed: u64) -> Stdio<N, A> {
        let stage = Stage::Waiting { lines: VecDeque::new(), bytes: 0 };
        Stdio { aside, config, seed, post: Post::default(), stage, read: 0 }
    }

    /// What came out since this was asked last.
    pub fn take_output(&mut self) -> Output {
        std::mem::take(&mut self.post.out)
    }

    /// Lines that were skipped so far.
    pub fn skipped(&self) -> u64 {
        self.post.skipped
    }

    /// The node, once it is initialised.
    pub fn node(&self) -> Option<&N> {
        match &self.stage {
            Stage::Waiting { .. } => None,
            Stage::Running(running) => Some(&running.node),
        }
    }

    /// When the next timer is due.
    pub fn next_timer(&self) -> Option<Time> {
        match &self.stage {
            Stage::Waiting { .. } => None,
            Stage::Running(running) => running.timers.next(),
        }
    }

    /// Fires the timers that are due.
    pub fn fire(&mut self, now: Time) {
        if let Stage::Running(running) = &mut self.stage {
            // Not more than were set before: a node that sets a timer of no length must not keep the host from listening.
            for _ in 0..running.timers.len() {
                let Some((due, timer)) = running.timers.take_due(now) else { return };
                let mut outbox = running.handle(Input::Timer(timer), Source::timer(&timer), now);
                running.apply(&mut outbox, Since { due, now }, &mut self.post);
            }
        }
    }

    /// A line was longer than [`LONGEST_LINE`].
    pub fn too_long(&mut self) {
        self.read += 1;
        self.post.skip(&format!("line {}: longer than {LONGEST_LINE} bytes", self.read));
    }

    /// Takes in a line, with or without its end.
    pub fn line(&mut self, line: &[u8], now: Time) {
        self.read += 1;
        let text = match std::str::from_utf8(line) {
            Ok(text) => text.trim_ascii(),
            Err(error) => return self.post.skip(&format!("line {}: not UTF-8: {error}", self.read)),
        };
        if !text.is_empty() {
            self.text(text, now);
        }
    }

    fn text(&mut self, text: &str, now: Time) {
        let line = match Line::parse(text) {
            Ok(line) => line,
            Err(error) => return self.post.skip(&format!("line {}: not a message: {error}", self.read)),
        };
        let caller =
            Caller { name: line.src.clone().into_owned(), msg_id: line.msg_id.filter(|_| !line.is_reply) };
        let tag = match &line.tag {
            Ok(tag) => tag.as_ref(),
            Err(why) => {
                let src = match &self.stage {
                    Stage::Waiting { .. } => line.dest.as_ref(),
                    Stage::Running(running) => running.name(),
                };
                return self.post.refuse(src, &caller, ErrorCode::MalformedRequest, (*why).to_owned());
            }
        };
        match &mut self.stage {
            Stage::Running(running) => {
                running.message(tag, &line, caller, now, &self.aside, &mut self.post);
            }
            Stage::Waiting { .. } if tag == "init" && !line.is_reply => self.init(&line, &caller, now),
            Stage::Waiting { .. } if text.len() > MOST_WAITING_BYTES => {
                self.post.skip(&format!("line {}: too long to wait for `init`", self.read));
            }
            Stage::Waiting { lines, bytes } => {
                if (is_request::<N>(tag, line.body) || self.aside.knows(tag)) && !line.is_reply {
                    let text = "not initialised yet: send `init` first".to_owned();
                    return self.post.refuse(&line.dest, &caller, ErrorCode::TemporarilyUnavailable, text);
                }
                lines.push_back(text.to_owned());
                *bytes += text.len();
                while lines.len() > MOST_WAITING_LINES || *bytes > MOST_WAITING_BYTES {
                    *bytes -= lines.pop_front().map_or(0, |oldest| oldest.len());
                    self.post.skip("too many lines wait for `init`: the oldest is dropped");
                }
            }
        }
    }

    fn init(&mut self, line: &Line<'_>, caller: &Caller, now: Time) {
        let (me, names) = match cluster(line.body) {
            Ok(cluster) => cluster,
            Err(text) => return self.post.refuse(&line.dest, caller, ErrorCode::MalformedRequest, text),
        };
        self.post.answer(&names[me.index()], caller, &HostResponse::InitOk);
        let running = Stage::Running(Box::new(Running::start(&self.config, self.seed, me, names, now)));
        if let Stage::Waiting { lines, .. } = std::mem::replace(&mut self.stage, running) {
            lines.iter().for_each(|text| self.text(text, now));
        }
    }
}

/// The cluster that an `init` names: this node's rank and all names in order of length, then bytes.
fn cluster(body: &str) -> Result<(NodeId, Vec<String>), String> {
    let request = decode("init", body).map_err(|error| error.to_string())?;
    let HostRequest::Init { node_id, node_ids: mut names } = request else {
        unreachable!("the tag is `init`")
    };
    names.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("node_ids names {:?} twice", pair[0]));
    }
    let me = names
        .iter()
        .position(|name| *name == node_id)
        .ok_or_else(|| format!("node_ids lacks node_id {node_id:?}"))?;
    Ok((NodeId(me as u32), names))
}

/// Whether the type is one that clients, or Maelstrom for them, ask with.
fn is_request<N: Node>(tag: &str, body: &str) -> bool {
    tag == "topology" || !matches!(decode::<N::Request>(tag, body), Err(DecodeError::Unknown(_)))
}

/// An initialised node.
#[derive(Debug)]
struct Running<N: Node> {
    node: N,
    config: N::Config,
    me: NodeId,
    names: Vec<String>,
    ranks: BTreeMap<String, NodeId>,
    members: Members,
    neighbours: Option<Vec<NodeId>>,
    key: Key,
    inputs: Tally,
    /// What `start` asked for, until peers can be expected to exist.
    held: Option<VecDeque<EffectOf<N>>>,
    timers: Timers<N::Timer>,
    calls: BTreeMap<u64, Caller>,
    next_call: u64,
}

impl<N: Node> Running<N> {
    fn start(config: &N::Config, seed: u64, me: NodeId, names: Vec<String>, now: Time) -> Running<N> {
        let members = Members::all(names.len() as u32);
        let key = Key::new(seed, "node");
        let mut outbox = Outbox::new();
        let draws = Draws { run: key, incarnation: 0, source: Source::Start, earlier: Earlier::Counted(0) };
        let neighbours = Neighbours::All(me, &members);
        let moment = Moment { me, at: now, now, members: &members, neighbours, draws };
        let node = node::start(config, N::Durable::default(), moment, &mut outbox);
        Running {
            node,
            config: config.clone(),
            me,
            ranks: names.iter().enumerate().map(|(rank, name)| (name.clone(), NodeId(rank as u32))).collect(),
            names,
            members,
            neighbours: None,
            key,
            inputs: Tally::default(),
            held: Some(outbox.effects),
            timers: Timers::new(),
            calls: BTreeMap::new(),
            next_call: 0,
        }
    }

    fn name(&self) -> &str {
        &self.names[self.me.index()]
    }

    fn message(
        &mut self,
        tag: &str,
        line: &Line<'_>,
        caller: Caller,
        now: Time,
        aside: &impl Aside,
        post: &mut Post,
    ) {
        let from = self.ranks.get(line.src.as_ref()).copied().filter(|from| *from != self.me);
        if let Some(from) = from {
            match self.peer_message(tag, line.body) {
                Ok(message) => {
                    self.release(now, post);
                    return self.give(Input::Message(from, message), Source::Peer(from), now, post);
                }
                Err(DecodeError::Malformed(text)) if !line.is_reply && !is_request::<N>(tag, line.body) => {
                    return post.refuse(self.name(), &caller, ErrorCode::MalformedRequest, text);
                }
                Err(DecodeError::Unknown(_) | DecodeError::Malformed(_)) => {}
            }
        }
        if line.is_reply || tag == "error" {
            return post.skip(&format!("{tag:?} from {:?} answers nothing", line.src));
        }
        match tag {
            "init" => post.answer(self.name(), &caller, &HostResponse::InitOk),
            "topology" => self.topology(line.body, &caller, now, post),
            _ if aside.knows(tag) && !is_request::<N>(tag, line.body) => match aside.answer(tag, line.body) {
                Ok(response) => post.answer(self.name(), &caller, &response),
                Err(text) => post.refuse(self.name(), &caller, ErrorCode::MalformedRequest, text),
            },
            _ => self.request(tag, line.body, caller, now, post),
        }
    }

    /// Reads a body as a peer's message. One that names a node which is not there is malformed.
    fn peer_message(&self, tag: &str, body: &str) -> Result<N::Message, DecodeError> {
        let message = decode::<N::Message>(tag, body)?;
        match greatest_node(&message) {
            Some(node) if node.0 >= self.members.count() => {
                Err(DecodeError::Malformed(format!("there is no node number {}", node.0)))
            }
            Some(_) | None => Ok(message),
        }
    }

    fn request(&mut self, tag: &str, body: &str, caller: Caller, now: Time, post: &mut Post) {
        let request = match decode::<N::Request>(tag, body) {
            Ok(request) => request,
            Err(DecodeError::Unknown(_)) => {
                return post.refuse(
                    self.name(),
                    &caller,
                    ErrorCode::NotSupported,
                    format!("unknown type {:?}", tag.chars().take(64).collect::<String>()),
                );
            }
            Err(DecodeError::Malformed(text)) => {
                return post.refuse(self.name(), &caller, ErrorCode::MalformedRequest, text);
            }
        };
        self.release(now, post);
        let client = ClientId(hash_of(&caller.name) as u32);
        let call = Call::new(self.next_call);
        self.calls.insert(self.next_call, caller);
        self.next_call += 1;
        if self.calls.len() > MOST_HELD_CALLS {
            self.calls.pop_first();
        }
        self.give(Input::Request(request, call), Source::Client(client), now, post);
    }

    fn topology(&mut self, body: &str, caller: &Caller, now: Time, post: &mut Post) {
        match self.neighbours(body) {
            Ok(neighbours) => {
                self.neighbours = Some(neighbours);
                post.answer(self.name(), caller, &HostResponse::TopologyOk);
                self.release(now, post);
                self.give(Input::Topology, Source::Topology, now, post);
            }
            Err(text) => post.refuse(self.name(), caller, ErrorCode::MalformedRequest, text),
        }
    }

    fn neighbours(&self, body: &str) -> Result<Vec<NodeId>, String> {
        let request = decode("topology", body).map_err(|error| error.to_string())?;
        let HostRequest::Topology { topology } = request else { unreachable!("the tag is `topology`") };
        let mine =
            topology.get(self.name()).ok_or_else(|| format!("the topology does not name {}", self.name()))?;
        let rank = |name: &String| {
            self.ranks.get(name).copied().ok_or_else(|| format!("{name:?} is not one of node_ids"))
        };
        let mut neighbours = mine.iter().map(rank).collect::<Result<Vec<NodeId>, String>>()?;
        neighbours.retain(|node| *node != self.me);
        neighbours.sort_unstable();
        neighbours.dedup();
        Ok(neighbours)
    }

    /// Carries out what `start` asked for, as peers exist now.
    fn release(&mut self, now: Time, post: &mut Post) {
        if let Some(mut held) = self.held.take() {
            self.apply(&mut held, Since::now(now), post);
        }
    }

    fn give(&mut self, input: InputOf<N>, source: Source, now: Time, post: &mut Post) {
        let mut outbox = self.handle(input, source, now);
        self.apply(&mut outbox, Since::now(now), post);
    }

    fn handle(&mut self, input: InputOf<N>, source: Source, now: Time) -> VecDeque<EffectOf<N>> {
        let earlier = Earlier::Counted(self.inputs.next(now, (u64::from(self.me.0), source.word())));
        let draws = Draws { run: self.key, incarnation: 0, source, earlier };
        let neighbours = Neighbours::new(self.me, &self.members, self.neighbours.as_deref());
        let moment = Moment { me: self.me, at: now, now, members: &self.members, neighbours, draws };
        let mut outbox = Outbox::new();
        node::dispatch(&mut self.node, &self.config, input, moment, &mut outbox);
        outbox.effects
    }

    fn apply(&mut self, effects: &mut VecDeque<EffectOf<N>>, since: Since, post: &mut Post) {
        for effect in effects.drain(..) {
            match effect {
                Effect::Send(to, message) => post.send(self.name(), &self.names[to.index()], None, &message),
                Effect::Reply(call, response) => {
                    if let Some(caller) = self.calls.remove(&call.number()) {
                        post.answer(self.name(), &caller, &response);
                    }
                }
                Effect::Reject(call, rejection) => {
                    if let Some(caller) = self.calls.remove(&call.number()) {
                        post.refuse(self.name(), &caller, rejection.code, rejection.text);
                    }
                }
                Effect::SetTimer(timer, length) => self.timers.set(timer, length, since),
                Effect::CancelTimer(timer) => self.timers.cancel(timer),
                Effect::Emit(_) => {}
            }
        }
    }
}
