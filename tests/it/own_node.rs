//! A stranger's node gets every command through `cli::main`, from a crate of its own and from the README's example.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{root, with_input};

/// Builds a binary of this workspace in the folder where cargo has built this test, so that little is built anew.
fn build(arguments: &[&str], binary: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_BIN_EXE_rumormill")).parent().expect("a binary lies in a folder");
    let target = folder.parent().expect("the folder of a profile lies in the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .current_dir(root())
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(target)
        .args(arguments);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.output().unwrap();
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    folder.join(binary)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_crate_with_its_own_node_gets_every_command() {
    // Named with what is built already, it gets the very library of that, and not one of its own features.
    let program =
        build(&["-p", "own-node", "-p", "rumormill", "--bin", "own-node", "--test", "it"], "own-node");
    let scenario = root().join("tests/fixtures/own_node/ring.json");
    let run = Command::new(&program).arg("run").arg(&scenario).output().unwrap();
    assert!(
        run.status.success() && text(&run).starts_with("PASS  ring: ring under broadcast"),
        "{}",
        text(&run)
    );

    let init =
        r#"{"src":"c0","dest":"n0","body":{"type":"init","msg_id":1,"node_id":"n0","node_ids":["n0","n1"]}}"#;
    let ask = r#"{"src":"c1","dest":"n0","body":{"type":"broadcast","msg_id":2,"message":"x"}}"#;
    let served = with_input(Command::new(&program).args(["serve", "ring"]), &format!("{init}\n{ask}\n"));
    let expected = concat!(
        r#"{"src": "n0", "dest": "c0", "body": {"type": "init_ok", "in_reply_to": 1, "msg_id": 0}}"#,
        "\n",
        r#"{"src": "n0", "dest": "c1", "body": {"type": "broadcast_ok", "in_reply_to": 2, "msg_id": 1}}"#,
        "\n",
        r#"{"src": "n0", "dest": "n1", "body": {"type": "pass", "message": "x", "hops": 1, "mark": 0, "msg_id": 2}}"#,
        "\n",
    );
    assert_eq!(text(&served), expected);

    let check = |protocol: &str| {
        let set = format!("protocol={{\"{protocol}\": {{}}}}");
        Command::new(&program)
            .arg("run")
            .arg(&scenario)
            .args(["--check-determinism", "--set", &set])
            .output()
            .unwrap()
    };
    let honest = check("ring");
    assert_eq!(honest.status.code(), Some(0), "{}", text(&honest));
    assert!(
        text(&honest)
            .contains("determinism     three runs, one of them in a fresh process: every event the same")
    );
    let drifter = check("drifter");
    assert_eq!(drifter.status.code(), Some(3), "{}", text(&drifter));
    assert!(text(&drifter).starts_with("NOT DETERMINISTIC: event "), "{}", text(&drifter));
    assert!(text(&drifter).contains("\"mark\": "), "the event that differs is shown: {}", text(&drifter));
}

#[test]
fn the_readmes_node_is_the_example_and_runs() {
    let source = std::fs::read_to_string(root().join("examples/own_node.rs")).unwrap();
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let (_, node) = source.split_once('\n').expect("the example begins by saying what it is");
    assert!(readme.contains(node), "the README shows examples/own_node.rs");
    let program = build(&["--example", "own_node"], "examples/own_node");
    let set = [
        "--set",
        "protocol={\"shout\": {}}",
        "--set",
        "faults=[]",
        "--set",
        "network.loss=0",
        "--set",
        "expect={}",
    ];
    let run = Command::new(program).args(["run", "quickstart"]).args(set).output().unwrap();
    assert!(run.status.success(), "{}", text(&run));
}
