//! Which namespaces a pod's containers have, and the kernel settings that go with them.

use std::collections::BTreeMap;
use std::path::Path;

use containerd::{Namespace, Namespaces};
use k8s_openapi::api::core::v1::Pod;

use super::error::{ConfigError, Reason};
use super::spec_of;

/// Settings that only affect the pod that sets them.
const SAFE_SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

/// Refuses what pods cannot have here.
pub fn check(pod: &Pod) -> Result<(), ConfigError> {
    let spec = spec_of(pod);
    if spec.host_users == Some(false) {
        return Err(ConfigError::sandbox(
            "user namespaces (hostUsers: false) are not supported by this node",
        ));
    }
    if spec.share_process_namespace == Some(true) {
        return Err(ConfigError::sandbox("shareProcessNamespace is not supported by this node"));
    }
    Ok(())
}

/// The namespaces of a pod's containers: the host's where the pod says so, else those pinned in `sandbox` as
/// `net`, `ipc` and `uts`. Each container has its own processes. A pod in the host's network has its host name.
pub fn namespaces(pod: &Pod, sandbox: &Path) -> Result<Namespaces, ConfigError> {
    check(pod)?;
    let spec = spec_of(pod);
    let pick = |host: Option<bool>, name: &str| match host {
        Some(true) => Namespace::Host,
        _ => Namespace::At(sandbox.join(name)),
    };
    Ok(Namespaces {
        network: pick(spec.host_network, "net"),
        ipc: pick(spec.host_ipc, "ipc"),
        uts: pick(spec.host_network, "uts"),
        pid: if spec.host_pid == Some(true) { Namespace::Host } else { Namespace::New },
    })
}

/// The kernel settings of the pod's namespaces, by dotted name. Those that could affect other pods are refused.
pub fn sysctls(pod: &Pod) -> Result<BTreeMap<String, String>, ConfigError> {
    let spec = spec_of(pod);
    let wanted = spec.security_context.as_ref().and_then(|c| c.sysctls.as_ref()).into_iter().flatten();
    let mut settings = BTreeMap::new();
    for sysctl in wanted {
        let name = sysctl.name.replace('/', ".");
        let forbid = |why: &str| ConfigError {
            reason: Reason::SysctlForbidden,
            message: format!("forbidden sysctl: {name:?} {why}"),
        };
        if !SAFE_SYSCTLS.contains(&name.as_str()) {
            return Err(forbid("not allowlisted"));
        }
        if spec.host_network == Some(true) && name.starts_with("net.") {
            return Err(forbid("not allowed with host net enabled"));
        }
        if spec.host_ipc == Some(true) && name.starts_with("kernel.") {
            return Err(forbid("not allowed with host ipc enabled"));
        }
        settings.insert(name, sysctl.value.clone());
    }
    Ok(settings)
}

#[cfg(test)]
mod tests;
