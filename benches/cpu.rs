//! Nanoseconds of CPU: what these benches measure, as others use the machine, too.

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of CPU that the work takes this process, in the kernel, too.
pub(crate) fn cpu<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let now = || {
        let at = clock_gettime(ClockId::ProcessCPUTime);
        at.tv_sec as f64 * 1e9 + at.tv_nsec as f64
    };
    let began = now();
    let done = work();
    (done, now() - began)
}
