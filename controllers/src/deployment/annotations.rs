//! The annotations of replica sets by which a deployment keeps its history.

use std::collections::BTreeMap;

use crate::views::Deployment;

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";
/// Annotations of the deployment that its replica sets do not get.
const OWN: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
    REVISION,
    HISTORY,
    DESIRED,
    MAX,
];
/// Bytes of history that are kept.
const MAX_HISTORY: usize = 2000;

pub(super) type Annotations = BTreeMap<String, String>;

/// The number in an annotation.
fn number(annotations: &Annotations, name: &str) -> Option<i64> {
    annotations.get(name).and_then(|text| text.parse().ok())
}

/// The revision of a replica set; 0 where it has none.
pub(super) fn revision(annotations: &Annotations) -> i64 {
    number(annotations, REVISION).unwrap_or(0)
}

/// The deployment's size when the replica set was last scaled.
pub(super) fn desired(annotations: &Annotations) -> Option<i64> {
    number(annotations, DESIRED)
}

/// The most pods allowed when the replica set was last scaled.
pub(super) fn max(annotations: &Annotations) -> Option<i64> {
    number(annotations, MAX)
}

/// Notes the deployment's size and the most pods allowed.
pub(super) fn note_size(annotations: &mut Annotations, desired: i64, max: i64) {
    annotations.insert(DESIRED.to_owned(), desired.to_string());
    annotations.insert(MAX.to_owned(), max.to_string());
}

/// Notes that a replica set is its deployment's current one, of at least this revision. A revision it had before
/// goes into its history: that is a rollback.
pub(super) fn note_current(annotations: &mut Annotations, deployment: &Deployment, revision: i64) {
    let inherited = deployment.metadata.annotations.iter().filter(|(name, _)| !OWN.contains(name));
    annotations.extend(inherited.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let old = number(annotations, REVISION);
    if old.is_some_and(|old| old >= revision) {
        return;
    }
    annotations.insert(REVISION.to_owned(), revision.to_string());
    if let Some(old) = old {
        let history = annotations.entry(HISTORY.to_owned()).or_default();
        *history = remember(history, &old.to_string());
    }
}

/// A history with one more revision; the oldest go where it gets too long.
fn remember(history: &str, revision: &str) -> String {
    let mut revisions: Vec<&str> = history.split(',').filter(|r| !r.is_empty()).chain([revision]).collect();
    while revisions.len() > 1 && revisions.iter().map(|r| r.len() + 1).sum::<usize>() > MAX_HISTORY + 1 {
        revisions.remove(0);
    }
    revisions.join(",")
}
