//! Chapter 5 of the design as a table of tests, with what of chapter 6 it touches: the clients.
//!
//! A [`Probe`] does what clients tell it and nothing else; a [`Transcript`] writes a line for each record. Every test
//! states a case (a network, faults, what clients ask) and the lines that must follow. Faults and networks are written
//! as in a scenario file. Only the public API is used: no test knows how the simulator does it.

use std::collections::BTreeSet;
use std::str::FromStr;

use rumormill::id::{ClientId, Members, NodeId};
use rumormill::node::{Call, Context, Node};
use rumormill::sim::fault::{Fault, FaultKind};
use rumormill::sim::{Counters, Digest, Observer, Passage, Record, Setup, Sim, Stop, Why};
use rumormill::time::{Span, Time};
use rumormill::workload::{Effects, Operation, Outcome, Phase};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

mod clocks;
mod maelstrom;

// ---- the probe

/// What a client tells a probe to do. All but `Hold` are answered at once, with the count on disk, or what the clock
/// shows in milliseconds.
#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
enum Ask {
    Count,
    /// Adds one to the count on disk.
    Add,
    /// Is never answered.
    Hold,
    /// Sends the notes from `first` to `last`.
    Send {
        to: NodeId,
        first: u32,
        last: u32,
    },
    /// Sends note 1 to every other node.
    Shout,
    Set {
        timer: u8,
        after: Span,
    },
    Cancel {
        timer: u8,
    },
    Clock,
}

/// The note that is returned to whoever sent it, for ever.
const BALL: u32 = 0;

#[derive(Debug)]
struct Probe {
    count: u64,
    held: Vec<Call>,
}

impl Node for Probe {
    type Config = ();
    type Request = Ask;
    type Response = u64;
    /// The count that a starting probe found on its disk, unless it is 0.
    type Event = u64;
    type Message = u32;
    type Timer = u8;
    type Durable = u64;

    fn start((): &(), count: u64, ctx: &mut Context<'_, Probe>) -> Probe {
        if count > 0 {
            ctx.emit(count);
        }
        Probe { count, held: Vec::new() }
    }

    fn on_request(&mut self, ask: Ask, call: Call, ctx: &mut Context<'_, Probe>) {
        match ask {
            Ask::Count => {}
            Ask::Add => self.count += 1,
            Ask::Hold => return self.held.push(call),
            Ask::Send { to, first, last } => (first..=last).for_each(|note| ctx.send(to, note)),
            Ask::Shout => ctx.neighbours().iter().for_each(|peer| ctx.send(peer, 1)),
            Ask::Set { timer, after } => ctx.set_timer(timer, after),
            Ask::Cancel { timer } => ctx.cancel_timer(timer),
            Ask::Clock => return ctx.reply(call, (ctx.now() - Time::ZERO).as_millis()),
        }
        ctx.reply(call, self.count);
    }

    fn on_message(&mut self, from: NodeId, note: u32, ctx: &mut Context<'_, Probe>) {
        if note == BALL {
            ctx.send(from, BALL);
        }
    }

    fn on_timer(&mut self, _: u8, _: &mut Context<'_, Probe>) {}

    fn durable(&self) -> &u64 {
        &self.count
    }
}

// ---- the transcript

/// The second word of every line.
const KINDS: [&str; 18] = [
    "begin", "end", "boot", "start", "crash", "wipe", "pause", "resume", "ask", "serve", "unheard", "answer",
    "late", "expire", "deliver", "drop", "timer", "disk",
];

#[derive(Debug, Default)]
struct Transcript {
    lines: Vec<String>,
    arrivals: Vec<Arrival>,
}

/// A message that reached its node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrival {
    way: Passage,
    note: u32,
    at: Time,
}

impl Observer<Probe> for Transcript {
    fn observe(&mut self, at: Time, record: &Record<'_, Probe>) {
        if let Record::Deliver(way, note) = record {
            self.arrivals.push(Arrival { way: *way, note: **note, at });
        }
        self.lines.push(format!("{at} {}", line(record)));
    }
}

fn line(record: &Record<'_, Probe>) -> String {
    match record {
        Record::FaultBegins(fault) => format!("begin {fault}"),
        Record::FaultEnds(fault) => format!("end {fault}"),
        Record::Start(node, 0) => format!("boot {node}"),
        Record::Start(node, life) => format!("start {node} life {life}"),
        Record::Crash(node) => format!("crash {node}"),
        Record::Wipe(node) => format!("wipe {node}"),
        Record::Pause(node) => format!("pause {node}"),
        Record::Resume(node) => format!("resume {node}"),
        Record::Invoke(_, client, node, _) => format!("ask {client}>{node}"),
        Record::Request(_, client, node) => format!("serve {client}>{node}"),
        Record::RequestDropped(_, client, node) => format!("unheard {client}>{node}"),
        Record::Response(_, client, node, Ok(count)) => format!("answer {client}<{node} {count}"),
        Record::Late(_, client, node) => format!("late {client}<{node}"),
        Record::TimedOut(_, client, node) => format!("expire {client}<{node}"),
        Record::Deliver(way, note) => format!("deliver {}>{} m{note}", way.src, way.dst),
        Record::Drop(way, why, note) => format!("drop {}>{} m{note} {}", way.src, way.dst, cause(*why)),
        Record::Timer(node, timer) => format!("timer {node} t{timer}"),
        Record::Event(node, count) => format!("disk {node} {count}"),
        other => panic!("no line is written for {other:?}"),
    }
}

fn cause(why: Why) -> String {
    match why {
        Why::Loss => "lost".into(),
        Why::Cut(fault) => format!("cut {fault}"),
        Why::Down => "down".into(),
        Why::CrashedWhilePaused => "crashed".into(),
        Why::Absent => "absent".into(),
        Why::Unread => "unread".into(),
    }
}

// ---- a case

/// A run to come: 60 s of storm, and every request from a client of its own unless the test names clients.
struct Case(Setup<Probe>);

impl Case {
    fn of(nodes: u32) -> Case {
        Case(Setup { storm_end: read("60s"), end: read("60s"), ..Setup::new(17, nodes, ()) })
    }

    /// Changes anything else.
    fn with(mut self, change: impl FnOnce(&mut Setup<Probe>)) -> Case {
        change(&mut self.0);
        self
    }

    fn network(self, network: Value) -> Case {
        self.with(|setup| setup.network = serde_json::from_value(network).expect("a network"))
    }

    /// A network on which every message takes this long.
    fn latency(self, constant: &str) -> Case {
        self.network(json!({ "latency": { "constant": constant } }))
    }

