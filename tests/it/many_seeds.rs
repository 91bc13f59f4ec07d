//! `test`: Maelstrom's options in virtual time; many seeds are counted, the first failure is kept, and can be repeated.

use serde_json::Value as Json;

use crate::program::Desk;

const LOSSY: [&str; 8] = [
    "test",
    "-w",
    "broadcast",
    "--loss",
    "0.3",
    "--set",
    "protocol.gossip.anti_entropy=null",
    "--time-limit=5",
];

fn json(out: &str) -> Json {
    serde_json::from_str(out).unwrap()
}

#[test]
fn a_workload_alone_is_enough() {
    let said = Desk::new().run(["test", "-w", "broadcast"]);
    assert!(
        said.code == 0
            && said.out.starts_with("PASS  broadcast-gossip: gossip under broadcast, 5 nodes, seed 0"),
        "{said:?}"
    );
}

/// The keys of a printed map, in their order, each with the keys above it.
fn keys(out: &str) -> Vec<String> {
    let (mut keys, mut above): (Vec<String>, Vec<&str>) = (Vec::new(), Vec::new());
    let mut rest = out;
    while let Some(at) = rest.find(['{', '}', ':', '"']) {
        let (mark, after) = rest[at..].split_at(1);
        rest = after;
        match mark {
            "{" => above.push(""),
            "}" => _ = above.pop(),
            "\"" => rest = &after[after.find('"').unwrap() + 1..],
            _ => {
                let key = after.split([' ', ')', '}', ',', '\n']).next().unwrap();
                *above.last_mut().unwrap() = key;
                keys.push(above.join("/"));
            }
        }
    }
    keys
}

#[test]
fn one_seed_prints_the_map_that_maelstrom_prints() {
    let said = Desk::new().run(["test", "-w", "broadcast", "--time-limit", "5"]);
    let map = &said.out[said.out.find('{').unwrap()..said.out.rfind('}').unwrap() + 1];
    // As printed by Maelstrom 0.2.3 and later, from :stats on; no value was stale.
    let theirs = "
{:stats {:valid? true, :count 54, :ok-count 54, :fail-count 0, :info-count 0, :by-f
 {:broadcast {:valid? true, :count 20, :ok-count 20, :fail-count 0, :info-count 0},
  :read {:valid? true, :count 34, :ok-count 34, :fail-count 0, :info-count 0}}},
 :availability {:valid? true, :ok-fraction 1.0},
 :net {:all {:send-count 248, :recv-count 248, :msg-count 248, :msgs-per-op 4.5925927},
       :clients {:send-count 128, :recv-count 128, :msg-count 128},
       :servers {:send-count 120, :recv-count 120, :msg-count 120, :msgs-per-op 2.2222223},
       :valid? true},
 :workload {:worst-stale (), :duplicated-count 0, :valid? true, :lost-count 0, :lost (), :stable-count 20,
            :stale-count 0, :stale (), :never-read-count 0,
            :stable-latencies {0 0, 0.5 0, 0.95 0, 0.99 0, 1 0},
            :attempt-count 20, :never-read (), :duplicated {}},
 :valid? true}";
    assert_eq!(keys(map), keys(theirs), "{map}");
    assert!(map.contains("\n :net {:all {:send-count ") && map.ends_with("\n :valid? true}"), "{map}");
    assert_eq!(said.digest().len(), 16, "{said:?}");
    assert!(said.row("replay").ends_with("test -w broadcast --time-limit 5 --seed 0"), "{said:?}");
}

#[test]
fn clients_exchange_init_and_topology_too() {
    let desk = Desk::new();
    for (workload, greetings) in [("broadcast", 4), ("g-set", 2), ("echo", 2)] {
        let json = json(&desk.run(["test", "-w", workload, "--node-count", "7", "--json"]).out);
        let count = |pointer: &str| json.pointer(pointer).unwrap().as_u64().unwrap();
        let clients = 2 * count("/stats/count") + 7 * greetings;
        assert_eq!(count("/net/clients/send-count"), clients, "{workload}");
        assert_eq!(count("/net/clients/recv-count"), clients, "{workload}");
        assert_eq!(count("/net/all/msg-count"), clients + count("/net/servers/msg-count"), "{workload}");
    }
}

