//! G-set: clients add elements at any node and want every node to know them (Maelstrom's g-set workload).
//!
//! Broadcast in other words; it is judged by the same figures.

use serde::{Deserialize, Serialize};

use crate::check::{Add, Read};
use crate::id::{Members, NodeId};
use crate::rng::Key;
use crate::time::Time;
use crate::value::{Value, ValueList};
use crate::workload::load::Load;
use crate::workload::set_figures;
use crate::workload::spread::Spread;
use crate::workload::{Effects, EntryOf, Facts, Judged, Operation, Outcome, Trouble, Workload};

pub use super::set_figures::Figures;
pub use super::spread::Event;

/// The g-set workload.
#[derive(Clone, Copy, Debug)]
pub struct GSet;

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Let this element be in the set.
    Add {
        /// Any JSON value.
        element: Value,
    },
    /// Which elements are in the set?
    Read,
}

/// What clients hear back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The element is in.
    AddOk,
    /// As far as is known, these are in the set.
    ReadOk {
        /// Each once.
        value: ValueList,
    },
}

impl Workload for GSet {
    const NAME: &'static str = "g-set";
    const ABOUT: &'static str =
        "clients add elements to a set that only grows; every node must come to know each";
    const METRICS: &'static [&'static str] = set_figures::METRICS;
    const SURVIVES: &'static [Trouble] = &Trouble::ALL;
    type Config = Load;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Witness = Spread;
    type Figures = Figures;

    fn draw(load: &Load, members: &Members, clients: u32, key: Key) -> Vec<Operation<Request>> {
        let mut next_element = 0;
        load.draw(members, clients, key, |stream| match stream.below(2) {
            0 => {
                next_element += 1;
                (Request::Add { element: Value::from(next_element - 1) }, Effects::Changes)
            }
            _ => (Request::Read, Effects::Reads),
        })
    }

    fn final_request() -> Option<Request> {
        Some(Request::Read)
    }

    fn is_read(request: &Request) -> bool {
        match request {
            Request::Add { .. } => false,
            Request::Read => true,
        }
    }

    fn function(request: &Request) -> &'static str {
        match request {
            Request::Add { .. } => "add",
            Request::Read => "read",
        }
    }

    fn witness(members: &Members) -> Spread {
        Spread::new(members)
    }

    fn see(spread: &mut Spread, at: Time, node: NodeId, event: &Event) {
        spread.see(at, node, event);
    }

    fn judge(history: &[EntryOf<GSet>], spread: &Spread, facts: &Facts<'_>) -> Judged<Figures> {
        let (adds, reads) = (adds(history), reads(history));
        set_figures::judge(&adds, &reads, spread, facts)
    }
}

fn adds(history: &[EntryOf<GSet>]) -> Vec<Add<'_>> {
    let adds = history.iter().filter_map(|entry| {
        let Request::Add { element } = &entry.request else { return None };
        let acknowledged = matches!(entry.outcome, Outcome::Ok(_)).then_some(entry.completed);
        Some(Add { value: element, node: entry.node, invoked: entry.invoked, acknowledged })
    });
    adds.collect()
}

