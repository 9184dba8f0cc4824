//! Flow control: how many requests are worked on at a time.
//!
//! Reads, writes and long-running requests (watches, streams) have separate bounds, so that none starves another.
//! A request over the bound waits its turn for a short while, as with upstream's queues; when too many wait, or it
//! waited too long, it is told to come back.

use std::sync::Arc;
use std::time::Duration;

use object::Status;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The kind of work a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Answers and ends, changes nothing.
    Read,
    /// Changes something.
    Mutating,
    /// Ends when the client likes: watches and streams.
    LongRunning,
    /// Never refused: health checks, and administrators who come to repair.
    Exempt,
}

impl Class {
    /// The class of a request by its RBAC verb and subresource.
    pub fn of(verb: &str, subresource: &str) -> Self {
        match (verb, subresource) {
            ("watch", _) | (_, "attach" | "exec" | "log" | "portforward" | "proxy") => Self::LongRunning,
            ("get" | "list" | "head" | "options", _) => Self::Read,
            _ => Self::Mutating,
        }
    }
}

/// Requests at a time, per class, and how long others may wait.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Reads.
    pub reads: usize,
    /// Writes.
    pub mutating: usize,
    /// Watches and streams.
    pub long_running: usize,
    /// Requests that may wait per class; of long-running ones none does.
    pub waiting: usize,
    /// How long a request may wait.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            reads: 400,
            mutating: 200,
            long_running: 50_000,
            waiting: 4_000,
            patience: Duration::from_secs(5),
        }
    }
}

/// One class: those who are served, and those who wait.
struct Lane {
    serving: Arc<Semaphore>,
    waiting: Semaphore,
    patience: Duration,
}

impl Lane {
    fn new(serving: usize, waiting: usize, patience: Duration) -> Self {
        Self { serving: Arc::new(Semaphore::new(serving)), waiting: Semaphore::new(waiting), patience }
    }

    async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = self.serving.clone().try_acquire_owned() {
            return Some(permit);
        }
        let _place = self.waiting.try_acquire().ok()?;
        let turn = self.serving.clone().acquire_owned();
        tokio::time::timeout(self.patience, turn).await.ok()?.ok()
    }
}

/// Held while a request is worked on, its answer's body included.
#[derive(Debug)]
#[must_use = "dropping it ends the request's turn"]
pub struct Turn {
    /// None for the exempt.
    _permit: Option<OwnedSemaphorePermit>,
}

/// Admits requests within [`Limits`].
pub struct Flow {
    reads: Lane,
    mutating: Lane,
    long_running: Lane,
}

impl Flow {
    /// Flow control with these limits.
    pub fn new(limits: &Limits) -> Self {
        let lane = |serving| Lane::new(serving, limits.waiting, limits.patience);
        Self {
            reads: lane(limits.reads),
            mutating: lane(limits.mutating),
            long_running: Lane::new(limits.long_running, 0, limits.patience),
        }
    }

    /// Waits for the request's turn; 429 if there is none in time.
    pub async fn admit(&self, class: Class) -> Result<Turn, Status> {
        let lane = match class {
            Class::Read => &self.reads,
            Class::Mutating => &self.mutating,
            Class::LongRunning => &self.long_running,
            Class::Exempt => return Ok(Turn { _permit: None }),
        };
        match lane.enter().await {
            Some(permit) => Ok(Turn { _permit: Some(permit) }),
            None => Err(Status::too_many_requests("too many requests, please try again later", 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(waiting: usize) -> Flow {
        let patience = Duration::from_millis(20);
        Flow::new(&Limits { reads: 1, mutating: 1, long_running: 1, waiting, patience })
    }

    #[test]
    fn classes() {
        let cases = [
            ("get", "", Class::Read),
            ("list", "", Class::Read),
            ("get", "log", Class::LongRunning),
            ("create", "exec", Class::LongRunning),
            ("watch", "", Class::LongRunning),
            ("patch", "status", Class::Mutating),
            ("deletecollection", "", Class::Mutating),
        ];
        for (verb, subresource, class) in cases {
            assert_eq!(Class::of(verb, subresource), class, "{verb} {subresource}");
        }
    }

    #[tokio::test]
    async fn a_full_class_refuses_and_others_go_on() {
        let flow = flow(1);
        let held = flow.admit(Class::Read).await.unwrap();
        let refused = flow.admit(Class::Read).await.unwrap_err();
        assert_eq!((refused.code, refused.details.unwrap().retry_after_seconds), (429, Some(1)));
        let _write = flow.admit(Class::Mutating).await.unwrap();
        let _exempt = flow.admit(Class::Exempt).await.unwrap();
        drop(held);
        let _read = flow.admit(Class::Read).await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_gets_the_next_turn() {
        let flow = Arc::new(flow(1));
        let held = flow.admit(Class::Mutating).await.unwrap();
        let next = tokio::spawn({
            let flow = flow.clone();
            async move { flow.admit(Class::Mutating).await.is_ok() }
        });
        tokio::time::sleep(Duration::from_millis(5)).await;
        drop(held);
        assert!(next.await.unwrap());
    }
}
