//! What is mounted into a container.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use containerd::Mount;
use k8s_openapi::api::core::v1::{Container, Pod, Volume, VolumeMount};

use super::context::{PodDirs, is_file_name};
use super::env::Environment;
use super::error::ConfigError;
use super::expand::expand;
use super::{spec_of, termination};
use crate::volumes;

/// A part of a volume that is mounted by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubPath {
    /// The volume's name.
    pub volume: String,
    /// Root of the volume on the host.
    pub root: PathBuf,
    /// The part, relative to the root.
    pub path: String,
    /// Where it is mounted on the host, for the container's mount to point to.
    pub target: PathBuf,
}

/// The parts of volumes that a container mounts.
pub fn sub_paths(
    pod: &Pod,
    container: &Container,
    environment: &Environment,
    dirs: &PodDirs,
) -> Result<Vec<SubPath>, ConfigError> {
    let mounts = container.volume_mounts.iter().flatten().enumerate();
    let parts = mounts.map(|(index, mount)| sub_path(pod, container, mount, index, environment, dirs));
    parts.filter_map(Result::transpose).collect()
}

fn sub_path(
    pod: &Pod,
    container: &Container,
    mount: &VolumeMount,
    index: usize,
    environment: &Environment,
    dirs: &PodDirs,
) -> Result<Option<SubPath>, ConfigError> {
    let expression = mount.sub_path_expr.as_deref().filter(|expression| !expression.is_empty());
    let path = match expression {
        Some(expression) => expand_fully(expression, environment)?,
        None => mount.sub_path.clone().unwrap_or_default(),
    };
    if path.is_empty() {
        return Ok(None);
    }
    if path.starts_with('/') {
        return Err(ConfigError::config(format!("error SubPath `{path}` must not be an absolute path")));
    }
    if path.split('/').any(|part| part == "..") {
        return Err(ConfigError::config(format!(
            "unable to provision SubPath `{path}`: must not contain '..'"
        )));
    }
    if !is_file_name(&mount.name) || !is_file_name(&container.name) {
        return Err(ConfigError::config(format!("{:?} cannot be part of a path", mount.name)));
    }
    let volume = volume_of(pod, container, mount)?;
    Ok(Some(SubPath {
        volume: mount.name.clone(),
        root: location(volume, dirs)?,
        path,
        target: dirs.sub_path(&mount.name, &container.name, index),
    }))
}

/// Expands variables; unlike elsewhere, all must be known.
fn expand_fully(expression: &str, environment: &Environment) -> Result<String, ConfigError> {
    let missing = RefCell::new(None);
    let path = expand(expression, |name| {
        let value = environment.get(name);
        if value.is_none() {
            missing.borrow_mut().get_or_insert_with(|| name.to_owned());
        }
        value
    });
    match missing.into_inner() {
        Some(name) => Err(ConfigError::config(format!("missing value for {name:?}"))),
        None => Ok(path),
    }
}

fn volume_of<'a>(
    pod: &'a Pod,
    container: &Container,
    mount: &VolumeMount,
) -> Result<&'a Volume, ConfigError> {
    let found = spec_of(pod).volumes.iter().flatten().find(|volume| volume.name == mount.name);
    found.ok_or_else(|| {
        ConfigError::config(format!(
            "cannot find volume {:?} to mount into container {:?}",
            mount.name, container.name
        ))
    })
}

fn location(volume: &Volume, dirs: &PodDirs) -> Result<PathBuf, ConfigError> {
    volumes::location(volume, dirs).map_err(|error| ConfigError::config(error.to_string()))
}

/// What of a container's attempt goes into its mounts besides its volumes.
pub(crate) struct Usual<'a> {
    pub(crate) dirs: &'a PodDirs,
    pub(crate) attempt: u32,
}

/// All mounts of a container, outer ones before those inside them.
pub(crate) fn mounts(
    pod: &Pod,
    container: &Container,
    environment: &Environment,
    usual: &Usual<'_>,
) -> Result<Vec<Mount>, ConfigError> {
    let mut mounts = Vec::new();
    for (index, mount) in container.volume_mounts.iter().flatten().enumerate() {
        mounts.push(volume_mount(pod, container, mount, index, environment, usual.dirs)?);
    }
    for own in usual_mounts(pod, container, usual)? {
        if !mounts.iter().any(|mount| mount.destination == own.destination) {
            mounts.push(own);
        }
    }
    mounts.sort_by_key(|mount| Path::new(&mount.destination).components().count());
    Ok(mounts)
}

fn volume_mount(
    pod: &Pod,
    container: &Container,
    mount: &VolumeMount,
    index: usize,
    environment: &Environment,
    dirs: &PodDirs,
) -> Result<Mount, ConfigError> {
    if mount.recursive_read_only.as_deref() == Some("Enabled") {
        return Err(ConfigError::config(format!(
            "volumeMount {:?} requested recursive read-only mode, which is not supported by this node",
            mount.name
        )));
    }
    if mount.bind_mount_options.as_ref().is_some_and(|options| !options.is_empty()) {
        return Err(ConfigError::config(format!(
            "volumeMount {:?}: bindMountOptions are not supported",
            mount.name
        )));
    }
    let volume = volume_of(pod, container, mount)?;
    let source = match sub_path(pod, container, mount, index, environment, dirs)? {
        Some(part) => part.target,
        None => location(volume, dirs)?,
    };
    let propagation = match mount.mount_propagation.as_deref() {
        None | Some("" | "None") => "rprivate",
        Some("HostToContainer") => "rslave",
        Some("Bidirectional") => "rshared",
        Some(other) => {
            return Err(ConfigError::config(format!("invalid MountPropagation mode: {other:?}")));
        }
    };
    let read_only = mount.read_only.unwrap_or(false) || volumes::is_read_only(volume);
    Ok(bind(&absolute(&mount.mount_path), &source, propagation, read_only))
}

fn absolute(path: &str) -> String {
    if path.starts_with('/') { path.to_owned() } else { format!("/{path}") }
}

fn bind(destination: &str, source: &Path, propagation: &str, read_only: bool) -> Mount {
    let access = if read_only { "ro" } else { "rw" };
    Mount {
        destination: destination.to_owned(),
        kind: "bind".to_owned(),
        source: source.to_string_lossy().into_owned(),
        options: ["rbind", propagation, access].map(str::to_owned).into(),
    }
}

/// The files and directories that every container gets.
fn usual_mounts(pod: &Pod, container: &Container, usual: &Usual<'_>) -> Result<Vec<Mount>, ConfigError> {
    let context = container.security_context.as_ref();
    let read_only = context.and_then(|c| c.read_only_root_filesystem).unwrap_or(false);
    let shm = match spec_of(pod).host_ipc {
        Some(true) => PathBuf::from("/dev/shm"),
        _ => usual.dirs.shm(),
    };
    let message = termination::termination_file(usual.dirs, &container.name, usual.attempt);
    let message = message.ok_or_else(|| ConfigError::config("the container's name cannot be a file name"))?;
    Ok(vec![
        bind("/etc/hosts", &usual.dirs.hosts(), "rprivate", read_only),
        bind("/etc/hostname", &usual.dirs.hostname(), "rprivate", read_only),
        bind("/etc/resolv.conf", &usual.dirs.resolv_conf(), "rprivate", read_only),
        bind("/dev/shm", &shm, "rprivate", false),
        bind(&termination::path_in(container), &message, "rprivate", false),
    ])
}

#[cfg(test)]
mod tests;
