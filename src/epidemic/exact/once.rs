//! Infect and die, round by round: the state is how many are uninformed, and how many have just been informed.
//!
//! From u uninformed nodes, a of the others having just been informed, one sender's kernel is applied a times. For a given
//! u the masses of all a share the work, as in a round of pushes. O(N^3 K) a round.

use super::course::{Course, State, source_draws};
use super::mass::Mass;
use super::silence::Batches;
use super::work::Work;
use crate::epidemic::{NoAnswer, Setting};

/// The most nodes whose pairs of states are kept: 128 MB.
const MOST_NODES: u64 = 4_000;

/// Less mass than this in a state is let go, and counted.
const EDGE: f64 = 1e-22;

struct Once {
    nodes: usize,
    batches: Batches,
    /// At `before * nodes + u`: there were `before` uninformed nodes, now there are u, and the difference sends next.
    active: Vec<f64>,
    /// Nobody has anything left to send.
    silent: Mass,
    /// What becomes of one u.
    mass: Mass,
}

/// Runs through so many rounds, or until silence.
pub(super) fn run(setting: &Setting, rounds: Option<u32>, work: &mut Work) -> Result<Course, NoAnswer> {
    if setting.nodes > MOST_NODES {
        return Err(NoAnswer::TooLarge);
    }
    let nodes = setting.nodes as usize;
    let mut start = Mass::none(nodes, 0);
    start.add(nodes - 1, 1.0);
    let mut states = vec![State::of(&start, nodes)];
    let mut now = start;
    if rounds != Some(0) {
        let mut once = Once::new(setting)?;
        now = once.first_round(setting);
        states.push(State::of(&now, nodes));
        while rounds.is_none_or(|rounds| states.len() <= rounds as usize) && once.is_active() {
            work.spend((nodes * nodes) as u64 + 10_000)?;
            now = once.round(work)?;
            states.push(State::of(&now, nodes));
        }
        now.dropped = once.mass.dropped;
        let relative_error = once.batches.relative_error() * (nodes * states.len()) as f64;
        let messages = super::messages_of_lives(setting, rounds, &states);
        return Ok(Course { states, end: now, messages, answers: 0.0, relative_error, rounds_to_all: None });
    }
    Ok(Course { states, end: now, messages: 0.0, answers: 0.0, relative_error: 0.0, rounds_to_all: None })
}

impl Once {
    fn new(setting: &Setting) -> Result<Once, NoAnswer> {
        let nodes = setting.nodes as usize;
        let batches = Batches::new(setting)?;
        let mass = Mass::none(nodes, batches.beyond());
        Ok(Once { nodes, batches, active: vec![0.0; nodes * nodes], silent: Mass::none(nodes, 0), mass })
    }

    /// The source pushes.
    fn first_round(&mut self, setting: &Setting) -> Mass {
        source_draws(setting, &mut self.mass);
        let after = self.mass.clone();
        self.leave(self.nodes - 1);
        after
    }

    fn is_active(&self) -> bool {
        self.active.iter().any(|&mass| mass > 0.0)
    }

    /// A round; returns the distribution of the uninformed after it. Upwards in u: what is written from u, at
    /// `before` = u, is read at lower u only, which have had their turn.
    fn round(&mut self, work: &mut Work) -> Result<Mass, NoAnswer> {
        let mut after = self.silent.clone();
        for u in 1..self.nodes {
            for before in (u + 1..self.nodes).rev() {
                let mass = std::mem::take(&mut self.active[before * self.nodes + u]);
                match mass < EDGE {
                    true => self.mass.dropped += mass,
                    false => self.mass.add(u, mass),
                }
                if !self.mass.is_empty() {
                    self.batches.serve_full(&mut self.mass, work)?;
                }
            }
            self.mass.window().for_each(|v| after.add(v, self.mass.at(v)));
            self.leave(u);
        }
        Ok(after)
    }

    /// What became of u goes where it belongs: to the silent if nobody was informed, or everybody is.
    fn leave(&mut self, u: usize) {
        for v in self.mass.window() {
            let mass = self.mass.at(v);
            match v == u || v == 0 {
                true => self.silent.add(v, mass),
                false => self.active[u * self.nodes + v] = mass,
            }
        }
        self.mass.clear();
    }
}
