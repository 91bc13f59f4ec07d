//! The served node, seen from its stdin and stdout. `process` runs the real binary, samples of the specification first;
//! `rules` goes through the wire's rules line by line; `host` asks what any node is given; `garbage` holds a node
//! against a model of the rules; `wired` lets two nodes talk; `messages` looks at what crosses the wire.
//!
//! Wherever it can be, the machine without I/O is asked, and time is a number. What a node writes is taken apart here,
//! by serde_json alone.

use rumormill::node::Node;
use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::stdio::Stdio;
use rumormill::time::Time;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

mod garbage;
mod host;
mod messages;
mod process;
mod rules;
mod wired;

const INIT: &str = r#"{"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]}}"#;

const READ: &str = r#"{"type": "read", "msg_id": 9}"#;

/// A node that waits for its `init` and never compares notes of its own accord.
fn calm() -> Stdio<Gossip> {
    Stdio::new(Config { anti_entropy: None, ..Config::default() }, 7)
}

/// The same, initialised as `n1` of three.
fn started() -> Stdio<Gossip> {
    let mut host = calm();
    assert_eq!(say(&mut host, INIT, Time::ZERO).len(), 1);
    host
}

/// Lines of `c1` for `n1`, as most here are.
fn from_c1(body: &str) -> String {
    line("c1", body)
}

fn line(src: &str, body: &str) -> String {
    format!(r#"{{"src": "{src}", "dest": "n1", "body": {body}}}"#)
}

/// What the node writes, in order, when it is given a line at an instant.
fn say<N: Node>(host: &mut Stdio<N>, line: impl AsRef<[u8]>, now: Time) -> Vec<Sent> {
    host.line(line.as_ref(), now);
    take(host)
}

fn take<N: Node>(host: &mut Stdio<N>) -> Vec<Sent> {
    text(host.take_output().lines).split_terminator('\n').map(Sent::read).collect()
}

/// What goes in, what comes out, and how often something was said about it on stderr.
fn transcript(host: &mut Stdio<Gossip>, lines: &[String]) -> String {
    let mut said = String::new();
    for line in lines {
        host.line(line.as_bytes(), Time::ZERO);
        let out = host.take_output();
        said += &format!("< {line}\n");
        for line in text(out.lines).split_terminator('\n') {
            Sent::read(line);
            said += &format!("> {line}\n");
        }
        out.log.iter().for_each(|_| {
            said += "! skipped
"
        });
    }
    said
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("what a node writes is UTF-8")
}

/// A line that a node wrote, taken apart. Reading it holds it to the form that every line must have.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sent {
    src: String,
    dest: String,
    tag: String,
    in_reply_to: Option<u64>,
    msg_id: u64,
    /// The body up to its `msg_id`.
    said: String,
    line: String,
}

impl Sent {
    fn read(line: &str) -> Sent {
        let Object(keys) = serde_json::from_str(line).expect(line);
        let [(_, src), (_, dest), (_, body)] = &keys[..] else { panic!("{line}") };
        assert_eq!([&keys[0].0, &keys[1].0, &keys[2].0], ["src", "dest", "body"], "{line}");
        let Object(keys) = serde_json::from_str(body.get()).expect(line);
        assert_eq!((&*keys[0].0, &*keys[keys.len() - 1].0), ("type", "msg_id"), "{line}");
        let text = |raw: &RawValue| serde_json::from_str::<String>(raw.get()).expect(line);
        let number = |raw: &RawValue| raw.get().parse::<u64>().expect(line);
        Sent {
            src: text(src),
            dest: text(dest),
            tag: text(keys[0].1),
            in_reply_to: keys.iter().find(|(key, _)| key == "in_reply_to").map(|(_, raw)| number(raw)),
            msg_id: number(keys[keys.len() - 1].1),
            said: body.get().rsplit_once(", \"msg_id\": ").expect(line).0.to_owned(),
            line: line.to_owned(),
        }
    }

    /// The number that an error carries.
    fn code(&self) -> Option<u64> {
        let number = self.said.strip_prefix("{\"type\": \"error\", \"code\": ")?.split(',').next()?;
        number.parse().ok()
    }
}

/// An object's keys and values as they stand, repetitions included. Anything else is no object.
struct Object<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Object<'de>, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Object<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Object(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}
