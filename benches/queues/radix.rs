//! The simulator's own queue.

use rumormill::sim::queue::Queue;
use rumormill::time::Time;

use super::EventQueue;

impl<T: Copy> EventQueue<T> for Queue<T> {
    fn empty() -> Queue<T> {
        Queue::new()
    }

    fn push(&mut self, at: u64, item: T) {
        Queue::push(self, Time::from_nanos(at), item);
    }

    fn pop_before(&mut self, limit: u64) -> Option<(u64, T)> {
        Queue::pop_before(self, Time::from_nanos(limit)).map(|(at, item)| (at.as_nanos(), item))
    }
}
