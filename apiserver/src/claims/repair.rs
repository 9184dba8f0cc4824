//! Repair at a server's start: claims whose hidden keys are missing get them, and hidden keys that nobody claims are
//! given up, as a store that was restored in part, or written by an older version, may have them. Each repair holds
//! only while neither the key nor the object has changed, so that servers may write meanwhile.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use cache::{Entry, ListQuery};
use kinds::Kind;
use object::{Status, Value};

use crate::api::Api;
use crate::objects::{Held, parse_storage_key, storage_key};

/// What hidden keys of claims begin with.
const CLAIMS: [&str; 3] = ["/.address/", "/.port/", "/.block/"];

impl Api {
    /// Makes the hidden keys those that the objects claim.
    pub(crate) async fn repair_claims(&self) -> Result<(), Status> {
        let mut held = HashMap::new();
        for prefix in CLAIMS {
            let keys = self.objects.hidden(prefix).await?;
            held.extend(keys.into_iter().map(|one| (one.key.clone(), one)));
        }
        for kind in self.kinds.iter().filter(|kind| kind.policy.claims) {
            let entries = self.cache.list(kind, &ListQuery::default()).map(|list| list.items);
            for entry in entries.unwrap_or_default() {
                self.repair_claims_of(kind, &entry, &mut held).await?;
            }
        }
        for unclaimed in held.into_values() {
            self.give_up(&unclaimed).await?;
        }
        Ok(())
    }

    /// Takes what an object claims and nobody holds, and removes what it holds from `held`.
    async fn repair_claims_of(
        &self,
        kind: &Kind,
        entry: &Arc<Entry>,
        held: &mut HashMap<Bytes, Held>,
    ) -> Result<(), Status> {
        let object: Value = serde_json::from_slice(&entry.document()).map_err(Status::internal)?;
        let owner = storage_key(kind, &entry.key);
        for key in self.held(kind, &object) {
            let shown = String::from_utf8_lossy(&key).into_owned();
            match held.get(&key) {
                Some(by) if by.owner == owner => drop(held.remove(&key)),
                Some(by) => {
                    let holder = String::from_utf8_lossy(&by.owner).into_owned();
                    tracing::warn!(claim = shown, object = %entry.key, holder, "two objects claim the same");
                }
                None if self.objects.take(&key, &owner, entry.revision).await? => {
                    tracing::warn!(claim = shown, object = %entry.key, "a claim was not held, and is now");
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Gives up a hidden key whose object does not claim it.
    async fn give_up(&self, held: &Held) -> Result<(), Status> {
        let named = parse_storage_key(&held.owner).and_then(|(resource, key)| {
            let (plural, group) = resource.split_once('.').unwrap_or((resource, ""));
            Some((self.kinds.resource(group, plural)?.clone(), key))
        });
        let owner = match &named {
            Some((kind, key)) => self.objects.get(kind, key).await?,
            None => None,
        };
        if let (Some((kind, _)), Some(owner)) = (&named, &owner)
            && self.held(kind, &owner.value).contains(&held.key)
        {
            return Ok(());
        }
        if self.objects.give_up(held, owner.map(|owner| owner.revision)).await? {
            let (claim, owner) = (String::from_utf8_lossy(&held.key), String::from_utf8_lossy(&held.owner));
            tracing::warn!(%claim, %owner, "what nobody claims was held, and is free now");
        }
        Ok(())
    }
}
