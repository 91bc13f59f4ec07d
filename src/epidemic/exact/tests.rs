//! The exact answers beside published values, beside the enumeration of everything that can happen, and at the edges.

use super::*;
use crate::ratio::Chance;

const ONCE: Mode = Mode::PushOnce(Sender::Drawn);

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
    // (got with fractions of whole numbers)
    assert!((1.0 - two.p_not_all - 0.020_267_999_183_441_98).abs() < 1e-13);
    assert_eq!(two.expected_messages, 2.0 * two.mean_informed);
}
