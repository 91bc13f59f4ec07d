//! One trial, played: who is informed, in the order in which they were, and so who sends when.
//!
//! Where nothing can change any more (everyone is informed, everything is lost) nothing is drawn: how many messages were
//! sent follows from when nodes were informed. It sums nothing up.

use std::collections::TryReserveError;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Refusal;
use super::contacts::{BLOCK, Contacts, Drawn};
use super::tally::Tally;
use crate::epidemic::{Mode, Sender, Setting};
use crate::ratio::Chance;
use crate::rng::Stream;

/// The nodes that were informed in the same round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wave {
    pub(super) round: u32,
    pub(super) count: u32,
    /// Where they begin in the order in which nodes were informed.
    begin: usize,
}

/// Plays the trials of a setting, one after the other, in the same memory.
#[derive(Debug)]
pub(super) struct Player {
    nodes: u32,
    rounds: Option<u32>,
    mode: Mode,
    loss: Chance,
    fan: Fan,
    /// A bit for each node; those past the last node are set.
    known: Vec<u64>,
    /// The informed nodes in the order in which they were, and whom each heard it from if that matters. What lies past
    /// `informed` is of no meaning.
    order: Vec<u32>,
    heard_from: Vec<u32>,
    informed: usize,
    waves: Vec<Wave>,
    /// How many of the waves send no more in full.
    spent: usize,
    /// Those who ask and await a block of draws.
    asking: Vec<u32>,
    drawn: Drawn,
    tally: Tally,
    interrupted: bool,
}

/// Whom nodes contact, and for how long.
#[derive(Clone, Copy, Debug)]
struct Fan {
    source: Contacts,
    /// What any other node pushes to in a round.
    relay: Contacts,
    /// In how many rounds a node pushes to so many.
    full: u64,
    /// What it pushes to in the round after these.
    last: Contacts,
    pull: Contacts,
}

impl Fan {
    fn new(setting: &Setting, nodes: u32) -> Fan {
        let others = nodes.saturating_sub(1);
        let each = setting.contacts();
        let full = Contacts::new(each, others, setting.loss);
        let (relay, rounds, copies) = match setting.mode {
            Mode::Push | Mode::Pull | Mode::PushPull => (full, u64::MAX, 0),
            Mode::PushOnce(Sender::Drawn) => (full, 1, 0),
            Mode::PushOnce(Sender::LeftOut) => {
                (Contacts::new(each, others.saturating_sub(1), setting.loss), 1, 0)
            }
            Mode::Limited { copies } => {
                let copies = u64::from(copies);
                (full, copies.checked_div(each).unwrap_or(0), copies.checked_rem(each).unwrap_or(0))
            }
        };
        // A pull fails if its question or its answer is lost.
        let loss = setting.loss.as_f64();
        let either = Chance::new(loss * (2.0 - loss)).unwrap_or(Chance::ALWAYS);
        Fan {
            source: full,
            relay,
            full: rounds,
            last: Contacts::new(copies, others, setting.loss),
            pull: Contacts::new(each, others, either),
        }
    }
}

/// The trial was given up in the middle.
struct Interrupted;

impl Player {
    /// Room for the trials of a setting.
    ///
    /// # Errors
    /// If there are too many nodes, or the memory for them is not to be had.
    pub(super) fn new(setting: &Setting) -> Result<Player, Refusal> {
        let nodes = u32::try_from(setting.nodes).map_err(|_| Refusal::Nodes { nodes: setting.nodes })?;
        Player::with_room(setting, nodes).map_err(|_| Refusal::Memory { nodes: setting.nodes })
    }

    fn with_room(setting: &Setting, nodes: u32) -> Result<Player, TryReserveError> {
        let fan = Fan::new(setting, nodes);
        let mut player = Player {
            nodes,
            rounds: setting.rounds,
            mode: setting.mode,
            loss: setting.loss,
            fan,
            known: Vec::new(),
            order: Vec::new(),
            heard_from: Vec::new(),
            informed: 0,
            waves: Vec::new(),
            spent: 0,
            asking: Vec::with_capacity(BLOCK),
            drawn: Drawn::new(&fan.source)?,
            tally: Tally::default(),
            interrupted: false,
        };
        let words = (nodes as usize).div_ceil(64);
        player.known.try_reserve_exact(words)?;
        player.known.resize(words, 0);
        player.order.try_reserve_exact(nodes as usize + 1)?;
        if setting.mode == Mode::PushOnce(Sender::LeftOut) {
            player.heard_from.try_reserve_exact(nodes as usize + 1)?;
        }
        Ok(player)
    }

