//! Rumour mongering as of Demers et al., "Epidemic algorithms for replicated database maintenance" (1987), played out.
//!
//! A site is susceptible, then infective (it shares the rumour as hot), then removed. The words are the paper's, and so
//! are the two details that decide its figures: whether somebody needed the rumour is judged by what it knew at the start
//! of the cycle, and a counter counts unnecessary contacts in a row.

use std::num::NonZeroU16;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::epidemic::estimate::{Estimate, Moments};
use crate::rng::{Key, Stream};

/// A variant of rumour mongering; in each cycle a site contacts one other, drawn uniformly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mongering {
    /// How many sites, the one where the rumour begins included.
    pub sites: u32,
    /// Who contacts whom.
    pub direction: Direction,
    /// What a site's interest depends on.
    pub interest: Interest,
    /// How it loses interest.
    pub removal: Removal,
    /// How much it takes to lose interest, the paper's k.
    pub k: NonZeroU16,
}

/// Who contacts whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// An infective site sends the rumour to the one that it contacts.
    Push,
    /// Every site contacts another, which, if infective, sends the rumour.
    Pull,
}

/// What a site's interest depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Interest {
    /// Interest is lost by sending, whether or not it was of use.
    Blind,
    /// Interest is lost by sending only to such as knew; in pull, by a cycle in which all who asked knew.
    Feedback,
}

/// How a site loses interest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Removal {
    /// With probability 1/k each time.
    Coin,
    /// When it has come to k; with feedback, to k in a row.
    Counter,
}

/// What trials came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mongered {
    /// The share of the sites that the rumour never reached: s, the residue.
    pub residue: Estimate,
    /// Rumours sent per site: m, the traffic.
    pub traffic: Estimate,
    /// The cycle in which the last site heard: t_last.
    pub last: Estimate,
}

impl Mongering {
    /// Plays trials until nobody is infective any more; `None` if there are none.
    ///
    /// The same seed gives the same answer on any number of threads; those of the rayon pool it is called in are used.
    pub fn trials(&self, count: u64, seed: u64) -> Option<Mongered> {
        let key = Key::new(seed, "rumor");
        let played = (0..count).into_par_iter().fold(
            || (Sites::default(), Tally::default()),
            |(mut sites, mut tally), trial| {
                sites.play(self, &mut key.with(trial).stream(), &mut tally);
                (sites, tally)
            },
        );
        let tally = played.map(|(_, tally)| tally).reduce(Tally::default, Tally::with);
        let sites = f64::from(self.sites.max(1));
        Some(Mongered {
            residue: tally.unreached.estimate()?.part(0.0, sites),
            traffic: tally.sent.estimate()?.part(0.0, sites),
            last: tally.last.estimate()?,
        })
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    unreached: Moments,
    sent: Moments,
    last: Moments,
}

impl Tally {
    fn with(mut self, other: Tally) -> Tally {
        self.unreached.absorb(other.unreached);
        self.sent.absorb(other.sent);
        self.last.absorb(other.last);
        self
    }
}

/// What a site is at the start of a cycle, or has just become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Site {
    Susceptible,
    /// It heard in this cycle, and is infective from the next one on.
    Heard,
    Infective {
        /// Sent in vain in a row, or sent at all if blind.
        count: u16,
        asked: Asked,
    },
    Removed,
}

/// Whether anybody asked a site in this cycle, and whether one of them needed the rumour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    No,
    InVain,
    Needed,
}

#[derive(Debug, Default)]
struct Sites {
    sites: Vec<Site>,
    /// Those that are infective at the start of the cycle, in the order in which they heard.
    infective: Vec<u32>,
    /// Those that heard in this cycle.
    heard: Vec<u32>,
}

impl Sites {
    fn play(&mut self, mongering: &Mongering, stream: &mut Stream, tally: &mut Tally) {
        let count = mongering.sites;
        self.sites.clear();
        self.sites.resize(count as usize, Site::Susceptible);
        self.infective.clear();
        if count > 1 {
            self.heard.push(0);
            self.end_of_cycle();
        }
        let (mut cycle, mut last, mut sent) = (0_u64, 0, 0);
        while !self.infective.is_empty() {
            cycle += 1;
            sent += match mongering.direction {
                Direction::Push => self.push(stream),
                Direction::Pull => self.pull(stream),
            };
            self.lose_interest(mongering, stream);
            if !self.heard.is_empty() {
                last = cycle;
            }
            self.end_of_cycle();
        }
        let susceptible = self.sites.iter().skip(1).filter(|site| **site == Site::Susceptible).count();
        tally.unreached.add(susceptible as u64);
        tally.sent.add(sent);
        tally.last.add(last);
    }

