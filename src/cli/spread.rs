//! `spread`: how far a rumour gets, round by round: exactly, and by trials beside it.

use std::fmt::Write as _;
use std::io::Write;

use clap::ValueEnum;
use serde::Serialize;

use super::bar::Bar;
use super::interrupt::Interrupt;
use super::odds::{self, method_of, percent};
use super::{Done, Failure, print};
use crate::epidemic::estimate::Estimate;
use crate::epidemic::monte_carlo::{self, Refusal, Trials};
use crate::epidemic::{Answer, Mode, NoAnswer, Round, RoundsToAll, Sender, Setting, answer};
use crate::ratio::Chance;
use crate::report;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// How many nodes, the source included.
    #[arg(short, long, value_name = "N", value_parser = odds::nodes, allow_hyphen_values = true)]
    nodes: u64,
    /// How many distinct peers a node contacts a round, K.
    #[arg(short = 'k', long, value_name = "K", value_parser = odds::whole, allow_hyphen_values = true)]
    fanout: u64,
    /// How many rounds. May be left out where nodes fall silent (push-once, limited): until they have.
    #[arg(short, long, value_name = "R", value_parser = odds::rounds, allow_hyphen_values = true)]
    rounds: Option<u32>,
    /// Who sends when.
    #[arg(short, long, value_enum, default_value_t = ModeName::Push)]
    mode: ModeName,
    /// The probability that a push, a question or an answer is lost.
    #[arg(long, value_name = "CHANCE", default_value = "0", value_parser = odds::chance, allow_hyphen_values = true)]
    loss: Chance,
    /// In push-once: never push back to the node that the rumour was first heard from.
    #[arg(long)]
    not_back_to_sender: bool,
    /// In limited: memberlist's RetransmitMult, 4 unless given; a node sends this many copies for each decimal digit of N.
    #[arg(long, value_name = "N", value_parser = odds::rounds, allow_hyphen_values = true)]
    retransmit_mult: Option<u32>,
    /// Play so many trials, too.
    #[arg(long, value_name = "T", value_parser = odds::whole, allow_hyphen_values = true)]
    trials: Option<u64>,
    /// The seed of the trials.
    #[arg(long, value_name = "N", default_value_t = 0, requires = "trials", value_parser = super::load::seed, allow_hyphen_values = true)]
    seed: u64,
    /// How many threads share the trials; as many as there are cores unless given. The output is the same.
    #[arg(long, value_name = "N", requires = "trials", value_parser = super::load::jobs)]
    jobs: Option<usize>,
    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

/// What memberlist has unless told otherwise.
const RETRANSMIT_MULT: u32 = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeName {
    /// Every informed node pushes to K peers in every round.
    Push,
    /// Every informed node pushes to K peers once, in the round after it hears.
    PushOnce,
    /// Every node asks K peers in every round.
    Pull,
    /// In every round the informed push to K peers and the others ask K peers.
    PushPull,
    /// As memberlist: K peers a round until so many copies are sent.
    Limited,
}

impl Args {
    fn setting(&self) -> Result<Setting, Failure> {
        if self.not_back_to_sender && self.mode != ModeName::PushOnce {
            let text = "--not-back-to-sender: only push-once remembers who told it; add --mode push-once";
            return Err(Failure::usage(text));
        }
        if self.retransmit_mult.is_some() && self.mode != ModeName::Limited {
            return Err(Failure::usage("--retransmit-mult: only limited counts copies; add --mode limited"));
        }
        let mode = match self.mode {
            ModeName::Push => Mode::Push,
            ModeName::PushOnce if self.not_back_to_sender => Mode::PushOnce(Sender::LeftOut),
            ModeName::PushOnce => Mode::PushOnce(Sender::Drawn),
            ModeName::Pull => Mode::Pull,
            ModeName::PushPull => Mode::PushPull,
            ModeName::Limited => Mode::limited(self.retransmit_mult.unwrap_or(RETRANSMIT_MULT), self.nodes),
        };
        let silent = matches!(mode, Mode::PushOnce(_) | Mode::Limited { .. });
        if self.rounds.is_none() && !silent {
            let text = "--rounds: missing; in this mode nodes never fall silent, so say how many rounds";
            return Err(Failure::usage(text));
        }
        Ok(Setting { nodes: self.nodes, fanout: self.fanout, rounds: self.rounds, loss: self.loss, mode })
    }
}

