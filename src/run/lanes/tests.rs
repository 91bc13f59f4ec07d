//! Stories of tiny runs, as they are drawn.

use expect_test::{Expect, expect};

use super::*;
use crate::protocol::counter::GCounter;
use crate::protocol::flood::Flood;
use crate::run::explicit;
use crate::scenario::document::Document;
use crate::workload::broadcast::Broadcast;
use crate::workload::counter;

fn check<W, N>(text: &str, values: &[Value], expected: &Expect)
where
    W: Workload,
    N: Node<Request = W::Request, Response = W::Response, Event = W::Event>,
{
    let document = Document::parse("tiny", text).unwrap();
    let scenario = Scenario::read(&document).unwrap_or_else(|misfit| panic!("{misfit}"));
    let scenario = explicit::<W, N>(&scenario, &document).unwrap_or_else(|misfit| panic!("{misfit}"));
    let told = lanes::<W, N>(&scenario, values);
    assert!(told.lines().count() <= MOST_LINES + 3, "{told}");
    assert!(told.lines().all(|line| line.chars().count() <= 140), "{told}");
    // A snapshot loses the indentation that all its lines share.
    expected.assert_eq(&format!("the story\n{told}"));
}

fn flood(nodes: u32, retry: &str, faults: &str) -> String {
    format!(
        r#"{{
          "name": "tiny", "nodes": {nodes}, "topology": "line",
          "protocol": {{ "flood": {{ "retry": {retry} }} }},
          "network": {{ "latency": {{ "constant": "10ms" }} }},
          "workload": {{ "broadcast": {{ "time_limit": "6s" }} }},
          "operations": [{{ "at": "1s", "client": 0, "node": "n0", "request": {{ "type": "broadcast", "message": 3 }} }},
                         {{ "at": "2s", "client": 1, "node": "n1", "request": {{ "type": "read" }} }}],
          "faults": {faults},
          "settle": "1s"
        }}"#
    )
}

