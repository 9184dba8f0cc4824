//! A running watch.

use std::sync::Arc;

use crate::hub::Slot;
use crate::resource::Resource;
use crate::watch_cache::Inner;
use crate::{Entry, Options, WatchItem};

/// A watch on a resource. Nothing is queued for it: it reads the cache's window at its own pace, and ends when it
/// falls behind the window. Dropping it unregisters it.
pub struct Watcher {
    cache: Arc<Inner>,
    resource: String,
    slot: Arc<Slot>,
    initial: std::vec::IntoIter<Arc<Entry>>,
    /// Where the initial state's end is still to be told: its revision.
    initial_end: Option<u64>,
}

/// What a look into the window gave.
enum Read {
    Items(Vec<WatchItem>),
    Nothing,
    Ended,
}

impl Watcher {
    pub(crate) fn new(
        cache: Arc<Inner>,
        resource: String,
        slot: Arc<Slot>,
        initial: Vec<Arc<Entry>>,
        initial_end: Option<u64>,
    ) -> Self {
        Self { cache, resource, slot, initial: initial.into_iter(), initial_end }
    }

    /// What happened since the last call, as soon as there is something, in revision order. None where the watch
    /// fell behind the window or the cache was reset: the client has to begin anew. Dropping the pending call loses
    /// nothing.
    pub async fn next(&mut self) -> Option<Vec<WatchItem>> {
        let initial = self.next_initial();
        if !initial.is_empty() {
            return Some(initial);
        }
        loop {
            match self.read() {
                Read::Items(items) => return Some(items),
                Read::Nothing => self.slot.woken().await,
                Read::Ended => return None,
            }
        }
    }

    /// A bookmark at the present revision; none while there is something to tell first.
    pub fn bookmark(&self) -> Option<WatchItem> {
        if self.initial.len() > 0 || self.initial_end.is_some() || self.slot.is_ended() {
            return None;
        }
        let read = self
            .cache
            .read(&self.resource, |state, _| self.slot.unread().is_none().then_some(state.revision));
        read.flatten().filter(|revision| *revision >= self.slot.after()).map(WatchItem::Bookmark)
    }

    fn next_initial(&mut self) -> Vec<WatchItem> {
        let mut batch = Batch::new(&self.cache.options);
        while let Some(entry) = self.initial.as_slice().first().filter(|_| !batch.is_full()) {
            batch.push(WatchItem::Added(entry.clone()));
            self.initial.next();
        }
        if self.initial.len() == 0 {
            self.initial = Vec::new().into_iter();
            batch.items.extend(self.initial_end.take().map(WatchItem::InitialEventsEnd));
        }
        batch.items
    }

    fn read(&self) -> Read {
        if self.slot.is_ended() {
            return Read::Ended;
        }
        self.cache.read(&self.resource, |_, resource| self.read_window(resource)).unwrap_or(Read::Ended)
    }

    fn read_window(&self, resource: &Resource) -> Read {
        // Under the cache's lock: a reset that came in between has another window and ended the slot.
        if self.slot.is_ended() {
            return Read::Ended;
        }
        let Some(first) = self.slot.unread() else { return Read::Nothing };
        let Some(events) = resource.window.from(first) else {
            self.slot.end();
            return Read::Ended;
        };
        let mut batch = Batch::new(&self.cache.options);
        let mut unread = None;
        for (number, event) in events {
            if batch.is_full() {
                unread = Some(number);
                break;
            }
            if let Some(item) = self.slot.item(event) {
                batch.push(item);
            }
        }
        self.slot.set_unread(unread);
        if batch.items.is_empty() { Read::Nothing } else { Read::Items(batch.items) }
    }
}

/// What one look gives, within its bounds.
struct Batch<'a> {
    items: Vec<WatchItem>,
    bytes: usize,
    options: &'a Options,
}

impl<'a> Batch<'a> {
    fn new(options: &'a Options) -> Self {
        Self { items: Vec::new(), bytes: 0, options }
    }

    fn push(&mut self, item: WatchItem) {
        self.bytes += item.served_len();
        self.items.push(item);
    }

    fn is_full(&self) -> bool {
        self.items.len() >= self.options.batch || self.bytes >= self.options.batch_bytes
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.cache.read(&self.resource, |_, resource| resource.hub.lock().remove(&self.slot));
    }
}
