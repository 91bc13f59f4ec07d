//! Echo: clients send a value and want the same value back (Maelstrom's echo workload).
//!
//! It knows no protocol. Its judge holds each answer against its own request and nothing else; as a cluster remembers
//! nothing of an echo, nothing is asked at the end.
//!
//! Maelstrom looks at every request that ended in ok or fail, and wants the request's value in what came back
//! (maelstrom/src/maelstrom/workload/echo.clj, over `pair-index` of knossos/src/knossos/history.clj): one that a node
//! certainly refused is wrong there, as an error holds no echo; one without an answer (info, or never ended) is not
//! looked at. Strictly, only answers are judged: a refusal says nothing wrong.

use serde::{Deserialize, Serialize};

use crate::id::{Members, NodeId};
use crate::rng::Key;
use crate::time::Time;
use crate::value::Value;
use crate::workload::load::Load;
use crate::workload::validity::Validity;
use crate::workload::{
    Effects, EntryOf, Facts, Judged, Metric, Operation, Outcome, Problem, Trouble, Verdict, Workload,
};

/// The echo workload.
#[derive(Clone, Copy, Debug)]
pub struct Echo;

/// What clients ask.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Say this back.
    Echo {
        /// Any JSON value.
        echo: Value,
    },
}

/// What clients hear back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// This was said.
    EchoOk {
        /// The value of the request.
        echo: Value,
    },
}

/// Nodes announce nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {}

/// The figures of an echo run: Maelstrom's under its names, then ours.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    #[serde(rename = "valid?")]
    valid: Validity,
    errors: Vec<Mismatch>,
    strict: StrictFigures,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct StrictFigures {
    attempt_count: u64,
    acknowledged_count: u64,
}

#[derive(Clone, Debug, Serialize)]
struct Mismatch {
    expected: Value,
    /// Absent if the node refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<Value>,
    node: NodeId,
}

impl Workload for Echo {
    const NAME: &'static str = "echo";
    const ABOUT: &'static str = "clients send values; each must come back as it was sent";
    const METRICS: &'static [&'static str] = &["attempts", "acknowledged", "wrong"];
    const SURVIVES: &'static [Trouble] = &Trouble::ALL;
    type Config = Load;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Witness = ();
    type Figures = Figures;

    fn draw(load: &Load, members: &Members, clients: u32, key: Key) -> Vec<Operation<Request>> {
        load.draw(members, clients, key, |stream| {
            // Maelstrom's own sentence.
            let text = format!("\"Please echo {}\"", stream.below(128));
            let echo = Value::parse(&text).expect("a sentence in quotes is JSON");
            (Request::Echo { echo }, Effects::Changes)
        })
    }

    fn final_request() -> Option<Request> {
        None
    }

    /// No echo is a read: as in Maelstrom, one that times out is `info`.
    fn is_read(request: &Request) -> bool {
        match request {
            Request::Echo { .. } => false,
        }
    }

    fn function(request: &Request) -> &'static str {
        match request {
            Request::Echo { .. } => "echo",
        }
    }

    fn witness(_: &Members) {}

    fn see((): &mut (), _: Time, _: NodeId, event: &Event) {
        match *event {}
    }

    fn judge(history: &[EntryOf<Echo>], (): &(), _: &Facts<'_>) -> Judged<Figures> {
        let (answers, refused) = (answers(history), refused(history));
        let wrong: Vec<&Answer<'_>> = answers.iter().filter(|answer| answer.sent != answer.heard).collect();
        let (attempts, acknowledged) = (history.len() as u64, answers.len() as u64);
        let maelstrom = match (wrong.is_empty(), refused.is_empty()) {
            (true, true) => Verdict::Pass,
            (false, _) | (_, false) => Verdict::Fail,
        };
        let strict = match (wrong.is_empty(), acknowledged) {
            (false, _) => Verdict::Fail,
            (true, 0) => Verdict::Unknown,
            (true, _) => Verdict::Pass,
        };
        let mut row = format!("{attempts} asked for, {acknowledged} heard, {} wrong", wrong.len());
        if !refused.is_empty() {
            row += &format!(", {} refused (wrong to Maelstrom)", refused.len());
        }
        Judged {
            strict,
            maelstrom,
            problems: wrong.iter().map(|answer| answer.problem()).collect(),
            metrics: vec![
                ("attempts", Metric::Count(attempts)),
                ("acknowledged", Metric::Count(acknowledged)),
                ("wrong", Metric::Count(wrong.len() as u64)),
            ],
            rows: vec![("echoes", row)],
            figures: Figures {
                valid: maelstrom.into(),
                errors: wrong.iter().map(|answer| answer.mismatch()).chain(refused).collect(),
                strict: StrictFigures { attempt_count: attempts, acknowledged_count: acknowledged },
            },
        }
    }
}

