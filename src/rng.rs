//! Keyed randomness: every draw comes from a key that says what it decides, never from a shared stream.
//!
//! A [`Key`] is built from the run's seed, a domain ("net", "node", ...) and words that name the decision. A
//! [`Stream`] is the generator made from it. [`Tally`] counts how often the same thing came at the same instant,
//! so that no counter can be shifted by unrelated work. The scheme is fixed for good: golden tests hold it.

use std::convert::Infallible;

use rand_core::{Rng as _, TryRng};
use rand_pcg::Pcg64Mcg;

use crate::hash::{fold, mix};
use crate::ratio::Chance;
use crate::time::{Span, Time};

/// Names one random decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// The key of a domain in the run of this seed. A domain is at most eight bytes of ASCII.
    pub const fn new(seed: u64, domain: &str) -> Key {
        let bytes = domain.as_bytes();
        assert!(bytes.len() <= 8, "a domain is at most eight bytes");
        let mut word = 0_u64;
        let mut at = 0;
        while at < bytes.len() {
            word |= (bytes[at] as u64) << (8 * at);
            at += 1;
        }
        Key(mix(seed ^ 0x9E37_79B9_7F4A_7C15)).with(word)
    }

    /// The key that this word, too, tells apart.
    #[inline]
    pub const fn with(self, word: u64) -> Key {
        Key(fold(self.0.rotate_left(29) ^ word))
    }

    /// The generator of this decision.
    #[inline]
    pub fn stream(self) -> Stream {
        let high = mix(self.0);
        let low = mix(self.0 ^ 0xD1B5_4A32_D192_ED03);
        Stream(Pcg64Mcg::new((u128::from(high) << 64) | u128::from(low)))
    }
}

/// From an instant on all chance comes from another seed; what was decided before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reseed {
    /// The first instant at which the other seed decides.
    pub from: Time,
    /// The other seed.
    pub seed: u64,
}

/// The key of a domain at every instant of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    first: Key,
    from: Time,
    then: Key,
}

impl Keys {
    pub(crate) fn new(seed: u64, reseed: Option<Reseed>, domain: &str) -> Keys {
        let Reseed { from, seed: other } = reseed.unwrap_or(Reseed { from: Time::MAX, seed });
        Keys { first: Key::new(seed, domain), from, then: Key::new(other, domain) }
    }

    #[inline]
    pub(crate) fn at(self, now: Time) -> Key {
        if now < self.from { self.first } else { self.then }
    }
}

/// A derived generator: PCG-64-MCG with this project's own, portable draws.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream(Pcg64Mcg);

impl Stream {
    /// A uniformly drawn 64-bit word.
    #[inline]
    pub fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// An integer drawn uniformly from 0 to `bound - 1` (Lemire's method: no bias).
    ///
    /// # Panics
    /// If `bound` is 0.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "nothing lies below 0");
        let mut product = u128::from(self.word()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.word()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// Whether a thing of this chance happens.
    pub fn chance(&mut self, chance: Chance) -> bool {
        chance.happens(self.word())
    }

    /// A length drawn uniformly from `least` to `most`, both included; `least` if they are the wrong way round.
    #[inline]
    pub fn span(&mut self, least: Span, most: Span) -> Span {
        let width = most.as_nanos().saturating_sub(least.as_nanos());
        Span::from_nanos(least.as_nanos() + self.below(width.saturating_add(1)))
    }

    /// A float drawn uniformly from the 2^53 values in (0, 1].
    fn unit(&mut self) -> f64 {
        ((self.word() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// An exponentially distributed length with this mean, by inversion; at most 37 times the mean.
    pub fn exponential(&mut self, mean: Span) -> Span {
        Span::from_nanos((-libm::log(self.unit()) * mean.as_nanos() as f64) as u64)
    }

    /// A log-normally distributed length with this median and this sigma of its logarithm (Box and Muller).
    pub fn lognormal(&mut self, median: Span, sigma: f64) -> Span {
        let radius = libm::sqrt(-2.0 * libm::log(self.unit()));
        let normal = radius * libm::cos(std::f64::consts::TAU * self.unit());
        let nanos = median.as_nanos() as f64 * libm::exp(sigma * normal);
        Span::from_nanos((nanos as u64).min(Span::LONGEST.as_nanos()))
    }

    /// Puts the items into a uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
}

/// Lets a node use any distribution of the `rand` family. Only draws named here are promised to be portable.
impl TryRng for Stream {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }
    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }
    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(bytes);
        Ok(())
    }
}

/// Counts how often each pair of words has come at the present instant; forgets all when the instant changes.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    now: Time,
    /// All that came at this instant.
    pairs: Vec<(u64, u64)>,
    /// What came before this place is known to be unlike what comes next.
    from: usize,
    /// How often a pair was looked for among many at this instant.
    looks: usize,
    table: Table,
}

