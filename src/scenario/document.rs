//! A JSON text as a tree that remembers where everything stands, so that an error can say where it is.
//!
//! Any `Deserialize` type can be read from any [`Item`]; what goes wrong becomes a [`Misfit`] with the key's path, its
//! place and, for a misspelt key, the nearest allowed one. It knows nothing of scenarios.

use std::fmt;

use serde::de::{self, DeserializeOwned, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

mod misfit;
mod read;

pub use misfit::{Misfit, nearest};
pub use read::Raw;

/// Deeper nesting than this is refused.
const DEEPEST: usize = 64;

/// A JSON text and what it says.
#[derive(Clone, Debug)]
pub struct Document {
    name: String,
    text: String,
    root: Item,
}

/// A part of a document.
#[derive(Clone, Debug)]
pub struct Item {
    place: Place,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Item>),
    Object(Vec<(String, Item)>),
}

/// Where a part of a document comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// This many bytes into the text.
    Text(usize),
    /// This `key=value` of the command line.
    Set(String),
}

/// An error's own words, without the place that is the reader's.
fn words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

/// Line and column of an offset, both from 1; columns count characters.
fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    (before.matches('\n').count() + 1, before.chars().rev().take_while(|c| *c != '\n').count() + 1)
}

impl Document {
    /// Reads a text; `name` is what errors call it.
    pub fn parse(name: &str, text: &str) -> Result<Document, Misfit> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document = |root| Document { name: name.to_owned(), text: text.to_owned(), root };
        let empty = document(Item { place: Place::Text(0), kind: Kind::Null });
        let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
            let line: usize =
                text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
            let (line, column) = line_and_column(text, line + error.column().saturating_sub(1));
            Misfit {
                place: format!("{name}:{line}:{column}"),
                ..Misfit::new(format!("not JSON: {}", words(&error)))
            }
        })?;
        let reader = Reader { text };
        match reader.item(raw, 0) {
            Ok(root) => Ok(document(root)),
            Err(misfit) => Err(empty.find_place(misfit)),
        }
    }

    /// The whole.
    pub fn root(&self) -> &Item {
        &self.root
    }

    /// Reads the part that a path leads to ("" for the whole); `None` if there is no such part.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Option<Result<T, Misfit>> {
        let item = self.root.find(path)?;
        let below = |misfit: Misfit| if path.is_empty() { misfit } else { misfit.below(path) };
        Some(item.read().map_err(|misfit| self.find_place(below(misfit))))
    }

    /// Puts a value where a path leads, as `--set path=value` asks: JSON, or else a string.
    pub fn set(&mut self, assignment: &str) -> Result<(), Misfit> {
        let place = Place::Set(assignment.to_owned());
        let misfit = |path: &str, text: &str| Misfit {
            place: format!("--set {assignment}"),
            ..Misfit::at(path, text)
        };
        let Some((path, value)) = assignment.split_once('=') else {
            return Err(misfit("", "write --set KEY=VALUE"));
        };
        let value = match serde_json::from_str::<&RawValue>(value) {
            Ok(raw) => {
                let reader = Reader { text: value };
                reader.item(raw, 0).map_err(|error| misfit(path, &error.text))?
            }
            Err(_) => Item { place: place.clone(), kind: Kind::Text(value.to_owned()) },
        };
        let keys: Vec<&str> = path.split('.').collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(misfit(path, "a key is empty; write --set KEY=VALUE"));
        }
        self.root
            .put(&keys, value.moved(&place))
            .map_err(|error| Misfit { place: format!("--set {assignment}"), ..error })
    }

    /// Takes away whatever says the same as the base does, in the whole and within these objects of it.
    pub fn leave_out_what_is_in(&mut self, base: &Document, within: &[&str]) {
        self.root.leave_out(&base.root);
        for path in within {
            if let (Some(item), Some(other)) = (self.root.find_mut(path), base.root.find(path)) {
                item.leave_out(other);
            }
        }
    }

    /// Works out the place of what a misfit is about: its own, or that of the nearest key on its path.
    pub fn find_place(&self, mut misfit: Misfit) -> Misfit {
        let keys: Vec<&str> = misfit.path.split('.').collect();
        let nearest = (0..=keys.len()).rev().find_map(|depth| self.root.find(&keys[..depth].join(".")));
        let place =
            misfit.at.clone().unwrap_or_else(|| nearest.map_or(Place::Text(0), |item| item.place.clone()));
        if misfit.place.is_empty() {
            misfit.place = match place {
                Place::Set(assignment) => format!("--set {assignment}"),
                Place::Text(offset) => {
                    let (line, column) = line_and_column(&self.text, offset);
                    format!("{}:{line}:{column}", self.name)
                }
            };
        }
        misfit
    }
}

struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    /// How far into the text a part of it begins.
    fn offset(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn item(&self, raw: &'a RawValue, depth: usize) -> Result<Item, Misfit> {
        let json = raw.get();
        let place = Place::Text(self.offset(json));
        let wrong = |error: serde_json::Error| Misfit::new(words(&error)).placed(&place);
        if depth > DEEPEST {
            return Err(Misfit::new(format!("nested deeper than {DEEPEST} levels")).placed(&place));
        }
        let kind = match json.as_bytes()[0] {
            b'{' => {
                let Fields(fields) = serde_json::from_str(json).map_err(wrong)?;
                let mut object: Vec<(String, Item)> = Vec::with_capacity(fields.len());
                let mut keys = std::collections::BTreeSet::new();
                let mut end = self.offset(json) + 1;
                for (key, raw) in fields {
                    // Nothing but a comma and white space is between the last value and the key.
                    let place = Place::Text(end + self.text[end..].find('"').unwrap_or_default());
                    end = self.offset(raw.get()) + raw.get().len();
                    if !keys.insert(key.clone()) {
                        return Err(Misfit::at(key, "the key is given twice").placed(&place));
                    }
                    let mut item = self.item(raw, depth + 1).map_err(|misfit| misfit.below(&key))?;
                    // What people look for is the key.
                    item.place = place;
                    object.push((key, item));
                }
                Kind::Object(object)
            }
            b'[' => {
                let parts: Vec<&'a RawValue> = serde_json::from_str(json).map_err(wrong)?;
                let items = parts.into_iter().enumerate();
                let items = items.map(|(at, raw)| {
                    self.item(raw, depth + 1).map_err(|misfit| misfit.below(&at.to_string()))
                });
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            b'"' => Kind::Text(serde_json::from_str(json).map_err(wrong)?),
            b't' => Kind::Bool(true),
            b'f' => Kind::Bool(false),
            b'n' => Kind::Null,
            _ => Kind::Number(json.to_owned()),
        };
        Ok(Item { place, kind })
    }
}

/// An object's fields in order, repeated ones included.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fields<'a>, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

impl Item {
    /// Reads the item as a type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        T::deserialize(self).map_err(|misfit| misfit.placed(&self.place))
    }

    /// The part that a path leads to.
    pub fn find(&self, path: &str) -> Option<&Item> {
        if path.is_empty() {
            return Some(self);
        }
        let (key, rest) = path.split_once('.').unwrap_or((path, ""));
        self.child(key)?.find(rest)
    }

    fn find_mut(&mut self, key: &str) -> Option<&mut Item> {
        match &mut self.kind {
            Kind::Object(fields) => fields.iter_mut().find(|(name, _)| name == key).map(|(_, item)| item),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => None,
        }
    }

    /// Leaves out the fields that the other has, too, and with the same value.
    fn leave_out(&mut self, other: &Item) {
        if let Kind::Object(fields) = &mut self.kind {
            let same = |name: &str, item: &Item| other.child(name).is_some_and(|it| it.json() == item.json());
            fields.retain(|(name, item)| !same(name, item));
        }
    }

    /// The part right below of this key or place.
    pub(crate) fn child(&self, key: &str) -> Option<&Item> {
        match &self.kind {
            Kind::Object(fields) => fields.iter().find(|(name, _)| name == key).map(|(_, item)| item),
            Kind::List(items) => items.get(key.parse::<usize>().ok()?),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => None,
        }
    }

    /// The keys of an object.
    pub fn keys(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Object(fields) => fields.iter().map(|(key, _)| key.as_str()).collect(),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) | Kind::List(_) => Vec::new(),
        }
    }

    fn put(&mut self, keys: &[&str], value: Item) -> Result<(), Misfit> {
        let [key, rest @ ..] = keys else {
            *self = value;
            return Ok(());
        };
        let place = value.place.clone();
        match &mut self.kind {
            Kind::Object(fields) => {
                if !fields.iter().any(|(name, _)| name == key) {
                    fields.push(((*key).to_owned(), Item { place, kind: Kind::Object(Vec::new()) }));
                }
                let child = fields.iter_mut().find(|(name, _)| name == key).map(|(_, item)| item);
                child
                    .expect("it is there or has just been put in")
                    .put(rest, value)
                    .map_err(|misfit| misfit.below(key))
            }
            Kind::List(items) => {
                let count = items.len();
                match key.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                    Some(item) => item.put(rest, value).map_err(|misfit| misfit.below(key)),
                    None => Err(Misfit::at(*key, format!("the list has {count} entries, counted from 0"))),
                }
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => Err(Misfit::at(
                *key,
                "there is nothing below this key: its value is neither an object nor a list",
            )),
        }
    }

    /// The same, said to come from elsewhere.
    fn moved(mut self, place: &Place) -> Item {
        self.place = place.clone();
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| *item = item.clone().moved(place)),
            Kind::Object(fields) => fields.iter_mut().for_each(|(_, item)| *item = item.clone().moved(place)),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => {}
        }
        self
    }

    /// The item as JSON on one line.
    pub fn json(&self) -> String {
        match &self.kind {
            Kind::Null => "null".to_owned(),
            Kind::Bool(truth) => truth.to_string(),
            Kind::Number(text) => text.clone(),
            Kind::Text(text) => quoted(text),
            Kind::List(items) => format!("[{}]", items.iter().map(Item::json).collect::<Vec<_>>().join(", ")),
            Kind::Object(fields) if fields.is_empty() => "{}".to_owned(),
            Kind::Object(fields) => {
                let fields: Vec<String> =
                    fields.iter().map(|(key, item)| format!("{}: {}", quoted(key), item.json())).collect();
                format!("{{ {} }}", fields.join(", "))
            }
        }
    }

    /// The item as JSON for people: what fits on a line stays on it.
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write_pretty(0, 0, &mut text);
        text.push('\n');
        text
    }

    fn write_pretty(&self, depth: usize, used: usize, text: &mut String) {
        let line = self.json();
        let (open, close, parts): (_, _, Vec<(String, &Item)>) = match &self.kind {
            Kind::Object(fields) => {
                ('{', '}', fields.iter().map(|(key, item)| (format!("{}: ", quoted(key)), item)).collect())
            }
            Kind::List(items) => ('[', ']', items.iter().map(|item| (String::new(), item)).collect()),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Text(_) => return text.push_str(&line),
        };
        if parts.is_empty() || (depth > 0 && 2 * depth + used + line.len() <= 116) {
            return text.push_str(&line);
        }
        text.push(open);
        for (at, (key, item)) in parts.iter().enumerate() {
            text.push_str(if at == 0 { "\n" } else { ",\n" });
            text.push_str(&"  ".repeat(depth + 1));
            text.push_str(key);
            item.write_pretty(depth + 1, key.len(), text);
        }
        text.push('\n');
        text.push_str(&"  ".repeat(depth));
        text.push(close);
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("a string can be written as JSON")
}
