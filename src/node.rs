//! The spine: what a protocol's node is, and what it may ask for. It knows no host: not the simulator, not stdio.
//!
//! A node is a value with handlers. A handler is given one [`Input`] and a [`Context`]; what it wants done it asks of
//! the context, which collects [`Effect`]s in an outbox that the host owns and applies after the handler returns.
//! The same node runs in virtual time ([`sim`](crate::sim)), on stdin and stdout ([`stdio`](crate::stdio)), and in a
//! test's hand ([`solo`](crate::solo)). `examples/own_node.rs` is a whole one.
//!
//! Effects are carried out in the order in which they were asked for, except that replies to clients go first.
//!
//! # The laws
//! - *Total*: a handler takes any input in any state. A broken invariant is an assert, which fails the run.
//! - *Closed*: a handler knows only its state, its input and its context: no clock, no thread, no global.
//! - *Ordered*: no container whose iteration order is random.
//! - *Atomic*: effects apply after the handler. What it put into its durable state is on disk by then.
//! - *Crash-only*: a crash drops the value; [`Node::start`] is the only way in. Timers die with their incarnation,
//!   messages in flight do not. Calls that the node held die: their clients time out.
//! - *Amnesia*: a node that starts with an empty [`Node::Durable`] may have lived before. Whatever it numbers (ids,
//!   slots, versions) carries a nonce drawn in `start`.
//!
//! A node never sends to itself. Setting a timer moves it; a stale firing never arrives.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::hash::Hash;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::hash::hash_of;
use crate::id::{ClientId, Members, NodeId};
use crate::rng::{Key, Stream, Tally};
use crate::time::{Span, Time};

/// What can be copied, compared by hash, shown, written and read back: everything that crosses a host's border.
pub trait Data: Clone + Debug + Hash + Serialize + DeserializeOwned + 'static {}
impl<T: Clone + Debug + Hash + Serialize + DeserializeOwned + 'static> Data for T {}

/// One participant of a protocol, as handlers that do no I/O. See the [module](self) for the laws.
pub trait Node: Sized {
    /// This protocol's knobs, straight from the scenario file; `()` if there are none. To be registered they are
    /// `JsonSchema`, too; `#[serde(default, deny_unknown_fields)]` gives defaults, and errors for misspelt keys.
    type Config: Data;
    /// What clients ask; shared by all protocols of a workload.
    type Request: Data;
    /// What clients hear back; shared by all protocols of a workload.
    type Response: Data;
    /// What a node announces to whoever watches; shared by all protocols of a workload.
    type Event: Data;
    /// Node to node.
    type Message: Data;
    /// Names a timer; at most one is pending for each value.
    type Timer: Copy + Eq + Hash + Debug;
    /// All that survives a crash; `()` if nothing does.
    type Durable: Data + Default;

