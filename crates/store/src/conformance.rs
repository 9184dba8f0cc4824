//! The suite that every store passes.
//!
//! Cases run one by one, each on stores fresh from the factory: empty, at any revision. A case
//! panics where the store breaks the contract. They need no particular runtime.

mod steps;

use std::sync::Arc;

use bytes::Bytes;
use futures::future::{BoxFuture, join_all};

use self::steps::*;
use crate::{
    Change, Committed, Compare, Durability, Error, MAX_OPERATIONS, MAX_TXN_BYTES, Page, Range, Store, Txn,
    Write,
};

/// Makes a fresh, empty store.
pub type Factory<'a> = &'a (dyn Fn() -> BoxFuture<'static, Arc<dyn Store>> + Send + Sync);

/// One case of the suite.
pub struct Case {
    /// What it shows.
    pub name: &'static str,
    /// Runs it; panics if the store is at fault.
    pub run: for<'a> fn(Factory<'a>) -> BoxFuture<'a, ()>,
}

macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        /// All cases.
        pub const CASES: &[Case] = &[
            $(Case { name: stringify!($name), run: |factory| Box::pin($name(factory)) }),*
        ];
    };
}

cases![
    keys_are_created_updated_and_deleted,
    conflicts_name_the_first_failed_compare,
    nothing_to_change_takes_no_revision,
    transactions_are_atomic,
    rules_and_limits_are_enforced,
    concurrent_increments_are_all_counted,
    volatile_writes_take_part,
    lists_are_ordered_and_paged,
    watches_deliver_in_order,
    watches_report_progress,
    watches_hide_hidden_keys,
    watches_wait_for_changes,
    watches_resume_after_every_event,
    future_revisions_are_refused,
    compaction_forgets_history_only,
];

async fn keys_are_created_updated_and_deleted(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    assert_eq!(store.get(b"/a").await.expect("get"), (None, base));
    let created = done(store, put("/a", "1")).await;
    assert!(created > base && created >= 1);
    let created_item = item("/a", "1", created, created);
    assert_eq!(store.get(b"/a").await.expect("get"), (Some(created_item), created));
    let updated = done(store, put("/a", "2").when(Compare::ModRevision("/a".into(), created))).await;
    assert!(updated > created);
    assert_eq!(get(store, "/a").await, Some(item("/a", "2", created, updated)));
    let deleted = done(store, delete("/a").when(Compare::Exists("/a".into()))).await;
    assert!(deleted > updated);
    assert_eq!(store.get(b"/a").await.expect("get"), (None, deleted));
    let again = done(store, put("/a", "").when(Compare::Absent("/a".into()))).await;
    assert_eq!(get(store, "/a").await, Some(item("/a", "", again, again)));
    assert_eq!(revision(store).await, again);
}

async fn conflicts_name_the_first_failed_compare(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let first = done(store, put("/a", "1")).await;
    let second = done(store, put("/b", "1")).await;
    let (here, there) = (item("/a", "1", first, first), item("/b", "1", second, second));
    let holds = || Compare::Exists("/a".into());
    let rows = [
        (vec![Compare::Absent("/a".into())], 0, Some(here.clone())),
        (vec![holds(), Compare::Exists("/c".into())], 1, None),
        (vec![Compare::ModRevision("/b".into(), first), holds()], 0, Some(there.clone())),
        (vec![Compare::ModRevision("/c".into(), second)], 0, None),
        (vec![Compare::ModRevision("/c".into(), 0)], 0, None),
        (vec![holds(), holds(), Compare::Absent("/b".into()), Compare::Absent("/a".into())], 2, Some(there)),
    ];
    for (compares, failed, current) in rows {
        let txn = Txn { compares, ..put("/a", "lost") };
        let expected = Committed::Conflict { failed, current, revision: second };
        assert_eq!(store.commit(txn.clone()).await.expect("an answer"), expected, "{txn:?}");
    }
    assert_eq!(get(store, "/a").await, Some(here));
    assert_eq!(revision(store).await, second);
}

async fn nothing_to_change_takes_no_revision(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let current = done(store, put("/a", "1")).await;
    assert_eq!(done(store, Txn::default()).await, current);
    assert_eq!(done(store, delete("/b")).await, current);
    assert_eq!(done(store, Txn::default().when(Compare::Exists("/a".into()))).await, current);
    assert!(done(store, put("/a", "1")).await > current, "an equal value is a write");
}

async fn transactions_are_atomic(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let txn = put("/a", "1").and(put("/.x", "1")).and(put("/.y", "1"));
    let created = done(store, txn.clone()).await;
    for key in ["/a", "/.x", "/.y"] {
        assert_eq!(get(store, key).await, Some(item(key, "1", created, created)));
    }
    let txn = delete("/a").and(delete("/.x")).and(put("/.z", "1"));
    let refused = store.commit(txn.clone().when(Compare::Absent("/.y".into()))).await;
    assert!(matches!(refused, Ok(Committed::Conflict { .. })));
    assert_eq!(list(store, Range::prefix("/")).await, ["/.x", "/.y", "/a"]);
    done(store, txn.when(Compare::Exists("/.y".into()))).await;
    assert_eq!(list(store, Range::prefix("/")).await, ["/.y", "/.z"]);
}

