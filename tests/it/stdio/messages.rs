//! Every message, request and response of every protocol crosses the wire unharmed, and none uses a name that the wire
//! itself needs. The names are read off the derives, so that a new protocol or variant is looked at unasked.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rumormill::node::Node;
use rumormill::protocol::flood::{self, Receipt, Told};
use rumormill::protocol::gossip::{Differ, Message, Repair};
use rumormill::protocol::{self, Registry, Visitor};
use rumormill::ratio::Quotient;
use rumormill::run::run;
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;
use rumormill::sim::{Observer, Record};
use rumormill::stdio::wire::{DecodeError, Envelope, Line, decode, encode};
use rumormill::time::Time;
use rumormill::value::Value;
use rumormill::workload::Workload;
use rumormill::workload::broadcast::{Request, Response};
use serde::de::value::{Error as Seen, StrDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer};
use serde::{Serialize, forward_to_deserialize_any};

/// Writes a line and reads it back.
fn there_and_back<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(payload: &T) {
    for in_reply_to in [None, Some(u64::MAX >> 1)] {
        let mut bytes = Vec::new();
        encode(&mut bytes, Envelope { src: "n\"1", dest: "", in_reply_to, msg_id: 3 }, payload)
            .expect("it is flat");
        let text = String::from_utf8(bytes).expect("JSON is UTF-8");
        super::Sent::read(text.strip_suffix('\n').expect("a line has an end"));
        let line = Line::parse(&text).expect(&text);
        assert_eq!((&*line.src, &*line.dest), ("n\"1", ""));
        assert_eq!((line.msg_id, line.is_reply), (Some(3), in_reply_to.is_some()));
        assert_eq!(decode::<T>(&line.tag.expect(&text), line.body).as_ref(), Ok(payload), "{text}");
    }
}

fn value(text: &str) -> Value {
    Value::parse(text).expect(text)
}

fn values() -> impl Strategy<Value = Value> {
    let texts =
        ["null", "-0", "1e400", "18446744073709551616", "\"a\\u0041 ,:\"", "[1, {\"b\": [], \"a\": 1.0}]"];
    prop_oneof![
        any::<i64>().prop_map(Value::from),
        prop::sample::select(texts.to_vec()).prop_map(value),
        any::<String>().prop_map(|text| value(&serde_json::Value::from(text).to_string())),
    ]
}

fn several<T: std::fmt::Debug>(some: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(some, 0..4)
}

/// The `match` fails to compile when a variant is new; then it wants a line below, too.
fn messages() -> impl Strategy<Value = Message> {
    let _ = |message| match message {
        Message::Rumor { .. } | Message::Digest { .. } | Message::Differ(_) | Message::Repair(_) => {}
    };
    let numbers = || several(any::<u64>());
    let differ =
        (any::<u64>(), numbers(), numbers()).prop_map(|(of, buckets, have)| Differ { of, buckets, have });
    let repair = (several(values()), numbers()).prop_map(|(messages, want)| Repair { messages, want });
    prop_oneof![
        (values(), any::<u32>()).prop_map(|(message, hops)| Message::Rumor { message, hops }),
        numbers().prop_map(|sums| Message::Digest { sums: sums.into() }),
        differ.prop_map(|differ| Message::Differ(Box::new(differ))),
        repair.prop_map(|repair| Message::Repair(Box::new(repair))),
    ]
}

/// As above.
fn tells() -> impl Strategy<Value = flood::Message> {
    use flood::Message;
    let _ = |message| match message {
        Message::Tell { .. } | Message::Ack { .. } | Message::Hello { .. } | Message::Welcome { .. } => {}
    };
    let told = (values(), any::<Option<u32>>()).prop_map(|(message, hops)| Told { message, hops });
    let receipt = (any::<u64>(), several(any::<u64>()))
        .prop_map(|(disk, numbers)| Receipt { disk, numbers: numbers.into() });
    prop_oneof![
        (several(told), prop::option::of(receipt))
            .prop_map(|(messages, receipt)| Message::Tell { messages: messages.into(), receipt }),
        several(any::<u64>()).prop_map(|numbers| Message::Ack { numbers: numbers.into() }),
        any::<u64>().prop_map(|disk| Message::Hello { disk }),
        any::<u64>().prop_map(|disk| Message::Welcome { disk }),
    ]
}

