//! Numbers that are not whole: a probability and a clock's rate that decide ([`Chance`], [`Rate`]) and a quotient that
//! only tells ([`Quotient`]).
//!
//! A chance decides by comparing integers, so that no platform's rounding ever decides anything.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::time::Span;

/// A probability from 0 to 1. It decides in steps of 2^-53.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Chance {
    /// The bits of the float, which for floats from 0 to 1 are in the order of their values.
    bits: u64,
}

impl Chance {
    /// It never happens.
    pub const NEVER: Chance = Chance { bits: 0.0_f64.to_bits() };
    /// It always happens.
    pub const ALWAYS: Chance = Chance { bits: 1.0_f64.to_bits() };

    /// The chance `probability`, or `None` unless it lies in 0 to 1.
    pub fn new(probability: f64) -> Option<Chance> {
        (0.0..=1.0).contains(&probability).then(|| Chance { bits: probability.abs().to_bits() })
    }

    /// Whether it happens for a word drawn uniformly from all 64-bit words. Scaling by a power of two is exact, so
    /// every machine decides alike.
    pub fn happens(self, word: u64) -> bool {
        self.odds().happen(word)
    }

    /// The chance made ready to decide often.
    pub(crate) fn odds(self) -> Odds {
        Odds((self.as_f64() * (1_u64 << 53) as f64) as u64)
    }

    /// The probability as a float.
    pub const fn as_f64(self) -> f64 {
        f64::from_bits(self.bits)
    }
}

/// How many of the 2^53 equally likely words are a chance's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Odds(u64);

impl Odds {
    pub(crate) const NONE: Odds = Odds(0);

    /// As [`Chance::happens`].
    pub(crate) const fn happen(self, word: u64) -> bool {
        word >> 11 < self.0
    }
}

impl fmt::Debug for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl Serialize for Chance {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Chance {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Chance, D::Error> {
        let probability = f64::deserialize(deserializer)?;
        Chance::new(probability).ok_or_else(|| {
            de::Error::custom(format!("{probability} is not a probability; write a number from 0 to 1"))
        })
    }
}

impl JsonSchema for Chance {
    fn schema_name() -> Cow<'static, str> {
        "Chance".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1, "description": "A probability from 0 to 1." })
    }
}

/// How fast a clock runs beside true time, in whole billionths: 1 is right, 2 is twice as fast.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

const BILLION: u64 = 1_000_000_000;

impl Rate {
    /// As fast as true time.
    pub const TRUE: Rate = Rate(BILLION);

    /// The rate nearest to this number, or `None` unless it lies in 0.001 to 1000.
    pub fn new(rate: f64) -> Option<Rate> {
        // Both the product and the rounding are exact by IEEE 754, so every machine has the same rate.
        (0.001..=1_000.0).contains(&rate).then(|| Rate((rate * BILLION as f64).round() as u64))
    }

    /// What a clock of this rate counts while `span` passes, rounded down.
    pub fn counted(self, span: Span) -> Span {
        Self::scaled(span, self.0, BILLION, 0)
    }

    /// How long a clock of this rate takes to count `span`, rounded up.
    pub fn takes(self, span: Span) -> Span {
        Self::scaled(span, BILLION, self.0, self.0 - 1)
    }

    fn scaled(span: Span, times: u64, over: u64, more: u64) -> Span {
        let nanos = (u128::from(span.as_nanos()) * u128::from(times) + u128::from(more)) / u128::from(over);
        Span::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }

    const fn as_f64(self) -> f64 {
        self.0 as f64 / BILLION as f64
    }
}

impl Default for Rate {
    fn default() -> Rate {
        Rate::TRUE
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_f64())
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Rate, D::Error> {
        let rate = f64::deserialize(deserializer)?;
        Rate::new(rate).ok_or_else(|| {
            de::Error::custom(format!("{rate} is no rate of a clock; write a number from 0.001 to 1000"))
        })
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "number",
            "minimum": 0.001,
            "maximum": 1000,
            "description": "How fast a clock runs beside true time: 1 is right, 2 is twice as fast.",
        })
    }
}

/// A number worked out to be told, such as messages per operation; equal and hashed by its bits.
#[derive(Clone, Copy, Default)]
pub struct Quotient(f64);

impl Quotient {
    /// `numerator / denominator`, or 0 if the denominator is 0.
    pub fn of(numerator: u64, denominator: u64) -> Quotient {
        Quotient(if denominator == 0 { 0.0 } else { numerator as f64 / denominator as f64 })
    }

    /// The number.
    pub fn as_f64(self) -> f64 {
        self.0
    }
}

impl PartialEq for Quotient {
    fn eq(&self, other: &Quotient) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Quotient {}

impl Hash for Quotient {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.to_bits());
    }
}

impl fmt::Debug for Quotient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Quotient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Quotient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Quotient, D::Error> {
        f64::deserialize(deserializer).map(Quotient)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_a_chance_are_exact() {
        assert!(!Chance::NEVER.happens(0));
        assert!(Chance::ALWAYS.happens(u64::MAX));
        assert_eq!(Chance::new(1.0), Some(Chance::ALWAYS));
        for probability in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert_eq!(Chance::new(probability), None);
        }
        assert_eq!(Chance::new(0.05).unwrap().as_f64(), 0.05);
    }

    #[test]
    fn a_quotient_of_nothing_is_zero() {
        assert_eq!(Quotient::of(7, 0).as_f64(), 0.0);
        assert_eq!(Quotient::of(7, 2).as_f64(), 3.5);
    }

    #[test]
    fn a_rate_counts_down_and_takes_up_so_that_nothing_comes_early() {
        let (twice, tenth) = (Rate::new(2.0).unwrap(), Rate::new(0.1).unwrap());
        assert_eq!(twice.counted(Span::from_nanos(7)), Span::from_nanos(14));
        assert_eq!(twice.takes(Span::from_nanos(7)), Span::from_nanos(4));
        assert_eq!(tenth.takes(Span::from_secs(1)), Span::from_secs(10));
        assert_eq!(tenth.counted(Span::from_nanos(19)), Span::from_nanos(1));
        assert_eq!(Rate::new(1_000.0).unwrap().takes(Span::ZERO), Span::ZERO);
        assert_eq!((Rate::new(0.0), Rate::new(f64::NAN), Rate::new(1_000.1)), (None, None, None));
    }
}
