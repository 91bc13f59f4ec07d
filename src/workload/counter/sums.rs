//! The sums that adds can come to when nobody knows of some whether they happened.

/// A set of integers as disjoint ranges in order, both ends in, with a gap between any two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    ranges: Vec<(i128, i128)>,
}

/// So many ranges are kept apart at most. Beyond that neighbours are joined, gap and all, and the set holds more than
/// it should; numbers as small as clients draw them leave a range or two.
const MOST_RANGES: usize = 1 << 14;

impl Sums {
    /// The definite sum plus any subset of the others. Takes time in proportion to others x ranges.
    pub fn reachable(definite: i128, others: impl IntoIterator<Item = i64>) -> Sums {
        let mut others: Vec<i64> = others.into_iter().collect();
        // The small ones first: they close the gaps before the large ones multiply them.
        others.sort_unstable_by_key(|delta| delta.unsigned_abs());
        let mut sums = Sums { ranges: vec![(definite, definite)] };
        others.into_iter().for_each(|delta| sums.or_with(delta.into()));
        sums
    }

    /// Takes in every sum with the number added.
    fn or_with(&mut self, delta: i128) {
        let shifted: Vec<(i128, i128)> =
            self.ranges.iter().map(|(least, most)| (least + delta, most + delta)).collect();
        let mut all = std::mem::take(&mut self.ranges);
        all.extend(shifted);
        all.sort_unstable();
        for (least, most) in all {
            match self.ranges.last_mut() {
                Some((_, end)) if least <= *end + 1 => *end = (*end).max(most),
                Some(_) | None => self.ranges.push((least, most)),
            }
        }
        while self.ranges.len() > MOST_RANGES {
            self.ranges = self.ranges.chunks(2).map(|pair| (pair[0].0, pair[pair.len() - 1].1)).collect();
        }
    }

    /// Whether a read may show the number. One at the end of its 64 bits stands for all beyond it.
    pub fn contains(&self, value: i64) -> bool {
        self.clamped().any(|(least, most)| least <= value && value <= most)
    }

    /// The ranges, as far as 64 bits can tell them.
    pub fn clamped(&self) -> impl Iterator<Item = (i64, i64)> {
        self.ranges.iter().map(|(least, most)| (clamp(*least), clamp(*most)))
    }
}

/// The nearest number of 64 bits.
pub fn clamp(sum: i128) -> i64 {
    sum.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every subset, one by one.
    fn by_hand(definite: i128, others: &[i64]) -> BTreeSet<i64> {
        let subset = |bits: u32| (0..others.len()).filter(move |at| bits & (1 << at) != 0);
        let sum = |bits| definite + subset(bits).map(|at| i128::from(others[at])).sum::<i128>();
        (0..1 << others.len()).map(|bits| clamp(sum(bits))).collect()
    }

    #[test]
    fn exactly_the_sums_of_subsets_are_reachable() {
        for others in [
            &[][..],
            &[0],
            &[3],
            &[-4],
            &[2, 2],
            &[2, 3, 4, 5],
            &[5, -5],
            &[1, 10, 100],
            &[-7, 3, 3, 20, -40],
            &[4, 4, -4, 9],
        ] {
            let (sums, expected) = (Sums::reachable(10, others.iter().copied()), by_hand(10, others));
            for value in -200..200 {
                assert_eq!(sums.contains(value), expected.contains(&value), "{value} of {others:?}");
            }
        }
    }

    #[test]
    fn neighbouring_ranges_are_one() {
        let ranges =
            |others: &[i64]| Sums::reachable(0, others.iter().copied()).clamped().collect::<Vec<_>>();
        assert_eq!(ranges(&[1, 2, 4]), [(0, 7)]);
        assert_eq!(ranges(&[2]), [(0, 0), (2, 2)]);
        assert_eq!(ranges(&[-1, 5]), [(-1, 0), (4, 5)]);
    }

    #[test]
    fn a_great_many_take_little() {
        let drawn = (0..100_000).map(|number| number % 10 - 5);
        assert_eq!(Sums::reachable(0, drawn).clamped().count(), 1);
        let far_apart = (0..40).map(|power| 3 << power);
        let sums = Sums::reachable(0, far_apart);
        assert!(sums.ranges.len() <= MOST_RANGES);
        assert!(sums.contains(0) && sums.contains(3 << 39) && !sums.contains(-1));
    }

    #[test]
    fn ranges_are_joined_only_beyond_the_most_and_lose_nothing_then() {
        let powers: Vec<i64> = (0..14).map(|power| 3 << power).collect();
        let most = Sums::reachable(0, powers.iter().copied());
        assert_eq!(most.ranges.len(), MOST_RANGES);
        assert!(most.contains(3) && !most.contains(1));
        let one_more = Sums::reachable(0, powers.into_iter().chain([3]));
        assert_eq!(one_more.ranges.len(), MOST_RANGES / 2 + 1);
        assert!((0..=1 << 14).step_by(97).all(|times| one_more.contains(3 * times)));
        assert!(!one_more.contains(-1) && !one_more.contains((3 << 14) + 1));
    }

    #[test]
    fn small_numbers_close_the_gaps_before_large_ones_multiply_them() {
        let small = (0..10).map(|power| 1 << power);
        let others = [1 << 40].into_iter().chain([1_000; 8_200]).chain(small);
        let sums = Sums::reachable(0, others);
        assert_eq!(sums.clamped().count(), 2);
        assert!(!sums.contains(1 << 39));
    }

    #[test]
    fn what_no_read_can_show_is_shown_by_the_nearest_number() {
        let above = Sums::reachable(i64::MAX.into(), [1]);
        assert!(above.contains(i64::MAX) && !above.contains(i64::MAX - 1));
        let below = Sums::reachable(2 * i128::from(i64::MIN), []);
        assert!(below.contains(i64::MIN) && !below.contains(i64::MIN + 1));
    }
}