    /// A node comes up, for the first time or after a crash, with what its disk holds.
    fn start(config: &Self::Config, durable: Self::Durable, ctx: &mut Context<'_, Self>) -> Self;

    /// A client asks. The call is answered now, later, or never; at most once.
    fn on_request(&mut self, request: Self::Request, call: Call, ctx: &mut Context<'_, Self>);

    /// A peer's message arrives.
    fn on_message(&mut self, from: NodeId, message: Self::Message, ctx: &mut Context<'_, Self>);

    /// A timer that is still pending fires.
    fn on_timer(&mut self, timer: Self::Timer, ctx: &mut Context<'_, Self>);

    /// The neighbours have changed.
    fn on_topology(&mut self, _ctx: &mut Context<'_, Self>) {}

    /// What is on disk.
    fn durable(&self) -> &Self::Durable;
}

/// A client's open question: an opaque token, given back with the answer. It cannot be copied, so a call is answered
/// at most once; dropping it leaves the client to time out.
#[derive(Debug, PartialEq, Eq, Hash)]
#[must_use = "a call that is dropped is never answered"]
pub struct Call(u64);

impl Call {
    pub(crate) const fn new(number: u64) -> Call {
        Call(number)
    }

    pub(crate) const fn number(&self) -> u64 {
        self.0
    }
}

/// Maelstrom's error codes (doc/protocol.md). A definite error means that the request did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are Maelstrom's own and say all there is")]
pub enum ErrorCode {
    Timeout = 0,
    NodeNotFound = 1,
    NotSupported = 10,
    TemporarilyUnavailable = 11,
    MalformedRequest = 12,
    Crash = 13,
    Abort = 14,
    KeyDoesNotExist = 20,
    KeyAlreadyExists = 21,
    PreconditionFailed = 22,
    TxnConflict = 30,
}

impl ErrorCode {
    /// The number on the wire.
    pub const fn number(self) -> u64 {
        self as u64
    }

    /// Whether the request certainly did not happen.
    pub const fn is_definite(self) -> bool {
        !matches!(self, ErrorCode::Timeout | ErrorCode::Crash)
    }
}

/// A request refused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rejection {
    /// What kind of refusal.
    pub code: ErrorCode,
    /// A sentence for people.
    pub text: String,
}

/// What a node is given, over the parts of a node so that derives work; see [`InputOf`].
#[derive(Debug, PartialEq, Eq)]
pub enum Input<R, M, T> {
    /// A client asks.
    Request(R, Call),
    /// A peer's message arrives.
    Message(NodeId, M),
    /// A timer fires.
    Timer(T),
    /// The neighbours have changed.
    Topology,
}

/// What a node asks for, over the parts of a node so that derives work; see [`EffectOf`].
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<R, M, T, E> {
    /// Send the message to a peer.
    Send(NodeId, M),
    /// Answer a client's call.
    Reply(Call, R),
    /// Refuse a client's call.
    Reject(Call, Rejection),
    /// Let the timer fire after this length of time, and not when it was set to before.
    SetTimer(T, Span),
    /// The timer shall not fire.
    CancelTimer(T),
    /// Tell whoever watches.
    Emit(E),
}

/// The inputs of a node.
pub type InputOf<N> = Input<<N as Node>::Request, <N as Node>::Message, <N as Node>::Timer>;
/// The effects of a node.
pub type EffectOf<N> =
    Effect<<N as Node>::Response, <N as Node>::Message, <N as Node>::Timer, <N as Node>::Event>;

/// Whom a node was told to be next to.
#[derive(Clone, Copy, Debug)]
pub enum Neighbours<'a> {
    /// All other members.
    All(NodeId, &'a Members),
    /// These.
    Listed(&'a [NodeId]),
}

impl<'a> Neighbours<'a> {
    /// Those listed; all other members if there is no list.
    pub(crate) fn new(me: NodeId, members: &'a Members, listed: Option<&'a [NodeId]>) -> Neighbours<'a> {
        listed.map_or(Neighbours::All(me, members), Neighbours::Listed)
    }

    /// The neighbours, each once.
    pub fn iter(self) -> impl Iterator<Item = NodeId> + 'a {
        let (all, listed) = match self {
            Neighbours::All(me, members) => (Some(members.iter().filter(move |node| *node != me)), None),
            Neighbours::Listed(nodes) => (None, Some(nodes.iter().copied())),
        };
        all.into_iter().flatten().chain(listed.into_iter().flatten())
    }

    /// Whether the node is one of them.
    pub fn contains(self, node: NodeId) -> bool {
        match self {
            Neighbours::All(me, members) => node != me && members.contains(node),
            Neighbours::Listed(nodes) => nodes.contains(&node),
        }
    }
}

/// Where an input came from: one word of the key of the draws made while it is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Start,
    Topology,
    Peer(NodeId),
    Client(ClientId),
    Timer(u64),
}

impl Source {
    pub(crate) fn timer<T: Hash>(timer: &T) -> Source {
        Source::Timer(hash_of(timer))
    }

    pub(crate) const fn word(self) -> u64 {
        match self {
            Source::Start => 0,
            Source::Topology => 1,
            Source::Peer(peer) => 1 << 32 | peer.0 as u64,
            Source::Client(client) => 2 << 32 | client.0 as u64,
            Source::Timer(hash) => 1 << 63 | hash,
        }
    }
}

/// The key of a handler's draws, made into a generator when first asked for.
#[derive(Debug)]
pub(crate) struct Draws<'a> {
    /// The run's "node" key.
    pub(crate) run: Key,
    pub(crate) incarnation: u32,
    pub(crate) source: Source,
    pub(crate) earlier: Earlier<'a>,
}

/// How many inputs came from that source before, at this very instant. Most handlers draw nothing and need no count.
#[derive(Debug)]
pub(crate) enum Earlier<'a> {
    Counted(u64),
    /// This input is what was noted last.
    Noted(&'a mut Tally),
}

impl Earlier<'_> {
    fn count(&mut self) -> u64 {
        match self {
            Earlier::Counted(count) => *count,
            Earlier::Noted(tally) => tally.earlier(),
        }
    }
}

