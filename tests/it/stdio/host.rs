//! What the host does for any node, seen through one that only shows what it is given: numbers for names, neighbours,
//! a held start, timers, and calls that are answered late or never.

use rumormill::id::NodeId;
use rumormill::node::{Call, Context, ErrorCode, Node};
use rumormill::protocol::gossip::Gossip;
use rumormill::stdio::Stdio;
use rumormill::time::{Span, Time};
use serde::{Deserialize, Serialize};

use super::{INIT, READ, Sent, from_c1, line, say, take};

/// Says hello when it starts, and what it sees when it is asked.
#[derive(Debug)]
struct Mirror {
    waiting: Vec<Call>,
    heard: Vec<NodeId>,
}

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Request {
    Look,
    /// Answered when the timer fires.
    Wait,
    GiveUp,
    /// Never answered.
    Forget,
    Refuse,
}

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Response {
    Seen { me: NodeId, neighbours: Vec<NodeId>, heard: Vec<NodeId> },
    Waited,
}

#[derive(Clone, Debug, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Message {
    Hello,
    Known { nodes: Vec<NodeId> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Timer {
    Alarm,
}

impl Node for Mirror {
    type Config = ();
    type Request = Request;
    type Response = Response;
    type Event = ();
    type Message = Message;
    type Timer = Timer;
    type Durable = ();

    fn start((): &(), (): (), ctx: &mut Context<'_, Mirror>) -> Mirror {
        for peer in ctx.neighbours().iter() {
            ctx.send(peer, Message::Hello);
        }
        Mirror { waiting: Vec::new(), heard: Vec::new() }
    }

    fn on_request(&mut self, request: Request, call: Call, ctx: &mut Context<'_, Mirror>) {
        match request {
            Request::Look => {
                let neighbours = ctx.neighbours().iter().collect();
                let seen = Response::Seen { me: ctx.me(), neighbours, heard: self.heard.clone() };
                // A host lets clients hear before the peers.
                ctx.neighbours().iter().for_each(|peer| ctx.send(peer, Message::Hello));
                ctx.reply(call, seen);
            }
            Request::Wait => {
                self.waiting.push(call);
                ctx.set_timer(Timer::Alarm, Span::from_secs(1));
            }
            Request::GiveUp => {
                self.waiting.clear();
                ctx.cancel_timer(Timer::Alarm);
                ctx.reply(call, Response::Waited);
            }
            Request::Forget => drop(call),
            Request::Refuse => ctx.reject(call, ErrorCode::Abort, "no"),
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, _: &mut Context<'_, Mirror>) {
        self.heard.push(from);
        match message {
            Message::Hello => {}
            Message::Known { nodes } => self.heard.extend(nodes),
        }
    }

    fn on_timer(&mut self, _: Timer, ctx: &mut Context<'_, Mirror>) {
        self.waiting.drain(..).for_each(|call| ctx.reply(call, Response::Waited));
    }

    fn durable(&self) -> &() {
        &()
    }
}

fn mirror() -> Stdio<Mirror> {
    let mut host = Stdio::new((), 7);
    assert_eq!(say(&mut host, INIT, Time::ZERO).len(), 1, "start is held");
    host
}

fn ask(host: &mut Stdio<Mirror>, tag: &str, now: Time) -> Vec<String> {
    said(say(host, from_c1(&format!(r#"{{"type": "{tag}", "msg_id": 5}}"#)), now))
}

fn said(sent: Vec<Sent>) -> Vec<String> {
    sent.into_iter().map(|sent| format!("{} {}", sent.dest, sent.said)).collect()
}

const HELLO: &str = r#"{"type": "hello""#;

#[test]
fn what_start_asks_for_comes_first_and_clients_hear_before_peers() {
    let mut host = mirror();
    let hello = [format!("n2 {HELLO}"), format!("n3 {HELLO}")];
    let seen =
        r#"c1 {"type": "seen", "me": 0, "neighbours": [1, 2], "heard": [], "in_reply_to": 5"#.to_owned();
    assert_eq!(
        ask(&mut host, "look", Time::ZERO),
        [&hello[..], std::slice::from_ref(&seen), &hello[..]].concat()
    );
    assert_eq!(ask(&mut host, "look", Time::ZERO), [&[seen], &hello[..]].concat());
}

#[test]
fn a_topology_is_answered_before_it_lets_start_go_and_gives_each_neighbour_once() {
    let mut host = mirror();
    let topology =
        |mine| from_c1(&format!(r#"{{"type": "topology", "msg_id": 1, "topology": {{"n1": {mine}}}}}"#));
    let out = said(say(&mut host, topology(r#"["n3", "n1", "n3", "n2"]"#), Time::ZERO));
    let ok = r#"c1 {"type": "topology_ok", "in_reply_to": 1"#;
    assert_eq!(out, [ok, &format!("n2 {HELLO}"), &format!("n3 {HELLO}")]);
    for (mine, numbers) in [(r#"["n3"]"#, "[2]"), ("[]", "[]"), (r#"["n3", "n1", "n3", "n2"]"#, "[1, 2]")] {
        say(&mut host, topology(mine), Time::ZERO);
        say(&mut host, topology(r#"["n2", "n4"]"#), Time::ZERO);
        let seen = ask(&mut host, "look", Time::ZERO).remove(0);
        assert!(seen.contains(&format!(r#""neighbours": {numbers}"#)), "{seen}");
    }
}

#[test]
fn names_are_numbered_by_length_then_bytes() {
    for node_ids in [r#"["n10", "n2", "m3", "n1"]"#, r#"["n1", "n2", "n10", "m3"]"#] {
        for (name, number) in [("m3", 0), ("n1", 1), ("n2", 2), ("n10", 3)] {
            let mut host = Stdio::<Mirror>::new((), 7);
            let init = format!(r#"{{"type": "init", "node_id": "{name}", "node_ids": {node_ids}}}"#);
            assert_eq!(say(&mut host, from_c1(&init), Time::ZERO), [], "no msg_id, no answer");
            let seen = ask(&mut host, "look", Time::ZERO).into_iter().find(|line| line.starts_with("c1"));
            assert!(
                seen.expect("it answers").contains(&format!(r#""me": {number},"#)),
                "{name} of {node_ids}"
            );
        }
    }
}

#[test]
fn a_message_that_names_a_node_that_is_not_there_is_malformed() {
    let mut host = mirror();
    let known = |nodes| line("n3", &format!(r#"{{"type": "known", "msg_id": 1, "nodes": {nodes}}}"#));
    for nodes in ["[3]", "[0, 3, 1]", "[4294967295]", "[4294967296]", "[-1]"] {
        assert_eq!(say(&mut host, known(nodes), Time::ZERO)[0].code(), Some(12), "{nodes}");
    }
    say(&mut host, known("[0, 2]"), Time::ZERO);
    assert!(ask(&mut host, "look", Time::ZERO)[0].contains(r#""heard": [2, 0, 2]"#));
}

#[test]
fn a_timer_fires_once_when_it_was_last_set_to() {
    let seconds = |seconds| Time::ZERO + Span::from_secs(seconds);
    let mut host = mirror();
    take(&mut host);
    ask(&mut host, "wait", seconds(10));
    assert_eq!(host.next_timer(), Some(seconds(11)));
    host.fire(Time::from_nanos(10_999_999_999));
    assert_eq!(take(&mut host), []);
    assert_eq!(ask(&mut host, "wait", Time::from_nanos(10_999_999_999)), [""; 0]);
    host.fire(seconds(11));
    assert_eq!(take(&mut host), [], "it has moved");
    host.fire(seconds(12));
    let answers: Vec<_> = take(&mut host).iter().map(|sent| sent.in_reply_to).collect();
    assert_eq!((answers, host.next_timer()), (vec![Some(5), Some(5)], None));

    ask(&mut host, "wait", seconds(20));
    assert_eq!(ask(&mut host, "give_up", seconds(20)).len(), 1);
    assert_eq!(host.next_timer(), None);
    host.fire(seconds(60));
    assert_eq!(take(&mut host), []);
}

#[test]
fn a_timer_that_is_set_again_and_again_does_not_drift_and_makes_up_for_nothing() {
    let config = serde_json::from_str(r#"{"anti_entropy": "100ms"}"#).unwrap();
    let mut host = Stdio::<Gossip>::new(config, 7);
    say(&mut host, INIT, Time::ZERO);
    say(&mut host, from_c1(READ), Time::ZERO);
    let period = Span::from_millis(100);
    let mut due = host.next_timer().expect("it compares notes");
    for late in [0, 3, 99] {
        host.fire(due + Span::from_millis(late));
        assert_eq!(host.next_timer(), Some(due + period), "{late} ms late");
        due = due + period;
    }
    for late in [100, 5_000] {
        let now = due + Span::from_millis(late);
        host.fire(now);
        assert_eq!(host.next_timer(), Some(now + period), "{late} ms late");
        due = now + period;
    }
}

#[test]
fn a_refusal_is_an_error_and_a_dropped_call_is_silence() {
    let mut host = mirror();
    ask(&mut host, "look", Time::ZERO);
    let refusal = r#"c1 {"type": "error", "code": 14, "text": "no", "in_reply_to": 5"#;
    assert_eq!(ask(&mut host, "refuse", Time::ZERO), [refusal]);
    assert_eq!(ask(&mut host, "forget", Time::ZERO), [""; 0]);
}
