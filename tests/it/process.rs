//! Real processes: honest ones pass, every sin is named, and nothing outlives a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use serde_json::value::RawValue;

use crate::program::{Desk, Said};
use crate::support::root;

const RUMORMILL: &str = env!("CARGO_BIN_EXE_rumormill");

/// The node that sins, as it is now: with `--test it` alone cargo would leave an older one.
fn sinner_program() -> PathBuf {
    static BUILT: Once = Once::new();
    let path = PathBuf::from(RUMORMILL).with_file_name("examples").join("sinner");
    BUILT.call_once(|| {
        let mut cargo = Command::new(env!("CARGO"));
        let built = cargo.current_dir(root()).args(["build", "--quiet", "--example", "sinner"]).status();
        assert!(built.unwrap().success(), "the example is built");
    });
    path
}

/// Two nodes and ten echoes a second, for a second.
fn sinner(sin: &str, more: &[&str]) -> Said {
    let bin = sinner_program().display().to_string();
    let test =
        ["test", "-w", "echo", "--bin", &bin, "--node-count", "2", "--rate", "10", "--time-limit", "1"];
    let quick = ["--settle", "0", "--timeout", "0.5"];
    Desk::new().run(test.into_iter().chain(quick).chain(more.iter().copied()).chain(["--", "--sin", sin]))
}

#[test]
fn an_honest_program_passes_in_real_time() {
    let said = sinner("none", &[]);
    assert!(
        said.code == 0 && said.out.starts_with("PASS  echo-sinner: sinner under echo, 2 nodes"),
        "{said:?}"
    );
    assert!(said.out.contains("digest          none: real time is never the same twice"), "{said:?}");
    assert!(
        said.out.contains("--seed 0 -- --sin none\n"),
        "the line to paste keeps the program's arguments: {said:?}"
    );
}

#[test]
fn every_sin_is_named_with_node_line_and_cure() {
    let sins = [
        ("newline", "without an end of line: {\"body\""),
        ("joined", "two messages stand on one line; end each with a newline"),
        (
            "garbage",
            "printed a line that is no message (not an object): \\u{1b}[2Jgot an echo, answering; stdout is for messages only",
        ),
        ("not-utf-8", "not UTF-8"),
        ("extra-key", "answers echo_ok with a key too many, \"debug\""),
        ("twice", "twice: {"),
        ("wrong-reply", "in_reply_to 123456, which c"),
        ("no-reply-to", "without in_reply_to"),
        ("wrong-type", "answers with type \"echoed\": "),
        ("unknown-dest", "sends to n99, and the nodes are n0 to n1: "),
        ("service", "sends to \"lin-kv\", which is neither a node nor a client"),
        ("src", "says that its name is \"somebody\""),
        ("exit", "ended (exit status: 7) while the run went on"),
        ("mute", "did not answer init within 1s; answer it with init_ok"),
        ("refuses", "answers init with {"),
        ("late", "ms, and clients wait 500ms: {"),
        ("floods", "floods: printed more than 20000 lines within a second"),
    ];
    let check = |(sin, says): (&str, &str)| {
        let said = sinner(sin, &[]);
        let named = said.out.lines().any(|line| line.starts_with("  - n") && line.contains(says));
        assert!(sin == "mute" || !said.out.contains("did not answer init"), "{sin}: {said:?}");
        assert!(said.code == 1 && named && said.talk.is_empty(), "{sin} says `{says}`: {said:?}");
        assert!(!said.out.contains('\x1b'), "{sin}: control characters are escaped");
    };
    // Each mostly waits, so all wait together.
    std::thread::scope(|scope| sins.into_iter().for_each(|sin| _ = scope.spawn(move || check(sin))));
}

#[test]
fn who_does_not_read_is_named_and_holds_up_nobody() {
    let bin = sinner_program().display().to_string();
    let test = ["test", "-w", "echo", "--bin", &bin, "--node-count", "2", "--rate", "50000", "--settle", "0"];
    let rest =
        ["--time-limit", "1", "--timeout", "0.5", "--concurrency", "2", "--json", "--", "--sin", "deaf"];
    let said = Desk::new().run(test.into_iter().chain(rest));
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let problems = report["problems"].to_string();
    assert!(said.code == 1 && problems.contains("does not read: 10000 lines wait for it"), "{problems:.600}");
}

#[test]
fn a_flood_is_not_laid_at_the_door_of_who_is_flooded() {
    let said = sinner("floods", &["--latency", "100"]);
    let complaints: Vec<&str> = said.out.lines().filter(|line| line.starts_with("  - n")).collect();
    assert!(matches!(complaints[..], [only] if only.starts_with("  - n0, ")), "{complaints:?}");
}

