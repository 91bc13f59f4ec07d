//! `new`: writes a scenario file to start from, and never over another file.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use super::load::program;
use super::{Done, Exit, Failure, print};

#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// The scenario's name; the file is NAME.json in this folder.
    #[arg(value_name = "NAME")]
    name: String,
}

pub(super) fn new(args: &Args, out: &mut impl Write) -> Done {
    let name = args.name.strip_suffix(".json").unwrap_or(&args.name);
    let plain = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(plain) {
        return Err(Failure::usage(format!("{:?} is no name; write letters, digits, - and _", args.name)));
    }
    let path = PathBuf::from(format!("{name}.json"));
    let text = TEMPLATE.replace("NAME", name);
    let file = OpenOptions::new().write(true).create_new(true).open(&path);
    match file.and_then(|mut file| file.write_all(text.as_bytes())) {
        Ok(()) => {
            print(out, &format!("{0} is written. Run it: {1} run {0}\n", path.display(), program()))?;
            Ok(0)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = format!("{}: there is such a file already; choose another name", path.display());
            Err(Failure { exit: Exit::Io, text })
        }
        Err(error) => Err(Failure::io(&path.display().to_string(), &error)),
    }
}

const TEMPLATE: &str = r#"{
  "format": 1,
  "name": "NAME",
  "about": "Say here what it shows.",
  "seed": 1,
  "nodes": 25,
  "protocol": { "gossip": { "fanout": 3, "anti_entropy": "1s" } },
  "topology": "grid",
  "network": { "latency": { "exponential": { "mean": "20ms" } }, "loss": 0.01 },
  "workload": { "broadcast": { "rate": 10.0, "time_limit": "20s" } },
  "faults": [
    { "at": "5s", "for": "4s", "fault": { "partition": [["n0..n11"], ["rest"]] } }
  ],
  "settle": "10s",
  "expect": { "verdict": "pass", "lost": 0 }
}
"#;
