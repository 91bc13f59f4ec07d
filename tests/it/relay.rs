//! Relay meets the goals of efficient broadcast that it was made for: 25 nodes, rate 100, latency 100 ms, 20 s.
//!
//! RUMORMILL_SEEDS=200 looks at more seeds. Storms are for `survive` and `convergence`, which walk the registry.

use rumormill::protocol::relay::Relay;
use rumormill::workload::broadcast::Broadcast;
use rumormill::workload::{Metric, Verdict};

use crate::support::run_text;

fn seeds() -> u64 {
    std::env::var("RUMORMILL_SEEDS").map_or(20, |seeds| seeds.parse().expect("RUMORMILL_SEEDS is a number"))
}

/// Messages per operation in the mean of the seeds, and the greatest median and maximum of stable latency in ms.
fn figures(profile: &str, period: u64) -> (f64, u64, u64) {
    let (mut messages, mut median, mut most) = (0.0, 0, 0);
    for seed in 0..seeds() {
        let summary = run_text::<Broadcast, Relay>(&format!(
            r#"{{ "name": "goal", "seed": {seed}, "nodes": 25, "protocol": {{ "relay": {{ "period": "{period}ms" }} }},
                  "network": {{ "latency": {{ "constant": "100ms" }} }}, "profile": "{profile}",
                  "workload": {{ "broadcast": {{ "rate": 100, "time_limit": "20s", "workers": "rotating" }} }} }}"#
        ));
        assert_eq!(summary.verdict, Verdict::Pass, "{profile}, {period} ms, seed {seed}");
        let Some(Metric::Number(number)) = summary.metric("msgs_per_op") else {
            panic!("messages are counted")
        };
        messages += number;
        let millis = |name| match summary.metric(name) {
            Some(Metric::Span(span)) => span.as_millis(),
            _ => panic!("values were stable"),
        };
        median = median.max(millis("stable_latency_p50"));
        most = most.max(millis("stable_latency_max"));
    }
    (messages / seeds() as f64, median, most)
}

#[test]
fn a_message_for_each_operation_makes_values_known_in_six_tenths_of_a_second() {
    for (profile, period, messages, median, most) in [
        ("maelstrom", 440, 1.0, 320, 590),
        ("maelstrom", 1_700, 0.34, 1_000, 1_900),
        ("ideal", 360, 1.1, 400, 600),
        ("ideal", 1_550, 0.36, 1_000, 1_900),
    ] {
        let found = figures(profile, period);
        assert!(
            found.0 <= messages && found.1 < median && found.2 < most,
            "{profile}, {period} ms: {found:?}"
        );
    }
}
