//! The API server's cache: served bytes of all resources at one revision, and their recent history.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use kinds::Kind;
use object::Key;
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::filter::Matcher;
use crate::hub::Slot;
use crate::resource::Resource;
use crate::{Entry, Filter, Watcher};

/// Bounds of the cache's history.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Bytes that the history may keep alive, over all resources. Where it is more, the resource with the largest
    /// part loses its oldest events.
    pub window_bytes: usize,
    /// Events that one resource may keep.
    pub window_events: usize,
    /// Items that one call of [`Watcher::next`] returns at most.
    pub batch: usize,
    /// Bytes of served documents after which such a call returns no more: what a client that reads nothing keeps.
    pub batch_bytes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { window_bytes: 16 << 20, window_events: 100_000, batch: 256, batch_bytes: 64 << 10 }
    }
}

/// The revision asked for lies before the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the history begins at revision {oldest}")]
pub struct Expired {
    /// The oldest revision that can be asked for.
    pub oldest: u64,
}

/// A change that the store made.
#[derive(Clone, Debug)]
pub enum CacheChange {
    /// An object was created or replaced.
    Put {
        /// [`Kind::resource`] of its kind.
        resource: String,
        /// The object; its revision is that of the change.
        entry: Arc<Entry>,
    },
    /// An object was removed.
    Gone {
        /// [`Kind::resource`] of its kind.
        resource: String,
        /// Which.
        key: Key,
        /// When.
        revision: u64,
    },
}

/// What a list asks for.
#[derive(Clone, Debug, Default)]
pub struct ListQuery {
    /// Which objects.
    pub filter: Filter,
    /// How many at most; 0: all.
    pub limit: usize,
    /// Only objects with a key above this: the last one of the page before.
    pub after: Option<Key>,
    /// As of this revision; none: as of now. The future reads as now: wait for it first.
    pub at: Option<u64>,
}

/// Objects by key, as of a revision.
#[derive(Clone, Debug)]
pub struct List {
    /// The objects.
    pub items: Vec<Arc<Entry>>,
    /// As of.
    pub revision: u64,
    /// Whether the limit left some out.
    pub more: bool,
    /// How many it left out; 0 where a selector makes that costly to know.
    pub remaining: usize,
}

/// Where a watch begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchStart {
    /// With the present state as added objects, then changes.
    State,
    /// With the present state as added objects, then [`crate::WatchItem::InitialEventsEnd`], then changes.
    InitialEvents,
    /// With the changes after a revision; one in the future is waited for.
    After(u64),
}

/// The API server's cache. Cheap to clone: all clones are one cache. One writer feeds it by [`WatchCache::reset`]
/// and [`WatchCache::apply`]; everything read from it is consistent at one revision.
#[derive(Clone)]
pub struct WatchCache(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) options: Options,
    /// Written by the feed only.
    pub(crate) state: RwLock<State>,
    /// The state's revision; set while `state` is locked for writing.
    reached: watch::Sender<u64>,
}

/// Everything cached.
pub(crate) struct State {
    /// All changes up to here are in.
    pub(crate) revision: u64,
    /// No history reaches behind this.
    floor: u64,
    resources: HashMap<String, Resource>,
    /// What all windows together keep alive.
    window_bytes: usize,
}

impl WatchCache {
    /// An empty cache at revision 0.
    pub fn new(options: Options) -> Self {
        let state = State { revision: 0, floor: 0, resources: HashMap::new(), window_bytes: 0 };
        Self(Arc::new(Inner { options, state: RwLock::new(state), reached: watch::Sender::new(0) }))
    }

    /// Makes the cache hold these objects, each with its [`Kind::resource`], as of a revision. History begins there;
    /// all watchers end.
    pub fn reset(&self, revision: u64, items: Vec<(String, Arc<Entry>)>) {
        let mut resources = HashMap::<String, Resource>::new();
        for (name, entry) in items {
            resources.entry(name).or_insert_with(|| Resource::new(revision)).load(entry);
        }
        let mut state = self.0.state.write();
        state.resources.values_mut().for_each(|resource| resource.hub.get_mut().end());
        *state = State { revision, floor: revision, resources, window_bytes: 0 };
        self.0.reached.send_replace(revision);
    }

    /// Takes in changes, in revision order, and notes that everything up to `revision` is in.
    pub fn apply(&self, revision: u64, changes: Vec<CacheChange>) {
        let mut state = self.0.state.write();
        for change in changes {
            state.change(change, &self.0.options);
        }
        state.revision = state.revision.max(revision);
        self.0.reached.send_replace(state.revision);
    }

    /// The revision up to which everything is in.
    pub fn revision(&self) -> u64 {
        *self.0.reached.borrow()
    }

    /// Waits until everything up to a revision is in; false where that takes longer than `timeout`.
    pub async fn wait(&self, revision: u64, timeout: Duration) -> bool {
        let mut reached = self.0.reached.subscribe();
        let wait = reached.wait_for(|now| *now >= revision);
        tokio::time::timeout(timeout, wait).await.is_ok_and(|reached| reached.is_ok())
    }

    /// The object of a resource with this key.
    pub fn get(&self, resource: &str, key: &Key) -> Option<Arc<Entry>> {
        self.0.state.read().resources.get(resource)?.get(key).cloned()
    }

