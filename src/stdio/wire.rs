//! The lines of the Maelstrom protocol (doc/protocol.md): one JSON object each, with flat bodies tagged by `type`.
//!
//! Protocol enums are plain derives. Reading takes tag and body apart and hands the variant's fields straight to the
//! derive; serde's internally tagged enums would buffer, and lose big integers, key order and error positions. Writing
//! puts `type` first, then the payload, `in_reply_to` and `msg_id`, with ", " and ": " as separators. It knows no node.

use std::borrow::Cow;
use std::fmt;
use std::io;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use serde::ser::{Impossible, SerializeMap, SerializeStruct, SerializeStructVariant};
use serde::{Deserialize, Serialize, Serializer, forward_to_deserialize_any};
use serde_json::value::RawValue;

/// A line taken apart as far as every line can be.
#[derive(Debug)]
pub struct Line<'a> {
    /// Who sent it.
    pub src: Cow<'a, str>,
    /// To whom.
    pub dest: Cow<'a, str>,
    /// The whole body as JSON text.
    pub body: &'a str,
    /// The body's `type`.
    pub tag: Result<Cow<'a, str>, &'static str>,
    /// The body's `msg_id`, if it is an integer from 0 to 2^63 - 1.
    pub msg_id: Option<u64>,
    /// Whether the body has an `in_reply_to`.
    pub is_reply: bool,
    /// That `in_reply_to`, if it is an integer from 0 to 2^63 - 1.
    pub in_reply_to: Option<u64>,
}

impl<'a> Line<'a> {
    /// Takes a line apart; keys other than src, dest and body are ignored.
    pub fn parse(text: &'a str) -> Result<Line<'a>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Outer<'a> {
            #[serde(borrow)]
            src: Cow<'a, str>,
            #[serde(borrow)]
            dest: Cow<'a, str>,
            #[serde(borrow)]
            body: &'a RawValue,
        }
        #[derive(Deserialize)]
        struct Head<'a> {
            #[serde(borrow, rename = "type")]
            tag: Option<&'a RawValue>,
            #[serde(borrow)]
            msg_id: Option<&'a RawValue>,
            #[serde(borrow)]
            in_reply_to: Option<&'a RawValue>,
        }
        let outer: Outer<'a> = serde_json::from_str(object(text)?)?;
        let head: Head<'a> = serde_json::from_str(object(outer.body.get())?)?;
        let number = |raw: &RawValue| raw.get().parse::<u64>().ok().filter(|number| *number < 1 << 63);
        let tag = match head.tag {
            None => Err("the body has no `type`"),
            Some(raw) => serde_json::from_str(raw.get()).map_err(|_| "the body's `type` is not a string"),
        };
        Ok(Line {
            src: outer.src,
            dest: outer.dest,
            body: outer.body.get(),
            tag,
            msg_id: head.msg_id.and_then(number),
            is_reply: head.in_reply_to.is_some(),
            in_reply_to: head.in_reply_to.and_then(number),
        })
    }
}

/// The text if it can only be an object; a derive would take a list of its fields, too.
fn object(text: &str) -> Result<&str, serde_json::Error> {
    if text.trim_start().starts_with('{') { Ok(text) } else { Err(de::Error::custom("not an object")) }
}

/// Why a body is no message of an enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The enum has no such type, but these.
    Unknown(&'static [&'static str]),
    /// The type is known, but the rest does not fit it.
    Malformed(String),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DecodeError::Unknown(_) => f.write_str("unknown type"),
            DecodeError::Malformed(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(text: T) -> DecodeError {
        DecodeError::Malformed(text.to_string())
    }
    fn unknown_variant(_: &str, allowed: &'static [&'static str]) -> DecodeError {
        DecodeError::Unknown(allowed)
    }
}

impl From<serde_json::Error> for DecodeError {
    fn from(error: serde_json::Error) -> DecodeError {
        // Its line and column are those of the body alone, and would mislead.
        let text = error.to_string();
        DecodeError::Malformed(text.split(" at line ").next().unwrap_or_default().to_owned())
    }
}

/// Reads a flat body as the variant that its tag names.
pub fn decode<T: DeserializeOwned>(tag: &str, body: &str) -> Result<T, DecodeError> {
    T::deserialize(Body { tag, body: object(body)? })
}

#[derive(Clone, Copy)]
struct Body<'a> {
    tag: &'a str,
    body: &'a str,
}

