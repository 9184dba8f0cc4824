//! Rules of containers.

use std::collections::{HashMap, HashSet};

use object::{FieldError, Value};

use super::{At, CONTAINER_LISTS, Errors, Read, env, handlers, resources};

/// The volumes of a spec by name, as far as mounts care.
pub(super) type Volumes<'a> = HashMap<&'a str, &'a Value>;

/// Checks all containers of a spec.
pub(super) fn check(spec: &At, volumes: &Volumes, errors: &mut Errors) {
    let all = || {
        ["containers", "initContainers", "ephemeralContainers"].into_iter().flat_map(|list| spec.each(list))
    };
    errors.unique(all(), "name");
    for list in CONTAINER_LISTS {
        for container in spec.each(list) {
            check_container(&container, volumes, errors);
            match list {
                "initContainers" => check_init(&container, errors),
                "ephemeralContainers" => check_ephemeral(spec, &container, errors),
                _ => check_usual(&container, errors),
            }
        }
    }
    check_host_ports(spec, errors);
}

fn check_container(container: &At, volumes: &Volumes, errors: &mut Errors) {
    check_image(container, errors);
    errors.unique(container.each("ports"), "name");
    env::check(container, errors);
    check_mounts(container, volumes, errors);
    check_devices(container, volumes, errors);
    resources::check(&container.field("resources"), errors);
    check_security(container, errors);
}

fn check_image(container: &At, errors: &mut Errors) {
    let image = container.text("image");
    if image != image.trim() {
        let detail = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(&container.path("image"), image, detail));
    }
}

fn check_usual(container: &At, errors: &mut Errors) {
    handlers::check_lifecycle(container, errors);
    handlers::check_probes(container, errors);
}

/// Init containers have probes and hooks only where they keep running.
fn check_init(container: &At, errors: &mut Errors) {
    if container.text("restartPolicy") == "Always" {
        return check_usual(container, errors);
    }
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        errors.forbid_present(
            container,
            field,
            "may not be set for init containers without restartPolicy=Always",
        );
    }
}

/// What runs in a pod for a while is no part of its work: it asks for nothing, and nobody asks it.
fn check_ephemeral(spec: &At, container: &At, errors: &mut Errors) {
    const DETAIL: &str = "cannot be set for an Ephemeral Container";
    let target = container.text("targetContainerName");
    let known = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| spec.items(list))
        .any(|c| c.text("name") == target);
    if !target.is_empty() && !known {
        errors.push(FieldError::not_found(&container.path("targetContainerName"), target));
    }
    for field in [
        "ports",
        "resources",
        "resizePolicy",
        "restartPolicy",
        "restartPolicyRules",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle",
    ] {
        errors.forbid(container, field, DETAIL);
    }
    for mount in container.each("volumeMounts") {
        errors.forbid(&mount, "subPath", DETAIL);
        errors.forbid(&mount, "subPathExpr", DETAIL);
    }
}

/// No two ports of a pod take the same port of the node; in the node's network every port is one of the node.
fn check_host_ports(spec: &At, errors: &mut Errors) {
    let mut taken = HashSet::new();
    let lasting = spec.each("initContainers").filter(|c| c.text("restartPolicy") == "Always");
    for port in spec.each("containers").chain(lasting).flat_map(|c| c.each("ports")) {
        let (host, own) =
            (port.int("hostPort").unwrap_or_default(), port.int("containerPort").unwrap_or_default());
        if spec.flag("hostNetwork") && host != own {
            let detail = "must match `hostPort` when `hostNetwork` is true";
            errors.push(FieldError::invalid(&port.path("containerPort"), own, detail));
        }
        let claim = format!("{}/{}/{host}", port.text("protocol"), port.text("hostIP"));
        if host != 0 && !taken.insert(claim.clone()) {
            errors.push(FieldError::duplicate(&port.path("hostPort"), claim));
        }
    }
}

fn check_mounts(container: &At, volumes: &Volumes, errors: &mut Errors) {
    let mut paths = HashSet::new();
    for mount in container.each("volumeMounts") {
        let name = mount.text("name");
        if !name.is_empty() && !volumes.contains_key(name) {
            errors.push(FieldError::not_found(&mount.path("name"), name));
        }
        let path = mount.value().text("mountPath");
        if !path.is_empty() && !paths.insert(path) {
            errors.push(FieldError::invalid(&mount.path("mountPath"), path, "must be unique"));
        }
        check_sub_path(&mount, errors);
        let privileged = container.flag("securityContext.privileged");
        if mount.text("mountPropagation") == "Bidirectional" && !privileged {
            let detail = "Bidirectional mount propagation is available only to privileged containers";
            errors.push(FieldError::forbidden(&mount.path("mountPropagation"), detail));
        }
    }
}

fn check_sub_path(mount: &At, errors: &mut Errors) {
    for field in ["subPath", "subPathExpr"] {
        errors.text(mount, field, local_path);
    }
    if !mount.is_empty("subPath") && !mount.is_empty("subPathExpr") {
        let detail = "subPathExpr and subPath are mutually exclusive";
        errors.push(FieldError::invalid(&mount.path("subPathExpr"), mount.text("subPathExpr"), detail));
    }
}

/// A relative path that does not climb.
pub(super) fn local_path(path: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if path.starts_with('/') {
        wrong.push("must be a relative path".to_owned());
    }
    wrong.extend(path_without_backsteps(path));
    wrong
}

/// A path that does not climb.
pub(crate) fn path_without_backsteps(path: &str) -> Vec<String> {
    let climbs = path.split('/').any(|step| step == "..");
    if climbs { vec!["must not contain '..'".to_owned()] } else { Vec::new() }
}

fn check_devices(container: &At, volumes: &Volumes, errors: &mut Errors) {
    let mut paths = HashSet::new();
    for device in container.each("volumeDevices") {
        let (name, path) = (device.value().text("name"), device.value().text("devicePath"));
        let volume = volumes.get(name);
        if !name.is_empty() && volume.is_none() {
            errors.push(FieldError::not_found(&device.path("name"), name));
        }
        if volume.is_some_and(|v| !v.has("persistentVolumeClaim") && !v.has("ephemeral")) {
            let detail =
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            errors.push(FieldError::invalid(&device.path("name"), name, detail));
        }
        if !path.is_empty() && !paths.insert(path) {
            errors.push(FieldError::invalid(&device.path("devicePath"), path, "must be unique"));
        }
        errors.text(&device, "devicePath", path_without_backsteps);
    }
}

fn check_security(container: &At, errors: &mut Errors) {
    let Some(security) = container.present("securityContext") else { return };
    for id in ["runAsUser", "runAsGroup"] {
        errors.between(&security, id, 0, i64::from(i32::MAX));
    }
    let capable = security.items("capabilities.add").iter().any(|c| c == "SYS_ADMIN" || c == "CAP_SYS_ADMIN");
    if security.at("allowPrivilegeEscalation") != &Value::Bool(false) {
        return;
    }
    for (with, set) in
        [("privileged", security.flag("privileged")), ("capabilities.Add CAP_SYS_ADMIN", capable)]
    {
        if set {
            let detail = match with {
                "privileged" => {
                    "cannot set `allowPrivilegeEscalation` to false and `privileged` to true".to_owned()
                }
                other => format!("cannot set `allowPrivilegeEscalation` to false and `{other}`"),
            };
            errors.push(FieldError::invalid(&security.path(""), security.show(""), detail));
        }
    }
}
