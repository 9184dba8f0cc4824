//! Where the changes of one followed kind go in a snapshot: a view's table, or the metadata of everything.

use std::any::{Any, TypeId};
use std::collections::HashSet;
use std::sync::Arc;

use object::{Key, Meta};

use crate::everything::Row;
use crate::view_kind::AnyView;
use crate::{Change, Document, Snapshot, ViewKind};

/// The destination of a followed kind.
#[derive(Clone)]
pub(crate) enum Sink {
    /// A view's table.
    View(ViewKind),
    /// The metadata of this group's kind.
    Everything(Arc<str>, Arc<str>),
}

/// Which sink.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SinkId {
    View(TypeId),
    Everything(Arc<str>, Arc<str>),
}

/// The state of an object before a change.
pub(crate) enum Old {
    View(AnyView),
    Row(Arc<Row>),
}

impl Old {
    pub(crate) fn any(&self) -> &dyn Any {
        match self {
            Old::View(view) => view.as_ref(),
            Old::Row(row) => row.as_ref(),
        }
    }
}

/// An object that a change touched.
pub(crate) struct Touched {
    pub(crate) key: Key,
    pub(crate) old: Option<Old>,
    pub(crate) revision: u64,
}

impl Sink {
    pub(crate) fn id(&self) -> SinkId {
        match self {
            Sink::View(view) => SinkId::View(view.id()),
            Sink::Everything(group, kind) => SinkId::Everything(group.clone(), kind.clone()),
        }
    }

    pub(crate) fn name(&self) -> (&str, &str) {
        match self {
            Sink::View(view) => (view.group, view.kind),
            Sink::Everything(group, kind) => (group, kind),
        }
    }

    pub(crate) fn declare(&self, snapshot: &mut Snapshot) {
        match self {
            Sink::View(view) => view.declare(snapshot),
            Sink::Everything(group, kind) => snapshot.everything_mut().advance(group, kind, 0),
        }
    }

    /// Applies a change; what it touched goes to `touched`. Returns how far the sink is complete now.
    pub(crate) fn apply(&self, snapshot: &mut Snapshot, change: Change, touched: &mut Vec<Touched>) -> u64 {
        match change {
            Change::Reset { objects, revision } => {
                self.reset(snapshot, &objects, revision, touched);
                revision
            }
            Change::Put(document) => {
                let old = self.put(snapshot, &document);
                touched.push(Touched { revision: document.revision, key: document.key, old });
                touched.last().map_or(0, |t| t.revision)
            }
            Change::Gone { key, revision } => {
                if let Some(old) = self.remove(snapshot, &key, revision) {
                    touched.push(Touched { key, old: Some(old), revision });
                }
                revision
            }
            Change::Progress(revision) => {
                self.advance(snapshot, revision);
                revision
            }
        }
    }

    /// The object as it is, with its metadata.
    pub(crate) fn get<'a>(&self, snapshot: &'a Snapshot, key: &Key) -> Option<(&'a dyn Any, &'a Meta)> {
        match self {
            Sink::View(view) => {
                let now = view.get(snapshot, key)?;
                Some((now, view.meta(now)?))
            }
            Sink::Everything(group, kind) => {
                let row = snapshot.everything().get(group, kind, key)?;
                Some((row.as_ref(), &row.meta))
            }
        }
    }

    /// The metadata of an object as it was.
    pub(crate) fn old_meta<'a>(&self, old: &'a Old) -> Option<&'a Meta> {
        match (self, old) {
            (Sink::View(view), Old::View(was)) => view.meta(was.as_ref()),
            (_, Old::Row(row)) => Some(&row.meta),
            (Sink::Everything(..), Old::View(_)) => None,
        }
    }

    fn put(&self, snapshot: &mut Snapshot, document: &Document) -> Option<Old> {
        let (old, failure) = match self {
            Sink::View(view) => {
                // The row goes first, so that the old view is told even where the new one does not decode.
                let old = view.remove(snapshot, &document.key, document.revision).map(Old::View);
                (old, view.put(snapshot, document).err())
            }
            Sink::Everything(group, kind) => {
                let everything = snapshot.everything_mut();
                let old = everything.remove(group, kind, &document.key, document.revision).map(Old::Row);
                (old, everything.put(group, kind, document).err().map(|e| e.source))
            }
        };
        if let Some(error) = failure {
            self.log(&document.key, &error);
        }
        old
    }

    fn remove(&self, snapshot: &mut Snapshot, key: &Key, revision: u64) -> Option<Old> {
        match self {
            Sink::View(view) => view.remove(snapshot, key, revision).map(Old::View),
            Sink::Everything(group, kind) => {
                snapshot.everything_mut().remove(group, kind, key, revision).map(Old::Row)
            }
        }
    }

    fn advance(&self, snapshot: &mut Snapshot, revision: u64) {
        match self {
            Sink::View(view) => view.advance(snapshot, revision),
            Sink::Everything(group, kind) => snapshot.everything_mut().advance(group, kind, revision),
        }
    }

    fn reset(
        &self,
        snapshot: &mut Snapshot,
        objects: &[Document],
        revision: u64,
        touched: &mut Vec<Touched>,
    ) {
        match self {
            Sink::View(view) => {
                let refreshed = view.reset(snapshot, objects, revision);
                for (key, error) in &refreshed.failed {
                    self.log(key, error);
                }
                touched.extend(refreshed.changed.into_iter().map(|changed| Touched {
                    key: changed.key,
                    old: changed.old.map(Old::View),
                    revision,
                }));
            }
            Sink::Everything(group, kind) => {
                self.reset_everything(snapshot, (group, kind), objects, revision, touched);
            }
        }
    }

    fn reset_everything(
        &self,
        snapshot: &mut Snapshot,
        (group, kind): (&str, &str),
        objects: &[Document],
        revision: u64,
        touched: &mut Vec<Touched>,
    ) {
        let present: HashSet<&Key> = objects.iter().map(|document| &document.key).collect();
        let rows = snapshot.everything().versions(group, kind);
        let gone: Vec<Key> = rows.map(|(key, _)| key).filter(|key| !present.contains(key)).cloned().collect();
        for key in gone {
            let old = self.remove(snapshot, &key, revision);
            touched.push(Touched { key, old, revision });
        }
        for document in objects {
            let known = snapshot.everything().get(group, kind, &document.key);
            if known.is_some_and(|row| row.meta.resource_version == document.revision.to_string()) {
                continue;
            }
            let old = self.put(snapshot, document);
            touched.push(Touched { key: document.key.clone(), old, revision });
        }
        snapshot.everything_mut().listed(group, kind, revision);
    }

    fn log(&self, key: &Key, error: &serde_json::Error) {
        let (group, kind) = self.name();
        tracing::warn!(group, kind, %key, %error, "object does not decode and is left out");
    }
}
