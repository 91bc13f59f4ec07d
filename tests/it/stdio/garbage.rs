//! Whatever lines come, the node does with each what the rules say, and a node that was given garbage goes on exactly
//! as one that was not.
//!
//! The rules are written down a second time, as [`Model`]: it reads lines through serde_json alone and predicts every
//! answer, every count and every change of state. Lines are valid ones, mutated; the twin gets only those that, says
//! the model, change something.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rumormill::protocol::gossip::Gossip;
use rumormill::stdio::Stdio;
use rumormill::time::{Span, Time};
use rumormill::value::Value;
use serde_json::value::RawValue;

use super::{Object, Sent, calm, say};

const FANOUT: usize = 2;

// The rules.

/// What is known of a gossip node that serves, from the lines it was given.
#[derive(Default)]
struct Model {
    me: String,
    /// None before `init`.
    names: Vec<String>,
    waiting: Vec<String>,
    values: Vec<Value>,
    broadcasts: usize,
    rumors: usize,
    skipped: u64,
    /// (src, dest, in_reply_to, what): a body up to `in_reply_to`, or an error's code.
    answers: Vec<(String, String, u64, String)>,
}

/// What becomes of a line.
enum Fate {
    /// It is nothing at all, or it waits.
    Passed,
    /// It changes what the node will say.
    Changed,
    /// It gets no answer and changes nothing.
    Taken,
    /// It is counted.
    Skipped,
    Refused(u64),
    Answered(String),
    /// Both.
    ChangedAnswered(String),
}

/// Whether a line must be given to the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Matters {
    Yes,
    No,
}

struct Asked<'a> {
    src: String,
    dest: String,
    tag: Option<String>,
    msg_id: Option<u64>,
    is_reply: bool,
    body: Vec<(String, &'a RawValue)>,
}

fn text(raw: &RawValue) -> Option<String> {
    serde_json::from_str(raw.get()).ok()
}

fn list(raw: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(raw.get()).ok()
}

fn texts(raw: &RawValue) -> Option<Vec<String>> {
    list(raw)?.into_iter().map(text).collect()
}

fn number(raw: &RawValue) -> Option<u64> {
    raw.get().parse().ok()
}

fn numbers(raw: &RawValue) -> Option<Vec<u64>> {
    list(raw)?.into_iter().map(number).collect()
}

fn value(raw: &RawValue) -> Option<Value> {
    Value::parse(raw.get()).ok()
}

/// The value of a key that stands there at most once; a line that repeats one of these is no message.
fn once<'a>(pairs: &[(String, &'a RawValue)], key: &str) -> Result<Option<&'a RawValue>, ()> {
    let mut found = pairs.iter().filter(|(name, _)| name == key).map(|(_, raw)| *raw);
    let first = found.next();
    if found.next().is_some() { Err(()) } else { Ok(first) }
}

impl<'a> Asked<'a> {
    fn read(line: &'a str) -> Option<Asked<'a>> {
        let Object(outer) = serde_json::from_str(line).ok()?;
        let Object(body) = serde_json::from_str(once(&outer, "body").ok()??.get()).ok()?;
        let head = |key| Some(once(&body, key).ok()?.filter(|raw| raw.get() != "null"));
        Some(Asked {
            src: text(once(&outer, "src").ok()??)?,
            dest: text(once(&outer, "dest").ok()??)?,
            tag: head("type")?.and_then(text),
            msg_id: head("msg_id")?.and_then(number).filter(|number| *number < 1 << 63),
            is_reply: head("in_reply_to")?.is_some(),
            body,
        })
    }

    fn field(&self, key: &str) -> Option<&'a RawValue> {
        once(&self.body, key).ok()?
    }
}

impl Model {
    fn line(&mut self, bytes: &[u8]) -> Matters {
        match std::str::from_utf8(bytes).map(str::trim_ascii) {
            Ok("") => Matters::No,
            Ok(line) => self.text(line),
            Err(_) => self.skip(),
        }
    }

    fn skip(&mut self) -> Matters {
        self.skipped += 1;
        Matters::No
    }

