//! What is wrong with a file is said with its place, its path, and what to write instead; one line a case.
//!
//! The cases edit one small valid file, so that a place is a line and a column of that file or near it.

use crate::program::{Desk, Said};

/// The file that the cases edit.
const GOOD: &str = r#"{
  "name": "good",
  "nodes": 5,
  "protocol": { "gossip": { "fanout": 2 } },
  "workload": { "broadcast": { "rate": 10.0, "time_limit": "5s" } },
  "network": { "latency": { "constant": "5ms" }, "loss": 0.1 },
  "faults": [
    { "at": "1s", "for": "1s", "fault": { "partition": [["n0..n1"], ["n2"]] } },
    { "at": "2s", "fault": { "cut": { "from": ["n0"], "to": ["n1"] } } }
  ],
  "operations": [
    { "at": "1s", "node": "n1", "request": { "type": "broadcast", "message": 1 } }
  ],
  "nemesis": { "kinds": ["crash", "pause"], "interval": "2s" },
  "expect": { "verdict": "pass", "lost": 0 }
}
"#;

fn check(contents: impl AsRef<[u8]>) -> Said {
    Desk::with("s.json", contents).run(["check", "s.json"])
}

/// Replaces a part of the good file, and says what is wrong with what the program says of it: the beginning and all the
/// parts that it should have.
fn case((part, other, begins, parts): &(&str, &str, &str, &[&str])) -> Option<String> {
    assert_eq!(GOOD.matches(part).count(), 1, "{part} is in the good file once");
    misfit(GOOD.replace(part, other), &format!("{part} -> {other}"), begins, parts)
}

fn misfit(contents: impl AsRef<[u8]>, what: &str, begins: &str, parts: &[&str]) -> Option<String> {
    let said = check(contents);
    let fine = said.code == 65
        && said.out.is_empty()
        && said.talk.starts_with(&format!("error: s.json:{begins}"))
        && parts.iter().all(|part| said.talk.contains(part));
    (!fine).then(|| format!("{what}: expected `{begins}` and {parts:?}, exit {}\n{}", said.code, said.talk))
}

