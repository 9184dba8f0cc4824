//! Feeds the cache, and the RBAC rules that are read with every request, from the store's watch.

use std::sync::Arc;
use std::time::Duration;

use cache::{CacheChange, Entry};
use object::Key;
use store::{KeyValue, Page, Range, Store};

use crate::api::Api;
use crate::objects::parse_storage_key;
use crate::rbac::{self, Rules};

/// Pause before the store is asked again after it failed.
const PAUSE: Duration = Duration::from_millis(200);

/// Follows the store for as long as the process lives; `loaded` fires once the cache is filled.
pub(crate) async fn run(api: Arc<Api>, store: Arc<dyn Store>, loaded: tokio::sync::oneshot::Sender<()>) {
    let mut loaded = Some(loaded);
    loop {
        match follow(&api, store.as_ref(), &mut loaded).await {
            Ok(()) => tracing::info!("the store's watch ended; listing again"),
            Err(e @ (store::Error::Compacted { .. } | store::Error::Lagged)) => {
                tracing::warn!("the cache fell behind: {e}; listing again");
            }
            Err(store::Error::Closed) => return,
            Err(e) => tracing::error!("the store cannot be followed: {e}"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn follow(
    api: &Api,
    store: &dyn Store,
    loaded: &mut Option<tokio::sync::oneshot::Sender<()>>,
) -> Result<(), store::Error> {
    let listing = store.list(&Range::all(), &Page::default()).await?;
    let mut rules = Rules::default();
    let mut items = Vec::with_capacity(listing.items.len());
    for item in &listing.items {
        if let Some((resource, entry)) = entry_of(api, item) {
            put_rule(&mut rules, &resource, &entry.key, &item.value);
            items.push((resource, entry));
        }
    }
    *api.rules.write() = rules;
    api.cache.reset(listing.revision, items);
    if let Some(loaded) = loaded.take() {
        let _ = loaded.send(());
    }
    let mut watch = store.watch(Range::all(), listing.revision).await?;
    while let Some(batch) = watch.next().await {
        let batch = batch?;
        let changes = batch.changes.iter().filter_map(|change| change_of(api, change)).collect();
        api.cache.apply(batch.revision, changes);
    }
    Ok(())
}

fn change_of(api: &Api, change: &store::Change) -> Option<CacheChange> {
    match change {
        store::Change::Put { now } => {
            let (resource, entry) = entry_of(api, now)?;
            if rule_kind(&resource).is_some() {
                put_rule(&mut api.rules.write(), &resource, &entry.key, &now.value);
            }
            Some(CacheChange::Put { resource, entry })
        }
        store::Change::Delete { key, revision } => {
            let (resource, key) = parse_storage_key(key)?;
            if let Some(plural) = rule_kind(resource) {
                api.rules.write().remove(plural, &key);
            }
            Some(CacheChange::Gone { resource: resource.to_owned(), key, revision: *revision })
        }
    }
}

/// The plural of a resource that holds RBAC rules.
fn rule_kind(resource: &str) -> Option<&str> {
    resource.strip_suffix(rbac::GROUP)?.strip_suffix('.')
}

fn put_rule(rules: &mut Rules, resource: &str, key: &Key, document: &[u8]) {
    let Some(plural) = rule_kind(resource) else { return };
    if let Err(e) = rules.put(plural, key, document) {
        tracing::error!("a rule is not readable and grants nothing: {e}");
    }
}

fn entry_of(api: &Api, item: &KeyValue) -> Option<(String, Arc<Entry>)> {
    let (resource, key) = parse_storage_key(&item.key)?;
    let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
    let kind = api.kinds.resource(group, plural)?;
    match Entry::new(kind, key, item.value.clone(), item.mod_revision, item.create_revision) {
        Some(entry) => Some((resource.to_owned(), Arc::new(entry))),
        None => {
            tracing::error!(key = %String::from_utf8_lossy(&item.key), "a stored object is not readable");
            None
        }
    }
}
