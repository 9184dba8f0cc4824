//! The metadata of the objects of all followed kinds: what the garbage collector and namespace emptying read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use object::{Key, Labels, Meta};
use serde::Deserialize;

use crate::Document;

/// One object of any kind. Rows compare by group, kind and key.
#[derive(Clone, Debug)]
pub struct Row {
    /// API group.
    pub group: Arc<str>,
    /// Kind.
    pub kind: Arc<str>,
    /// The object's key.
    pub key: Key,
    /// Its metadata, without labels and annotations.
    pub meta: Meta,
}

impl Row {
    fn identity(&self) -> (&str, &str, &Key) {
        (&self.group, &self.kind, &self.key)
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Row {}

impl PartialOrd for Row {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Row {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.identity().cmp(&other.identity())
    }
}

/// Why an object's metadata could not be read.
#[derive(Debug, thiserror::Error)]
#[error("metadata of {key} cannot be read")]
pub struct Unreadable {
    /// Which object.
    pub key: Key,
    /// What the decoder says.
    #[source]
    pub source: serde_json::Error,
}

/// The metadata of one kind's objects.
#[derive(Debug, Default)]
struct Rows {
    rows: BTreeMap<Key, Arc<Row>>,
    revision: u64,
}

/// Metadata of the objects of all kinds, by kind, UID, owner and namespace.
#[derive(Debug, Default)]
pub struct Everything {
    kinds: HashMap<(Arc<str>, Arc<str>), Rows>,
    by_uid: HashMap<String, Arc<Row>>,
    by_owner: HashMap<String, BTreeSet<Arc<Row>>>,
    by_namespace: HashMap<String, BTreeSet<Arc<Row>>>,
}

impl Everything {
    /// The object of this kind and key.
    pub fn get(&self, group: &str, kind: &str, key: &Key) -> Option<&Arc<Row>> {
        self.rows(group, kind)?.rows.get(key)
    }

    /// The object with this UID.
    pub fn by_uid(&self, uid: &str) -> Option<&Arc<Row>> {
        self.by_uid.get(uid)
    }

    /// The objects that list this UID among their owners, by group, kind and key.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.by_owner.get(uid).into_iter().flatten()
    }

    /// The objects in a namespace, by group, kind and key; the empty name gives the cluster-scoped ones.
    pub fn namespace(&self, namespace: &str) -> impl Iterator<Item = &Arc<Row>> {
        self.by_namespace.get(namespace).into_iter().flatten()
    }

    /// All objects, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Row>> {
        self.kinds.values().flat_map(|rows| rows.rows.values())
    }

    /// The revision up to which a kind is complete; 0 where it is not followed or not listed yet.
    pub fn revision(&self, group: &str, kind: &str) -> u64 {
        self.rows(group, kind).map_or(0, |rows| rows.revision)
    }

    fn rows(&self, group: &str, kind: &str) -> Option<&Rows> {
        self.kinds.get(&(group.into(), kind.into()))
    }

    fn rows_mut(&mut self, group: &str, kind: &str) -> &mut Rows {
        self.kinds.entry((group.into(), kind.into())).or_default()
    }

    /// The names of a kind that is there, shared by all its rows.
    fn names(&self, group: &str, kind: &str) -> (Arc<str>, Arc<str>) {
        let names = (group.into(), kind.into());
        self.kinds.get_key_value(&names).map(|(names, _)| names.clone()).unwrap_or(names)
    }

    /// Puts an object in; returns the row it replaces. An object whose metadata cannot be read is taken out.
    pub fn put(
        &mut self,
        group: &str,
        kind: &str,
        document: &Document,
    ) -> Result<Option<Arc<Row>>, Unreadable> {
        let old = self.remove(group, kind, &document.key, document.revision);
        let meta =
            read_meta(&document.bytes).map_err(|source| Unreadable { key: document.key.clone(), source })?;
        let (group, kind) = self.names(group, kind);
        let row = Row { group, kind, key: document.key.clone(), meta };
        self.index(Arc::new(row));
        Ok(old)
    }

    /// Takes an object out.
    pub fn remove(&mut self, group: &str, kind: &str, key: &Key, revision: u64) -> Option<Arc<Row>> {
        self.advance(group, kind, revision);
        let row = self.rows_mut(group, kind).rows.remove(key)?;
        if self.by_uid.get(&row.meta.uid) == Some(&row) {
            self.by_uid.remove(&row.meta.uid);
        }
        for owner in &row.meta.owner_references {
            remove_from(&mut self.by_owner, &owner.uid, &row);
        }
        remove_from(&mut self.by_namespace, &row.key.namespace, &row);
        Some(row)
    }

    fn index(&mut self, row: Arc<Row>) {
        self.by_uid.insert(row.meta.uid.clone(), row.clone());
        for owner in &row.meta.owner_references {
            self.by_owner.entry(owner.uid.clone()).or_default().insert(row.clone());
        }
        self.by_namespace.entry(row.key.namespace.clone()).or_default().insert(row.clone());
        self.rows_mut(&row.group, &row.kind).rows.insert(row.key.clone(), row.clone());
    }

    /// The keys of a kind, with the resource versions of its objects.
    pub(crate) fn versions(&self, group: &str, kind: &str) -> impl Iterator<Item = (&Key, &str)> {
        self.rows(group, kind)
            .into_iter()
            .flat_map(|rows| rows.rows.iter().map(|(key, row)| (key, row.meta.resource_version.as_str())))
    }

    /// Notes that everything of a kind up to `revision` is in.
    pub fn advance(&mut self, group: &str, kind: &str, revision: u64) {
        let rows = self.rows_mut(group, kind);
        rows.revision = rows.revision.max(revision);
    }

    /// Notes that a kind was listed anew as of `revision`.
    pub(crate) fn listed(&mut self, group: &str, kind: &str, revision: u64) {
        self.rows_mut(group, kind).revision = revision;
    }

    /// Forgets a kind that exists no more.
    pub fn forget(&mut self, group: &str, kind: &str) {
        let keys: Vec<Key> = self.versions(group, kind).map(|(key, _)| key.clone()).collect();
        for key in keys {
            self.remove(group, kind, &key, 0);
        }
        self.kinds.remove(&(group.into(), kind.into()));
    }
}

fn remove_from(index: &mut HashMap<String, BTreeSet<Arc<Row>>>, at: &str, row: &Arc<Row>) {
    if let Some(rows) = index.get_mut(at) {
        rows.remove(row);
        if rows.is_empty() {
            index.remove(at);
        }
    }
}

#[derive(Deserialize)]
struct WithMeta {
    metadata: Meta,
}

fn read_meta(document: &[u8]) -> Result<Meta, serde_json::Error> {
    let mut meta = serde_json::from_slice::<WithMeta>(document)?.metadata;
    meta.annotations = Labels::default();
    meta.labels = Labels::default();
    Ok(meta)
}