    fn fault(self, interval: &str, kind: Value) -> Case {
        self.with(|setup| setup.faults.push(fault(interval, kind)))
    }

    /// What clients ask, separated by semicolons; see [`ask`].
    fn asks(self, asks: &str) -> Case {
        asks.split(';').fold(self, |case, text| {
            case.with(|setup| setup.operations.push(ask(text.trim(), setup.operations.len() as u32)))
        })
    }

    /// Every node sends to every other every 100 ms, for eight seconds.
    fn traffic(self) -> Case {
        let nodes = self.0.members.count();
        let shouts =
            (1..80).flat_map(|tenth| (0..nodes).map(move |node| format!("{}ms n{node} shout", tenth * 100)));
        shouts.fold(self, |case, shout| case.asks(&shout))
    }

    fn run(self) -> Ran {
        let mut sim = Sim::new(self.0, Transcript::default());
        let stop = sim.run();
        let (digest, counters) = (sim.digest(), sim.counters());
        let history = sim.history().iter();
        let outcomes =
            history.map(|it| format!("{} {} {}", it.client, word(&it.outcome), it.completed.at)).collect();
        Ran { stop, digest, counters, outcomes, transcript: sim.into_observer() }
    }
}

/// Reads an instant, a length of time or a node.
fn read<T: FromStr>(text: &str) -> T {
    text.parse().ok().unwrap_or_else(|| panic!("`{text}` cannot be read"))
}

/// A fault that lasts "from..to", or "from.." to the end of the storm.
fn fault(interval: &str, kind: Value) -> Fault {
    let (from, to) = interval.split_once("..").expect("an interval");
    let (at, lasts) = (read(from), (!to.is_empty()).then(|| read::<Time>(to) - read(from)));
    Fault { at, lasts, fault: serde_json::from_value(kind).expect("a fault") }
}

/// Reads "1s n0>n1 m3", "1s n0>n1 m1..m9", "1s n0 set t1 2s", "1s n0 cancel t1" or "1s n0 count" (add, hold, shout, clock). A
/// client's name may come first; a question mark at the end makes it a read.
fn ask(text: &str, turn: u32) -> Operation<Ask> {
    let effect = if text.ends_with('?') { Effects::Reads } else { Effects::Changes };
    let words: Vec<&str> = text.trim_end_matches('?').split(' ').collect();
    let number = |name: &str| name[1..].parse().expect("a name ends in a number");
    let (client, words) = match words[0].strip_prefix('c') {
        Some(client) => (read(client), &words[1..]),
        None => (turn, &words[..]),
    };
    let (node, to) = words[1].split_once('>').unwrap_or((words[1], "nobody"));
    let request = match words[2..] {
        ["count"] => Ask::Count,
        ["add"] => Ask::Add,
        ["hold"] => Ask::Hold,
        ["shout"] => Ask::Shout,
        ["clock"] => Ask::Clock,
        ["set", timer, after] => Ask::Set { timer: number(timer) as u8, after: read(after) },
        ["cancel", timer] => Ask::Cancel { timer: number(timer) as u8 },
        [notes] => {
            let (first, last) = notes.split_once("..").unwrap_or((notes, notes));
            Ask::Send { to: read(to), first: number(first), last: number(last) }
        }
        _ => panic!("`{text}` asks nothing"),
    };
    let (at, client, node) = (read(words[0]), ClientId(client), read(node));
    Operation { at, client, node, request, effect, phase: Phase::Storm }
}

fn word(outcome: &Outcome<u64>) -> &'static str {
    match outcome {
        Outcome::Open => "open",
        Outcome::Ok(_) => "ok",
        Outcome::Fail(_) => "fail",
        Outcome::Info(_) => "info",
    }
}

// ---- and its run

struct Ran {
    stop: Stop,
    digest: Digest,
    counters: Counters,
    /// Who asked, how it ended, and when; in order of asking.
    outcomes: Vec<String>,
    transcript: Transcript,
}

impl Ran {
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.transcript.lines.iter().map(String::as_str)
    }

    /// The lines of these kinds; "serve@n1" are only those that concern n1 or come to it.
    fn of(&self, kinds: &str) -> Vec<&str> {
        let kinds = kinds.split(' ').map(|kind| kind.split_once('@').unwrap_or((kind, "")));
        let kinds: Vec<(&str, &str)> = kinds.collect();
        assert!(kinds.iter().all(|(kind, _)| KINDS.contains(kind)), "{kinds:?} are not all kinds of lines");
        let wanted = |line: &&str| {
            let mut words = line.split(' ').skip(1);
            let (word, ends) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
            kinds.iter().any(|(kind, node)| word == *kind && ends.ends_with(node))
        };
        self.lines().filter(wanted).collect()
    }

    /// The lines of these kinds are these, one a row; what follows a # is a remark.
    #[track_caller]
    fn shows(self, kinds: &str, expected: &str) -> Ran {
        let rows = expected.lines().map(|row| row.split('#').next().unwrap_or(row).trim());
        let rows: Vec<&str> = rows.filter(|row| !row.is_empty()).collect();
        assert_eq!(self.of(kinds), rows, "{kinds}");
        self
    }

    /// What arrived over a link of what was sent at an instant, in order of arrival.
    fn arrivals(&self, sent: &str, link: &str) -> Vec<Arrival> {
        let on =
            |it: &&Arrival| it.way.sent == read(sent) && format!("{}>{}", it.way.src, it.way.dst) == link;
        self.transcript.arrivals.iter().filter(on).copied().collect()
    }

    /// How long each of them was under way, in order of sending.
    fn latencies(&self, sent: &str, link: &str) -> Vec<Span> {
        let mut arrivals = self.arrivals(sent, link);
        arrivals.sort_by_key(|it| it.note);
        arrivals.iter().map(|it| it.at - it.way.sent).collect()
    }
}

fn notes(arrivals: &[Arrival]) -> Vec<u32> {
    arrivals.iter().map(|it| it.note).collect()
}

fn instant(line: &str) -> Time {
    read(line.split(' ').next().expect("a line begins with its instant"))
}

/// Whom each node hears while the fault lasts, itself included.
fn hears(nodes: u32, fault: Fault) -> Vec<BTreeSet<u32>> {
    let case = Case::of(nodes).with(|setup| setup.faults.push(fault));
    let ran = (0..nodes).fold(case, |case, node| case.asks(&format!("5s n{node} shout"))).run();
    let mut heard: Vec<BTreeSet<u32>> = (0..nodes).map(|node| BTreeSet::from([node])).collect();
    for Arrival { way, .. } in ran.transcript.arrivals {
        heard[way.dst.index()].insert(way.src.0);
    }
    heard
}

