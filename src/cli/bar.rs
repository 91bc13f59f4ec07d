//! How far many seeds or trials are: one line on stderr, on a terminal and nowhere else, gone when it ends.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Between one drawing of the line and the next.
const PACE: Duration = Duration::from_millis(100);

/// A line of progress; dropping it clears it.
#[derive(Debug)]
pub(super) struct Bar {
    /// What is counted.
    what: &'static str,
    runs: u64,
    /// Done before this process began.
    before: u64,
    /// Unless there is a terminal, nothing is drawn.
    clock: Option<Clock>,
}

#[derive(Debug)]
struct Clock {
    began: Instant,
    drawn: Duration,
}

impl Bar {
    /// For so many runs, of which so many were done before.
    pub(super) fn new(what: &'static str, runs: u64, before: u64) -> Bar {
        let clock = || Clock { began: now(), drawn: Duration::ZERO };
        Bar { what, runs, before, clock: std::io::stderr().is_terminal().then(clock) }
    }

    pub(super) fn show(&mut self, done: u64, failures: Option<u64>) {
        let Some(clock) = &mut self.clock else { return };
        let passed = now() - clock.began;
        if passed - clock.drawn >= PACE {
            clock.drawn = passed;
            // Nobody can be told that stderr is gone.
            _ = write!(
                std::io::stderr(),
                "\r\x1b[K{}",
                line(self.what, [done, self.before, self.runs], failures, passed)
            );
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.clock.is_some() {
            _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a reader will wait is real time; no run sees it")]
fn now() -> Instant {
    Instant::now()
}

fn line(what: &str, [done, before, runs]: [u64; 3], failures: Option<u64>, passed: Duration) -> String {
    let rate = (done - before) as f64 / passed.as_secs_f64().max(1e-9);
    let left = (runs - done) as f64 / rate.max(1e-9);
    let rate = if rate < 10.0 { format!("{rate:.1}") } else { format!("{rate:.0}") };
    let failed = failures.map_or_else(String::new, |failures| format!(", {failures} failed"));
    format!("{done} of {runs} {what}{failed}; {rate} {what}/s, {} to go", told(left))
}

/// A length of time in seconds, for people.
fn told(seconds: f64) -> String {
    match seconds.ceil() as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_fast_and_how_long() {
        let at = |done, passed| line("seeds", [done, 0, 1_000], Some(2), Duration::from_secs(passed));
        assert_eq!(at(400, 10), "400 of 1000 seeds, 2 failed; 40 seeds/s, 15 s to go");
        assert_eq!(at(1, 2), "1 of 1000 seeds, 2 failed; 0.5 seeds/s, 33 min 18 s to go");
        assert_eq!(at(1, 60), "1 of 1000 seeds, 2 failed; 0.0 seeds/s, 16 h 39 min to go");
        assert_eq!(at(1_000, 25), "1000 of 1000 seeds, 2 failed; 40 seeds/s, 0 s to go");
        let resumed = line("trials", [600, 500, 1_000], None, Duration::from_secs(10));
        assert_eq!(resumed, "600 of 1000 trials; 10 trials/s, 40 s to go");
    }
}
