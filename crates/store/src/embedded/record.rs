//! Records, the content of frames: to bytes and back, without I/O.
//!
//! ```text
//! txn     = 1 revision:u64 count:u8 { put | delete }
//! put     = 1 key create-revision:u64 value
//! delete  = 2 key
//! reserve = 2 revision:u64
//! clean   = 3
//! item    = 4 key value create-revision:u64 mod-revision:u64
//! total   = 5 count:u64
//! end     = 0                                   bytes = length:u32 content; little endian
//! ```

use bytes::Bytes;

use crate::txn::MAX_OPERATIONS;
use crate::{Change, KeyValue, Revision};

const TXN: u8 = 1;
const RESERVE: u8 = 2;
const CLEAN: u8 = 3;
const ITEM: u8 = 4;
const TOTAL: u8 = 5;
const PUT: u8 = 1;
const DELETE: u8 = 2;

const _: () = assert!(MAX_OPERATIONS <= u8::MAX as usize);

/// A record as read back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// In a log: the changes of one transaction; there is at least one.
    Txn(Vec<Change>),
    /// In a log: revisions up to this one may have been given out before they were durable.
    Reserve(Revision),
    /// In a log: the store was closed and nothing was lost.
    Clean,
    /// In a snapshot: a live key.
    Item(KeyValue),
    /// In a snapshot: its end, and how many items it has.
    Total(u64),
}

pub(crate) fn write_txn(out: &mut Vec<u8>, changes: &[Change]) {
    let Some(first) = changes.first() else { return };
    out.push(TXN);
    write_u64(out, first.revision());
    out.push(changes.len() as u8);
    for change in changes {
        match change {
            Change::Put { now } => {
                out.push(PUT);
                write_bytes(out, &now.key);
                write_u64(out, now.create_revision);
                write_bytes(out, &now.value);
            }
            Change::Delete { key, .. } => {
                out.push(DELETE);
                write_bytes(out, key);
            }
        }
    }
}

pub(crate) fn write_reserve(out: &mut Vec<u8>, upto: Revision) {
    out.push(RESERVE);
    write_u64(out, upto);
}

pub(crate) fn write_clean(out: &mut Vec<u8>) {
    out.push(CLEAN);
}

pub(crate) fn write_item(out: &mut Vec<u8>, item: &KeyValue) {
    out.push(ITEM);
    write_bytes(out, &item.key);
    write_bytes(out, &item.value);
    write_u64(out, item.create_revision);
    write_u64(out, item.mod_revision);
}

pub(crate) fn write_total(out: &mut Vec<u8>, count: u64) {
    out.push(TOTAL);
    write_u64(out, count);
}

fn write_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(bytes);
}

/// Reads all records of a frame's payload; `None` if it does not consist of records.
pub(crate) fn read_all(payload: &[u8]) -> Option<Vec<Record>> {
    let mut reader = Reader { rest: payload };
    let mut records = Vec::new();
    loop {
        records.push(match reader.byte()? {
            0 => return Some(records),
            TXN => Record::Txn(reader.txn()?),
            RESERVE => Record::Reserve(reader.u64()?),
            CLEAN => Record::Clean,
            ITEM => Record::Item(KeyValue {
                key: reader.bytes()?,
                value: reader.bytes()?,
                create_revision: reader.u64()?,
                mod_revision: reader.u64()?,
            }),
            TOTAL => Record::Total(reader.u64()?),
            _ => return None,
        });
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn txn(&mut self) -> Option<Vec<Change>> {
        let revision = self.u64()?;
        let count = self.byte()?;
        (0..count).map(|_| self.change(revision)).collect()
    }

    fn change(&mut self, revision: Revision) -> Option<Change> {
        match self.byte()? {
            PUT => {
                let (key, create_revision, value) = (self.bytes()?, self.u64()?, self.bytes()?);
                let now = KeyValue { key, value, create_revision, mod_revision: revision };
                Some(Change::Put { now })
            }
            DELETE => Some(Change::Delete { key: self.bytes()?, revision }),
            _ => None,
        }
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    fn u64(&mut self) -> Option<u64> {
        let (number, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*number))
    }

    /// A copy, so that a small value does not keep the whole frame in memory.
    fn bytes(&mut self) -> Option<Bytes> {
        let (length, rest) = self.rest.split_first_chunk()?;
        let (content, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.rest = rest;
        Some(Bytes::copy_from_slice(content))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let now = KeyValue { key: "key".into(), value: "value".into(), create_revision: 3, mod_revision: 9 };
        let txn =
            vec![Change::Put { now: now.clone() }, Change::Delete { key: "/.claim".into(), revision: 9 }];
        let mut bytes = Vec::new();
        write_txn(&mut bytes, &txn);
        write_reserve(&mut bytes, 10_000);
        write_clean(&mut bytes);
        write_item(&mut bytes, &now);
        write_total(&mut bytes, 1);
        let records =
            [Record::Txn(txn), Record::Reserve(10_000), Record::Clean, Record::Item(now), Record::Total(1)];
        assert_eq!(read_all(&bytes), None, "the end is missing");
        bytes.extend([0, 0, 0xb5]);
        assert_eq!(read_all(&bytes), Some(records.into()));
    }

    #[test]
    fn every_cut_is_noticed() {
        let mut bytes = Vec::new();
        write_txn(&mut bytes, &[Change::Delete { key: "key".into(), revision: 1 }]);
        write_total(&mut bytes, 1);
        for cut in 0..bytes.len() {
            assert_eq!(read_all(&bytes[..cut]), None);
        }
    }
}
