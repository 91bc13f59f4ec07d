//! A deterministic, in-process cluster simulator for gossip protocols.
//!
//! A node's logic is written once, as handlers that do no I/O ([`node`]). The simulator ([`sim`]) drives a whole
//! cluster of them on a virtual clock over a seeded network; the same handlers, unchanged, speak the Maelstrom protocol
//! over stdin and stdout ([`stdio`]).

pub mod check;
pub mod cli;
pub mod epidemic;
pub mod hash;
pub mod id;
pub mod node;
#[cfg(unix)]
pub mod process;
pub mod protocol;
pub mod ratio;
pub mod report;
pub mod rng;
pub mod run;
pub mod scenario;
pub mod shrink;
pub mod sim;
pub mod solo;
pub mod stdio;
#[cfg(feature = "proptest")]
pub mod strategy;
pub mod sweep;
pub mod time;
pub mod topology;
pub mod trace;
pub mod value;
pub mod why;
pub mod workload;

pub use id::NodeId;
pub use value::{Value, ValueSet};