pub(super) fn spread(args: &Args, out: &mut impl Write) -> Done {
    let setting = args.setting()?;
    let truth = answer(&setting);
    let interrupt = Interrupt::watched()?;
    let played = args.trials.map(|count| play(args, &setting, count, &interrupt)).transpose()?;
    let spread = Spread { args, setting, truth, played };
    match args.json {
        true => print(out, &odds::json(&spread.json()))?,
        false => print(out, &spread.told())?,
    }
    match (&spread.played, args.trials) {
        (Some(played), Some(asked)) if played.trials < asked => {
            Err(Failure::interrupted(format!("interrupted: {} of {asked} trials were played", played.trials)))
        }
        _ => Ok(0),
    }
}

fn play(args: &Args, setting: &Setting, count: u64, interrupt: &Interrupt) -> Result<Trials, Failure> {
    let jobs = args.jobs.unwrap_or_else(super::load::cores);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs).build();
    let pool = pool.map_err(|error| Failure::internal(format!("threads cannot be started: {error}")))?;
    let mut bar = Bar::new("trials", count, 0);
    let mut told = |done| bar.show(done, None);
    let played =
        pool.install(|| monte_carlo::watched(setting, count, args.seed, interrupt.flag(), &mut told));
    drop(bar);
    played.map_err(|refusal| match refusal {
        Refusal::Stopped => Failure::interrupted("interrupted before the first trials were played"),
        refusal => Failure::usage(format!("--trials: {refusal}")),
    })
}

/// What is known of a rumour's way.
struct Spread<'a> {
    args: &'a Args,
    setting: Setting,
    truth: Result<Answer, NoAnswer>,
    played: Option<Trials>,
}

#[derive(Serialize)]
struct Json {
    format: u32,
    version: &'static str,
    nodes: u64,
    fanout: u64,
    rounds: Option<u32>,
    mode: String,
    not_back_to_sender: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    copies: Option<u32>,
    loss: Chance,
    per_round: Vec<RoundJson>,
    per_node_miss: Option<f64>,
    p_not_all: Option<f64>,
    mean_informed: Option<f64>,
    var_informed: Option<f64>,
    expected_messages: Option<f64>,
    expected_answers: Option<f64>,
    rounds_to_all: Option<RoundsJson>,
    rounds_to_all_if_reached: Option<RoundsJson>,
    method: Option<&'static str>,
    error_bound: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    simulated: Option<SimulatedJson>,
}

#[derive(Serialize)]
struct RoundJson {
    round: u32,
    share_informed: f64,
    per_node_miss: f64,
    p_not_all: f64,
}

#[derive(Serialize)]
struct RoundsJson {
    mean: f64,
    p50: u32,
    p90: u32,
    p99: u32,
}

#[derive(Serialize)]
struct SimulatedJson {
    trials: u64,
    seed: u64,
    delivery_rate: f64,
    delivery_rate_error: Option<f64>,
    delivery_rate_z: Option<f64>,
    atomic_rate: f64,
    atomic_rate_error: Option<f64>,
    atomic_rate_z: Option<f64>,
    trials_reached_all: u64,
    avg_rounds_to_all: Option<f64>,
    avg_rounds_to_all_error: Option<f64>,
    avg_rounds_to_all_z: Option<f64>,
    p50: Option<u32>,
    p90: Option<u32>,
    p99: Option<u32>,
    max: Option<u32>,
    messages: f64,
    messages_error: Option<f64>,
    messages_z: Option<f64>,
}

impl From<&RoundsToAll> for RoundsJson {
    fn from(rounds: &RoundsToAll) -> RoundsJson {
        RoundsJson { mean: rounds.mean, p50: rounds.p50, p90: rounds.p90, p99: rounds.p99 }
    }
}

