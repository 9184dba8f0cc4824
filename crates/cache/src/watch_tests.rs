//! What watchers and lists of the cache see.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use object::Key;
use proptest::prelude::*;

use crate::testing::{gone, pod, pods, put};
use crate::{Expired, Filter, ListQuery, Options, WatchCache, WatchItem, WatchStart, Watcher};

fn filter(namespace: &str, labels: &str, fields: &str) -> Filter {
    Filter { namespace: namespace.into(), labels: labels.parse().unwrap(), fields: fields.parse().unwrap() }
}

fn cache_at(revision: u64) -> WatchCache {
    let cache = WatchCache::new(Options::default());
    cache.reset(revision, Vec::new());
    cache
}

/// All that a watcher has to tell now, as `TYPE name@revision`; `END` where it ended.
fn told(watcher: &mut Watcher) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(items) = watcher.next().now_or_never() {
        let Some(items) = items else {
            told.push("END".into());
            break;
        };
        told.extend(items.iter().map(line));
    }
    told
}

fn line(item: &WatchItem) -> String {
    let name = match item {
        WatchItem::Added(entry) | WatchItem::Modified(entry) | WatchItem::Deleted { entry, .. } => {
            &*entry.key.name
        }
        WatchItem::Bookmark(_) => "",
        WatchItem::InitialEventsEnd(_) => "end",
    };
    format!("{} {name}@{}", item.type_name(), item.revision())
}

fn names(cache: &WatchCache, query: &ListQuery) -> Vec<String> {
    cache
        .list(&pods(), query)
        .unwrap()
        .items
        .iter()
        .map(|entry| format!("{}@{}", entry.key, entry.revision))
        .collect()
}

#[test]
fn entering_and_leaving_a_selector() {
    let cache = cache_at(1);
    let mut by_label = cache.watch(&pods(), filter("", "app=web", ""), WatchStart::After(1)).unwrap();
    let mut by_node = cache.watch(&pods(), filter("", "", "spec.nodeName=n1"), WatchStart::After(1)).unwrap();
    let mut all = cache.watch(&pods(), filter("ns", "", ""), WatchStart::After(1)).unwrap();
    let web = [("app", "web")];
    cache.apply(2, vec![put(pod("ns", "a", "", &web, 2))]);
    cache.apply(3, vec![put(pod("ns", "a", "n1", &web, 3))]);
    cache.apply(4, vec![put(pod("ns", "a", "n1", &[("app", "db")], 4))]);
    cache.apply(5, vec![put(pod("ns", "a", "n2", &web, 5))]);
    cache.apply(6, vec![gone("ns", "a", 6)]);
    assert_eq!(told(&mut by_label), ["ADDED a@2", "MODIFIED a@3", "DELETED a@4", "ADDED a@5", "DELETED a@6"]);
    assert_eq!(told(&mut by_node), ["ADDED a@3", "MODIFIED a@4", "DELETED a@5"]);
    assert_eq!(told(&mut all), ["ADDED a@2", "MODIFIED a@3", "MODIFIED a@4", "MODIFIED a@5", "DELETED a@6"]);
}

#[test]
fn leaving_shows_the_last_matching_state_at_the_new_revision() {
    let cache = cache_at(1);
    let mut watcher = cache.watch(&pods(), filter("", "app=web", ""), WatchStart::After(1)).unwrap();
    cache.apply(2, vec![put(pod("ns", "a", "n1", &[("app", "web")], 2))]);
    cache.apply(3, vec![put(pod("ns", "a", "n1", &[], 3))]);
    let items = watcher.next().now_or_never().unwrap().unwrap();
    let mut frame = Vec::new();
    items[1].encode(&pods(), &mut frame);
    let frame: serde_json::Value = serde_json::from_slice(&frame).unwrap();
    assert_eq!(frame["type"], "DELETED");
    assert_eq!(frame["object"]["metadata"]["resourceVersion"], "3");
    assert_eq!(frame["object"]["metadata"]["labels"]["app"], "web");
}

