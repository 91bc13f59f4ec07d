//! Two nodes, each wired to the other: they gossip, mend what was lost, and never talk for ever.

use std::collections::VecDeque;

use rumormill::protocol::gossip::{Config, Gossip};
use rumormill::stdio::{LONGEST_LINE, Stdio};
use rumormill::time::{Span, Time};

use super::{READ, Sent, say, take};

/// `n1` and `n2`, each wired to the other. What goes to anyone else is kept.
struct Wired {
    hosts: [Stdio<Gossip>; 2],
    now: Time,
    /// Lines, and the longest of them.
    carried: usize,
    longest: usize,
}

impl Wired {
    fn new(config: &Config) -> Wired {
        let mut wired = Wired {
            hosts: [1, 2].map(|seed| Stdio::new(config.clone(), seed)),
            now: Time::ZERO,
            carried: 0,
            longest: 0,
        };
        for name in ["n1", "n2"] {
            let init = format!(
                r#"{{"src": "c0", "dest": "{name}", "body": {{"type": "init", "msg_id": 1, "node_id": "{name}", "node_ids": ["n1", "n2"]}}}}"#
            );
            assert_eq!(wired.carry(init, |_| false).len(), 1);
        }
        wired
    }

    /// Carries a line and all that comes of it, but for what is lost; gives what clients hear.
    fn carry(&mut self, line: String, lost: impl Fn(&Sent) -> bool) -> Vec<Sent> {
        let (mut heard, mut on_the_way) = (Vec::new(), VecDeque::new());
        let to = usize::from(line.contains(r#""dest": "n2""#));
        on_the_way.push_back((to, line));
        while let Some((to, line)) = on_the_way.pop_front() {
            for sent in say(&mut self.hosts[to], &line, self.now) {
                match &*sent.dest {
                    "n1" | "n2" if lost(&sent) => {}
                    "n1" => on_the_way.push_back((0, sent.line)),
                    "n2" => on_the_way.push_back((1, sent.line)),
                    _ => heard.push(sent),
                }
            }
            self.carried += 1;
            self.longest = self.longest.max(line.len());
            assert!(self.carried < 10_000, "two nodes talk for ever");
        }
        heard
    }

    /// Lets time pass to the next timer, and carries what it brings.
    fn tick(&mut self) {
        self.now = self.hosts.iter().filter_map(Stdio::next_timer).min().expect("a timer is set");
        for at in 0..2 {
            self.hosts[at].fire(self.now);
            for sent in take(&mut self.hosts[at]) {
                assert_eq!(self.carry(sent.line, |_| false), [], "no client asked");
            }
        }
    }

    fn ask(&mut self, name: &str, body: &str) -> String {
        self.ask_while(name, body, |_| false)
    }

    fn ask_while(&mut self, name: &str, body: &str, lost: impl Fn(&Sent) -> bool) -> String {
        let mut heard = self.carry(format!(r#"{{"src": "c1", "dest": "{name}", "body": {body}}}"#), lost);
        assert_eq!(heard.len(), 1, "one answer to one question");
        heard.remove(0).said
    }
}

#[test]
fn two_served_nodes_gossip_and_mend_what_was_lost() {
    let mut wired = Wired::new(&Config::default());
    wired.ask("n1", r#"{"type": "broadcast", "message": "told", "msg_id": 2}"#);
    assert_eq!(wired.ask("n2", READ), r#"{"type": "read_ok", "messages": ["told"], "in_reply_to": 9"#);

    wired.ask_while("n1", r#"{"type": "broadcast", "message": {"a": 1e400}, "msg_id": 3}"#, |sent| {
        sent.tag == "rumor"
    });
    wired.ask_while("n2", r#"{"type": "broadcast", "message": null, "msg_id": 3}"#, |sent| {
        sent.tag == "rumor"
    });
    assert_eq!(wired.ask("n2", READ), r#"{"type": "read_ok", "messages": ["told", null], "in_reply_to": 9"#);
    while wired.now < Time::ZERO + Span::from_secs(1) {
        wired.tick();
    }
    assert_eq!(
        wired.ask("n1", READ),
        r#"{"type": "read_ok", "messages": ["told", {"a": 1e400}, null], "in_reply_to": 9"#
    );
    assert_eq!(
        wired.ask("n2", READ),
        r#"{"type": "read_ok", "messages": ["told", null, {"a": 1e400}], "in_reply_to": 9"#
    );
    let carried = wired.carried;
    (0..10).for_each(|_| wired.tick());
    assert_eq!(wired.carried - carried, 10, "equal nodes have nothing to say but their sums");
}

#[test]
fn errors_between_nodes_die_out() {
    for body in [
        r#"{"type": "no such type", "msg_id": 1}"#,
        r#"{"type": "error", "msg_id": 1, "code": 10, "text": "?"}"#,
        r#"{"type": "error", "msg_id": 1}"#,
        r#"{"type": "read_ok", "messages": [], "msg_id": 1, "in_reply_to": 1}"#,
        r#"{"type": "read_ok", "messages": [], "msg_id": 1}"#,
        r#"{"type": "rumor", "msg_id": 1}"#,
        r#"{"type": "rumor", "msg_id": 1, "in_reply_to": null}"#,
        r#"{"type": "init", "msg_id": 1}"#,
        r#"{"type": "read", "msg_id": 1}"#,
        r#"{"type": "differ", "of": 1, "buckets": [0], "have": [7, 8], "msg_id": 1}"#,
        r#"{"type": "digest", "sums": [7], "msg_id": 1}"#,
        r#"{"msg_id": 1}"#,
    ] {
        let mut wired = Wired::new(&Config { anti_entropy: None, ..Config::default() });
        wired.ask("n1", r#"{"type": "broadcast", "message": 1, "msg_id": 2}"#);
        let carried = wired.carried;
        for (src, dest) in [("n2", "n1"), ("n1", "n2")] {
            let line = format!(r#"{{"src": "{src}", "dest": "{dest}", "body": {body}}}"#);
            assert_eq!(wired.carry(line, |_| false), [], "{body}");
        }
        assert!(wired.carried - carried <= 2 * 4, "{body} makes {} lines", wired.carried - carried);
    }
}

/// A line longer than that is skipped, so a difference that fills more must go in several.
#[test]
fn what_one_node_tells_another_can_be_read_there() {
    let mut wired = Wired::new(&Config { fanout: 0, ..Config::default() });
    for number in 0..3 {
        let value = format!("\"{number}{}\"", "x".repeat(LONGEST_LINE / 2));
        wired.ask("n1", &format!(r#"{{"type": "broadcast", "message": {value}, "msg_id": 2}}"#));
    }
    wired.ask("n2", READ);
    (0..20).for_each(|_| wired.tick());
    assert!(wired.longest <= LONGEST_LINE, "a line of {} bytes", wired.longest);
    assert_eq!(wired.ask("n1", READ), wired.ask("n2", READ));
}
