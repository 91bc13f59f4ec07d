//! Judging sets: what clients added, what they read, and what that says. It knows no node and no message.
//!
//! The figures are those of Jepsen's set-full checker as Maelstrom uses it (jepsen/src/jepsen/checker.clj). The strict
//! judgement beside them demands more: every acknowledged value in every live node's final read, none twice, none
//! that nobody added.

use indexmap::{IndexMap, IndexSet};

use crate::hash::BuildWordHasher;
use crate::id::NodeId;
use crate::time::{Span, Time};
use crate::value::{Value, ValueList};
use crate::workload::{Facts, Phase, Stamp, Verdict};

mod sights;

use sights::{Places, Sights};

/// A value that a client added.
#[derive(Clone, Debug)]
pub struct Add<'a> {
    /// What it added.
    pub value: &'a Value,
    /// To which node.
    pub node: NodeId,
    /// When it asked.
    pub invoked: Stamp,
    /// When it was told that the value is in.
    pub acknowledged: Option<Stamp>,
}

/// A read that was answered.
#[derive(Clone, Debug)]
pub struct Read<'a> {
    /// Whom it asked.
    pub node: NodeId,
    /// When in the run.
    pub phase: Phase,
    /// When the client asked.
    pub invoked: Stamp,
    /// When it heard.
    pub completed: Stamp,
    /// What it heard.
    pub values: &'a ValueList,
}

/// What became of one value, by set-full.
#[derive(Clone, Debug)]
struct Element<'a> {
    value: &'a Value,
    /// When a client first asked for it. What a read says of it counts only if the read ended later.
    asked: Stamp,
    /// By whom it was acknowledged, and when; more than once only if it was added more than once.
    acknowledgements: Vec<(NodeId, Stamp)>,
    /// The acknowledgement or the completion of the first read that shows it, whichever came first.
    known: Option<Stamp>,
    /// The latest-invoked completed read that shows it.
    last_present: Option<Stamp>,
    /// The latest-invoked read, completed after the value was added, that lacks it.
    last_absent: Option<Stamp>,
}

impl Element<'_> {
    fn stable_latency(&self) -> Option<Span> {
        let (known, present) = (self.known?, self.last_present?);
        match self.last_absent {
            Some(absent) if absent.index > present.index => None,
            Some(absent) => Some((absent.at + Span::from_nanos(1)).since(known.at)),
            None => Some(Span::ZERO),
        }
    }

    fn stale(&self, latency: u64) -> Option<Stale> {
        let (known, last_absent) = (self.known?, self.last_absent.filter(|_| latency > 0)?);
        Some(Stale { value: self.value.clone(), latency, known, last_absent })
    }

    fn lost_latency(&self) -> Option<Span> {
        let known = self.known.filter(|_| self.is_lost())?;
        let present = |present: Stamp| (present.at + Span::from_nanos(1)).since(known.at);
        Some(self.last_present.map_or(Span::ZERO, present))
    }

    fn is_lost(&self) -> bool {
        let (Some(known), Some(absent)) = (self.known, self.last_absent) else { return false };
        absent.index > known.index && self.last_present.is_none_or(|present| absent.index > present.index)
    }
}

/// The figures of set-full.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetFull {
    /// Distinct values that clients tried to add.
    pub attempts: u64,
    /// Those that were acknowledged.
    pub acknowledged: u64,
    /// Shown by the latest-invoked reads, with the time until they were, in whole milliseconds, in the order added.
    pub stable: Vec<(Value, u64)>,
    /// The eight stable values that took longest, longest first.
    pub worst_stale: Vec<Stale>,
    /// Known, but lacking in the latest-invoked read; with the time until they were last shown, in whole milliseconds.
    pub lost: Vec<(Value, u64)>,
    /// Neither stable nor lost.
    pub never_read: Vec<Value>,
    /// Values that some read shows twice or more, and how often at most.
    pub duplicated: Vec<(Value, u64)>,
}

/// A value that a read lacked after it was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stale {
    /// Which.
    pub value: Value,
    /// For how long, in whole milliseconds.
    pub latency: u64,
    /// When it was known.
    pub known: Stamp,
    /// When the latest-invoked read that lacks it was asked for.
    pub last_absent: Stamp,
}

/// So many stale values are described.
const MOST_STALE: usize = 8;

impl SetFull {
    /// The stable values whose latency is above 0.
    pub fn stale(&self) -> impl Iterator<Item = &(Value, u64)> {
        self.stable.iter().filter(|(_, latency)| *latency > 0)
    }

    /// The stable latency in milliseconds below which a share of the stable values lies. `None` if no value is stable.
    pub fn stable_latency(&self, hundredths: usize) -> Option<u64> {
        quantile(&self.stable, hundredths)
    }

    /// The same of the lost values: how long they were still shown.
    pub fn lost_latency(&self, hundredths: usize) -> Option<u64> {
        quantile(&self.lost, hundredths)
    }

    /// Maelstrom's verdict: fail if a value is lost, unknown if none is stable.
    pub fn verdict(&self) -> Verdict {
        match (self.lost.is_empty(), self.stable.is_empty()) {
            (false, _) => Verdict::Fail,
            (true, true) => Verdict::Unknown,
            (true, false) => Verdict::Pass,
        }
    }
}

/// Maelstrom's quantile, `sorted[min(n - 1, floor(n q))]` with `q` in hundredths.
fn quantile(latencies: &[(Value, u64)], hundredths: usize) -> Option<u64> {
    let mut sorted: Vec<u64> = latencies.iter().map(|(_, latency)| *latency).collect();
    sorted.sort_unstable();
    sorted.get((sorted.len() * hundredths / 100).min(sorted.len().saturating_sub(1))).copied()
}

/// Who first had a value, as far as forgiving it depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstTwo {
    /// The first node that had it, and when.
    pub first: (NodeId, Time),
    /// When a second node had it, too.
    pub second: Option<Time>,
}

/// What the strict judgement holds against a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strict {
    /// Acknowledged values with the live nodes whose final reads lack them.
    pub lost: Vec<(Value, Vec<NodeId>)>,
    /// The same, but forgiven: the acknowledging node lost its disk before any other node had the value.
    pub forgiven: Vec<(Value, Vec<NodeId>)>,
    /// Acknowledged values that only a disk can have kept ([`SetHistory::kept`]); they speak for the run.
    pub kept: Vec<Value>,
    /// Nodes that did not answer their own final read.
    pub silent: Vec<NodeId>,
    /// Values that a read of this node shows twice or more.
    pub duplicated: Vec<(Value, NodeId)>,
    /// Values that a read of this node shows and nobody had asked to add.
    pub invented: Vec<(Value, NodeId)>,
}

impl Strict {
    /// Fail if anything speaks against the run, unknown if nothing was acknowledged that could speak for it.
    pub fn verdict(&self, acknowledged: u64) -> Verdict {
        let clean = self.lost.is_empty()
            && self.silent.is_empty()
            && self.duplicated.is_empty()
            && self.invented.is_empty();
        match (clean, acknowledged) {
            (false, _) => Verdict::Fail,
            (true, 0) => Verdict::Unknown,
            (true, _) => Verdict::Pass,
        }
    }
}

