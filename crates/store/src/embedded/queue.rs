//! The bounded queue between callers and the writer thread.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{Committed, Error, Txn};

/// A transaction that waits for the writer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) txn: Txn,
    pub(crate) answer: oneshot::Sender<Result<Committed, Error>>,
    /// The place in the queue, held until the answer.
    pub(crate) slot: OwnedSemaphorePermit,
}

impl Job {
    /// Answers the caller, who may be gone, and frees the place in the queue.
    pub(crate) fn answer(self, result: Result<Committed, Error>) {
        let Job { answer, slot, .. } = self;
        let _gone = answer.send(result);
        drop(slot);
    }
}

/// What the writer finds in the queue.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Everything that waited.
    Jobs(VecDeque<Job>),
    /// The deadline has passed with nothing waiting.
    Idle,
    /// The queue is closed and empty.
    Closed,
}

#[derive(Debug)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    slots: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(slots: usize) -> Queue {
        Queue {
            waiting: Mutex::default(),
            arrived: Condvar::new(),
            slots: Arc::new(Semaphore::new(slots.max(1))),
        }
    }

    /// Waits for a place in the queue.
    pub(crate) async fn slot(&self) -> Result<OwnedSemaphorePermit, Error> {
        self.slots.clone().acquire_owned().await.map_err(|_| Error::Closed)
    }

    pub(crate) fn push(&self, job: Job) -> Result<(), Error> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(Error::Closed);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Takes all jobs; waits for one until the deadline, or without end.
    pub(crate) fn take(&self, deadline: Option<Instant>) -> Taken {
        let mut waiting = self.waiting.lock();
        loop {
            if !waiting.jobs.is_empty() {
                return Taken::Jobs(std::mem::take(&mut waiting.jobs));
            }
            if waiting.closed {
                return Taken::Closed;
            }
            let Some(deadline) = deadline else {
                self.arrived.wait(&mut waiting);
                continue;
            };
            if self.arrived.wait_until(&mut waiting, deadline).timed_out() {
                return if waiting.jobs.is_empty() { Taken::Idle } else { continue };
            }
        }
    }

    /// Lets nothing more in; what is in is still taken.
    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.slots.close();
        self.arrived.notify_all();
    }

    /// Closes and drops what is in, which answers it with [`Error::Closed`].
    pub(crate) fn abandon(&self) {
        self.close();
        let abandoned = std::mem::take(&mut self.waiting.lock().jobs);
        drop(abandoned);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.slots.is_closed()
    }
}
