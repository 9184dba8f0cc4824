//! Who watches a resource, and who of them an event concerns.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

use crate::filter::{At, Matcher};
use crate::window::Event;
use crate::{Entry, WatchItem};

/// A watcher as the cache sees it. It queues nothing: it remembers where in the window its unread events begin.
#[derive(Debug)]
pub(crate) struct Slot {
    matcher: Matcher,
    /// Only events after this revision are told.
    after: u64,
    /// One more than the number of the first unread event that may match; 0 where all is read. Raised from 0 under
    /// the cache's write lock, everything else by the watcher under its read lock.
    unread: AtomicU64,
    ended: AtomicBool,
    wake: Notify,
}

impl Slot {
    /// A slot whose unread events begin at this number, if there are any.
    pub(crate) fn new(matcher: Matcher, after: u64, unread: Option<u64>) -> Self {
        let unread = AtomicU64::new(unread.map_or(0, |number| number + 1));
        Self { matcher, after, unread, ended: AtomicBool::new(false), wake: Notify::new() }
    }

    /// The number of the first event to read; none where all is read.
    pub(crate) fn unread(&self) -> Option<u64> {
        self.unread.load(Ordering::Acquire).checked_sub(1)
    }

    /// Notes where unread events begin.
    pub(crate) fn set_unread(&self, number: Option<u64>) {
        self.unread.store(number.map_or(0, |number| number + 1), Ordering::Release);
    }

    /// The revision after which it watches.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    /// Ends the watcher.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Waits until there may be something to read.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// What the watcher is told of an event. An object that no longer matches is told as deleted, by its last state
    /// that matched at the revision of the change; one that begins to match as added.
    pub(crate) fn item(&self, event: &Event) -> Option<WatchItem> {
        if event.revision <= self.after {
            return None;
        }
        let matching = |entry: &Option<Arc<Entry>>| entry.clone().filter(|entry| self.matcher.matches(entry));
        match (matching(&event.before), matching(&event.after)) {
            (None, None) => None,
            (None, Some(now)) => Some(WatchItem::Added(now)),
            (Some(_), Some(now)) => Some(WatchItem::Modified(now)),
            (Some(entry), None) => Some(WatchItem::Deleted { entry, revision: event.revision }),
        }
    }

    fn concerns(&self, event: &Event) -> bool {
        let matches =
            |entry: &Option<Arc<Entry>>| entry.as_ref().is_some_and(|entry| self.matcher.matches(entry));
        event.revision > self.after && (matches(&event.after) || matches(&event.before))
    }

    fn tell(&self, number: u64, event: &Event) {
        if self.unread().is_none() && self.concerns(event) {
            self.set_unread(Some(number));
            self.wake.notify_one();
        }
    }
}

type Slots = Vec<Arc<Slot>>;

/// The watchers of one resource. Those that ask for one value of a field are found by that value, so that an event
/// costs nothing for all the others.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    by_name: HashMap<Box<str>, Slots>,
    by_field: Vec<HashMap<Box<str>, Slots>>,
    rest: Slots,
}

impl Hub {
    pub(crate) fn add(&mut self, slot: &Arc<Slot>) {
        let list = match slot.matcher.index() {
            None => &mut self.rest,
            Some((at, value)) => self.index(at).entry(value.into()).or_default(),
        };
        list.push(slot.clone());
    }

    pub(crate) fn remove(&mut self, slot: &Arc<Slot>) {
        let others = |slots: &mut Slots| {
            slots.retain(|other| !Arc::ptr_eq(other, slot));
            slots.is_empty()
        };
        match slot.matcher.index() {
            None => drop(others(&mut self.rest)),
            Some((at, value)) => {
                let index = self.index(at);
                if index.get_mut(value).is_some_and(others) {
                    index.remove(value);
                }
            }
        }
    }

    fn index(&mut self, at: At) -> &mut HashMap<Box<str>, Slots> {
        let At::Field(position) = at else { return &mut self.by_name };
        if self.by_field.len() <= position {
            self.by_field.resize_with(position + 1, HashMap::new);
        }
        &mut self.by_field[position]
    }

    /// Wakes the watchers that an event concerns.
    pub(crate) fn dispatch(&self, number: u64, event: &Event) {
        let tell = |slots: &Slots| slots.iter().for_each(|slot| slot.tell(number, event));
        tell(&self.rest);
        if let Some(slots) = event.key().and_then(|key| self.by_name.get(&*key.name)) {
            tell(slots);
        }
        for (position, slots) in self.by_field.iter().enumerate().filter(|(_, slots)| !slots.is_empty()) {
            let (before, after) = (field(&event.before, position), field(&event.after, position));
            if let Some(slots) = after.and_then(|value| slots.get(value)) {
                tell(slots);
            }
            if let Some(slots) = before.filter(|_| before != after).and_then(|value| slots.get(value)) {
                tell(slots);
            }
        }
    }

    /// Ends all watchers.
    pub(crate) fn end(&mut self) {
        let indexed = self.by_field.iter().chain([&self.by_name]).flat_map(HashMap::values);
        indexed.chain([&self.rest]).flatten().for_each(|slot| slot.end());
        *self = Self::default();
    }
}

/// The value of a field by which watchers are found.
fn field(entry: &Option<Arc<Entry>>, position: usize) -> Option<&str> {
    entry.as_ref()?.field(position)
}
