//! A sweep that is killed, stopped, or finds its last line cut short goes on to the same bytes.

use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use assert_cmd::cargo::cargo_bin;

use super::{desk, run, sweep};
use crate::program::Desk;

/// Long enough to be interrupted.
const LONG: &str =
    "sweep quickstart --seeds 0..400 --jobs 2 --set workload.broadcast.time_limit=12s --out kept";

fn begun(desk: &Desk) -> Child {
    let mut command = Command::new(cargo_bin!("rumormill"));
    command.args(LONG.split(' ')).current_dir(desk.path(""));
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Runs that are on disk.
fn runs(desk: &Desk) -> usize {
    let lines = |name: &str| std::fs::read_to_string(desk.path(name)).map(|text| text.matches('\n').count());
    lines("kept/runs.jsonl.part").or_else(|_| lines("kept/runs.jsonl")).unwrap_or(0)
}

/// Waits until more runs are there than so many.
fn wait_for_more_than(desk: &Desk, count: usize, child: &mut Child) {
    while runs(desk) <= count {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be interrupted");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn signal(child: Child, name: &str) -> Output {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    child.wait_with_output().unwrap()
}

/// What an undisturbed sweep of the same writes and prints.
fn undisturbed() -> (String, String) {
    let desk = Desk::new();
    let said = run(&desk, LONG);
    (desk.read("kept/runs.jsonl"), said.out)
}

#[test]
fn killed_again_and_again_it_goes_on_to_the_same_bytes() {
    let desk = Desk::new();
    let mut kept = 0;
    for _ in 0..3 {
        let mut child = begun(&desk);
        wait_for_more_than(&desk, kept, &mut child);
        signal(child, "-KILL");
        let now = runs(&desk);
        assert!(now > kept, "nothing finished is lost: {kept} runs were kept, and now {now} are");
        kept = now;
    }
    let said = run(&desk, LONG);
    assert!(said.talk.contains(&format!("kept: {kept} of 400 runs are there; going on")), "{said:?}");
    assert_eq!((desk.read("kept/runs.jsonl"), said.out), undisturbed());
    assert!(!desk.path("kept/runs.jsonl.part").exists());
    let again = run(&desk, LONG);
    assert!(again.talk.contains("kept: all 400 runs are there already"), "{again:?}");
}

#[test]
fn stopped_it_says_how_to_go_on_and_does() {
    for name in ["-INT", "-TERM"] {
        let desk = Desk::new();
        let mut child = begun(&desk);
        wait_for_more_than(&desk, 3, &mut child);
        let output = signal(child, name);
        let (out, talk) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(130), "{out}{talk}");
        let kept = runs(&desk);
        let says =
            format!("interrupted: {kept} of 400 runs are kept in kept; the same command goes on with them");
        assert!(talk.contains(&says), "{talk}");
        let missing = format!("0..400; interrupted, {} of 400 runs missing", 400 - kept);
        assert!(out.starts_with("UNKNOWN  quickstart: ") && out.contains(&missing));
        assert!(out.contains(&format!("of {kept} runs failed")), "{out}");
        let said = run(&desk, LONG);
        assert_eq!((desk.read("kept/runs.jsonl"), said.out), undisturbed());
    }
}

#[test]
fn stopped_without_a_folder_it_says_what_it_saw() {
    let desk = Desk::new();
    let line = format!(
        "\"$RUMORMILL\" {} & pid=$!; sleep 1.5; kill -INT $pid; wait $pid",
        LONG.replace("--out kept", "")
    );
    let said = desk.shell(&line.replace("0..400", "0..1000000"));
    assert!(said.code == 130 && said.out.starts_with("UNKNOWN  quickstart: "), "{said:?}");
    assert!(said.talk.contains("of 1000000 runs; with --out DIR they would be kept"), "{said:?}");
}

#[test]
fn a_line_cut_short_is_written_again() {
    let desk = desk();
    let words = "--seeds 0..12 --vary network.loss=0,0.3 --out kept";
    let whole = sweep(&desk, words);
    let bytes = desk.read("kept/runs.jsonl");
    let line = bytes.find('\n').unwrap() + 1;
    let garbage = |length: usize| [&bytes.as_bytes()[..length], &[0; 5000], b"\n{}\n"].concat();
    let mut found: Vec<Vec<u8>> =
        [0, 1, line - 1, line, line + 1, bytes.len() / 2, bytes.len() - 1, bytes.len()]
            .map(|length| bytes.as_bytes()[..length].to_vec())
            .to_vec();
    found.extend([garbage(line), garbage(bytes.len()), [bytes.as_bytes(), b"more"].concat()]);
    for part in found {
        std::fs::rename(desk.path("kept/runs.jsonl"), desk.path("kept/runs.jsonl.part")).unwrap();
        desk.put("kept/runs.jsonl.part", &part);
        let said = sweep(&desk, words);
        assert_eq!((desk.read("kept/runs.jsonl"), &said.out), (bytes.clone(), &whole.out));
        let ends_with_a_line =
            bytes.as_bytes().starts_with(&part) && (part.is_empty() || part.ends_with(b"\n"));
        assert_eq!(said.talk.contains("cut short"), !ends_with_a_line, "{said:?}");
    }
}

#[test]
fn a_program_that_has_changed_does_not_go_on() {
    let desk = desk();
    sweep(&desk, "--seeds 0..5 --out kept");
    let runs = desk.read("kept/runs.jsonl");
    let last = runs.lines().nth(3).unwrap();
    let digest = &last[last.find("\"digest\":\"").unwrap() + 10..][..16];
    let part = runs.lines().take(4).collect::<Vec<_>>().join("\n") + "\n";
    std::fs::remove_file(desk.path("kept/runs.jsonl")).unwrap();
    desk.put("kept/runs.jsonl.part", part.replace(digest, "0123456789abcdef"));
    let said = sweep(&desk, "--seeds 0..5 --out kept");
    let says = format!(
        "kept: seed 3 comes to something else than is kept here (digest 0123456789abcdef, and now {digest}): \
         the program has changed; begin again in another --out DIR"
    );
    assert!(said.code == 74 && said.talk.contains(&says), "{said:?}");
}

#[test]
fn two_at_once_do_not_mix() {
    let desk = Desk::new();
    let mut child = begun(&desk);
    wait_for_more_than(&desk, 0, &mut child);
    let said = run(&desk, LONG);
    assert!(said.code == 74 && said.talk.contains("kept: another process is writing here"), "{said:?}");
    signal(child, "-KILL");
}
