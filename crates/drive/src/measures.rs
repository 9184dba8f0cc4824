//! What controllers are measured by; the names are those of Kubernetes' work queues.

use std::sync::LazyLock;

use metrics::{Counter, EncodeLabelSet, Family, Gauge, Histograms, Scope, metric, seconds};

/// Of which controller, or of which lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Name {
    pub(crate) name: &'static str,
}

/// Of which lease.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct LeaseName {
    pub(crate) name: String,
}

pub(crate) static DEPTH: LazyLock<Family<Name, Gauge>> = LazyLock::new(|| {
    metric(Scope::Cluster, "workqueue_depth", "Items that wait, due or not", Family::default())
});

pub(crate) static ADDS: LazyLock<Family<Name, Counter>> = LazyLock::new(|| {
    metric(Scope::Cluster, "workqueue_adds", "Items that were taken up for work", Family::default())
});

pub(crate) static RETRIES: LazyLock<Family<Name, Counter>> = LazyLock::new(|| {
    metric(
        Scope::Cluster,
        "workqueue_retries",
        "Items that are to be done again after a failure",
        Family::default(),
    )
});

pub(crate) static WORK: LazyLock<Histograms<Name>> = LazyLock::new(|| {
    metric(Scope::Cluster, "workqueue_work_duration_seconds", "Time of work on an item", seconds())
});

pub(crate) static LEADS: LazyLock<Family<LeaseName, Gauge>> = LazyLock::new(|| {
    metric(Scope::Cluster, "leader_election_master_status", "1 where this process leads", Family::default())
});
