//! The real process: the specification's samples byte for byte, then its ends, its timers and its command line.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Child, Command, Output, Stdio as Pipe};
use std::time::Duration;

use expect_test::expect;
use rumormill::stdio::LONGEST_LINE;

use super::{INIT, READ, Sent, from_c1, text};

fn program() -> &'static str {
    env!("CARGO_BIN_EXE_rumormill")
}

/// Lets a process serve until its input ends.
fn serve(args: &[&str], input: impl Into<Vec<u8>>) -> Output {
    let mut command = assert_cmd::Command::new(program());
    command.arg("serve").args(args).write_stdin(input).timeout(Duration::from_secs(20));
    command.output().expect("the program runs")
}

/// A process whose stdin stays open after its first lines.
fn spawn(args: &[&str], input: &str) -> Child {
    let mut command = Command::new(program());
    command.arg("serve").args(args).stdin(Pipe::piped()).stdout(Pipe::piped()).stderr(Pipe::piped());
    let mut child = command.spawn().expect("the program runs");
    let stdin = child.stdin.as_mut().expect("it is piped");
    stdin.write_all(input.as_bytes()).expect("the program reads");
    child
}

/// Input and expected lines, as the tasks give them (builddistributedsystem.com, "gossip fanout" and "fanout
/// probability"). What comes after the expected lines is not theirs to say.
const SAMPLES: [(&str, &str); 4] = [
    (
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2","n3"]}}
{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":42}}
"#,
        r#"{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
"#,
    ),
    (
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":2,"message":10}}
{"src":"c1","dest":"n1","body":{"type":"broadcast","msg_id":3,"message":20}}
{"src":"c1","dest":"n1","body":{"type":"read","msg_id":4}}
"#,
        r#"{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
{"src": "n1", "dest": "c1", "body": {"type": "broadcast_ok", "in_reply_to": 2, "msg_id": 1}}
{"src": "n1", "dest": "c1", "body": {"type": "broadcast_ok", "in_reply_to": 3, "msg_id": 2}}
{"src": "n1", "dest": "c1", "body": {"type": "read_ok", "messages": [10, 20], "in_reply_to": 4, "msg_id": 3}}
"#,
    ),
    (
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"calc_fanout","msg_id":2,"nodes":5,"target_prob":0.99,"rounds":5}}
"#,
        r#"{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
"#,
    ),
    (
        r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"simulate_gossip","msg_id":2,"nodes":10,"fanout":3,"rounds":5,"trials":50}}
"#,
        r#"{"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
"#,
    ),
];

#[test]
fn every_sample_is_answered_byte_for_byte() {
    for (input, expected) in SAMPLES {
        let output = serve(&["gossip"], input);
        let lines = text(output.stdout);
        assert!(lines.starts_with(expected), "{input}\n{lines}");
        assert_eq!(output.status.code(), Some(0), "the end of stdin is a good end");
        for (at, line) in lines.lines().enumerate() {
            assert_eq!(Sent::read(line).msg_id, at as u64, "one counter from 0 over every line");
        }
    }
}

