//! Reading any `Deserialize` type from a part of a document, with the place of whatever does not fit.
//!
//! An enum is a word, or an object with a word as its only key; what has nothing to say can be written `{}`.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser};
use serde_json::value::RawValue;

use super::{Item, Kind, Misfit, Place};

/// JSON kept as text, to be typed later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw(pub String);

const RAW: &str = "$rumormill::raw";

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Raw, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Raw;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a part of a document")
            }
            fn visit_str<E: de::Error>(self, json: &str) -> Result<Raw, E> {
                Ok(Raw(json.to_owned()))
            }
        }
        deserializer.deserialize_newtype_struct(RAW, Text)
    }
}

impl Serialize for Raw {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde_json::from_str::<&RawValue>(&self.0).map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserializer<'de> for &Item {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(truth) => visitor.visit_bool(*truth),
            Kind::Text(text) => visitor.visit_str(text),
            Kind::Number(text) => match (text.parse::<u64>(), text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _, _) => visitor.visit_u64(number),
                (_, Ok(number), _) => visitor.visit_i64(number),
                (_, _, Ok(number)) if number.is_finite() && text.contains(['.', 'e', 'E']) => {
                    visitor.visit_f64(number)
                }
                _ => Err(Misfit::new(format!("{text} is too large a number"))),
            },
            Kind::List(items) => visitor.visit_seq(Items { items, next: 0 }),
            Kind::Object(fields) => visitor.visit_map(FieldsOf { fields, next: 0 }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.kind {
            Kind::Null => visitor.visit_none(),
            Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) | Kind::Object(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match name {
            RAW => visitor.visit_string(self.json()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    /// What has nothing to say can be written as `{}`.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match &self.kind {
            Kind::Object(fields) if fields.is_empty() => visitor.visit_unit(),
            Kind::Object(fields) => {
                Err(Misfit::word("key", &fields[0].0, &[]).below(&fields[0].0).placed(&fields[0].1.place))
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => {
                self.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        allowed: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.kind {
            Kind::Text(tag) => visitor.visit_enum(Variant { tag, content: None, place: &self.place }),
            Kind::Object(fields) if fields.len() == 1 => {
                let (tag, content) = &fields[0];
                visitor.visit_enum(Variant { tag, content: Some(content), place: &content.place })
            }
            Kind::Object(fields) if fields.len() > 1 => {
                let text =
                    format!("both `{}` and `{}` are given; there can be only one", fields[0].0, fields[1].0);
                Err(Misfit::new(text).placed(&fields[1].1.place))
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::List(_) | Kind::Object(_) => {
                let allowed = allowed.iter().map(|word| (*word).to_owned()).collect();
                Err(Misfit {
                    allowed,
                    ..Misfit::new(
                        "write one of the allowed words, or an object with one of them as its only key",
                    )
                })
            }
        }
    }

    /// Never read from a list, whose entries would be taken for the fields in turn.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match &self.kind {
            Kind::Object(_) => self.deserialize_any(visitor),
            Kind::List(_) => Err(de::Error::invalid_type(de::Unexpected::Seq, &"an object")),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {
                Err(Misfit::new(format!("{} does not fit; write an object", self.json())))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct map identifier ignored_any
    }
}

struct Items<'a> {
    items: &'a [Item],
    next: usize,
}

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.items.get(self.next) else { return Ok(None) };
        let key = self.next.to_string();
        self.next += 1;
        seed.deserialize(item).map(Some).map_err(|misfit| misfit.placed(&item.place).below(&key))
    }
}

struct FieldsOf<'a> {
    fields: &'a [(String, Item)],
    next: usize,
}

impl<'de> de::MapAccess<'de> for FieldsOf<'_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        let Some((key, item)) = self.fields.get(self.next) else { return Ok(None) };
        let name: StrDeserializer<'_, Misfit> = key.as_str().into_deserializer();
        seed.deserialize(name).map(Some).map_err(|misfit| misfit.placed(&item.place).below(key))
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Misfit> {
        let (key, item) = &self.fields[self.next];
        self.next += 1;
        seed.deserialize(item).map_err(|misfit| misfit.placed(&item.place).below(key))
    }
}

struct Variant<'a> {
    tag: &'a str,
    content: Option<&'a Item>,
    place: &'a Place,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Misfit;
    type Variant = Variant<'a>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Variant<'a>), Misfit> {
        let tag: StrDeserializer<'_, Misfit> = self.tag.into_deserializer();
        let variant = seed.deserialize(tag).map_err(|misfit| {
            let misfit = misfit.placed(self.place);
            if self.content.is_some() { misfit.below(self.tag) } else { misfit }
        })?;
        Ok((variant, self))
    }
}

impl Variant<'_> {
    fn content(&self) -> Result<&Item, Misfit> {
        self.content.ok_or_else(|| {
            Misfit::new(format!("`{0}` needs its particulars: write {{ \"{0}\": ... }}", self.tag))
        })
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.content {
            None => Ok(()),
            Some(_) => Err(Misfit::new(format!("`{0}` has no particulars: write \"{0}\"", self.tag))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        let item = self.content()?;
        seed.deserialize(item).map_err(|misfit| misfit.placed(&item.place).below(self.tag))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        let item = self.content()?;
        item.deserialize_any(visitor).map_err(|misfit| misfit.placed(&item.place).below(self.tag))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let item = self.content()?;
        item.deserialize_struct("", fields, visitor)
            .map_err(|misfit| misfit.placed(&item.place).below(self.tag))
    }
}
