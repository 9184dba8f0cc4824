//! Faults that watches of other stores had, each as a test of its own: none of them is to come back here.

use std::sync::Arc;

use store::{Change, Embedded, Error, FaultyDisk, Memory, Options, Page, PowerLoss, Range, Revision, Store};

use crate::support::{delete, done, put, small};

/// Both implementations, each empty.
fn stores() -> Vec<Arc<dyn Store>> {
    let embedded = Embedded::open_on(Arc::new(FaultyDisk::new(0)), small()).expect("open");
    vec![Arc::new(Memory::new()), Arc::new(embedded)]
}

/// Everything after a revision up to now; none where that is forgotten.
async fn changes(store: &dyn Store, after: Revision) -> Option<Vec<Change>> {
    let mut watch = match store.watch(Range::all(), after).await {
        Ok(watch) => watch,
        Err(Error::Compacted { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    let now = store.revision().await.expect("revision");
    let (mut reached, mut seen) = (after, Vec::new());
    while reached < now {
        let batch = watch.next().await.expect("it goes on").expect("no error");
        reached = batch.revision;
        seen.extend(batch.changes);
    }
    Some(seen)
}

/// A watch from a revision that does not exist yet delivered what came before that revision.
#[tokio::test]
async fn a_watch_from_the_future_shows_nothing_of_the_past() {
    for store in stores() {
        let now = done(&*store, put("/a", "1")).await;
        for ahead in [1, 2, 100] {
            let asked = store.watch(Range::all(), now + ahead).await.map(drop);
            assert!(matches!(asked, Err(Error::FutureRevision { .. })), "{asked:?}");
        }
        done(&*store, put("/a", "2")).await;
        done(&*store, put("/a", "3")).await;
        let seen = changes(&*store, now + 1).await.expect("it exists now");
        assert_eq!(seen.iter().map(Change::revision).collect::<Vec<_>>(), [now + 2]);
    }
}

/// A deletion was compacted away before a watch from an earlier revision had shown it, and the watch went on.
#[tokio::test]
async fn no_deletion_is_dropped_by_compaction() {
    for store in stores() {
        let made = done(&*store, put("/a", "1")).await;
        let deleted = done(&*store, delete("/a")).await;
        let mut behind = store.watch(Range::all(), made).await.expect("watch");
        let last = done(&*store, put("/b", "1")).await;
        store.compact(deleted).await.expect("compact");
        match behind.next().await.expect("an answer") {
            Err(Error::Lagged) => {}
            Ok(batch) => {
                assert_eq!(batch.changes[0].revision(), deleted, "it was read before: all or nothing")
            }
            Err(error) => panic!("{error}"),
        }
        assert!(changes(&*store, made).await.is_none(), "what is forgotten is not passed over");
        let rest = changes(&*store, deleted).await.expect("it is kept");
        assert_eq!(rest.iter().map(Change::revision).collect::<Vec<_>>(), [last]);
    }
}

/// After a crash in the middle of a compaction the revision was lower than one that had been shown.
#[tokio::test]
async fn no_crash_in_a_compaction_turns_the_revision_back() {
    let options = || Options { snapshot_min_bytes: 2000, snapshot_factor: 0, ..small() };
    for operations in 0.. {
        let disk = FaultyDisk::new(operations);
        let store = Embedded::open_on(Arc::new(disk.clone()), options()).expect("open");
        let mut highest = done(&store, put("/a", "1")).await;
        highest = highest.max(done(&store, delete("/a")).await);
        disk.crash_after(operations);
        for round in 0..12 {
            if let Ok(store::Committed::Done { revision }) =
                store.commit(put(&format!("/{round}"), vec![b'x'; 500])).await
            {
                highest = revision;
            }
            let _compacted_or_dead = store.compact(highest).await;
        }
        store.close().await.ok();
        let died = disk.has_crashed();
        for loss in [PowerLoss::LosesAll, PowerLoss::KeepsSome, PowerLoss::KeepsAll] {
            let store = Embedded::open_on(Arc::new(disk.power_loss(loss)), options()).expect("open");
            let now = store.revision().await.expect("revision");
            assert!(now >= highest, "{operations} {loss:?}: {now} after {highest}");
            assert!(done(&store, put("/next", "1")).await > highest);
        }
        if !died {
            assert!(operations > 12, "a snapshot takes more operations than {operations}");
            return;
        }
    }
}

/// A bookmark told a revision whose changes the watch had not delivered yet.
#[tokio::test]
async fn no_progress_is_told_before_its_changes() {
    for store in stores() {
        let count = 3000;
        for number in 0..count {
            let key = if number % 3 == 0 { "/in" } else { "/out" };
            done(&*store, put(key, number.to_string())).await;
        }
        let mut watch = store.watch(Range::key("/in"), 0).await.expect("watch");
        let (mut seen, mut reached) = (Vec::new(), 0);
        while reached < store.revision().await.expect("revision") {
            let batch = watch.next().await.expect("it goes on").expect("no error");
            assert!(batch.changes.iter().all(|change| change.revision() <= batch.revision));
            seen.extend(batch.changes.iter().map(Change::revision));
            reached = batch.revision;
            let resumed = changes(&*store, reached).await.expect("kept");
            let left = resumed.iter().filter(|change| change.key() == "/in").count();
            assert_eq!(seen.len() + left, count / 3, "resumed from {reached}");
        }
        assert_eq!(seen.len(), count / 3);
    }
}

/// After a crash, what watches had shown and what the store held were no longer the same.
#[tokio::test]
async fn what_was_shown_and_what_is_stored_do_not_diverge_in_a_crash() {
    for operations in 0..60 {
        let disk = FaultyDisk::new(operations);
        let store = Embedded::open_on(Arc::new(disk.clone()), small()).expect("open");
        let mut watch = store.watch(Range::all(), 0).await.expect("watch");
        disk.crash_after(operations);
        for round in 0..40 {
            let key = format!("/{}", round % 7);
            let txn = if round % 5 == 4 { delete(&key) } else { put(&key, round.to_string()) };
            let _done_or_dead = store.commit(txn).await;
        }
        let now = store.revision().await.expect("revision");
        let (mut shown, mut reached) = (Vec::new(), 0);
        while reached < now {
            let batch = watch.next().await.expect("it goes on").expect("no error");
            reached = batch.revision;
            shown.extend(batch.changes);
        }
        drop(store);
        let store =
            Embedded::open_on(Arc::new(disk.power_loss(PowerLoss::KeepsSome)), small()).expect("open");
        shown.extend(changes(&store, reached).await.expect("kept"));
        let mut state = std::collections::BTreeMap::new();
        for change in shown {
            match change {
                Change::Put { now } => drop(state.insert(now.key.clone(), (now.value, now.mod_revision))),
                Change::Delete { key, .. } => drop(state.remove(&key)),
            }
        }
        let stored = store.list(&Range::all(), &Page::all()).await.expect("list").items;
        let stored = stored.into_iter().map(|item| (item.key, (item.value, item.mod_revision)));
        assert_eq!(stored.collect::<std::collections::BTreeMap<_, _>>(), state, "{operations}");
    }
}