/// How often reads of one node show a value.
#[derive(Clone, Copy, Debug)]
struct Copies {
    /// The last read that shows it twice or more, and how often.
    last: (usize, u64),
    /// How often any does at most.
    most: u64,
}

/// A set's history with its values numbered.
#[derive(Debug)]
pub struct SetHistory<'a> {
    reads: &'a [Read<'a>],
    elements: IndexMap<&'a Value, Element<'a>, BuildWordHasher>,
    duplicated: IndexMap<(Value, NodeId), Copies, BuildWordHasher>,
    invented: IndexSet<(Value, NodeId), BuildWordHasher>,
}

impl<'a> SetHistory<'a> {
    /// Goes through the history once. Adds are in order of invocation; one value added twice counts as one.
    /// Takes time in proportion to reads x values.
    pub fn new(adds: &'a [Add<'a>], reads: &'a [Read<'a>]) -> SetHistory<'a> {
        let mut history = SetHistory {
            reads,
            elements: IndexMap::default(),
            duplicated: IndexMap::default(),
            invented: IndexSet::default(),
        };
        for added in adds {
            let new = || Element {
                value: added.value,
                asked: added.invoked,
                acknowledgements: Vec::new(),
                known: None,
                last_present: None,
                last_absent: None,
            };
            let element = history.elements.entry(added.value).or_insert_with(new);
            element.acknowledgements.extend(added.acknowledged.map(|stamp| (added.node, stamp)));
            element.known = earliest(element.known, added.acknowledged);
        }
        history.go_through(reads);
        history
    }

    fn go_through(&mut self, reads: &'a [Read<'a>]) {
        let asked = self.elements.values().map(|element| element.asked.index);
        let mut sights = Sights::new(asked.collect(), reads);
        let mut places = Places::default();
        for (number, read) in reads.iter().enumerate() {
            self.read(number, read, &mut places, &mut sights);
            sights.miss(number, read);
        }
        for (at, element) in self.elements.values_mut().enumerate() {
            let seen = sights.of(at);
            element.known = earliest(element.known, seen.first.map(|at| reads[at].completed));
            element.last_present = seen.last.map(|at| reads[at].invoked);
            element.last_absent = seen.missed.map(|at| reads[at].invoked);
        }
    }

    fn read(&mut self, number: usize, read: &Read<'a>, places: &mut Places<'a>, sights: &mut Sights) {
        let mut places = places.of(read.node);
        for (at, block) in read.values.blocks().enumerate() {
            let elements = places.find(at, block, |value| self.elements.get_index_of(value));
            for (value, element) in block.iter().zip(elements) {
                let asked_for = element.filter(|at| sights.asked[*at] < read.completed.index);
                let again = match asked_for {
                    Some(at) => sights.see(at, number),
                    None => {
                        self.invented.insert((value.clone(), read.node));
                        let mut before = read.values.iter().take_while(|other| !std::ptr::eq(*other, value));
                        before.any(|other| other == value)
                    }
                };
                if again {
                    self.see_copy(number, read.node, value);
                }
            }
        }
    }

    /// The read shows the value once more.
    fn see_copy(&mut self, number: usize, node: NodeId, value: &Value) {
        let new = Copies { last: (number, 1), most: 1 };
        let copies = self.duplicated.entry((value.clone(), node)).or_insert(new);
        let so_far = if copies.last.0 == number { copies.last.1 } else { 1 };
        copies.last = (number, so_far + 1);
        copies.most = copies.most.max(so_far + 1);
    }

    /// The figures of set-full.
    pub fn set_full(&self) -> SetFull {
        let mut figures = SetFull { attempts: self.elements.len() as u64, ..SetFull::default() };
        for element in self.elements.values() {
            figures.acknowledged += u64::from(!element.acknowledgements.is_empty());
            let value = element.value.clone();
            match element.stable_latency() {
                Some(latency) => {
                    figures.worst_stale.extend(element.stale(latency.as_millis()));
                    figures.stable.push((value, latency.as_millis()));
                }
                None => match element.lost_latency() {
                    Some(latency) => figures.lost.push((value, latency.as_millis())),
                    None => figures.never_read.push(value),
                },
            }
        }
        figures.worst_stale.sort_by_key(|stale| stale.latency);
        figures.worst_stale.reverse();
        figures.worst_stale.truncate(MOST_STALE);
        let mut distinct: IndexMap<&Value, u64, BuildWordHasher> = IndexMap::default();
        for ((value, _), copies) in &self.duplicated {
            let most = distinct.entry(value).or_default();
            *most = copies.most.max(*most);
        }
        figures.duplicated = distinct.into_iter().map(|(value, most)| (value.clone(), most)).collect();
        figures
    }

    /// What the strict judgement holds against the run. `spread` says who first had a value.
    pub fn strict(&self, facts: &Facts<'_>, spread: impl Fn(&Value) -> Option<FirstTwo>) -> Strict {
        let members = facts.members;
        let mut strict = Strict {
            duplicated: self.duplicated.keys().cloned().collect(),
            invented: self.invented.iter().cloned().collect(),
            ..Strict::default()
        };
        let acknowledged = self.elements.values().filter(|element| !element.acknowledgements.is_empty());
        let acknowledged: IndexMap<&Value, &Element<'_>, BuildWordHasher> =
            acknowledged.map(|element| (element.value, element)).collect();
        let mut lacking: Vec<Vec<NodeId>> = vec![Vec::new(); acknowledged.len()];
        let mut finals: Vec<Option<&Read<'_>>> = vec![None; members.count() as usize];
        for read in self.reads.iter().filter(|read| read.phase == Phase::Final) {
            let last = &mut finals[read.node.index()];
            if last.is_none_or(|last| read.invoked > last.invoked) {
                *last = Some(read);
            }
        }
        for node in members.iter() {
            let Some(last) = finals[node.index()] else {
                strict.silent.push(node);
                continue;
            };
            let mut shown = vec![false; acknowledged.len()];
            last.values
                .iter()
                .filter_map(|value| acknowledged.get_index_of(value))
                .for_each(|at| shown[at] = true);
            lacking
                .iter_mut()
                .zip(shown)
                .filter(|(_, shown)| !shown)
                .for_each(|(lacking, _)| lacking.push(node));
        }
        for (element, lacking) in
            acknowledged.values().zip(lacking).filter(|(_, lacking)| !lacking.is_empty())
        {
            let in_grace = |(node, at): &(NodeId, Stamp)| facts.in_grace(*node, at.at);
            let forgiven = fell_alone(element, facts.wipes, spread(element.value))
                || element.acknowledgements.iter().all(in_grace);
            let list = if forgiven { &mut strict.forgiven } else { &mut strict.lost };
            list.push((element.value.clone(), lacking));
        }
        strict
    }

    /// The acknowledged values that only a disk can have kept: the acknowledging node crashed before any other node had
    /// the value, and yet no final read lacks it.
    pub fn kept(
        &self,
        strict: &Strict,
        crashes: &[(NodeId, Time)],
        spread: impl Fn(&Value) -> Option<FirstTwo>,
    ) -> Vec<Value> {
        let alone = self.elements.values().filter(|element| !element.acknowledgements.is_empty());
        let alone = alone.filter(|element| fell_alone(element, crashes, spread(element.value)));
        let lacking =
            |value: &Value| strict.lost.iter().chain(&strict.forgiven).any(|(other, _)| other == value);
        alone.filter(|element| !lacking(element.value)).map(|element| element.value.clone()).collect()
    }
}

