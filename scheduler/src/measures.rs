//! What the scheduler is measured by, under upstream's names.

use std::sync::LazyLock;

use metrics::{Counter, EncodeLabelSet, Family, Gauge, Histogram, SECONDS, Scope, metric};

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Attempt {
    pub(crate) result: &'static str,
}

/// `scheduled`, `unschedulable`, or `error` where a binding was refused or failed.
pub(crate) static ATTEMPTS: LazyLock<Family<Attempt, Counter>> = LazyLock::new(|| {
    metric(
        Scope::Cluster,
        "scheduler_schedule_attempts",
        "Attempts to schedule pods, by result",
        Family::default(),
    )
});

pub(crate) static BINDING: LazyLock<Histogram> = LazyLock::new(|| {
    let help = "Time of a binding, from the decision to the API's answer";
    metric(Scope::Cluster, "scheduler_binding_duration_seconds", help, Histogram::new(SECONDS))
});

pub(crate) static PENDING: LazyLock<Gauge> = LazyLock::new(|| {
    metric(Scope::Cluster, "scheduler_pending_pods", "Pods that wait for a node", Gauge::default())
});

/// Counts an attempt.
pub(crate) fn attempt(result: &'static str) {
    ATTEMPTS.get_or_create(&Attempt { result }).inc();
}
