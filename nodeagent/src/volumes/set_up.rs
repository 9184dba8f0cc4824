//! Makes a pod's volumes, and keeps what they show up to date.

use std::path::Path;

use k8s_openapi::api::core::v1::{EmptyDirVolumeSource, Pod, Volume};
use object::{Quantity, Time};

use super::error::VolumeError;
use super::kind::location;
use super::payload::mode_bits;
use super::projected::{Sources, payload};
use super::{empty_dir, host_path, write};
use crate::pod_config::{Fetched, Node, PodDirs, common_user, pod_memory_limit, spec_of, user_or_group_id};

const IN_MEMORY: &str = "Memory";

/// Makes all volumes of a pod. What is there stays; what comes from the API is brought up to date. The first
/// volume that cannot be made ends it: it is to be tried again.
pub fn prepare(
    dirs: &PodDirs,
    pod: &Pod,
    fetched: &Fetched,
    node: &Node,
    now: Time,
) -> Result<(), VolumeError> {
    for_each(dirs, pod, fetched, node, |volume, path, sources| set_up(volume, path, sources, now)).map(drop)
}

/// Brings what comes from the API up to date in volumes that [`prepare`] made; the names of those that changed.
/// Where a source is missing now, the volume keeps what it shows.
pub fn refresh(
    dirs: &PodDirs,
    pod: &Pod,
    fetched: &Fetched,
    node: &Node,
    now: Time,
) -> Result<Vec<String>, VolumeError> {
    for_each(dirs, pod, fetched, node, |volume, path, sources| match payload(volume, sources)? {
        Some(files) => write::write(path, &files, sources.group, now).map_err(|error| error.to_string()),
        None => Ok(false),
    })
}

/// Does something with every volume; the names of those where it answers yes.
fn for_each(
    dirs: &PodDirs,
    pod: &Pod,
    fetched: &Fetched,
    node: &Node,
    act: impl Fn(&Volume, &Path, &Sources<'_>) -> Result<bool, String>,
) -> Result<Vec<String>, VolumeError> {
    let mut names = Vec::new();
    let group = spec_of(pod).security_context.as_ref().and_then(|c| c.fs_group);
    for volume in spec_of(pod).volumes.iter().flatten() {
        let fail = |why: String| VolumeError::set_up(&volume.name, why);
        let id = |id: Option<i64>| id.map(user_or_group_id).transpose().map_err(|e| fail(e.to_string()));
        let sources = Sources { pod, fetched, node, user: id(common_user(pod))?, group: id(group)? };
        let path = location(volume, dirs)?;
        if act(volume, &path, &sources).map_err(fail)? {
            names.push(volume.name.clone());
        }
    }
    Ok(names)
}

fn set_up(volume: &Volume, path: &Path, sources: &Sources<'_>, now: Time) -> Result<bool, String> {
    if let Some(source) = &volume.host_path {
        return host_path::set_up(source).map(|()| false);
    }
    let failed = |error: std::io::Error| error.to_string();
    if let Some(source) = &volume.empty_dir {
        return set_up_empty_dir(source, path, sources).map(|()| false);
    }
    let Some(files) = payload(volume, sources)? else { return Ok(false) };
    if volume.config_map.is_some() {
        empty_dir::on_disk(path, None, sources.group).map_err(failed)?;
    } else {
        let size = memory_size(None, sources)?;
        empty_dir::in_memory(path, None, sources.group, size).map_err(failed)?;
    }
    write::write(path, &files, sources.group, now).map_err(failed)
}

fn set_up_empty_dir(source: &EmptyDirVolumeSource, path: &Path, sources: &Sources<'_>) -> Result<(), String> {
    let mode = source.mode.map(mode_bits).transpose()?;
    match source.medium.as_deref().unwrap_or_default() {
        "" => empty_dir::on_disk(path, mode, sources.group),
        IN_MEMORY => {
            let limit = source.size_limit.as_ref().map(|limit| limit.0.parse::<Quantity>());
            let limit = limit.transpose().map_err(|error| format!("sizeLimit: {error}"))?;
            empty_dir::in_memory(path, mode, sources.group, memory_size(limit, sources)?)
        }
        medium => return Err(format!("storage medium {medium:?} is not supported by this node")),
    }
    .map_err(|error| error.to_string())
}

/// Bytes of a volume in memory: the least of its limit, the pod's limit of memory and what the node can give.
/// None is the kernel's default.
fn memory_size(limit: Option<Quantity>, sources: &Sources<'_>) -> Result<Option<u64>, String> {
    let of_pod = pod_memory_limit(sources.pod).map_err(|error| error.to_string())?;
    let of_node = sources.node.allocatable_memory.value();
    let sizes = [limit.map(Quantity::value), of_pod, Some(of_node)];
    let least = sizes.into_iter().flatten().filter(|size| *size > 0).min();
    Ok(least.and_then(|size| u64::try_from(size).ok()))
}

#[cfg(test)]
mod tests;