    fn text(&mut self, line: &str) -> Matters {
        let Some(asked) = Asked::read(line) else { return self.skip() };
        let was_waiting = self.names.is_empty();
        let fate = if was_waiting { self.before_init(&asked, line) } else { self.after_init(&asked) };
        let src = if self.names.is_empty() { &asked.dest } else { &self.me };
        let msg_id = asked.msg_id.filter(|_| !asked.is_reply);
        let mut answer = |what| {
            let answer = msg_id.map(|msg_id| (src.clone(), asked.src.clone(), msg_id, what));
            let given = answer.is_some();
            self.answers.extend(answer);
            given
        };
        let matters = match fate {
            Fate::Passed | Fate::Changed => Matters::Yes,
            Fate::Taken => Matters::No,
            Fate::Skipped => self.skip(),
            Fate::Refused(code) if answer(format!("error {code}")) => Matters::No,
            Fate::Refused(_) => self.skip(),
            Fate::Answered(what) => {
                answer(what);
                Matters::No
            }
            Fate::ChangedAnswered(what) => {
                answer(what);
                Matters::Yes
            }
        };
        if was_waiting && !self.names.is_empty() {
            for line in std::mem::take(&mut self.waiting) {
                self.text(&line);
            }
        }
        matters
    }

    fn before_init(&mut self, asked: &Asked<'_>, line: &str) -> Fate {
        match asked.tag.as_deref() {
            None if asked.is_reply => Fate::Skipped,
            None => Fate::Refused(12),
            Some("init") if !asked.is_reply => match self.init(asked) {
                Some(()) => Fate::ChangedAnswered("{\"type\": \"init_ok\"".to_owned()),
                None => Fate::Refused(12),
            },
            Some("broadcast" | "read" | "gossip_stats" | "topology") if !asked.is_reply => Fate::Refused(11),
            Some(_) => {
                self.waiting.push(line.to_owned());
                Fate::Passed
            }
        }
    }

    fn init(&mut self, asked: &Asked<'_>) -> Option<()> {
        let (me, names) = (text(asked.field("node_id")?)?, texts(asked.field("node_ids")?)?);
        let repeats = |name| names.iter().filter(|other| *other == name).count() > 1;
        if !names.contains(&me) || names.iter().any(repeats) {
            return None;
        }
        (self.me, self.names) = (me, names);
        Some(())
    }

    fn after_init(&mut self, asked: &Asked<'_>) -> Fate {
        let Some(tag) = asked.tag.as_deref() else {
            return if asked.is_reply { Fate::Skipped } else { Fate::Refused(12) };
        };
        let is_peer = asked.src != self.me && self.names.contains(&asked.src);
        match tag {
            "rumor" | "digest" | "differ" | "repair" if is_peer => match self.peer_message(tag, asked) {
                Some(fate) => fate,
                None if asked.is_reply => Fate::Skipped,
                None => Fate::Refused(12),
            },
            _ if asked.is_reply || tag == "error" => Fate::Skipped,
            "init" => Fate::Answered("{\"type\": \"init_ok\"".to_owned()),
            "topology" => match self.is_topology(asked) {
                Some(true) => Fate::Answered("{\"type\": \"topology_ok\"".to_owned()),
                Some(false) | None => Fate::Refused(12),
            },
            "broadcast" => match asked.field("message").and_then(value) {
                Some(value) => {
                    self.broadcasts += 1;
                    self.learn(value, self.names.len() - 1);
                    Fate::ChangedAnswered("{\"type\": \"broadcast_ok\"".to_owned())
                }
                None => Fate::Refused(12),
            },
            "read" => {
                let values: Vec<String> = self.values.iter().map(Value::to_string).collect();
                Fate::Answered(format!("{{\"type\": \"read_ok\", \"messages\": [{}]", values.join(", ")))
            }
            "gossip_stats" => Fate::Answered(self.stats()),
            _ => Fate::Refused(10),
        }
    }

    /// None if it does not fit its type.
    fn peer_message(&mut self, tag: &str, asked: &Asked<'_>) -> Option<Fate> {
        match tag {
            "rumor" => {
                let value = value(asked.field("message")?)?;
                asked.field("hops")?.get().parse::<u32>().ok()?;
                self.learn(value, self.names.len() - 2);
                Some(Fate::Changed)
            }
            "digest" => numbers(asked.field("sums")?).map(|_| Fate::Taken),
            "differ" => {
                number(asked.field("of")?)?;
                numbers(asked.field("buckets")?)?;
                numbers(asked.field("have")?).map(|_| Fate::Taken)
            }
            _ => {
                let values =
                    list(asked.field("messages")?)?.into_iter().map(value).collect::<Option<Vec<_>>>()?;
                numbers(asked.field("want")?)?;
                values.into_iter().for_each(|value| self.keep(value));
                Some(Fate::Changed)
            }
        }
    }

    fn is_topology(&self, asked: &Asked<'_>) -> Option<bool> {
        let Object(topology) = serde_json::from_str(asked.field("topology")?.get()).ok()?;
        let mut mine = None;
        for (name, neighbours) in topology {
            let neighbours = texts(neighbours)?;
            if name == self.me {
                mine = Some(neighbours);
            }
        }
        Some(mine?.iter().all(|name| self.names.contains(name)))
    }

