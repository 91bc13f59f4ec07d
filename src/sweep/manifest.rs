//! What a folder of runs says of itself: of which scenario, which seeds, which values, and which part it is.
//!
//! Two sweeps are the same if their manifests do not differ; a scenario is told from another by its [`id`], which leaves
//! out what decides no run: its name, what it is about, its seed, and the verdict and digest that it expects.

use std::ops::Range;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::shard::Shard;
use super::vary::{Point, Vary, VaryError, grid, shown};
use crate::hash::hash_of;
use crate::scenario::Scenario;
use crate::scenario::document::{Document, Misfit, Raw};
use crate::scenario::expect::Expect;

/// The version of the manifest, and of the lines beside it.
pub const FORMAT: u32 = 1;

/// What a folder of runs holds, or will.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The version of the format: 1.
    pub format: u32,
    /// The program's version; other versions may trace the same scenario otherwise.
    pub version: String,
    /// The scenario's [`id`].
    pub id: String,
    /// The seeds of the whole sweep.
    #[serde(serialize_with = "write_seeds", deserialize_with = "read_seeds")]
    pub seeds: Range<u64>,
    /// What is varied.
    pub vary: Vec<Vary>,
    /// Which part of the sweep this is; `None` for the whole.
    pub shard: Option<Shard>,
    /// The scenario as it was read, with what `--set` changed in it.
    pub scenario: Raw,
}

/// The seeds as the command line writes them.
fn write_seeds<S: Serializer>(seeds: &Range<u64>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}..{}", seeds.start, seeds.end))
}

fn read_seeds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Range<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let seeds = text.split_once("..").and_then(|(start, end)| Some(start.parse().ok()?..end.parse().ok()?));
    let seeds = seeds.filter(|seeds: &Range<u64>| seeds.start < seeds.end);
    seeds.ok_or_else(|| de::Error::custom(format!("{text} are no seeds; write A..B")))
}

/// The hash of all that decides a scenario's runs and whether they fail, of one with its knobs written out in full.
pub fn id(in_full: &Scenario) -> String {
    let rest = Scenario {
        schema: None,
        name: String::new(),
        about: String::new(),
        seed: 0,
        expect: Expect { verdict: None, digest: None, bounds: in_full.expect.bounds.clone() },
        ..in_full.clone()
    };
    let text = serde_json::to_string(&rest).expect("a scenario can be written as JSON");
    format!("{:016x}", hash_of(text.as_str()))
}

impl Manifest {
    /// Reads a manifest; `name` is what errors call it.
    ///
    /// # Errors
    /// What does not fit, and where.
    pub fn read(name: &str, text: &str) -> Result<Manifest, Misfit> {
        let document = Document::parse(name, text)?;
        match document.get::<u32>("format") {
            Some(Ok(FORMAT)) => document.get("").expect("the whole is always there"),
            Some(Ok(other)) => {
                let text = format!("this program reads format {FORMAT}, not {other}");
                Err(document.find_place(Misfit::at("format", text)))
            }
            Some(Err(_)) | None => {
                let text = "this is no manifest of a sweep; name a folder that `sweep --out` wrote";
                Err(document.find_place(Misfit::at("", text)))
            }
        }
    }

    /// The manifest as it is written.
    pub fn text(&self) -> String {
        let json = serde_json::to_string(self).expect("a manifest can be written as JSON");
        let document = Document::parse("the manifest", &json);
        document.expect("what was written as JSON can be read").root().pretty()
    }

    /// The seeds of this part.
    pub fn share(&self) -> Range<u64> {
        self.shard.map_or_else(|| self.seeds.clone(), |shard| shard.of(&self.seeds))
    }

    /// The points of the grid.
    ///
    /// # Errors
    /// If a manifest that somebody else wrote makes no grid.
    pub fn points(&self) -> Result<Vec<Point>, VaryError> {
        grid(&self.vary)
    }

    /// What is not the same in another, a line each; `shard` aside.
    pub fn differences_of_the_whole(&self, here: &Manifest) -> Vec<String> {
        let mut lines = Vec::new();
        let mut differ = |what: &str, there: String, here: String| {
            if there != here {
                lines.push(format!("{what}: {there} there, {here} here"));
            }
        };
        differ("version", self.version.clone(), here.version.clone());
        differ("seeds", told(&self.seeds), told(&here.seeds));
        differ("vary", told_vary(&self.vary), told_vary(&here.vary));
        if self.id != here.id {
            let before = lines.len();
            leaves(&self.scenario, &here.scenario, &mut lines);
            if lines.len() == before {
                lines.push(format!("scenario: its id is {} there, {} here", self.id, here.id));
            }
        }
        lines
    }

