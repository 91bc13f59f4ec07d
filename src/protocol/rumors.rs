//! A set of values that spreads: a new one is told to a few random peers, who do the same; a periodic exchange repairs
//! what got lost. It knows no client.
//!
//! Rumour mongering with push (Demers et al., "Epidemic algorithms for replicated database maintenance", 1987): each
//! *new* value goes once to `fanout` distinct peers, never back to where it came from. Anti-entropy, of the same paper:
//! every so often a node compares its set with that of one random peer, first by the sums of buckets of fingerprints,
//! then by the fingerprints of the buckets that differ, and at last only what is missing passes, both ways. What came
//! by repair is not forwarded.

use serde::{Deserialize, Serialize};

use super::knobs::{Config, Timer};
use crate::id::NodeId;
use crate::node::{Context, Node};
use crate::value::{FINGERPRINTS, Value, ValueList, ValueSet};
use crate::workload::spread::Event;

/// Node to node. A rumour is small and by far the most common; the rest is boxed, so that all are small in flight.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// A value, and how many hops it has come.
    Rumor {
        /// The value.
        message: Value,
        /// This one included.
        hops: u32,
    },
    /// The sums of the fingerprints of the sender's values, by bucket: fingerprint mod the number of buckets.
    Digest {
        /// One a bucket.
        sums: Box<[u64]>,
    },
    /// We differ.
    Differ(Box<Differ>),
    /// What you lack, and what I lack.
    Repair(Box<Repair>),
}

/// In these of so many buckets we differ; these are the fingerprints of what I have there.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Differ {
    /// How many buckets there are.
    pub of: u64,
    /// Those that differ.
    pub buckets: Vec<u64>,
    /// The fingerprints of all the sender's values in them.
    pub have: Vec<u64>,
}

/// What you lack, and what I lack.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Repair {
    /// Values that the receiver lacks.
    pub messages: Vec<Value>,
    /// Fingerprints of values that the sender lacks.
    pub want: Vec<u64>,
}

/// A node that tells of its values so.
pub trait Spreads: Node<Config = Config, Message = Message, Timer = Timer, Event = Event> {}
impl<N: Node<Config = Config, Message = Message, Timer = Timer, Event = Event>> Spreads for N {}

/// The values of a node. In a very large cluster it is what memory holds, so it keeps no knobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rumors {
    /// In order of arrival; on disk before a client hears that one is in.
    seen: ValueSet,
    sent: u64,
}

impl Rumors {
    /// A node comes up with what its disk holds.
    pub(super) fn start<N: Spreads>(seen: ValueSet, ctx: &mut Context<'_, N>) -> Rumors {
        ctx.config().begin(ctx);
        Rumors { seen, sent: 0 }
    }

    /// The values, in order of arrival.
    pub(super) fn seen(&self) -> &ValueSet {
        &self.seen
    }

    /// What a client reads of them.
    pub(super) fn read(&mut self) -> ValueList {
        self.seen.list()
    }

    /// How many rumours this node has sent since it came up.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// A client hands in a value.
    pub(super) fn add<N: Spreads>(&mut self, value: Value, ctx: &mut Context<'_, N>) {
        self.learn(value, 0, None, ctx);
    }

    /// A peer's message arrives.
    pub(super) fn on_message<N: Spreads>(
        &mut self,
        from: NodeId,
        message: Message,
        ctx: &mut Context<'_, N>,
    ) {
        match message {
            Message::Rumor { message, hops } => {
                if self.seen.contains(&message) {
                    ctx.emit(Event::Redundant { value: message });
                } else {
                    self.learn(message, hops, Some(from), ctx);
                }
            }
            Message::Digest { sums } => self.compare(from, &sums, ctx),
            Message::Differ(differ) => self.repair(from, *differ, ctx),
            Message::Repair(repair) => {
                repair.messages.into_iter().for_each(|value| self.mend(value, ctx));
                let wanted = self.with_fingerprints(repair.want);
                send_repair(from, wanted, Vec::new(), ctx);
            }
        }
    }

    /// The timer fires.
    pub(super) fn on_timer<N: Spreads>(&mut self, timer: Timer, ctx: &mut Context<'_, N>) {
        let Timer::AntiEntropy = timer;
        let sums = self.sums(self.buckets()).into();
        ctx.config().exchange(Message::Digest { sums }, ctx);
    }
}