/// The moment at which a handler runs, as its host sees it.
#[derive(Debug)]
pub(crate) struct Moment<'a> {
    pub(crate) me: NodeId,
    /// The host's time, which keys the draws.
    pub(crate) at: Time,
    /// What the node's clock shows, which may be wrong.
    pub(crate) now: Time,
    pub(crate) members: &'a Members,
    pub(crate) neighbours: Neighbours<'a>,
    pub(crate) draws: Draws<'a>,
}

/// What a host lends to handlers. It owns it and uses it again, so that nothing allocates once warm.
#[derive(Debug)]
pub(crate) struct Outbox<N: Node> {
    /// What was asked for, answers to clients first.
    pub(crate) effects: VecDeque<EffectOf<N>>,
    answers: usize,
    picked: Vec<NodeId>,
}

impl<N: Node> Outbox<N> {
    pub(crate) const fn new() -> Outbox<N> {
        Outbox { effects: VecDeque::new(), answers: 0, picked: Vec::new() }
    }

    /// A stable partition, so that a client hears before the peers do and everything else keeps its order.
    fn answer(&mut self, effect: EffectOf<N>) {
        self.effects.insert(self.answers, effect);
        self.answers += 1;
    }
}

/// All that a handler can see and do beside its own state. The getters do not borrow it.
#[derive(Debug)]
pub struct Context<'a, N: Node> {
    config: &'a N::Config,
    moment: Moment<'a>,
    stream: Option<Stream>,
    outbox: &'a mut Outbox<N>,
}

impl<'a, N: Node> Context<'a, N> {
    #[inline(always)]
    fn new(config: &'a N::Config, moment: Moment<'a>, outbox: &'a mut Outbox<N>) -> Context<'a, N> {
        assert!(
            outbox.effects.is_empty(),
            "a host carries out what one handler asked for before it runs the next"
        );
        outbox.answers = 0;
        Context { config, moment, stream: None, outbox }
    }

    /// This protocol's knobs, as `start` was given them: a node need not keep them.
    pub fn config(&self) -> &'a N::Config {
        self.config
    }

    /// This node.
    pub fn me(&self) -> NodeId {
        self.moment.me
    }

    /// What this node's clock shows. It can be wrong, run at another rate, and jump forward and back.
    pub fn now(&self) -> Time {
        self.moment.now
    }

