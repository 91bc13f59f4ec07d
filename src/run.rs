//! One run, from a scenario to a judged result that knows no types any more.
//!
//! A handler that panics fails its run and nothing else; the [`Summary`] says which node, and when.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::id::{ClientId, NodeId};
use crate::node::Node;
use crate::ratio::Quotient;
use crate::rng::Reseed;
use crate::scenario::document::{Document, Misfit, Raw};
use crate::scenario::expect::Bound;
use crate::scenario::{Choice, ExplicitOperation, Scenario};
use crate::sim::fault::Fault;
use crate::sim::{Counters, Digest, Observer, Setup, Sim, Stop, WhenBusy};
use crate::stdio::wire::encode_body;
use crate::time::Time;
use crate::value::Value;
use crate::workload::{EntryOf, Metric, Phase, Problem, Verdict, Workload};

pub mod lanes;
mod stats;
pub mod story;
pub mod transcript;
mod weigh;
mod words;

pub use stats::{Stats, Tallies};
pub use weigh::Observed;

use weigh::{Watch, summed_up};

use story::Stories;

/// The figures of every run that `expect` may bound, beside those of the workload.
pub const METRICS: &[&str] = &[
    "msgs_per_op",
    "server_messages",
    "delivered",
    "duplicates",
    "dropped_by_loss",
    "dropped_by_cut",
    "dropped_by_down",
    "requests_dropped",
    "held",
    "crashes",
    "wipes",
    "pauses",
    "restarts",
    "late",
    "stand_ins",
    "events",
    "availability",
    "ok",
    "fail",
    "info",
];

/// Stories are told of so many lost values at most.
const MOST_STORIES: usize = 50;

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The strict verdict; fail, too, if a handler panicked or the run did not end.
    pub verdict: Verdict,
    /// The verdict by Maelstrom's definitions.
    pub maelstrom: Verdict,
    /// What speaks against the run.
    pub problems: Vec<Problem>,
    /// What became of the first lost values.
    pub stories: Vec<String>,
    /// All figures by the names that `expect` uses.
    pub metrics: Vec<(&'static str, Metric)>,
    /// The workload's figures for people.
    pub rows: Vec<(&'static str, String)>,
    /// The workload's figures under Maelstrom's names, as JSON.
    pub workload: String,
    /// Operations by name and outcome.
    pub stats: Stats,
    /// What Maelstrom's clients would have exchanged with the nodes before the run.
    pub greetings: u64,
    /// What the simulator counted.
    pub counters: Counters,
    /// The faults that the run had, everything drawn.
    pub faults: Vec<Fault>,
    /// The virtual time at the end.
    pub ended: Time,
    /// The digest of the trace and of every operation's result; [`Digest::NONE`] in real time.
    pub digest: Digest,
}

impl Summary {
    /// Why the run fails, in words that a smaller run which fails for the same reason shares: the judge and the kind of
    /// the worst problem, or the first bound that is missed. `None` if it does not fail: its verdict is pass, whatever
    /// the scenario expects, and all bounds hold.
    pub fn fingerprint(&self, scenario: &Scenario) -> Option<String> {
        let judge = &scenario.workload.name;
        let missed = || {
            let bounds = scenario.expect.bounds.iter();
            let holds = |name: &str, bound: &Bound| bound.holds(self.metric(name).unwrap_or(Metric::None));
            let mut missed =
                bounds.filter(|(name, bound)| bound.as_ref().is_ok_and(|bound| !holds(name, bound)));
            missed.next().map(|(name, _)| format!("bound: {name}"))
        };
        match (self.verdict, self.problems.first()) {
            (Verdict::Pass, _) => missed(),
            (Verdict::Unknown, _) => {
                let [_, fail, info] = self.stats.outcomes();
                let why = if fail + info == 0 { "nothing was asked" } else { "nothing was answered" };
                Some(format!("{judge}: unknown, {why}"))
            }
            (Verdict::Fail, None) => Some(format!("{judge}: fail")),
            (Verdict::Fail, Some(problem)) => Some(format!("{judge}: {}", problem.kind)),
        }
    }

    /// A figure by its name.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        self.metrics.iter().find(|(other, _)| *other == name).map(|(_, metric)| *metric)
    }
}

/// Runs a scenario, shows all that happens to `observer`, and judges it.
///
/// # Errors
/// If the knobs of the protocol or of the workload do not fit.
pub fn run<W, N, O>(scenario: &Scenario, document: &Document, observer: &mut O) -> Result<Summary, Misfit>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    O: Observer<N>,
{
    check_expect::<W>(scenario, document)?;
    Ok(judged::<W, N, O>(scenario.setup::<W, N>(document)?, observer, Telling::Stories))
}

/// Runs a scenario as [`run`] does, but tells no stories of lost values, so that it costs one run.
///
/// # Errors
/// As [`run`] does.
pub fn run_untold<W, N>(scenario: &Scenario, document: &Document) -> Result<Summary, Misfit>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    check_expect::<W>(scenario, document)?;
    Ok(judged::<W, N, ()>(scenario.setup::<W, N>(document)?, &mut (), Telling::Nothing))
}

