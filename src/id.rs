//! Dense numbers for nodes and clients, sets of nodes, and who belongs to the cluster.
//!
//! Names exist only at the edges: in files "n0", "n1", ... are the nodes' numbers; on stdio the host translates.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A node of the cluster, numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(pub u32);

/// A client outside the cluster, numbered from 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u32);

impl NodeId {
    /// The number as an index into a list of all nodes.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A node hashes as a number that nothing else is: that is how `greatest_node` finds it in any message.
impl Hash for NodeId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(NODE_MARK | u128::from(self.0));
    }
}

const NODE_MARK: u128 = 0x6E6F_6465 << 64;

/// The greatest node that `carrier`, say a message, names. It looks at all that the carrier's `Hash` shows.
pub(crate) fn greatest_node<T: Hash + ?Sized>(carrier: &T) -> Option<NodeId> {
    struct Finder(Option<NodeId>);
    impl Hasher for Finder {
        fn write(&mut self, _: &[u8]) {}
        fn write_u128(&mut self, word: u128) {
            if word & !u128::from(u32::MAX) == NODE_MARK {
                self.0 = self.0.max(Some(NodeId(word as u32)));
            }
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut finder = Finder(None);
    carrier.hash(&mut finder);
    finder.0
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("n{}", self.0))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "n{}", self.0)
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("c{}", self.0))
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.0)
    }
}

/// Why a text names no node or range of nodes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` names no node; write \"n3\", \"n0..n11\" for a range with both ends in, or in a partition \"rest\""
)]
pub struct ParseNodesError(String);

/// Nodes named one by one or by ranges, in the order of the file: "n3", "n0..n11" (both ends in).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NodeSet {
    ranges: Vec<(NodeId, NodeId)>,
}

impl NodeSet {
    /// The set of the given nodes, runs of consecutive ones joined into ranges.
    pub fn of(nodes: impl IntoIterator<Item = NodeId>) -> NodeSet {
        let mut ranges: Vec<(NodeId, NodeId)> = Vec::new();
        for node in nodes {
            match ranges.last_mut() {
                Some((_, last)) if last.0 + 1 == node.0 => *last = node,
                Some(_) | None => ranges.push((node, node)),
            }
        }
        NodeSet { ranges }
    }

    /// Every node named, in the order of the file; one named twice comes twice.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        self.ranges.iter().flat_map(|(first, last)| (first.0..=last.0).map(NodeId))
    }

    /// Whether the node is in the set.
    pub fn contains(&self, node: NodeId) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&node))
    }

    /// Whether no node is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The greatest node named.
    pub fn greatest(&self) -> Option<NodeId> {
        self.ranges.iter().map(|(_, last)| *last).max()
    }

    fn add(&mut self, text: &str) -> Result<(), ParseNodesError> {
        let (first, last) = text.split_once("..").unwrap_or((text, text));
        match (parse_node(first), parse_node(last)) {
            (Some(first), Some(last)) if first <= last => {
                self.ranges.push((first, last));
                Ok(())
            }
            _ => Err(ParseNodesError(text.to_owned())),
        }
    }
}

fn parse_node(text: &str) -> Option<NodeId> {
    let digits = text.strip_prefix('n')?;
    let canonical = digits == "0" || !digits.starts_with('0');
    let number = digits.parse().ok().filter(|_| canonical && digits.bytes().all(|b| b.is_ascii_digit()));
    number.filter(|number| *number < u32::MAX).map(NodeId)
}

impl FromStr for NodeId {
    type Err = ParseNodesError;

    fn from_str(text: &str) -> Result<NodeId, ParseNodesError> {
        parse_node(text).ok_or_else(|| ParseNodesError(text.to_owned()))
    }
}

impl FromStr for NodeSet {
    type Err = ParseNodesError;

    fn from_str(text: &str) -> Result<NodeSet, ParseNodesError> {
        let mut set = NodeSet::default();
        set.add(text)?;
        Ok(set)
    }
}