#[test]
fn a_value_that_a_cut_loses() {
    let text = flood(
        3,
        "null",
        r#"[{ "at": "500ms", "for": "1s", "fault": { "partition": [["n0..n1"], ["n2"]] } }]"#,
    );
    check::<Broadcast, Flood>(
        &text,
        &[Value::from(3)],
        &expect![[r#"
            the story
                       n0                      n1                      n2
               0.500s  │                       │                       │                       begins: fault 0, partition n0..n1 | n2
               1.000s  ●                       │                       │                       c0 asks n0: broadcast 3; ok: broadcast_ok
               1.010s  ├────────tell 3────────▶│                       │                       sent 1.000s
               1.020s  │                       ├────────tell 3────────╳│                       cut by fault 0, sent 1.010s
               1.500s  │                       │                       │                       ends: fault 0, partition n0..n1 | n2
               2.000s  │                       ●                       │                       c1 asks n1: read; ok: read_ok with 3
               7.000s  │                       │                       ●                       c2 asks n2: read; ok: read_ok without 3
               7.000s  ●                       │                       │                       c0 asks n0: read; ok: read_ok with 3
               7.000s  │                       ●                       │                       c1 asks n1: read; ok: read_ok with 3
        "#]],
    );
}

#[test]
fn retries_are_folded_and_a_crash_ends_a_lane() {
    let text = flood(3, r#""500ms""#, r#"[{ "at": "500ms", "for": "4s", "fault": { "crash": ["n2"] } }]"#);
    check::<Broadcast, Flood>(
        &text,
        &[Value::from(3)],
        &expect![[r#"
            the story
                       n0                      n1                      n2
               0.500s  │                       │                       │                       begins: fault 0, crash n2
               0.500s  │                       │                       ┴                       n2 crashes
               1.000s  ●                       │                                               c0 asks n0: broadcast 3; ok: broadcast_ok
               1.010s  ├────────tell 3────────▶│                                               sent 1.000s
               1.020s  │                       ├────────tell 3────────╳                        down, sent 1.010s
                       │                       │                                               ... 1 more like these, until 1.520s
               2.000s  │                       ●                                               c1 asks n1: read; ok: read_ok with 3
               2.020s  │                       ├────────tell 3────────╳                        down, sent 2.010s
                       │                       │                                               ... 4 more like these, until 4.020s
               4.500s  │                       │                                               ends: fault 0, crash n2
               4.500s  │                       │                       ┬                       n2 starts again
               4.520s  │                       ├────────tell 3────────▶│                       sent 4.510s
               7.000s  │                       │                       ●                       c2 asks n2: read; ok: read_ok with 3
               7.000s  ●                       │                       │                       c0 asks n0: read; ok: read_ok with 3
               7.000s  │                       ●                       │                       c1 asks n1: read; ok: read_ok with 3
            not shown: 2 messages delivered, none of which carries a value in question
        "#]],
    );
}

#[test]
fn many_nodes_are_a_list() {
    let text = flood(9, "null", r#"[{ "at": "500ms", "for": "1s", "fault": { "pause": ["n7"] } }]"#);
    check::<Broadcast, Flood>(
        &text,
        &[Value::from(3)],
        &expect![[r#"
            the story
               0.500s  begins: fault 0, pause n7
               0.500s  n7 is held still
               1.000s  c0 asks n0: broadcast 3; ok: broadcast_ok
               1.010s  n0 to n1: tell 3, sent 1.000s
               1.020s  n1 to n2: tell 3, sent 1.010s
               1.030s  n2 to n3: tell 3, sent 1.020s
               1.040s  n3 to n4: tell 3, sent 1.030s
               1.050s  n4 to n5: tell 3, sent 1.040s
               1.060s  n5 to n6: tell 3, sent 1.050s
               1.500s  ends: fault 0, pause n7
               1.500s  n7 goes on
               1.500s  n6 to n7: tell 3, sent 1.060s
               1.510s  n7 to n8: tell 3, sent 1.500s
               2.000s  c1 asks n1: read; ok: read_ok with 3
               7.000s  c8 asks n8: read; ok: read_ok with 3
               7.000s  c6 asks n6: read; ok: read_ok with 3
               7.000s  c2 asks n2: read; ok: read_ok with 3
               7.000s  c4 asks n4: read; ok: read_ok with 3
               7.000s  c7 asks n7: read; ok: read_ok with 3
               7.000s  c1 asks n1: read; ok: read_ok with 3
               7.000s  c3 asks n3: read; ok: read_ok with 3
               7.000s  c0 asks n0: read; ok: read_ok with 3
               7.000s  c5 asks n5: read; ok: read_ok with 3
        "#]],
    );
}

#[test]
fn a_counter_has_no_value_to_follow() {
    let text = r#"{
      "name": "tiny", "nodes": 2,
      "protocol": { "g-counter": {} },
      "network": { "latency": { "constant": "10ms" } },
      "workload": { "g-counter": { "time_limit": "3s" } },
      "operations": [{ "at": "1s", "client": 0, "node": "n0", "request": { "type": "add", "delta": 5 } }],
      "faults": [{ "at": "500ms", "for": "1s", "fault": { "cut": { "from": ["n0"], "to": ["n1"] } } }],
      "settle": "1s"
    }"#;
    check::<counter::GCounter, GCounter>(
        text,
        &[],
        &expect![[r#"
            the story
                       n0                      n1
               0.500s  │                       │                       begins: fault 0, cut n0 to n1
               0.572s  ├──────────────────────╳│                       digest 90123426740388, cut by fault 0, sent 0.562s
               0.808s  │◀──────────────────────┤                       digest 90123426740388, sent 0.798s
               1.000s  ●                       │                       c0 asks n0: add 5; ok: add_ok
               1.010s  ├──────────────────────╳│                       news slot {node 0, nonce 4353769842675481}.., cut by fault 0, sent 1.000s
               1.500s  │                       │                       ends: fault 0, cut n0 to n1
               1.572s  ├──────────────────────▶│                       digest 5894133829568128, sent 1.562s
               1.582s  │◀──────differ []───────┤                       sent 1.572s
               1.592s  ├──────────────────────▶│                       repair [{slot {node 0, nonce 4353769842675.., sent 1.582s
               1.808s  │◀──────────────────────┤                       digest 5894133829568128, sent 1.798s
                       │                       │                       ... 4 more like these, until 3.808s
               4.000s  ●                       │                       c0 asks n0: read; ok: read_ok 5
               4.000s  │                       ●                       c1 asks n1: read; ok: read_ok 5
        "#]],
    );
}
