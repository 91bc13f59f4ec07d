//! What happened in a few words: payloads, faults, fates and instants, as stories and transcripts tell them.
//!
//! It knows no protocol: a payload is told by its type and what it carries.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::hash::BuildWordHasher;
use crate::report::printable;
use crate::sim::Why;
use crate::sim::fault::{Fault, FaultKind, Group, Partition, Skew};
use crate::stdio::wire::encode_body;
use crate::time::Time;

/// A payload's type, then what it carries, less what is null, in `most` characters at most.
pub(crate) fn brief<T: Serialize>(payload: &T, most: usize) -> String {
    let body = body(payload);
    let (tag, rest) = tag_and_rest(&body);
    let text = match (tag.as_str(), rest.as_slice()) {
        ("", []) => flat(&body),
        ("", rest) => told(rest),
        (tag, []) => tag.to_owned(),
        (tag, [(_, value)]) => format!("{tag} {value}"),
        (tag, rest) => format!("{tag} {}", told(rest)),
    };
    cut_short(&printable(&text), most).into_owned()
}

/// A payload's type alone.
pub(crate) fn kind_of<T: Serialize>(payload: &T) -> String {
    match tag_and_rest(&body(payload)) {
        (tag, _) if tag.is_empty() => "message".to_owned(),
        (tag, _) => printable(&tag),
    }
}

/// A text, or its beginning where it is longer.
pub(crate) fn cut_short(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => Cow::Borrowed(text),
        Some(_) => Cow::Owned(text.chars().take(most.saturating_sub(2)).chain("..".chars()).collect()),
    }
}

type Fields<'a> = IndexMap<String, &'a RawValue, BuildWordHasher>;

fn body<T: Serialize>(payload: &T) -> String {
    let mut body = Vec::new();
    match encode_body(&mut body, payload) {
        Ok(()) => String::from_utf8(body).expect("JSON is UTF-8"),
        // What never crosses the wire, an event say, need not be an enum of flat variants.
        Err(_) => serde_json::to_string(payload).unwrap_or_else(|_| "null".to_owned()),
    }
}

fn tag_and_rest(body: &str) -> (String, Vec<(String, String)>) {
    let fields: Fields<'_> = serde_json::from_str(body).unwrap_or_default();
    let tag = fields.get("type").map_or("", |tag| tag.get().trim_matches('"')).to_owned();
    (tag, carried(fields))
}

fn carried(fields: Fields<'_>) -> Vec<(String, String)> {
    let carried = fields.into_iter().filter(|(key, value)| key != "type" && value.get() != "null");
    carried.map(|(key, value)| (key, flat(value.get()))).collect()
}

fn told(fields: &[(String, String)]) -> String {
    fields.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>().join(", ")
}

/// JSON without quotes around keys, and without what is null.
fn flat(json: &str) -> String {
    if let Ok(fields) = serde_json::from_str::<Fields<'_>>(json) {
        return format!("{{{}}}", told(&carried(fields)));
    }
    match serde_json::from_str::<Vec<&RawValue>>(json) {
        Ok(items) => {
            let items: Vec<String> = items.iter().map(|item| flat(item.get())).collect();
            format!("[{}]", items.join(", "))
        }
        Err(_) => json.to_owned(),
    }
}

/// A fault by its place in the schedule, its kind, and whom it concerns.
pub(crate) fn fault(place: usize, fault: &Fault) -> String {
    let whom = match &fault.fault {
        FaultKind::Partition(Partition::Groups(groups)) => {
            let group = |group: &Group| match group {
                Group::Nodes(nodes) => nodes.to_string(),
                Group::Rest => "the rest".to_owned(),
            };
            groups.iter().map(group).collect::<Vec<_>>().join(" | ")
        }
        FaultKind::Partition(Partition::Ring { ring }) => format!("ring {ring}"),
        FaultKind::Partition(Partition::Drawn(_)) => "drawn".to_owned(),
        FaultKind::Cut { from, to } => format!("{from} to {to}"),
        FaultKind::Link(change) => {
            let json = serde_json::to_string(change).expect("a change of links can be written as JSON");
            flat(&json).trim_matches(['{', '}']).replace('"', "")
        }
        FaultKind::Crash(nodes) | FaultKind::Wipe(nodes) | FaultKind::Pause(nodes) => nodes.to_string(),
        FaultKind::Skew(Skew { nodes, offset, rate }) => {
            let rate = serde_json::to_string(rate).expect("a rate can be written as JSON");
            format!("{nodes}, offset {offset}, rate {rate}")
        }
    };
    format!("fault {place}, {} {}", fault.fault.name(), cut_short(&whom, 60))
}

/// Why a message was dropped.
pub(crate) fn fate(why: Why) -> String {
    match why {
        Why::Loss => "lost".to_owned(),
        Why::Cut(fault) => format!("cut by fault {fault}"),
        Why::Down => "down".to_owned(),
        Why::CrashedWhilePaused => "paused, then crashed".to_owned(),
        Why::Absent => "absent".to_owned(),
        Why::Unread => "not read".to_owned(),
    }
}

/// An instant for people: to the millisecond.
pub(crate) fn seconds(at: Time) -> String {
    format!("{:.3}s", at.as_nanos() as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::flood::{Message, Receipt, Told};
    use crate::value::Value;
    use crate::workload::broadcast::{Event, Request};

    #[test]
    fn a_payload_is_its_type_and_what_it_carries() {
        let told = |hops| Told { message: Value::from(3), hops };
        let tell = |messages: Vec<_>, receipt| Message::Tell { messages: messages.into(), receipt };
        let receipt = Receipt { disk: 12, numbers: vec![1, 2].into() };
        assert_eq!(brief(&Request::Read, 80), "read");
        assert_eq!(brief(&Request::Broadcast { message: Value::from(3) }, 80), "broadcast 3");
        assert_eq!(brief(&tell(vec![told(None)], None), 80), "tell [{message 3}]");
        assert_eq!(
            brief(&tell(vec![told(Some(1))], Some(receipt)), 80),
            "tell messages [{message 3, hops 1}], receipt {disk 12, numbers [1, 2]}"
        );
        assert_eq!(
            brief(&Event::Delivered { value: Value::from(3), hops: 1 }, 80),
            "delivered value 3, hops 1"
        );
        assert_eq!(brief(&vec![1, 2, 3], 80), "[1, 2, 3]");
        assert_eq!(brief(&(0..100).collect::<Vec<_>>(), 12), "[0, 1, 2, ..");
        assert_eq!(kind_of(&tell(vec![told(None)], None)), "tell");
    }
}
