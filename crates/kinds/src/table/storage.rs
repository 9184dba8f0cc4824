//! Volumes, claims to them, and their drivers.

use super::row;
use crate::strategies as rules;
use crate::{Kind, columns};

const STORAGE: &str = "storage.k8s.io";

/// Volumes, claims to them, and their drivers.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("", "v1", "PersistentVolume", "persistentvolumes")
            .short(&["pv"])
            .cluster()
            .status()
            .returns_deleted()
            .columns(columns::PERSISTENT_VOLUME)
            .strategy(&rules::PersistentVolume),
        row("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
            .short(&["pvc"])
            .status()
            .returns_deleted()
            .columns(columns::PERSISTENT_VOLUME_CLAIM)
            .strategy(&rules::PersistentVolumeClaim),
        row(STORAGE, "v1", "StorageClass", "storageclasses")
            .short(&["sc"])
            .cluster()
            .returns_deleted()
            .columns(columns::STORAGE_CLASS)
            .strategy(&rules::StorageClass),
        row(STORAGE, "v1", "VolumeAttributesClass", "volumeattributesclasses")
            .short(&["vac"])
            .cluster()
            .returns_deleted()
            .columns(columns::VOLUME_ATTRIBUTES_CLASS)
            .strategy(&rules::VolumeAttributesClass),
        row(STORAGE, "v1", "VolumeAttachment", "volumeattachments")
            .cluster()
            .needs_resource_version()
            .status()
            .returns_deleted()
            .columns(columns::VOLUME_ATTACHMENT)
            .strategy(&rules::VolumeAttachment),
        row(STORAGE, "v1", "CSIDriver", "csidrivers")
            .cluster()
            .generation()
            .needs_resource_version()
            .returns_deleted()
            .columns(columns::CSI_DRIVER)
            .strategy(&rules::CsiDriver),
        row(STORAGE, "v1", "CSINode", "csinodes")
            .cluster()
            .needs_resource_version()
            .status()
            .returns_deleted()
            .columns(columns::CSI_NODE)
            .strategy(&rules::CsiNode),
        row(STORAGE, "v1", "CSIStorageCapacity", "csistoragecapacities")
            .needs_resource_version()
            .columns(columns::CSI_STORAGE_CAPACITY)
            .strategy(&rules::CsiStorageCapacity),
        row("storagemigration.k8s.io", "v1", "StorageVersionMigration", "storageversionmigrations")
            .cluster()
            .needs_resource_version()
            .status()
            .columns(columns::STORAGE_VERSION_MIGRATION)
            .strategy(&rules::StorageVersionMigration),
    ]
}
