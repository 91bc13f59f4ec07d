//! Push in clusters too large for the exact answer, and a bound for clusters of any size.
//!
//! While few are informed, chance has its say, and all is exact. Where many are, and many are not, what matters is kept as
//! a mixture of normal distributions, each going through a round by the exact mean and variance of what comes of it. Once
//! few are uninformed they are counted one by one again, each surviving a round nearly independently of the others.

mod few;
mod law;
mod mixture;
mod spreading;

use self::law::Law;
use self::spreading::Spreading;
use super::exact::course::rounds_to_all;
use super::exact::{Wanted, Work};
use super::{Answer, Method, Mode, NoAnswer, Round, Setting};

/// Smaller clusters have no large numbers.
const FEWEST_NODES: u64 = 2_000;

/// Measured beside exact answers the relative error of both probabilities is below a tenth of this.
const RELATIVE_ERROR: f64 = 1e-3;

/// What answers this setting approximately, within [`Work::DEFAULT`]; for [`Mode::Push`] only.
///
/// Costs some milliseconds a round, whatever the number of nodes. There is no distribution of the informed in it.
///
/// # Errors
/// [`NoAnswer::Endless`] without a number of rounds; [`NoAnswer::TooLarge`] for the other modes, for fewer than 2,000
/// nodes, for a fanout of thousands of which nearly all is lost, and where the rounds take too much work.
pub fn answer(setting: &Setting) -> Result<Answer, NoAnswer> {
    answer_within(setting, Work::DEFAULT)
}

/// What answers this setting approximately, within so much work.
///
/// # Errors
/// As [`answer`].
pub fn answer_within(setting: &Setting, mut work: Work) -> Result<Answer, NoAnswer> {
    answer_out_of(setting, Wanted::All, &mut work)
}

/// The same, out of a stock of work.
pub(super) fn answer_out_of(setting: &Setting, wanted: Wanted, work: &mut Work) -> Result<Answer, NoAnswer> {
    if setting.mode != Mode::Push || setting.nodes < FEWEST_NODES {
        return Err(NoAnswer::TooLarge);
    }
    let rounds = setting.rounds.ok_or(NoAnswer::Endless)?;
    let mut now = Spreading::new(setting)?;
    let mut states = vec![now.state()];
    let frozen = setting.contacts() == 0 || setting.loss.as_f64() >= 1.0;
    while !frozen && states.len() <= rounds as usize && now.state().p_not_all > 0.0 {
        now.step(work)?;
        states.push(now.state());
    }
    let end = now.state();
    let Round { per_node_miss, p_not_all, .. } = end.told(setting.nodes);
    let var_informed = now.spread_about(end.informed);
    let listed = states.len().min(rounds as usize);
    let senders = states[..listed].iter().map(|state| state.informed).sum::<f64>()
        + f64::from(rounds - listed as u32) * end.informed;
    Ok(Answer {
        per_node_miss,
        p_not_all,
        mean_informed: end.informed,
        var_informed,
        expected_messages: setting.contacts() as f64 * senders,
        expected_answers: 0.0,
        rounds: states.iter().map(|state| state.told(setting.nodes)).collect(),
        rounds_to_all: match wanted {
            Wanted::All if !frozen => now.follow_to_the_last(states.clone(), work),
            Wanted::All | Wanted::End => None,
        },
        rounds_to_all_if_reached: rounds_to_all(&states),
        informed: None,
        method: Method::Approximate { error_bound: RELATIVE_ERROR * p_not_all },
    })
}