    fn learn(&mut self, value: Value, peers: usize) {
        if !self.values.contains(&value) {
            self.rumors += peers.min(FANOUT);
            self.values.push(value);
        }
    }

    fn keep(&mut self, value: Value) {
        if !self.values.contains(&value) {
            self.values.push(value);
        }
    }

    fn stats(&self) -> String {
        let (rumors, broadcasts) = (self.rumors, self.broadcasts);
        let each = if broadcasts == 0 { 0.0 } else { rumors as f64 / broadcasts as f64 };
        let known = self.values.len();
        // Rust prints floats in the shortest form that reads back, and whole ones without a fraction.
        format!(
            "{{\"type\": \"gossip_stats_ok\", \"broadcasts_received\": {broadcasts}, \"gossip_messages_sent\": {rumors}, \
             \"messages_per_op\": {each}, \"unique_messages\": {known}"
        )
    }
}

// The lines.

/// A valid line in pieces: (key, value), the body's keys apart.
#[derive(Clone, Debug)]
struct Pieces {
    outer: Vec<(String, String)>,
    body: Vec<(String, String)>,
}

fn pieces(src: &str, body: &[(&str, &str)]) -> Pieces {
    let owned = |(key, value): &(&str, &str)| (format!("{key:?}"), (*value).to_owned());
    let src = format!("{src:?}");
    Pieces {
        outer: [("src", &*src), ("dest", "\"n1\""), ("body", "BODY")].iter().map(owned).collect(),
        body: body.iter().map(owned).collect(),
    }
}

impl Pieces {
    fn write(&self) -> String {
        let join = |pairs: &[(String, String)]| {
            let pairs: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}: {value}")).collect();
            format!("{{{}}}", pairs.join(", "))
        };
        join(&self.outer).replace("BODY", &join(&self.body))
    }

    /// The list that holds piece number `at`, and its place there. The body's pieces come twice as often.
    fn find(&mut self, at: &Index) -> Option<(&mut Vec<(String, String)>, usize)> {
        let (outer, body) = (self.outer.len(), self.body.len());
        match at.index((outer + 2 * body).max(1)) {
            at if at < outer => Some((&mut self.outer, at)),
            at if at < outer + 2 * body => Some((&mut self.body, (at - outer) % body)),
            _ => None,
        }
    }
}

const NODE_IDS: &str = r#"["n1", "n2", "n10", "é\"4", "n3"]"#;

fn init() -> Pieces {
    pieces("c0", &[("type", "\"init\""), ("msg_id", "1"), ("node_id", "\"n1\""), ("node_ids", NODE_IDS)])
}

/// Every type that a gossip node can be sent.
static VALID: LazyLock<Vec<Pieces>> = LazyLock::new(|| {
    let of = |src, tag: &str, msg_id, rest: &[(&str, &str)]| {
        let tag = format!("{tag:?}");
        pieces(src, &[&[("type", &*tag), ("msg_id", msg_id)], rest].concat())
    };
    vec![
        init(),
        of("c1", "broadcast", "2", &[("message", "7")]),
        of("c1", "broadcast", "3", &[("message", "{\"b\": [1.0, \"x\\u00e9\"], \"a\": null}")]),
        of("n2", "broadcast", "4", &[("message", "\"from a peer\"")]),
        of("c2", "read", "5", &[]),
        of("c2", "gossip_stats", "6", &[]),
        of("c0", "topology", "7", &[("topology", "{\"n1\": [\"n2\", \"n3\"], \"n2\": [\"n1\"]}")]),
        of("n2", "rumor", "8", &[("message", "8"), ("hops", "1")]),
        of("n10", "rumor", "9", &[("message", "[9]"), ("hops", "4294967295")]),
        of("n2", "digest", "10", &[("sums", "[1, 2]")]),
        of("n3", "differ", "11", &[("of", "2"), ("buckets", "[0, 1]"), ("have", "[5]")]),
        of("n3", "repair", "12", &[("messages", "[10, \"eleven\"]"), ("want", "[5]")]),
        of("c1", "calc_fanout", "13", &[("nodes", "5")]),
        of("c1", "error", "14", &[("code", "13"), ("text", "\"no\"")]),
        of("n2", "read_ok", "15", &[("messages", "[1]"), ("in_reply_to", "3")]),
        of("n2", "rumor", "16", &[("message", "12"), ("hops", "1"), ("in_reply_to", "0")]),
    ]
});