#[test]
fn a_node_that_closes_its_stdin_is_named() {
    let script = r#"read init; echo '{"src": "n0", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 0}}'; exec 0<&-; sleep 60"#;
    let test = ["test", "-w", "echo", "--node-count", "1", "--time-limit", "1", "--rate", "20"];
    let rest = ["--timeout", "0.2", "--settle", "0", "--bin", "bash", "--", "-c", script];
    let said = Desk::new().run(test.into_iter().chain(rest));
    assert!(said.code != 0 && said.out.contains("closed its stdin, and is told nothing more"), "{said:?}");
}

#[test]
fn one_bad_line_does_not_mute_a_node() {
    let said = sinner("garbage", &["--json"]);
    let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["stats"]["ok-count"], report["stats"]["count"], "{report}");
    assert_eq!(report["verdict"], "fail");
}

#[test]
fn what_nodes_log_is_kept_where_it_is_asked_for() {
    let desk = Desk::new();
    let bin = sinner_program().display().to_string();
    let test =
        ["test", "-w", "echo", "--bin", &bin, "--node-count", "1", "--time-limit", "1", "--settle", "0"];
    let kept = desk.run(test.into_iter().chain(["--timeout", "0.2", "--out", "logs", "--", "--sin", "exit"]));
    assert_eq!(kept.code, 1, "{kept:?}");
    assert_eq!(std::fs::read_to_string(desk.path("logs/n0.log")).unwrap(), "this node has had enough\n");
    let shown = desk.run(test.into_iter().chain(["--timeout", "0.2", "--log-stderr", "--", "--sin", "exit"]));
    assert!(shown.talk.contains("n0: this node has had enough"), "{shown:?}");
}

#[test]
fn what_cannot_be_run_is_said() {
    let desk = Desk::new();
    for (args, code, says) in [
        (vec!["--bin", "no/such/program"], 74, "--bin no/such/program: cannot be started"),
        (vec!["--bin", "true", "--seeds", "0..3"], 64, "--seeds"),
        (vec!["--bin", "true", "--nemesis", "skew"], 64, "clocks of real processes cannot be skewed"),
        (vec!["--log-stderr"], 64, "--bin"),
        (vec!["-p", "echo", "--grace", "5"], 64, "--grace: only for real processes"),
        (vec!["-p", "echo", "--", "x"], 64, "arguments after --: only for real processes"),
    ] {
        let said =
            desk.run(["test", "-w", "echo", "--time-limit", "1"].into_iter().chain(args.iter().copied()));
        assert!(said.code == code && said.talk.contains(says), "{args:?}: {said:?}");
    }
}

#[test]
fn our_own_nodes_pass_as_processes_under_partitions_and_pauses() {
    for (workload, protocol) in [("broadcast", "gossip"), ("pn-counter", "pn-counter")] {
        let test = [
            "test",
            "-w",
            workload,
            "--bin",
            RUMORMILL,
            "--rate",
            "30",
            "--time-limit",
            "2",
            "--settle",
            "3",
        ];
        let storm =
            ["--latency", "20", "--nemesis", "partition,pause", "--nemesis-interval", "0.5", "--json"];
        let said = Desk::new().run(test.into_iter().chain(storm).chain(["--", "serve", protocol]));
        assert_eq!(said.code, 0, "{workload}: {said:?}");
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert!(report["faults"].as_array().is_some_and(|faults| faults.len() > 1), "{report}");
    }
}

/// The keys of the first line of each kind.
fn kinds(trace: &str) -> BTreeMap<String, Vec<String>> {
    let mut kinds = BTreeMap::new();
    let (mut lines, mut last) = (trace.lines(), 0);
    let keys = |line: &str| -> Vec<String> {
        let fields: IndexMap<String, Box<RawValue>> = serde_json::from_str(line).unwrap();
        fields.into_keys().collect()
    };
    kinds.insert("header".to_owned(), keys(lines.next().unwrap()));
    for line in lines {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let time = record["time"].as_u64().unwrap();
        assert!(last <= time, "time does not go back: {line}");
        last = time;
        kinds.entry(record["kind"].as_str().unwrap().to_owned()).or_insert_with(|| keys(line));
    }
    kinds
}

