//! Messages between nodes: routed as the simulator routes them, and carried in real time.

use super::host::Written;
use super::{Bench, Body, Foreign, Parcel, Pending};
use crate::id::NodeId;
use crate::sim::bench::{Fate, Item};
use crate::sim::{Observer, Passage, Record, Why};
use crate::time::Time;
use crate::workload::Workload;

impl<W: Workload, O: Observer<Foreign<W>>> Bench<'_, W, O> {
    pub(super) fn send(&mut self, src: NodeId, dst: NodeId, body: Body) {
        self.counters.sent += 1;
        let now = self.now();
        let passage = Passage { src, dst, sent: now };
        match self.network.route(src, dst, now) {
            Fate::Lost => {
                self.counters.lost += 1;
                self.observer.observe(now, &Record::Drop(passage, Why::Loss, &body));
            }
            Fate::Once(due) => self.launch(due, Parcel { passage, body }),
            Fate::Twice(due, again) => {
                self.counters.duplicated += 1;
                self.launch(due, Parcel { passage, body: body.clone() });
                self.launch(again, Parcel { passage, body });
            }
        }
    }

    pub(super) fn launch(&mut self, due: Time, parcel: Parcel) {
        let (slot, dst) = (self.next_parcel, parcel.passage.dst);
        self.next_parcel = self.next_parcel.wrapping_add(1);
        self.parcels.insert(slot, parcel);
        match self.deliverers {
            None => self.at(due, Pending::Message(slot)),
            Some(_) => self.wait_in_line(dst, due, Item::Message(slot)),
        }
    }

    pub(super) fn drop_parcel(&mut self, slot: u32, why: Why) {
        if let Some(parcel) = self.parcels.remove(&slot) {
            self.dropped(&parcel, why);
        }
    }

    fn dropped(&mut self, Parcel { passage, body }: &Parcel, why: Why) {
        *match why {
            Why::Loss => &mut self.counters.lost,
            Why::Cut(_) => &mut self.counters.cut,
            Why::Down | Why::CrashedWhilePaused | Why::Absent | Why::Unread => &mut self.counters.down,
        } += 1;
        let now = self.now();
        self.observer.observe(now, &Record::Drop(*passage, why, body));
    }

    pub(super) fn deliver(&mut self, slot: u32) {
        let Some(parcel) = self.parcels.remove(&slot) else { return };
        let Passage { src, dst, .. } = parcel.passage;
        if self.host(dst).process.is_none() {
            let why = if self.members.contains(dst) { Why::Down } else { Why::Absent };
            return self.dropped(&parcel, why);
        }
        let line = self.line(&src.to_string(), dst, &parcel.body.0);
        if self.write(dst, line) == Written::Refused {
            return self.dropped(&parcel, Why::Unread);
        }
        self.counters.held += u64::from(self.host(dst).pauses > 0);
        self.counters.delivered += 1;
        let now = self.now();
        self.observer.observe(now, &Record::Deliver(parcel.passage, &parcel.body));
    }

    pub(super) fn wait_in_line(&mut self, node: NodeId, deadline: Time, item: Item) {
        if self.deliverers.as_mut().is_some_and(|it| it.wait(node, deadline, item)) {
            self.take_next(node);
        }
    }

    pub(super) fn take_next(&mut self, node: NodeId) {
        while let Some((deadline, item)) = self.deliverers.as_mut().and_then(|it| it.next(node)) {
            if let Item::Message(slot) = item {
                let src = self.parcels.get(&slot).map(|parcel| parcel.passage.src);
                if let Some(fault) = src.and_then(|src| self.network.cut(src, node)) {
                    self.drop_parcel(slot, Why::Cut(fault));
                    continue;
                }
            }
            if let Some(deliverers) = &mut self.deliverers {
                deliverers.hold(node, item);
            }
            return self.at(deadline.max(self.now()), Pending::HandOver(node));
        }
    }
}