/// The same in digits, a word for each node.
fn heard(nodes: u32, kind: Value) -> String {
    let digits = |set: &BTreeSet<u32>| set.iter().map(u32::to_string).collect::<String>();
    hears(nodes, fault("1s..9s", kind)).iter().map(digits).collect::<Vec<_>>().join(" ")
}

fn drawn(kind: &str, nodes: u32, seed: u64) -> Fault {
    fault("1s..9s", json!({ "partition": kind })).drawn(seed, &Members::all(nodes), 0)
}

// ---- the fate of a message

#[test]
fn every_message_draws_its_own_latency_within_its_bounds() {
    for (latency, least, mean, most, distinct) in [
        (json!({ "constant": "20ms" }), "20ms", "20ms", "20ms", 1),
        (json!({ "uniform": { "min": "10ms", "max": "30ms" } }), "10ms", "20ms", "30ms", 990),
        (json!({ "uniform": { "min": "19999999ns", "max": "20ms" } }), "19999999ns", "20ms", "20ms", 2),
        (json!({ "exponential": { "mean": "20ms" } }), "0s", "20ms", "740ms", 990),
        (json!({ "lognormal": { "median": "20ms", "sigma": 0.5 } }), "270us", "22.663ms", "1460ms", 990),
    ] {
        let case = Case::of(3).network(json!({ "latency": &latency }));
        let ran = case.asks("1s n0>n1 m1..m1000; 1s n0>n2 m1..m1000; 2s n0>n1 m1..m1000").run();
        let all = ran.latencies("1s", "n0>n1");
        let (least, mean, most): (Span, Span, Span) = (read(least), read(mean), read(most));
        assert!(all.len() == 1_000 && all.iter().all(|it| (least..=most).contains(it)), "{latency}: {all:?}");
        let ratio = all.iter().map(|it| it.as_secs_f64()).sum::<f64>() / 1e3 / mean.as_secs_f64();
        assert!((0.93..1.07).contains(&ratio), "{latency}: the mean is {ratio} times what it should be");
        assert!(all.iter().collect::<BTreeSet<_>>().len() >= distinct, "{latency}: {all:?}");
        for other in [ran.latencies("1s", "n0>n2"), ran.latencies("2s", "n0>n1")] {
            assert_eq!(all == other, distinct == 1, "{latency}: other links and instants draw others");
        }
    }
}

#[test]
fn loss_takes_its_share_when_a_message_is_sent() {
    let lost = |loss: f64| {
        let network = json!({ "latency": { "constant": "1s" }, "loss": loss });
        let ran = Case::of(2).network(network).asks("1s n0>n1 m1..m1000").run();
        assert_eq!(ran.counters.lost + ran.counters.delivered, 1_000);
        ran.of("drop").into_iter().map(str::to_owned).collect::<BTreeSet<String>>()
    };
    let (few, more) = (lost(0.2), lost(0.4));
    assert!(
        (150..250).contains(&few.len()) && (340..460).contains(&more.len()),
        "{} {}",
        few.len(),
        more.len()
    );
    assert!(
        few.iter().all(|line| line.starts_with("1.000s drop n0>n1 m") && line.ends_with(" lost")),
        "{few:?}"
    );
    assert!(few.is_subset(&more), "a higher loss loses the same messages and more");
    assert_eq!((lost(0.0).len(), lost(1.0).len()), (0, 1_000));
}

#[test]
fn each_copy_of_a_duplicate_has_its_own_latency() {
    let of = |duplicate: f64| {
        let latency = json!({ "uniform": { "min": "10ms", "max": "30ms" } });
        let case = Case::of(2).network(json!({ "latency": latency, "duplicate": duplicate }));
        case.asks("1s n0>n1 m1..m1000").run()
    };
    let (all, some) = (of(1.0), of(0.3).counters);
    let latencies = all.latencies("1s", "n0>n1");
    assert_eq!((all.counters.sent, all.counters.duplicated, all.counters.delivered), (1_000, 1_000, 2_000));
    assert!(latencies.chunks(2).all(|twice| twice[0] != twice[1]), "{latencies:?}");
    assert!((250..350).contains(&some.duplicated) && some.delivered == 1_000 + some.duplicated, "{some:?}");
}

#[test]
fn each_copy_of_a_duplicate_meets_the_cuts_at_its_own_due_instant() {
    let network = json!({ "latency": { "uniform": { "min": "1s", "max": "3s" } }, "duplicate": 1.0 });
    let case = Case::of(2).network(network).fault("3s..4s", json!({ "partition": [["n0"], ["n1"]] }));
    let ran = case.asks("1s n0>n1 m1..m20").run();
    let arrived = notes(&ran.arrivals("1s", "n0>n1"));
    assert_eq!(ran.counters.delivered + ran.counters.cut, 40);
    let once = (1..=20).filter(|note| arrived.iter().filter(|other| *other == note).count() == 1);
    assert!(once.count() > 5, "of some messages one copy is dropped and the other not: {arrived:?}");
}

#[test]
fn a_fifo_link_holds_back_what_would_overtake_and_nothing_else() {
    let of = |order: &str| {
        let latency = json!({ "uniform": { "min": "10ms", "max": "90ms" } });
        let case = Case::of(3).network(json!({ "latency": latency, "order": order }));
        case.asks("1s n0>n1 m1..m50; 1.02s n0>n1 m51..m60; 1s n2>n1 m1..m50").run()
    };
    let (any, fifo) = (of("any"), of("fifo"));
    for link in ["n0>n1", "n2>n1"] {
        assert!(!notes(&any.arrivals("1s", link)).is_sorted());
        let mut latest = Span::ZERO;
        let held_back = any.latencies("1s", link).into_iter().map(|it| {
            latest = latest.max(it);
            latest
        });
        assert!(
            fifo.latencies("1s", link).into_iter().eq(held_back),
            "each comes once all before it have come"
        );
    }
    let over_both_instants: Vec<Arrival> =
        fifo.transcript.arrivals.iter().filter(|it| it.way.src == NodeId(0)).copied().collect();
    assert_eq!(notes(&over_both_instants), (1..=60).collect::<Vec<u32>>());
}