/// Rumour mongering.
impl Rumors {
    /// Takes in a value that came from a client or as a rumour, and tells it on if it is new.
    fn learn<N: Spreads>(&mut self, value: Value, hops: u32, from: Option<NodeId>, ctx: &mut Context<'_, N>) {
        if !self.seen.insert(value.clone()) {
            return;
        }
        let rumour = Message::Rumor { message: value.clone(), hops: hops.saturating_add(1) };
        self.sent += ctx.send_to_peers(ctx.config().fanout as usize, from, rumour) as u64;
        ctx.emit(Event::Delivered { value, hops });
    }
}

/// Anti-entropy.
impl Rumors {
    /// A peer shows its sums: tell it where we differ, and what is there; nothing if we do not.
    fn compare<N: Spreads>(&mut self, from: NodeId, sums: &[u64], ctx: &mut Context<'_, N>) {
        if sums.is_empty() {
            return;
        }
        let of = sums.len() as u64;
        let mine = self.sums(of);
        let buckets: Vec<u64> =
            (0..of).filter(|bucket| mine[*bucket as usize] != sums[*bucket as usize]).collect();
        if !buckets.is_empty() {
            let have = self.within(of, &buckets).into_iter().map(|(print, _)| print);
            let have = have.take(MOST_FINGERPRINTS).collect();
            ctx.send(from, Message::Differ(Box::new(Differ { of, buckets, have })));
        }
    }

    /// A peer shows what it has where we differ: send it what it lacks, and ask for what this node lacks.
    fn repair<N: Spreads>(&mut self, from: NodeId, differ: Differ, ctx: &mut Context<'_, N>) {
        let Differ { of, buckets, mut have } = differ;
        if of == 0 {
            return;
        }
        have.sort_unstable();
        let (known, lacking): (Vec<_>, Vec<_>) =
            self.within(of, &buckets).into_iter().partition(|(print, _)| have.binary_search(print).is_ok());
        let mut known: Vec<u64> = known.into_iter().map(|(print, _)| print).collect();
        known.sort_unstable();
        have.retain(|print| known.binary_search(print).is_err());
        have.truncate(MOST_FINGERPRINTS);
        send_repair(from, lacking.into_iter().map(|(_, value)| value.clone()).collect(), have, ctx);
    }

    /// Takes in a value that a peer sent to repair this node's set.
    fn mend<N: Spreads>(&mut self, value: Value, ctx: &mut Context<'_, N>) {
        if self.seen.insert(value.clone()) {
            ctx.emit(Event::Repaired { value });
        } else {
            ctx.emit(Event::Redundant { value });
        }
    }

    /// As many buckets as leave about eight values in each.
    fn buckets(&self) -> u64 {
        (self.seen.len() as u64 / 8).next_power_of_two().clamp(1, MOST_BUCKETS)
    }

    fn sums(&mut self, of: u64) -> Vec<u64> {
        let mut sums = vec![0_u64; of as usize];
        let bucket = bucket(of);
        self.seen.for_each_with_print(|print, _| {
            let sum = &mut sums[bucket(print) as usize];
            *sum = (*sum + print) % FINGERPRINTS;
        });
        sums
    }

    /// The values in some of so many buckets, with their fingerprints.
    fn within(&mut self, of: u64, buckets: &[u64]) -> Vec<(u64, &Value)> {
        let (bucket, wanted) = (bucket(of), one_of(of, buckets));
        let mut within = Vec::new();
        self.seen.for_each_with_print(|print, value| {
            if wanted(bucket(print)) {
                within.push((print, value));
            }
        });
        within
    }

    fn with_fingerprints(&mut self, mut prints: Vec<u64>) -> Vec<Value> {
        if prints.is_empty() {
            return Vec::new();
        }
        prints.sort_unstable();
        let mut mine = Vec::new();
        self.seen.for_each_with_print(|print, value| {
            if prints.binary_search(&print).is_ok() {
                mine.push(value.clone());
            }
        });
        mine
    }
}

fn send_repair<N: Spreads>(to: NodeId, mut messages: Vec<Value>, want: Vec<u64>, ctx: &mut Context<'_, N>) {
    let mut bytes = 0;
    messages.retain(|value| {
        let first = bytes == 0;
        bytes += value.text().len();
        first || bytes < MOST_REPAIRED
    });
    if !messages.is_empty() || !want.is_empty() {
        ctx.send(to, Message::Repair(Box::new(Repair { messages, want })));
    }
}