impl Spread<'_> {
    fn json(&self) -> Json {
        let Spread { args, setting, truth, .. } = self;
        let answer = truth.as_ref().ok();
        let of = |figure: fn(&Answer) -> f64| answer.map(figure);
        let round = |(round, state): (usize, &Round)| RoundJson {
            round: round as u32,
            share_informed: state.share_informed,
            per_node_miss: state.per_node_miss,
            p_not_all: state.p_not_all,
        };
        let copies = match setting.mode {
            Mode::Limited { copies } => Some(copies),
            Mode::Push | Mode::PushOnce(_) | Mode::Pull | Mode::PushPull => None,
        };
        Json {
            format: report::FORMAT,
            version: env!("CARGO_PKG_VERSION"),
            nodes: setting.nodes,
            fanout: setting.fanout,
            rounds: setting.rounds,
            mode: self.mode(),
            not_back_to_sender: args.not_back_to_sender,
            copies,
            loss: setting.loss,
            per_round: answer.iter().flat_map(|it| it.rounds.iter().enumerate().map(round)).collect(),
            per_node_miss: of(|it| it.per_node_miss),
            p_not_all: of(|it| it.p_not_all),
            mean_informed: of(|it| it.mean_informed),
            var_informed: of(|it| it.var_informed),
            expected_messages: of(|it| it.expected_messages),
            expected_answers: of(|it| it.expected_answers),
            rounds_to_all: answer.and_then(|it| it.rounds_to_all.as_ref()).map(RoundsJson::from),
            rounds_to_all_if_reached: answer
                .and_then(|it| it.rounds_to_all_if_reached.as_ref())
                .map(RoundsJson::from),
            method: answer.map(|it| method_of(it).0),
            error_bound: answer.map(|it| method_of(it).1),
            reason: truth.as_ref().err().map(ToString::to_string),
            simulated: self.played.as_ref().map(|trials| self.simulated(trials)),
        }
    }

    /// What the trials came to, and how far that is from the truth.
    fn simulated(&self, trials: &Trials) -> SimulatedJson {
        let answer = self.truth.as_ref().ok();
        let z = |estimate: Estimate, truth: Option<f64>| truth.and_then(|truth| estimate.z(truth));
        let rounds = trials.rounds_to_all.as_ref();
        let mean_rounds = answer.and_then(|it| it.rounds_to_all_if_reached.as_ref()).map(|it| it.mean);
        SimulatedJson {
            trials: trials.trials,
            seed: self.args.seed,
            delivery_rate: trials.delivery_rate.mean,
            delivery_rate_error: trials.delivery_rate.standard_error,
            delivery_rate_z: z(trials.delivery_rate, answer.map(|it| 1.0 - it.per_node_miss)),
            atomic_rate: trials.atomic_rate.mean,
            atomic_rate_error: trials.atomic_rate.standard_error,
            atomic_rate_z: z(trials.atomic_rate, answer.map(|it| 1.0 - it.p_not_all)),
            trials_reached_all: trials.trials_reached_all,
            avg_rounds_to_all: rounds.map(|it| it.mean.mean),
            avg_rounds_to_all_error: rounds.and_then(|it| it.mean.standard_error),
            avg_rounds_to_all_z: rounds.and_then(|it| z(it.mean, mean_rounds)),
            p50: rounds.map(|it| it.p50),
            p90: rounds.map(|it| it.p90),
            p99: rounds.map(|it| it.p99),
            max: rounds.map(|it| it.max),
            messages: trials.messages.mean,
            messages_error: trials.messages.standard_error,
            messages_z: z(trials.messages, answer.map(|it| it.expected_messages)),
        }
    }

    fn mode(&self) -> String {
        self.args.mode.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn told(&self) -> String {
        let mut text = self.head();
        match &self.truth {
            Ok(answer) => {
                text += &self.plot(answer);
                text += &figures(answer);
            }
            Err(reason) => _ = writeln!(text, "{:<18} {reason}", "exact"),
        }
        if let Some(trials) = &self.played {
            text += &self.trials_told(trials);
        }
        text
    }

    fn head(&self) -> String {
        let Setting { nodes, fanout, rounds, loss, mode } = self.setting;
        let mut text = format!("{} among {}, fanout {fanout}", self.mode(), odds::counted(nodes, "node"));
        match mode {
            Mode::Limited { copies } => _ = write!(text, ", at most {copies} copies a node"),
            Mode::PushOnce(Sender::LeftOut) => text += ", never back to the sender",
            Mode::Push | Mode::PushOnce(Sender::Drawn) | Mode::Pull | Mode::PushPull => {}
        }
        match rounds {
            Some(rounds) => _ = write!(text, ", {}", odds::counted(rounds.into(), "round")),
            None => text += ", until nobody has anything left to send",
        }
        if loss != Chance::NEVER {
            _ = write!(text, ", loss {}", loss.as_f64());
        }
        text + "\n\n"
    }

    /// A line for each round until hardly anything changes any more.
    fn plot(&self, answer: &Answer) -> String {
        /// More lines than this are too many to look at.
        const MOST_LINES: usize = 40;
        /// What changes by less is not seen in a line.
        const LEAST: f64 = 1e-6;
        const WIDTH: f64 = 40.0;
        let Some(last) = answer.rounds.last() else { return String::new() };
        let settled = |state: &Round| {
            last.share_informed - state.share_informed < LEAST && state.p_not_all - last.p_not_all < LEAST
        };
        let lines = answer.rounds.iter().position(settled).map_or(answer.rounds.len(), |at| at + 1);
        let lines = lines.min(MOST_LINES);
        let mut text = format!("{:>5} {:>9} {:>10}\n", "round", "informed", "not all");
        for (round, state) in answer.rounds.iter().enumerate().take(lines) {
            let bar = "█".repeat((state.share_informed * WIDTH).round() as usize);
            let (share, left) = (percent(state.share_informed), odds::odds(state.p_not_all, answer));
            _ = writeln!(text, "{round:>5} {share:>9} {left:>10}  {bar}");
        }
        let more = answer.rounds.len() - lines;
        if more > 0 {
            _ = writeln!(text, "  ... {}; --json has them", odds::counted(more as u64, "more round"));
        }
        text + "\n"
    }

    fn trials_told(&self, trials: &Trials) -> String {
        let told = self.simulated(trials);
        let mut text = format!("\n{} trials, seed {}\n\n", told.trials, told.seed);
        let mut row = |label: &str, figure: String, error: Option<f64>, z: Option<f64>| {
            let error = error.map_or_else(String::new, |error| format!(" +- {error:.2e}"));
            let z = z.map_or_else(String::new, |z| format!(", {z:+.1} standard errors from the truth"));
            _ = writeln!(text, "{label:<18} {figure}{error}{z}");
        };
        row(
            "delivery rate",
            format!("{:.6}", told.delivery_rate),
            told.delivery_rate_error,
            told.delivery_rate_z,
        );
        row("atomic rate", format!("{:.6}", told.atomic_rate), told.atomic_rate_error, told.atomic_rate_z);
        match (told.avg_rounds_to_all, &trials.rounds_to_all) {
            (Some(mean), Some(rounds)) => {
                row(
                    "rounds to all",
                    format!("{mean:.4}"),
                    told.avg_rounds_to_all_error,
                    told.avg_rounds_to_all_z,
                );
                let monte_carlo::RoundsToAll { p50, p90, p99, max, .. } = rounds;
                let quantiles = format!("50 % {p50}, 90 % {p90}, 99 % {p99}, most {max}");
                row("", quantiles + &format!("; {} trials reached all", told.trials_reached_all), None, None);
            }
            _ => row("rounds to all", "no trial reached all".to_owned(), None, None),
        }
        row("messages", format!("{:.2}", told.messages), told.messages_error, told.messages_z);
        text
    }
}

