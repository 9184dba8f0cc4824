//! Transactions, and the pure function that decides each of them.

use std::collections::HashSet;

use bytes::Bytes;

use crate::{Change, Error, KeyValue, Revision, is_hidden};

/// The most compares, and the most writes, of one transaction.
pub const MAX_OPERATIONS: usize = 128;

/// The most bytes of keys and values of one transaction.
pub const MAX_TXN_BYTES: usize = 8 << 20;

/// A condition of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The key does not exist.
    Absent(Bytes),
    /// The key exists.
    Exists(Bytes),
    /// The key exists and was last written at this revision.
    ModRevision(Bytes, Revision),
}

impl Compare {
    /// The key that is looked at.
    pub fn key(&self) -> &Bytes {
        match self {
            Compare::Absent(key) | Compare::Exists(key) | Compare::ModRevision(key, _) => key,
        }
    }

    pub(crate) fn holds(&self, current: Option<&KeyValue>) -> bool {
        match self {
            Compare::Absent(_) => current.is_none(),
            Compare::Exists(_) => current.is_some(),
            Compare::ModRevision(_, revision) => current.is_some_and(|now| now.mod_revision == *revision),
        }
    }
}

/// A write of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// Creates or replaces a key.
    Put {
        /// The key; not empty.
        key: Bytes,
        /// Its new value. The store keeps this buffer: a slice keeps all that it is part of.
        value: Bytes,
    },
    /// Removes a key; without effect if it is absent.
    Delete {
        /// The key; not empty.
        key: Bytes,
    },
}

impl Write {
    /// The key that is written.
    pub fn key(&self) -> &Bytes {
        match self {
            Write::Put { key, .. } | Write::Delete { key } => key,
        }
    }

    fn size(&self) -> usize {
        match self {
            Write::Put { key, value } => key.len() + value.len(),
            Write::Delete { key } => key.len(),
        }
    }
}

/// What an answer to a commit promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Durability {
    /// The transaction survives power loss.
    #[default]
    Durable,
    /// The transaction survives the death of the process; power loss may take about the last
    /// second of such transactions. Even then no revision is ever given out a second time.
    /// A store without such a class treats it as durable.
    Volatile,
}

/// Writes that take effect together, at one revision, if all compares hold.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Txn {
    /// The conditions, checked in order; at most [`MAX_OPERATIONS`].
    pub compares: Vec<Compare>,
    /// The writes; at most [`MAX_OPERATIONS`], of distinct keys, at most one of which a watch shows.
    pub writes: Vec<Write>,
    /// When the answer comes.
    pub durability: Durability,
}

impl Txn {
    /// The bytes of keys and values that are written.
    pub(crate) fn size(&self) -> usize {
        self.writes.iter().map(Write::size).sum()
    }
}

/// The answer to a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All compares held and the writes took effect.
    Done {
        /// The transaction's revision; the store's current one if nothing changed.
        revision: Revision,
    },
    /// A compare did not hold and nothing was written.
    Conflict {
        /// The index of the first compare that did not hold.
        failed: usize,
        /// The state of that compare's key.
        current: Option<KeyValue>,
        /// The revision of the store at which this was so.
        revision: Revision,
    },
}

/// What a transaction comes to, decided and not yet done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A compare did not hold.
    Conflict { failed: usize, current: Option<KeyValue> },
    /// All compares held, and there is nothing to change; takes no revision.
    Unchanged,
    /// All compares held; these changes, hidden keys included, are to be applied.
    Changed(Vec<Change>),
}

/// Checks what does not depend on the state of a store: the limits and the one visible write.
pub(crate) fn check(txn: &Txn) -> Result<(), Error> {
    if txn.compares.len() > MAX_OPERATIONS || txn.writes.len() > MAX_OPERATIONS {
        return Err(Error::TooLarge { what: "operations", limit: MAX_OPERATIONS });
    }
    let compared: usize = txn.compares.iter().map(|compare| compare.key().len()).sum();
    if compared + txn.size() > MAX_TXN_BYTES {
        return Err(Error::TooLarge { what: "bytes", limit: MAX_TXN_BYTES });
    }
    let compared = txn.compares.iter().map(Compare::key);
    if txn.writes.iter().map(Write::key).chain(compared).any(Bytes::is_empty) {
        return Err(Error::Invalid("a key is empty"));
    }
    if txn.writes.len() < 2 {
        return Ok(());
    }
    if txn.writes.iter().filter(|write| !is_hidden(write.key())).count() > 1 {
        return Err(Error::Invalid("more than one written key is visible to watches"));
    }
    let mut seen = HashSet::new();
    if !txn.writes.iter().all(|write| seen.insert(write.key())) {
        return Err(Error::Invalid("a key is written twice"));
    }
    Ok(())
}

/// Decides a transaction against the state that `get` shows; its changes carry `revision`.
pub(crate) fn evaluate<'a>(
    txn: &Txn,
    revision: Revision,
    get: impl Fn(&[u8]) -> Option<&'a KeyValue>,
) -> Outcome {
    for (failed, compare) in txn.compares.iter().enumerate() {
        let current = get(compare.key());
        if !compare.holds(current) {
            return Outcome::Conflict { failed, current: current.cloned() };
        }
    }
    let change = |write: &Write| {
        let before = get(write.key());
        match write {
            Write::Put { key, value } => Some(Change::Put {
                now: KeyValue {
                    key: key.clone(),
                    value: value.clone(),
                    create_revision: before.map_or(revision, |before| before.create_revision),
                    mod_revision: revision,
                },
            }),
            Write::Delete { key } => before.map(|_| Change::Delete { key: key.clone(), revision }),
        }
    };
    let changes: Vec<Change> = txn.writes.iter().filter_map(change).collect();
    if changes.is_empty() { Outcome::Unchanged } else { Outcome::Changed(changes) }
}
