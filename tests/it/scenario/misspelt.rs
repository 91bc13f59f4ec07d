//! Every key and every word of the format, misspelt once: the program must say where, what is allowed, and what was
//! probably meant.
//!
//! What there is to misspell comes from the JSON Schema, so that no new key or word can be forgotten: a text in
//! `everything.json` must use it first. Places come from a reader of our own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use rumormill::protocol::{builtin, schema};
use rumormill::run::METRICS;

use crate::program::Desk;

/// A text with every key of the format.
pub(super) const EVERYTHING: &str = include_str!("everything.json");

/// The protocol of `everything.json`; a file has one.
const GOSSIP: &str = r#""gossip": { "fanout": 3, "anti_entropy": "1s" }"#;

/// Keys and words of which a text can hold only one at a time.
const TURNS: [(&str, &str); 16] = [
    (GOSSIP, r#""flood": { "retry": "1s", "batch": "150ms", "hub_batch": "380ms", "overlay": "given" }"#),
    (GOSSIP, r#""flood": { "overlay": "star" }"#),
    (GOSSIP, r#""flood": { "overlay": { "tree": 4 } }"#),
    (GOSSIP, r#""relay": { "period": "1s", "margin": "20ms", "ack": "2s", "patience": "600ms" }"#),
    (r#""topology": "line""#, r#""topology": "grid""#),
    (r#""topology": "line""#, r#""topology": "tree""#),
    (r#""topology": "line""#, r#""topology": "tree2""#),
    (r#""topology": "line""#, r#""topology": "tree3""#),
    (r#""topology": "line""#, r#""topology": "tree4""#),
    (r#""topology": "line""#, r#""topology": "total""#),
    (r#""profile": "ideal""#, r#""profile": "maelstrom""#),
    (r#""workers": "in_turn""#, r#""workers": "rotating""#),
    (r#""workers": "in_turn""#, r#""workers": "random""#),
    (r#""order": "any""#, r#""order": "fifo""#),
    (r#""verdict": "pass""#, r#""verdict": "fail""#),
    (r#""verdict": "pass""#, r#""verdict": "unknown""#),
];

/// What a text for another protocol says in place of `everything.json`; a null takes the key away.
const OTHERS: [&str; 5] = [
    r#"{ "protocol": { "echo": {} }, "workload": { "echo": { "rate": 10.0, "time_limit": "10s", "workers": "in_turn" } },
         "operations": null, "expect": { "acknowledged": ">=0", "attempts": ">=0", "wrong": ">=0" } }"#,
    r#"{ "protocol": { "unique-ids": {} }, "workload": { "unique-ids": { "rate": 10.0, "time_limit": "10s", "workers": "in_turn" } },
         "operations": null, "expect": { "acknowledged": ">=0", "attempts": ">=0", "duplicated": ">=0" } }"#,
    r#"{ "protocol": { "g-set": { "fanout": 2, "anti_entropy": "1s" } }, "workload": { "g-set": { "rate": 10.0, "time_limit": "10s", "workers": "in_turn" } },
         "operations": null }"#,
    r#"{ "protocol": { "g-counter": { "fanout": 2, "anti_entropy": "1s" } }, "workload": { "g-counter": { "rate": 10.0, "time_limit": "10s", "workers": "in_turn" } },
         "operations": null, "expect": { "acknowledged": ">=0", "attempts": ">=0", "final_values": 1, "forgiven": 0,
                     "indeterminate": 0, "silent": 0, "unacceptable": 0 } }"#,
    r#"{ "protocol": { "pn-counter": { "fanout": 2, "anti_entropy": "1s" } }, "workload": { "pn-counter": { "rate": 10.0, "time_limit": "10s", "workers": "in_turn" } },
         "operations": null, "expect": { "acknowledged": ">=0", "attempts": ">=0", "final_values": 1, "forgiven": 0,
                     "indeterminate": 0, "silent": 0, "unacceptable": 0 } }"#,
];

#[test]
fn every_key_and_every_word_misspelt_is_placed_and_put_right() {
    let schema = schema(&builtin(), METRICS);
    let sites = sites(&schema);
    let unused: Vec<String> =
        all_words(&schema).into_iter().filter(|word| !sites.contains_key(word)).collect();
    assert!(
        unused.is_empty(),
        "everything.json, TURNS and OTHERS use every key and word, but not {unused:#?}"
    );

    let desk = Desk::new();
    let wrong: Vec<String> =
        sites.iter().filter_map(|(pointer, site)| misspell(&desk, &schema, pointer, site)).collect();
    assert!(wrong.is_empty(), "{} of {} words:\n\n{}", wrong.len(), sites.len(), wrong.join("\n\n"));
}

/// A key or a word in one of the texts.
struct Site {
    text: String,
    spot: Spot,
    /// Of its first quote.
    offset: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Spot {
    /// The last key of this path.
    Key(String),
    /// The string that this path leads to.
    Word(String),
}

/// Misspells a word, and says what is wrong with what the program says.
fn misspell(desk: &Desk, schema: &Value, pointer: &str, site: &Site) -> Option<String> {
    let Site { text, spot, offset } = site;
    let end = offset + 1 + text[offset + 1..].find('"').expect("a string ends");
    let right = &text[offset + 1..end];
    let wrong = format!("{}{right}", &right[..1]);
    desk.put("s.json", format!("{}{wrong}{}", &text[..offset + 1], &text[end..]));
    let said = desk.run(["check", "s.json"]);

    let before = &text[..*offset];
    let (line, column) =
        (before.matches('\n').count() + 1, before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1);
    let begins = match spot {
        Spot::Key(path) => {
            let parent = path.rsplit_once('.').map_or(String::new(), |(parent, _)| format!("{parent}."));
            format!("error: s.json:{line}:{column}: {parent}{wrong}: unknown ")
        }
        // What people look for is the key in whose value the word stands, or its place in a list.
        Spot::Word(_) => format!("error: s.json:{line}:"),
    };
    let path = match spot {
        Spot::Key(_) => String::new(),
        Spot::Word(path) => format!(": {path}: unknown word "),
    };
    let allowed = said.talk.lines().find_map(|line| line.trim().strip_prefix("allowed: "));
    let allowed: BTreeSet<&str> = allowed.unwrap_or_default().split(", ").collect();
    let there_are = siblings(schema, pointer);
    // Of all workloads only the one that the protocol serves is allowed, and of all figures only its own.
    let is_workload = holder_of(pointer) == "/properties/workload";
    let all_allowed = match pointer.contains("/Expect/") || is_workload {
        true => allowed.contains(right) && allowed.is_subset(&there_are),
        false => allowed == there_are,
    };
    let fine = said.code == 65
        && said.out.is_empty()
        && said.talk.starts_with(&begins)
        && said.talk.contains(&path)
        && said.talk.contains(&format!("; did you mean `{right}`?"))
        && all_allowed;
    (!fine).then(|| {
        format!("{spot:?} as `{wrong}`: exit {}, expected `{begins}`, and not\n{}", said.code, said.talk)
    })
}

/// Where each key and word of the schema is first used.
fn sites(schema: &Value) -> BTreeMap<String, Site> {
    let turns = TURNS.iter().map(|(word, other)| {
        assert!(EVERYTHING.contains(word), "{word} is in everything.json");
        EVERYTHING.replace(word, other)
    });
    let mut sites = BTreeMap::new();
    for text in std::iter::once(EVERYTHING.to_owned()).chain(turns).chain(OTHERS.map(in_place)) {
        let value: Value = serde_json::from_str(&text).expect("the text is JSON");
        let mut spots = Spots { text: &text, at: 0, offsets: BTreeMap::new() };
        spots.value("");
        let mut uses = Vec::new();
        walk(schema, "", &value, "", &mut uses);
        for (pointer, spot) in uses {
            let offset = spots.offsets[&spot];
            sites.entry(pointer).or_insert_with(|| Site { text: text.clone(), spot, offset });
        }
    }
    sites
}

/// `everything.json` with some of its keys replaced.
fn in_place(other: &str) -> String {
    let mut text: Value = serde_json::from_str(EVERYTHING).expect("the text is JSON");
    let other: Value = serde_json::from_str(other).expect("what stands in its place is JSON");
    for (key, part) in other.as_object().expect("an object stands in its place") {
        text[key] = part.clone();
    }
    text.as_object_mut().expect("the text is an object").retain(|_, part| !part.is_null());
    serde_json::to_string_pretty(&text).expect("JSON can be written")
}

/// A reader of valid JSON that only notes where keys and strings begin.
struct Spots<'a> {
    text: &'a str,
    at: usize,
    offsets: BTreeMap<Spot, usize>,
}

impl<'a> Spots<'a> {
    fn peek(&mut self) -> u8 {
        self.at += self.text[self.at..].len() - self.text[self.at..].trim_start().len();
        self.text.as_bytes()[self.at]
    }

    fn skip(&mut self, sign: u8) {
        self.at += usize::from(self.peek() == sign);
    }

    fn string(&mut self) -> &'a str {
        let begin = self.at + 1;
        let mut end = begin;
        while self.text.as_bytes()[end] != b'"' {
            end += if self.text.as_bytes()[end] == b'\\' { 2 } else { 1 };
        }
        self.at = end + 1;
        &self.text[begin..end]
    }

    fn value(&mut self, path: &str) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match self.peek() {
            b'"' => {
                self.offsets.insert(Spot::Word(path.to_owned()), self.at);
                self.string();
            }
            b'{' | b'[' => {
                let is_object = self.peek() == b'{';
                let mut place = 0;
                self.at += 1;
                while !matches!(self.peek(), b'}' | b']') {
                    let begin = self.at;
                    let key = match is_object {
                        true => self.string().to_owned(),
                        false => place.to_string(),
                    };
                    if is_object {
                        self.offsets.insert(Spot::Key(below(&key)), begin);
                        self.skip(b':');
                    }
                    self.value(&below(&key));
                    self.skip(b',');
                    place += 1;
                }
                self.at += 1;
            }
            _ => self.at += self.text[self.at..].find([',', '}', ']', '\n', ' ']).expect("an object ends"),
        }
    }
}

/// All keys and words, as the pointers `X/properties/key`, `X/const` and `X/enum/0` to them.
fn all_words(schema: &Value) -> Vec<String> {
    fn collect(schema: &Value, pointer: &str, words: &mut Vec<String>) {
        for (key, part) in schema.as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/{key}");
            match (key.as_str(), part) {
                ("const", Value::String(_)) => words.push(pointer),
                ("enum", Value::Array(all)) => {
                    words.extend((0..all.len()).map(|at| format!("{pointer}/{at}")))
                }
                ("properties" | "$defs", Value::Object(parts)) => {
                    for (name, part) in parts {
                        let pointer = format!("{pointer}/{name}");
                        collect(part, &pointer, words);
                        if key == "properties" {
                            words.push(pointer);
                        }
                    }
                }
                ("oneOf" | "anyOf", Value::Array(parts)) => {
                    parts
                        .iter()
                        .enumerate()
                        .for_each(|(at, part)| collect(part, &format!("{pointer}/{at}"), words));
                }
                ("items", part) => collect(part, &pointer, words),
                _ => {}
            }
        }
    }
    let mut words = Vec::new();
    collect(schema, "", &mut words);
    words
}

/// Follows references.
fn resolve<'a>(root: &'a Value, pointer: &str) -> (String, &'a Value) {
    let schema = root.pointer(pointer).expect("references lead somewhere");
    match schema.get("$ref").and_then(Value::as_str) {
        Some(other) => resolve(root, other.trim_start_matches('#')),
        None => (pointer.to_owned(), schema),
    }
}

/// The parts of the schema that a value uses, with where it does.
fn walk(root: &Value, pointer: &str, value: &Value, path: &str, uses: &mut Vec<(String, Spot)>) {
    let (pointer, schema) = resolve(root, pointer);
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    if schema.get("const") == Some(value) {
        uses.push((format!("{pointer}/const"), Spot::Word(path.to_owned())));
    }
    if let Some(at) = schema["enum"].as_array().and_then(|all| all.iter().position(|word| word == value)) {
        uses.push((format!("{pointer}/enum/{at}"), Spot::Word(path.to_owned())));
    }
    for (key, _) in schema["properties"].as_object().into_iter().flatten() {
        if let Some(part) = value.get(key) {
            let pointer = format!("{pointer}/properties/{key}");
            walk(root, &pointer, part, &below(key), uses);
            uses.push((pointer, Spot::Key(below(key))));
        }
    }
    if schema.get("items").is_some() {
        for (at, part) in value.as_array().into_iter().flatten().enumerate() {
            walk(root, &format!("{pointer}/items"), part, &below(&at.to_string()), uses);
        }
    }
    for choice in ["oneOf", "anyOf"] {
        for at in 0..schema[choice].as_array().map_or(0, Vec::len) {
            let pointer = format!("{pointer}/{choice}/{at}");
            if fits(root, &pointer, value) {
                walk(root, &pointer, value, path, uses);
            }
        }
    }
}

/// Whether a value can be meant for this part of the schema; looks only so deep as it takes to tell choices apart.
fn fits(root: &Value, pointer: &str, value: &Value) -> bool {
    let (pointer, schema) = resolve(root, pointer);
    let of_type = |name: &Value| match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("null") => value.is_null(),
        Some(_) | None => value.is_number(),
    };
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    let word = if schema.get("oneOf").is_some() { "oneOf" } else { "anyOf" };
    schema
        .get("type")
        .is_none_or(|name| name.as_array().map_or(of_type(name), |names| names.iter().any(of_type)))
        && schema.get("const").is_none_or(|word| word == value)
        && schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .all(|key| key.as_str().is_some_and(|key| value.get(key).is_some()))
        && choices
            .is_none_or(|all| (0..all.len()).any(|at| fits(root, &format!("{pointer}/{word}/{at}"), value)))
}

/// The words that could stand in the place of a key or word: the keys of its object, or the choices beside it.
fn siblings<'a>(root: &'a Value, pointer: &str) -> BTreeSet<&'a str> {
    let words = |schema: &'a Value| {
        let keys = schema["properties"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
        let words = schema["enum"].as_array().into_iter().flatten().chain(schema.get("const"));
        keys.chain(words.filter_map(Value::as_str)).collect::<Vec<&str>>()
    };
    let holder = holder_of(pointer);
    let above = up(holder);
    match root.pointer(above).and_then(Value::as_array) {
        Some(choices) if above.ends_with("/oneOf") => choices.iter().flat_map(words).collect(),
        Some(_) | None => root.pointer(holder).map(words).into_iter().flatten().collect(),
    }
}

/// The part of the schema that a key or word belongs to.
fn holder_of(pointer: &str) -> &str {
    if pointer.ends_with("/const") { up(pointer) } else { up(up(pointer)) }
}

fn up(pointer: &str) -> &str {
    pointer.rsplit_once('/').map_or("", |(above, _)| above)
}
