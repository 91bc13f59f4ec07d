//! When a node that follows a hub speaks: so that it is heard just before the hub's next flush. It knows no node.

use crate::time::{Span, Time};

/// What is known of the hub's flushes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pace {
    /// When the last one came, and how much later the next is sent at the earliest.
    heard: Option<(Time, Span)>,
    /// How long it takes to the hub and back, as far as that has been measured.
    rtt: Option<Span>,
    /// How far from what was expected that has lately been.
    varies: Span,
}

/// When to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Now,
    /// After this long, so as to be heard just before a flush.
    InSlot(Span),
    /// After this long at the latest: it is too late for the next flush, and when that comes all begins anew.
    Late(Span),
}

/// What a way and back takes at most before that has been measured.
const GUESS: Span = Span::from_millis(250);

/// A period of which the guess may be wrong by a good part.
const SHORT: Span = Span::from_secs(1);

/// What is longer says that a clock was put back.
const LONGEST: Span = Span::from_secs(5);

/// A flush that is so late will not come.
const LATE: Span = Span::from_millis(40);

impl Pace {
    /// A flush has come, and with it perhaps a measurement.
    pub(super) fn hear(&mut self, now: Time, period: Span, rtt: Option<Span>) {
        self.heard = Some((now, period.max(Span::from_millis(1))));
        if let Some(rtt) = rtt.filter(|rtt| *rtt <= LONGEST) {
            // Up at once, down slowly: who comes too late waits for a whole period.
            let smoothed = self.rtt.map_or(0, |before| before.as_nanos() / 5 * 4 + rtt.as_nanos() / 5);
            let off = self.rtt.map_or(0, |before| before.as_nanos().abs_diff(rtt.as_nanos()));
            self.varies = Span::from_nanos(off.max(self.varies.as_nanos() / 5 * 4));
            self.rtt = Some(rtt.max(Span::from_nanos(smoothed)));
        }
    }

    /// How long it takes to the hub and back, or more.
    pub(super) fn rtt(&self) -> Span {
        self.rtt.unwrap_or(GUESS)
    }

    /// When the last flush came, and how much later the next is sent; nothing if the clock was put back since.
    fn last(&self, now: Time) -> Option<(Time, Span)> {
        self.heard.filter(|(heard, _)| *heard <= now)
    }

    /// How long the first flush that can acknowledge what is sent to the hub now may take; `period` is the time between
    /// two as long as none has been heard.
    pub(super) fn overdue(&self, now: Time, period: Span) -> Span {
        let rtt = self.rtt();
        let flush = match self.last(now) {
            None => period,
            Some((heard, period)) => {
                let too_late = (now.since(heard) + rtt).as_nanos() % period.as_nanos();
                Span::from_nanos((period.as_nanos() - too_late) % period.as_nanos())
            }
        };
        // As patient as TCP is (RFC 6298): where the way varies much, most of what is late still comes.
        let varies = Span::from_nanos(4 * self.varies.as_nanos());
        rtt + flush + varies + LATE
    }

    /// When to speak so as to be heard `margin` before a flush; now if none is expected.
    pub(super) fn turn(&self, now: Time, margin: Span) -> Turn {
        let Some((heard, period)) = self.last(now) else { return Turn::Now };
        let (passed, period) = (now.since(heard).as_nanos(), period.as_nanos());
        let late = period + LATE.as_nanos();
        if passed >= late {
            return Turn::Now;
        }
        // Where periods are short a wrong guess costs more than the few messages until there is a measurement.
        if self.rtt.is_none() && period < SHORT.as_nanos() {
            return Turn::Now;
        }
        let before = (self.rtt() + margin).as_nanos() % period;
        let slot = period - before;
        match slot.checked_sub(passed) {
            Some(0) => Turn::Now,
            Some(wait) => Turn::InSlot(Span::from_nanos(wait)),
            None => Turn::Late(Span::from_nanos(late - passed)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARGIN: Span = Span::from_millis(30);

    fn at(millis: u64) -> Time {
        Time::ZERO + Span::from_millis(millis)
    }

    fn millis(pace: &Pace, now: u64) -> u64 {
        match pace.turn(at(now), MARGIN) {
            Turn::Now => 0,
            Turn::InSlot(wait) | Turn::Late(wait) => wait.as_millis(),
        }
    }

    fn heard(period: u64, rtt: Option<u64>) -> Pace {
        let mut pace = Pace::default();
        pace.hear(at(1_000), Span::from_millis(period), rtt.map(Span::from_millis));
        pace
    }

    #[test]
    fn who_speaks_in_the_slot_is_heard_the_margin_before_the_next_flush() {
        let pace = heard(440, Some(200));
        assert_eq!([1_000, 1_100, 1_210].map(|now| millis(&pace, now)), [210, 110, 0]);
        assert_eq!([1_211, 1_400, 1_480, 9_000].map(|now| millis(&pace, now)), [269, 80, 0, 0], "too late");
        assert_eq!(millis(&heard(440, None), 1_000), 0, "before it was measured");
        assert_eq!(millis(&heard(1_700, None), 1_000), 1_420, "by a guess");
        assert_eq!(millis(&heard(200, Some(200)), 1_000), 170, "for the flush after the next");
        let wait = Span::from_millis;
        assert_eq!(pace.turn(at(1_210), MARGIN), Turn::Now, "the slot is now");
        assert_eq!(pace.turn(at(1_100), MARGIN), Turn::InSlot(wait(110)));
        assert_eq!(pace.turn(at(1_400), MARGIN), Turn::Late(wait(80)));
    }

    #[test]
    fn who_has_heard_no_flush_or_has_a_clock_that_was_put_back_speaks_at_once() {
        assert_eq!(millis(&Pace::default(), 1_000), 0);
        assert_eq!(millis(&heard(440, Some(200)), 999), 0);
        assert_eq!(millis(&heard(0, Some(200)), 1_000), 1, "no period at all is as good as the shortest");
    }

    #[test]
    fn what_is_sent_is_overdue_when_the_first_flush_that_could_acknowledge_it_has_not_come() {
        let overdue = |pace: &Pace, now| pace.overdue(at(now), Span::from_millis(440)).as_millis();
        assert_eq!(overdue(&Pace::default(), 9), 250 + 440 + 40, "by a guess");
        let mut pace = heard(440, Some(200));
        assert_eq!([1_000, 1_210, 1_240].map(|now| now + overdue(&pace, now)), [1_480; 3], "the next flush");
        assert_eq!([1_241, 1_680].map(|now| now + overdue(&pace, now)), [1_920; 2], "the one after");
        pace.hear(at(1_440), Span::from_millis(440), Some(Span::from_millis(225)));
        assert_eq!(
            1_600 + overdue(&pace, 1_600),
            1_880 + 4 * 25 + 40,
            "where the way varies, flushes do, too"
        );
        pace.hear(at(1_880), Span::from_millis(440), Some(Span::from_millis(225)));
        assert_eq!(2_000 + overdue(&pace, 2_000), 2_320 + 4 * 20 + 40, "and less so by and by");
    }

    #[test]
    fn the_way_and_back_is_longer_at_once_and_shorter_by_and_by() {
        let mut pace = heard(440, Some(200));
        for (measured, known) in [(300, 300), (200, 280), (200, 264), (9_000, 264), (270, 270)] {
            pace.hear(at(2_000), Span::from_millis(440), Some(Span::from_millis(measured)));
            assert_eq!(pace.rtt(), Span::from_millis(known), "{measured}");
        }
    }
}
