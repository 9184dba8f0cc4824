//! What is kept in memory of the cluster: the API server's watch cache, and every component's views.
//!
//! [`WatchCache`] holds served bytes, encoded once, and the window of recent events. [`Source`] is how a
//! component follows a kind, whether in the API server's process or from afar; [`Informers`] keep a
//! [`Snapshot`] of small decoded [`View`]s up to date from it.

mod entry;
mod everything;
mod extract;
mod filter;
mod hub;
mod informers;
#[cfg(test)]
mod informers_tests;
mod item;
mod notice;
mod resource;
mod sink;
mod source;
#[cfg(test)]
mod testing;
mod view;
mod view_kind;
mod watch_cache;
#[cfg(test)]
mod watch_tests;
mod watcher;
mod window;

pub use entry::Entry;
pub use everything::{Everything, Row, Unreadable};
pub use filter::Filter;
pub use informers::Informers;
pub use item::WatchItem;
pub use notice::{Difference, Listener, Notice, Subscription};
pub use source::{Change, Document, Follow, Source};
pub use view::{Snapshot, Table, View};
pub use view_kind::{AnyView, Changed, Refreshed, ViewKind};
pub use watch_cache::{CacheChange, Expired, List, ListQuery, Options, WatchCache, WatchStart};
pub use watcher::Watcher;
