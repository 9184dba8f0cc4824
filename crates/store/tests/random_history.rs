//! Random histories: each store answers exactly as the model does; the embedded one also over restarts, snapshots and
//! full segments.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use store::{
    Change, Committed, Compare, Durability, Embedded, Error, FaultyDisk, Memory, Options, Page, Range, Store,
    Txn, Write,
};

use crate::etcd_server::Server;
use crate::support::{Seeds, delete, done, put, small};

const KEYS: [&str; 8] = ["/a", "/a/1", "/a/2", "/b", "/.c", "/.d", "/.d/1", "/e"];
const HISTORIES: u64 = 60;
const STEPS: usize = 250;

#[tokio::test]
async fn the_embedded_store_does_what_the_model_does() {
    for seed in Seeds::of(HISTORIES) {
        compare(seed).await;
    }
}

async fn compare(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let options = Options { segment_bytes: rng.random_range(200..8000), ..small() };
    let disk = FaultyDisk::new(seed);
    let open = || Embedded::open_on(Arc::new(disk.clone()), options.clone()).expect("open");
    let (model, mut store) = (Memory::new(), open());
    for _ in 0..STEPS {
        match rng.random_range(0..100) {
            0..70 => {
                // no volatile ones here: these may overtake others of the same moment
                let durability = Durability::Durable;
                let txns: Vec<Txn> = (0..rng.random_range(1..6))
                    .map(|_| Txn { durability, ..txn(&mut rng, &model) })
                    .collect();
                let found = join_all(txns.iter().map(|txn| store.commit(txn.clone()))).await;
                for (txn, found) in txns.into_iter().zip(found) {
                    same(found, model.commit(txn).await);
                }
            }
            70..96 => step(&mut rng, &store, &model).await,
            _ => {
                store.close().await.expect("close");
                store = open();
            }
        }
    }
}

#[tokio::test]
async fn etcd_does_what_the_model_does() {
    for seed in Seeds::of(HISTORIES / 10) {
        let mut rng = StdRng::seed_from_u64(seed);
        let server = Server::start();
        // etcd begins at revision 1, with nothing
        done(&server.open_below("/elsewhere").await, put("/a", "")).await;
        let (model, store) = (Memory::new(), server.open().await);
        done(&model, put("/a", "")).await;
        assert_eq!(done(&model, delete("/a")).await, store.revision().await.expect("revision"));
        for _ in 0..STEPS * 4 {
            step(&mut rng, &store, &model).await;
        }
    }
}

/// Asks both the same.
async fn step(rng: &mut StdRng, store: &dyn Store, model: &Memory) {
    match rng.random_range(0..26) {
        0..10 => {
            let txn = txn(rng, model);
            same(store.commit(txn.clone()).await, model.commit(txn).await);
        }
        10..18 => {
            let (range, page) = (range(rng), page(rng));
            let found = store.list(&range, &page).await.expect("list");
            assert_eq!(found, model.list(&range, &page).await.expect("list"));
        }
        18..24 => compare_watches(rng, store, model).await,
        _ => {
            let current = model.revision().await.expect("revision");
            let upto = rng.random_range(0..=current + 1);
            let (found, expected) = (store.compact(upto).await, model.compact(upto).await);
            assert_eq!(found.is_ok(), expected.is_ok());
        }
    }
}

fn same(found: Result<Committed, Error>, expected: Result<Committed, Error>) {
    match (&found, &expected) {
        (Ok(found), Ok(expected)) => assert_eq!(found, expected),
        (Err(Error::Invalid(found)), Err(Error::Invalid(expected))) => assert_eq!(found, expected),
        _ => panic!("{found:?} is not {expected:?}"),
    }
}

/// Both show the same from a random revision on. The model has forgotten exactly what was
/// compacted; the store may have forgotten more, or, after a restart, less.
async fn compare_watches(rng: &mut StdRng, store: &dyn Store, model: &Memory) {
    let current = model.revision().await.expect("revision");
    let (range, after) = (range(rng), rng.random_range(0..=current));
    let found = read(store, &range, after, current).await;
    let expected = read(model, &range, after, current).await;
    if let (Some(found), Some(expected)) = (found, expected) {
        assert_eq!(found, expected, "after {after}");
    }
    assert!(read(store, &range, current, current).await.is_some(), "now is never compacted");
}

async fn read(store: &dyn Store, range: &Range, after: u64, upto: u64) -> Option<Vec<Change>> {
    let mut watch = match store.watch(range.clone(), after).await {
        Ok(watch) => watch,
        Err(Error::Compacted { oldest }) if oldest > after && oldest <= upto => return None,
        Err(error) => panic!("{error}"),
    };
    let (mut reached, mut seen) = (after, Vec::new());
    while reached < upto {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        reached = batch.revision;
        seen.extend(batch.changes);
    }
    Some(seen)
}

fn key(rng: &mut StdRng) -> Bytes {
    Bytes::from_static(KEYS.choose(rng).copied().unwrap_or_default().as_bytes())
}

fn range(rng: &mut StdRng) -> Range {
    match rng.random_range(0..4) {
        0 => Range::all(),
        1 => Range::prefix(key(rng)),
        2 => Range::key(key(rng)),
        _ => Range { start: key(rng), end: key(rng) },
    }
}

fn page(rng: &mut StdRng) -> Page {
    Page { limit: rng.random_range(0..5), after: rng.random::<bool>().then(|| key(rng)) }
}

fn txn(rng: &mut StdRng, model: &Memory) -> Txn {
    let compare = |rng: &mut StdRng| match rng.random_range(0..3) {
        0 => Compare::Absent(key(rng)),
        1 => Compare::Exists(key(rng)),
        _ => {
            let key = key(rng);
            let now = futures::executor::block_on(model.get(&key)).expect("get").0;
            Compare::ModRevision(key, now.map_or(7, |now| now.mod_revision))
        }
    };
    let write = |rng: &mut StdRng| match rng.random_range(0..3) {
        0 => Write::Delete { key: key(rng) },
        _ => {
            let value = vec![rng.random(); rng.random_range(0..300)];
            Write::Put { key: key(rng), value: value.into() }
        }
    };
    let compares = (0..rng.random_range(0..3)).map(|_| compare(rng)).collect();
    let writes = (0..rng.random_range(0..4)).map(|_| write(rng)).collect();
    let durability = if rng.random() { Durability::Durable } else { Durability::Volatile };
    Txn { compares, writes, durability }
}
