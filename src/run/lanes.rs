//! The story of a small run in the terminal: a lane for each node, time going down, and the few events that matter.
//!
//! It knows no protocol: a message matters if it carries one of the values in question ([`mentions`]), or any if there
//! is no value. Neighbours that are alike are folded; what is not shown is counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::id::{Members, NodeId};
use crate::node::{Node, Rejection};
use crate::report::printable;
use crate::run::words::{brief, cut_short, fate, fault, kind_of, seconds};
use crate::scenario::Scenario;
use crate::sim::fault::Fault;
use crate::sim::{Observer, Record};
use crate::time::Time;
use crate::value::{Value, mentions};
use crate::workload::{Effects, Workload};

mod draw;

/// More lines than this are not shown.
const MOST_LINES: usize = 40;
/// A line that repeats one of the last so many is folded.
const FOLDED_OVER: usize = 6;
/// What a line says of a payload has so many characters at most.
const WIDEST: usize = 44;

/// Tells the story of a run whose scenario has everything written out, as [`run_written_out`](super::run_written_out)
/// takes it: of these values, or of all messages if there are none.
///
/// # Panics
/// If the scenario does not fit its types, or leaves its operations to be drawn.
pub fn lanes<W, N>(scenario: &Scenario, values: &[Value]) -> String
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let setup = scenario.setup_written_out::<W, N>();
    let (members, faults) = (setup.members.clone(), setup.faults.clone());
    let mut lanes = Lanes::<N> {
        values,
        faults: &faults,
        is_read: W::is_read,
        operations: BTreeMap::new(),
        asked_last: None,
        up_at_first: Vec::new(),
        lines: Vec::new(),
    };
    super::drive::<W, N, _>(setup, &mut lanes);
    lanes.tell(&members)
}

/// Collects what may be shown.
struct Lanes<'a, N: Node> {
    values: &'a [Value],
    faults: &'a [Fault],
    is_read: fn(&N::Request) -> bool,
    /// How much each operation matters, and what becomes of it without an answer.
    operations: BTreeMap<usize, (Weight, Effects)>,
    /// The operation that was asked last.
    asked_last: Option<usize>,
    /// The nodes that were up when all began.
    up_at_first: Vec<NodeId>,
    lines: Vec<Line>,
}

/// How much an event matters; what matters less is left out first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Weight {
    /// It is what the story is about, or trouble.
    Key,
    /// A request, or its answer, that is about no value in question.
    Request,
    /// A message that is about none, and was dropped.
    Drop,
    /// A message that is about none.
    Message,
}

/// An event that may be shown.
#[derive(Clone, Debug)]
struct Line {
    at: Time,
    weight: Weight,
    what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    /// It concerns more than one node.
    Fault(String),
    /// It happens to one node.
    Host(NodeId, Life, String),
    /// A client and a node.
    Client(NodeId, String),
    /// From node to node; when it was sent says nothing about what it is.
    Message { src: NodeId, dst: NodeId, label: String, fate: Option<String>, sent: SentAt },
}

/// When a message was sent. Any two are alike.
#[derive(Clone, Copy, Debug)]
struct SentAt(Time);

impl PartialEq for SentAt {
    fn eq(&self, _: &SentAt) -> bool {
        true
    }
}

impl Eq for SentAt {}

/// How a host goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Up,
    Down,
    Held,
}

/// A line as it is shown, or several like it.
#[derive(Clone, Debug)]
enum Shown<'a> {
    Line(&'a Line),
    /// So many more of the lines just shown, the last of them then.
    Folded(usize, Time),
    /// So many lines are left out.
    Gap(usize),
}