fn requests() -> impl Strategy<Value = Request> {
    let _ = |request| match request {
        Request::Broadcast { .. } | Request::Read | Request::GossipStats => {}
    };
    prop_oneof![
        values().prop_map(|message| Request::Broadcast { message }),
        Just(Request::Read),
        Just(Request::GossipStats),
    ]
}

fn responses() -> impl Strategy<Value = Response> {
    let _ = |response| match response {
        Response::BroadcastOk | Response::ReadOk { .. } | Response::GossipStatsOk { .. } => {}
    };
    let stats = |(broadcasts_received, gossip_messages_sent, unique_messages)| Response::GossipStatsOk {
        broadcasts_received,
        gossip_messages_sent,
        messages_per_op: Quotient::of(gossip_messages_sent, broadcasts_received),
        unique_messages,
    };
    prop_oneof![
        Just(Response::BroadcastOk),
        several(values()).prop_map(|messages| Response::ReadOk { messages: messages.into_iter().collect() }),
        (any::<u64>(), any::<u64>(), any::<u64>()).prop_map(stats),
        (0..1_000_u64, 0..1_000_u64, 0..9_u64).prop_map(stats),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_message_survives_the_wire(
        message in messages(),
        tell in tells(),
        request in requests(),
        response in responses(),
    ) {
        there_and_back(&message);
        there_and_back(&tell);
        there_and_back(&request);
        there_and_back(&response);
    }
}

#[test]
fn no_payload_takes_a_name_that_the_wire_needs() {
    for row in protocol::builtin().rows() {
        let Ok(types) = protocol::builtin().with(row.name, Names) else { panic!("{} is listed", row.name) };
        // Every protocol has a request and a response at least.
        let fewest = if row.name == "gossip" { 10 } else { 2 };
        assert!(types.len() >= fewest, "{}: {types:?}", row.name);
        for (tag, fields) in &types {
            let taken = ["type", "msg_id", "in_reply_to"];
            assert!(!fields.iter().any(|field| taken.contains(field)), "{}: {tag} {fields:?}", row.name);
            assert!(
                !["init", "init_ok", "topology", "topology_ok", "error"].contains(tag),
                "{}: {tag}",
                row.name
            );
            let same = types.iter().filter(|(other, _)| other == tag).count();
            assert_eq!(same, 1, "{}: {tag} means two things", row.name);
        }
    }
}

type Type = (&'static str, &'static [&'static str]);

/// The types of a protocol's lines, each with its fields.
struct Names;

impl Visitor for Names {
    type Output = Vec<Type>;

    fn visit<W, N>(self) -> Vec<Type>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        [types_of::<N::Message>(), types_of::<N::Request>(), types_of::<N::Response>()].concat()
    }
}

fn types_of<T: DeserializeOwned>() -> Vec<Type> {
    let mut types: Vec<Type> = Vec::new();
    loop {
        let mut variants: &'static [&'static str] = &[];
        let mut fields: &'static [&'static str] = &[];
        let probe = Probe { at: types.len(), variants: &mut variants, fields: &mut fields };
        // Only how far it comes is of interest.
        _ = T::deserialize(probe);
        match variants.get(types.len()) {
            Some(tag) => types.push((tag, fields)),
            None => return types,
        }
    }
}

/// A deserializer that a derive tells the names of all variants, and of one variant's fields.
struct Probe<'a> {
    at: usize,
    variants: &'a mut &'static [&'static str],
    fields: &'a mut &'static [&'static str],
}

impl<'de> de::Deserializer<'de> for Probe<'_> {
    type Error = Seen;

    fn deserialize_any<V: de::Visitor<'de>>(self, _: V) -> Result<V::Value, Seen> {
        Err(Seen::custom("neither an enum nor a struct"))
    }
    fn deserialize_enum<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        *self.variants = variants;
        visitor.visit_enum(self)
    }
    fn deserialize_struct<V: de::Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Seen> {
        *self.fields = fields;
        Err(Seen::custom("seen"))
    }
    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map identifier ignored_any
    }
}

