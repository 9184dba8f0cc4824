//! The seam between decisions and whatever runs containers.

use async_trait::async_trait;
use futures::stream::BoxStream;
use object::Time;
use std::sync::Arc;

use crate::observed::Observed;
use crate::plan::Effect;
use crate::pod::Pod;

/// Why a runtime could not observe or perform.
#[derive(Debug, thiserror::Error)]
#[error("{what} of pod {pod}: {why}")]
pub struct RuntimeError {
    /// What was tried.
    pub what: String,
    /// The pod.
    pub pod: String,
    /// Why it failed.
    pub why: String,
}

/// Runs pods. [`crate::suite`] is run on every implementation.
///
/// - Pods are told apart by UID; two pods of one name never meet.
/// - `observe` tells what is, from observation alone: it must not remember what was performed. A pod that was
///   never performed upon has neither sandbox nor containers, unless the runtime still runs it from before a
///   restart of the agent: then it must be found again, untouched.
/// - `perform` must be idempotent: an effect that is already true changes nothing and succeeds. It must return
///   soon; what takes long goes on by itself and shows in `observe` (an image is `Pulling`, a container that was
///   told to stop is `stopping`).
/// - `CreateSandbox` gives the pod addresses that no other living pod of the runtime has. They stay until
///   `RemoveSandbox`.
/// - `StartContainer` of an attempt that exists, in whatever state, starts nothing.
/// - `StopContainer` again with a shorter grace brings the end forward; a longer one changes nothing.
/// - `RemoveContainer` is only performed on attempts that ended, `RemoveSandbox` only when no container runs.
///   Both succeed where there is nothing to remove.
/// - A change by itself is told by `changes`, or was announced by [`Observed::look_again`].
/// - Operations on one pod are never concurrent; those on different pods are.
///
/// `now` is the caller's clock, for runtimes that simulate.
#[async_trait]
pub trait Runtime: Send + Sync + 'static {
    /// What there is of a pod.
    async fn observe(&self, pod: &Pod, now: Time) -> Result<Observed, RuntimeError>;

    /// Brings about an effect.
    async fn perform(&self, pod: &Pod, effect: &Effect, now: Time) -> Result<(), RuntimeError>;

    /// UIDs of pods that changed by themselves; never ends.
    fn changes(&self) -> BoxStream<'static, Arc<str>>;
}
