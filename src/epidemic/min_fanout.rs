//! The smallest fanout that reaches a target.
//!
//! All else being equal, more contacts never reach fewer: a search by doubling, then by halves.

use super::answer::NoAnswer;
use super::exact::{Wanted, Work};
use super::formula::at_most;
use super::{Answer, Mode, Sender, Setting, answer_out_of};
use crate::ratio::Chance;

/// What a target is set for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Criterion {
    /// That a given node other than the source is informed.
    PerNode,
    /// That everybody is informed.
    Atomic,
}

impl Criterion {
    /// The probability that an answer falls short of it.
    pub fn failure(self, answer: &Answer) -> f64 {
        match self {
            Criterion::PerNode => answer.per_node_miss,
            Criterion::Atomic => answer.p_not_all,
        }
    }
}

/// The smallest fanout that reaches a target.
#[derive(Clone, Debug, PartialEq)]
pub struct MinFanout {
    /// The fanout K.
    pub fanout: u64,
    /// The answer at that fanout, without the distributions of the informed and of the rounds to all.
    pub at: Answer,
    /// The answer at K - 1; `None` if K is 0, or it takes too much work and no decision needed it.
    pub below: Option<Answer>,
}

/// What the answers that a search needs may cost together: some two seconds.
const SEARCH: Work = Work::new(4_000_000_000);

/// The smallest fanout whose failure is at most `1 - target`, to 12 digits; exact or approximate as each answer says.
///
/// The fanout of the setting is not looked at. Costs as many answers as twice the fanout found has binary digits.
///
/// # Errors
/// [`NoAnswer::NoRounds`], [`NoAnswer::AllLost`] or [`NoAnswer::AllNotEnough`] if no fanout reaches the target; else as
/// [`answer`](super::answer()).
pub fn min_fanout(setting: &Setting, target: Chance, criterion: Criterion) -> Result<MinFanout, NoAnswer> {
    min_fanout_within(setting, target, criterion, SEARCH)
}

/// The same, within so much work; no single answer takes more than twice [`Work::DEFAULT`] of it.
///
/// # Errors
/// As [`min_fanout`].
pub fn min_fanout_within(
    setting: &Setting,
    target: Chance,
    criterion: Criterion,
    work: Work,
) -> Result<MinFanout, NoAnswer> {
    let mut search = Search { setting: *setting, target, criterion, work, seen: Vec::new() };
    let most = search.most();
    if search.reaches(0)? {
        return search.found(0);
    }
    if let Some(reason) = search.out_of_reach(most) {
        return Err(reason);
    }
    let (mut misses, mut step) = (0, 1);
    let mut meets = loop {
        let next = most.min(misses + step);
        if search.reaches(next)? {
            break next;
        }
        if next == most {
            return Err(NoAnswer::AllNotEnough);
        }
        (misses, step) = (next, 2 * step);
    };
    while meets - misses > 1 {
        let middle = misses + (meets - misses) / 2;
        match search.reaches(middle)? {
            true => meets = middle,
            false => misses = middle,
        }
    }
    search.found(meets)
}

struct Search {
    setting: Setting,
    target: Chance,
    criterion: Criterion,
    work: Work,
    seen: Vec<(u64, Answer)>,
}

impl Search {
    /// Beyond this no fanout is any different.
    fn most(&self) -> u64 {
        let others = self.setting.nodes.saturating_sub(1);
        match self.setting.mode {
            Mode::Limited { copies } => others.min(u64::from(copies)),
            Mode::Push | Mode::PushOnce(_) | Mode::Pull | Mode::PushPull => others,
        }
    }

    /// Why nothing does it, if that is plain.
    fn out_of_reach(&self, most: u64) -> Option<NoAnswer> {
        match self.target == Chance::ALWAYS {
            _ if self.setting.rounds == Some(0) => Some(NoAnswer::NoRounds),
            _ if self.setting.loss == Chance::ALWAYS => Some(NoAnswer::AllLost),
            true if !self.is_sure(most) => Some(NoAnswer::AllNotEnough),
            _ => None,
        }
    }

