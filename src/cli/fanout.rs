//! `fanout`: which fanout a cluster needs, by the textbook's formula and in truth.

use std::io::Write;

use serde::Serialize;

use super::odds::{self, figure, method_of, whole_or_dash};
use super::{Done, print};
use crate::epidemic::min_fanout::{Criterion, MinFanout, min_fanout};
use crate::epidemic::{Mode, NoAnswer, Sender, Setting, formula};
use crate::ratio::Chance;
use crate::report;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// How many nodes, the source included.
    #[arg(short, long, value_name = "N", value_parser = odds::nodes, allow_hyphen_values = true)]
    nodes: u64,
    /// Within how many rounds; push-once goes on until nobody has anything left to send.
    #[arg(short, long, value_name = "R", value_parser = odds::rounds, allow_hyphen_values = true)]
    rounds: u32,
    /// The probability to be reached, up to 1.
    #[arg(short, long, value_name = "CHANCE", value_parser = odds::target, allow_hyphen_values = true)]
    target: f64,
    /// The probability that a push is lost.
    #[arg(long, value_name = "CHANCE", default_value = "0", value_parser = odds::chance, allow_hyphen_values = true)]
    loss: Chance,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn fanout(args: &Args, out: &mut impl Write) -> Done {
    let needed = Needed::of(args);
    match args.json {
        true => print(out, &odds::json(&needed))?,
        false => print(out, &needed.told())?,
    }
    Ok(0)
}

/// The smallest fanouts, found in three ways.
#[derive(Debug, Serialize)]
struct Needed {
    format: u32,
    version: &'static str,
    nodes: u64,
    rounds: u32,
    target: f64,
    loss: Chance,
    formula: ByFormula,
    push: Model,
    #[serde(rename = "push-once")]
    push_once: Model,
}

#[derive(Debug, Serialize)]
struct ByFormula {
    min_fanout: Option<u64>,
    miss_prob: Option<f64>,
    miss_prob_below: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// What a model needs so that a given node hears of it, and so that every node does.
#[derive(Debug, Default, Serialize)]
struct Model {
    min_fanout_per_node: Option<u64>,
    per_node_miss: Option<f64>,
    per_node_miss_below: Option<f64>,
    expected_messages: Option<f64>,
    min_fanout_atomic: Option<u64>,
    p_not_all: Option<f64>,
    p_not_all_below: Option<f64>,
    expected_messages_atomic: Option<f64>,
    method: Option<&'static str>,
    error_bound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

impl Needed {
    fn of(args: &Args) -> Needed {
        let target = odds::chance_of(args.target);
        let setting = |mode, rounds| Setting { nodes: args.nodes, fanout: 0, rounds, loss: args.loss, mode };
        Needed {
            format: report::FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            nodes: args.nodes,
            rounds: args.rounds,
            target: args.target,
            loss: args.loss,
            formula: ByFormula::of(formula::min_fanout(args.nodes, args.rounds, target)),
            push: Model::of(&setting(Mode::Push, Some(args.rounds)), target),
            push_once: Model::of(&setting(Mode::PushOnce(Sender::Drawn), None), target),
        }
    }

