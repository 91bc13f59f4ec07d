//! Jepsen's three-valued truth, as figures bear it under `valid?`.

use serde::Serialize;

use super::Verdict;

/// true, false or "unknown".
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Validity {
    Known(bool),
    Unknown(&'static str),
}

impl From<Verdict> for Validity {
    fn from(verdict: Verdict) -> Validity {
        match verdict {
            Verdict::Pass => Validity::Known(true),
            Verdict::Fail => Validity::Known(false),
            Verdict::Unknown => Validity::Unknown("unknown"),
        }
    }
}