    fn reaches(&mut self, fanout: u64) -> Result<bool, NoAnswer> {
        match self.target {
            Chance::NEVER => Ok(true),
            // What is next to nothing is not 0.
            Chance::ALWAYS => Ok(self.is_sure(fanout)),
            target => Ok(self.criterion.failure(self.answer(fanout)?) <= at_most(target)),
        }
    }

    /// Whether everybody is informed without fail. Whoever may miss a node in each of its draws, may miss it for ever.
    fn is_sure(&self, fanout: u64) -> bool {
        let Setting { nodes, rounds, mode, .. } = self.setting;
        let (others, two_rounds) = (nodes.saturating_sub(1), rounds.is_none_or(|rounds| rounds >= 2));
        if others == 0 {
            return true;
        }
        if self.setting.loss != Chance::NEVER || rounds == Some(0) {
            return false;
        }
        fanout >= others
            || match mode {
                // Only the source can leave out the one that it leaves out.
                Mode::PushOnce(Sender::LeftOut) => two_rounds && fanout > 0 && fanout + 1 >= others,
                // After one round a node has more contacts than there are other uninformed nodes.
                Mode::PushPull => two_rounds && fanout >= others - fanout,
                Mode::Push | Mode::PushOnce(Sender::Drawn) | Mode::Limited { .. } | Mode::Pull => false,
            }
    }

    fn answer(&mut self, fanout: u64) -> Result<&Answer, NoAnswer> {
        if let Some(at) = self.seen.iter().position(|&(seen, _)| seen == fanout) {
            return Ok(&self.seen[at].1);
        }
        let mut answer = answer_out_of(&Setting { fanout, ..self.setting }, Wanted::End, &mut self.work)?;
        // Nobody looks at those of all fanouts that were tried, and they are large.
        answer.informed = None;
        self.seen.push((fanout, answer));
        Ok(&self.seen[self.seen.len() - 1].1)
    }

