//! The rules of the wire, line by line: what is answered, how, and what is only counted.

use expect_test::expect;
use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::stdio::{MOST_WAITING_BYTES, MOST_WAITING_LINES, Stdio};
use rumormill::time::{Span, Time};

use super::{INIT, calm, from_c1, line, say, started, take, transcript};

#[test]
fn before_init_requests_are_refused_and_the_rest_waits() {
    let lines = [
        from_c1(r#"{"type": "read", "msg_id": 4}"#),
        r#"{"src": "c1", "dest": "whoever", "body": {"type": "broadcast", "msg_id": 5}}"#.to_owned(),
        from_c1(r#"{"type": "topology", "msg_id": 6, "topology": {}}"#),
        line("n2", r#"{"type": "rumor", "message": "early", "hops": 1, "msg_id": 0}"#),
        line("n2", r#"{"type": "rumor", "message": "late", "hops": 1, "in_reply_to": 3, "msg_id": 1}"#),
        from_c1(r#"{"type": "error", "code": 13, "text": "!", "msg_id": 7}"#),
        from_c1(r#"{"type": "calc_fanout", "msg_id": 8}"#),
        INIT.to_owned(),
        from_c1(r#"{"type": "read", "msg_id": 9}"#),
    ];
    expect![[r#"
        < {"src": "c1", "dest": "n1", "body": {"type": "read", "msg_id": 4}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 11, "text": "not initialised yet: send `init` first", "in_reply_to": 4, "msg_id": 0}}
        < {"src": "c1", "dest": "whoever", "body": {"type": "broadcast", "msg_id": 5}}
        > {"src": "whoever", "dest": "c1", "body": {"type": "error", "code": 11, "text": "not initialised yet: send `init` first", "in_reply_to": 5, "msg_id": 1}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 6, "topology": {}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 11, "text": "not initialised yet: send `init` first", "in_reply_to": 6, "msg_id": 2}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "message": "early", "hops": 1, "msg_id": 0}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "message": "late", "hops": 1, "in_reply_to": 3, "msg_id": 1}}
        < {"src": "c1", "dest": "n1", "body": {"type": "error", "code": 13, "text": "!", "msg_id": 7}}
        < {"src": "c1", "dest": "n1", "body": {"type": "calc_fanout", "msg_id": 8}}
        < {"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]}}
        > {"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 3}}
        > {"src": "n1", "dest": "n3", "body": {"type": "rumor", "message": "early", "hops": 2, "msg_id": 4}}
        > {"src": "n1", "dest": "n3", "body": {"type": "rumor", "message": "late", "hops": 2, "msg_id": 5}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 10, "text": "unknown type \"calc_fanout\"", "in_reply_to": 8, "msg_id": 6}}
        ! skipped
        < {"src": "c1", "dest": "n1", "body": {"type": "read", "msg_id": 9}}
        > {"src": "n1", "dest": "c1", "body": {"type": "read_ok", "messages": ["early", "late"], "in_reply_to": 9, "msg_id": 7}}
    "#]].assert_eq(&transcript(&mut calm(), &lines));
}

#[test]
fn an_init_that_makes_no_sense_leaves_the_node_waiting_for_one_that_does() {
    let init = |rest: &str| from_c1(&format!(r#"{{"type": "init", "msg_id": 1{rest}}}"#));
    let lines = [
        init(""),
        init(r#", "node_id": "n1""#),
        init(r#", "node_id": "n1", "node_ids": []"#),
        init(r#", "node_id": "n1", "node_ids": ["n2"]"#),
        init(r#", "node_id": "n1", "node_ids": ["n1", "n2", "n1"]"#),
        init(r#", "node_id": 1, "node_ids": [1]"#),
        init(r#", "node_id": "n1", "node_ids": "n1""#),
        init(r#", "node_id": "n1", "node_id": "n1", "node_ids": ["n1"]"#),
        from_c1(r#"{"type": "init", "node_id": "n1", "node_ids": []}"#),
        init(r#", "in_reply_to": 3, "node_id": "n1", "node_ids": ["n1"]"#),
        from_c1(r#"{"type": "read", "msg_id": 2}"#),
        INIT.to_owned(),
        from_c1(r#"{"type": "init", "msg_id": 3, "node_id": "n9", "node_ids": ["n9"]}"#),
        from_c1(r#"{"type": "init", "msg_id": 4, "node_id": 4}"#),
        from_c1(r#"{"type": "init"}"#),
        from_c1(r#"{"type": "read", "msg_id": 5}"#),
    ];
    expect![[r#"
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "missing field `node_id`", "in_reply_to": 1, "msg_id": 0}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1"}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "missing field `node_ids`", "in_reply_to": 1, "msg_id": 1}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": []}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "node_ids lacks node_id \"n1\"", "in_reply_to": 1, "msg_id": 2}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n2"]}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "node_ids lacks node_id \"n1\"", "in_reply_to": 1, "msg_id": 3}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n1"]}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "node_ids names \"n1\" twice", "in_reply_to": 1, "msg_id": 4}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": 1, "node_ids": [1]}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "invalid type: integer `1`, expected a string", "in_reply_to": 1, "msg_id": 5}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": "n1"}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "invalid type: string \"n1\", expected a sequence", "in_reply_to": 1, "msg_id": 6}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_id": "n1", "node_ids": ["n1"]}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "duplicate field `node_id`", "in_reply_to": 1, "msg_id": 7}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "node_id": "n1", "node_ids": []}}
        ! skipped
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 1, "in_reply_to": 3, "node_id": "n1", "node_ids": ["n1"]}}
        < {"src": "c1", "dest": "n1", "body": {"type": "read", "msg_id": 2}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 11, "text": "not initialised yet: send `init` first", "in_reply_to": 2, "msg_id": 8}}
        < {"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]}}
        > {"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 9}}
        ! skipped
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 3, "node_id": "n9", "node_ids": ["n9"]}}
        > {"src": "n1", "dest": "c1", "body": {"type": "init_ok", "in_reply_to": 3, "msg_id": 10}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init", "msg_id": 4, "node_id": 4}}
        > {"src": "n1", "dest": "c1", "body": {"type": "init_ok", "in_reply_to": 4, "msg_id": 11}}
        < {"src": "c1", "dest": "n1", "body": {"type": "init"}}
        < {"src": "c1", "dest": "n1", "body": {"type": "read", "msg_id": 5}}
        > {"src": "n1", "dest": "c1", "body": {"type": "read_ok", "messages": [], "in_reply_to": 5, "msg_id": 12}}
    "#]].assert_eq(&transcript(&mut calm(), &lines));
}

#[test]
fn what_is_no_message_is_counted_and_survived() {
    let mut host = started();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let garbage: Vec<Vec<u8>> = vec![
        b"garbage".to_vec(),
        b"\0".to_vec(),
        b"{}".to_vec(),
        b"null".to_vec(),
        b"[]".to_vec(),
        b"\xff\xfe{}".to_vec(),
        br#"{"src": "c1", "dest": "n1"}"#.to_vec(),
        br#"{"src": 1, "dest": "n1", "body": {"type": "read", "msg_id": 1}}"#.to_vec(),
        br#"{"src": "c1", "dest": null, "body": {"type": "read", "msg_id": 1}}"#.to_vec(),
        from_c1(r#"{"type": "read", "msg_id": 1"#).into_bytes(),
        from_c1(r#"{"type": "read", "msg_id": 1}} {"#).into_bytes(),
        from_c1("{\"type\": \"read\", \"msg_id\": 1, \"x\": \"\u{0}\"}").into_bytes(),
        from_c1(&deep(5_000)).into_bytes(),
        from_c1(&"{\"body\":".repeat(5_000)).into_bytes(),
        // A message is an object, and so is its body: a list of the same things is neither.
        br#"["c1", "n1", {"type": "read", "msg_id": 1}]"#.to_vec(),
        from_c1(r#"["read", 1, null]"#).into_bytes(),
        br#"["c1", "n1", ["read", 1, null]]"#.to_vec(),
    ];
    for (at, line) in garbage.iter().enumerate() {
        host.line(line, Time::ZERO);
        let out = host.take_output();
        let line = String::from_utf8_lossy(&line[..line.len().min(80)]);
        assert_eq!(String::from_utf8_lossy(&out.lines).lines().next(), None, "{line}");
        assert_eq!((out.log.len(), host.skipped()), (1, at as u64 + 1), "{line}");
    }
    for blank in ["", " ", "\r\n", "\t \n"] {
        assert_eq!(say(&mut host, blank, Time::ZERO), []);
    }
    assert_eq!(host.skipped(), garbage.len() as u64, "an empty line is nothing at all");
    let read = from_c1(r#"{"type": "read", "msg_id": 2}"#) + "\r\n";
    assert_eq!(
        say(&mut host, read, Time::ZERO)[0].said,
        r#"{"type": "read_ok", "messages": [], "in_reply_to": 2"#
    );
}

#[test]
fn what_cannot_be_done_is_refused_with_the_reason() {
    let rumor = |rest: &str| line("n2", &format!(r#"{{"type": "rumor", "msg_id": 7{rest}}}"#));
    let lines = [
        INIT.to_owned(),
        from_c1(r#"{"msg_id": 1}"#),
        r#"{"src": "c1", "dest": "n9", "body": {"msg_id": 1}}"#.to_owned(),
        from_c1(r#"{"type": 5, "msg_id": 2}"#),
        from_c1(r#"{"type": "", "msg_id": 3}"#),
        from_c1(r#"{"type": "Read", "msg_id": 4}"#),
        from_c1(r#"{"type": "broadcast", "msg_id": 5}"#),
        from_c1(r#"{"type": "broadcast", "msg_id": 6, "message": 1, "message": 2}"#),
        from_c1(r#"{"type": "rumor", "msg_id": 7, "message": 1, "hops": 1}"#),
        line("n1", r#"{"type": "rumor", "msg_id": 7, "message": 1, "hops": 1}"#),
        rumor(""),
        rumor(r#", "message": 1"#),
        rumor(r#", "message": 1, "hops": -1"#),
        rumor(r#", "message": 1, "hops": 1.0"#),
        rumor(r#", "message": 1, "hops": 1e400"#),
        rumor(r#", "message": 1, "hops": 4294967296"#),
        rumor(r#", "message": 1, "hops": 18446744073709551616"#),
        line("n2", r#"{"type": "digest", "msg_id": 8, "sums": [18446744073709551616]}"#),
        line("n2", r#"{"type": "differ", "msg_id": 9, "of": null, "buckets": [], "have": []}"#),
        line("n2", r#"{"type": "repair", "msg_id": 10, "messages": {}, "want": []}"#),
        line("n2", r#"{"type": "broadcast_ok", "msg_id": 11}"#),
        from_c1(r#"{"type": "read", "msg_id": 12}"#),
    ];
    expect![[r#"
        < {"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]}}
        > {"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
        < {"src": "c1", "dest": "n1", "body": {"msg_id": 1}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "the body has no `type`", "in_reply_to": 1, "msg_id": 1}}
        < {"src": "c1", "dest": "n9", "body": {"msg_id": 1}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "the body has no `type`", "in_reply_to": 1, "msg_id": 2}}
        < {"src": "c1", "dest": "n1", "body": {"type": 5, "msg_id": 2}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "the body's `type` is not a string", "in_reply_to": 2, "msg_id": 3}}
        < {"src": "c1", "dest": "n1", "body": {"type": "", "msg_id": 3}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 10, "text": "unknown type \"\"", "in_reply_to": 3, "msg_id": 4}}
        < {"src": "c1", "dest": "n1", "body": {"type": "Read", "msg_id": 4}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 10, "text": "unknown type \"Read\"", "in_reply_to": 4, "msg_id": 5}}
        < {"src": "c1", "dest": "n1", "body": {"type": "broadcast", "msg_id": 5}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "missing field `message`", "in_reply_to": 5, "msg_id": 6}}
        < {"src": "c1", "dest": "n1", "body": {"type": "broadcast", "msg_id": 6, "message": 1, "message": 2}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "duplicate field `message`", "in_reply_to": 6, "msg_id": 7}}
        < {"src": "c1", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 1}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 10, "text": "unknown type \"rumor\"", "in_reply_to": 7, "msg_id": 8}}
        < {"src": "n1", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 1}}
        > {"src": "n1", "dest": "n1", "body": {"type": "error", "code": 10, "text": "unknown type \"rumor\"", "in_reply_to": 7, "msg_id": 9}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "missing field `message`", "in_reply_to": 7, "msg_id": 10}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "missing field `hops`", "in_reply_to": 7, "msg_id": 11}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": -1}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid value: integer `-1`, expected u32", "in_reply_to": 7, "msg_id": 12}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 1.0}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid type: floating point `1.0`, expected u32", "in_reply_to": 7, "msg_id": 13}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 1e400}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "number out of range", "in_reply_to": 7, "msg_id": 14}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 4294967296}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid value: integer `4294967296`, expected u32", "in_reply_to": 7, "msg_id": 15}}
        < {"src": "n2", "dest": "n1", "body": {"type": "rumor", "msg_id": 7, "message": 1, "hops": 18446744073709551616}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid type: floating point `1.8446744073709552e+19`, expected u32", "in_reply_to": 7, "msg_id": 16}}
        < {"src": "n2", "dest": "n1", "body": {"type": "digest", "msg_id": 8, "sums": [18446744073709551616]}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid type: floating point `1.8446744073709552e+19`, expected u64", "in_reply_to": 8, "msg_id": 17}}
        < {"src": "n2", "dest": "n1", "body": {"type": "differ", "msg_id": 9, "of": null, "buckets": [], "have": []}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid type: null, expected u64", "in_reply_to": 9, "msg_id": 18}}
        < {"src": "n2", "dest": "n1", "body": {"type": "repair", "msg_id": 10, "messages": {}, "want": []}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 12, "text": "invalid type: map, expected a sequence", "in_reply_to": 10, "msg_id": 19}}
        < {"src": "n2", "dest": "n1", "body": {"type": "broadcast_ok", "msg_id": 11}}
        > {"src": "n1", "dest": "n2", "body": {"type": "error", "code": 10, "text": "unknown type \"broadcast_ok\"", "in_reply_to": 11, "msg_id": 20}}
        < {"src": "c1", "dest": "n1", "body": {"type": "read", "msg_id": 12}}
        > {"src": "n1", "dest": "c1", "body": {"type": "read_ok", "messages": [], "in_reply_to": 12, "msg_id": 21}}
    "#]].assert_eq(&transcript(&mut calm(), &lines));
}

#[test]
fn a_value_too_deep_is_refused_and_the_deepest_is_kept() {
    let mut host = started();
    for (depth, code) in [(100, None), (101, Some(12)), (5_000, Some(12))] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let value = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            let line = from_c1(&format!(r#"{{"type": "broadcast", "msg_id": 1, "message": {value}}}"#));
            assert_eq!(say(&mut host, line, Time::ZERO)[0].code(), code, "{depth} times {open}");
        }
    }
    let read = say(&mut host, from_c1(r#"{"type": "read", "msg_id": 1}"#), Time::ZERO);
    assert!(serde_json::from_str::<serde_json::Value>(&read[0].line).is_ok(), "what goes out can be read");
}

#[test]
fn only_a_whole_number_below_two_to_the_63_can_be_answered() {
    let mut host = started();
    let mut read = |msg_id: &str| {
        let line = from_c1(&format!(r#"{{"type": "read", "msg_id": {msg_id}}}"#));
        say(&mut host, line, Time::ZERO).first().map(|sent| sent.in_reply_to)
    };
    for msg_id in ["0", "9223372036854775807"] {
        assert_eq!(read(msg_id), Some(msg_id.parse().ok()));
    }
    for msg_id in ["9223372036854775808", "18446744073709551616", "-1", "1.5", "1e400", "\"1\"", "null", "[]"]
    {
        assert_eq!(read(msg_id), None, "{msg_id}");
    }
}

#[test]
fn an_error_or_an_answer_is_never_answered() {
    let mut host = started();
    for src in ["c1", "n2", "n1", ""] {
        for body in [
            r#"{"type": "error", "msg_id": 1, "code": 10, "text": "?"}"#,
            r#"{"type": "error", "msg_id": 1, "in_reply_to": 0}"#,
            r#"{"type": "read", "msg_id": 1, "in_reply_to": 0}"#,
            r#"{"type": "broadcast", "message": 1, "msg_id": 1, "in_reply_to": 1e400}"#,
            r#"{"type": "init", "msg_id": 1, "in_reply_to": 18446744073709551616}"#,
            r#"{"type": "topology", "msg_id": 1, "in_reply_to": "x"}"#,
            r#"{"type": "rumor", "msg_id": 1, "in_reply_to": 0}"#,
            r#"{"type": "no such type", "msg_id": 1, "in_reply_to": []}"#,
            r#"{"msg_id": 1, "in_reply_to": 0}"#,
        ] {
            let counted = host.skipped();
            assert_eq!(say(&mut host, line(src, body), Time::ZERO), [], "{src}: {body}");
            assert_eq!(host.skipped(), counted + 1, "{src}: {body}");
        }
    }
    assert_eq!(host.node(), started().node());
}

#[test]
fn a_topology_names_this_node_and_only_nodes_that_there_are() {
    let topology =
        |text: &str| from_c1(&format!(r#"{{"type": "topology", "msg_id": 2, "topology": {text}}}"#));
    let lines = [
        INIT.to_owned(),
        topology(r#"{"n1": ["n2", "n9"]}"#),
        topology(r#"{"n2": ["n1"]}"#),
        topology(r#"{"n1": "n2"}"#),
        topology(r#"{"n1": ["n2"], "n2": [1]}"#),
        topology("null"),
        from_c1(r#"{"type": "topology", "msg_id": 2}"#),
        topology(r#"{"n1": ["n1", "n2", "n2"], "n7": ["n8"]}"#),
        topology(r#"{"n1": []}"#),
    ];
    expect![[r#"
        < {"src": "c0", "dest": "n1", "body": {"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": ["n1", "n2", "n3"]}}
        > {"src": "n1", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n1": ["n2", "n9"]}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "\"n9\" is not one of node_ids", "in_reply_to": 2, "msg_id": 1}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n2": ["n1"]}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "the topology does not name n1", "in_reply_to": 2, "msg_id": 2}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n1": "n2"}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "invalid type: string \"n2\", expected a sequence", "in_reply_to": 2, "msg_id": 3}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n1": ["n2"], "n2": [1]}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "invalid type: integer `1`, expected a string", "in_reply_to": 2, "msg_id": 4}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": null}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "invalid type: null, expected a map", "in_reply_to": 2, "msg_id": 5}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2}}
        > {"src": "n1", "dest": "c1", "body": {"type": "error", "code": 12, "text": "missing field `topology`", "in_reply_to": 2, "msg_id": 6}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n1": ["n1", "n2", "n2"], "n7": ["n8"]}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "topology_ok", "in_reply_to": 2, "msg_id": 7}}
        < {"src": "c1", "dest": "n1", "body": {"type": "topology", "msg_id": 2, "topology": {"n1": []}}}
        > {"src": "n1", "dest": "c1", "body": {"type": "topology_ok", "in_reply_to": 2, "msg_id": 8}}
    "#]].assert_eq(&transcript(&mut calm(), &lines));
}

#[test]
fn values_are_echoed_as_they_were_written_and_equal_ones_are_kept_once() {
    let mut host = started();
    for value in [
        "null",
        "true",
        "0",
        "-0",
        "1e400",
        "18446744073709551616",
        "0.1000",
        "\"\"",
        "\"a\\u0041\\n\"",
        "\"é\\ud83d\"",
        "[1,2]",
        "[ 1 , 2 ]",
        "{\"b\":{\"z\":[]},\"a\":null}",
        "{\"a\":null,\"b\":{\"z\":[]}}",
        "{\"type\":\"read\",\"msg_id\":9}",
    ] {
        let line =
            from_c1(&format!(r#"{{"msg_id": 1, "message": {value}, "type": "broadcast", "extra": 1e400}}"#));
        assert_eq!(
            say(&mut host, line, Time::ZERO).iter().filter(|sent| sent.tag == "broadcast_ok").count(),
            1
        );
    }
    let read = say(&mut host, from_c1(r#"{"type": "read", "msg_id": 1, "message": 7}"#), Time::ZERO);
    expect![[r#"{"type": "read_ok", "messages": [null, true, 0, -0, 1e400, 18446744073709551616, 0.1000, "", "a\u0041\n", "é\ud83d", [1, 2], {"b": {"z": []}, "a": null}, {"a": null, "b": {"z": []}}, {"type": "read", "msg_id": 9}], "in_reply_to": 1"#]].assert_eq(&read[0].said);
}

/// A rank is the place among node_ids by length, then bytes, so that all nodes agree whatever the order they came in.
#[test]
fn names_may_be_anything_and_all_nodes_number_them_alike() {
    let names = [r#""n10""#, r#""n2""#, r#""""#, r#""\"\\""#, r#""é\u001b""#, r#""n1""#];
    let mut ids: Vec<String> = names.map(str::to_owned).to_vec();
    let mut picks = Vec::new();
    for turn in 0..names.len() {
        ids.rotate_left(turn);
        let mut host = calm();
        let init =
            format!(r#"{{"type": "init", "msg_id": 1, "node_id": "n1", "node_ids": [{}]}}"#, ids.join(", "));
        assert_eq!(say(&mut host, from_c1(&init), Time::ZERO)[0].tag, "init_ok");
        let out = say(&mut host, from_c1(r#"{"type": "broadcast", "message": 1, "msg_id": 1}"#), Time::ZERO);
        picks.push(out.into_iter().map(|sent| sent.dest).collect::<Vec<_>>());
    }
    assert!(picks.windows(2).all(|pair| pair[0] == pair[1]), "{picks:?}");

    for name in names {
        let mut host = calm();
        let init = format!(
            r#"{{"src": {name}, "dest": {name}, "body": {{"type": "init", "msg_id": 1, "node_id": {name}, "node_ids": [{}]}}}}"#,
            ids.join(", ")
        );
        let answer = say(&mut host, init, Time::ZERO).remove(0);
        let plain: String = serde_json::from_str(name).unwrap();
        assert_eq!((&*answer.tag, &*answer.src, &*answer.dest), ("init_ok", &*plain, &*plain));
    }
}

#[test]
fn so_many_lines_wait_for_init_and_no_more() {
    let rumor = |value: &str| {
        line("n2", &format!(r#"{{"type": "rumor", "message": {value}, "hops": 1, "msg_id": 1}}"#))
    };
    let known = |host: &mut Stdio<Gossip>| {
        host.line(INIT.as_bytes(), Time::ZERO);
        let read = say(host, from_c1(r#"{"type": "read", "msg_id": 1}"#), Time::ZERO);
        read.last().unwrap().said.matches(", ").count() - 1
    };
    let mut host = calm();
    (0..5_000).for_each(|value| host.line(rumor(&value.to_string()).as_bytes(), Time::ZERO));
    assert_eq!(host.skipped(), 5_000 - MOST_WAITING_LINES as u64);
    assert_eq!(known(&mut host), MOST_WAITING_LINES);

    let mut host = calm();
    let long = "x".repeat(50_000);
    (0..100).for_each(|value| host.line(rumor(&format!("\"{value} {long}\"")).as_bytes(), Time::ZERO));
    assert_eq!(known(&mut host), MOST_WAITING_BYTES / rumor(&format!("\"99 {long}\"")).len());

    // What can never fit is dropped itself, not everything else for its sake.
    let mut host = calm();
    host.line(rumor("1").as_bytes(), Time::ZERO);
    host.line(rumor(&format!("\"{}\"", "x".repeat(MOST_WAITING_BYTES))).as_bytes(), Time::ZERO);
    assert_eq!((host.skipped(), known(&mut host)), (1, 1));
}

#[test]
fn start_is_held_until_peers_can_be_expected() {
    let release = [
        from_c1(r#"{"type": "topology", "topology": {"n1": ["n2"]}, "msg_id": 1}"#),
        from_c1(r#"{"type": "read"}"#),
        line("n2", r#"{"type": "rumor", "message": 1, "hops": 1, "msg_id": 0}"#),
    ];
    for line in release {
        let mut host = Stdio::<Gossip>::new(Config::default(), 7);
        assert_eq!((take(&mut host), host.next_timer()), (vec![], None), "nothing is said unasked");
        assert_eq!(say(&mut host, INIT, Time::ZERO).len(), 1, "init_ok alone");
        for nothing in [
            from_c1(r#"{"type": "calc_fanout", "msg_id": 1}"#),
            from_c1(r#"{"type": "broadcast", "msg_id": 1}"#),
            from_c1(r#"{"type": "topology", "topology": {}, "msg_id": 1}"#),
            from_c1(r#"{"type": "read_ok", "messages": [], "in_reply_to": 1}"#),
            INIT.to_owned(),
        ] {
            host.line(nothing.as_bytes(), Time::ZERO);
        }
        take(&mut host);
        host.fire(Time::from_nanos(3_600_000_000_000));
        assert_eq!((take(&mut host), host.next_timer()), (vec![], None), "still held");

        let now = Time::from_nanos(7_200_000_000_000);
        host.line(line.as_bytes(), now);
        take(&mut host);
        let due = host.next_timer().expect("the timer is set once peers exist");
        assert!(now < due && due <= now + Span::from_secs(1), "{due} counts from the release");
        host.fire(due);
        assert_eq!(take(&mut host)[0].tag, "digest");
        assert_eq!(host.next_timer(), Some(due + Span::from_secs(1)));
    }
}

/// Names and types come from outside, and stderr may be a terminal.
#[test]
fn what_is_said_on_stderr_is_a_line_without_control_characters() {
    let mut host = started();
    let strange = "x\\u001b[31m\\u0000\\ny";
    for body in
        [r#"{"type": "STRANGE"}"#, r#"{"type": "STRANGE", "in_reply_to": 1}"#, r#"{"STRANGE": 1}"#, r#"{}"#]
    {
        host.line(line(strange, &body.replace("STRANGE", strange)).as_bytes(), Time::ZERO);
    }
    let log = host.take_output().log;
    assert_eq!(log.len(), 4);
    assert!(log.iter().all(|line| !line.contains(char::is_control)), "{log:?}");
}