#[test]
fn a_broadcast_is_acknowledged_before_it_is_told_to_two_peers() {
    let output = serve(&["gossip", "--set", "anti_entropy=null", "--seed", "1"], SAMPLES[0].0);
    expect![[r#"
        {"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
        {"src": "n1", "dest": "c1", "body": {"type": "broadcast_ok", "in_reply_to": 2, "msg_id": 1}}
        {"src": "n1", "dest": "n2", "body": {"type": "rumor", "message": 42, "hops": 1, "msg_id": 2}}
        {"src": "n1", "dest": "n3", "body": {"type": "rumor", "message": 42, "hops": 1, "msg_id": 3}}
    "#]]
    .assert_eq(&text(output.stdout));
}

/// The answers that the tasks leave open.
#[test]
fn the_questions_of_the_samples_are_answered() {
    let answers = SAMPLES[2..].iter().map(|(input, _)| {
        let lines = text(serve(&["gossip"], *input).stdout);
        lines.lines().nth(1).expect("it answers").to_owned() + "\n"
    });
    expect![[r#"
        {"src": "n1", "dest": "c1", "body": {"type": "calc_fanout_ok", "min_fanout": 3, "miss_prob": 0.0009765625, "exact": {"per_node_miss": 5.820766091346741e-11, "p_not_all": 2.3283064365386963e-10, "expected_messages": 59.98823529481888, "min_fanout_per_node": 2, "min_fanout_atomic": 2, "method": "exact", "push-once": {"per_node_miss": 0.00390625, "p_not_all": 0.015625, "expected_messages": 14.953125, "min_fanout_per_node": 3, "min_fanout_atomic": 4, "method": "exact"}}, "in_reply_to": 2, "msg_id": 1}}
        {"src": "n1", "dest": "c1", "body": {"type": "simulate_gossip_ok", "delivery_rate": 1, "avg_rounds_to_all": 2.82, "atomic_rate": 1, "trials_reached_all": 50, "p50": 3, "p90": 3, "p99": 4, "max": 4, "delivery_rate_error": 0, "avg_rounds_to_all_error": 0.061875450936307766, "atomic_rate_error": 0, "trials": 50, "seed": 0, "in_reply_to": 2, "msg_id": 1}}
    "#]].assert_eq(&answers.collect::<String>());
}

#[test]
fn what_the_node_does_not_serve_is_an_error_to_the_asker() {
    for (protocol, kind) in [("gossip", "nonsense"), ("echo", "calc_fanout")] {
        let input = format!("{INIT}\n{}\n", from_c1(&format!(r#"{{"type": "{kind}", "msg_id": 2}}"#)));
        let output = serve(&[protocol], input);
        let answer = Sent::read(text(output.stdout).lines().nth(1).unwrap());
        assert_eq!((answer.code(), answer.in_reply_to, &*answer.dest), (Some(10), Some(2), "c1"));
    }
}

#[test]
fn questions_wait_for_init_as_all_requests_do() {
    let output = serve(&["gossip"], from_c1(r#"{"type": "calc_fanout", "msg_id": 2}"#) + "\n");
    assert_eq!(Sent::read(text(output.stdout).lines().next().unwrap()).code(), Some(11));
}

#[test]
fn nothing_in_nothing_out() {
    let output = serve(&[], "");
    assert_eq!((output.status.code(), &*output.stdout, &*output.stderr), (Some(0), &b""[..], &b""[..]));
}

#[test]
fn a_line_too_long_is_skipped_and_the_longest_is_read() {
    let line = |length: usize| {
        let empty = from_c1(r#"{"type": "broadcast", "message": "", "msg_id": 2}"#);
        empty.replace("\"\"", &format!("\"{}\"", "x".repeat(length - empty.len())))
    };
    let read = from_c1(r#"{"type": "read", "msg_id": 3}"#);
    for (length, answers) in [(LONGEST_LINE, 3), (LONGEST_LINE + 1, 2), (10_000_000, 2)] {
        let output = serve(&["--set", "fanout=0"], format!("{INIT}\n{}\n{read}\n", line(length)));
        let lines = text(output.stdout);
        assert_eq!(lines.lines().filter(|line| Sent::read(line).in_reply_to.is_some()).count(), answers);
        assert_eq!(output.stderr.is_empty(), answers == 3);
        assert_eq!(output.status.code(), Some(0));
    }
    let unended = serve(&["--set", "fanout=0"], format!("{INIT}\n{}", line(10_000_000)));
    assert_eq!((unended.status.code(), text(unended.stdout).lines().count()), (Some(0), 1));
}

#[test]
fn the_process_survives_what_the_machine_does() {
    let mut input = format!("{INIT}\n").into_bytes();
    input.extend(b"\xc3\x28\n{\0}\n\n\r\n   \n");
    input.extend(format!("{}\n", "{\"a\":".repeat(5_000)).bytes());
    input.extend(format!("{}\r\n", from_c1(r#"{"type": "read", "msg_id": 2}"#)).bytes());
    input.extend(from_c1(r#"{"type": "read", "msg_id": 3}"#).bytes());
    let output = serve(&["--set", "anti_entropy=null"], input);
    let lines = text(output.stdout);
    let answered: Vec<_> = lines.lines().map(|line| Sent::read(line).in_reply_to).collect();
    assert_eq!(answered, [Some(1), Some(2), Some(3)], "the last line needs no end");
    assert_eq!(output.status.code(), Some(0));
    expect![[r#"
        rumormill: line 2: not UTF-8: invalid utf-8 sequence of 1 bytes from index 0 (skipped, 1 so far)
        rumormill: line 3: not a message: key must be a string at line 1 column 2 (skipped, 2 so far)
        rumormill: line 7: not a message: EOF while parsing a value at line 1 column 25000 (skipped, 3 so far)
    "#]]
    .assert_eq(&text(output.stderr));
}

/// Time is real here, so a slow machine is given more of it.
#[test]
fn timers_fire_while_nobody_speaks() {
    let input = format!("{INIT}\n{}\n", from_c1(READ));
    let tags = |pause| {
        let child = spawn(&["--set", "anti_entropy=5ms"], &input);
        std::thread::sleep(Duration::from_millis(pause));
        let output = child.wait_with_output().expect("it ends with its input");
        assert_eq!(output.status.code(), Some(0));
        text(output.stdout).lines().map(|line| Sent::read(line).tag).collect::<Vec<_>>()
    };
    let tags = [50, 500, 5_000].into_iter().map(tags).find(|tags| tags.len() > 4);
    let tags = tags.expect("it says something unasked");
    assert_eq!(tags[..2], ["init_ok", "read_ok"]);
    assert!(tags[2..].iter().all(|tag| tag == "digest"), "{tags:?}");
}

#[test]
fn nothing_is_lost_while_nobody_reads_what_the_node_says() {
    const ASKED: u64 = 20_000;
    let mut child = spawn(&["echo"], &format!("{INIT}\n"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let asking = std::thread::spawn(move || {
        for number in 2..ASKED + 2 {
            let echo =
                from_c1(&format!(r#"{{"type": "echo", "msg_id": {number}, "echo": "{number:0100}"}}"#));
            writeln!(stdin, "{echo}").expect("the program reads in the end");
        }
    });
    // Both pipes are full by now, and the node waits.
    std::thread::sleep(Duration::from_millis(300));
    assert!(!asking.is_finished(), "the node holds back who asks it, and keeps no more than it must");
    let output = child.wait_with_output().expect("it ends with its input");
    asking.join().expect("all is asked");
    let answered = text(output.stdout).lines().map(|line| Sent::read(line).in_reply_to).collect::<Vec<_>>();
    assert!(answered == (1..ASKED + 2).map(Some).collect::<Vec<_>>(), "{} answers in order", answered.len());
}

#[test]
fn timers_fire_in_a_flood() {
    let mut child = spawn(&["gossip", "--set", "anti_entropy=20ms"], &format!("{INIT}\n"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let asking = std::thread::spawn(move || {
        let reads = format!("{}\n", from_c1(READ)).repeat(100);
        let began = std::time::Instant::now();
        let mut asked = 0;
        while began.elapsed() < Duration::from_secs(1) {
            stdin.write_all(reads.as_bytes()).expect("the program reads");
            asked += 100;
        }
        asked
    });
    let output = child.wait_with_output().expect("it ends with its input");
    let asked: usize = asking.join().expect("all is asked");
    let tags: Vec<String> = text(output.stdout).lines().map(|line| Sent::read(line).tag).collect();
    let count = |wanted: &str| tags.iter().filter(|tag| *tag == wanted).count();
    assert_eq!(count("read_ok"), asked);
    // Some 50 are due; a machine that does other things, too, is given its time.
    assert!(count("digest") > 10, "{} digests among {asked} answers", count("digest"));
}

#[test]
fn a_closed_stdout_is_a_quiet_end() {
    let read = from_c1(READ) + "\n";
    for period in ["5ms", "null"] {
        let mut child = spawn(&["--set", &format!("anti_entropy={period}")], &format!("{INIT}\n{read}"));
        drop(child.stdout.take());
        // Only when it writes can it see that nobody listens. Its stdin stays open.
        let mut stdin = child.stdin.take().expect("it is piped");
        let ended = (0..2_000).any(|_| {
            if period == "null" {
                // Which fails once nobody reads.
                _ = stdin.write_all(read.as_bytes());
            }
            std::thread::sleep(Duration::from_millis(5));
            child.try_wait().expect("it is ours").is_some()
        });
        drop(stdin);
        let output = child.wait_with_output().expect("it ends with its input");
        assert_eq!((output.status.code(), &*text(output.stderr)), (Some(0), ""));
        assert!(ended, "it went on with nobody to hear it");
    }
}

#[test]
fn a_wrong_command_line_says_what_would_be_right() {
    let mut said = String::new();
    for args in [
        &["nope"][..],
        &["gosip"],
        &["gossip", "--set", "fanuot=3"],
        &["gossip", "--set", "fanout=x"],
        &["gossip", "--set", "fanout=-1"],
        &["gossip", "--set", "fanout"],
        &["gossip", "--set", "anti_entropy=5"],
    ] {
        let output = serve(args, INIT);
        assert_eq!((output.status.code(), &*output.stdout), (Some(64), &b""[..]), "{args:?}");
        writeln!(said, "$ serve {}\n{}", args.join(" "), text(output.stderr)).unwrap();
    }
    expect![[r#"
        $ serve nope
        error: serve: unknown protocol `nope`
          allowed: gossip, flood, relay, echo, unique-ids, g-set, g-counter, pn-counter

        $ serve gosip
        error: serve: unknown protocol `gosip`; did you mean `gossip`?
          allowed: gossip, flood, relay, echo, unique-ids, g-set, g-counter, pn-counter

        $ serve gossip --set fanuot=3
        error: --set fanuot=3: fanuot: unknown key `fanuot`; did you mean `fanout`?
          allowed: fanout, anti_entropy

        $ serve gossip --set fanout=x
        error: --set fanout=x: fanout: "x" does not fit; write a whole number from 0 to 4294967295

        $ serve gossip --set fanout=-1
        error: --set fanout=-1: fanout: -1 does not fit; write a whole number from 0 to 4294967295

        $ serve gossip --set fanout
        error: --set fanout: write --set KEY=VALUE

        $ serve gossip --set anti_entropy=5
        error: --set anti_entropy=5: anti_entropy: : 5 does not fit; write a number and a unit in quotes, such as "250ms", or null for never

    "#]]
    .assert_eq(&said);
}

/// Comparing notes without a pause would leave no time for anything else.
#[test]
fn an_interval_of_nothing_is_refused_or_at_least_lets_the_node_answer() {
    let read = from_c1(READ);
    let mut command = assert_cmd::Command::new(program());
    command.args(["serve", "--set", "anti_entropy=0s"]).timeout(Duration::from_millis(500));
    let output = command.write_stdin(format!("{INIT}\n{read}\n{read}\n")).output().unwrap();
    let answers =
        output.stdout.split(|byte| *byte == b'\n').filter(|line| line.windows(7).any(|w| w == b"read_ok"));
    assert!(output.status.code() == Some(64) || answers.count() == 2, "{:?}", output.status);
}