/// Among so few pairs one is looked for one by one; among many, too, so few times an instant.
const FEW: usize = 8;

fn count(pairs: &[(u64, u64)], wanted: (u64, u64)) -> u64 {
    pairs.iter().map(|pair| u64::from(*pair == wanted)).sum()
}

/// Whether what comes next may equal something that came before at the same instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    Perhaps,
}

impl Tally {
    /// How often this pair came before at this instant; counts this time too. Constant time, no allocation once warm.
    #[inline(always)]
    pub fn next(&mut self, now: Time, pair: (u64, u64)) -> u64 {
        self.note(now, pair);
        self.earlier()
    }

    /// Counts this pair this time.
    #[inline(always)]
    pub(crate) fn note(&mut self, now: Time, pair: (u64, u64)) {
        self.move_to(now);
        self.pairs.push(pair);
    }

    /// How often the pair that was noted last came before at its instant.
    #[inline(always)]
    pub(crate) fn earlier(&mut self) -> u64 {
        let (pair, before) = self.pairs.split_last().expect("a pair has been noted");
        let rivals = &before[self.from..];
        // Where a handler sends little there are a few, and all are others: no count is quicker than to see that.
        if rivals.len() <= FEW && !rivals.iter().any(|rival| rival == pair) {
            0
        } else {
            self.look_for_last()
        }
    }

    #[inline(never)]
    fn look_for_last(&mut self) -> u64 {
        let (pair, before) = self.pairs.split_last().expect("a pair has been noted");
        let (pair, rivals) = (*pair, &before[self.from..]);
        if rivals.len() <= FEW {
            return count(rivals, pair);
        }
        self.looks += 1;
        if self.looks <= FEW { count(rivals, pair) } else { self.table.count(before, pair) }
    }

    /// Says whether the pairs that come next, until this is said again, may equal those that came before.
    #[inline(always)]
    pub(crate) fn compare(&mut self, now: Time, before: Before) {
        self.move_to(now);
        self.from = match before {
            Before::Nothing => self.pairs.len(),
            Before::Perhaps => 0,
        };
    }

    #[inline(always)]
    fn move_to(&mut self, now: Time) {
        if now != self.now {
            self.now = now;
            self.from = 0;
            self.looks = 0;
            self.pairs.clear();
            self.table.clear();
        }
    }
}

/// The counts of the pairs of a crowded instant, hashed when first asked for.
#[derive(Clone, Debug, Default)]
struct Table {
    /// How many pairs of the instant have been put in.
    counted: usize,
    round: u32,
    used: usize,
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    pair: (u64, u64),
    round: u32,
    count: u32,
}

impl Table {
    /// How often the pair is among all these, which begin with those of the last time.
    #[inline(never)]
    fn count(&mut self, all: &[(u64, u64)], pair: (u64, u64)) -> u64 {
        if self.counted == 0 {
            self.begin();
        }
        all[self.counted..].iter().for_each(|pair| self.add(*pair));
        self.counted = all.len();
        let slot = self.slots[self.find(pair)];
        if slot.round == self.round { slot.count.into() } else { 0 }
    }

    fn clear(&mut self) {
        self.counted = 0;
    }

    fn begin(&mut self) {
        self.used = 0;
        self.round = self.round.checked_add(1).unwrap_or_else(|| {
            self.slots.fill(Slot::default());
            1
        });
    }

    fn add(&mut self, pair: (u64, u64)) {
        if self.used * 2 >= self.slots.len() {
            self.grow();
        }
        let at = self.find(pair);
        let slot = &mut self.slots[at];
        if slot.round == self.round {
            slot.count += 1;
        } else {
            *slot = Slot { pair, round: self.round, count: 1 };
            self.used += 1;
        }
    }

