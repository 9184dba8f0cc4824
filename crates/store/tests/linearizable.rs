//! Concurrent histories are linearizable. Every answer carries a revision, so this is checked exactly: writes replayed
//! in the order of their revisions must explain every answer, and that order must agree with real time.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use store::{
    Change, Committed, Compare, Durability, Embedded, Error, FaultyDisk, Memory, Page, Range, Revision,
    Store, Txn, Write,
};

use crate::etcd_server::Server;
use crate::support::{Seeds, small};

const HISTORIES: u64 = 40;
const CLIENTS: u64 = 6;
const WATCHERS: u64 = 3;
const STEPS: usize = 80;
const KEYS: u32 = 5;

/// What a client asked and was told.
struct Operation {
    /// Moments on a clock that all clients share.
    begun: u64,
    ended: u64,
    revision: Revision,
    told: Told,
}

enum Told {
    /// A write took effect at the revision; where it had to, on a key as it was written at another.
    Wrote { write: Write, on: Option<Option<Revision>> },
    /// A key's value and the revision that wrote it.
    Read(Bytes, Option<(Bytes, Revision)>),
    /// The keys of a whole listing, each with the revision that wrote it.
    Listed(Vec<(Bytes, Revision)>),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_histories_of_the_embedded_store() {
    for seed in Seeds::of(HISTORIES) {
        let store = Embedded::open_on(Arc::new(FaultyDisk::new(seed)), small()).expect("open");
        check_history(Arc::new(store), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_histories_of_the_model() {
    for seed in Seeds::of(HISTORIES / 4) {
        check_history(Arc::new(Memory::new()), seed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_histories_of_etcd() {
    let server = Server::start();
    for seed in Seeds::of(HISTORIES / 4) {
        check_history(Arc::new(server.open_below(&format!("/{seed}")).await), seed).await;
    }
}

async fn check_history(store: Arc<dyn Store>, seed: u64) {
    let clock = Arc::new(AtomicU64::new(0));
    let base = store.revision().await.expect("revision");
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let rng = StdRng::seed_from_u64(seed ^ client << 32);
            tokio::spawn(work(store.clone(), clock.clone(), rng, client))
        })
        .collect();
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|watcher| {
            let rng = StdRng::seed_from_u64(seed ^ !watcher << 32);
            tokio::spawn(follow(store.clone(), rng, base))
        })
        .collect();
    let mut history = Vec::new();
    for client in clients {
        history.extend(client.await.expect("a client"));
    }
    store.commit(put(END.into(), "end".into())).await.expect("the end");
    check_order(&history);
    let states = replay(&history);
    history.iter().for_each(|operation| check_answer(operation, &states));
    for watcher in watchers {
        check_watch(&watcher.await.expect("a watcher"), &history);
    }
}

/// Written last of all, so that watchers know when to stop.
const END: &str = "/end";

fn put(key: Bytes, value: Bytes) -> Txn {
    Txn { writes: vec![Write::Put { key, value }], ..Txn::default() }
}

async fn work(store: Arc<dyn Store>, clock: Arc<AtomicU64>, mut rng: StdRng, client: u64) -> Vec<Operation> {
    let mut history = Vec::new();
    let now = || clock.fetch_add(1, Ordering::SeqCst);
    for step in 0..STEPS {
        let key = Bytes::from(format!("/key/{}", rng.random_range(0..KEYS)));
        let begun = now();
        let (revision, told) = match rng.random_range(0..10) {
            0..2 => {
                let (found, revision) = store.get(&key).await.expect("get");
                (revision, Told::Read(key, found.map(|found| (found.value, found.mod_revision))))
            }
            2 => {
                let listing = store.list(&Range::prefix("/key/"), &Page::all()).await.expect("list");
                let items = listing.items.into_iter().map(|item| (item.key, item.mod_revision));
                (listing.revision, Told::Listed(items.collect()))
            }
            _ => {
                let on = match rng.random() {
                    true => Some(store.get(&key).await.expect("get").0.map(|found| found.mod_revision)),
                    false => None,
                };
                let write = match rng.random_ratio(1, 4) {
                    true => Write::Delete { key: key.clone() },
                    false => Write::Put { key: key.clone(), value: format!("{client}/{step}").into() },
                };
                let compare = on.map(|on| match on {
                    Some(revision) => Compare::ModRevision(key.clone(), revision),
                    None => Compare::Absent(key.clone()),
                });
                let durability = if rng.random() { Durability::Durable } else { Durability::Volatile };
                let (compares, writes) = (compare.into_iter().collect(), vec![write.clone()]);
                match store.commit(Txn { compares, writes, durability }).await.expect("commit") {
                    Committed::Done { revision } => (revision, Told::Wrote { write, on }),
                    Committed::Conflict { .. } => continue,
                }
            }
        };
        history.push(Operation { begun, ended: now(), revision, told });
    }
    history
}

/// What ended before another began has no higher revision.
fn check_order(history: &[Operation]) {
    let mut by_end: Vec<&Operation> = history.iter().collect();
    by_end.sort_by_key(|operation| operation.ended);
    let mut by_begin: Vec<&Operation> = history.iter().collect();
    by_begin.sort_by_key(|operation| operation.begun);
    let (mut ended, mut highest) = (by_end.into_iter().peekable(), 0);
    for operation in by_begin {
        while let Some(before) = ended.next_if(|before| before.ended < operation.begun) {
            highest = highest.max(before.revision);
        }
        assert!(operation.revision >= highest, "{} is older than {highest}", operation.revision);
    }
}

/// The value of every key at every revision that wrote it; none: deleted.
type States = BTreeMap<Bytes, BTreeMap<Revision, Option<Bytes>>>;

fn replay(history: &[Operation]) -> States {
    let (mut states, mut put) = (States::new(), BTreeSet::new());
    for operation in history {
        let Told::Wrote { write, .. } = &operation.told else { continue };
        let value = match write {
            Write::Put { value, .. } => Some(value.clone()),
            Write::Delete { .. } => None,
        };
        let puts = value.is_some();
        assert!(!puts || put.insert(operation.revision), "revision {} was used twice", operation.revision);
        // deletions of nothing have the revision of another write, but never one that put their key
        let present = states.entry(write.key().clone()).or_default().insert(operation.revision, value);
        assert!(present.is_none_or(|value| value.is_none() && !puts), "{write:?} at {}", operation.revision);
    }
    states
}

/// A key as of a revision: its value and the revision that wrote it.
fn state<'s>(states: &'s States, key: &Bytes, at: Bound<Revision>) -> Option<(&'s Bytes, Revision)> {
    let (revision, value) = states.get(key)?.range((Bound::Unbounded, at)).next_back()?;
    Some((value.as_ref()?, *revision))
}

fn check_answer(operation: &Operation, states: &States) {
    let at = Bound::Included(operation.revision);
    match &operation.told {
        Told::Read(key, found) => {
            let expected = state(states, key, at).map(|(value, revision)| (value.clone(), revision));
            assert_eq!(*found, expected, "{key:?} at {}", operation.revision);
        }
        Told::Listed(found) => {
            let expected = states.keys().filter_map(|key| Some((key.clone(), state(states, key, at)?.1)));
            assert_eq!(*found, expected.collect::<Vec<_>>(), "at {}", operation.revision);
        }
        Told::Wrote { write, on: Some(on) } => {
            let nothing = matches!(write, Write::Delete { .. }) && on.is_none();
            let before = if nothing { at } else { Bound::Excluded(operation.revision) };
            let before = state(states, write.key(), before);
            assert_eq!(before.map(|(_, revision)| revision), *on, "the compare of {}", operation.revision);
        }
        Told::Wrote { on: None, .. } => {}
    }
}

/// Follows all keys from the start, and is cut again and again: after any number of batches it resumes from the last.
async fn follow(store: Arc<dyn Store>, mut rng: StdRng, base: Revision) -> Vec<Change> {
    let (mut seen, mut after) = (Vec::new(), base);
    loop {
        let mut watch = match store.watch(Range::all(), after).await {
            Ok(watch) => watch,
            Err(Error::Compacted { .. }) => panic!("the history is long enough"),
            Err(error) => panic!("{error}"),
        };
        for _ in 0..rng.random_range(1..6) {
            let batch = watch.next().await.expect("it goes on").expect("no error");
            after = batch.revision;
            seen.extend(batch.changes);
            if seen.last().is_some_and(|last: &Change| last.key() == END) {
                return seen;
            }
        }
    }
}

/// Every write that changed something was seen once, in the order of revisions.
fn check_watch(seen: &[Change], history: &[Operation]) {
    let revisions: Vec<Revision> = seen.iter().map(Change::revision).collect();
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
    let states = replay(history);
    let mut expected = Vec::new();
    for (key, writes) in &states {
        let mut exists = false;
        for (revision, value) in writes {
            if value.is_some() || exists {
                expected.push((*revision, key.clone(), value.clone()));
            }
            exists = value.is_some();
        }
    }
    expected.sort();
    let seen = seen[..seen.len() - 1].iter().map(|change| match change {
        Change::Put { now } => (now.mod_revision, now.key.clone(), Some(now.value.clone())),
        Change::Delete { key, revision } => (*revision, key.clone(), None),
    });
    assert_eq!(seen.collect::<Vec<_>>(), expected);
}
