//! Views: the few fields of an object that a component reads, decoded once, and tables of them.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use object::{Key, Meta};

use crate::Everything;

/// The fields of a kind that a component reads.
pub trait View: Send + Sync + 'static {
    /// API group of the kind.
    const GROUP: &'static str;
    /// The kind.
    const KIND: &'static str;

    /// Decodes the view from a served document.
    fn decode(document: &[u8]) -> Result<Self, serde_json::Error>
    where
        Self: Sized;

    /// The object's metadata.
    fn meta(&self) -> &Meta;
}

/// All views of one kind, by key, owner and UID.
pub struct Table<V> {
    rows: BTreeMap<Key, (u64, V)>,
    by_owner: HashMap<String, BTreeSet<Key>>,
    by_uid: HashMap<String, Key>,
    revision: u64,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { rows: BTreeMap::new(), by_owner: HashMap::new(), by_uid: HashMap::new(), revision: 0 }
    }
}

impl<V: View> Table<V> {
    /// The revision up to which the table is complete; 0 before the first list.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The view with this key.
    pub fn get(&self, key: &Key) -> Option<&V> {
        self.rows.get(key).map(|(_, view)| view)
    }

    /// All views, by key.
    pub fn iter(&self) -> impl Iterator<Item = &V> {
        self.rows.values().map(|(_, view)| view)
    }

    /// The views of a namespace, by name.
    pub fn namespace<'a>(&'a self, namespace: &'a str) -> impl Iterator<Item = &'a V> {
        self.rows
            .range(Key::new(namespace, "")..)
            .take_while(move |(key, _)| key.namespace == namespace)
            .map(|(_, (_, view))| view)
    }

    /// The views that list this UID among their owners, by key.
    pub fn owned_by<'a>(&'a self, uid: &str) -> impl Iterator<Item = &'a V> {
        self.by_owner.get(uid).into_iter().flatten().filter_map(|key| self.get(key))
    }

    /// The view with this UID.
    pub fn by_uid(&self, uid: &str) -> Option<&V> {
        self.by_uid.get(uid).and_then(|key| self.get(key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts a view in; returns the one it replaces.
    pub fn put(&mut self, view: V, revision: u64) -> Option<V> {
        let key = view.meta().key();
        let old = self.remove(&key, revision);
        for owner in &view.meta().owner_references {
            self.by_owner.entry(owner.uid.clone()).or_default().insert(key.clone());
        }
        self.by_uid.insert(view.meta().uid.clone(), key.clone());
        self.rows.insert(key, (revision, view));
        old
    }

    /// Takes a view out.
    pub fn remove(&mut self, key: &Key, revision: u64) -> Option<V> {
        self.advance(revision);
        let (_, view) = self.rows.remove(key)?;
        for owner in &view.meta().owner_references {
            if let Some(keys) = self.by_owner.get_mut(&owner.uid) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_owner.remove(&owner.uid);
                }
            }
        }
        if self.by_uid.get(&view.meta().uid) == Some(key) {
            self.by_uid.remove(&view.meta().uid);
        }
        Some(view)
    }

    /// The revision of the object with this key.
    pub(crate) fn revision_of(&self, key: &Key) -> Option<u64> {
        self.rows.get(key).map(|(revision, _)| *revision)
    }

    /// All keys.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.rows.keys()
    }

    /// Notes that the table was listed anew as of `revision`, which may be lower than before: a restored or
    /// another API server.
    pub(crate) fn listed(&mut self, revision: u64) {
        self.revision = revision;
    }

    /// Notes that everything up to `revision` is in.
    pub fn advance(&mut self, revision: u64) {
        self.revision = self.revision.max(revision);
    }
}

/// Tables of views of several kinds; what a reconcile reads.
#[derive(Default)]
pub struct Snapshot {
    tables: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    everything: Everything,
}

impl Snapshot {
    /// The table of a view. Panics where the component did not declare that it watches the kind: a bug.
    pub fn table<V: View>(&self) -> &Table<V> {
        self.tables
            .get(&TypeId::of::<V>())
            .and_then(|table| table.downcast_ref())
            .unwrap_or_else(|| panic!("{} is read but not watched", V::KIND))
    }

    /// The view with this key.
    pub fn get<V: View>(&self, key: &Key) -> Option<&V> {
        self.table::<V>().get(key)
    }

    /// The metadata of the objects of all kinds; empty where the component did not ask to follow them.
    pub fn everything(&self) -> &Everything {
        &self.everything
    }

    /// The metadata of the objects of all kinds; for informers and tests.
    pub fn everything_mut(&mut self) -> &mut Everything {
        &mut self.everything
    }

    /// The table of a view, made where absent; for informers and tests.
    pub fn table_mut<V: View>(&mut self) -> &mut Table<V> {
        self.tables
            .entry(TypeId::of::<V>())
            .or_insert_with(|| Box::new(Table::<V>::default()))
            .downcast_mut()
            .expect("a table is stored under its view's type")
    }
}