    /// Every infective site sends to another. How many were sent.
    fn push(&mut self, stream: &mut Stream) -> u64 {
        for at in 0..self.infective.len() {
            let me = self.infective[at];
            let other = self.partner(me, stream);
            let needed = self.hear(other);
            self.answer(me, needed);
        }
        self.infective.len() as u64
    }

    /// Every site asks another. How many infective ones answered.
    fn pull(&mut self, stream: &mut Stream) -> u64 {
        let mut sent = 0;
        for me in 0..self.sites.len() as u32 {
            let other = self.partner(me, stream);
            if matches!(self.sites[other as usize], Site::Infective { .. }) {
                sent += 1;
                let needed = self.hear(me);
                self.answer(other, needed);
            }
        }
        sent
    }

    /// Any site but this one, all alike likely.
    fn partner(&self, me: u32, stream: &mut Stream) -> u32 {
        let place = stream.below(self.sites.len() as u64 - 1) as u32;
        place + u32::from(place >= me)
    }

    /// A site receives the rumour. Whether it needed it by what it knew at the start of the cycle.
    fn hear(&mut self, site: u32) -> Asked {
        match self.sites[site as usize] {
            Site::Susceptible => {
                self.sites[site as usize] = Site::Heard;
                self.heard.push(site);
                Asked::Needed
            }
            Site::Heard => Asked::Needed,
            Site::Infective { .. } | Site::Removed => Asked::InVain,
        }
    }

    /// An infective site learns what its sending was good for.
    fn answer(&mut self, site: u32, needed: Asked) {
        if let Site::Infective { asked, .. } = &mut self.sites[site as usize] {
            *asked = needed.max(*asked);
        }
    }

    fn lose_interest(&mut self, mongering: &Mongering, stream: &mut Stream) {
        let Sites { sites, infective, .. } = self;
        infective.retain(|site| {
            let site = &mut sites[*site as usize];
            *site = after(*site, mongering, stream);
            *site != Site::Removed
        });
    }

    /// Those who heard are infective from now on.
    fn end_of_cycle(&mut self) {
        for site in &self.heard {
            self.sites[*site as usize] = Site::Infective { count: 0, asked: Asked::No };
        }
        self.infective.append(&mut self.heard);
    }
}

