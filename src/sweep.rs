//! Many seeds of one scenario: each is run, on as many threads as there are, and taken in again in its order.
//!
//! Any number of threads gives the same result. It knows no protocol and no workload: what a run of a seed is, is handed
//! in. Below it are the parts of a sweep that keeps what it finds: what is varied, a line for each run, the folder they
//! are written to, and what they come to together.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Condvar, Mutex, PoisonError};

pub mod folder;
pub mod manifest;
pub mod merge;
pub mod record;
pub mod report;
pub mod shard;
pub mod survey;
pub mod table;
mod tally;
pub mod vary;

pub use tally::{MEANS, Outcome, Rate, SOMETIMES, Tally};

/// A thread may be this many seeds ahead of the oldest that is not done, so that little waits and little is lost.
const AHEAD: u64 = 4_096;

/// Runs every seed on `jobs` threads and hands the outcomes over in the order of the seeds. An error ends it; of the
/// runs that could not be made, that of the lowest seed is returned. Once `stop` is set no seed is begun, and all that
/// were are handed over.
///
/// # Errors
/// What the first run that could not be made says, or whoever took an outcome.
pub fn sweep<T: Send, E: Send>(
    seeds: Range<u64>,
    jobs: usize,
    stop: &AtomicBool,
    run: impl Fn(u64) -> Result<T, E> + Sync,
    mut each: impl FnMut(T) -> Result<(), E>,
) -> Result<(), E> {
    let queue = Queue::new(seeds.end.saturating_sub(seeds.start));
    let (sender, receiver) = sync_channel(4 * jobs.max(1));
    std::thread::scope(|scope| {
        // However this ends, no thread waits for its turn any more.
        let _end = End(&queue);
        for _ in 0..jobs.max(1) {
            let (sender, queue, run) = (sender.clone(), &queue, &run);
            scope.spawn(move || {
                let _end = End(queue);
                while let Some(place) = queue.take(stop) {
                    if sender.send((place, run(seeds.start + place))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let (mut waiting, mut expected) = (BTreeMap::new(), 0);
        for (place, outcome) in receiver {
            waiting.insert(place, outcome);
            while let Some(outcome) = waiting.remove(&expected) {
                expected += 1;
                queue.done(expected);
                each(outcome?)?;
            }
        }
        Ok(())
    })
}

/// Who runs which seed: places from 0, each taken once, none too far ahead.
struct Queue {
    count: u64,
    state: Mutex<State>,
    moved: Condvar,
}

struct State {
    next: u64,
    done: u64,
    ended: bool,
}

/// Ends the queue when its thread leaves: because all is taken, by an error or by a panic.
struct End<'a>(&'a Queue);

impl Queue {
    fn new(count: u64) -> Queue {
        Queue { count, state: Mutex::new(State { next: 0, done: 0, ended: false }), moved: Condvar::new() }
    }

    /// The next place, once it is not too far ahead.
    fn take(&self, stop: &AtomicBool) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !state.ended && state.next - state.done >= AHEAD {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.ended || stop.load(Ordering::Relaxed) || state.next == self.count {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    fn done(&self, done: u64) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).done = done;
        self.moved.notify_all();
    }
}

impl Drop for End<'_> {
    /// All that was taken is still run and handed over.
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).ended = true;
        self.0.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn outcome(seed: u64) -> Outcome {
        let reason = (seed % 10 == 7).then(|| format!("seed {seed} is bad"));
        Outcome {
            seed,
            reason,
            acted: [seed.is_multiple_of(2); SOMETIMES.len()],
            figures: [Some(seed as f64); MEANS.len()],
        }
    }

    fn tally(jobs: usize) -> Tally {
        let mut tally = Tally::default();
        let each = |outcome| {
            tally.add(&outcome);
            Ok(())
        };
        assert_eq!(sweep(0..100, jobs, &NEVER, |seed| Ok::<_, ()>(outcome(seed)), each), Ok(()));
        tally
    }

    /// The seeds that were handed over, up to the first for which `until` holds, and how it ended.
    fn seen(
        seeds: Range<u64>,
        jobs: usize,
        stop: &AtomicBool,
        run: impl Fn(u64) -> Result<u64, u64> + Sync,
        until: impl Fn(u64) -> bool,
    ) -> (Vec<u64>, Result<(), u64>) {
        let mut seen = Vec::new();
        let each = |seed| {
            seen.push(seed);
            if until(seed) { Err(seed) } else { Ok(()) }
        };
        let ended = sweep(seeds, jobs, stop, run, each);
        (seen, ended)
    }

    #[test]
    fn any_number_of_threads_gives_the_same_result() {
        let one = tally(1);
        assert_eq!((one.runs, one.failures, one.acted[0]), (100, 10, 50));
        assert_eq!(one.first, Some((7, "seed 7 is bad".into())));
        assert_eq!(one.mean(0), Some(49.5));
        assert_eq!(one, tally(2));
        assert_eq!(one, tally(7));
    }

    #[test]
    fn the_first_run_that_cannot_be_made_ends_it() {
        let run = |seed| if seed >= 5 { Err(seed) } else { Ok(seed) };
        for jobs in [1, 3] {
            assert_eq!(seen(0..1_000_000, jobs, &NEVER, run, |_| false), (vec![0, 1, 2, 3, 4], Err(5)));
        }
    }

    #[test]
    fn whoever_takes_the_outcomes_may_end_it() {
        for jobs in [1, 3] {
            assert_eq!(
                seen(0..1_000_000, jobs, &NEVER, Ok, |seed| seed == 2),
                (vec![0, 1, 2], Err(2)),
                "{jobs}"
            );
        }
    }

    #[test]
    fn once_stopped_all_that_was_begun_is_handed_over() {
        for jobs in [1, 3] {
            let stop = AtomicBool::new(false);
            let run = |seed| {
                stop.fetch_or(seed == 20, Ordering::Relaxed);
                Ok(seed)
            };
            let (seen, ended) = seen(0..1_000_000, jobs, &stop, run, |_| false);
            assert!(
                ended.is_ok() && seen.len() >= 21 && seen.iter().copied().eq(0..seen.len() as u64),
                "{seen:?}"
            );
        }
    }

    #[test]
    fn a_slow_seed_holds_the_others_up_and_the_last_seed_is_the_last() {
        let last = u64::MAX;
        let run = |seed| {
            if seed == last - 10_000 {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            Ok(seed)
        };
        let (seen, ended) = seen(last - 10_000..last, 3, &NEVER, run, |_| false);
        assert!(ended.is_ok() && seen.iter().copied().eq(last - 10_000..last));
    }
}
