//! Transactions as etcd's messages.

use etcd_client::proto::PbTxnOpResponse;
use etcd_client::{Compare as Condition, CompareOp, ResponseHeader, TxnOp, TxnResponse};

use super::failure::Failure;
use super::space::Space;
use crate::{Committed, Compare, Error, Revision, Txn, Write};

/// The revision of an answer.
pub(super) fn revision(header: Option<&ResponseHeader>) -> Revision {
    header.map_or(0, |header| header.revision() as u64)
}

impl Space {
    /// The request of a transaction. Where a compare fails, etcd answers with the keys of all of them.
    pub(super) fn request(&self, txn: &Txn) -> Result<etcd_client::Txn, Error> {
        if txn.writes.iter().any(|write| !write.key().starts_with(b"/")) {
            return Err(Error::Invalid("a key does not begin with a slash"));
        }
        let conditions: Vec<_> = txn.compares.iter().map(|compare| self.condition(compare)).collect();
        let writes: Vec<_> = txn.writes.iter().map(|write| self.write(write)).collect();
        let looks: Vec<_> = txn.compares.iter().map(|c| TxnOp::get(self.key(c.key()), None)).collect();
        Ok(etcd_client::Txn::new().when(conditions).and_then(writes).or_else(looks))
    }

    fn condition(&self, compare: &Compare) -> Condition {
        let key = self.key(compare.key());
        match compare {
            Compare::Absent(_) => Condition::create_revision(key, CompareOp::Equal, 0),
            Compare::Exists(_) => Condition::create_revision(key, CompareOp::Greater, 0),
            // To etcd an absent key was last written at revision 0; to the contract nothing was: never true.
            Compare::ModRevision(_, 0) => Condition::version(key, CompareOp::Less, 0),
            Compare::ModRevision(_, revision) => {
                Condition::mod_revision(key, CompareOp::Equal, *revision as i64)
            }
        }
    }

    fn write(&self, write: &Write) -> TxnOp {
        match write {
            Write::Put { key, value } => TxnOp::put(self.key(key), value.to_vec(), None),
            Write::Delete { key } => TxnOp::delete(self.key(key), None),
        }
    }

    /// What an answer means.
    pub(super) fn committed(&self, txn: &Txn, answer: TxnResponse) -> Result<Committed, Failure> {
        let revision = revision(answer.header());
        if answer.succeeded() {
            return Ok(Committed::Done { revision });
        }
        let found = answer.0.responses.into_iter().map(|one| match one.response {
            Some(PbTxnOpResponse::ResponseRange(range)) => self.item(range.kvs.into_iter().next()?),
            _ => None,
        });
        let conflict =
            txn.compares.iter().zip(found).enumerate().find(|(_, (c, now))| !c.holds(now.as_ref()));
        match conflict {
            Some((failed, (_, current))) => Ok(Committed::Conflict { failed, current, revision }),
            None => Err(Failure::Unknown("etcd refused a transaction whose compares all hold".to_owned())),
        }
    }
}