fn figures(answer: &Answer) -> String {
    let mut text = String::new();
    let mut row = |label: &str, told: String| _ = writeln!(text, "{label:<18} {told}");
    row("a node is missed", odds::odds(answer.per_node_miss, answer));
    row("not all hear", odds::odds(answer.p_not_all, answer));
    row(
        "informed",
        format!(
            "{:.4} in the mean, standard deviation {:.4}",
            answer.mean_informed,
            libm::sqrt(answer.var_informed)
        ),
    );
    let mut messages = format!("{:.1}", answer.expected_messages);
    if answer.expected_answers > 0.0 {
        _ = write!(messages, ", and {:.1} answers", answer.expected_answers);
    }
    row("messages", messages);
    let mut rounds = |it: &RoundsToAll, label: &str, condition: &str| {
        row(
            label,
            format!(
                "{:.3} in the mean; 50 % {}, 90 % {}, 99 % {}{condition}",
                it.mean, it.p50, it.p90, it.p99
            ),
        );
    };
    let reached = answer.rounds_to_all_if_reached.as_ref();
    match (answer.rounds_to_all.as_ref(), reached) {
        (Some(all), reached) => {
            rounds(all, "rounds to all", "");
            // What trials of so many rounds see of it.
            let seen = reached.filter(|reached| (reached.mean - all.mean).abs() >= 5e-4);
            seen.into_iter().for_each(|seen| rounds(seen, "", ", where all hear in time"));
        }
        (None, Some(reached)) => rounds(reached, "rounds to all", ", where all hear"),
        (None, None) => {}
    }
    let (method, bound) = method_of(answer);
    row("method", odds::method_told(method, bound));
    text
}
