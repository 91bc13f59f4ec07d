//! A node that runs elsewhere: the types of its messages, so that records, traces and judges can speak of them.

use std::marker::PhantomData;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::id::NodeId;
use crate::node::{Call, Context, Node};
use crate::workload::Workload;

/// A node of a workload in a process of its own, in any language. It is never run here.
#[derive(Debug)]
pub struct Foreign<W>(PhantomData<fn() -> W>);

/// A message as it was written: a JSON object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Body(pub(super) String);

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Body, D::Error> {
        Box::<RawValue>::deserialize(deserializer).map(|raw| Body(raw.get().to_owned()))
    }
}

const ELSEWHERE: &str = "a foreign node runs in a process of its own";

impl<W: Workload> Node for Foreign<W> {
    type Config = ();
    type Request = W::Request;
    type Response = W::Response;
    type Event = W::Event;
    type Message = Body;
    type Timer = ();
    type Durable = ();

    fn start((): &(), (): (), _: &mut Context<'_, Self>) -> Self {
        unreachable!("{ELSEWHERE}")
    }
    fn on_request(&mut self, _: W::Request, _: Call, _: &mut Context<'_, Self>) {
        unreachable!("{ELSEWHERE}")
    }
    fn on_message(&mut self, _: NodeId, _: Body, _: &mut Context<'_, Self>) {
        unreachable!("{ELSEWHERE}")
    }
    fn on_timer(&mut self, (): (), _: &mut Context<'_, Self>) {
        unreachable!("{ELSEWHERE}")
    }
    fn durable(&self) -> &() {
        &()
    }
}
