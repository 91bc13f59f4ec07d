//! What one sender does to the number of uninformed nodes.
//!
//! Of `candidates` other nodes, u of them uninformed, it draws `take` distinct ones: the hits are hypergeometric. Each
//! is delivered unless lost. Only products of ratios of whole numbers and sums of what is not negative occur, so every
//! entry keeps all but its last digits.

use super::mass::Mass;
use super::work::Work;
use crate::epidemic::NoAnswer;

/// Entries are worked out in blocks of so many, which stay close to the processor.
const BLOCK: usize = 128;

/// Memory for entries: 256 MB at most.
const MOST_ENTRIES: usize = 32_000_000;

/// How a sender's draw turns u uninformed nodes into u - d, for d from 0 to `take`.
#[derive(Clone, Debug)]
pub(in crate::epidemic) struct Kernel {
    candidates: u64,
    take: usize,
    loss: f64,
    /// u is counted from here.
    floor: u64,
    /// Diagonal d, at `d * stride`: entry v is the probability of going from v + d to v.
    diagonals: Vec<f64>,
    stride: usize,
    /// The rows of `built` and more uninformed nodes are there.
    built: usize,
    hits: Vec<f64>,
    /// Row h, at `h (h + 1) / 2`: the probability that d of h hits are delivered.
    delivered: Vec<f64>,
}

impl Kernel {
    /// The kernel for `floor` to `candidates` uninformed nodes; masses count u from `floor`.
    pub(in crate::epidemic) fn new(
        candidates: u64,
        take: u64,
        loss: f64,
        floor: u64,
    ) -> Result<Kernel, NoAnswer> {
        let too_large = |_| NoAnswer::TooLarge;
        let take = usize::try_from(take.min(candidates)).map_err(too_large)?;
        let rows = usize::try_from(candidates + 1 - floor).map_err(too_large)?;
        let entries = (take + 1).checked_mul(rows).ok_or(NoAnswer::TooLarge)?;
        let thinned = if loss > 0.0 { (take + 1).saturating_mul(take + 2) / 2 } else { 0 };
        if entries.max(thinned) > MOST_ENTRIES {
            return Err(NoAnswer::TooLarge);
        }
        Ok(Kernel {
            candidates,
            take,
            loss,
            floor,
            diagonals: vec![0.0; entries],
            stride: rows,
            built: rows,
            hits: vec![0.0; take + 1],
            delivered: if loss > 0.0 { thinning(take, loss) } else { Vec::new() },
        })
    }

    /// How many entries a mass must have beyond its last one.
    pub(in crate::epidemic) fn beyond(&self) -> usize {
        self.take
    }

    /// A bound on the relative error of a mass that came through one sender: the entry's, and that of the sum.
    pub(in crate::epidemic) fn relative_error(&self) -> f64 {
        (8 * self.take + 16) as f64 * f64::EPSILON
    }

    /// One sender draws.
    pub(in crate::epidemic) fn serve(&mut self, mass: &mut Mass, work: &mut Work) -> Result<(), NoAnswer> {
        let window = mass.window();
        self.build(window.start, work)?;
        let low = window.start.saturating_sub(self.take);
        work.spend(((window.end - low + 8) * (self.take + 1)) as u64)?;
        let mut block = [0.0; BLOCK];
        // In place, upwards: what is written lies below all that is still to be read.
        for start in (low..window.end).step_by(BLOCK) {
            let block = &mut block[..BLOCK.min(window.end - start)];
            self.fill(block, &mass.at, start);
            mass.at[start..start + block.len()].copy_from_slice(block);
        }
        mass.widen(low, window.end);
        mass.trim();
        Ok(())
    }

    /// From each number u of uninformed nodes, all the others draw. What is at u joins in when as many as are informed
    /// there are still to draw: `join` adds it. Nothing joins below `first`.
    pub(in crate::epidemic) fn serve_each(
        &mut self,
        first: usize,
        mass: &mut Mass,
        work: &mut Work,
        mut join: impl FnMut(usize, &mut Mass, &mut Work) -> Result<(), NoAnswer>,
    ) -> Result<(), NoAnswer> {
        for u in first..self.stride {
            join(u, mass, work)?;
            if !mass.is_empty() {
                self.serve(mass, work)?;
            }
        }
        Ok(())
    }

    /// The new masses from `start` on: four diagonals at a time, then one by one.
    fn fill(&self, block: &mut [f64], from: &[f64], start: usize) {
        let n = block.len();
        block.fill(0.0);
        // Beyond the last row nothing comes from anywhere.
        let diagonal = |d: usize| &self.diagonals[d * self.stride + start..][..n];
        let source = |d: usize| &from[start + d..][..n];
        let fours = (self.take + 1) / 4 * 4;
        for d in (0..fours).step_by(4) {
            let (d0, d1, d2, d3) = (diagonal(d), diagonal(d + 1), diagonal(d + 2), diagonal(d + 3));
            let (s0, s1, s2, s3) = (source(d), source(d + 1), source(d + 2), source(d + 3));
            for j in 0..n {
                block[j] += (s0[j] * d0[j] + s1[j] * d1[j]) + (s2[j] * d2[j] + s3[j] * d3[j]);
            }
        }
        for d in fours..=self.take {
            let (diagonal, source) = (diagonal(d), source(d));
            for j in 0..n {
                block[j] += source[j] * diagonal[j];
            }
        }
    }