#[test]
fn other_namespaces_and_resources_are_not_told() {
    let cache = cache_at(1);
    let mut watcher = cache.watch(&pods(), filter("ns", "", ""), WatchStart::After(1)).unwrap();
    cache.apply(2, vec![put(pod("other", "a", "", &[], 2))]);
    let entry = Arc::new(pod("ns", "a", "", &[], 3));
    cache.apply(3, vec![crate::CacheChange::Put { resource: "secrets".into(), entry }]);
    assert!(told(&mut watcher).is_empty());
    assert_eq!(watcher.bookmark().map(|item| item.revision()), Some(3));
}

#[test]
fn begins_with_the_state_where_asked() {
    let cache = cache_at(1);
    cache.apply(2, vec![put(pod("ns", "b", "", &[], 2))]);
    cache.apply(3, vec![put(pod("ns", "a", "", &[], 3))]);
    let mut state = cache.watch(&pods(), Filter::default(), WatchStart::State).unwrap();
    let mut initial = cache.watch(&pods(), Filter::default(), WatchStart::InitialEvents).unwrap();
    assert!(initial.bookmark().is_none());
    cache.apply(4, vec![gone("ns", "a", 4)]);
    assert_eq!(told(&mut state), ["ADDED a@3", "ADDED b@2", "DELETED a@4"]);
    assert_eq!(told(&mut initial), ["ADDED a@3", "ADDED b@2", "BOOKMARK end@3", "DELETED a@4"]);
    assert_eq!(initial.bookmark().map(|item| item.revision()), Some(4));
}

#[test]
fn an_empty_initial_state_ends_at_once() {
    let cache = cache_at(7);
    let mut watcher = cache.watch(&pods(), Filter::default(), WatchStart::InitialEvents).unwrap();
    assert_eq!(told(&mut watcher), ["BOOKMARK end@7"]);
}

#[test]
fn a_future_revision_is_waited_for() {
    let cache = cache_at(1);
    let mut watcher = cache.watch(&pods(), Filter::default(), WatchStart::After(3)).unwrap();
    assert!(watcher.bookmark().is_none());
    cache.apply(2, vec![put(pod("ns", "a", "", &[], 2))]);
    cache.apply(3, vec![put(pod("ns", "b", "", &[], 3))]);
    cache.apply(4, vec![put(pod("ns", "c", "", &[], 4))]);
    assert_eq!(told(&mut watcher), ["ADDED c@4"]);
}

#[test]
fn what_lies_before_the_window_is_expired() {
    let cache = WatchCache::new(Options { window_events: 2, ..Options::default() });
    cache.reset(10, Vec::new());
    let start = |after| cache.watch(&pods(), Filter::default(), WatchStart::After(after)).err();
    let at = |at| cache.list(&pods(), &ListQuery { at: Some(at), ..ListQuery::default() }).err();
    assert_eq!((start(9), start(10)), (Some(Expired { oldest: 10 }), None));
    for revision in 11..=13 {
        cache.apply(revision, vec![put(pod("ns", "a", "", &[], revision))]);
    }
    assert_eq!((start(10), start(11)), (Some(Expired { oldest: 11 }), None));
    assert_eq!((at(10), at(11)), (Some(Expired { oldest: 11 }), None));
    cache.forget(12);
    assert_eq!((start(11), start(12)), (Some(Expired { oldest: 12 }), None));
}

#[test]
fn the_window_is_bounded_in_bytes_over_all_resources() {
    let cache = WatchCache::new(Options { window_bytes: 4000, ..Options::default() });
    cache.reset(1, Vec::new());
    let entry = |revision| Arc::new(pod("ns", "a", "", &[], revision));
    cache.apply(2, vec![crate::CacheChange::Put { resource: "secrets".into(), entry: entry(2) }]);
    for revision in 3..100 {
        cache.apply(revision, vec![put(pod("ns", "a", "", &[], revision))]);
    }
    assert!(cache.watch(&pods(), Filter::default(), WatchStart::After(50)).is_err());
    let secrets = kinds::Kind { plural: "secrets".into(), ..pods() };
    assert!(
        cache.watch(&secrets, Filter::default(), WatchStart::After(1)).is_ok(),
        "a quiet resource keeps its history"
    );
}