#[test]
fn a_fifo_link_keeps_its_order_when_it_gets_faster_and_when_it_duplicates() {
    Case::of(2)
        .network(json!({ "order": "fifo" }))
        .fault("1s..2s", json!({ "link": { "latency": { "constant": "1s" } } }))
        .asks("1.5s n0>n1 m1; 2.1s n0>n1 m2")
        .run()
        .shows("deliver", "2.500s deliver n0>n1 m1\n 2.500s deliver n0>n1 m2");

    let network =
        json!({ "latency": { "exponential": { "mean": "1s" } }, "duplicate": 0.5, "order": "fifo" });
    let arrived = notes(&Case::of(2).network(network).asks("1s n0>n1 m1..m50").run().arrivals("1s", "n0>n1"));
    assert!(arrived.len() > 50 && arrived.is_sorted(), "{arrived:?}");
}

// ---- links that differ

#[test]
fn of_the_run_s_links_the_later_in_the_file_wins_field_by_field() {
    let wide = json!({ "from": ["n0"], "latency": { "constant": "200ms" } });
    let narrow = json!({ "from": ["n0"], "to": ["n2"], "latency": { "constant": "300ms" } });
    let deaf = json!({ "to": ["n2"], "loss": 1.0 });
    for (links, to_n1, to_n2) in [
        (json!([wide, narrow]), "1.200s deliver n0>n1 m1", "1.300s deliver n0>n2 m2"),
        (json!([narrow, wide]), "1.200s deliver n0>n1 m1", "1.200s deliver n0>n2 m2"),
        (json!([deaf, wide]), "1.200s deliver n0>n1 m1", "1.000s drop n0>n2 m2 lost"),
    ] {
        let case = Case::of(3).network(json!({ "latency": { "constant": "100ms" }, "links": links }));
        let ran = case.asks("1s n0>n1 m1; 1s n0>n2 m2; 1s n1>n0 m3").run();
        let lines: BTreeSet<&str> = ran.of("deliver drop").into_iter().collect();
        assert_eq!(lines, BTreeSet::from([to_n1, to_n2, "1.100s deliver n1>n0 m3"]), "{links}");
    }
}

#[test]
fn a_link_fault_changes_what_is_sent_while_it_lasts() {
    let to_n1 = |latency: &str| json!({ "link": { "to": ["n1"], "latency": { "constant": latency } } });
    let permanent = json!({ "from": ["n0"], "latency": { "constant": "100ms" } });
    Case::of(2)
        .network(json!({ "links": [permanent] }))
        .fault("3s..5s", to_n1("300ms"))
        .fault("2s..4s", to_n1("400ms"))
        .asks("1.99s n0>n1 m1; 2s n0>n1 m2; 3s n0>n1 m3; 3s n1>n0 m4; 4s n0>n1 m5; 5s n0>n1 m6")
        .run()
        .shows(
            "deliver",
            "2.090s deliver n0>n1 m1
             2.400s deliver n0>n1 m2
             3.000s deliver n1>n0 m4
             3.400s deliver n0>n1 m3    # of the fault later in the file, though it began first
             4.300s deliver n0>n1 m5
             5.100s deliver n0>n1 m6",
        );
}

#[test]
fn a_link_fault_changes_loss_and_duplication() {
    Case::of(2)
        .fault("1s..2s", json!({ "link": { "loss": 1.0 } }))
        .fault("3s..4s", json!({ "link": { "from": ["n0"], "duplicate": 1.0 } }))
        .asks("1s n0>n1 m1; 2s n0>n1 m2; 3s n0>n1 m3; 3s n1>n0 m4")
        .run()
        .shows(
            "deliver drop",
            "1.000s drop n0>n1 m1 lost
             2.000s deliver n0>n1 m2
             3.000s deliver n0>n1 m3
             3.000s deliver n0>n1 m3
             3.000s deliver n1>n0 m4",
        );
}

// ---- cuts

#[test]
fn a_cut_is_looked_at_only_when_a_message_is_due() {
    Case::of(2)
        .latency("1s")
        .fault("2s..4s", json!({ "partition": [["n0"], ["n1"]] }))
        .asks("0.999s n0>n1 m1; 1s n0>n1 m2; 2s n1>n0 m3; 2.999s n0>n1 m4; 3s n0>n1 m5; 3.5s n1>n0 m6")
        .run()
        .shows(
            "begin end deliver drop",
            "1.999s deliver n0>n1 m1
             2.000s begin 0
             2.000s drop n0>n1 m2 cut 0    # sent before it, due when it begins
             3.000s drop n1>n0 m3 cut 0
             3.999s drop n0>n1 m4 cut 0
             4.000s end 0
             4.000s deliver n0>n1 m5       # sent during it, due when it ends
             4.500s deliver n1>n0 m6",
        );
}

#[test]
fn a_link_is_cut_while_any_fault_cuts_it() {
    Case::of(2)
        .fault("1s..3s", json!({ "partition": [["n0"], ["rest"]] }))
        .fault("2s..4s", json!({ "cut": { "from": ["n0"], "to": ["n1"] } }))
        .asks("1.5s n0>n1 m1; 2.5s n0>n1 m2; 3.5s n0>n1 m3; 4.5s n0>n1 m4")
        .asks("1.5s n1>n0 m1; 2.5s n1>n0 m2; 3.5s n1>n0 m3; 4.5s n1>n0 m4")
        .run()
        .shows(
            "deliver drop",
            "1.500s drop n0>n1 m1 cut 0
             1.500s drop n1>n0 m1 cut 0
             2.500s drop n0>n1 m2 cut 0
             2.500s drop n1>n0 m2 cut 0
             3.500s drop n0>n1 m3 cut 1
             3.500s deliver n1>n0 m3
             4.500s deliver n0>n1 m4
             4.500s deliver n1>n0 m4",
        );
}

#[test]
fn groups_one_way_cuts_and_rings_cut_these_links() {
    for (kind, heard_by_each) in [
        (json!({ "partition": [["n0..n1"], ["rest"]] }), "01 01 234 234 234"),
        (json!({ "partition": [["rest"], ["n1"], ["n3"]] }), "024 1 024 3 024"),
        (json!({ "partition": [["n0..n1"], ["n2..n3"]] }), "014 014 234 234 01234"), // n4 is in no group
        (json!({ "partition": [["n0", "n4"], ["n1"]] }), "0234 123 01234 01234 0234"),
        (json!({ "cut": { "from": ["n0", "n2"], "to": ["n1..n2"] } }), "01234 134 1234 01234 01234"),
        (json!({ "partition": { "ring": ["n4", "n0..n3"] } }), "014 012 123 234 034"),
        (json!({ "partition": { "ring": ["n2", "n0", "n3", "n1"] } }), "0234 1234 0124 0134 01234"),
    ] {
        assert_eq!(heard(5, kind.clone()), heard_by_each, "{kind}");
    }
}

