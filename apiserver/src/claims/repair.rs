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

/// A hidden key, the object that claims it, and the revision of that.
type Contested = (Bytes, Bytes, u64);

impl Api {
    /// Makes the hidden keys those that the objects claim.
    pub(crate) async fn repair_claims(&self) -> Result<(), Status> {
        let (mut held, mut contested) = (HashMap::new(), Vec::new());
        for prefix in CLAIMS {
            let keys = self.objects.hidden(prefix).await?;
            held.extend(keys.into_iter().map(|one| (one.key.clone(), one)));
        }
        for kind in self.kinds.iter().filter(|kind| kind.policy.claims) {
            let entries = self.cache.list(kind, &ListQuery::default()).map(|list| list.items);
            for entry in entries.unwrap_or_default() {
                contested.extend(self.repair_claims_of(kind, &entry, &mut held).await?);
            }
        }
        for unclaimed in held.into_values() {
            self.give_up(&unclaimed).await?;
        }
        for (key, owner, revision) in contested {
            self.take_claim(&key, &owner, revision).await?;
        }
        Ok(())
    }

    /// Takes what an object claims and nobody holds, and removes what it holds from `held`. What another one holds is
    /// returned: if that does not claim it, it can be taken later.
    async fn repair_claims_of(
        &self,
        kind: &Kind,
        entry: &Arc<Entry>,
        held: &mut HashMap<Bytes, Held>,
    ) -> Result<Vec<Contested>, Status> {
        let object: Value = serde_json::from_slice(&entry.document()).map_err(Status::internal)?;
        let owner = storage_key(kind, &entry.key);
        let mut contested = Vec::new();
        for key in self.held(kind, &object) {
            match held.get(&key) {
                Some(by) if by.owner == owner => drop(held.remove(&key)),
                Some(by) => {
                    let (claim, holder) = (shown(&key), shown(&by.owner));
                    tracing::warn!(claim, holder, object = %entry.key, "another object holds what is claimed");
                    contested.push((key, owner.clone(), entry.revision));
                }
                None => self.take_claim(&key, &owner, entry.revision).await?,
            }
        }
        Ok(contested)
    }

    /// Takes a hidden key for an object of this revision, if nobody has it.
    async fn take_claim(&self, key: &Bytes, owner: &Bytes, revision: u64) -> Result<(), Status> {
        if self.objects.take(key, owner, revision).await? {
            tracing::warn!(claim = shown(key), object = shown(owner), "a claim was not held, and is now");
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
            let (claim, owner) = (shown(&held.key), shown(&held.owner));
            tracing::warn!(claim, owner, "what nobody claims was held, and is free now");
        }
        Ok(())
    }
}

fn shown(key: &Bytes) -> String {
    String::from_utf8_lossy(key).into_owned()
}
