//! The exact answers beside published values, beside the enumeration of everything that can happen, and at the edges.

mod enumeration;

use proptest::prelude::*;

use self::enumeration::enumerate;
use super::*;
use crate::epidemic::{Method, approximate, formula};
use crate::ratio::Chance;

const ONCE: Mode = Mode::PushOnce(Sender::Drawn);
/// Enough for all but limited with many states.
const QUICK: Work = Work::new(20_000_000);
const LEFT_OUT: Mode = Mode::PushOnce(Sender::LeftOut);

fn setting(mode: Mode, nodes: u64, fanout: u64, rounds: impl Into<Option<u32>>, loss: f64) -> Setting {
    Setting { nodes, fanout, rounds: rounds.into(), loss: Chance::new(loss).unwrap(), mode }
}

fn exact(mode: Mode, nodes: u64, fanout: u64, rounds: impl Into<Option<u32>>, loss: f64) -> Answer {
    answer(&setting(mode, nodes, fanout, rounds, loss)).unwrap()
}

#[test]
fn the_published_values_of_push() {
    let three = exact(Mode::Push, 25, 3, 5, 0.0);
    assert_eq!(format!("{:.6}", three.p_not_all), "0.005274");
    assert_eq!(format!("{:.1e}", three.per_node_miss), "2.2e-4");
    assert_eq!(three.expected_messages.round(), 196.0);
    let two = exact(Mode::Push, 25, 2, 5, 0.0);
    assert_eq!(format!("{:.6} {:.6}", two.p_not_all, two.per_node_miss), "0.266010 0.012978");
    assert_eq!(format!("{:.6}", exact(Mode::Push, 25, 3, 5, 0.05).p_not_all), "0.010603");
}

#[test]
fn the_published_rounds_to_all_of_push() {
    for (nodes, expected) in [
        (25, ["8.659", "5.201", "4.051"]),
        (1_000, ["18.038", "10.665", "8.173"]),
        (10_000, ["23.678", "13.930", "10.565"]),
    ] {
        for (fanout, expected) in (1..).zip(expected) {
            let answer = exact(Mode::Push, nodes, fanout, 0, 0.0);
            assert_eq!(format!("{:.3}", answer.rounds_to_all.unwrap().mean), expected);
        }
    }
}

#[test]
fn the_published_values_of_push_once() {
    let two = exact(ONCE, 25, 2, None, 0.0);
    assert_eq!(format!("{:.4}", two.mean_informed / 25.0), "0.8254");
    // (summed in fractions of whole numbers)
    assert!((1.0 - two.p_not_all - 0.020_267_999_183_441_98).abs() < 1e-14);
    assert!((two.mean_informed / 25.0 - 0.825_373_479_875_822_5).abs() < 1e-14);
    assert!((two.expected_messages - 2.0 * two.mean_informed).abs() < 1e-12);
}

