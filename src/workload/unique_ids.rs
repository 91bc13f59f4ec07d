//! Unique ids: clients ask any node for an id, and none may ever be given twice (Maelstrom's unique-ids workload).
//!
//! It knows no protocol, and no order or form of ids: any JSON value will do. Nothing is asked at the end, as all that
//! there is to know is in the answers.

use std::cmp::Reverse;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::hash::BuildWordHasher;
use crate::id::{Members, NodeId};
use crate::rng::Key;
use crate::time::Time;
use crate::value::Value;
use crate::workload::load::Load;
use crate::workload::validity::Validity;
use crate::workload::{
    Effects, EntryOf, Facts, Judged, Metric, Operation, Outcome, Problem, Stamp, Trouble, Verdict, Workload,
};

/// The unique-ids workload.
#[derive(Clone, Copy, Debug)]
pub struct UniqueIds;

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Give me an id that nobody has.
    Generate,
}

/// What clients hear back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Here is one.
    GenerateOk {
        /// Any JSON value.
        id: Value,
    },
}

/// Nodes announce nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {}

/// The figures of a unique-ids run, under Jepsen's names.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    #[serde(rename = "valid?")]
    valid: Validity,
    attempted_count: u64,
    acknowledged_count: u64,
    duplicated_count: u64,
    /// Each id that was given more than once, and how often it was; most often first.
    duplicated: Vec<(Value, u64)>,
    /// The least and the greatest id: integers before all else, which goes by its text.
    range: Option<(Value, Value)>,
}

impl Workload for UniqueIds {
    const NAME: &'static str = "unique-ids";
    const ABOUT: &'static str = "clients ask for ids; none may be given twice";
    const METRICS: &'static [&'static str] = &["attempts", "acknowledged", "duplicated"];
    const SURVIVES: &'static [Trouble] = &Trouble::ALL;
    type Config = Load;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Witness = ();
    type Figures = Figures;

    fn draw(load: &Load, members: &Members, clients: u32, key: Key) -> Vec<Operation<Request>> {
        load.draw(members, clients, key, |_| (Request::Generate, Effects::Changes))
    }

    fn final_request() -> Option<Request> {
        None
    }

    fn is_read(request: &Request) -> bool {
        match request {
            Request::Generate => false,
        }
    }

    fn function(request: &Request) -> &'static str {
        match request {
            Request::Generate => "generate",
        }
    }

    fn witness(_: &Members) {}

    fn see((): &mut (), _: Time, _: NodeId, event: &Event) {
        match *event {}
    }

    fn judge(history: &[EntryOf<UniqueIds>], (): &(), _: &Facts<'_>) -> Judged<Figures> {
        let ids = Ids::of(history);
        let repeated = ids.repeated();
        let maelstrom = if repeated.is_empty() { Verdict::Pass } else { Verdict::Fail };
        let (attempts, acknowledged) = (history.len() as u64, ids.acknowledged());
        let range = ids.range();
        let duplicated = repeated.len() as u64;
        let words =
            range.as_ref().map_or("-".to_owned(), |(least, greatest)| format!("{least} to {greatest}"));
        Judged {
            strict: if acknowledged == 0 { Verdict::Unknown } else { maelstrom },
            maelstrom,
            problems: repeated.iter().map(|(id, gifts)| problem(id, gifts)).collect(),
            figures: Figures {
                valid: maelstrom.into(),
                attempted_count: attempts,
                acknowledged_count: acknowledged,
                duplicated_count: duplicated,
                duplicated: repeated.iter().map(|(id, gifts)| ((*id).clone(), gifts.len() as u64)).collect(),
                range,
            },
            metrics: vec![
                ("attempts", Metric::Count(attempts)),
                ("acknowledged", Metric::Count(acknowledged)),
                ("duplicated", Metric::Count(duplicated)),
            ],
            rows: vec![
                (
                    "ids",
                    format!(
                        "{attempts} asked for, {acknowledged} given, {duplicated} of them more than once"
                    ),
                ),
                ("range", words),
            ],
        }
    }
}

/// An id in a client's hand: who gave it, and when the client had it.
#[derive(Clone, Copy, Debug)]
struct Gift {
    node: NodeId,
    heard: Stamp,
}

/// The ids that clients heard, each with its gifts in order.
struct Ids<'a>(IndexMap<&'a Value, Vec<Gift>, BuildWordHasher>);

