//! The textbook's formula: the source alone pushes in every round, nothing is lost and nobody relays.
//!
//! P(miss) = ((N - 1 - K) / (N - 1))^R. For [`Mode::Push`](super::Mode::Push) without loss it is a rigorous upper bound
//! of the per-node miss, and a coarse one; for the other modes it is no bound at all.

use super::answer::NoAnswer;
use crate::ratio::Chance;

/// The smallest fanout that reaches a target, by the formula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MinFanout {
    /// The fanout K.
    pub fanout: u64,
    /// The probability that a given node is missed at that fanout.
    pub miss: f64,
    /// The same at K - 1; `None` if K is 0.
    pub miss_below: Option<f64>,
}

/// The formula's probability that a given node is missed.
///
/// A fanout of more than `nodes - 1` counts as that. It is 1 in no rounds, and 0 if there is nobody to miss.
pub fn miss(nodes: u64, fanout: u64, rounds: u32) -> f64 {
    let others = nodes.saturating_sub(1);
    let left = others.saturating_sub(fanout);
    match (others, rounds, left) {
        (0, _, _) => 0.0,
        (_, 0, _) => 1.0,
        (_, _, 0) => 0.0,
        // Few rounds: a power of the quotient. Many: the quotient's rounding would grow with the power.
        (_, 1..1_000, _) => libm::pow(left as f64 / others as f64, f64::from(rounds)),
        _ => libm::exp(f64::from(rounds) * libm::log1p(-(fanout as f64) / others as f64)),
    }
}

/// The smallest fanout whose miss by the formula is at most `1 - target`, to 12 digits.
///
/// Costs O(log nodes). A target of 1 takes all `nodes - 1`.
///
/// # Errors
/// [`NoAnswer::NoRounds`] if there are 0 rounds, somebody to inform, and a target above 0.
pub fn min_fanout(nodes: u64, rounds: u32, target: Chance) -> Result<MinFanout, NoAnswer> {
    let others = nodes.saturating_sub(1);
    let found = |fanout: u64| MinFanout {
        fanout,
        miss: miss(nodes, fanout, rounds),
        miss_below: fanout.checked_sub(1).map(|below| miss(nodes, below, rounds)),
    };
    if others == 0 || target == Chance::NEVER {
        return Ok(found(0));
    }
    if rounds == 0 {
        return Err(NoAnswer::NoRounds);
    }
    // A power that underflows is not 0: nothing less than all is sure.
    if target == Chance::ALWAYS {
        return Ok(found(others));
    }
    let most = at_most(target);
    let (mut misses, mut meets) = (0, others);
    while meets - misses > 1 {
        let middle = misses + (meets - misses) / 2;
        match miss(nodes, middle, rounds) <= most {
            true => meets = middle,
            false => misses = middle,
        }
    }
    Ok(found(if miss(nodes, 0, rounds) <= most { 0 } else { meets }))
}

/// What a failure's probability may be for this target. Exact ties exist (N = 101, target 0.99, one round: K = 99), so
/// rounding is given its due.
pub(super) fn at_most(target: Chance) -> f64 {
    (1.0 - target.as_f64()) * (1.0 + 1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn smallest(nodes: u64, rounds: u32, target: f64) -> Result<u64, NoAnswer> {
        min_fanout(nodes, rounds, Chance::new(target).unwrap()).map(|found| found.fanout)
    }

    #[test]
    fn the_published_values() {
        assert_eq!(smallest(25, 5, 0.99), Ok(15));
        assert_eq!(format!("{:.7}", miss(25, 15, 5)), "0.0074158");
        assert_eq!(smallest(5, 5, 0.99), Ok(3));
        assert_eq!(miss(5, 3, 5), 0.0009765625);
        assert_eq!([25, 100, 1_000].map(|nodes| smallest(nodes, 5, 0.99).unwrap()), [15, 60, 602]);
    }

    #[test]
    fn exact_ties_count_as_reached() {
        assert_eq!(smallest(101, 1, 0.99), Ok(99));
        assert_eq!(smallest(11, 1, 0.9), Ok(9));
        // Just past the tie, the next one is needed.
        assert_eq!(smallest(101, 1, 0.990_000_001), Ok(100));
        assert_eq!(smallest(11, 1, 0.900_000_001), Ok(10));
    }

    #[test]
    fn the_edges() {
        for nodes in [0, 1] {
            assert_eq!((miss(nodes, 0, 0), smallest(nodes, 0, 1.0)), (0.0, Ok(0)));
        }
        assert_eq!((miss(2, 0, 7), miss(2, 1, 7), miss(2, 1, 0)), (1.0, 0.0, 1.0));
        assert_eq!(miss(25, u64::MAX, 1), 0.0);
        assert_eq!(smallest(25, 0, 0.5), Err(NoAnswer::NoRounds));
        assert_eq!(smallest(25, 0, 0.0), Ok(0));
        assert_eq!((smallest(25, 5, 0.0), smallest(25, 5, 1.0)), (Ok(0), Ok(24)));
        // (1/24)^1000 is no float, yet not 0.
        assert_eq!((miss(25, 23, 1_000), smallest(25, 1_000, 1.0)), (0.0, Ok(24)));
        let tiny = min_fanout(25, 5, Chance::new(1e-300).unwrap()).unwrap();
        assert_eq!((tiny.fanout, tiny.miss, tiny.miss_below), (0, 1.0, None));
        assert_eq!(smallest(2, 1, 0.01), Ok(1));
    }

    #[test]
    fn a_huge_cluster_costs_no_more() {
        // 1 - 0.01^(1/5) = 0.60189282944...
        assert_eq!(smallest(1_000_000_000_001, 5, 0.99), Ok(601_892_829_447));
        assert_eq!(smallest(u64::MAX, u32::MAX, 0.5), Ok(2_977_044_473));
        let found = min_fanout(1_000_000_000_001, 5, Chance::new(0.99).unwrap()).unwrap();
        assert!(found.miss <= 0.01 && found.miss_below.unwrap() > 0.01);
    }

    #[test]
    fn many_rounds_lose_no_digits() {
        // e^(-x) with x = 2^31 / 10^12 * (1 + 0.5e-12).
        let expected = libm::exp(-2_147_483_648.0e-12 * (1.0 + 0.5e-12));
        assert!((miss(1_000_000_000_001, 1, 1 << 31) / expected - 1.0).abs() < 1e-15);
        // The two ways of taking the power agree where they meet.
        let (few, many) = (miss(100_001, 3, 999), miss(100_001, 3, 1_000));
        assert!((many / few / (1.0 - 3e-5) - 1.0).abs() < 1e-12);
    }
}
