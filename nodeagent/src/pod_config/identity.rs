//! Names: of containers, their logs, and the pod's host name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Pod;
use sha2::{Digest, Sha256};

use super::error::ConfigError;
use super::{context::Node, spec_of};

/// The longest host name that the kernel takes.
const MAX_HOSTNAME: usize = 64;
/// The longest label of a domain name.
const MAX_LABEL: usize = 63;

/// The id of an attempt at a container: 64 hexadecimal digits that follow from what it is.
pub fn container_id(uid: &str, container: &str, attempt: u32) -> String {
    let digest = Sha256::digest(format!("{uid}/{container}/{attempt}"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The labels by which an attempt is found again.
pub fn container_labels(pod: &Pod, container: &str, attempt: u32, streak: u32) -> BTreeMap<String, String> {
    let meta = &pod.metadata;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    let labels = [
        ("io.kubernetes.pod.name", part(&meta.name)),
        ("io.kubernetes.pod.namespace", part(&meta.namespace)),
        ("io.kubernetes.pod.uid", part(&meta.uid)),
        ("io.kubernetes.container.name", container.to_owned()),
        ("berth.dev/attempt", attempt.to_string()),
        ("berth.dev/streak", streak.to_string()),
    ];
    labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// The directory of a pod's logs: `ROOT/NAMESPACE_NAME_UID`.
pub fn log_directory(root: &Path, pod: &Pod) -> PathBuf {
    let meta = &pod.metadata;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    root.join(format!("{}_{}_{}", part(&meta.namespace), part(&meta.name), part(&meta.uid)))
}

/// The log of an attempt: `ROOT/NAMESPACE_NAME_UID/CONTAINER/ATTEMPT.log`.
pub fn log_path(root: &Path, pod: &Pod, container: &str, attempt: u32) -> PathBuf {
    log_directory(root, pod).join(container).join(format!("{attempt}.log"))
}

/// A pod's names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hostname {
    /// What the kernel says: the UTS namespace's name.
    pub kernel: String,
    /// The first label.
    pub short: String,
    /// The name in the domain of the pod's subdomain, if it has one.
    pub full: Option<String>,
}

/// A pod's names. One in the host's network has the host's.
pub fn hostname(pod: &Pod, node: &Node, cluster_domain: &str) -> Result<Hostname, ConfigError> {
    let spec = spec_of(pod);
    if spec.host_network == Some(true) {
        return Ok(Hostname { kernel: node.hostname.clone(), short: node.hostname.clone(), full: None });
    }
    if let Some(name) = spec.hostname_override.as_deref().filter(|name| !name.is_empty()) {
        return Ok(Hostname { kernel: name.to_owned(), short: name.to_owned(), full: None });
    }
    let own = spec.hostname.as_deref().filter(|name| !name.is_empty());
    let short =
        own.map_or_else(|| truncated(pod.metadata.name.as_deref().unwrap_or_default()), str::to_owned);
    let namespace = pod.metadata.namespace.as_deref().unwrap_or_default();
    let subdomain = spec.subdomain.as_deref().filter(|name| !name.is_empty());
    let full = subdomain.map(|subdomain| format!("{short}.{subdomain}.{namespace}.svc.{cluster_domain}"));
    let kernel = match &full {
        Some(full) if spec.set_hostname_as_fqdn == Some(true) => full.clone(),
        _ => short.clone(),
    };
    if kernel.len() > MAX_HOSTNAME {
        return Err(ConfigError::sandbox(format!(
            "failed to construct FQDN from pod hostname and cluster domain, FQDN {kernel} is too long \
             ({MAX_HOSTNAME} characters is the max, {} characters requested)",
            kernel.len()
        )));
    }
    Ok(Hostname { kernel, short, full })
}

/// As much of a pod's name as a label holds.
fn truncated(name: &str) -> String {
    let end = name.char_indices().map(|(at, _)| at).find(|at| *at >= MAX_LABEL).unwrap_or(name.len());
    name[..end].trim_end_matches(['-', '.']).to_owned()
}

#[cfg(test)]
mod tests;
