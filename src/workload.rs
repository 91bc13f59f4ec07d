//! What a workload is: it draws what clients ask, and judges what they saw. It knows no protocol and no host.
//!
//! A workload's judge sees the *history* (every operation with its outcome: ok, fail or info, in Jepsen's words) and
//! what a *witness* kept of the events that nodes announced. Each workload is a file in `workload/`.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, Members, NodeId};
use crate::node::{Data, Rejection};
use crate::rng::Key;
use crate::time::{Span, Time};
use crate::value::Value;

use load::Load;

pub mod broadcast;
pub mod counter;
pub mod echo;
pub mod g_set;
pub mod load;
pub mod set_figures;
pub mod spread;
pub mod unique_ids;
pub(crate) mod validity;

/// What clients ask of a cluster, and how their answers are judged.
pub trait Workload: 'static {
    /// Its name in files and on the command line.
    const NAME: &'static str;
    /// One sentence for `list`.
    const ABOUT: &'static str;
    /// The names of the figures that `expect` may bound, as [`Judged::metrics`] gives them.
    const METRICS: &'static [&'static str];
    /// The troubles that a protocol which serves it is held to survive: its runs pass strictly though a nemesis draws
    /// these. Every workload says so itself, as whoever tests a protocol goes by it.
    const SURVIVES: &'static [Trouble];
    /// How many messages Maelstrom exchanges with each node before the load: `init` and its answer, where the workload
    /// tells of a topology that and its answer, too. They are counted; a simulator sends none.
    const GREETINGS: u64 = 2;
    /// Its knobs in the scenario file: a [`Load`], or what holds one.
    type Config: AsRef<Load> + Clone + fmt::Debug + Default + Serialize + DeserializeOwned + JsonSchema;
    /// What clients ask.
    type Request: Data;
    /// What they hear back.
    type Response: Data;
    /// What nodes announce.
    type Event: Data;
    /// What is kept of the events while a run goes on.
    type Witness;
    /// The figures of a judged run, under Maelstrom's names.
    type Figures: Serialize + fmt::Debug;

    /// How long operations are drawn for: the end of the storm.
    fn time_limit(config: &Self::Config) -> Span {
        config.as_ref().time_limit
    }

    /// About how many operations would be drawn, so that nobody draws more than fit into memory.
    fn expected(config: &Self::Config) -> f64 {
        config.as_ref().expected()
    }

    /// What is wrong with the knobs, if anything, beyond what their types refuse: the key, and a sentence.
    fn problem(config: &Self::Config) -> Option<(&'static str, String)> {
        config.as_ref().problem()
    }

    /// Draws the operations of a run: `clients` workers in turn, worker i talking to node i mod the nodes' count.
    fn draw(
        config: &Self::Config,
        members: &Members,
        clients: u32,
        key: Key,
    ) -> Vec<Operation<Self::Request>>;

    /// What every node is asked after the storm has settled, if anything.
    fn final_request() -> Option<Self::Request>;

    /// Whether the request changes nothing, so that one without an answer certainly failed.
    fn is_read(request: &Self::Request) -> bool;

    /// The request's name in a history (Jepsen's `:f`).
    fn function(request: &Self::Request) -> &'static str;

    /// A witness for a cluster of these members.
    fn witness(members: &Members) -> Self::Witness;

    /// Shows the witness an event that a node announced.
    fn see(witness: &mut Self::Witness, at: Time, node: NodeId, event: &Self::Event);

    /// Judges what clients saw.
    fn judge(history: &[EntryOf<Self>], witness: &Self::Witness, facts: &Facts<'_>) -> Judged<Self::Figures>;
}

/// What a nemesis makes of a cluster, by the words of `--nemesis`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// Links are cut, and the partition heals.
    Partition,
    /// Hosts go down, and nodes restart from their disks.
    Crash,
    /// A host goes down and loses its disk. What no other node knew by then is forgiven. No protocol keeps what some
    /// others knew if they all lose their disks before they can tell it on, which takes another trouble beside this one.
    Wipe,
    /// Hosts are held still, and go on with all that came.
    Pause,
    /// Links lose messages and duplicate them.
    Flaky,
    /// Links delay messages for long, and reorder them.
    Slow,
    /// Clocks are ahead or behind, fast or slow.
    Skew,
}

impl Trouble {
    /// All of them.
    pub const ALL: [Trouble; 7] = [
        Trouble::Partition,
        Trouble::Crash,
        Trouble::Wipe,
        Trouble::Pause,
        Trouble::Flaky,
        Trouble::Slow,
        Trouble::Skew,
    ];
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Trouble::Partition => "partition",
            Trouble::Crash => "crash",
            Trouble::Wipe => "wipe",
            Trouble::Pause => "pause",
            Trouble::Flaky => "flaky",
            Trouble::Slow => "slow",
            Trouble::Skew => "skew",
        })
    }
}

/// An operation to come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation<Q> {
    /// When the client asks.
    pub at: Time,
    /// The client whose turn it is.
    pub client: ClientId,
    /// The node it asks.
    pub node: NodeId,
    /// What it asks.
    pub request: Q,
    /// What becomes of it without an answer.
    pub effect: Effects,
    /// Whether it belongs to the load or to the last look around.
    pub phase: Phase,
}