fn reads(history: &[EntryOf<GSet>]) -> Vec<Read<'_>> {
    let reads = history.iter().filter_map(|entry| match &entry.outcome {
        Outcome::Ok(Response::ReadOk { value }) => Some(Read {
            node: entry.node,
            phase: entry.phase,
            invoked: entry.invoked,
            completed: entry.completed,
            values: value,
        }),
        Outcome::Ok(Response::AddOk) | Outcome::Open | Outcome::Fail(_) | Outcome::Info(_) => None,
    });
    reads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests::{Ask, story};
    use crate::time::Span;
    use crate::workload::{Entry, Metric, Verdict};

    /// A story judged as clients of a set see it, `crashes` aside.
    fn judged(nodes: u32, text: &str, crashes: &[(NodeId, Time)]) -> Judged<Figures> {
        let (members, story) = (Members::all(nodes), story(text));
        let history = story.entries.iter().map(|entry| Entry {
            client: entry.client,
            node: entry.node,
            request: match &entry.request {
                Ask::Add(value) => Request::Add { element: value.clone() },
                Ask::Read => Request::Read,
            },
            phase: entry.phase,
            invoked: entry.invoked,
            completed: entry.completed,
            outcome: match &entry.outcome {
                Outcome::Ok(_) if entry.request != Ask::Read => Outcome::Ok(Response::AddOk),
                Outcome::Ok(values) => Outcome::Ok(Response::ReadOk { value: values.clone() }),
                Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
                Outcome::Info(reason) => Outcome::Info(reason.clone()),
                Outcome::Open => Outcome::Open,
            },
        });
        let history: Vec<EntryOf<GSet>> = history.collect();
        let mut spread = GSet::witness(&members);
        for (at, node, value) in &story.holders {
            GSet::see(&mut spread, *at, *node, &Event::Delivered { value: value.clone(), hops: 0 });
        }
        let facts = Facts { crashes, ..story.facts(&members) };
        GSet::judge(&history, &spread, &facts)
    }

    /// The verdicts on a story, and what speaks against the run.
    fn says(nodes: u32, text: &str) -> (Verdict, Verdict, Vec<String>) {
        let judged = judged(nodes, text, &[]);
        (judged.maelstrom, judged.strict, judged.problems.into_iter().map(|problem| problem.text).collect())
    }

    #[test]
    fn it_is_judged_as_broadcast_is() {
        let story = |shown: &str| {
            format!(
                "10ms add 1 n0 ok 12ms
                 20ms add 2 n0 info 5.02s
                 30s read n0 ok 30s {shown} final
                 30s read n1 ok 30s {shown} final"
            )
        };
        assert_eq!(says(2, &story("[1]")), (Verdict::Pass, Verdict::Pass, vec![]));
        assert_eq!(says(2, &story("[1 2]")), (Verdict::Pass, Verdict::Pass, vec![]));
        for (shown, why) in [
            (
                "[]",
                "value 1 was acknowledged, but is not in the final read of n0, n1; it never arrived there",
            ),
            ("[1 1]", "a read of n0 shows value 1 twice"),
            ("[1 9]", "a read of n0 shows value 9, which no client sent"),
        ] {
            let (_, strict, problems) = says(2, &story(shown));
            assert_eq!((strict, problems[0].as_str()), (Verdict::Fail, why));
        }
        let silent = says(3, &story("[1]"));
        assert_eq!(silent.2, ["n2 did not answer its final read"]);
        let nothing_read = says(0, "10ms add 1 n0 ok 12ms");
        assert_eq!((nothing_read.0, nothing_read.1), (Verdict::Unknown, Verdict::Pass));
    }

    #[test]
    fn what_a_wipe_took_is_forgiven() {
        let story = "10ms add 1 n0 ok 12ms
                     10ms has 1 n0
                     20ms wipe n0
                     30s read n0 ok 30s [] final";
        assert_eq!(says(1, story), (Verdict::Fail, Verdict::Pass, vec![]));
    }

    /// n1 acknowledges 1 at 12 ms, and in the end nobody has it.
    fn when_it_is_gone(what_happened: &str) -> Verdict {
        let story = format!("10ms add 1 n1 ok 12ms\n {what_happened}\n 30s read n1 ok 30s [] final");
        says(2, &format!("{story}\n 30s read n0 ok 30s [] final")).1
    }

    #[test]
    fn only_the_wipe_of_who_had_it_alone_is_an_excuse() {
        assert_eq!(when_it_is_gone("11ms has 1 n1\n 20ms wipe n1"), Verdict::Pass);
        assert_eq!(when_it_is_gone("11ms has 1 n1\n 20ms wipe n1\n 21ms has 1 n0"), Verdict::Pass);
        assert_eq!(when_it_is_gone("11ms has 1 n1\n 15ms has 1 n0\n 20ms wipe n1"), Verdict::Fail);
        assert_eq!(when_it_is_gone("11ms has 1 n1\n 20ms wipe n0"), Verdict::Fail);
        let between = "10ms has 1 n1\n 11ms wipe n1";
        assert_eq!(when_it_is_gone(between), Verdict::Fail, "it was acknowledged after the wipe");
    }

    #[test]
    fn an_add_that_was_not_acknowledged_may_be_missing() {
        for end in ["info 5.02s", "fail 21ms", "open 20ms"] {
            let story = format!("10ms add 1 n0 ok 12ms\n 20ms add 2 n0 {end}\n 30s read n0 ok 30s [1] final");
            assert_eq!(says(1, &story).1, Verdict::Pass, "{end}");
        }
    }

    #[test]
    fn only_final_reads_must_show_everything() {
        let story = "10ms add 1 n0 ok 12ms
                     20ms read n1 ok 21ms []
                     30s read n0 ok 30s [1] final
                     30s read n1 ok 30s [1] final";
        assert_eq!(says(2, story), (Verdict::Pass, Verdict::Pass, vec![]));
        let only_in_the_storm = "10ms add 1 n0 ok 12ms\n 20ms read n0 ok 21ms [1]";
        assert_eq!(says(1, only_in_the_storm).2, ["n0 did not answer its final read"]);
    }

    #[test]
    fn the_stamps_of_adds_and_reads_are_those_of_the_history() {
        let latency = |text: &str| {
            let metrics = judged(1, text, &[]).metrics;
            metrics.into_iter().find(|(name, _)| *name == "stable_latency_max").unwrap().1
        };
        let (shown, late) = ("60ms read n0 ok 90ms [1]", "20ms read n0 ok 50ms []");
        let acknowledged = format!("10ms add 1 n0 ok 14ms\n {late}\n {shown}");
        assert_eq!(latency(&acknowledged), Metric::Span(Span::from_millis(6)), "20 ms less 14 ms");
        let read = "10ms add 1 n0 info 5.01s\n 60ms read n0 ok 70ms [1]\n 80ms read n0 ok 81ms []";
        let read = format!("{read}\n 90ms read n0 ok 91ms [1]");
        assert_eq!(latency(&read), Metric::Span(Span::from_millis(10)), "80 ms less 70 ms");
        let shown_before_it_was_answered = "10ms add 1 n0 ok 40ms\n 20ms read n0 ok 30ms [1] final";
        assert_eq!(says(1, shown_before_it_was_answered).1, Verdict::Pass, "nobody invented it");
    }

    #[test]
    fn what_only_a_disk_can_have_kept_is_told() {
        let story = "10ms add 1 n0 ok 12ms
                     11ms has 1 n0
                     20ms has 1 n1
                     30s read n0 ok 30s [1] final
                     30s read n1 ok 30s [1] final";
        let told = |crashes: &[(NodeId, Time)]| {
            let judged = judged(2, story, crashes);
            let kept = judged.metrics.into_iter().find(|(name, _)| *name == "kept").unwrap().1;
            (kept, judged.rows[0].1.clone())
        };
        let at = |text: &str| text.parse().unwrap();
        let kept = "1 sent, 1 acknowledged, 0 lost, 1 kept by a disk alone through a crash";
        assert_eq!(told(&[(NodeId(0), at("15ms"))]), (Metric::Count(1), kept.to_owned()));
        let not = (Metric::Count(0), "1 sent, 1 acknowledged, 0 lost".to_owned());
        assert_eq!(told(&[]), not);
        assert_eq!(told(&[(NodeId(0), at("21ms"))]), not, "n1 had it by then");
    }

    #[test]
    fn elements_count_up_from_0_and_only_adds_change_anything() {
        let load = Load { rate: 100.0, time_limit: Span::from_secs(10), ..Load::default() };
        let mut next = 0;
        let operations = GSet::draw(&load, &Members::all(5), 5, Key::new(1, "load"));
        for operation in &operations {
            assert_eq!(operation.effect == Effects::Reads, GSet::is_read(&operation.request));
            assert_eq!(operation.effect == Effects::Reads, GSet::function(&operation.request) == "read");
            if let Request::Add { element } = &operation.request {
                assert_eq!(*element, Value::from(next));
                next += 1;
            }
        }
        assert_eq!(GSet::final_request(), Some(Request::Read));
        let share = next as f64 / operations.len() as f64;
        assert!((0.45..0.55).contains(&share), "{share}");
    }
}
