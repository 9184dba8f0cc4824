//! The objects of one resource, now and as they were within the window.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

use object::Key;
use parking_lot::Mutex;

use crate::filter::Matcher;
use crate::hub::Hub;
use crate::window::{Event, Window};
use crate::{Entry, Expired};

/// An entry in its place by key; the key is not held twice.
#[derive(Debug)]
struct Placed(Arc<Entry>);

impl Borrow<Key> for Placed {
    fn borrow(&self) -> &Key {
        &self.0.key
    }
}

impl PartialEq for Placed {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Placed {}

impl PartialOrd for Placed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Placed {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

/// What the cache holds of one resource.
#[derive(Debug)]
pub(crate) struct Resource {
    rows: BTreeSet<Placed>,
    /// Recent events.
    pub(crate) window: Window,
    /// Watchers; locked only while the cache is, and after it.
    pub(crate) hub: Mutex<Hub>,
}

impl Resource {
    /// An empty resource whose history is complete from `start` on.
    pub(crate) fn new(start: u64) -> Self {
        Self { rows: BTreeSet::new(), window: Window::new(start, 0), hub: Mutex::default() }
    }

    /// Puts an object in without an event.
    pub(crate) fn load(&mut self, entry: Arc<Entry>) {
        self.rows.replace(Placed(entry));
    }

    /// The object with this key.
    pub(crate) fn get(&self, key: &Key) -> Option<&Arc<Entry>> {
        self.rows.get(key).map(|placed| &placed.0)
    }

    /// Creates or replaces an object. An entry that is not newer than the present one changes nothing.
    pub(crate) fn put(&mut self, entry: Arc<Entry>) {
        if self.get(&entry.key).is_some_and(|present| present.revision >= entry.revision) {
            return;
        }
        let before = self.rows.replace(Placed(entry.clone())).map(|placed| placed.0);
        self.record(Event { revision: entry.revision, before, after: Some(entry) });
    }

    /// Removes an object.
    pub(crate) fn remove(&mut self, key: &Key, revision: u64) {
        if let Some(placed) = self.rows.take(key) {
            self.record(Event { revision, before: Some(placed.0), after: None });
        }
    }

    fn record(&mut self, event: Event) {
        self.hub.get_mut().dispatch(self.window.end(), &event);
        self.window.push(event);
    }

    /// The objects that match as they are now, by key, above `after`.
    pub(crate) fn now<'a>(
        &'a self,
        matcher: &'a Matcher,
        after: Option<&Key>,
    ) -> impl Iterator<Item = &'a Arc<Entry>> + use<'a> {
        let first = matcher.first();
        let start = match (after, &first) {
            (Some(after), Some(first)) if after < first => Bound::Included(first),
            (Some(after), _) => Bound::Excluded(after),
            (None, Some(first)) => Bound::Included(first),
            (None, None) => Bound::Unbounded,
        };
        self.rows
            .range::<Key, _>((start, Bound::Unbounded))
            .map(|placed| &placed.0)
            .take_while(|entry| !matcher.is_past(&entry.key))
            .filter(|entry| matcher.matches(entry))
    }

    /// The objects that matched at a revision, by key, above `after`: those of now, undone through the window.
    pub(crate) fn at<'a>(
        &'a self,
        matcher: &'a Matcher,
        after: Option<&Key>,
        revision: u64,
    ) -> Result<impl Iterator<Item = &'a Arc<Entry>> + use<'a>, Expired> {
        let undone = self.undone(revision)?;
        let above = |entry: &&'a Arc<Entry>| after.is_none_or(|after| entry.key > *after);
        let past: Vec<&Arc<Entry>> =
            undone.values().copied().flatten().filter(|entry| matcher.matches(entry)).filter(above).collect();
        let now = self.now(matcher, after).filter(move |entry| !undone.contains_key(&entry.key));
        Ok(merge(past.into_iter(), now))
    }

    /// What was otherwise at a revision: the objects as they were then, or none where they did not exist.
    fn undone(&self, revision: u64) -> Result<BTreeMap<&Key, Option<&Arc<Entry>>>, Expired> {
        let expired = Expired { oldest: self.window.start() };
        let number = self.window.number_after(revision).ok_or(expired)?;
        let events = self.window.from(number).ok_or(expired)?;
        let mut undone = BTreeMap::new();
        for (_, event) in events.rev() {
            if let Some(key) = event.key() {
                undone.insert(key, event.before.as_ref());
            }
        }
        Ok(undone)
    }
}

/// Two sequences in key order as one.
fn merge<'a>(
    a: impl Iterator<Item = &'a Arc<Entry>>,
    b: impl Iterator<Item = &'a Arc<Entry>>,
) -> impl Iterator<Item = &'a Arc<Entry>> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(x), Some(y)) if x.key > y.key => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}