    /// The slot that holds the pair, or the free one where it belongs.
    fn find(&self, pair: (u64, u64)) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = fold(fold(pair.0 ^ 0x8EBC_6AF0_9C88_C6E3) ^ pair.1) as usize & mask;
        while self.slots[at].round == self.round && self.slots[at].pair != pair {
            at = (at + 1) & mask;
        }
        at
    }

    fn grow(&mut self) {
        let wider = vec![Slot::default(); (self.slots.len() * 2).max(16)];
        let held = std::mem::replace(&mut self.slots, wider);
        for slot in held.into_iter().filter(|slot| slot.round == self.round) {
            let at = self.find(slot.pair);
            self.slots[at] = slot;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn golden_vectors_fix_the_key_scheme_for_good() {
        let key = Key::new(17, "net").with(1 << 32 | 2).with(5_000_000).with(0);
        let mut stream = key.stream();
        expect!["[e7418e4deb7a4239, 5496befb8ad93c0f, 20d9fbf79bec4e30]"]
            .assert_eq(&format!("{:016x?}", [stream.word(), stream.word(), stream.word()]));
        let mut stream = Key::new(0, "node").stream();
        expect!["[7, 96, 10784276650080142953]"]
            .assert_eq(&format!("{:?}", [10, 1_000, u64::MAX].map(|bound| stream.below(bound))));
        let spans = [
            stream.span(Span::from_millis(1), Span::from_millis(100)),
            stream.exponential(Span::from_millis(20)),
            stream.lognormal(Span::from_millis(20), 0.5),
        ];
        expect!["[8.789667ms, 39.451124ms, 6.268616ms]"].assert_eq(&format!("{spans:?}"));
        let mut order = [0, 1, 2, 3, 4, 5, 6, 7];
        stream.shuffle(&mut order);
        expect!["[4, 6, 5, 2, 0, 3, 7, 1]"].assert_eq(&format!("{order:?}"));
    }

    /// Neighbouring keys (the usual ones: small ids, round instants, i = 0) must not give related first draws.
    #[test]
    fn first_draws_of_neighbouring_keys_are_independent() {
        const CELLS: usize = 256;
        let mut counts = vec![0_u32; CELLS * CELLS];
        let mut previous = 0;
        let base = Key::new(1, "net");
        let mut draws = 0;
        for src in 0..64_u64 {
            for dst in 0..64_u64 {
                for now in 0..256_u64 {
                    let word = base.with(src << 32 | dst).with(now * 1_000_000).with(0).stream().word() >> 56;
                    counts[previous as usize * CELLS + word as usize] += 1;
                    previous = word;
                    draws += 1;
                }
            }
        }
        let mean = f64::from(draws) / counts.len() as f64;
        let chi_square: f64 =
            counts.iter().map(|c| (f64::from(*c) - mean) * (f64::from(*c) - mean) / mean).sum();
        let cells = counts.len() as f64;
        let sigmas = (chi_square - cells) / (2.0 * cells).sqrt();
        assert!(sigmas.abs() < 5.0, "chi-square is {sigmas:.1} standard deviations off");
    }

    #[test]
    fn bounded_draws_are_uniform_and_chances_hold() {
        let mut stream = Key::new(3, "test").stream();
        let mut counts = [0_u32; 7];
        (0..70_000).for_each(|_| counts[stream.below(7) as usize] += 1);
        assert!(counts.iter().all(|count| (9_600..10_400).contains(count)), "{counts:?}");
        let hits = (0..100_000).filter(|_| stream.chance(Chance::new(0.05).unwrap())).count();
        assert!((4_700..5_300).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| !stream.chance(Chance::NEVER) && stream.chance(Chance::ALWAYS)));
    }

    #[test]
    fn distributions_have_their_means_and_medians() {
        let mut stream = Key::new(4, "test").stream();
        let mean =
            (0..100_000).map(|_| stream.exponential(Span::from_millis(20)).as_secs_f64()).sum::<f64>() / 1e5;
        assert!((0.0197..0.0203).contains(&mean), "{mean}");
        let median = Span::from_millis(20);
        let above = (0..100_000).filter(|_| stream.lognormal(median, 0.5) > median).count();
        assert!((49_300..50_700).contains(&above), "{above}");
        let least = Span::from_nanos(3);
        let drawn: Vec<_> = (0..100).map(|_| stream.span(least, Span::from_nanos(4)).as_nanos()).collect();
        assert!(drawn.contains(&3) && drawn.contains(&4) && drawn.iter().all(|n| (3..=4).contains(n)));
    }

    #[test]
    fn a_tally_counts_within_an_instant_only() {
        let mut tally = Tally::default();
        let (now, later) = (Time::from_nanos(5), Time::from_nanos(6));
        for count in 0..1_000 {
            assert_eq!(tally.next(now, (1, 2)), count);
            assert_eq!(tally.next(now, (count, 7)), 0);
        }
        assert_eq!(tally.next(later, (1, 2)), 0);
        tally.compare(later, Before::Nothing);
        assert_eq!((tally.next(later, (3, 4)), tally.next(later, (3, 4))), (0, 1));
        tally.compare(later, Before::Perhaps);
        assert_eq!((tally.next(later, (1, 2)), tally.next(later, (3, 4))), (1, 2));
    }
}