#[test]
fn a_slow_watcher_is_cut_off() {
    let cache = WatchCache::new(Options { window_events: 3, ..Options::default() });
    cache.reset(1, Vec::new());
    let mut slow = cache.watch(&pods(), Filter::default(), WatchStart::After(1)).unwrap();
    let mut idle = cache.watch(&pods(), filter("quiet", "", ""), WatchStart::After(1)).unwrap();
    for revision in 2..=5 {
        cache.apply(revision, vec![put(pod("ns", "a", "", &[], revision))]);
    }
    assert_eq!(told(&mut slow), ["END"]);
    cache.apply(6, vec![put(pod("quiet", "b", "", &[], 6))]);
    assert_eq!(told(&mut idle), ["ADDED b@6"], "a watcher is not slow while nothing concerns it");
}

#[test]
fn a_reset_ends_watchers() {
    let cache = cache_at(1);
    let mut watcher = cache.watch(&pods(), Filter::default(), WatchStart::After(1)).unwrap();
    cache.reset(9, vec![("pods".into(), Arc::new(pod("ns", "a", "", &[], 4)))]);
    assert_eq!(told(&mut watcher), ["END"]);
    assert!(watcher.bookmark().is_none());
    assert_eq!(names(&cache, &ListQuery::default()), ["ns/a@4"]);
    let mut watcher = cache.watch(&pods(), Filter::default(), WatchStart::After(9)).unwrap();
    cache.end_watchers("pods");
    assert_eq!(told(&mut watcher), ["END"]);
}

#[test]
fn large_states_and_bursts_come_in_batches() {
    batches(Options { batch: 4, ..Options::default() }, [4, 4, 2]);
    // Two documents are more than the bound, one is not.
    batches(Options { batch_bytes: 150, ..Options::default() }, [2; 5]);
}

fn batches<const COUNT: usize>(options: Options, sizes: [usize; COUNT]) {
    let cache = WatchCache::new(options);
    cache.reset(1, Vec::new());
    for revision in 2..12 {
        cache.apply(revision, vec![put(pod("ns", &format!("p{revision}"), "", &[], revision))]);
    }
    let mut state = cache.watch(&pods(), Filter::default(), WatchStart::State).unwrap();
    let mut after = cache.watch(&pods(), Filter::default(), WatchStart::After(1)).unwrap();
    for watcher in [&mut state, &mut after] {
        let got = [0; COUNT].map(|_| watcher.next().now_or_never().flatten().map_or(0, |items| items.len()));
        assert_eq!(got, sizes);
        assert!(told(watcher).is_empty());
    }
}

#[test]
fn pages_at_the_revision_of_the_first() {
    let cache = cache_at(1);
    for (i, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        let revision = i as u64 + 2;
        cache.apply(revision, vec![put(pod("ns", name, "", &[], revision))]);
    }
    let first = cache.list(&pods(), &ListQuery { limit: 2, ..ListQuery::default() }).unwrap();
    assert_eq!((first.revision, first.more, first.remaining), (6, true, 3));
    cache.apply(7, vec![gone("ns", "c", 7)]);
    cache.apply(8, vec![put(pod("ns", "bb", "", &[], 8))]);
    cache.apply(9, vec![put(pod("ns", "d", "n1", &[], 9))]);
    let after = first.items.last().map(|entry| entry.key.clone());
    let rest = ListQuery { at: Some(first.revision), after, ..ListQuery::default() };
    assert_eq!(names(&cache, &rest), ["ns/c@4", "ns/d@5", "ns/e@6"]);
    let page = cache.list(&pods(), &ListQuery { limit: 2, ..rest }).unwrap();
    assert_eq!((page.revision, page.more, page.remaining), (6, true, 1));
    assert_eq!(names(&cache, &ListQuery::default()), ["ns/a@2", "ns/b@3", "ns/bb@8", "ns/d@9", "ns/e@6"]);
}

