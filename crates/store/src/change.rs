//! What is stored, and what happens to it.

use bytes::Bytes;

/// A point in the history of a store. 0 lies before everything; the first write gets at least 1;
/// each transaction that changes something gets a revision above all earlier ones.
pub type Revision = u64;

/// Keys that start with this are never shown by a watch.
const HIDDEN_PREFIX: &[u8] = b"/.";

/// Whether watches hide this key: it starts with `/.`.
pub fn is_hidden(key: &[u8]) -> bool {
    key.starts_with(HIDDEN_PREFIX)
}

/// A live key with its value and the revisions that made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key; never empty.
    pub key: Bytes,
    /// The value; may be empty.
    pub value: Bytes,
    /// The revision that created the key: of its first put since it was last absent.
    pub create_revision: Revision,
    /// The revision of the latest put.
    pub mod_revision: Revision,
}

/// One key's part of a committed transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The key was created or replaced; created if both revisions of `now` are equal.
    Put {
        /// The key as it is since this change.
        now: KeyValue,
    },
    /// The key existed and was removed.
    Delete {
        /// The removed key.
        key: Bytes,
        /// The revision of the removing transaction.
        revision: Revision,
    },
}

impl Change {
    /// The changed key.
    pub fn key(&self) -> &Bytes {
        match self {
            Change::Put { now } => &now.key,
            Change::Delete { key, .. } => key,
        }
    }

    /// The revision of the transaction that made this change.
    pub fn revision(&self) -> Revision {
        match self {
            Change::Put { now } => now.mod_revision,
            Change::Delete { revision, .. } => *revision,
        }
    }

    /// The bytes of key and value, the measure of the bounded history.
    pub(crate) fn size(&self) -> usize {
        match self {
            Change::Put { now } => now.key.len() + now.value.len(),
            Change::Delete { key, .. } => key.len(),
        }
    }
}
