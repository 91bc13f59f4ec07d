//! Modes in which a round depends only on how many are informed: push, pull and push-pull.
//!
//! A round of pushes from u uninformed nodes applies one sender's kernel N - u times. The masses of all u share the work:
//! from the most senders down to one, the mass at u = N - m joins in before step m. Pulls come first: whoever gets an
//! answer is taken out of the u, and the pushes then only concern the others, for a push does not care who pulled.

use super::Wanted;
use super::course::{Course, State, rounds_to_all, source_draws};
use super::kernel::{Kernel, hits};
use super::mass::Mass;
use super::work::Work;
use crate::epidemic::{Mode, NoAnswer, RoundsToAll, Setting};

/// What a round costs besides its sums, so that no number of rounds is free.
const ROUND: u64 = 10_000;

/// What is left of the mean of the rounds to all may be this much.
const REST: f64 = 1e-13;

struct Chain<'a> {
    setting: &'a Setting,
    pushes: bool,
    pulls: bool,
    /// Made when it is first needed: the first round of pushes has a single sender and goes without.
    kernel: Option<Kernel>,
    now: Mass,
    next: Mass,
    /// For drawing those who are asked.
    asked: Vec<f64>,
    round: u32,
}

/// What is sent in a round, in the mean.
#[derive(Clone, Copy)]
struct Sent {
    /// Pushes and questions.
    messages: f64,
    answers: f64,
}

/// Runs through so many rounds, and on until all are informed as far as the work allows.
pub(super) fn run(
    setting: &Setting,
    rounds: u32,
    wanted: Wanted,
    work: &mut Work,
) -> Result<Course, NoAnswer> {
    let mut chain = Chain::new(setting);
    let mut states = vec![chain.state()];
    let mut per_round = vec![chain.sent()];
    let frozen = setting.contacts() == 0 || setting.loss.as_f64() >= 1.0;
    while !frozen && chain.round < rounds && chain.now.above_none() > 0.0 {
        chain.step(work)?;
        states.push(chain.state());
        per_round.push(chain.sent());
    }
    let (end, relative_error) = (chain.now.clone(), chain.relative_error());
    let listed = per_round.len().min(rounds as usize);
    let (last, settled) = (per_round[per_round.len() - 1], f64::from(rounds - listed as u32));
    let total =
        |count: fn(&Sent) -> f64| per_round[..listed].iter().map(count).sum::<f64>() + settled * count(&last);
    let (messages, answers) = (total(|sent| sent.messages), total(|sent| sent.answers));
    let rounds_to_all = match wanted {
        Wanted::All if !frozen => chain.follow_to_the_last(states.clone(), work),
        Wanted::All | Wanted::End => None,
    };
    Ok(Course { states, end, messages, answers, relative_error, rounds_to_all })
}