    /// The objects of a kind that match, by key.
    pub fn list(&self, kind: &Kind, query: &ListQuery) -> Result<List, Expired> {
        let matcher = Matcher::new(kind, &query.filter);
        let state = self.0.state.read();
        let at = query.at.filter(|at| *at < state.revision);
        let revision = at.unwrap_or(state.revision);
        let Some(resource) = state.resources.get(&kind.resource()) else {
            state.within(revision)?;
            return Ok(List { items: Vec::new(), revision, more: false, remaining: 0 });
        };
        let page =
            |objects: &mut dyn Iterator<Item = &Arc<Entry>>| page(objects, query.limit, matcher.is_plain());
        let (items, more, remaining) = match at {
            None => page(&mut resource.now(&matcher, query.after.as_ref())),
            Some(at) => page(&mut resource.at(&matcher, query.after.as_ref(), at)?),
        };
        Ok(List { items, revision, more, remaining })
    }

    /// Watches the objects of a kind that match.
    pub fn watch(&self, kind: &Kind, filter: Filter, start: WatchStart) -> Result<Watcher, Expired> {
        let name = kind.resource();
        self.0.declare(&name);
        let matcher = Matcher::new(kind, &filter);
        let state = self.0.state.read();
        let revision = state.revision;
        let Some(resource) = state.resources.get(&name) else {
            return Err(Expired { oldest: state.floor });
        };
        let mut initial = Vec::new();
        let (after, unread) = match start {
            WatchStart::After(after) => {
                let first =
                    resource.window.number_after(after).ok_or(Expired { oldest: resource.window.start() })?;
                (after, Some(first).filter(|first| *first < resource.window.end()))
            }
            WatchStart::State | WatchStart::InitialEvents => {
                initial.extend(resource.now(&matcher, None).cloned());
                (revision, None)
            }
        };
        let slot = Arc::new(Slot::new(matcher, after, unread));
        resource.hub.lock().add(&slot);
        drop(state);
        let end = (start == WatchStart::InitialEvents).then_some(revision);
        Ok(Watcher::new(self.0.clone(), name, slot, initial, end))
    }

    /// Drops the history up to a revision: call it from time to time with the revision of some minutes ago, and an
    /// idle server keeps no old states.
    pub fn forget(&self, upto: u64) {
        let mut state = self.0.state.write();
        let mut freed = 0;
        for resource in state.resources.values_mut() {
            while resource.window.oldest().is_some_and(|revision| revision <= upto) {
                freed += resource.window.pop();
            }
        }
        state.window_bytes -= freed;
    }

    /// Ends all watchers of a resource: its definition changed or went.
    pub fn end_watchers(&self, resource: &str) {
        if let Some(resource) = self.0.state.read().resources.get(resource) {
            resource.hub.lock().end();
        }
    }
}

impl Inner {
    /// Makes a resource known; locks for writing only where it is not.
    fn declare(&self, resource: &str) {
        if self.state.read().resources.contains_key(resource) {
            return;
        }
        let mut state = self.state.write();
        let floor = state.floor;
        state.resources.entry(resource.to_owned()).or_insert_with(|| Resource::new(floor));
    }

    /// Reads a resource; none where it is not known.
    pub(crate) fn read<T>(&self, resource: &str, read: impl FnOnce(&State, &Resource) -> T) -> Option<T> {
        let state = self.state.read();
        state.resources.get(resource).map(|resource| read(&state, resource))
    }
}

impl State {
    fn within(&self, revision: u64) -> Result<(), Expired> {
        if revision < self.floor { Err(Expired { oldest: self.floor }) } else { Ok(()) }
    }

    fn change(&mut self, change: CacheChange, options: &Options) {
        let floor = self.floor;
        let name = match &change {
            CacheChange::Put { resource, .. } | CacheChange::Gone { resource, .. } => resource,
        };
        if !self.resources.contains_key(name) {
            self.resources.insert(name.clone(), Resource::new(floor));
        }
        let Some(resource) = self.resources.get_mut(name) else { return };
        let before = resource.window.bytes();
        match change {
            CacheChange::Put { entry, .. } => resource.put(entry),
            CacheChange::Gone { key, revision, .. } => resource.remove(&key, revision),
        }
        while resource.window.len() > options.window_events {
            resource.window.pop();
        }
        self.window_bytes = self.window_bytes + resource.window.bytes() - before;
        self.trim(options.window_bytes);
    }

    /// Drops the oldest events of the resource with the largest window until all windows together fit.
    fn trim(&mut self, max: usize) {
        while self.window_bytes > max {
            let Some(largest) = self.resources.values_mut().max_by_key(|r| r.window.bytes()) else { return };
            match largest.window.pop() {
                0 => return,
                freed => self.window_bytes -= freed,
            }
        }
    }
}

/// The first `limit` objects, whether there are more, and how many where counting is cheap.
fn page(
    objects: &mut dyn Iterator<Item = &Arc<Entry>>,
    limit: usize,
    count: bool,
) -> (Vec<Arc<Entry>>, bool, usize) {
    if limit == 0 {
        return (objects.cloned().collect(), false, 0);
    }
    let items: Vec<_> = (&mut *objects).take(limit).cloned().collect();
    let more = objects.next().is_some();
    let remaining = if more && count { 1 + objects.count() } else { 0 };
    (items, more, remaining)
}
