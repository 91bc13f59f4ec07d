//! The stories of lost values: who asked for one, whom it reached, and which hops failed, and why.
//!
//! It knows no protocol: a message tells of a value if its hash shows it ([`mentions`]).

use crate::id::{ClientId, Members, NodeId, few};
use crate::node::Node;
use crate::run::words::seconds;
use crate::sim::fault::Fault;
use crate::sim::{Observer, Passage, Record, Why};
use crate::time::Time;
use crate::value::{Value, mentions};

/// Failed hops shown of each story.
const MOST_HOPS: usize = 3;

/// Follows values through a run.
#[derive(Debug)]
pub(crate) struct Stories<'a>(Vec<Story<'a>>);

/// One value's way.
#[derive(Debug)]
struct Story<'a> {
    value: &'a Value,
    members: &'a Members,
    /// When the final reads begin.
    end: Time,
    asked: Option<(ClientId, NodeId, Time)>,
    /// When each node first came to know it.
    reached: Vec<Option<Time>>,
    /// Which nodes know it, or have it on their disks.
    holds: Vec<bool>,
    /// The last message with it that each node missed.
    missed: Vec<Option<(Passage, Why, Time)>>,
    /// When each node last fell while it had it, and whether its disk was lost, too.
    fell: Vec<Option<(Time, Disk)>>,
    /// Whether each node's final read lacks it.
    lacking: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disk {
    Kept,
    Lost,
}

impl<'a> Stories<'a> {
    pub(crate) fn new(values: &'a [Value], members: &'a Members, end: Time) -> Stories<'a> {
        let count = members.count() as usize;
        let story = |value| Story {
            value,
            members,
            end,
            asked: None,
            reached: vec![None; count],
            holds: vec![false; count],
            missed: vec![None; count],
            fell: vec![None; count],
            lacking: vec![false; count],
        };
        Stories(values.iter().map(story).collect())
    }

    /// The stories, those first that differ in their reason, and of one reason that of the worst loss.
    pub(crate) fn tell(mut self, faults: &[Fault]) -> Vec<String> {
        self.0.sort_by_key(|story| std::cmp::Reverse(story.lacking().count()));
        let reason = |story: &Story<'_>| story.misses().last().map(|(_, why, _)| because(*why, faults));
        let mut told: Vec<Option<String>> = Vec::new();
        let (mut firsts, mut rest) = (Vec::new(), Vec::new());
        for story in &self.0 {
            let new = !told.contains(&reason(story));
            told.push(reason(story));
            if new { &mut firsts } else { &mut rest }.push(story.tell(faults));
        }
        firsts.append(&mut rest);
        firsts
    }
}

impl Story<'_> {
    fn reach(&mut self, node: NodeId, at: Time) {
        self.reached[node.index()].get_or_insert(at);
        self.holds[node.index()] = true;
    }

    fn fall(&mut self, node: NodeId, at: Time, disk: Disk) {
        if self.holds[node.index()] {
            self.fell[node.index()] = Some((at, disk));
            self.holds[node.index()] = disk == Disk::Kept;
        }
    }

    fn lacking(&self) -> impl Iterator<Item = NodeId> {
        self.members.iter().filter(|node| self.lacking[node.index()] || self.reached[node.index()].is_none())
    }

    /// The messages that nodes which never had it missed, in order of time.
    fn misses(&self) -> Vec<(Passage, Why, Time)> {
        let never = self.members.iter().filter(|node| self.reached[node.index()].is_none());
        let mut misses: Vec<_> = never.filter_map(|node| self.missed[node.index()]).collect();
        misses.sort_by_key(|(passage, _, at)| (*at, passage.dst));
        misses
    }

    fn tell(&self, faults: &[Fault]) -> String {
        let had: Vec<NodeId> =
            self.members.iter().filter(|node| self.reached[node.index()].is_some()).collect();
        let never = || self.members.iter().filter(|node| self.reached[node.index()].is_none());
        let all = self.members.present() as usize;
        let whom = match had.len() {
            n if n == all => "every node had it".to_owned(),
            n if 2 * n <= all => format!("{n} of {all} nodes had it: {}", few(&had)),
            n => format!("{n} of {all} nodes had it, all but {}", few(&never().collect::<Vec<_>>())),
        };
        let asked = self.asked.map_or("no client gave it".to_owned(), |(client, node, at)| {
            format!("{client} gave it to {node} at {}", seconds(at))
        });
        let mut lines = vec![format!("value {}: {asked}; {whom}", self.value)];
        let misses = self.misses();
        for (Passage { src, dst, sent }, why, _) in misses.iter().rev().take(MOST_HOPS) {
            lines.push(format!(
                "  last hop that failed: {src} to {dst}, sent at {}: {}",
                seconds(*sent),
                because(*why, faults)
            ));
        }
        if misses.len() > MOST_HOPS {
            lines.push(format!("  and the hops to {} more nodes failed", misses.len() - MOST_HOPS));
        }
        let unsent: Vec<NodeId> = never().filter(|node| self.missed[node.index()].is_none()).collect();
        if !unsent.is_empty() {
            lines.push(format!("  nobody ever sent it to {}", few(&unsent)));
        }
        for node in had.into_iter().filter(|node| self.lacking[node.index()]).take(MOST_HOPS) {
            lines.push(match self.fell[node.index()] {
                Some((at, Disk::Kept)) => {
                    format!(
                        "  {node} had it, crashed at {}, and came back without it: was it in durable()?",
                        seconds(at)
                    )
                }
                Some((at, Disk::Lost)) => format!("  {node} had it and lost its disk at {}", seconds(at)),
                None => format!("  {node} had it, and does not show it any more"),
            });
        }
        lines.join("\n")
    }
}