impl<'de> de::Deserializer<'de> for Body<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::Malformed("messages are enums, one variant for each type".into()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for Body<'de> {
    type Error = DecodeError;
    type Variant = Body<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Body<'de>), DecodeError> {
        let tag: StrDeserializer<'_, DecodeError> = self.tag.into_deserializer();
        Ok((seed.deserialize(tag)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Body<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, DecodeError> {
        Ok(seed.deserialize(&mut serde_json::Deserializer::from_str(self.body))?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, DecodeError> {
        Err(DecodeError::Malformed("a message has named fields".into()))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        let mut body = serde_json::Deserializer::from_str(self.body);
        Ok(de::Deserializer::deserialize_struct(&mut body, "", fields, visitor)?)
    }
}

/// What goes around a payload.
#[derive(Clone, Copy, Debug)]
pub struct Envelope<'a> {
    /// Who sends it.
    pub src: &'a str,
    /// To whom.
    pub dest: &'a str,
    /// The `msg_id` that it answers.
    pub in_reply_to: Option<u64>,
    /// Its own `msg_id`.
    pub msg_id: u64,
}

/// Appends a line, its end included.
///
/// # Errors
/// If the payload is not an enum of unit, struct or newtype variants.
pub fn encode<T: Serialize>(
    line: &mut Vec<u8>,
    envelope: Envelope<'_>,
    payload: &T,
) -> Result<(), serde_json::Error> {
    let begin = line.len();
    line.extend_from_slice(b"{\"src\": ");
    serde_json::to_writer(&mut *line, envelope.src)?;
    line.extend_from_slice(b", \"dest\": ");
    serde_json::to_writer(&mut *line, envelope.dest)?;
    line.extend_from_slice(b", \"body\": ");
    let written = write_body(line, payload, envelope.in_reply_to, Some(envelope.msg_id));
    if written.is_err() {
        line.truncate(begin);
        return written;
    }
    line.extend_from_slice(b"}\n");
    Ok(())
}

/// Appends a flat body alone, tagged but without an envelope.
///
/// # Errors
/// As [`encode`].
pub fn encode_body<T: Serialize>(text: &mut Vec<u8>, payload: &T) -> Result<(), serde_json::Error> {
    write_body(text, payload, None, None)
}

fn write_body<T: Serialize>(
    text: &mut Vec<u8>,
    payload: &T,
    in_reply_to: Option<u64>,
    msg_id: Option<u64>,
) -> Result<(), serde_json::Error> {
    let json = &mut serde_json::Serializer::with_formatter(text, Spaced);
    payload.serialize(Flat { json, tag: None, in_reply_to, msg_id })
}

/// ", " and ": " as separators; whole floats without a fraction.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }
    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        if number.trunc() == number && number.abs() < 9e15 {
            return write!(writer, "{}", number as i64);
        }
        write!(writer, "{number:?}")
    }
}

type Json<'a, 'b> = &'a mut serde_json::Serializer<&'b mut Vec<u8>, Spaced>;

/// Writes one enum value as a flat object.
struct Flat<'a, 'b> {
    json: Json<'a, 'b>,
    tag: Option<&'static str>,
    in_reply_to: Option<u64>,
    msg_id: Option<u64>,
}

struct FlatFields<M> {
    map: M,
    in_reply_to: Option<u64>,
    msg_id: Option<u64>,
}

impl<'a, 'b> Flat<'a, 'b> {
    fn open(
        self,
        tag: &'static str,
    ) -> Result<FlatFields<<Json<'a, 'b> as Serializer>::SerializeMap>, serde_json::Error> {
        let mut map = self.json.serialize_map(None)?;
        map.serialize_entry("type", tag)?;
        Ok(FlatFields { map, in_reply_to: self.in_reply_to, msg_id: self.msg_id })
    }
}

impl<M: SerializeMap> FlatFields<M> {
    fn field<T: ?Sized + Serialize>(&mut self, key: &'static str, value: &T) -> Result<(), M::Error> {
        self.map.serialize_entry(key, value)
    }

    fn close(mut self) -> Result<M::Ok, M::Error> {
        if let Some(in_reply_to) = self.in_reply_to {
            self.map.serialize_entry("in_reply_to", &in_reply_to)?;
        }
        if let Some(msg_id) = self.msg_id {
            self.map.serialize_entry("msg_id", &msg_id)?;
        }
        self.map.end()
    }
}

macro_rules! as_fields {
    ($trait:ident) => {
        impl<M: SerializeMap> $trait for FlatFields<M> {
            type Ok = M::Ok;
            type Error = M::Error;
            fn serialize_field<T: ?Sized + Serialize>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), M::Error> {
                self.field(key, value)
            }
            fn end(self) -> Result<M::Ok, M::Error> {
                self.close()
            }
        }
    };
}

as_fields!(SerializeStruct);
as_fields!(SerializeStructVariant);

fn not_flat<T>() -> Result<T, serde_json::Error> {
    Err(serde::ser::Error::custom("messages are enums of variants with named fields"))
}

macro_rules! refuse {
    ($($method:ident($type:ty))*) => {
        $(fn $method(self, _: $type) -> Result<(), serde_json::Error> { not_flat() })*
    };
}

