//! What readers and watches see: only what may be shown.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch::{Receiver, Sender};

use super::group::Group;
use crate::history::History;
use crate::live::Live;
use crate::{Batch, Error, KeyValue, Listing, Page, Range, Revision};

/// The published state. Written by the writer thread alone, except for compaction.
#[derive(Debug)]
pub(crate) struct View {
    /// Live data and history move together, so that no one sees one ahead of the other.
    shown: RwLock<Shown>,
    /// The revision in `shown`, for reading without the lock.
    revision: AtomicU64,
    /// Follows `revision`; its sender lives as long as the writer.
    current: Receiver<Revision>,
    /// Why nothing can be written at present.
    failure: Mutex<Option<String>>,
}

#[derive(Debug)]
struct Shown {
    live: Live,
    history: History,
}

impl View {
    pub(crate) fn new(live: Live, history: History, current: Receiver<Revision>) -> View {
        let revision = AtomicU64::new(live.revision);
        View { shown: RwLock::new(Shown { live, history }), revision, current, failure: Mutex::default() }
    }

    pub(crate) fn get(&self, key: &[u8]) -> (Option<KeyValue>, Revision) {
        let shown = self.shown.read();
        (shown.live.get(key).cloned(), shown.live.revision)
    }

    pub(crate) fn list(&self, range: &Range, page: &Page) -> Listing {
        self.shown.read().live.list(range, page)
    }

    pub(crate) fn revision(&self) -> Revision {
        self.revision.load(Ordering::Acquire)
    }

    pub(crate) fn current(&self) -> Receiver<Revision> {
        self.current.clone()
    }

    pub(crate) fn check(&self, after: Revision) -> Result<(), Error> {
        self.shown.read().history.check(after)
    }

    pub(crate) fn read(&self, range: &Range, after: Revision) -> Result<Batch, Error> {
        self.shown.read().history.read(range, after)
    }

    pub(crate) fn compact(&self, upto: Revision) -> Result<(), Error> {
        self.shown.write().history.compact(upto)
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.failure.lock().clone()
    }

    pub(crate) fn set_failure(&self, failure: Option<String>) {
        *self.failure.lock() = failure;
    }

    /// Calls `look` with the live data, which stays as it is meanwhile.
    pub(crate) fn with_live<T>(&self, look: impl FnOnce(&Live) -> T) -> T {
        look(&self.shown.read().live)
    }

    /// Shows a written group to readers, then to watches.
    pub(crate) fn publish(&self, group: Group, current: &Sender<Revision>) {
        let mut shown = self.shown.write();
        for changes in group.txns {
            shown.history.record(&changes);
            changes.into_iter().for_each(|change| shown.live.apply(change));
        }
        let revision = shown.live.revision;
        self.revision.store(revision, Ordering::Release);
        drop(shown);
        current.send_replace(revision);
    }
}
