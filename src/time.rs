//! Virtual time: an instant ([`Time`]), a length ([`Span`]) and a difference ([`Offset`]), all whole nanoseconds.
//!
//! Nothing here reads a clock. Hosts decide what an instant means: the simulator's is virtual, the stdio host's
//! counts from its start. In files both are written as text with a unit, "250ms" or "5.01s".

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An instant: nanoseconds since the run began.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Time(u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span(u64);

/// How far one clock is ahead of another, in nanoseconds; negative if it is behind.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Offset(i64);

impl Offset {
    /// No difference.
    pub const ZERO: Offset = Offset(0);

    /// So many nanoseconds ahead.
    pub const fn from_nanos(nanos: i64) -> Offset {
        Offset(nanos)
    }
}

impl Time {
    /// The instant at which a run begins.
    pub const ZERO: Time = Time(0);
    /// Later than any instant of a run.
    pub const MAX: Time = Time(u64::MAX);

    /// The instant `nanos` nanoseconds after the beginning.
    pub const fn from_nanos(nanos: u64) -> Time {
        Time(nanos)
    }

    /// Nanoseconds since the run began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length of time from `earlier` until this instant; zero if `earlier` is later.
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// The longest length that a file may name: a thousand hours. Sums of a few such lengths never overflow.
    pub const LONGEST: Span = Span::from_secs(3_600_000);

    /// A length of `nanos` nanoseconds.
    pub const fn from_nanos(nanos: u64) -> Span {
        Span(nanos)
    }

    /// A length of `millis` milliseconds.
    pub const fn from_millis(millis: u64) -> Span {
        Span(millis * 1_000_000)
    }

    /// A length of `secs` seconds.
    pub const fn from_secs(secs: u64) -> Span {
        Span(secs * 1_000_000_000)
    }

    /// The length in nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The length in whole milliseconds, rounded down.
    pub const fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// The length in seconds, for showing and for rates; never for deciding.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

/// Nothing is before the beginning, and nothing after [`Time::MAX`].
impl Add<Offset> for Time {
    type Output = Time;
    fn add(self, offset: Offset) -> Time {
        Time(self.0.saturating_add_signed(offset.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }
}

impl Sub<Time> for Time {
    type Output = Span;
    fn sub(self, earlier: Time) -> Span {
        self.since(earlier)
    }
}

/// "1.250s": seconds with at least three decimals, more where the instant is finer.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (secs, nanos) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let text = match nanos {
            n if n % 1_000_000 == 0 => format!("{secs}.{:03}s", n / 1_000_000),
            n if n % 1_000 == 0 => format!("{secs}.{:06}s", n / 1_000),
            n => format!("{secs}.{n:09}s"),
        };
        f.pad(&text)
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// "1.5s", "20ms", "750us" or "3ns": the largest unit that leaves at least one, exactly.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => (1_000_000_000, "s"),
            n if n >= 1_000_000_000 => (1_000_000_000, "s"),
            n if n >= 1_000_000 => (1_000_000, "ms"),
            n if n >= 1_000 => (1_000, "us"),
            _ => (1, "ns"),
        };
        f.pad(&format!("{}{name}", decimal(self.0, unit)))
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// "1.5s", or "-20ms" for a clock that is behind.
impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}{}", if self.0 < 0 { "-" } else { "" }, Span(self.0.unsigned_abs())))
    }
}

