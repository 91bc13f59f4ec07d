//! The house rules that a machine can keep: the floors, no leftovers, files of one idea, a schema in step.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rumormill::protocol::{builtin, schema};

use crate::support::root;

fn sources(folder: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(&path, found),
                false => found.push(path),
            }
        }
    }
    let mut found = Vec::new();
    walk(&root().join(folder), &mut found);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
        (name, std::fs::read_to_string(&path).unwrap())
    };
    found.into_iter().map(read).collect()
}

/// What stands before a file's own tests.
fn before_tests(text: &str) -> &str {
    text.split("\n#[cfg(test)]").next().unwrap()
}

/// A file's floor, and its wing where floor 2 has several that do not know each other.
fn floor(file: &str) -> (u8, &'static str) {
    let name = file.trim_start_matches("src/").trim_end_matches(".rs");
    let (wing, _) = name.split_once('/').unwrap_or((name, ""));
    match (wing, name) {
        ("hash" | "id" | "ratio" | "rng" | "time" | "topology" | "value", _) => (0, ""),
        ("node", _) | ("workload", "workload") => (1, ""),
        ("sim", _) => (2, "sim"),
        ("solo", _) => (2, "solo"),
        ("stdio", _) => (2, "stdio"),
        ("check" | "workload", _) => (2, "judges"),
        ("epidemic", _) => (2, "epidemic"),
        ("protocol", name) if name != "protocol" => (2, "protocols"),
        ("scenario", _) => (3, ""),
        (
            "process" | "protocol" | "report" | "run" | "shrink" | "strategy" | "sweep" | "trace" | "why",
            _,
        ) => (4, ""),
        ("cli" | "main", _) => (5, ""),
        ("lib", _) => (6, ""),
        _ => panic!("{file} has no floor: give it one here"),
    }
}

/// The files of this crate that a file imports or names.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let code: String = before_tests(text)
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    for part in code.split("crate::").skip(1) {
        let path: Vec<&str> = part.split("::").map(str::trim).collect();
        let word = |at: usize| {
            path.get(at)
                .map(|text| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>())
        };
        let (Some(first), second) = (word(0), word(1)) else { continue };
        let nested =
            second.map(|second| format!("src/{first}/{second}.rs")).filter(|file| root().join(file).exists());
        found.push(nested.unwrap_or_else(|| format!("src/{first}.rs")));
    }
    found.retain(|file| root().join(file).exists());
    found
}

#[test]
fn imports_go_down_never_up_never_sideways() {
    for (file, text) in sources("src") {
        let (own, wing) = floor(&file);
        for other in imports(&text) {
            let (theirs, their_wing) = floor(&other);
            // A protocol knows the types of its workload, and that is all that crosses between wings.
            let types_of_workload = wing == "protocols" && other.starts_with("src/workload/");
            let allowed = theirs < own || (theirs == own && wing == their_wing) || types_of_workload;
            assert!(allowed, "{file} (floor {own}) must not know {other} (floor {theirs})");
        }
    }
}

#[test]
fn the_simulator_knows_no_json_and_protocols_no_simulator() {
    for (file, text) in sources("src") {
        let text = before_tests(&text);
        if file.starts_with("src/sim") || file == "src/node.rs" {
            assert!(!text.contains("serde_json") && !text.contains("crate::protocol"), "{file}");
        }
        if floor(&file).0 <= 2 && !file.starts_with("src/stdio") {
            assert!(
                !text.contains("std::fs") && !text.contains("std::net") && !text.contains("std::env"),
                "{file}"
            );
        }
    }
}

#[test]
fn nothing_is_left_over() {
    for folder in ["src", "tests", "benches", "examples"] {
        for (file, text) in sources(folder) {
            if file == "tests/it/tidy.rs" {
                continue;
            }
            for word in
                ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "XXX", "#[ignore", "allow(dead_code"]
            {
                assert!(!text.contains(word), "{file} holds {word}");
            }
            if file.ends_with(".rs") {
                assert!(text.starts_with("//!"), "{file} does not say what it is");
                let lines = before_tests(&text).lines().count();
                let most = if file.starts_with("src/") { 450 } else { usize::MAX };
                assert!(lines <= most, "{file} has {lines} lines before its tests; does it hold two ideas?");
            }
        }
    }
}

#[test]
fn the_schema_is_that_of_the_registry() {
    let path = root().join("scenario.schema.json");
    let now = serde_json::to_string_pretty(&schema(&builtin(), rumormill::run::METRICS)).unwrap() + "\n";
    if std::env::var("UPDATE_EXPECT").is_ok_and(|update| update == "1") {
        std::fs::write(&path, &now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == now, "scenario.schema.json is out of step: run the tests with UPDATE_EXPECT=1");
}

#[test]
fn no_payload_field_takes_a_name_of_the_envelope() {
    for (file, text) in sources("src")
        .into_iter()
        .filter(|(file, _)| file.starts_with("src/protocol/") || file.starts_with("src/workload/"))
    {
        for word in ["type", "msg_id", "in_reply_to"] {
            assert!(
                !before_tests(&text).contains(&format!("rename = \"{word}\"")),
                "{file}: a field is called {word}"
            );
            assert!(
                !before_tests(&text).lines().any(|line| line.trim().starts_with(&format!("{word}:"))),
                "{file}: {word}"
            );
        }
    }
}
