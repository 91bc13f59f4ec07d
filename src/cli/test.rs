//! `test`: Maelstrom's command line, in virtual time: one seed judged in full, or many counted.
//!
//! The options draw up a scenario; what it runs is a file like any other, and `--save` writes it.

use std::fmt::Write as _;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use clap::ValueEnum;

use super::bar::Bar;
use super::load::{self, Overrides};
#[cfg(unix)]
use super::real::{Bin, Real, Shown};
use super::shrink::{BUDGET, Shrunk};
use super::{Done, Failure, keep, print, shell_word, survives, tracing};
use crate::node::Node;
use crate::protocol::{Registry, Visitor};
use crate::report::{Overridden, Paint, Report};
use crate::run::{QuietPanics, Summary, explicit, run, run_untold};
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit};
use crate::sweep::{MEANS, Outcome, Rate, SOMETIMES, Tally, sweep};
use crate::time::Span;
use crate::workload::Workload;

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The workload.
    #[arg(short, long, value_name = "NAME")]
    workload: String,
    /// The protocol; the first that serves the workload unless given.
    #[arg(short, long, value_name = "NAME")]
    protocol: Option<String>,
    /// How many nodes.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    node_count: u32,
    /// Operations a second, over all clients together.
    #[arg(long, value_name = "HZ", default_value_t = 5.0)]
    rate: f64,
    /// For how long operations are drawn, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = length, allow_hyphen_values = true)]
    time_limit: f64,
    /// How many clients take turns: a number, or "4n" for four times the nodes.
    #[arg(long, value_name = "N", default_value = "1n")]
    concurrency: String,
    /// The mean latency between nodes, in milliseconds.
    #[arg(long, value_name = "MILLIS", default_value_t = 0.0, value_parser = length, allow_hyphen_values = true)]
    latency: f64,
    /// How latencies are distributed.
    #[arg(long, value_enum, default_value_t = Distribution::Constant)]
    latency_dist: Distribution,
    /// Who is told to be whose neighbour: line, grid, tree, tree2, tree3, tree4 or total.
    #[arg(long, value_name = "SHAPE", default_value = "grid")]
    topology: String,
    /// Random faults: partition, crash, wipe, pause, flaky, slow, skew; several with commas.
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    nemesis: Vec<String>,
    /// The mean time between a fault's coming and going, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = length, allow_hyphen_values = true)]
    nemesis_interval: f64,
    /// The share of operations that must be ok: "total", or a number from 0 to 1.
    #[arg(long, value_name = "SHARE")]
    availability: Option<String>,
    /// One seed; 0 unless given.
    #[arg(long, value_name = "N", value_parser = load::seed, allow_hyphen_values = true, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Many seeds: A..B without B, A..=B with it.
    #[arg(long, value_name = "A..B", value_parser = load::seeds)]
    seeds: Option<std::ops::Range<u64>>,
    /// The chance that a message between nodes is lost.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.0)]
    loss: f64,
    /// The chance that a message between nodes arrives twice.
    #[arg(long, value_name = "CHANCE", default_value_t = 0.0)]
    duplicate: f64,
    /// How long the cluster is left alone before the final reads, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = length, allow_hyphen_values = true)]
    settle: f64,
    /// How long a client waits for an answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5.0, value_parser = length, allow_hyphen_values = true)]
    timeout: f64,
    /// Another value for a key of the scenario, as in protocol.gossip.fanout=3. Can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// How many threads share the seeds; as many as there are cores unless given. The output is the same.
    #[arg(long, value_name = "N", value_parser = super::load::jobs)]
    jobs: Option<usize>,
    /// When nodes take what is sent to them: as it is due, or as Maelstrom's one deliverer a node hands it over.
    #[arg(long, value_enum, default_value_t = ProfileName::Ideal)]
    profile: ProfileName,
    /// Who asks next; rotating in the profile maelstrom unless given, in-turn otherwise.
    #[arg(long, value_enum)]
    workers: Option<Workers>,
    /// Shrink the first failure: a smaller scenario that fails for the same reason is written beside it.
    #[arg(long)]
    shrink: bool,
    /// Stop shrinking after this long.
    #[arg(long, value_name = "LENGTH", default_value = BUDGET, requires = "shrink")]
    budget: Span,
    #[cfg(unix)]
    #[command(flatten)]
    bin: Bin,
    /// Write everything that happens to FILE, one JSON object a line.
    #[arg(long, value_name = "FILE", conflicts_with = "seeds")]
    trace: Option<PathBuf>,
    /// Print the report, or the counts of many seeds, as JSON.
    #[arg(long)]
    json: bool,
    /// Write the scenario of the seed (of the first one), everything drawn, to FILE.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Distribution {
    /// Always the same.
    Constant,
    /// Uniformly from 0 to twice the mean.
    Uniform,
    /// Exponentially.
    Exponential,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ProfileName {
    /// Everything arrives when it is due.
    Ideal,
    /// Requests queue behind messages, cuts are judged when a message is taken.
    Maelstrom,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Workers {
    /// One after the other.
    InTurn,
    /// The same, the first twice a round, as today's Maelstrom does.
    Rotating,
    /// Any, as Maelstrom did in 2021.
    Random,
}

pub(super) fn length(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=3_600_000.0).contains(number));
    number.ok_or_else(|| "write a number from 0 to 3600000".to_owned())
}