/// Values in the place of others.
static ODD: LazyLock<Vec<String>> = LazyLock::new(|| {
    let odd = [
        "null",
        "true",
        "0",
        "-0",
        "-1",
        "1.5",
        "1e400",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551616",
        "\"\"",
        "\"n1\"",
        "\"n2\"",
        "\"nobody\"",
        "\"c1\"",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "[]",
        "{}",
        "[null]",
        "[\"n1\"]",
        "[\"n1\", \"n1\"]",
        "[1, 2, 3]",
        "{\"n1\": []}",
        "\"init\"",
        "\"error\"",
        "\"broadcast\"",
        "\"rumor\"",
        "\"repair\"",
        "\"read\"",
        "\"topology\"",
        "nul",
        "01",
        "",
        "\"\u{1}\"",
    ];
    let nested = |depth: usize| {
        [("[", "]"), ("{\"a\":", "}")].map(|(o, c)| format!("{}1{}", o.repeat(depth), c.repeat(depth)))
    };
    odd.into_iter().map(str::to_owned).chain(nested(100)).chain(nested(101)).chain(nested(5_000)).collect()
});

const KEYS: [&str; 12] = [
    "src",
    "dest",
    "body",
    "type",
    "msg_id",
    "in_reply_to",
    "message",
    "hops",
    "node_id",
    "node_ids",
    "want",
    "id",
];

#[derive(Clone, Debug)]
enum Mutation {
    Delete(Index),
    Repeat(Index),
    Change(Index, Index),
    Rename(Index, &'static str),
    Add(&'static str, Index),
    Flip(Index, u8),
    Cut(Index),
    Insert(Index, u8),
    Splice(Index, Index),
}

fn mutations() -> impl Strategy<Value = Vec<Mutation>> {
    let at = any::<Index>;
    let byte = || prop_oneof![any::<u8>(), select(&b"\"{}[],:\\ \r\0e-0"[..])];
    let mutation = prop_oneof![
        2 => at().prop_map(Mutation::Delete),
        2 => at().prop_map(Mutation::Repeat),
        6 => (at(), at()).prop_map(|(at, odd)| Mutation::Change(at, odd)),
        2 => (at(), select(&KEYS[..])).prop_map(|(at, key)| Mutation::Rename(at, key)),
        2 => (select(&KEYS[..]), at()).prop_map(|(key, odd)| Mutation::Add(key, odd)),
        2 => (at(), byte()).prop_map(|(at, byte)| Mutation::Flip(at, byte)),
        1 => at().prop_map(Mutation::Cut),
        1 => (at(), byte()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Splice(from, to)),
    ];
    prop::collection::vec(mutation, 0..4)
}

/// Bytes that a failure shows as text.
#[derive(Clone)]
struct Garbage(Vec<u8>);

impl std::fmt::Debug for Garbage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0[..self.0.len().min(400)]))
    }
}

/// A valid line with a few things done to it; its end is not always there, either.
fn lines() -> impl Strategy<Value = Garbage> {
    let end = select(&["", "\n", "\r\n", " \t"][..]);
    let line = (any::<Index>(), mutations(), end).prop_map(|(at, mutations, end)| {
        let pieces = VALID[at.index(VALID.len())].clone();
        let mut line = mutated(pieces, &mutations);
        line.extend(end.bytes());
        line
    });
    prop_oneof![30 => line, 1 => prop::collection::vec(any::<u8>(), 0..40)].prop_map(Garbage)
}

fn mutated(mut pieces: Pieces, mutations: &[Mutation]) -> Vec<u8> {
    for mutation in mutations {
        let (Mutation::Delete(at) | Mutation::Repeat(at) | Mutation::Change(at, _) | Mutation::Rename(at, _)) =
            mutation
        else {
            continue;
        };
        let Some((pairs, at)) = pieces.find(at) else { continue };
        match mutation {
            Mutation::Delete(_) => drop(pairs.remove(at)),
            Mutation::Repeat(_) => pairs.push(pairs[at].clone()),
            Mutation::Change(_, odd) => pairs[at].1 = ODD[odd.index(ODD.len())].clone(),
            Mutation::Rename(_, key) => pairs[at].0 = format!("{key:?}"),
            _ => unreachable!("the others are for bytes"),
        }
    }
    for mutation in mutations {
        if let Mutation::Add(key, odd) = mutation {
            pieces.body.push((format!("{key:?}"), ODD[odd.index(ODD.len())].clone()));
        }
    }
    let mut line = pieces.write().into_bytes();
    for mutation in mutations {
        let length = line.len().max(1);
        match mutation {
            Mutation::Flip(at, byte) => line.get_mut(at.index(length)).map_or((), |old| *old = *byte),
            Mutation::Cut(at) => line.truncate(at.index(length)),
            Mutation::Insert(at, byte) => line.insert(at.index(length), *byte),
            Mutation::Splice(from, to) => {
                let tail = line[from.index(length).min(line.len())..].to_vec();
                line.splice(to.index(length).min(line.len()).., tail);
            }
            _ => {}
        }
    }
    // One line is one line.
    line.retain(|byte| *byte != b'\n');
    line
}

