//! The state of a rumour in a large cluster, in three parts, and what a round makes of it.

use super::few::Few;
use super::law::Law;
use super::mixture::Mixture;
use crate::epidemic::exact::Work;
use crate::epidemic::exact::course::{State, rounds_to_all};
use crate::epidemic::exact::mass::Mass;
use crate::epidemic::{NoAnswer, RoundsToAll, Setting};

/// From a mean of so many uninformed nodes on they are counted one by one.
const LATE: f64 = 1_000.0;

/// Without a beginning that is exact, a sender must tell so many at once that chance has little say.
const MANY_AT_ONCE: f64 = 400.0;

/// A round costs so much besides its sums, and so much for each point.
const ROUND: u64 = 10_000;
const POINT: u64 = 100;

/// What is left of the mean of the rounds to all may be this much.
const REST: f64 = 1e-12;

pub(super) struct Spreading {
    nodes: f64,
    law: Law,
    /// Few are informed: exact.
    few: Option<Few>,
    /// Many are informed, and many are not.
    many: Mixture,
    next_many: Mixture,
    /// Few are uninformed: entry u is their number.
    late: Mass,
    next_late: Mass,
}

impl Spreading {
    /// The source is informed.
    pub(super) fn new(setting: &Setting) -> Result<Spreading, NoAnswer> {
        let few = Few::new(setting)?;
        let tells = setting.contacts() as f64 * (1.0 - setting.loss.as_f64());
        let mut many = Mixture::new(setting.nodes);
        let next_many = many.clone();
        match few {
            Some(_) => {}
            None if tells > 0.0 && tells < MANY_AT_ONCE => return Err(NoAnswer::TooLarge),
            None => many.add(1.0, 0.0, 1.0),
        }
        // (survivors are cut long before they are four times as many as their mean)
        let late = Mass::none(5 * LATE as usize, 0);
        let next_late = late.clone();
        Ok(Spreading {
            nodes: setting.nodes as f64,
            law: Law::new(setting),
            few,
            many,
            next_many,
            late,
            next_late,
        })
    }

    pub(super) fn step(&mut self, work: &mut Work) -> Result<(), NoAnswer> {
        work.spend(ROUND)?;
        self.next_late.clear();
        self.next_many.clear();
        for u in self.late.window() {
            work.spend(survive(
                &self.law,
                self.nodes - u as f64,
                u as f64,
                self.late.at(u),
                &mut self.next_late,
            ))?;
        }
        for (informed, mass) in self.many.points() {
            let missed = self.nodes - informed;
            let after = self.law.after(informed, missed);
            work.spend(match after.missed <= LATE {
                true => survive(&self.law, informed, missed, mass, &mut self.next_late),
                false => {
                    self.next_many.add(informed + after.told, after.variance, mass);
                    POINT
                }
            })?;
        }
        if let Some(few) = &mut self.few {
            few.step(work, |informed, mass| self.next_many.add(informed, 0.0, mass))?;
        }
        self.next_late.dropped += self.late.dropped;
        self.late.dropped = 0.0;
        self.next_late.trim();
        std::mem::swap(&mut self.late, &mut self.next_late);
        std::mem::swap(&mut self.many, &mut self.next_many);
        Ok(())
    }

    pub(super) fn state(&self) -> State {
        let (mut mass, mut informed, mut missed) =
            (self.many.mass(), self.many.informed(), self.many.missed());
        for (here, p) in self.few.iter().flat_map(Few::masses) {
            (mass, informed, missed) = (mass + p, informed + p * here, missed + p * (self.nodes - here));
        }
        let (late, late_missed) = (self.late.above_none(), self.late.mean());
        State {
            informed: informed + (late + self.late.at(0)) * self.nodes - late_missed,
            missed: missed + late_missed,
            p_not_all: (mass + late).min(1.0),
            p_all: self.late.at(0).min(1.0),
        }
    }

    /// The mean square of the distance from so many informed nodes.
    pub(super) fn spread_about(&self, informed: f64) -> f64 {
        let few = self.few.iter().flat_map(Few::masses);
        let few = few.map(|(here, p)| p * (here - informed) * (here - informed)).sum::<f64>() + 0.0;
        few + self.many.spread_about(informed) + self.late.spread_about(self.nodes - informed)
    }

    /// The rounds to all, if they can be followed until next to nothing is left.
    pub(super) fn follow_to_the_last(
        &mut self,
        mut states: Vec<State>,
        work: &mut Work,
    ) -> Option<RoundsToAll> {
        loop {
            let stays = self.law.missed_by(self.nodes - self.late.window().end as f64);
            if stays < 1.0 && self.state().missed < REST * (1.0 - stays) {
                return rounds_to_all(&states);
            }
            self.step(work).ok()?;
            states.push(self.state());
        }
    }
}

/// Adds what is left of `missed` nodes. Nearly independent of one another, they are so many that the variance is right too.
/// Returns what it cost.
fn survive(law: &Law, informed: f64, missed: f64, mass: f64, into: &mut Mass) -> u64 {
    let after = law.after(informed, missed);
    if after.missed <= 0.0 {
        into.add(0, mass);
        return POINT;
    }
    // A binomial has n chance (1 - chance) for its variance, and n chance for its mean.
    let chance = 1.0 - after.variance / after.missed;
    let most = libm::ceil(missed);
    let n = libm::round(after.missed / chance.max(after.missed / most)).clamp(libm::ceil(after.missed), most);
    POINT + 4 * into.add_survivors(0, n as u64, after.missed / n, mass) as u64
}
