//! Security contexts of pod and container, merged: who runs a container, and what it may do.

use std::path::Path;

use containerd::{Seccomp, Security, User};
use k8s_openapi::api::core::v1::{AppArmorProfile, Container, Pod, SeccompProfile};

use super::error::ConfigError;
use super::{all_containers, spec_of};

/// Annotations with this prefix and a container's name set its AppArmor profile.
const APPARMOR_ANNOTATION: &str = "container.apparmor.security.beta.kubernetes.io/";

/// The user that a container asks for: its own word, else the pod's.
pub fn runs_as_user(pod: &Pod, container: &Container) -> Option<i64> {
    let own = container.security_context.as_ref().and_then(|c| c.run_as_user);
    own.or(spec_of(pod).security_context.as_ref().and_then(|c| c.run_as_user))
}

/// The user that all containers ask for, if it is one and the same: it owns what volumes show of secrets.
pub(crate) fn common_user(pod: &Pod) -> Option<i64> {
    let mut users = all_containers(pod).map(|container| runs_as_user(pod, container));
    let first = users.next()??;
    users.all(|user| user == Some(first)).then_some(first)
}

/// Who runs the container.
pub fn user(pod: &Pod, container: &Container) -> Result<User, ConfigError> {
    let of_pod = spec_of(pod).security_context.as_ref();
    if of_pod.and_then(|c| c.supplemental_groups_policy.as_deref()) == Some("Strict") {
        return Err(ConfigError::config("supplementalGroupsPolicy Strict is not supported"));
    }
    let own_group = container.security_context.as_ref().and_then(|c| c.run_as_group);
    let further = of_pod.into_iter().flat_map(|c| {
        let groups = c.supplemental_groups.iter().flatten().copied();
        c.fs_group.into_iter().chain(groups)
    });
    let mut groups = Vec::new();
    for group in further {
        let group = id(group)?;
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    Ok(User {
        uid: runs_as_user(pod, container).map(id).transpose()?,
        gid: own_group.or(of_pod.and_then(|c| c.run_as_group)).map(id).transpose()?,
        groups,
    })
}

/// A user or group id in the kernel's range.
pub(crate) fn id(id: i64) -> Result<u32, ConfigError> {
    let in_range = u32::try_from(id).ok().filter(|id| *id <= i32::MAX as u32);
    in_range.ok_or_else(|| ConfigError::config(format!("{id} is not a user or group id")))
}

/// Refuses a container that must not, but would, run as root. `image_user` is the image's, as `user`, `0`,
/// `1000:1000`; may be empty, which is root.
pub fn verify_non_root(pod: &Pod, container: &Container, image_user: &str) -> Result<(), ConfigError> {
    let own = container.security_context.as_ref().and_then(|c| c.run_as_non_root);
    let of_pod = spec_of(pod).security_context.as_ref().and_then(|c| c.run_as_non_root);
    if own.or(of_pod) != Some(true) {
        return Ok(());
    }
    let subject = || format!("(pod: {:?}, container: {})", describe(pod), container.name);
    if let Some(user) = runs_as_user(pod, container) {
        return match user {
            0 => Err(ConfigError::config(format!(
                "container's runAsUser breaks non-root policy {}",
                subject()
            ))),
            _ => Ok(()),
        };
    }
    let name = image_user.split(':').next().unwrap_or_default();
    match name.parse::<u32>() {
        Ok(1..) => Ok(()),
        Err(_) if !name.is_empty() => Err(ConfigError::config(format!(
            "container has runAsNonRoot and image has non-numeric user ({name}), cannot verify user is non-root {}",
            subject()
        ))),
        _ => Err(ConfigError::config(format!(
            "container has runAsNonRoot and image will run as root {}",
            subject()
        ))),
    }
}

/// A pod as upstream's messages name it: `name_namespace(uid)`.
fn describe(pod: &Pod) -> String {
    let meta = &pod.metadata;
    let part = |part: &Option<String>| part.clone().unwrap_or_default();
    format!("{}_{}({})", part(&meta.name), part(&meta.namespace), part(&meta.uid))
}

/// What a container may do. `profiles` is the directory of the seccomp profiles that pods name.
pub fn security(pod: &Pod, container: &Container, profiles: &Path) -> Result<Security, ConfigError> {
    let own = container.security_context.as_ref();
    let of_pod = spec_of(pod).security_context.as_ref();
    let privileged = own.and_then(|c| c.privileged).unwrap_or(false);
    let profile = own.and_then(|c| c.seccomp_profile.as_ref());
    let profile = profile.or(of_pod.and_then(|c| c.seccomp_profile.as_ref()));
    let capabilities = own.and_then(|c| c.capabilities.as_ref());
    let names =
        |names: Option<&Vec<String>>| names.into_iter().flatten().map(|name| capability(name)).collect();
    Ok(Security {
        privileged,
        read_only: own.and_then(|c| c.read_only_root_filesystem).unwrap_or(false),
        allow_escalation: own.and_then(|c| c.allow_privilege_escalation).unwrap_or(true),
        add: names(capabilities.and_then(|c| c.add.as_ref())),
        drop: names(capabilities.and_then(|c| c.drop.as_ref())),
        seccomp: if privileged { Seccomp::Unconfined } else { seccomp(profile, profiles)? },
        unmasked_proc: own.and_then(|c| c.proc_mount.as_deref()) == Some("Unmasked"),
        apparmor: if privileged { None } else { apparmor(pod, container) },
    })
}

/// A capability's name without `CAP_`.
fn capability(name: &str) -> String {
    let name = name.to_uppercase();
    name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
}

fn seccomp(profile: Option<&SeccompProfile>, profiles: &Path) -> Result<Seccomp, ConfigError> {
    let Some(profile) = profile else { return Ok(Seccomp::Unconfined) };
    match profile.type_.as_str() {
        "Unconfined" => Ok(Seccomp::Unconfined),
        "RuntimeDefault" => Ok(Seccomp::RuntimeDefault),
        "Localhost" => {
            let name = profile.localhost_profile.as_deref().unwrap_or_default();
            if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
                return Err(ConfigError::config(format!("invalid seccomp profile {name:?}")));
            }
            Ok(Seccomp::Localhost(profiles.join(name)))
        }
        other => Err(ConfigError::config(format!("unknown seccomp profile type {other:?}"))),
    }
}

/// The profile's name; none is the runtime's default.
fn apparmor(pod: &Pod, container: &Container) -> Option<String> {
    let own = container.security_context.as_ref().and_then(|c| c.app_armor_profile.as_ref());
    let of_pod = spec_of(pod).security_context.as_ref().and_then(|c| c.app_armor_profile.as_ref());
    if let Some(profile) = own.or(of_pod) {
        return apparmor_name(profile);
    }
    let annotation = format!("{APPARMOR_ANNOTATION}{}", container.name);
    let name = pod.metadata.annotations.as_ref()?.get(&annotation)?;
    match name.as_str() {
        "unconfined" => Some(name.clone()),
        _ => name.strip_prefix("localhost/").map(str::to_owned),
    }
}

fn apparmor_name(profile: &AppArmorProfile) -> Option<String> {
    match profile.type_.as_str() {
        "Unconfined" => Some("unconfined".to_owned()),
        "Localhost" => profile.localhost_profile.clone(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