pub(super) fn test(registry: &impl Registry, args: &Args, paint: Paint, out: &mut impl Write) -> Done {
    let document = scenario(registry, args)?;
    let seeds = args.seeds.clone().unwrap_or_else(|| {
        let seed = args.seed.unwrap_or(0);
        seed..seed.saturating_add(1)
    });
    let overrides = Overrides { seed: Some(seeds.start), set: args.set.clone() };
    let loaded = load::typed(registry, "the command line", document, &overrides)?;
    let protocol = loaded.scenario.protocol.name.clone();
    let work = Work { args, document: &loaded.document, seeds, paint, out };
    survives::note(registry, &protocol, &args.nemesis);
    let _quiet = QuietPanics::begin();
    registry.with(&protocol, work).unwrap_or_else(|_| unreachable!("the protocol was looked up"))
}

/// The scenario that the options draw up.
fn scenario(registry: &impl Registry, args: &Args) -> Result<Document, Failure> {
    let rows = registry.rows();
    let mut workloads: Vec<&str> = rows.iter().map(|row| row.workload).collect();
    workloads.dedup();
    let serving = rows.iter().find(|row| row.workload == args.workload).map(|row| row.name);
    let serving = serving.ok_or_else(|| {
        Failure::usage(
            Misfit::word("workload", &args.workload, &workloads).standing("--workload").to_string(),
        )
    })?;
    let text = |text: &str| serde_json::to_string(text).expect("a string can be written as JSON");
    let seconds = |seconds: f64| text(&format!("{}ns", (seconds * 1e9).round()));
    let millis = |millis: f64| text(&format!("{}ns", (millis * 1e6).round()));
    let latency = match args.latency_dist {
        Distribution::Constant => format!("{{ \"constant\": {} }}", millis(args.latency)),
        Distribution::Uniform => {
            format!("{{ \"uniform\": {{ \"min\": \"0s\", \"max\": {} }} }}", millis(2.0 * args.latency))
        }
        Distribution::Exponential => {
            format!("{{ \"exponential\": {{ \"mean\": {} }} }}", millis(args.latency))
        }
    };
    let profile = match args.profile {
        ProfileName::Ideal => "ideal",
        ProfileName::Maelstrom => "maelstrom",
    };
    let workers = match args.workers {
        None if args.profile == ProfileName::Ideal => "in_turn",
        Some(Workers::InTurn) => "in_turn",
        None | Some(Workers::Rotating) => "rotating",
        Some(Workers::Random) => "random",
    };
    let concurrency = clients(&args.concurrency, args.node_count)?;
    let protocol = args.protocol.as_deref().unwrap_or(serving);
    let mut json = String::new();
    _ = write!(
        json,
        "{{ \"format\": 1, \"name\": {}, \"nodes\": {}, \"protocol\": {{ {}: {{}} }}, \"topology\": {}, \"network\": {{ \
         \"latency\": {latency}, \"loss\": {:?}, \"duplicate\": {:?} }}, \"profile\": \"{profile}\", \
         \"workload\": {{ {}: {{ \"rate\": {:?}, \"time_limit\": {}, \"workers\": \"{workers}\" }} }}, \"concurrency\": {concurrency}, \"timeout\": {}, \"settle\": {}",
        text(&format!("{}-{protocol}", args.workload)),
        args.node_count,
        text(protocol),
        text(&args.topology),
        args.loss,
        args.duplicate,
        text(&args.workload),
        args.rate,
        seconds(args.time_limit),
        seconds(args.timeout),
        seconds(args.settle),
    );
    if !args.nemesis.is_empty() {
        let kinds: Vec<String> = args.nemesis.iter().map(|kind| text(kind)).collect();
        let interval = seconds(args.nemesis_interval);
        _ = write!(json, ", \"nemesis\": {{ \"kinds\": [{}], \"interval\": {interval} }}", kinds.join(", "));
    }
    if let Some(share) = &args.availability {
        let bound = if share == "total" { "=1".to_owned() } else { format!(">={share}") };
        _ = write!(json, ", \"expect\": {{ \"availability\": {} }}", text(&bound));
    }
    json.push('}');
    Document::parse("the command line", &json).map_err(|misfit| Failure::usage(misfit.to_string()))
}

