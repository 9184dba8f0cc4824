//! Rules of containers.

use object::{FieldError, Value};

use super::mounts::{self, Volumes};
use super::{At, Errors, Read, env, handlers, ports, resources, restarts, security};

/// The container lists of a spec in the order in which they are checked.
const ORDER: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// What rules of a container need to know of its pod.
struct Pod<'a> {
    spec: &'a At<'a>,
    volumes: &'a Volumes<'a>,
    claims: &'a [&'a str],
}

/// Checks all containers of a spec; `claims` are the names of the pod's claims of devices.
pub(super) fn check(spec: &At, volumes: &Volumes, claims: &[&str], errors: &mut Errors) {
    let pod = Pod { spec, volumes, claims };
    errors.unique(ORDER.into_iter().flat_map(|list| spec.each(list)), "name");
    for list in ORDER {
        for container in spec.each(list) {
            check_container(&container, &pod, errors);
            match list {
                "initContainers" => check_init(spec, &container, errors),
                "ephemeralContainers" => check_ephemeral(spec, &container, errors),
                _ => {
                    restarts::check_end(&container, errors);
                    check_usual(spec, &container, errors);
                }
            }
        }
    }
    ports::check_hosts(spec, errors);
}

fn check_container(container: &At, pod: &Pod, errors: &mut Errors) {
    ports::check(container, errors);
    env::check(container, errors);
    mounts::check(container, pod.volumes, errors);
    resources::check(&container.field("resources"), pod.claims, errors);
    restarts::check_resize(pod.spec, container, errors);
    let own_users = pod.spec.at("hostUsers") == &Value::Bool(false);
    security::check_container(container, own_users, errors);
}

/// Checks what is asked of containers of pods, and not of those in templates.
pub(crate) fn check_images(spec: &At, errors: &mut Errors) {
    for container in ["containers", "initContainers"].into_iter().flat_map(|list| spec.each(list)) {
        check_image(&container, errors);
    }
}

/// Checks what is asked of new containers: those that are there stay as they are.
pub(crate) fn check_new(spec: &At, errors: &mut Errors) {
    for container in spec.each("initContainers").filter(|one| one.text("restartPolicy") != "Always") {
        restarts::check_resize_once(&container, errors);
    }
}

fn check_image(container: &At, errors: &mut Errors) {
    let image = container.text("image");
    if image != image.trim() {
        let detail = "must not have leading or trailing whitespace";
        errors.push(FieldError::invalid(&container.path("image"), image, detail));
    }
}

fn check_usual(spec: &At, container: &At, errors: &mut Errors) {
    handlers::check_lifecycle(container, spec.int("terminationGracePeriodSeconds"), errors);
    handlers::check_probes(container, errors);
}

/// Init containers have probes and hooks only where they keep running.
fn check_init(spec: &At, container: &At, errors: &mut Errors) {
    restarts::check_end(container, errors);
    if container.text("restartPolicy") == "Always" {
        return check_usual(spec, container, errors);
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
    check_image(container, errors);
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
