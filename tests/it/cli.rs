//! The command line as people and scripts meet it: transcripts of the real program in folders of their own.
//!
//! Data is on stdout, talk on stderr; every way to end has its exit code, and every error says what to do.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Desk, Said};

const QUICKSTART: &str = include_str!("../../scenarios/quickstart.json");

/// A scenario of half a millisecond.
const SMALL: &str = r#"{
  "name": "small",
  "seed": 3,
  "nodes": 5,
  "protocol": { "gossip": { "fanout": 2, "anti_entropy": "500ms" } },
  "network": { "latency": { "constant": "5ms" }, "loss": 0.1 },
  "workload": { "broadcast": { "rate": 10.0, "time_limit": "3s" } },
  "faults": [{ "at": "1s", "for": "1s", "fault": { "partition": [["n0..n1"], ["rest"]] } }],
  "settle": "3s",
  "expect": { "lost": 0 }
}
"#;

fn small() -> Desk {
    Desk::with("s.json", SMALL)
}

/// The same scenario, expecting something else.
fn expecting(expect: &str) -> Desk {
    Desk::with("s.json", SMALL.replace(r#""lost": 0"#, expect))
}

#[test]
fn without_arguments_there_are_three_hints() {
    let said = Desk::new().run::<&str>([]);
    assert_eq!((said.code, said.out.as_str()), (64, ""));
    let program = env!("CARGO_BIN_EXE_rumormill");
    assert_eq!(said.talk.matches(&format!("\n  {program} ")).count(), 3, "what can be pasted: {said:?}");
    for hint in ["rumormill run quickstart", "rumormill list", "rumormill new "] {
        assert!(said.talk.contains(hint), "{hint}: {said:?}");
    }
}

#[test]
fn help_and_version_are_data() {
    for (args, part) in [(["--help"], "Usage: rumormill"), (["--version"], "rumormill 0.")] {
        let said = Desk::new().run(args);
        assert!(said.code == 0 && said.talk.is_empty() && said.out.contains(part), "{said:?}");
    }
}

#[test]
fn what_is_no_command_line_is_64() {
    let desk = small();
    let lines: &[&[&str]] = &[
        &["rum"],
        &["run"],
        &["run", "s.json", "s.json"],
        &["run", "s.json", "--sed", "3"],
        &["run", "s.json", "--seed", "-1"],
        &["run", "s.json", "--seed", "x"],
        &["run", "s.json", "--seed", "18446744073709551616"],
        &["run", "s.json", "--set"],
        &["run", "s.json", "--color", "blue"],
        &["new"],
        &["completions", "cobol"],
        &["check", "s.json", "--schema"],
        &["serve", "gosip"],
        &["serve", "--set", "fanot=3"],
    ];
    for line in lines {
        let said = desk.run(*line);
        assert!(
            said.code == 64 && said.out.is_empty() && said.talk.starts_with("error: "),
            "{line:?}: {said:?}"
        );
    }
}

#[test]
fn a_run_that_passes() {
    let said = small().run(["run", "s.json"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    assert!(said.out.starts_with("PASS  small: gossip under broadcast, 5 nodes, seed 3\n"), "{said:?}");
    assert_eq!(said.digest().len(), 16, "{said:?}");
    assert!(said.row("replay").ends_with("rumormill run s.json --seed 3"), "{said:?}");
}

#[test]
fn a_run_that_fails_says_what_is_lost_and_fails_as_expected() {
    let broken = SMALL.replace(r#""500ms""#, "null").replace("0.1", "0.9");
    let desk = Desk::with("s.json", &broken);
    let said = desk.run(["run", "s.json"]);
    assert!(said.code == 1 && said.out.starts_with("FAIL  small"), "{said:?}");
    assert!(said.out.contains("was acknowledged, but is not in the final read of n"), "{said:?}");
    assert!(said.out.contains("! expected the verdict pass, and it is fail"), "{said:?}");
    assert!(said.out.contains("! expected lost = 0, and it is "), "{said:?}");
    assert!(said.out.contains("last hop that failed: n"), "the story of a lost value: {said:?}");

    let said = desk.run(["run", "s.json", "--set", r#"expect={"verdict": "fail", "lost": ">0"}"#]);
    assert!(said.code == 0 && said.out.starts_with("FAIL (as expected)  small"), "{said:?}");
    assert!(!said.out.contains('!'), "nothing is unmet: {said:?}");

    let good = small().run(["run", "s.json", "--set", "expect.verdict=fail"]);
    assert!(good.code == 1 && good.out.contains("! expected the verdict fail, and it is pass"), "{good:?}");
}

#[test]
fn a_bound_that_is_missed_is_1() {
    let said = expecting(r#""msgs_per_op": "<0.5", "stable_latency_max": "<1ns", "ok": ">0""#)
        .run(["run", "s.json"]);
    assert!(
        said.code == 1
            && said.out.starts_with("PASS, but not as expected: 2 expectations are not met  small"),
        "{said:?}"
    );
    let unmet: Vec<&str> = said.out.lines().filter(|line| line.starts_with("  ! ")).collect();
    assert_eq!(unmet.len(), 2, "{said:?}");
    assert!(unmet[0].starts_with("  ! expected msgs_per_op < 0.5, and it is "), "{said:?}");
    assert!(unmet[1].starts_with("  ! expected stable_latency_max < 1ns, and it is "), "{said:?}");
}

#[test]
fn an_unknown_verdict_is_2_unless_expected() {
    let idle = SMALL.replace(r#""settle""#, r#""operations": [], "settle""#);
    let desk = Desk::with("s.json", idle);
    let said = desk.run(["run", "s.json"]);
    assert!(said.code == 2 && said.out.starts_with("UNKNOWN  small"), "{said:?}");
    let said = desk.run(["run", "s.json", "--set", "expect.verdict=unknown"]);
    assert!(said.code == 0 && said.out.starts_with("UNKNOWN (as expected)  small"), "{said:?}");
}

#[test]
fn a_run_that_does_not_end_fails_and_says_what_to_change() {
    let said = small().run(["run", "s.json", "--set", "max_events=100"]);
    assert!(said.code == 1 && said.out.starts_with("FAIL  small"), "{said:?}");
    assert!(said.out.contains("after max_events = 100 events"), "{said:?}");
}

#[test]
fn a_bad_scenario_is_65_and_placed() {
    for command in ["run", "check"] {
        let said = Desk::with("s.json", SMALL.replace("seed", "sed")).run([command, "s.json"]);
        assert_eq!((said.code, said.out.as_str()), (65, ""), "{said:?}");
        assert!(
            said.talk.starts_with("error: s.json:3:3: sed: unknown key `sed`; did you mean `seed`?\n"),
            "{said:?}"
        );
    }
}

#[test]
fn a_scenario_that_is_not_there_is_64_and_the_nearest_is_named() {
    let desk = Desk::with("my-own.json", SMALL);
    for (name, near) in
        [("quikstart", "quickstart"), ("partition-heal", "partition-heals"), ("my-own", "my-own.json")]
    {
        let said = desk.run(["run", name]);
        assert_eq!((said.code, said.out.as_str()), (64, ""), "{said:?}");
        assert!(said.talk.starts_with(&format!("error: {name}: no such file")), "{said:?}");
        assert!(said.talk.contains(&format!("did you mean `{near}`?")), "{said:?}");
    }
    let said = desk.run(["run", "elephant"]);
    assert!(
        said.code == 64 && !said.talk.contains("did you mean") && said.talk.contains("quickstart, "),
        "{said:?}"
    );
}

#[test]
fn a_folder_in_place_of_a_file_is_74_and_hides_no_scenario() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("quickstart")).unwrap();
    std::fs::create_dir(desk.path("folder")).unwrap();
    let said = desk.run(["check", "folder"]);
    assert!(said.code == 74 && said.talk.starts_with("error: folder: "), "{said:?}");
    assert_eq!(desk.run(["check", "quickstart"]).code, 0, "a folder of that name is no scenario");
}

#[test]
fn a_trace_that_cannot_be_written_is_74_and_says_what_to_do() {
    let desk = small();
    for path in ["no/such/folder/t", ".", "/dev/full"] {
        let said = desk.run(["run", "s.json", "--trace", path]);
        assert_eq!((said.code, said.out.as_str()), (74, ""), "{said:?}");
        assert!(said.talk.starts_with(&format!("error: {path}: ")), "{said:?}");
        assert!(said.talk.contains("choose another --trace FILE"), "{said:?}");
    }
    let said = desk.run(["run", "s.json", "--trace", "s.json"]);
    assert!(
        said.code != 0 && desk.read("s.json") == SMALL,
        "a trace never takes the scenario's place: {said:?}"
    );
}

#[test]
fn json_is_one_object_with_maelstroms_figures() {
    let said = small().run(["run", "s.json", "--json"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    let json = said.json();
    for (pointer, value) in [
        ("/format", Value::from(1)),
        ("/version", Value::from(env!("CARGO_PKG_VERSION"))),
        ("/scenario", Value::from("small")),
        ("/verdict", Value::from("pass")),
        ("/as-expected", Value::from(true)),
        ("/seed", Value::from(3)),
        ("/nodes", Value::from(5)),
        ("/unmet", Value::Array(Vec::new())),
    ] {
        assert_eq!(json.pointer(pointer), Some(&value), "{pointer}");
    }
    let digest = json["digest"].as_str().unwrap();
    assert!(digest.len() == 16 && digest.chars().all(|c| "0123456789abcdef".contains(c)), "{digest}");
    assert!(json["net"]["servers"]["msgs-per-op"].as_f64().unwrap() > 0.0);
    let servers = &json["net"]["servers"];
    assert!(servers["send-count"].as_u64() > servers["recv-count"].as_u64(), "some are lost: {servers}");
    let latencies = json["workload"]["stable-latencies"].as_object().unwrap();
    let quantiles: BTreeSet<&str> = latencies.keys().map(String::as_str).collect();
    assert_eq!(quantiles, ["0", "0.5", "0.95", "0.99", "1"].into());
    assert_eq!(json["workload"]["lost-count"], 0);
    assert_eq!(
        said.digest_in_json(),
        small().run(["run", "s.json"]).digest(),
        "people and programs are told the same"
    );
}

impl Said {
    fn digest_in_json(&self) -> String {
        self.json()["digest"].as_str().expect("there is a digest").to_owned()
    }
}

#[test]
fn a_json_report_of_a_failing_run_says_why() {
    let json = expecting(r#""ok": 0"#).run(["run", "s.json", "--json"]).json();
    assert_eq!((json["as-expected"].as_bool(), json["verdict"].as_str()), (Some(false), Some("pass")));
    assert!(
        json["unmet"][0].as_str().unwrap().starts_with("expected ok = 0, and it is "),
        "{}",
        json["unmet"]
    );
}

#[test]
fn a_seed_decides_the_digest_and_a_trace_does_not() {
    let desk = small();
    let digest = |args: &[&str]| desk.run([&["run", "s.json"], args].concat()).digest().to_owned();
    let plain = digest(&[]);
    assert_eq!(digest(&["--seed", "3"]), plain);
    assert_eq!(digest(&["--set", "seed=3"]), plain);
    assert_eq!(digest(&["--trace", "t"]), plain);
    assert_eq!(digest(&["--set", "about=Another sentence."]), plain);
    assert_ne!(digest(&["--seed", "4"]), plain);
    assert_ne!(digest(&["--set", "protocol.gossip.fanout=3"]), plain);
    assert_eq!(digest(&["--seed", "18446744073709551615"]).len(), 16);
}

#[test]
fn a_pinned_digest_is_compared_only_when_nothing_is_overridden() {
    let digest = small().run(["run", "s.json"]).digest().to_owned();
    let same = expecting(&format!(r#""digest": "{digest}""#)).run(["run", "s.json"]);
    assert!(same.code == 0 && !same.out.contains('!'), "{same:?}");

    let other = expecting(r#""digest": "0123456789abcdef""#);
    let said = other.run(["run", "s.json"]);
    assert!(said.code == 1 && said.out.starts_with("PASS"), "{said:?}");
    let line = said.out.lines().find(|line| line.starts_with("  ! ")).unwrap();
    for part in ["0123456789abcdef", "the program changed", "same verdict, other trace", "bless if meant"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    assert_eq!(other.run(["run", "s.json", "--json"]).json()["as-expected"], false);
    assert_eq!(other.run(["run", "s.json", "--trace", "t"]).code, 1, "a trace overrides nothing");
    for args in [["--seed", "3"], ["--seed", "4"], ["--set", "about=x"]] {
        let said = other.run(["run", "s.json"].into_iter().chain(args));
        assert!(said.code == 0 && !said.out.contains("the program changed"), "{args:?}: {said:?}");
    }
}

#[test]
fn a_trace_is_a_header_and_an_object_for_every_event() {
    let desk = small();
    let said = desk.run(["run", "s.json", "--trace", "t.jsonl", "--json"]);
    let trace = desk.read("t.jsonl");
    let mut lines = trace.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let header = lines.next().unwrap();
    assert_eq!(header["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((header["scenario"].as_str(), header["seed"].as_u64()), (Some("small"), Some(3)));
    assert_eq!((header["protocol"].as_str(), header["nodes"].as_u64()), (Some("gossip"), Some(5)));

    let (mut now, mut kinds, mut whys) = (0, BTreeSet::new(), BTreeSet::new());
    let mut dropped = 0;
    for event in lines {
        let time = event["time"].as_u64().expect("nanoseconds");
        assert!(time >= now, "time never goes back: {event}");
        now = time;
        let kind = event["kind"].as_str().unwrap().to_owned();
        if ["deliver", "drop"].contains(&kind.as_str()) {
            let ends = [&event["src"], &event["dst"]].map(|end| end.as_str().unwrap());
            assert!(ends.iter().all(|end| end.starts_with('n')) && ends[0] != ends[1], "{event}");
            assert!(event["sent"].as_u64().unwrap() <= time && event["body"]["type"].is_string(), "{event}");
        }
        if ["invoke", "ok"].contains(&kind.as_str()) {
            assert!(
                event["src"].is_string() && event["dst"].is_string() && event["body"]["type"].is_string(),
                "{event}"
            );
        }
        if kind == "drop" {
            dropped += 1;
            whys.insert(event["why"].as_str().unwrap().to_owned());
        }
        kinds.insert(kind);
    }
    for kind in [
        "start",
        "invoke",
        "request",
        "ok",
        "deliver",
        "drop",
        "timer",
        "event",
        "fault-begins",
        "fault-ends",
    ] {
        assert!(kinds.contains(kind), "{kind} in {kinds:?}");
    }
    assert_eq!(whys, ["cut".to_owned(), "loss".to_owned()].into());
    let figures = &said.json()["figures"];
    let of = |name: &str| figures[name].as_u64().unwrap();
    assert_eq!(dropped, of("dropped_by_loss") + of("dropped_by_cut"));
}

#[test]
fn the_replay_line_can_be_pasted() {
    let desk = Desk::with("a folder's file.json", SMALL);
    let sets = [
        "protocol.gossip.fanout=3",
        r#"about=it's "quoted" $HOME `x` \ ; # * ünï"#,
        r#"faults.0.fault={"crash": ["n3"]}"#,
        "about=two\nlines\tand a tab",
    ];
    for count in 0..=sets.len() {
        let args = sets[..count].iter().flat_map(|set| ["--set", set]);
        let said = desk.run(["run", "a folder's file.json", "--seed", "9"].into_iter().chain(args.clone()));
        let again = desk.shell(said.row("replay"));
        assert_eq!((again.code, &again.out), (said.code, &said.out), "{said:?}");
        let json = desk.run(["run", "a folder's file.json", "--json"].into_iter().chain(args)).json();
        assert_eq!(desk.shell(json["replay"].as_str().unwrap()).digest(), json["digest"], "{json}");
    }
    let said = desk.run(["run", "quickstart"]);
    assert_eq!(desk.shell(said.row("replay")).digest(), said.digest(), "the file's own seed is written out");
}

#[test]
fn a_replay_line_of_a_file_like_an_option_can_be_pasted() {
    let desk = Desk::with("--seed.json", SMALL);
    let said = desk.run(["run", "--", "--seed.json"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(desk.shell(said.row("replay")).out, said.out);
}

#[test]
fn determinism_is_checked_in_a_fresh_process() {
    let desk = small();
    let said = desk.run(["run", "s.json", "--check-determinism", "--set", "protocol.gossip.fanout=3"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    assert!(
        said.out.starts_with("PASS") && said.out.contains("fresh process: every event the same"),
        "{said:?}"
    );
    let failing = desk.run(["run", "s.json", "--check-determinism", "--set", "expect.ok=0"]);
    assert!(failing.code == 1 && failing.out.contains("every event the same"), "{failing:?}");
    let json = desk.run(["run", "s.json", "--check-determinism", "--json"]);
    assert_eq!((json.code, json.json()["verdict"].as_str()), (0, Some("pass")));
}

#[test]
fn whoever_stops_reading_is_not_told_off() {
    let desk = small();
    for line in [
        "run s.json | head -1",
        "run s.json --json | head -1",
        "check --schema | head -1",
        "completions bash | head -1",
    ] {
        let said = desk.shell(&format!("\"$RUMORMILL\" {line}"));
        assert!(said.code == 0 && said.out.lines().count() == 1 && said.talk.is_empty(), "{line}: {said:?}");
    }
    for args in [&["run", "s.json"][..], &["check", "--schema"], &["list"], &["--help"], &["new", "x"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("rumormill"));
        let command = command.args(args).current_dir(desk.path("")).stdin(Stdio::null()).stdout(writer);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}

#[test]
fn a_full_disk_is_74() {
    for line in ["run s.json", "check --schema", "list", "completions zsh"] {
        let said = small().shell(&format!("\"$RUMORMILL\" {line} > /dev/full"));
        assert!(said.code == 74 && said.talk.starts_with("error: stdout: "), "{line}: {said:?}");
    }
}

#[test]
fn new_writes_a_scenario_that_checks_and_runs_and_never_writes_over_one() {
    let desk = Desk::new();
    let said = desk.run(["new", "my-own"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("rumormill run my-own.json"), "{said:?}");
    let text = desk.read("my-own.json");
    assert!(text.contains(r#""name": "my-own""#), "{text}");
    assert_eq!(desk.run(["check", "my-own.json"]).code, 0);
    let ran = desk.run(["run", "my-own.json"]);
    assert!(ran.code == 0 && ran.out.starts_with("PASS  my-own: "), "{ran:?}");

    desk.put("my-own.json", "mine");
    for name in ["my-own", "my-own.json"] {
        let said = desk.run(["new", name]);
        assert_eq!((said.code, said.out.as_str()), (74, ""), "{said:?}");
        assert!(said.talk.contains("my-own.json") && said.talk.contains("choose another name"), "{said:?}");
        assert_eq!(desk.read("my-own.json"), "mine");
    }
    for name in ["", ".json", "a/b", "../x", "a b", "a\x1b[31m", "a\"b"] {
        let said = desk.run(["new", name]);
        assert!(
            said.code == 64 && said.talk.contains("write letters, digits, - and _"),
            "{name:?}: {said:?}"
        );
    }
    assert_eq!(std::fs::read_dir(desk.path("")).unwrap().count(), 1, "nothing else is written");
}

#[test]
fn list_names_all_that_can_be_run() {
    let said = Desk::new().run(["list"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    assert!(said.out.contains("gossip ") && said.out.contains("serves broadcast"), "{said:?}");
    assert!(said.out.contains("\n  unique-ids             partition, crash, wipe, pause, "), "{said:?}");
    let (_, scenarios) = said.out.split_once("rumormill run NAME)\n").unwrap();
    let names: Vec<&str> = scenarios.lines().map(|line| line.split_whitespace().next().unwrap()).collect();
    assert!(names.contains(&"quickstart") && names.len() > 3, "{names:?}");
    let desk = Desk::new();
    for (name, line) in names.iter().zip(scenarios.lines()) {
        assert!(line.split_whitespace().count() > 4, "each says what it shows: {line}");
        assert_eq!(desk.run(["check", name]).code, 0, "{name}");
    }
}

#[test]
fn a_scenario_by_name_is_the_file_of_that_name() {
    let desk = Desk::with("quickstart.json", QUICKSTART);
    assert_eq!(desk.run(["check", "quickstart"]).out, desk.run(["check", "quickstart.json"]).out);
}

#[test]
fn the_schema_is_json_and_names_its_parts() {
    let said = Desk::new().run(["check", "--schema"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""));
    let schema = said.json();
    assert!(schema["properties"]["protocol"]["properties"]["gossip"]["properties"]["fanout"].is_object());
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let said = Desk::new().run(["completions", shell]);
        assert_eq!((said.code, said.talk.as_str()), (0, ""), "{shell}");
        for word in ["run", "check", "new", "list", "serve", "completions", "check-determinism"] {
            assert!(said.out.contains(word), "{shell} knows {word}");
        }
    }
    let desk = Desk::with("rumormill.bash", Desk::new().run(["completions", "bash"]).out);
    assert_eq!(desk.shell("bash -n rumormill.bash").code, 0, "bash can read it");
}

#[test]
fn colour_is_for_terminals_or_for_who_asks() {
    let desk = small();
    let painted = |args: &[&str], no_color: Option<&str>| {
        let mut command = desk.command();
        no_color.map(|value| command.env("NO_COLOR", value));
        let output = command.arg("run").arg("s.json").args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap().contains('\x1b')
    };
    assert!(!painted(&[], None), "a pipe is no terminal");
    assert!(!painted(&["--color", "auto"], None));
    assert!(!painted(&["--color", "never"], None));
    assert!(painted(&["--color", "always"], None));
    assert!(painted(&["--color", "always"], Some("1")), "what is said now outdoes what is said always");
    assert!(!painted(&["--color", "always", "--json"], None), "programs want no colour");
    let said = desk.run(["run", "s.json", "--color", "always"]);
    assert!(said.out.starts_with("\x1b[1;32mPASS\x1b[0m  small"), "{said:?}");
}

#[test]
fn control_characters_never_reach_a_terminal() {
    let obeyed = |said: &Said| said.out.chars().chain(said.talk.chars()).any(|c| c.is_control() && c != '\n');
    let desk = Desk::new();
    for (what, text) in [
        ("a name", SMALL.replace("small", r"\u001b[31msmall")),
        ("a key", SMALL.replace("seed", r"\u001b[31mseed")),
        ("a node", SMALL.replace("rest", r"n0\u001b[31m")),
        ("a length", SMALL.replace("500ms", r"500ms\u0007")),
        ("a protocol", SMALL.replace("gossip", r"gossip\u001b[2J")),
        ("a bound", SMALL.replace(r#""lost": 0"#, r#""lost": "<3\u001b[31m""#)),
        ("a figure", SMALL.replace(r#""lost": 0"#, r#""lo\u001b[31mst": 0"#)),
    ] {
        desk.put("s.json", text);
        let said = desk.run(["run", "s.json"]);
        assert!(said.code == 65 && !obeyed(&said), "{what}: {said:?}");
    }
    let said = desk.run(["run", "no\x1b[31m.json"]);
    assert!(said.code == 64 && !obeyed(&said), "a file: {said:?}");
    desk.put("s.json", SMALL);
    let said = desk.run(["run", "s.json", "--set", "topology=\x1b[31m"]);
    assert!(said.code == 65 && !obeyed(&said), "an argument: {said:?}");
    let value = SMALL.replace(
        r#""settle""#,
        r#""operations": [{ "at": "1s", "node": "n1", "request": { "type": "broadcast", "message": "\u001b[31m" } }], "settle""#,
    );
    desk.put("s.json", value);
    let said = desk.run(["run", "s.json", "--set", "network.loss=1"]);
    assert!(said.code == 1 && !obeyed(&said), "a value: {said:?}");
    let about = desk.run(["run", "s.json", "--set", "about=\x1b[31m"]);
    assert!(!obeyed(&about), "the replay line: {about:?}");
}
