//! What a scenario expects of its run: a verdict, bounds on figures, a digest. It knows no figure by name.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scenario::document::Raw;
use crate::time::Span;
use crate::workload::{Metric, Verdict};

/// What a run must come to.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Expect {
    /// The strict verdict; pass unless named.
    pub verdict: Option<Verdict>,
    /// Bounds on figures, by their names. Whether a name or a bound makes sense is looked at by whoever knows the
    /// names, names first: a misspelt `verdict` is no bad bound.
    pub bounds: BTreeMap<String, Result<Bound, ParseBoundError>>,
    /// The digest, compared only when nothing was overridden.
    pub digest: Option<String>,
}

/// A bound on a figure: `0`, `"<600ms"`, `">=1"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    relation: Relation,
    limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Below,
    AtMost,
    Equal,
    AtLeast,
    Above,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Number(f64),
    Span(Span),
}

impl Relation {
    /// Longer signs first, so that "<=" is not taken for "<".
    const ALL: [(&'static str, Relation); 5] = [
        ("<=", Relation::AtMost),
        (">=", Relation::AtLeast),
        ("<", Relation::Below),
        (">", Relation::Above),
        ("=", Relation::Equal),
    ];

    fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Relation::Below => a < b,
            Relation::AtMost => a <= b,
            Relation::Equal => a == b,
            Relation::AtLeast => a >= b,
            Relation::Above => a > b,
        }
    }
}

impl Bound {
    /// Whether the figure keeps within the bound. A figure that there is nothing to take from keeps within none; a
    /// number and a length of time cannot be compared.
    pub fn holds(&self, metric: Metric) -> bool {
        match (metric, self.limit) {
            (Metric::Count(count), Limit::Number(limit)) => self.relation.holds(count as f64, limit),
            (Metric::Number(number), Limit::Number(limit)) => self.relation.holds(number, limit),
            (Metric::Span(span), Limit::Span(limit)) => self.relation.holds(span, limit),
            (Metric::None | Metric::Count(_) | Metric::Number(_) | Metric::Span(_), _) => false,
        }
    }
}

/// Why a text is not a bound.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a bound; write a number, or a sign and a number or length such as \"<30\", \">=1\", \"<600ms\""
)]
pub struct ParseBoundError(String);

impl FromStr for Bound {
    type Err = ParseBoundError;

    fn from_str(text: &str) -> Result<Bound, ParseBoundError> {
        let sign =
            Relation::ALL.into_iter().find_map(|(sign, relation)| Some((relation, text.strip_prefix(sign)?)));
        let (relation, limit) = sign.unwrap_or((Relation::Equal, text));
        let limit = limit.trim();
        let number = limit.parse::<f64>().ok().filter(|number| number.is_finite()).map(Limit::Number);
        let limit = number.or_else(|| limit.parse().ok().map(Limit::Span));
        limit.map(|limit| Bound { relation, limit }).ok_or_else(|| ParseBoundError(text.to_owned()))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = Relation::ALL
            .iter()
            .find(|(_, relation)| *relation == self.relation)
            .map_or("", |(sign, _)| sign);
        match self.limit {
            Limit::Number(number) => write!(f, "{sign}{number}"),
            Limit::Span(span) => write!(f, "{sign}{span}"),
        }
    }
}

impl Serialize for Bound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self.relation, self.limit) {
            (Relation::Equal, Limit::Number(number)) if number.trunc() == number && number.abs() < 9e15 => {
                serializer.serialize_i64(number as i64)
            }
            (Relation::Equal, Limit::Number(number)) => serializer.serialize_f64(number),
            _ => serializer.collect_str(self),
        }
    }
}

/// A bound as the file writes it: a number, or a text.
fn bound(json: Raw) -> Result<Bound, ParseBoundError> {
    let text = serde_json::from_str::<String>(&json.0);
    let number = || serde_json::from_str::<f64>(&json.0).ok().map(|number| number.to_string());
    text.ok().or_else(number).map_or(Err(ParseBoundError(json.0.clone())), |text| text.parse())
}

impl Serialize for Expect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("verdict", &self.verdict.unwrap_or(Verdict::Pass))?;
        for (name, bound) in self.bounds.iter().filter_map(|(name, bound)| Some((name, bound.as_ref().ok()?)))
        {
            map.serialize_entry(name, bound)?;
        }
        if let Some(digest) = &self.digest {
            map.serialize_entry("digest", digest)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Expect {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Expect, D::Error> {
        struct Bounds;
        impl<'de> Visitor<'de> for Bounds {
            type Value = Expect;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of a verdict, bounds on figures and a digest")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Expect, A::Error> {
                let mut expect = Expect::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "verdict" => expect.verdict = Some(map.next_value()?),
                        "digest" => expect.digest = Some(map.next_value::<DigestText>()?.0),
                        _ => _ = expect.bounds.insert(key, bound(map.next_value::<Raw>()?)),
                    }
                }
                Ok(expect)
            }
        }
        deserializer.deserialize_map(Bounds)
    }
}

/// 16 hexadecimal digits.
struct DigestText(String);

impl<'de> Deserialize<'de> for DigestText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DigestText, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        match text.len() == 16 && text.chars().all(is_hex) {
            true => Ok(DigestText(text)),
            false => Err(de::Error::custom(format!(
                "`{text}` is no digest; write the 16 hexadecimal digits that a run prints"
            ))),
        }
    }
}

impl JsonSchema for Expect {
    fn schema_name() -> Cow<'static, str> {
        "Expect".into()
    }
    /// Any figure; the registry narrows it to the figures that there are.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let verdict = generator.subschema_for::<Verdict>();
        json_schema!({
            "type": "object",
            "description": "What the run must come to.",
            "properties": {
                "verdict": verdict,
                "digest": { "type": "string", "pattern": "^[0-9a-f]{16}$", "description": "Compared only when nothing was overridden." },
            },
            "additionalProperties": false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_compare_counts_numbers_and_lengths() {
        let holds = |bound: &str, metric| bound.parse::<Bound>().unwrap().holds(metric);
        assert!(
            holds("<600ms", Metric::Span(Span::from_millis(599)))
                && !holds("<600ms", Metric::Span(Span::from_millis(600)))
        );
        assert!(holds("<=5", Metric::Count(5)) && !holds("<5", Metric::Count(5)));
        assert!(holds(">=0.5", Metric::Number(0.5)) && !holds(">0.5", Metric::Number(0.5)));
        assert!(
            holds("0", Metric::Count(0)) && holds("= 3", Metric::Count(3)) && !holds("=3", Metric::Count(4))
        );
        assert!(!holds("<600ms", Metric::None) && !holds("<600", Metric::Span(Span::from_millis(1))));
        for text in ["", "<", "~3", "<3 apples", "nan", "<<3"] {
            assert!(text.parse::<Bound>().is_err(), "{text}");
        }
    }
}
