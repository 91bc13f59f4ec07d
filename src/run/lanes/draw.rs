//! The drawing of lanes: a column for each node, arrows between them, and a note at the right of each line.
//!
//! A node that is up has a line in its lane, one that is held a broken line, one that is down none.

use std::fmt::Write as _;

use super::{Life, Line, Shown, What, clock};
use crate::id::NodeId;
use crate::run::words::seconds;

/// More nodes than this get no lanes.
const MOST_LANES: usize = 8;
/// How wide the lanes are together at most, and each of them.
const TOGETHER: usize = 76;
const WIDEST: usize = 24;

/// Draws lines in lanes, or as a list if there are more nodes than lanes.
pub(super) fn draw(nodes: &[NodeId], up: &[NodeId], shown: &[Shown<'_>]) -> String {
    let lanes = if nodes.len() > MOST_LANES { &[] } else { nodes };
    let life = |node| if up.contains(node) { Life::Up } else { Life::Down };
    let mut picture = Picture {
        lanes: lanes.iter().map(|node| (*node, life(node))).collect(),
        width: (TOGETHER / lanes.len().max(1)).min(WIDEST),
        text: String::new(),
    };
    picture.head();
    shown.iter().for_each(|shown| picture.show(shown));
    picture.text
}

struct Picture {
    lanes: Vec<(NodeId, Life)>,
    width: usize,
    text: String,
}

impl Picture {
    fn head(&mut self) {
        if !self.lanes.is_empty() {
            let names: Vec<String> =
                self.lanes.iter().map(|(node, _)| format!("{:<1$}", node.to_string(), self.width)).collect();
            _ = writeln!(self.text, "{:9}  {}", "", names.concat().trim_end());
        }
    }

    fn show(&mut self, shown: &Shown<'_>) {
        match shown {
            Shown::Line(line) => self.line(line),
            Shown::Folded(count, until) => {
                let note = format!("... {count} more like these, until {}", seconds(*until));
                self.write("", self.cells(), &note);
            }
            Shown::Gap(count) => self.write("", self.cells(), &format!("... {count} lines left out ...")),
        }
    }

    fn line(&mut self, line: &Line) {
        let mut cells = self.cells();
        let note = match &line.what {
            What::Fault(text) => text.clone(),
            What::Host(node, life, text) => {
                if let Some(lane) = self.lane(*node) {
                    cells[lane * self.width] = mark(*life);
                    self.lanes[lane].1 = *life;
                }
                text.clone()
            }
            What::Client(node, text) => {
                if let Some(lane) = self.lane(*node) {
                    cells[lane * self.width] = '●';
                }
                text.clone()
            }
            What::Message { src, dst, label, fate, sent } => {
                let mut notes = Vec::new();
                match (self.lane(*src), self.lane(*dst)) {
                    (Some(src), Some(dst)) => {
                        if !arrow(&mut cells, src * self.width, dst * self.width, label, fate.is_some()) {
                            notes.push(label.clone());
                        }
                    }
                    (_, _) => notes.push(format!("{src} to {dst}: {label}")),
                }
                notes.extend(fate.clone());
                if sent.0 != line.at {
                    notes.push(format!("sent {}", seconds(sent.0)));
                }
                notes.join(", ")
            }
        };
        self.write(&clock(line.at), cells, &note);
    }

    fn lane(&self, node: NodeId) -> Option<usize> {
        self.lanes.iter().position(|(other, _)| *other == node)
    }

    /// The lanes where nothing happens.
    fn cells(&self) -> Vec<char> {
        let mut cells = vec![' '; self.width * self.lanes.len()];
        for (lane, (_, life)) in self.lanes.iter().enumerate() {
            cells[lane * self.width] = match life {
                Life::Up => '│',
                Life::Held => '┊',
                Life::Down => ' ',
            };
        }
        cells
    }

    fn write(&mut self, time: &str, cells: Vec<char>, note: &str) {
        let cells: String = cells.into_iter().collect();
        _ = writeln!(self.text, "{}", format!("{time:9}  {cells}{note}").trim_end());
    }
}

const fn mark(life: Life) -> char {
    match life {
        Life::Up => '┬',
        Life::Down => '┴',
        Life::Held => '=',
    }
}

/// Draws an arrow from one column to another; whether there was room for its label.
fn arrow(cells: &mut [char], from: usize, to: usize, label: &str, dropped: bool) -> bool {
    let (low, high) = (from.min(to), from.max(to));
    let rightwards = from < to;
    cells[low + 1..high].fill('─');
    cells[from] = if rightwards { '├' } else { '┤' };
    let head = if rightwards { high - 1 } else { low + 1 };
    cells[head] = match (dropped, rightwards) {
        (true, _) => '╳',
        (false, true) => '▶',
        (false, false) => '◀',
    };
    let room = high - low - 2;
    let length = label.chars().count();
    if length + 2 > room {
        return false;
    }
    let first = low + 1 + usize::from(!rightwards) + (room - length) / 2;
    for (cell, letter) in cells[first..].iter_mut().zip(label.chars()) {
        *cell = letter;
    }
    true
}