fn assert_none(wrong: impl Iterator<Item = String>) {
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_file_of_the_cases_is_good() {
    let said = check(GOOD);
    assert_eq!((said.code, said.talk.as_str()), (0, ""), "{said:?}");
}

#[test]
fn what_does_not_fit_its_key_is_placed() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        // The wrong type.
        (r#""nodes": 5"#, r#""nodes": "5""#, "3:3: nodes: ", &["a whole number", "\"5\""]),
        (r#""nodes": 5"#, r#""nodes": 5.5"#, "3:3: nodes: ", &["a whole number", "5.5"]),
        (r#""nodes": 5"#, r#""nodes": null"#, "3:3: nodes: ", &["a whole number", "null"]),
        (r#""name": "good""#, r#""name": 7"#, "2:3: name: ", &["7", "a string"]),
        (r#""fanout": 2"#, r#""fanout": -1"#, "4:29: protocol.gossip.fanout: ", &["-1", "a whole number"]),
        (r#""rate": 10.0"#, r#""rate": "x""#, "5:32: workload.broadcast.rate: ", &["\"x\"", "a number"]),
        (r#"{ "constant": "5ms" }"#, r#"5"#, "6:16: network.latency: ", &["allowed: constant, uniform, "]),
        (r#"["crash", "pause"]"#, r#""crash""#, "14:16: nemesis.kinds: ", &["\"crash\"", "a list"]),
        (r#"["crash", "pause"]"#, r#"[3]"#, "14:26: nemesis.kinds.0: ", &["allowed: partition, crash, "]),
        (r#"{ "fanout": 2 }"#, r#"3"#, "4:17: protocol.gossip: ", &["3", "an object"]),
        (r#"{ "from": ["n0"], "to": ["n1"] }"#, r#"["n0"]"#, "9:30: faults.1.fault.cut", &["an object"]),
        // An object is never read from a list, in whatever order.
        (
            r#"{ "from": ["n0"], "to": ["n1"] }"#,
            r#"[["n0"], ["n1"]]"#,
            "9:30: faults.1.fault.cut",
            &["an object"],
        ),
        (r#"{ "fanout": 2 }"#, r#"[2, "1s"]"#, "4:17: protocol.gossip: ", &["an object"]),
        // A key that is missing.
        (r#""nodes": 5,"#, "", "1:1: ", &["the key `nodes` is missing"]),
        (r#"{ "at": "2s", "fault""#, r#"{ "fault""#, "9:5: faults.1: ", &["the key `at` is missing"]),
        (r#"{ "from": ["n0"], "#, "{ ", "9:30: faults.1.fault.cut: ", &["the key `from` is missing"]),
        (r#""node": "n1", "#, "", "12:5: operations.0: ", &["the key `node` is missing"]),
        (r#""kinds": ["crash", "pause"], "#, "", "14:3: nemesis: ", &["the key `kinds` is missing"]),
        // A key that is given twice.
        (r#""nodes": 5"#, r#""nodes": 5, "nodes": 6"#, "3:15: nodes: ", &["twice"]),
        (r#""fanout": 2"#, "\"fanout\": 2,\n\"fanout\": 2", "5:1: protocol.gossip.fanout: ", &["twice"]),
        (r#""lost": 0"#, r#""lost": 0, "lost": "<3""#, "15:45: expect.lost: ", &["twice"]),
        // Two of what there can be one of.
        (
            r#"{ "gossip": { "fanout": 2 } }"#,
            r#"{ "gossip": {}, "mine": {} }"#,
            "4:3: protocol: ",
            &["both `gossip` and `mine`", "only one"],
        ),
        (r#"{ "gossip": { "fanout": 2 } }"#, "{}", "4:3: protocol: ", &["write one name"]),
        (
            r#"{ "constant": "5ms" }"#,
            r#"{ "constant": "5ms", "exponential": { "mean": "1s" } }"#,
            "6:",
            &["network.latency: ", "only", "constant", "exponential"],
        ),
    ];
    assert_none(cases.iter().filter_map(case));
}

#[test]
fn what_is_out_of_bounds_is_placed() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (r#""nodes": 5"#, r#""nodes": 0"#, "3:3: nodes: ", &["from 1 to 1000000"]),
        (r#""nodes": 5"#, r#""nodes": 1000001"#, "3:3: nodes: ", &["from 1 to 1000000"]),
        (
            r#""nodes": 5"#,
            r#""nodes": 5, "seed": 18446744073709551616"#,
            "3:15: seed: ",
            &["18446744073709551616"],
        ),
        (r#""nodes": 5"#, r#""nodes": 5, "seed": -1"#, "3:15: seed: ", &["-1"]),
        (r#""nodes": 5"#, r#""nodes": 5, "seed": 1e400"#, "3:15: seed: ", &["1e400 is too large"]),
        (r#""nodes": 5"#, r#""nodes": 5, "format": 2"#, "3:15: format: ", &["format 1, not 2"]),
        (r#""nodes": 5"#, r#""nodes": 5, "concurrency": 0"#, "3:15: concurrency: ", &["from 1 to 1000000"]),
        (r#""nodes": 5"#, r#""nodes": 5, "timeout": "0s""#, "3:15: timeout: ", &["give a length"]),
        (r#""nodes": 5"#, r#""nodes": 5, "absent": ["n5"]"#, "3:15: absent: ", &["no n5", "n0 to n4"]),
        (r#""nodes": 5"#, r#""nodes": 5, "absent": ["n0..n4"]"#, "3:15: absent: ", &["no node is left"]),
        (r#""name": "good""#, r#""name": """#, "2:3: name: ", &["write a short name"]),
        (r#""name": "good""#, r#""name": "a/b""#, "2:3: name: ", &["without /"]),
        (r#""loss": 0.1"#, r#""loss": 1.01"#, "6:50: network.loss: ", &["1.01", "from 0 to 1"]),
        (r#""loss": 0.1"#, r#""loss": -0.1"#, "6:50: network.loss: ", &["-0.1", "from 0 to 1"]),
        (r#""rate": 10.0"#, r#""rate": 0"#, "5:32: workload.broadcast.rate: ", &["above 0"]),
        (r#""rate": 10.0"#, r#""rate": 1e7"#, "5:32: workload.broadcast.rate: ", &["at most 1000000"]),
        (
            r#"{ "constant": "5ms" }"#,
            r#"{ "uniform": { "min": "2s", "max": "1s" } }"#,
            "6:16: network.latency",
            &["min 2s is longer than max 1s"],
        ),
        (
            r#"{ "constant": "5ms" }"#,
            r#"{ "lognormal": { "median": "1s", "sigma": 11 } }"#,
            "6:16: network.latency",
            &["sigma 11", "from 0 to 10"],
        ),
        // Lengths of time.
        (r#""5ms""#, r#""5""#, "6:29: network.latency.constant: ", &["`5` is not a length", "\"250ms\""]),
        (r#""5ms""#, r#""-5ms""#, "6:29: network.latency.constant: ", &["`-5ms` is not a length"]),
        (r#""5ms""#, r#""5 days""#, "6:29: network.latency.constant: ", &["`5 days` is not a length"]),
        (r#""5ms""#, r#""1001h""#, "6:29: network.latency.constant: ", &["`1001h`", "length"]),
        (r#""5ms""#, r#"5"#, "6:29: network.latency.constant: ", &["5", "\"250ms\""]),
        (r#""5s""#, r#""""#, "5:46: workload.broadcast.time_limit: ", &["`` is not a length"]),
        // Faults.
        (r#""for": "1s""#, r#""for": "0s""#, "8:19: faults.0.for: ", &["give a length, or leave `for` out"]),
        (r#"["n2"]]"#, r#"["n5"]]"#, "8:69: faults.0.fault.partition.1: ", &["no n5", "n0 to n4"]),
        (r#"["n2"]]"#, r#"["n1..n2"]]"#, "8:69: faults.0.fault.partition.1: ", &["n1 is named twice"]),
        (r#"["n2"]]"#, r#"[]]"#, "8:69: faults.0.fault.partition.1: ", &["no node is named"]),
        (r#"["n2"]]"#, r#"["2"]]"#, "8:69: faults.0.fault.partition.1", &["`2` names no node", "\"n3\""]),
        (r#"["n2"]]"#, r#"["n2..n1"]]"#, "8:69: faults.0.fault.partition.1", &["`n2..n1` names no node"]),
        (r#"["n2"]]"#, r#"["n02"]]"#, "8:69: faults.0.fault.partition.1", &["`n02` names no node"]),
        (r#"["n2"]]"#, r#"["rest", "n2"]]"#, "8:69: faults.0.fault.partition.1", &["\"rest\" stands alone"]),
        (r#", ["n2"]]"#, r#"]"#, "8:43: faults.0.fault.partition: ", &["two groups or more"]),
        (
            r#"[["n0..n1"], ["n2"]]"#,
            r#"[["rest"], ["rest"]]"#,
            "8:43: faults.0.fault.partition: ",
            &["only one"],
        ),
        (r#""to": ["n1"]"#, r#""to": ["n7"]"#, "9:55: faults.1.fault.cut.to: ", &["no n7"]),
        (
            r#"{ "cut": { "from": ["n0"], "to": ["n1"] } }"#,
            r#"{ "link": {} }"#,
            "9:30: faults.1.fault.link: ",
            &["changes nothing"],
        ),
        (
            r#"{ "cut": { "from": ["n0"], "to": ["n1"] } }"#,
            r#"{ "crash": [] }"#,
            "9:30: faults.1.fault.crash: ",
            &["no node is named"],
        ),
        (
            r#"{ "cut": { "from": ["n0"], "to": ["n1"] } }"#,
            r#""crash""#,
            "9:19: faults.1.fault: ",
            &["`crash` needs its particulars"],
        ),
        (r#""interval": "2s""#, r#""interval": "0s""#, "14:45: nemesis.interval: ", &["give a length"]),
        (r#""pause"]"#, r#""crash"]"#, "14:35: nemesis.kinds.1: ", &["twice"]),
        // More faults than fit into memory.
        (r#""interval": "2s""#, r#""interval": "10us""#, "14:45: nemesis.interval: ", &[]),
        // Operations.
        (
            r#""at": "1s", "node""#,
            r#""at": "6s", "node""#,
            "12:7: operations.0.at: ",
            &["6", "time limit of 5s"],
        ),
        (r#""node": "n1""#, r#""node": "n5""#, "12:19: operations.0.node: ", &["no n5", "n0 to n4"]),
        (r#""node": "n1""#, r#""node": "x""#, "12:19: operations.0.node: ", &["`x` names no node"]),
        (
            r#""node": "n1""#,
            r#""client": 1000000, "node": "n1""#,
            "12:19: operations.0.client: ",
            &["0 to 999999"],
        ),
        (
            r#""type": "broadcast""#,
            r#""type": "brodcast""#,
            "12:46: operations.0.request.type: ",
            &["did you mean `broadcast`?", "read"],
        ),
        (r#""type": "broadcast", "#, r#""#, "12:33: operations.0.request: ", &["no `type`"]),
        (r#""message": 1"#, r#""message": 1, "mesage": 2"#, "12:", &["operations.0.request", "`mesage`"]),
        (r#""message": 1"#, r#""mesage": 1"#, "12:", &["operations.0.request", "`message`"]),
    ];
    assert_none(cases.iter().filter_map(case));
}

#[test]
fn what_names_nothing_there_is_is_placed() {
    let cases: &[(&str, &str, &str, &[&str])] = &[
        (
            r#""gossip""#,
            r#""plumtree""#,
            "4:17: protocol.plumtree: ",
            &["unknown protocol `plumtree`", "allowed: gossip"],
        ),
        (
            r#""gossip""#,
            r#""gosip""#,
            "4:17: protocol.gosip: ",
            &["did you mean `gossip`?", "allowed: gossip"],
        ),
        (
            r#""broadcast": { "rate""#,
            r#""counter": { "rate""#,
            "5:17: workload.counter: ",
            &["protocol `gossip` serves the workload `broadcast`, not `counter`"],
        ),
        (r#""lost": 0"#, r#""losst": 0"#, "15:34: expect.losst: ", &["did you mean `lost`?", "msgs_per_op"]),
        (r#""lost": 0"#, r#""apples": 0"#, "15:34: expect.apples: ", &["unknown", "lost"]),
        (r#""lost": 0"#, r#""lost": "<x""#, "15:34: expect.lost: ", &["`<x` is not a bound", "\"<600ms\""]),
        (r#""lost": 0"#, r#""lost": true"#, "15:34: expect.lost: ", &["true", "a bound"]),
        (r#""lost": 0"#, r#""lost": null"#, "15:34: expect.lost: ", &["a bound"]),
        (
            r#""lost": 0"#,
            r#""digest": "90e97afdff208dfB""#,
            "15:34: expect.digest: ",
            &["16 hexadecimal digits"],
        ),
        (
            r#""lost": 0"#,
            r#""digest": "90e97afdff208df""#,
            "15:34: expect.digest: ",
            &["16 hexadecimal digits"],
        ),
        (r#""lost": 0"#, r#""digest": 5"#, "15:34: expect.digest: ", &["5"]),
    ];
    assert_none(cases.iter().filter_map(case));
}

#[test]
fn what_is_not_a_file_of_json_is_placed() {
    let deep = |levels: usize| format!("{{\"about\": {}{}}}", "[".repeat(levels), "]".repeat(levels));
    let cases: &[(&[u8], &str, &[&str])] = &[
        (b"", "1:1: ", &["not JSON"]),
        (b"\n\n", "", &["not JSON"]),
        (b"scenario", "1:1: ", &["not JSON"]),
        (b"{\n  \"name\": \"a\",\n}", "3:1: ", &["not JSON"]),
        (b"{\n  \"name\": 'a'\n}", "2:11: ", &["not JSON"]),
        (b"{\n  // a comment\n}", "2:3: ", &["not JSON"]),
        (b"{\n  \"name\": \"a\"\n", "3:", &["not JSON"]),
        (b"{} {}", "1:4: ", &["not JSON"]),
        (b"{\"name\": \"a\xff\"}", "1:12: ", &["UTF-8"]),
        ("{\"about\": \"ä\", \"nmae\": 1}".as_bytes(), "1:16: nmae: ", &["did you mean `name`?"]),
        // A byte order mark is no character.
        (b"\xef\xbb\xbf{\"nmae\": 1}", "1:2: nmae: ", &["did you mean `name`?"]),
        (b"null", "1:1: ", &["an object"]),
        (b"[1, 2]", "1:1: ", &["an object"]),
        (b"\"quickstart\"", "1:1: ", &["an object"]),
        (b"{}", "1:1: ", &["the key `name` is missing"]),
        // A key is found where it stands, however it is written.
        (b"{\"about\": \"nmae\",\n\"n\\u006dae\": 1}", "2:1: nmae: ", &["did you mean `name`?"]),
        (b"{\"name\": \"\\ud800\"}", "1:10: name: ", &[]),
    ];
    let deep = [deep(63), deep(65), deep(100_000)];
    let deep = [
        misfit(&deep[0], "63 levels", "1:2: about: ", &["a string"]),
        misfit(&deep[1], "65 levels", "1:", &["nested deeper than 64 levels"]),
        misfit(&deep[2], "100000 levels", "1:", &["nested deeper than 64 levels"]),
    ];
    let files = cases
        .iter()
        .map(|(bytes, begins, parts)| misfit(bytes, &String::from_utf8_lossy(bytes), begins, parts));
    assert_none(files.chain(deep).flatten());
}

#[test]
fn columns_count_characters() {
    for text in ["{\"about\": \"NNN\", tru}", "{\"about\": \"NNN\", \"nmae\": 1}"] {
        let (plain, other) = (check(text.replace("NNN", "eee")), check(text.replace("NNN", "ééé")));
        assert_eq!(plain.talk, other.talk);
    }
}

#[test]
fn a_place_is_said_once() {
    let text = GOOD.replace(r#""message": 1"#, r#""mesage": 1"#);
    let said = check(text);
    assert!(!said.talk.contains(" at line "), "a second place, of no file: {}", said.talk);
    let said = check(b"{\"name\": \"\\ud800\"}");
    assert!(!said.talk.contains(" at line "), "a second place, of no file: {}", said.talk);
}

#[test]
fn no_message_speaks_of_the_programs_own_types() {
    for (part, other) in [
        (r#""nodes": 5"#, r#""nodes": "5""#),
        (r#""nodes": 5"#, r#""nodes": 5, "seed": 18446744073709551616"#),
        (r#""loss": 0.1"#, r#""loss": "a""#),
        (r#""5ms""#, "5"),
        (r#"["crash", "pause"]"#, r#"{}"#),
        (r#""name": "good""#, r#""name": null"#),
    ] {
        let said = check(GOOD.replace(part, other));
        for word in ["u64", "u32", "f64", "unit value", "a sequence", "a map", "floating point", "struct "] {
            assert!(!said.talk.contains(word), "`{word}` in {}", said.talk);
        }
    }
}
