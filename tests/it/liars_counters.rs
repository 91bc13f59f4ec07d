//! The judge of counters judged: each liar is failed for its own lie within a hundred seeds, its honest twin passes them
//! all, through duplicates, a lost disk and a crash.

use std::collections::BTreeMap;

use rumormill::NodeId;
use rumormill::node::{Call, Context, Node};
use rumormill::time::Span;
use rumormill::workload::counter::{Event, PnCounter, Request, Response, Slot};
use rumormill::workload::{Metric, Verdict};
use serde::{Deserialize, Serialize};

use crate::support::{Lie, run_text, shrinks_to_its_lie};

/// A slot with what was added in it and taken from it.
type Entry = (Slot, u64, u64);

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    /// This was added, and so far the slot has come with it.
    Tell { delta: i64, now: Entry },
    /// All that is known.
    All { slots: Vec<Entry> },
}

#[derive(Clone, Debug, Default, Hash, Serialize, Deserialize)]
struct Disk {
    nonce: Option<u64>,
    slots: Vec<Entry>,
}

/// What a node may lie about.
const NOTHING: u8 = 0;
const REUSES_ITS_SLOT: u8 = 1;
const COUNTS_DUPLICATES: u8 = 2;
const LOSES_ITS_DISK: u8 = 3;
const READS_STALE: u8 = 4;
const NEVER_ANSWERS: u8 = 5;

/// Tells everybody every add, and all it knows every now and then.
struct Teller {
    lie: u8,
    own: Slot,
    slots: BTreeMap<Slot, (u64, u64)>,
    disk: Disk,
    first_read: Option<i64>,
}

impl Teller {
    fn set(&mut self, (slot, up, down): Entry) {
        self.slots.insert(slot, (up, down));
        if self.lie != LOSES_ITS_DISK {
            self.disk.slots = self.all();
        }
    }

    fn all(&self) -> Vec<Entry> {
        self.slots.iter().map(|(slot, (up, down))| (*slot, *up, *down)).collect()
    }

    fn merge(&mut self, (slot, up, down): Entry, ctx: &mut Context<'_, Self>) {
        let (my_up, my_down) = self.slots.get(&slot).copied().unwrap_or_default();
        let (up, down) = (up.max(my_up), down.max(my_down));
        if (up, down) != (my_up, my_down) {
            self.set((slot, up, down));
            ctx.emit(Event::Learned { slot, extent: up + down });
        }
    }

    fn everybody(&self, message: &Message, ctx: &mut Context<'_, Self>) {
        let me = ctx.me();
        for peer in ctx.nodes().iter().filter(|peer| *peer != me) {
            ctx.send(peer, message.clone());
        }
    }
}

fn with(delta: i64, (slot, up, down): Entry) -> Entry {
    let size = delta.unsigned_abs();
    if delta < 0 { (slot, up, down + size) } else { (slot, up + size, down) }
}

impl Node for Teller {
    type Config = Lie;
    type Request = Request;
    type Response = Response;
    type Event = Event;
    type Message = Message;
    type Timer = ();
    type Durable = Disk;

    fn start(config: &Lie, mut disk: Disk, ctx: &mut Context<'_, Self>) -> Self {
        let drawn = if config.lie == REUSES_ITS_SLOT { 0 } else { ctx.rng().below(1 << 53) };
        let nonce = *disk.nonce.get_or_insert(drawn);
        ctx.set_timer((), Span::from_millis(300));
        let slots = disk.slots.iter().map(|(slot, up, down)| (*slot, (*up, *down))).collect();
        Teller { lie: config.lie, own: Slot { node: ctx.me(), nonce }, slots, disk, first_read: None }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Self>) {
        match request {
            Request::Add { delta } => {
                let (up, down) = self.slots.get(&self.own).copied().unwrap_or_default();
                let now = with(delta, (self.own, up, down));
                self.set(now);
                self.everybody(&Message::Tell { delta, now }, ctx);
                ctx.emit(Event::Added { slot: self.own, delta, extent: now.1 + now.2 });
                ctx.reply(call, Response::AddOk);
            }
            Request::Read if self.lie == NEVER_ANSWERS && ctx.me() == NodeId(3) => drop(call),
            Request::Read => {
                let sum = self.slots.values().map(|(up, down)| *up as i64 - *down as i64).sum();
                let first = *self.first_read.get_or_insert(sum);
                let is_stale = self.lie == READS_STALE && ctx.me() == NodeId(3);
                ctx.reply(call, Response::ReadOk { value: if is_stale { first } else { sum } });
            }
        }
    }