#[test]
fn on_a_drawn_ring_every_node_sees_a_majority_of_its_own() {
    let mut unlike = Vec::new();
    for nodes in 3..=30 {
        let sees = hears(nodes, drawn("ring", nodes, u64::from(nodes)));
        let majority = sees.iter().all(|seen| 2 * seen.len() > sees.len());
        let back =
            |node: u32, seen: &BTreeSet<u32>| seen.iter().all(|other| sees[*other as usize].contains(&node));
        let symmetric = (0..).zip(&sees).all(|(node, seen)| back(node, seen));
        let distinct = sees.iter().collect::<BTreeSet<_>>().len() == sees.len();
        if !(majority && symmetric && distinct) {
            unlike.push((nodes, sees));
        }
    }
    assert!(unlike.is_empty(), "these see no majority of their own: {unlike:?}");
}

#[test]
fn drawn_partitions_have_their_shapes() {
    for (kind, nodes, heard_by_each) in [
        ("halves", 6, vec![3; 6]),
        ("halves", 7, vec![3, 3, 3, 4, 4, 4, 4]),
        ("isolate-one", 5, vec![1, 4, 4, 4, 4]),
        ("minority-third", 7, vec![2, 2, 5, 5, 5, 5, 5]),
        ("bridge", 5, vec![3, 3, 3, 3, 5]), // the bridge belongs to both halves
        ("bridge", 6, vec![3, 3, 4, 4, 4, 6]),
        ("ring", 5, vec![3; 5]),
    ] {
        for seed in 0..5 {
            let mut sizes: Vec<usize> =
                hears(nodes, drawn(kind, nodes, seed)).iter().map(BTreeSet::len).collect();
            sizes.sort_unstable();
            assert_eq!(sizes, heard_by_each, "{kind} of {nodes}");
        }
    }
}

#[test]
fn a_drawn_partition_depends_on_the_seed_and_on_nothing_else_of_the_run() {
    let whole = Members::all(9);
    let fewer = Members::all(9).without(&read("n2..n3"));
    for kind in ["halves", "isolate-one", "minority-third", "bridge", "ring"] {
        let (it, longer) = (json!({ "partition": kind }), fault("1s..", json!({ "partition": kind })));
        let it = fault("1s..9s", it);
        let drawn = |seed| it.drawn(seed, &whole, 0).fault;
        assert_eq!(drawn(3), drawn(3), "{kind}");
        assert_eq!(drawn(3), it.drawn(3, &fewer, 0).fault, "{kind}: taking nodes out moves nobody else");
        assert_eq!(drawn(3), longer.drawn(3, &whole, 0).fault, "{kind}: its length is no part of the draw");
        let kinds: Vec<FaultKind> = (0..20).map(drawn).collect();
        assert!(kinds.iter().any(|other| *other != kinds[0]), "{kind}: other seeds, other groups");
        assert!(
            (0..20).any(|seed| drawn(seed) != it.drawn(seed, &whole, 1).fault),
            "{kind}: a twin is drawn anew"
        );
    }
}

#[test]
fn clients_links_know_no_loss_and_no_cut() {
    Case::of(2)
        .network(json!({ "loss": 1.0, "duplicate": 1.0, "latency": { "constant": "9s" } }))
        .fault("1s..", json!({ "partition": [["n0"], ["n1"]] }))
        .asks("2s n0 count; 2s n1 add")
        .run()
        .shows("answer", "2.000s answer c0<n0 0\n 2.000s answer c1<n1 1");
}

// ---- the order of one instant

#[test]
fn at_one_instant_the_edges_of_faults_come_first() {
    Case::of(2)
        .latency("1s")
        .fault("2s..3s", json!({ "crash": ["n1"] }))
        .asks("1s n0>n1 m1; 1s n1 set t1 1s; 2s n1 count; 2s n0>n1 m2; 3s n1 count")
        .run()
        .shows(
            "crash start deliver drop timer unheard serve@n1",
            "1.000s serve c1>n1
             2.000s crash n1
             2.000s drop n0>n1 m1 down
             2.000s unheard c2>n1
             3.000s start n1 life 1
             3.000s deliver n0>n1 m2
             3.000s serve c4>n1",
        );
}

#[test]
fn of_the_edges_beginnings_come_first_and_then_the_order_of_the_file() {
    Case::of(3)
        .fault("2s..3s", json!({ "crash": ["n1"] }))
        .fault("1s..2s", json!({ "crash": ["n2"] }))
        .fault("2s..3s", json!({ "pause": ["n0"] }))
        .run()
        .shows(
            "begin end crash pause",
            "1.000s begin 1
             1.000s crash n2
             2.000s begin 0
             2.000s crash n1
             2.000s begin 2
             2.000s pause n0
             2.000s end 1
             3.000s end 0
             3.000s end 2",
        );
}

#[test]
fn deliveries_and_timers_of_one_instant_come_as_they_were_asked_for() {
    Case::of(2).latency("1s").asks("0.5s n1 set t1 1.5s; 1s n0>n1 m1; 1.5s n1 set t2 0.5s").run().shows(
        "deliver timer",
        "2.000s timer n1 t1
             2.000s deliver n0>n1 m1
             2.000s timer n1 t2",
    );
}

// ---- hosts that go down

#[test]
fn a_crash_keeps_the_disk_and_a_wipe_loses_it() {
    let ran = Case::of(2)
        .fault("2s..3s", json!({ "crash": ["n0"] }))
        .fault("2s..3s", json!({ "wipe": ["n1"] }))
        .asks("1s n0 add; 1s n1 add; 4s n0 count; 4s n1 count")
        .run()
        .shows(
            "crash wipe start disk answer",
            "1.000s answer c0<n0 1
             1.000s answer c1<n1 1
             2.000s crash n0
             2.000s wipe n1
             3.000s start n0 life 1
             3.000s disk n0 1
             3.000s start n1 life 1
             4.000s answer c2<n0 1
             4.000s answer c3<n1 0",
        );
    let Counters { crashes, wipes, restarts, .. } = ran.counters;
    assert_eq!((crashes, wipes, restarts), (2, 1, 2), "a wipe takes its host down, too");
}

#[test]
fn a_crash_drops_the_timers() {
    Case::of(1)
        .fault("2s..3s", json!({ "crash": ["n0"] }))
        .asks("1s n0 set t1 3s; 1s n0 set t2 3s; 1s n0 set t3 1.5s; 3.5s n0 set t2 1s")
        .run()
        .shows(
            "crash start timer",
            "2.000s crash n0
             3.000s start n0 life 1
             4.500s timer n0 t2    # as the next life has set it",
        );
}

