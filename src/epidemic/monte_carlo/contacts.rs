//! Whom nodes contact: distinct peers, each of them as likely as any other, and which contacts are lost.
//!
//! Contacts are drawn in blocks, so that what they reach in memory is fetched side by side. It does not know what a
//! contact does.

use std::collections::TryReserveError;

use crate::ratio::Chance;
use crate::rng::Stream;

/// How many contacts are drawn at a time.
pub(super) const BLOCK: usize = 256;

/// Up to so many contacts of a node are told apart by comparing each with each.
const FEW: usize = 16;

/// The place of a contact that is lost; there are always fewer peers.
const LOST: u32 = u32::MAX;

/// How many peers a node contacts, of how many, and how likely a contact is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contacts {
    /// How many distinct peers.
    pub(super) each: usize,
    /// How many peers there are to choose from.
    others: u32,
    /// Lemire's threshold for 32 bits: 2^32 modulo `others`.
    least: u32,
    lost: Odds,
}

/// A chance in steps of 2^-53, split so that 32 bits nearly always decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Odds {
    high: u64,
    low: u64,
}

/// Room for a block of contacts, and an order of the peers for nodes that contact many.
#[derive(Debug)]
pub(super) struct Drawn {
    targets: Vec<u32>,
    lost: [bool; BLOCK],
    /// A permutation of the peers; empty until somebody contacts many of them.
    order: Vec<u32>,
}

impl Odds {
    fn new(chance: Chance) -> Odds {
        let steps = (chance.as_f64() * (1_u64 << 53) as f64) as u64;
        Odds { high: steps >> 21, low: steps & ((1 << 21) - 1) }
    }

    /// Whether it happens for 32 uniform bits; more are drawn only if these do not decide.
    fn happens(self, bits: u32, stream: &mut Stream) -> bool {
        let bits = u64::from(bits);
        bits < self.high || (bits == self.high && stream.word() >> 43 < self.low)
    }

    fn never(self) -> bool {
        (self.high, self.low) == (0, 0)
    }
}

impl Contacts {
    /// `each` peers of `others`, all of them if they are fewer.
    pub(super) fn new(each: u64, others: u32, lost: Chance) -> Contacts {
        Contacts {
            each: each.min(others.into()) as usize,
            others,
            least: others.wrapping_neg().checked_rem(others).unwrap_or(0),
            lost: Odds::new(lost),
        }
    }

    /// How many nodes' contacts are drawn together.
    pub(super) fn nodes_of_a_block(&self) -> usize {
        if self.few() { BLOCK / self.each.max(1) } else { 1 }
    }

    /// Whether peers are distinct soon if those drawn before are rejected.
    fn few(&self) -> bool {
        self.each <= 4 || (self.each <= FEW && 2 * self.each <= self.others as usize)
    }

    /// A peer's place among those to choose from, all alike likely, of 32 uniform bits (Lemire's method: no bias).
    #[inline(always)]
    fn place(&self, bits: u32) -> Option<u32> {
        let product = u64::from(bits) * u64::from(self.others);
        (product as u32 >= self.least).then_some((product >> 32) as u32)
    }

    /// The same of bits that are drawn until they will do.
    #[cold]
    fn another(&self, stream: &mut Stream) -> u32 {
        loop {
            if let Some(place) = self.place((stream.word() >> 32) as u32) {
                return place;
            }
        }
    }
}

impl Drawn {
    /// Room for such contacts.
    ///
    /// # Errors
    /// If the memory is not to be had.
    pub(super) fn new(contacts: &Contacts) -> Result<Drawn, TryReserveError> {
        let mut drawn = Drawn { targets: Vec::new(), lost: [false; BLOCK], order: Vec::new() };
        let few = contacts.few();
        drawn.targets.try_reserve_exact(contacts.each.max(BLOCK))?;
        drawn.order.try_reserve_exact(if few { 0 } else { contacts.others as usize })?;
        Ok(drawn)
    }

    /// Forgets what earlier draws have left behind.
    pub(super) fn reset(&mut self) {
        self.order.clear();
    }

