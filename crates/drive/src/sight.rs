//! What has been seen: the informers' progress, by kind.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use cache::{Informers, Snapshot, ViewKind};
use kinds::Kinds;
use object::{Key, Meta};

use crate::barrier::{Barrier, Seen, Wait};
use crate::{Controller, GroupKind, Item, Watched};

/// What the informers have seen, by kind.
pub(crate) struct Sight {
    informers: Arc<Informers>,
    views: HashMap<GroupKind, Vec<ViewKind>>,
    /// Kinds of which everything's metadata is followed.
    everything: Vec<GroupKind>,
}

impl Sight {
    pub(crate) fn new(controllers: &[Controller], informers: Arc<Informers>, kinds: &Kinds) -> Self {
        let mut sight = Self { informers, views: HashMap::new(), everything: Vec::new() };
        for watch in controllers.iter().flat_map(|controller| (controller.watches)()) {
            match watch.what {
                Watched::View(view) => {
                    sight.views.entry(GroupKind::new(view.group, view.kind)).or_default().push(view);
                }
                Watched::Everything => {
                    let followed = kinds.iter().filter(|kind| kind.is_followed());
                    sight.everything = followed.map(|kind| GroupKind::new(&kind.group, &kind.kind)).collect();
                }
            }
        }
        sight
    }

    /// Reads the snapshot; see [`Informers::read`].
    pub(crate) fn read(&self) -> impl std::ops::Deref<Target = Snapshot> {
        self.informers.read()
    }

    /// The metadata of an object, in each of the places where it is kept.
    fn metas<'a>(
        &'a self,
        snapshot: &'a Snapshot,
        kind: &'a GroupKind,
        key: &'a Key,
    ) -> impl Iterator<Item = &'a Meta> {
        let views = self.views.get(kind).into_iter().flatten();
        let views = views.filter_map(move |view| view.meta(view.get(snapshot, key)?));
        views.chain(snapshot.everything().get(&kind.group, &kind.kind, key).map(|row| &row.meta))
    }

    /// Whether the object of an item is there.
    pub(crate) fn exists(&self, item: &Item) -> bool {
        self.metas(&self.informers.read(), &item.kind, &item.key).next().is_some()
    }

    /// Waits until everything behind a barrier was seen.
    pub(crate) async fn wait(&self, mut barrier: Barrier) {
        let mut pause = Duration::from_millis(1);
        loop {
            let Some(wait) = barrier.first(self).cloned() else { return };
            match wait {
                Wait::Revision { kind, revision } => {
                    self.informers.wait_revision(&kind.group, &kind.kind, revision).await;
                }
                Wait::Gone { .. } => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
            }
        }
    }
}

impl Seen for Sight {
    fn revision(&self, kind: &GroupKind) -> Option<u64> {
        let watched = self.views.contains_key(kind) || self.everything.contains(kind);
        watched.then(|| self.informers.revision_of(&kind.group, &kind.kind))
    }

    fn is_live(&self, kind: &GroupKind, key: &Key, uid: &str) -> bool {
        let snapshot = self.informers.read();
        self.metas(&snapshot, kind, key).any(|meta| meta.uid == uid && !meta.is_terminating())
    }
}
