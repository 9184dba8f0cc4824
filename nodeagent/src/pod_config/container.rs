//! The specification of one attempt at a container.

use containerd::ContainerSpec;
use k8s_openapi::api::core::v1::{Container, Pod};

use super::context::Context;
use super::env::{self, Environment};
use super::error::ConfigError;
use super::expand::expand;
use super::identity::{container_id, container_labels, log_path};
use super::mounts::{Usual, mounts};
use super::{namespaces, resources, security};

/// A container that is ready to be made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Configured {
    /// What to make.
    pub spec: ContainerSpec,
    /// Messages of Events of reason `InvalidEnvironmentVariableNames`.
    pub skipped: Vec<String>,
}

/// Makes the specification of one attempt at a container. [`prepare_pod`](super::prepare_pod),
/// [`volumes::prepare`](crate::volumes::prepare) and [`prepare_container`](super::prepare_container) put on disk
/// what it points to.
pub fn container(pod: &Pod, container: &Container, context: &Context<'_>) -> Result<Configured, ConfigError> {
    if container.volume_devices.as_ref().is_some_and(|devices| !devices.is_empty()) {
        return Err(ConfigError::config("volumeDevices are not supported by this node"));
    }
    security::verify_non_root(pod, container, context.image_user)?;
    let uid = pod.metadata.uid.as_deref().unwrap_or_default();
    let id = container_id(uid, &container.name, context.attempt);
    let environment = env::environment(pod, container, context)?;
    let spec = ContainerSpec {
        image: container.image.clone().unwrap_or_default(),
        labels: container_labels(pod, &container.name, context.attempt, context.streak),
        group: uid.to_owned(),
        command: expanded(container.command.as_ref(), &environment),
        args: expanded(container.args.as_ref(), &environment),
        working_dir: container.working_dir.clone().filter(|dir| !dir.is_empty()),
        user: security::user(pod, container)?,
        hostname: None,
        mounts: mounts(
            pod,
            container,
            &environment,
            &Usual { dirs: context.dirs, attempt: context.attempt },
        )?,
        namespaces: namespaces::namespaces(pod, context.sandbox)?,
        cgroup: format!("{}/{id}", context.cgroup),
        resources: resources::container_resources(pod, container, context.node.memory, context.pids)?,
        security: security::security(pod, container, context.seccomp_root)?,
        tty: container.tty.unwrap_or(false),
        stdin: container.stdin.unwrap_or(false),
        log: Some(log_path(context.log_root, pod, &container.name, context.attempt)),
        env: environment.variables,
        id,
    };
    Ok(Configured { spec, skipped: environment.skipped })
}

fn expanded(words: Option<&Vec<String>>, environment: &Environment) -> Vec<String> {
    words.into_iter().flatten().map(|word| expand(word, |name| environment.get(name))).collect()
}

#[cfg(test)]
mod tests;
