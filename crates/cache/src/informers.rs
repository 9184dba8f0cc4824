//! Keeps a shared snapshot up to date from a source.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use futures::StreamExt;
use kinds::Kinds;
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::notice::{Difference, Listener, Pending, Subscription};
use crate::sink::{Sink, SinkId, Touched};
use crate::{Change, Follow, Snapshot, Source, ViewKind};

/// The most changes applied under one lock.
const BATCH: usize = 256;

/// Follows kinds and keeps one [`Snapshot`] of them. Dropping it ends all that it follows.
pub struct Informers {
    source: Arc<dyn Source>,
    shared: Arc<Shared>,
    /// What is followed, each by a task of its own.
    followed: Mutex<HashMap<SinkId, Followed>>,
}

struct Shared {
    /// Written by the following tasks only, for a batch of changes at a time.
    snapshot: Arc<RwLock<Snapshot>>,
    listeners: Mutex<Vec<Listener>>,
    subscriptions: Mutex<Vec<Weak<Pending>>>,
    /// Counts batches: wakes whoever waits for a revision.
    progress: watch::Sender<u64>,
}

/// A followed kind.
struct Followed {
    group: String,
    kind: String,
    state: Arc<State>,
    task: JoinHandle<()>,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// How far a followed kind has come.
#[derive(Default)]
struct State {
    synced: AtomicBool,
    revision: AtomicU64,
}

impl Informers {
    /// Informers that read from a source; nothing is followed yet.
    pub fn new(source: Arc<dyn Source>) -> Self {
        let shared = Shared {
            snapshot: Arc::default(),
            listeners: Mutex::default(),
            subscriptions: Mutex::default(),
            progress: watch::Sender::new(0),
        };
        Self { source, shared: Arc::new(shared), followed: Mutex::default() }
    }

    /// Makes a view's table, empty, before anything is followed: listeners read other kinds' tables from the first
    /// change on.
    pub fn declare(&self, view: ViewKind) {
        Sink::View(view).declare(&mut self.shared.snapshot.write());
    }

    /// Keeps a view's table up to date, by a task on the current runtime. A view that is followed already stays
    /// as it is, whatever `what` selects.
    pub fn follow(&self, view: ViewKind, what: Follow) {
        self.start(Sink::View(view), what);
    }

    /// Keeps the metadata of all kinds up to date that are followed. Call again when kinds were added.
    pub fn follow_everything(&self, kinds: &Kinds) {
        for kind in kinds.iter().filter(|kind| kind.is_followed()) {
            let sink = Sink::Everything(kind.group.as_str().into(), kind.kind.as_str().into());
            self.start(sink, Follow::all(kind));
        }
    }

    /// Forgets the metadata of a kind that exists no more.
    pub fn forget(&self, group: &str, kind: &str) {
        self.followed.lock().remove(&SinkId::Everything(group.into(), kind.into()));
        self.shared.snapshot.write().everything_mut().forget(group, kind);
    }

    fn start(&self, sink: Sink, what: Follow) {
        let mut followed = self.followed.lock();
        if followed.contains_key(&sink.id()) {
            return;
        }
        sink.declare(&mut self.shared.snapshot.write());
        let (group, kind) = sink.name();
        let (group, kind, id) = (group.to_owned(), kind.to_owned(), sink.id());
        let state = Arc::new(State::default());
        let changes = self.source.follow(what);
        let task = tokio::spawn(run(self.shared.clone(), sink, state.clone(), changes));
        followed.insert(id, Followed { group, kind, state, task });
    }

    /// Calls `listener` for every later change. Register listeners before following.
    pub fn listen(&self, listener: Listener) {
        self.shared.listeners.lock().push(listener);
    }

    /// Queues a notice of every later change. Subscribe before following.
    pub fn subscribe(&self) -> Subscription {
        let pending = Arc::new(Pending::default());
        self.shared.subscriptions.lock().push(Arc::downgrade(&pending));
        Subscription(pending)
    }