    /// What is not the same in another, a line each.
    pub fn differences(&self, here: &Manifest) -> Vec<String> {
        let mut lines = self.differences_of_the_whole(here);
        if self.shard != here.shard {
            let told = |shard: Option<Shard>| shard.map_or("the whole".to_owned(), |it| it.to_string());
            lines.push(format!("shard: {} there, {} here", told(self.shard), told(here.shard)));
        }
        lines
    }
}

/// Seeds as the command line writes them.
pub fn told(seeds: &Range<u64>) -> String {
    format!("{}..{}", seeds.start, seeds.end)
}

fn told_vary(vary: &[Vary]) -> String {
    let one = |vary: &Vary| {
        let values: Vec<String> = vary.values.iter().map(shown).collect();
        format!("{}={}", vary.key, values.join(","))
    };
    let told: Vec<String> = vary.iter().map(one).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(" ") }
}

/// What decides no run.
const ASIDE: [&str; 6] = ["$schema", "name", "about", "seed", "expect.verdict", "expect.digest"];

/// The keys of two scenarios whose values differ.
fn leaves(there: &Raw, here: &Raw, lines: &mut Vec<String>) {
    let parse = |raw: &Raw| serde_json::from_str(&raw.0).unwrap_or(serde_json::Value::Null);
    compare("", Some(&parse(there)), Some(&parse(here)), lines);
}

fn compare(
    path: &str,
    there: Option<&serde_json::Value>,
    here: Option<&serde_json::Value>,
    lines: &mut Vec<String>,
) {
    if there == here || ASIDE.contains(&path) {
        return;
    }
    let objects = there.and_then(|it| it.as_object()).zip(here.and_then(|it| it.as_object()));
    let Some((ours, theirs)) = objects else {
        let told =
            |value: Option<&serde_json::Value>| value.map_or("not given".to_owned(), |it| it.to_string());
        lines.push(format!("{path}: {} there, {} here", told(there), told(here)));
        return;
    };
    let more = theirs.keys().filter(|key| !ours.contains_key(*key));
    for key in ours.keys().chain(more) {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        compare(&path, ours.get(key), theirs.get(key), lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(scenario: &str) -> Manifest {
        Manifest {
            format: FORMAT,
            version: "1.2.3".into(),
            id: format!("{:016x}", hash_of(scenario)),
            seeds: 0..100,
            vary: vec!["a.b=1..=3".parse().unwrap()],
            shard: Some("2/4".parse().unwrap()),
            scenario: Raw(scenario.into()),
        }
    }

    #[test]
    fn it_reads_what_it_writes() {
        let written = manifest(r#"{ "nodes": 5 }"#);
        let text = written.text();
        assert_eq!(Manifest::read("manifest.json", &text).unwrap(), written, "{text}");
        assert_eq!(written.share(), 25..50);
        let later = text.replace("\"format\": 1", "\"format\": 2");
        let error = Manifest::read("x/manifest.json", &later).unwrap_err().to_string();
        assert!(
            error.starts_with("x/manifest.json:2:") && error.contains("reads format 1, not 2"),
            "{error}"
        );
        let error = Manifest::read("package.json", "{\"name\": \"left-pad\"}").unwrap_err().to_string();
        assert!(error.contains("no manifest of a sweep"), "{error}");
    }

    #[test]
    fn what_differs_is_named_by_its_keys() {
        let there = manifest(r#"{ "name": "a", "nodes": 5, "network": { "loss": 0.1 }, "seed": 3 }"#);
        let mut here =
            manifest(r#"{ "name": "b", "nodes": 7, "network": { "loss": 0.1, "x": {} }, "seed": 4 }"#);
        (here.seeds, here.vary, here.shard) = (0..200, Vec::new(), None);
        assert_eq!(
            there.differences(&here),
            [
                "seeds: 0..100 there, 0..200 here",
                "vary: a.b=1,2,3 there, nothing here",
                "network.x: not given there, {} here",
                "nodes: 5 there, 7 here",
                "shard: 2/4 there, the whole here",
            ]
        );
        assert_eq!(there.differences(&there.clone()), [""; 0]);
    }
}
