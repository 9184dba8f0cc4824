//! Puts on disk what the specifications of a pod's containers point to, besides volumes.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use k8s_openapi::api::core::v1::{Container, Pod};

use super::context::{Context, Node, PodDirs};
use super::error::ConfigError;
use super::files::{hosts, hosts_of_host_network};
use super::identity::hostname;
use super::mounts::sub_paths;
use super::resolv::{ClusterDns, resolv_conf};
use super::{env, spec_of, termination};
use crate::volumes;

/// The most that is read of the host's `/etc/hosts`, in bytes.
const MAX_HOSTS: u64 = 1024 * 1024;
/// Size and mode of the pod's `/dev/shm`.
const SHM: &str = "mode=1777,size=65536k";

/// Makes the pod's directory, `/etc/hosts`, `/etc/hostname`, `/etc/resolv.conf` and `/dev/shm`. Again it only
/// changes what differs, in place, so that running containers see it. `host_hosts` is the host's `/etc/hosts`.
pub fn prepare_pod(
    pod: &Pod,
    dirs: &PodDirs,
    node: &Node,
    dns: &ClusterDns,
    pod_ips: &[IpAddr],
    host_hosts: &Path,
) -> Result<(), ConfigError> {
    let spec = spec_of(pod);
    let name = hostname(pod, node, &dns.domain)?;
    let resolv = resolv_conf(pod, dns)?.to_string();
    let aliases = spec.host_aliases.as_deref().unwrap_or_default();
    let failed = |error: io::Error| ConfigError::sandbox(format!("preparing the pod's files: {error}"));
    make_private(dirs.root()).map_err(failed)?;
    let hosts = match spec.host_network {
        Some(true) => hosts_of_host_network(&read_bounded(host_hosts, MAX_HOSTS).map_err(failed)?, aliases),
        _ => hosts(pod_ips, &name, aliases),
    };
    write_in_place(&dirs.hosts(), &hosts, 0o644).map_err(failed)?;
    write_in_place(&dirs.hostname(), &format!("{}\n", name.kernel), 0o644).map_err(failed)?;
    write_in_place(&dirs.resolv_conf(), &resolv, 0o644).map_err(failed)?;
    if spec.host_ipc != Some(true) {
        fs::create_dir_all(dirs.shm()).map_err(failed)?;
        volumes::mount_tmpfs(&dirs.shm(), SHM).map_err(failed)?;
    }
    Ok(())
}

/// Makes the file for an attempt's message, and mounts the parts of volumes that the container uses.
pub fn prepare_container(pod: &Pod, container: &Container, context: &Context<'_>) -> Result<(), ConfigError> {
    let environment = env::environment(pod, container, context)?;
    for part in sub_paths(pod, container, &environment, context.dirs)? {
        volumes::bind_sub_path(&part).map_err(|error| {
            ConfigError::config(format!(
                "failed to prepare subPath for volumeMount {:?} of container {:?}: {error}",
                part.volume, container.name
            ))
        })?;
    }
    let file = termination::termination_file(context.dirs, &container.name, context.attempt);
    let file = file.ok_or_else(|| ConfigError::config("the container's name cannot be a file name"))?;
    message_file(&file)
        .map_err(|error| ConfigError::create(format!("making the file for the termination message: {error}")))
}

/// Anyone in the container may write its message.
fn message_file(file: &Path) -> io::Result<()> {
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    OpenOptions::new().append(true).create(true).open(file)?;
    fs::set_permissions(file, Permissions::from_mode(0o666))
}

/// A directory that only its owner may enter.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o750).create(dir)
}

/// Keeps the file's inode, which containers have mounted.
fn write_in_place(file: &Path, text: &str, mode: u32) -> io::Result<()> {
    if fs::read(file).is_ok_and(|old| old == text.as_bytes()) {
        return Ok(());
    }
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(file)?
        .write_all(text.as_bytes())?;
    fs::set_permissions(file, Permissions::from_mode(mode))
}

fn read_bounded(file: &Path, max: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    match fs::File::open(file) {
        Ok(file) => file.take(max).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests;
