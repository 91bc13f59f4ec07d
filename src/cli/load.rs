//! Loading a scenario from a file or by name, with what the command line overrides.

use std::ops::Range;
use std::path::Path;

use super::{Exit, Failure, builtin, shell_word};
use crate::protocol::Registry;
use crate::report::Overridden;
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit, nearest};

/// What the command line may override in a scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Overrides {
    /// Another seed, a whole number from 0 to 18446744073709551615.
    #[arg(long, value_name = "N", value_parser = seed, allow_hyphen_values = true)]
    pub(super) seed: Option<u64>,
    /// Another value for a key, as in protocol.gossip.fanout=3; JSON, or else a string. Can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
}

/// More threads than this are refused.
const MOST_JOBS: usize = 1_024;

/// A number of threads, or what is one.
pub(super) fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| (1..=MOST_JOBS).contains(jobs));
    jobs.ok_or_else(|| format!("write a number from 1 to {MOST_JOBS}"))
}

/// A seed, or what a seed is.
pub(super) fn seed(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("write a whole number from 0 to {}", u64::MAX))
}

/// Seeds, from the first up to the one after the last.
pub(super) fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || "write A..B (without B) or A..=B (with it), such as 0..1000".to_owned();
    let (first, last) = text.split_once("..").ok_or_else(wrong)?;
    let first: u64 = first.parse().map_err(|_| wrong())?;
    let end = match last.strip_prefix('=') {
        Some(last) => last.parse::<u64>().ok().and_then(|last| last.checked_add(1)),
        None => last.parse().ok(),
    };
    let end = end.ok_or_else(wrong)?;
    if first < end { Ok(first..end) } else { Err(format!("{text} holds no seed; {}", wrong())) }
}

/// As many threads as there are cores.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// A scenario with the document it was read from.
pub(super) struct Loaded {
    pub(super) scenario: Scenario,
    pub(super) document: Document,
    pub(super) overridden: Overridden,
    /// The arguments that load it again.
    pub(super) arguments: Vec<String>,
}

impl Loaded {
    /// The command to paste that repeats a run of it.
    pub(super) fn replay(&self) -> String {
        let words: Vec<String> = self.arguments.iter().map(|word| shell_word(word)).collect();
        format!("{} run {}", program(), words.join(" "))
    }
}

/// What this program was called, so that the line can be pasted wherever this one was typed.
pub(super) fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_else(|| "rumormill".into());
    shell_word(&path.to_string_lossy())
}

pub(super) fn load(registry: &impl Registry, name: &str, overrides: &Overrides) -> Result<Loaded, Failure> {
    let text = read(name)?;
    let document = Document::parse(name, &text).map_err(Failure::bad_scenario)?;
    typed(registry, name, document, overrides)
}

/// The same for a document that has been read already.
pub(super) fn typed(
    registry: &impl Registry,
    name: &str,
    mut document: Document,
    overrides: &Overrides,
) -> Result<Loaded, Failure> {
    for assignment in &overrides.set {
        if assignment.split_once('=').is_none_or(|(path, _)| path.split('.').any(str::is_empty)) {
            let wrong = document.set(assignment).expect_err("this is no assignment");
            return Err(Failure::usage(wrong.to_string()));
        }
        check_choice(&document, assignment)?;
        document.set(assignment).map_err(Failure::bad_scenario)?;
    }
    if let Some(seed) = overrides.seed {
        document.set(&format!("seed={seed}")).map_err(Failure::bad_scenario)?;
    }
    let scenario = Scenario::read(&document).map_err(Failure::bad_scenario)?;
    let protocols: Vec<&str> = registry.rows().iter().map(|row| row.name).collect();
    if !protocols.contains(&scenario.protocol.name.as_str()) {
        let misfit = Misfit::word("protocol", &scenario.protocol.name, &protocols)
            .below(&scenario.protocol.name)
            .below("protocol");
        return Err(Failure::bad_scenario(document.find_place(misfit)));
    }
    let changed = !overrides.set.is_empty() || overrides.seed.is_some();
    // A name like an option is a path all the same.
    let path = if name.starts_with('-') { format!("./{name}") } else { name.to_owned() };
    let mut arguments = vec![path, "--seed".to_owned(), scenario.seed.to_string()];
    arguments.extend(overrides.set.iter().flat_map(|assignment| ["--set".to_owned(), assignment.clone()]));
    let overridden = if changed { Overridden::Yes } else { Overridden::No };
    Ok(Loaded { scenario, document, overridden, arguments })
}

/// `protocol` and `workload` hold one name; a path through another name is a slip, not a second choice.
fn check_choice(document: &Document, assignment: &str) -> Result<(), Failure> {
    let path = assignment.split('=').next().unwrap_or_default();
    let mut keys = path.split('.');
    let (Some(choice @ ("protocol" | "workload")), Some(name)) = (keys.next(), keys.next()) else {
        return Ok(());
    };
    let named = document.root().find(choice).map(|item| item.keys()).unwrap_or_default();
    if named.contains(&name) {
        return Ok(());
    }
    let misfit = Misfit::word("key", name, &named).below(name).below(choice);
    Err(Failure::bad_scenario(misfit.standing(format!("--set {assignment}"))))
}

fn read(name: &str) -> Result<String, Failure> {
    let path = Path::new(name);
    if (!path.exists() || path.is_dir())
        && let Some(builtin) = builtin::ALL.iter().find(|builtin| builtin.name == name)
    {
        return Ok(builtin.text.to_owned());
    }
    if !path.exists() {
        let beside = format!("{name}.json");
        if Path::new(&beside).exists() {
            return Err(Failure::usage(format!(
                "{name}: no such file, and no scenario of that name; did you mean `{beside}`?"
            )));
        }
        let names: Vec<&str> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
        let near = nearest(name, &names).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let text = format!(
            "{name}: no such file, and no scenario of that name{near}\n  scenarios: {}",
            names.join(", ")
        );
        return Err(Failure::usage(text));
    }
    if path.is_dir() {
        let names: Vec<&str> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
        let text = format!("{name}: this is a folder; name a scenario file, or one of: {}", names.join(", "));
        return Err(Failure { exit: Exit::Io, text });
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::io(name, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let valid =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]).into_owned();
        let line = valid.matches('\n').count() + 1;
        let column = valid.chars().rev().take_while(|c| *c != '\n').count() + 1;
        Failure::bad_scenario(format!("{name}:{line}:{column}: not UTF-8; save the file as UTF-8"))
    })
}
