//! Which candidates count: those that fail for the reason for which the first scenario fails.

use super::calm;
use crate::node::Node;
use crate::run::{Summary, run_written_out};
use crate::scenario::Scenario;
use crate::workload::{Metric, Workload};

/// A candidate may take so many times the events of the first run, and no more: what never ends is another failure,
/// and need not be waited for.
const MORE_EVENTS: u64 = 4;

/// Why a scenario fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    fingerprint: String,
    /// In the calm it does not fail.
    is_the_storms_work: bool,
    /// Something was acknowledged, so that a node that keeps its word could pass.
    something_was_acknowledged: bool,
    most_events: u64,
}

/// The figure of every judge here that counts what was acknowledged.
const ACKNOWLEDGED: &str = "acknowledged";

impl Reason {
    /// The reason for which a scenario with everything written out fails, and its run; `None` if it does not.
    pub fn of<W, N>(scenario: &Scenario) -> Option<(Reason, Summary)>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let summary = run_written_out::<W, N, ()>(scenario, &mut ());
        let fingerprint = summary.fingerprint(scenario)?;
        let most_events = summary.counters.events.saturating_mul(MORE_EVENTS).saturating_add(10_000);
        let mut reason = Reason {
            fingerprint,
            is_the_storms_work: false,
            something_was_acknowledged: has_acknowledged(&summary),
            most_events,
        };
        reason.is_the_storms_work = reason.passes_in_the_calm::<W, N>(scenario);
        Some((reason, summary))
    }

    /// Whether another scenario fails for this reason. If the first passes in the calm, so must the other: what is
    /// left of a topology, say, may have fallen apart. If something was acknowledged in the first, so it must in the
    /// other: of silence no judge says that it passes.
    pub fn holds<W, N>(&self, other: &Scenario) -> bool
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let summary = self.run::<W, N>(other);
        summary.fingerprint(other).as_ref() == Some(&self.fingerprint)
            && (!self.something_was_acknowledged || has_acknowledged(&summary))
            && (!self.is_the_storms_work || self.passes_in_the_calm::<W, N>(other))
    }

    /// The judge and the kind of failure.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    fn passes_in_the_calm<W, N>(&self, scenario: &Scenario) -> bool
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let calm = calm(scenario);
        self.run::<W, N>(&calm).fingerprint(&calm).is_none()
    }

    fn run<W, N>(&self, scenario: &Scenario) -> Summary
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let max_events = scenario.max_events.min(self.most_events);
        run_written_out::<W, N, ()>(&Scenario { max_events, ..scenario.clone() }, &mut ())
    }
}

fn has_acknowledged(summary: &Summary) -> bool {
    matches!(summary.metric(ACKNOWLEDGED), Some(Metric::Count(1..)))
}
