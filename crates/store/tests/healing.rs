//! After a failure of the disk the store goes on by itself, and keeps what it promised before and after.

use std::sync::Arc;
use std::time::Duration;

use store::{Embedded, Error, FaultyDisk, Options, PowerLoss, Range, Store};

use crate::support::{done, keys, put, small, volatile};

/// A store that tries to write again at once.
fn open(disk: &FaultyDisk) -> Embedded {
    let options = Options { retry: Duration::from_millis(1), ..small() };
    Embedded::open_on(Arc::new(disk.clone()), options).expect("open")
}

/// Commits until that succeeds again.
async fn heal(store: &Embedded, key: &str) {
    let mut tries = 0;
    while let Err(error) = store.commit(put(key, "1")).await {
        assert!(matches!(error, Error::ReadOnly { .. } | Error::Io { .. }), "{error}");
        tries += 1;
        assert!(tries < 10_000, "it stays read-only: {error}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn after_a_failed_sync_it_goes_on_without_what_failed() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk);
    let kept = done(&store, put("/kept", "1")).await;
    done(&store, volatile(put("/volatile", "1"))).await;
    let mut watch = store.watch(Range::all(), kept).await.expect("watch");
    disk.fail_syncs(3);
    let failed = store.commit(put("/lost", "1")).await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    heal(&store, "/healed").await;
    store.writable().await.expect("writable");
    let all = ["/healed", "/kept", "/volatile"];
    assert_eq!(keys(&store).await, all);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        seen.extend(batch.changes.iter().map(|change| change.key().clone()));
    }
    assert_eq!(seen, ["/volatile", "/healed"], "watches see neither a gap nor what failed");
    drop(store);
    let store = open(&disk.power_loss(PowerLoss::LosesAll));
    assert_eq!(keys(&store).await, all);
}

#[tokio::test]
async fn a_disk_with_space_again_is_written_again() {
    let disk = FaultyDisk::new(1);
    disk.set_capacity(24 << 10);
    let store = open(&disk);
    let mut promised = Vec::new();
    let full = loop {
        let key = format!("/{:03}", promised.len());
        match store.commit(put(&key, vec![b'x'; 300])).await {
            Ok(_) => promised.push(key),
            Err(error) => break error,
        }
    };
    assert!(matches!(full, Error::Io { .. }), "{full}");
    assert!(matches!(store.writable().await, Err(Error::ReadOnly { .. })));
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(keys(&store).await, promised, "attempts that fail change nothing");
    disk.set_capacity(usize::MAX);
    heal(&store, "/zzz").await;
    promised.push("/zzz".into());
    assert_eq!(keys(&store).await, promised);
    drop(store);
    let store = open(&disk.power_loss(PowerLoss::LosesAll));
    assert_eq!(keys(&store).await, promised);
}

#[tokio::test]
async fn a_crash_at_any_moment_of_healing_breaks_no_promise() {
    for operations in 0.. {
        let disk = FaultyDisk::new(operations);
        let store = open(&disk);
        let highest = done(&store, put("/kept", "1")).await;
        disk.fail_syncs(2);
        let failed = store.commit(put("/unknown", "1")).await;
        assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
        disk.crash_after(operations);
        let mut tries = 0;
        let healed = loop {
            match store.commit(put("/healed", "1")).await {
                Ok(_) => break true,
                Err(_) if disk.has_crashed() || tries > 5000 => break false,
                Err(_) => tries += 1,
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        };
        let died = disk.has_crashed();
        drop(store);
        for loss in [PowerLoss::LosesAll, PowerLoss::KeepsSome, PowerLoss::KeepsAll] {
            let store = open(&disk.power_loss(loss));
            let found = keys(&store).await;
            assert!(found.contains(&"/kept".into()), "{operations} {loss:?}: {found:?}");
            assert!(!healed || found.contains(&"/healed".into()), "{operations} {loss:?}: {found:?}");
            assert!(store.revision().await.expect("revision") >= highest);
            done(&store, put("/more", "1")).await;
        }
        if healed && !died {
            assert!(operations > 5, "healing takes more operations than {operations}");
            return;
        }
    }
}