    /// Whether a trial was given up.
    pub(super) fn interrupted(&self) -> bool {
        self.interrupted
    }

    /// What the trials since the last call came to.
    pub(super) fn take_tally(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }

    /// Plays a trial, unless `stop` is set before it is over.
    pub(super) fn play(&mut self, mut stream: Stream, stop: &AtomicBool) {
        match self.spread(&mut stream, stop) {
            Ok(()) => self.tally.add(self.nodes, &self.waves, self.messages()),
            Err(Interrupted) => self.interrupted = true,
        }
    }

    fn spread(&mut self, stream: &mut Stream, stop: &AtomicBool) -> Result<(), Interrupted> {
        self.begin();
        go_on(stop)?;
        let lasting = self.fan.source.each > 0 && self.loss != Chance::ALWAYS;
        let mut round = 0;
        while lasting && self.informed < self.nodes as usize && self.rounds != Some(round) {
            round += 1;
            let known = self.informed;
            let (full, last) = self.senders(round);
            match self.mode {
                Mode::Push => self.push(full, self.fan.relay, stream, stop)?,
                Mode::PushOnce(_) | Mode::Limited { .. } => {
                    if full.is_empty() && last.is_empty() {
                        break;
                    }
                    let fan = if full.start == 0 { self.fan.source } else { self.fan.relay };
                    self.push(full, fan, stream, stop)?;
                    self.push(last, self.fan.last, stream, stop)?;
                }
                Mode::Pull => self.pull(stream, stop)?,
                Mode::PushPull => {
                    self.pull(stream, stop)?;
                    self.push(full, self.fan.relay, stream, stop)?;
                }
            }
            if self.informed > known {
                let count = (self.informed - known) as u32;
                self.waves.push(Wave { round, count, begin: known });
            }
        }
        Ok(())
    }

    /// Nobody but the source is informed, if there is one.
    fn begin(&mut self) {
        self.drawn.reset();
        self.known.fill(0);
        if let Some(word) = self.known.last_mut().filter(|_| !self.nodes.is_multiple_of(64)) {
            *word = u64::MAX << (self.nodes % 64);
        }
        self.waves.clear();
        (self.informed, self.spent) = (0, 0);
        if self.nodes > 0 {
            self.make_room(1);
            self.order[0] = 0;
            self.known[0] |= 1;
            self.informed = 1;
            self.waves.push(Wave { round: 0, count: 1, begin: 0 });
        }
    }

    /// Who pushes in this round in full, and who pushes what is left of its copies: places in the order.
    fn senders(&mut self, round: u32) -> (Range<usize>, Range<usize>) {
        let sent_all = |wave: &Wave| u64::from(wave.round).saturating_add(self.fan.full) < u64::from(round);
        while self.waves.get(self.spent).is_some_and(sent_all) {
            self.spent += 1;
        }
        let full = self.waves.get(self.spent).map_or(self.informed, |wave| wave.begin);
        let just_spent = |wave: &&Wave| u64::from(wave.round) + self.fan.full + 1 == u64::from(round);
        let last = match self.spent.checked_sub(1).and_then(|at| self.waves.get(at)).filter(just_spent) {
            Some(wave) if self.fan.last.each > 0 => wave.begin..full,
            Some(_) | None => full..full,
        };
        (full..self.informed, last)
    }