fn clients(text: &str, nodes: u32) -> Result<u32, Failure> {
    let (number, each) = text.strip_suffix('n').map_or((text, 1), |number| (number, nodes));
    let wrong = || Failure::usage(format!("--concurrency {text}: write a number, or one with n such as 4n"));
    number
        .parse::<u32>()
        .ok()
        .and_then(|number| number.checked_mul(each))
        .filter(|clients| *clients > 0)
        .ok_or_else(wrong)
}

struct Work<'a, O> {
    args: &'a Args,
    document: &'a Document,
    seeds: std::ops::Range<u64>,
    paint: Paint,
    out: &'a mut O,
}

impl<O: Write> Visitor for Work<'_, O> {
    type Output = Done;

    fn visit<W, N>(self) -> Done
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let of = |seed| Scenario { seed, ..self.scenario() };
        if let Some(path) = &self.args.save {
            keep::write::<W, N>(&of(self.seeds.start), self.document, path)?;
        }
        if self.seeds.end - self.seeds.start > 1 {
            return self.many::<W, N>();
        }
        let scenario = of(self.seeds.start);
        #[cfg(unix)]
        if let Some(program) = self.args.bin.program()? {
            let real = Real {
                bin: &self.args.bin,
                program,
                scenario: &scenario,
                document: self.document,
                replay: &self.again(self.seeds.start),
                trace: self.args.trace.as_deref(),
                shown: if self.args.json { Shown::Json } else { Shown::Text(self.paint) },
            };
            return real.test::<W>(self.out);
        }
        let trace = self.args.trace.as_deref();
        let mut tracer = tracing::begin(trace, &scenario)?;
        let summary = run::<W, N, _>(&scenario, self.document, &mut tracer).map_err(Failure::bad_scenario)?;
        tracing::end(tracer, trace)?;
        let replay = self.again(self.seeds.start);
        let report = Report::new(&scenario, &summary, Overridden::Yes, &replay);
        match self.args.json {
            true => print(self.out, &(report.json(None) + "\n"))?,
            false => print(self.out, &report.text_with_map(self.paint))?,
        }
        if report.exit_code() != 0 {
            let path = keep::keep::<W, N>(&scenario, self.document)?;
            if !self.args.json {
                print(self.out, &format!("saved           {}\n", path.display()))?;
            }
            self.shrink::<W, N>(&scenario, &path)?;
        }
        Ok(report.exit_code())
    }
}

