//! Shards put together are the whole, whatever their order; what does not belong together is refused by name.

use super::{desk, run, sweep};
use crate::program::Desk;

/// A desk with a sweep of the small scenario, whole and in four shards.
fn sharded(options: &str) -> Desk {
    let desk = desk();
    sweep(&desk, &format!("--seeds 10..35 {options} --out whole"));
    for shard in 1..=4 {
        let said = sweep(&desk, &format!("--seeds 10..35 {options} --shard {shard}/4 --out part-{shard}"));
        assert!(said.row("seeds").contains(&format!(", shard {shard}/4 of 10..35")), "{said:?}");
    }
    desk
}

#[test]
fn in_any_order_they_are_the_whole() {
    for options in ["", "--vary protocol.gossip.fanout=1..=3 --vary network.loss=0,0.5"] {
        let desk = sharded(options);
        let alone = run(&desk, "merge whole --out alone");
        for (at, order) in ["1 2 3 4", "4 3 2 1", "2 4 1 3"].iter().enumerate() {
            let parts: String = order.split(' ').map(|shard| format!("part-{shard} ")).collect();
            let said = run(&desk, &format!("merge {parts} --out merged-{at}"));
            assert_eq!((said.code, &said.out), (1, &alone.out), "{said:?}");
            for file in ["runs.jsonl", "manifest.json"] {
                let merged = desk.read(&format!("merged-{at}/{file}"));
                assert_eq!(merged, desk.read(&format!("whole/{file}")));
                assert_eq!(merged, desk.read(&format!("alone/{file}")));
            }
        }
        let unsharded = sweep(&desk, &format!("--seeds 10..35 {options}"));
        assert_eq!(unsharded.out, alone.out, "the same summary");
    }
}

#[test]
fn a_merge_cut_short_goes_on_and_one_done_is_not_done_again() {
    let desk = sharded("");
    let merge = "merge part-1 part-2 part-3 part-4 --out merged --fail-exit 0";
    let said = run(&desk, merge);
    let bytes = desk.read("merged/runs.jsonl");
    std::fs::remove_file(desk.path("merged/runs.jsonl")).unwrap();
    desk.put("merged/runs.jsonl.part", &bytes[..bytes.len() / 2]);
    for _ in 0..2 {
        let again = run(&desk, merge);
        assert_eq!((again.code, &again.out, desk.read("merged/runs.jsonl")), (0, &said.out, bytes.clone()));
    }
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let desk = sharded("");
    let small = |words: &str| sweep(&desk, words);
    small("--seeds 10..35 --shard 2/4 --set nodes=6 --out other-nodes");
    small("--seeds 10..36 --shard 2/4 --out other-seeds");
    small("--seeds 10..35 --shard 2/4 --vary network.loss=0,1 --out other-vary");
    small("--seeds 10..35 --shard 2/3 --out of-three");
    small("--seeds 10..35 --shard 2/4 --out half-done");
    std::fs::rename(desk.path("half-done/runs.jsonl"), desk.path("half-done/runs.jsonl.part")).unwrap();
    small("--seeds 10..35 --shard 2/4 --out other-version");
    let manifest = desk.read("other-version/manifest.json").replace(env!("CARGO_PKG_VERSION"), "9.9.9");
    desk.put("other-version/manifest.json", manifest);
    std::fs::create_dir(desk.path("empty")).unwrap();
    for (parts, says) in [
        (
            "part-1 part-3 part-4",
            "not all runs are there\n  the seeds 16..22 are in none of the folders\n  give the commands of these shards of 4 again, and those begun go on (in Slurm: --array=2): 2",
        ),
        (
            "part-2 part-3",
            "the seeds 10..16 are in none of the folders\n  the seeds 28..35 are in none of the folders",
        ),
        (
            "part-1 of-three part-4",
            "the seeds 26..28 are in none of the folders\n  name the folders that hold them too",
        ),
        ("part-1 part-2 part-2 part-3 part-4", "part-2 and part-2 both hold the seeds 16..22"),
        ("part-1 part-2 of-three part-3 part-4", "part-2 and of-three both hold the seeds 18..22"),
        ("whole part-2", "whole and part-2 both hold the seeds 16..22"),
        ("part-1 other-nodes part-3 part-4", "nodes: 5 there, 6 here"),
        ("part-1 other-seeds part-3 part-4", "seeds: 10..35 there, 10..36 here"),
        ("part-1 other-vary part-3 part-4", "vary: nothing there, network.loss=0,1 here"),
        ("part-1 other-version part-3 part-4", "version: "),
        (
            "part-1 half-done part-3",
            "  half-done is not complete\n  the seeds 28..35 are in none of the folders\n  \
             give the commands of these shards of 4 again, and those begun go on (in Slurm: --array=2,4): 2,4\n",
        ),
        ("part-1 empty part-3 part-4", "empty: there is no manifest.json here"),
        ("part-1 nowhere part-3 part-4", "nowhere: there is no manifest.json here"),
    ] {
        let said = run(&desk, &format!("merge {parts} --out merged"));
        assert!(said.code == 64 && said.talk.contains(says), "{parts}: {said:?}");
        if says.contains("there, ") {
            assert!(said.talk.contains("are not parts of the same sweep"), "{said:?}");
        }
        assert!(!desk.path("merged").exists(), "{parts}");
    }
    let said = run(&desk, "merge part-1 part-2 part-3 part-4 --out part-1");
    assert!(said.code == 64 && said.talk.contains("shard: 1/4 there, the whole here"), "{said:?}");
    assert_eq!(run(&desk, "merge --out merged").code, 64);
}

#[test]
fn a_task_submitted_again_alone_is_still_one_of_as_many() {
    let desk = desk();
    let contrib = crate::support::root().join("contrib");
    let task = format!(
        "PATH=$(dirname \"$RUMORMILL\"):$PATH SHARDS=4 SCENARIO=small.json SEEDS=10..35 VARY=network.loss=0,0.5 SWEEP=. \
         SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=1 bash {}/sweep.sbatch",
        contrib.display()
    );
    let said = desk.shell(&task);
    assert!(said.code == 0 && said.row("seeds") == "22..28, shard 3/4 of 10..35 at 2 points", "{said:?}");
    assert_eq!(desk.read("part-3/runs.jsonl").lines().count(), 12);
    for script in ["slurm.sh", "parallel.sh"] {
        let said = desk.shell(&format!("bash -n {}/{script}", contrib.display()));
        assert_eq!((said.code, said.talk.as_str()), (0, ""), "{script}");
    }
}
