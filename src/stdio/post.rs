//! The way out of a served node: lines with their numbers, answers, refusals, and what is logged. It knows no node.

use serde::{Deserialize, Serialize};

use super::wire::{Envelope, encode};
use crate::node::ErrorCode;

/// What the host answers by itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum HostResponse {
    InitOk,
    TopologyOk,
    Error { code: u64, text: String },
}

/// What came out of the host since it was emptied last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// Whole lines for stdout.
    pub lines: Vec<u8>,
    /// Lines for stderr.
    pub log: Vec<String>,
}

/// The way out: numbers the lines and says what was skipped.
#[derive(Debug, Default)]
pub(super) struct Post {
    msg_id: u64,
    pub(super) skipped: u64,
    pub(super) out: Output,
}

/// Whom to answer.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) name: String,
    pub(super) msg_id: Option<u64>,
}

impl Post {
    pub(super) fn send<T: Serialize>(
        &mut self,
        src: &str,
        dest: &str,
        in_reply_to: Option<u64>,
        payload: &T,
    ) {
        let envelope = Envelope { src, dest, in_reply_to, msg_id: self.msg_id };
        match encode(&mut self.out.lines, envelope, payload) {
            Ok(()) => self.msg_id += 1,
            Err(error) => self.skip(&format!("cannot write a message to {dest}: {error}")),
        }
    }

    pub(super) fn answer<T: Serialize>(&mut self, src: &str, caller: &Caller, payload: &T) {
        if let Some(msg_id) = caller.msg_id {
            self.send(src, &caller.name, Some(msg_id), payload);
        }
    }

    /// Tells the caller why not; the log, if the caller cannot be told.
    pub(super) fn refuse(&mut self, src: &str, caller: &Caller, code: ErrorCode, text: String) {
        match caller.msg_id {
            Some(_) => self.answer(src, caller, &HostResponse::Error { code: code.number(), text }),
            None => self.skip(&format!("a message from {:?} that cannot be answered: {text}", caller.name)),
        }
    }

    pub(super) fn skip(&mut self, why: &str) {
        self.skipped += 1;
        self.out.log.push(format!("{why} (skipped, {} so far)", self.skipped));
    }
}
