//! Scaling without rolling out: while paused, or when the deployment's size changed in the middle of a rollout.

use std::cmp::Reverse;

use super::sets::Work;
use super::{annotations, cleanup, rolling};

/// Brings the replica sets to the deployment's size, each in proportion to what it has.
pub(super) fn run(work: &mut Work<'_>) {
    work.find_new();
    scale(work);
    if work.deployment.spec.paused {
        cleanup::run(work);
    }
}

fn scale(work: &mut Work<'_>) {
    let desired = work.deployment.desired();
    if let Some(only) = only_one(work) {
        if work.sets[only].replicas != desired {
            work.scale(only, desired);
        }
    } else if is_saturated(work) {
        for at in work.active(work.old()) {
            work.scale(at, 0);
        }
    } else if !work.deployment.recreates() {
        share(work);
    }
}

/// The replica set to scale where there is no choice: the only one with pods, or where none has any the new one,
/// or the latest.
fn only_one(work: &Work<'_>) -> Option<usize> {
    match work.active((0..work.sets.len()).collect())[..] {
        [] => work.new.or_else(|| work.sets.len().checked_sub(1)),
        [only] => Some(only),
        _ => None,
    }
}

/// Whether the new replica set has all the pods that the deployment wants, and they are available.
fn is_saturated(work: &Work<'_>) -> bool {
    let desired = work.deployment.desired();
    work.new.is_some_and(|new| {
        let set = &work.sets[new];
        set.replicas == desired
            && annotations::desired(&set.annotations) == Some(desired)
            && set.available() == desired
    })
}

/// Shares what is to be added or taken out among the replica sets; what rounding leaves goes to the largest.
fn share(work: &mut Work<'_>) {
    let desired = work.deployment.desired();
    let allowed = if desired > 0 { desired + rolling::max_surge(work.deployment) } else { 0 };
    let change = allowed - work.total();
    let order = by_size(work, change > 0);
    let mut sizes: Vec<(usize, i64)> = Vec::new();
    let mut shared = 0;
    for at in order {
        let part = proportion(work, at, change, shared);
        shared += part;
        sizes.push((at, work.sets[at].replicas + part));
    }
    if let Some((_, largest)) = sizes.first_mut() {
        *largest = (*largest + change - shared).max(0);
    }
    for (at, size) in sizes {
        work.scale(at, size);
    }
}

/// Those with pods, the largest first; of the same size the newer first where pods are added, else the older.
fn by_size(work: &Work<'_>, newer_first: bool) -> Vec<usize> {
    let mut order = work.active((0..work.sets.len()).collect());
    if newer_first {
        order.reverse();
    }
    order.sort_by_key(|&at| Reverse(work.sets[at].replicas));
    order
}

/// The part of `change` for one replica set, `shared` being given away already.
fn proportion(work: &Work<'_>, at: usize, change: i64, shared: i64) -> i64 {
    let (part, left) = (fraction(work, at), change - shared);
    if change > 0 { part.clamp(0.min(left), left) } else { part.clamp(left, 0.max(left)) }
}

/// By how much a replica set would grow were it to keep its share of the pods.
fn fraction(work: &Work<'_>, at: usize) -> i64 {
    let set = &work.sets[at];
    let desired = work.deployment.desired();
    if desired == 0 {
        return -set.replicas;
    }
    let max = desired + rolling::max_surge(work.deployment);
    let before =
        annotations::max(&set.annotations).filter(|&max| max != 0).unwrap_or(work.deployment.status.replicas);
    if before == 0 {
        return 0;
    }
    (set.replicas as f64 * max as f64 / before as f64).round() as i64 - set.replicas
}
