//! Spreading rumours played out, many times over, and what the trials come to.
//!
//! Every trial draws from its own key, and all that is summed up is whole numbers: the same seed gives the same answer
//! on any machine and any number of threads. It knows no formula; the exact answers are held against it.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rayon::iter::{IndexedParallelIterator as _, IntoParallelRefMutIterator as _, ParallelIterator as _};

use self::play::Player;
use self::tally::Tally;
use crate::epidemic::{Mode, Setting};
use crate::rng::Key;

mod contacts;
mod play;
mod tally;

pub use tally::{RoundsToAll, Trials};

/// Why a question is not played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to take a mean of.
    #[error("no trials are no answer; ask for at least 1")]
    NoTrials,
    /// A node's number must fit into 32 bits.
    #[error("{nodes} nodes are too many to play; at most {} are", u32::MAX)]
    Nodes {
        /// How many were asked for.
        nodes: u64,
    },
    /// Who sends in every round never falls silent.
    #[error("in this mode nodes never fall silent; say how many rounds to play")]
    Endless,
    /// The sums could not hold so many messages.
    #[error("so many trials of so many messages are too much to play; ask for fewer trials, rounds or nodes")]
    TooMuch,
    /// The memory for a cluster of this size is not to be had.
    #[error("there is not enough memory to play {nodes} nodes on every thread")]
    Memory {
        /// How many were asked for.
        nodes: u64,
    },
    /// It was stopped before anything was known.
    #[error("stopped before the first trials were done")]
    Stopped,
}

/// Below about so many messages in all, other threads are not worth waking.
const ALONE: u64 = 1 << 18;

/// About how many messages a thread plays between one telling of progress and the next: some 50 ms.
const BATCH: u64 = 1 << 24;

/// Plays `count` trials of a setting.
///
/// Uses the threads of the rayon pool it is called in. About 3 ns a push; memory for each thread is about 4 bytes a
/// node that is reached.
///
/// # Errors
/// A [`Refusal`], before anything is played.
///
/// ```
/// use rumormill::epidemic::{Mode, Setting, monte_carlo};
/// use rumormill::ratio::Chance;
///
/// let setting = Setting { nodes: 25, fanout: 3, rounds: Some(5), loss: Chance::NEVER, mode: Mode::Push };
/// let trials = monte_carlo::trials(&setting, 10_000, 1)?;
/// assert!(trials.delivery_rate.mean > 0.999);
/// # Ok::<(), monte_carlo::Refusal>(())
/// ```
pub fn trials(setting: &Setting, count: u64, seed: u64) -> Result<Trials, Refusal> {
    watched(setting, count, seed, &AtomicBool::new(false), |_| ())
}

/// Plays trials as [`trials`] does, and tells now and then how many are done.
///
/// Once `stop` is set, what is under way is given up within milliseconds. The answer is then that of the trials told of
/// last: the very one that a question for only so many would have had.
///
/// # Errors
/// A [`Refusal`]: before anything is played, or since it was stopped before the first trials were done.
pub fn watched(
    setting: &Setting,
    count: u64,
    seed: u64,
    stop: &AtomicBool,
    mut progress: impl FnMut(u64),
) -> Result<Trials, Refusal> {
    if count == 0 {
        return Err(Refusal::NoTrials);
    }
    let messages = most_messages(setting, count)?;
    let threads =
        if messages.saturating_mul(count) < ALONE { 1 } else { rayon::current_num_threads() as u64 };
    let mut players =
        (0..threads.min(count)).map(|_| Player::new(setting)).collect::<Result<Vec<_>, Refusal>>()?;
    let threads = players.len() as u64;
    let share = (BATCH / messages.max(1)).clamp(1, 1 << 16);
    let key = Key::new(seed, "epidemic");
    let mut total = Tally::default();
    let mut done = 0;
    while done < count {
        let batch = done..count.min(done.saturating_add(share * threads));
        done = batch.end;
        play(&mut players, batch, key, stop);
        if players.iter().any(Player::interrupted) {
            break;
        }
        players.iter_mut().for_each(|player| total.absorb(player.take_tally()));
        progress(done);
    }
    total.trials(setting.nodes).ok_or(Refusal::Stopped)
}

/// Plays a batch: whoever is free takes the next few trials.
fn play(players: &mut [Player], batch: Range<u64>, key: Key, stop: &AtomicBool) {
    let next = AtomicU64::new(batch.start);
    let few = ((batch.end - batch.start) / (16 * players.len() as u64)).max(1);
    let turn = |player: &mut Player| {
        loop {
            let from = next.fetch_add(few, Ordering::Relaxed);
            for trial in from..batch.end.min(from.saturating_add(few)) {
                player.play(key.with(trial).stream(), stop);
            }
            if from >= batch.end || player.interrupted() {
                return;
            }
        }
    };
    match players {
        [player] => turn(player),
        players => players.par_iter_mut().with_max_len(1).for_each(turn),
    }
}

