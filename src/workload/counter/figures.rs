//! Judging counters: whether the final reads can be, and what that shows in figures and words.
//!
//! A final read must lie in the set of the acknowledged sum plus any subset of the indeterminate adds; Maelstrom asks
//! no more (maelstrom/src/maelstrom/workload/pn_counter.clj). Strictly, all final reads agree besides, and every node
//! answers its own. *Indeterminate* is an add without an answer and, strictly only, one that is forgiven: acknowledged by
//! a node that lost its disk before any other knew of the add.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ledger::Ledger;
use super::sums::Sums;
use super::{Request, Response};
use crate::id::{Members, NodeId, few};
use crate::workload::validity::Validity;
use crate::workload::{Entry, Facts, Judged, Metric, Outcome, Phase, Problem, Verdict};

/// The figures that `expect` may bound.
pub(super) const METRICS: &[&str] =
    &["attempts", "acknowledged", "indeterminate", "forgiven", "unacceptable", "final_values", "silent"];

/// The figures of a counter run: Maelstrom's under its names and in its order, then ours.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Figures {
    #[serde(rename = "valid?")]
    valid: Validity,
    /// None at all are nil, as in Maelstrom.
    errors: Option<Vec<Shown>>,
    final_reads: Vec<i64>,
    acceptable: Vec<(i64, i64)>,
    strict: StrictFigures,
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct StrictFigures {
    attempt_count: u64,
    acknowledged_count: u64,
    indeterminate_count: u64,
    errors: Vec<Shown>,
    acceptable: Vec<(i64, i64)>,
    forgiven: Vec<Forgiven>,
    silent: Vec<NodeId>,
}

/// A value in nodes' final reads.
#[derive(Clone, Debug, Serialize)]
struct Shown {
    value: i64,
    nodes: Vec<NodeId>,
}

#[derive(Clone, Debug, Serialize)]
struct Forgiven {
    delta: i64,
    node: NodeId,
}

/// The adds of a history by what is known of them.
struct Adds {
    attempts: u64,
    acknowledged: u64,
    /// The sum of the acknowledged ones.
    sum: i128,
    /// Those without an answer.
    indeterminate: Vec<i64>,
    /// Those that were acknowledged and are forgiven.
    forgiven: Vec<Forgiven>,
}

impl Adds {
    fn of(history: &[Entry<Request, Response>], ledger: &Ledger, facts: &Facts<'_>) -> Adds {
        let mut adds =
            Adds { attempts: 0, acknowledged: 0, sum: 0, indeterminate: Vec::new(), forgiven: Vec::new() };
        for entry in history {
            let Request::Add { delta } = entry.request else { continue };
            adds.attempts += 1;
            match entry.outcome {
                Outcome::Ok(_) => {
                    adds.acknowledged += 1;
                    adds.sum += i128::from(delta);
                    let asked = (entry.invoked.at, entry.completed.at);
                    if ledger.fell_alone(entry.node, delta, asked, facts.wipes)
                        || facts.in_grace(entry.node, entry.completed.at)
                    {
                        adds.forgiven.push(Forgiven { delta, node: entry.node });
                    }
                }
                Outcome::Info(_) | Outcome::Open => adds.indeterminate.push(delta),
                Outcome::Fail(_) => {}
            }
        }
        adds
    }

    /// What Maelstrom accepts.
    fn acceptable(&self) -> Sums {
        Sums::reachable(self.sum, self.indeterminate.iter().copied())
    }

    /// What is accepted if an add may be forgiven.
    fn acceptable_forgiving(&self) -> Sums {
        let forgiven = || self.forgiven.iter().map(|add| add.delta);
        let definite = self.sum - forgiven().map(i128::from).sum::<i128>();
        Sums::reachable(definite, self.indeterminate.iter().copied().chain(forgiven()))
    }
}

/// The final reads of a history.
struct Finals {
    /// In the order they were asked for.
    values: Vec<i64>,
    /// Who showed which value.
    shown: BTreeMap<i64, Vec<NodeId>>,
    silent: Vec<NodeId>,
}

