//! What a flooding node keeps on disk, and how disks are told apart. It knows no node.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::NodeId;
use crate::value::ValueSet;

/// What survives a crash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Durable {
    /// In order of arrival; on disk before a broadcast or a Tell is acknowledged.
    pub(super) values: ValueSet,
    pub(super) disk: Disk,
    /// The disks that peers said Hello from last.
    pub(super) asked: BTreeMap<NodeId, u64>,
}

/// Which disk this is, by a nonce.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) enum Disk {
    #[default]
    Blank,
    /// Values may have been lost with an earlier disk, and not all neighbours have been asked.
    Asking(u64),
    Whole(u64),
}

impl Durable {
    /// Whether what this disk of a peer had, the peer still has.
    pub(super) fn is_latest(&self, peer: NodeId, disk: u64) -> bool {
        self.asked.get(&peer).is_none_or(|latest| *latest == disk)
    }
}

impl Disk {
    /// 0 in a blind flood, where nobody looks at it.
    pub(super) const fn nonce(self) -> u64 {
        match self {
            Disk::Blank => 0,
            Disk::Asking(nonce) | Disk::Whole(nonce) => nonce,
        }
    }
}
