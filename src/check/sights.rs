//! Which reads show which elements: the part of judging sets that takes reads times values, in flat lists.
//!
//! It knows elements and reads by their numbers, and not what their being shown or lacking says.

use super::Read;
use crate::id::NodeId;
use crate::value::Value;

/// Which reads show each element and which lack it, in flat lists, as reads times elements are many.
#[derive(Debug)]
pub(super) struct Sights {
    pub(super) asked: Vec<u64>,
    shown: Vec<Shown>,
    /// The number of the last read that shows it.
    shown_by: Vec<u32>,
    /// One more than the rank of the latest-invoked read that lacks it, though it was asked for; 0 if none does.
    missed: Vec<u32>,
    by_invocation: Ranks,
    by_completion: Ranks,
}

/// By rank, so that seeing is taking the least and the greatest.
#[derive(Clone, Copy, Debug)]
struct Shown {
    /// Of the read completed first that shows it; the greatest there is if none does.
    first: u32,
    /// One more than that of the read invoked last that shows it; 0 if none does.
    last: u32,
}

/// The reads that show an element, completed first and invoked last, and the one invoked last that lacks it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sight {
    pub(super) first: Option<usize>,
    pub(super) last: Option<usize>,
    pub(super) missed: Option<usize>,
}

impl Sights {
    pub(super) fn new(asked: Vec<u64>, reads: &[Read<'_>]) -> Sights {
        let elements = asked.len();
        Sights {
            asked,
            shown: vec![Shown { first: u32::MAX, last: 0 }; elements],
            shown_by: vec![u32::MAX; elements],
            missed: vec![0; elements],
            by_invocation: Ranks::new(reads, |read| read.invoked.index),
            by_completion: Ranks::new(reads, |read| read.completed.index),
        }
    }

    /// The read shows the element; whether it has shown it before.
    #[inline]
    pub(super) fn see(&mut self, element: usize, read: usize) -> bool {
        let Shown { first, last } = &mut self.shown[element];
        *first = (*first).min(self.by_completion.of[read]);
        *last = (*last).max(self.by_invocation.of[read] + 1);
        std::mem::replace(&mut self.shown_by[element], read as u32) == read as u32
    }

    /// All that the read might have shown and did not show is lacking there.
    pub(super) fn miss(&mut self, number: usize, read: &Read<'_>) {
        let (rank, completed) = (self.by_invocation.of[number] + 1, read.completed.index);
        let number = number as u32;
        for ((missed, shown_by), asked) in self.missed.iter_mut().zip(&self.shown_by).zip(&self.asked) {
            let lacks = (*shown_by != number) & (*asked < completed);
            *missed = (*missed).max(if lacks { rank } else { 0 });
        }
    }

    /// What became of the element.
    pub(super) fn of(&self, element: usize) -> Sight {
        let Shown { first, last } = self.shown[element];
        Sight {
            first: self.by_completion.read(Some(first)),
            last: self.by_invocation.read(last.checked_sub(1)),
            missed: self.by_invocation.read(self.missed[element].checked_sub(1)),
        }
    }
}

/// An order of all reads.
#[derive(Debug)]
struct Ranks {
    /// Each read's place in the order.
    of: Vec<u32>,
    /// The reads in order.
    reads: Vec<usize>,
}

impl Ranks {
    fn new(all: &[Read<'_>], key: impl Fn(&Read<'_>) -> u64) -> Ranks {
        let mut reads: Vec<usize> = (0..all.len()).collect();
        reads.sort_by_key(|at| key(&all[*at]));
        let mut of = vec![0; all.len()];
        (0..).zip(&reads).for_each(|(rank, at)| of[*at] = rank);
        Ranks { of, reads }
    }

    fn read(&self, rank: Option<u32>) -> Option<usize> {
        self.reads.get(rank? as usize).copied()
    }
}

/// For each node what its last read showed: the next one begins mostly alike, so that few values are looked up.
#[derive(Debug, Default)]
pub(super) struct Places<'a>(Vec<Vec<Block<'a>>>);

#[derive(Clone, Debug, Default)]
struct Block<'a> {
    values: &'a [Value],
    elements: Vec<Option<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(&mut self, node: NodeId) -> PlacesOf<'_, 'a> {
        self.0.resize(self.0.len().max(node.index() + 1), Vec::new());
        PlacesOf(&mut self.0[node.index()])
    }
}

/// What one node's last read showed.
#[derive(Debug)]
pub(super) struct PlacesOf<'p, 'a>(&'p mut Vec<Block<'a>>);

impl<'a> PlacesOf<'_, 'a> {
    /// The elements of a block's values; they are not even compared if the last read showed this very block.
    pub(super) fn find(
        &mut self,
        at: usize,
        values: &'a [Value],
        look_up: impl Fn(&Value) -> Option<usize>,
    ) -> &[Option<usize>] {
        self.0.resize(self.0.len().max(at + 1), Block::default());
        let block = &mut self.0[at];
        if !std::ptr::eq(block.values, values) {
            block.elements.resize(values.len(), None);
            for (place, value) in values.iter().enumerate() {
                if block.values.get(place) != Some(value) {
                    block.elements[place] = look_up(value);
                }
            }
            block.values = values;
        }
        &block.elements
    }
}