impl Finals {
    fn of(history: &[Entry<Request, Response>], members: &Members) -> Finals {
        let mut finals = Finals { values: Vec::new(), shown: BTreeMap::new(), silent: Vec::new() };
        for entry in history.iter().filter(|entry| entry.phase == Phase::Final) {
            if let Outcome::Ok(Response::ReadOk { value }) = entry.outcome {
                finals.values.push(value);
                finals.shown.entry(value).or_default().push(entry.node);
            }
        }
        finals.shown.values_mut().for_each(|nodes| {
            nodes.sort_unstable();
            nodes.dedup();
        });
        let answered = |node: &NodeId| finals.shown.values().any(|nodes| nodes.contains(node));
        finals.silent = members.iter().filter(|node| !answered(node)).collect();
        finals
    }

    /// The values that cannot be, with who showed them.
    fn outside(&self, sums: &Sums) -> Vec<Shown> {
        let wrong = self.shown.iter().filter(|(value, _)| !sums.contains(**value));
        wrong.map(|(value, nodes)| Shown { value: *value, nodes: nodes.clone() }).collect()
    }
}

/// Judges what clients of a counter saw.
pub(super) fn judge(
    history: &[Entry<Request, Response>],
    ledger: &Ledger,
    facts: &Facts<'_>,
) -> Judged<Figures> {
    let adds = Adds::of(history, ledger, facts);
    let finals = Finals::of(history, facts.members);
    let (acceptable, forgiving) = (adds.acceptable(), adds.acceptable_forgiving());
    let (errors, wrong) = (finals.outside(&acceptable), finals.outside(&forgiving));
    // Maelstrom's checker (its pn_counter.clj) asks for nothing but that no error was found, and passes no reads, too.
    let maelstrom = if errors.is_empty() { Verdict::Pass } else { Verdict::Fail };
    let problems = problems(&adds, &finals, &wrong, &forgiving);
    let strict = match (problems.is_empty(), adds.acknowledged) {
        (false, _) => Verdict::Fail,
        (true, 0) => Verdict::Unknown,
        (true, _) => Verdict::Pass,
    };
    Judged {
        strict,
        maelstrom,
        problems,
        metrics: metrics(&adds, &finals, &wrong),
        rows: rows(&adds, &finals, &forgiving, facts),
        figures: Figures {
            valid: maelstrom.into(),
            errors: (!errors.is_empty()).then_some(errors),
            final_reads: finals.values,
            acceptable: acceptable.clamped().collect(),
            strict: StrictFigures {
                attempt_count: adds.attempts,
                acknowledged_count: adds.acknowledged,
                indeterminate_count: adds.indeterminate.len() as u64,
                errors: wrong,
                acceptable: forgiving.clamped().collect(),
                forgiven: adds.forgiven,
                silent: finals.silent,
            },
        },
    }
}

fn problems(adds: &Adds, finals: &Finals, wrong: &[Shown], acceptable: &Sums) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut say = |kind: &'static str, text| problems.push(Problem { kind: kind.into(), text, value: None });
    for Shown { value, nodes } in wrong {
        let text = format!(
            "the final read of {} shows {value}; the acknowledged adds come to {}, and acceptable is {}",
            few(nodes),
            adds.sum,
            ranges(acceptable)
        );
        say("unacceptable", text);
    }
    if finals.shown.len() > 1 {
        let shown = finals.shown.iter().map(|(value, nodes)| format!("{value} at {}", few(nodes)));
        say("disagree", format!("final reads disagree: {}", shorten(shown)));
    }
    for node in &finals.silent {
        say("silent", format!("{node} did not answer its final read"));
    }
    problems
}

fn metrics(adds: &Adds, finals: &Finals, wrong: &[Shown]) -> Vec<(&'static str, Metric)> {
    let count = |count: usize| Metric::Count(count as u64);
    vec![
        ("attempts", Metric::Count(adds.attempts)),
        ("acknowledged", Metric::Count(adds.acknowledged)),
        ("indeterminate", count(adds.indeterminate.len())),
        ("forgiven", count(adds.forgiven.len())),
        ("unacceptable", count(wrong.iter().map(|shown| shown.nodes.len()).sum())),
        ("final_values", count(finals.shown.len())),
        ("silent", count(finals.silent.len())),
    ]
}