impl fmt::Display for NodeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(", "))
    }
}

impl NodeSet {
    fn names(&self) -> Vec<String> {
        let name = |(first, last): &(NodeId, NodeId)| match first == last {
            true => first.to_string(),
            false => format!("{first}..{last}"),
        };
        self.ranges.iter().map(name).collect()
    }
}

impl Serialize for NodeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.names().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NodeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeSet, D::Error> {
        let mut set = NodeSet::default();
        for text in Vec::<Cow<'de, str>>::deserialize(deserializer)? {
            set.add(&text).map_err(de::Error::custom)?;
        }
        Ok(set)
    }
}

impl JsonSchema for NodeSet {
    fn schema_name() -> Cow<'static, str> {
        "NodeSet".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "array",
            "items": { "type": "string", "pattern": "^n[0-9]+(\\.\\.n[0-9]+)?$" },
            "description": "Nodes: \"n3\", or \"n0..n11\" for a range with both ends in.",
        })
    }
}

/// The first few of a list of nodes, and how many there are.
pub(crate) fn few(nodes: &[NodeId]) -> String {
    let names: Vec<String> = nodes.iter().take(4).map(NodeId::to_string).collect();
    match nodes.len() {
        0..=4 => names.join(", "),
        count => format!("{}, ... ({count} nodes)", names.join(", ")),
    }
}

/// Who belongs to the cluster: the numbers 0 to `count`, less those taken out.
///
/// Taking a node out renames nobody, so every key, id and topology position stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members {
    count: u32,
    present: u32,
    absent: Vec<u64>,
}

impl Members {
    /// A cluster of `count` nodes, all present.
    pub fn all(count: u32) -> Members {
        Members { count, present: count, absent: Vec::new() }
    }

    /// The same cluster without the nodes of `absent`.
    ///
    /// # Panics
    /// If a node taken out was never in.
    pub fn without(mut self, absent: &NodeSet) -> Members {
        for node in absent.iter() {
            assert!(node.0 < self.count, "{node} is not one of {} nodes", self.count);
            self.absent.resize(self.count.div_ceil(64) as usize, 0);
            let (word, bit) = (node.index() / 64, 1 << (node.0 % 64));
            if self.absent[word] & bit == 0 {
                self.absent[word] |= bit;
                self.present -= 1;
            }
        }
        self
    }

    /// How many numbers there are, those of absent nodes included.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// How many nodes are present.
    pub const fn present(&self) -> u32 {
        self.present
    }

    /// Whether the number is that of a node that is present.
    pub fn contains(&self, node: NodeId) -> bool {
        node.0 < self.count
            && self.absent.get(node.index() / 64).is_none_or(|word| word & (1 << (node.0 % 64)) == 0)
    }

    /// The nodes present, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = NodeId> {
        (0..self.count).map(NodeId).filter(|node| self.contains(*node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_nodes_read_and_print_ranges_with_both_ends_in() {
        let set: NodeSet = serde_json::from_str(r#"["n3", "n5..n7"]"#).unwrap();
        assert_eq!(set.iter().collect::<Vec<_>>(), [NodeId(3), NodeId(5), NodeId(6), NodeId(7)]);
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["n3","n5..n7"]"#);
        assert_eq!(NodeSet::of([1, 2, 3, 9].map(NodeId)).to_string(), "n1..n3, n9");
        for bad in ["3", "n", "n-1", "n03", "n7..n5", "n1..", "n+1", "n4294967295", "n1...n2"] {
            assert!(bad.parse::<NodeSet>().is_err(), "{bad}");
        }
    }

    #[test]
    fn absent_nodes_keep_their_numbers() {
        let members = Members::all(70).without(&NodeSet::of([0, 64, 64].map(NodeId)));
        assert_eq!((members.count(), members.present()), (70, 68));
        assert!(
            !members.contains(NodeId(64)) && members.contains(NodeId(65)) && !members.contains(NodeId(70))
        );
        assert_eq!(members.iter().count(), 68);
    }
}
