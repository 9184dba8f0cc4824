//! What a node is measured by, under the names of upstream's kubelet.

use std::sync::LazyLock;

use metrics::{Counter, EncodeLabelSet, Family, Gauge, Histograms, Scope, metric, seconds};

use crate::plan::Effect;

/// What the runtime was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Operation {
    pub(crate) operation_type: &'static str,
}

impl Operation {
    /// That of an effect, as the CRI calls it.
    pub(crate) fn of(effect: &Effect) -> Self {
        let operation_type = match effect {
            Effect::PullImage { .. } => "pull_image",
            Effect::CreateSandbox => "run_podsandbox",
            Effect::StartContainer { .. } => "start_container",
            Effect::StopContainer { .. } => "stop_container",
            Effect::RemoveContainer { .. } => "remove_container",
            Effect::RemoveSandbox => "remove_podsandbox",
        };
        Self { operation_type }
    }
}

pub(crate) static OPERATIONS: LazyLock<Histograms<Operation>> = LazyLock::new(|| {
    let help = "Time of the runtime's operations";
    metric(Scope::Node, "kubelet_runtime_operations_duration_seconds", help, seconds())
});

pub(crate) static ERRORS: LazyLock<Family<Operation, Counter>> = LazyLock::new(|| {
    let help = "Operations of the runtime that failed";
    metric(Scope::Node, "kubelet_runtime_operations_errors", help, Family::default())
});

pub(crate) static PODS: LazyLock<Gauge> =
    LazyLock::new(|| metric(Scope::Node, "kubelet_running_pods", "Pods that run", Gauge::default()));

/// Which node it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Node {
    pub(crate) node: String,
}

pub(crate) static NAME: LazyLock<Family<Node, Gauge>> = LazyLock::new(|| {
    metric(Scope::Node, "kubelet_node_name", "The node's name; the count is always 1", Family::default())
});