/// An answer says the same as the enumeration, in all that it says.
fn assert_enumerated(setting: &Setting, until: u32) {
    let answer = answer(setting).unwrap();
    let seen = enumerate(setting, until);
    let close = |one: f64, other: f64, what: &str| {
        assert!((one - other).abs() < 1e-12 * other.max(1.0), "{setting:?}: {what} is {one}, not {other}");
    };
    let nodes = setting.nodes as usize;
    let end = &seen.informed[until as usize];
    let informed = answer.informed.as_ref().unwrap();
    assert_eq!(informed.len(), nodes + 1);
    (0..=nodes).for_each(|i| close(informed[i], end[i], &format!("P({i} informed)")));
    let mean = |p: &[f64]| (0..=nodes).map(|i| i as f64 * p[i]).sum::<f64>();
    close(answer.mean_informed, mean(end), "mean");
    let variance = (0..=nodes).map(|i| (i as f64 - mean(end)).powi(2) * end[i]).sum::<f64>();
    close(answer.var_informed, variance, "variance");
    close(answer.p_not_all, end[..nodes].iter().sum(), "P(not all)");
    close(answer.per_node_miss * (nodes - 1) as f64, nodes as f64 - mean(end), "missed");
    close(answer.expected_messages, seen.sent.messages, "messages");
    close(answer.expected_answers, seen.sent.answers, "answers");
    let (mut reached, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for (t, p) in (0..).zip(&seen.informed) {
        let round = answer.after(t).unwrap();
        close(round.share_informed * nodes as f64, mean(p), "mean after a round");
        close(round.per_node_miss * (nodes - 1) as f64, nodes as f64 - mean(p), "missed after a round");
        close(round.p_not_all, p[..nodes].iter().sum(), "P(not all) after a round");
        let first = p[nodes] - if t == 0 { 0.0 } else { seen.informed[t as usize - 1][nodes] };
        (reached, sum, squares) =
            (reached + first, sum + f64::from(t) * first, squares + f64::from(t * t) * first);
    }
    match answer.rounds_to_all_if_reached {
        None => assert!(reached < 1e-12, "{setting:?}"),
        Some(rounds) => {
            close(rounds.mean * reached, sum, "rounds to all");
            close((rounds.variance + rounds.mean * rounds.mean) * reached, squares, "their squares");
        }
    }
}

fn all_small_settings(mode: Mode, most_nodes: u64, check: impl Fn(Setting)) {
    for loss in [0.0, 0.3, 1.0] {
        for nodes in 2..=most_nodes {
            (0..=nodes).for_each(|fanout| check(setting(mode, nodes, fanout, None, loss)));
        }
    }
}

fn assert_every_round_enumerated(mode: Mode, most_nodes: u64, most_rounds: u32) {
    all_small_settings(mode, most_nodes, |setting| {
        for rounds in 0..=most_rounds {
            assert_enumerated(&Setting { rounds: Some(rounds), ..setting }, rounds);
        }
    });
}

#[test]
fn push_is_what_enumeration_says() {
    assert_every_round_enumerated(Mode::Push, 5, 3);
}

#[test]
fn pull_is_what_enumeration_says() {
    assert_every_round_enumerated(Mode::Pull, 4, 3);
    assert_enumerated(&setting(Mode::Pull, 5, 2, 2, 0.3), 2);
}

#[test]
fn push_pull_is_what_enumeration_says() {
    assert_every_round_enumerated(Mode::PushPull, 4, 3);
    assert_enumerated(&setting(Mode::PushPull, 5, 2, 2, 0.3), 2);
}

#[test]
fn push_once_is_what_enumeration_says() {
    for mode in [ONCE, LEFT_OUT] {
        assert_every_round_enumerated(mode, 5, 4);
        // A rumour that informs a node a round is silent one round after the last.
        all_small_settings(mode, 5, |setting| assert_enumerated(&setting, setting.nodes as u32));
    }
}

#[test]
fn limited_is_what_enumeration_says() {
    for copies in [0, 1, 2, 3, 5, 7] {
        assert_every_round_enumerated(Mode::Limited { copies }, 4, 4);
        all_small_settings(Mode::Limited { copies }, 4, |setting| {
            assert_enumerated(&setting, 4 * copies.max(1));
        });
    }
    assert_enumerated(&setting(Mode::Limited { copies: 3 }, 5, 2, 4, 0.3), 4);
}

#[test]
fn silence_comes_the_same_from_round_to_round_and_one_sender_at_a_time() {
    for (mode, loss) in [(ONCE, 0.1), (LEFT_OUT, 0.0), (Mode::Limited { copies: 5 }, 0.2)] {
        let (until, rounds) = (exact(mode, 30, 2, None, loss), exact(mode, 30, 2, 200, loss));
        let informed = until.informed.unwrap().into_iter().zip(rounds.informed.unwrap());
        let apart = informed.map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
        assert!(apart < 1e-12, "{mode:?}: {apart}");
        assert!((until.expected_messages - rounds.expected_messages).abs() < 1e-10);
        assert_eq!(until.rounds, rounds.rounds);
    }
}

#[test]
fn what_there_is_nobody_for_is_done_at_once() {
    for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 3 }] {
        for nodes in [0, 1] {
            let answer = exact(mode, nodes, 3, 5, 0.5);
            assert_eq!((answer.per_node_miss, answer.p_not_all, answer.expected_messages), (0.0, 0.0, 0.0));
            assert_eq!((answer.mean_informed, answer.rounds_to_all.unwrap().mean), (nodes as f64, 0.0));
            assert_eq!(answer.after(4).unwrap().share_informed, 1.0);
            assert_eq!(answer.informed.unwrap()[nodes as usize], 1.0);
        }
    }
}

