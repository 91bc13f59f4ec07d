//! `replay`: what people see of a run, and where its trace differs from one that was kept.

use expect_test::expect;

use crate::program::{Desk, Said};

/// Two values flood a line of three nodes, and a cut loses one of them.
const LINE: &str = r#"{
  "name": "line", "seed": 5, "nodes": 3, "topology": "line",
  "protocol": { "flood": { "retry": null } },
  "network": { "latency": { "constant": "10ms" } },
  "workload": { "broadcast": { "time_limit": "6s" } },
  "operations": [
    { "at": "1s", "client": 0, "node": "n0", "request": { "type": "broadcast", "message": 3 } },
    { "at": "5.01s", "client": 2, "node": "n2", "request": { "type": "broadcast", "message": 4 } }
  ],
  "faults": [{ "at": "500ms", "for": "1s", "fault": { "partition": [["n0..n1"], ["n2"]] } }],
  "settle": "1s",
  "expect": { "verdict": "fail" }
}
"#;

fn desk() -> Desk {
    Desk::with("line.json", LINE)
}

/// All but the line to paste, which says where the program is.
fn but_replay(said: &Said) -> String {
    let lines: Vec<&str> = said.out.lines().filter(|line| !line.starts_with("replay ")).collect();
    lines.join("\n") + "\n"
}

