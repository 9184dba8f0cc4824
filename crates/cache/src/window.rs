//! The recent events of one resource: bounded, and shared by all that look back.

use std::collections::VecDeque;
use std::sync::Arc;

use object::Key;

use crate::Entry;

/// What an event costs beyond the superseded entry that it keeps alive.
const OVERHEAD: usize = 96;

/// A change of one object.
#[derive(Debug)]
pub(crate) struct Event {
    /// When.
    pub(crate) revision: u64,
    /// The object before; none where it was created.
    pub(crate) before: Option<Arc<Entry>>,
    /// The object after; none where it was deleted.
    pub(crate) after: Option<Arc<Entry>>,
}

impl Event {
    /// The object's key; none only for an event of nothing, which is never made.
    pub(crate) fn key(&self) -> Option<&Key> {
        self.after.as_ref().or(self.before.as_ref()).map(|entry| &entry.key)
    }

    /// The bytes that live only because of this event: `after` is live, or counted as the `before` of a later one.
    fn cost(&self) -> usize {
        OVERHEAD + self.before.as_ref().map_or(0, |entry| entry.cost())
    }
}

/// A ring of events in revision order. Each has a number; numbers have no gaps and are never reused.
#[derive(Debug)]
pub(crate) struct Window {
    events: VecDeque<Event>,
    /// Number of the first event in `events`.
    first: u64,
    /// Everything after this revision is in `events`.
    start: u64,
    bytes: usize,
}

impl Window {
    /// An empty window in which everything after `start` will be. `first` numbers its first event.
    pub(crate) fn new(start: u64, first: u64) -> Self {
        Self { events: VecDeque::new(), first, start, bytes: 0 }
    }

    /// Adds an event; returns its number.
    pub(crate) fn push(&mut self, event: Event) -> u64 {
        self.bytes += event.cost();
        self.events.push_back(event);
        self.end() - 1
    }

    /// Drops the oldest event; returns how many bytes that frees.
    pub(crate) fn pop(&mut self) -> usize {
        let Some(event) = self.events.pop_front() else { return 0 };
        self.first += 1;
        self.start = self.start.max(event.revision);
        self.bytes -= event.cost();
        if self.events.capacity() > 1024 && self.events.len() < self.events.capacity() / 4 {
            self.events.shrink_to(self.events.len() * 2);
        }
        event.cost()
    }

    /// The revision after which everything is here.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The number that the next event will get.
    pub(crate) fn end(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    /// How many events there are.
    pub(crate) fn len(&self) -> usize {
        self.events.len()
    }

    /// What the events keep alive, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Revision of the oldest event.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.events.front().map(|event| event.revision)
    }

    /// The number of the first event after a revision; none where some of them are gone.
    pub(crate) fn number_after(&self, revision: u64) -> Option<u64> {
        if revision < self.start {
            return None;
        }
        let index = self.events.partition_point(|event| event.revision <= revision);
        Some(self.first + index as u64)
    }

    /// The events from a number on, each with its number; none where the first of them is gone.
    pub(crate) fn from(&self, number: u64) -> Option<impl DoubleEndedIterator<Item = (u64, &Event)>> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let events = self.events.range(index.min(self.events.len())..);
        Some(events.enumerate().map(move |(i, event)| (number + i as u64, event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(revisions: &[u64]) -> Window {
        let mut window = Window::new(10, 0);
        for &revision in revisions {
            window.push(Event { revision, before: None, after: None });
        }
        window
    }

    #[test]
    fn looks_back_only_as_far_as_it_is_complete() {
        let mut window = window(&[12, 15, 15, 20]);
        assert_eq!(window.number_after(9), None);
        assert_eq!(window.number_after(10), Some(0));
        assert_eq!(window.number_after(15), Some(3));
        assert_eq!(window.number_after(99), Some(4));
        assert!(window.pop() > 0);
        assert_eq!((window.start(), window.oldest(), window.len()), (12, Some(15), 3));
        assert_eq!(window.number_after(11), None);
        assert_eq!(window.number_after(12), Some(1));
    }

    #[test]
    fn numbers_survive_dropped_events() {
        let mut window = window(&[12, 15, 20]);
        window.pop();
        assert!(window.from(0).is_none());
        let numbers: Vec<_> = window.from(1).unwrap().map(|(n, e)| (n, e.revision)).collect();
        assert_eq!(numbers, [(1, 15), (2, 20)]);
        assert_eq!(window.from(3).unwrap().count(), 0);
        while window.pop() > 0 {}
        assert_eq!((window.bytes(), window.end()), (0, 3));
    }
}
