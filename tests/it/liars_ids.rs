//! The judges of echo and unique-ids judged: each liar is caught by its judge, its honest twin passes the same seeds.

use rumormill::node::{Call, Context, Node};
use rumormill::run::Summary;
use rumormill::workload::{Verdict, Workload, echo, unique_ids};
use rumormill::{NodeId, Value};
use serde::{Deserialize, Serialize};

use crate::support::{Lie, run_text, shrinks_to_its_lie};

/// Nothing passes between these nodes, and they set no timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
enum Never {}

/// What a node may lie about.
const NOTHING: u8 = 0;
const ECHOES_WRONGLY: u8 = 1;
const ECHOES_ANOTHER: u8 = 2;
const NEVER_ANSWERS: u8 = 3;
const HAS_NO_NONCE: u8 = 4;
const HAS_NO_NUMBER: u8 = 5;
const DRAWS_FROM_FEW: u8 = 6;
const FORGETS_TO_COUNT: u8 = 7;

/// The parts that no node here has, and a durable of nothing.
macro_rules! silent {
    () => {
        fn on_message(&mut self, _: NodeId, message: Never, _: &mut Context<'_, Self>) {
            match message {}
        }
        fn on_timer(&mut self, timer: Never, _: &mut Context<'_, Self>) {
            match timer {}
        }
        fn durable(&self) -> &() {
            &()
        }
    };
}

/// Echoes; if it lies, one time in twenty.
struct Parrot {
    lie: u8,
    before: Option<Value>,
}

impl Node for Parrot {
    type Config = Lie;
    type Request = echo::Request;
    type Response = echo::Response;
    type Event = echo::Event;
    type Message = Never;
    type Timer = Never;
    type Durable = ();

    fn start(config: &Lie, (): (), _: &mut Context<'_, Self>) -> Self {
        Parrot { lie: config.lie, before: None }
    }

    fn on_request(&mut self, request: echo::Request, call: Call, ctx: &mut Context<'_, Self>) {
        let echo::Request::Echo { echo } = request;
        let before = self.before.replace(echo.clone());
        let lies = ctx.rng().below(20) == 0;
        let echo = match (self.lie, before) {
            (NEVER_ANSWERS, _) => return drop(call),
            (ECHOES_WRONGLY, _) if lies => Value::from(-1),
            (ECHOES_ANOTHER, Some(before)) if lies => before,
            _ => echo,
        };
        ctx.reply(call, echo::Response::EchoOk { echo });
    }

    silent!();
}

/// Makes ids of a node's number, a nonce and a count.
struct Maker {
    lie: u8,
    nonce: u64,
    given: u64,
}

impl Node for Maker {
    type Config = Lie;
    type Request = unique_ids::Request;
    type Response = unique_ids::Response;
    type Event = unique_ids::Event;
    type Message = Never;
    type Timer = Never;
    type Durable = ();

    fn start(config: &Lie, (): (), ctx: &mut Context<'_, Self>) -> Self {
        let nonce = ctx.rng().word() >> 11;
        Maker {
            lie: config.lie,
            nonce: if matches!(config.lie, HAS_NO_NONCE | HAS_NO_NUMBER) { 0 } else { nonce },
            given: 0,
        }
    }

    fn on_request(&mut self, _: unique_ids::Request, call: Call, ctx: &mut Context<'_, Self>) {
        if self.lie == NEVER_ANSWERS {
            return drop(call);
        }
        let me = if self.lie == HAS_NO_NUMBER { 0 } else { ctx.me().0 };
        self.given += u64::from(self.lie != FORGETS_TO_COUNT || ctx.rng().below(20) > 0);
        let id = match self.lie {
            DRAWS_FROM_FEW => ctx.rng().below(500).to_string(),
            _ => format!("[{me}, {}, {}]", self.nonce, self.given),
        };
        ctx.reply(call, unique_ids::Response::GenerateOk { id: Value::parse(&id).unwrap() });
    }

    silent!();
}

