//! Keys, values and revisions: the storage under the API server, and nothing of the API.
//!
//! [`Store`] is the contract; its documentation is the specification, and
//! [`conformance::CASES`] is the suite that every implementation passes. [`Memory`] is the
//! reference: the simplest code that keeps the contract. [`Embedded`] keeps the live data in
//! memory and makes it durable with an append log and snapshots over a [`Disk`]; [`Etcd`] keeps it in an etcd.

mod change;
mod contract;
mod embedded;
mod error;
mod etcd;
mod history;
mod live;
mod memory;
mod range;
mod txn;
mod watch;

pub mod conformance;

pub use change::{Change, KeyValue, Revision, is_hidden};
pub use contract::Store;
pub use embedded::{Disk, DiskFile, Embedded, Fault, FaultyDisk, Options, PowerLoss, RealDisk, maintenance};
pub use error::Error;
pub use etcd::{Etcd, EtcdOptions, EtcdTls};
pub use memory::Memory;
pub use range::{Listing, Page, Range};
pub use txn::{Committed, Compare, Durability, MAX_OPERATIONS, MAX_TXN_BYTES, Txn, Write};
pub use watch::{Batch, Watch};
