//! What does not fit in a document: a sentence, a place, and the word that was probably meant.

use std::fmt;

use serde::de;

use super::{Place, quoted};

/// What does not fit, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Misfit {
    /// The keys down to it, such as "protocol.gossip.fanout".
    pub path: String,
    /// What is wrong.
    pub text: String,
    /// The words that are allowed there, if it is about one that is not.
    pub allowed: Vec<String>,
    /// Where it stands: "scenarios/a.json:12:7".
    pub place: String,
    pub(super) at: Option<Place>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = if self.path.is_empty() { String::new() } else { format!("{}: ", self.path) };
        write!(f, "{}: {at}{}", self.place, self.text)?;
        if !self.allowed.is_empty() {
            write!(f, "\n  allowed: {}", self.allowed.join(", "))?;
        }
        Ok(())
    }
}

impl Misfit {
    pub(super) fn new(text: impl Into<String>) -> Misfit {
        Misfit { path: String::new(), text: text.into(), allowed: Vec::new(), place: String::new(), at: None }
    }

    /// Something is wrong with what a path leads to.
    pub fn at(path: impl Into<String>, text: impl Into<String>) -> Misfit {
        Misfit { path: path.into(), ..Misfit::new(text) }
    }

    /// A word is not one of those allowed; names the nearest.
    pub fn word(what: &str, word: &str, allowed: &[&str]) -> Misfit {
        let near = nearest(word, allowed).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let allowed = allowed.iter().map(|word| (*word).to_owned()).collect();
        Misfit { allowed, ..Misfit::new(format!("unknown {what} `{word}`{near}")) }
    }

    /// The same, below a key.
    #[must_use]
    pub fn below(mut self, key: &str) -> Misfit {
        self.path = if self.path.is_empty() { key.to_owned() } else { format!("{key}.{}", self.path) };
        self
    }

    /// The same, said to stand at a place that is no part of a document.
    #[must_use]
    pub fn standing(mut self, place: impl Into<String>) -> Misfit {
        self.place = place.into();
        self
    }

    pub(super) fn placed(mut self, place: &Place) -> Misfit {
        self.at.get_or_insert_with(|| place.clone());
        self
    }
}

/// The word nearest to a misspelt one, if any is near.
pub fn nearest<'a>(word: &str, allowed: &[&'a str]) -> Option<&'a str> {
    let far = |other: &str| strsim::damerau_levenshtein(&word.to_lowercase(), other);
    let near = allowed.iter().map(|other| (far(other), *other)).min()?;
    (near.0 <= 1 + word.chars().count() / 3).then_some(near.1)
}

impl de::Error for Misfit {
    fn custom<T: fmt::Display>(text: T) -> Misfit {
        Misfit::new(text.to_string())
    }
    fn unknown_field(key: &str, allowed: &'static [&'static str]) -> Misfit {
        Misfit::word("key", key, allowed)
    }
    fn unknown_variant(word: &str, allowed: &'static [&'static str]) -> Misfit {
        Misfit::word("word", word, allowed)
    }
    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Misfit {
        Misfit::new(format!("{}; write {}", shown(&found), plain(&expected.to_string())))
    }
    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn de::Expected) -> Misfit {
        Misfit::invalid_type(found, expected)
    }
    fn missing_field(key: &'static str) -> Misfit {
        Misfit::new(format!("the key `{key}` is missing"))
    }
}

/// What stands there, in JSON's words.
fn shown(found: &de::Unexpected<'_>) -> String {
    match found {
        de::Unexpected::Bool(truth) => format!("{truth} does not fit"),
        de::Unexpected::Unsigned(number) => format!("{number} does not fit"),
        de::Unexpected::Signed(number) => format!("{number} does not fit"),
        de::Unexpected::Float(number) => format!("{number} does not fit"),
        de::Unexpected::Str(text) => format!("{} does not fit", quoted(text)),
        de::Unexpected::Unit | de::Unexpected::Option => "null does not fit".to_owned(),
        de::Unexpected::Seq => "a list does not fit".to_owned(),
        de::Unexpected::Map => "an object does not fit".to_owned(),
        other => format!("{other} does not fit"),
    }
}

/// What is expected there, in JSON's words.
fn plain(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" => "a whole number from 0 to 4294967295".to_owned(),
        "u64" | "usize" => "a whole number from 0 to 18446744073709551615".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "an object".to_owned(),
        other if other.starts_with("struct ") => "an object".to_owned(),
        other => other.to_owned(),
    }
}
