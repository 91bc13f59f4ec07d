//! Why a run fails: from which instant on its past has decided that it will.
//!
//! The past of the failing run is kept up to an instant, all chance from there on is drawn anew, many times, and it is
//! counted how often the run fails the same way all the same. Operations and faults stay: they were drawn before. It
//! knows no protocol and no command: what a run with a redrawn future comes to is handed in.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::node::Node;
use crate::rng::{Key, Reseed};
use crate::sim::{Observer, Record};
use crate::time::Time;

/// How thoroughly to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// So many redrawn futures at each instant.
    pub samples: u32,
    /// So many instants, evenly over the run, before the search for the one that decides.
    pub grid: u32,
    /// So many threads.
    pub jobs: usize,
}

/// What a run with a redrawn future comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It fails as the original does.
    Same,
    /// It fails for another reason.
    Other,
    /// It does not fail.
    Passes,
}

/// How often a run fails whose chance is drawn anew from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The first instant that is redrawn; [`Time::MAX`] if nothing is.
    pub from: Time,
    /// Futures that fail as the original does.
    pub same: u32,
    /// Futures that fail for another reason.
    pub other: u32,
    /// Futures tried.
    pub samples: u32,
}

impl Point {
    /// The share of futures that fail as the original does.
    pub fn share(&self) -> f64 {
        f64::from(self.same) / f64::from(self.samples)
    }
}

/// When it was decided that the run fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// From the start: it fails whatever is drawn, so what is not drawn decides.
    FromTheStart,
    /// At one instant, that of the first point: redrawn it often passes, kept (the second point) seldom.
    At(Point, Point),
    /// Between two instants: redrawn from the first point on it often passes, from the second on seldom.
    Between(Point, Point),
    /// Little by little, between two points: no short time decides half of it.
    Gradually(Point, Point),
}

/// How the chance of failing grows while the run goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Curve {
    /// In order of time; nothing is redrawn in the last.
    pub points: Vec<Point>,
    /// When it was decided.
    pub decided: Decided,
}

/// The instants at which something happened, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Instants(Vec<Time>);

impl<N: Node> Observer<N> for Instants {
    fn observe(&mut self, at: Time, _: &Record<'_, N>) {
        if self.0.last() != Some(&at) {
            self.0.push(at);
        }
    }
}

impl Instants {
    /// The instant so many events' instants away from another, or the first or last.
    pub fn beside(&self, at: Time, steps: isize) -> Time {
        let place = self.0.partition_point(|other| *other < at);
        let last = self.0.len().saturating_sub(1);
        self.0.get(place.saturating_add_signed(steps).min(last)).copied().unwrap_or_default()
    }

    /// The first of them that is not before an instant.
    fn place(&self, at: Time) -> usize {
        self.0.partition_point(|other| *other < at)
    }

    /// What to redraw from in order to keep so many instants.
    fn from(&self, kept: usize) -> Time {
        if kept == 0 { Time::ZERO } else { self.0.get(kept).copied().unwrap_or(Time::MAX) }
    }
}

/// Finds out when it was decided that the run of this seed fails, whose events came at these instants. `each` is shown
/// every point that has been measured. The futures that are tried depend on nothing but the seed and the effort.
pub fn why(
    seed: u64,
    instants: &Instants,
    effort: Effort,
    future: impl Fn(Reseed) -> Fate + Sync,
    mut each: impl FnMut(&Point),
) -> Curve {
    let Effort { samples, grid, .. } = effort;
    let mut measure = |kept: usize| {
        let point = measure(seed, instants.from(kept), effort, &future);
        each(&point);
        (kept, point)
    };
    let all = instants.0.len();
    let certain = (all, Point { from: Time::MAX, same: samples, other: 0, samples });
    let end = instants.0.last().map_or(0, |last| last.as_nanos());
    let evenly = (1..u128::from(grid)).map(|step| {
        let at = u128::from(end) * step / u128::from(grid);
        instants.place(Time::from_nanos(at as u64))
    });
    let mut places: Vec<usize> = std::iter::once(0).chain(evenly).filter(|place| *place < all).collect();
    places.dedup();
    let mut points: Vec<(usize, Point)> = places.into_iter().map(&mut measure).collect();
    points.push(certain);
    let rise = samples - points[0].1.same;
    let jump = |a: &Point, b: &Point| b.same.saturating_sub(a.same);
    let decides = |a: &Point, b: &Point| 2 * jump(a, b) >= rise;
    let decided = if rise == 0 {
        Decided::FromTheStart
    } else {
        let steps = points.windows(2).map(|pair| (pair[0], pair[1]));
        // The first of those that rise most.
        let (mut low, mut high) = steps
            .reduce(
                |most, step| {
                    if jump(&step.0.1, &step.1.1) > jump(&most.0.1, &most.1.1) { step } else { most }
                },
            )
            .expect("there is a first point and a last");
        if decides(&low.1, &high.1) {
            while high.0 - low.0 > 1 {
                let middle = measure(low.0.midpoint(high.0));
                points.push(middle);
                let (first, second) = (jump(&low.1, &middle.1), jump(&middle.1, &high.1));
                match first.max(second) {
                    most if 2 * most < rise => break,
                    most if most == second => low = middle,
                    _ => high = middle,
                }
            }
            match high.0 - low.0 {
                1 => Decided::At(low.1, high.1),
                _ => Decided::Between(low.1, high.1),
            }
        } else {
            gradually(&points, rise)
        }
    };
    points.sort_by_key(|(kept, _)| *kept);
    Curve { points: points.into_iter().map(|(_, point)| point).collect(), decided }
}

