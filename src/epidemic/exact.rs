//! How far a rumour gets, exactly: by summing over all that can happen.
//!
//! Only sums of products of what is not negative, so that small probabilities keep their digits, in an order that is the
//! same on every machine. The work is counted; what would take too much of it is refused, never guessed.

mod ages;
mod chain;
pub(in crate::epidemic) mod course;
pub(in crate::epidemic) mod kernel;
pub(in crate::epidemic) mod mass;
mod once;
mod silence;
mod work;

pub use work::Work;

use self::course::{Course, State};
use super::{Answer, Mode, NoAnswer, Sender, Setting};

/// More nodes than this are not even tried.
const MOST_NODES: u64 = 4_000_000;

/// What may be spent on the rounds where the end is asked for, and known without them.
const FOR_THE_ROUNDS: u64 = 300_000_000;

/// What answers this setting exactly, within [`Work::DEFAULT`].
///
/// Push and push-pull cost up to about `nodes^2 * fanout` a round, pull `nodes^1.5`; push-once and limited until silence
/// `nodes^1.5 * fanout` in all, with a limit of rounds up to `nodes^3 * fanout` a round. For at most 4,000,000 nodes.
///
/// # Errors
/// [`NoAnswer::Endless`] for push, pull or push-pull without a number of rounds; [`NoAnswer::TooLarge`].
pub fn answer(setting: &Setting) -> Result<Answer, NoAnswer> {
    answer_within(setting, Work::DEFAULT)
}

/// What answers this setting exactly, within so much work.
///
/// # Errors
/// As [`answer`].
pub fn answer_within(setting: &Setting, mut work: Work) -> Result<Answer, NoAnswer> {
    answer_out_of(setting, Wanted::All, &mut work)
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All of it.
    All,
    /// The end, without what would only be worked out for the rounds to all.
    End,
}

/// The same, out of a stock of work.
pub(super) fn answer_out_of(setting: &Setting, wanted: Wanted, work: &mut Work) -> Result<Answer, NoAnswer> {
    let rounds = match (setting.mode, setting.rounds) {
        (Mode::Push | Mode::Pull | Mode::PushPull, None) => return Err(NoAnswer::Endless),
        (_, rounds) => rounds,
    };
    if setting.nodes <= 1 {
        return Ok(course::nobody_to_inform(setting.nodes));
    }
    if setting.nodes > MOST_NODES {
        return Err(NoAnswer::TooLarge);
    }
    let setting = &plainer(setting);
    let course = match (setting.mode, rounds) {
        (Mode::Push | Mode::Pull | Mode::PushPull, _) => {
            chain::run(setting, rounds.unwrap_or(0), wanted, work)?
        }
        (Mode::PushOnce(_) | Mode::Limited { .. }, None) => until_silence(setting, wanted, work)?,
        (Mode::PushOnce(_), rounds) => once::run(setting, rounds, work)?,
        (Mode::Limited { .. }, rounds) => ages::run(setting, rounds, work)?,
    };
    Ok(course.answer(setting))
}

/// The same in a plainer mode, if there is one: copies that all go out at once are push-once; as long as nobody has run
/// out of them, they are push.
fn plainer(setting: &Setting) -> Setting {
    let contacts = setting.contacts();
    let Mode::Limited { copies } = setting.mode else { return *setting };
    let copies = u64::from(copies);
    match setting.rounds {
        _ if copies <= contacts => {
            Setting { fanout: copies, mode: Mode::PushOnce(Sender::Drawn), ..*setting }
        }
        Some(rounds) if u64::from(rounds).saturating_mul(contacts) <= copies => {
            Setting { mode: Mode::Push, ..*setting }
        }
        _ => *setting,
    }
}

/// The end one sender at a time, and the rounds too if that is not too much.
fn until_silence(setting: &Setting, wanted: Wanted, work: &mut Work) -> Result<Course, NoAnswer> {
    let (end, relative_error) = silence::end(setting, work)?;
    let run = work.lend(FOR_THE_ROUNDS, |lent| match (wanted, setting.mode) {
        (Wanted::End, _) => Err(NoAnswer::TooLarge),
        (Wanted::All, Mode::Limited { .. }) => ages::run(setting, None, lent),
        (Wanted::All, Mode::Push | Mode::PushOnce(_) | Mode::Pull | Mode::PushPull) => {
            once::run(setting, None, lent)
        }
    });
    let states = run.map_or(Vec::new(), |run| run.states);
    let informed_later = (setting.nodes - 1) as f64 - end.mean();
    let messages = copies(setting, None, true) + copies(setting, None, false) * informed_later;
    Ok(Course { states, end, messages, answers: 0.0, relative_error, rounds_to_all: None })
}

/// The mean number of messages when a node sends only so much in its life.
fn messages_of_lives(setting: &Setting, rounds: Option<u32>, states: &[State]) -> f64 {
    let left =
        |informed_after: usize| rounds.map(|rounds| u64::from(rounds).saturating_sub(informed_after as u64));
    let later = states.windows(2).zip(1..);
    let later = later.map(|(pair, t)| (pair[0].missed - pair[1].missed) * copies(setting, left(t), false));
    copies(setting, left(0), true) + later.sum::<f64>()
}

/// How many messages a node sends within the rounds that are left when it has been informed.
fn copies(setting: &Setting, rounds_left: Option<u64>, source: bool) -> f64 {
    let contacts = setting.contacts();
    let sent = match setting.mode {
        Mode::PushOnce(Sender::LeftOut) if !source => contacts.min(setting.nodes - 2),
        Mode::Limited { copies } if contacts > 0 => {
            u64::from(copies).min(contacts.saturating_mul(rounds_left.unwrap_or(u64::MAX)))
        }
        Mode::Limited { .. } => 0,
        Mode::PushOnce(_) | Mode::Push | Mode::Pull | Mode::PushPull => contacts,
    };
    if rounds_left == Some(0) { 0.0 } else { sent as f64 }
}

#[cfg(test)]
mod tests;
