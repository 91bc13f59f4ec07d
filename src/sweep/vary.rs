//! What a sweep varies: keys with their values, and the grid that they make.
//!
//! A value is JSON, or else a string, as with `--set`. Whether a key exists is for whoever reads scenarios to say.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::scenario::document::Raw;

/// A grid of more points than this is refused.
pub const MOST_POINTS: usize = 10_000;

/// A key of the scenario, and the values that it takes one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vary {
    /// The keys down to it, such as "protocol.gossip.fanout".
    pub key: String,
    /// The values, as JSON.
    pub values: Vec<Raw>,
}

/// Why a text says nothing to vary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaryError {
    /// There is no key, or no value.
    #[error("write KEY=VALUES, such as protocol.gossip.fanout=1..=6 or network.loss=0,0.1,0.2")]
    Shape,
    /// Seeds are varied by their own option.
    #[error("every run has its own seed already; say which with --seeds")]
    Seed,
    /// Only whole numbers can be counted through.
    #[error(
        "`{0}`: a range counts whole numbers, as in 1..=6; write other values as a list, such as 0.1,0.2"
    )]
    Range(String),
    /// The range is empty.
    #[error("`{0}` holds no value; write A..B (without B) or A..=B (with it)")]
    Empty(String),
    /// The same value twice would count its runs twice.
    #[error("the value {0} is given twice")]
    Twice(String),
    /// More than anybody can wait for.
    #[error("the values make a grid of more than {MOST_POINTS} points")]
    Many,
    /// Two options for the same key.
    #[error("the key {0} is varied twice; give all its values at once")]
    KeyTwice(String),
}

impl FromStr for Vary {
    type Err = VaryError;

    fn from_str(text: &str) -> Result<Vary, VaryError> {
        let (key, text) = text.split_once('=').ok_or(VaryError::Shape)?;
        if key.split('.').any(str::is_empty) || text.is_empty() {
            return Err(VaryError::Shape);
        }
        if key == "seed" {
            return Err(VaryError::Seed);
        }
        let values = range(text)?.unwrap_or_else(|| list(text));
        let twice = values.iter().enumerate().find(|(at, value)| values[..*at].contains(value));
        match twice {
            Some((_, value)) => Err(VaryError::Twice(value.0.clone())),
            None => Ok(Vary { key: key.to_owned(), values }),
        }
    }
}

/// The values of A..B or A..=B; `None` if the text is no range of numbers.
fn range(text: &str) -> Result<Option<Vec<Raw>>, VaryError> {
    let Some((first, last)) = text.split_once("..") else { return Ok(None) };
    let (last, with_last) = last.strip_prefix('=').map_or((last, false), |last| (last, true));
    if first.parse::<f64>().is_err() || last.parse::<f64>().is_err() {
        return Ok(None);
    }
    let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) else {
        return Err(VaryError::Range(text.to_owned()));
    };
    let end = i128::from(last) + i128::from(with_last);
    if end <= first.into() {
        return Err(VaryError::Empty(text.to_owned()));
    }
    if end - i128::from(first) > MOST_POINTS as i128 {
        return Err(VaryError::Many);
    }
    Ok(Some((i128::from(first)..end).map(|value| Raw(value.to_string())).collect()))
}

/// Values between commas: all JSON, in which commas may stand inside, or words.
fn list(text: &str) -> Vec<Raw> {
    // Between JSON's parts a line's end is as good as a space, and each run is one line.
    let json = |raw: &RawValue| Raw(raw.get().replace(['\n', '\r'], " "));
    if let Ok(values) = serde_json::from_str::<Vec<&RawValue>>(&format!("[{text}]")) {
        return values.into_iter().map(json).collect();
    }
    let value = |word| serde_json::from_str::<&RawValue>(word).map_or_else(|_| Raw(quoted(word)), json);
    text.split(',').map(str::trim).map(value).collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string can be written as JSON")
}

/// A point of the grid: each varied key with one of its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Point(pub Vec<(String, Raw)>);

