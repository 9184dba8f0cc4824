//! The rolling update: new pods come and old ones go, within `maxSurge` and `maxUnavailable`.

use cache::Snapshot;
use object::Value;

use super::cleanup;
use super::sets::{Collision, Work};
use super::status;
use crate::views::Deployment;

/// One step of a rolling update.
pub(super) fn run(work: &mut Work<'_>, snapshot: &Snapshot) -> Result<(), Collision> {
    work.find_or_create_new(snapshot)?;
    if !scale_new(work) && !scale_old(work) && status::is_complete(work.deployment, &work.deployment.status) {
        cleanup::run(work);
    }
    Ok(())
}

/// Brings the new replica set nearer to the deployment's size; whether anything changes.
fn scale_new(work: &mut Work<'_>) -> bool {
    let Some(new) = work.new else { return false };
    let (size, desired) = (work.sets[new].replicas, work.deployment.desired());
    if size == desired {
        return false;
    }
    let next = if size > desired { desired } else { new_size(work, size) };
    work.scale(new, next)
}

/// The size that the new replica set may have now, given the one it has.
pub(super) fn new_size(work: &Work<'_>, size: i64) -> i64 {
    let desired = work.deployment.desired();
    if work.deployment.recreates() {
        return desired;
    }
    let room = desired + max_surge(work.deployment) - work.total();
    if room <= 0 { size } else { size + room.min(desired - size) }
}

/// Takes pods from the old replica sets, those that are not available first; whether anything changes.
fn scale_old(work: &mut Work<'_>) -> bool {
    let Some(new) = work.new else { return false };
    let old = work.active(work.old());
    if old.is_empty() {
        return false;
    }
    let least = work.deployment.desired() - max_unavailable(work.deployment);
    let new_unavailable = work.sets[new].replicas - work.sets[new].available();
    let room = work.total() - least - new_unavailable;
    if room <= 0 {
        return false;
    }
    let broken = remove_unavailable(work, &old, room);
    let surplus = remove_available(work, &old, least);
    broken + surplus > 0
}

/// Takes up to `room` pods that are not available; how many.
fn remove_unavailable(work: &mut Work<'_>, old: &[usize], room: i64) -> i64 {
    take(work, old, room, |work, at| work.sets[at].replicas - work.sets[at].available())
}

/// Takes pods as far as enough others are available; how many.
fn remove_available(work: &mut Work<'_>, old: &[usize], least: i64) -> i64 {
    let available: i64 = work.sets.iter().map(|set| set.available()).sum();
    take(work, old, available - least, |work, at| work.sets[at].replicas)
}

/// Takes up to `room` pods from these replica sets in order, from each as many as `most` allows.
fn take(work: &mut Work<'_>, from: &[usize], room: i64, most: fn(&Work<'_>, usize) -> i64) -> i64 {
    let mut taken = 0;
    for &at in from {
        let count = most(work, at).min(room - taken);
        if count > 0 {
            work.scale(at, work.sets[at].replicas - count);
            taken += count;
        }
    }
    taken
}

/// Pods that may be there beyond the deployment's size.
pub(super) fn max_surge(deployment: &Deployment) -> i64 {
    if deployment.recreates() { 0 } else { fence(deployment).0 }
}

/// Pods that may be missing.
pub(super) fn max_unavailable(deployment: &Deployment) -> i64 {
    let desired = deployment.desired();
    if deployment.recreates() || desired == 0 { 0 } else { fence(deployment).1.min(desired) }
}

/// Surge, rounded up, and unavailability, rounded down; not both are 0.
fn fence(deployment: &Deployment) -> (i64, i64) {
    let (limits, desired) = (&deployment.spec.strategy.rolling_update, deployment.desired());
    let surge = resolve(&limits.max_surge, desired, 99);
    let unavailable = resolve(&limits.max_unavailable, desired, 0);
    if surge == 0 && unavailable == 0 { (0, 1) } else { (surge, unavailable) }
}

/// A number or a share of `total`, to which `round` hundredths are added before they are cut off.
fn resolve(value: &Value, total: i64, round: i64) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => text
            .strip_suffix('%')
            .and_then(|t| t.parse::<i64>().ok())
            .map_or(0, |share| (share * total + round) / 100),
        _ => (25 * total + round) / 100,
    }
}
