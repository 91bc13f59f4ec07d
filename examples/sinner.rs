//! An echo node that does one thing wrong, named by its argument: what `rumormill test --bin` must find and name.
//!
//! `rumormill test -w echo --bin target/debug/examples/sinner -- --sin garbage`
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a node speaks on stdout and logs on stderr")]

use std::io::{BufRead, Write};

use serde_json::{Value, json};

fn say(src: &str, dest: &str, body: &Value, end: &str) {
    print!("{}{end}", json!({ "src": src, "dest": dest, "body": body }));
    _ = std::io::stdout().flush();
}

fn main() {
    let sin = std::env::args().skip_while(|arg| arg != "--sin").nth(1).unwrap_or_default();
    let mut me = String::new();
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let line: Value = serde_json::from_str(&line).unwrap_or_default();
        let (client, body) = (line["src"].as_str().unwrap_or_default(), &line["body"]);
        let mut answer = json!({ "type": format!("{}_ok", body["type"].as_str().unwrap_or_default()) });
        answer["in_reply_to"] = body["msg_id"].clone();
        if body["type"] == "init" {
            me = body["node_id"].as_str().unwrap_or_default().to_owned();
            match sin.as_str() {
                "mute" => {}
                "refuses" => say(
                    &me,
                    client,
                    &json!({ "type": "error", "code": 13, "in_reply_to": body["msg_id"] }),
                    "\n",
                ),
                _ => say(&me, client, &answer, "\n"),
            }
            continue;
        }
        if body["type"] != "echo" {
            continue;
        }
        answer["echo"] = body["echo"].clone();
        match sin.as_str() {
            "newline" => say(&me, client, &answer, ""),
            "joined" => {
                say(&me, client, &answer, "");
                say(&me, client, &answer, "\n");
            }
            "garbage" => {
                println!("\x1b[2Jgot an echo, answering");
                say(&me, client, &answer, "\n");
            }
            "not-utf-8" => {
                _ = std::io::stdout().write_all(b"\xff\xfe\n");
                say(&me, client, &answer, "\n");
            }
            "extra-key" => {
                answer["debug"] = json!(true);
                say(&me, client, &answer, "\n");
            }
            "twice" => {
                say(&me, client, &answer, "\n");
                say(&me, client, &answer, "\n");
            }
            "wrong-reply" => {
                answer["in_reply_to"] = json!(123_456);
                say(&me, client, &answer, "\n");
            }
            "no-reply-to" => say(&me, client, &json!({ "type": "echo_ok", "echo": body["echo"] }), "\n"),
            "wrong-type" => {
                say(&me, client, &json!({ "type": "echoed", "in_reply_to": body["msg_id"] }), "\n")
            }
            "unknown-dest" => {
                say(&me, "n99", &json!({ "type": "hello" }), "\n");
                say(&me, client, &answer, "\n");
            }
            "service" => {
                say(&me, "lin-kv", &json!({ "type": "read", "key": 1, "msg_id": 1 }), "\n");
                say(&me, client, &answer, "\n");
            }
            "src" => say("somebody", client, &answer, "\n"),
            "exit" => {
                eprintln!("this node has had enough");
                std::process::exit(7);
            }
            "late" => {
                std::thread::sleep(std::time::Duration::from_millis(700));
                say(&me, client, &answer, "\n");
            }
            "floods" => {
                say(&me, client, &answer, "\n");
                let line = format!("{}\n", json!({ "src": me, "dest": "n1", "body": { "type": "hello" } }));
                let lines = line.repeat(1_000);
                for _ in 0..if me == "n0" { 200 } else { 0 } {
                    _ = std::io::stdout().write_all(lines.as_bytes());
                }
            }
            "deaf" => std::thread::sleep(std::time::Duration::from_secs(3_600)),
            _ => say(&me, client, &answer, "\n"),
        }
    }
}