impl Point {
    /// What `--set` would be told.
    pub fn assignments(&self) -> Vec<String> {
        self.0.iter().map(|(key, value)| format!("{key}={}", value.0)).collect()
    }

    /// The point as a JSON object; `None` if nothing is varied.
    pub fn json(&self) -> Option<Raw> {
        let field = |(key, value): &(String, Raw)| format!("{}:{}", quoted(key), value.0);
        let fields: Vec<String> = self.0.iter().map(field).collect();
        (!fields.is_empty()).then(|| Raw(format!("{{{}}}", fields.join(","))))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<String> = self.0.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect();
        f.write_str(&told.join(", "))
    }
}

/// A value for people: a string without its quotes.
pub fn shown(value: &Raw) -> String {
    serde_json::from_str::<String>(&value.0).unwrap_or_else(|_| value.0.clone())
}

/// All points, the last key's values changing fastest; one point without keys if nothing is varied.
///
/// # Errors
/// If a key is varied twice, or there are too many points.
pub fn grid(vary: &[Vary]) -> Result<Vec<Point>, VaryError> {
    let mut points = vec![Point::default()];
    for (at, Vary { key, values }) in vary.iter().enumerate() {
        if vary[..at].iter().any(|other| other.key == *key) {
            return Err(VaryError::KeyTwice(key.clone()));
        }
        if points.len().saturating_mul(values.len()) > MOST_POINTS {
            return Err(VaryError::Many);
        }
        let with = |point: &Point, value: &Raw| {
            let mut settings = point.0.clone();
            settings.push((key.clone(), value.clone()));
            Point(settings)
        };
        points = points.iter().flat_map(|point| values.iter().map(move |value| with(point, value))).collect();
    }
    Ok(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<String> {
        let vary: Vary = format!("a.b={text}").parse().unwrap();
        vary.values.into_iter().map(|value| value.0).collect()
    }

    #[test]
    fn values_are_ranges_lists_and_words() {
        assert_eq!(values("1..4"), ["1", "2", "3"]);
        assert_eq!(values("-1..=1"), ["-1", "0", "1"]);
        assert_eq!(values("0.1,0.2"), ["0.1", "0.2"]);
        assert_eq!(values("10ms,1s"), ["\"10ms\"", "\"1s\""]);
        assert_eq!(values("null, 1s"), ["null", "\"1s\""]);
        assert_eq!(values("n0..n4"), ["\"n0..n4\""]);
        assert_eq!(values(r#"{"gossip":{"fanout":2,"x":1}},{"flood":{}}"#).len(), 2);
        assert_eq!(values(r#"["n1","n2"],["n3"]"#), [r#"["n1","n2"]"#, r#"["n3"]"#]);
    }

    #[test]
    fn what_cannot_be_varied_says_what_to_write() {
        for (text, says) in [
            ("a", "write KEY=VALUES"),
            ("a..b=1", "write KEY=VALUES"),
            ("a=", "write KEY=VALUES"),
            ("=1", "write KEY=VALUES"),
            ("seed=1..3", "--seeds"),
            ("a=0.1..0.5", "as a list"),
            ("a=5..5", "holds no value"),
            ("a=1,2,1", "1 is given twice"),
            ("a=0..1000000000", "more than 10000 points"),
        ] {
            let error = text.parse::<Vary>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn several_keys_make_a_grid() {
        let vary = |text: &str| text.parse::<Vary>().unwrap();
        let points = grid(&[vary("a=1,2"), vary("b=x,y")]).unwrap();
        let told: Vec<String> = points.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["a=1, b=x", "a=1, b=y", "a=2, b=x", "a=2, b=y"]);
        assert_eq!(points[1].assignments(), ["a=1", "b=\"y\""]);
        assert_eq!(points[1].json(), Some(Raw(r#"{"a":1,"b":"y"}"#.into())));
        assert_eq!(grid(&[]).unwrap(), [Point::default()]);
        assert_eq!(grid(&[vary("a=1"), vary("a=2")]), Err(VaryError::KeyTwice("a".into())));
        assert_eq!(grid(&[vary("a=0..1000"), vary("b=0..1000")]), Err(VaryError::Many));
    }
}
