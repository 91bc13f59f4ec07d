//! What waits in a queue, with its place in the total order.

#[derive(Clone, Copy)]
pub(crate) struct Pending<T> {
    pub(crate) at: u64,
    pub(crate) sequence: u64,
    pub(crate) item: T,
}

impl<T> Pending<T> {
    /// Instant first, then the sequence of pushing.
    pub(crate) fn order(&self) -> u128 {
        u128::from(self.at) << 64 | u128::from(self.sequence)
    }
}

/// Sorts so that the earliest is the last.
pub(crate) fn latest_first<T>(events: &mut [Pending<T>]) {
    events.sort_unstable_by_key(|event| !event.order());
}