fn rows(adds: &Adds, finals: &Finals, acceptable: &Sums, facts: &Facts<'_>) -> Vec<(&'static str, String)> {
    let mut sent = format!(
        "{} sent, {} acknowledged, {} without an answer",
        adds.attempts,
        adds.acknowledged,
        adds.indeterminate.len()
    );
    if !adds.forgiven.is_empty() {
        sent += &format!(", {} forgiven ({})", adds.forgiven.len(), facts.why_forgiven("knew"));
    }
    let shown = finals.shown.iter().map(|(value, nodes)| format!("{value} at {}", few(nodes)));
    let shown = if finals.shown.is_empty() { "none".to_owned() } else { shorten(shown) };
    vec![
        ("adds", sent),
        ("final reads", format!("{shown}; {} acknowledged, acceptable {}", adds.sum, ranges(acceptable))),
    ]
}

/// The ranges of a set for people.
fn ranges(sums: &Sums) -> String {
    shorten(sums.clamped().map(|(least, most)| match least == most {
        true => least.to_string(),
        false => format!("{least} to {most}"),
    }))
}

/// The first few items of a list for people.
fn shorten(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    if items.len() > MOST_SHOWN {
        let count = items.len() - MOST_SHOWN;
        items.truncate(MOST_SHOWN);
        items.push(format!("{count} more"));
    }
    items.join(", ")
}