    /// The whole cluster, this node included.
    pub fn nodes(&self) -> &'a Members {
        self.moment.members
    }

    /// The nodes that the topology puts next to this one; all peers before there is one.
    pub fn neighbours(&self) -> Neighbours<'a> {
        self.moment.neighbours
    }

    /// The generator of this input's draws, keyed by where and when the input came from.
    pub fn rng(&mut self) -> &mut Stream {
        let Moment { me, at, draws, .. } = &mut self.moment;
        self.stream.get_or_insert_with(|| {
            let life = draws.run.with(u64::from(me.0) << 32 | u64::from(draws.incarnation));
            life.with(at.as_nanos()).with(draws.source.word()).with(draws.earlier.count()).stream()
        })
    }

    /// Appends `k` distinct random peers to `picked`, never this node, `except`, or one already in `picked`; all that
    /// there are, without a draw, if there are no more. Draws about one number a peer; a draw that falls on a node that
    /// does not count, an absent one say, is drawn again, so taking a node out leaves the other picks alone.
    pub fn pick_peers(&mut self, k: usize, except: Option<NodeId>, picked: &mut Vec<NodeId>) {
        let (me, members) = (self.me(), self.nodes());
        let barred = |node: NodeId, picked: &[NodeId]| {
            node == me || Some(node) == except || !members.contains(node) || picked.contains(&node)
        };
        let is_other = |node: NodeId| usize::from(node != me && members.contains(node));
        let barred_except = except.filter(|node| !picked.contains(node)).map_or(0, is_other);
        let taken = picked.iter().map(|node| is_other(*node)).sum::<usize>() + barred_except;
        let available = members.present() as usize - usize::from(members.contains(me)) - taken;
        let full = picked.len() + k.min(available);
        if k >= available {
            let rest: Vec<NodeId> = members.iter().filter(|node| !barred(*node, picked)).collect();
            picked.extend(rest);
        } else if full * 2 > members.count() as usize {
            let mut order: Vec<NodeId> = (0..members.count()).map(NodeId).collect();
            self.rng().shuffle(&mut order);
            order.retain(|node| !barred(*node, picked));
            picked.extend(&order[..full - picked.len()]);
        }
        if picked.len() < full {
            let stream = self.rng();
            while picked.len() < full {
                let node = NodeId(stream.below(u64::from(members.count())) as u32);
                if !barred(node, picked) {
                    picked.push(node);
                }
            }
        }
    }

    /// Sends a message to a peer.
    ///
    /// # Panics
    /// If `to` is this node or no node of the cluster.
    #[inline]
    pub fn send(&mut self, to: NodeId, message: N::Message) {
        assert!(to != self.moment.me, "{to} sends to itself");
        assert!(to.0 < self.moment.members.count(), "{to} is not a node of the cluster");
        self.outbox.effects.push_back(Effect::Send(to, message));
    }

    /// Sends a message to as many random peers, as [`pick_peers`](Context::pick_peers) picks them; how many there are.
    pub fn send_to_peers(&mut self, k: usize, except: Option<NodeId>, message: N::Message) -> usize {
        let mut picked = std::mem::take(&mut self.outbox.picked);
        self.pick_peers(k, except, &mut picked);
        let count = picked.len();
        if let Some(last) = picked.pop() {
            picked.drain(..).for_each(|peer| self.send(peer, message.clone()));
            self.send(last, message);
        }
        self.outbox.picked = picked;
        count
    }

    /// Answers a call.
    pub fn reply(&mut self, call: Call, response: N::Response) {
        self.outbox.answer(Effect::Reply(call, response));
    }

    /// Refuses a call.
    pub fn reject(&mut self, call: Call, code: ErrorCode, text: impl Into<String>) {
        self.outbox.answer(Effect::Reject(call, Rejection { code, text: text.into() }));
    }

    /// Lets the timer fire `after` from now, and not when it was set to before.
    pub fn set_timer(&mut self, timer: N::Timer, after: Span) {
        self.outbox.effects.push_back(Effect::SetTimer(timer, after));
    }

    /// Makes sure that the timer does not fire.
    pub fn cancel_timer(&mut self, timer: N::Timer) {
        self.outbox.effects.push_back(Effect::CancelTimer(timer));
    }

    /// Announces an event to whoever watches.
    pub fn emit(&mut self, event: N::Event) {
        self.outbox.effects.push_back(Effect::Emit(event));
    }
}

/// Brings a node up. Every host starts its nodes here.
pub(crate) fn start<N: Node>(
    config: &N::Config,
    durable: N::Durable,
    moment: Moment<'_>,
    outbox: &mut Outbox<N>,
) -> N {
    N::start(config, durable, &mut Context::new(config, moment, outbox))
}

/// Gives a node one input. Every host hands its inputs over here. Inlined, so that the context is written but once.
#[inline(always)]
pub(crate) fn dispatch<N: Node>(
    node: &mut N,
    config: &N::Config,
    input: InputOf<N>,
    moment: Moment<'_>,
    outbox: &mut Outbox<N>,
) {
    let ctx = &mut Context::new(config, moment, outbox);
    match input {
        Input::Request(request, call) => node.on_request(request, call, ctx),
        Input::Message(from, message) => node.on_message(from, message, ctx),
        Input::Timer(timer) => node.on_timer(timer, ctx),
        Input::Topology => node.on_topology(ctx),
    }
}
