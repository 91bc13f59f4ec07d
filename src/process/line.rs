//! What a node's line says, or what is wrong with it and what to do: in words for whoever wrote the node.

use crate::id::NodeId;
use crate::node::{ErrorCode, Rejection};
use crate::stdio::wire::{DecodeError, Line, decode, encode_body};
use crate::workload::Workload;

/// What a line is.
#[derive(Debug)]
pub(super) enum Meaning {
    /// A message to a node.
    ToNode(NodeId, String),
    /// An answer to a client.
    Answer { client: String, in_reply_to: u64, body: String },
}

/// What is wrong with a line: the kind, and a sentence that follows the node's name.
pub(super) type Complaint = (&'static str, String);

/// Reads a line that `node` printed.
pub(super) fn meaning(text: &[u8], node: NodeId, nodes: u32) -> Result<Meaning, Complaint> {
    let shown = shortened(text);
    let text = std::str::from_utf8(text).map_err(|_| {
        ("not UTF-8", format!("printed a line that is not UTF-8: {shown}; write JSON as UTF-8"))
    })?;
    let line = Line::parse(text).map_err(|error| {
        let hint = if text.contains("}{") {
            "two messages stand on one line; end each with a newline"
        } else {
            "stdout is for messages only, one JSON object a line with src, dest and body; log to stderr"
        };
        let error = error.to_string();
        let error = error.split(" at line ").next().unwrap_or_default().to_owned();
        ("not a message", format!("printed a line that is no message ({error}): {shown}; {hint}"))
    })?;
    if line.src != node.to_string() {
        let text =
            format!("says that its name is {:?}: {shown}; `src` is the node_id that init gave it", line.src);
        return Err(("wrong src", text));
    }
    if let Err(why) = &line.tag {
        return Err(("not a message", format!("printed a message without a type ({why}): {shown}")));
    }
    if let Ok(dst) = line.dest.parse::<NodeId>() {
        return match dst.0 < nodes {
            true => Ok(Meaning::ToNode(dst, line.body.to_owned())),
            false => {
                let last = nodes - 1;
                Err(("unknown dest", format!("sends to {dst}, and the nodes are n0 to n{last}: {shown}")))
            }
        };
    }
    if !line.dest.starts_with('c') {
        let text = format!(
            "sends to {:?}, which is neither a node nor a client: {shown}; Maelstrom's services are not served here",
            line.dest
        );
        return Err(("unknown dest", text));
    }
    let in_reply_to = line.in_reply_to.ok_or_else(|| {
        let text = format!(
            "sends to client {} without in_reply_to: {shown}; put the request's msg_id there, as a number",
            line.dest
        );
        ("wrong in_reply_to", text)
    })?;
    Ok(Meaning::Answer { client: line.dest.into_owned(), in_reply_to, body: line.body.to_owned() })
}

/// Reads the body of an answer, as strictly as Maelstrom's schemas do.
pub(super) fn answer<W: Workload>(body: &str) -> Result<Result<W::Response, Rejection>, Complaint> {
    let shown = shortened(body.as_bytes());
    let tag = tag_of(body);
    if tag == "error" {
        return rejection(body).map(Err).ok_or_else(|| {
            ("wrong shape", format!("answers with an error that has no number as its `code`: {shown}"))
        });
    }
    let response = decode::<W::Response>(&tag, body).map_err(|error| match error {
        DecodeError::Unknown(allowed) => {
            let text = format!("answers with type {tag:?}: {shown}; it can be {}", allowed.join(", "));
            ("wrong type", text)
        }
        DecodeError::Malformed(why) => ("wrong shape", format!("answers {tag} wrongly ({why}): {shown}")),
    })?;
    let mut again = Vec::new();
    if encode_body(&mut again, &response).is_ok() {
        let known = keys(&String::from_utf8_lossy(&again));
        let ours = ["type", "msg_id", "in_reply_to"];
        let extra = keys(body).into_iter().find(|key| !known.contains(key) && !ours.contains(&key.as_str()));
        if let Some(key) = extra {
            let text = format!("answers {tag} with a key too many, {key:?}: {shown}; Maelstrom refuses it");
            return Err(("extra key", text));
        }
    }
    Ok(Ok(response))
}

fn rejection(body: &str) -> Option<Rejection> {
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let code = match body.get("code")?.as_u64()? {
        0 => ErrorCode::Timeout,
        1 => ErrorCode::NodeNotFound,
        10 => ErrorCode::NotSupported,
        11 => ErrorCode::TemporarilyUnavailable,
        12 => ErrorCode::MalformedRequest,
        14 => ErrorCode::Abort,
        20 => ErrorCode::KeyDoesNotExist,
        21 => ErrorCode::KeyAlreadyExists,
        22 => ErrorCode::PreconditionFailed,
        30 => ErrorCode::TxnConflict,
        // Maelstrom takes any other as one that may have happened.
        _ => ErrorCode::Crash,
    };
    let text = body.get("text").and_then(|text| text.as_str()).unwrap_or_default().to_owned();
    Some(Rejection { code, text })
}

pub(super) fn tag_of(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body.get("type").and_then(|tag| tag.as_str()).unwrap_or_default().to_owned()
}

fn keys(body: &str) -> Vec<String> {
    let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    body.as_object().map(|fields| fields.keys().cloned().collect()).unwrap_or_default()
}

/// The beginning of a line, for showing.
pub(super) fn shortened(text: &[u8]) -> String {
    const MOST: usize = 160;
    let text = String::from_utf8_lossy(text);
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{} ...", &text[..at]),
        None => text.into_owned(),
    }
}
