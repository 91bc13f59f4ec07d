//! How faults act on real processes.

use std::io;

use rustix::process::Signal;

use super::{Bench, Foreign};
use crate::id::NodeId;
use crate::sim::bench::{Override, Side};
use crate::sim::fault::FaultKind;
use crate::sim::{Observer, Record};
use crate::time::Time;
use crate::workload::Workload;

impl<W: Workload, O: Observer<Foreign<W>>> Bench<'_, W, O> {
    pub(super) fn take_edges(&mut self, now: Time) -> io::Result<()> {
        while let Some(edge) = self.edges.pop_if(|edge| edge.at <= now) {
            let fault = edge.fault;
            let kind = self.faults[fault].fault.clone();
            let record = match edge.side {
                Side::Begin => Record::FaultBegins(fault),
                Side::End => Record::FaultEnds(fault),
            };
            self.observer.observe(now, &record);
            match (edge.side, &kind) {
                (Side::Begin, FaultKind::Link(change)) => {
                    self.network.begin_override(fault, Override::new(change, &self.members));
                }
                (Side::Begin, _) => {
                    if let Some(cut) = self.faults[fault].cut(&self.members) {
                        self.network.begin_cut(fault, cut);
                    }
                }
                (Side::End, _) => self.network.end(fault),
            }
            let befallen: Vec<NodeId> = match self.faults[fault].hosts() {
                Some(nodes) => nodes.iter().filter(|node| self.members.contains(*node)).collect(),
                None => Vec::new(),
            };
            for node in befallen {
                match (&kind, edge.side) {
                    (FaultKind::Pause(_), Side::Begin) => self.hold(node, now),
                    (FaultKind::Pause(_), Side::End) => self.go_on(node, now),
                    (_, Side::Begin) => self.kill(node, now),
                    (_, Side::End) => self.restart(node)?,
                }
            }
        }
        Ok(())
    }

    pub(super) fn hold(&mut self, node: NodeId, now: Time) {
        let host = &mut self.hosts[node.index()];
        host.pauses += 1;
        if host.pauses == 1 {
            self.counters.pauses += 1;
            self.signal(node, Signal::STOP);
            self.observer.observe(now, &Record::Pause(node));
        }
    }

    pub(super) fn go_on(&mut self, node: NodeId, now: Time) {
        let host = &mut self.hosts[node.index()];
        host.pauses -= 1;
        if host.pauses == 0 {
            host.resumed = now;
            self.signal(node, Signal::CONT);
            self.observer.observe(now, &Record::Resume(node));
        }
    }

    pub(super) fn signal(&mut self, node: NodeId, signal: Signal) {
        // One that has ended by itself is complained of elsewhere.
        if let Some(process) = &self.host(node).process {
            _ = process.signal(signal);
        }
    }

    pub(super) fn kill(&mut self, node: NodeId, now: Time) {
        let host = &mut self.hosts[node.index()];
        host.downs += 1;
        if host.downs > 1 {
            return;
        }
        host.process = None;
        host.life += 1;
        self.counters.crashes += 1;
        self.counters.wipes += 1;
        self.wipes.push((node, now));
        self.observer.observe(now, &Record::Wipe(node));
    }

    pub(super) fn restart(&mut self, node: NodeId) -> io::Result<()> {
        let host = &mut self.hosts[node.index()];
        host.downs -= 1;
        if host.downs > 0 {
            return Ok(());
        }
        self.spawn(node)?;
        if self.host(node).pauses > 0 {
            self.signal(node, Signal::STOP);
        }
        Ok(())
    }
}
