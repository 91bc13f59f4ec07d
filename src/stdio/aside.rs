//! Requests that a host answers by itself, beside those of its node's workload. It knows no node.

use serde::Serialize;

/// Answers requests that are no business of the node's.
pub trait Aside {
    /// What it answers with: an enum whose variants are the answers' types.
    type Response: Serialize;

    /// Whether requests of this type are answered here.
    fn knows(&self, tag: &str) -> bool;

    /// Answers a request of a type that is known, from its body.
    ///
    /// # Errors
    /// What is wrong with the request, in a sentence; the client gets it with the code for a malformed request.
    fn answer(&self, tag: &str, body: &str) -> Result<Self::Response, String>;
}

/// Answers nothing: the node's own requests are all that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nothing;

/// There is no such answer.
#[derive(Clone, Copy, Debug, Serialize)]
pub enum Never {}

impl Aside for Nothing {
    type Response = Never;

    fn knows(&self, _: &str) -> bool {
        false
    }

    fn answer(&self, tag: &str, _: &str) -> Result<Never, String> {
        Err(format!("unknown type {tag:?}"))
    }
}