/// Runs a scenario with everything written out that was made by a program, as [`explicit`] or the shrinker makes them.
/// No stories are told of it, so that it costs one run.
///
/// # Panics
/// If it does not fit its types, or leaves its operations to be drawn.
pub fn run_written_out<W, N, O>(scenario: &Scenario, observer: &mut O) -> Summary
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    O: Observer<N>,
{
    judged::<W, N, O>(scenario.setup_written_out::<W, N>(), observer, Telling::Nothing)
}

/// Runs a scenario with everything written out whose chance comes from another seed from an instant on.
///
/// # Panics
/// As [`run_written_out`] does.
pub fn run_reseeded<W, N, O>(scenario: &Scenario, reseed: Reseed, observer: &mut O) -> Summary
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    O: Observer<N>,
{
    let setup = Setup { reseed: Some(reseed), ..scenario.setup_written_out::<W, N>() };
    judged::<W, N, O>(setup, observer, Telling::Nothing)
}

/// Whether the stories of lost values are told, which takes another run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    Stories,
    Nothing,
}

fn judged<W, N, O>(setup: Setup<N>, observer: &mut O, telling: Telling) -> Summary
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    O: Observer<N>,
{
    let (members, faults) = (setup.members.clone(), setup.faults.clone());
    let again = (telling == Telling::Stories).then(|| setup.clone());
    let mut watch =
        Watch::<W> { witness: W::witness(&members), wipes: Vec::new(), crashes: Vec::new(), grace: None };
    let mut ran = drive::<W, N, _>(setup, (&mut watch, observer));
    let judged = watch.judged(&ran.history, &members);
    let lost: Vec<Value> =
        judged.problems.iter().filter_map(|problem| problem.value.clone()).take(MOST_STORIES).collect();
    let again = again.filter(|_| !lost.is_empty());
    let stories = again.map_or_else(Vec::new, |again| tell::<W, N>(again, &lost));
    let trouble: Vec<Problem> = ran.trouble.take().into_iter().collect();
    let ended_badly = !trouble.is_empty();
    let summary = summed_up::<W>(judged, &ran.history, ran.counters, &members);
    Summary {
        verdict: if ended_badly { Verdict::Fail } else { summary.verdict },
        // What a run that did not end leaves undone speaks of nothing else.
        problems: if ended_badly { trouble } else { summary.problems },
        stories: if ended_badly { Vec::new() } else { stories },
        faults,
        ended: ran.ended,
        digest: ran.digest,
        ..summary
    }
}

/// The scenario with all that the seed draws written out: it runs the same, event by event.
///
/// # Errors
/// If the knobs of the protocol or of the workload do not fit.
pub fn explicit<W, N>(scenario: &Scenario, document: &Document) -> Result<Scenario, Misfit>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let setup = scenario.setup::<W, N>(document)?;
    let (faults, workers) = (setup.faults.clone(), setup.workers);
    let operation = |at: Time, client: ClientId, node: NodeId, request: &W::Request| {
        let mut body = Vec::new();
        encode_body(&mut body, request).expect("a request is a flat message");
        let request = Raw(String::from_utf8(body).expect("JSON is UTF-8"));
        ExplicitOperation { at, client: client.0, node, request }
    };
    let storm = |phase| phase == Phase::Storm;
    let operations = match setup.when_busy {
        WhenBusy::StandIn => {
            let drawn = setup.operations.iter().filter(|it| storm(it.phase));
            drawn.map(|it| operation(it.at, it.client, it.node, &it.request)).collect()
        }
        // Who asks is only known once it has run.
        WhenBusy::NextFree | WhenBusy::AnyFree => {
            let ran = drive::<W, N, ()>(setup, ());
            let asked = ran.history.iter().filter(|it| storm(it.phase));
            let worker = |client: ClientId| ClientId(client.0 % workers);
            asked.map(|it| operation(it.invoked.at, worker(it.client), it.node, &it.request)).collect()
        }
    };
    Ok(Scenario {
        operations: Some(operations),
        faults,
        nemesis: None,
        ..in_full::<W, N>(scenario, document)?
    })
}

/// A bound on a figure that there is not would never hold; say so at once.
fn check_expect<W: Workload>(scenario: &Scenario, document: &Document) -> Result<(), Misfit> {
    let known: Vec<&str> = ["verdict", "digest"].iter().chain(W::METRICS).chain(METRICS).copied().collect();
    for (name, bound) in &scenario.expect.bounds {
        let misfit = match bound {
            _ if !known.contains(&name.as_str()) => Misfit::word("key", name, &known),
            Err(error) => Misfit::at("", error.to_string()),
            Ok(_) => continue,
        };
        return Err(document.find_place(misfit.below(name).below("expect")));
    }
    Ok(())
}

/// What is left of a run before it is judged.
struct Ran<W: Workload> {
    trouble: Option<Problem>,
    history: Vec<EntryOf<W>>,
    counters: Counters,
    ended: Time,
    digest: Digest,
}