#[test]
fn lists_by_namespace_name_and_selector() {
    let cache = cache_at(1);
    for (revision, namespace, name) in
        [(2, "a", "x"), (3, "a-b", "x"), (4, "b", "x"), (5, "b", "y"), (6, "c", "x")]
    {
        cache.apply(revision, vec![put(pod(namespace, name, "n1", &[("at", name)], revision))]);
    }
    let list = |namespace, labels, fields| {
        names(&cache, &ListQuery { filter: filter(namespace, labels, fields), ..ListQuery::default() })
    };
    assert_eq!(list("b", "", ""), ["b/x@4", "b/y@5"]);
    assert_eq!(list("b", "", "metadata.name=y"), ["b/y@5"]);
    assert_eq!(list("", "", "metadata.name=y"), ["b/y@5"]);
    assert_eq!(list("", "", "metadata.namespace=a"), ["a/x@2"]);
    assert_eq!(list("", "at=y", ""), ["b/y@5"]);
    assert_eq!(list("", "", "metadata.name!=x,spec.nodeName=n1"), ["b/y@5"]);
    assert!(list("b", "", "metadata.namespace=a").is_empty());
    assert!(list("", "", "spec.unknown=1").is_empty());
    assert!(list("none", "", "").is_empty());
}

#[test]
fn an_unknown_resource_is_empty() {
    let cache = cache_at(5);
    let list = cache.list(&pods(), &ListQuery::default()).unwrap();
    assert_eq!((list.items.len(), list.revision, list.more), (0, 5, false));
    assert!(cache.list(&pods(), &ListQuery { at: Some(4), ..ListQuery::default() }).is_err());
    assert!(cache.get("pods", &Key::new("ns", "a")).is_none());
}

#[test]
fn old_news_changes_nothing() {
    let cache = cache_at(1);
    cache.apply(3, vec![put(pod("ns", "a", "n2", &[], 3))]);
    let mut watcher = cache.watch(&pods(), Filter::default(), WatchStart::After(3)).unwrap();
    cache.apply(3, vec![put(pod("ns", "a", "n1", &[], 2)), gone("ns", "none", 3)]);
    assert!(told(&mut watcher).is_empty());
    assert_eq!(names(&cache, &ListQuery::default()), ["ns/a@3"]);
}

#[tokio::test]
async fn waits_for_a_revision() {
    let cache = cache_at(1);
    assert!(cache.wait(1, Duration::ZERO).await);
    assert!(!cache.wait(2, Duration::from_millis(5)).await);
    let waiting = tokio::spawn({
        let cache = cache.clone();
        async move { cache.wait(3, Duration::from_secs(60)).await }
    });
    tokio::task::yield_now().await;
    cache.apply(3, Vec::new());
    assert!(waiting.await.unwrap());
    assert_eq!(cache.revision(), 3);
}

#[tokio::test]
async fn wakes_a_waiting_watcher() {
    let cache = cache_at(1);
    let mut watcher = cache.watch(&pods(), filter("", "", "spec.nodeName=n1"), WatchStart::After(1)).unwrap();
    let waiting = tokio::spawn(async move { watcher.next().await.map(|items| items.len()) });
    tokio::task::yield_now().await;
    cache.apply(2, vec![put(pod("ns", "a", "n1", &[], 2))]);
    assert_eq!(waiting.await.unwrap(), Some(1));
}

/// One random write: which pod, and what becomes of it (none: removed).
#[derive(Clone, Debug)]
struct Write {
    namespace: &'static str,
    name: &'static str,
    state: Option<(&'static str, &'static str)>,
}

fn writes() -> impl Strategy<Value = Vec<Write>> {
    let state = (prop::sample::select(vec!["", "n1", "n2"]), prop::sample::select(vec!["web", "db"]));
    let write = (
        prop::sample::select(vec!["a", "b"]),
        prop::sample::select(vec!["x", "y", "z"]),
        prop::option::weighted(0.75, state),
    );
    prop::collection::vec(write.prop_map(|(namespace, name, state)| Write { namespace, name, state }), 1..40)
}

fn filters() -> impl Strategy<Value = Filter> {
    let namespace = prop::sample::select(vec!["", "a", "b"]);
    let labels = prop::sample::select(vec!["", "app=web"]);
    let fields = vec!["", "spec.nodeName=n1", "spec.nodeName!=n1", "spec.nodeName=", "metadata.name=x"];
    (namespace, labels, prop::sample::select(fields)).prop_map(|(n, l, f)| filter(n, l, f))
}