/// A run in which one node loses its disk, another only crashes, and a third is alone for a while.
fn scenario<W: Workload>(lie: u8, seed: u64) -> String {
    format!(
        r#"{{
            "name": "liar", "seed": {seed}, "nodes": 5, "protocol": {{ "liar": {{ "lie": {lie} }} }},
            "workload": {{ "{}": {{ "rate": 20, "time_limit": "3s" }} }},
            "faults": [
                {{ "at": "1s", "for": "300ms", "fault": {{ "wipe": ["n1"] }} }},
                {{ "at": "2s", "for": "300ms", "fault": {{ "crash": ["n3"] }} }},
                {{ "at": "1s", "for": "1s", "fault": {{ "partition": [["n2"], ["rest"]] }} }}
            ],
            "settle": "1s"
        }}"#,
        W::NAME
    )
}

fn runs<W, N>(lie: u8) -> Vec<Summary>
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    (0..100).map(|seed| run_text::<W, N>(&scenario::<W>(lie, seed))).collect()
}

/// How many of a hundred seeds fail for the reason named, and how many for any other.
fn failures(summaries: &[Summary], reason: &str) -> (usize, usize) {
    let failed = summaries.iter().filter(|summary| summary.verdict == Verdict::Fail);
    let (named, other): (Vec<&Summary>, Vec<&Summary>) =
        failed.partition(|summary| summary.problems.iter().all(|problem| problem.text.contains(reason)));
    (named.len(), other.len())
}

fn all_are(summaries: &[Summary], verdict: Verdict) -> bool {
    summaries.iter().all(|summary| summary.verdict == verdict)
}

#[test]
fn the_honest_twins_pass_every_seed() {
    assert!(all_are(&runs::<echo::Echo, Parrot>(NOTHING), Verdict::Pass));
    assert!(all_are(&runs::<unique_ids::UniqueIds, Maker>(NOTHING), Verdict::Pass));
}

#[test]
fn every_liar_is_failed_for_its_own_lie() {
    use echo::Echo;
    use unique_ids::UniqueIds;
    let (echoed, given) = ("to echo \"Please echo ", " was given ");
    for (liar, (named, other)) in [
        ("answers echo wrongly", failures(&runs::<Echo, Parrot>(ECHOES_WRONGLY), "and answered -1 at")),
        ("answers another echo", failures(&runs::<Echo, Parrot>(ECHOES_ANOTHER), echoed)),
        ("has no nonce", failures(&runs::<UniqueIds, Maker>(HAS_NO_NONCE), given)),
        ("has no number and no nonce", failures(&runs::<UniqueIds, Maker>(HAS_NO_NUMBER), given)),
        ("draws from few", failures(&runs::<UniqueIds, Maker>(DRAWS_FROM_FEW), given)),
        ("forgets to count", failures(&runs::<UniqueIds, Maker>(FORGETS_TO_COUNT), given)),
    ] {
        assert!(named > 50 && other == 0, "{liar}: {named} for the lie, {other} for something else");
    }
}

/// Who says nothing says nothing wrong, but does not pass either.
#[test]
fn whoever_never_answers_does_not_pass() {
    assert!(all_are(&runs::<echo::Echo, Parrot>(NEVER_ANSWERS), Verdict::Unknown));
    assert!(all_are(&runs::<unique_ids::UniqueIds, Maker>(NEVER_ANSWERS), Verdict::Unknown));
}

#[test]
fn every_lie_shrinks_to_itself() {
    use echo::Echo;
    use unique_ids::UniqueIds;
    let (echoes, ids) = (scenario::<Echo>, scenario::<UniqueIds>);
    shrinks_to_its_lie::<Echo, Parrot>("echoes wrongly", ECHOES_WRONGLY, echoes);
    shrinks_to_its_lie::<Echo, Parrot>("echoes another", ECHOES_ANOTHER, echoes);
    shrinks_to_its_lie::<Echo, Parrot>("never answers", NEVER_ANSWERS, echoes);
    shrinks_to_its_lie::<UniqueIds, Maker>("has no nonce", HAS_NO_NONCE, ids);
    shrinks_to_its_lie::<UniqueIds, Maker>("has no number", HAS_NO_NUMBER, ids);
    shrinks_to_its_lie::<UniqueIds, Maker>("draws from few", DRAWS_FROM_FEW, ids);
    shrinks_to_its_lie::<UniqueIds, Maker>("forgets to count", FORGETS_TO_COUNT, ids);
    shrinks_to_its_lie::<UniqueIds, Maker>("never answers", NEVER_ANSWERS, ids);
}
