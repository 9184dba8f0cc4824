//! Helpers of the tests.

use bytes::Bytes;
use store::{Committed, Durability, Options, Page, Range, Revision, Store, Txn, Write};

/// Options under which segments, snapshots and reservations come often.
pub(crate) fn small() -> Options {
    Options { segment_bytes: 4096, snapshot_min_bytes: 16 << 10, reserve_block: 20, ..Options::default() }
}

/// A transaction that puts one key.
pub(crate) fn put(key: &str, value: impl Into<Bytes>) -> Txn {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Txn { writes: vec![Write::Put { key, value: value.into() }], ..Txn::default() }
}

/// The same transaction, volatile.
pub(crate) fn volatile(txn: Txn) -> Txn {
    Txn { durability: Durability::Volatile, ..txn }
}

/// Commits what must succeed.
pub(crate) async fn done(store: &dyn Store, txn: Txn) -> Revision {
    match store.commit(txn).await {
        Ok(Committed::Done { revision }) => revision,
        other => panic!("expected a commit, got {other:?}"),
    }
}

/// All keys.
pub(crate) async fn keys(store: &dyn Store) -> Vec<Bytes> {
    let listing = store.list(&Range::all(), &Page::all()).await.expect("list");
    listing.items.into_iter().map(|item| item.key).collect()
}