fn drive<W, N, O>(setup: Setup<N>, observer: O) -> Ran<W>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    O: Observer<N>,
{
    let most = setup.max_events;
    let mut sim = Sim::new(setup, observer);
    // A simulator that a handler's panic has left half way is only looked at.
    let trouble = match catch_unwind(AssertUnwindSafe(|| sim.run())) {
        Ok(Stop::Done) => None,
        Ok(Stop::Livelock(at)) => Some(problem(
            "livelock",
            format!(
                "livelock: more than {} events at {at}; is something sent, or a timer set, without any delay for ever?",
                crate::sim::MOST_AT_ONE_INSTANT
            ),
        )),
        Ok(Stop::MaxEvents(at)) => {
            let text = format!(
                "the run was stopped at {at}, after max_events = {most} events; raise it if that many are meant"
            );
            Some(problem("max_events", text))
        }
        Err(panic) => {
            let handling =
                sim.handling().map_or_else(String::new, |(node, what)| format!("{node} handling {what}, "));
            let words = words(&*panic);
            let kind = format!("panic: {}", without_numbers(&words));
            Some(problem(kind, format!("panic: {words} ({handling}at {})", sim.now())))
        }
    };
    let (counters, ended, digest) = (sim.counters(), sim.now(), sim.sealed());
    Ran { trouble, counters, ended, digest, history: sim.into_history() }
}

fn problem(kind: impl Into<Cow<'static, str>>, text: String) -> Problem {
    Problem { kind: kind.into(), text, value: None }
}

/// Words without their numbers, which differ between runs that go wrong alike.
fn without_numbers(words: &str) -> String {
    words.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("#")
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    let text = text.unwrap_or_else(|| "without a message".to_owned());
    match PANICKED_AT.with_borrow_mut(Option::take) {
        Some(place) => format!("{text}, at {place}"),
        None => text,
    }
}

thread_local! {
    /// Where this thread panicked last, for whoever catches it.
    static PANICKED_AT: std::cell::RefCell<Option<String>> = const { std::cell::RefCell::new(None) };
}

/// A handler's panic is part of the report: while this lives, a panic is not printed, and its place is kept.
#[derive(Debug)]
pub struct QuietPanics(());

impl QuietPanics {
    /// From now on.
    pub fn begin() -> QuietPanics {
        std::panic::set_hook(Box::new(|info| {
            let place = info.location().map(ToString::to_string);
            PANICKED_AT.with_borrow_mut(|kept| *kept = place);
        }));
        QuietPanics(())
    }
}

impl Drop for QuietPanics {
    fn drop(&mut self) {
        _ = std::panic::take_hook();
    }
}

/// Runs the same run again and follows some values.
fn tell<W, N>(setup: Setup<N>, values: &[Value]) -> Vec<String>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let (members, faults, end) = (setup.members.clone(), setup.faults.clone(), setup.end);
    let mut stories = Stories::new(values, &members, end);
    drive::<W, N, _>(setup, &mut stories);
    stories.tell(&faults)
}

fn run_metrics(counters: &Counters, stats: &Stats) -> Vec<(&'static str, Metric)> {
    let [ok, fail, info] = stats.outcomes();
    let values = [
        Metric::Number(Quotient::of(counters.sent, counters.invocations).as_f64()),
        Metric::Count(counters.sent),
        Metric::Count(counters.delivered),
        Metric::Count(counters.duplicated),
        Metric::Count(counters.lost),
        Metric::Count(counters.cut),
        Metric::Count(counters.down),
        Metric::Count(counters.requests_dropped),
        Metric::Count(counters.held),
        Metric::Count(counters.crashes),
        Metric::Count(counters.wipes),
        Metric::Count(counters.pauses),
        Metric::Count(counters.restarts),
        Metric::Count(counters.late),
        Metric::Count(counters.stand_ins),
        Metric::Count(counters.events),
        Metric::Number(stats.availability().as_f64()),
        Metric::Count(ok),
        Metric::Count(fail),
        Metric::Count(info),
    ];
    METRICS.iter().copied().zip(values).collect()
}

/// The scenario with the knobs of its protocol and its workload written out in full.
///
/// # Errors
/// If they do not fit.
pub fn in_full<W, N>(scenario: &Scenario, document: &Document) -> Result<Scenario, Misfit>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    check_expect::<W>(scenario, document)?;
    scenario.setup::<W, N>(document)?;
    let json = |text: serde_json::Result<String>| match text.expect("knobs can be written as JSON") {
        // No knobs at all are written as in a file.
        text if text == "null" => "{}".to_owned(),
        text => text,
    };
    let protocol = json(serde_json::to_string(&scenario.node_config::<N>(document)?));
    let workload = json(serde_json::to_string(&scenario.workload_config::<W>(document)?));
    let choice = |name: &str, config| Choice { name: name.to_owned(), config: Raw(config) };
    Ok(Scenario {
        protocol: choice(&scenario.protocol.name, protocol),
        workload: choice(&scenario.workload.name, workload),
        ..scenario.clone()
    })
}