    /// The contacts of these nodes, one node's after the other's; there are at most [`Contacts::nodes_of_a_block`].
    ///
    /// A node never contacts itself, nor, if they are given, the one at its place in `also`. A lost contact is told as
    /// one with itself, which has no effect on anybody.
    pub(super) fn draw(
        &mut self,
        contacts: &Contacts,
        nodes: &[u32],
        also: Option<&[u32]>,
        stream: &mut Stream,
    ) -> &[u32] {
        self.targets.resize(nodes.len() * contacts.each, 0);
        if contacts.few() {
            // A constant number of contacts lets the compiler unroll the loops.
            match contacts.each {
                1 => self.few(contacts, 1, stream),
                2 => self.few(contacts, 2, stream),
                3 => self.few(contacts, 3, stream),
                4 => self.few(contacts, 4, stream),
                each => self.few(contacts, each, stream),
            }
        } else {
            self.many(contacts, stream);
        }
        match contacts.each {
            1 => self.name(1, nodes, also),
            2 => self.name(2, nodes, also),
            3 => self.name(3, nodes, also),
            4 => self.name(4, nodes, also),
            each => self.name(each, nodes, also),
        }
        &self.targets
    }

    /// Draws distinct places for every node of a block, rejecting those that it has.
    #[inline(always)]
    fn few(&mut self, contacts: &Contacts, each: usize, stream: &mut Stream) {
        if contacts.lost.never() {
            for pair in self.targets.chunks_mut(2) {
                let word = stream.word();
                for (place, bits) in pair.iter_mut().zip([word as u32, (word >> 32) as u32]) {
                    *place = contacts.place(bits).unwrap_or_else(|| contacts.another(stream));
                }
            }
        } else {
            for (place, lost) in self.targets.iter_mut().zip(&mut self.lost) {
                let word = stream.word();
                *place = contacts.place((word >> 32) as u32).unwrap_or_else(|| contacts.another(stream));
                *lost = contacts.lost.happens(word as u32, stream);
            }
        }
        for places in self.targets.chunks_exact_mut(each.max(1)) {
            let mut twice = false;
            for at in 1..each {
                for before in 0..at {
                    twice |= places[at] == places[before];
                }
            }
            if twice {
                reject(contacts, places, stream);
            }
        }
        if !contacts.lost.never() {
            for (place, lost) in self.targets.iter_mut().zip(&self.lost) {
                *place = if *lost { LOST } else { *place };
            }
        }
    }

    /// Draws distinct places for one node: the first ones of an order that is shuffled so far (Fisher and Yates), from
    /// whatever order it was in.
    fn many(&mut self, contacts: &Contacts, stream: &mut Stream) {
        if self.order.len() != contacts.others as usize {
            self.order.clear();
            self.order.extend(0..contacts.others);
        }
        for at in 0..contacts.each {
            let rest = u64::from(contacts.others) - at as u64;
            let word = stream.word();
            let chosen = at + below(rest, (word >> 32) as u32, stream);
            self.order.swap(at, chosen);
            let lost = contacts.lost.happens(word as u32, stream);
            self.targets[at] = if lost { LOST } else { self.order[at] };
        }
    }

    /// Turns places into nodes: those after the ones left out move up.
    #[inline(always)]
    fn name(&mut self, each: usize, nodes: &[u32], also: Option<&[u32]>) {
        let each = each.max(1);
        match also {
            None => {
                for (places, me) in self.targets.chunks_exact_mut(each).zip(nodes) {
                    for place in places {
                        let node = place.wrapping_add(u32::from(*place >= *me));
                        *place = if *place == LOST { *me } else { node };
                    }
                }
            }
            Some(also) => {
                for ((places, me), other) in self.targets.chunks_exact_mut(each).zip(nodes).zip(also) {
                    let (low, high) = (me.min(other), me.max(other));
                    for place in places {
                        let node = place.wrapping_add(u32::from(*place >= *low));
                        let node = node.wrapping_add(u32::from(node >= *high));
                        *place = if *place == LOST { *me } else { node };
                    }
                }
            }
        }
    }
}

/// Draws again what was drawn before.
#[cold]
fn reject(contacts: &Contacts, places: &mut [u32], stream: &mut Stream) {
    for at in 1..places.len() {
        while places[..at].contains(&places[at]) {
            places[at] = contacts.another(stream);
        }
    }
}

