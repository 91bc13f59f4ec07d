//! JSON as EDN, laid out as Maelstrom lays out its results (fipp, 70 columns): what fits stays on its line, all else has
//! a line for each part. It knows the few keys whose values are more than JSON says, and no run.
//!
//! Lists are cut, so that a result is a page; the counts stand beside them, and `--json` has all.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

const WIDTH: usize = 70;
/// So many words of a list are shown, and so many maps.
const MOST_WORDS: usize = 12;
const MOST_MAPS: usize = 3;

/// Keys of ours, beside Maelstrom's in its `:workload`.
const OURS: [&str; 2] = ["strict", "spread"];
/// Keys whose words are keywords.
const KEYWORDS: [&str; 2] = ["valid?", "outcome"];
/// Keys whose numbers are `float`s of 32 bits in Maelstrom.
const FLOATS: [&str; 2] = ["msgs-per-op", "ok-fraction"];
/// The key whose pairs are a map, and the one whose list is a vector.
const PAIRS: &str = "duplicated";
const VECTOR: &str = "range";

/// A JSON text as EDN for people.
///
/// # Panics
/// If it is no JSON.
pub(super) fn pretty(json: &str) -> String {
    let json: Json = serde_json::from_str(json).expect("the results are JSON");
    let mut text = String::new();
    Form::of(&json, "").write(0, &mut text);
    text
}

/// JSON with the keys in their order.
enum Json {
    /// null, true, false or a number, as EDN writes it, too.
    Word(String),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// A form of EDN.
enum Form {
    Word(String),
    /// Between two delimiters, parts with or without a key.
    Many(&'static str, Vec<(Option<Form>, Form)>, &'static str),
}

impl Form {
    /// What stands under a key.
    fn of(json: &Json, key: &str) -> Form {
        match json {
            Json::Word(word) => Form::Word(word.clone()),
            Json::Float(number) if FLOATS.contains(&key) => Form::Word(format!("{:?}", *number as f32)),
            Json::Float(number) => Form::Word(format!("{number:?}")),
            Json::Text(text) if KEYWORDS.contains(&key) => Form::Word(format!(":{text}")),
            Json::Text(text) => Form::Word(format!("{text:?}")),
            Json::List(items) if key == PAIRS => {
                Form::Many("{", cut(items.iter().filter_map(Form::pair)), "}")
            }
            Json::List(items) => {
                let (open, close) = if key == VECTOR { ("[", "]") } else { ("(", ")") };
                // A list in a list is a vector.
                Form::Many(open, cut(items.iter().map(|item| (None, Form::of(item, VECTOR)))), close)
            }
            Json::Object(fields) => {
                let fields = fields.iter().filter(|(key, _)| !OURS.contains(&key.as_str()));
                let field = |(key, value): &(String, Json)| (Some(Form::key(key)), Form::of(value, key));
                Form::Many("{", fields.map(field).collect(), "}")
            }
        }
    }

    fn pair(json: &Json) -> Option<(Option<Form>, Form)> {
        match json {
            Json::List(pair) => Some((Some(Form::of(pair.first()?, "")), Form::of(pair.get(1)?, ""))),
            Json::Word(_) | Json::Float(_) | Json::Text(_) | Json::Object(_) => None,
        }
    }

    /// A keyword, or a number where the keys are quantiles.
    fn key(key: &str) -> Form {
        Form::Word(if key.parse::<f64>().is_ok() { key.to_owned() } else { format!(":{key}") })
    }

    fn line(&self) -> String {
        match self {
            Form::Word(word) => word.clone(),
            Form::Many(open, parts, close) => {
                let part = |(key, value): &(Option<Form>, Form)| match key {
                    Some(key) => format!("{} {}", key.line(), value.line()),
                    None => value.line(),
                };
                let comma = if *open == "{" { ", " } else { " " };
                format!("{open}{}{close}", parts.iter().map(part).collect::<Vec<_>>().join(comma))
            }
        }
    }

