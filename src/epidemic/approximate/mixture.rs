//! Mass over large numbers of informed nodes: a mixture of normal distributions, of like ones only one.

/// Normal distributions are alike if the logarithms of informed to uninformed at their means are as near as this.
const STEP: f64 = 0.015;

/// Half of the 31 points of the Gauss-Hermite quadrature and their weights, for a normal distribution of mean 0 and
/// variance 1. The other half lies on the other side of 0.
const POINTS: [(f64, f64); 16] = [
    (0.0, 0.2232941387424068),
    (0.5599475878410028, 0.19113200477464315),
    (1.1212973740470094, 0.11968310969585459),
    (1.685497905069052, 0.05456725889447498),
    (2.2540950007544107, 0.01796787584344164),
    (2.828792768157508, 0.004221717767270705),
    (3.4115324158431557, 0.0006960312713792919),
    (4.004600901491224, 7.871624069602242e-05),
    (4.61078979732399, 5.923202317686326e-06),
    (5.233641511712707, 2.845610088162834e-07),
    (5.877855885986258, 8.243931619119741e-09),
    (6.5500142687656835, 1.3272514835897103e-10),
    (7.2600004888908645, 1.0496033623113594e-12),
    (8.024193227361646, 3.3284683241484066e-15),
    (8.87430140948879, 2.8833523678578344e-18),
    (9.893385708986651, 2.605973854893008e-22),
];

/// One of the normal distributions.
#[derive(Clone, Copy, Debug, Default)]
struct Normal {
    mass: f64,
    mean: f64,
    variance: f64,
}

/// The mixture.
#[derive(Clone, Debug)]
pub(super) struct Mixture {
    nodes: f64,
    bins: Vec<Normal>,
}

impl Mixture {
    /// No mass, for a number of nodes.
    pub(super) fn new(nodes: u64) -> Mixture {
        let nodes = nodes as f64;
        // From one informed node to half an uninformed one.
        let bins = (2.0 * libm::log(2.0 * nodes) / STEP) as usize + 2;
        Mixture { nodes, bins: vec![Normal::default(); bins] }
    }

    pub(super) fn clear(&mut self) {
        self.bins.fill(Normal::default());
    }

    /// Adds mass of this mean and variance of the informed.
    pub(super) fn add(&mut self, mean: f64, variance: f64, mass: f64) {
        if mass <= 0.0 {
            return;
        }
        let missed = (self.nodes - mean).max(0.5);
        let bin = (libm::log(mean / missed * self.nodes) / STEP).max(0.0) as usize;
        let last = self.bins.len() - 1;
        let kept = &mut self.bins[bin.min(last)];
        let (all, apart) = (kept.mass + mass, mean - kept.mean);
        let share = mass / all;
        // The variance of two together is their mean one, and what their means lie apart.
        kept.variance += share * (variance - kept.variance) + share * (1.0 - share) * apart * apart;
        kept.mean += share * apart;
        kept.mass = all;
    }

    /// Numbers of informed nodes, each with its mass, in place of the normal distributions.
    pub(super) fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let nodes = self.nodes;
        self.normals().flat_map(move |normal| {
            let deviation = libm::sqrt(normal.variance);
            let within = move |point: f64| (normal.mean + point * deviation).clamp(1.0, nodes);
            // Where there is no deviation all points are one.
            let halves = if deviation > 0.0 { &POINTS[..] } else { &[(0.0, 1.0)] };
            halves.iter().flat_map(move |&(point, weight)| {
                let other = (point > 0.0).then_some(-point);
                std::iter::once(point).chain(other).map(move |point| (within(point), normal.mass * weight))
            })
        })
    }

    pub(super) fn mass(&self) -> f64 {
        self.normals().map(|normal| normal.mass).sum::<f64>() + 0.0
    }

    /// The mass times the mean number of uninformed nodes.
    pub(super) fn missed(&self) -> f64 {
        self.normals().map(|normal| normal.mass * (self.nodes - normal.mean)).sum::<f64>() + 0.0
    }

    /// The mass times the mean number of informed nodes.
    pub(super) fn informed(&self) -> f64 {
        self.normals().map(|normal| normal.mass * normal.mean).sum::<f64>() + 0.0
    }

    /// The mass times the mean square of the distance from so many informed nodes.
    pub(super) fn spread_about(&self, informed: f64) -> f64 {
        let square = |normal: &Normal| {
            let apart = normal.mean - informed;
            normal.mass * (normal.variance + apart * apart)
        };
        self.normals().map(square).sum::<f64>() + 0.0
    }

    fn normals(&self) -> impl Iterator<Item = &Normal> {
        self.bins.iter().filter(|normal| normal.mass > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_merged_keeps_mass_mean_and_variance() {
        let mut mixture = Mixture::new(1_000_000);
        mixture.add(5_000.0, 10.0, 0.25);
        mixture.add(5_002.0, 30.0, 0.75);
        assert_eq!(mixture.normals().count(), 1);
        assert!((mixture.mass() - 1.0).abs() < 1e-15);
        assert!((mixture.missed() - (1e6 - 5_001.5)).abs() < 1e-9);
        // 0.25 x 10 + 0.75 x 30, and 0.25 x 0.75 x 2^2.
        assert!((mixture.spread_about(5_001.5) - 25.75).abs() < 1e-9);
        assert!((mixture.informed() - 5_001.5).abs() < 1e-9);
    }

    #[test]
    fn the_points_have_the_moments_of_a_normal_distribution() {
        let mut mixture = Mixture::new(1_000_000_000);
        mixture.add(500_000.0, 100.0, 1.0);
        let moment = |power: i32| -> f64 {
            let one = |(at, mass): (f64, f64)| mass * ((at - 500_000.0) / 10.0).powi(power);
            mixture.points().map(one).sum()
        };
        for (power, expected) in [(0, 1.0), (1, 0.0), (2, 1.0), (3, 0.0), (4, 3.0), (6, 15.0), (8, 105.0)] {
            assert!((moment(power) - expected).abs() < 1e-7, "{power}: {}", moment(power));
        }
    }

    #[test]
    fn the_ends_have_their_place() {
        let mut mixture = Mixture::new(2_000);
        for mean in [0.0, 1.0, 1_999.9, 2_000.0, 2_001.0] {
            mixture.add(mean, 0.0, 0.125);
        }
        assert_eq!(mixture.mass(), 0.625);
        assert!(mixture.points().all(|(informed, _)| (1.0..=2_000.0).contains(&informed)));
    }
}
