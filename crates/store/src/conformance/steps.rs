//! What the cases are made of.

use bytes::Bytes;

use crate::{Change, Committed, Compare, KeyValue, Page, Range, Revision, Store, Txn, Watch, Write};

/// Writes a history with seven visible changes; returns its last revision.
pub(super) async fn history(store: &dyn Store) -> Revision {
    let mut last = 0;
    for txn in [
        put("/a/1", "x"),
        put("/b/1", "x").and(put("/.a", "1")),
        put("/.a", "2"),
        put("/a/1", "y").and(delete("/.a")),
        put("/a/2", "x"),
        delete("/a/1").and(put("/.a", "3")),
        delete("/b/1"),
        put("/a/1", "z"),
    ] {
        last = done(store, txn).await;
    }
    last
}

impl Txn {
    pub(super) fn when(mut self, compare: Compare) -> Txn {
        self.compares.push(compare);
        self
    }

    pub(super) fn and(mut self, other: Txn) -> Txn {
        self.writes.extend(other.writes);
        self
    }
}

pub(super) fn put(key: &str, value: &str) -> Txn {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), value.to_owned().into());
    Txn { writes: vec![Write::Put { key, value }], ..Txn::default() }
}

pub(super) fn delete(key: &str) -> Txn {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Txn { writes: vec![Write::Delete { key }], ..Txn::default() }
}

pub(super) fn item(key: &str, value: &str, create_revision: Revision, mod_revision: Revision) -> KeyValue {
    let (key, value) = (key.to_owned().into(), value.to_owned().into());
    KeyValue { key, value, create_revision, mod_revision }
}

pub(super) fn show(change: &Change) -> String {
    let key = String::from_utf8_lossy(change.key());
    match change {
        Change::Put { now } => format!("{key}={}", String::from_utf8_lossy(&now.value)),
        Change::Delete { .. } => format!("{key}-"),
    }
}

pub(super) async fn revision(store: &dyn Store) -> Revision {
    store.revision().await.expect("revision")
}

pub(super) async fn get(store: &dyn Store, key: &str) -> Option<KeyValue> {
    store.get(key.as_bytes()).await.expect("get").0
}

pub(super) async fn done(store: &dyn Store, txn: Txn) -> Revision {
    match store.commit(txn).await {
        Ok(Committed::Done { revision }) => revision,
        other => panic!("expected a commit, got {other:?}"),
    }
}

pub(super) async fn list(store: &dyn Store, range: Range) -> Vec<Bytes> {
    let listing = store.list(&range, &Page::all()).await.expect("list");
    assert!(!listing.more);
    listing.items.into_iter().map(|item| item.key).collect()
}

/// What a new watch delivers up to a revision, which it must reach.
pub(super) async fn changes(store: &dyn Store, range: Range, after: Revision, upto: Revision) -> Vec<Change> {
    let mut watch = store.watch(range, after).await.expect("watch");
    until(&mut watch, after, upto).await
}

/// Reads a watch up to a revision and checks the rules of batches.
pub(super) async fn until(watch: &mut Watch, after: Revision, upto: Revision) -> Vec<Change> {
    let (mut reached, mut seen) = (after, Vec::new());
    while reached < upto {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        assert!(batch.revision > reached, "progress rises");
        let mut before = seen.last().map_or(after, Change::revision).max(reached);
        for change in batch.changes {
            assert!(change.revision() > before && change.revision() <= batch.revision);
            before = change.revision();
            seen.push(change);
        }
        reached = batch.revision;
    }
    seen
}