    /// Reads the snapshot. The tasks that keep it wait meanwhile: hold it briefly, never across an await.
    pub fn read(&self) -> RwLockReadGuard<'_, Snapshot> {
        self.shared.snapshot.read()
    }

    /// The snapshot, to be read elsewhere by the same rule as [`Informers::read`].
    pub fn snapshot(&self) -> Arc<RwLock<Snapshot>> {
        self.shared.snapshot.clone()
    }

    /// The revision up to which everything followed of a kind is complete; 0 where it is not followed or not
    /// listed yet.
    pub fn revision_of(&self, group: &str, kind: &str) -> u64 {
        let followed = self.followed.lock();
        let of_kind = followed.values().filter(|f| f.group == group && f.kind == kind);
        of_kind.map(|f| f.state.revision.load(Ordering::Acquire)).min().unwrap_or(0)
    }

    /// Whether everything followed has been listed once.
    pub fn is_synced(&self) -> bool {
        self.followed.lock().values().all(|f| f.state.synced.load(Ordering::Acquire))
    }

    /// Waits until everything followed has been listed once.
    pub async fn wait_synced(&self) {
        self.wait(|| self.is_synced()).await;
    }

    /// Waits until a kind is complete up to a revision.
    pub async fn wait_revision(&self, group: &str, kind: &str, revision: u64) {
        self.wait(|| self.revision_of(group, kind) >= revision).await;
    }

    async fn wait(&self, reached: impl Fn() -> bool) {
        let mut progress = self.shared.progress.subscribe();
        while !reached() {
            if progress.changed().await.is_err() {
                return;
            }
        }
    }
}

/// Follows one kind for ever.
async fn run(
    shared: Arc<Shared>,
    sink: Sink,
    state: Arc<State>,
    changes: futures::stream::BoxStream<'static, Change>,
) {
    let mut batches = changes.ready_chunks(BATCH);
    while let Some(batch) = batches.next().await {
        shared.apply(&sink, &state, batch);
    }
    let (group, kind) = sink.name();
    tracing::error!(group, kind, "the source stopped telling changes");
}

impl Shared {
    fn apply(&self, sink: &Sink, state: &State, batch: Vec<Change>) {
        let mut touched = Vec::new();
        let mut snapshot = self.snapshot.write();
        let mut revision = state.revision.load(Ordering::Relaxed);
        let mut synced = false;
        for change in batch {
            let listed = matches!(change, Change::Reset { .. });
            let reached = sink.apply(&mut snapshot, change, &mut touched);
            revision = if listed { reached } else { revision.max(reached) };
            synced |= listed;
        }
        self.tell(sink, &RwLockWriteGuard::downgrade(snapshot), &touched);
        state.revision.store(revision, Ordering::Release);
        if synced {
            state.synced.store(true, Ordering::Release);
        }
        self.progress.send_modify(|batches| *batches += 1);
    }

    fn tell(&self, sink: &Sink, snapshot: &Snapshot, touched: &[Touched]) {
        let listeners = self.listeners.lock().clone();
        let subscriptions = self.live_subscriptions();
        if listeners.is_empty() && subscriptions.is_empty() {
            return;
        }
        let (group, kind) = sink.name();
        for Touched { key, old, revision } in touched {
            let now = sink.get(snapshot, key);
            let difference = Difference {
                group,
                kind,
                key,
                revision: *revision,
                old: old.as_ref().map(|old| old.any()),
                new: now.map(|(view, _)| view),
                old_meta: old.as_ref().and_then(|old| sink.old_meta(old)),
                new_meta: now.map(|(_, meta)| meta),
            };
            listeners.iter().for_each(|listener| listener(snapshot, &difference));
            subscriptions.iter().for_each(|pending| pending.push(&difference));
        }
    }

    fn live_subscriptions(&self) -> Vec<Arc<Pending>> {
        let mut subscriptions = self.subscriptions.lock();
        subscriptions.retain(|pending| pending.strong_count() > 0);
        subscriptions.iter().filter_map(Weak::upgrade).collect()
    }
}