impl Chain<'_> {
    fn new(setting: &Setting) -> Chain<'_> {
        let most = setting.nodes as usize - 1;
        let contacts = setting.contacts() as usize;
        let mut now = Mass::none(most + 1, contacts);
        now.add(most, 1.0);
        Chain {
            setting,
            pushes: !matches!(setting.mode, Mode::Pull),
            pulls: matches!(setting.mode, Mode::Pull | Mode::PushPull),
            kernel: None,
            now,
            next: Mass::none(most + 1, contacts),
            asked: vec![0.0; contacts + 1],
            round: 0,
        }
    }

    fn state(&self) -> State {
        State::of(&self.now, self.setting.nodes as usize)
    }

    fn step(&mut self, work: &mut Work) -> Result<(), NoAnswer> {
        work.spend(ROUND)?;
        self.round += 1;
        self.next.clear();
        match (self.pushes, self.pulls) {
            (true, false) if self.round == 1 => source_draws(self.setting, &mut self.next),
            (true, _) => self.push(work)?,
            (false, _) => self.pull(work)?,
        }
        self.next.dropped += self.now.dropped;
        self.now.dropped = 0.0;
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(())
    }

    /// Pushes, after the pulls if there are any.
    fn push(&mut self, work: &mut Work) -> Result<(), NoAnswer> {
        let (nodes, loss) = (self.setting.nodes, self.setting.loss.as_f64());
        let mut kernel = match self.kernel.take() {
            Some(kernel) => kernel,
            None => Kernel::new(nodes - 1, self.setting.fanout, loss, 0)?,
        };
        let mut next = std::mem::replace(&mut self.next, Mass::none(0, 0));
        let window = self.now.window();
        kernel.serve_each(window.start, &mut next, work, |u, next, work| {
            let mass = if u < window.end { self.now.at(u) } else { 0.0 };
            if mass > 0.0 && self.pulls {
                let width = next.add_survivors(0, u as u64, self.unanswered(u), mass);
                work.spend(8 * width as u64 + 8 * self.asked.len() as u64)?;
            } else {
                next.add(u, mass);
            }
            Ok(())
        })?;
        self.next = next;
        self.kernel = Some(kernel);
        Ok(())
    }

    fn pull(&mut self, work: &mut Work) -> Result<(), NoAnswer> {
        for u in self.now.window() {
            let unanswered = self.unanswered(u);
            let width = self.next.add_survivors(0, u as u64, unanswered, self.now.at(u));
            work.spend(8 * width as u64 + 8 * self.asked.len() as u64)?;
        }
        self.next.trim();
        Ok(())
    }

    /// The probability that one of u uninformed nodes gets no answer to any of its questions.
    fn unanswered(&mut self, u: usize) -> f64 {
        if u == 0 {
            return 0.0;
        }
        let loss = self.setting.loss.as_f64();
        // Question and answer are both needed: 1 - (1 - loss)^2.
        let fails = loss * (2.0 - loss);
        let (least, most) = hits(self.setting.nodes - 1, self.setting.nodes - u as u64, &mut self.asked);
        let mut power = if least == 0 { 1.0 } else { libm::pow(fails, least as f64) };
        let mut sum = 0.0;
        for p in &self.asked[least..=most] {
            sum += p * power;
            power *= fails;
        }
        sum.min(1.0)
    }

    /// What will be sent in the next round.
    fn sent(&self) -> Sent {
        let nodes = self.setting.nodes as f64;
        let (contacts, passes) = (self.setting.contacts() as f64, 1.0 - self.setting.loss.as_f64());
        let informed = nodes - self.now.mean();
        match (self.pushes, self.pulls) {
            (true, false) => Sent { messages: contacts * informed, answers: 0.0 },
            // Everybody asks; an informed node is asked by K others in the mean.
            (false, _) => Sent { messages: contacts * nodes, answers: contacts * passes * informed },
            (true, true) => {
                let pairs: f64 =
                    self.now.window().map(|u| u as f64 * (nodes - u as f64) * self.now.at(u)).sum();
                Sent { messages: contacts * nodes, answers: contacts * passes * pairs / (nodes - 1.0) }
            }
        }
    }

    /// The rounds to all, if they can be followed until next to nothing is left.
    fn follow_to_the_last(&mut self, mut states: Vec<State>, work: &mut Work) -> Option<RoundsToAll> {
        loop {
            // The fewer are uninformed, the less likely one stays so: what is left of the mean is a geometric series.
            let most = self.now.window().end.saturating_sub(1);
            let stays = self.stays(most);
            if most == 0 || (stays < 1.0 && self.now.mean() < REST * (1.0 - stays)) {
                return rounds_to_all(&states);
            }
            self.step(work).ok()?;
            states.push(self.state());
        }
    }

    /// The probability that a given one of u uninformed nodes is so after the next round.
    fn stays(&mut self, u: usize) -> f64 {
        let (nodes, senders) = (self.setting.nodes as f64, (self.setting.nodes - u as u64) as f64);
        let passes = 1.0 - self.setting.loss.as_f64();
        let hit = self.setting.contacts() as f64 * passes / (nodes - 1.0);
        let unpushed = if self.pushes { libm::exp(senders * libm::log1p(-hit)) } else { 1.0 };
        unpushed * if self.pulls { self.unanswered(u) } else { 1.0 }
    }

    /// What comes through N senders a round; the source alone is one.
    fn relative_error(&self) -> f64 {
        let one = (8 * self.asked.len() + 16) as f64 * f64::EPSILON;
        let (alone, pulled) = (f64::from(u8::from(!self.pulls)), f64::from(1 + 2 * u8::from(self.pulls)));
        one * (alone + pulled * self.setting.nodes as f64 * (f64::from(self.round) - alone).max(0.0))
    }
}
