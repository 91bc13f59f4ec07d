//! The commands `fanout` and `spread`, and what a served node answers about fanouts, on the real program.

use expect_test::{Expect, expect};
use serde_json::Value;

use crate::program::{Desk, Said};

fn ask(line: &str) -> Said {
    Desk::new().run(line.split_whitespace())
}

fn json(line: &str) -> Value {
    let said = ask(&format!("{line} --json"));
    assert!(said.code == 0 && said.talk.is_empty(), "{line}: {said:?}");
    serde_json::from_str(&said.out).unwrap()
}

fn shows(line: &str, expected: &Expect) {
    let said = ask(line);
    assert!(said.code == 0 && said.talk.is_empty(), "{line}: {said:?}");
    expected.assert_eq(&said.out);
}

#[test]
fn the_fanout_is_found_in_three_ways() {
    shows(
        "fanout -n 25 --rounds 5 --target 0.99",
        &expect![[r#"
        The smallest fanout K by which a rumour reaches its target of 0.99: 25 nodes, 5 rounds

                     a given node ------------------------   all nodes ---------------------------
                         K     missed   at K - 1  messages       K    not all   at K - 1  messages
        formula         15  0.0074158   0.012559         -       -          -          -         -
        push             3 0.00022043   0.012978       196       3  0.0052738    0.26601       196
        push-once        5  0.0037549   0.013364       125       7  0.0060984   0.023905       175

        The formula, (1 - K/(N-1))^R, leaves out that whoever has heard the rumour tells it on, and it knows no loss.
        push: the informed push in every round; push-once: in the round after they hear, until silence, however long.
    "#]],
    );
    let found = json("fanout -n 25 --rounds 5 --target 0.99");
    let [formula, push, once] = ["formula", "push", "push-once"].map(|way| &found[way]);
    assert_eq!(formula["min_fanout"], 15);
    assert_eq!((&push["min_fanout_per_node"], &push["min_fanout_atomic"]), (&3.into(), &3.into()));
    assert_eq!((&once["min_fanout_per_node"], &once["min_fanout_atomic"]), (&5.into(), &7.into()));
    assert_eq!(push["method"], "exact");
    let near = |value: &Value, truth: f64, digit: f64| {
        let value = value.as_f64().unwrap();
        assert!((value - truth).abs() <= digit / 2.0, "{value} is not {truth}");
    };
    near(&formula["miss_prob"], 0.007_415_8, 1e-7);
    near(&push["p_not_all"], 0.005_274, 1e-6);
    near(&push["per_node_miss"], 2.2e-4, 1e-5);
    near(&push["expected_messages"], 196.0, 1.0);
    near(&push["p_not_all_below"], 0.266_010, 1e-6);
    near(&push["per_node_miss_below"], 0.012_978, 1e-6);
}

#[test]
fn what_cannot_be_reached_is_null_with_a_reason_and_no_failure() {
    let lost = json("fanout -n 25 --rounds 5 --target 0.99 --loss 1");
    assert_eq!(lost["formula"]["min_fanout"], 15, "the formula knows no loss");
    for way in ["push", "push-once"] {
        assert_eq!(lost[way]["min_fanout_per_node"], Value::Null);
        assert_eq!(lost[way]["reason"], "no fanout reaches the target: every message is lost");
    }
    let none = json("fanout -n 25 --rounds 0 --target 0.99");
    assert_eq!(
        (&none["formula"]["min_fanout"], &none["push"]["min_fanout_atomic"]),
        (&Value::Null, &Value::Null)
    );
    let half = json("fanout -n 25 --rounds 1 --target 0.99 --loss 0.5");
    assert_eq!(half["push"]["min_fanout_per_node"], Value::Null);
    assert!(half["push"]["reason"].as_str().unwrap().contains("contacting all other nodes is not enough"));
    let nothing = json("fanout -n 25 --rounds 0 --target -1");
    assert_eq!(
        (&nothing["formula"]["min_fanout"], &nothing["push"]["min_fanout_atomic"]),
        (&0.into(), &0.into())
    );
    let huge = json("fanout -n 1000000000000 --rounds 20 --target 0.99");
    assert_eq!(huge["push"]["method"], "approximate");
    assert!(huge["formula"]["min_fanout"].as_u64().unwrap() > 100_000_000_000);
    shows(
        "fanout -n 25 --rounds 1 --target 0.99 --loss 0.5",
        &expect![[r#"
            The smallest fanout K by which a rumour reaches its target of 0.99: 25 nodes, 1 round, 0.5 of all pushes lost

                         a given node ------------------------   all nodes ---------------------------
                             K     missed   at K - 1  messages       K    not all   at K - 1  messages
            formula         24          0   0.041667         -       -          -          -         -
            push             -          -          -         -       -          -          -         -
            push-once        9  0.0091373     0.0175       223      14  0.0061557   0.012313       350

            The formula, (1 - K/(N-1))^R, leaves out that whoever has heard the rumour tells it on, and it knows no loss.
            push: the informed push in every round; push-once: in the round after they hear, until silence, however long.
            push: no fanout reaches the target: contacting all other nodes is not enough.
        "#]],
    );
}

#[test]
fn a_rumour_is_followed_round_by_round() {
    shows(
        "spread -n 25 -k 2 --rounds 10",
        &expect![[r#"
            push among 25 nodes, fanout 2, 10 rounds

            round  informed    not all
                0   4.000 %          1  ██
                1  12.000 %          1  █████
                2  32.218 %          1  █████████████
                3  66.168 %          1  ██████████████████████████
                4  91.614 %    0.89022  █████████████████████████████████████
                5  98.754 %    0.26601  ████████████████████████████████████████
                6  99.841 %   0.038863  ████████████████████████████████████████
                7  99.980 %  0.0049307  ████████████████████████████████████████
                8  99.998 %  0.0006129  ████████████████████████████████████████
                9 >99.999 %    7.60e-5  ████████████████████████████████████████
               10 >99.999 %    9.41e-6  ████████████████████████████████████████

            a node is missed   3.92e-7
            not all hear       9.41e-6
            informed           25.0000 in the mean, standard deviation 0.0031
            messages           352.3
            rounds to all      5.201 in the mean; 50 % 5, 90 % 6, 99 % 7
            method             exact; the error of a probability is below 2e-17
        "#]],
    );
    shows(
        "spread -n 25 -k 2 --mode push-once --trials 20000 --seed 1",
        &expect![[r#"
            push-once among 25 nodes, fanout 2, until nobody has anything left to send

            round  informed    not all
                0   4.000 %          1  ██
                1  12.000 %          1  █████
                2  26.056 %          1  ██████████
                3  45.355 %          1  ██████████████████
                4  63.439 %          1  █████████████████████████
                5  74.554 %    0.99832  ██████████████████████████████
                6  79.575 %    0.99113  ████████████████████████████████
                7  81.505 %    0.98479  █████████████████████████████████
                8  82.192 %    0.98167  █████████████████████████████████
                9  82.426 %    0.98043  █████████████████████████████████
               10  82.503 %    0.97998  █████████████████████████████████
               11  82.527 %    0.97981  █████████████████████████████████
               12  82.535 %    0.97976  █████████████████████████████████
               13  82.537 %    0.97974  █████████████████████████████████
               14  82.537 %    0.97973  █████████████████████████████████
               15  82.537 %    0.97973  █████████████████████████████████
              ... 8 more rounds; --json has them

            a node is missed   0.1819
            not all hear       0.97973
            informed           20.6343 in the mean, standard deviation 2.3954
            messages           41.3
            rounds to all      6.877 in the mean; 50 % 7, 90 % 8, 99 % 11, where all hear
            method             exact; the error of a probability is below 2e-13

            20000 trials, seed 1

            delivery rate      0.816835 +- 7.07e-4, -1.8 standard errors from the truth
            atomic rate        0.020200 +- 9.95e-4, -0.1 standard errors from the truth
            rounds to all      6.8243 +- 5.76e-2, -0.9 standard errors from the truth
                               50 % 7, 90 % 8, 99 % 10, most 12; 404 trials reached all
            messages           41.21 +- 3.39e-2, -1.8 standard errors from the truth
        "#]],
    );
    shows(
        "spread -n 30 -k 3 --mode limited --rounds 4 --loss 0.1",
        &expect![[r#"
        limited among 30 nodes, fanout 3, at most 8 copies a node, 4 rounds, loss 0.1

        round  informed    not all
            0   3.333 %          1  █
            1  12.333 %          1  █████
            2  38.790 %          1  ████████████████
            3  78.934 %      0.999  ████████████████████████████████
            4  97.133 %    0.54459  ███████████████████████████████████████

        a node is missed   0.029654
        not all hear       0.54459
        informed           29.1400 in the mean, standard deviation 1.0438
        messages           113.4
        rounds to all      3.998 in the mean; 50 % 4, 90 % 4, 99 % 4, where all hear
        method             exact; the error of a probability is below 2e-12
    "#]],
    );
}

#[test]
fn a_spread_as_json_has_all_that_is_promised() {
    let spread = json("spread -n 25 -k 2 --rounds 10 --trials 20000 --seed 3");
    let keys = [
        "per_round",
        "per_node_miss",
        "p_not_all",
        "mean_informed",
        "var_informed",
        "expected_messages",
        "rounds_to_all",
        "method",
        "simulated",
    ];
    assert!(keys.iter().all(|key| !spread[*key].is_null()), "{spread}");
    assert_eq!(format!("{:.3}", spread["rounds_to_all"]["mean"].as_f64().unwrap()), "5.201");
    let simulated = &spread["simulated"];
    for z in ["delivery_rate_z", "atomic_rate_z", "avg_rounds_to_all_z", "messages_z"] {
        assert!(simulated[z].is_null() || simulated[z].as_f64().unwrap().abs() < 4.5, "{z}: {simulated}");
    }
    let again =
        |jobs: &str| json(&format!("spread -n 25 -k 2 --rounds 10 --trials 20000 --seed 3 --jobs {jobs}"));
    assert_eq!((again("1"), again("7")), (spread.clone(), spread));
}

#[test]
fn wrong_numbers_are_named() {
    for (line, says) in [
        ("fanout -n 25 --rounds 5 --target 1.5", "write a number up to 1, such as 0.99"),
        ("fanout -n -3 --rounds 5 --target 0.9", "write a whole number from 0 to 1000000000000"),
        ("fanout -n 25 --rounds 2.5 --target 0.9", "write a whole number from 0 to 4294967295"),
        ("fanout -n 25 --rounds 5 --target nan", "write a number up to 1"),
        ("fanout -n 25 --rounds 5 --target 0.9 --loss 2", "write a number from 0 to 1"),
        ("spread -n 25 -k 2", "--rounds: missing; in this mode nodes never fall silent"),
        ("spread -n 25 -k 2 --rounds 3 --not-back-to-sender", "only push-once remembers who told it"),
        ("spread -n 25 -k 2 --rounds 3 --retransmit-mult 3", "only limited counts copies"),
        ("spread -n 25 -k 2 --rounds 3 --trials 0", "--trials: no trials are no answer"),
        (
            "spread -n 5000000000 -k 2 --rounds 3 --trials 1",
            "--trials: 5000000000 nodes are too many to play",
        ),
        ("spread -n 25 -k 2 --rounds 3 --mode pusch", "push-once"),
    ] {
        let said = ask(line);
        assert!(said.code == 64 && said.talk.contains(says) && said.out.is_empty(), "{line}: {said:?}");
    }
}

const INIT: &str =
    r#"{"src":"c0","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}"#;

/// What a served node answers to requests, the answer to `init` left out.
fn served(protocol: &str, bodies: &[&str]) -> Vec<Value> {
    let mut input = format!("{INIT}\n");
    for (number, body) in bodies.iter().enumerate() {
        input +=
            &format!("{{\"src\":\"c1\",\"dest\":\"n1\",\"body\":{{\"msg_id\":{},{body}}}}}\n", number + 2);
    }
    let output = Desk::new().command().args(["serve", protocol]).write_stdin(input).output().unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    lines.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap()["body"].clone()).collect()
}

const SAMPLES: [&str; 4] = [
    r#""type":"calc_fanout","nodes":25,"target_prob":0.99,"rounds":5"#,
    r#""type":"calc_fanout","nodes":5,"target_prob":0.99,"rounds":5"#,
    r#""type":"simulate_gossip","nodes":10,"fanout":3,"rounds":5,"trials":50"#,
    r#""type":"simulate_gossip","nodes":25,"fanout":2,"rounds":10,"trials":100"#,
];

#[test]
fn every_served_broadcast_node_answers_about_fanouts() {
    for protocol in ["gossip", "flood"] {
        let answers = served(protocol, &SAMPLES);
        let [calc, small, ten, more] = &answers[..] else { panic!("{answers:?}") };
        assert_eq!((&calc["type"], &calc["in_reply_to"]), (&"calc_fanout_ok".into(), &2.into()));
        assert_eq!((&calc["min_fanout"], &small["min_fanout"]), (&15.into(), &3.into()));
        assert_eq!(format!("{:.7}", calc["miss_prob"].as_f64().unwrap()), "0.0074158");
        assert_eq!(format!("{:.7}", small["miss_prob"].as_f64().unwrap()), "0.0009766");
        let exact = &calc["exact"];
        assert_eq!((&exact["min_fanout_per_node"], &exact["min_fanout_atomic"]), (&3.into(), &3.into()));
        let once = &exact["push-once"];
        assert_eq!((&once["min_fanout_per_node"], &once["min_fanout_atomic"]), (&5.into(), &7.into()));
        assert_eq!((&exact["method"], &once["method"]), (&"exact".into(), &"exact".into()));
        for played in [ten, more] {
            assert_eq!(played["type"], "simulate_gossip_ok");
            let rate = played["delivery_rate"].as_f64().unwrap();
            assert!((0.9..=1.0).contains(&rate) && played["avg_rounds_to_all"].is_number(), "{played}");
        }
    }
    let [elsewhere] = &served("echo", &SAMPLES[..1])[..] else { panic!("one request, one answer") };
    assert_eq!(elsewhere["code"], 10, "it is a question to broadcast nodes: {elsewhere}");
}

#[test]
fn the_exact_method_and_the_same_seed_are_heeded() {
    let answers = served(
        "gossip",
        &[
            r#""type":"calc_fanout","nodes":25,"target_prob":0.99,"rounds":5,"method":"exact""#,
            r#""type":"simulate_gossip","nodes":25,"fanout":2,"rounds":4,"trials":100,"seed":9"#,
            r#""type":"simulate_gossip","nodes":25,"fanout":2,"rounds":4,"trials":100,"seed":9"#,
            r#""type":"simulate_gossip","nodes":25,"fanout":2,"rounds":4,"trials":100,"seed":10"#,
            r#""type":"simulate_gossip","nodes":25,"fanout":2,"rounds":4,"trials":100,"mode":"push-once","loss":0.9"#,
            r#""type":"calc_fanout","nodes":25,"target_prob":0.99,"rounds":5,"method":"exact","loss":1"#,
        ],
    );
    assert_eq!(answers[0]["min_fanout"], 3);
    assert_eq!((&answers[5]["min_fanout"], &answers[5]["miss_prob"]), (&Value::Null, &Value::Null));
    assert_eq!(answers[5]["reason"], "no fanout reaches the target: every message is lost");
    assert_eq!(format!("{:.6}", answers[0]["miss_prob"].as_f64().unwrap()), "0.000220");
    let rate = |at: usize| answers[at]["delivery_rate"].as_f64().unwrap();
    assert_eq!(rate(1), rate(2));
    assert_ne!(rate(1), rate(3));
    assert!(rate(4) < 0.5 && answers[4]["avg_rounds_to_all"].is_null(), "{}", answers[4]);
}

#[test]
fn a_bad_question_gets_a_sentence() {
    let questions = [
        (
            r#""type":"calc_fanout","target_prob":0.99,"rounds":5"#,
            "`nodes` is missing; it is a whole number from 0 to 1000000",
        ),
        (r#""type":"calc_fanout","nodes":-5,"target_prob":0.99,"rounds":5"#, "`nodes` is -5; it is"),
        (r#""type":"calc_fanout","nodes":2.5,"target_prob":0.99,"rounds":5"#, "`nodes` is 2.5; it is"),
        (
            r#""type":"calc_fanout","nodes":1000001,"target_prob":0.99,"rounds":5"#,
            "`nodes` is 1000001; it is",
        ),
        (r#""type":"calc_fanout","nodes":1e400,"target_prob":0.99,"rounds":5"#, "number out of range"),
        (
            r#""type":"calc_fanout","nodes":5,"target_prob":1.5,"rounds":5"#,
            "`target_prob` is 1.5; it is a number up to 1",
        ),
        (r#""type":"calc_fanout","nodes":5,"target_prob":"x","rounds":5"#, "`target_prob` is \"x\"; it is"),
        (
            r#""type":"calc_fanout","nodes":5,"target_prob":0.9,"rounds":5,"method":"guess""#,
            "it is one of formula, exact",
        ),
        (
            r#""type":"simulate_gossip","nodes":1000000,"fanout":3,"rounds":10,"trials":1"#,
            "plays at most 20000000",
        ),
        (
            r#""type":"simulate_gossip","nodes":10,"fanout":3,"rounds":5,"trials":0"#,
            "no trials are no answer",
        ),
        (
            r#""type":"simulate_gossip","nodes":10,"fanout":3,"rounds":5,"trials":5,"loss":-1"#,
            "`loss` is -1; it is",
        ),
        (
            r#""type":"simulate_gossip","nodes":10,"fanout":3,"rounds":5,"trials":5,"mode":7"#,
            "`mode` is 7; it is one of",
        ),
    ];
    let bodies = questions.map(|(body, _)| body);
    for (answer, (body, says)) in served("gossip", &bodies).iter().zip(questions) {
        assert!(answer["code"] == 12 && answer["text"].as_str().unwrap().contains(says), "{body}: {answer}");
    }
}

#[test]
fn edges_are_answered_and_nothing_takes_long() {
    let answers = served(
        "gossip",
        &[
            r#""type":"calc_fanout","nodes":0,"target_prob":0.99,"rounds":5"#,
            r#""type":"calc_fanout","nodes":1,"target_prob":1,"rounds":0"#,
            r#""type":"calc_fanout","nodes":25,"target_prob":-1,"rounds":0"#,
            r#""type":"calc_fanout","nodes":25,"target_prob":1,"rounds":5"#,
            r#""type":"calc_fanout","nodes":25,"target_prob":0.9,"rounds":0"#,
            r#""type":"calc_fanout","nodes":101,"target_prob":0.99,"rounds":1"#,
            r#""type":"calc_fanout","nodes":11,"target_prob":0.9,"rounds":1"#,
            r#""type":"calc_fanout","nodes":1000000,"target_prob":0.999999,"rounds":1000000"#,
            r#""type":"calc_fanout","nodes":1000000,"target_prob":0.99,"rounds":3"#,
            r#""type":"calc_fanout","nodes":5000,"target_prob":0.99,"rounds":4"#,
            r#""type":"simulate_gossip","nodes":1,"fanout":3,"rounds":1000000,"trials":6"#,
            r#""type":"simulate_gossip","nodes":0,"fanout":0,"rounds":0,"trials":1000000"#,
            r#""type":"simulate_gossip","nodes":2,"fanout":1,"rounds":1000000,"trials":10,"loss":1"#,
        ],
    );
    let fanouts: Vec<&Value> = answers.iter().map(|answer| &answer["min_fanout"]).take(7).collect();
    let expected: [Value; 7] = [0.into(), 0.into(), 0.into(), 24.into(), Value::Null, 99.into(), 9.into()];
    assert_eq!(fanouts, expected.iter().collect::<Vec<_>>());
    assert_eq!(answers[4]["reason"], "no fanout reaches the target: in 0 rounds nobody is told anything");
    assert!(answers.len() == 13 && answers.iter().all(|answer| answer["code"].is_null()), "{answers:?}");
    assert_eq!((&answers[10]["delivery_rate"], &answers[10]["avg_rounds_to_all"]), (&1.into(), &0.into()));
    assert_eq!(answers[12]["delivery_rate"], 0);
}