impl<'de> de::EnumAccess<'de> for Probe<'_> {
    type Error = Seen;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Seen> {
        let tag = self.variants.get(self.at).copied().ok_or_else(|| Seen::custom("the last was the last"))?;
        let tag: StrDeserializer<'_, Seen> = tag.into_deserializer();
        Ok((seed.deserialize(tag)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Probe<'_> {
    type Error = Seen;

    fn unit_variant(self) -> Result<(), Seen> {
        Ok(())
    }
    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Seen> {
        seed.deserialize(self)
    }
    fn tuple_variant<V: de::Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Seen> {
        panic!("a message has named fields")
    }
    fn struct_variant<V: de::Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Seen> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}

/// What a derive would take for a map of its fields, a list in their order, is no body.
#[test]
fn a_body_is_an_object() {
    assert!(matches!(decode::<Message>("digest", "[[1]]"), Err(DecodeError::Malformed(_))));
    assert!(matches!(decode::<Request>("read", "[]"), Err(DecodeError::Malformed(_))));
    for text in [r#"["a", "b", {"type": "read"}]"#, r#"{"src": "a", "dest": "b", "body": ["read", 1, 2]}"#] {
        assert!(Line::parse(text).is_err(), "{text}");
    }
}

/// Sends every message that passes in a run over the wire, too.
struct OnTheWire {
    /// Types with the keys that they came with.
    seen: BTreeSet<String>,
}

impl<N: Node> Observer<N> for OnTheWire {
    fn observe(&mut self, _: Time, record: &Record<'_, N>) {
        let (Record::Deliver(_, message) | Record::Drop(_, _, message)) = record else { return };
        let mut bytes = Vec::new();
        encode(&mut bytes, Envelope { src: "n0", dest: "n1", in_reply_to: None, msg_id: 1 }, *message)
            .unwrap_or_else(|error| panic!("{message:?} cannot be written: {error}"));
        let text = String::from_utf8(bytes).expect("JSON is UTF-8");
        let line = Line::parse(&text).expect(&text);
        let tag = line.tag.expect(&text).into_owned();
        let read = decode::<N::Message>(&tag, line.body).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(format!("{read:?}"), format!("{message:?}"), "{text}");
        let keys: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line.body).expect(&text);
        self.seen.insert(format!("{tag} {:?}", keys.keys().collect::<Vec<_>>()));
    }
}

#[test]
fn every_message_of_a_storm_could_cross_the_wire() {
    struct Storm<'a>(&'a str);
    impl Visitor for Storm<'_> {
        type Output = BTreeSet<String>;

        fn visit<W, N>(self) -> BTreeSet<String>
        where
            W: Workload,
            N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
        {
            let text = format!(
                r#"{{ "name": "storm", "nodes": 5, "protocol": {{ "{}": {{}} }}, "workload": {{ "{}": {{ "rate": 20 }} }},
                      "network": {{ "latency": {{ "constant": "20ms" }}, "loss": 0.1 }},
                      "nemesis": {{ "kinds": ["partition", "crash", "wipe"], "interval": "2s" }} }}"#,
                self.0,
                W::NAME
            );
            let document = Document::parse("a storm", &text).unwrap();
            let mut wire = OnTheWire { seen: BTreeSet::new() };
            run::<W, N, _>(&Scenario::read(&document).unwrap(), &document, &mut wire).unwrap();
            wire.seen
        }
    }
    for row in protocol::builtin().rows() {
        let seen = protocol::builtin().with(row.name, Storm(row.name)).unwrap_or_else(|_| unreachable!());
        let silent = ["echo", "unique-ids"].contains(&row.name);
        assert!(if silent { seen.is_empty() } else { seen.len() > 2 }, "{}: {seen:?}", row.name);
    }
}
