//! The conditions of a deployment.

use object::{Time, format_time};

use super::sets::Work;
use crate::views::{Condition, Deployment};

pub(super) const AVAILABLE: &str = "Available";
pub(super) const PROGRESSING: &str = "Progressing";
pub(super) const FAILURE: &str = "ReplicaFailure";
pub(super) const TIMED_OUT: &str = "ProgressDeadlineExceeded";
pub(super) const COMPLETE: &str = "NewReplicaSetAvailable";
const PAUSED: &str = "DeploymentPaused";

/// Seconds without progress after which a rollout counts as stuck.
pub(super) fn deadline(deployment: &Deployment) -> Option<i64> {
    deployment.spec.progress_deadline_seconds.filter(|&seconds| seconds != i64::from(i32::MAX))
}

/// A condition that changes now.
pub(super) fn new(kind: &str, status: &str, reason: &str, message: String, now: Time) -> Condition {
    let now = Some(format_time(now));
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message,
        last_update_time: now.clone(),
        last_transition_time: now,
        ..Default::default()
    }
}

/// Sets a condition. One with the same status and reason stands; one with the same status keeps the time of its
/// transition.
pub(super) fn set(conditions: &mut Vec<Condition>, mut condition: Condition) {
    if let Some(old) = Condition::find(conditions, &condition.kind) {
        if (&old.status, &old.reason) == (&condition.status, &condition.reason) {
            return;
        }
        if old.status == condition.status {
            condition.last_transition_time.clone_from(&old.last_transition_time);
        }
    }
    remove(conditions, &condition.kind);
    conditions.push(condition);
}

pub(super) fn remove(conditions: &mut Vec<Condition>, kind: &str) {
    conditions.retain(|c| c.kind != kind);
}

fn progressing(work: &mut Work<'_>, status: &str, reason: &str, message: String) {
    if deadline(work.deployment).is_some() {
        set(&mut work.conditions, new(PROGRESSING, status, reason, message, work.now));
    }
}

/// Pausing stops the clock of the deadline, resuming starts it again. A rollout that timed out stays so.
pub(super) fn note_pause(work: &mut Work<'_>) {
    let reason = Condition::find(&work.conditions, PROGRESSING).map(|c| c.reason.clone()).unwrap_or_default();
    match work.deployment.spec.paused {
        _ if reason == TIMED_OUT => {}
        true if reason != PAUSED => progressing(work, "Unknown", PAUSED, "Deployment is paused".to_owned()),
        false if reason == PAUSED => {
            progressing(work, "Unknown", "DeploymentResumed", "Deployment is resumed".to_owned());
        }
        _ => {}
    }
}

/// A replica set of the template exists, and nothing was said of it yet: there is no condition, or it still praises
/// the rollout before.
pub(super) fn note_found(work: &mut Work<'_>) {
    let Some(new) = work.new else { return };
    let said = Condition::find(&work.conditions, PROGRESSING);
    if said.is_none_or(|c| c.reason == COMPLETE && work.is_unnoted()) {
        let message = format!("Found new replica set {:?}", work.sets[new].name);
        progressing(work, "True", "FoundNewReplicaSet", message);
    }
}

/// A replica set of the template is made.
pub(super) fn note_created(work: &mut Work<'_>) {
    if let Some(new) = work.new {
        let message = format!("Created new replica set {:?}", work.sets[new].name);
        progressing(work, "True", "NewReplicaSetCreated", message);
    }
}

/// The replica set of the template could not be made.
pub(super) fn note_failed(work: &mut Work<'_>, message: String) {
    progressing(work, "False", "FailedCreate", message);
}
