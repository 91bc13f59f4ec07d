//! The map that Maelstrom ends a test with: its names, its order, its nesting (maelstrom/src/maelstrom/core.clj).
//!
//! `:perf`, `:timeline` and `:exceptions` are left out: they speak of drawings, and of a harness that can fail.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::ratio::Quotient;
use crate::run::{Stats, Summary};
use crate::scenario::Scenario;
use crate::workload::validity::Validity;
use crate::workload::{Metric, Verdict};

/// A run's results, as Maelstrom composes them of its checkers.
#[derive(Serialize)]
pub(super) struct Results<'a> {
    pub(super) stats: &'a Stats,
    pub(super) availability: Availability,
    pub(super) net: Net,
    pub(super) workload: Box<RawValue>,
    #[serde(rename = "valid?")]
    valid: Validity,
}

/// The share of operations that were ok, and whether it is what was asked for.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Availability {
    #[serde(rename = "valid?")]
    valid: Validity,
    ok_fraction: Quotient,
}

/// Messages, and between whom they passed.
#[derive(Serialize)]
pub(super) struct Net {
    all: Traffic,
    clients: Traffic,
    servers: Traffic,
    #[serde(rename = "valid?")]
    valid: Validity,
}

/// Messages that were sent, and that arrived; the second copy that a network makes is no message of its own.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Traffic {
    send_count: u64,
    recv_count: u64,
    msg_count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    msgs_per_op: Option<Quotient>,
}

impl<'a> Results<'a> {
    pub(super) fn of(scenario: &Scenario, summary: &'a Summary) -> Results<'a> {
        let Summary { stats, maelstrom, workload, .. } = summary;
        let share = stats.availability();
        let available = match scenario.expect.bounds.get("availability") {
            Some(Ok(bound)) if !bound.holds(Metric::Number(share.as_f64())) => Verdict::Fail,
            Some(_) | None => Verdict::Pass,
        };
        Results {
            stats,
            availability: Availability { valid: available.into(), ok_fraction: share },
            net: Net::of(summary),
            workload: RawValue::from_string(workload.clone()).expect("the figures are JSON"),
            // The worst word of all checkers (jepsen.checker/merge-valid).
            valid: stats.verdict().max(available).max(*maelstrom).into(),
        }
    }
}

impl Net {
    fn of(summary: &Summary) -> Net {
        let Summary { counters, greetings, .. } = summary;
        let clients = greetings + counters.invocations + counters.answers;
        let heard = clients - counters.requests_dropped;
        let per_op = |traffic: Traffic| {
            let per_op = Quotient::of(traffic.msg_count, counters.invocations);
            Traffic { msgs_per_op: (counters.invocations > 0).then_some(per_op), ..traffic }
        };
        Net {
            all: per_op(Traffic::of(counters.sent + clients, counters.delivered + heard)),
            clients: Traffic::of(clients, heard),
            servers: per_op(Traffic::of(counters.sent, counters.delivered)),
            valid: Verdict::Pass.into(),
        }
    }
}

impl Traffic {
    fn of(sent: u64, received: u64) -> Traffic {
        Traffic { send_count: sent, recv_count: received, msg_count: sent, msgs_per_op: None }
    }
}