#[test]
fn a_timer_fires_when_it_was_set_to_last_and_not_if_it_was_cancelled() {
    let ran = Case::of(1)
        .asks("1s n0 set t1 1s; 1.5s n0 set t1 1s") // moved back
        .asks("1s n0 set t2 9s; 1.5s n0 set t2 0.3s") // moved forward
        .asks("1s n0 set t3 1s; 1.5s n0 cancel t3")
        .asks("1s n0 set t4 1s; 1.5s n0 cancel t4; 1.6s n0 set t4 1s")
        .run()
        .shows(
            "timer",
            "1.800s timer n0 t2
             2.500s timer n0 t1
             2.600s timer n0 t4",
        );
    assert_eq!(ran.counters.timers, 3);
}

#[test]
fn messages_and_answers_in_flight_survive_their_sender() {
    Case::of(2)
        .network(json!({ "latency": { "constant": "1s" }, "client_latency": { "constant": "1s" } }))
        .fault("2s..9s", json!({ "wipe": ["n0"] }))
        .asks("0.5s n0>n1 m1")
        .run()
        .shows(
            "serve wipe deliver answer",
            "1.500s serve c0>n0
             2.000s wipe n0
             2.500s answer c0<n0 0
             2.500s deliver n0>n1 m1",
        );
}

#[test]
fn what_is_due_at_a_host_that_is_down_is_dropped() {
    let ran = Case::of(2)
        .latency("1s")
        .fault("2s..4s", json!({ "crash": ["n1"] }))
        .asks("0.999s n0>n1 m1; 1s n0>n1 m2; 2.999s n0>n1 m3; 3s n0>n1 m4; 3s n1 count")
        .run()
        .shows(
            "deliver drop unheard",
            "1.999s deliver n0>n1 m1
             2.000s drop n0>n1 m2 down
             3.000s unheard c4>n1
             3.999s drop n0>n1 m3 down
             4.000s deliver n0>n1 m4",
        );
    assert_eq!((ran.counters.down, ran.counters.requests_dropped), (2, 1));
}

#[test]
fn a_host_is_up_when_no_crash_holds_it() {
    let outage = "1.000s crash n0\n 3.000s start n0 life 1\n 3.000s disk n0 1";
    let wiped = "1.000s crash n0\n 2.000s wipe n0\n 3.000s start n0 life 1";
    for (one, other, interval, lines) in [
        ("1s..2.5s", "crash", "2s..3s", outage),
        ("1s..2s", "crash", "2s..3s", outage),
        ("2s..3s", "crash", "1s..2s", outage),
        ("1s..3s", "crash", "2s..2.5s", outage),
        ("1s..3s", "wipe", "2s..2.5s", wiped),
        ("1s..2s", "wipe", "2s..3s", wiped),
    ] {
        let case =
            Case::of(1).fault(one, json!({ "crash": ["n0"] })).fault(interval, json!({ other: ["n0"] }));
        case.asks("0.5s n0 add").run().shows("crash wipe start disk", lines);
    }
}

#[test]
fn a_host_that_is_down_at_the_beginning_boots_late() {
    Case::of(2).fault("0s..1s", json!({ "crash": ["n1"] })).run().shows(
        "crash boot start",
        "0.000s crash n1
         0.000s boot n0
         1.000s boot n1",
    );
}

// ---- hosts that are held still

#[test]
fn a_paused_host_gets_its_inbox_and_overdue_timers_at_resume_in_due_order() {
    let ran = Case::of(2)
        .latency("100ms")
        .fault("2s..4s", json!({ "pause": ["n1"] }))
        .asks("1s n1 set t1 2s; 1s n1 set t2 3s; 2.4s n1 add; 1.9s n0>n1 m1; 1.8s n0>n1 m2; 2.4s n0>n1 m3")
        .asks("3.1s n0>n1 m4; 3.9s n0>n1 m5; 4s n0>n1 m6")
        .run()
        .shows(
            "pause resume deliver timer serve@n1",
            "1.000s serve c0>n1
             1.000s serve c1>n1
             1.900s deliver n0>n1 m2
             2.000s pause n1
             4.000s resume n1
             4.000s deliver n0>n1 m1    # due at 2 s, when the pause begins
             4.000s serve c2>n1
             4.000s deliver n0>n1 m3
             4.000s timer n1 t1
             4.000s deliver n0>n1 m4
             4.000s timer n1 t2         # due at 4 s, when the pause is over
             4.000s deliver n0>n1 m5
             4.100s deliver n0>n1 m6",
        );
    assert_eq!(ran.counters.held, 5);
}

#[test]
fn a_timer_that_the_inbox_moves_or_cancels_is_not_overdue() {
    Case::of(1)
        .fault("2s..4s", json!({ "pause": ["n0"] }))
        .asks("1s n0 set t1 2s; 1s n0 set t2 2s; 1s n0 set t3 2s; 2.5s n0 set t1 1s; 2.5s n0 cancel t2")
        .run()
        .shows("timer", "4.000s timer n0 t3\n 5.000s timer n0 t1");
}

#[test]
fn a_message_that_waits_at_a_paused_host_has_passed_the_cuts() {
    Case::of(2)
        .latency("1s")
        .fault("2s..6s", json!({ "pause": ["n1"] }))
        .fault("3s..8s", json!({ "partition": [["n0"], ["n1"]] }))
        .asks("1.5s n0>n1 m1; 2.5s n0>n1 m2")
        .run()
        .shows("deliver drop", "3.500s drop n0>n1 m2 cut 1\n 6.000s deliver n0>n1 m1");
}

#[test]
fn a_crash_of_a_paused_host_drops_its_inbox_and_it_starts_at_resume() {
    let ran = Case::of(2)
        .latency("1s")
        .fault("2s..6s", json!({ "pause": ["n1"] }))
        .fault("4s..5s", json!({ "crash": ["n1"] }))
        .asks("1s n1 set t1 2s; 2.5s n1 count; 2s n0>n1 m1; 3.5s n0>n1 m2; 4.5s n0>n1 m3")
        .run()
        .shows(
            "pause resume crash start deliver drop timer unheard",
            "2.000s pause n1
             4.000s crash n1
             4.000s unheard c1>n1
             4.000s drop n0>n1 m1 crashed
             4.500s drop n0>n1 m2 down
             6.000s resume n1
             6.000s start n1 life 1
             6.000s deliver n0>n1 m3",
        );
    assert_eq!((ran.counters.down, ran.counters.requests_dropped, ran.counters.crashes), (2, 1, 1));
}

