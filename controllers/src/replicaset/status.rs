//! What a replica set's status says.

use drive::{Action, Failure, Note, NoteType, Plan};
use object::{Time, Value, format_time};
use serde_json::json;

use super::members::Members;
use super::{KIND, POD};
use crate::ownership;
use crate::pods::Availability;
use crate::views::{Condition, Pod, ReplicaSet, ReplicaSetStatus};

const FAILURE: &str = "ReplicaFailure";

/// Brings the status up to date, and asks to be woken when the next pod becomes available.
pub(super) fn update(
    plan: &mut Plan,
    set: &ReplicaSet,
    members: &Members<'_>,
    failed: Option<Condition>,
    now: Time,
) {
    let mut next = count(plan, set, members, now);
    next.conditions = conditions(set, failed, now);
    if next != set.status {
        plan.act(ownership::patch_status(KIND, &set.metadata, to_value(&next)));
    }
}

fn count(plan: &mut Plan, set: &ReplicaSet, members: &Members<'_>, now: Time) -> ReplicaSetStatus {
    let labels = &set.spec.template["metadata"]["labels"];
    let mut status = ReplicaSetStatus {
        replicas: members.active.len() as i64,
        terminating_replicas: Some(members.terminating as i64),
        observed_generation: set.metadata.generation,
        ..Default::default()
    };
    for pod in &members.active {
        status.fully_labeled_replicas += i64::from(has_labels(pod, labels));
        status.ready_replicas += i64::from(pod.is_ready());
        match pod.availability(set.spec.min_ready_seconds, now) {
            Availability::Now => status.available_replicas += 1,
            Availability::In(wait) => plan.wake_in(wait),
            Availability::Unready => {}
        }
    }
    status
}

fn has_labels(pod: &Pod, labels: &Value) -> bool {
    let labels = labels.as_object().into_iter().flatten();
    labels.into_iter().all(|(key, value)| pod.metadata.labels.get(key) == value.as_str())
}

/// The condition `ReplicaFailure` stands while creating or deleting pods fails; the others are left alone.
fn conditions(set: &ReplicaSet, failed: Option<Condition>, now: Time) -> Vec<Condition> {
    let mut conditions = set.status.conditions.clone();
    match failed {
        None => conditions.retain(|c| c.kind != FAILURE),
        Some(_) if Condition::find(&conditions, FAILURE).is_some() => {}
        Some(failed) => conditions.push(Condition { last_transition_time: Some(format_time(now)), ..failed }),
    }
    conditions
}

/// What to tell of a failure of the last run, as Event and as condition. Conflicts are no failures.
pub(super) fn failure(set: &ReplicaSet, failure: Option<&Failure>) -> Option<(Note, Condition)> {
    let failure = failure.filter(|f| !f.conflict)?;
    let (reason, doing) = match &failure.action {
        Action::Create { kind, .. } if *kind == POD => ("FailedCreate", "creating"),
        Action::Delete { kind, .. } if *kind == POD => ("FailedDelete", "deleting"),
        _ => return None,
    };
    let note = set.owner().note(NoteType::Warning, reason, format!("Error {doing}: {}", failure.message));
    let condition = Condition {
        kind: FAILURE.to_owned(),
        status: "True".to_owned(),
        reason: reason.to_owned(),
        message: failure.message.clone(),
        ..Default::default()
    };
    Some((note, condition))
}

/// The status as a merge patch; zeros that upstream leaves out are removed.
fn to_value(status: &ReplicaSetStatus) -> Value {
    json!({
        "replicas": status.replicas,
        "fullyLabeledReplicas": some(status.fully_labeled_replicas),
        "readyReplicas": some(status.ready_replicas),
        "availableReplicas": some(status.available_replicas),
        "terminatingReplicas": status.terminating_replicas,
        "observedGeneration": some(status.observed_generation),
        "conditions": Condition::to_value(&status.conditions),
    })
}

/// A number, or null for 0.
pub(crate) fn some(number: i64) -> Value {
    if number == 0 { Value::Null } else { number.into() }
}