/// Whether each node that acknowledged the value fell after that and before any other node had the value.
fn fell_alone(element: &Element<'_>, falls: &[(NodeId, Time)], spread: Option<FirstTwo>) -> bool {
    let Some(spread) = spread else { return false };
    element.acknowledgements.iter().all(|(holder, acknowledged)| {
        let others = if spread.first.0 == *holder { spread.second } else { Some(spread.first.1) };
        falls.iter().any(|(node, fell)| {
            node == holder && *fell >= acknowledged.at && others.is_none_or(|others| others > *fell)
        })
    })
}

fn earliest(a: Option<Stamp>, b: Option<Stamp>) -> Option<Stamp> {
    [a, b].into_iter().flatten().min()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::id::{ClientId, Members};
    use crate::workload::{Entry, Outcome, Reason};

    // ---- stories

    /// What clients did and what became of it, told in lines:
    ///
    /// ```text
    /// 10ms add 1 n0 ok 12ms             or: info 5.01s, fail 11ms, open 10ms
    /// 10ms has 1 n0                     from now on the node knows the value
    /// 15ms wipe n0
    /// 20ms read n1 ok 21ms [1 2]        or: fail 5.02s
    /// 30s read n1 ok 30s [1 2] final
    /// ```
    ///
    /// Of what happens at one instant, the earlier line's comes first.
    #[derive(Default)]
    pub(crate) struct Story {
        pub(crate) entries: Vec<Entry<Ask, ValueList>>,
        pub(crate) holders: Vec<(Time, NodeId, Value)>,
        pub(crate) wipes: Vec<(NodeId, Time)>,
        grace: Option<Span>,
    }

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub(crate) enum Ask {
        Add(Value),
        Read,
    }

    pub(crate) fn story(text: &str) -> Story {
        let mut story = Story::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            story.tell(line);
        }
        let stamps = story.entries.iter_mut().flat_map(|entry| [&mut entry.invoked, &mut entry.completed]);
        let mut stamps: Vec<&mut Stamp> = stamps.collect();
        stamps.sort_by_key(|stamp| stamp.at);
        (0..).zip(stamps).for_each(|(index, stamp)| stamp.index = index);
        story
    }

    impl Story {
        /// What a judge knows of it beside what clients saw.
        pub(crate) fn facts<'a>(&'a self, members: &'a Members) -> Facts<'a> {
            Facts { members, wipes: &self.wipes, crashes: &[], grace: self.grace }
        }

        fn tell(&mut self, line: &str) {
            let (line, phase) = match line.strip_suffix(" final") {
                Some(line) => (line, Phase::Final),
                None => (line, Phase::Storm),
            };
            let words: Vec<&str> = line.split([' ', '[', ']']).filter(|word| !word.is_empty()).collect();
            match words[..] {
                [at, "has", value, node] => self.holders.push((time(at), n(node), value_of(value))),
                [at, "wipe", node] => self.wipes.push((n(node), time(at))),
                ["grace", length] => self.grace = Some(length.parse().unwrap()),
                [from, "add", value, node, end, until] => {
                    let outcome = outcome(end, ValueList::default());
                    self.ask(Ask::Add(value_of(value)), n(node), phase, (from, until), outcome);
                }
                [from, "read", node, end, until, ref values @ ..] => {
                    let outcome = outcome(end, values.iter().copied().map(value_of).collect());
                    self.ask(Ask::Read, n(node), phase, (from, until), outcome);
                }
                _ => panic!("no line of a story: {line}"),
            }
        }

        fn ask(
            &mut self,
            request: Ask,
            node: NodeId,
            phase: Phase,
            (from, until): (&str, &str),
            outcome: Outcome<ValueList>,
        ) {
            let stamp = |at| Stamp { index: 0, at: time(at) };
            let (invoked, completed) = (stamp(from), stamp(until));
            assert!(invoked.at <= completed.at, "an operation ends after it begins: {from}, {until}");
            let client = ClientId(0);
            self.entries.push(Entry { client, node, request, phase, invoked, completed, outcome });
        }

        fn adds(&self) -> Vec<Add<'_>> {
            let adds = self.entries.iter().filter_map(|entry| match &entry.request {
                Ask::Add(value) => {
                    let acknowledged = matches!(entry.outcome, Outcome::Ok(_)).then_some(entry.completed);
                    Some(Add { value, node: entry.node, invoked: entry.invoked, acknowledged })
                }
                Ask::Read => None,
            });
            adds.collect()
        }

        fn reads(&self) -> Vec<Read<'_>> {
            let reads = self.entries.iter().filter_map(|entry| match (&entry.request, &entry.outcome) {
                (Ask::Read, Outcome::Ok(values)) => Some(Read {
                    node: entry.node,
                    phase: entry.phase,
                    invoked: entry.invoked,
                    completed: entry.completed,
                    values,
                }),
                (Ask::Add(_), _) | (Ask::Read, Outcome::Open | Outcome::Fail(_) | Outcome::Info(_)) => None,
            });
            reads.collect()
        }

        fn first_two(&self, value: &Value) -> Option<FirstTwo> {
            let mut holders = self.holders.iter().filter(|(_, _, held)| held == value);
            let &(at, first, _) = holders.next()?;
            let second = holders.find(|(_, node, _)| *node != first).map(|(at, _, _)| *at);
            Some(FirstTwo { first: (first, at), second })
        }
    }

    fn outcome(end: &str, answer: ValueList) -> Outcome<ValueList> {
        match end {
            "ok" => Outcome::Ok(answer),
            "fail" => Outcome::Fail(Reason::TimedOut),
            "info" => Outcome::Info(Reason::TimedOut),
            "open" => Outcome::Open,
            _ => panic!("no end of an operation: {end}"),
        }
    }

    fn time(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn n(name: &str) -> NodeId {
        NodeId(name.strip_prefix('n').unwrap().parse().unwrap())
    }

    fn value_of(text: &str) -> Value {
        Value::parse(text).unwrap()
    }

    // ---- what the judges say of them

    fn set_full(text: &str) -> SetFull {
        let story = story(text);
        SetHistory::new(&story.adds(), &story.reads()).set_full()
    }

    /// What became of every value by set-full: "1 stable after 8 ms, 2 lost, 3 never read".
    fn fates(text: &str) -> String {
        let figures = set_full(text);
        let stable =
            figures.stable.iter().map(|(value, latency)| format!("{value} stable after {latency} ms"));
        let lost = figures.lost.iter().map(|(value, _)| format!("{value} lost"));
        let never_read = figures.never_read.iter().map(|value| format!("{value} never read"));
        stable.chain(lost).chain(never_read).collect::<Vec<_>>().join(", ")
    }

    /// What the strict judgement says of nodes n0, n1, ...: "fail: 1 lost at [n1], n2 silent".
    fn strictly(nodes: u32, text: &str) -> String {
        strictly_of(&Members::all(nodes), text)
    }

    fn strictly_of(members: &Members, text: &str) -> String {
        let story = story(text);
        let (adds, reads) = (story.adds(), story.reads());
        let set = SetHistory::new(&adds, &reads);
        let strict = set.strict(&story.facts(members), |value| story.first_two(value));
        let lost = strict.lost.iter().map(|(value, nodes)| format!("{value} lost at {nodes:?}"));
        let silent = strict.silent.iter().map(|node| format!("{node} silent"));
        let duplicated = strict.duplicated.iter().map(|(value, node)| format!("{value} twice at {node}"));
        let invented = strict.invented.iter().map(|(value, node)| format!("{value} invented at {node}"));
        let forgiven = strict.forgiven.iter().map(|(value, nodes)| format!("{value} forgiven at {nodes:?}"));
        let all: Vec<String> = lost.chain(silent).chain(duplicated).chain(invented).chain(forgiven).collect();
        let verdict = strict.verdict(set.set_full().acknowledged);
        if all.is_empty() { verdict.to_string() } else { format!("{verdict}: {}", all.join(", ")) }
    }

    // ---- set-full: stable

    #[test]
    fn what_a_crashed_node_alone_knew_and_all_know_in_the_end_was_kept() {
        let kept = |text: &str| {
            let story = story(text);
            let (adds, reads) = (story.adds(), story.reads());
            let set = SetHistory::new(&adds, &reads);
            let members = Members::all(2);
            let facts = Facts { wipes: &[], ..story.facts(&members) };
            let strict = set.strict(&facts, |value| story.first_two(value));
            set.kept(&strict, &story.wipes, |value| story.first_two(value)).len()
        };
        let told = "10ms add 1 n0 ok 10ms\n10ms has 1 n0\n15ms wipe n0\n20ms has 1 n1\n";
        let read = "30s read n0 ok 30s [1] final\n30s read n1 ok 30s [1] final";
        assert_eq!(kept(&format!("{told}{read}")), 1);
        assert_eq!(
            kept(&format!("{told}30s read n0 ok 30s [1] final\n30s read n1 ok 30s [] final")),
            0,
            "it is lost"
        );
        assert_eq!(
            kept(&format!("10ms add 1 n0 ok 10ms\n10ms has 1 n0\n12ms has 1 n1\n15ms wipe n0\n{read}")),
            0
        );
        assert_eq!(
            kept(&format!("10ms add 1 n0 info 5s\n10ms has 1 n0\n15ms wipe n0\n20ms has 1 n1\n{read}")),
            0
        );
        let another_is_lost = format!("{told}11ms add 2 n1 ok 12ms\n{read}");
        assert_eq!(kept(&another_is_lost), 1, "what became of 2 says nothing of 1");
    }

    #[test]
    fn what_is_forgiven_was_not_kept() {
        let story = story("10ms add 1 n0 ok 10ms\n10ms has 1 n0\n15ms wipe n0\n30s read n0 ok 30s [] final");
        let (adds, reads) = (story.adds(), story.reads());
        let set = SetHistory::new(&adds, &reads);
        let first_two = |value: &Value| story.first_two(value);
        let strict = set.strict(&story.facts(&Members::all(1)), first_two);
        assert_eq!((strict.lost.len(), strict.forgiven.len()), (0, 1));
        let crashed_before_that = [(NodeId(0), time("12ms"))];
        assert_eq!(set.kept(&strict, &crashed_before_that, first_two), [] as [Value; 0]);
    }

    #[test]
    fn a_value_that_every_later_read_shows_is_stable_at_once() {
        let fates = fates(
            "10ms add 1 n0 ok 12ms
             20ms read n1 ok 21ms [1]
             30ms read n2 ok 31ms [1]",
        );
        assert_eq!(fates, "1 stable after 0 ms");
    }

    #[test]
    fn the_stable_latency_ends_a_nanosecond_after_the_last_read_without_it_was_invoked_in_whole_ms() {
        for (last_absent, latency) in [
            ("11ms", 0),
            ("12.5ms", 0),
            ("12.999998ms", 0),
            ("12.999999ms", 1),
            ("21.999998ms", 9),
            ("21.999999ms", 10),
            ("22ms", 10),
        ] {
            let fates = fates(&format!(
                "10ms add 1 n0 ok 12ms
                 {last_absent} read n1 ok 40ms []
                 50ms read n1 ok 51ms [1]"
            ));
            assert_eq!(fates, format!("1 stable after {latency} ms"), "last absent at {last_absent}");
        }
    }

    #[test]
    fn a_stable_value_is_stale_if_its_latency_is_above_zero() {
        let figures = set_full(
            "10ms add 1 n0 ok 12ms
             11ms add 2 n0 ok 13ms
             12.999999ms read n1 ok 14ms []
             20ms read n1 ok 21ms [1 2]",
        );
        let stale: Vec<_> = figures.stale().cloned().collect();
        assert_eq!(figures.stable, [(Value::from(1), 1), (Value::from(2), 0)]);
        assert_eq!(stale, [(Value::from(1), 1)]);
    }

    // ---- set-full: known

    #[test]
    fn a_value_is_known_by_its_acknowledgement_or_by_the_first_read_whichever_is_earlier() {
        let latency = |end: &str, first_read: &str| {
            fates(&format!(
                "10ms add 1 n0 {end}
                 10ms read n1 ok {first_read} [1]
                 20ms read n2 ok 21ms []
                 30ms read n1 ok 31ms [1]"
            ))
        };
        assert_eq!(latency("ok 12ms", "15ms"), "1 stable after 8 ms", "by the acknowledgement");
        assert_eq!(latency("ok 16ms", "15ms"), "1 stable after 5 ms", "by the read");
        assert_eq!(latency("info 12ms", "15ms"), "1 stable after 5 ms", "not by an end that says nothing");
        assert_eq!(latency("fail 12ms", "15ms"), "1 stable after 5 ms", "not by a refusal");
    }

    #[test]
    fn the_first_read_is_the_one_that_completes_first() {
        let fates = fates(
            "10ms add 1 n0 info 5.01s
             11ms read n1 ok 18ms [1]
             12ms read n2 ok 14ms [1]
             13ms read n3 ok 16ms [1]
             20ms read n4 ok 21ms []
             30ms read n1 ok 31ms [1]",
        );
        assert_eq!(fates, "1 stable after 6 ms");
    }

    // ---- set-full: which reads decide

    #[test]
    fn the_latest_invoked_read_decides_not_the_latest_completed() {
        let late_absence = "10ms add 1 n0 ok 12ms
                            20ms read n1 ok 50ms []
                            30ms read n2 ok 31ms [1]";
        assert_eq!(fates(late_absence), "1 stable after 8 ms");
        let late_presence = "10ms add 1 n0 ok 12ms
                             20ms read n1 ok 50ms [1]
                             30ms read n2 ok 31ms []";
        assert_eq!(fates(late_presence), "1 lost");
    }

    #[test]
    fn reads_may_be_told_in_any_order() {
        let lines = [
            "10ms add 1 n0 ok 12ms",
            "11ms add 2 n0 ok 13ms",
            "20ms read n1 ok 21ms [1 2]",
            "25ms read n1 ok 26ms [2]",
            "30ms read n1 ok 31ms [2]",
            "40ms read n1 ok 41ms [1 2]",
            "50ms read n1 ok 51ms [1]",
        ];
        let backwards: Vec<&str> = lines.iter().rev().copied().collect();
        for story in [lines.join("\n"), backwards.join("\n")] {
            assert_eq!(fates(&story), "1 stable after 18 ms, 2 lost");
        }
    }

    #[test]
    fn a_read_that_lacks_a_value_counts_if_it_completed_after_the_add_was_invoked() {
        let absent = |read: &str| {
            fates(&format!(
                "1ms read n1 ok 40ms [1]
                 {read}
                 10ms add 1 n0 ok 12ms"
            ))
        };
        assert_eq!(absent("8ms read n2 ok 9ms []"), "1 stable after 0 ms", "it completed before");
        assert_eq!(absent("8ms read n2 ok 10ms []"), "1 stable after 0 ms", "just before");
        assert_eq!(
            absent("8ms read n2 ok 11ms []"),
            "1 never read",
            "it was invoked before, completed after"
        );
    }

    #[test]
    fn a_read_that_shows_a_value_before_its_add_was_invoked_does_not_count() {
        let foretold = "5ms read n1 ok 6ms [1]
                        10ms add 1 n0 ok 12ms";
        assert_eq!(fates(foretold), "1 never read");
        let foretold_and_absent = "5ms read n1 ok 6ms [1]
                                   10ms add 1 n0 ok 30ms
                                   20ms read n1 ok 21ms []
                                   25ms read n1 ok 26ms [1]";
        assert_eq!(
            fates(foretold_and_absent),
            "1 stable after 0 ms",
            "it is known from 26 ms on, not from 6 ms"
        );
    }

    #[test]
    fn a_read_without_an_answer_counts_for_nothing() {
        let fates = fates(
            "10ms add 1 n0 ok 12ms
             20ms read n1 ok 21ms [1]
             30ms read n1 fail 5.03s",
        );
        assert_eq!(fates, "1 stable after 0 ms");
    }

    #[test]
    fn final_reads_count_in_every_figure() {
        let fates = fates(
            "10ms add 1 n0 ok 12ms
             20ms add 2 n0 ok 22ms
             30s read n0 ok 30s [1] final
             31s read n1 ok 31s [1 2] final
             32s read n2 ok 32s [1] final",
        );
        assert_eq!(fates, "1 stable after 0 ms, 2 lost");
    }

    // ---- set-full: lost, never read

    #[test]
    fn a_known_value_that_the_latest_invoked_read_lacks_is_lost() {
        let never_shown = "10ms add 1 n0 ok 12ms
                           20ms read n1 ok 21ms []";
        assert_eq!(fates(never_shown), "1 lost");
        let shown_before = "10ms add 1 n0 ok 12ms
                            20ms read n1 ok 21ms [1]
                            30ms read n1 ok 31ms []";
        assert_eq!(fates(shown_before), "1 lost");
        let known_by_a_read_alone = "10ms add 1 n0 info 5.01s
                                     20ms read n1 ok 21ms [1]
                                     30ms read n1 ok 31ms []";
        assert_eq!(fates(known_by_a_read_alone), "1 lost");
    }

    #[test]
    fn a_read_invoked_before_the_value_was_known_does_not_lose_it() {
        let while_the_add_is_open = "10ms add 1 n0 ok 12ms
                                     11ms read n1 ok 20ms []";
        assert_eq!(fates(while_the_add_is_open), "1 never read");
        let while_the_first_read_is_open = "10ms add 1 n0 info 5.01s
                                            20ms read n1 ok 25ms [1]
                                            22ms read n2 ok 23ms []";
        assert_eq!(fates(while_the_first_read_is_open), "1 never read");
    }

    #[test]
    fn at_one_instant_the_order_of_the_history_decides() {
        let acknowledged_first = "10ms add 1 n0 ok 12ms
                                  12ms read n1 ok 13ms []";
        assert_eq!(fates(acknowledged_first), "1 lost");
        let invoked_first = "12ms read n1 ok 13ms []
                             10ms add 1 n0 ok 12ms";
        assert_eq!(fates(invoked_first), "1 never read");
        let absent_first = "10ms add 1 n0 ok 12ms
                            20ms read n1 ok 21ms []
                            20ms read n2 ok 21ms [1]";
        assert_eq!(fates(absent_first), "1 stable after 8 ms");
        let present_first = "10ms add 1 n0 ok 12ms
                             20ms read n2 ok 21ms [1]
                             20ms read n1 ok 21ms []";
        assert_eq!(fates(present_first), "1 lost");
        let completed_first = "1ms read n1 ok 40ms [1]
                               8ms read n2 ok 10ms []
                               10ms add 1 n0 ok 12ms";
        assert_eq!(fates(completed_first), "1 stable after 0 ms");
        let added_first = "10ms add 1 n0 ok 12ms
                           1ms read n1 ok 40ms [1]
                           8ms read n2 ok 10ms []";
        assert_eq!(fates(added_first), "1 never read");
    }

    #[test]
    fn a_value_neither_stable_nor_lost_is_never_read() {
        assert_eq!(fates("10ms add 1 n0 ok 12ms"), "1 never read", "nobody read");
        for end in ["info 5.01s", "fail 11ms", "open 10ms"] {
            let unknown = format!("10ms add 1 n0 {end}\n 20s read n1 ok 21s []");
            assert_eq!(fates(&unknown), "1 never read", "it may never have been in: {end}");
        }
    }

    #[test]
    fn no_value_is_both_stable_and_lost() {
        let story = story(
            "10ms add 1 n0 ok 12ms
             20ms read n1 ok 21ms []
             30ms read n1 ok 31ms [1]",
        );
        let (adds, reads) = (story.adds(), story.reads());
        let set = SetHistory::new(&adds, &reads);
        let element = &set.elements[&Value::from(1)];
        assert!(element.stable_latency().is_some() && !element.is_lost());
    }

    // ---- set-full: counts, quantiles, verdict

    #[test]
    fn every_value_asked_for_is_an_attempt_and_every_one_answered_is_acknowledged() {
        let figures = set_full(
            "10ms add 1 n0 ok 12ms
             20ms add 2 n0 ok 22ms
             30ms add 3 n0 info 5.03s
             40ms add 4 n0 fail 42ms
             50ms add 5 n0 open 50ms
             60ms read n0 ok 61ms [1 3]",
        );
        assert_eq!((figures.attempts, figures.acknowledged), (5, 2));
    }

    #[test]
    fn a_quantile_is_the_value_at_the_floor_of_n_q_and_the_last_at_one() {
        let quantiles = |latencies: &mut dyn Iterator<Item = u64>| {
            let stable = latencies.map(|latency| (Value::from(0), latency)).collect();
            let figures = SetFull { stable, ..SetFull::default() };
            [0, 50, 95, 99, 100].map(|hundredths| figures.stable_latency(hundredths))
        };
        assert_eq!(quantiles(&mut [].into_iter()), [None; 5]);
        assert_eq!(quantiles(&mut [7].into_iter()), [7; 5].map(Some));
        assert_eq!(quantiles(&mut [7, 9].into_iter()), [7, 9, 9, 9, 9].map(Some));
        assert_eq!(
            quantiles(&mut [30, 10, 20].into_iter()),
            [10, 20, 30, 30, 30].map(Some),
            "they are sorted"
        );
        assert_eq!(quantiles(&mut (0..20)), [0, 10, 19, 19, 19].map(Some));
        assert_eq!(quantiles(&mut (0..100).rev()), [0, 50, 95, 99, 99].map(Some));
        assert_eq!(quantiles(&mut (0..199)), [0, 99, 189, 197, 198].map(Some));
        assert_eq!(quantiles(&mut (0..1_000)), [0, 500, 950, 990, 999].map(Some));
    }

    #[test]
    fn the_eight_that_were_stale_longest_are_described_the_longest_first() {
        let at = |ms| Time::ZERO + Span::from_millis(ms);
        let shown = |upto: u64| (0..upto).map(|number| number.to_string()).collect::<Vec<_>>().join(" ");
        let mut story = String::new();
        for number in 0..10 {
            story += &format!("10ms add {number} n0 ok 12ms\n");
            story += &format!("{}ms read n0 ok 50ms [{}]\n", 20 + number, shown(number));
        }
        let figures = set_full(&(story + "90ms read n0 ok 91ms [0 1 2 3 4 5 6 7 8 9]"));
        let worst = figures.worst_stale.iter().map(|stale| (stale.value.to_string(), stale.latency));
        let expected = (0..8).map(|place| ((9 - place).to_string(), 17 - place));
        assert_eq!(worst.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        let first = &figures.worst_stale[0];
        assert_eq!((first.known.at, first.last_absent.at), (at(12), at(29)));
    }

    #[test]
    fn a_lost_value_was_shown_for_so_long() {
        let story = "10ms add 1 n0 ok 12ms
                     10ms add 2 n0 ok 12ms
                     20ms read n0 ok 21ms [1]
                     30ms read n0 ok 31ms []";
        let figures = set_full(story);
        assert_eq!(figures.lost, [(Value::from(1), 8), (Value::from(2), 0)]);
        assert_eq!([0, 50].map(|hundredths| figures.lost_latency(hundredths)), [Some(0), Some(8)]);
    }

    #[test]
    fn maelstrom_fails_if_a_value_is_lost_and_does_not_know_if_none_is_stable() {
        let verdict = |text| set_full(text).verdict();
        assert_eq!(verdict(""), Verdict::Unknown, "nothing happened");
        assert_eq!(verdict("10ms add 1 n0 ok 12ms"), Verdict::Unknown, "nobody read");
        let stable = "10ms add 1 n0 ok 12ms
                      20ms read n1 ok 21ms [1]";
        assert_eq!(verdict(stable), Verdict::Pass);
        let lost = "10ms add 1 n0 ok 12ms
                    20ms read n1 ok 21ms []";
        assert_eq!(verdict(lost), Verdict::Fail);
        let one_of_each = "10ms add 1 n0 ok 12ms
                           10ms add 2 n0 ok 12ms
                           10ms add 3 n0 info 5.01s
                           20ms read n1 ok 21ms [1]";
        assert_eq!(fates(one_of_each), "1 stable after 0 ms, 2 lost, 3 never read");
        assert_eq!(verdict(one_of_each), Verdict::Fail, "a stable value does not make up for a lost one");
        let unread = "10ms add 1 n0 ok 12ms
                      20ms read n1 ok 21ms [1]
                      30ms add 2 n0 ok 32ms";
        assert_eq!(fates(unread), "1 stable after 0 ms, 2 never read");
        assert_eq!(verdict(unread), Verdict::Pass, "what nobody could see is not held against it");
        let stale_twice_and_invented = "10ms add 1 n0 ok 12ms
                                        20ms read n1 ok 21ms []
                                        30ms read n1 ok 31ms [1 1 9]";
        assert_eq!(verdict(stale_twice_and_invented), Verdict::Pass, "Maelstrom minds nothing else");
    }

    // ---- duplicated, invented, added twice

    #[test]
    fn a_value_is_duplicated_if_one_read_shows_it_twice() {
        let duplicated =
            |text| set_full(text).duplicated.into_iter().map(|(value, _)| value).collect::<Vec<_>>();
        let in_two_reads = "10ms add 1 n0 ok 12ms
                            20ms read n1 ok 21ms [1]
                            30ms read n1 ok 31ms [1]";
        assert_eq!(duplicated(in_two_reads), []);
        let in_one = "10ms add 1 n0 ok 12ms
                      10ms add 2 n0 ok 12ms
                      20ms read n1 ok 21ms [2 1 2]";
        assert_eq!(duplicated(in_one), [Value::from(2)]);
        assert_eq!(fates(in_one), "1 stable after 0 ms, 2 stable after 0 ms", "it is shown all the same");
    }

    #[test]
    fn set_full_names_a_duplicated_value_once_and_the_strict_judgement_once_for_each_node() {
        let story = "10ms add 1 n0 ok 12ms
                     20ms read n1 ok 21ms [1 1 1]
                     21ms read n1 ok 22ms [1 1]
                     22ms read n0 ok 23ms [1 1]
                     30s read n0 ok 30s [1] final
                     30s read n1 ok 30s [1] final";
        assert_eq!(set_full(story).duplicated, [(Value::from(1), 3)], "three times in one read");
        assert_eq!(strictly(2, story), "fail: 1 twice at n1, 1 twice at n0");
    }

    #[test]
    fn a_value_that_nobody_added_counts_as_duplicated_too() {
        assert_eq!(set_full("20ms read n1 ok 21ms [9 9]").duplicated, [(Value::from(9), 2)]);
    }

    #[test]
    fn a_value_that_nobody_asked_to_add_is_invented() {
        let story = "10ms add 1 n0 ok 12ms
                     20ms read n1 ok 21ms [9]
                     21ms read n1 ok 22ms [9]
                     22ms read n0 ok 23ms [8 9]
                     30s read n0 ok 30s [1] final
                     30s read n1 ok 30s [1] final";
        assert_eq!(strictly(2, story), "fail: 9 invented at n1, 8 invented at n0, 9 invented at n0");
        assert_eq!(set_full(story).attempts, 1);
    }

    #[test]
    fn a_value_is_not_invented_though_its_add_has_no_answer() {
        for end in ["info 5.01s", "fail 11ms", "open 10ms"] {
            let story = format!("10ms add 1 n0 {end}\n 30s read n0 ok 30s [1] final");
            assert_eq!(strictly(1, &story), "unknown", "{end}");
        }
    }

    #[test]
    fn a_value_shown_before_anybody_asked_to_add_it_is_invented() {
        let story = "5ms read n0 ok 6ms [1]
                     10ms add 1 n0 ok 12ms
                     30s read n0 ok 30s [1] final";
        assert_eq!(strictly(1, story), "fail: 1 invented at n0");
        let while_it_is_asked_for = "5ms read n0 ok 11ms [1]
                                     10ms add 1 n0 ok 12ms
                                     30s read n0 ok 30s [1] final";
        assert_eq!(strictly(1, while_it_is_asked_for), "pass");
    }

    #[test]
    fn a_value_added_twice_counts_as_one_added_first_and_known_first() {
        let acknowledged_by_the_second = "10ms add 1 n0 info 5.01s
                                          20ms add 1 n1 ok 22ms
                                          30ms read n0 ok 31ms []
                                          40ms read n0 ok 41ms [1]";
        assert_eq!(fates(acknowledged_by_the_second), "1 stable after 8 ms");
        let figures = set_full(acknowledged_by_the_second);
        assert_eq!((figures.attempts, figures.acknowledged), (1, 1));
        for (first, second) in [("ok 22ms", "ok 25ms"), ("ok 25ms", "ok 22ms"), ("ok 22ms", "info 5.01s")] {
            let story = format!(
                "10ms add 1 n0 {first}
                 11ms add 1 n1 {second}
                 30ms read n0 ok 31ms []
                 40ms read n0 ok 41ms [1]"
            );
            assert_eq!(fates(&story), "1 stable after 8 ms", "{first}, {second}");
            assert_eq!(set_full(&story).acknowledged, 1, "{first}, {second}");
        }
        let absent_between_the_adds = "1ms read n1 ok 40ms [1]
                                       10ms add 1 n0 info 5.01s
                                       15ms read n2 ok 16ms []
                                       20ms add 1 n0 ok 22ms";
        assert_eq!(fates(absent_between_the_adds), "1 never read", "the first add made the absence count");
    }

    // ---- strict

    #[test]
    fn every_acknowledged_value_in_every_final_read_passes() {
        let story = "10ms add 1 n0 ok 12ms
                     20ms add 2 n1 ok 22ms
                     30s read n1 ok 30s [2 1] final
                     30s read n0 ok 30s [1 2] final";
        assert_eq!(strictly(2, story), "pass");
    }

    #[test]
    fn a_value_missing_at_one_node_for_good_is_lost_though_maelstrom_calls_it_stable() {
        let last_read_shows_it = "10ms add 1 n0 ok 12ms
                                  30.000000000s read n1 ok 30s [] final
                                  30.000000001s read n0 ok 31s [1] final";
        assert_eq!(fates(last_read_shows_it), "1 stable after 29988 ms");
        assert_eq!(set_full(last_read_shows_it).verdict(), Verdict::Pass);
        assert_eq!(strictly(2, last_read_shows_it), "fail: 1 lost at [n1]");
    }

    #[test]
    fn each_lost_value_is_named_with_the_nodes_that_lack_it() {
        let story = "10ms add 1 n0 ok 12ms
                     20ms add 2 n0 ok 22ms
                     30ms add 3 n0 ok 32ms
                     30s read n2 ok 30s [3] final
                     30s read n0 ok 30s [1 2 3] final
                     30s read n1 ok 30s [1 3] final";
        assert_eq!(strictly(3, story), "fail: 1 lost at [n2], 2 lost at [n1, n2]");
    }

    #[test]
    fn a_node_silent_in_the_final_phase_fails() {
        let asked_in_vain = "10ms add 1 n0 ok 12ms
                             20ms read n1 ok 21ms [1]
                             30s read n0 ok 30s [1] final
                             30s read n1 fail 35s final";
        assert_eq!(
            strictly(2, asked_in_vain),
            "fail: n1 silent",
            "its read in the storm is not its final one"
        );
        assert_eq!(set_full(asked_in_vain).verdict(), Verdict::Pass);
        assert_eq!(
            strictly(3, "30s read n1 ok 30s [] final"),
            "fail: n0 silent, n2 silent",
            "nobody asked them"
        );
    }

    #[test]
    fn only_final_reads_are_held_to_it() {
        let gone_in_the_end = "10ms add 1 n0 ok 12ms
                               20ms read n0 ok 21ms [1]
                               30s read n0 ok 30s [] final";
        assert_eq!(strictly(1, gone_in_the_end), "fail: 1 lost at [n0]");
        let late = "10ms add 1 n0 ok 12ms
                    20ms read n0 ok 21ms []
                    30s read n0 ok 30s [1] final
                    40s read n0 ok 40s []";
        assert_eq!(strictly(1, late), "pass");
    }

    #[test]
    fn the_latest_invoked_final_read_of_a_node_counts() {
        let last_shows =
            ["10ms add 1 n0 ok 12ms", "30s read n0 ok 34s [] final", "31s read n0 ok 32s [1] final"];
        let last_lacks =
            ["10ms add 1 n0 ok 12ms", "30s read n0 ok 34s [1] final", "31s read n0 ok 32s [] final"];
        let backwards = |lines: [&str; 3]| lines.iter().rev().copied().collect::<Vec<_>>().join("\n");
        for story in [last_shows.join("\n"), backwards(last_shows)] {
            assert_eq!(strictly(1, &story), "pass");
        }
        for story in [last_lacks.join("\n"), backwards(last_lacks)] {
            assert_eq!(strictly(1, &story), "fail: 1 lost at [n0]");
        }
    }

    #[test]
    fn unacknowledged_values_may_be_missing_anywhere() {
        for end in ["info 5.02s", "fail 21ms", "open 20ms"] {
            let story = format!(
                "10ms add 1 n0 ok 12ms
                 20ms add 2 n0 {end}
                 30s read n0 ok 30s [1 2] final
                 30s read n1 ok 30s [1] final"
            );
            assert_eq!(strictly(2, &story), "pass", "{end}");
        }
    }

    #[test]
    fn a_value_seen_but_never_acknowledged_may_be_missing() {
        let story = "10ms add 1 n0 info 5.01s
                     20ms read n0 ok 21ms [1]
                     30s read n0 ok 30s [] final";
        assert_eq!(fates(story), "1 lost");
        assert_eq!(strictly(1, story), "unknown", "the client was never told that it was in");
    }

    #[test]
    fn a_value_added_twice_is_acknowledged_if_either_add_is() {
        for (first, second) in [("ok 12ms", "info 5.02s"), ("info 5.01s", "ok 22ms")] {
            let story = format!(
                "10ms add 1 n0 {first}
                 20ms add 1 n1 {second}
                 30s read n0 ok 30s [] final
                 30s read n1 ok 30s [1] final"
            );
            assert_eq!(strictly(2, &story), "fail: 1 lost at [n0]", "{first}, {second}");
        }
    }

    #[test]
    fn absent_members_are_not_asked() {
        let members = Members::all(3).without(&"n1".parse().unwrap());
        let story = "10ms add 1 n0 ok 12ms
                     30s read n0 ok 30s [1] final
                     30s read n2 ok 30s [1] final";
        assert_eq!(strictly_of(&members, story), "pass");
    }

    #[test]
    fn the_strict_verdict_fails_for_each_reason_and_is_unknown_if_nothing_was_acknowledged() {
        let clean = Strict::default;
        let at_n0 = || vec![(Value::from(1), NodeId(0))];
        let list = || vec![(Value::from(1), vec![NodeId(0)])];
        assert_eq!(clean().verdict(1), Verdict::Pass);
        assert_eq!(clean().verdict(0), Verdict::Unknown);
        assert_eq!(Strict { forgiven: list(), ..clean() }.verdict(1), Verdict::Pass);
        for guilty in [
            Strict { lost: list(), ..clean() },
            Strict { silent: vec![NodeId(0)], ..clean() },
            Strict { duplicated: at_n0(), ..clean() },
            Strict { invented: at_n0(), ..clean() },
        ] {
            assert_eq!(guilty.verdict(1), Verdict::Fail, "{guilty:?}");
            assert_eq!(guilty.verdict(0), Verdict::Fail, "{guilty:?}");
        }
    }

    // ---- forgiven

    /// Value 1 is acknowledged by n0 at 12 ms and in no final read of n0 and n1.
    fn when_nobody_has_it_in_the_end(what_happened: &str) -> String {
        strictly(
            2,
            &format!(
                "10ms add 1 n0 ok 12ms
                 {what_happened}
                 30s read n0 ok 30s [] final
                 30s read n1 ok 30s [] final"
            ),
        )
    }

    const FORGIVEN: &str = "pass: 1 forgiven at [n0, n1]";
    const LOST: &str = "fail: 1 lost at [n0, n1]";

    #[test]
    fn a_value_wiped_after_the_acknowledgement_before_anybody_else_had_it_is_forgiven() {
        let only_n0 = "10ms has 1 n0\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(only_n0), FORGIVEN);
        let n1_too_late = "10ms has 1 n0\n 20ms wipe n0\n 25ms has 1 n1";
        assert_eq!(when_nobody_has_it_in_the_end(n1_too_late), FORGIVEN);
        let again_at_n0 = "10ms has 1 n0\n 15ms has 1 n0\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(again_at_n0), FORGIVEN, "n0 is nobody else");
        let n1_first_but_too_late = "20ms wipe n0\n 25ms has 1 n1\n 26ms has 1 n0";
        assert_eq!(when_nobody_has_it_in_the_end(n1_first_but_too_late), FORGIVEN);
    }

    #[test]
    fn a_value_that_another_node_had_before_the_wipe_is_lost() {
        let second = "10ms has 1 n0\n 15ms has 1 n1\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(second), LOST);
        let first = "9ms has 1 n1\n 10ms has 1 n0\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(first), LOST);
        let alone = "15ms has 1 n1\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(alone), LOST);
        let not_second_in_time = "15ms has 1 n1\n 20ms wipe n0\n 25ms has 1 n0";
        assert_eq!(when_nobody_has_it_in_the_end(not_second_in_time), LOST);
    }

    #[test]
    fn a_value_wiped_before_the_acknowledgement_or_elsewhere_or_never_is_lost() {
        assert_eq!(when_nobody_has_it_in_the_end("10ms has 1 n0"), LOST, "nobody was wiped");
        let before = "10ms has 1 n0\n 11ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(before), LOST);
        let known_but_not_acknowledged = "10ms add 1 n0 ok 30ms
                                          10ms has 1 n0
                                          11ms read n0 ok 12ms [1]
                                          20ms wipe n0
                                          30s read n0 ok 30s [] final";
        assert_eq!(strictly(1, known_but_not_acknowledged), "fail: 1 lost at [n0]");
        let elsewhere = "10ms has 1 n0\n 20ms wipe n1";
        assert_eq!(when_nobody_has_it_in_the_end(elsewhere), LOST);
    }

    #[test]
    fn where_nobody_says_who_had_a_value_a_wipe_within_the_grace_forgives() {
        for (wipe, expected) in [
            ("12ms wipe n0", FORGIVEN),
            ("1.012s wipe n0", FORGIVEN),
            ("1.012000001s wipe n0", LOST),
            ("11.999999ms wipe n0", LOST),
            ("20ms wipe n1", LOST),
        ] {
            assert_eq!(when_nobody_has_it_in_the_end(&format!("grace 1s\n {wipe}")), expected, "{wipe}");
            assert_eq!(when_nobody_has_it_in_the_end(wipe), LOST, "without a grace: {wipe}");
        }
        let twice = "grace 1s\n 14ms add 1 n1 ok 15ms\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(twice), LOST, "n1 acknowledged it, too");
        assert_eq!(when_nobody_has_it_in_the_end(&format!("{twice}\n 30ms wipe n1")), FORGIVEN);
    }

    #[test]
    fn one_wipe_that_excuses_is_enough() {
        let before_and_after = "10ms has 1 n0\n 11ms wipe n0\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(before_and_after), FORGIVEN);
        let here_and_elsewhere = "10ms has 1 n0\n 20ms wipe n1\n 20ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(here_and_elsewhere), FORGIVEN);
        let early_and_late = "10ms has 1 n0\n 20ms wipe n0\n 25ms has 1 n1\n 28ms wipe n0";
        assert_eq!(when_nobody_has_it_in_the_end(early_and_late), FORGIVEN);
    }

    #[test]
    fn a_wipe_at_the_instant_of_the_acknowledgement_excuses_and_one_just_before_it_does_not() {
        assert_eq!(when_nobody_has_it_in_the_end("10ms has 1 n0\n 12ms wipe n0"), FORGIVEN);
        assert_eq!(when_nobody_has_it_in_the_end("10ms has 1 n0\n 11.999999ms wipe n0"), LOST);
    }

    #[test]
    fn another_node_that_has_it_at_the_instant_of_the_wipe_had_it_and_one_just_after_had_not() {
        let at = |instant| format!("10ms has 1 n0\n 20ms wipe n0\n {instant} has 1 n1");
        assert_eq!(when_nobody_has_it_in_the_end(&at("20ms")), LOST);
        assert_eq!(when_nobody_has_it_in_the_end(&at("20.000001ms")), FORGIVEN);
    }

    #[test]
    fn a_value_that_no_node_ever_had_was_not_lost_by_a_wipe() {
        assert_eq!(when_nobody_has_it_in_the_end("20ms wipe n0"), LOST);
    }

    #[test]
    fn a_value_that_survived_the_wipe_needs_no_forgiving() {
        let story = "10ms add 1 n0 ok 12ms
                     10ms has 1 n0
                     20ms wipe n0
                     30s read n0 ok 30s [1] final";
        assert_eq!(strictly(1, story), "pass");
    }

    #[test]
    fn forgiving_one_value_forgives_no_other() {
        let story = "10ms add 1 n0 ok 12ms
                     10ms has 1 n0
                     13ms add 2 n0 ok 15ms
                     13ms has 2 n0
                     14ms has 2 n1
                     20ms wipe n0
                     30s read n0 ok 30s [] final
                     30s read n1 ok 30s [2] final";
        assert_eq!(strictly(2, story), "fail: 2 lost at [n0], 1 forgiven at [n0, n1]");
    }

    #[test]
    fn the_node_that_acknowledged_is_the_one_whose_wipe_excuses() {
        let wiped = |node: &str| {
            strictly(
                2,
                &format!(
                    "10ms add 1 n0 info 5.01s
                     20ms add 1 n1 ok 22ms
                     20ms has 1 n1
                     25ms wipe {node}
                     30s read n0 ok 30s [] final
                     30s read n1 ok 30s [] final"
                ),
            )
        };
        assert_eq!(wiped("n1"), FORGIVEN);
        assert_eq!(wiped("n0"), LOST, "n0 never acknowledged it");
    }

    #[test]
    fn a_value_acknowledged_by_two_nodes_is_forgiven_only_if_both_are_excused() {
        let told_again_after_the_wipe = "10ms has 1 n0
                                         20ms wipe n0
                                         25ms add 1 n1 ok 26ms
                                         25ms has 1 n1";
        assert_eq!(when_nobody_has_it_in_the_end(told_again_after_the_wipe), LOST, "n1 has no excuse");
    }
}