#[test]
fn a_pause_and_a_crash_may_overlap_in_any_way() {
    for (pause, crash) in [
        ("1s..5s", "2s..3s"),
        ("1s..3s", "2s..5s"),
        ("2s..5s", "1s..3s"),
        ("2s..3s", "1s..5s"),
        ("1s..3s", "3s..5s"),
        ("3s..5s", "1s..3s"),
        ("1s..5s", "1s..5s"),
        ("0s..5s", "2s..3s"),
        ("2s..3s", "0s..5s"),
    ] {
        let (pause, crash) =
            (fault(pause, json!({ "pause": ["n0"] })), fault(crash, json!({ "crash": ["n0"] })));
        for faults in [[&pause, &crash], [&crash, &pause]] {
            let case = Case::of(1).with(|setup| setup.faults = faults.map(Fault::clone).to_vec());
            let ran = case.asks("4.5s n0 count; 5s n0 count").run();
            let up: Vec<Time> =
                ran.of("boot start").into_iter().map(instant).filter(|at| *at > read("0s")).collect();
            assert_eq!(up, [read::<Time>("5s")], "{faults:?}");
            assert!(ran.of("answer").contains(&"5.000s answer c1<n0 0"), "{faults:?}");
        }
    }
}

#[test]
fn a_host_goes_on_once_when_no_pause_holds_it() {
    for (one, other) in
        [("1s..2.5s", "2s..3s"), ("1s..2s", "2s..3s"), ("1s..3s", "2s..2.5s"), ("1s..3s", "2s..3s")]
    {
        let (one, other) = (fault(one, json!({ "pause": ["n0"] })), fault(other, json!({ "pause": ["n0"] })));
        Case::of(1).with(|setup| setup.faults = vec![one, other]).asks("1.5s n0 count").run().shows(
            "pause resume serve",
            "1.000s pause n0
             3.000s resume n0
             3.000s serve c0>n0",
        );
    }
}

// ---- the end of the storm

#[test]
fn nothing_outlasts_the_storm() {
    for interval in ["2s..", "2s..30s"] {
        Case::of(3)
            .with(|setup| setup.storm_end = read("5s"))
            .fault(interval, json!({ "crash": ["n1"] }))
            .fault(interval, json!({ "pause": ["n2"] }))
            .fault(interval, json!({ "partition": [["n0"], ["rest"]] }))
            .fault(interval, json!({ "link": { "latency": { "constant": "100ms" } } }))
            .fault("5s..6s", json!({ "crash": ["n0"] }))
            .fault("6s..", json!({ "crash": ["n0"] }))
            .asks("4.89s n0>n2 m1; 4.9s n0>n2 m2; 5s n0>n1 m3")
            .run()
            .shows(
                "end crash pause start resume deliver drop",
                "2.000s crash n1
                 2.000s pause n2
                 4.990s drop n0>n2 m1 cut 2
                 5.000s end 0
                 5.000s end 1
                 5.000s end 2
                 5.000s end 3
                 5.000s start n1 life 1
                 5.000s resume n2
                 5.000s deliver n0>n2 m2
                 5.000s deliver n0>n1 m3",
            );
    }
}

// ---- clients

#[test]
fn after_five_seconds_a_read_fails_and_a_change_is_indeterminate() {
    let ran = Case::of(1)
        .fault("2s..3s", json!({ "crash": ["n0"] }))
        .asks("1s n0 hold; 1s n0 hold?") // held, and dead with the node
        .asks("2.5s n0 add; 2.5s n0 count?") // never heard
        .asks("3s n0 add")
        .run();
    assert_eq!(
        ran.outcomes,
        ["c0 info 6.000s", "c1 fail 6.000s", "c2 info 7.500s", "c3 fail 7.500s", "c4 ok 3.000s"]
    );
    assert_eq!(ran.of("expire").len(), 4);
}

#[test]
fn a_late_answer_is_dropped_and_counted() {
    let ran = Case::of(1)
        .fault("1s..7s", json!({ "pause": ["n0"] }))
        .asks("1s n0 add; 2s n0 count?; 3s n0 count?")
        .run()
        .shows(
            "serve answer expire late",
            "6.000s expire c0<n0
             7.000s serve c0>n0
             7.000s serve c1>n0
             7.000s serve c2>n0
             7.000s expire c1<n0    # five seconds are five seconds
             7.000s late c0<n0
             7.000s late c1<n0
             7.000s answer c2<n0 1",
        );
    assert_eq!(ran.outcomes, ["c0 info 6.000s", "c1 fail 7.000s", "c2 ok 7.000s"]);
    assert_eq!((ran.counters.late, ran.counters.answers), (2, 3));
}

#[test]
fn a_fresh_client_stands_in_for_one_that_waits() {
    let ran = Case::of(1)
        .with(|setup| setup.workers = 3)
        .asks("c0 1s n0 hold; c0 2s n0 hold; c1 2s n0 count; c1 3s n0 count; c2 3s n0 hold?")
        .asks("c0 9s n0 count; c2 9s n0 count?")
        .run();
    let ended = [
        "c0 info 6.000s",
        "c3 info 7.000s", // c0 waits
        "c1 ok 2.000s",
        "c1 ok 3.000s", // c1 does not
        "c2 fail 8.000s",
        "c6 ok 9.000s", // c3 never knew, and asks no more
        "c2 ok 9.000s", // c2 knew
    ];
    assert_eq!(ran.outcomes, ended);
    assert_eq!(ran.counters.stand_ins, 1);
}

#[test]
fn client_latency_counts_both_ways() {
    let of = |latency: Value| Case::of(1).network(json!({ "client_latency": latency }));
    of(json!({ "constant": "2s" })).asks("1s n0 count").run().shows(
        "ask serve answer",
        "1.000s ask c0>n0
         3.000s serve c0>n0
         5.000s answer c0<n0 0",
    );
    of(json!({ "constant": "3s" })).asks("1s n0 count").run().shows(
        "serve expire late",
        "4.000s serve c0>n0
         6.000s expire c0<n0
         7.000s late c0<n0",
    );
    let case = of(json!({ "uniform": { "min": "100ms", "max": "200ms" } }));
    let ran = (0..50).fold(case, |case, _| case.asks("1s n0 count")).run();
    let answered: BTreeSet<Time> = ran.of("answer").into_iter().map(instant).collect();
    assert!(
        answered.len() > 45 && answered.iter().all(|it| (read("1.2s")..=read("1.4s")).contains(it)),
        "{answered:?}"
    );
}

