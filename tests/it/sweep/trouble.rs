//! Folders that cannot be used, and disks that are full: what, where, what to do; and what is finished stays.

use super::{desk, run, sweep};

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let desk = desk();
    for (folder, says) in [
        ("small.json/kept", "small.json/kept"),
        ("small.json", "small.json"),
        ("/proc/kept", "/proc/kept: cannot make this folder"),
        ("/proc", "/proc/runs.jsonl.part: cannot write here; choose another --out DIR"),
    ] {
        let said = sweep(&desk, &format!("--seeds 0..5 --out {folder}"));
        assert!(said.code == 74 && said.talk.contains(says), "{folder}: {said:?}");
    }
}

#[test]
fn on_a_full_disk_what_is_finished_stays() {
    let desk = desk();
    let words = "sweep small.json --seeds 0..100 --out";
    let full = desk.shell(&format!("trap '' XFSZ; ulimit -f 50; exec \"$RUMORMILL\" {words} kept"));
    let says = "kept/runs.jsonl.part: cannot write the run of seed ";
    assert!(full.code == 74 && full.talk.contains(says), "{full:?}");
    let kept = desk.read("kept/runs.jsonl.part");
    assert!(kept.ends_with('\n'), "no line is left half");
    let count = kept.lines().count();
    assert!(
        full.talk.contains(&format!("({count} runs are kept; make room, and give the same command again"))
    );
    let said = run(&desk, &format!("{words} kept"));
    assert!(said.talk.contains(&format!("kept: {count} of 100 runs are there; going on")), "{said:?}");
    run(&desk, &format!("{words} other"));
    assert_eq!(desk.read("kept/runs.jsonl"), desk.read("other/runs.jsonl"));
    for option in ["--export-json", "--export-csv", "--export-markdown"] {
        let said = sweep(&desk, &format!("--seeds 0..3 {option} /dev/full"));
        let says = format!("/dev/full: cannot be written; choose another {option} FILE: ");
        assert!(said.code == 74 && said.talk.contains(&says), "{said:?}");
    }
}

#[test]
fn another_sweep_in_the_same_folder_is_refused_with_what_differs() {
    let desk = desk();
    let begun = "--seeds 0..10 --vary network.loss=0,0.1 --out kept";
    let first = sweep(&desk, begun);
    let bytes = desk.read("kept/runs.jsonl");
    for (words, says) in [
        ("--seeds 0..11 --vary network.loss=0,0.1", "seeds: 0..10 there, 0..11 here"),
        (
            "--seeds 0..10 --vary network.loss=0,0.2",
            "vary: network.loss=0,0.1 there, network.loss=0,0.2 here",
        ),
        ("--seeds 0..10", "vary: network.loss=0,0.1 there, nothing here"),
        ("--seeds 0..10 --vary network.loss=0,0.1 --set nodes=6", "nodes: 5 there, 6 here"),
        (
            "--seeds 0..10 --vary network.loss=0,0.1 --set protocol.gossip.fanout=3",
            "protocol.gossip.fanout: 4 there, 3 here",
        ),
        (
            "--seeds 0..10 --vary network.loss=0,0.1 --set expect.msgs_per_op=<9",
            "expect: not given there, {\"msgs_per_op\":\"<9\"} here",
        ),
        ("--seeds 0..10 --vary network.loss=0,0.1 --shard 1/2", "shard: the whole there, 1/2 here"),
    ] {
        let said = sweep(&desk, &format!("{words} --out kept"));
        assert!(said.code == 64 && said.talk.contains(says), "{words}: {said:?}");
        assert!(said.talk.contains("kept: another sweep is kept here"), "{said:?}");
        assert!(said.talk.contains("choose another --out DIR"), "{said:?}");
    }
    // What decides no run makes no other sweep.
    let same = "--set name=other --set seed=9 --set expect.verdict=fail --jobs 1";
    assert_eq!(sweep(&desk, &format!("{begun} {same}")).code, first.code);
    assert_eq!(desk.read("kept/runs.jsonl"), bytes);
}

#[test]
fn a_folder_that_is_no_sweeps_is_left_alone() {
    let desk = desk();
    std::fs::create_dir(desk.path("other")).unwrap();
    desk.put("other/manifest.json", "{ \"name\": \"a web page\" }");
    let said = sweep(&desk, "--seeds 0..5 --out other");
    assert!(
        said.code == 74 && said.talk.contains("other/manifest.json:1:1: this is no manifest of a sweep"),
        "{said:?}"
    );
    std::fs::create_dir(desk.path("runs")).unwrap();
    desk.put("runs/runs.jsonl", "{}");
    let said = sweep(&desk, "--seeds 0..5 --out runs");
    assert!(
        said.code == 64 && said.talk.contains("runs: there are runs here but no manifest.json"),
        "{said:?}"
    );
    assert!(!desk.path("other/runs.jsonl.part").exists());
    desk.put("other/manifest.json", "{ \"format\": 2 }");
    let said = sweep(&desk, "--seeds 0..5 --out other");
    assert!(
        said.talk.contains("other/manifest.json:1:3: format: this program reads format 1, not 2"),
        "{said:?}"
    );
}

#[test]
fn a_finished_file_that_was_changed_is_refused() {
    let desk = desk();
    sweep(&desk, "--seeds 0..5 --vary network.loss=0,0.1 --out kept");
    let runs = desk.read("kept/runs.jsonl");
    for (changed, says) in [
        (
            runs.replacen("{\"seed\":3", "{\"seed\":4", 1),
            "kept/runs.jsonl:4: this is not the run of seed 3 with network.loss=0;",
        ),
        (
            runs.lines().take(7).collect::<Vec<_>>().join("\n"),
            "kept/runs.jsonl:7: this is not the run of seed 1 with network.loss=0.1;",
        ),
        (format!("{runs}{{}}\n"), "kept/runs.jsonl:11: this is not the run of any seed"),
    ] {
        desk.put("kept/runs.jsonl", changed);
        for words in
            ["sweep small.json --seeds 0..5 --vary network.loss=0,0.1 --out kept", "merge kept --out merged"]
        {
            let said = run(&desk, words);
            assert!(said.code == 74 && said.talk.contains(says), "{words}: {said:?}");
        }
        std::fs::remove_dir_all(desk.path("merged")).unwrap();
    }
}
