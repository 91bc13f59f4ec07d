//! The beginning: while few are informed, how many they are is followed exactly.

use crate::epidemic::exact::Work;
use crate::epidemic::exact::kernel::Kernel;
use crate::epidemic::exact::mass::Mass;
use crate::epidemic::{NoAnswer, Setting};

/// Up to so many informed nodes are followed one by one, or fewer if their reach is far.
const FEW: u64 = 400;

/// The kernel may have so many entries.
const MOST_ENTRIES: u64 = 4_000_000;

/// The mass at few informed nodes.
pub(super) struct Few {
    kernel: Kernel,
    now: Mass,
    next: Mass,
    /// So many informed nodes are few.
    most: usize,
    /// u = N - `rows` is the lowest that is looked at: what the few can reach in one round.
    rows: usize,
}

impl Few {
    /// The source is informed. `None` if a node has so many contacts that even one is not few.
    pub(super) fn new(setting: &Setting) -> Result<Option<Few>, NoAnswer> {
        let reach = setting.contacts().saturating_add(1);
        let most = FEW.min(MOST_ENTRIES / reach.saturating_mul(reach)).min(setting.nodes / 2 / reach);
        if most == 0 {
            return Ok(None);
        }
        let rows = most * reach;
        let kernel =
            Kernel::new(setting.nodes - 1, setting.contacts(), setting.loss.as_f64(), setting.nodes - rows)?;
        let (most, rows) = (most as usize, rows as usize);
        let none = Mass::none(rows, kernel.beyond());
        let mut now = none.clone();
        now.add(rows - 1, 1.0);
        Ok(Some(Few { kernel, now, next: none, most, rows }))
    }

    /// A round. Whoever is no longer few leaves.
    pub(super) fn step(&mut self, work: &mut Work, mut leave: impl FnMut(f64, f64)) -> Result<(), NoAnswer> {
        self.next.clear();
        let (now, window) = (&self.now, self.now.window());
        self.kernel.serve_each(window.start, &mut self.next, work, |u, next, _| {
            next.add(u, if u < window.end { now.at(u) } else { 0.0 });
            Ok(())
        })?;
        for u in self.next.window() {
            if self.rows - u > self.most {
                leave((self.rows - u) as f64, self.next.take(u));
            }
        }
        self.next.trim();
        std::mem::swap(&mut self.now, &mut self.next);
        Ok(())
    }

    /// How many may be informed, each with its mass.
    pub(super) fn masses(&self) -> impl Iterator<Item = (f64, f64)> {
        self.now.window().map(|u| ((self.rows - u) as f64, self.now.at(u)))
    }
}
