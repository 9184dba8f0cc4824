//! Decides a group of transactions that are written together.

use std::collections::HashMap;

use bytes::Bytes;

use crate::live::Live;
use crate::txn::{Outcome, evaluate};
use crate::{Change, Committed, KeyValue, Revision, Txn};

/// A decided group: nothing is left to choose when it is written.
#[derive(Debug, Default)]
pub(crate) struct Group {
    /// The answers, one for each transaction, true once the group is written.
    pub(crate) answers: Vec<Committed>,
    /// The changes of each transaction that changes something, in revision order.
    pub(crate) txns: Vec<Vec<Change>>,
    /// The revision after the group.
    pub(crate) revision: Revision,
}

/// Decides the transactions one after another, each on top of those before it.
pub(crate) fn decide<'a>(live: &Live, txns: impl Iterator<Item = &'a Txn>) -> Group {
    let mut group = Group { revision: live.revision, ..Group::default() };
    // what the group itself has changed so far; `None` is deleted
    let mut changed: HashMap<Bytes, Option<KeyValue>> = HashMap::new();
    for txn in txns {
        let next = group.revision + 1;
        let get = |key: &[u8]| match changed.get(key) {
            Some(now) => now.as_ref(),
            None => live.get(key),
        };
        let answer = match evaluate(txn, next, get) {
            Outcome::Conflict { failed, current } => {
                Committed::Conflict { failed, current, revision: group.revision }
            }
            Outcome::Unchanged => Committed::Done { revision: group.revision },
            Outcome::Changed(changes) => {
                for change in &changes {
                    let now = match change {
                        Change::Put { now } => Some(now.clone()),
                        Change::Delete { .. } => None,
                    };
                    changed.insert(change.key().clone(), now);
                }
                group.txns.push(changes);
                group.revision = next;
                Committed::Done { revision: next }
            }
        };
        group.answers.push(answer);
    }
    group
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Compare, Write};

    #[test]
    fn later_transactions_see_earlier_ones() {
        let create = Txn {
            compares: vec![Compare::Absent("k".into())],
            writes: vec![Write::Put { key: "k".into(), value: "v".into() }],
            ..Txn::default()
        };
        let delete = Txn {
            compares: vec![Compare::ModRevision("k".into(), 1)],
            writes: vec![Write::Delete { key: "k".into() }],
            ..Txn::default()
        };
        let group = decide(&Live::default(), [&create, &create, &delete, &create].into_iter());
        assert_eq!(group.answers[0], Committed::Done { revision: 1 });
        assert!(matches!(group.answers[1], Committed::Conflict { failed: 0, revision: 1, .. }));
        assert_eq!(group.answers[2], Committed::Done { revision: 2 });
        assert_eq!(group.answers[3], Committed::Done { revision: 3 });
        assert_eq!((group.txns.len(), group.revision), (3, 3));
    }
}