// ---- the absent

#[test]
fn what_goes_to_an_absent_node_is_dropped_and_no_fault_wakes_it() {
    Case::of(3)
        .with(|setup| setup.members = Members::all(3).without(&read("n1")))
        .latency("1s")
        .fault("2s..3s", json!({ "crash": ["n0..n1"] }))
        .fault("4s..5s", json!({ "pause": ["n1"] }))
        .asks("1s n0 shout; 1s n2>n1 m7; 1s n1 count")
        .run()
        .shows(
            "boot start crash pause resume deliver drop unheard",
            "0.000s boot n0
             0.000s boot n2
             1.000s unheard c2>n1
             2.000s crash n0
             2.000s deliver n0>n2 m1
             2.000s drop n2>n1 m7 absent
             3.000s start n0 life 1",
        );
}

// ---- how a run stops

#[test]
fn a_run_is_done_when_its_time_has_passed_and_every_operation_has_ended() {
    let case =
        || Case::of(1).with(|setup| setup.end = read("10s")).asks("1s n0 set t1 9s; 1s n0 set t2 9.5s");
    assert_eq!(case().run().shows("timer", "10.000s timer n0 t1").stop, Stop::Done);
    let ran = case().asks("7s n0 hold").run();
    assert_eq!(ran.shows("timer", "10.000s timer n0 t1\n 10.500s timer n0 t2").stop, Stop::Done);
}

#[test]
fn a_livelock_stops_the_run() {
    let mut sim = Sim::new(Case::of(2).asks("1s n0>n1 m0").0, ());
    assert_eq!(sim.run(), Stop::Livelock(read("1s")));
    let delivered = sim.counters().delivered;
    assert!((999_990..=1_000_001).contains(&delivered), "{delivered}");
}

#[test]
fn the_bound_on_events_stops_the_run() {
    let case = || Case::of(2).with(|setup| setup.end = read("2s")).latency("1ms").asks("1s n0>n1 m0");
    let free = case().run();
    assert_eq!((&free.stop, free.counters.delivered), (&Stop::Done, 1_000));
    let bound = case().with(|setup| setup.max_events = 100).run();
    let last = bound.lines().last().map(instant).unwrap();
    assert_eq!((&bound.stop, bound.counters.events), (&Stop::MaxEvents(last), 100));
    assert!(free.lines().take(100).eq(bound.lines()), "what comes before the bound is the same");
}

// ---- determinism

fn rough() -> Case {
    let latency = json!({ "lognormal": { "median": "50ms", "sigma": 1.0 } });
    Case::of(4).network(json!({ "latency": latency, "loss": 0.1, "duplicate": 0.1 })).traffic()
}

#[test]
fn the_same_seed_gives_the_same_run_and_another_seed_another() {
    let crash = || fault("2s..4s", json!({ "crash": ["n1"] }));
    let case = |seed| rough().with(|setup| (setup.seed, setup.faults) = (seed, vec![crash()]));
    let (one, same, other) = (case(1).run(), case(1).run(), case(2).run());
    assert!(one.counters.lost > 0 && one.counters.duplicated > 0 && one.counters.down > 0);
    assert!(one.lines().eq(same.lines()) && one.digest == same.digest && one.counters == same.counters);
    assert!(!one.lines().eq(other.lines()) && one.digest != other.digest);

    let mut unseen = Sim::new(case(1).0, ());
    unseen.run();
    assert_eq!(unseen.digest(), one.digest, "whether anybody watches or not");
}

#[test]
fn a_cut_moves_no_message_but_those_it_drops() {
    let calm = rough().run();
    let delivered: BTreeSet<&str> = calm.of("deliver").into_iter().collect();
    for kind in [
        json!({ "partition": [["n0..n1"], ["n2..n3"]] }),
        json!({ "partition": { "ring": ["n0..n3"] } }),
        json!({ "cut": { "from": ["n0"], "to": ["n1..n3"] } }),
    ] {
        let ran = rough().fault("2s..4s", kind.clone()).run();
        let outside = |line: &&str| instant(line) < read("2s") || instant(line) >= read("4s");
        let with_edges = ran.lines().filter(outside).filter(|line| !line.ends_with("end 0"));
        assert!(
            with_edges.eq(calm.lines().filter(outside)),
            "{kind}: before it and after the heal all is the same"
        );
        assert!(
            ran.counters.cut > 50 && ran.of("deliver").iter().all(|line| delivered.contains(line)),
            "{kind}"
        );
        assert_eq!(ran.counters.delivered + ran.counters.cut, calm.counters.delivered, "{kind}");
    }
}

#[test]
fn once_a_link_fault_is_over_messages_fare_as_if_it_had_not_been() {
    let slow = json!({ "link": { "latency": { "constant": "3s" }, "loss": 0.5 } });
    let (calm, ran) = (rough().run(), rough().fault("2s..4s", slow).run());
    let sent = |ran: &Ran, wanted: fn(Time) -> bool| {
        let mut arrivals = ran.transcript.arrivals.clone();
        arrivals.retain(|it| wanted(it.way.sent));
        arrivals.sort_by_key(|it| (it.at, it.way.sent, it.way.src, it.way.dst));
        arrivals
    };
    let outside = |sent| sent < read("2s") || sent >= read("4s");
    assert!(sent(&calm, outside).len() > 500 && sent(&calm, outside) == sent(&ran, outside));
    assert!(sent(&calm, |_| true) != sent(&ran, |_| true));
}

#[test]
fn without_a_fault_everything_before_it_is_the_same() {
    let faults = [
        fault("1s..2s", json!({ "link": { "loss": 0.5 } })),
        fault("2s..3s", json!({ "crash": ["n1"] })),
        fault("3s..4s", json!({ "partition": [["n0"], ["rest"]] })),
        fault("4s..5s", json!({ "pause": ["n2"] })),
        fault("5s..6s", json!({ "wipe": ["n3"] })),
    ];
    let run = |faults: Vec<Fault>| rough().with(|setup| setup.faults = faults).run();
    let whole = run(faults.to_vec());
    for (left_out, fault) in faults.iter().enumerate() {
        let mut others = faults.to_vec();
        others.remove(left_out);
        let ran = run(others);
        let before = |line: &&str| instant(line) < fault.at;
        let same = whole.lines().filter(before).eq(ran.lines().filter(before));
        assert!(same && whole.lines().filter(before).count() > 200, "{fault:?}");
        assert!(whole.digest != ran.digest, "{fault:?}");
    }
}
