//! The live data: an ordered map with its size.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Change, KeyValue, Listing, Page, Range, Revision};

/// A revision, and all items as of it in key order.
pub(crate) type Copy = (Revision, Vec<KeyValue>);

/// Every live key, as of one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct Live {
    keys: BTreeMap<Bytes, KeyValue>,
    bytes: u64,
    /// The revision of the latest applied transaction, or above.
    pub(crate) revision: Revision,
}

impl Live {
    /// Nothing, as of a revision.
    pub(crate) fn empty(revision: Revision) -> Live {
        Live { revision, ..Live::default() }
    }

    pub(crate) fn get(&self, key: &[u8]) -> Option<&KeyValue> {
        self.keys.get(key)
    }

    pub(crate) fn list(&self, range: &Range, page: &Page) -> Listing {
        let revision = self.revision;
        let Some(bounds) = range.bounds(page.after.as_deref()) else {
            return Listing { items: Vec::new(), revision, more: false };
        };
        let mut found = self.keys.range::<[u8], _>(bounds).map(|(_, item)| item);
        let limit = if page.limit == 0 { usize::MAX } else { page.limit };
        let items = found.by_ref().take(limit).cloned().collect();
        Listing { items, revision, more: found.next().is_some() }
    }

    /// Applies one change and moves the revision to the change's.
    pub(crate) fn apply(&mut self, change: Change) {
        self.revision = change.revision();
        match change {
            Change::Put { now } => self.insert(now),
            Change::Delete { key, .. } => {
                if let Some(old) = self.keys.remove(&key) {
                    self.bytes -= size(&old);
                }
            }
        }
    }

    /// Sets a key without moving the revision.
    pub(crate) fn insert(&mut self, now: KeyValue) {
        self.bytes += size(&now);
        if let Some(old) = self.keys.insert(now.key.clone(), now) {
            self.bytes -= size(&old);
        }
    }

    /// Every item in key order.
    pub(crate) fn items(&self) -> impl Iterator<Item = &KeyValue> {
        self.keys.values()
    }

    /// The revision and every item in key order, which share their bytes with this.
    pub(crate) fn copy(&self) -> Copy {
        (self.revision, self.items().cloned().collect())
    }

    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The bytes of all keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

fn size(item: &KeyValue) -> u64 {
    (item.key.len() + item.value.len()) as u64
}