    /// These senders push. Those who hear it come behind them in the order.
    fn push(
        &mut self,
        senders: Range<usize>,
        contacts: Contacts,
        stream: &mut Stream,
        stop: &AtomicBool,
    ) -> Result<(), Interrupted> {
        if contacts.each == 0 {
            return Ok(());
        }
        let mut from = senders.start;
        while from < senders.end && self.informed < self.nodes as usize {
            go_on(stop)?;
            let to = senders.end.min(from + contacts.nodes_of_a_block());
            self.make_room((to - from) * contacts.each);
            let also = self.heard_from.get(from..to).filter(|_| from > 0);
            let targets = self.drawn.draw(&contacts, &self.order[from..to], also, stream);
            if self.mode == Mode::PushOnce(Sender::LeftOut) {
                for (place, targets) in targets.chunks_exact(contacts.each).enumerate() {
                    let before = self.informed;
                    self.informed = learn(targets, &mut self.known, &mut self.order, before);
                    self.heard_from[before..self.informed].fill(self.order[from + place]);
                }
            } else {
                self.informed = learn(targets, &mut self.known, &mut self.order, self.informed);
            }
            from = to;
        }
        Ok(())
    }

    /// Everyone uninformed asks. What they hear they know only when all have asked.
    fn pull(&mut self, stream: &mut Stream, stop: &AtomicBool) -> Result<(), Interrupted> {
        let known = self.informed;
        for at in 0..self.known.len() {
            let mut uninformed = !self.known[at];
            while uninformed != 0 {
                self.asking.push(at as u32 * 64 + uninformed.trailing_zeros());
                uninformed &= uninformed - 1;
                if self.asking.len() == self.fan.pull.nodes_of_a_block() {
                    go_on(stop)?;
                    self.ask(stream);
                }
            }
        }
        self.ask(stream);
        for node in &self.order[known..self.informed] {
            self.known[*node as usize / 64] |= 1 << (node % 64);
        }
        Ok(())
    }

    fn ask(&mut self, stream: &mut Stream) {
        if self.asking.is_empty() {
            return;
        }
        self.make_room(self.asking.len());
        let targets = self.drawn.draw(&self.fan.pull, &self.asking, None, stream);
        for (node, targets) in self.asking.iter().zip(targets.chunks_exact(self.fan.pull.each)) {
            let answers = targets
                .iter()
                .fold(0, |any, target| any | self.known[*target as usize / 64] >> (target % 64));
            self.order[self.informed] = *node;
            self.informed += (answers & 1) as usize;
        }
        self.asking.clear();
    }

    /// Room in the order for so many more, and one: a place behind the last is written to before it is known to count.
    fn make_room(&mut self, more: usize) {
        let places = self.nodes as usize + 1;
        let needed = places.min(self.informed + more + 1);
        if self.order.len() < needed {
            self.order.resize(places.min(needed * 2), 0);
            if self.mode == Mode::PushOnce(Sender::LeftOut) {
                self.heard_from.resize(self.order.len(), 0);
            }
        }
    }

    /// How many messages were sent, by when nodes were informed.
    fn messages(&self) -> u64 {
        let each = self.fan.source.each as u64;
        let sent = |wave: &Wave| {
            let rounds = self.rounds.map_or(u64::MAX, |rounds| u64::from(rounds - wave.round));
            let copies = match self.mode {
                Mode::Push => each * rounds,
                Mode::PushOnce(_) if wave.round == 0 => each * rounds.min(1),
                Mode::PushOnce(_) => self.fan.relay.each as u64 * rounds.min(1),
                Mode::Limited { copies } => u64::from(copies).min(each.saturating_mul(rounds)),
                Mode::Pull | Mode::PushPull => 0,
            };
            copies * u64::from(wave.count)
        };
        match (self.mode, self.rounds) {
            (Mode::Pull | Mode::PushPull, Some(rounds)) => each * u64::from(rounds) * u64::from(self.nodes),
            _ => self.waves.iter().map(sent).sum(),
        }
    }
}

/// Informs the targets; those who had not known come behind the others in the order. How many are informed then.
fn learn(targets: &[u32], known: &mut [u64], order: &mut [u32], informed: usize) -> usize {
    let mut informed = informed;
    for target in targets {
        let word = &mut known[*target as usize / 64];
        let bit = 1 << (target % 64);
        // Written in any case and counted if it is news: whether it is cannot be foretold, so no branch is taken on it.
        order[informed] = *target;
        informed += usize::from(*word & bit == 0);
        *word |= bit;
    }
    informed
}

fn go_on(stop: &AtomicBool) -> Result<(), Interrupted> {
    if stop.load(Ordering::Relaxed) { Err(Interrupted) } else { Ok(()) }
}
