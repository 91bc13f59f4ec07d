//! Broadcast: clients hand in values at any node and want every node to know them (Maelstrom's broadcast workload).
//!
//! It knows no protocol. Its judge gives set-full's figures and the strict verdict of [`check`](crate::check).

use serde::{Deserialize, Serialize};

use crate::check::{Add, Read};
use crate::id::{Members, NodeId};
use crate::ratio::Quotient;
use crate::rng::Key;
use crate::time::Time;
use crate::value::{Value, ValueList};
use crate::workload::load::Load;
use crate::workload::set_figures;
use crate::workload::spread::Spread;
use crate::workload::{Effects, EntryOf, Facts, Judged, Operation, Outcome, Trouble, Workload};

pub use super::set_figures::Figures;
pub use super::spread::Event;

/// The broadcast workload.
#[derive(Clone, Copy, Debug)]
pub struct Broadcast;

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Let every node know this value.
    Broadcast {
        /// Any JSON value.
        message: Value,
    },
    /// Which values are known?
    Read,
    /// What has the protocol been doing?
    GossipStats,
}

/// What clients hear back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The value is in.
    BroadcastOk,
    /// These values are known.
    ReadOk {
        /// Each once, in order of arrival.
        messages: ValueList,
    },
    /// What the protocol has been doing.
    GossipStatsOk {
        /// Broadcasts that clients handed in here.
        broadcasts_received: u64,
        /// Rumours that this node sent.
        gossip_messages_sent: u64,
        /// Rumours sent for each broadcast received.
        messages_per_op: Quotient,
        /// Distinct values known.
        unique_messages: u64,
    },
}

impl Workload for Broadcast {
    const NAME: &'static str = "broadcast";
    const ABOUT: &'static str = "clients hand in values; every node must come to know each of them";
    const METRICS: &'static [&'static str] = set_figures::METRICS;
    const SURVIVES: &'static [Trouble] = &Trouble::ALL;
    const GREETINGS: u64 = 4;
    type Config = Load;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Witness = Spread;
    type Figures = Figures;

    fn draw(load: &Load, members: &Members, clients: u32, key: Key) -> Vec<Operation<Request>> {
        let mut next_value = 0;
        load.draw(members, clients, key, |stream| match stream.below(2) {
            0 => {
                next_value += 1;
                (Request::Broadcast { message: Value::from(next_value - 1) }, Effects::Changes)
            }
            _ => (Request::Read, Effects::Reads),
        })
    }

    fn final_request() -> Option<Request> {
        Some(Request::Read)
    }

    fn is_read(request: &Request) -> bool {
        match request {
            Request::Broadcast { .. } => false,
            Request::Read | Request::GossipStats => true,
        }
    }

    fn function(request: &Request) -> &'static str {
        match request {
            Request::Broadcast { .. } => "broadcast",
            Request::Read => "read",
            Request::GossipStats => "gossip_stats",
        }
    }

    fn witness(members: &Members) -> Spread {
        Spread::new(members)
    }

    fn see(spread: &mut Spread, at: Time, node: NodeId, event: &Event) {
        spread.see(at, node, event);
    }

    fn judge(history: &[EntryOf<Broadcast>], spread: &Spread, facts: &Facts<'_>) -> Judged<Figures> {
        let (adds, reads) = (adds(history), reads(history));
        set_figures::judge(&adds, &reads, spread, facts)
    }
}

fn adds(history: &[EntryOf<Broadcast>]) -> Vec<Add<'_>> {
    let add = |entry: &'_ EntryOf<Broadcast>| {
        matches!(entry.outcome, Outcome::Ok(Response::BroadcastOk)).then_some(entry.completed)
    };
    let adds = history.iter().filter_map(|entry| match &entry.request {
        Request::Broadcast { message } => {
            Some(Add { value: message, node: entry.node, invoked: entry.invoked, acknowledged: add(entry) })
        }
        Request::Read | Request::GossipStats => None,
    });
    adds.collect()
}

