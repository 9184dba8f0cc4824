//! Rules of where the volumes of a pod appear in a container.

use std::collections::{HashMap, HashSet};

use object::{FieldError, Value};

use super::containers::{local_path, path_without_backsteps};
use super::{At, Errors, Read};

/// The volumes of a spec by name, as far as mounts care: those that nothing is wrong with.
pub(super) type Volumes<'a> = HashMap<&'a str, &'a Value>;

const MOUNTS: (&str, &str) = ("volumeMounts", "mountPath");
const DEVICES: (&str, &str) = ("volumeDevices", "devicePath");
const PROPAGATIONS: [&str; 3] = ["Bidirectional", "HostToContainer", "None"];
const RECURSIONS: [&str; 3] = ["Disabled", "Enabled", "IfPossible"];

/// Checks what a container has of the volumes: files at mount points, and devices.
pub(super) fn check(container: &At, volumes: &Volumes, errors: &mut Errors) {
    check_mounts(container, volumes, errors);
    check_devices(container, volumes, errors);
}

fn check_mounts(container: &At, volumes: &Volumes, errors: &mut Errors) {
    let (list, at) = MOUNTS;
    let mut paths = HashSet::new();
    for mount in container.each(list) {
        let (name, path) = (mount.value().text("name"), mount.value().text(at));
        if !volumes.contains_key(name) {
            errors.push(FieldError::not_found(&mount.path("name"), name));
        }
        if !paths.insert(path) {
            errors.push(FieldError::invalid(&mount.path(at), path, "must be unique"));
        }
        check_overlap(&mount, at, container, DEVICES, errors);
        // upstream tells of the rest at the list, not at its item
        let told = mount.placed(container.path(list));
        check_sub_path(&mount, &told, errors);
        check_propagation(container, &told, errors);
        check_recursion(&told, errors);
    }
}

/// A volume is mounted or a device, not both, and so is a path.
fn check_overlap(item: &At, at: &str, container: &At, other: (&str, &str), errors: &mut Errors) {
    let (name, path, (list, field)) = (item.text("name"), item.text(at), other);
    if container.items(list).iter().any(|other| other.text("name") == name) {
        let detail = format!("must not already exist in {list}");
        errors.push(FieldError::invalid(&item.path("name"), name, detail));
    }
    if container.items(list).iter().any(|other| other.text(field) == path) {
        let detail = format!("must not already exist as a path in {list}");
        errors.push(FieldError::invalid(&item.path(at), path, detail));
    }
}

fn check_sub_path(mount: &At, told: &At, errors: &mut Errors) {
    errors.text(told, "subPath", local_path);
    if !mount.is_empty("subPath") && !mount.is_empty("subPathExpr") {
        let detail = "subPathExpr and subPath are mutually exclusive";
        errors.push(FieldError::invalid(&mount.path("subPathExpr"), mount.text("subPathExpr"), detail));
    }
    errors.text(told, "subPathExpr", local_path);
}

fn check_propagation(container: &At, told: &At, errors: &mut Errors) {
    let Some(propagation) = told.present("mountPropagation") else { return };
    if !PROPAGATIONS.contains(&propagation.text("")) {
        errors.push(FieldError::not_supported(&propagation.path(""), propagation.text(""), &PROPAGATIONS));
    }
    if propagation.text("") == "Bidirectional" && !container.flag("securityContext.privileged") {
        let detail = "Bidirectional mount propagation is available only to privileged containers";
        errors.push(FieldError::forbidden(&propagation.path(""), detail));
    }
}

/// Mounts below a mount are read-only as far as it is itself, and stays alone.
fn check_recursion(told: &At, errors: &mut Errors) {
    let Some(recursion) = told.present("recursiveReadOnly") else { return };
    match recursion.text("") {
        "Disabled" => {}
        "Enabled" | "IfPossible" => {
            if !told.flag("readOnly") {
                let detail = "may only be specified when readOnly is true";
                errors.push(FieldError::forbidden(&recursion.path(""), detail));
            }
            if told.has("mountPropagation") && told.text("mountPropagation") != "None" {
                let detail = "may only be specified when mountPropagation is None or not specified";
                errors.push(FieldError::forbidden(&recursion.path(""), detail));
            }
        }
        other => errors.push(FieldError::not_supported(&recursion.path(""), other, &RECURSIONS)),
    }
}

fn check_devices(container: &At, volumes: &Volumes, errors: &mut Errors) {
    let (list, at) = DEVICES;
    let (mut names, mut paths) = (HashSet::new(), HashSet::new());
    for device in container.each(list) {
        let (name, path) = (device.value().text("name"), device.value().text(at));
        let mut wrong = |field, value: &str, detail| {
            errors.push(FieldError::invalid(&device.path(field), value, detail));
        };
        if !name.is_empty() && !names.insert(name) {
            wrong("name", name, "must be unique");
        }
        let volume = volumes.get(name);
        if volume.is_some_and(|v| !v.has("persistentVolumeClaim") && !v.has("ephemeral")) {
            let detail =
                "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
            wrong("name", name, detail);
        }
        if paths.contains(path) {
            wrong(at, path, "must be unique");
        }
        if path_without_backsteps(path).is_empty() {
            paths.insert(path);
        } else {
            wrong(at, path, "can not contain backsteps ('..')");
        }
        if volume.is_none() {
            errors.push(FieldError::not_found(&device.path("name"), name));
        }
        check_overlap(&device, at, container, MOUNTS, errors);
    }
}
