//! How faults act on a running cluster: which hosts fall, are held, come up and go on, and in which order.
//!
//! At one instant all ends of faults are taken first; then hosts that nothing holds any more come up and go on.

use super::fault::{FaultKind, Side};
use super::host::{Held, Life};
use super::network::Override;
use super::{Observer, Passage, Record, Sim, Why};
use crate::id::NodeId;
use crate::node::Node;
use crate::time::Time;

impl<N: Node, O: Observer<N>> Sim<N, O> {
    /// Takes all ends of faults at this instant; then hosts that nothing holds any more come up and go on.
    pub(super) fn take_edges(&mut self, at: Time) {
        let mut ended = Vec::new();
        while let Some(edge) = self.edges.pop_if(|edge| edge.at == at) {
            match edge.side {
                Side::Begin => self.begin_fault(edge.fault),
                Side::End => {
                    self.end_fault(edge.fault);
                    ended.push(edge.fault);
                }
            }
        }
        for fault in ended {
            self.for_hosts(fault, |sim, id, _| sim.settle(id));
        }
    }

    fn begin_fault(&mut self, fault: usize) {
        self.record(&Record::FaultBegins(fault));
        let it = &self.faults[fault];
        if let FaultKind::Link(change) = &it.fault {
            self.network.begin_override(fault, Override::new(change, &self.members));
        } else if let FaultKind::Skew(skew) = &it.fault {
            self.clocks.begin_skew(fault, skew, self.members.count(), self.now);
        } else if let Some(cut) = it.cut(&self.members) {
            self.network.begin_cut(fault, cut);
        }
        self.for_hosts(fault, |sim, id, kind| match kind {
            FaultKind::Crash(_) => sim.take_down(id, None),
            FaultKind::Wipe(_) => sim.take_down(id, Some(Wiped)),
            FaultKind::Pause(_) => sim.hold(id),
            FaultKind::Partition(_) | FaultKind::Cut { .. } | FaultKind::Link(_) | FaultKind::Skew(_) => {}
        });
    }

    fn end_fault(&mut self, fault: usize) {
        self.record(&Record::FaultEnds(fault));
        self.network.end(fault);
        self.clocks.end(fault);
        self.for_hosts(fault, |sim, id, kind| match kind {
            FaultKind::Crash(_) | FaultKind::Wipe(_) => sim.hosts[id.index()].downs -= 1,
            FaultKind::Pause(_) => {
                let host = &mut sim.hosts[id.index()];
                host.pauses -= 1;
                host.resumes = host.pauses == 0;
            }
            FaultKind::Partition(_) | FaultKind::Cut { .. } | FaultKind::Link(_) | FaultKind::Skew(_) => {}
        });
    }

    fn for_hosts(&mut self, fault: usize, act: impl Fn(&mut Self, NodeId, &FaultKind)) {
        let kind = self.faults[fault].fault.clone();
        let Some(nodes) = self.faults[fault].hosts().cloned() else { return };
        for id in nodes.iter().filter(|id| self.members.contains(*id)).collect::<Vec<_>>() {
            act(self, id, &kind);
        }
    }

    fn take_down(&mut self, id: NodeId, wiped: Option<Wiped>) {
        let host = &mut self.hosts[id.index()];
        host.downs += 1;
        let falls = host.downs == 1;
        let inbox = host.crash();
        self.counters.crashes += u64::from(falls);
        if wiped.is_some() {
            self.hosts[id.index()].wipe();
            self.counters.wipes += 1;
            self.record(&Record::Wipe(id));
        } else if falls {
            self.record(&Record::Crash(id));
        }
        for held in inbox {
            match held {
                Held::Message { src, sent, message } => {
                    self.drop_message(Passage { src, dst: id, sent }, Why::CrashedWhilePaused, &message);
                }
                Held::Request { operation } => {
                    self.counters.requests_dropped += 1;
                    let (client, node) = self.ends(operation);
                    self.record(&Record::RequestDropped(operation, client, node));
                }
                Held::Start | Held::Timer { .. } => {}
            }
        }
    }

    fn hold(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        host.pauses += 1;
        if host.pauses == 1 {
            self.counters.pauses += 1;
            self.record(&Record::Pause(id));
        }
    }

    /// Lets a host up, or go on, if nothing holds it any more.
    fn settle(&mut self, id: NodeId) {
        let host = &mut self.hosts[id.index()];
        let goes_on = std::mem::take(&mut host.resumes);
        if host.downs > 0 {
            return;
        }
        let starts_later = host.aside().inbox.iter().any(|held| matches!(held, Held::Start));
        if matches!(host.life, Life::Down(_)) && !starts_later {
            self.come_up(id);
        }
        if goes_on {
            self.go_on(id);
        }
    }

    pub(super) fn come_up(&mut self, id: NodeId) {
        if self.hosts[id.index()].pauses > 0 {
            self.hosts[id.index()].aside().inbox.push(Held::Start);
        } else {
            self.start(id);
        }
    }

    pub(super) fn go_on(&mut self, id: NodeId) {
        let inbox = std::mem::take(&mut self.hosts[id.index()].aside().inbox);
        self.record(&Record::Resume(id));
        for held in inbox {
            match held {
                Held::Start => self.start(id),
                Held::Message { src, sent, message } => self.deliver(Passage { src, dst: id, sent }, message),
                Held::Request { operation } => self.ask(operation),
                Held::Timer { timer, generation } => self.fire(id, timer, generation),
            }
        }
    }
}

/// Marks a fault that takes the disk, too.
#[derive(Clone, Copy, Debug)]
struct Wiped;
