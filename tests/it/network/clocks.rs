//! Skewed clocks: what they show, when timers fire by them, and which skew wins.

use super::*;

#[test]
fn a_skewed_clock_shows_its_offset_and_runs_at_its_rate_from_when_the_fault_begins() {
    Case::of(2)
        .fault("10s..20s", json!({ "skew": { "nodes": ["n0"], "offset": "-2s", "rate": 1.5 } }))
        .asks("9s n0 clock; 10s n0 clock; 14s n0 clock; 14s n1 clock; 20s n0 clock")
        .run()
        .shows(
            "answer begin end",
            "9.000s answer c0<n0 9000
             10.000s begin 0
             10.000s answer c1<n0 8000    # ten less two
             14.000s answer c2<n0 14000   # and four seconds at one and a half
             14.000s answer c3<n1 14000   # nobody else's is wrong
             20.000s end 0
             20.000s answer c4<n0 20000   # it is put right",
        );
}

#[test]
fn a_timer_runs_at_the_rate_that_its_clock_had_when_it_was_set() {
    Case::of(1)
        .fault("10s..12s", json!({ "skew": { "nodes": ["n0"], "rate": 2 } }))
        .asks("9s n0 set t1 4s; 10s n0 set t2 6s; 11s n0 set t3 1s; 12s n0 set t4 3s")
        .run()
        .shows("timer", "11.500s timer n0 t3\n13.000s timer n0 t1\n13.000s timer n0 t2\n15.000s timer n0 t4");
}

#[test]
fn of_two_skews_the_later_in_the_file_holds() {
    Case::of(1)
        .fault("1s..9s", json!({ "skew": { "nodes": ["n0"], "offset": "100s" } }))
        .fault("2s..3s", json!({ "skew": { "nodes": ["n0"], "offset": "500s" } }))
        .asks("2500ms n0 clock; 4s n0 clock")
        .run()
        .shows("answer", "2.500s answer c0<n0 502500\n4.000s answer c1<n0 104000");
}

#[test]
fn no_clock_goes_before_the_beginning_or_shows_it_again() {
    struct Sundial;
    impl Node for Sundial {
        type Config = ();
        type Request = ();
        type Response = Time;
        type Event = ();
        type Message = ();
        type Timer = ();
        type Durable = ();
        fn start((): &(), (): (), _: &mut Context<'_, Sundial>) -> Sundial {
            Sundial
        }
        fn on_request(&mut self, (): (), call: Call, ctx: &mut Context<'_, Sundial>) {
            ctx.reply(call, ctx.now());
        }
        fn on_message(&mut self, _: NodeId, (): (), _: &mut Context<'_, Sundial>) {}
        fn on_timer(&mut self, (): (), _: &mut Context<'_, Sundial>) {}
        fn durable(&self) -> &() {
            &()
        }
    }
    let ask = |at: Time| Operation {
        at,
        client: ClientId(0),
        node: NodeId(0),
        request: (),
        effect: Effects::Reads,
        phase: Phase::Storm,
    };
    let setup = Setup {
        faults: vec![fault("0s..", json!({ "skew": { "nodes": ["n0"], "offset": "-1h" } }))],
        operations: vec![ask(Time::ZERO), ask(read("3s"))],
        storm_end: read("9s"),
        ..Setup::<Sundial>::new(1, 1, ())
    };
    let mut sim = Sim::new(setup, ());
    assert_eq!(sim.run(), Stop::Done);
    let shown: Vec<&Outcome<Time>> = sim.history().iter().map(|entry| &entry.outcome).collect();
    assert_eq!(shown, [&Outcome::Ok(Time::ZERO), &Outcome::Ok(Time::from_nanos(1))]);
}

#[test]
fn a_skew_leaves_every_draw_alone() {
    let lossy = json!({ "latency": { "uniform": { "min": "1ms", "max": "90ms" } }, "loss": 0.2 });
    let case = || Case::of(4).network(lossy.clone()).traffic();
    let skew = json!({ "skew": { "nodes": ["n0..n3"], "offset": "3s", "rate": 0.5 } });
    assert_eq!(
        case().run().of("deliver drop"),
        case().fault("2s..5s", skew).run().of("deliver drop"),
        "a clock decides nothing of the network"
    );
}