impl<N: Node> Lanes<'_, N> {
    fn tell(self, members: &Members) -> String {
        let about_values = !self.values.is_empty();
        let heaviest_hidden = [Weight::Drop, Weight::Request, Weight::Key];
        let least = if about_values { Weight::Drop } else { Weight::Message };
        let mut choices = std::iter::once(least).chain(heaviest_hidden);
        let fits = |least: &Weight| folded(&self.lines, *least).len() <= MOST_LINES;
        let least = choices.find(fits).unwrap_or(Weight::Key);
        let mut shown = folded(&self.lines, least);
        if shown.len() > MOST_LINES {
            let (first, last) = (MOST_LINES / 2, shown.len() - MOST_LINES / 2 + 1);
            let gap = last - first;
            shown.splice(first..last, [Shown::Gap(gap)]);
        }
        let nodes: Vec<NodeId> = members.iter().collect();
        let mut text = draw::draw(&nodes, &self.up_at_first, &shown);
        if let Some(told) = self.hidden(least) {
            _ = writeln!(text, "not shown: {told}");
        }
        text
    }

    /// What is left out as it matters less, counted.
    fn hidden(&self, least: Weight) -> Option<String> {
        let count = |weight| self.lines.iter().filter(|line| line.weight == weight && weight > least).count();
        let counts = [
            (count(Weight::Message), "messages delivered"),
            (count(Weight::Drop), "messages dropped"),
            (count(Weight::Request), "requests and answers"),
        ];
        let told: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        let about = if self.values.is_empty() { "" } else { ", none of which carries a value in question" };
        (!told.is_empty()).then(|| format!("{}{about}", told.join(", ")))
    }

    fn add(&mut self, at: Time, weight: Weight, what: What) {
        self.lines.push(Line { at, weight, what });
    }

    /// Which of the values a carrier mentions, in words.
    fn carried<T: std::hash::Hash>(&self, carrier: &T) -> Option<String> {
        let values = self.values.iter().filter(|value| mentions(carrier, value));
        let values: Vec<String> = values.map(|value| printable(&value.text())).collect();
        (!values.is_empty()).then(|| cut_short(&values.join(", "), WIDEST).into_owned())
    }

    /// A message's label, and how much it matters.
    fn message(&self, message: &N::Message, otherwise: Weight) -> (String, Weight) {
        match self.carried(message) {
            Some(values) => (format!("{} {values}", kind_of(message)), Weight::Key),
            None if self.values.is_empty() => (brief(message, WIDEST), otherwise),
            None => (kind_of(message), otherwise),
        }
    }

    /// How an operation went on; on the line of its request, if that is the last and of the same instant.
    fn answered(&mut self, at: Time, operation: usize, node: NodeId, text: String, weight: Weight) {
        let weight = weight.min(self.operations[&operation].0);
        match self.lines.last_mut() {
            Some(Line { at: asked, weight: least, what: What::Client(_, line) })
                if *asked == at && self.asked_last == Some(operation) =>
            {
                *least = weight.min(*least);
                // Who hears whom has been said.
                *line += &format!("; {}", text.split_once(", ").map_or(text.as_str(), |(_, told)| told));
            }
            _ => self.add(at, weight, What::Client(node, text)),
        }
    }

    fn response(&self, response: &N::Response, reads: Effects) -> (String, Weight) {
        match (self.carried(response), reads) {
            (Some(values), _) => (format!("{} with {values}", kind_of(response)), Weight::Key),
            (None, _) if self.values.is_empty() => (brief(response, WIDEST), Weight::Request),
            (None, Effects::Reads) => {
                let missing: Vec<String> = self.values.iter().map(|value| printable(&value.text())).collect();
                let missing = cut_short(&missing.join(", "), WIDEST).into_owned();
                (format!("{} without {missing}", kind_of(response)), Weight::Key)
            }
            (None, Effects::Changes) => (brief(response, WIDEST), Weight::Request),
        }
    }
}

/// How an operation ended that was not answered as asked: fail if it certainly did not happen, else info.
fn failed(effects: Effects, certain: bool) -> &'static str {
    if certain || effects == Effects::Reads { "fail" } else { "info" }
}

fn rejected(effects: Effects, Rejection { code, text }: &Rejection) -> String {
    let word = failed(effects, code.is_definite());
    format!("{word}: error {}, {}", code.number(), cut_short(&printable(text), WIDEST))
}