#[test]
fn a_run_is_a_line_for_every_event_and_a_verdict() {
    let desk = desk();
    let said = desk.run(["replay", "line.json"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    let events = desk.run(["run", "line.json", "--trace", "t"]);
    let told = said.out.lines().take_while(|line| !line.is_empty()).count();
    assert_eq!(told, desk.read("t").lines().count() - 1, "{said:?}");
    assert_eq!(said.digest(), events.digest());
    assert_eq!(desk.run(["replay", "line.json", "--set", "expect.verdict=pass"]).code, 1);
}

#[test]
fn a_window_and_a_node() {
    let said = desk().run(["replay", "line.json", "--from", "400ms", "--until", "1.02s", "--node", "n1"]);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
    expect![[r#"
           0.500000s                fault-begins  fault 0, partition n0..n1 | n2
           1.010000s  n0 -> n1      deliver       tell [{message 3, hops 1}] (sent 1.000000s)
           1.010000s  n1            event         delivered value 3, hops 1
           1.020000s  n1 -> n2      drop          cut by fault 0: tell [{message 3, hops 2}] (sent 1.010000s)

        4 of 29 events

        FAIL (as expected)  line: flood under broadcast, 3 nodes, seed 5
              strict verdict fail, which decides; Maelstrom's own pass
          - value 3 was acknowledged, but is not in the final read of n2; it never arrived there
            value 3: c0 gave it to n0 at 1.000s; 2 of 3 nodes had it, all but n2
              last hop that failed: n1 to n2, sent at 1.010s: the link was cut by faults[0], a partition

        digest          a9ae62ebb6644abb
    "#]]
    .assert_eq(&but_replay(&said));
}

#[test]
fn a_wrong_window_is_64_and_says_what_there_is() {
    let desk = desk();
    for (args, part) in [
        (&["--from", "5"][..], "is not a length of time; write a number and a unit"),
        (&["--from", "2s", "--until", "1s"], "--from 2.000s is after --until 1.000s"),
        (&["--node", "n3"], "there is no n3; the nodes are n0 to n2"),
        (&["--node", "3"], "for '--node <NODE>'"),
        (
            &["--node", "n1", "--set", r#"absent=["n1"]"#],
            "there is no n1; the nodes are n0 to n2, less those absent",
        ),
        (&["--against", "t", "--node", "n1"], "cannot be used with"),
    ] {
        let said = desk.run(["replay", "line.json"].iter().chain(args));
        assert!(said.code == 64 && said.out.is_empty() && said.talk.contains(part), "{args:?}: {said:?}");
    }
}

#[test]
fn a_pinned_digest_is_compared_as_run_does() {
    let pinned = LINE.replace(r#""verdict": "fail""#, r#""verdict": "fail", "digest": "0123456789abcdef""#);
    let desk = Desk::with("line.json", pinned);
    let said = desk.run(["replay", "line.json"]);
    assert!(
        said.code == 1 && said.out.contains("the program changed (same verdict, other trace)"),
        "{said:?}"
    );
    assert_eq!(
        desk.run(["replay", "line.json", "--seed", "5"]).code,
        0,
        "what is overridden is not compared"
    );
}

#[test]
fn a_trace_that_was_kept_is_compared_event_by_event() {
    let desk = desk();
    desk.run(["run", "line.json", "--trace", "kept"]);
    let said = desk.run(["replay", "line.json", "--against", "kept"]);
    assert!(said.code == 0 && said.out.starts_with("kept: every event the same\n"), "{said:?}");

    let said =
        desk.run(["replay", "line.json", "--against", "kept", "--set", "network.latency.constant=11ms"]);
    assert_eq!((said.code, said.talk.as_str()), (1, ""), "{said:?}");
    let (told, _) = said.out.split_once("\n\n").unwrap();
    expect![[r#"
        kept: event 9 differs
                  {"time": 1000000000, "kind": "invoke", "src": "c0", "dst": "n0", "operation": 0, "body": {"type": "broadcast", "message": 3}}
                  {"time": 1000000000, "kind": "request", "src": "c0", "dst": "n0", "operation": 0}
                  {"time": 1000000000, "kind": "event", "node": "n0", "body": {"type": "delivered", "value": 3, "hops": 0}}
                  {"time": 1000000000, "kind": "ok", "src": "n0", "dst": "c0", "operation": 0, "body": {"type": "broadcast_ok"}}
          theirs: {"time": 1010000000, "kind": "deliver", "src": "n0", "dst": "n1", "sent": 1000000000, "body": {"type": "tell", "messages": [{"message": 3, "hops": 1}], "receipt": null}}
          ours:   {"time": 1011000000, "kind": "deliver", "src": "n0", "dst": "n1", "sent": 1000000000, "body": {"type": "tell", "messages": [{"message": 3, "hops": 1}], "receipt": null}}"#]].assert_eq(told);

    let kept = desk.read("kept");
    let lines: Vec<&str> = kept.lines().collect();
    desk.put("short", lines[..lines.len() - 1].join("\n"));
    let said = desk.run(["replay", "line.json", "--against", "short"]);
    assert!(said.code == 1 && said.out.contains("theirs: (nothing more)"), "{said:?}");
}

#[test]
fn what_is_no_trace_of_this_run_is_said_to_be_none() {
    let desk = desk();
    desk.run(["run", "line.json", "--trace", "kept"]);
    let kept = desk.read("kept");
    let altered = |from: &str, to: &str| {
        assert!(kept.contains(from), "{kept}");
        kept.replacen(from, to, 1)
    };
    desk.put("empty", "");
    for (name, text, code, part) in [
        (
            "other",
            altered(r#""scenario":"line""#, r#""scenario":"ring""#),
            64,
            "of the scenario ring, and this run of line",
        ),
        (
            "seed",
            altered(r#""seed":5"#, r#""seed":6"#),
            64,
            "the trace is of seed 6, and this run of 5; give --seed 6",
        ),
        ("nodes", altered(r#""nodes":3"#, r#""nodes":4"#), 64, "of a cluster of 4, and this run of 3"),
        (
            "protocol",
            altered(r#""protocol":"flood""#, r#""protocol":"gossip""#),
            64,
            "of the protocol gossip",
        ),
        (
            "format",
            altered(r#""trace":1"#, r#""trace":2"#),
            65,
            "a trace of format 2, and this program reads format 1",
        ),
        ("none", LINE.to_owned(), 65, "this is no trace; `run line.json --trace FILE` writes one"),
        ("empty", String::new(), 65, "this is no trace"),
    ] {
        desk.put(name, text);
        let said = desk.run(["replay", "line.json", "--against", name]);
        assert!(said.code == code && said.out.is_empty() && said.talk.contains(part), "{name}: {said:?}");
        assert!(said.talk.starts_with(&format!("error: {name}: ")), "{said:?}");
    }
    let said = desk.run(["replay", "line.json", "--against", "nowhere"]);
    assert!(said.code == 74 && said.talk.starts_with("error: nowhere: "), "{said:?}");
    let newer = altered(&format!(r#""version":"{}""#, env!("CARGO_PKG_VERSION")), r#""version":"9.9.9""#);
    desk.put("newer", newer);
    let args = ["replay", "line.json", "--against", "newer", "--set", "network.latency.constant=11ms"];
    let said = desk.run(args);
    assert!(said.code == 1 && said.out.contains("(theirs is of version 9.9.9)"), "{said:?}");
}