impl<N: Node> Observer<N> for Stories<'_> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        self.0.iter_mut().for_each(|story| Observer::<N>::observe(story, at, record));
    }
}

impl<N: Node> Observer<N> for Story<'_> {
    fn observe(&mut self, at: Time, record: &Record<'_, N>) {
        match record {
            Record::Invoke(_, client, node, request)
                if self.asked.is_none() && mentions(*request, self.value) =>
            {
                self.asked = Some((*client, *node, at));
            }
            Record::Request(_, client, node)
                if self.asked.is_some_and(|(c, n, _)| (c, n) == (*client, *node)) =>
            {
                self.reach(*node, at);
            }
            Record::Response(_, _, node, Ok(response)) if at >= self.end => {
                self.lacking[node.index()] = !mentions(response, self.value);
            }
            Record::Deliver(passage, message) if mentions(*message, self.value) => {
                self.reach(passage.dst, at)
            }
            Record::Drop(passage, why, message) if mentions(*message, self.value) => {
                self.missed[passage.dst.index()] = Some((*passage, *why, at));
            }
            Record::Crash(node) => self.fall(*node, at, Disk::Kept),
            Record::Wipe(node) => self.fall(*node, at, Disk::Lost),
            _ => {}
        }
    }
}

fn because(why: Why, faults: &[Fault]) -> String {
    match why {
        Why::Loss => "the network lost it".to_owned(),
        Why::Cut(fault) => format!("the link was cut by faults[{fault}], a {}", faults[fault].fault.name()),
        Why::Down => "the receiver was down".to_owned(),
        Why::CrashedWhilePaused => "the receiver was paused, and crashed".to_owned(),
        Why::Absent => "the receiver is absent".to_owned(),
        Why::Unread => "the receiver did not read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    #[test]
    fn a_crash_after_the_disk_was_lost_is_not_to_blame() {
        let (members, value) = (Members::all(1), Value::from(1));
        let at = |secs| Time::ZERO + Span::from_secs(secs);
        let mut stories = Stories::new(std::slice::from_ref(&value), &members, at(30));
        let story = &mut stories.0[0];
        story.lacking[0] = true;
        story.reach(NodeId(0), at(1));
        story.fall(NodeId(0), at(2), Disk::Lost);
        story.fall(NodeId(0), at(3), Disk::Kept);
        assert!(story.tell(&[]).ends_with("n0 had it and lost its disk at 2.000s"), "{}", story.tell(&[]));
        story.reach(NodeId(0), at(4));
        story.fall(NodeId(0), at(5), Disk::Kept);
        assert!(story.tell(&[]).contains("n0 had it, crashed at 5.000s"), "{}", story.tell(&[]));
    }
}
