//! Devices of nodes, and claims to them.

use super::row;
use crate::strategies as rules;
use crate::{Kind, columns};

const RESOURCE: &str = "resource.k8s.io";

/// Devices of nodes, and claims to them.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row(RESOURCE, "v1", "ResourceClaim", "resourceclaims")
            .status()
            .returns_deleted()
            .columns(columns::RESOURCE_CLAIM)
            .strategy(&rules::ResourceClaim),
        row(RESOURCE, "v1", "ResourceClaimTemplate", "resourceclaimtemplates")
            .returns_deleted()
            .columns(columns::AGED)
            .strategy(&rules::ResourceClaimTemplate),
        row(RESOURCE, "v1", "DeviceClass", "deviceclasses")
            .cluster()
            .generation()
            .returns_deleted()
            .columns(columns::AGED)
            .strategy(&rules::DeviceClass),
        row(RESOURCE, "v1", "DeviceTaintRule", "devicetaintrules")
            .cluster()
            .generation()
            .status()
            .needs_resource_version()
            .columns(columns::AGED)
            .strategy(&rules::DeviceTaintRule),
        row(RESOURCE, "v1", "ResourceSlice", "resourceslices")
            .cluster()
            .generation()
            .selectable(&["spec.driver", "spec.nodeName"])
            .returns_deleted()
            .columns(columns::RESOURCE_SLICE)
            .strategy(&rules::ResourceSlice),
    ]
}
