//! Infect and die, until nobody has anything left to send: how far a rumour gets, whenever it gets there.
//!
//! Who is reached in the end does not depend on the order in which the informed have their turns. So they are served one
//! at a time: after j of them the mass at j informed nodes is final, for there nobody is left to serve.

use super::course::source_draws;
use super::kernel::Kernel;
use super::mass::Mass;
use super::work::Work;
use crate::epidemic::{Mode, NoAnswer, Sender, Setting};

/// The distribution of the uninformed once all is silent, and the bound on its relative error.
pub(super) fn end(setting: &Setting, work: &mut Work) -> Result<(Mass, f64), NoAnswer> {
    let nodes = setting.nodes as usize;
    let mut batches = Batches::new(setting)?;
    let mut mass = Mass::none(nodes, batches.beyond());
    let mut end = Mass::none(nodes, 0);
    source_turn(setting, &mut batches, &mut mass, work)?;
    for informed in 1..=nodes {
        let u = nodes - informed;
        if informed > 1 {
            batches.serve(&mut mass, work)?;
        }
        end.add(u, mass.take(u));
        mass.trim();
        if mass.is_empty() {
            break;
        }
    }
    end.dropped = mass.dropped;
    let relative_error = batches.relative_error() * nodes as f64;
    Ok((end, relative_error))
}

/// The source has nobody to leave out; else it does as the others do.
fn source_turn(
    setting: &Setting,
    batches: &mut Batches,
    mass: &mut Mass,
    work: &mut Work,
) -> Result<(), NoAnswer> {
    match setting.mode {
        Mode::Limited { .. } => {
            mass.add(setting.nodes as usize - 1, 1.0);
            batches.serve(mass, work)
        }
        Mode::Push | Mode::PushOnce(_) | Mode::Pull | Mode::PushPull => {
            source_draws(setting, mass);
            Ok(())
        }
    }
}

/// What a node sends in its life: batches to K distinct peers each, and a last one to fewer.
pub(super) struct Batches {
    full: Option<Kernel>,
    pub(super) fulls: u64,
    rest: Option<Kernel>,
}

impl Batches {
    pub(super) fn new(setting: &Setting) -> Result<Batches, NoAnswer> {
        let (others, contacts, loss) = (setting.nodes - 1, setting.contacts(), setting.loss.as_f64());
        let kernel = |candidates, take| Kernel::new(candidates, take, loss, 0);
        let (candidates, fulls, rest) = match setting.mode {
            Mode::PushOnce(Sender::LeftOut) => (others - 1, 1, 0),
            Mode::Limited { copies } if contacts > 0 && loss < 1.0 => {
                (others, u64::from(copies) / contacts, u64::from(copies) % contacts)
            }
            Mode::Limited { .. } => (others, 0, 0),
            Mode::PushOnce(Sender::Drawn) | Mode::Push | Mode::Pull | Mode::PushPull => (others, 1, 0),
        };
        Ok(Batches {
            full: if fulls > 0 { Some(kernel(candidates, contacts)?) } else { None },
            fulls,
            rest: if rest > 0 { Some(kernel(candidates, rest)?) } else { None },
        })
    }

    /// A node sends all that it ever sends.
    fn serve(&mut self, mass: &mut Mass, work: &mut Work) -> Result<(), NoAnswer> {
        for _ in 0..self.fulls {
            // Where all are informed, nothing changes any more, however much is still sent.
            if mass.window().end <= 1 {
                break;
            }
            self.serve_full(mass, work)?;
        }
        self.serve_rest(mass, work)
    }

    /// A node sends to K peers.
    pub(super) fn serve_full(&mut self, mass: &mut Mass, work: &mut Work) -> Result<(), NoAnswer> {
        self.full.as_mut().map_or(Ok(()), |kernel| kernel.serve(mass, work))
    }

    /// A node sends its last copies, if they are fewer than K.
    pub(super) fn serve_rest(&mut self, mass: &mut Mass, work: &mut Work) -> Result<(), NoAnswer> {
        self.rest.as_mut().map_or(Ok(()), |kernel| kernel.serve(mass, work))
    }

    pub(super) fn has_rest(&self) -> bool {
        self.rest.is_some()
    }

    pub(super) fn beyond(&self) -> usize {
        let beyond = |kernel: &Option<Kernel>| kernel.as_ref().map_or(0, Kernel::beyond);
        beyond(&self.full).max(beyond(&self.rest))
    }

    pub(super) fn relative_error(&self) -> f64 {
        let error = |kernel: &Option<Kernel>| kernel.as_ref().map_or(0.0, Kernel::relative_error);
        error(&self.full) * self.fulls as f64 + error(&self.rest)
    }
}
