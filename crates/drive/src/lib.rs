//! The one driver of deciding components: queues, workers, the revision barrier, back-off, leadership, and the
//! carrying out of what pure deciders decided. [`laws`] checks that a decider keeps the laws that the driver
//! relies on.

mod actor;
mod backoff;
mod barrier;
mod carry;
mod decision;
pub mod laws;
mod leader;
mod measures;
mod queue;
mod runner;
mod sight;

pub use backoff::Backoff;
pub use barrier::{Barrier, Seen, Wait};
pub use decision::{
    Action, Controller, Failure, GroupKind, Item, KindName, Map, Memory, Note, NoteType, Outcome, Plan,
    Precondition, Propagation, Query, Watch, Watched,
};
pub use leader::{Elector, LEASE_DURATION, Leadership, RENEW_DEADLINE, RETRY_PERIOD, Step, lead};
pub use queue::{Queue, WorkQueue};
pub use runner::{Options, run};