/// So many items of a list are shown to people.
const MOST_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::{Event, PnCounter, Slot};
    use super::*;
    use crate::check::tests::{Ask, Story, story};
    use crate::value::{Value, ValueList};
    use crate::workload::Workload;
    use expect_test::expect;

    fn number(value: &Value) -> i64 {
        value.text().parse().unwrap()
    }

    /// The history as clients of a counter see it.
    fn history(story: &Story) -> Vec<Entry<Request, Response>> {
        let entries = story.entries.iter().map(|entry| {
            let answer = |values: &ValueList| match entry.request {
                Ask::Add(_) => Response::AddOk,
                Ask::Read => Response::ReadOk { value: number(values.iter().next().unwrap()) },
            };
            Entry {
                client: entry.client,
                node: entry.node,
                request: match &entry.request {
                    Ask::Add(value) => Request::Add { delta: number(value) },
                    Ask::Read => Request::Read,
                },
                phase: entry.phase,
                invoked: entry.invoked,
                completed: entry.completed,
                outcome: match &entry.outcome {
                    Outcome::Ok(values) => Outcome::Ok(answer(values)),
                    Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
                    Outcome::Info(reason) => Outcome::Info(reason.clone()),
                    Outcome::Open => Outcome::Open,
                },
            }
        });
        entries.collect()
    }

    /// The witness of a story: who has a number first took it in from a client, in the slot of its present life.
    fn witness(members: &Members, story: &Story) -> Ledger {
        let mut ledger = PnCounter::witness(members);
        let mut taken: BTreeMap<i64, (Slot, u64)> = BTreeMap::new();
        let mut extents: BTreeMap<Slot, u64> = BTreeMap::new();
        for (at, node, value) in &story.holders {
            let delta = number(value);
            let lives = story.wipes.iter().filter(|(wiped, when)| wiped == node && when <= at).count();
            let event = match taken.get(&delta) {
                Some((slot, extent)) => Event::Learned { slot: *slot, extent: *extent },
                None => {
                    let slot = Slot { node: *node, nonce: lives as u64 };
                    let extent = extents.entry(slot).or_default();
                    *extent += delta.unsigned_abs();
                    taken.insert(delta, (slot, *extent));
                    Event::Added { slot, delta, extent: *extent }
                }
            };
            PnCounter::see(&mut ledger, *at, *node, &event);
        }
        ledger
    }

    fn judged(members: &Members, text: &str) -> Judged<Figures> {
        let story = story(text);
        let facts = story.facts(members);
        PnCounter::judge(&history(&story), &witness(members, &story), &facts)
    }

    /// Maelstrom's verdict, the strict one, and what speaks against the run.
    fn says(nodes: u32, text: &str) -> String {
        let judged = judged(&Members::all(nodes), text);
        let texts: Vec<&str> = judged.problems.iter().map(|problem| problem.text.as_str()).collect();
        format!("{} {}: {}", judged.maelstrom, judged.strict, texts.join("; "))
    }

    fn metric(nodes: u32, text: &str, name: &str) -> Metric {
        let judged = judged(&Members::all(nodes), text);
        judged.metrics.into_iter().find(|(other, _)| *other == name).unwrap().1
    }

    const CLEAN: &str = "pass pass: ";

    #[test]
    fn the_acknowledged_sum_everywhere_passes() {
        let story = "10ms add 3 n0 ok 12ms
                     20ms add -5 n1 ok 22ms
                     30s read n0 ok 30s [-2] final
                     30s read n1 ok 30s [-2] final";
        assert_eq!(says(2, story), CLEAN);
    }

    #[test]
    fn any_other_sum_fails_both_verdicts() {
        for wrong in [-3, -1, 0, 3] {
            let story = format!(
                "10ms add 3 n0 ok 12ms
                 20ms add -5 n0 ok 22ms
                 30s read n0 ok 30s [{wrong}] final"
            );
            assert_eq!(
                says(1, &story),
                format!(
                    "fail fail: the final read of n0 shows {wrong}; the acknowledged adds come to -2, and acceptable is -2"
                )
            );
        }
    }

    #[test]
    fn a_sum_out_of_nothing_fails() {
        let story = "30s read n0 ok 30s [1] final";
        assert!(says(1, story).starts_with("fail fail: the final read of n0 shows 1"));
    }

    #[test]
    fn an_add_without_an_answer_may_be_in_or_not() {
        for end in ["info 5.01s", "open 10ms"] {
            for (value, fine) in [(2, true), (5, true), (3, false), (4, false), (7, false)] {
                let story = format!(
                    "9ms add 2 n0 ok 10ms
                     10ms add 3 n0 {end}
                     30s read n0 ok 30s [{value}] final"
                );
                assert_eq!(says(1, &story) == CLEAN, fine, "{end}: {value}");
                assert_eq!(metric(1, &story, "indeterminate"), Metric::Count(1));
            }
        }
    }

    #[test]
    fn an_add_that_was_refused_is_not_in() {
        let story = |value: i64| {
            format!(
                "9ms add 2 n0 ok 10ms
                 10ms add 3 n0 fail 11ms
                 30s read n0 ok 30s [{value}] final"
            )
        };
        assert_eq!(says(1, &story(2)), CLEAN);
        assert!(says(1, &story(5)).starts_with("fail fail"));
    }

    #[test]
    fn final_reads_that_disagree_fail_strictly_though_each_is_acceptable() {
        let story = "9ms add 2 n0 ok 10ms
                     10ms add 3 n0 info 5.01s
                     30s read n0 ok 30s [5] final
                     30s read n1 ok 30s [2] final";
        assert_eq!(says(2, story), "pass fail: final reads disagree: 2 at n1, 5 at n0");
        let by_one_node = "9ms add 2 n0 ok 10ms
                           10ms add 3 n0 info 5.01s
                           30s read n0 ok 30s [5] final
                           31s read n0 ok 31s [2] final";
        assert_eq!(says(1, by_one_node), "pass fail: final reads disagree: 2 at n0, 5 at n0");
    }

    #[test]
    fn nodes_are_named_once_each_and_in_order() {
        let story = "9ms add 2 n0 ok 10ms
                     10ms add 3 n0 info 5.01s
                     30s read n2 ok 30s [5] final
                     30s read n1 ok 30s [2] final
                     30s read n0 ok 30s [5] final
                     31s read n2 ok 31s [5] final";
        assert_eq!(says(3, story), "pass fail: final reads disagree: 2 at n1, 5 at n0, n2");
        assert_eq!(metric(3, story, "final_values"), Metric::Count(2));
    }

    #[test]
    fn reads_in_the_storm_may_show_anything() {
        let story = "9ms add 2 n0 ok 10ms
                     20ms read n0 ok 21ms [77]
                     30s read n0 ok 30s [2] final";
        assert_eq!(says(1, story), CLEAN);
    }

    #[test]
    fn a_node_without_a_final_read_fails_strictly() {
        let asked_in_vain = "9ms add 2 n0 ok 10ms
                             20ms read n1 ok 21ms [2]
                             30s read n0 ok 30s [2] final
                             30s read n1 fail 35s final";
        assert_eq!(says(2, asked_in_vain), "pass fail: n1 did not answer its final read");
        let absent = Members::all(2).without(&"n1".parse().unwrap());
        assert_eq!(judged(&absent, asked_in_vain).strict, Verdict::Pass, "an absent node is not asked");
    }

    #[test]
    fn nothing_read_or_nothing_acknowledged_says_nothing() {
        assert_eq!(says(0, "9ms add 2 n0 ok 10ms"), "pass pass: ");
        assert_eq!(says(1, "30s read n0 ok 30s [0] final"), "pass unknown: ");
        assert_eq!(says(1, "9ms add 2 n0 info 5s\n 30s read n0 ok 30s [2] final"), "pass unknown: ");
    }

    /// n0 acknowledges 3 at 12 ms, and in the end the sum is 0 at both nodes.
    fn when_it_is_gone(what_happened: &str) -> String {
        says(
            2,
            &format!(
                "10ms add 3 n0 ok 12ms
                 {what_happened}
                 30s read n0 ok 30s [0] final
                 30s read n1 ok 30s [0] final"
            ),
        )
    }

    const FORGIVEN: &str = "fail pass: ";
    const LOST: &str =
        "fail fail: the final read of n0, n1 shows 0; the acknowledged adds come to 3, and acceptable is 3";

    #[test]
    fn an_add_wiped_before_any_other_node_knew_is_forgiven() {
        assert_eq!(when_it_is_gone("11ms has 3 n0\n 20ms wipe n0"), FORGIVEN);
        assert_eq!(when_it_is_gone("11ms has 3 n0\n 20ms wipe n0\n 20.001ms has 3 n1"), FORGIVEN);
        assert_eq!(
            when_it_is_gone("11ms has 3 n0\n 12ms has 3 n0\n 20ms wipe n0"),
            FORGIVEN,
            "n0 is nobody else"
        );
        let after_another_wipe = "5ms wipe n0\n 11ms has 3 n0\n 20ms wipe n0";
        assert_eq!(when_it_is_gone(after_another_wipe), FORGIVEN);
        let before_the_client_heard = "11ms has 3 n0\n 11.5ms wipe n0";
        assert_eq!(when_it_is_gone(before_the_client_heard), FORGIVEN, "the node had answered");
        for taken_in in ["10ms", "12ms"] {
            let story = format!("{taken_in} has 3 n0\n 20ms wipe n0");
            assert_eq!(when_it_is_gone(&story), FORGIVEN, "as it was asked, or as it was answered");
        }
    }

    #[test]
    fn where_nobody_says_who_knew_a_wipe_within_the_grace_forgives() {
        for (wipe, expected) in
            [("12ms wipe n0", FORGIVEN), ("1.012s wipe n0", FORGIVEN), ("1.012000001s wipe n0", LOST)]
        {
            assert_eq!(when_it_is_gone(&format!("grace 1s\n {wipe}")), expected, "{wipe}");
            assert_eq!(when_it_is_gone(wipe), LOST, "without a grace: {wipe}");
        }
        assert_eq!(when_it_is_gone("grace 1s\n 11.999999ms wipe n0"), LOST, "before it was acknowledged");
        assert_eq!(when_it_is_gone("grace 1s\n 20ms wipe n1"), LOST, "another was wiped");
    }

    #[test]
    fn the_least_add_is_forgiven_as_any_other() {
        let story = "10ms add 1 n0 ok 12ms
                     11ms has 1 n0
                     20ms wipe n0
                     30s read n0 ok 30s [0] final";
        assert_eq!(says(1, story), FORGIVEN);
    }

    #[test]
    fn an_add_that_no_wipe_took_is_lost() {
        assert_eq!(when_it_is_gone("11ms has 3 n0"), LOST, "nobody was wiped");
        assert_eq!(when_it_is_gone("11ms has 3 n0\n 15ms has 3 n1\n 20ms wipe n0"), LOST, "n1 knew");
        assert_eq!(
            when_it_is_gone("11ms has 3 n0\n 20ms has 3 n1\n 20ms wipe n0"),
            LOST,
            "n1 knew just then"
        );
        assert_eq!(when_it_is_gone("11ms has 3 n0\n 20ms wipe n1"), LOST, "another was wiped");
        assert_eq!(when_it_is_gone("10ms wipe n0\n 11ms has 3 n0"), LOST, "wiped before");
        assert_eq!(when_it_is_gone("11ms wipe n0\n 11ms has 3 n0"), LOST, "wiped just before");
        assert_eq!(when_it_is_gone("20ms wipe n0"), LOST, "no node ever took it in");
        assert_eq!(when_it_is_gone("9ms has 3 n0\n 20ms wipe n0"), LOST, "that was another add, before");
        assert_eq!(when_it_is_gone("13ms has 3 n0\n 20ms wipe n0"), LOST, "that was another add, after");
        assert_eq!(when_it_is_gone("11ms has 4 n0\n 20ms wipe n0"), LOST, "that was another number");
        assert_eq!(when_it_is_gone("11ms has 3 n1\n 20ms wipe n0\n 20ms wipe n1"), LOST, "n1 took it in");
    }

    #[test]
    fn forgiving_what_others_did_not_know_forgives_nothing_that_they_knew() {
        let story = |value: i64| {
            format!(
                "10ms add 3 n0 ok 12ms
                 10ms has 3 n0
                 13ms add 4 n0 ok 15ms
                 14ms has 4 n0
                 16ms has 3 n1
                 20ms wipe n0
                 30s read n0 ok 30s [{value}] final
                 30s read n1 ok 30s [{value}] final"
            )
        };
        assert_eq!(says(2, &story(3)), FORGIVEN);
        assert_eq!(says(2, &story(7)), CLEAN, "what is forgiven may have got through");
        for lost in [0, 4] {
            assert!(says(2, &story(lost)).starts_with("fail fail"), "{lost}");
        }
        assert_eq!(metric(2, &story(3), "forgiven"), Metric::Count(1));
        assert_eq!(metric(2, &story(3), "unacceptable"), Metric::Count(0));
        assert_eq!(metric(2, &story(0), "unacceptable"), Metric::Count(2));
    }

    /// n0 acknowledges 3 and then 4, others come to know of them, and n0 loses its disk; nobody has them in the end.
    fn when_both_are_gone(who_knew: &str) -> String {
        says(
            1,
            &format!(
                "10ms add 3 n0 ok 12ms
                 10ms has 3 n0
                 13ms add 4 n0 ok 15ms
                 14ms has 4 n0
                 {who_knew}
                 20ms wipe n0
                 30s read n0 ok 30s [0] final"
            ),
        )
    }

    #[test]
    fn what_others_know_of_a_slot_only_grows() {
        let none =
            "fail fail: the final read of n0 shows 0; the acknowledged adds come to 7, and acceptable is 7";
        let last = "fail fail: the final read of n0 shows 0; the acknowledged adds come to 7, and acceptable is 3, 7";
        assert_eq!(when_both_are_gone(""), FORGIVEN);
        assert_eq!(when_both_are_gone("15ms has 3 n1"), last, "3 was known, 4 is forgiven");
        assert_eq!(when_both_are_gone("15ms has 3 n1\n 16ms has 4 n1"), none, "n1 came to know both");
        assert_eq!(when_both_are_gone("15ms has 4 n1\n 16ms has 3 n2"), none, "n1 knows what n2 does not");
        assert_eq!(when_both_are_gone("15ms has 3 n1\n 21ms has 4 n2"), last, "n2 knew too late");
    }

    #[test]
    fn valid_is_maelstroms_verdict() {
        let valid = |nodes, text: &str| {
            let judged = judged(&Members::all(nodes), text);
            serde_json::to_value(&judged.figures).unwrap()["valid?"].clone()
        };
        let (told, shown) = ("9ms add 2 n0 ok 10ms", "30s read n0 ok 30s [2] final");
        assert_eq!(valid(2, &format!("{told}\n{shown}")), true, "though n1 is silent");
        assert_eq!(valid(1, &format!("{told}\n30s read n0 ok 30s [3] final")), false);
    }

    fn rows(text: &str) -> Vec<String> {
        let rows = judged(&Members::all(1), text).rows.into_iter();
        rows.map(|(label, text)| format!("{label}: {text}")).collect()
    }

    #[test]
    fn rows_leave_out_what_was_not() {
        assert_eq!(
            rows("9ms add 2 n0 ok 10ms"),
            [
                "adds: 1 sent, 1 acknowledged, 0 without an answer",
                "final reads: none; 2 acknowledged, acceptable 2"
            ]
        );
    }

    #[test]
    fn ranges_are_told_by_their_ends_and_only_eight_of_them() {
        let acceptable = |unanswered: &[i64]| {
            let adds = unanswered.iter().map(|delta| format!("10ms add {delta} n0 info 5s"));
            let text: Vec<String> = adds.chain(["30s read n0 ok 30s [0] final".to_owned()]).collect();
            rows(&text.join("\n"))[1].clone()
        };
        let told = "final reads: 0 at n0; 0 acknowledged, acceptable";
        assert_eq!(acceptable(&[1, 2, 9]), format!("{told} 0 to 3, 9 to 12"));
        assert_eq!(acceptable(&[2, 4, 8]), format!("{told} 0, 2, 4, 6, 8, 10, 12, 14"));
        assert_eq!(acceptable(&[2, 4, 8, 2]), format!("{told} 0, 2, 4, 6, 8, 10, 12, 14, 1 more"));
        assert_eq!(acceptable(&[2, 4, 8, 16]), format!("{told} 0, 2, 4, 6, 8, 10, 12, 14, 8 more"));
    }

    #[test]
    fn figures_and_rows_tell_it() {
        let story = "9ms add 2 n0 ok 10ms
                     10ms add 3 n0 ok 12ms
                     10ms has 3 n0
                     11ms add 30 n0 info 5s
                     20ms wipe n0
                     30s read n0 ok 30s [33] final
                     30s read n2 ok 30s [2] final";
        let judged = judged(&Members::all(3), story);
        expect![[r#"{"valid?":false,"errors":[{"value":2,"nodes":[2]},{"value":33,"nodes":[0]}],"final-reads":[33,2],"acceptable":[[5,5],[35,35]],"strict":{"attempt-count":3,"acknowledged-count":2,"indeterminate-count":1,"errors":[{"value":33,"nodes":[0]}],"acceptable":[[2,2],[5,5],[32,32],[35,35]],"forgiven":[{"delta":3,"node":0}],"silent":[1]}}"#]].assert_eq(&serde_json::to_string(&judged.figures).unwrap());
        expect![[r#"[("adds", "3 sent, 2 acknowledged, 1 without an answer, 1 forgiven (a disk was wiped before anyone else knew)"), ("final reads", "2 at n2, 33 at n0; 5 acknowledged, acceptable 2, 5, 32, 35")]"#]].assert_eq(&format!("{:?}", judged.rows));
        expect![[r#"[("attempts", Count(3)), ("acknowledged", Count(2)), ("indeterminate", Count(1)), ("forgiven", Count(1)), ("unacceptable", Count(1)), ("final_values", Count(2)), ("silent", Count(1))]"#]].assert_eq(&format!("{:?}", judged.metrics));
        assert_eq!(judged.metrics.iter().map(|(name, _)| *name).collect::<Vec<_>>(), METRICS);
    }
}