    fn found(mut self, fanout: u64) -> Result<MinFanout, NoAnswer> {
        let at = self.answer(fanout)?.clone();
        let below = fanout.checked_sub(1).and_then(|below| self.answer(below).cloned().ok());
        Ok(MinFanout { fanout, at, below })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epidemic::{Method, formula};

    const ONCE: Mode = Mode::PushOnce(Sender::Drawn);
    const LEFT_OUT: Mode = Mode::PushOnce(Sender::LeftOut);

    fn search(
        mode: Mode,
        nodes: u64,
        rounds: impl Into<Option<u32>>,
        loss: f64,
        target: f64,
        criterion: Criterion,
    ) -> Result<MinFanout, NoAnswer> {
        let loss = Chance::new(loss).unwrap();
        let setting = Setting { nodes, fanout: 7, rounds: rounds.into(), loss, mode };
        min_fanout(&setting, Chance::new(target).unwrap(), criterion)
    }

    /// The smallest per node, and atomic.
    fn both(
        mode: Mode,
        nodes: u64,
        rounds: impl Into<Option<u32>>,
        loss: f64,
        target: f64,
    ) -> [Result<u64, NoAnswer>; 2] {
        let rounds = rounds.into();
        [Criterion::PerNode, Criterion::Atomic]
            .map(|criterion| search(mode, nodes, rounds, loss, target, criterion).map(|found| found.fanout))
    }

    #[test]
    fn the_published_values() {
        assert_eq!(both(Mode::Push, 25, 5, 0.0, 0.99), [Ok(3), Ok(3)]);
        assert_eq!(both(Mode::Push, 100, 5, 0.0, 0.99), [Ok(3), Ok(5)]);
        assert_eq!(both(Mode::Push, 1_000, 5, 0.0, 0.99), [Ok(5), Ok(8)]);
        assert_eq!(both(ONCE, 25, None, 0.0, 0.99), [Ok(5), Ok(7)]);
    }

    #[test]
    fn what_is_found_reaches_and_one_less_does_not() {
        for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 20 }] {
            for criterion in [Criterion::PerNode, Criterion::Atomic] {
                let found = search(mode, 12, 4, 0.1, 0.95, criterion).unwrap();
                let below = found.below.unwrap();
                assert!(criterion.failure(&found.at) <= 0.05 && criterion.failure(&below) > 0.05, "{mode:?}");
            }
        }
    }

    #[test]
    fn in_one_round_push_is_the_formula_ties_included() {
        for (nodes, target) in [(101, 0.99), (11, 0.9), (25, 0.5), (9_999, 0.123)] {
            let formula = formula::min_fanout(nodes, 1, Chance::new(target).unwrap()).unwrap();
            assert_eq!(both(Mode::Push, nodes, 1, 0.0, target)[0], Ok(formula.fanout));
        }
        // All, but for what is lost of it.
        assert_eq!(both(Mode::Push, 11, 1, 0.05, 0.95)[0], Ok(10));
        assert_eq!(both(Mode::Push, 11, 1, 0.05, 0.951)[0], Err(NoAnswer::AllNotEnough));
    }

    #[test]
    fn the_edges() {
        for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 40 }] {
            for nodes in [0, 1] {
                assert_eq!(both(mode, nodes, 0, 1.0, 1.0), [Ok(0); 2]);
            }
            assert_eq!(both(mode, 25, 0, 1.0, 0.0), [Ok(0); 2]);
            assert_eq!(both(mode, 25, 0, 0.0, 0.5), [Err(NoAnswer::NoRounds); 2]);
            assert_eq!(both(mode, 25, 5, 1.0, 0.5), [Err(NoAnswer::AllLost); 2]);
            assert_eq!(
                both(mode, 25, 1, 0.5, 0.99),
                match mode {
                    // A node may be pushed to, and pull from the source.
                    Mode::PushPull => [Err(NoAnswer::AllNotEnough); 2],
                    _ => [Err(NoAnswer::AllNotEnough); 2],
                }
            );
            assert_eq!(both(mode, 25, 5, 0.1, 1.0), [Err(NoAnswer::AllNotEnough); 2]);
            assert_eq!(both(mode, 2, 1, 0.0, 0.5), [Ok(1); 2]);
        }
        assert_eq!(both(Mode::Push, 25, None, 0.0, 0.5), [Err(NoAnswer::Endless); 2]);
    }

    #[test]
    fn a_target_of_1_takes_what_cannot_fail() {
        for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 3 }] {
            for nodes in 2..=6 {
                for rounds in 1..=3 {
                    let [sure, atomic] = both(mode, nodes, rounds, 0.0, 1.0);
                    assert_eq!(sure, atomic);
                    let at = |fanout| {
                        let setting =
                            Setting { nodes, fanout, rounds: Some(rounds), loss: Chance::NEVER, mode };
                        super::super::answer(&setting).unwrap().p_not_all
                    };
                    // So few nodes that what can happen, happens more often than once in 10^12 runs.
                    let expected = (0..nodes).find(|&fanout| at(fanout) < 1e-12);
                    assert_eq!(sure.ok(), expected, "{mode:?} {nodes} {rounds}");
                }
            }
        }
    }

    #[test]
    fn large_clusters_are_searched_by_approximation() {
        let found = search(Mode::Push, 1_000_000, 5, 0.0, 0.99, Criterion::Atomic).unwrap();
        assert_eq!((found.fanout, matches!(found.at.method, Method::Approximate { .. })), (30, true));
        let huge = search(Mode::Push, 1_000_000_000_000, 20, 0.1, 0.99, Criterion::PerNode).unwrap();
        assert_eq!(huge.fanout, 4);
        let little = min_fanout_within(
            &huge_push(),
            Chance::new(0.99).unwrap(),
            Criterion::PerNode,
            Work::new(1_000_000),
        );
        assert_eq!(little.err(), Some(NoAnswer::TooLarge));
        assert_eq!(both(Mode::Pull, 1_000_000_000_000, 20, 0.1, 0.99), [Err(NoAnswer::TooLarge); 2]);
    }

    fn huge_push() -> Setting {
        Setting { nodes: 1_000_000, fanout: 0, rounds: Some(20), loss: Chance::NEVER, mode: Mode::Push }
    }
}