/// What a client sent beside what it heard.
struct Answer<'a> {
    entry: &'a EntryOf<Echo>,
    sent: &'a Value,
    heard: &'a Value,
}

fn answers(history: &[EntryOf<Echo>]) -> Vec<Answer<'_>> {
    let answers = history.iter().filter_map(|entry| match (&entry.request, &entry.outcome) {
        (Request::Echo { echo: sent }, Outcome::Ok(Response::EchoOk { echo: heard })) => {
            Some(Answer { entry, sent, heard })
        }
        (Request::Echo { .. }, Outcome::Open | Outcome::Fail(_) | Outcome::Info(_)) => None,
    });
    answers.collect()
}

/// The requests that certainly came to nothing: errors to Maelstrom.
fn refused(history: &[EntryOf<Echo>]) -> Vec<Mismatch> {
    let refused = history.iter().filter_map(|entry| match (&entry.request, &entry.outcome) {
        (Request::Echo { echo }, Outcome::Fail(_)) => {
            Some(Mismatch { expected: echo.clone(), received: None, node: entry.node })
        }
        (Request::Echo { .. }, Outcome::Open | Outcome::Ok(_) | Outcome::Info(_)) => None,
    });
    refused.collect()
}

impl Answer<'_> {
    fn problem(&self) -> Problem {
        let Answer { entry, sent, heard } = self;
        let (node, asked, answered) = (entry.node, entry.invoked.at, entry.completed.at);
        let text = format!("{node} was asked at {asked} to echo {sent}, and answered {heard} at {answered}");
        Problem { kind: "wrong".into(), text, value: None }
    }

    fn mismatch(&self) -> Mismatch {
        Mismatch { expected: self.sent.clone(), received: Some(self.heard.clone()), node: self.entry.node }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::id::ClientId;
    use crate::time::Span;
    use crate::workload::{Entry, Phase, Reason, Stamp};

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    /// Histories as lines: "10ms n0 7 ok 12ms 7", or "info 5.01s", "fail 12ms", "open 10ms" in place of "ok 12ms 7".
    fn history(text: &str) -> Vec<EntryOf<Echo>> {
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let entry = |(place, words): (u64, Vec<&str>)| {
            let [asked, node, sent, end, ended, heard @ ..] = &words[..] else { panic!("{words:?}") };
            let stamp = |at: &str, index| Stamp { index, at: at.parse().unwrap() };
            Entry {
                client: ClientId(0),
                node: NodeId(node[1..].parse().unwrap()),
                request: Request::Echo { echo: value(sent) },
                phase: Phase::Storm,
                invoked: stamp(asked, place * 2),
                completed: stamp(ended, place * 2 + 1),
                outcome: match *end {
                    "ok" => Outcome::Ok(Response::EchoOk { echo: value(heard[0]) }),
                    "info" => Outcome::Info(Reason::TimedOut),
                    "fail" => Outcome::Fail(Reason::TimedOut),
                    _ => Outcome::Open,
                },
            }
        };
        (0..).zip(lines).map(entry).collect()
    }

    fn judge(text: &str) -> Judged<Figures> {
        let facts = Facts { members: &Members::all(3), wipes: &[], crashes: &[], grace: None };
        Echo::judge(&history(text), &(), &facts)
    }

    fn verdicts(text: &str) -> (Verdict, Verdict) {
        let judged = judge(text);
        (judged.maelstrom, judged.strict)
    }

    #[test]
    fn echoes_of_what_was_sent_pass() {
        let judged = judge(
            "10ms n0 7 ok 12ms 7
             11ms n1 \"x\" ok 13ms \"x\"
             12ms n2 [1,2] ok 13ms [1,2]
             13ms n2 7 info 5.013s
             15ms n2 9 open 15ms",
        );
        assert_eq!((judged.maelstrom, judged.strict), (Verdict::Pass, Verdict::Pass));
        assert_eq!(judged.problems, []);
    }

    #[test]
    fn one_wrong_echo_fails() {
        for wrong in ["8", "\"7\"", "7.0", "null", "[7]"] {
            let text = format!("10ms n0 7 ok 12ms 7\n 11ms n1 7 ok 13ms {wrong}");
            assert_eq!(verdicts(&text), (Verdict::Fail, Verdict::Fail), "{wrong}");
        }
    }

    #[test]
    fn the_echo_of_another_request_is_wrong() {
        assert_eq!(verdicts("10ms n0 7 ok 12ms 8\n 10ms n0 8 ok 12ms 7"), (Verdict::Fail, Verdict::Fail));
    }

    #[test]
    fn without_an_answer_it_cannot_be_told() {
        for text in ["", "10ms n0 7 info 5.01s", "10ms n0 7 open 10ms"] {
            assert_eq!(verdicts(text), (Verdict::Pass, Verdict::Unknown), "{text}");
        }
        assert_eq!(verdicts("10ms n0 7 ok 12ms 7"), (Verdict::Pass, Verdict::Pass));
    }

    #[test]
    fn a_refusal_is_wrong_to_maelstrom_and_says_nothing_strictly() {
        assert_eq!(verdicts("10ms n0 7 fail 11ms"), (Verdict::Fail, Verdict::Unknown));
        let judged = judge("10ms n0 7 ok 12ms 7\n 11ms n1 8 fail 12ms\n 12ms n1 9 info 5.012s");
        assert_eq!((judged.maelstrom, judged.strict), (Verdict::Fail, Verdict::Pass));
        assert_eq!(judged.problems, []);
        assert_eq!(judged.rows[0].1, "3 asked for, 1 heard, 0 wrong, 1 refused (wrong to Maelstrom)");
        expect![[
            r#"{"valid?":false,"errors":[{"expected":8,"node":1}],"strict":{"attempt-count":3,"acknowledged-count":1}}"#
        ]]
        .assert_eq(&serde_json::to_string(&judged.figures).unwrap());
    }

    #[test]
    fn a_bad_day_in_all_its_figures() {
        let judged = judge(
            "10ms n0 7 ok 12ms 7
             11ms n1 8 ok 13ms 9
             12ms n2 \"x\" ok 5.011s \"y\"
             13ms n2 7 info 5.013s",
        );
        let names: Vec<&str> = judged.metrics.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, Echo::METRICS);
        let metrics = judged.metrics.iter().map(|(name, metric)| format!("{name} {metric}"));
        let rows = judged.rows.iter().map(|(label, text)| format!("{label}: {text}"));
        let problems = judged.problems.iter().map(|problem| problem.text.clone());
        let figures = serde_json::to_string(&judged.figures).unwrap();
        let all: Vec<String> = metrics.chain(rows).chain(problems).chain([figures]).collect();
        expect![[r#"
            attempts 4
            acknowledged 3
            wrong 2
            echoes: 4 asked for, 3 heard, 2 wrong
            n1 was asked at 0.011s to echo 8, and answered 9 at 0.013s
            n2 was asked at 0.012s to echo "x", and answered "y" at 5.011s
            {"valid?":false,"errors":[{"expected":8,"received":9,"node":1},{"expected":"x","received":"y","node":2}],"strict":{"attempt-count":4,"acknowledged-count":3}}"#]].assert_eq(&all.join("\n"));
    }

    #[test]
    fn valid_is_maelstroms_verdict() {
        let valid = |text| serde_json::to_value(&judge(text).figures).unwrap()["valid?"].clone();
        assert_eq!(valid("10ms n0 7 ok 12ms 7"), true);
        assert_eq!(valid("10ms n0 7 ok 12ms 8"), false);
        assert_eq!(valid("10ms n0 7 info 5.01s"), true, "Maelstrom knows of no unknown here");
    }

    #[test]
    fn clients_ask_for_maelstroms_sentence_and_nothing_at_the_end() {
        let load = Load { rate: 100.0, time_limit: Span::from_secs(20), ..Load::default() };
        let operations = Echo::draw(&load, &Members::all(5), 5, Key::new(1, "load"));
        assert!((1_900..2_100).contains(&operations.len()), "{}", operations.len());
        let mut seen = [false; 128];
        for operation in &operations {
            let Request::Echo { echo } = &operation.request;
            let text = echo.text();
            let number = text.strip_prefix("\"Please echo ").and_then(|rest| rest.strip_suffix('"'));
            seen[number.unwrap().parse::<usize>().unwrap()] = true;
            assert_eq!((operation.effect, operation.phase), (Effects::Changes, Phase::Storm));
            assert!(!Echo::is_read(&operation.request));
            assert_eq!(Echo::function(&operation.request), "echo");
        }
        assert_eq!(seen, [true; 128], "0 to 127");
        assert_eq!(Echo::final_request(), None);
    }

    #[test]
    fn the_load_is_the_loads() {
        let load = Load { rate: -1.0, time_limit: Span::from_secs(7), ..Load::default() };
        assert_eq!(Echo::problem(&load), load.problem());
        assert_eq!(Echo::problem(&Load::default()), None);
        assert_eq!((Echo::time_limit(&load), Echo::expected(&load)), (Span::from_secs(7), -7.0));
    }
}
