//! A running watch.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures::stream::{BoxStream, Stream, StreamExt, unfold};
use tokio::sync::watch::Receiver;

use crate::{Change, Error, Revision};

/// The most changes of one batch.
pub(crate) const MAX_BATCH: usize = 1024;

/// Whole transactions in revision order, and how far the watch has come with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The changes in the watched range, in revision order; may be empty.
    pub changes: Vec<Change>,
    /// Every change in the range up to and including this revision has been delivered. Rises
    /// strictly from batch to batch, and reaches every revision the store reaches, also those
    /// of transactions outside the range.
    pub revision: Revision,
}

/// A stream of batches that waits for new ones.
///
/// It ends after its first error, and without an error when the store is closed. A consumer that
/// falls behind the kept history gets [`Error::Lagged`]. Dropping a pending `next` loses nothing.
pub struct Watch {
    batches: BoxStream<'static, Result<Batch, Error>>,
    ended: bool,
}

impl Watch {
    /// A watch over a stream that keeps the rules of [`Batch`].
    pub fn new(batches: impl Stream<Item = Result<Batch, Error>> + Send + 'static) -> Watch {
        Watch { batches: batches.boxed(), ended: false }
    }

    /// The next batch, as soon as there is one.
    pub async fn next(&mut self) -> Option<Result<Batch, Error>> {
        StreamExt::next(self).await
    }
}

impl Stream for Watch {
    type Item = Result<Batch, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let next = self.batches.poll_next_unpin(cx);
        self.ended = matches!(next, Poll::Ready(None | Some(Err(_))));
        next
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("ended", &self.ended).finish_non_exhaustive()
    }
}

/// A watch that reads a shared history: `read(after)` returns what lies after `after` as soon as
/// the revision in `current` is above it. It ends when the sender of `current` is gone and
/// everything has been delivered.
pub(crate) fn follow(
    after: Revision,
    current: Receiver<Revision>,
    read: impl Fn(Revision) -> Result<Batch, Error> + Send + 'static,
) -> Watch {
    Watch::new(unfold((after, current, read), async |(after, mut current, read)| {
        if current.wait_for(|now| *now > after).await.is_err() {
            return None;
        }
        let batch = read(after);
        let reached = batch.as_ref().map_or(after, |batch| batch.revision);
        Some((batch, (reached, current, read)))
    }))
}
