//! What the embedded store promises beyond the contract, without faults.

use std::sync::Arc;

use store::{Change, Disk, Embedded, Error, FaultyDisk, Options, PowerLoss, Range, Store, Watch};

use crate::support::{done, keys, put, small, volatile};

fn open(disk: &FaultyDisk, options: Options) -> Embedded {
    Embedded::open_on(Arc::new(disk.clone()), options).expect("open")
}

#[tokio::test]
async fn a_commit_costs_one_sync_and_a_volatile_one_none() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk, Options::default());
    for round in 0..5 {
        let before = disk.syncs();
        done(&store, put("/a", "1")).await;
        assert_eq!(disk.syncs() - before, 1, "round {round}");
    }
    done(&store, volatile(put("/a", "reserves"))).await;
    let before = disk.syncs();
    for _ in 0..5 {
        done(&store, volatile(put("/a", "2"))).await;
    }
    assert_eq!(disk.syncs(), before);
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = Embedded::open(dir.path(), Options::default()).expect("open");
    let revision = done(&first, put("/a", "1")).await;
    let second = Embedded::open(dir.path(), Options::default()).map(drop);
    let Err(Error::Locked { path, pid }) = &second else { panic!("opened twice: {second:?}") };
    assert_eq!((path.as_path(), *pid), (dir.path(), Some(std::process::id())));
    first.close().await.expect("close");
    assert!(matches!(first.commit(put("/a", "2")).await, Err(Error::Closed)));
    assert!(matches!(first.get(b"/a").await, Err(Error::Closed)));
    let second = Embedded::open(dir.path(), Options::default()).expect("open again");
    assert_eq!(second.revision().await.expect("revision"), revision);
    assert_eq!(keys(&second).await, ["/a"]);
}

#[tokio::test]
async fn closing_ends_watches_after_all_is_delivered() {
    let store = open(&FaultyDisk::new(0), Options::default());
    let mut watch = store.watch(Range::all(), 0).await.expect("watch");
    let revision = done(&store, put("/a", "1")).await;
    store.close().await.expect("close");
    let batch = watch.next().await.expect("a batch").expect("no error");
    assert_eq!((batch.revision, batch.changes.len()), (revision, 1));
    assert!(watch.next().await.is_none());
    store.close().await.expect("closing twice does nothing");
}

#[tokio::test]
async fn revisions_go_on_after_a_clean_close() {
    let disk = FaultyDisk::new(0);
    for round in 1..=3 {
        let store = open(&disk, Options::default());
        assert_eq!(done(&store, volatile(put("/a", "1"))).await, round * 2 - 1);
        assert_eq!(done(&store, put("/a", "1")).await, round * 2);
    }
}

#[tokio::test]
async fn lost_revisions_are_never_used_again() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk, Options::default());
    let kept = done(&store, volatile(put("/kept", "1"))).await;
    let lost = done(&store, volatile(put("/lost", "1"))).await;
    let disk = disk.power_loss(PowerLoss::LosesAll);
    let store = open(&disk, Options::default());
    assert_eq!(keys(&store).await, ["/kept"]);
    let current = store.revision().await.expect("revision");
    assert!(current > Options::default().reserve_block, "{current}");
    let refused = store.watch(Range::all(), lost).await.map(drop);
    assert!(matches!(refused, Err(Error::Compacted { oldest }) if oldest == current));
    let mut resumed = store.watch(Range::all(), kept).await.expect("what is kept can be resumed");
    let next = done(&store, put("/new", "1")).await;
    assert!(next > current);
    let seen = read_to(&mut resumed, next).await;
    assert_eq!(seen.iter().map(Change::key).collect::<Vec<_>>(), ["/new"]);
}

#[tokio::test]
async fn volatile_writes_survive_the_death_of_the_process() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk, Options::default());
    let mut last = 0;
    for round in 0..100 {
        last = done(&store, volatile(put("/a", round.to_string()))).await;
    }
    let store = open(&disk.power_loss(PowerLoss::KeepsAll), Options::default());
    let (found, _) = store.get(b"/a").await.expect("get");
    assert_eq!(found.map(|item| (item.mod_revision, item.value)), Some((last, "99".into())));
}

#[tokio::test]
async fn volatile_writes_are_synced_soon() {
    let disk = FaultyDisk::new(0);
    let volatile_sync = std::time::Duration::from_millis(20);
    let store = open(&disk, Options { volatile_sync, ..Options::default() });
    for _ in 0..2 {
        done(&store, volatile(put("/a", "1"))).await;
    }
    tokio::time::sleep(volatile_sync * 10).await;
    let store = open(&disk.power_loss(PowerLoss::LosesAll), Options::default());
    let (found, _) = store.get(b"/a").await.expect("get");
    assert_eq!(found.map(|item| item.mod_revision), Some(2));
}

#[tokio::test]
async fn watches_resume_over_a_restart() {
    let disk = FaultyDisk::new(0);
    let store = open(&disk, Options::default());
    for round in 0..10 {
        done(&store, put(&format!("/{round}"), "1")).await;
    }
    drop(store);
    let store = open(&disk, Options::default());
    for after in 0..10 {
        let mut watch = store.watch(Range::all(), after).await.expect("watch");
        let seen = read_to(&mut watch, 10).await;
        let revisions: Vec<u64> = seen.iter().map(Change::revision).collect();
        assert_eq!(revisions, (after + 1..=10).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_watch_too_far_behind_ends() {
    let options = Options { history_count: 10, ..Options::default() };
    let store = open(&FaultyDisk::new(0), options);
    let mut watch = store.watch(Range::all(), 0).await.expect("watch");
    for _ in 0..11 {
        done(&store, put("/a", "1")).await;
    }
    assert!(matches!(watch.next().await, Some(Err(Error::Lagged))));
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn snapshots_bound_the_files() {
    let disk = FaultyDisk::new(0);
    let mut store = open(&disk, small());
    for round in 0..2000_u32 {
        done(&store, put(&format!("/{}", round % 20), vec![b'x'; 100])).await;
        if round % 500 == 499 {
            store.close().await.expect("close");
            store = open(&disk, small());
        }
    }
    store.close().await.expect("close");
    let names = disk.list().expect("list");
    assert!(names.len() < 30, "{names:?}");
    assert!(names.iter().any(|name| name.starts_with("snapshot-")), "{names:?}");
    let store = open(&disk, small());
    assert_eq!(keys(&store).await.len(), 20);
    assert_eq!(store.revision().await.expect("revision"), 2000);
}

/// Reads a watch up to a revision.
async fn read_to(watch: &mut Watch, revision: u64) -> Vec<Change> {
    let mut seen = Vec::new();
    loop {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        seen.extend(batch.changes);
        if batch.revision >= revision {
            return seen;
        }
    }
}