impl<N: Node> Observer<N> for Lanes<'_, N> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::FaultBegins(place) => {
                let told = fault(*place, &self.faults[*place]);
                self.add(at, Weight::Key, What::Fault(format!("begins: {told}")));
            }
            Record::FaultEnds(place) => {
                let told = fault(*place, &self.faults[*place]);
                self.add(at, Weight::Key, What::Fault(format!("ends: {told}")));
            }
            Record::Start(node, 0) if at == Time::ZERO => self.up_at_first.push(*node),
            Record::Start(node, 0) => self.host(at, *node, Life::Up, "starts"),
            Record::Start(node, _) => self.host(at, *node, Life::Up, "starts again"),
            Record::Crash(node) => self.host(at, *node, Life::Down, "crashes"),
            Record::Wipe(node) => self.host(at, *node, Life::Down, "is down, and its disk lost"),
            Record::Pause(node) => self.host(at, *node, Life::Held, "is held still"),
            Record::Resume(node) => self.host(at, *node, Life::Up, "goes on"),
            Record::Invoke(operation, client, node, request) => {
                let effects = if (self.is_read)(request) { Effects::Reads } else { Effects::Changes };
                let about = self.values.is_empty() || self.carried(*request).is_some();
                let weight = if about { Weight::Key } else { Weight::Request };
                self.operations.insert(*operation, (weight, effects));
                self.asked_last = Some(*operation);
                let text = format!("{client} asks {node}: {}", brief(*request, WIDEST));
                self.add(at, weight, What::Client(*node, text));
            }
            Record::RequestDropped(operation, client, node) => {
                let text = format!("{client} finds {node} down");
                self.answered(at, *operation, *node, text, Weight::Request);
            }
            Record::Response(operation, client, node, answer) => {
                let (_, effects) = self.operations[operation];
                let (told, weight) = match answer {
                    Ok(response) => {
                        let (told, weight) = self.response(response, effects);
                        (format!("ok: {told}"), weight)
                    }
                    Err(rejection) => (rejected(effects, rejection), Weight::Request),
                };
                let text = format!("{client} hears {node}, {told}");
                self.answered(at, *operation, *node, text, weight);
            }
            Record::TimedOut(operation, client, node) => {
                let (_, effects) = self.operations[operation];
                let text = format!("{client} gives up on {node}, {}: timed out", failed(effects, false));
                self.answered(at, *operation, *node, text, Weight::Request);
            }
            Record::Late(operation, client, node) => {
                let text = format!("{client} hears {node} too late");
                self.answered(at, *operation, *node, text, Weight::Request);
            }
            Record::Deliver(passage, message) => {
                let (label, weight) = self.message(message, Weight::Message);
                let sent = SentAt(passage.sent);
                let what = What::Message { src: passage.src, dst: passage.dst, label, fate: None, sent };
                self.add(at, weight, what);
            }
            Record::Drop(passage, why, message) => {
                let (label, weight) = self.message(message, Weight::Drop);
                let (fate, sent) = (Some(fate(*why)), SentAt(passage.sent));
                self.add(at, weight, What::Message { src: passage.src, dst: passage.dst, label, fate, sent });
            }
            Record::Request(..) | Record::Timer(..) | Record::Event(..) => {}
        }
    }
}

impl<N: Node> Lanes<'_, N> {
    fn host(&mut self, at: Time, node: NodeId, life: Life, what: &str) {
        self.add(at, Weight::Key, What::Host(node, life, format!("{node} {what}")));
    }
}

/// The lines that matter at least so much, those folded that repeat one of the messages just before them.
fn folded(lines: &[Line], least: Weight) -> Vec<Shown<'_>> {
    let mut shown: Vec<Shown<'_>> = Vec::new();
    let mut recent: Vec<&What> = Vec::new();
    for line in lines.iter().filter(|line| line.weight <= least) {
        if recent.iter().rev().take(FOLDED_OVER).any(|what| **what == line.what) {
            match shown.last_mut() {
                Some(Shown::Folded(count, until)) => (*count, *until) = (*count + 1, line.at),
                _ => shown.push(Shown::Folded(1, line.at)),
            }
            continue;
        }
        if !matches!(line.what, What::Message { .. }) {
            recent.clear();
        } else {
            recent.push(&line.what);
        }
        shown.push(Shown::Line(line));
    }
    shown
}

/// "5.010s", as wide as all of them.
fn clock(at: Time) -> String {
    format!("{:>9}", seconds(at))
}

#[cfg(test)]
mod tests;
