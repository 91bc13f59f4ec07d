//! Loading a scenario from a file or by name, with what the command line overrides.

use std::path::Path;

use super::{Failure, builtin, shell_word};
use crate::protocol::Registry;
use crate::report::Overridden;
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit, nearest};

/// What the command line may override in a scenario.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Overrides {
    /// Another seed.
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    /// Another value for a key, as in protocol.gossip.fanout=3; JSON, or else a string. Can be repeated.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,
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
fn program() -> String {
    let path = std::env::args_os().next().unwrap_or_else(|| "rumormill".into());
    shell_word(&path.to_string_lossy())
}

pub(super) fn load(registry: &impl Registry, name: &str, overrides: &Overrides) -> Result<Loaded, Failure> {
    let text = read(name)?;
    let mut document = Document::parse(name, &text).map_err(Failure::bad_scenario)?;
    for assignment in &overrides.set {
        check_choice(&document, assignment)?;
        document.set(assignment).map_err(Failure::bad_scenario)?;
    }
    if let Some(seed) = overrides.seed {
        document.set(&format!("seed={seed}")).map_err(Failure::bad_scenario)?;
    }
    let scenario = Scenario::read(&document).map_err(Failure::bad_scenario)?;
    let protocols: Vec<&str> = registry.rows().iter().map(|row| row.name).collect();
    if !protocols.contains(&scenario.protocol.name.as_str()) {
        let misfit = Misfit::word("protocol", &scenario.protocol.name, &protocols).below("protocol");
        return Err(Failure::bad_scenario(document.find_place(misfit)));
    }
    let changed = !overrides.set.is_empty() || overrides.seed.is_some();
    let mut arguments = vec![name.to_owned(), "--seed".to_owned(), scenario.seed.to_string()];
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
    let misfit = Misfit::word("key", name, &named).below(choice);
    Err(Failure::bad_scenario(misfit.standing(format!("--set {assignment}"))))
}

fn read(name: &str) -> Result<String, Failure> {
    let path = Path::new(name);
    if !path.exists() {
        if let Some(builtin) = builtin::ALL.iter().find(|builtin| builtin.name == name) {
            return Ok(builtin.text.to_owned());
        }
        let names: Vec<&str> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
        let near = nearest(name, &names).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        let text = format!(
            "{name}: no such file, and no scenario of that name{near}\n  scenarios: {}",
            names.join(", ")
        );
        return Err(Failure::usage(text));
    }
    let bytes = std::fs::read(path).map_err(|error| Failure::io(name, &error))?;
    String::from_utf8(bytes).map_err(|error| Failure::bad_scenario(format!("{name}: not UTF-8: {error}")))
}