/// Whether an operation changes anything; one that only reads has certainly failed when no answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effects {
    /// It only reads.
    Reads,
    /// It may have happened though no answer came.
    Changes,
}

/// The phase of a run that an operation belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// While faults may act.
    Storm,
    /// After the cluster has settled.
    Final,
}

/// An instant with its place among everything that happened in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// Counts invocations and completions from 0; the order of the history.
    pub index: u64,
    /// When.
    pub at: Time,
}

/// Why an operation was not ok.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// No answer came in time.
    TimedOut,
    /// The node refused it.
    Rejected(Rejection),
}

/// How an operation ended, in Jepsen's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Outcome<A> {
    /// It has not ended; the run was stopped.
    Open,
    /// It was answered.
    Ok(A),
    /// It certainly did not happen.
    Fail(Reason),
    /// It may or may not have happened.
    Info(Reason),
}

/// One operation of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry<Q, A> {
    /// The client that asked, after stand-ins took the place of waiting ones.
    pub client: ClientId,
    /// The node it asked.
    pub node: NodeId,
    /// What it asked.
    pub request: Q,
    /// The phase it belongs to.
    pub phase: Phase,
    /// When it was asked.
    pub invoked: Stamp,
    /// When the client knew how it ended.
    pub completed: Stamp,
    /// How it ended.
    pub outcome: Outcome<A>,
}

impl<Q: Hash, A> Entry<Q, A> {
    /// Hashes all but the outcome, which comes last.
    pub(crate) fn hash_beginning<H: Hasher>(&self, state: &mut H) {
        let Entry { client, node, request, phase, invoked, completed, outcome: _ } = self;
        (client, node).hash(state);
        request.hash(state);
        (phase, invoked, completed).hash(state);
    }
}

impl<Q: Hash, A: Hash> Hash for Entry<Q, A> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash_beginning(state);
        self.outcome.hash(state);
    }
}

/// An entry of a workload's history.
pub type EntryOf<W> = Entry<<W as Workload>::Request, <W as Workload>::Response>;

/// What a judge knows of the run beside the history.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// Who was in the cluster.
    pub members: &'a Members,
    /// Who lost its disk, and when.
    pub wipes: &'a [(NodeId, Time)],
    /// Who went down and kept its disk, and when.
    pub crashes: &'a [(NodeId, Time)],
    /// How soon after an acknowledgement a lost disk takes the operation along. Where nodes announce what they have, it
    /// is known who had it, and there is no grace.
    pub grace: Option<Span>,
}

impl Facts<'_> {
    /// Whether what this node acknowledged at this instant is forgiven by the grace.
    pub fn in_grace(&self, node: NodeId, acknowledged: Time) -> bool {
        let Some(grace) = self.grace else { return false };
        let fell = |at: Time| acknowledged <= at && at.since(acknowledged) <= grace;
        self.wipes.iter().any(|(wiped, at)| *wiped == node && fell(*at))
    }

    /// Why operations were forgiven, in words; `others` says what nobody else did.
    pub(crate) fn why_forgiven(&self, others: &str) -> String {
        match self.grace {
            None => format!("a disk was wiped before anyone else {others}"),
            Some(grace) => format!("acknowledged by a node that was killed within {grace}"),
        }
    }
}

/// A judge's word on a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Nothing speaks against it.
    Pass,
    /// It cannot be told, for instance because nobody read.
    Unknown,
    /// A property does not hold.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Verdict::Pass => "pass",
            Verdict::Unknown => "unknown",
            Verdict::Fail => "fail",
        })
    }
}

/// Something that speaks against a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What kind of failure it is, in a word or two: the reason that a smaller scenario must share with a larger one.
    pub kind: Cow<'static, str>,
    /// A sentence: what, and where.
    pub text: String,
    /// The value it is about, whose story can then be told, and when a client first asked for it.
    pub value: Option<Value>,
}

/// A figure that `expect` can bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Metric {
    /// How many.
    Count(u64),
    /// A ratio or a mean.
    Number(f64),
    /// A length of time.
    Span(Span),
    /// There is nothing to take it from.
    None,
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Count(count) => write!(f, "{count}"),
            Metric::Number(number) => write!(f, "{}", (number * 1e4).round() / 1e4),
            Metric::Span(span) => write!(f, "{span}"),
            Metric::None => write!(f, "none"),
        }
    }
}

/// A judged run.
#[derive(Clone, Debug)]
pub struct Judged<F> {
    /// The verdict that decides.
    pub strict: Verdict,
    /// The verdict by Maelstrom's definitions.
    pub maelstrom: Verdict,
    /// What speaks against the run, worst first; none if the strict verdict is pass.
    pub problems: Vec<Problem>,
    /// The figures under Maelstrom's names.
    pub figures: F,
    /// The figures under the names that `expect` uses.
    pub metrics: Vec<(&'static str, Metric)>,
    /// The figures for people: a label and a text a line.
    pub rows: Vec<(&'static str, String)>,
}
