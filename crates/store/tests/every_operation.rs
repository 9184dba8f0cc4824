//! Each fault of the disk at each operation of a fixed course of work: the store goes on by itself, and shows and keeps
//! exactly what it acknowledged.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store::{
    Change, Committed, Embedded, Error, Fault, FaultyDisk, Options, Page, PowerLoss, Range, Revision, Store,
    Txn,
};

use crate::support::{delete, put, small, volatile};

const FAULTS: [Fault; 3] = [Fault::Error, Fault::LostSync, Fault::Full];
const LOSSES: [PowerLoss; 3] = [PowerLoss::LosesAll, PowerLoss::KeepsSome, PowerLoss::KeepsAll];

/// Enough for several segments and snapshots. The last is durable, and so all are.
const STEPS: usize = 61;

/// How often a write is tried, each time after a pause.
const TRIES: usize = 20_000;

type Content = BTreeMap<Bytes, Bytes>;

fn open(disk: &FaultyDisk) -> Result<Embedded, Error> {
    let options = Options { retry: Duration::from_millis(1), ..small() };
    Embedded::open_on(Arc::new(disk.clone()), options)
}

async fn content(store: &dyn Store) -> Content {
    let listing = store.list(&Range::all(), &Page::all()).await.expect("list");
    listing.items.into_iter().map(|item| (item.key, item.value)).collect()
}

/// The work: puts of some keys in turn, some of them volatile, and deletions.
fn step(number: usize) -> (String, Option<Vec<u8>>, Txn) {
    let key = format!("/{:02}", number % 17);
    if number % 23 == 22 {
        let key = format!("/{:02}", (number - 1) % 17);
        return (key.clone(), None, delete(&key));
    }
    let value = vec![b'a' + (number % 26) as u8; 100 + number * 13 % 400];
    let txn = put(&key, value.clone());
    (key, Some(value), if number % 5 == 4 { volatile(txn) } else { txn })
}

/// Does all of the work, each step as often as it takes; what is there then, and the revisions acknowledged.
async fn work(store: &Embedded, disk: &FaultyDisk) -> (Content, Vec<Revision>) {
    let (mut model, mut acknowledged) = (Content::new(), Vec::new());
    for number in 0..STEPS {
        let (key, value, txn) = step(number);
        let mut tries = 0;
        let revision = loop {
            match store.commit(txn.clone()).await {
                Ok(Committed::Done { revision }) => break revision,
                Ok(other) => panic!("{other:?}"),
                Err(error) => {
                    assert!(matches!(error, Error::Io { .. } | Error::ReadOnly { .. }), "{error}");
                    tries += 1;
                    assert!(tries < TRIES, "it stays read-only: {error}");
                    disk.set_capacity(usize::MAX);
                    tokio::time::sleep(Duration::from_micros(100)).await;
                }
            }
        };
        assert!(acknowledged.last().is_none_or(|last| *last < revision));
        acknowledged.push(revision);
        match value {
            Some(value) => model.insert(key.into(), value.into()),
            None => model.remove(&Bytes::from(key)),
        };
    }
    (model, acknowledged)
}

async fn one(fault: Fault, operations: u64) -> bool {
    let disk = FaultyDisk::new(operations);
    let store = open(&disk).expect("open");
    let start = store.revision().await.expect("revision");
    let mut watch = store.watch(Range::all(), start).await.expect("watch");
    disk.fault_after(operations, fault);
    let (model, acknowledged) = work(&store, &disk).await;
    assert_eq!(content(&store).await, model);
    let mut seen = Vec::new();
    while seen.len() < acknowledged.len() {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        seen.extend(batch.changes.iter().map(Change::revision));
    }
    assert_eq!(seen, acknowledged, "a watch shows what was acknowledged, each change once");
    let struck = !disk.awaits_fault();
    disk.set_capacity(usize::MAX);
    let closed = store.close().await;
    assert!(closed.is_ok() || !struck, "{closed:?}");
    drop(store);
    for loss in LOSSES {
        let store = open(&disk.power_loss(loss)).expect("open");
        assert_eq!(content(&store).await, model, "{loss:?}");
        assert!(store.revision().await.expect("revision") >= *acknowledged.last().expect("some"));
    }
    struck
}

#[tokio::test]
async fn no_fault_of_any_operation_breaks_a_promise() {
    for fault in FAULTS {
        let mut operations = 0;
        while one(fault, operations).await {
            operations += 1;
        }
        assert!(operations > 150, "{fault:?}: {operations} operations are too few for this work");
    }
}

#[tokio::test]
async fn a_failed_start_changes_nothing() {
    for operations in 0.. {
        let disk = FaultyDisk::new(operations);
        let store = open(&disk).expect("open");
        let (model, _) = work(&store, &disk).await;
        drop(store);
        let disk = disk.power_loss(PowerLoss::KeepsAll);
        disk.fault_after(operations, Fault::Error);
        let first = open(&disk);
        let struck = !disk.awaits_fault();
        if let Err(error) = &first {
            assert!(matches!(error, Error::Io { .. }), "{error}");
        }
        drop(first);
        let store = open(&disk).expect("open");
        assert_eq!(content(&store).await, model, "{operations}");
        if !struck {
            assert!(operations > 2, "a start takes more operations than {operations}");
            return;
        }
    }
}