/// A number below `bound`, which has at most 32 bits, of 32 uniform bits and more if they would be biased.
fn below(bound: u64, bits: u32, stream: &mut Stream) -> usize {
    let mut product = u64::from(bits) * bound;
    if u64::from(product as u32) < bound {
        let least = (1_u64 << 32) % bound;
        while u64::from(product as u32) < least {
            product = (stream.word() >> 32) * bound;
        }
    }
    (product >> 32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use std::collections::BTreeMap;

    /// How often node 2 of seven, or of eight with node 5 left out, draws which of the six others.
    fn drawn(each: u64, also: Option<&[u32]>, loss: f64, times: u32) -> BTreeMap<Vec<u32>, u32> {
        let contacts = Contacts::new(each, 6, Chance::new(loss).unwrap());
        let (mut drawn, mut stream) = (Drawn::new(&contacts).unwrap(), Key::new(1, "test").stream());
        let mut counts = BTreeMap::new();
        for _ in 0..times {
            let mut targets = drawn.draw(&contacts, &[2], also, &mut stream).to_vec();
            targets.sort_unstable();
            *counts.entry(targets).or_default() += 1;
        }
        counts
    }

    #[test]
    fn every_set_of_distinct_others_is_alike_likely() {
        // Three and four of six are few, five are many.
        for (each, sets) in [(1, 6), (2, 15), (3, 20), (4, 15), (5, 6), (6, 1)] {
            for also in [None, Some([5].as_slice())] {
                let counts = drawn(each, also, 0.0, 30_000);
                assert_eq!(counts.len(), sets, "{counts:?}");
                let left_out = |node: &u32| *node == 2 || also.is_some_and(|also| also.contains(node));
                assert!(counts.keys().flatten().all(|node| !left_out(node) && *node < 6 + 2));
                let mean = 30_000.0 / sets as f64;
                let chi_square: f64 = counts.values().map(|c| (f64::from(*c) - mean).powi(2) / mean).sum();
                assert!(chi_square < sets as f64 + 5.0 * (2.0 * sets as f64).sqrt(), "{each}: {counts:?}");
            }
        }
    }

    #[test]
    fn each_contact_is_lost_by_itself_and_then_reaches_nobody_else() {
        for each in [1, 3, 5] {
            let counts = drawn(each, None, 0.3, 20_000);
            let lost: usize = counts
                .iter()
                .map(|(set, c)| set.iter().filter(|node| **node == 2).count() * *c as usize)
                .sum();
            let of = 20_000.0 * each as f64;
            assert!((lost as f64 - 0.3 * of).abs() < 4.5 * (0.21 * of).sqrt(), "{lost} of {of}");
            let all = counts.get([2].repeat(each as usize).as_slice()).copied().unwrap_or(0);
            let share = 0.3_f64.powi(each as i32);
            assert!((f64::from(all) - share * 20_000.0).abs() < 4.5 * (share * 20_000.0).sqrt(), "{all}");
        }
    }

    #[test]
    fn a_chance_decides_by_32_bits_as_by_all() {
        let mut stream = Key::new(2, "test").stream();
        // The 32 bits are those of the least chance: the others decide, and here they never do.
        let chance = Chance::new(3.0 / (1_u64 << 32) as f64).unwrap();
        assert!((0..1_000).all(|_| !Odds::new(chance).happens(3, &mut stream)));
        assert!(Odds::new(chance).happens(2, &mut stream));
        let half_a_step = Chance::new(3.5 / (1_u64 << 32) as f64).unwrap();
        let often = (0..10_000).filter(|_| Odds::new(half_a_step).happens(3, &mut stream)).count();
        assert!((4_700..5_300).contains(&often), "{often}");
        assert!(Odds::new(Chance::ALWAYS).happens(u32::MAX, &mut stream));
        assert!(Odds::new(Chance::NEVER).never() && !Odds::new(Chance::NEVER).happens(0, &mut stream));
    }

    #[test]
    fn draws_below_a_large_bound_have_no_bias() {
        // Three quarters of 2^32: without rejection a third of the numbers would come twice as often.
        let bound = 3 << 30;
        let contacts = Contacts::new(1, bound, Chance::NEVER);
        let (mut drawn, mut stream) = (Drawn::new(&contacts).unwrap(), Key::new(3, "test").stream());
        let mut thirds = [0_u32; 3];
        for _ in 0..30_000 {
            let place = drawn.draw(&contacts, &[bound], None, &mut stream)[0];
            thirds[(place % 3) as usize] += 1;
            let other = below(bound.into(), (stream.word() >> 32) as u32, &mut stream);
            thirds[other % 3] += 1;
        }
        assert!(thirds.iter().all(|third| third.abs_diff(20_000) < 600), "{thirds:?}");
    }
}
