//! What is under way: small tokens for the queue, and slots that hold what they stand for.

use crate::id::NodeId;

/// What is pending, small enough to be moved about.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pending {
    Message(u32),
    Alarm(u32),
    Invoke(u32),
    Request(u32),
    Response(u32),
    Expire(u32),
    /// What this node's deliverer holds is due.
    HandOver(NodeId),
}

#[derive(Debug)]
pub(super) struct Alarm<T> {
    pub(super) host: NodeId,
    pub(super) timer: T,
    pub(super) generation: u64,
}

/// Things under way, in slots that are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    slots: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Slab<T> {
        Slab { slots: Vec::new(), free: Vec::new() }
    }

    #[inline(always)]
    pub(super) fn put(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            // The slot is empty, so that there is nothing to drop, which the compiler cannot know.
            std::mem::forget(self.slots[slot as usize].replace(item));
            return slot;
        }
        self.slots.push(Some(item));
        u32::try_from(self.slots.len() - 1).expect("fewer than 2^32 things are under way")
    }

    pub(super) fn look(&self, slot: u32) -> &T {
        self.slots[slot as usize].as_ref().expect("what is pending is looked at before it is taken")
    }

    #[inline(always)]
    pub(super) fn take(&mut self, slot: u32) -> T {
        self.free.push(slot);
        self.slots[slot as usize].take().expect("what is pending is taken once")
    }
}
