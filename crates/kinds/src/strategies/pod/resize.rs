//! What a write to `/resize` may change: the processors and the memory of containers and of the pod (KEP-1287,
//! KEP-5419).

use object::{FieldError, FieldErrors, Path, Value};

use super::{annotations, qos};
use crate::rules::{At, Errors, Read, Write};

/// What can be resized.
const RESIZABLE: [&str; 2] = ["cpu", "memory"];
const AMOUNTS: [&str; 2] = ["requests", "limits"];
/// The lists of containers that can be resized, in the order in which they are told of.
const LISTS: [&str; 2] = ["initContainers", "containers"];
const ONLY: &str = "only cpu and memory resources are mutable";

/// Checks a change of a pod's resources.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let refused = |why: &str| vec![FieldError::forbidden(&Path::root(), why)];
    if annotations::is_static(old) {
        return refused("static pods cannot be resized");
    }
    if old.text("spec.os.name") == "windows" {
        return refused("windows pods cannot be resized");
    }
    let (spec, was, mut errors) = (At::root(new).field("spec"), old.at("spec"), Errors::new());
    check_pod(new, old, &mut errors);
    check_whole(&spec, was, &mut errors);
    let known = errors.count_so_far();
    LISTS.iter().rev().for_each(|list| check_order(&spec, was, list, &mut errors));
    if errors.count_so_far() == known {
        check_containers(&spec, was, &mut errors);
    }
    errors.done()
}

/// The pod's class stays, and its node can resize.
fn check_pod(new: &Value, old: &Value, errors: &mut Errors) {
    let path = Path::new("spec");
    if qos::told(old) != qos::class(new) {
        let detail = "Pod QOS Class may not change as a result of resizing";
        errors.push(FieldError::invalid(&path, new.text("status.qosClass"), detail));
    }
    let running = old.items("status.containerStatuses").iter().find(|status| status.has("state.running"));
    if running.is_some_and(|status| !status.has("resources")) {
        errors.push(FieldError::forbidden(&path, "Pod running on node without support for resize"));
    }
    if !old.is_empty("status.nodeAllocatableResourceClaimStatuses") {
        let detail = "pods with node allocatable resource claims cannot be resized";
        errors.push(FieldError::forbidden(&path, detail));
    }
}

/// Checks what the pod as a whole asks for.
fn check_whole(spec: &At, was: &Value, errors: &mut Errors) {
    if was.has("resources") && !spec.has("resources") {
        errors.push(FieldError::forbidden(&spec.path("resources"), "pod-level resources cannot be removed"));
        return;
    }
    check_kept(&spec.field("resources"), was.at("resources"), "pod-level resource", errors);
    if !object::alike(unsized_of(spec, was).at("resources"), was.at("resources")) {
        errors.push(FieldError::forbidden(&spec.path(""), format!("{ONLY} at pod-level")));
    }
}

/// Containers keep their names and places.
fn check_order(spec: &At, was: &Value, list: &str, errors: &mut Errors) {
    if spec.items(list).len() != was.items(list).len() {
        let detail = format!("{list} may not be added or removed on resize");
        return errors.push(FieldError::forbidden(&spec.path(list), detail));
    }
    for (is, was) in spec.each(list).zip(was.items(list)) {
        if is.text("name") != was.text("name") {
            let detail = format!("{list} may not be renamed or reordered on resize");
            errors.push(FieldError::forbidden(&is.path("name"), detail));
        }
    }
}

fn check_containers(spec: &At, was: &Value, errors: &mut Errors) {
    let pairs = |list| spec.each(list).zip(was.items(list));
    for (is, was) in LISTS.iter().flat_map(|list| pairs(list)) {
        check_kept(&is.field("resources"), was.at("resources"), "resource", errors);
    }
    for (is, was) in pairs("containers") {
        if !object::alike(&unsized_of(&is, was), was) {
            errors.push(FieldError::forbidden(&spec.path(""), ONLY));
        }
    }
    for (is, was) in pairs("initContainers") {
        check_init(&is, was, errors);
    }
}

/// A container that runs once before the others cannot be restarted for its new size.
fn check_init(is: &At, was: &Value, errors: &mut Errors) {
    if !object::alike(&unsized_of(is, was), was) {
        let detail = "only cpu and memory resources for init or sidecar containers are mutable";
        errors.push(FieldError::forbidden(&is.path(""), detail));
    }
    let runs_once = is.text("restartPolicy") != "Always";
    let restarts =
        is.items("resizePolicy").iter().any(|policy| policy.text("restartPolicy") == "RestartContainer");
    if runs_once && restarts && !object::alike(is.value(), was) {
        let detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
        errors.push(FieldError::forbidden(&is.path(""), detail));
    }
}

/// An amount that was asked for can change, and not go.
fn check_kept(resources: &At, was: &Value, what: &str, errors: &mut Errors) {
    for amounts in AMOUNTS {
        if was.entries(amounts).any(|(name, _)| resources.at(amounts).get(name).is_none()) {
            let detail = format!("{what} {amounts} cannot be removed");
            errors.push(FieldError::forbidden(&resources.path(amounts), detail));
        }
    }
}

/// The holder of resources with those that can be resized as they were.
fn unsized_of(is: &Value, was: &Value) -> Value {
    let mut rest = is.clone();
    for amounts in AMOUNTS {
        for name in RESIZABLE {
            rest.keep(&format!("resources.{amounts}.{name}"), was);
        }
    }
    rest
}