    fn on_message(&mut self, _: NodeId, message: Message, ctx: &mut Context<'_, Self>) {
        match message {
            Message::Tell { delta, now } if self.lie == COUNTS_DUPLICATES => {
                let (up, down) = self.slots.get(&now.0).copied().unwrap_or_default();
                self.set(with(delta, (now.0, up, down)));
            }
            Message::Tell { now, .. } => self.merge(now, ctx),
            Message::All { slots } => slots.into_iter().for_each(|entry| self.merge(entry, ctx)),
        }
    }

    fn on_timer(&mut self, (): (), ctx: &mut Context<'_, Self>) {
        self.everybody(&Message::All { slots: self.all() }, ctx);
        ctx.set_timer((), Span::from_millis(300));
    }

    fn durable(&self) -> &Disk {
        &self.disk
    }
}

/// n2 loses its disk early on; n1 counts alone for a second, and then crashes.
fn scenario(lie: u8, seed: u64) -> String {
    format!(
        r#"{{
            "name": "liar", "seed": {seed}, "nodes": 5, "protocol": {{ "teller": {{ "lie": {lie} }} }},
            "network": {{ "latency": {{ "uniform": {{ "min": "1ms", "max": "50ms" }} }}, "duplicate": 0.05 }},
            "workload": {{ "pn-counter": {{ "rate": 50, "time_limit": "3s" }} }},
            "faults": [
                {{ "at": "1s", "for": "1ms", "fault": {{ "wipe": ["n2"] }} }},
                {{ "at": "2s", "for": "999ms", "fault": {{ "partition": [["n1"], ["rest"]] }} }},
                {{ "at": "2990ms", "for": "5ms", "fault": {{ "crash": ["n1"] }} }}
            ],
            "settle": "2s"
        }}"#
    )
}

/// How many of a hundred seeds fail for the reason named, how many for any other, and how many adds were forgiven.
fn failures(lie: u8, reason: &str) -> (usize, usize, u64) {
    let (mut named, mut other, mut forgiven) = (0, 0, 0);
    for seed in 0..100 {
        let summary = run_text::<PnCounter, Teller>(&scenario(lie, seed));
        if let Some(Metric::Count(count)) = summary.metric("forgiven") {
            forgiven += count;
        }
        if summary.verdict == Verdict::Fail {
            let is_named = summary.problems.iter().any(|problem| problem.text.contains(reason));
            named += usize::from(is_named);
            other += usize::from(!is_named);
        }
    }
    (named, other, forgiven)
}

#[test]
fn the_honest_twin_passes_every_seed_and_is_forgiven_what_a_wipe_took() {
    let (named, other, forgiven) = failures(NOTHING, "any");
    assert_eq!((named, other), (0, 0));
    assert!(forgiven > 0, "no add of a hundred runs fell with its disk alone");
}

#[test]
fn every_liar_is_failed_for_its_own_lie() {
    let impossible = "the acknowledged adds come to";
    for (liar, (named, other, _)) in [
        ("reuses its counter slot after a wipe", failures(REUSES_ITS_SLOT, impossible)),
        ("double counts a duplicate", failures(COUNTS_DUPLICATES, impossible)),
        ("loses durable state on crash", failures(LOSES_ITS_DISK, impossible)),
        ("reads stale for ever", failures(READS_STALE, "final reads disagree")),
        ("never answers", failures(NEVER_ANSWERS, "n3 did not answer its final read")),
    ] {
        assert!(named > 20 && other == 0, "{liar}: {named} for the lie, {other} for something else");
    }
}

#[test]
fn every_lie_shrinks_to_itself() {
    shrinks_to_its_lie::<PnCounter, Teller>("reuses its slot", REUSES_ITS_SLOT, scenario);
    shrinks_to_its_lie::<PnCounter, Teller>("counts duplicates", COUNTS_DUPLICATES, scenario);
    shrinks_to_its_lie::<PnCounter, Teller>("loses its disk", LOSES_ITS_DISK, scenario);
    shrinks_to_its_lie::<PnCounter, Teller>("reads stale for ever", READS_STALE, scenario);
    shrinks_to_its_lie::<PnCounter, Teller>("never answers", NEVER_ANSWERS, scenario);
}