impl<'a> Ids<'a> {
    fn of(history: &'a [EntryOf<UniqueIds>]) -> Ids<'a> {
        let mut ids: IndexMap<&Value, Vec<Gift>, BuildWordHasher> = IndexMap::default();
        for entry in history {
            match &entry.outcome {
                Outcome::Ok(Response::GenerateOk { id }) => {
                    ids.entry(id).or_default().push(Gift { node: entry.node, heard: entry.completed });
                }
                Outcome::Open | Outcome::Fail(_) | Outcome::Info(_) => {}
            }
        }
        ids.values_mut().for_each(|gifts| gifts.sort_by_key(|gift| gift.heard));
        Ids(ids)
    }

    fn acknowledged(&self) -> u64 {
        self.0.values().map(|gifts| gifts.len() as u64).sum()
    }

    /// The ids given more than once: most often first, then the one that was first given again.
    fn repeated(&self) -> Vec<(&'a Value, &[Gift])> {
        let repeated = self.0.iter().filter(|(_, gifts)| gifts.len() > 1);
        let mut repeated: Vec<(&Value, &[Gift])> = repeated.map(|(id, gifts)| (*id, &gifts[..])).collect();
        repeated.sort_by_key(|(_, gifts)| (Reverse(gifts.len()), gifts[1].heard));
        repeated
    }

    fn range(&self) -> Option<(Value, Value)> {
        let (least, greatest) = (self.0.keys().min()?, self.0.keys().max()?);
        Some(((*least).clone(), (*greatest).clone()))
    }
}

fn problem(id: &Value, gifts: &[Gift]) -> Problem {
    let times = match gifts.len() {
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    };
    let (first, again) = (gifts[0], gifts[1]);
    let text = format!(
        "id {id} was given {times}, first by {} at {} and again by {} at {}",
        first.node, first.heard.at, again.node, again.heard.at
    );
    Problem { kind: "repeated".into(), text, value: None }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::id::ClientId;
    use crate::time::Span;
    use crate::workload::{Entry, Phase, Reason};

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    /// Histories as lines: "10ms n0 ok 12ms 7", or "info 5.01s", "fail 12ms", "open 10ms" in place of "ok 12ms 7".
    fn history(text: &str) -> Vec<EntryOf<UniqueIds>> {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let entry = |words: Vec<&str>| {
            let [asked, node, end, ended, id @ ..] = &words[..] else { panic!("{words:?}") };
            // Stamps in the order of their instants.
            let stamp = |at: &str| {
                let at: Time = at.parse().unwrap();
                Stamp { index: at.as_nanos(), at }
            };
            Entry {
                client: ClientId(0),
                node: NodeId(node[1..].parse().unwrap()),
                request: Request::Generate,
                phase: Phase::Storm,
                invoked: stamp(asked),
                completed: stamp(ended),
                outcome: match *end {
                    "ok" => Outcome::Ok(Response::GenerateOk { id: value(id[0]) }),
                    "info" => Outcome::Info(Reason::TimedOut),
                    "fail" => Outcome::Fail(Reason::TimedOut),
                    _ => Outcome::Open,
                },
            }
        };
        lines.map(entry).collect()
    }

    fn judge(text: &str) -> Judged<Figures> {
        let facts = Facts { members: &Members::all(3), wipes: &[], crashes: &[], grace: None };
        UniqueIds::judge(&history(text), &(), &facts)
    }

    fn verdicts(text: &str) -> (Verdict, Verdict) {
        let judged = judge(text);
        (judged.maelstrom, judged.strict)
    }

    fn texts(text: &str) -> Vec<String> {
        judge(text).problems.into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn ids_that_differ_pass() {
        let text = "10ms n0 ok 12ms 7
                    10ms n0 ok 12ms \"7\"
                    10ms n1 ok 12ms 7.0
                    11ms n1 ok 13ms [7]
                    12ms n1 info 5.012s
                    12ms n1 info 5.012s
                    13ms n1 fail 14ms
                    14ms n2 open 14ms";
        assert_eq!((verdicts(text), texts(text)), ((Verdict::Pass, Verdict::Pass), vec![]));
    }

    #[test]
    fn an_id_given_twice_fails_whoever_gave_it() {
        for (again, by) in [("n0", "n0"), ("n2", "n2")] {
            let text = format!("10ms n0 ok 12ms 7\n 11ms n1 ok 13ms 8\n 2s {again} ok 2.5s 7");
            assert_eq!(verdicts(&text), (Verdict::Fail, Verdict::Fail));
            let expected = format!("id 7 was given twice, first by n0 at 0.012s and again by {by} at 2.500s");
            assert_eq!(texts(&text), [expected]);
        }
    }

    #[test]
    fn ids_are_told_apart_as_json_and_not_as_it_was_spaced() {
        assert_eq!(verdicts("10ms n0 ok 12ms [7,8]\n 10ms n1 ok 12ms [7,8]").1, Verdict::Fail);
        let mut history = history("10ms n0 ok 12ms 1\n 10ms n1 ok 12ms 2");
        history[0].outcome = Outcome::Ok(Response::GenerateOk { id: value("[7,8]") });
        history[1].outcome = Outcome::Ok(Response::GenerateOk { id: value("[ 7, 8 ]") });
        let facts = Facts { members: &Members::all(3), wipes: &[], crashes: &[], grace: None };
        assert_eq!(UniqueIds::judge(&history, &(), &facts).strict, Verdict::Fail);
    }

    #[test]
    fn the_first_is_the_one_first_heard_not_the_one_first_asked_for() {
        let text = "10ms n0 ok 90ms 7\n 11ms n1 ok 13ms 7";
        assert_eq!(texts(text), ["id 7 was given twice, first by n1 at 0.013s and again by n0 at 0.090s"]);
    }

    #[test]
    fn without_an_id_it_cannot_be_told() {
        for text in ["", "10ms n0 info 5.01s", "10ms n0 fail 11ms", "10ms n0 open 10ms"] {
            let judged = judge(text);
            assert_eq!((judged.maelstrom, judged.strict), (Verdict::Pass, Verdict::Unknown), "{text}");
            let figures = serde_json::to_value(&judged.figures).unwrap();
            assert_eq!(figures["valid?"], true, "Jepsen knows of no unknown here");
            assert!(figures["range"].is_null());
        }
        assert_eq!(verdicts("10ms n0 ok 12ms 7"), (Verdict::Pass, Verdict::Pass));
    }

    #[test]
    fn problems_are_told_worst_first_and_figures_bear_jepsens_names() {
        let judged = judge(
            "10ms n0 ok 12ms 12
             11ms n1 ok 13ms 7
             12ms n2 ok 14ms \"x\"
             13ms n0 ok 15ms 9
             14ms n1 ok 16ms 7
             15ms n2 ok 17ms 12
             16ms n0 ok 18ms 9
             17ms n0 ok 19ms 9
             18ms n1 info 5.018s",
        );
        let names: Vec<&str> = judged.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, UniqueIds::METRICS);
        let metrics = judged.metrics.iter().map(|(name, metric)| format!("{name} {metric}"));
        let rows = judged.rows.iter().map(|(label, text)| format!("{label}: {text}"));
        let problems = judged.problems.iter().map(|problem| problem.text.clone());
        let figures = serde_json::to_string(&judged.figures).unwrap();
        let all: Vec<String> = metrics.chain(rows).chain(problems).chain([figures]).collect();
        expect![[r#"
            attempts 9
            acknowledged 8
            duplicated 3
            ids: 9 asked for, 8 given, 3 of them more than once
            range: 7 to "x"
            id 9 was given 3 times, first by n0 at 0.015s and again by n0 at 0.018s
            id 7 was given twice, first by n1 at 0.013s and again by n1 at 0.016s
            id 12 was given twice, first by n0 at 0.012s and again by n2 at 0.017s
            {"valid?":false,"attempted-count":9,"acknowledged-count":8,"duplicated-count":3,"duplicated":[[9,3],[7,2],[12,2]],"range":[7,"x"]}"#]].assert_eq(&all.join("\n"));
    }

    #[test]
    fn clients_ask_for_ids_and_nothing_at_the_end() {
        let load = Load { rate: 100.0, time_limit: Span::from_secs(20), ..Load::default() };
        let operations = UniqueIds::draw(&load, &Members::all(5), 5, Key::new(1, "load"));
        assert!((1_900..2_100).contains(&operations.len()), "{}", operations.len());
        for operation in &operations {
            assert_eq!((operation.effect, operation.phase), (Effects::Changes, Phase::Storm));
            assert!(!UniqueIds::is_read(&operation.request));
            assert_eq!(UniqueIds::function(&operation.request), "generate");
        }
        assert_eq!(UniqueIds::final_request(), None);
    }

    #[test]
    fn the_load_is_the_loads() {
        let load = Load { rate: -1.0, time_limit: Span::from_secs(7), ..Load::default() };
        assert_eq!(UniqueIds::problem(&load), load.problem());
        assert_eq!(UniqueIds::problem(&Load::default()), None);
        assert_eq!((UniqueIds::time_limit(&load), UniqueIds::expected(&load)), (Span::from_secs(7), -7.0));
    }
}