#[test]
fn any_number_of_jobs_prints_the_same() {
    let desk = Desk::new();
    let with = |jobs: &str| {
        let mut args: Vec<&str> = LOSSY.to_vec();
        args.extend(["--seeds", "0..40", "--jobs", jobs]);
        desk.run(args)
    };
    let one = with("1");
    assert!(
        one.code == 1
            && one.talk.is_empty()
            && one.out.contains("of 40 seeds failed")
            && one.out.contains("95 % interval"),
        "{one:?}"
    );
    assert_eq!(one.out, with("2").out);
    assert_eq!(one.out, with("5").out);
}

#[test]
fn the_first_failure_is_kept_and_repeats() {
    let desk = Desk::new();
    let mut args: Vec<&str> = LOSSY.to_vec();
    args.extend(["--nemesis", "partition,crash,pause,flaky,slow,wipe", "--nemesis-interval", "1"]);
    let many = desk.run(args.iter().copied().chain(["--seeds", "0..20", "--json"]));
    let many = json(&many.out);
    let seed = many["first-failure"]["seed"].as_u64().unwrap().to_string();
    assert_eq!(many["runs"], 20);
    assert!(many["seeds-in-which"]["dropped_by_loss"].as_u64().unwrap() == 20, "{many}");
    let one = desk.run(args.iter().copied().chain(["--seed", &seed, "--json"]));
    let kept = format!("failures/broadcast-gossip-seed-{seed}.json");
    assert!(desk.path(&kept).exists(), "a failing scenario is written unasked");
    let again = desk.run(["run", &kept, "--json"]);
    assert_eq!(json(&again.out)["digest"], json(&one.out[..one.out.rfind('}').unwrap() + 1])["digest"]);
    let explicit = std::fs::read_to_string(desk.path(&kept)).unwrap();
    assert!(
        explicit.contains("\"operations\"") && !explicit.contains("nemesis"),
        "everything is drawn: {explicit}"
    );
}

#[test]
fn availability_is_a_bound() {
    let desk = Desk::new();
    let crashing =
        ["test", "-w", "broadcast", "--nemesis", "crash", "--nemesis-interval", "2", "--availability"];
    let total = desk.run(crashing.into_iter().chain(["total"]));
    assert!(total.code == 1 && total.out.contains("expected availability = 1"), "{total:?}");
    assert_eq!(desk.run(crashing.into_iter().chain(["0.1"])).code, 0);
}

#[test]
fn a_wrong_option_is_64_or_65_and_says_what_is_allowed() {
    let desk = Desk::new();
    for (args, code, says) in [
        (vec!["-w", "broadcats"], 64, "did you mean `broadcast`?"),
        (vec!["-w", "broadcast", "-p", "gosip"], 65, "did you mean `gossip`?"),
        (vec!["-w", "broadcast", "--nemesis", "partitoin"], 65, "did you mean `partition`?"),
        (vec!["-w", "broadcast", "--topology", "gird"], 65, "did you mean `grid`?"),
        (vec!["-w", "broadcast", "--seeds", "5..5"], 64, "holds no seed"),
        (vec!["-w", "broadcast", "--seeds", "x"], 64, "such as 0..1000"),
        (vec!["-w", "broadcast", "--concurrency", "n"], 64, "such as 4n"),
        (vec!["-w", "broadcast", "--loss", "2"], 65, "not a probability"),
        (vec!["-w", "broadcast", "--rate", "0"], 65, "is no rate"),
        (vec!["-w", "broadcast", "--time-limit", "-1"], 64, ""),
    ] {
        let said = desk.run(std::iter::once("test").chain(args.iter().copied()));
        assert!(said.code == code && said.talk.contains(says), "{args:?}: {said:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_changes_no_verdict() {
    let program = env!("CARGO_BIN_EXE_rumormill");
    for (loss, code) in [("1", "1"), ("0", "0")] {
        let line = format!(
            "{program} test -w broadcast --time-limit 5 --loss {loss} | true; echo ${{PIPESTATUS[0]}}"
        );
        let output =
            std::process::Command::new("bash").current_dir(Desk::new().path("")).args(["-c", &line]).output();
        assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap().trim(), code, "--loss {loss}");
    }
}

#[test]
fn absurd_numbers_of_threads_are_refused() {
    for jobs in ["0", "1025", "18446744073709551615"] {
        let said = Desk::new().run(["test", "-w", "broadcast", "--seeds", "0..3", "--jobs", jobs]);
        assert!(said.code == 64 && said.talk.contains("write a number from 1 to 1024"), "{said:?}");
    }
}