/// A node uses so many buckets at most.
const MOST_BUCKETS: u64 = 1_024;

/// So many bytes of values go into one repair at most, but for the first; the rest waits for the next exchange.
const MOST_REPAIRED: usize = 1 << 20;

/// So many fingerprints go into one message at most; what is left out is looked at in a later exchange.
const MOST_FINGERPRINTS: usize = 50_000;

/// Whether a bucket is one of these: by a table, or by searching if a node that is not ours says too many.
fn one_of(of: u64, buckets: &[u64]) -> impl Fn(u64) -> bool {
    let mut sorted = buckets.to_vec();
    sorted.sort_unstable();
    let room = if of <= MOST_BUCKETS { of } else { 0 };
    let mut table = vec![false; room as usize];
    sorted.iter().take_while(|bucket| **bucket < room).for_each(|bucket| table[*bucket as usize] = true);
    move |bucket| table.get(bucket as usize).copied().unwrap_or_else(|| sorted.binary_search(&bucket).is_ok())
}

/// The bucket of a fingerprint among so many.
fn bucket(of: u64) -> impl Fn(u64) -> u64 {
    // Dividing costs more than all else; a node that is not ours may say any number.
    let mask = of.is_power_of_two().then(|| of - 1);
    move |print| mask.map_or_else(|| print % of, |mask| print & mask)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::gossip::Gossip;
    use crate::solo::Solo;
    use crate::workload::broadcast::Request;

    fn value(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    fn calm() -> Config {
        Config { anti_entropy: None, ..Config::default() }
    }

    /// What a gossiping node holds.
    fn rumors(node: &Solo<Gossip>) -> Rumors {
        Rumors { seen: node.node().durable().clone(), sent: 0 }
    }

    /// Two nodes with overlapping sets end equal, whatever they hold, and only what is missing passes.
    #[test]
    fn an_exchange_mends_both_sides_and_sends_only_what_is_missing() {
        let mut nodes =
            [0, 1].map(|me| Solo::<Gossip>::new(Config { fanout: 0, ..calm() }, NodeId(me), 2, 7));
        for number in 0..200 {
            for (me, node) in nodes.iter_mut().enumerate() {
                if number % 10 != me as i64 {
                    node.request(Request::Broadcast { message: Value::from(number) });
                }
            }
        }
        let mut first = rumors(&nodes[0]);
        let digest = Message::Digest { sums: first.sums(first.buckets()).into() };
        let mut on_the_way = vec![(1, digest)];
        let mut repaired = 0;
        while let Some((to, message)) = on_the_way.pop() {
            if let Message::Repair(repair) = &message {
                repaired += repair.messages.len();
            }
            for effect in nodes[to].message(NodeId(1 - to as u32), message) {
                if let crate::node::Effect::Send(_, message) = effect {
                    on_the_way.push((1 - to, message));
                }
            }
        }
        assert_eq!(repaired, 40, "20 were missing on either side");
        assert!(nodes.iter().all(|node| node.node().durable().len() == 200));
        let digest = Message::Digest { sums: rumors(&nodes[0]).sums(16).into() };
        assert_eq!(nodes[1].message(NodeId(0), digest), [], "equal sets have nothing to say");
    }

    #[test]
    fn a_message_in_flight_is_small() {
        assert_eq!(std::mem::size_of::<Message>(), 24);
    }

    #[test]
    fn strange_messages_do_no_harm() {
        let mut node = Solo::<Gossip>::new(calm(), NodeId(0), 2, 7);
        node.request(Request::Broadcast { message: value("1") });
        for message in [
            Message::Digest { sums: Box::default() },
            Message::Differ(Box::new(Differ { of: 0, buckets: vec![0], have: vec![] })),
            Message::Differ(Box::new(Differ { of: u64::MAX, buckets: vec![5, 5], have: vec![1, 1] })),
            Message::Repair(Box::new(Repair { messages: vec![], want: vec![9] })),
        ] {
            node.message(NodeId(1), message);
        }
        assert_eq!(node.node().durable().len(), 1);
    }
}
