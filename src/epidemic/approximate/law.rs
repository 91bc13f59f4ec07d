//! Mean and variance of what one round of pushes makes of a number of informed nodes.

use crate::epidemic::Setting;

/// What a round of pushes does, by its first two moments.
#[derive(Clone, Copy, Debug)]
pub(super) struct Law {
    /// The logarithm of the probability that a sender misses a given node.
    ln_misses: f64,
    /// That of the probability that it misses both of two given nodes, over the square of the former. Negative, for the
    /// peers of a sender are distinct.
    ln_apart: f64,
}

/// After a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct After {
    /// The mean number of nodes that are still uninformed.
    pub(super) missed: f64,
    /// The mean number of nodes that have just been informed.
    pub(super) told: f64,
    /// The variance of either.
    pub(super) variance: f64,
}

impl Law {
    /// For at least two nodes.
    pub(super) fn new(setting: &Setting) -> Law {
        let others = (setting.nodes - 1) as f64;
        let contacts = setting.contacts() as f64;
        let passes = 1.0 - setting.loss.as_f64();
        let misses = 1.0 - contacts * passes / others;
        // The probability of missing both, less the square of missing one, with what cancels taken out.
        let apart = match setting.nodes - 1 - setting.contacts() {
            0 => -(0.0_f64),
            left => -contacts * passes * passes * left as f64 / (others * others * (others - 1.0)),
        };
        let all_hit = contacts * passes >= others;
        Law {
            ln_misses: libm::log1p(-(contacts * passes / others).min(1.0)),
            ln_apart: if all_hit { 0.0 } else { libm::log1p((apart / (misses * misses)).max(-1.0)) },
        }
    }

    /// The probability that a given node is missed by all of so many senders.
    pub(super) fn missed_by(&self, senders: f64) -> f64 {
        libm::exp(senders * self.ln_misses)
    }

    /// What a round makes of `informed` and `missed` nodes. The differences of what is nearly 1 are taken without
    /// losing digits, for clusters of 10^12 nodes.
    pub(super) fn after(&self, informed: f64, missed: f64) -> After {
        let ln_one = informed * self.ln_misses;
        let ln_two = informed * (2.0 * self.ln_misses + self.ln_apart);
        let still = missed * libm::exp(ln_one);
        let alone = missed * (libm::expm1(ln_one) - libm::expm1(ln_two));
        let together = still * still * libm::expm1(informed * self.ln_apart);
        After { missed: still, told: -missed * libm::expm1(ln_one), variance: (alone + together).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epidemic::{Mode, exact};
    use crate::ratio::Chance;

    #[test]
    fn the_moments_are_those_of_the_exact_round() {
        for (nodes, fanout, loss) in [(25, 2, 0.0), (300, 4, 0.3), (12, 11, 0.2), (12, 10, 0.0)] {
            let loss = Chance::new(loss).unwrap();
            let setting = Setting { nodes, fanout, rounds: Some(1), loss, mode: Mode::Push };
            let exact = exact::answer(&setting).unwrap();
            let after = Law::new(&setting).after(1.0, (nodes - 1) as f64);
            assert!((after.told + 1.0 - exact.mean_informed).abs() < 1e-12 * nodes as f64, "{after:?}");
            assert!((after.missed - (nodes as f64 - exact.mean_informed)).abs() < 1e-11, "{after:?}");
            assert!((after.variance - exact.var_informed).abs() < 1e-11, "{after:?} {exact:?}");
        }
    }

    #[test]
    fn nobody_is_missed_by_a_node_that_contacts_all() {
        let setting = Setting { nodes: 9, fanout: 8, rounds: Some(1), loss: Chance::NEVER, mode: Mode::Push };
        let After { missed, told, variance } = Law::new(&setting).after(3.0, 6.0);
        assert_eq!((missed, told, variance), (0.0, 6.0, 0.0));
    }

    #[test]
    fn huge_clusters_keep_their_digits() {
        let setting = Setting {
            nodes: 1_000_000_000_000,
            fanout: 3,
            rounds: Some(1),
            loss: Chance::new(0.25).unwrap(),
            mode: Mode::Push,
        };
        let After { told, variance, .. } = Law::new(&setting).after(400.0, 1e12 - 400.0);
        assert!((told - 900.0).abs() < 1e-5 && (variance - 225.0).abs() < 1e-3, "{told} {variance}");
    }
}
