//! How much of the server each request gets.

use super::row;
use crate::strategies as rules;
use crate::{Kind, columns};

const FLOW: &str = "flowcontrol.apiserver.k8s.io";

/// How much of the server each request gets.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row(FLOW, "v1", "FlowSchema", "flowschemas")
            .cluster()
            .generation()
            .status()
            .columns(columns::FLOW_SCHEMA)
            .strategy(&rules::FlowSchema),
        row(FLOW, "v1", "PriorityLevelConfiguration", "prioritylevelconfigurations")
            .cluster()
            .generation()
            .status()
            .columns(columns::PRIORITY_LEVEL)
            .strategy(&rules::PriorityLevelConfiguration),
    ]
}
