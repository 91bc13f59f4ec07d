//! Every file in `scenarios/` runs as it says: verdict, bounds, digest, and a storm that acted. Those in
//! `scenarios/regress/` once failed; each says what it taught.
//!
//! UPDATE_EXPECT=1 pins the digests anew.

use std::path::PathBuf;

use rumormill::report::{Overridden, Paint, Report};
use rumormill::scenario::Scenario;
use rumormill::scenario::document::Document;

use crate::support::{root, run_named};

fn files() -> Vec<PathBuf> {
    let folder = |name: &str| std::fs::read_dir(root().join(name)).unwrap();
    let entries = folder("scenarios").chain(folder("scenarios/regress"));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    files
}

#[test]
fn every_scenario_runs_as_it_says() {
    assert!(files().len() >= 6);
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let document = Document::parse(&name, &text).unwrap();
        let scenario = Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}"));
        let summary = run_named(&scenario, &document);
        let digest = summary.digest.to_string();
        if std::env::var("UPDATE_EXPECT").is_ok_and(|update| update == "1") {
            std::fs::write(&path, pinned(&text, scenario.expect.digest.as_deref(), &digest)).unwrap();
            continue;
        }
        assert_eq!(path.file_stem().unwrap(), scenario.name.as_str());
        assert!(!scenario.about.is_empty(), "{name} says what it shows");
        assert!(
            scenario.expect.digest.is_some(),
            "{name} pins its digest: run the tests with UPDATE_EXPECT=1"
        );
        let proof =
            scenario.expect.bounds.values().any(|bound| bound.as_ref().unwrap().to_string().starts_with('>'));
        assert!(proof, "{name} proves that its storm acted");
        let report = Report::new(&scenario, &summary, Overridden::No, "");
        assert_eq!(report.exit_code(), 0, "{}", report.text(Paint::Plain));
    }
}

/// The text with its digest, in place of the old one or as the last key of `expect`.
fn pinned(text: &str, old: Option<&str>, digest: &str) -> String {
    match old {
        Some(old) => text.replace(old, digest),
        None => {
            let (before, expect) = text.split_once("\"expect\": {").expect("a scenario expects something");
            let end = expect.find('}').expect("an object ends");
            let bounds = expect[..end].trim_end();
            let comma = if bounds.contains('\n') { ",\n    " } else { ", " };
            let space = if bounds.contains('\n') { "\n  " } else { " " };
            format!("{before}\"expect\": {{{bounds}{comma}\"digest\": \"{digest}\"{space}{}", &expect[end..])
        }
    }
}