/// Between which points the middle half of the rise lies.
fn gradually(points: &[(usize, Point)], rise: u32) -> Decided {
    let points = || points.iter().map(|(_, point)| *point);
    let first = points().next().expect("there is a first point");
    let risen = |point: &Point| 4 * point.same.saturating_sub(first.same);
    let high = points().find(|point| risen(point) >= 3 * rise).expect("the last point has risen in full");
    let before = points().take_while(|point| point.from < high.from);
    let low = before.filter(|point| risen(point) <= rise).last().unwrap_or(first);
    Decided::Gradually(low, high)
}

/// Tries redrawn futures; threads share them out, and only counts come back.
fn measure(seed: u64, from: Time, effort: Effort, future: &(impl Fn(Reseed) -> Fate + Sync)) -> Point {
    let Effort { samples, jobs, .. } = effort;
    let key = Key::new(seed, "why").with(from.as_nanos());
    let next = AtomicU32::new(0);
    let work = || {
        let (mut same, mut other) = (0, 0);
        loop {
            let sample = next.fetch_add(1, Ordering::Relaxed);
            if sample >= samples {
                return (same, other);
            }
            match future(Reseed { from, seed: key.with(u64::from(sample)).stream().word() }) {
                Fate::Same => same += 1,
                Fate::Other => other += 1,
                Fate::Passes => {}
            }
        }
    };
    let counts = std::thread::scope(|scope| {
        let others: Vec<_> = (1..jobs.min(samples as usize)).map(|_| scope.spawn(work)).collect();
        let mine = work();
        let others =
            others.into_iter().map(|other| other.join().expect("whoever tries a future does not panic"));
        std::iter::once(mine).chain(others).fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
    });
    Point { from, same: counts.0, other: counts.1, samples }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Time {
        Time::from_nanos(secs * 1_000_000_000)
    }

    /// The curve of a run of a hundred seconds whose futures fail with these chances, in percent.
    fn curve(chance: impl Fn(Time) -> u64 + Sync, jobs: usize) -> Curve {
        let instants = Instants((0..100).map(at).collect());
        let effort = Effort { samples: 40, grid: 10, jobs };
        let future = |Reseed { from, seed }| {
            if seed % 100 < chance(from) { Fate::Same } else { Fate::Passes }
        };
        why(1, &instants, effort, future, |_| {})
    }

    #[test]
    fn the_instant_that_decides_is_found() {
        let curve = curve(|from| if from > at(37) { 100 } else { 30 }, 1);
        let Decided::At(low, high) = curve.decided else { panic!("{curve:?}") };
        assert_eq!((low.from, high.from), (at(37), at(38)));
        assert!(curve.points.is_sorted_by_key(|point| point.from), "{curve:?}");
    }

    #[test]
    fn what_no_chance_can_help_is_decided_from_the_start() {
        assert_eq!(curve(|_| 100, 1).decided, Decided::FromTheStart);
    }

    #[test]
    fn what_grows_bit_by_bit_is_decided_at_no_instant() {
        let curve = curve(|from| from.as_nanos() / 1_000_000_000, 1);
        let Decided::Gradually(low, high) = curve.decided else { panic!("{curve:?}") };
        assert!(low.from < at(40) && high.from > at(60), "{curve:?}");
    }

    #[test]
    fn any_number_of_threads_finds_the_same() {
        let of = |jobs| curve(|from| if from > at(70) { 90 } else { 10 }, jobs);
        assert_eq!(of(1), of(5));
    }

    #[test]
    fn what_is_beside_an_instant_stays_within_the_run() {
        let instants = Instants((0..10).map(at).collect());
        assert_eq!((instants.beside(at(5), -2), instants.beside(at(5), 2)), (at(3), at(7)));
        assert_eq!((instants.beside(at(1), -2), instants.beside(Time::MAX, 2)), (at(0), at(9)));
    }
}