/// A lower bound of the per-node miss of [`Mode::Push`]; `None` without a number of rounds.
///
/// The mean field: every round takes the mean number of uninformed nodes for their number. The mean after a round is a
/// convex function of the number before it, so the true mean is no smaller. The setting's mode is not looked at. Costs
/// O(1) a round; after a million of them the rest are taken at their best, with everybody pushing.
pub fn mean_field(setting: &Setting) -> Option<f64> {
    let rounds = setting.rounds?;
    if setting.nodes <= 1 {
        return Some(0.0);
    }
    let law = Law::new(setting);
    let nodes = setting.nodes as f64;
    // (each on its own: of 2^60 nodes one is no digit)
    let (mut informed, mut missed) = (1.0, nodes - 1.0);
    let followed = rounds.min(1_000_000);
    for _ in 0..followed {
        let after = law.after(informed, missed);
        (informed, missed) = (informed + after.told, after.missed);
    }
    let all_push = law.missed_by(nodes * f64::from(rounds - followed));
    missed *= if rounds > followed { all_push } else { 1.0 };
    Some(missed / (nodes - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epidemic::{Sender, exact};
    use crate::ratio::Chance;

    fn push(nodes: u64, fanout: u64, rounds: u32, loss: f64) -> Setting {
        Setting { nodes, fanout, rounds: Some(rounds), loss: Chance::new(loss).unwrap(), mode: Mode::Push }
    }

    /// How far an approximation lies from the exact answer, relatively: per node, and of `p_not_all`.
    fn apart(setting: &Setting) -> (f64, f64) {
        let (exact, approximate) = (exact::answer(setting).unwrap(), answer(setting).unwrap());
        let Method::Approximate { error_bound } = approximate.method else { panic!("{approximate:?}") };
        assert!((approximate.p_not_all - exact.p_not_all).abs() <= error_bound, "{setting:?}");
        assert!((approximate.per_node_miss - exact.per_node_miss).abs() <= error_bound, "{setting:?}");
        let close = |one: f64, other: f64, most: f64| {
            assert!((one / other - 1.0).abs() < most, "{setting:?}: {one} {other}");
        };
        close(approximate.expected_messages, exact.expected_messages, 1e-6);
        close(approximate.var_informed, exact.var_informed, 1e-3);
        let (one, other) = (approximate.rounds_to_all.unwrap(), exact.rounds_to_all.unwrap());
        close(one.mean, other.mean, 1e-4);
        close(one.variance, other.variance, 1e-3);
        assert_eq!((one.p50, one.p90, one.p99), (other.p50, other.p90, other.p99), "{setting:?}");
        assert_eq!(approximate.rounds.len() > rounds_of(setting), exact.rounds.len() > rounds_of(setting));
        let relative = |one: f64, other: f64| (one / other - 1.0).abs();
        (
            relative(approximate.per_node_miss, exact.per_node_miss),
            relative(approximate.p_not_all, exact.p_not_all),
        )
    }

    fn rounds_of(setting: &Setting) -> usize {
        setting.rounds.unwrap() as usize
    }

    #[test]
    fn it_lies_as_near_the_exact_answer_as_it_says() {
        for setting in [push(10_000, 3, 10, 0.0), push(10_000, 3, 14, 0.0), push(3_000, 2, 14, 0.1)] {
            let (per_node, all) = apart(&setting);
            assert!(per_node < 1e-6 && all < 1e-4, "{setting:?}: {per_node} {all}");
        }
    }

    #[test]
    fn a_fanout_that_tells_many_at_once_needs_no_exact_beginning() {
        // After one round 1 + K are informed, and in the next all of them miss a given node.
        let answer = answer(&push(1_000_000, 2_143, 2, 0.0)).unwrap();
        let missed = libm::exp(2_145.0 * libm::log1p(-2_143.0 / 999_999.0));
        assert!((answer.per_node_miss / missed - 1.0).abs() < 1e-10, "{} {missed}", answer.per_node_miss);
    }

    #[test]
    fn huge_clusters_obey_the_asymptote() {
        // log_(1 + K) N + ln N / K + about 0.9.
        for nodes in [1_000_000_u64, 1_000_000_000_000, u64::MAX] {
            let answer = answer(&push(nodes, 3, 100, 0.0)).unwrap();
            let ln = libm::log(nodes as f64);
            let beyond = answer.rounds_to_all.unwrap().mean - ln / libm::log(4.0) - ln / 3.0;
            assert!((0.6..1.2).contains(&beyond), "{nodes}: {beyond}");
        }
    }

    #[test]
    fn the_first_rounds_of_a_huge_cluster_lose_no_digits() {
        // Nobody is told twice yet, and half is lost: 1 + 1 after a round in the mean, and twice as many after each.
        let answer = answer(&push(u64::MAX, 2, 10, 0.5)).unwrap();
        assert!((answer.mean_informed - 1_024.0).abs() < 1e-8, "{}", answer.mean_informed);
        assert!((answer.expected_messages - 2.0 * 1_023.0).abs() < 1e-8);
        // A branching process: 1/2 2^(t - 1) (2^t - 1).
        let variance = 0.25 * 1_024.0 * 1_023.0;
        assert!((answer.var_informed / variance - 1.0).abs() < 1e-9, "{}", answer.var_informed);
    }

    #[test]
    fn what_it_is_not_made_for_is_refused() {
        let refused = |setting: &Setting| {
            assert_eq!(answer(setting).err(), Some(NoAnswer::TooLarge), "{setting:?}");
        };
        refused(&push(1_999, 3, 10, 0.0));
        refused(&push(1_000_000, 100_000, 3, 0.999));
        let slow = answer_within(&push(1_000_000, 1, u32::MAX, 1.0 - 1e-9), Work::new(50_000_000));
        assert_eq!(slow.err(), Some(NoAnswer::TooLarge));
        for mode in [Mode::PushOnce(Sender::Drawn), Mode::Limited { copies: 9 }, Mode::Pull, Mode::PushPull] {
            refused(&Setting { mode, ..push(1_000_000, 3, 10, 0.0) });
        }
        let endless = Setting { rounds: None, ..push(1_000_000, 3, 10, 0.0) };
        assert_eq!(answer(&endless).err(), Some(NoAnswer::Endless));
    }

    #[test]
    fn the_edges() {
        for (fanout, rounds, loss) in [(0, 7, 0.0), (3, 0, 0.0), (3, u32::MAX, 1.0), (u64::MAX, 9, 1.0)] {
            let answer = answer(&push(1_000_000, fanout, rounds, loss)).unwrap();
            assert_eq!((answer.per_node_miss, answer.p_not_all, answer.mean_informed), (1.0, 1.0, 1.0));
        }
        let all = answer(&push(u64::MAX, u64::MAX, 3, 0.0)).unwrap();
        assert_eq!((all.per_node_miss, all.p_not_all), (0.0, 0.0));
    }

    #[test]
    fn the_mean_field_is_what_it_is() {
        assert_eq!(mean_field(&push(1, 3, 5, 0.0)), Some(0.0));
        assert_eq!(mean_field(&Setting { rounds: None, ..push(9, 3, 5, 0.0) }), None);
        assert_eq!(mean_field(&push(9, 0, u32::MAX, 0.0)), Some(1.0));
        // From 24 of 25: 24 (1 - 3/24), and again with the 4 informed ones.
        let two = mean_field(&push(25, 3, 2, 0.0)).unwrap();
        assert!((two - 0.875 * libm::pow(0.875, 4.0)).abs() < 1e-15, "{two}");
    }
}
