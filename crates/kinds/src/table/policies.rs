//! Classes, leases and budgets.

use super::row;
use crate::strategies as rules;
use crate::{Kind, columns};

/// Classes, leases and budgets.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("coordination.k8s.io", "v1", "Lease", "leases")
            .create_on_update()
            .needs_resource_version()
            .volatile()
            .columns(columns::LEASE)
            .strategy(&rules::Lease),
        row("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
            .short(&["pdb"])
            .generation()
            .needs_resource_version()
            .status()
            .columns(columns::POD_DISRUPTION_BUDGET)
            .strategy(&rules::PodDisruptionBudget),
        row("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses")
            .short(&["pc"])
            .cluster()
            .columns(columns::PRIORITY_CLASS)
            .strategy(&rules::PriorityClass),
        row("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses")
            .cluster()
            .needs_resource_version()
            .columns(columns::RUNTIME_CLASS)
            .strategy(&rules::RuntimeClass),
    ]
}
