//! `sweep` and `merge`: what they count and print; what they keep whatever happens; what they refuse.

use serde_json::Value as Json;

use crate::program::{Desk, Said};

mod interrupted;
mod shards;
mod trouble;

/// Five nodes for two seconds: some seeds fail, most do not.
const SMALL: &str = r#"{
  "name": "small", "nodes": 5,
  "protocol": { "gossip": { "fanout": 4, "anti_entropy": null } },
  "network": { "latency": { "constant": "10ms" }, "loss": 0.4 },
  "workload": { "broadcast": { "rate": 5.0, "time_limit": "2s" } },
  "settle": "1s"
}"#;

fn desk() -> Desk {
    Desk::with("small.json", SMALL)
}

/// Runs `sweep small.json` with words that hold no spaces.
fn sweep(desk: &Desk, words: &str) -> Said {
    desk.run(["sweep", "small.json"].into_iter().chain(words.split_whitespace()))
}

fn run(desk: &Desk, words: &str) -> Said {
    desk.run(words.split_whitespace())
}

#[test]
fn failures_are_counted_by_kind_whatever_verdict_is_expected() {
    let desk = desk();
    let said = sweep(&desk, "--seeds 0..100");
    assert!(said.code == 1 && said.talk.is_empty(), "{said:?}");
    expect_test::expect![[r#"
        FAIL  small: gossip under broadcast, 5 nodes: 47 of 100 runs failed

        seeds           0..100
        failure rate    47.000 % (95 % interval 37.511 to 56.711 %)
        kinds           47 x broadcast: never arrived (first: seed 1)
    "#]]
    .assert_eq(&said.out[..said.out.find("spread to").unwrap()]);
    for set in ["expect.verdict=fail", "expect.digest=0123456789abcdef"] {
        assert_eq!(sweep(&desk, &format!("--seeds 0..100 --set {set}")).out, said.out);
    }
    let bound = sweep(
        &desk,
        "--seeds 0..20 --set network.loss=0 --set workload.broadcast.rate=20 --set expect.msgs_per_op=<1",
    );
    assert!(bound.row("kinds").starts_with("20 x bound: msgs_per_op (first: seed 0)"), "{bound:?}");
    assert!(bound.row("first failure").contains("the bound on msgs_per_op is missed: it is "), "{bound:?}");
    let none = sweep(&desk, "--seeds 0..20 --set network.loss=0 --set workload.broadcast.rate=20");
    assert!(none.code == 0 && none.out.starts_with("PASS  small:"), "{none:?}");
    assert_eq!(none.row("failure rate"), "0.000 % (95 % interval 0.000 to 16.113 %)");
}

#[test]
fn the_first_failure_is_kept_and_runs_again_with_its_digest() {
    let desk = desk();
    let said = sweep(&desk, "--seeds 3..9 --set workload.broadcast.rate=20 --vary network.loss=0,0.4 --json");
    let first = &said.json()["first-failure"];
    assert_eq!(
        (&first["set"]["network.loss"], &first["saved"]),
        (&0.4.into(), &"failures/small-seed-3.json".into())
    );
    let replay = first["replay"].as_str().unwrap();
    let words: Vec<&str> = replay.split(' ').skip(1).collect();
    assert_eq!(words, ["run", "failures/small-seed-3.json"]);
    let again = desk.run(words.into_iter().chain(["--json"]));
    assert_eq!((again.code, &again.json()["digest"]), (1, &first["digest"]), "{again:?}");
    assert_eq!(again.json()["problems"][0], first["reason"]);
}

#[test]
fn a_failure_that_cannot_be_kept_is_told_all_the_same() {
    let desk = desk();
    desk.put("failures", "a file where a folder should be");
    let said = sweep(&desk, "--seeds 0..5 --out kept");
    assert!(said.code == 1 && said.row("not saved").contains("failures/: "), "{said:?}");
    assert!(desk.path("kept/runs.jsonl").exists());
}

#[test]
fn a_failure_may_exit_otherwise() {
    let desk = desk();
    assert_eq!(sweep(&desk, "--seeds 0..9 --fail-exit 0").code, 0);
    assert_eq!(sweep(&desk, "--seeds 0..9 --fail-exit 7").code, 7);
    assert_eq!(sweep(&desk, "--seeds 0..9 --fail-exit 256").code, 64);
}

#[test]
fn a_varied_key_has_a_row_for_each_value() {
    let desk = desk();
    let said = sweep(
        &desk,
        "--seeds 0..50 --vary protocol.gossip.fanout=1..=3 --vary network.loss=0,0.5 --export-csv t.csv \
         --export-markdown t.md --export-json t.json",
    );
    let table = &said.out[said.out.find("\n\nfanout").unwrap() + 2..];
    expect_test::expect![[r#"
        fanout  loss  runs  failed  rate %    95 % interval  spread (ms): p50   p95   p99   max  msgs/op: p50   p95   p99   max
             1     0    50      49   98.00   89.50 to 99.65              40.0  40.0  40.0  40.0          1.38  1.85  2.06  2.06
             1   0.5    50      50  100.00  92.87 to 100.00              40.0  40.0  40.0  40.0          0.60  1.00  1.33  1.33
             2     0    50      20   40.00   27.61 to 53.82              20.0  30.0  30.0  30.0          3.33  4.62  5.18  5.18
             2   0.5    50      48   96.00   86.54 to 98.90              30.0  40.0  40.0  40.0          2.00  3.54  3.88  3.88
             3     0    50       0    0.00     0.00 to 7.13              20.0  20.0  20.0  20.0          5.00  7.06  7.94  7.94
             3   0.5    50      44   88.00   76.20 to 94.38              30.0  40.0  40.0  40.0          4.15  6.38  7.24  7.24
    "#]].assert_eq(table);
    assert!(said.row("seeds") == "0..50 at 6 points", "{said:?}");
    expect_test::expect![[r#"
        | fanout | loss | runs | failed | rate % | 95 % interval | spread (ms): p50 | p95 | p99 | max | msgs/op: p50 | p95 | p99 | max |
        |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
        | 1 | 0 | 50 | 49 | 98.00 | 89.50 to 99.65 | 40.0 | 40.0 | 40.0 | 40.0 | 1.38 | 1.85 | 2.06 | 2.06 |
        | 1 | 0.5 | 50 | 50 | 100.00 | 92.87 to 100.00 | 40.0 | 40.0 | 40.0 | 40.0 | 0.60 | 1.00 | 1.33 | 1.33 |
        | 2 | 0 | 50 | 20 | 40.00 | 27.61 to 53.82 | 20.0 | 30.0 | 30.0 | 30.0 | 3.33 | 4.62 | 5.18 | 5.18 |
        | 2 | 0.5 | 50 | 48 | 96.00 | 86.54 to 98.90 | 30.0 | 40.0 | 40.0 | 40.0 | 2.00 | 3.54 | 3.88 | 3.88 |
        | 3 | 0 | 50 | 0 | 0.00 | 0.00 to 7.13 | 20.0 | 20.0 | 20.0 | 20.0 | 5.00 | 7.06 | 7.94 | 7.94 |
        | 3 | 0.5 | 50 | 44 | 88.00 | 76.20 to 94.38 | 30.0 | 40.0 | 40.0 | 40.0 | 4.15 | 6.38 | 7.24 | 7.24 |
    "#]].assert_eq(&desk.read("t.md"));
    let csv = desk.read("t.csv");
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows[0][..5], ["protocol.gossip.fanout", "network.loss", "runs", "failures", "failure_rate"]);
    assert!(rows.len() == 7 && rows.iter().all(|row| row.len() == 2 + 5 + 3 * 5), "{csv}");
    let json: Json = serde_json::from_str(&desk.read("t.json")).unwrap();
    assert_eq!((&json["format"], &json["version"]), (&1.into(), &env!("CARGO_PKG_VERSION").into()));
    assert_eq!((&json["runs"], &json["complete"]), (&300.into(), &true.into()));
    let failures = |at: usize| json["points"][at]["failures"].as_u64().unwrap().to_string();
    assert!((0..6).all(|at| rows[at + 1][3] == failures(at)), "{csv}{json:#}");
}

#[test]
fn any_value_can_be_varied() {
    let desk = desk();
    let said = desk.run([
        "sweep",
        "small.json",
        "--seeds=0..3",
        "--vary",
        r#"protocol={"gossip": {"fanout": 1}},{"flood": {}}"#,
        "--vary",
        "network.latency.constant=1ms,20ms",
        "--out",
        "kept",
    ]);
    assert!(said.code == 1 && said.out.contains(" {\"flood\": {}}  "), "{said:?}");
    let lines: Vec<Json> =
        desk.read("kept/runs.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 12);
    assert_eq!(lines[5]["set"]["network.latency.constant"], "20ms");
    assert_eq!(lines[6]["set"]["protocol"]["flood"], serde_json::json!({}));
}

#[test]
fn a_line_is_what_run_says_of_that_seed() {
    let desk = desk();
    sweep(&desk, "--seeds 4..8 --vary network.loss=0.1,0.3 --out kept");
    let kept = desk.read("kept/runs.jsonl");
    for line in kept.lines().map(|line| serde_json::from_str::<Json>(line).unwrap()) {
        let one = run(
            &desk,
            &format!(
                "run small.json --json --seed {} --set network.loss={}",
                line["seed"], line["set"]["network.loss"]
            ),
        );
        let one = one.json();
        assert_eq!((&line["verdict"], &line["digest"]), (&one["verdict"], &one["digest"]));
        assert_eq!(line["figures"], one["figures"]);
        assert_eq!(line["fingerprint"].is_null(), one["verdict"] == "pass");
    }
}

#[test]
fn any_number_of_jobs_writes_the_same_bytes() {
    let desk = desk();
    let with = |jobs: u32| {
        let said = sweep(
            &desk,
            &format!("--seeds 0..150 --vary network.loss=0,0.2 --jobs {jobs} --out jobs-{jobs}"),
        );
        (
            said.out,
            desk.read(&format!("jobs-{jobs}/runs.jsonl")),
            desk.read(&format!("jobs-{jobs}/manifest.json")),
        )
    };
    let one = with(1);
    assert!(one == with(2) && one == with(5) && one.1.lines().count() == 300);
}

#[test]
fn what_is_not_understood_is_named_before_anything_runs() {
    let desk = desk();
    for (words, code, says) in [
        (
            "--seeds 0..9 --vary protocol.gossip.fanuot=1..=3",
            65,
            "--vary protocol.gossip.fanuot=1: protocol.gossip.fanuot: unknown key `fanuot`; did you mean `fanout`?",
        ),
        ("--seeds 0..9 --vary protocol.gosip.fanout=1..=3", 65, "did you mean `gossip`?"),
        ("--seeds 0..9 --vary fanout=1..=3", 65, "--vary fanout=1: fanout: unknown key `fanout`"),
        (
            "--seeds 0..9 --vary network.loss=0,2",
            65,
            "--vary network.loss=2: network.loss: 2 is not a probability",
        ),
        ("--seeds 0..9 --vary network.loss=0.1..0.5", 64, "as a list, such as 0.1,0.2"),
        ("--seeds 0..9 --vary network.loss", 64, "write KEY=VALUES"),
        ("--seeds 0..9 --vary seed=1..5", 64, "say which with --seeds"),
        ("--seeds 0..9 --vary nodes=3 --vary nodes=4", 64, "varied twice"),
        (
            "--seeds 0..9 --set protocol.gossip.fanuot=1",
            65,
            "--set protocol.gossip.fanuot=1: protocol.gossip.fanuot: unknown key",
        ),
        ("--seeds 0..9 --set expect.mgs_per_op=1", 65, "did you mean `msgs_per_op`?"),
        ("--seeds 9..9", 64, "holds no seed"),
        ("", 64, "--seeds <A..B>"),
        ("--seeds 0..9 --shard 0/4", 64, "counted from 1 to 4 (in Slurm: --array=1-4)"),
        ("--seeds 0..9 --shard 5/4", 64, "there is no shard 5 of 4"),
        ("--seeds 0..9 --shard 4", 64, "write I/N"),
        ("--seeds 0..3 --shard 1/4", 64, "there are only 3 seeds to share"),
    ] {
        let said = sweep(&desk, &format!("{words} --out never"));
        assert!(said.code == code && said.talk.contains(says), "{words}: {said:?}");
        assert!(!desk.path("never").exists(), "{words}");
    }
}
