//! Telling readers which objects changed: at once by a listener, or later by a queue that holds each key once.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;

use object::{Key, Meta};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::Snapshot;

/// A change of one object, while it is told to a [`Listener`].
pub struct Difference<'a> {
    /// API group.
    pub group: &'a str,
    /// Kind.
    pub kind: &'a str,
    /// The object's key.
    pub key: &'a Key,
    /// The revision of the change; after a gap, of the list that showed it.
    pub revision: u64,
    /// The view (or the [`crate::Row`] of everything) as it was; none where the object is new.
    pub old: Option<&'a dyn Any>,
    /// The view or row as it is; none where the object is gone or does not decode.
    pub new: Option<&'a dyn Any>,
    /// Metadata of `old`.
    pub old_meta: Option<&'a Meta>,
    /// Metadata of `new`.
    pub new_meta: Option<&'a Meta>,
}

/// Called for every change, after it went into the snapshot, while the snapshot is locked for reading.
/// Must be quick, and must not read or follow through the same [`crate::Informers`].
pub type Listener = Arc<dyn Fn(&Snapshot, &Difference<'_>) + Send + Sync>;

/// An object changed since the last notice of it was taken.
#[derive(Clone, Debug)]
pub struct Notice {
    /// API group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// The object's key.
    pub key: Key,
    /// Metadata before the first change that the notice covers; none where the object was absent.
    pub old: Option<Arc<Meta>>,
    /// Metadata after the last one; none where the object is absent.
    pub new: Option<Arc<Meta>>,
    /// Revision of the last change.
    pub revision: u64,
}

type NoticeKey = (Arc<str>, Arc<str>, Key);

/// Notices not taken yet: at most one per object, so its size is bounded by the number of objects.
#[derive(Default)]
pub(crate) struct Pending {
    notices: Mutex<BTreeMap<NoticeKey, Notice>>,
    wake: Notify,
}

impl Pending {
    pub(crate) fn push(&self, difference: &Difference<'_>) {
        let new = difference.new_meta.map(|meta| Arc::new(meta.clone()));
        let (group, kind): (Arc<str>, Arc<str>) = (difference.group.into(), difference.kind.into());
        let mut notices = self.notices.lock();
        notices
            .entry((group.clone(), kind.clone(), difference.key.clone()))
            .and_modify(|notice| {
                notice.new.clone_from(&new);
                notice.revision = difference.revision;
            })
            .or_insert_with(|| Notice {
                group,
                kind,
                key: difference.key.clone(),
                old: difference.old_meta.map(|meta| Arc::new(meta.clone())),
                new,
                revision: difference.revision,
            });
        drop(notices);
        self.wake.notify_one();
    }

    fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock()).into_values().collect()
    }
}

/// The receiving end of notices. Changes of one object between two takes are one notice; none is lost.
pub struct Subscription(pub(crate) Arc<Pending>);

impl Subscription {
    /// All notices since the last take, as soon as there is one. Dropping the pending call loses nothing.
    pub async fn next(&mut self) -> Vec<Notice> {
        loop {
            let notices = self.0.take();
            if !notices.is_empty() {
                return notices;
            }
            self.0.wake.notified().await;
        }
    }

    /// All notices since the last take, perhaps none.
    pub fn take(&mut self) -> Vec<Notice> {
        self.0.take()
    }
}
