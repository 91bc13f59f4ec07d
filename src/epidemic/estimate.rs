//! A mean over trials and how sure it is, from sums of whole numbers.
//!
//! The sums are exact, so no order of the trials and no number of threads changes a bit of the answer.

/// A mean over trials.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The mean.
    pub mean: f64,
    /// Its standard error; `None` for a single trial, which says nothing about it.
    pub standard_error: Option<f64>,
}

impl Estimate {
    /// What is known without a doubt.
    pub(crate) const fn certain(mean: f64) -> Estimate {
        Estimate { mean, standard_error: Some(0.0) }
    }

    /// By how many standard errors the mean lies above `truth`; `None` if the error is unknown, or 0 as all trials gave
    /// the same.
    pub fn z(self, truth: f64) -> Option<f64> {
        self.standard_error.filter(|error| *error > 0.0).map(|error| (self.mean - truth) / error)
    }

    /// The estimate of the part that what is `shift` more is of `whole`.
    pub(crate) fn part(self, shift: f64, whole: f64) -> Estimate {
        Estimate {
            // Dividing rounds once, so that all is 1.
            mean: (self.mean + shift) / whole,
            standard_error: self.standard_error.map(|error| error / whole),
        }
    }
}

/// Sums of whole numbers and of their squares. That the sum of the squares fits is for the caller to see to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Moments {
    count: u64,
    sum: u128,
    squares: u128,
}

impl Moments {
    pub(crate) fn add(&mut self, value: u64) {
        self.add_times(value, 1);
    }

    pub(crate) fn add_times(&mut self, value: u64, times: u64) {
        let (value, many) = (u128::from(value), u128::from(times));
        self.count += times;
        self.sum += value * many;
        self.squares += value * value * many;
    }

    pub(crate) fn absorb(&mut self, other: Moments) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// The mean and its standard error; `None` of nothing.
    pub(crate) fn estimate(self) -> Option<Estimate> {
        let count = u128::from(self.count);
        let mean = (count > 0).then(|| self.sum as f64 / count as f64)?;
        Some(Estimate { mean, standard_error: (count > 1).then(|| self.standard_error()) })
    }

    /// About the mean rounded down the sum of squares is still exact and nothing cancels: with s = sum, q = floor(s / n)
    /// and r = s - n q, it is the squares - q s - q r, and about the mean r^2 / n less.
    fn standard_error(self) -> f64 {
        let count = u128::from(self.count);
        let (whole, rest) = (self.sum / count, self.sum % count);
        let about_whole = self.squares - whole * self.sum - whole * rest;
        let about_mean = about_whole as f64 - rest as f64 * rest as f64 / count as f64;
        (about_mean / (count as f64 * (count - 1) as f64)).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_and_its_error_are_those_of_the_textbook() {
        let mut moments = Moments::default();
        [2, 4, 4, 5].into_iter().for_each(|value| moments.add(value));
        let estimate = moments.estimate().unwrap();
        assert_eq!(estimate.mean, 3.75);
        // The sample's variance is 4.75 / 3.
        assert!((estimate.standard_error.unwrap() - (4.75_f64 / 3.0 / 4.0).sqrt()).abs() < 1e-15);
        assert!((estimate.z(3.0).unwrap() - 0.75 / (4.75_f64 / 12.0).sqrt()).abs() < 1e-14);
    }

    #[test]
    fn large_numbers_lose_no_digits() {
        let mut moments = Moments::default();
        let large = 1_u64 << 53;
        moments.add_times(large, 1 << 20);
        moments.add_times(large + 2, 1 << 20);
        let error = moments.estimate().unwrap().standard_error.unwrap();
        assert!((error - (1.0 / ((1 << 21) - 1) as f64).sqrt()).abs() < 1e-18, "{error}");
    }

    #[test]
    fn nothing_one_and_the_same_are_told_apart() {
        let mut moments = Moments::default();
        assert_eq!(moments.estimate(), None);
        moments.add(7);
        assert_eq!(moments.estimate(), Some(Estimate { mean: 7.0, standard_error: None }));
        moments.add(7);
        assert_eq!(moments.estimate(), Some(Estimate::certain(7.0)));
        assert_eq!(Estimate::certain(7.0).z(6.0), None);
        assert_eq!(Estimate::certain(1e6).part(-1.0, 999_999.0), Estimate::certain(1.0), "all is 1");
    }
}
