//! Objects over the store's bytes: storage keys, encoding, and the one transaction of every write.

use std::sync::Arc;

use bytes::Bytes;
use kinds::{Kind, Policy};
use object::{Encoded, Key, Status, Value, encode};
use store::{Committed, Compare, Durability, KeyValue, Page, Range, Store, Txn, Write};

/// An object as read from the store.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// The document, with `metadata.resourceVersion`.
    pub(crate) value: Value,
    /// Revision of its last change.
    pub(crate) revision: u64,
}

/// A document as just written: its canonical bytes and their revision.
#[derive(Clone, Debug)]
pub(crate) struct Saved {
    pub(crate) encoded: Encoded,
    pub(crate) revision: u64,
}

impl Saved {
    /// The served document.
    pub(crate) fn document(&self) -> Bytes {
        self.encoded.served(self.revision).into()
    }
}

/// What a write does to the object itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Save<'a> {
    /// Create it; it must not exist.
    Create(&'a Value),
    /// Replace the one of this revision.
    Replace(&'a Value, u64),
    /// Remove the one of this revision.
    Remove(&'a Value, u64),
}

/// Hidden keys that go with a write: things only one object may hold, and the gate of a namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hidden {
    /// Must be absent; are put.
    pub(crate) take: Vec<Bytes>,
    /// Are removed, where the object holds them.
    pub(crate) release: Vec<Bytes>,
    /// Must exist.
    pub(crate) require: Vec<Bytes>,
}

/// A hidden key as it is in the store.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    /// The key.
    pub(crate) key: Bytes,
    /// The storage key of the object that took it.
    pub(crate) owner: Bytes,
    /// The revision at which it was taken.
    pub(crate) revision: u64,
}

/// Why a write did not happen.
#[derive(Debug)]
pub(crate) enum Refused {
    /// The object has another revision than the one that was read (or exists, for a creation).
    Stale,
    /// Another object holds one of [`Hidden::take`].
    Taken,
    /// A required key is absent: the namespace is gone or going.
    Closed,
    /// The store failed.
    Failed(Status),
}

/// The store, seen as objects.
#[derive(Clone)]
pub(crate) struct Objects {
    store: Arc<dyn Store>,
}

impl Objects {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// The object as of now.
    pub(crate) async fn get(&self, kind: &Kind, key: &Key) -> Result<Option<Stored>, Status> {
        let (found, _) = self.store.get(&storage_key(kind, key)).await.map_err(store_failed)?;
        let Some(found) = found else { return Ok(None) };
        let read = || {
            serde_json::from_slice::<Value>(&found.value).map_err(|e| {
                Status::internal(format!("stored {} {key} is not readable: {e}", kind.resource()))
            })
        };
        let mut value = read()?;
        // it may be from a time when documents had another form; what fitted other types than now stays as it is
        if object::conform(&kind.schema, &mut value).is_err() {
            value = read()?;
        }
        value["metadata"]["resourceVersion"] = found.mod_revision.to_string().into();
        Ok(Some(Stored { value, revision: found.mod_revision }))
    }

    /// Whether a hidden key is there.
    pub(crate) async fn holds(&self, key: &[u8]) -> Result<bool, Status> {
        Ok(self.store.get(key).await.map_err(store_failed)?.0.is_some())
    }

    /// All hidden keys with a prefix.
    pub(crate) async fn hidden(&self, prefix: &'static str) -> Result<Vec<Held>, Status> {
        let listing = self.store.list(&Range::prefix(prefix), &Page::all()).await.map_err(store_failed)?;
        let held = |item: KeyValue| Held { key: item.key, owner: item.value, revision: item.mod_revision };
        Ok(listing.items.into_iter().map(held).collect())
    }

    /// Takes a hidden key for an object of this revision; whether nobody had it, and the object was still that.
    pub(crate) async fn take(&self, key: &Bytes, owner: &Bytes, revision: u64) -> Result<bool, Status> {
        let compares = vec![Compare::ModRevision(owner.clone(), revision), Compare::Absent(key.clone())];
        self.repair(compares, put(key, owner.clone())).await
    }

    /// Removes a hidden key whose owner is of this revision, or is not there; whether both were still so.
    pub(crate) async fn give_up(&self, held: &Held, owner: Option<u64>) -> Result<bool, Status> {
        let owner = match owner {
            Some(revision) => Compare::ModRevision(held.owner.clone(), revision),
            None => Compare::Absent(held.owner.clone()),
        };
        let compares = vec![owner, Compare::ModRevision(held.key.clone(), held.revision)];
        self.repair(compares, Write::Delete { key: held.key.clone() }).await
    }

    /// One write to a hidden key; whether the compares held.
    async fn repair(&self, compares: Vec<Compare>, write: Write) -> Result<bool, Status> {
        let txn = Txn { compares, writes: vec![write], durability: Durability::Durable };
        let committed = self.store.commit(txn).await.map_err(commit_failed)?;
        Ok(matches!(committed, Committed::Done { .. }))
    }

