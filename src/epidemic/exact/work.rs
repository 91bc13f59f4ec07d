//! How much an answer may cost, counted in multiply-adds, so that every machine gives up at the same point.

use crate::epidemic::NoAnswer;

/// A number of multiply-adds; a billion take about half a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work(u64);

impl Work {
    /// What an answer may cost unless told otherwise: about a second.
    pub const DEFAULT: Work = Work(2_000_000_000);

    /// So many multiply-adds.
    pub const fn new(multiply_adds: u64) -> Work {
        Work(multiply_adds)
    }

    /// Takes this much away.
    ///
    /// # Errors
    /// [`NoAnswer::TooLarge`] if so much is not left; nothing is left then.
    pub(in crate::epidemic) fn spend(&mut self, multiply_adds: u64) -> Result<(), NoAnswer> {
        let left = self.0.checked_sub(multiply_adds);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(NoAnswer::TooLarge)
    }

    /// Spends at most this much of it on one thing; what that leaves is given back.
    pub(in crate::epidemic) fn lend<T>(&mut self, most: u64, spend: impl FnOnce(&mut Work) -> T) -> T {
        let mut lent = Work(self.0.min(most));
        self.0 -= lent.0;
        let result = spend(&mut lent);
        self.0 += lent.0;
        result
    }

    /// How many multiply-adds it is.
    pub const fn multiply_adds(self) -> u64 {
        self.0
    }
}
