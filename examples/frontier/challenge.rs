//! The two challenges of efficient broadcast that others have tried: their limits, and what was reported.

/// The limits of a challenge, for 25 nodes: each figure is to stay below.
pub(crate) struct Challenge {
    pub(crate) name: &'static str,
    pub(crate) msgs_per_op: f64,
    /// Of stable latencies, in milliseconds.
    pub(crate) median: f64,
    most: f64,
    /// The best that others reported, as far as we know: messages for each operation.
    pub(crate) others: &'static [f64],
}

pub(crate) const CHALLENGES: [Challenge; 2] = [
    Challenge { name: "3d", msgs_per_op: 30.0, median: 400.0, most: 600.0, others: &[22.0, 11.8] },
    Challenge { name: "3e", msgs_per_op: 20.0, median: 1_000.0, most: 2_000.0, others: &[1.92] },
];

/// The challenges that are met with these figures.
pub(crate) fn met(msgs_per_op: f64, median: f64, most: f64) -> String {
    let met = CHALLENGES.iter().filter(|challenge| {
        msgs_per_op < challenge.msgs_per_op && median < challenge.median && most < challenge.most
    });
    met.map(|challenge| challenge.name).collect::<Vec<_>>().join(", ")
}
