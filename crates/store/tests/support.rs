//! Helpers of the tests.

use std::time::{Duration, Instant};

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

/// A transaction that deletes one key.
pub(crate) fn delete(key: &str) -> Txn {
    let key = Bytes::copy_from_slice(key.as_bytes());
    Txn { writes: vec![Write::Delete { key }], ..Txn::default() }
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

/// The seeds of a test. Each is printed before it is used: that of a failure is the last one.
///
/// `BERTH_SEED` asks for one seed alone, to repeat a failure; `BERTH_SOAK_SECONDS` for as many as fit into that time.
pub(crate) struct Seeds {
    next: u64,
    left: u64,
    until: Option<Instant>,
    used: u64,
}

impl Seeds {
    /// So many, from a random one on.
    pub(crate) fn of(count: u64) -> Seeds {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
        let until = number("BERTH_SOAK_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
        match number("BERTH_SEED") {
            Some(seed) => Seeds { next: seed, left: 1, until: None, used: 0 },
            None => Seeds { next: rand::random::<u32>().into(), left: count, until, used: 0 },
        }
    }
}

impl Iterator for Seeds {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let more = self.until.map_or(self.left > 0, |until| Instant::now() < until);
        if !more {
            println!("{} seeds", self.used);
            return None;
        }
        let seed = self.next;
        println!("BERTH_SEED={seed}");
        (self.next, self.left, self.used) = (seed + 1, self.left.saturating_sub(1), self.used + 1);
        Some(seed)
    }
}
