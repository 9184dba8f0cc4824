//! What a Pod document means to a runtime: containers, environment, files and namespaces, as pure functions.
//!
//! [`needs`] says what a pod refers to; with that [`Fetched`], [`container`] makes the specification of one
//! attempt. [`prepare_pod`] and [`prepare_container`] put on disk what those specifications point to.

mod container;
mod context;
mod downward;
mod env;
mod error;
mod expand;
mod files;
mod identity;
mod mounts;
mod namespaces;
mod needs;
mod prepare;
mod qos;
mod resolv;
mod resources;
mod security;
mod service_env;
mod termination;

#[cfg(test)]
pub(crate) mod testing;

pub use container::{Configured, container};
pub use context::{Context, Node, PodDirs};
pub use downward::{container_field, format_map, pod_field};
pub use env::{Environment, environment};
pub use error::{ConfigError, Reason};
pub use expand::expand;
pub use files::{hosts, hosts_of_host_network};
pub use identity::{Hostname, container_id, container_labels, hostname, log_directory, log_path};
pub use mounts::{SubPath, sub_paths};
pub use namespaces::{check as check_namespaces, namespaces, sysctls};
pub use needs::{Fetched, Needs, TokenRequestKey, needs};
pub use prepare::{prepare_container, prepare_pod};
pub use qos::{Qos, qos};
pub use resolv::{ClusterDns, ResolvConf, resolv_conf};
pub use resources::{PodResources, container_resources, pod_resources, quota_of, shares_of};
pub use security::{runs_as_user, security, user, verify_non_root};
pub use service_env::service_env;
pub use termination::{termination_file, termination_message};

pub(crate) use resources::pod_memory_limit;
pub(crate) use security::{common_user, id as user_or_group_id};

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};

/// The spec, or an empty one.
pub(crate) fn spec_of(pod: &Pod) -> &PodSpec {
    static EMPTY: std::sync::LazyLock<PodSpec> = std::sync::LazyLock::new(PodSpec::default);
    pod.spec.as_ref().unwrap_or(&EMPTY)
}

/// All containers: init containers, then the others.
pub(crate) fn all_containers(pod: &Pod) -> impl Iterator<Item = &Container> {
    let spec = spec_of(pod);
    spec.init_containers.iter().flatten().chain(&spec.containers)
}

/// The container of that name.
pub(crate) fn container_named<'a>(pod: &'a Pod, name: &str) -> Option<&'a Container> {
    all_containers(pod).find(|c| c.name == name)
}
