//! The shrinker: from a failing scenario to the smallest that still fails for the same [reason](Reason).
//!
//! The search knows neither how a scenario is run nor what failing is: it proposes simpler scenarios one after the other and is
//! told of each whether it still fails. What it proposes depends on those answers alone, never on who asks or how fast
//! answers come, so [`shrink`] may ask about several at once and come to the same end.
//!
//! Lists (faults, operations, nodes) lose ever smaller runs of neighbours, as in delta debugging (Zeller and
//! Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002); everything else that has a simpler value is
//! a *site*. Rounds of all passes follow each other until a round changes nothing: a fixed point.

use std::ops::Range;

use crate::ratio::Chance;
use crate::scenario::Scenario;
use crate::sim::network::NetworkConfig;

mod lists;
mod reason;
mod sites;

pub use reason::Reason;

use lists::List;
use sites::Site;

/// A search for a smaller scenario. It begins at one that fails and has all that it draws written out.
#[derive(Clone, Debug)]
pub struct Shrinker {
    /// The smallest so far that fails.
    current: Scenario,
    stage: Stage,
    /// Whether this round has changed anything.
    changed: bool,
    /// What was proposed last.
    candidate: Option<Scenario>,
    /// How many candidates have been decided.
    decided: u64,
}

/// Where in a round the search is.
#[derive(Clone, Debug)]
enum Stage {
    /// Entries `at..at + run` of a list are to be left out.
    List { list: List, run: usize, at: usize },
    /// The simpler values of a site that have not been tried, the simplest first.
    Site { site: Site, simpler: std::vec::IntoIter<Scenario> },
    /// Nothing simpler is left to try.
    Done,
}

impl Shrinker {
    /// A search that begins at a failing scenario.
    ///
    /// # Panics
    /// If the scenario leaves its operations or faults to be drawn.
    pub fn new(failing: Scenario) -> Shrinker {
        assert!(
            failing.operations.is_some() && failing.nemesis.is_none(),
            "only a scenario with everything drawn can be shrunk"
        );
        let stage = Stage::list(List::FIRST, &failing);
        let mut shrinker = Shrinker { current: failing, stage, changed: false, candidate: None, decided: 0 };
        shrinker.propose();
        shrinker
    }

    /// The smallest so far that fails.
    pub fn smallest(&self) -> &Scenario {
        &self.current
    }

    /// Of how many candidates it was said whether they fail; the same with any number of threads.
    pub fn decided(&self) -> u64 {
        self.decided
    }

    /// A simpler scenario of which it is not known whether it fails; `None` at the fixed point.
    pub fn candidate(&self) -> Option<&Scenario> {
        self.candidate.as_ref()
    }

    /// The candidate fails for the same reason: it is the smallest now.
    ///
    /// # Panics
    /// If there is no candidate.
    pub fn accept(&mut self) {
        let smaller = self.candidate.take().expect("a candidate was asked about");
        self.decided += 1;
        self.current = smaller;
        self.changed = true;
        match &mut self.stage {
            // What followed the run has moved to its place.
            Stage::List { .. } => {}
            Stage::Site { site, simpler } => *simpler = site.simpler(&self.current).into_iter(),
            Stage::Done => unreachable!("there is no candidate once it is done"),
        }
        self.propose();
    }

    /// The candidate does not fail, or for another reason.
    ///
    /// # Panics
    /// If there is no candidate.
    pub fn reject(&mut self) {
        assert!(self.candidate.take().is_some(), "a candidate was asked about");
        self.decided += 1;
        if let Stage::List { run, at, .. } = &mut self.stage {
            *at += *run;
        }
        self.propose();
    }

    /// Finds the next candidate, through as many stages as it takes.
    fn propose(&mut self) {
        while self.candidate.is_none() && !matches!(self.stage, Stage::Done) {
            match &mut self.stage {
                Stage::List { list, run, at } => {
                    let length = list.length(&self.current);
                    if *at < length {
                        let range = *at..(*at + *run).min(length);
                        self.candidate = list.without(&self.current, range);
                        *at += if self.candidate.is_none() { *run } else { 0 };
                    } else if *run > 1 {
                        (*run, *at) = (run.div_ceil(2).min(length.max(1)), 0);
                    } else {
                        self.next_stage();
                    }
                }
                Stage::Site { simpler, .. } => match simpler.next() {
                    Some(candidate) => self.candidate = Some(candidate),
                    None => self.next_stage(),
                },
                Stage::Done => {}
            }
        }
    }