#[test]
fn contacts_beyond_all_others_are_all_others() {
    for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 30 }] {
        let all = exact(mode, 20, 19, 4, 0.4);
        assert_eq!(exact(mode, 20, 20, 4, 0.4), all);
        assert_eq!(exact(mode, 20, u64::MAX, 4, 0.4), all);
        let sure = exact(mode, 20, 19, 1, 0.0);
        assert_eq!((sure.p_not_all, sure.per_node_miss), (0.0, 0.0), "{mode:?}");
        assert_eq!(sure.rounds_to_all_if_reached.unwrap().p99, 1);
    }
}

#[test]
fn no_contacts_or_nothing_but_loss_inform_nobody() {
    for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 3 }] {
        for (fanout, loss, rounds) in [(0, 0.0, 7), (3, 1.0, 7), (3, 0.0, 0), (3, 1.0, u32::MAX)] {
            let answer = exact(mode, 10, fanout, rounds, loss);
            assert_eq!((answer.per_node_miss, answer.p_not_all, answer.mean_informed), (1.0, 1.0, 1.0));
            assert_eq!(answer.rounds_to_all_if_reached, None);
            assert_eq!(answer.rounds_to_all.is_some(), rounds == 0 && fanout > 0 && answers_surely(mode));
        }
    }
    assert_eq!(exact(Mode::Push, 10, 3, u32::MAX, 1.0).expected_messages, 3.0 * f64::from(u32::MAX));
}

#[test]
fn copies_without_end_end() {
    let most = Mode::Limited { copies: u32::MAX };
    let told = exact(most, 10, 3, None, 0.5);
    assert!(told.p_not_all < 1e-15 && told.mean_informed > 9.99);
    assert!((told.expected_messages / 10.0 - f64::from(u32::MAX)).abs() < 1e-3);
    let lost = exact(most, 10, 3, None, 1.0);
    assert_eq!((lost.p_not_all, lost.expected_messages), (1.0, f64::from(u32::MAX)));
    assert_eq!(exact(most, 10, 3, 5, 1.0).expected_messages, 15.0);
}

fn answers_surely(mode: Mode) -> bool {
    matches!(mode, Mode::Push | Mode::Pull | Mode::PushPull)
}

#[test]
fn what_never_falls_silent_wants_a_number_of_rounds() {
    for mode in [Mode::Push, Mode::Pull, Mode::PushPull] {
        assert_eq!(answer(&setting(mode, 10, 3, None, 0.0)).err(), Some(NoAnswer::Endless));
    }
}

#[test]
fn what_costs_too_much_is_refused_not_guessed() {
    let refused =
        |setting: &Setting| assert_eq!(answer(setting).err(), Some(NoAnswer::TooLarge), "{setting:?}");
    for mode in [Mode::Push, ONCE, LEFT_OUT, Mode::Pull, Mode::PushPull, Mode::Limited { copies: 9 }] {
        refused(&setting(mode, 1_000_000_000_000, 3, 30, 0.1));
        refused(&setting(mode, u64::MAX, u64::MAX, u32::MAX, 0.1));
    }
    refused(&setting(ONCE, 5_000, 3, 10, 0.0));
    refused(&setting(Mode::Limited { copies: 90 }, 10_000, 3, 100, 0.0));
    let within = answer_within(&setting(Mode::Push, 1_000, 3, 10, 0.0), Work::new(100_000));
    assert_eq!(within.err(), Some(NoAnswer::TooLarge));
}

#[test]
fn settled_rounds_are_not_listed_yet_their_messages_count() {
    let (short, long) = (exact(Mode::Push, 25, 3, 100, 0.0), exact(Mode::Push, 25, 3, 1_000_000, 0.0));
    assert!(long.rounds.len() < 100);
    let more = long.expected_messages - short.expected_messages;
    assert!((more - 75.0 * 999_900.0).abs() < 1e-5, "{more}");
    assert_eq!(long.after(999_999).unwrap().p_not_all, 0.0);
}

#[test]
fn the_rounds_to_all_of_trials_are_those_of_all_runs_once_the_rounds_suffice() {
    for mode in [Mode::Push, Mode::Pull, Mode::PushPull] {
        let answer = exact(mode, 40, 2, 300, 0.2);
        let (all, reached) = (answer.rounds_to_all.unwrap(), answer.rounds_to_all_if_reached.unwrap());
        assert!((all.mean - reached.mean).abs() < 1e-12 && (all.variance - reached.variance).abs() < 1e-10);
        let quantile =
            |share: f64| (0..).find(|&t| answer.after(t).unwrap().p_not_all <= 1.0 - share).unwrap();
        assert_eq!((all.p50, all.p90, all.p99), (quantile(0.5), quantile(0.9), quantile(0.99)));
    }
}

