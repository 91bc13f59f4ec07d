//! From what was seen of a run to a judged summary, whoever made the run.

use super::{Stats, Summary, run_metrics};
use crate::id::{Members, NodeId};
use crate::node::Node;
use crate::sim::fault::Fault;
use crate::sim::{Counters, Digest, Observer, Record};
use crate::time::{Span, Time};
use crate::workload::{EntryOf, Facts, Judged, Problem, Verdict, Workload};

/// Keeps what the judge asks for.
pub(super) struct Watch<W: Workload> {
    pub(super) witness: W::Witness,
    pub(super) wipes: Vec<(NodeId, Time)>,
    pub(super) crashes: Vec<(NodeId, Time)>,
    /// As [`Facts::grace`].
    pub(super) grace: Option<Span>,
}

impl<W: Workload, N: Node<Event = W::Event>> Observer<N> for Watch<W> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::Event(node, event) => W::see(&mut self.witness, at, *node, event),
            Record::Wipe(node) => self.wipes.push((*node, at)),
            Record::Crash(node) => self.crashes.push((*node, at)),
            _ => {}
        }
    }
}

/// What was seen of a run that was not simulated.
#[derive(Debug)]
pub struct Observed<W: Workload> {
    /// What clients asked and heard.
    pub history: Vec<EntryOf<W>>,
    /// What was counted.
    pub counters: Counters,
    /// How long it took.
    pub ended: Time,
    /// Who was in the cluster.
    pub members: Members,
    /// The faults that it had.
    pub faults: Vec<Fault>,
    /// Who lost its disk, and when.
    pub wipes: Vec<(NodeId, Time)>,
}

impl<W: Workload> Observed<W> {
    /// Judges it. Problems that are known already come first, and fail it. There are no events, and there is no digest;
    /// what a node acknowledged no longer than `grace` before it lost its disk is forgiven.
    pub fn judged(self, known: Vec<Problem>, grace: Span) -> Summary {
        let watch = Watch::<W> {
            witness: W::witness(&self.members),
            wipes: self.wipes,
            crashes: Vec::new(),
            grace: Some(grace),
        };
        let judged = watch.judged(&self.history, &self.members);
        let summary = summed_up::<W>(judged, &self.history, self.counters, &self.members);
        let verdict = if known.is_empty() { summary.verdict } else { Verdict::Fail };
        let problems = known.into_iter().chain(summary.problems).collect();
        Summary { verdict, problems, faults: self.faults, ended: self.ended, ..summary }
    }
}

impl<W: Workload> Watch<W> {
    pub(super) fn judged(&self, history: &[EntryOf<W>], members: &Members) -> Judged<W::Figures> {
        let facts = Facts { members, wipes: &self.wipes, crashes: &self.crashes, grace: self.grace };
        W::judge(history, &self.witness, &facts)
    }
}

/// What a judged history comes to, before anything is known of how the run was made.
pub(super) fn summed_up<W: Workload>(
    judged: Judged<W::Figures>,
    history: &[EntryOf<W>],
    counters: Counters,
    members: &Members,
) -> Summary {
    let Judged { strict, maelstrom, problems, figures, metrics, rows } = judged;
    let stats = Stats::of::<W>(history);
    Summary {
        verdict: strict,
        maelstrom,
        problems,
        stories: Vec::new(),
        metrics: metrics.into_iter().chain(run_metrics(&counters, &stats)).collect(),
        rows,
        workload: serde_json::to_string(&figures).expect("figures can be written as JSON"),
        stats,
        greetings: u64::from(members.present()) * W::GREETINGS,
        counters,
        faults: Vec::new(),
        ended: Time::ZERO,
        digest: Digest::NONE,
    }
}
