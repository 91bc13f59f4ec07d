//! The bridge between the two halves: a simulated cluster of gossip nodes spreads a rumour as the mathematics says.
//!
//! With one constant latency, no loss and no repair, gossip is push-once that never pushes back to the sender. Held
//! together by a chi-square over the final number of informed nodes.

use rumormill::epidemic::{Mode, Sender, Setting, answer, monte_carlo};
use rumormill::id::{ClientId, NodeId};
use rumormill::node::Node;
use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::ratio::Chance;
use rumormill::sim::network::{Latency, NetworkConfig};
use rumormill::sim::{Observer, Record, Setup, Sim};
use rumormill::time::{Span, Time};
use rumormill::value::Value;
use rumormill::workload::broadcast::{Event, Request};
use rumormill::workload::{Effects, Operation, Phase};

const NODES: u32 = 25;
const SEEDS: u64 = 20_000;

/// Counts the nodes that have the rumour, and when the last one got it.
#[derive(Default)]
struct Informed {
    count: usize,
    last: Time,
}

impl<N: Node<Event = Event>> Observer<N> for Informed {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        if let Record::Event(_, Event::Delivered { .. }) = record {
            self.count += 1;
            self.last = at;
        }
    }
}

fn rumour(seed: u64, fanout: u32, loss: f64) -> Informed {
    let broadcast = Operation {
        at: Time::ZERO,
        client: ClientId(0),
        node: NodeId(0),
        request: Request::Broadcast { message: Value::from(1) },
        effect: Effects::Changes,
        phase: Phase::Storm,
    };
    let setup = Setup::<Gossip> {
        network: NetworkConfig {
            latency: Latency::Constant(Span::from_millis(100)),
            loss: Chance::new(loss).unwrap(),
            ..NetworkConfig::default()
        },
        operations: vec![broadcast],
        end: Time::ZERO + Span::from_secs(60),
        ..Setup::new(seed, NODES, Config { fanout, anti_entropy: None })
    };
    let mut informed = Informed::default();
    Sim::new(setup, &mut informed).run();
    informed
}

/// By how many standard deviations the chi-square of the counts lies above its mean. Rare counts share a cell.
fn sigmas(counts: &[u64], expected: &[f64]) -> f64 {
    let total: u64 = counts.iter().sum();
    let (mut chi_square, mut cells, mut rare) = (0.0, 0.0, (0.0, 0.0));
    let mut add = |count: f64, expected: f64| {
        chi_square += (count - expected) * (count - expected) / expected;
        cells += 1.0;
    };
    for (count, share) in counts.iter().zip(expected) {
        let expected = share * total as f64;
        match expected < 10.0 {
            true => rare = (rare.0 + *count as f64, rare.1 + expected),
            false => add(*count as f64, expected),
        }
    }
    if rare.1 > 0.5 {
        add(rare.0, rare.1);
    }
    let freedom = cells - 1.0;
    (chi_square - freedom) / (2.0_f64 * freedom).sqrt()
}

fn setting(fanout: u32, loss: f64, sender: Sender) -> Setting {
    let loss = Chance::new(loss).unwrap();
    let nodes = u64::from(NODES);
    Setting { nodes, fanout: fanout.into(), rounds: None, loss, mode: Mode::PushOnce(sender) }
}

#[test]
fn the_simulator_is_push_once_that_leaves_out_the_sender() {
    for (fanout, loss) in [(1, 0.0), (2, 0.0), (3, 0.1)] {
        let mut counts = vec![0_u64; NODES as usize + 1];
        let (mut rounds, mut reached) = (0, 0_u64);
        for seed in 0..SEEDS {
            let informed = rumour(seed, fanout, loss);
            counts[informed.count] += 1;
            if informed.count == NODES as usize {
                reached += 1;
                rounds += informed.last.as_nanos() / Span::from_millis(100).as_nanos();
            }
        }
        let truth = answer(&setting(fanout, loss, Sender::LeftOut)).unwrap();
        let off = sigmas(&counts, truth.informed.as_ref().unwrap());
        assert!(
            off.abs() < 4.5,
            "fanout {fanout}, loss {loss}: {off:.1} standard deviations off: {counts:?}"
        );
        // The test can fail: a node that may push back is told from one that may not.
        let other = answer(&setting(fanout, loss, Sender::Drawn)).unwrap();
        let off = sigmas(&counts, other.informed.as_ref().unwrap());
        assert!(off > 20.0, "fanout {fanout}, loss {loss}: only {off:.1} standard deviations off");
        if let (Some(to_all), 30..) = (&truth.rounds_to_all_if_reached, reached) {
            let off =
                (rounds as f64 / reached as f64 - to_all.mean) / (to_all.variance / reached as f64).sqrt();
            assert!(
                off.abs() < 4.5,
                "fanout {fanout}, loss {loss}: rounds to all {off:.1} standard errors off"
            );
        }
    }
}

#[test]
fn trials_agree_with_the_exact_answers() {
    let modes = [
        Mode::Push,
        Mode::PushOnce(Sender::Drawn),
        Mode::PushOnce(Sender::LeftOut),
        Mode::Pull,
        Mode::PushPull,
        Mode::Limited { copies: 5 },
    ];
    let sizes = [
        (10, 2, 3, 0.0),
        (25, 3, 4, 0.0),
        (25, 2, 6, 0.1),
        (60, 1, 9, 0.05),
        (40, 7, 3, 0.5),
        (16, 15, 2, 0.3),
    ];
    let (mut compared, mut largest) = (0, 0.0_f64);
    for mode in modes {
        for (at, (nodes, fanout, rounds, loss)) in sizes.into_iter().enumerate() {
            let silent = at % 2 == 0 && matches!(mode, Mode::PushOnce(_) | Mode::Limited { .. });
            let rounds = (!silent).then_some(rounds);
            let setting = Setting { nodes, fanout, rounds, loss: Chance::new(loss).unwrap(), mode };
            let Ok(truth) = answer(&setting) else { continue };
            let played = monte_carlo::trials(&setting, 20_000, 7).unwrap();
            let to_all = played.rounds_to_all.as_ref().zip(truth.rounds_to_all_if_reached.as_ref());
            let all = [
                played.delivery_rate.z(1.0 - truth.per_node_miss),
                played.atomic_rate.z(1.0 - truth.p_not_all),
                played.informed.z(truth.mean_informed),
                played.messages.z(truth.expected_messages),
                // Few trials that reached all have no bell curve.
                to_all
                    .filter(|_| played.trials_reached_all > 100)
                    .and_then(|(played, truth)| played.mean.z(truth.mean)),
            ];
            for z in all.into_iter().flatten() {
                assert!(z.abs() < 4.5, "{setting:?}: {all:?}");
                largest = largest.max(z.abs());
            }
            compared += 1;
        }
    }
    assert!(compared >= 30 && largest > 1.0, "{compared} settings, at most {largest} standard errors off");
}