    fn next_stage(&mut self) {
        let next_list = match &self.stage {
            Stage::List { list, .. } => list.next(),
            Stage::Site { .. } | Stage::Done => None,
        };
        let next_site = match &self.stage {
            Stage::List { .. } => Some(Site::first()),
            Stage::Site { site, .. } => site.next(&self.current),
            Stage::Done => None,
        };
        self.stage = match (next_list, next_site) {
            (Some(list), _) => Stage::list(list, &self.current),
            (None, Some(site)) => {
                let simpler = site.simpler(&self.current).into_iter();
                Stage::Site { site, simpler }
            }
            (None, None) if std::mem::take(&mut self.changed) => Stage::list(List::FIRST, &self.current),
            (None, None) => Stage::Done,
        };
    }
}

impl Stage {
    /// The whole list at first.
    fn list(list: List, scenario: &Scenario) -> Stage {
        Stage::List { list, run: list.length(scenario).max(1), at: 0 }
    }
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Nothing simpler fails for the same reason.
    FixedPoint,
    /// It was told to stop, and more might have been found.
    Stopped,
}

/// Searches with `jobs` threads. `fails` says whether a scenario fails for the same reason; `goes_on` is asked between
/// rounds of questions, with the smallest so far, whether to go on. The end is the same with any number of threads,
/// unless it is stopped.
pub fn shrink(
    shrinker: &mut Shrinker,
    jobs: usize,
    fails: impl Fn(&Scenario) -> bool + Sync,
    mut goes_on: impl FnMut(&Scenario) -> bool,
) -> End {
    while shrinker.candidate().is_some() {
        if !goes_on(shrinker.smallest()) {
            return End::Stopped;
        }
        // Whoever is asked next if nothing fails is asked at the same time.
        let mut ahead = shrinker.clone();
        let mut candidates = Vec::with_capacity(jobs.max(1));
        while candidates.len() < jobs.max(1)
            && let Some(candidate) = ahead.candidate().cloned()
        {
            candidates.push(candidate);
            ahead.reject();
        }
        match first_of(&candidates, &fails) {
            Some(first) => {
                (0..first).for_each(|_| shrinker.reject());
                shrinker.accept();
            }
            None => *shrinker = ahead,
        }
    }
    End::FixedPoint
}

/// The first of the candidates that fails; each is asked about on a thread of its own.
fn first_of(candidates: &[Scenario], fails: &(impl Fn(&Scenario) -> bool + Sync)) -> Option<usize> {
    let [first, rest @ ..] = candidates else { return None };
    std::thread::scope(|scope| {
        let others: Vec<_> = rest.iter().map(|candidate| scope.spawn(move || fails(candidate))).collect();
        let first = fails(first);
        let others = others.into_iter().map(|other| other.join().expect("whoever asks does not panic"));
        std::iter::once(first).chain(others.collect::<Vec<_>>()).position(|fails| fails)
    })
}

/// The scenario without its storm: no faults, nothing lost or doubled, all links alike.
///
/// A failure that is the storm's work is gone in the calm. A candidate whose calm fails, too, fails for something that
/// was made on the way to it, such as a topology that has fallen apart.
pub fn calm(scenario: &Scenario) -> Scenario {
    Scenario {
        faults: Vec::new(),
        network: NetworkConfig {
            loss: Chance::NEVER,
            duplicate: Chance::NEVER,
            links: Vec::new(),
            ..scenario.network.clone()
        },
        ..scenario.clone()
    }
}

/// Cuts a list's range out.
fn cut<T: Clone>(list: &[T], range: Range<usize>) -> Vec<T> {
    list[..range.start].iter().chain(&list[range.end..]).cloned().collect()
}