#[test]
fn a_real_run_is_traced_as_a_simulated_one_is() {
    let desk = Desk::new();
    let test =
        ["test", "-w", "broadcast", "--rate", "30", "--time-limit", "2", "--settle", "2", "--latency", "20"];
    let storm =
        ["--nemesis", "partition,pause,wipe", "--nemesis-interval", "0.3", "--loss", "0.1", "--trace"];
    let run = |more: &[&str]| {
        desk.run(test.iter().chain(&storm).chain(more).copied());
        std::fs::read_to_string(desk.path(more[0])).unwrap()
    };
    let real = run(&["real.jsonl", "--bin", RUMORMILL, "--", "serve", "gossip"]);
    let (real, simulated) = (kinds(&real), kinds(&run(&["simulated.jsonl", "-p", "gossip"])));
    for (kind, keys) in &real {
        assert_eq!(Some(keys), simulated.get(kind), "{kind}");
    }
    // What happens within a node is not seen from without.
    let within = ["event", "timer"];
    let unseen: Vec<&String> = simulated.keys().filter(|kind| !real.contains_key(*kind)).collect();
    assert!(unseen.iter().all(|kind| within.contains(&kind.as_str())), "{unseen:?}");
}

#[test]
fn what_is_acknowledged_by_a_node_that_is_killed_soon_after_is_forgiven() {
    let test = ["test", "-w", "broadcast", "--bin", RUMORMILL, "--node-count", "2", "--rate", "50"];
    let storm =
        ["--time-limit", "2", "--settle", "5", "--nemesis", "wipe", "--nemesis-interval", "0.3", "--json"];
    // For half a second a value lies only where it was acknowledged.
    let rest = ["--latency", "500", "--", "serve", "gossip"];
    let run = |grace: &str| {
        let said = Desk::new().run(test.iter().chain(&storm).copied().chain(["--grace", grace]).chain(rest));
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let figure = |name: &str| report["figures"][name].as_u64().unwrap();
        (said.code, figure("lost"), figure("forgiven"))
    };
    let (lenient, strict) = std::thread::scope(|scope| {
        let strict = scope.spawn(|| run("0"));
        (run("100"), strict.join().unwrap())
    });
    let (code, lost, forgiven) = lenient;
    assert!(code == 0 && lost == 0 && forgiven > 0, "{code}: {lost} lost, {forgiven} forgiven");
    let (code, lost, forgiven) = strict;
    assert!(code == 1 && lost > 0 && forgiven == 0, "{code}: {lost} lost, {forgiven} forgiven");
}

#[test]
fn the_profile_maelstrom_holds_requests_behind_messages() {
    let median = |profile: &str| {
        let test = [
            "test",
            "-w",
            "broadcast",
            "--bin",
            RUMORMILL,
            "--rate",
            "50",
            "--time-limit",
            "3",
            "--settle",
            "1",
        ];
        let rest =
            ["--latency", "50", "--topology", "line", "--profile", profile, "--json", "--", "serve", "flood"];
        let said = Desk::new().run(test.into_iter().chain(rest));
        assert_eq!(said.code, 0, "{said:?}");
        let report: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        report["figures"]["stable_latency_p50"].as_u64().unwrap()
    };
    let (ideal, maelstrom) = (median("ideal"), median("maelstrom"));
    assert!(maelstrom < ideal, "{maelstrom} < {ideal}: what waits behind a message sees it");
}

/// How many processes bear this word on their command lines.
fn alive(word: &str) -> usize {
    let lines = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        // A process may end while it is looked at.
        std::fs::read(entry.ok()?.path().join("cmdline")).ok()
    });
    lines.filter(|line| String::from_utf8_lossy(line).contains(word)).count()
}

fn until(what: impl Fn() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(20) {
        if what() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[test]
fn nothing_outlives_an_interrupted_run() {
    let word = format!("sin-{}", std::process::id());
    let mut runner = Command::new(RUMORMILL)
        .args(["test", "-w", "echo", "--node-count", "5", "--time-limit", "60", "--nemesis", "pause"])
        .args(["--nemesis-interval", "0.2", "--bin"])
        .arg(sinner_program())
        .args(["--", "--sin", &word])
        .current_dir(root().join("target"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert!(until(|| alive(&word) == 6), "five nodes and who runs them");
    std::thread::sleep(Duration::from_millis(500));
    let pid = runner.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(runner.wait().unwrap().code(), Some(130));
    assert!(until(|| alive(&word) == 0), "{} processes outlive the run", alive(&word));
}

#[test]
fn what_a_node_starts_ends_with_it() {
    let word = format!("3600.{}", std::process::id());
    let script = format!("sleep {word} & cat > /dev/null");
    let test =
        ["test", "-w", "echo", "--node-count", "2", "--time-limit", "1", "--timeout", "0.2", "--settle", "0"];
    let said = Desk::new().run(test.into_iter().chain(["--bin", "sh", "--", "-c", &script]));
    assert!(said.code != 0 && said.out.contains("did not answer init"), "{said:?}");
    assert!(until(|| alive(&word) == 0), "{} processes outlive the run", alive(&word));
}
