//! Which reads show which elements: the part of judging sets that takes reads times values, in flat lists.
//!
//! It knows elements and reads by their numbers, and not what their being shown or lacking says.

use super::Read;
use crate::id::NodeId;
use crate::value::Value;

/// Which reads show each element and which lack it, in flat lists, as reads times elements are many.
#[derive(Debug)]
pub(super) struct Sights<'a> {
    reads: &'a [Read<'a>],
    pub(super) asked: Vec<u64>,
    pub(super) of: Vec<Sight>,
    /// The number of the last read that shows it.
    shown_by: Vec<u32>,
    /// One more than the rank of the latest-invoked read that lacks it, though it was asked for; 0 if none does.
    pub(super) missed: Vec<u32>,
    /// The reads, earliest invoked first, and the other way round.
    pub(super) by_rank: Vec<usize>,
    ranks: Vec<u32>,
}

/// The reads that show an element: the one completed first, and the one invoked last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sight {
    pub(super) first: Option<usize>,
    pub(super) last: Option<usize>,
}

impl<'a> Sights<'a> {
    pub(super) fn new(asked: Vec<u64>, reads: &'a [Read<'a>]) -> Sights<'a> {
        let mut by_rank: Vec<usize> = (0..reads.len()).collect();
        by_rank.sort_by_key(|at| reads[*at].invoked);
        let mut ranks = vec![0; reads.len()];
        (0..).zip(&by_rank).for_each(|(rank, at)| ranks[*at] = rank);
        let elements = asked.len();
        Sights {
            reads,
            asked,
            of: vec![Sight::default(); elements],
            shown_by: vec![u32::MAX; elements],
            missed: vec![0; elements],
            by_rank,
            ranks,
        }
    }

    /// The read shows the element; whether it has shown it before.
    pub(super) fn see(&mut self, element: usize, read: usize) -> bool {
        let Sight { first, last } = &mut self.of[element];
        let reads = self.reads;
        if first.is_none_or(|first| reads[read].completed < reads[first].completed) {
            *first = Some(read);
        }
        if last.is_none_or(|last| self.ranks[last] < self.ranks[read]) {
            *last = Some(read);
        }
        std::mem::replace(&mut self.shown_by[element], read as u32) == read as u32
    }

    /// All that the read might have shown and did not show is lacking there.
    pub(super) fn miss(&mut self, number: usize, read: &Read<'_>) {
        let (number, rank, completed) = (number as u32, self.ranks[number] + 1, read.completed.index);
        for ((missed, shown_by), asked) in self.missed.iter_mut().zip(&self.shown_by).zip(&self.asked) {
            let lacks = (*shown_by != number) & (*asked < completed);
            *missed = (*missed).max(if lacks { rank } else { 0 });
        }
    }
}

/// For each node what its last read showed: the next one begins mostly alike, so that few values are looked up.
#[derive(Debug, Default)]
pub(super) struct Places<'a>(Vec<Shown<'a>>);

#[derive(Clone, Debug, Default)]
pub(super) struct Shown<'a> {
    pub(super) shown: &'a [Value],
    elements: Vec<Option<usize>>,
}

impl<'a> Places<'a> {
    pub(super) fn of(&mut self, node: NodeId) -> &mut Shown<'a> {
        self.0.resize(self.0.len().max(node.index() + 1), Shown::default());
        &mut self.0[node.index()]
    }
}

impl Shown<'_> {
    pub(super) fn find(
        &mut self,
        place: usize,
        value: &Value,
        look_up: impl FnOnce(&Value) -> Option<usize>,
    ) -> Option<usize> {
        if self.shown.get(place) == Some(value) {
            return self.elements[place];
        }
        let element = look_up(value);
        self.elements.resize(self.elements.len().max(place + 1), None);
        self.elements[place] = element;
        element
    }
}
