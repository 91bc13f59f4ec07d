//! Who is told to be whose neighbour, exactly as Maelstrom builds its topologies.
//!
//! A topology is advice to the protocol: any node can still send to any other. `total` is never built as a list.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Members, NodeId};

/// The shape of the neighbourhoods (Maelstrom's `--topology`; src/maelstrom/workload/broadcast.clj).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Topology {
    /// A path: n0 - n1 - n2 ...
    Line,
    /// Rows on a square of side ceil(sqrt n), up to four neighbours.
    #[default]
    Grid,
    /// The same as `tree2`.
    Tree,
    /// Breadth first, two children a node.
    Tree2,
    /// Breadth first, three children a node.
    Tree3,
    /// Breadth first, four children a node.
    Tree4,
    /// Everybody is everybody's neighbour.
    Total,
}

impl Topology {
    /// The neighbours of a node in a cluster of `count` nodes, in the order of their numbers.
    pub fn neighbours(self, node: NodeId, count: u32) -> Vec<NodeId> {
        let me = u64::from(node.0);
        let near: Vec<u64> = match self {
            Topology::Line => me.checked_sub(1).into_iter().chain([me + 1]).collect(),
            Topology::Grid => {
                let side = u64::from(count - 1).isqrt() + 1;
                let above = me.checked_sub(side);
                let left = (!me.is_multiple_of(side)).then(|| me - 1);
                let right = (me % side != side - 1).then_some(me + 1);
                above.into_iter().chain(left).chain(right).chain([me + side]).collect()
            }
            Topology::Tree | Topology::Tree2 => return tree(node, count, 2),
            Topology::Tree3 => return tree(node, count, 3),
            Topology::Tree4 => return tree(node, count, 4),
            Topology::Total => (0..u64::from(count)).filter(|other| *other != me).collect(),
        };
        near.into_iter().filter(|other| *other < u64::from(count)).map(|other| NodeId(other as u32)).collect()
    }
}

/// The neighbours of a node in the breadth-first tree of `count` nodes with `branches` children a node, at least one:
/// first its parent, then its children.
pub fn tree(node: NodeId, count: u32, branches: u32) -> Vec<NodeId> {
    let (me, branches) = (u64::from(node.0), u64::from(branches));
    let parent = me.checked_sub(1).map(|below| below / branches);
    let first = me * branches + 1;
    let children = first..(first + branches).min(u64::from(count)).max(first);
    parent.into_iter().chain(children).map(|other| NodeId(other as u32)).collect()
}

/// The neighbourhoods of a whole cluster in two flat lists; nothing at all for `total`.
#[derive(Clone, Debug, Default)]
pub struct Layout {
    ends: Vec<u32>,
    nodes: Vec<NodeId>,
}

impl Layout {
    /// The neighbourhoods of the members; absent nodes keep their places and are nobody's neighbours.
    pub fn new(topology: Topology, members: &Members) -> Layout {
        let mut layout = Layout::default();
        if topology == Topology::Total {
            return layout;
        }
        for node in (0..members.count()).map(NodeId) {
            let near = topology.neighbours(node, members.count());
            layout.nodes.extend(near.into_iter().filter(|other| members.contains(*other)));
            layout.ends.push(layout.nodes.len() as u32);
        }
        layout
    }

    /// The neighbours of a node, or `None` if all others are.
    pub fn of(&self, node: NodeId) -> Option<&[NodeId]> {
        let end = *self.ends.get(node.index())? as usize;
        let begin = node.index().checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        Some(&self.nodes[begin..end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(topology: Topology, count: u32) -> usize {
        (0..count).map(|node| topology.neighbours(NodeId(node), count).len()).sum()
    }

    #[test]
    fn every_topology_has_maelstroms_links_both_ways() {
        assert_eq!(links(Topology::Line, 25), 48);
        assert_eq!(links(Topology::Grid, 25), 80);
        assert_eq!(links(Topology::Tree4, 25), 48);
        assert_eq!(links(Topology::Total, 25), 600);
        assert_eq!(
            Topology::Grid.neighbours(NodeId(4), 10),
            [NodeId(0), NodeId(5), NodeId(8)],
            "a side of 4"
        );
        assert_eq!(Topology::Tree3.neighbours(NodeId(1), 25), [0, 4, 5, 6].map(NodeId));
        use Topology::{Grid, Line, Total, Tree, Tree2, Tree3, Tree4};
        for topology in [Line, Grid, Tree, Tree2, Tree3, Tree4, Total] {
            for count in 1..=30 {
                for node in (0..count).map(NodeId) {
                    for other in topology.neighbours(node, count) {
                        assert!(
                            other != node && topology.neighbours(other, count).contains(&node),
                            "{topology:?} {count}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_layout_leaves_out_the_absent_and_never_lists_total() {
        let members = Members::all(9).without(&"n4".parse().unwrap());
        let layout = Layout::new(Topology::Grid, &members);
        assert_eq!(layout.of(NodeId(1)), Some(&[NodeId(0), NodeId(2)][..]));
        assert_eq!(Layout::new(Topology::Total, &members).of(NodeId(1)), None);
    }
}
