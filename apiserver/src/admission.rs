//! What a new object gets from the service account that it runs as, as upstream's admission `ServiceAccount`.

use std::time::Duration;

use kinds::Kind;
use object::{Key, Status, Value};
use tokio::time::Instant;

use crate::api::Api;
use crate::objects::Hidden;
use crate::write::random_suffix;

/// The account that every namespace gets.
const DEFAULT: &str = "default";
/// How long a creation waits for the account of a new namespace, as upstream does.
const PATIENCE: Duration = Duration::from_secs(2);

impl Api {
    /// Completes a new object by its service account, and refuses it where there is none.
    pub(crate) async fn admit(&self, kind: &Kind, key: &Key, object: &mut Value) -> Result<(), Status> {
        let Some(name) = kind.strategy.service_account(object) else { return Ok(()) };
        let account = Key::new(key.namespace.as_str(), name);
        let found = match self.account(&account) {
            Some(found) => found,
            None => {
                self.check_open(kind, key, object).await?;
                self.late_account(&account).await?.ok_or_else(|| no_account(kind, key, &account))?
            }
        };
        kind.strategy.run_as(object, &found, &random_suffix());
        Ok(())
    }

    fn account(&self, key: &Key) -> Option<Value> {
        let entry = self.cache.get("serviceaccounts", key)?;
        serde_json::from_slice(&entry.document()).ok()
    }

    /// A namespace that is gone or going is a better reason than the lack of an account in it.
    async fn check_open(&self, kind: &Kind, key: &Key, object: &Value) -> Result<(), Status> {
        let mut hidden = Hidden::default();
        self.gate(kind, key, None, Some(object), &mut hidden);
        self.check_gate(kind, key, &hidden).await
    }

    /// An account that the cache did not have: it may lag, and a namespace's first account comes a moment after it.
    async fn late_account(&self, key: &Key) -> Result<Option<Value>, Status> {
        self.reach(self.objects.revision().await?).await?;
        let until = Instant::now() + PATIENCE;
        loop {
            let seen = self.cache.revision();
            let left = until.saturating_duration_since(Instant::now());
            match self.account(key) {
                None if key.name == DEFAULT && self.cache.wait(seen + 1, left).await => {}
                found => return Ok(found),
            }
        }
    }
}

fn no_account(kind: &Kind, key: &Key, account: &Key) -> Status {
    let Key { namespace, name } = account;
    let why =
        format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
    Status::forbidden(&kind.group, &kind.plural, &key.name, &why)
}