    /// Works out the rows from `low` on that are not there yet.
    fn build(&mut self, low: usize, work: &mut Work) -> Result<(), NoAnswer> {
        if low < self.built {
            let each = if self.loss > 0.0 { self.take * self.take } else { 8 * self.take } + 16;
            work.spend(((self.built - low) * each) as u64)?;
        }
        while self.built > low {
            self.built -= 1;
            self.build_row(self.built);
        }
        Ok(())
    }

    fn build_row(&mut self, row: usize) {
        let u = self.floor + row as u64;
        let (least, most) = hits(self.candidates, u, &mut self.hits);
        for d in 0..=most {
            let entry = match self.loss > 0.0 {
                false => self.hits[d],
                true => {
                    (least.max(d)..=most).map(|h| self.hits[h] * self.delivered[h * (h + 1) / 2 + d]).sum()
                }
            };
            if d <= row {
                self.diagonals[d * self.stride + row - d] = entry;
            }
        }
    }
}

/// The probabilities that a draw of distinct nodes among `candidates` hits h of the `marked` ones, into entry h. Returns
/// the least and the most possible number of hits.
pub(super) fn hits(candidates: u64, marked: u64, into: &mut [f64]) -> (usize, usize) {
    let take = into.len() as u64 - 1;
    let plain = candidates - marked;
    let (least, most) = (take.saturating_sub(plain), take.min(marked));
    let peak = u128::from(take + 1) * u128::from(marked + 1) / (u128::from(candidates) + 2);
    let peak = (peak as u64).clamp(least, most);
    let up =
        |h: u64| ((marked - h) as f64 * (take - h) as f64) / ((h + 1) as f64 * (plain + h + 1 - take) as f64);
    into.fill(0.0);
    into[peak as usize] = 1.0;
    for h in peak..most {
        into[h as usize + 1] = into[h as usize] * up(h);
    }
    for h in (least..peak).rev() {
        into[h as usize] = into[h as usize + 1] / up(h);
    }
    let (least, most) = (least as usize, most as usize);
    let sum: f64 = into[least..=most].iter().sum();
    into[least..=most].iter_mut().for_each(|p| *p /= sum);
    (least, most)
}

/// Row h of the triangle: the probability that d of h pushes are delivered.
fn thinning(take: usize, loss: f64) -> Vec<f64> {
    let mut rows = vec![1.0];
    let mut above = 0;
    for h in 1..=take {
        let row = rows.len();
        for d in 0..=h {
            let lost = if d < h { rows[above + d] * loss } else { 0.0 };
            let passed = if d > 0 { rows[above + d - 1] * (1.0 - loss) } else { 0.0 };
            rows.push(lost + passed);
        }
        above = row;
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All that one sender makes of u uninformed nodes.
    fn row(candidates: u64, take: u64, loss: f64, u: usize) -> Vec<f64> {
        let mut kernel = Kernel::new(candidates, take, loss, 0).unwrap();
        let mut mass = Mass::none(candidates as usize, kernel.beyond());
        mass.add(u, 1.0);
        kernel.serve(&mut mass, &mut Work::DEFAULT.clone()).unwrap();
        mass.at[..=candidates as usize].to_vec()
    }

    proptest! {
        #[test]
        fn every_row_sums_to_1_and_has_the_right_mean(
            candidates in 1..200_u64, take in 0..220_u64, loss in 0.0..=1.0_f64, share in 0.0..=1.0_f64,
        ) {
            let u = (share * candidates as f64) as usize;
            let row = row(candidates, take, loss, u);
            prop_assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let mean: f64 = row.iter().enumerate().map(|(v, p)| v as f64 * p).sum();
            let missed = 1.0 - take.min(candidates) as f64 / candidates as f64 * (1.0 - loss);
            prop_assert!((mean - u as f64 * missed).abs() < 1e-9, "{mean} {}", u as f64 * missed);
        }
    }

    #[test]
    fn a_row_by_hand() {
        // Two of four, three of them uninformed: one hit in C(3,1) C(1,1) = 3 of 6 draws, two in 3 of 6.
        let close = |row: Vec<f64>, expected: [f64; 5]| {
            assert!(row.iter().zip(expected).all(|(p, e)| (p - e).abs() < 1e-15), "{row:?} {expected:?}");
        };
        close(row(4, 2, 0.0, 3), [0.0, 0.5, 0.5, 0.0, 0.0]);
        close(row(4, 2, 0.5, 3), [0.0, 0.125, 0.5, 0.375, 0.0]);
        close(row(4, 2, 1.0, 3), [0.0, 0.0, 0.0, 1.0, 0.0]);
        close(row(4, 9, 0.0, 3), [1.0, 0.0, 0.0, 0.0, 0.0]);
        close(row(4, 0, 0.0, 3), [0.0, 0.0, 0.0, 1.0, 0.0]);
        close(row(4, 2, 0.0, 0), [1.0, 0.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_row_whose_ends_are_no_floats_still_sums_to_1() {
        let mut probabilities = vec![0.0; 5_001];
        hits(20_000, 10_000, &mut probabilities);
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert_eq!(probabilities[0], 0.0);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (candidates, take) in [(u64::MAX - 1, 1), (u64::MAX - 1, u64::MAX), (1 << 20, 1 << 20)] {
            assert_eq!(Kernel::new(candidates, take, 0.1, 0).err(), Some(NoAnswer::TooLarge));
        }
    }
}
