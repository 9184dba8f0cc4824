//! The seam between decisions and whatever runs containers.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object::{Key, Time};
use std::sync::Arc;

use crate::observed::Observed;
use crate::plan::Effect;
use crate::pod::Pod;

/// Why a runtime could not observe or perform.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct RuntimeError {
    /// One word, as a container's waiting reason or an Event has it: `CreateContainerConfigError`, `FailedMount`, ….
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
}

impl RuntimeError {
    /// An error with this reason.
    pub fn new(reason: &'static str, message: impl ToString) -> Self {
        Self { reason, message: message.to_string() }
    }
}

/// A pod that a runtime has something of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// UID.
    pub uid: Arc<str>,
    /// Namespace and name.
    pub key: Key,
}

/// Runs pods. [`crate::suite`] is run on every implementation.
///
/// - Pods are told apart by UID; two pods of one name never meet.
/// - `observe` tells what is, from observation alone: it must not remember what was performed. A pod that was
///   never performed upon has neither sandbox nor containers, unless the runtime still runs it from before a
///   restart of the agent: then it must be found again, untouched.
/// - `held` tells every pod of which `observe` would find something, or which was not yet forgotten.
/// - `perform` must be idempotent: an effect that is already true changes nothing and succeeds. It must return
///   soon; what takes long goes on by itself and shows in `observe` (an image is `Pulling`, a container that was
///   told to stop is `stopping`). One that fails leaves nothing half-made that a repetition would stumble over.
/// - `CreateSandbox` gives the pod addresses that no other living pod of the runtime has. They stay until
///   `RemoveSandbox`.
/// - `StartContainer` of an attempt that exists, in whatever state, starts nothing.
/// - `StopContainer` again with a shorter grace brings the end forward; a longer one changes nothing.
/// - `RemoveContainer` is only performed on attempts that ended, `RemoveSandbox` only when no container runs.
///   Both succeed where there is nothing to remove.
/// - `forget` comes last, once sandbox and containers are removed and the API has the pod no more: it removes what
///   outlived them (logs, files), and succeeds where there is nothing.
/// - A change by itself is told by `changes`, or was announced by [`Observed::look_again`].
/// - Operations on one pod are never concurrent; those on different pods are.
///
/// `now` is the caller's clock, for runtimes that simulate.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// What there is of a pod.
    async fn observe(&self, pod: &Pod, now: Time) -> Result<Observed, RuntimeError>;

    /// Every pod that there is something of.
    async fn held(&self) -> Result<Vec<Held>, RuntimeError>;

    /// Brings about an effect.
    async fn perform(&self, pod: &Pod, effect: &Effect, now: Time) -> Result<(), RuntimeError>;

    /// Removes the last traces of a pod that is gone.
    async fn forget(&self, pod: &Pod) -> Result<(), RuntimeError>;

    /// UIDs of pods that changed by themselves; never ends.
    fn changes(&self) -> BoxStream<'static, Arc<str>>;
}
