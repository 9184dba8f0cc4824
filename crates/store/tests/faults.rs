//! Damage and failures: noticed, named, and never made worse.

use std::sync::Arc;

use store::{Disk, Embedded, Error, FaultyDisk, Options, PowerLoss, Store};

use crate::support::{done, keys, put, small};

fn open(disk: &FaultyDisk) -> Result<Embedded, Error> {
    Embedded::open_on(Arc::new(disk.clone()), Options { segment_bytes: 4096, ..small() })
}

#[tokio::test]
async fn every_flipped_bit_is_noticed_and_nothing_is_overwritten() {
    let disk = FaultyDisk::new(0);
    for round in 0..3 {
        let store = open(&disk).expect("open");
        done(&store, put(&format!("/{round}"), "a value")).await;
        done(&store, put("/.claim", "another")).await;
        store.close().await.expect("close");
    }
    flip_every_bit(&disk);
    assert_eq!(keys(&open(&disk).expect("open")).await, ["/.claim", "/0", "/1", "/2"]);
}

#[tokio::test]
async fn every_flipped_bit_of_a_snapshot_is_noticed() {
    let disk = FaultyDisk::new(0);
    let options = Options { snapshot_min_bytes: 1000, snapshot_factor: 0, ..small() };
    let store = Embedded::open_on(Arc::new(disk.clone()), options).expect("open");
    done(&store, put("/a", vec![b'x'; 1000])).await;
    while disk.list().expect("list") != ["log-0000000000000002", "snapshot-0000000000000002"] {
        std::thread::yield_now();
    }
    done(&store, put("/b", "1")).await;
    store.close().await.expect("close");
    flip_every_bit(&disk);
    assert_eq!(keys(&open(&disk).expect("open")).await, ["/a", "/b"]);
}

fn flip_every_bit(disk: &FaultyDisk) {
    for name in disk.list().expect("list") {
        for bit in 0.. {
            if !disk.flip_bit(&name, bit) {
                break;
            }
            match open(disk).map(drop) {
                Err(Error::Corrupt { file, offset, .. }) => {
                    assert_eq!(file, name);
                    assert!(offset <= bit as u64 / 8, "bit {bit} noticed at {offset}");
                }
                other => panic!("bit {bit} of {name}: {other:?}"),
            }
            disk.flip_bit(&name, bit);
        }
    }
}

#[tokio::test]
async fn a_missing_file_is_noticed() {
    let disk = FaultyDisk::new(0);
    for _ in 0..3 {
        done(&open(&disk).expect("open"), put("/a", "1")).await;
    }
    disk.remove("log-0000000000000002").expect("remove");
    let error = open(&disk).map(drop).expect_err("a log is missing");
    assert!(matches!(error, Error::Corrupt { file, .. } if file == "log-0000000000000002"));
}

#[tokio::test]
async fn after_a_failed_sync_the_store_is_read_only() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk).expect("open");
    let kept = done(&store, put("/kept", "1")).await;
    disk.fail_syncs(1);
    let failed = store.commit(put("/lost", "1")).await;
    assert!(matches!(failed, Err(Error::Io { .. })), "{failed:?}");
    for _ in 0..3 {
        let refused = store.commit(put("/lost", "2")).await;
        assert!(matches!(refused, Err(Error::ReadOnly { .. })), "{refused:?}");
    }
    assert_eq!(keys(&store).await, ["/kept"], "reads go on, without what may be lost");
    assert_eq!(store.revision().await.expect("revision"), kept);
    assert!(matches!(store.close().await, Err(Error::ReadOnly { .. })));
    let store = open(&disk.power_loss(PowerLoss::LosesAll)).expect("open");
    assert_eq!(keys(&store).await, ["/kept"]);
    done(&store, put("/more", "1")).await;
}

#[tokio::test]
async fn a_full_disk_stops_writes_and_keeps_what_was_promised() {
    let disk = FaultyDisk::new(0);
    disk.set_capacity(20 << 10);
    let store = open(&disk).expect("open");
    let mut promised = Vec::new();
    loop {
        let key = format!("/{:03}", promised.len());
        match store.commit(put(&key, vec![b'x'; 300])).await {
            Ok(_) => promised.push(key),
            Err(error) => {
                assert!(matches!(error, Error::Io { .. }), "{error}");
                break;
            }
        }
    }
    assert!(promised.len() > 10, "{promised:?}");
    assert_eq!(keys(&store).await, promised);
    drop(store);
    assert!(matches!(open(&disk).map(drop), Err(Error::Io { .. })), "still full");
    disk.set_capacity(usize::MAX);
    let store = open(&disk).expect("open");
    let found = keys(&store).await;
    assert_eq!(found[..promised.len()], promised);
    done(&store, put("/more", "1")).await;
}