impl fmt::Debug for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `value / unit` as an exact decimal without trailing zeros; `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let (whole, rest) = (value / unit, value % unit);
    if rest == 0 {
        return whole.to_string();
    }
    let digits = unit.ilog10() as usize;
    format!("{whole}.{rest:0digits$}").trim_end_matches('0').to_owned()
}

/// Why a text is not a length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseSpanError {
    /// It is no number with a unit.
    #[error(
        "`{0}` is not a length of time; write a number and a unit, such as \"250ms\", \"1.5s\" or \"2min\""
    )]
    NoLength(String),
    /// It is longer than [`Span::LONGEST`].
    #[error(
        "`{0}` is too long; the longest length of time is 1000h, and \"250ms\" or \"2min\" are usual ones"
    )]
    TooLong(String),
}

const UNITS: [(&str, u64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for Span {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Span, ParseSpanError> {
        match parse_nanos(text) {
            Some(nanos) if nanos <= Span::LONGEST.0 => Ok(Span(nanos)),
            Some(_) => Err(ParseSpanError::TooLong(text.to_owned())),
            None => Err(ParseSpanError::NoLength(text.to_owned())),
        }
    }
}

fn parse_nanos(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(split);
    let unit = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?.1;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if whole.is_empty() || fraction.is_empty() || fraction.len() > 12 || fraction.contains('.') {
        return None;
    }
    let scale = 10_u128.pow(fraction.len() as u32);
    let part = u128::from(fraction.parse::<u64>().ok()?) * u128::from(unit);
    if part % scale != 0 {
        return None; // finer than a nanosecond
    }
    let nanos = u128::from(whole.parse::<u64>().unwrap_or(u64::MAX)) * u128::from(unit) + part / scale;
    Some(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl FromStr for Time {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Time, ParseSpanError> {
        text.parse().map(|span: Span| Time(span.0))
    }
}

impl FromStr for Offset {
    type Err = ParseSpanError;

    fn from_str(text: &str) -> Result<Offset, ParseSpanError> {
        let (sign, length) = text.strip_prefix('-').map_or((1, text), |length| (-1, length));
        let span: Span = length.parse()?;
        Ok(Offset(sign * i64::try_from(span.0).expect("the longest span is far below 2^63 ns")))
    }
}

macro_rules! as_text {
    ($type:ident, $written:ident, $pattern:literal, $about:literal) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(&$written(self.0))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a number and a unit in quotes, such as \"250ms\"")
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $about,
                    "pattern": $pattern,
                })
            }
        }
    };
}

as_text!(
    Time,
    Span,
    "^[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|m|min|h)$",
    "An instant: the time since the run began, such as \"5.01s\"."
);
as_text!(
    Span,
    Span,
    "^[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|m|min|h)$",
    "A length of time, such as \"250ms\", \"1.5s\" or \"2min\"."
);
as_text!(
    Offset,
    Offset,
    "^-?[0-9]+(\\.[0-9]+)? ?(ns|us|ms|s|m|min|h)$",
    "How far a clock is ahead, such as \"250ms\", or \"-1.5s\" if it is behind."
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_parse_exactly_and_print_as_they_were_written() {
        for (text, nanos) in [
            ("0s", 0),
            ("3ns", 3),
            ("750us", 750_000),
            ("20ms", 20_000_000),
            ("1.5s", 1_500_000_000),
            ("5.01s", 5_010_000_000),
            ("0.000000001s", 1),
            ("2min", 120_000_000_000),
            ("1h", 3_600_000_000_000),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!(span.as_nanos(), nanos, "{text}");
            assert_eq!(span.to_string().parse::<Span>().unwrap(), span, "{text} prints as {span}");
        }
        assert_eq!(Span::from_millis(1_500).to_string(), "1.5s");
        assert_eq!(Span::from_millis(20).to_string(), "20ms");
    }

    #[test]
    fn what_is_not_a_length_of_time_is_refused_with_an_example() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "1e3s",
            "1.2.3s",
            ".5s",
            "5.s",
            "1 day",
            "0.0000000001s",
            "1001h",
            "9999999999999999999999h",
        ] {
            let error = text.parse::<Span>().unwrap_err().to_string();
            assert!(error.contains("250ms"), "{text}: {error}");
        }
    }

    #[test]
    fn offsets_are_signed_and_never_leave_time() {
        let behind: Offset = "-1.5s".parse().unwrap();
        assert_eq!(behind.to_string(), "-1.5s");
        assert_eq!("20ms".parse::<Offset>().unwrap().to_string(), "20ms");
        assert_eq!(Time::from_nanos(2_000_000_000) + behind, Time::from_nanos(500_000_000));
        assert_eq!(Time::from_nanos(1) + behind, Time::ZERO);
        assert!("--1s".parse::<Offset>().unwrap_err().to_string().contains("-1s"));
    }

    #[test]
    fn instants_print_as_seconds() {
        assert_eq!(Time::from_nanos(1_250_000_000).to_string(), "1.250s");
        assert_eq!(Time::from_nanos(1_250_000_001).to_string(), "1.250000001s");
        assert_eq!(Time::from_nanos(20_500).to_string(), "0.000020500s");
    }
}
