//! Kinds of volumes, and where each lies.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::Volume;

use super::error::VolumeError;
use crate::pod_config::PodDirs;

/// The directory of volumes of this one's kind; none for a `hostPath` and for kinds that there are not.
pub fn plugin(volume: &Volume) -> Option<&'static str> {
    if volume.empty_dir.is_some() {
        Some("kubernetes.io~empty-dir")
    } else if volume.config_map.is_some() {
        Some("kubernetes.io~configmap")
    } else if volume.secret.is_some() {
        Some("kubernetes.io~secret")
    } else if volume.projected.is_some() {
        Some("kubernetes.io~projected")
    } else if volume.downward_api.is_some() {
        Some("kubernetes.io~downward-api")
    } else {
        None
    }
}

/// Whether containers may never write to it: what it shows comes from the API.
pub fn is_read_only(volume: &Volume) -> bool {
    plugin(volume).is_some() && volume.empty_dir.is_none()
}

/// Where a volume lies on the host.
pub fn location(volume: &Volume, dirs: &PodDirs) -> Result<PathBuf, VolumeError> {
    if !object::dns1123_label(&volume.name).is_empty() {
        return Err(VolumeError::set_up(&volume.name, "the volume's name is not a DNS label"));
    }
    if let Some(host_path) = &volume.host_path {
        return Ok(PathBuf::from(&host_path.path));
    }
    match plugin(volume) {
        Some(plugin) => Ok(dirs.volume(plugin, &volume.name)),
        None => {
            let why = format!("volumes of kind {} are not supported by this node", unsupported(volume));
            Err(VolumeError::set_up(&volume.name, why))
        }
    }
}

/// The kind's field, of a volume that no pod can have here.
fn unsupported(volume: &Volume) -> &'static str {
    let kinds = [
        (volume.persistent_volume_claim.is_some(), "persistentVolumeClaim"),
        (volume.csi.is_some(), "csi"),
        (volume.nfs.is_some(), "nfs"),
        (volume.ephemeral.is_some(), "ephemeral"),
        (volume.image.is_some(), "image"),
        (volume.iscsi.is_some(), "iscsi"),
        (volume.fc.is_some(), "fc"),
        (volume.flex_volume.is_some(), "flexVolume"),
        (volume.git_repo.is_some(), "gitRepo"),
        (volume.glusterfs.is_some(), "glusterfs"),
        (volume.rbd.is_some(), "rbd"),
        (volume.cephfs.is_some(), "cephfs"),
        (volume.cinder.is_some(), "cinder"),
        (volume.azure_disk.is_some(), "azureDisk"),
        (volume.azure_file.is_some(), "azureFile"),
        (volume.aws_elastic_block_store.is_some(), "awsElasticBlockStore"),
        (volume.gce_persistent_disk.is_some(), "gcePersistentDisk"),
        (volume.vsphere_volume.is_some(), "vsphereVolume"),
        (volume.portworx_volume.is_some(), "portworxVolume"),
    ];
    kinds.into_iter().find(|(is, _)| *is).map_or("unknown", |(_, kind)| kind)
}