#[test]
fn a_long_tail_is_followed_or_left_out() {
    // Each round one push that is lost but once in a thousand times: from 2 nodes on it is geometric.
    let rounds = exact(Mode::Push, 2, 1, 3, 0.999).rounds_to_all.unwrap();
    assert!((rounds.mean - 1_000.0).abs() < 1e-6 && (rounds.variance - 999_000.0).abs() < 1e-2, "{rounds:?}");
    assert_eq!((rounds.p50, rounds.p90, rounds.p99), (693, 2_302, 4_603));
    let endless = exact(Mode::Push, 1_000, 1, 3, 1.0 - 1e-9);
    assert_eq!(endless.rounds_to_all, None);
    assert!((endless.p_not_all - 1.0).abs() < 1e-15);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn masses_sum_to_1_within_the_bound(
        nodes in 2..120_u64, fanout in 0..12_u64, rounds in 0..12_u32, loss in 0.0..=1.0_f64, mode in modes(),
    ) {
        let Ok(answer) = answer_within(&setting(mode, nodes, fanout, rounds, loss), QUICK) else {
            prop_assert!(matches!(mode, Mode::Limited { copies: _ }), "only these have too many states");
            return Ok(());
        };
        let Method::Exact { error_bound } = answer.method else { panic!("{answer:?}") };
        prop_assert!(error_bound < 1e-9);
        let sum: f64 = answer.informed.iter().flatten().sum();
        prop_assert!((sum - 1.0).abs() < 1e-11, "{sum}");
        prop_assert!(answer.p_not_all <= 1.0 && answer.per_node_miss <= 1.0, "{answer:?}");
    }

    #[test]
    fn more_contacts_never_reach_fewer(
        nodes in 2..80_u64, fanout in 0..12_u64, rounds in 0..10_u32, loss in 0.0..=1.0_f64, mode in modes(),
    ) {
        let [fewer, more] = [fanout, fanout + 1]
            .map(|fanout| answer_within(&setting(mode, nodes, fanout, rounds, loss), QUICK));
        if let (Ok(fewer), Ok(more)) = (fewer, more) {
            prop_assert!(more.per_node_miss <= fewer.per_node_miss + 1e-12);
            prop_assert!(more.p_not_all <= fewer.p_not_all + 1e-12);
        }
    }

    #[test]
    fn push_lies_between_the_mean_field_and_the_formula(
        nodes in 2..200_u64, fanout in 0..15_u64, rounds in 0..10_u32, loss in 0.0..=1.0_f64,
    ) {
        let lossy = setting(Mode::Push, nodes, fanout, rounds, loss);
        let answer = answer(&lossy).unwrap();
        let least = approximate::mean_field(&lossy).unwrap();
        prop_assert!(least <= answer.per_node_miss * (1.0 + 1e-11) + 1e-18, "{least} {}", answer.per_node_miss);
        let lossless = exact(Mode::Push, nodes, fanout, rounds, 0.0).per_node_miss;
        let most = formula::miss(nodes, fanout, rounds);
        prop_assert!(lossless <= most * (1.0 + 1e-11) + 1e-18, "{lossless} {most}");
    }

    /// Read backwards in time, a rumour that is pulled is one that is pushed: a node hears of the source as likely as it
    /// would tell it. Both legs of a pull must pass.
    #[test]
    fn a_node_is_missed_by_pull_as_by_push(
        nodes in 2..80_u64, fanout in 0..8_u64, rounds in 0..10_u32, loss in 0.0..=1.0_f64,
    ) {
        let pull = exact(Mode::Pull, nodes, fanout, rounds, loss).per_node_miss;
        let push = exact(Mode::Push, nodes, fanout, rounds, loss * (2.0 - loss)).per_node_miss;
        prop_assert!((pull - push).abs() < 1e-10 * push + 1e-18, "{pull} {push}");
    }
}

fn modes() -> impl Strategy<Value = Mode> {
    let copies = 0..12_u32;
    prop_oneof![
        Just(Mode::Push),
        Just(ONCE),
        Just(LEFT_OUT),
        Just(Mode::Pull),
        Just(Mode::PushPull),
        copies.prop_map(|copies| Mode::Limited { copies }),
    ]
}