impl<O: Write> Work<'_, O> {
    fn scenario(&self) -> Scenario {
        Scenario::read(self.document).unwrap_or_else(|misfit| unreachable!("it was read before: {misfit}"))
    }

    /// The command that runs one of the seeds again.
    fn again(&self, seed: u64) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut skip = false;
        for word in std::env::args_os().map(|word| word.to_string_lossy().into_owned()) {
            let own = ["--seeds", "--seed", "--save", "--jobs"];
            if skip || own.iter().any(|name| word.starts_with(&format!("{name}="))) {
                skip = false;
            } else if own.contains(&word.as_str()) {
                skip = true;
            } else {
                words.push(shell_word(&word));
            }
        }
        // What follows -- is a program's own.
        let own = words.iter().position(|word| word == "--").unwrap_or(words.len());
        words.splice(own..own, ["--seed".to_owned(), seed.to_string()]);
        words.join(" ")
    }

    fn many<W, N>(self) -> Done
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        let base = self.scenario();
        let one = |seed| {
            let scenario = Scenario { seed, ..base.clone() };
            let summary: Summary = run_untold::<W, N>(&scenario, self.document)?;
            let report = Report::new(&scenario, &summary, Overridden::Yes, "");
            Ok::<_, Misfit>(Outcome::new(seed, &summary, report.unmet()))
        };
        let (mut tally, mut bar) =
            (Tally::default(), Bar::new("seeds", self.seeds.end - self.seeds.start, 0));
        let jobs = self.args.jobs.unwrap_or_else(load::cores);
        let swept = sweep(self.seeds.clone(), jobs, &AtomicBool::new(false), one, |outcome| {
            tally.add(&outcome);
            bar.show(tally.runs, Some(tally.failures));
            Ok(())
        });
        drop(bar);
        swept.map_err(Failure::bad_scenario)?;
        let saved = match &tally.first {
            Some((seed, _)) => {
                Some(keep::keep::<W, N>(&Scenario { seed: *seed, ..base.clone() }, self.document)?)
            }
            None => None,
        };
        let text =
            if self.args.json { json(&base, &tally) } else { self.told(&base, &tally, saved.as_deref()) };
        print(self.out, &text)?;
        if let (Some((seed, _)), Some(path)) = (&tally.first, &saved) {
            self.shrink::<W, N>(&Scenario { seed: *seed, ..base }, path)?;
        }
        Ok(u8::from(tally.failures > 0))
    }

    /// Finds a smaller failure if that is asked for, and writes it beside the one that was kept.
    fn shrink<W, N>(self, scenario: &Scenario, kept: &Path) -> Result<(), Failure>
    where
        W: Workload,
        N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
    {
        if !self.args.shrink {
            return Ok(());
        }
        let failing = explicit::<W, N>(scenario, self.document).map_err(Failure::bad_scenario)?;
        let shrunk = Shrunk::of::<W, N>(failing, self.args.budget, self.args.jobs)?;
        let path = kept.with_extension("small.json");
        shrunk.write(&path)?;
        if self.args.json { Ok(()) } else { print(self.out, &format!("\n{}", shrunk.told(&path))) }
    }

    /// What many seeds came to, for people.
    fn told(&self, scenario: &Scenario, tally: &Tally, saved: Option<&Path>) -> String {
        let word = if tally.failures == 0 { "PASS" } else { "FAIL" };
        let Scenario { nodes, protocol, workload, .. } = scenario;
        let mut text = format!(
            "{word}  {} under {}, {nodes} nodes: {} of {} seeds failed\n\n",
            protocol.name, workload.name, tally.failures, tally.runs
        );
        let mut row = |label: &str, told: String| _ = writeln!(text, "{label:<15} {told}");
        row("failure rate", tally.failure_rate().to_string());
        for (at, (name, unit)) in MEANS.iter().enumerate() {
            if let Some(mean) = tally.mean(at) {
                row(
                    if at == 0 { "means" } else { "" },
                    format!("{name} {mean:.2} {unit}").trim_end().to_owned(),
                );
            }
        }
        let acted = SOMETIMES.iter().zip(tally.acted).map(|((what, _), count)| format!("{what}: {count}"));
        for (at, line) in acted.collect::<Vec<_>>().chunks(3).enumerate() {
            row(if at == 0 { "in seeds" } else { "" }, line.join("; "));
        }
        if let (Some((seed, reason)), Some(path)) = (&tally.first, saved) {
            row("first failure", format!("seed {seed}: {}", crate::report::printable(reason)));
            row("saved", path.display().to_string());
            row("replay", self.again(*seed));
        }
        text
    }
}

fn json(scenario: &Scenario, tally: &Tally) -> String {
    let Rate { estimate, low, high } = tally.failure_rate();
    let figure = |at: usize| (MEANS[at].0.to_owned(), tally.mean(at).into());
    let acted =
        SOMETIMES.iter().zip(tally.acted).map(|((_, name), count)| ((*name).to_owned(), count.into()));
    let json = serde_json::json!({
        "format": crate::report::FORMAT,
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": scenario.protocol.name,
        "workload": scenario.workload.name,
        "runs": tally.runs,
        "failures": tally.failures,
        "failure-rate": { "estimate": estimate, "low": low, "high": high },
        "first-failure": tally.first.as_ref().map(|(seed, reason)| serde_json::json!({ "seed": seed, "reason": reason })),
        "means": (0..MEANS.len()).map(figure).collect::<serde_json::Map<String, serde_json::Value>>(),
        "seeds-in-which": acted.collect::<serde_json::Map<String, serde_json::Value>>(),
    });
    format!("{json:#}\n")
}
