//! The profile "maelstrom": one deliverer a node holds what it has taken, and what else comes waits behind it.

use rumormill::sim::network::Profile;

use super::*;

fn maelstrom(nodes: u32, latency: &str) -> Case {
    Case::of(nodes).latency(latency).with(|setup| setup.profile = Profile::Maelstrom)
}

#[test]
fn a_request_waits_behind_the_message_that_is_held() {
    let asks = "1s n1>n0 m1; 1050ms n0 count; 1060ms n1 count; 1200ms n0 count";
    maelstrom(2, "100ms").asks(asks).run().shows(
        "deliver serve@n0 serve@n1",
        "1.000s serve c0>n1
         1.060s serve c2>n1      # nothing is under way to n1
         1.100s deliver n1>n0 m1
         1.100s serve c1>n0      # asked at 1.050, behind m1
         1.200s serve c3>n0",
    );
    let ideal = Case::of(2).latency("100ms").asks(asks).run();
    assert_eq!(ideal.of("serve@n0")[0], "1.050s serve c1>n0", "in the ideal profile nobody waits");
}

#[test]
fn what_waits_is_taken_in_order_of_deadlines_and_nothing_preempts_what_is_held() {
    let slow = json!({ "link": { "from": ["n1"], "latency": { "constant": "300ms" } } });
    maelstrom(4, "100ms")
        .fault("0s..", slow)
        .asks("1s n1>n0 m1; 1010ms n2>n0 m2; 1020ms n3>n0 m3; 1030ms n2>n0 m4; 1040ms n0 count")
        .run()
        .shows(
            "deliver serve@n0",
            "1.300s deliver n1>n0 m1   # taken first, held although m2 was due at 1.110
             1.300s serve c4>n0        # its deadline was 1.040
             1.300s deliver n2>n0 m2
             1.300s deliver n3>n0 m3
             1.300s deliver n2>n0 m4",
        );
}

#[test]
fn a_cut_is_judged_when_the_message_is_taken_and_not_when_it_is_due() {
    maelstrom(3, "100ms")
        .fault("2s..3s", json!({ "cut": { "from": ["n1", "n2"], "to": ["n0"] } }))
        .asks("1950ms n1>n0 m1; 1960ms n2>n0 m2; 2950ms n1>n0 m3; 2990ms n0 count; 3s n1>n0 m4")
        .run()
        .shows(
            "deliver drop serve@n0 begin end",
            "2.000s begin 0
             2.050s deliver n1>n0 m1    # it was held when the cut began
             2.050s drop n2>n0 m2 cut 0 # it was taken off during the cut
             2.950s drop n1>n0 m3 cut 0 # though it was due after the heal
             2.990s serve c3>n0         # clients are never cut off
             3.000s end 0
             3.100s deliver n1>n0 m4",
        );
}

#[test]
fn latencies_are_whole_milliseconds_and_requests_are_handed_over_at_once() {
    maelstrom(2, "100.9ms").asks("1.0000005s n1>n0 m1; 2.0000005s n0 count").run().shows(
        "deliver serve@n0",
        "1.100000500s deliver n1>n0 m1
         2.000000500s serve c1>n0",
    );
}

#[test]
fn what_is_held_for_a_host_that_is_down_or_paused_meets_it_when_it_is_due() {
    maelstrom(3, "100ms")
        .fault("1050ms..2s", json!({ "crash": ["n0"] }))
        .fault("1050ms..3s", json!({ "pause": ["n2"] }))
        .asks("1s n1>n0 m1; 1s n1>n2 m2; 1950ms n1>n0 m3")
        .run()
        .shows(
            "deliver drop",
            "1.100s drop n1>n0 m1 down
             2.050s deliver n1>n0 m3
             3.000s deliver n1>n2 m2",
        );
}

#[test]
fn loss_and_duplicates_are_drawn_before_the_queue() {
    let network = json!({ "latency": { "constant": "10ms" }, "loss": 0.3, "duplicate": 0.3 });
    let case = || Case::of(3).network(network.clone()).traffic();
    let ideal = case().run();
    let held = case().with(|setup| setup.profile = Profile::Maelstrom).run();
    let Counters { lost, duplicated, sent, .. } = held.counters;
    assert!(lost > 0 && duplicated > 0);
    assert_eq!(
        (lost, duplicated, sent),
        (ideal.counters.lost, ideal.counters.duplicated, ideal.counters.sent)
    );
    assert_eq!(held.counters.delivered, sent - lost + duplicated, "nothing stays in a queue");
}