/// The most messages that a trial can have, or why it is not played.
fn most_messages(setting: &Setting, count: u64) -> Result<u64, Refusal> {
    let &Setting { nodes, rounds, mode, .. } = setting;
    if nodes > u64::from(u32::MAX) {
        return Err(Refusal::Nodes { nodes });
    }
    let each = match (mode, rounds) {
        (Mode::Push | Mode::Pull | Mode::PushPull, None) => return Err(Refusal::Endless),
        (Mode::Push | Mode::Pull | Mode::PushPull, Some(rounds)) => {
            setting.contacts().saturating_mul(u64::from(rounds))
        }
        (Mode::PushOnce(_), _) => setting.contacts(),
        (Mode::Limited { copies }, _) => u64::from(copies),
    };
    let messages = nodes.checked_mul(each).ok_or(Refusal::TooMuch)?;
    // What is summed up is messages, informed nodes and rounds, and their squares.
    let largest = u128::from(messages.max(nodes).max(u64::from(u32::MAX)));
    largest
        .checked_mul(largest)
        .and_then(|square| square.checked_mul(count.into()))
        .ok_or(Refusal::TooMuch)?;
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::epidemic::Sender;
    use crate::epidemic::estimate::Estimate;
    use crate::ratio::Chance;
    use expect_test::expect;

    const MODES: [Mode; 6] = [
        Mode::Push,
        Mode::PushOnce(Sender::Drawn),
        Mode::PushOnce(Sender::LeftOut),
        Mode::Limited { copies: 4 },
        Mode::Pull,
        Mode::PushPull,
    ];

    fn setting(mode: Mode, nodes: u64, fanout: u64, rounds: Option<u32>, loss: f64) -> Setting {
        Setting { nodes, fanout, rounds, loss: Chance::new(loss).unwrap(), mode }
    }

    fn push(nodes: u64, fanout: u64, rounds: u32, loss: f64) -> Setting {
        setting(Mode::Push, nodes, fanout, Some(rounds), loss)
    }

    fn near(estimate: Estimate, truth: f64, digits: f64) {
        let error = estimate.standard_error.unwrap();
        assert!((estimate.mean - truth).abs() < 4.5 * error + digits, "{estimate:?} is not {truth}");
    }

    #[test]
    fn pushes_agree_with_the_public_check_values() {
        for (fanout, loss, p_not_all, per_node, messages) in [
            (3, 0.0, 0.005274, 2.2e-4, Some(196.0)),
            (2, 0.0, 0.266010, 0.012978, None),
            (3, 0.05, 0.010603, f64::NAN, None),
        ] {
            let played = trials(&push(25, fanout, 5, loss), 30_000, 1).unwrap();
            near(played.atomic_rate, 1.0 - p_not_all, 5e-7);
            if !per_node.is_nan() {
                near(played.delivery_rate, 1.0 - per_node, 5e-6);
            }
            if let Some(messages) = messages {
                near(played.messages, messages, 0.5);
            }
        }
    }

    #[test]
    fn rounds_to_all_agree_with_the_public_check_values() {
        for (nodes, fanout, count, mean) in [
            (25, 1, 10_000, 8.659),
            (25, 2, 10_000, 5.201),
            (25, 3, 10_000, 4.051),
            (1_000, 2, 400, 10.665),
            (1_000, 3, 400, 8.173),
            (10_000, 3, 50, 10.565),
        ] {
            let played = trials(&push(nodes, fanout, 1_000, 0.0), count, 2).unwrap();
            let rounds = played.rounds_to_all.unwrap();
            assert_eq!((played.trials_reached_all, played.atomic_rate.mean), (count, 1.0));
            near(rounds.mean, mean, 5e-4);
            assert!(rounds.p50 <= rounds.p90 && rounds.p90 <= rounds.p99 && rounds.p99 <= rounds.max);
        }
    }

    #[test]
    fn who_pushes_once_reaches_what_the_public_check_values_say() {
        let once = |sender| setting(Mode::PushOnce(sender), 25, 2, None, 0.0);
        let drawn = trials(&once(Sender::Drawn), 30_000, 3).unwrap();
        near(drawn.informed.part(0.0, 25.0), 0.8254, 5e-5);
        near(drawn.atomic_rate, 0.0200, 5e-5);
        let left_out = trials(&once(Sender::LeftOut), 30_000, 3).unwrap();
        // Whoever does not push back to where it heard it from wastes less.
        let [more, less] = [left_out, drawn].map(|played| played.informed);
        let error = libm::hypot(more.standard_error.unwrap(), less.standard_error.unwrap());
        assert!(more.mean - less.mean > 5.0 * error, "{more:?} {less:?}");
    }

    /// Two nodes and the source, one contact a round: small enough to be reckoned by hand.
    #[test]
    fn three_nodes_spread_as_reckoned_by_hand() {
        let after = |mode, rounds, loss| trials(&setting(mode, 3, 1, Some(rounds), loss), 40_000, 4).unwrap();
        // The third node pulls from an informed one with 1/2 in round 1, and so does the second.
        let pull = after(Mode::Pull, 1, 0.0);
        near(pull.atomic_rate, 0.25, 0.0);
        near(pull.delivery_rate, 0.5, 0.0);
        // Question and answer are both to arrive.
        near(after(Mode::Pull, 1, 0.5).delivery_rate, 0.125, 0.0);
        // The source's push hits one; the other one pulls from the source with 1/2.
        let both = after(Mode::PushPull, 1, 0.0);
        near(both.atomic_rate, 0.5, 0.0);
        near(both.delivery_rate, 0.75, 0.0);
        // Pushed to with 1/4, pulled with 1/2 * 1/4: missed with 3/4 * 7/8.
        near(after(Mode::PushPull, 1, 0.5).delivery_rate, 1.0 - 0.75 * 0.875, 0.0);
        // The second pushes back to the source with 1/2, or it reaches the third. It never pushes back if left out.
        near(after(Mode::PushOnce(Sender::Drawn), 2, 0.0).atomic_rate, 0.5, 0.0);
        assert_eq!(after(Mode::PushOnce(Sender::LeftOut), 2, 0.0).atomic_rate.mean, 1.0);
        // Three copies each: the source sends all to the same node with 1/4, and that one all back to it with 1/8.
        let limited = trials(&setting(Mode::Limited { copies: 3 }, 3, 1, None, 0.0), 40_000, 4).unwrap();
        near(limited.atomic_rate, 1.0 - 0.25 * 0.125, 0.0);
        near(limited.messages, 9.0 - 3.0 * 0.25 * 0.125, 0.0);
    }

    #[test]
    fn any_number_of_threads_gives_the_same_answer() {
        for mode in MODES {
            let setting = setting(mode, 100, 3, Some(8), 0.1);
            let on = |threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| trials(&setting, 2_000, 5).unwrap())
            };
            let alone = on(1);
            assert_eq!(alone, on(2));
            assert_eq!(alone, on(7));
        }
    }

    #[test]
    fn a_stopped_answer_is_that_of_fewer_trials() {
        let setting = push(1_000, 3, 20, 0.0);
        let stop = AtomicBool::new(false);
        let mut last = 0;
        let played = watched(&setting, 1_000_000, 6, &stop, |done| {
            last = done;
            stop.store(true, Ordering::Relaxed);
        });
        assert!(last > 0 && last < 1_000_000);
        assert_eq!(played, trials(&setting, last, 6));
        assert_eq!(watched(&setting, 10, 6, &stop, |_| ()), Err(Refusal::Stopped));
    }

    #[test]
    fn the_edges_are_as_defined() {
        for mode in MODES {
            for nodes in [0, 1] {
                let played = trials(&setting(mode, nodes, 3, Some(4), 0.5), 10, 7).unwrap();
                assert_eq!((played.delivery_rate.mean, played.atomic_rate.mean), (1.0, 1.0));
                assert_eq!((played.messages.mean, played.informed.mean), (0.0, nodes as f64));
                assert_eq!(played.rounds_to_all.map(|rounds| rounds.max), Some(0));
                assert_eq!(played.share_after(3), 1.0);
            }
            for (fanout, rounds, loss) in [(0, 9, 0.0), (3, 0, 0.0), (3, 9, 1.0)] {
                let played = trials(&setting(mode, 25, fanout, Some(rounds), loss), 10, 7).unwrap();
                assert_eq!((played.delivery_rate.mean, played.trials_reached_all), (0.0, 0));
                assert_eq!((played.rounds_to_all, played.share_after(9)), (None, 1.0 / 25.0));
            }
            for fanout in [24, 25, u64::MAX] {
                let played = trials(&setting(mode, 25, fanout, Some(1), 0.0), 10, 7).unwrap();
                let reaches_four = mode == Mode::Limited { copies: 4 };
                assert_eq!(
                    played.informed,
                    Estimate::certain(if reaches_four { 5.0 } else { 25.0 }),
                    "{mode:?}"
                );
            }
            let two = trials(&setting(mode, 2, 1, Some(1), 0.0), 10, 7).unwrap();
            assert_eq!((two.delivery_rate.mean, two.rounds_to_all.map(|rounds| rounds.p50)), (1.0, Some(1)));
        }
    }

    #[test]
    fn messages_are_counted_when_nothing_is_drawn_any_more() {
        let sent = |mode, rounds, loss| trials(&setting(mode, 4, 2, rounds, loss), 5, 8).unwrap().messages;
        let lost = |mode, rounds| sent(mode, rounds, 1.0).mean;
        assert_eq!(lost(Mode::Push, Some(1_000_000_000)), 2e9);
        assert_eq!(lost(Mode::PushOnce(Sender::LeftOut), None), 2.0);
        assert_eq!(lost(Mode::Limited { copies: u32::MAX }, None), f64::from(u32::MAX));
        assert_eq!(lost(Mode::Limited { copies: 5 }, Some(2)), 4.0);
        assert_eq!(lost(Mode::Pull, Some(10)), 80.0);
        // Everyone in the end pushes to two others, or sends all copies.
        assert_eq!(sent(Mode::PushOnce(Sender::LeftOut), None, 0.0).mean, 8.0);
        assert_eq!(sent(Mode::Limited { copies: 9 }, None, 0.0).mean, 36.0);
    }

    #[test]
    fn what_cannot_be_played_is_refused() {
        let ask = |nodes, mode, rounds| trials(&setting(mode, nodes, 3, rounds, 0.0), 1_000, 1).unwrap_err();
        assert_eq!(trials(&push(25, 3, 5, 0.0), 0, 1), Err(Refusal::NoTrials));
        assert_eq!(ask(1 << 32, Mode::Push, Some(1)), Refusal::Nodes { nodes: 1 << 32 });
        assert_eq!(ask(u64::MAX, Mode::PushOnce(Sender::Drawn), None), Refusal::Nodes { nodes: u64::MAX });
        for mode in [Mode::Push, Mode::Pull, Mode::PushPull] {
            assert_eq!(ask(25, mode, None), Refusal::Endless);
            assert_eq!(ask(u64::from(u32::MAX), mode, Some(u32::MAX)), Refusal::TooMuch);
        }
    }

    /// One of each mode, few and many contacts, lost and not. What they are never changes.
    #[test]
    fn golden_answers_hold_on_every_machine() {
        let mut golden = String::new();
        for mode in MODES {
            for (nodes, fanout, loss) in [(25, 3, 0.0), (130, 2, 0.1), (65, 40, 0.97)] {
                let played = trials(&setting(mode, nodes, fanout, Some(4), loss), 50, 9).unwrap();
                let digest = crate::hash::hash_of(&played.histogram);
                golden += &format!(
                    "{mode:?} {nodes}: {} {} {digest:016x}\n",
                    played.informed.mean, played.messages.mean
                );
            }
        }
        expect![[r#"
            Push 25: 24.88 120.72 e1c983346bab915d
            Push 130: 46.34 62.08 128a991807e7b57c
            Push 65: 19.14 769.6 3378775ad89efb51
            PushOnce(Drawn) 25: 22.68 57.6 825ca26707a44378
            PushOnce(Drawn) 130: 19.5 22.08 75474ff5dc0a2ee1
            PushOnce(Drawn) 65: 8 246.4 82d5924ed953ae37
            PushOnce(LeftOut) 25: 23.1 58.62 829712012305f110
            PushOnce(LeftOut) 130: 19.6 22.16 0fa37f5d9ccb6f7e
            PushOnce(LeftOut) 65: 8.18 252 2cff7263e1f2f493
            Limited { copies: 4 } 25: 23.66 72.68 6e99e52388d140c1
            Limited { copies: 4 } 130: 40.16 51.88 22d2b6b793792972
            Limited { copies: 4 } 65: 1.28 5.12 9b00684954b9abf7
            Pull 25: 24.82 300 bad43d2f8f8797c9
            Pull 130: 40.98 1040 b7d02fc5e861b9b1
            Pull 65: 1.08 10400 29fc9f25595e4eec
            PushPull 25: 25 300 6dbd00e676ac6048
            PushPull 130: 119.02 1040 115ddd2a7b10f35c
            PushPull 65: 18.16 10400 6422d36412e034d5
        "#]]
        .assert_eq(&golden);
    }
}