    fn write(&self, column: usize, text: &mut String) {
        let line = self.line();
        let Form::Many(open, parts, close) = self else { return text.push_str(&line) };
        if column + line.chars().count() <= WIDTH {
            return text.push_str(&line);
        }
        text.push_str(open);
        for (at, (key, value)) in parts.iter().enumerate() {
            if at > 0 {
                text.push_str(if *open == "{" { ",\n" } else { "\n" });
                text.push_str(&" ".repeat(column + 1));
            }
            let key = key.as_ref().map(|key| key.line() + " ").unwrap_or_default();
            text.push_str(&key);
            value.write(column + 1 + key.chars().count(), text);
        }
        text.push_str(close);
    }
}

/// The first parts of a list, and a word for the rest.
fn cut(parts: impl Iterator<Item = (Option<Form>, Form)>) -> Vec<(Option<Form>, Form)> {
    let mut parts: Vec<_> = parts.collect();
    let maps = parts.iter().any(|(_, part)| matches!(part, Form::Many("{", _, _)));
    let most = if maps { MOST_MAPS } else { MOST_WORDS };
    if parts.len() > most {
        parts.truncate(most);
        parts.push((None, Form::Word("...".to_owned())));
    }
    parts
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Json, E> {
        Ok(Json::Word("nil".to_owned()))
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Json, E> {
        Ok(Json::Word(truth.to_string()))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Json, E> {
        Ok(Json::Word(number.to_string()))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Json, E> {
        Ok(Json::Word(number.to_string()))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Json, E> {
        Ok(Json::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Json, A::Error> {
        let mut object = Vec::new();
        while let Some(field) = fields.next_entry()? {
            object.push(field);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_fits_stays_on_its_line_up_to_70_columns() {
        // Lines that Maelstrom prints, in their places.
        let net = |count: &str| {
            let counts = format!(r#"{{"send-count":{count},"recv-count":{count},"msg-count":{count}}}"#);
            pretty(&format!(r#"{{"net":{{"clients":{counts},"servers":{counts}}}}}"#))
        };
        assert!(net("4100").lines().count() == 2, "{}", net("4100"));
        assert!(net("56412").lines().count() == 6, "{}", net("56412"));
        expect![[r#"
            {:workload {:stable-latencies {0 0, 0.5 64, 0.95 312, 0.99 423, 1 423},
                        :attempt-count 96}}"#]]
        .assert_eq(&pretty(
            r#"{"workload":{"stable-latencies":{"0":0,"0.5":64,"0.95":312,"0.99":423,"1":423},"attempt-count":96}}"#,
        ));
        expect![[r#"
            {:workload {:stable-latencies {0 0,
                                           0.5 738,
                                           0.95 891,
                                           0.99 977,
                                           1 993}}}"#]]
        .assert_eq(&pretty(
            r#"{"workload":{"stable-latencies":{"0":0,"0.5":738,"0.95":891,"0.99":977,"1":993}}}"#,
        ));
    }

    #[test]
    fn some_keys_say_more_than_json() {
        let same = [
            (
                r#"{"valid?":"unknown","outcome":"stable","word":"stable"}"#,
                r#"{:valid? :unknown, :outcome :stable, :word "stable"}"#,
            ),
            (
                r#"{"errors":null,"final-reads":[-86,-86],"acceptable":[[-86,-86]]}"#,
                "{:errors nil, :final-reads (-86 -86), :acceptable ([-86 -86])}",
            ),
            (
                r#"{"duplicated":[["n0-1",2],[7,3]],"range":["n0-0","n2-999"]}"#,
                r#"{:duplicated {"n0-1" 2, 7 3}, :range ["n0-0" "n2-999"]}"#,
            ),
            (r#"{"duplicated":[],"lost":[]}"#, "{:duplicated {}, :lost ()}"),
            (
                r#"{"msgs-per-op":16.681592039800996,"ok-fraction":1.0,"element":0.1}"#,
                "{:msgs-per-op 16.681593, :ok-fraction 1.0, :element 0.1}",
            ),
            (r#"{"valid?":true,"strict":{"lost":[]},"spread":{}}"#, "{:valid? true}"),
        ];
        for (json, edn) in same {
            assert_eq!(pretty(json), edn);
        }
    }

    #[test]
    fn long_lists_are_cut() {
        let words = format!(r#"{{"stale":{:?}}}"#, (0..100).collect::<Vec<_>>());
        assert_eq!(pretty(&words), "{:stale (0 1 2 3 4 5 6 7 8 9 10 11 ...)}");
        assert_eq!(pretty(r#"[{"a":1},{"a":2},{"a":3},{"a":4}]"#), "({:a 1} {:a 2} {:a 3} ...)");
    }
}