async fn rules_and_limits_are_enforced(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let claims =
        |count: usize| (0..count).map(|at| put(&format!("/.{at}"), "")).fold(Txn::default(), Txn::and);
    let many_compares = vec![Compare::Absent("/x".into()); MAX_OPERATIONS + 1];
    let large = Bytes::from(vec![0; MAX_TXN_BYTES]);
    let large = Write::Put { key: "/a".into(), value: large };
    for (txn, too_large) in [
        (put("/a", "").and(put("/b", "")), false),
        (put("/a", "").and(delete("/b")), false),
        (put("/.a", "").and(delete("/.a")), false),
        (put("", ""), false),
        (claims(MAX_OPERATIONS + 1), true),
        (Txn { compares: many_compares, ..put("/a", "") }, true),
        (Txn { writes: vec![large], ..Txn::default() }, true),
    ] {
        let refused = store.commit(txn).await;
        match refused {
            Err(Error::TooLarge { .. }) => assert!(too_large),
            Err(Error::Invalid(_)) => assert!(!too_large),
            other => panic!("expected a refusal, got {other:?}"),
        }
    }
    assert_eq!(revision(store).await, base);
    done(store, claims(MAX_OPERATIONS)).await;
}

async fn concurrent_increments_are_all_counted(factory: Factory<'_>) {
    const CALLERS: usize = 8;
    const EACH: usize = 10;
    let store = factory().await;
    let store = &*store;
    let base = done(store, put("/n", "0")).await;
    let increment = async || loop {
        let now = get(store, "/n").await.expect("the counter exists");
        let count: usize = String::from_utf8_lossy(&now.value).parse().expect("a number");
        let compare = Compare::ModRevision("/n".into(), now.mod_revision);
        let txn = put("/n", &(count + 1).to_string()).when(compare);
        if let Committed::Done { .. } = store.commit(txn).await.expect("an answer") {
            break;
        }
    };
    let callers = (0..CALLERS).map(|_| async {
        for _ in 0..EACH {
            increment().await;
        }
    });
    join_all(callers).await;
    let last = get(store, "/n").await.expect("the counter exists");
    assert_eq!(last.value, (CALLERS * EACH).to_string());
    let seen = changes(store, Range::all(), base, last.mod_revision).await;
    let counts: Vec<String> = seen.iter().map(show).collect();
    let expected: Vec<String> = (1..=CALLERS * EACH).map(|count| format!("/n={count}")).collect();
    assert_eq!(counts, expected);
}

async fn volatile_writes_take_part(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let volatile = |txn: Txn| Txn { durability: Durability::Volatile, ..txn };
    let first = done(store, volatile(put("/a", "1"))).await;
    let second = done(store, put("/b", "1").when(Compare::ModRevision("/a".into(), first))).await;
    let third = done(store, volatile(delete("/b"))).await;
    assert!(base < first && first < second && second < third);
    let conflict = store.commit(volatile(put("/b", "").when(Compare::Exists("/b".into())))).await;
    assert!(matches!(conflict, Ok(Committed::Conflict { current: None, .. })));
    let seen = changes(store, Range::all(), base, third).await;
    assert_eq!(seen.iter().map(show).collect::<Vec<_>>(), ["/a=1", "/b=1", "/b-"]);
}

async fn lists_are_ordered_and_paged(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let mut last = 0;
    for key in ["/b/2", "/a/1", "/b/1", "/.h", "/b/3", "/c", "/b"] {
        last = done(store, put(key, "v")).await;
    }
    assert_eq!(list(store, Range::all()).await, ["/.h", "/a/1", "/b", "/b/1", "/b/2", "/b/3", "/c"]);
    assert_eq!(list(store, Range::prefix("/b/")).await, ["/b/1", "/b/2", "/b/3"]);
    assert_eq!(list(store, Range::key("/b")).await, ["/b"]);
    assert_eq!(list(store, Range { start: "/b".into(), end: "/b/2".into() }).await, ["/b", "/b/1"]);
    assert_eq!(list(store, Range { start: "/c".into(), end: "/b".into() }).await, [""; 0]);
    for limit in 1..=5 {
        let (mut page, mut keys) = (Page { limit, after: None }, Vec::new());
        loop {
            let listing = store.list(&Range::prefix("/b"), &page).await.expect("list");
            assert_eq!(listing.revision, last);
            assert!(listing.items.len() <= limit);
            keys.extend(listing.items.into_iter().map(|item| item.key));
            assert_eq!(listing.more, keys.len() < 4, "page of {limit} after {:?}", page.after);
            if !listing.more {
                break;
            }
            page.after = keys.last().cloned();
        }
        assert_eq!(keys, ["/b", "/b/1", "/b/2", "/b/3"]);
    }
    let beyond = Page { limit: 1, after: Some("/x".into()) };
    let listing = store.list(&Range::prefix("/b"), &beyond).await.expect("list");
    assert!(listing.items.is_empty() && !listing.more);
}

