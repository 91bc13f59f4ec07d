//! What a served broadcast node answers beside its workload: `calc_fanout` and `simulate_gossip`.
//!
//! Both are about clusters in general, not about the one that the node is in. A node has one thread, so what it is asked
//! is bounded: no request takes it more than about a second.

use serde::Serialize;
use serde_json::{Map, Value};

use super::odds::{chance_of, method_of};
use crate::epidemic::exact::Work;
use crate::epidemic::min_fanout::{Criterion, MinFanout, min_fanout_within};
use crate::epidemic::{Mode, NoAnswer, Sender, Setting, answer_within, formula, monte_carlo};
use crate::ratio::Chance;
use crate::stdio::Aside;

/// Larger clusters are not asked about.
const MOST_NODES: u64 = 1_000_000;
/// More rounds are not asked about.
const MOST_ROUNDS: u64 = 1_000_000;
/// The most pushes that trials may come to.
const MOST_PUSHES: u128 = 20_000_000;
/// What each of the exact answers may cost, in multiplications: some tenths of a second together.
const MOST_WORK: u64 = 100_000_000;

/// The requests that are answered.
const CALC_FANOUT: &str = "calc_fanout";
const SIMULATE_GOSSIP: &str = "simulate_gossip";

/// Answers questions about fanouts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Questions;

/// The answers, as the wire has them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Response {
    CalcFanoutOk {
        min_fanout: Option<u64>,
        miss_prob: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
        exact: Exact,
    },
    SimulateGossipOk {
        delivery_rate: f64,
        avg_rounds_to_all: Option<f64>,
        atomic_rate: f64,
        trials_reached_all: u64,
        p50: Option<u32>,
        p90: Option<u32>,
        p99: Option<u32>,
        max: Option<u32>,
        delivery_rate_error: Option<f64>,
        avg_rounds_to_all_error: Option<f64>,
        atomic_rate_error: Option<f64>,
        trials: u64,
        seed: u64,
    },
}

/// The true answers: of push, and beside it of push-once.
#[derive(Debug, Serialize)]
pub(super) struct Exact {
    #[serde(flatten)]
    push: Model,
    #[serde(rename = "push-once")]
    push_once: Model,
}

/// What is true at the fanout that is answered, and which fanouts are truly needed.
#[derive(Debug, Default, Serialize)]
struct Model {
    per_node_miss: Option<f64>,
    p_not_all: Option<f64>,
    expected_messages: Option<f64>,
    min_fanout_per_node: Option<u64>,
    min_fanout_atomic: Option<u64>,
    method: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Aside for Questions {
    type Response = Response;

    fn knows(&self, tag: &str) -> bool {
        [CALC_FANOUT, SIMULATE_GOSSIP].contains(&tag)
    }

    fn answer(&self, tag: &str, body: &str) -> Result<Response, String> {
        let fields = Fields::read(body)?;
        if tag == CALC_FANOUT { calc_fanout(&fields) } else { simulate_gossip(&fields) }
    }
}

fn calc_fanout(fields: &Fields) -> Result<Response, String> {
    let nodes = fields.needed("nodes", MOST_NODES)?;
    let target = fields.target("target_prob")?;
    let rounds = fields.needed("rounds", MOST_ROUNDS)? as u32;
    let loss = fields.chance("loss")?;
    let method = fields.word("method", &["formula", "exact"])?;
    let setting = |mode, rounds| Setting { nodes, fanout: 0, rounds, loss, mode };
    let push = setting(Mode::Push, Some(rounds));
    let once = setting(Mode::PushOnce(Sender::Drawn), None);
    let needed = |setting: &Setting, criterion| {
        min_fanout_within(setting, target, criterion, Work::new(2 * MOST_WORK))
    };
    let [push_each, push_all] = [Criterion::PerNode, Criterion::Atomic].map(|it| needed(&push, it));
    let [once_each, once_all] = [Criterion::PerNode, Criterion::Atomic].map(|it| needed(&once, it));
    let found = match method {
        "exact" => {
            push_each.as_ref().map(|found| (found.fanout, found.at.per_node_miss)).map_err(|reason| *reason)
        }
        _ => formula::min_fanout(nodes, rounds, target).map(|found| (found.fanout, found.miss)),
    };
    let fanout = found.ok().map(|(fanout, _)| fanout);
    Ok(Response::CalcFanoutOk {
        min_fanout: fanout,
        miss_prob: found.ok().map(|(_, miss)| miss),
        reason: found.err().map(|reason| reason.to_string()),
        exact: Exact {
            push: Model::of(&push, fanout, &push_each, &push_all),
            push_once: Model::of(&once, fanout, &once_each, &once_all),
        },
    })
}

impl Model {
    fn of(
        setting: &Setting,
        fanout: Option<u64>,
        each: &Result<MinFanout, NoAnswer>,
        all: &Result<MinFanout, NoAnswer>,
    ) -> Model {
        let at = fanout
            .map(|fanout| answer_within(&Setting { fanout, ..*setting }, Work::new(MOST_WORK)))
            .transpose();
        let reasons =
            [at.as_ref().err(), each.as_ref().err(), all.as_ref().err()].into_iter().flatten().next();
        let reason = reasons.map(ToString::to_string);
        let at = at.ok().flatten();
        let found = [each.as_ref().ok(), all.as_ref().ok()].into_iter().flatten().map(|found| &found.at);
        // The coarser one, if they differ.
        let methods = at.iter().chain(found).map(|answer| method_of(answer).0);
        Model {
            per_node_miss: at.as_ref().map(|answer| answer.per_node_miss),
            p_not_all: at.as_ref().map(|answer| answer.p_not_all),
            expected_messages: at.as_ref().map(|answer| answer.expected_messages),
            min_fanout_per_node: each.as_ref().ok().map(|found| found.fanout),
            min_fanout_atomic: all.as_ref().ok().map(|found| found.fanout),
            method: methods.min(),
            reason,
        }
    }
}

fn simulate_gossip(fields: &Fields) -> Result<Response, String> {
    let nodes = fields.needed("nodes", MOST_NODES)?;
    let fanout = fields.needed("fanout", MOST_NODES)?;
    let rounds = fields.needed("rounds", MOST_ROUNDS)?;
    let trials = fields.needed("trials", MOST_ROUNDS)?;
    let seed = fields.whole("seed", u64::MAX)?.unwrap_or(0);
    let loss = fields.chance("loss")?;
    let mode = match fields.word("mode", &["push", "push-once", "pull", "push-pull"])? {
        "push-once" => Mode::PushOnce(Sender::Drawn),
        "pull" => Mode::Pull,
        "push-pull" => Mode::PushPull,
        _ => Mode::Push,
    };
    let pushes =
        [trials, nodes.max(1), rounds.max(1), fanout.max(1)].map(u128::from).iter().product::<u128>();
    if pushes > MOST_PUSHES {
        return Err(format!(
            "trials x nodes x rounds x fanout is {pushes}, and a node plays at most {MOST_PUSHES}; ask for less, or use \
             `rumormill spread`"
        ));
    }
    let setting = Setting { nodes, fanout, rounds: Some(rounds as u32), loss, mode };
    let played = monte_carlo::trials(&setting, trials, seed).map_err(|refusal| refusal.to_string())?;
    let to_all = played.rounds_to_all.as_ref();
    Ok(Response::SimulateGossipOk {
        delivery_rate: played.delivery_rate.mean,
        avg_rounds_to_all: to_all.map(|it| it.mean.mean),
        atomic_rate: played.atomic_rate.mean,
        trials_reached_all: played.trials_reached_all,
        p50: to_all.map(|it| it.p50),
        p90: to_all.map(|it| it.p90),
        p99: to_all.map(|it| it.p99),
        max: to_all.map(|it| it.max),
        delivery_rate_error: played.delivery_rate.standard_error,
        avg_rounds_to_all_error: to_all.and_then(|it| it.mean.standard_error),
        atomic_rate_error: played.atomic_rate.standard_error,
        trials: played.trials,
        seed,
    })
}

/// The fields of a request, and what is wrong with them in a sentence.
struct Fields(Map<String, Value>);

impl Fields {
    fn read(body: &str) -> Result<Fields, String> {
        match serde_json::from_str(body) {
            Ok(Value::Object(fields)) => Ok(Fields(fields)),
            Ok(_) => Err("the body is not an object".to_owned()),
            Err(error) => Err(format!("a field cannot be read: {error}")),
        }
    }