fn write(cache: &WatchCache, write: &Write, revision: u64) {
    let change = match write.state {
        Some((node, app)) => put(pod(write.namespace, write.name, node, &[("app", app)], revision)),
        None => gone(write.namespace, write.name, revision),
    };
    cache.apply(revision, vec![change]);
}

/// The state that a client makes of a list and what a watch told after it.
fn replay(state: &mut BTreeMap<Key, u64>, items: &[WatchItem]) {
    for item in items {
        match item {
            WatchItem::Added(entry) => {
                assert!(state.insert(entry.key.clone(), entry.revision).is_none(), "added twice");
            }
            WatchItem::Modified(entry) => {
                assert!(state.insert(entry.key.clone(), entry.revision).is_some(), "modified before added");
            }
            WatchItem::Deleted { entry, .. } => {
                assert!(state.remove(&entry.key).is_some(), "deleted before added");
            }
            WatchItem::Bookmark(_) | WatchItem::InitialEventsEnd(_) => {}
        }
    }
}

fn state_of(cache: &WatchCache, filter: &Filter, at: Option<u64>) -> BTreeMap<Key, u64> {
    let list =
        cache.list(&pods(), &ListQuery { filter: filter.clone(), at, ..ListQuery::default() }).unwrap();
    assert!(list.items.is_sorted_by_key(|entry| &entry.key));
    list.items.iter().map(|entry| (entry.key.clone(), entry.revision)).collect()
}

proptest! {
    /// A watch resumed at any revision tells what the uninterrupted one told after it; a list at any past revision
    /// shows what a list showed then; and a list with the changes after it gives the present state.
    #[test]
    fn resuming_equals_the_uninterrupted_run(writes in writes(), filter in filters()) {
        let cache = cache_at(1);
        let mut live = cache.watch(&pods(), filter.clone(), WatchStart::After(1)).unwrap();
        let mut whole = Vec::new();
        let mut states = vec![BTreeMap::new()];
        for (i, one) in writes.iter().enumerate() {
            write(&cache, one, i as u64 + 2);
            states.push(state_of(&cache, &filter, None));
            while let Some(Some(items)) = live.next().now_or_never() {
                whole.extend(items);
            }
        }
        for (i, then) in states.iter().enumerate() {
            let revision = i as u64 + 1;
            prop_assert_eq!(&state_of(&cache, &filter, Some(revision)), then);
            let mut resumed = cache.watch(&pods(), filter.clone(), WatchStart::After(revision)).unwrap();
            let mut items = Vec::new();
            while let Some(Some(batch)) = resumed.next().now_or_never() {
                items.extend(batch);
            }
            let lines: Vec<_> = items.iter().map(line).collect();
            let expected: Vec<_> = whole.iter().filter(|item| item.revision() > revision).map(line).collect();
            prop_assert_eq!(lines, expected);
            let mut state = then.clone();
            replay(&mut state, &items);
            prop_assert_eq!(&state, states.last().unwrap());
        }
    }

    /// Pages of any size, each at the revision of the first, make up the list of that revision, whatever is
    /// written in between.
    #[test]
    fn pages_make_up_the_list(before in writes(), between in writes(), limit in 1usize..4, filter in filters()) {
        let cache = cache_at(1);
        for (i, one) in before.iter().enumerate() {
            write(&cache, one, i as u64 + 2);
        }
        let at = cache.revision();
        let whole = state_of(&cache, &filter, None);
        let mut pages = BTreeMap::new();
        let mut after = None;
        for step in 0u64.. {
            if let Some(one) = between.get(step as usize) {
                write(&cache, one, at + 1 + step);
            }
            let query = ListQuery { filter: filter.clone(), limit, after, at: Some(at) };
            let page = cache.list(&pods(), &query).unwrap();
            prop_assert_eq!(page.revision, at);
            pages.extend(page.items.iter().map(|entry| (entry.key.clone(), entry.revision)));
            after = page.items.last().map(|entry| entry.key.clone());
            if !page.more {
                break;
            }
        }
        prop_assert_eq!(pages, whole);
    }
}