async fn watches_deliver_in_order(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let last = history(store).await;
    let all = ["/a/1=x", "/b/1=x", "/a/1=y", "/a/2=x", "/a/1-", "/b/1-", "/a/1=z"];
    let seen = changes(store, Range::all(), base, last).await;
    assert_eq!(seen.iter().map(show).collect::<Vec<_>>(), all);
    let seen = changes(store, Range::prefix("/b/"), base, last).await;
    assert_eq!(seen.iter().map(show).collect::<Vec<_>>(), ["/b/1=x", "/b/1-"]);
    let Change::Put { now } = &changes(store, Range::key("/a/1"), base, last).await[1] else {
        panic!("the second change is a put");
    };
    assert!(now.create_revision > base && now.mod_revision > now.create_revision);
}

async fn watches_report_progress(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let mut watch = store.watch(Range::prefix("/nothing/"), base).await.expect("watch");
    for txn in [put("/a", "1"), put("/.hidden", "1"), delete("/a")] {
        let reached = done(store, txn).await;
        assert_eq!(until(&mut watch, base, reached).await, []);
    }
}

async fn watches_hide_hidden_keys(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    done(store, put("/.claim", "1").and(put("/a", "1"))).await;
    done(store, put("/.claim", "2")).await;
    let last = done(store, delete("/.claim").and(delete("/a"))).await;
    let seen = changes(store, Range::all(), base, last).await;
    assert_eq!(seen.iter().map(show).collect::<Vec<_>>(), ["/a=1", "/a-"]);
    assert_eq!(changes(store, Range::key("/.claim"), base, last).await, []);
}

async fn watches_wait_for_changes(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let mut watch = store.watch(Range::all(), base).await.expect("watch");
    for round in 0..20 {
        let watched = async {
            let batch = watch.next().await.expect("it goes on").expect("no error");
            batch.changes.iter().map(show).collect::<Vec<_>>()
        };
        let value = round.to_string();
        let written = done(store, put("/a", &value));
        let (seen, _) = futures::join!(watched, written);
        assert_eq!(seen, [format!("/a={round}")]);
    }
    let pause = std::pin::pin!(watch.next());
    let pending = futures::poll!(pause);
    assert!(pending.is_pending(), "nothing has happened: {pending:?}");
}

async fn watches_resume_after_every_event(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let last = history(store).await;
    for range in [Range::all(), Range::prefix("/a/"), Range::prefix("/b/")] {
        let whole = changes(store, range.clone(), base, last).await;
        let ends = whole.iter().map(Change::revision).collect::<Vec<_>>();
        for (count, cut) in [base].into_iter().chain(ends).enumerate() {
            let rest = changes(store, range.clone(), cut, last).await;
            assert_eq!(rest, whole[count..], "cut after {cut}");
        }
    }
}

async fn future_revisions_are_refused(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let current = done(store, put("/a", "1")).await;
    assert!(store.watch(Range::all(), current).await.is_ok());
    let refused = store.watch(Range::all(), current + 1).await.map(drop);
    let expected = current + 1;
    match refused {
        Err(Error::FutureRevision { asked, current: now }) => {
            assert_eq!((asked, now), (expected, current));
        }
        other => panic!("expected a future revision, got {other:?}"),
    }
    let refused = store.compact(current + 1).await;
    assert!(matches!(refused, Err(Error::FutureRevision { .. })));
}

async fn compaction_forgets_history_only(factory: Factory<'_>) {
    let store = factory().await;
    let store = &*store;
    let base = revision(store).await;
    let last = history(store).await;
    let whole = changes(store, Range::all(), base, last).await;
    let middle = whole[3].revision();
    store.compact(middle).await.expect("compact");
    store.compact(base).await.expect("compacting again does nothing");
    for after in [base, whole[0].revision(), whole[2].revision()] {
        match store.watch(Range::all(), after).await.map(drop) {
            Err(Error::Compacted { oldest }) => assert_eq!(oldest, middle),
            other => panic!("expected compacted after {after}, got {other:?}"),
        }
    }
    assert_eq!(changes(store, Range::all(), middle, last).await, whole[4..]);
    assert_eq!(list(store, Range::all()).await, ["/.a", "/a/1", "/a/2"]);
    assert_eq!(revision(store).await, last);
    store.compact(last).await.expect("compact everything");
    assert!(done(store, put("/z", "")).await > last);
}
