//! Any JSON value, kept as it was written ([`Value`]), and a set of them in order of arrival ([`ValueSet`]).
//!
//! A value is never interpreted: numbers and strings are echoed digit by digit, whatever their size, and two values
//! are equal when their normalised texts are. Only JSON can carry one.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::value::RawValue;

use crate::hash::{hash_of, mix};

mod list;

use list::Blocks;
pub use list::ValueList;

/// The deepest nesting of arrays and objects that a value may have.
pub const DEEPEST: usize = 100;

/// The longest text that a value may have, in bytes: a line that carries one must be short enough to be read.
pub const LONGEST: usize = 1 << 20;

/// Any JSON value, in 16 bytes: a whole number inline, anything else as shared text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value(Form);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// What prints exactly as this integer does.
    Int(i64),
    /// Normalised: ", " and ": " as the only white space outside strings.
    Text(Arc<Box<str>>),
}

/// Why a text is not a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The text is not JSON.
    #[error("not a JSON value: {0}")]
    NotJson(String),
    /// Arrays and objects are nested deeper than [`DEEPEST`].
    #[error("nested deeper than {DEEPEST} levels")]
    TooDeep,
    /// The text is longer than [`LONGEST`].
    #[error("longer than {LONGEST} bytes")]
    TooLong,
}

impl Value {
    /// The value that this JSON text writes.
    pub fn parse(json: &str) -> Result<Value, ValueError> {
        let raw: &RawValue =
            serde_json::from_str(json).map_err(|error| ValueError::NotJson(error.to_string()))?;
        Value::from_valid(raw.get())
    }

    fn from_valid(json: &str) -> Result<Value, ValueError> {
        let integer = json.parse::<i64>().ok().filter(|integer| itoa_equals(*integer, json));
        Ok(Value(match integer {
            Some(integer) => Form::Int(integer),
            None => Form::Text(Arc::new(normalised(json)?.into_boxed_str())),
        }))
    }

    /// The value as JSON text.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Form::Int(integer) => integer.to_string().into(),
            Form::Text(text) => Cow::Borrowed(text),
        }
    }

    /// A number that, but for chance in 2^64, no other value has.
    fn identity(&self) -> i128 {
        match &self.0 {
            Form::Int(integer) => i128::from(*integer),
            Form::Text(text) => (1 << 64) | i128::from(hash_of::<str>(text)),
        }
    }
}

/// Whether `json` is exactly how the integer prints, so neither "-0" nor "+1".
fn itoa_equals(integer: i64, json: &str) -> bool {
    let digits = json.strip_prefix('-').unwrap_or(json);
    json == "0" || (!digits.starts_with(['0', '+']) && (integer < 0) == json.starts_with('-'))
}

