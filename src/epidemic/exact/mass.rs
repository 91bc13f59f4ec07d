//! Probability mass over the number of uninformed nodes, kept in a window that is no wider than it need be.

/// Less than this at an edge of the window is let go, and counted.
const EDGE: f64 = 1e-22;

/// A binomial is cut where it falls below this share of its peak; with its tails that is less than [`EDGE`] of it for
/// as many as 10^7 nodes.
const TAIL: f64 = 1e-27;

/// Probability mass over u, the number of uninformed nodes. Outside of the window everything is 0.
#[derive(Clone, Debug)]
pub(in crate::epidemic) struct Mass {
    pub(super) at: Vec<f64>,
    /// The window: from `low` up to, but not including, `end`.
    low: usize,
    end: usize,
    /// How much has been let go.
    pub(in crate::epidemic) dropped: f64,
    scratch: Vec<f64>,
}

impl Mass {
    /// None, over 0 to `most` uninformed nodes; `beyond` more entries may be read, and are 0.
    pub(in crate::epidemic) fn none(most: usize, beyond: usize) -> Mass {
        Mass { at: vec![0.0; most + 1 + beyond], low: 0, end: 0, dropped: 0.0, scratch: Vec::new() }
    }

    /// The window.
    pub(in crate::epidemic) fn window(&self) -> std::ops::Range<usize> {
        self.low..self.end
    }

    /// The mass at `u`.
    pub(in crate::epidemic) fn at(&self, u: usize) -> f64 {
        self.at[u]
    }

    pub(in crate::epidemic) fn is_empty(&self) -> bool {
        self.low >= self.end
    }

    /// The window is made to reach from here to there, too.
    pub(super) fn widen(&mut self, low: usize, end: usize) {
        match self.is_empty() {
            true => (self.low, self.end) = (low, end),
            false => (self.low, self.end) = (self.low.min(low), self.end.max(end)),
        }
    }

    /// Adds mass at `u`.
    pub(in crate::epidemic) fn add(&mut self, u: usize, mass: f64) {
        if mass > 0.0 {
            self.widen(u, u + 1);
            self.at[u] += mass;
        }
    }

    /// Takes away, and returns, the mass at `u`.
    pub(in crate::epidemic) fn take(&mut self, u: usize) -> f64 {
        std::mem::take(&mut self.at[u])
    }

    /// Adds `mass` in the shape of the number of survivors among `n`, each surviving with `chance`, shifted up by `base`:
    /// the binomial distribution, got from its peak by ratios and scaled to its sum. Returns the width.
    pub(in crate::epidemic) fn add_survivors(
        &mut self,
        base: usize,
        n: u64,
        chance: f64,
        mass: f64,
    ) -> usize {
        if n == 0 || chance <= 0.0 || chance >= 1.0 {
            self.add(base + if chance >= 1.0 { n as usize } else { 0 }, mass);
            return 1;
        }
        let (odds, peak) = (chance / (1.0 - chance), (((n + 1) as f64 * chance) as u64).min(n));
        let up = |k: u64| (n - k) as f64 * odds / (k + 1) as f64;
        self.scratch.clear();
        let (mut term, mut low) = (1.0, peak);
        self.scratch.push(term);
        while low > 0 && term > TAIL {
            low -= 1;
            term /= up(low);
            self.scratch.push(term);
        }
        self.scratch.reverse();
        let (mut term, mut high) = (1.0, peak);
        while high < n && term > TAIL {
            term *= up(high);
            high += 1;
            self.scratch.push(term);
        }
        let scale = mass / self.scratch.iter().sum::<f64>();
        let (low, end) = (base + low as usize, base + high as usize + 1);
        self.widen(low, end);
        for (at, term) in self.at[low..end].iter_mut().zip(&self.scratch) {
            *at += term * scale;
        }
        end - low
    }

    /// Lets go of what is too little at both edges.
    pub(in crate::epidemic) fn trim(&mut self) {
        while self.low < self.end && self.at[self.end - 1] < EDGE {
            self.end -= 1;
            self.dropped += self.take(self.end);
        }
        while self.low < self.end && self.at[self.low] < EDGE {
            self.dropped += self.take(self.low);
            self.low += 1;
        }
    }

    /// Takes everything away, save the record of what was let go.
    pub(in crate::epidemic) fn clear(&mut self) {
        self.at[self.low..self.end].fill(0.0);
        (self.low, self.end) = (0, 0);
    }

    /// The mean of u.
    pub(in crate::epidemic) fn mean(&self) -> f64 {
        self.window().map(|u| u as f64 * self.at[u]).sum::<f64>() + 0.0
    }

    /// The mean square of u's distance from a number.
    pub(in crate::epidemic) fn spread_about(&self, centre: f64) -> f64 {
        self.window().map(|u| (u as f64 - centre) * (u as f64 - centre) * self.at[u]).sum::<f64>() + 0.0
    }

    /// The mass at more than 0.
    pub(in crate::epidemic) fn above_none(&self) -> f64 {
        self.window().filter(|&u| u > 0).map(|u| self.at[u]).sum::<f64>() + 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survivors_are_binomial() {
        let mut mass = Mass::none(4, 0);
        mass.add_survivors(0, 4, 0.25, 256.0);
        for (u, expected) in [81.0, 108.0, 54.0, 12.0, 1.0].into_iter().enumerate() {
            assert!((mass.at(u) - expected).abs() < 1e-12, "{mass:?}");
        }
        let mut mass = Mass::none(100_000, 0);
        let width = mass.add_survivors(0, 100_000, 0.3, 1.0);
        assert!((2_000..4_000).contains(&width), "{width}");
        assert!((mass.mean() - 30_000.0).abs() < 1e-7);
        assert!((mass.spread_about(30_000.0) - 21_000.0).abs() < 1e-6);
    }

    #[test]
    fn sure_survivors_and_sure_victims() {
        for (n, chance, u) in [(3, 1.0, 3), (3, 0.0, 0), (0, 0.5, 0)] {
            let mut mass = Mass::none(3, 0);
            mass.add_survivors(0, n, chance, 0.5);
            assert_eq!((mass.window(), mass.at(u)), (u..u + 1, 0.5));
        }
    }

    #[test]
    fn what_is_let_go_is_counted() {
        let mut mass = Mass::none(5, 0);
        for (u, m) in [(1, 1e-23), (2, 1e-30), (3, 0.5), (5, 2e-23)] {
            mass.add(u, m);
        }
        mass.trim();
        assert_eq!((mass.window(), mass.above_none()), (3..4, 0.5));
        assert!((mass.dropped - 3e-23).abs() < 1e-28);
        mass.clear();
        assert!(mass.is_empty() && mass.at.iter().all(|&m| m == 0.0));
    }
}