// The node against the model, and against its twin.

/// Gives the node a line and holds what it does against the model.
fn check(host: &mut Stdio<Gossip>, model: &mut Model, line: &[u8], now: Time) -> Matters {
    let (rumors, first) = (model.rumors, model.answers.len());
    let shown = String::from_utf8_lossy(&line[..line.len().min(400)]);
    let out = say(host, line, now);
    let matters = model.line(line);
    let (answers, sends): (Vec<Sent>, Vec<Sent>) =
        out.into_iter().partition(|sent| sent.in_reply_to.is_some());
    let answers: Vec<_> = answers
        .into_iter()
        .map(|sent| {
            let what = match sent.code() {
                Some(code) => format!("error {code}"),
                None => sent.said.rsplit_once(", \"in_reply_to\"").expect("it is an answer").0.to_owned(),
            };
            (sent.src, sent.dest, sent.in_reply_to.expect("it is an answer"), what)
        })
        .collect();
    assert_eq!(answers, model.answers[first..], "{shown}");
    assert_eq!(host.skipped(), model.skipped, "{shown}");
    assert_eq!(sends.iter().filter(|sent| sent.tag == "rumor").count(), model.rumors - rumors, "{shown}");
    for sent in sends {
        assert!(["rumor", "digest", "differ", "repair"].contains(&&*sent.tag), "{}", sent.line);
        assert!(sent.dest != model.me && model.names.contains(&sent.dest), "{}", sent.line);
    }
    matters
}

/// Fixed questions, and what is said to them but for the numbers of lines.
fn probe(host: &mut Stdio<Gossip>, now: Time) -> Vec<(String, String)> {
    let mut lines = vec![init()];
    lines.extend(VALID.iter().cloned());
    lines.push(pieces("c9", &[("type", "\"broadcast\""), ("msg_id", "1"), ("message", "\"probe\"")]));
    lines.push(pieces("n3", &[("type", "\"rumor\""), ("message", "\"probe 2\""), ("hops", "1")]));
    lines.push(pieces("n3", &[("type", "\"digest\""), ("sums", "[0, 0, 0]")]));
    lines.push(pieces("n2", &[("type", "\"differ\""), ("of", "1"), ("buckets", "[0]"), ("have", "[]")]));
    lines.push(pieces("c9", &[("type", "\"gossip_stats\""), ("msg_id", "2")]));
    lines.push(pieces("c9", &[("type", "\"read\""), ("msg_id", "3")]));
    let said = lines.iter().flat_map(|line| say(host, line.write(), now));
    said.map(|sent| (sent.dest, sent.said)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_leaves_the_node_as_one_that_was_given_none(
        before in prop::collection::vec(lines(), 0..12),
        after in prop::collection::vec(lines(), 0..24),
    ) {
        let (mut host, mut twin, mut model) = (calm(), calm(), Model::default());
        let init = Garbage(init().write().into_bytes());
        let mut now = Time::ZERO;
        for Garbage(line) in before.iter().chain([&init]).chain(&after) {
            if check(&mut host, &mut model, line, now) == Matters::Yes {
                twin.line(line, now);
            }
            now = now + Span::from_millis(1);
        }
        twin.take_output();
        prop_assert_eq!(host.node(), twin.node());
        prop_assert_eq!(probe(&mut host, now), probe(&mut twin, now));
    }
}

/// The property above would hold if every line were garbage, or none were.
#[test]
fn the_mutations_are_neither_too_wild_nor_too_tame() {
    let mut runner = TestRunner::deterministic();
    let (mut changed, mut answered, mut refused, mut skipped) = (0, 0, 0, 0);
    let lines = prop::collection::vec(lines(), 2_000);
    let lines = lines.new_tree(&mut runner).unwrap().current();
    let mut model = Model::default();
    model.line(init().write().as_bytes());
    for Garbage(line) in lines {
        let known = model.values.len();
        model.line(&line);
        changed += model.values.len() - known;
    }
    for (_, _, _, what) in &model.answers {
        if what.starts_with("error") { refused += 1 } else { answered += 1 }
    }
    skipped += model.skipped;
    assert!(
        changed > 20 && answered > 200 && refused > 200 && skipped > 200,
        "{changed} {answered} {refused} {skipped}"
    );
}