fn reads(history: &[EntryOf<Broadcast>]) -> Vec<Read<'_>> {
    let asked = history.iter().filter(|entry| entry.request == Request::Read);
    let reads = asked.filter_map(|entry| match &entry.outcome {
        Outcome::Ok(Response::ReadOk { messages }) => Some(Read {
            node: entry.node,
            phase: entry.phase,
            invoked: entry.invoked,
            completed: entry.completed,
            values: messages,
        }),
        Outcome::Ok(_) | Outcome::Open | Outcome::Fail(_) | Outcome::Info(_) => None,
    });
    reads.collect()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::check::tests::{Ask, Story, story};
    use crate::check::{SetFull, Strict};
    use crate::id::ClientId;
    use crate::id::few;
    use crate::time::Span;
    use crate::workload::Entry;
    use crate::workload::Phase;
    use crate::workload::Verdict;
    use crate::workload::load::Load as Config;
    use crate::workload::set_figures::{Known, judged};

    // ---- the load

    const CLIENTS: u32 = 7;

    fn config(rate: f64, time_limit: Span) -> Config {
        Config { rate, time_limit, ..Config::default() }
    }

    /// 100 seconds of 100 operations a second, by seven clients on five nodes.
    fn load() -> Vec<Operation<Request>> {
        draw(&config(100.0, Span::from_secs(100)), 1)
    }

    fn draw(config: &Config, seed: u64) -> Vec<Operation<Request>> {
        Broadcast::draw(config, &Members::all(5), CLIENTS, Key::new(seed, "load"))
    }

    /// The nanoseconds from the beginning to the first operation, and from each to the next.
    fn intervals(load: &[Operation<Request>]) -> Vec<u64> {
        let starts = std::iter::once(Time::ZERO).chain(load.iter().map(|operation| operation.at));
        starts.zip(load).map(|(before, operation)| (operation.at - before).as_nanos()).collect()
    }

    #[test]
    fn the_rate_is_kept_over_all_clients_together() {
        let count = load().len();
        assert!((9_800..10_200).contains(&count), "{count}");
        let slow = draw(&config(0.5, Span::from_secs(10_000)), 1).len();
        assert!((4_800..5_200).contains(&slow), "{slow}");
    }

    #[test]
    fn intervals_are_uniform_from_0_to_twice_their_mean() {
        let intervals = intervals(&load());
        let mut quarters = [0; 4];
        intervals.iter().for_each(|nanos| quarters[(nanos / 5_000_000) as usize] += 1);
        assert!(quarters.iter().all(|count| (2_350..2_650).contains(count)), "{quarters:?}");
        let (least, most) = (*intervals.iter().min().unwrap(), *intervals.iter().max().unwrap());
        assert!(least < 20_000 && (19_980_000..20_000_000).contains(&most), "{least} to {most}");
    }

    #[test]
    fn no_interval_is_as_long_as_twice_the_mean() {
        let two_nanoseconds_apart = draw(&config(5e8, Span::from_nanos(1_000)), 1);
        let mut intervals = intervals(&two_nanoseconds_apart);
        intervals.sort_unstable();
        intervals.dedup();
        assert_eq!(intervals, [0, 1, 2, 3]);
    }

    #[test]
    fn nothing_is_asked_at_the_time_limit_or_after_it() {
        for limit in 0..50 {
            let limit = Span::from_nanos(limit);
            let load = draw(&config(5e8, limit), limit.as_nanos());
            let times: Vec<Time> = load.into_iter().map(|operation| operation.at).collect();
            assert!(times.iter().all(|at| *at < Time::ZERO + limit), "{limit}: {times:?}");
        }
        let last = load().last().unwrap().at;
        assert!(last.since(Time::ZERO) > Span::from_millis(99_980), "{last}: it goes on to the end");
    }

    #[test]
    fn a_shorter_time_limit_cuts_the_same_load_short() {
        let (long, short) = (load(), draw(&config(100.0, Span::from_secs(10)), 1));
        assert_eq!(long[..short.len()], short);
        assert_eq!(Broadcast::time_limit(&config(100.0, Span::from_secs(10))), Span::from_secs(10));
    }

    #[test]
    fn the_key_decides_the_load() {
        assert_eq!(load(), draw(&config(100.0, Span::from_secs(100)), 1));
        assert_ne!(load(), draw(&config(100.0, Span::from_secs(100)), 2));
    }

    #[test]
    fn workers_take_turns_and_worker_i_talks_to_node_i_mod_n() {
        for (turn, operation) in (0_u32..).zip(load()) {
            let worker = turn % CLIENTS;
            assert_eq!((operation.client, operation.node), (ClientId(worker), NodeId(worker % 5)));
        }
        let few = Broadcast::draw(&Config::default(), &Members::all(5), 2, Key::new(1, "load"));
        assert!(few.iter().all(|operation| operation.node.0 == operation.client.0 && operation.node.0 < 2));
    }

    #[test]
    fn taking_a_node_out_leaves_everybody_with_the_same_node() {
        let members = Members::all(5).without(&"n1".parse().unwrap());
        let config = config(100.0, Span::from_secs(100));
        assert_eq!(Broadcast::draw(&config, &members, CLIENTS, Key::new(1, "load")), load());
    }

    #[test]
    fn a_fair_coin_says_whether_to_broadcast_or_to_read() {
        let load = load();
        let broadcasts: Vec<bool> = load.iter().map(|operation| operation.request != Request::Read).collect();
        let heads = broadcasts.iter().filter(|broadcast| **broadcast).count();
        let changes = broadcasts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        for (what, count) in [("broadcasts", heads), ("changes from one to the other", changes)] {
            let share = count as f64 / load.len() as f64;
            assert!((0.48..0.52).contains(&share), "{what}: {share}");
        }
    }

    #[test]
    fn values_count_up_from_0() {
        let values: Vec<Value> =
            load().into_iter().filter_map(|operation| message(operation.request)).collect();
        let expected: Vec<Value> = (0..values.len() as i64).map(Value::from).collect();
        assert_eq!(values, expected);
    }

    fn message(request: Request) -> Option<Value> {
        match request {
            Request::Broadcast { message } => Some(message),
            Request::Read | Request::GossipStats => None,
        }
    }

    #[test]
    fn operations_belong_to_the_storm_and_only_broadcasts_change_anything() {
        for operation in load() {
            assert_eq!(operation.phase, Phase::Storm);
            assert_eq!(operation.effect == Effects::Reads, operation.request == Request::Read);
            assert_eq!(operation.effect == Effects::Reads, Broadcast::is_read(&operation.request));
        }
        assert_eq!(Broadcast::final_request(), Some(Request::Read));
    }

    #[test]
    fn requests_have_maelstroms_names() {
        let names = [Request::Broadcast { message: Value::from(1) }, Request::Read, Request::GossipStats];
        assert_eq!(names.each_ref().map(Broadcast::function), ["broadcast", "read", "gossip_stats"]);
        assert_eq!(names.each_ref().map(Broadcast::is_read), [false, true, true]);
    }

    #[test]
    fn a_rate_is_above_0_and_at_most_a_million() {
        let problem = |rate| Broadcast::problem(&config(rate, Span::from_secs(1)));
        for rate in [1e-9, 5.0, 1e6] {
            assert_eq!(problem(rate), None, "{rate}");
        }
        for rate in [0.0, -1.0, 1_000_000.1, f64::INFINITY, f64::NAN] {
            assert_eq!(problem(rate).unwrap().0, "rate", "{rate}");
        }
        expect!["-1 is no rate; write operations a second, above 0 and at most 1000000"]
            .assert_eq(&problem(-1.0).unwrap().1);
    }

    // ---- the judge

    /// The history as clients of a broadcast cluster see it.
    fn history(story: &Story) -> Vec<EntryOf<Broadcast>> {
        let entries = story.entries.iter().map(|entry| {
            let answer = |values: &ValueList| match entry.request {
                Ask::Add(_) => Response::BroadcastOk,
                Ask::Read => Response::ReadOk { messages: values.clone() },
            };
            Entry {
                client: entry.client,
                node: entry.node,
                request: match &entry.request {
                    Ask::Add(value) => Request::Broadcast { message: value.clone() },
                    Ask::Read => Request::Read,
                },
                phase: entry.phase,
                invoked: entry.invoked,
                completed: entry.completed,
                outcome: match &entry.outcome {
                    Outcome::Ok(values) => Outcome::Ok(answer(values)),
                    Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
                    Outcome::Info(reason) => Outcome::Info(reason.clone()),
                    Outcome::Open => Outcome::Open,
                },
            }
        });
        entries.collect()
    }

    /// The witness of a story: the k-th node to have a value has it over k - 1 hops.
    fn witness(members: &Members, story: &Story) -> Spread {
        let mut spread = Broadcast::witness(members);
        for (place, (at, node, value)) in story.holders.iter().enumerate() {
            let hops = story.holders[..place].iter().filter(|(_, _, held)| held == value).count() as u32;
            Broadcast::see(&mut spread, *at, *node, &Event::Delivered { value: value.clone(), hops });
        }
        spread
    }

    fn judge(nodes: u32, text: &str) -> Judged<Figures> {
        let (members, story) = (Members::all(nodes), story(text));
        let facts = story.facts(&members);
        Broadcast::judge(&history(&story), &witness(&members, &story), &facts)
    }

    fn verdicts(judged: &Judged<Figures>) -> (Verdict, Verdict) {
        (judged.maelstrom, judged.strict)
    }

    fn texts(judged: &Judged<Figures>) -> Vec<&str> {
        judged.problems.iter().map(|problem| problem.text.as_str()).collect()
    }

    fn metric(judged: &Judged<Figures>, name: &str) -> String {
        judged.metrics.iter().find(|(other, _)| *other == name).unwrap().1.to_string()
    }

    #[test]
    fn a_run_that_keeps_everything_passes_without_problems() {
        let judged = judge(
            2,
            "10ms add 1 n0 ok 12ms
             20ms read n1 ok 21ms [1]
             30s read n0 ok 30s [1] final
             30s read n1 ok 30s [1] final",
        );
        assert_eq!((verdicts(&judged), texts(&judged)), ((Verdict::Pass, Verdict::Pass), vec![]));
    }

    #[test]
    fn a_run_that_adds_nothing_says_nothing() {
        let judged = judge(1, "30s read n0 ok 30s [] final");
        assert_eq!((verdicts(&judged), texts(&judged)), ((Verdict::Unknown, Verdict::Unknown), vec![]));
        for (name, metric) in &judged.metrics {
            assert_eq!(
                metric.to_string(),
                match *name {
                    "last_hop" => "none",
                    name if name.starts_with("stable_latency") || name.starts_with("spread_to") => "none",
                    _ => "0",
                },
                "{name}"
            );
        }
        let figures = serde_json::to_value(&judged.figures).unwrap();
        assert_eq!((&figures["valid?"], &figures["stable-latencies"]), (&"unknown".into(), &().into()));
    }

    #[test]
    fn the_strict_verdict_catches_what_maelstrom_calls_stable() {
        let judged = judge(
            2,
            "10ms add 1 n0 ok 12ms
             10ms has 1 n0
             30.000000000s read n1 ok 30s [] final
             30.000000001s read n0 ok 31s [1] final",
        );
        assert_eq!(verdicts(&judged), (Verdict::Pass, Verdict::Fail));
        assert_eq!(
            texts(&judged),
            ["value 1 was acknowledged, but is not in the final read of n1; it never arrived there"]
        );
        assert_eq!(judged.problems[0].value, Some(Value::from(1)));
    }

    #[test]
    fn a_wipe_and_the_witness_forgive() {
        let judged = judge(
            1,
            "10ms add 1 n0 ok 12ms
             10ms has 1 n0
             20ms wipe n0
             30s read n0 ok 30s [] final",
        );
        assert_eq!((verdicts(&judged), texts(&judged)), ((Verdict::Fail, Verdict::Pass), vec![]));
        assert_eq!((metric(&judged, "lost"), metric(&judged, "forgiven")), ("0".into(), "1".into()));
    }

    #[test]
    fn what_is_forgiven_by_a_grace_says_so() {
        let story = "grace 1.5s\n 10ms add 1 n0 ok 12ms\n 20ms wipe n0\n 30s read n0 ok 30s [] final";
        let says =
            "1 sent, 1 acknowledged, 0 lost, 1 forgiven (acknowledged by a node that was killed within 1.5s)";
        assert_eq!(judge(1, story).rows[0], ("values", says.to_owned()));
    }

    #[test]
    fn where_nothing_is_announced_a_loss_tells_what_reads_showed() {
        let lost = |reads: &str| {
            let story = format!("grace 1ms\n 10ms add 1 n0 ok 12ms\n {reads}\n 30s read n0 ok 30s [] final");
            let judged = judge(1, &story);
            (judged.problems[0].kind.to_string(), judged.problems[0].text.clone())
        };
        let says = |how: &str| format!("value 1 was acknowledged, but is not in the final read of n0; {how}");
        assert_eq!(
            lost("20ms read n0 ok 21ms [1]"),
            ("vanished".into(), says("earlier reads there had shown it"))
        );
        assert_eq!(
            lost("20ms read n0 ok 21ms []"),
            ("never shown".into(), says("no read there ever showed it"))
        );
        let two = judge(
            2,
            "grace 1ms\n 10ms add 1 n0 ok 12ms\n 20ms read n0 ok 21ms [1]
             30s read n0 ok 30s [] final\n 30s read n1 ok 30s [] final",
        );
        assert!(
            two.problems[0].text.ends_with("; no read of 1 of them ever showed it"),
            "{:?}",
            two.problems
        );
    }

    #[test]
    fn only_an_answered_broadcast_is_acknowledged() {
        for (end, acknowledged) in
            [("ok 12ms", "1"), ("info 5.01s", "0"), ("fail 12ms", "0"), ("open 10ms", "0")]
        {
            let judged = judge(1, &format!("10ms add 1 n0 {end}\n 30s read n0 ok 30s [1] final"));
            assert_eq!(metric(&judged, "acknowledged"), acknowledged, "{end}");
            assert_eq!(
                (metric(&judged, "attempts"), metric(&judged, "stable")),
                ("1".into(), "1".into()),
                "{end}"
            );
        }
    }

    #[test]
    fn the_judge_knows_when_operations_began_and_when_they_ended() {
        let judged = judge(
            1,
            "1ms read n0 ok 40ms [1]
             8ms read n0 ok 11ms []
             10ms add 1 n0 ok 12ms",
        );
        assert_eq!(
            metric(&judged, "never_read"),
            "1",
            "the second read ended while the value was being added"
        );
    }

    #[test]
    fn attempts_alone_say_nothing() {
        let judged = judge(
            1,
            "10ms add 1 n0 info 5.01s
             30s read n0 ok 30s [1] final",
        );
        assert_eq!(verdicts(&judged), (Verdict::Pass, Verdict::Unknown));
    }

    #[test]
    fn a_broadcast_answered_like_a_read_is_neither_acknowledged_nor_a_read() {
        let (members, mut history) = (Members::all(1), history(&story("10ms add 1 n0 ok 12ms")));
        history[0].outcome =
            Outcome::Ok(Response::ReadOk { messages: [Value::from(1)].into_iter().collect() });
        let facts = Facts { members: &members, wipes: &[], crashes: &[], grace: None };
        let judged = Broadcast::judge(&history, &Spread::new(&members), &facts);
        assert_eq!(
            (metric(&judged, "acknowledged"), metric(&judged, "never_read")),
            ("0".into(), "1".into())
        );
    }

    #[test]
    fn a_read_answered_like_a_broadcast_is_not_answered() {
        let (members, mut history) = (Members::all(1), history(&story("30s read n0 ok 30s [] final")));
        history[0].outcome = Outcome::Ok(Response::BroadcastOk);
        let facts = Facts { members: &members, wipes: &[], crashes: &[], grace: None };
        let judged = Broadcast::judge(&history, &Spread::new(&members), &facts);
        assert_eq!(texts(&judged), ["n0 did not answer its final read"]);
    }

    #[test]
    fn requests_for_statistics_are_not_judged() {
        let (members, mut history) = (Members::all(1), history(&story("30s read n0 ok 30s [] final")));
        let statistics = Response::GossipStatsOk {
            broadcasts_received: 1,
            gossip_messages_sent: 1,
            messages_per_op: Quotient::of(1, 1),
            unique_messages: 1,
        };
        history.push(Entry {
            request: Request::GossipStats,
            outcome: Outcome::Ok(statistics),
            ..history[0].clone()
        });
        let facts = Facts { members: &members, wipes: &[], crashes: &[], grace: None };
        let judged = Broadcast::judge(&history, &Spread::new(&members), &facts);
        assert_eq!((metric(&judged, "attempts"), texts(&judged)), ("0".into(), vec![]));
    }

    #[test]
    fn the_witness_tells_deliveries_repairs_and_redundant_copies_apart() {
        let (members, value) = (Members::all(3), Value::from(1));
        let mut spread = Broadcast::witness(&members);
        let (at, value) = (Time::ZERO, || value.clone());
        Broadcast::see(&mut spread, at, NodeId(0), &Event::Delivered { value: value(), hops: 0 });
        Broadcast::see(&mut spread, at, NodeId(1), &Event::Delivered { value: value(), hops: 1 });
        Broadcast::see(&mut spread, at, NodeId(1), &Event::Redundant { value: value() });
        Broadcast::see(&mut spread, at, NodeId(0), &Event::Redundant { value: value() });
        Broadcast::see(&mut spread, at, NodeId(0), &Event::Redundant { value: value() });
        Broadcast::see(&mut spread, at, NodeId(2), &Event::Repaired { value: value() });
        assert_eq!((spread.hops.as_slice(), spread.repaired, spread.redundant), (&[1, 1][..], 1, 3));
    }

    #[test]
    fn a_problem_says_where_the_value_is_missing_and_whether_it_ever_arrived() {
        let told = |has: &str| {
            let judged = judge(
                3,
                &format!(
                    "10ms add 1 n0 ok 12ms
                     {has}
                     30s read n0 ok 30s [1] final
                     30s read n1 ok 30s [] final
                     30s read n2 ok 30s [] final"
                ),
            );
            texts(&judged).join("\n").split_once("; ").unwrap().1.to_owned()
        };
        assert_eq!(told(""), "it never arrived there");
        assert_eq!(told("10ms has 1 n0"), "it never arrived there");
        assert_eq!(told("10ms has 1 n0\n 11ms has 1 n1"), "it never arrived at 1 of them");
        assert_eq!(told("10ms has 1 n0\n 11ms has 1 n1\n 11ms has 1 n2"), "it had been there");
    }

    #[test]
    fn a_problem_names_four_nodes_and_counts_the_rest() {
        let nodes = |count| few(&(0..count).map(NodeId).collect::<Vec<_>>());
        assert_eq!(nodes(1), "n0");
        assert_eq!(nodes(4), "n0, n1, n2, n3");
        assert_eq!(nodes(5), "n0, n1, n2, n3, ... (5 nodes)");
    }

    /// A run in which everything goes wrong at once, each thing another number of times:
    /// 1 and 11 are stale, 12 and 13 stable at once, 5 to 9 never read, 2 is forgiven, 3, 4 and 10 are missing somewhere
    /// (4, like 2, in the last read, so that Maelstrom sees it), 4 is shown twice by two nodes, 99 invented, n3 silent.
    fn a_bad_day() -> Judged<Figures> {
        let text = "10ms add 1 n0 ok 12ms
                    10ms has 1 n0
                    15ms has 1 n1
                    18ms has 1 n2
                    40ms has 1 n3
                    20ms add 2 n1 ok 22ms
                    20ms has 2 n1
                    30ms wipe n1
                    32ms read n2 ok 33ms [1]
                    34ms add 3 n2 ok 36ms
                    34ms has 3 n2
                    38ms has 3 n0
                    40ms read n3 ok 41ms [99]
                    44ms add 4 n0 ok 45ms
                    44ms has 4 n0
                    46ms has 4 n1
                    52ms has 4 n2
                    53ms add 11 n0 ok 54ms
                    60ms read n1 ok 61ms [4 4]
                    62ms read n0 ok 63ms [4 4]
                    70ms add 5 n3 info 5.07s
                    71ms add 6 n3 fail 81ms
                    72ms add 7 n3 open 72ms
                    73ms add 8 n3 info 5.073s
                    74ms add 9 n3 info 5.074s
                    80ms add 10 n0 ok 81ms
                    82ms add 12 n0 ok 83ms
                    84ms add 13 n0 ok 85ms
                    30.000000000s read n0 ok 30s [1 3 4 10 11 12 13] final
                    30.000000001s read n1 ok 31s [1 4 11 12 13] final
                    30.000000002s read n2 ok 31s [1 3 10 11 12 13] final";
        let (members, story) = (Members::all(4), story(text));
        let mut spread = witness(&members, &story);
        let (late, value) = (Time::ZERO + Span::from_millis(90), Value::from(4));
        Broadcast::see(&mut spread, late, NodeId(3), &Event::Repaired { value: value.clone() });
        (0..3).for_each(|_| {
            Broadcast::see(&mut spread, late, NodeId(3), &Event::Redundant { value: value.clone() });
        });
        let facts = story.facts(&members);
        Broadcast::judge(&history(&story), &spread, &facts)
    }

    fn check(expected: &Expect, lines: impl IntoIterator<Item = String>) {
        let lines: Vec<String> = lines.into_iter().collect();
        expected.assert_eq(&(lines.join("\n") + "\n"));
    }

    #[test]
    fn problems_are_told_worst_first() {
        let judged = a_bad_day();
        assert_eq!(verdicts(&judged), (Verdict::Fail, Verdict::Fail));
        let problems = judged.problems.iter().map(|problem| match &problem.value {
            Some(value) => format!("{} (the story of {value})", problem.text),
            None => problem.text.clone(),
        });
        check(
            &expect![[r#"
            value 3 was acknowledged, but is not in the final read of n1; it never arrived there (the story of 3)
            value 4 was acknowledged, but is not in the final read of n2; it had been there (the story of 4)
            value 10 was acknowledged, but is not in the final read of n1; it never arrived there (the story of 10)
            n3 did not answer its final read
            a read of n1 shows value 4 twice
            a read of n0 shows value 4 twice
            a read of n3 shows value 99, which no client sent
        "#]],
            problems,
        );
    }

    #[test]
    fn metrics_bear_the_names_promised_in_their_order() {
        let judged = a_bad_day();
        let names: Vec<&str> = judged.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, Broadcast::METRICS);
        check(
            &expect![[r#"
                attempts 13
                acknowledged 8
                lost 3
                forgiven 1
                kept 0
                stable 6
                stale 4
                never_read 5
                duplicated 2
                stable_latency_p0 0s
                stable_latency_p50 50ms
                stable_latency_p95 29.964s
                stable_latency_p99 29.964s
                stable_latency_max 29.964s
                spread_to_50 4ms
                spread_to_95 46ms
                spread_to_99 46ms
                spread_to_100 46ms
                reached_all 2
                last_hop 3
                rmr 0.4286
                repaired 1
                redundant 3
            "#]],
            judged.metrics.iter().map(|(name, metric)| format!("{name} {metric}")),
        );
    }

    #[test]
    fn figures_bear_maelstroms_names() {
        let figures = serde_json::to_value(&a_bad_day().figures).unwrap();
        let figures = figures.as_object().unwrap();
        check(
            &expect![[r#"
                attempt-count 13
                duplicated [[4,2]]
                duplicated-count 1
                lost [2,4]
                lost-count 2
                lost-latencies {"0":0,"0.5":29955,"0.95":29955,"0.99":29955,"1":29955}
                never-read [5,6,7,8,9]
                never-read-count 5
                spread {"deliveries":7,"hops":[4,3,2,1],"reached-all-count":2,"redundant":3,"repaired":1,"rmr":0.42857142857142855,"to":[[50,4.0,5.0],[95,46.0,46.0],[99,46.0,46.0],[100,46.0,46.0]]}
                stable-count 6
                stable-latencies {"0":0,"0.5":50,"0.95":29964,"0.99":29964,"1":29964}
                stale [1,3,10,11]
                stale-count 4
                strict {"acknowledged-count":8,"forgiven":[{"nodes":[0,1,2],"value":2}],"invented":[{"nodes":[3],"value":99}],"lost":[{"nodes":[1],"value":3},{"nodes":[2],"value":4},{"nodes":[1],"value":10}],"silent":[3]}
                valid? false
                worst-stale [{"element":3,"known":{"index":7,"time":36000000},"last-absent":{"index":36,"time":30000000001},"lost-latency":null,"outcome":"stable","stable-latency":29964},{"element":10,"known":{"index":26,"time":81000000},"last-absent":{"index":36,"time":30000000001},"lost-latency":null,"outcome":"stable","stable-latency":29919},{"element":1,"known":{"index":1,"time":12000000},"last-absent":{"index":16,"time":62000000},"lost-latency":null,"outcome":"stable","stable-latency":50},{"element":11,"known":{"index":13,"time":54000000},"last-absent":{"index":16,"time":62000000},"lost-latency":null,"outcome":"stable","stable-latency":8}]
            "#]],
            figures.iter().map(|(name, figure)| format!("{name} {figure}")),
        );
    }

    /// A thousand values stable after 0, 1, 2, ... ms; four values, each known to one more of 200 nodes every
    /// 1, 2, 3 and 4 ms.
    #[test]
    fn quantiles_and_shares_stand_under_their_own_names() {
        let stable = (0..1_000).map(|number| (Value::from(number), number as u64)).collect();
        let set_full = SetFull { stable, ..SetFull::default() };
        let mut spread = Spread::new(&Members::all(200));
        for pace in 1..=4 {
            for node in 0..200_u32 {
                let at = Time::ZERO + Span::from_millis(pace * u64::from(node));
                spread.deliver(at, NodeId(node), &Value::from(pace as i64), Some(node));
            }
        }
        let facts = Facts { members: &Members::all(200), wipes: &[], crashes: &[], grace: None };
        let judged = judged(&set_full, &Strict::default(), &spread, &Known::Announced(&spread), &facts);
        let figures = serde_json::to_value(&judged.figures).unwrap();
        check(
            &expect![[r#"
                {"0":0,"0.5":500,"0.95":950,"0.99":990,"1":999}
                [[50,297.0,396.0],[95,567.0,756.0],[99,591.0,788.0],[100,597.0,796.0]]
            "#]],
            [&figures["stable-latencies"], &figures["spread"]["to"]].map(ToString::to_string),
        );
        let named = ["stable_latency", "spread_to"];
        let metrics =
            judged.metrics.iter().filter(|(name, _)| named.iter().any(|prefix| name.starts_with(prefix)));
        check(
            &expect![[r#"
            stable_latency_p0 0s
            stable_latency_p50 500ms
            stable_latency_p95 950ms
            stable_latency_p99 990ms
            stable_latency_max 999ms
            spread_to_50 297ms
            spread_to_95 567ms
            spread_to_99 591ms
            spread_to_100 597ms
        "#]],
            metrics.map(|(name, metric)| format!("{name} {metric}")),
        );
        check(
            &expect![[r#"
                stable latency: least 0, median 500, 95 % 950, 99 % 990, most 999 ms, as Maelstrom counts; 999 values were stale
                spread: to 50 % in 297.0 ms, to 95 % in 567.0 ms, to 99 % in 591.0 ms, to 100 % in 597.0 ms of the nodes (medians over values); 4 reached all
            "#]],
            judged.rows[1..3].iter().map(|(label, text)| format!("{label}: {text}")),
        );
    }

    #[test]
    fn valid_is_maelstroms_verdict() {
        let valid = |text| serde_json::to_value(&judge(1, text).figures).unwrap()["valid?"].clone();
        assert_eq!(valid("10ms add 1 n0 ok 12ms\n 20ms read n0 ok 21ms [1]"), true);
        assert_eq!(valid("10ms add 1 n0 ok 12ms\n 20ms read n0 ok 21ms []"), false);
        assert_eq!(valid("10ms add 1 n0 ok 12ms"), "unknown");
    }

    #[test]
    fn rows_tell_it_to_people() {
        check(
            &expect![[r#"
                values: 13 sent, 8 acknowledged, 3 lost, 1 forgiven (a disk was wiped before anyone else had them)
                stable latency: least 0, median 50, 95 % 29964, 99 % 29964, most 29964 ms, as Maelstrom counts; 4 values were stale
                spread: to 50 % in 4.0 ms, to 95 % in 46.0 ms, to 99 % in 46.0 ms, to 100 % in 46.0 ms of the nodes (medians over values); 2 reached all
                deliveries: 7 to new nodes, 1 of them by repair; 3 redundant (0.43 for each new one); most hops 3
            "#]],
            a_bad_day().rows.iter().map(|(label, text)| format!("{label}: {text}")),
        );
        let quiet = judge(1, "10ms add 1 n0 ok 12ms\n 30s read n0 ok 30s [1] final");
        check(
            &expect![[r#"
                values: 1 sent, 1 acknowledged, 0 lost
                stable latency: least 0, median 0, 95 % 0, 99 % 0, most 0 ms, as Maelstrom counts; 0 values were stale
                spread: to 50 % in -, to 95 % in -, to 99 % in -, to 100 % in - of the nodes (medians over values); 0 reached all
                deliveries: 0 to new nodes, 0 of them by repair; 0 redundant (0.00 for each new one); most hops -
            "#]],
            quiet.rows.iter().map(|(label, text)| format!("{label}: {text}")),
        );
    }
}