    fn given(&self, key: &str) -> Option<&Value> {
        self.0.get(key).filter(|value| !value.is_null())
    }

    fn needed(&self, key: &str, most: u64) -> Result<u64, String> {
        let missing = || format!("`{key}` is missing; it is a whole number from 0 to {most}");
        self.whole(key, most)?.ok_or_else(missing)
    }

    fn whole(&self, key: &str, most: u64) -> Result<Option<u64>, String> {
        let Some(given) = self.given(key) else { return Ok(None) };
        // 5.0 is 5, as whoever writes floats only means it.
        let float =
            given.as_f64().filter(|it| it.fract() == 0.0 && (0.0..9e15).contains(it)).map(|it| it as u64);
        let number = given.as_u64().or(float).filter(|number| *number <= most);
        let wrong = || format!("`{key}` is {}; it is a whole number from 0 to {most}", short(given));
        number.map(Some).ok_or_else(wrong)
    }

    fn chance(&self, key: &str) -> Result<Chance, String> {
        let Some(given) = self.given(key) else { return Ok(Chance::NEVER) };
        let chance = given.as_f64().and_then(Chance::new);
        chance.ok_or_else(|| format!("`{key}` is {}; it is a number from 0 to 1", short(given)))
    }

    fn target(&self, key: &str) -> Result<Chance, String> {
        let missing = || format!("`{key}` is missing; it is a number up to 1, such as 0.99");
        let given = self.given(key).ok_or_else(missing)?;
        let target = given.as_f64().filter(|target| *target <= 1.0);
        let wrong = || format!("`{key}` is {}; it is a number up to 1, such as 0.99", short(given));
        target.map(chance_of).ok_or_else(wrong)
    }

    /// One of some words; the first unless it is given.
    fn word<'a>(&self, key: &str, allowed: &[&'a str]) -> Result<&'a str, String> {
        let Some(given) = self.given(key) else { return Ok(allowed[0]) };
        let word = given.as_str().and_then(|word| allowed.iter().find(|it| **it == word));
        let wrong = || format!("`{key}` is {}; it is one of {}", short(given), allowed.join(", "));
        word.copied().ok_or_else(wrong)
    }
}

/// A value for a sentence.
fn short(value: &Value) -> String {
    const MOST: usize = 60;
    let text = value.to_string();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}...", &text[..at]),
        None => text,
    }
}