    /// As a table, with what the formula leaves out.
    fn told(&self) -> String {
        let Needed { nodes, rounds, target, .. } = self;
        let loss = match self.loss {
            Chance::NEVER => String::new(),
            loss => format!(", {} of all pushes lost", loss.as_f64()),
        };
        let cluster = odds::counted(*nodes, "node");
        let within = odds::counted(u64::from(*rounds), "round");
        let mut text = format!(
            "The smallest fanout K by which a rumour reaches its target of {target}: {cluster}, {within}{loss}\n\n"
        );
        let row = |name: &str, cells: [String; 8]| {
            let [k, at, below, messages, all_k, all_at, all_below, all_messages] = cells;
            format!(
                "{name:<12} {k:>5} {at:>10} {below:>10} {messages:>9}   {all_k:>5} {all_at:>10} {all_below:>10} {all_messages:>9}\n"
            )
        };
        text += &format!("{:<12} {:-<37}   {:-<37}\n", "", "a given node ", "all nodes ");
        let head = ["K", "missed", "at K - 1", "messages"].map(str::to_owned);
        let [k, missed, below, messages] = head.clone();
        let [all_k, _, all_below, all_messages] = head;
        text += &row("", [k, missed, below, messages, all_k, "not all".into(), all_below, all_messages]);
        let dash = || "-".to_owned();
        let ByFormula { min_fanout, miss_prob, miss_prob_below, reason } = &self.formula;
        let cells = [whole_or_dash(*min_fanout), figure(*miss_prob), figure(*miss_prob_below)];
        let [k, at, below] = cells;
        text += &row("formula", [k, at, below, dash(), dash(), dash(), dash(), dash()]);
        // One fanout less does not do, so what it misses is not 0.
        let below = |missed: Option<f64>| figure(missed.map(|missed| missed.max(f64::MIN_POSITIVE)));
        let models = [("push", &self.push), ("push-once", &self.push_once)];
        for (name, model) in models {
            let messages = |count: Option<f64>| count.map_or_else(dash, |count| format!("{count:.0}"));
            let cells = [
                whole_or_dash(model.min_fanout_per_node),
                figure(model.per_node_miss),
                below(model.per_node_miss_below),
                messages(model.expected_messages),
                whole_or_dash(model.min_fanout_atomic),
                figure(model.p_not_all),
                below(model.p_not_all_below),
                messages(model.expected_messages_atomic),
            ];
            text += &row(name, cells);
        }
        text += "\nThe formula, (1 - K/(N-1))^R, leaves out that whoever has heard the rumour tells it on, and it knows no loss.\n\
                 push: the informed push in every round; push-once: in the round after they hear, until silence, however long.\n";
        for (name, reason) in
            [("formula", reason), ("push", &self.push.reason), ("push-once", &self.push_once.reason)]
        {
            if let Some(reason) = reason {
                text += &format!("{name}: {reason}.\n");
            }
        }
        for (name, model) in models {
            if let (Some(method @ "approximate"), Some(bound)) = (model.method, model.error_bound) {
                text += &format!("{name}: {}.\n", odds::method_told(method, bound));
            }
        }
        text
    }
}

impl ByFormula {
    fn of(found: Result<formula::MinFanout, NoAnswer>) -> ByFormula {
        match found {
            Ok(formula::MinFanout { fanout, miss, miss_below }) => ByFormula {
                min_fanout: Some(fanout),
                miss_prob: Some(miss),
                miss_prob_below: miss_below,
                reason: None,
            },
            Err(reason) => ByFormula {
                min_fanout: None,
                miss_prob: None,
                miss_prob_below: None,
                reason: Some(reason.to_string()),
            },
        }
    }
}

impl Model {
    fn of(setting: &Setting, target: Chance) -> Model {
        let mut model = Model::default();
        let below = |found: &MinFanout, criterion: Criterion| {
            found.below.as_ref().map(|answer| criterion.failure(answer))
        };
        match min_fanout(setting, target, Criterion::PerNode) {
            Ok(found) => {
                model.min_fanout_per_node = Some(found.fanout);
                model.per_node_miss = Some(found.at.per_node_miss);
                model.per_node_miss_below = below(&found, Criterion::PerNode);
                model.expected_messages = Some(found.at.expected_messages);
                model.note(&found);
            }
            Err(reason) => model.reason = Some(reason.to_string()),
        }
        match min_fanout(setting, target, Criterion::Atomic) {
            Ok(found) => {
                model.min_fanout_atomic = Some(found.fanout);
                model.p_not_all = Some(found.at.p_not_all);
                model.p_not_all_below = below(&found, Criterion::Atomic);
                model.expected_messages_atomic = Some(found.at.expected_messages);
                model.note(&found);
            }
            Err(reason) => model.reason = Some(reason.to_string()),
        }
        model
    }

    /// By which method it was found; the coarser one if they differ.
    fn note(&mut self, found: &MinFanout) {
        let (method, bound) = method_of(&found.at);
        if self.error_bound.is_none_or(|other| other < bound) {
            (self.method, self.error_bound) = (Some(method), Some(bound));
        }
    }
}