/// The same JSON with ", " and ": " as its only white space outside strings.
fn normalised(json: &str) -> Result<String, ValueError> {
    if json.len() > LONGEST {
        return Err(ValueError::TooLong);
    }
    let mut text = String::with_capacity(json.len());
    let (mut in_string, mut escaped, mut depth) = (false, false, 0_usize);
    for c in json.chars() {
        if in_string {
            text.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        match c {
            ' ' | '\t' | '\n' | '\r' => continue,
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            '"' => in_string = true,
            _ => {}
        }
        if depth > DEEPEST {
            return Err(ValueError::TooDeep);
        }
        text.push(c);
        if c == ',' || c == ':' {
            text.push(' ');
        }
    }
    Ok(text)
}

impl From<i64> for Value {
    fn from(integer: i64) -> Value {
        Value(Form::Int(integer))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// A value hashes through `write_i128`, which nothing else uses: that is how [`mentions`] finds it in any message.
impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_i128(self.identity());
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Form::Int(integer) => serializer.serialize_i64(*integer),
            Form::Text(text) => {
                serde_json::from_str::<&RawValue>(text).map_err(ser::Error::custom)?.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Value::from_valid(raw.get()).map_err(de::Error::custom)
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "Value".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!(true)
    }
}

/// Whether `carrier`, say a message, holds this value anywhere. It looks at all that the carrier's `Hash` shows.
pub fn mentions<T: Hash + ?Sized>(carrier: &T, value: &Value) -> bool {
    let mut finder = Finder { wanted: value.identity(), found: false };
    carrier.hash(&mut finder);
    finder.found
}

struct Finder {
    wanted: i128,
    found: bool,
}

impl Hasher for Finder {
    fn write(&mut self, _: &[u8]) {}
    fn write_i128(&mut self, identity: i128) {
        self.found |= identity == self.wanted;
    }
    fn finish(&self) -> u64 {
        self.found.into()
    }
}

/// Distinct values in order of arrival, with constant-time lookup, in 16 bytes. One value alone allocates nothing:
/// a single rumour in a very large cluster is the common case where memory counts.
#[derive(Clone, Debug, Default)]
pub struct ValueSet(Held);

#[derive(Clone, Debug, Default)]
enum Held {
    #[default]
    Nothing,
    One(Value),
    Many(Box<Many>),
}

#[derive(Clone, Debug, Default)]
struct Many {
    values: Vec<Value>,
    /// Where each lies, found by its hash. A place takes four bytes and a tag, and no hash is kept, as in a very large
    /// cluster there are very many.
    places: HashTable<u32>,
    /// The fingerprints of the first of them: those that there were when somebody last asked for any.
    prints: Vec<u64>,
    blocks: Blocks,
}

impl Many {
    fn insert(&mut self, value: Value) -> bool {
        let Many { values, places, .. } = self;
        let place = u32::try_from(values.len()).expect("a set holds fewer than 2^32 values");
        let (same, hash) =
            (|at: &u32| values[*at as usize] == value, |at: &u32| hash_of(&values[*at as usize]));
        match places.entry(hash_of(&value), same, hash) {
            Entry::Occupied(_) => return false,
            Entry::Vacant(vacant) => vacant.insert(place),
        };
        values.push(value);
        true
    }

    fn contains(&self, value: &Value) -> bool {
        self.places.find(hash_of(value), |at| self.values[*at as usize] == *value).is_some()
    }
}

/// Stays below 2^53, so that no JSON reader on the way rounds it.
fn fingerprint(value: &Value) -> u64 {
    mix(hash_of(value)) % FINGERPRINTS
}

/// All fingerprints are less.
pub const FINGERPRINTS: u64 = 1 << 53;

impl ValueSet {
    /// Adds the value; `false` if it was already there.
    pub fn insert(&mut self, value: Value) -> bool {
        match &mut self.0 {
            Held::Nothing => self.0 = Held::One(value),
            Held::One(only) if *only == value => return false,
            Held::One(only) => {
                let mut many = Many::default();
                [only.clone(), value].into_iter().for_each(|value| _ = many.insert(value));
                self.0 = Held::Many(Box::new(many));
            }
            Held::Many(many) => return many.insert(value),
        }
        true
    }

    /// Whether the value is in the set.
    #[inline]
    pub fn contains(&self, value: &Value) -> bool {
        match &self.0 {
            Held::Nothing => false,
            Held::One(only) => only == value,
            Held::Many(many) => many.contains(value),
        }
    }

    /// The values in order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = &Value> {
        let (one, many) = match &self.0 {
            Held::Nothing => (None, None),
            Held::One(only) => (Some(only), None),
            Held::Many(many) => (None, Some(many.values.iter())),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    /// Shows the values in order of arrival, each after its fingerprint: less than [`FINGERPRINTS`], the same everywhere,
    /// and worked out once.
    pub fn for_each_with_print<'a>(&'a mut self, mut show: impl FnMut(u64, &'a Value)) {
        match &mut self.0 {
            Held::Nothing => {}
            Held::One(only) => show(fingerprint(only), only),
            Held::Many(many) => {
                let Many { values, prints, .. } = &mut **many;
                prints.extend(values.iter().skip(prints.len()).map(fingerprint));
                values.iter().zip(&*prints).for_each(|(value, print)| show(*print, value));
            }
        }
    }

    /// A copy of the values in order of arrival; it shares all but its end with earlier ones.
    pub fn list(&mut self) -> ValueList {
        match &mut self.0 {
            Held::Nothing => ValueList::default(),
            Held::One(only) => std::iter::once(only.clone()).collect(),
            Held::Many(many) => many.blocks.list(many.values.iter()),
        }
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        match &self.0 {
            Held::Nothing => 0,
            Held::One(_) => 1,
            Held::Many(many) => many.values.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl FromIterator<Value> for ValueSet {
    fn from_iter<I: IntoIterator<Item = Value>>(values: I) -> ValueSet {
        let mut set = ValueSet::default();
        values.into_iter().for_each(|value| _ = set.insert(value));
        set
    }
}

impl Serialize for ValueSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ValueSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ValueSet, D::Error> {
        Vec::<Value>::deserialize(deserializer).map(|values| values.into_iter().collect())
    }
}

impl PartialEq for ValueSet {
    fn eq(&self, other: &ValueSet) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for ValueSet {}

impl Hash for ValueSet {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_usize(self.len());
        self.iter().for_each(|value| value.hash(state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_echoed_as_it_was_written() {
        for text in [
            "42",
            "-7",
            "0",
            "-0",
            "1.0",
            "1e400",
            "18446744073709551616",
            "9223372036854775807",
            "null",
            r#""a\u0041 ,:""#,
            r#""\\""#,
        ] {
            assert_eq!(Value::parse(text).unwrap().text(), text);
            let value: Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&value).unwrap(), text);
        }
        let spaced = Value::parse(" { \"b\" :[1,2 , \"x , y\"],\"a\":{} } ").unwrap();
        assert_eq!(spaced.text(), r#"{"b": [1, 2, "x , y"], "a": {}}"#);
        assert_eq!(std::mem::size_of::<Value>(), 16);
    }

    #[test]
    fn values_are_equal_when_their_texts_are() {
        let value = |text| Value::parse(text).unwrap();
        assert_eq!(value("[1,2]"), value("[1, 2]"));
        assert_eq!(value("5"), Value::from(5));
        for (a, b) in [("1", "1.0"), ("0", "-0"), ("\"1\"", "1"), ("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}")]
        {
            assert_ne!(value(a), value(b));
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in ["", "{", "[1,]", "01", "+1", "nul", "1 2", "\"\u{7}"] {
            assert!(matches!(Value::parse(text), Err(ValueError::NotJson(_))), "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Value::parse(&nested(DEEPEST)).is_ok());
        assert_eq!(Value::parse(&nested(DEEPEST + 1)), Err(ValueError::TooDeep));
    }

    #[test]
    fn a_value_too_long_for_a_line_is_refused() {
        let text = |length: usize| format!("\"{}\"", "x".repeat(length - 2));
        assert!(Value::parse(&text(LONGEST)).is_ok());
        assert_eq!(Value::parse(&text(LONGEST + 1)), Err(ValueError::TooLong));
    }

    #[test]
    fn a_set_keeps_the_order_of_arrival_and_each_value_once() {
        let mut set = ValueSet::default();
        assert!(set.is_empty() && !set.contains(&Value::from(5)));
        for (number, new) in [(5, true), (5, false), (3, true), (5, false), (3, false), (9, true)] {
            assert_eq!(set.insert(Value::from(number)), new, "{number}");
        }
        assert_eq!(serde_json::to_string(&set).unwrap(), "[5,3,9]");
        assert_eq!(serde_json::from_str::<ValueSet>("[5,3,9,3]").unwrap(), set);
        assert!(set.contains(&Value::from(3)) && set.len() == 3);
        assert!(set.list().iter().eq(set.iter()));
        assert_eq!(std::mem::size_of::<ValueSet>(), 16);
    }

    #[test]
    fn a_value_is_found_in_whatever_carries_it() {
        #[derive(Hash)]
        struct Message {
            hops: u32,
            values: Vec<Value>,
        }
        let message = Message { hops: 3, values: vec![Value::from(7), Value::parse("\"x\"").unwrap()] };
        assert!(mentions(&message, &Value::from(7)) && mentions(&message, &Value::parse("\"x\"").unwrap()));
        assert!(!mentions(&message, &Value::from(3)), "hops are no value ({})", message.hops);
    }
}
