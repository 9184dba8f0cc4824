//! What a deployment's status says.

use std::time::Duration;

use object::{Value, parse_time};
use serde_json::json;

use super::conditions::{self, AVAILABLE, COMPLETE, FAILURE, PROGRESSING, TIMED_OUT};
use super::rolling;
use super::sets::{Set, Work};
use crate::pods::until;
use crate::replicaset::some;
use crate::views::{Condition, Deployment, DeploymentStatus};

/// Works out the status; in a rollout that includes its progress.
pub(super) fn update(work: &mut Work<'_>, rolls_out: bool) {
    let mut next = count(work);
    next.conditions = std::mem::take(&mut work.conditions);
    note_availability(work, &mut next);
    if rolls_out {
        note_progress(work, &mut next);
        note_failures(work, &mut next);
        wake_at_deadline(work, &next);
    }
    work.status = Some(next);
}

fn count(work: &Work<'_>) -> DeploymentStatus {
    let statuses: Vec<_> = work.sets.iter().map(Set::status).collect();
    let sum = |field: fn(&crate::views::ReplicaSetStatus) -> i64| statuses.iter().map(field).sum::<i64>();
    let available = sum(|s| s.available_replicas);
    DeploymentStatus {
        observed_generation: work.deployment.metadata.generation,
        replicas: sum(|s| s.replicas),
        updated_replicas: work.new.map_or(0, |new| statuses[new].replicas),
        ready_replicas: sum(|s| s.ready_replicas),
        available_replicas: available,
        unavailable_replicas: (work.total() - available).max(0),
        terminating_replicas: statuses.iter().map(|s| s.terminating_replicas).sum(),
        collision_count: work.deployment.status.collision_count,
        conditions: Vec::new(),
    }
}

fn note_availability(work: &Work<'_>, next: &mut DeploymentStatus) {
    let least = work.deployment.desired() - rolling::max_unavailable(work.deployment);
    let (status, reason, message) = if next.available_replicas >= least {
        ("True", "MinimumReplicasAvailable", "Deployment has minimum availability.")
    } else {
        ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability.")
    };
    conditions::set(
        &mut next.conditions,
        conditions::new(AVAILABLE, status, reason, message.to_owned(), work.now),
    );
}

/// Whether a rollout is over.
pub(super) fn is_complete(deployment: &Deployment, status: &DeploymentStatus) -> bool {
    let desired = deployment.desired();
    status.updated_replicas == desired
        && status.replicas == desired
        && status.available_replicas == desired
        && status.observed_generation >= deployment.metadata.generation
}

/// Whether a rollout came further since the last status. Pods that were counted as updated before the new replica
/// set was new are not.
fn advances(work: &Work<'_>, next: &DeploymentStatus) -> bool {
    let old = &work.deployment.status;
    let updated = if work.is_unnoted() { 0 } else { old.updated_replicas };
    next.updated_replicas > updated
        || next.replicas - next.updated_replicas < old.replicas - old.updated_replicas
        || next.ready_replicas > old.ready_replicas
        || next.available_replicas > old.available_replicas
}

fn note_progress(work: &Work<'_>, next: &mut DeploymentStatus) {
    if conditions::deadline(work.deployment).is_none() {
        return conditions::remove(&mut next.conditions, PROGRESSING);
    }
    let current = Condition::find(&next.conditions, PROGRESSING).cloned();
    let was_complete = current.as_ref().is_some_and(|c| c.reason == COMPLETE);
    if was_complete && next.replicas == next.updated_replicas {
        return;
    }
    let new = |status, reason, what: &str| {
        conditions::new(PROGRESSING, status, reason, format!("{} {what}.", subject(work)), work.now)
    };
    if is_complete(work.deployment, next) {
        conditions::set(&mut next.conditions, new("True", COMPLETE, "has successfully progressed"));
    } else if advances(work, next) {
        let mut progress = new("True", "ReplicaSetUpdated", "is progressing");
        if let Some(current) = current.filter(|c| c.status == "True") {
            progress.last_transition_time = current.last_transition_time;
        }
        conditions::remove(&mut next.conditions, PROGRESSING);
        next.conditions.push(progress);
    } else if is_stuck(work, current.as_ref()) {
        conditions::set(&mut next.conditions, new("False", TIMED_OUT, "has timed out progressing"));
    }
}

/// What messages speak of: the new replica set, or where there is none the deployment.
fn subject(work: &Work<'_>) -> String {
    match work.new {
        Some(new) => format!("ReplicaSet {:?}", work.sets[new].name),
        None => format!("Deployment {:?}", work.deployment.metadata.name),
    }
}

/// Whether the last progress is longer ago than the deadline allows.
fn is_stuck(work: &Work<'_>, current: Option<&Condition>) -> bool {
    match current {
        None => false,
        Some(current) if current.reason == COMPLETE => false,
        Some(current) if current.reason == TIMED_OUT => true,
        Some(current) => left(work, current).is_none(),
    }
}

/// Time until the deadline, counted from the last progress.
fn left(work: &Work<'_>, current: &Condition) -> Option<Duration> {
    let deadline = conditions::deadline(work.deployment)?;
    let since = current.last_update_time.as_deref().and_then(parse_time)?;
    until(since, deadline, work.now)
}

/// A failure of the new replica set, else of any, is the deployment's.
fn note_failures(work: &Work<'_>, next: &mut DeploymentStatus) {
    let failure =
        |set: &Set<'_>| set.view.and_then(|v| Condition::find(&v.status.conditions, FAILURE)).cloned();
    let new = work.new.and_then(|new| failure(&work.sets[new]));
    match new.or_else(|| work.sets.iter().find_map(failure)) {
        None => conditions::remove(&mut next.conditions, FAILURE),
        Some(failure) => {
            let since = failure.last_transition_time;
            let copy = Condition { last_update_time: since.clone(), last_transition_time: since, ..failure };
            conditions::set(&mut next.conditions, copy);
        }
    }
}

/// A rollout that is under way is looked at again when its deadline is over.
fn wake_at_deadline(work: &mut Work<'_>, next: &DeploymentStatus) {
    let Some(current) = Condition::find(&next.conditions, PROGRESSING) else { return };
    if is_complete(work.deployment, next) || matches!(current.reason.as_str(), COMPLETE | TIMED_OUT) {
        return;
    }
    if let Some(left) = left(work, current) {
        work.plan.wake_in(left + Duration::from_secs(1));
    }
}

/// The status as a merge patch; zeros are removed, as upstream leaves them out.
pub(super) fn to_value(status: &DeploymentStatus) -> Value {
    json!({
        "observedGeneration": some(status.observed_generation),
        "replicas": some(status.replicas),
        "updatedReplicas": some(status.updated_replicas),
        "readyReplicas": some(status.ready_replicas),
        "availableReplicas": some(status.available_replicas),
        "unavailableReplicas": some(status.unavailable_replicas),
        "terminatingReplicas": status.terminating_replicas,
        "collisionCount": status.collision_count,
        "conditions": Condition::to_value(&status.conditions),
    })
}
