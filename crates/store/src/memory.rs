//! The reference: the simplest store that keeps the contract. Its history is unbounded until
//! compacted, and nothing outlives it.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch::{Sender, channel};

use crate::txn::{Outcome, check, evaluate};
use crate::watch::follow;
use crate::{
    Batch, Change, Committed, Error, KeyValue, Listing, Page, Range, Revision, Store, Txn, Watch, is_hidden,
};

/// A store in memory, for tests and as the model that other stores are compared with.
#[derive(Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    current: Sender<Revision>,
}

/// Lock: never held across an await.
#[derive(Debug, Default)]
struct State {
    live: BTreeMap<Bytes, KeyValue>,
    revision: Revision,
    /// Visible changes above `compacted`, in order.
    changes: Vec<Change>,
    compacted: Revision,
}

impl Default for Memory {
    fn default() -> Memory {
        Memory::new()
    }
}

impl Memory {
    /// An empty store at revision 0.
    pub fn new() -> Memory {
        Memory { state: Arc::default(), current: channel(0).0 }
    }
}

impl State {
    fn commit(&mut self, txn: &Txn) -> Committed {
        let next = self.revision + 1;
        let revision = match evaluate(txn, next, |key| self.live.get(key)) {
            Outcome::Conflict { failed, current } => {
                return Committed::Conflict { failed, current, revision: self.revision };
            }
            Outcome::Unchanged => self.revision,
            Outcome::Changed(changes) => {
                changes.into_iter().for_each(|change| self.apply(change));
                self.revision = next;
                next
            }
        };
        Committed::Done { revision }
    }

    fn apply(&mut self, change: Change) {
        match &change {
            Change::Put { now } => {
                self.live.insert(now.key.clone(), now.clone());
            }
            Change::Delete { key, .. } => {
                self.live.remove(key);
            }
        }
        if !is_hidden(change.key()) {
            self.changes.push(change);
        }
    }

    fn read(&self, range: &Range, after: Revision) -> Result<Batch, Error> {
        if after < self.compacted {
            return Err(Error::Lagged);
        }
        let wanted = |change: &&Change| change.revision() > after && range.contains(change.key());
        let changes = self.changes.iter().filter(wanted).cloned().collect();
        Ok(Batch { changes, revision: self.revision })
    }
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, key: &[u8]) -> Result<(Option<KeyValue>, Revision), Error> {
        let state = self.state.lock();
        Ok((state.live.get(key).cloned(), state.revision))
    }

    async fn list(&self, range: &Range, page: &Page) -> Result<Listing, Error> {
        let state = self.state.lock();
        let after = |key: &Bytes| page.after.as_ref().is_none_or(|after| key > after);
        let wanted = |item: &&KeyValue| range.contains(&item.key) && after(&item.key);
        let mut items: Vec<KeyValue> = state.live.values().filter(wanted).cloned().collect();
        let more = page.limit > 0 && items.len() > page.limit;
        if more {
            items.truncate(page.limit);
        }
        Ok(Listing { items, revision: state.revision, more })
    }

    async fn commit(&self, txn: Txn) -> Result<Committed, Error> {
        check(&txn)?;
        let mut state = self.state.lock();
        let committed = state.commit(&txn);
        self.current.send_replace(state.revision);
        Ok(committed)
    }

    async fn watch(&self, range: Range, after: Revision) -> Result<Watch, Error> {
        let state = self.state.lock();
        if after > state.revision {
            return Err(Error::FutureRevision { asked: after, current: state.revision });
        }
        if after < state.compacted {
            return Err(Error::Compacted { oldest: state.compacted });
        }
        let shared = self.state.clone();
        let read = move |after| shared.lock().read(&range, after);
        Ok(follow(after, self.current.subscribe(), read))
    }

    async fn compact(&self, upto: Revision) -> Result<(), Error> {
        let mut state = self.state.lock();
        if upto > state.revision {
            return Err(Error::FutureRevision { asked: upto, current: state.revision });
        }
        state.compacted = state.compacted.max(upto);
        let compacted = state.compacted;
        state.changes.retain(|change| change.revision() > compacted);
        Ok(())
    }

    async fn revision(&self) -> Result<Revision, Error> {
        Ok(self.state.lock().revision)
    }

    async fn writable(&self) -> Result<(), Error> {
        Ok(())
    }
}
