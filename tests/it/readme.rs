//! The README is true, and so are pages that show what is printed: their commands are run, and print what they say.
//!
//! UPDATE_EXPECT=1 writes down what they print now.

use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::support::root;

/// What a reader who typed the line would see, from a build that is at hand.
fn typed(line: &str) -> String {
    let program = env!("CARGO_BIN_EXE_rumormill");
    let line = line.replace("cargo run --release --", "rumormill");
    let shell = format!("rumormill() {{ (exec -a target/release/rumormill {program} \"$@\"); }}; {line}");
    let output = Command::new("bash").arg0("bash").current_dir(root()).args(["-c", &shell]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn commands_print_what_the_pages_say() {
    for (page, least) in [("README.md", 3), ("docs/failures.md", 1)] {
        prints_what_it_says(page, least);
    }
}

fn prints_what_it_says(page: &str, least: usize) {
    let path = root().join(page);
    let readme = std::fs::read_to_string(&path).unwrap();
    let mut now = String::new();
    let mut commands = 0;
    let mut lines = readme.lines().peekable();
    let mut in_console = false;
    while let Some(line) = lines.next() {
        now += &format!("{line}\n");
        in_console = line == "```console" || (in_console && line != "```");
        if let (true, Some(command)) = (in_console, line.strip_prefix("$ ")) {
            commands += 1;
            while lines.next_if(|line| !line.starts_with("$ ") && *line != "```").is_some() {}
            now += &typed(command);
        }
    }
    assert!(commands >= least, "{page} shows what its commands print");
    if std::env::var("UPDATE_EXPECT").is_ok_and(|update| update == "1") {
        std::fs::write(&path, &now).unwrap();
    } else {
        assert!(
            now == readme,
            "{page} is out of step: run the tests with UPDATE_EXPECT=1 and look at the difference"
        );
    }
}

#[test]
fn it_stays_about_a_page_and_speaks_of_what_there_is() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.lines().count() < 220, "{} lines", readme.lines().count());
    for part in readme
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|part| part.starts_with("src/") || part.starts_with("tests/"))
    {
        assert!(root().join(part).exists(), "the README names {part}");
    }
}
