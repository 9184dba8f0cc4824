//! Checks, copies, restores and repairs of a store's directory.

use std::fs;
use std::path::{Path, PathBuf};

use store::maintenance::{check, compact, repair, restore, snapshot};
use store::{Embedded, Error, Range, Store};
use tempfile::TempDir;

use crate::support::{done, keys, put, small};

fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, small()).expect("open")
}

/// A directory with a store of these keys, closed.
async fn made(names: &[&str]) -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let store = open(dir.path());
    for name in names {
        done(&store, put(name, format!("the value of {name}"))).await;
    }
    store.close().await.expect("close");
    dir
}

fn file(dir: &Path, stem: &str) -> PathBuf {
    let entries = fs::read_dir(dir).expect("a directory").map(|entry| entry.expect("an entry").path());
    let name = |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(stem));
    entries.filter(name).min().expect(stem)
}

/// Damages the byte where this text stands.
fn damage(file: &Path, text: &str) {
    let mut bytes = fs::read(file).expect("read");
    let at = bytes.windows(text.len()).position(|window| window == text.as_bytes()).expect(text);
    bytes[at] ^= 1;
    fs::write(file, bytes).expect("write");
}

#[tokio::test]
async fn what_is_there_is_told_also_while_it_is_open() {
    let dir = made(&["/a", "/b"]).await;
    let found = check(dir.path()).expect("sound");
    assert_eq!((found.keys, found.revision), (2, 2));
    let store = open(dir.path());
    done(&store, put("/c", "1")).await;
    let open_found = check(dir.path()).expect("sound");
    assert_eq!((open_found.keys, open_found.store), (3, found.store));
    assert!(matches!(compact(dir.path()), Err(Error::Locked { .. })), "that needs it alone");
    assert!(matches!(repair(dir.path()), Err(Error::Locked { .. })));
    let empty = tempfile::tempdir().expect("a directory");
    for outcome in [check(empty.path()), check(&empty.path().join("none")), compact(empty.path())] {
        assert!(matches!(outcome, Err(Error::Absent { .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_snapshot_of_an_open_store_is_restored_elsewhere() {
    let dir = made(&["/a", "/b"]).await;
    let store = open(dir.path());
    let last = done(&store, put("/c", "1")).await;
    let copies = tempfile::tempdir().expect("a directory");
    let copy = copies.path().join("copy");
    let taken = snapshot(dir.path(), &copy).expect("a snapshot");
    assert_eq!((taken.keys, taken.revision), (3, last));
    assert!(matches!(snapshot(dir.path(), &copy), Err(Error::Occupied { .. })), "it is not overwritten");
    done(&store, put("/later", "1")).await;
    let target = copies.path().join("new");
    let restored = restore(&copy, &target, false).expect("restored");
    assert_eq!((restored.store, restored.keys), (taken.store, 3));
    let new = open(&target);
    assert_eq!(keys(&new).await, ["/a", "/b", "/c"]);
    assert!(new.revision().await.expect("revision") > last + 1_000_000);
    let seen = new.watch(Range::all(), last + 1).await.map(drop);
    assert!(matches!(seen, Err(Error::Compacted { .. })), "what the copy lacks was seen: {seen:?}");
    done(&new, put("/d", "1")).await;
    new.close().await.expect("close");
    assert_eq!(keys(&open(&target)).await, ["/a", "/b", "/c", "/d"]);
}

#[tokio::test]
async fn a_store_is_replaced_only_by_a_copy_of_itself_and_when_that_is_wanted() {
    let (dir, other) = (made(&["/a"]).await, made(&["/x"]).await);
    let copies = tempfile::tempdir().expect("a directory");
    let (copy, foreign) = (copies.path().join("copy"), copies.path().join("foreign"));
    snapshot(dir.path(), &copy).expect("a snapshot");
    snapshot(other.path(), &foreign).expect("a snapshot");
    let store = open(dir.path());
    let last = done(&store, put("/later", "1")).await;
    assert!(matches!(restore(&copy, dir.path(), true), Err(Error::Locked { .. })));
    store.close().await.expect("close");
    let before = check(dir.path()).expect("sound");
    assert!(matches!(restore(&copy, dir.path(), false), Err(Error::Occupied { .. })));
    assert!(matches!(restore(&foreign, dir.path(), true), Err(Error::Foreign { .. })));
    assert!(matches!(restore(&copies.path().join("none"), dir.path(), true), Err(Error::Io { .. })));
    assert_eq!(check(dir.path()).expect("sound"), before, "nothing was changed");
    restore(&copy, dir.path(), true).expect("restored");
    let store = open(dir.path());
    assert_eq!(keys(&store).await, ["/a"]);
    assert!(store.revision().await.expect("revision") > last);
}

#[tokio::test]
async fn a_damaged_snapshot_is_refused() {
    let dir = made(&["/a", "/b"]).await;
    let copies = tempfile::tempdir().expect("a directory");
    let (copy, target) = (copies.path().join("copy"), copies.path().join("new"));
    snapshot(dir.path(), &copy).expect("a snapshot");
    let whole = fs::read(&copy).expect("read");
    fs::write(&copy, &whole[..whole.len() / 2]).expect("write");
    assert!(matches!(restore(&copy, &target, false), Err(Error::Corrupt { .. })), "cut short");
    fs::write(&copy, b"something else altogether").expect("write");
    assert!(matches!(restore(&copy, &target, false), Err(Error::Corrupt { .. })), "foreign");
    assert!(!target.exists(), "nothing was made of it");
}

#[tokio::test]
async fn compaction_leaves_the_live_data_alone() {
    let dir = made(&["/a", "/a", "/a", "/b"]).await;
    let before = check(dir.path()).expect("sound");
    assert_eq!(compact(dir.path()).expect("compacted"), before);
    assert_eq!(check(dir.path()).expect("sound"), before);
    assert!(!dir.path().join("log-0000000000000001").exists());
    let store = open(dir.path());
    assert_eq!(keys(&store).await, ["/a", "/b"]);
    assert_eq!(store.revision().await.expect("revision"), before.revision);
}

#[tokio::test]
async fn what_is_damaged_is_named_and_what_was_before_is_repaired() {
    let dir = made(&["/a", "/b", "/c"]).await;
    let sound = check(dir.path()).expect("sound");
    assert_eq!(repair(dir.path()).expect("nothing to do"), (sound.clone(), Vec::new()));
    let log = file(dir.path(), "log-");
    damage(&log, "the value of /b");
    let Err(Error::Corrupt { offset, .. }) = check(dir.path()) else { panic!("it is damaged") };
    assert!(Embedded::open(dir.path(), small()).is_err(), "it is not served");
    let (found, damages) = repair(dir.path()).expect("repaired");
    assert_eq!(damages.len(), 1);
    assert_eq!(damages[0].offset, offset);
    assert!(found.revision > sound.revision && found.store == sound.store);
    assert!(log.with_extension("damaged").exists(), "what is damaged is kept");
    let store = open(dir.path());
    assert_eq!(keys(&store).await, ["/a"], "what rests on the damaged write is given up with it");
    done(&store, put("/b", "again")).await;
}

#[tokio::test]
async fn logs_behind_a_damaged_one_are_given_up_too() {
    let dir = made(&["/a", "/b"]).await;
    let store = open(dir.path());
    let last = done(&store, put("/c", "1")).await;
    store.close().await.expect("close");
    damage(&file(dir.path(), "log-"), "the value of /b");
    let (found, damages) = repair(dir.path()).expect("repaired");
    assert_eq!(damages.len(), 2, "{damages:?}");
    assert!(found.revision > last);
    assert_eq!(keys(&open(dir.path())).await, ["/a"]);
}

#[tokio::test]
async fn logs_behind_a_missing_one_are_given_up_too() {
    let dir = made(&["/a"]).await;
    for name in ["/b", "/c"] {
        let store = open(dir.path());
        done(&store, put(name, "1")).await;
        store.close().await.expect("close");
    }
    fs::remove_file(dir.path().join("log-0000000000000002")).expect("remove");
    let (_, damages) = repair(dir.path()).expect("repaired");
    assert_eq!(
        damages.iter().map(|damage| damage.file.as_str()).collect::<Vec<_>>(),
        ["log-0000000000000003"]
    );
    assert_eq!(keys(&open(dir.path())).await, ["/a"]);
}

#[tokio::test]
async fn a_damaged_store_is_replaced_by_a_copy_of_itself() {
    let (dir, other) = (made(&["/a"]).await, made(&["/x"]).await);
    let copies = tempfile::tempdir().expect("a directory");
    let (copy, foreign) = (copies.path().join("copy"), copies.path().join("foreign"));
    snapshot(dir.path(), &copy).expect("a snapshot");
    snapshot(other.path(), &foreign).expect("a snapshot");
    damage(&file(dir.path(), "log-"), "the value of /a");
    assert!(matches!(restore(&foreign, dir.path(), true), Err(Error::Foreign { .. })));
    restore(&copy, dir.path(), true).expect("restored");
    assert_eq!(keys(&open(dir.path())).await, ["/a"]);
}

#[tokio::test]
async fn a_damaged_snapshot_of_the_store_itself_is_left_as_it_is() {
    let dir = made(&["/a"]).await;
    compact(dir.path()).expect("compacted");
    let snapshot = file(dir.path(), "snapshot-");
    damage(&snapshot, "the value of /a");
    let found = repair(dir.path());
    assert!(matches!(&found, Err(Error::Corrupt { file, .. }) if file.starts_with("snapshot-")), "{found:?}");
    assert!(snapshot.exists());
}

#[tokio::test]
async fn files_of_another_store_are_noticed() {
    let (dir, other) = (made(&["/a"]).await, made(&["/x"]).await);
    drop(open(dir.path()));
    let name = "log-0000000000000002";
    drop(open(other.path()));
    fs::copy(other.path().join(name), dir.path().join(name)).expect("copy");
    let found = check(dir.path());
    assert!(matches!(&found, Err(Error::Corrupt { file, .. }) if file == name), "{found:?}");
}