/// What a site is after a cycle.
fn after(site: Site, mongering: &Mongering, stream: &mut Stream) -> Site {
    let Site::Infective { count, asked } = site else { return site };
    let count = match (asked, mongering.interest) {
        (Asked::No, _) => return site,
        (Asked::Needed, Interest::Feedback) => 0,
        (Asked::InVain, Interest::Feedback) | (Asked::InVain | Asked::Needed, Interest::Blind) => {
            let removed = match mongering.removal {
                Removal::Coin => stream.below(mongering.k.get().into()) == 0,
                Removal::Counter => count + 1 == mongering.k.get(),
            };
            if removed {
                return Site::Removed;
            }
            count.saturating_add(1)
        }
    };
    Site::Infective { count, asked: Asked::No }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    use Direction::{Pull, Push};
    use Interest::{Blind, Feedback};
    use Removal::{Coin, Counter};

    fn mongering(
        sites: u32,
        direction: Direction,
        interest: Interest,
        removal: Removal,
        k: u16,
    ) -> Mongering {
        Mongering { sites, direction, interest, removal, k: NonZeroU16::new(k).unwrap() }
    }

    /// Whether ours may be what was printed: beyond the rounding, ours and theirs differ by no more than 3 standard
    /// errors, theirs being taken as a mean of 100 trials, of which the paper is silent. What is a share of the sites
    /// varies at least as if each site were missed by itself.
    fn agrees(printed: f64, rounding: f64, ours: Estimate, trials: u64, least_variance: f64) -> bool {
        let error = ours.standard_error.unwrap();
        let variance = (error * error * trials as f64).max(least_variance);
        let either = (variance / trials as f64 + variance / 100.0).sqrt();
        (ours.mean - printed).abs() <= rounding + 3.0 * either
    }

    #[test]
    fn the_tables_of_1987_hold() {
        const TRIALS: u64 = 400;
        let rows = [
            (Push, Feedback, Counter, 1, (0.18, 0.005), (1.7, 0.05), (16.8, 0.05)),
            (Push, Feedback, Counter, 2, (0.037, 0.0005), (3.3, 0.05), (16.9, 0.05)),
            (Push, Feedback, Counter, 3, (0.011, 0.0005), (4.5, 0.05), (17.4, 0.05)),
            (Push, Feedback, Counter, 4, (0.0036, 5e-5), (5.6, 0.05), (17.5, 0.05)),
            (Push, Feedback, Counter, 5, (0.0012, 5e-5), (6.7, 0.05), (17.7, 0.05)),
            (Push, Blind, Coin, 1, (0.96, 0.005), (0.04, 0.005), (38.0, 0.5)),
            (Push, Blind, Coin, 2, (0.20, 0.005), (1.6, 0.05), (33.0, 0.5)),
            (Push, Blind, Coin, 3, (0.060, 0.0005), (2.8, 0.05), (32.0, 0.5)),
            (Push, Blind, Coin, 4, (0.021, 0.0005), (3.9, 0.05), (32.0, 0.5)),
            (Push, Blind, Coin, 5, (0.008, 0.0005), (4.9, 0.05), (32.0, 0.5)),
            (Pull, Feedback, Counter, 1, (0.031, 0.0005), (2.7, 0.05), (17.6, 0.05)),
            (Pull, Feedback, Counter, 2, (5.8e-4, 5e-6), (4.5, 0.05), (15.4, 0.05)),
            (Pull, Feedback, Counter, 3, (4e-6, 5e-7), (6.1, 0.05), (14.0, 0.05)),
        ];
        for (direction, interest, removal, k, s, m, t_last) in rows {
            let ours = mongering(1_000, direction, interest, removal, k).trials(TRIALS, 1).unwrap();
            let holds = agrees(s.0, s.1, ours.residue, TRIALS, s.0 / 1_000.0)
                && agrees(m.0, m.1, ours.traffic, TRIALS, 0.0)
                && agrees(t_last.0, t_last.1, ours.last, TRIALS, 0.0);
            assert!(holds, "{direction:?} {interest:?} {removal:?} {k}: {ours:?}");
        }
    }

    #[test]
    fn a_blind_counter_sends_k_rumours_from_every_site_that_was_reached() {
        for k in 1..4 {
            let ours = mongering(200, Push, Blind, Counter, k).trials(50, 2).unwrap();
            assert!((ours.traffic.mean - f64::from(k) * (1.0 - ours.residue.mean)).abs() < 1e-12, "{ours:?}");
        }
    }

    #[test]
    fn the_edges_of_every_variant() {
        for direction in [Push, Pull] {
            for interest in [Blind, Feedback] {
                for removal in [Coin, Counter] {
                    let of = |sites, k| mongering(sites, direction, interest, removal, k);
                    assert_eq!(of(100, 1).trials(0, 3), None);
                    for sites in [0, 1] {
                        let alone = of(sites, 1).trials(2, 3).unwrap();
                        let nothing = Estimate::certain(0.0);
                        assert_eq!([alone.residue, alone.traffic, alone.last], [nothing; 3]);
                    }
                    let two = of(2, 1).trials(100, 3).unwrap();
                    assert_eq!((two.residue.mean, two.last.mean), (0.0, 1.0));
                    let long = of(30, 40).trials(20, 3).unwrap();
                    assert_eq!(long.residue.mean, 0.0);
                }
            }
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_answer() {
        let on = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| mongering(100, Pull, Feedback, Coin, 2).trials(200, 4).unwrap())
        };
        assert_eq!(on(1), on(2));
        assert_eq!(on(1), on(7));
        let Mongered { residue, traffic, last } = on(1);
        expect!["0.0020499999999999997 4.35945 12.085"]
            .assert_eq(&format!("{} {} {}", residue.mean, traffic.mean, last.mean));
    }
}
