//! A view's type as a value: what informers need to keep its table without knowing it.

use std::any::{Any, TypeId};
use std::collections::HashSet;

use object::{Key, Meta};

use crate::{Document, Snapshot, View};

/// A view of any type.
pub type AnyView = Box<dyn Any + Send + Sync>;

/// A row of a table that changed.
pub struct Changed {
    /// Which.
    pub key: Key,
    /// The view as it was; none where the object is new.
    pub old: Option<AnyView>,
}

/// What a reset changed in a table.
#[derive(Default)]
pub struct Refreshed {
    /// Rows put, replaced or removed. Rows of an unchanged revision are not among them.
    pub changed: Vec<Changed>,
    /// Objects that could not be decoded; they are not in the table.
    pub failed: Vec<(Key, serde_json::Error)>,
}

/// Handle of a [`View`]'s table in a [`Snapshot`], with the view's type erased.
#[derive(Clone, Copy)]
pub struct ViewKind {
    /// API group of the kind.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    id: TypeId,
    declare: fn(&mut Snapshot),
    put: fn(&mut Snapshot, &Document) -> Result<Option<AnyView>, serde_json::Error>,
    remove: fn(&mut Snapshot, &Key, u64) -> Option<AnyView>,
    reset: fn(&mut Snapshot, &[Document], u64) -> Refreshed,
    advance: fn(&mut Snapshot, u64),
    get: for<'a> fn(&'a Snapshot, &Key) -> Option<&'a dyn Any>,
    meta: fn(&dyn Any) -> Option<&Meta>,
}

impl ViewKind {
    /// The handle of a view.
    pub fn of<V: View>() -> Self {
        Self {
            group: V::GROUP,
            kind: V::KIND,
            id: TypeId::of::<V>(),
            declare: |snapshot| {
                snapshot.table_mut::<V>();
            },
            put: put::<V>,
            remove: |snapshot, key, revision| Some(erase(snapshot.table_mut::<V>().remove(key, revision)?)),
            reset: reset::<V>,
            advance: |snapshot, revision| snapshot.table_mut::<V>().advance(revision),
            get: |snapshot, key| snapshot.get::<V>(key).map(|view| view as &dyn Any),
            meta: |view| view.downcast_ref::<V>().map(View::meta),
        }
    }

    /// The type of the view.
    pub fn id(&self) -> TypeId {
        self.id
    }

    /// Makes the view's table, so that reading it before the first list is no bug.
    pub fn declare(&self, snapshot: &mut Snapshot) {
        (self.declare)(snapshot);
    }

    /// Decodes an object and puts it in; returns the view it replaces. An object that does not decode is taken
    /// out of the table.
    pub fn put(
        &self,
        snapshot: &mut Snapshot,
        document: &Document,
    ) -> Result<Option<AnyView>, serde_json::Error> {
        (self.put)(snapshot, document)
    }

    /// Takes a view out.
    pub fn remove(&self, snapshot: &mut Snapshot, key: &Key, revision: u64) -> Option<AnyView> {
        (self.remove)(snapshot, key, revision)
    }

    /// Makes the table hold these objects only.
    pub fn reset(&self, snapshot: &mut Snapshot, objects: &[Document], revision: u64) -> Refreshed {
        (self.reset)(snapshot, objects, revision)
    }

    /// Notes that everything up to `revision` is in.
    pub fn advance(&self, snapshot: &mut Snapshot, revision: u64) {
        (self.advance)(snapshot, revision);
    }

    /// The view with this key. Panics where the table was never declared.
    pub fn get<'a>(&self, snapshot: &'a Snapshot, key: &Key) -> Option<&'a dyn Any> {
        (self.get)(snapshot, key)
    }

    /// The metadata of a view of this type; none where it is of another.
    pub fn meta<'a>(&self, view: &'a dyn Any) -> Option<&'a Meta> {
        (self.meta)(view)
    }
}

impl std::fmt::Debug for ViewKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ViewKind({}/{})", self.group, self.kind)
    }
}

fn erase<V: View>(view: V) -> AnyView {
    Box::new(view)
}

fn put<V: View>(snapshot: &mut Snapshot, document: &Document) -> Result<Option<AnyView>, serde_json::Error> {
    let table = snapshot.table_mut::<V>();
    match V::decode(&document.bytes) {
        Ok(view) => Ok(table.put(view, document.revision).map(erase)),
        Err(error) => {
            table.remove(&document.key, document.revision);
            Err(error)
        }
    }
}

fn reset<V: View>(snapshot: &mut Snapshot, objects: &[Document], revision: u64) -> Refreshed {
    let mut refreshed = Refreshed::default();
    let present: HashSet<&Key> = objects.iter().map(|document| &document.key).collect();
    let table = snapshot.table_mut::<V>();
    let gone: Vec<Key> = table.keys().filter(|key| !present.contains(key)).cloned().collect();
    for key in gone {
        let old = table.remove(&key, revision).map(erase);
        refreshed.changed.push(Changed { key, old });
    }
    for document in objects {
        if snapshot.table::<V>().revision_of(&document.key) == Some(document.revision) {
            continue;
        }
        match put::<V>(snapshot, document) {
            Ok(old) => refreshed.changed.push(Changed { key: document.key.clone(), old }),
            Err(error) => refreshed.failed.push((document.key.clone(), error)),
        }
    }
    snapshot.table_mut::<V>().listed(revision);
    refreshed
}