impl<'a, 'b> Serializer for Flat<'a, 'b> {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Impossible<(), serde_json::Error>;
    type SerializeTuple = Impossible<(), serde_json::Error>;
    type SerializeTupleStruct = Impossible<(), serde_json::Error>;
    type SerializeTupleVariant = Impossible<(), serde_json::Error>;
    type SerializeMap = Impossible<(), serde_json::Error>;
    type SerializeStruct = FlatFields<<Json<'a, 'b> as Serializer>::SerializeMap>;
    type SerializeStructVariant = FlatFields<<Json<'a, 'b> as Serializer>::SerializeMap>;

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
    ) -> Result<(), serde_json::Error> {
        self.open(tag)?.close()
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        value.serialize(Flat { tag: Some(tag), ..self })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        tag: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, serde_json::Error> {
        self.open(tag)
    }

    /// The fields of a newtype variant.
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, serde_json::Error> {
        match self.tag {
            Some(tag) => self.open(tag),
            None => not_flat(),
        }
    }

    refuse! {
        serialize_bool(bool) serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_f32(f32) serialize_f64(f64)
        serialize_char(char) serialize_str(&str) serialize_bytes(&[u8]) serialize_unit_struct(&'static str)
    }

    fn serialize_none(self) -> Result<(), serde_json::Error> {
        not_flat()
    }
    fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<(), serde_json::Error> {
        not_flat()
    }
    fn serialize_unit(self) -> Result<(), serde_json::Error> {
        not_flat()
    }
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: &T,
    ) -> Result<(), serde_json::Error> {
        not_flat()
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, serde_json::Error> {
        not_flat()
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, serde_json::Error> {
        not_flat()
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, serde_json::Error> {
        not_flat()
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, serde_json::Error> {
        not_flat()
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, serde_json::Error> {
        not_flat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Value;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Sample {
        Read,
        ReadOk { messages: Vec<Value>, ratio: f64, text: Option<String> },
        Wrapped(Inner),
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Inner {
        deep: Vec<Vec<u64>>,
    }

    fn line(payload: &Sample) -> String {
        let mut line = Vec::new();
        let envelope = Envelope { src: "n1", dest: "c\"1", in_reply_to: Some(4), msg_id: 3 };
        encode(&mut line, envelope, payload).unwrap();
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn lines_are_written_flat_and_spaced_and_read_back_the_same() {
        let values =
            ["18446744073709551616", "{\"z\": [1, 2], \"a\": 1e400}"].map(|text| Value::parse(text).unwrap());
        for (payload, body) in [
            (Sample::Read, r#"{"type": "read", "in_reply_to": 4, "msg_id": 3}"#),
            (
                Sample::ReadOk { messages: values.to_vec(), ratio: 2.0, text: None },
                r#"{"type": "read_ok", "messages": [18446744073709551616, {"z": [1, 2], "a": 1e400}], "ratio": 2, "text": null, "in_reply_to": 4, "msg_id": 3}"#,
            ),
            (
                Sample::Wrapped(Inner { deep: vec![vec![1], vec![]] }),
                r#"{"type": "wrapped", "deep": [[1], []], "in_reply_to": 4, "msg_id": 3}"#,
            ),
        ] {
            let text = line(&payload);
            assert_eq!(text, format!("{{\"src\": \"n1\", \"dest\": \"c\\\"1\", \"body\": {body}}}\n"));
            let read = Line::parse(&text).unwrap();
            assert_eq!((read.dest.as_ref(), read.msg_id, read.is_reply), ("c\"1", Some(3), true));
            assert_eq!(decode::<Sample>(&read.tag.unwrap(), read.body).unwrap(), payload);
        }
    }

    #[test]
    fn what_does_not_fit_is_told_apart() {
        assert_eq!(
            decode::<Sample>("nonsense", "{}"),
            Err(DecodeError::Unknown(&["read", "read_ok", "wrapped"]))
        );
        let malformed = decode::<Sample>("read_ok", r#"{"messages": 5}"#).unwrap_err();
        assert!(
            matches!(&malformed, DecodeError::Malformed(text) if text.contains("sequence")),
            "{malformed}"
        );
        let nested = decode::<Sample>("read_ok", r#"{"messages": [], "ratio": "x"}"#).unwrap_err();
        assert!(matches!(nested, DecodeError::Malformed(_)));
    }

    #[test]
    fn only_an_integer_below_two_to_the_63_is_a_msg_id() {
        let msg_id = |text: &str| {
            let line = format!(
                r#"{{"src": "c", "dest": "n", "id": 9, "body": {{"type": "read", "msg_id": {text}}}}}"#
            );
            Line::parse(&line).unwrap().msg_id
        };
        assert_eq!(msg_id("0"), Some(0));
        assert_eq!(msg_id("9223372036854775807"), Some(9_223_372_036_854_775_807));
        for text in ["9223372036854775808", "-1", "1.0", "1e3", "\"1\"", "null", "[1]"] {
            assert_eq!(msg_id(text), None, "{text}");
        }
    }
}
