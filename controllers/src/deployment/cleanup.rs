//! Deleting old replica sets beyond `revisionHistoryLimit`.

use super::annotations;
use super::sets::Work;
use crate::views::ReplicaSet;

/// Marks the oldest revisions beyond the limit for deletion, as far as they are at rest without pods.
pub(super) fn run(work: &mut Work<'_>) {
    let limit = work.deployment.spec.revision_history_limit.filter(|&limit| limit != i64::from(i32::MAX));
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return };
    let is_alive = |at: &usize| work.sets[*at].view.is_some_and(|set| !set.metadata.is_terminating());
    let mut old: Vec<usize> = work.old().into_iter().filter(is_alive).collect();
    old.sort_by_key(|&at| annotations::revision(&work.sets[at].annotations));
    let beyond = old.len().saturating_sub(limit);
    let is_empty = |at: &usize| work.sets[*at].replicas == 0 && work.sets[*at].view.is_some_and(is_empty);
    work.surplus = old.into_iter().take(beyond).filter(is_empty).collect();
}

fn is_empty(set: &ReplicaSet) -> bool {
    set.desired() == 0
        && set.status.replicas == 0
        && set.metadata.generation <= set.status.observed_generation
}
