//! The contract of a store.

use async_trait::async_trait;

use crate::{Committed, Error, KeyValue, Listing, Page, Range, Revision, Txn, Watch};

/// An ordered map from keys to values with atomic transactions and a history to watch.
///
/// **Order.** Transactions take effect one after another. Each that changes something has a
/// revision above all earlier ones; revisions may have gaps. A revision that was ever shown to
/// anyone is never used again, also not after a crash that lost it.
///
/// **Reads are linearizable.** A read sees every transaction that was answered before the read
/// began, and nothing that could still be lost by power loss (volatile transactions excepted).
/// Whatever any read or watch has shown, later reads show too.
///
/// **Hidden keys.** Keys that start with `/.` are read and written like all others, but no watch
/// shows them. They hold claims that are written together with an object. A transaction writes
/// at most one other key, so that a watch cut between two changes never tears a transaction.
///
/// **Cancellation.** Dropping the future of any call is safe. A commit whose future is dropped
/// may or may not take effect, as a whole.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The current state of a key, and the store's revision at that moment. Linearizable.
    async fn get(&self, key: &[u8]) -> Result<(Option<KeyValue>, Revision), Error>;

    /// The keys of a range in byte order, hidden ones included, all as of one revision, which is
    /// returned. Linearizable; successive pages are successive listings, each of its own moment.
    async fn list(&self, range: &Range, page: &Page) -> Result<Listing, Error>;

    /// Checks the compares in order and, if all hold, applies all writes at one new revision.
    ///
    /// A transaction that holds but changes nothing (no writes, or only deletes of absent keys)
    /// takes no revision. Beyond the limits or against the rules of [`Txn`] it is refused with
    /// [`Error::TooLarge`] or [`Error::Invalid`]. After [`Error::Io`], [`Error::Unavailable`] or
    /// [`Error::Closed`] it is unknown whether the transaction took effect; after every other
    /// error it did not.
    async fn commit(&self, txn: Txn) -> Result<Committed, Error>;

    /// Every change to a visible key of the range with a revision above `after`: ordered, without
    /// gaps, each exactly once. A watch of any range also reports the progress of the whole
    /// store ([`Batch::revision`](crate::Batch::revision)).
    ///
    /// [`Error::Compacted`] if the history after `after` is no longer kept, or if `after` is a
    /// revision that a crash has lost; [`Error::FutureRevision`] if it was never reached.
    async fn watch(&self, range: Range, after: Revision) -> Result<Watch, Error>;

    /// Forgets the history up to and including `upto`: watches after an earlier revision are no
    /// longer possible, and running ones that have not come that far end with [`Error::Lagged`].
    /// Current state stays. A restart may bring compacted history back. Compacting what is
    /// compacted already does nothing; above the current revision it is an
    /// [`Error::FutureRevision`].
    async fn compact(&self, upto: Revision) -> Result<(), Error>;

    /// The current revision: at least that of every transaction answered so far.
    async fn revision(&self) -> Result<Revision, Error>;

    /// Whether transactions can be committed at present; else the error says why not. Reads go on
    /// meanwhile.
    async fn writable(&self) -> Result<(), Error>;
}