    /// The store's revision now.
    pub(crate) async fn revision(&self) -> Result<u64, Status> {
        self.store.revision().await.map_err(store_failed)
    }

    /// Whether objects can be written at present.
    pub(crate) async fn writable(&self) -> Result<(), Status> {
        self.store.writable().await.map_err(store_failed)
    }

    /// Writes one object and its hidden keys in one transaction.
    pub(crate) async fn save(
        &self,
        kind: &Kind,
        key: &Key,
        save: Save<'_>,
        hidden: &Hidden,
    ) -> Result<Saved, Refused> {
        let at = storage_key(kind, key);
        let (encoded, write, guard) = match save {
            Save::Create(value) => {
                let encoded = encode(value);
                (encoded.clone(), put(&at, encoded.bytes), Compare::Absent(at.clone()))
            }
            Save::Replace(value, revision) => {
                let encoded = encode(value);
                (encoded.clone(), put(&at, encoded.bytes), Compare::ModRevision(at.clone(), revision))
            }
            Save::Remove(value, revision) => {
                (encode(value), Write::Delete { key: at.clone() }, Compare::ModRevision(at.clone(), revision))
            }
        };
        let mut compares = vec![guard];
        let mut writes = vec![write];
        compares.extend(hidden.take.iter().cloned().map(Compare::Absent));
        compares.extend(hidden.require.iter().cloned().map(Compare::Exists));
        writes.extend(hidden.take.iter().map(|claim| put(claim, at.clone())));
        for key in &hidden.release {
            // what another object holds by now is not this one's to give up
            let (found, _) = self.store.get(key).await.map_err(|e| Refused::Failed(store_failed(e)))?;
            if let Some(found) = found.filter(|found| found.value == at) {
                compares.push(Compare::ModRevision(key.clone(), found.mod_revision));
                writes.push(Write::Delete { key: key.clone() });
            }
        }
        let durability =
            if is_volatile(&kind.policy, key) { Durability::Volatile } else { Durability::Durable };
        let committed = self.store.commit(Txn { compares, writes, durability }).await;
        match committed.map_err(|e| Refused::Failed(commit_failed(e)))? {
            Committed::Done { revision } => Ok(Saved { encoded, revision }),
            Committed::Conflict { failed: 0, .. } => Err(Refused::Stale),
            Committed::Conflict { failed, .. } if failed <= hidden.take.len() => Err(Refused::Taken),
            Committed::Conflict { failed, .. } if failed <= hidden.take.len() + hidden.require.len() => {
                Err(Refused::Closed)
            }
            Committed::Conflict { .. } => Err(Refused::Stale),
        }
    }
}

fn put(key: &Bytes, value: Bytes) -> Write {
    Write::Put { key: key.clone(), value }
}

/// Volatile writes do not wait for the disk: events, and the leases of nodes' heartbeats.
fn is_volatile(policy: &Policy, key: &Key) -> bool {
    policy.volatile && (policy.ttl_seconds.is_some() || key.namespace == "kube-node-lease")
}

/// `/pods/default/web`, `/nodes/n1`: the resource, the namespace if it has one, the name.
pub(crate) fn storage_key(kind: &Kind, key: &Key) -> Bytes {
    let resource = kind.resource();
    if kind.namespaced() {
        format!("/{resource}/{}/{}", key.namespace, key.name).into()
    } else {
        format!("/{resource}/{}", key.name).into()
    }
}

/// The resource and key of a storage key; none for a hidden or foreign one.
pub(crate) fn parse_storage_key(key: &[u8]) -> Option<(&str, Key)> {
    let mut parts = std::str::from_utf8(key).ok()?.strip_prefix('/')?.split('/');
    let resource = parts.next().filter(|r| !r.starts_with('.'))?;
    match (parts.next()?, parts.next(), parts.next()) {
        (name, None, None) => Some((resource, Key::new("", name))),
        (namespace, Some(name), None) => Some((resource, Key::new(namespace, name))),
        _ => None,
    }
}

/// What the store's failures are to clients.
pub(crate) fn store_failed(error: store::Error) -> Status {
    match error {
        store::Error::TooLarge { .. } => Status::too_large(crate::body::MAX_BODY),
        // Clients are not asked to try again: the store has been asked for long, and they would say nothing meanwhile.
        store::Error::ReadOnly { .. } | store::Error::Unavailable(_) => {
            Status::unavailable(error.to_string())
        }
        other => Status::internal(other),
    }
}

/// The same of a commit, which may have taken effect unseen: it must not be repeated without a look.
fn commit_failed(error: store::Error) -> Status {
    match error {
        store::Error::Unavailable(why) => {
            Status::timeout(format!("the store gave no answer, and may have taken the request: {why}"))
        }
        other => store_failed(other),
    }
}
