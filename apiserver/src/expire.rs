//! What is kept for a while only: objects with a time to live (events), bootstrap tokens, and the cache's history of
//! changes.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use cache::{Entry, Filter, ListQuery};
use kinds::Kind;
use object::{Meta, Time};
use serde::Deserialize;

use crate::api::{Api, Call};
use crate::authn::bootstrap;
use crate::deletion::DeleteOptions;
use crate::identity::Identity;
use crate::request::RequestInfo;

/// How often the end of what is kept is looked for.
const EVERY: Duration = Duration::from_secs(60);

/// How many rounds a change stays in the cache's history: who watches may be away for ten minutes.
const HISTORY: usize = 10;

#[derive(Deserialize)]
struct Aged {
    metadata: Meta,
}

/// Removes expired objects and old history for as long as the process lives.
pub(crate) async fn run(api: Arc<Api>) {
    let mut ticks = tokio::time::interval(EVERY);
    let mut revisions = VecDeque::with_capacity(HISTORY + 1);
    loop {
        ticks.tick().await;
        if let Some(old) = oldest(&mut revisions, api.cache.revision()) {
            api.cache.forget(old);
        }
        for kind in api.kinds.iter().filter(|kind| kind.policy.ttl_seconds.is_some()) {
            sweep(&api, kind, Time::now()).await;
        }
        sweep_tokens(&api, Time::now()).await;
    }
}

/// The revision of [`HISTORY`] rounds ago, once there have been as many.
fn oldest(revisions: &mut VecDeque<u64>, now: u64) -> Option<u64> {
    revisions.push_back(now);
    if revisions.len() > HISTORY { revisions.pop_front() } else { None }
}

async fn sweep(api: &Api, kind: &Arc<Kind>, now: Time) {
    let query = ListQuery { filter: Filter::default(), limit: 0, after: None, at: None };
    let Ok(list) = api.cache.list(kind, &query) else { return };
    let lives = i64::from(kind.policy.ttl_seconds.unwrap_or(u32::MAX));
    let expired = |at: Time| now.as_second() - at.as_second() > lives;
    for entry in list.items {
        let aged = serde_json::from_slice::<Aged>(&entry.document());
        if aged.is_ok_and(|aged| aged.metadata.creation_timestamp.is_some_and(expired)) {
            remove(api, kind, &entry, now).await;
        }
    }
}

/// Removes bootstrap tokens whose time is over.
async fn sweep_tokens(api: &Api, now: Time) {
    let Some(kind) = api.kinds.kind("", "Secret") else { return };
    let fields = format!("type={}", bootstrap::TYPE).parse().unwrap_or_default();
    let filter = Filter { namespace: bootstrap::NAMESPACE.to_owned(), fields, ..Filter::default() };
    let Ok(list) = api.cache.list(kind, &ListQuery { filter, limit: 0, after: None, at: None }) else {
        return;
    };
    for entry in list.items {
        if bootstrap::is_expired(&entry.document(), now) {
            remove(api, kind, &entry, now).await;
        }
    }
}

async fn remove(api: &Api, kind: &Arc<Kind>, entry: &Entry, now: Time) {
    let identity = Identity::admin();
    let info = RequestInfo {
        verb: "delete",
        namespace: entry.key.namespace.clone(),
        name: entry.key.name.clone(),
        ..RequestInfo::default()
    };
    let Ok(call) = Call::new(&info, (kind.clone(), kind.clone()), &identity, now) else { return };
    if let Err(status) = api.delete(&call, &DeleteOptions::default()).await
        && status.code != 404
    {
        tracing::warn!(key = %entry.key, "an expired object could not be removed: {status}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_forgotten_after_its_rounds() {
        let mut revisions = VecDeque::new();
        for round in 0..HISTORY as u64 {
            assert_eq!(oldest(&mut revisions, 100 + round), None);
        }
        assert_eq!(oldest(&mut revisions, 900), Some(100));
        assert_eq!(oldest(&mut revisions, 901), Some(101));
    }
}
