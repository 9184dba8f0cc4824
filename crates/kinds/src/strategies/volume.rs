//! Rules of persistent volumes.

mod iscsi;
mod sources;

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

pub(super) use iscsi::check_of_pod as check_iscsi_of_pod;
pub(super) use sources::{check_shared, check_storageos_names};

use super::pod_spec::check_node_selector;
use crate::rules::{At, Errors, Read, Write, node_labels, quantities};
use crate::{Strategy, warnings};

const ACCESS_MODES: [&str; 4] = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// The secret for making a volume larger.
const EXPAND: &str = "csi.controllerExpandSecretRef";
/// The annotation is older than the field `storageClassName`.
pub(super) const CLASS: &str = "volume.beta.kubernetes.io/storage-class";
/// The annotation is older than the field `mountOptions`.
const MOUNT_OPTIONS: &str = "volume.beta.kubernetes.io/mount-options";

/// What is said of annotations that became fields.
pub(super) const NOTES: [(&str, &str); 2] = [
    (CLASS, "deprecated since v1.8; use \"storageClassName\" attribute instead"),
    (MOUNT_OPTIONS, "deprecated since v1.31; use \"mountOptions\" attribute instead"),
];

/// Strategy of persistent volumes.
pub(crate) struct PersistentVolume;

impl Strategy for PersistentVolume {
    fn prepare_create(&self, volume: &mut Value) {
        volume.put("status", json!({ "phase": "Pending" }));
    }

    fn validate(&self, volume: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(volume).field("spec"), Errors::new());
        check_access_modes(&spec, &mut errors);
        check_capacity(&spec, &mut errors);
        check_affinity(&spec, &mut errors);
        sources::check(&spec, volume.text("metadata.name"), &mut errors);
        check_policy(&spec, &mut errors);
        errors.text(&spec, "storageClassName", object::dns1123_subdomain);
        check_attributes(&spec, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (root, was) = (At::root(new), old.at("spec"));
        let (spec, mut errors) = (root.field("spec"), Errors::new());
        if is_moved(spec.value(), was) {
            let detail = "spec.persistentvolumesource is immutable after creation";
            errors.push(FieldError::forbidden(&spec.path("persistentvolumesource"), detail));
        }
        check_mode_stays(&root, old, &mut errors);
        let affinity = spec.at("nodeAffinity");
        if was.has("nodeAffinity") && !object::alike(affinity, &renamed(was.at("nodeAffinity"), affinity)) {
            let path = root.path("nodeAffinity");
            errors.push(FieldError::invalid(&path, affinity.clone(), "field is immutable"));
        }
        check_attributes_stay(&spec, was, &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let root = At::root(new);
        let mut warnings = warnings::deprecated_notes(&root, &NOTES);
        if new.text("spec.persistentVolumeReclaimPolicy") == "Recycle" {
            let path = root.path("spec.persistentVolumeReclaimPolicy");
            let instead = "Instead, the recommended approach is to use dynamic provisioning.";
            warnings.push(format!("{path}: The Recycle reclaim policy is deprecated. {instead}"));
        }
        let terms = root.each("spec.nodeAffinity.required.nodeSelectorTerms");
        warnings.extend(terms.flat_map(|term| warnings::node_term(&term, false)));
        warnings.extend(warnings::gone_volumes(&root.field("spec")));
        warnings
    }
}

/// Checks the spec of a volume that stands in the attachment itself: of a driver, and without a claim.
pub(super) fn check_inline(spec: &At, errors: &mut Errors) {
    const NOT_HERE: &str = "may not be specified in the context of inline volumes";
    for field in ["claimRef", "capacity", "nodeAffinity", "storageClassName"] {
        errors.forbid(spec, field, NOT_HERE);
    }
    if !spec.has("csi") {
        let detail = "has to be specified in the context of inline volumes";
        errors.push(FieldError::required(&spec.path("csi"), detail));
    }
    check_access_modes(spec, errors);
    sources::check(spec, "", errors);
    let fixed = [
        ("persistentVolumeReclaimPolicy", "Retain", "may only be Retain in the context of inline volumes"),
        (
            "volumeMode",
            "Filesystem",
            "may not specify volumeMode other than Filesystem in the context of inline volumes",
        ),
    ];
    for (field, value, detail) in fixed {
        if !spec.is_empty(field) && spec.text(field) != value {
            errors.push(FieldError::forbidden(&spec.path(field), detail));
        }
    }
    check_attributes(spec, errors);
}

fn check_access_modes(spec: &At, errors: &mut Errors) {
    errors.need(spec, "accessModes");
    check_known_access_modes(spec, errors);
}

/// Access modes are known ones, and that of one pod is alone.
pub(super) fn check_known_access_modes(spec: &At, errors: &mut Errors) {
    let (path, modes) = (spec.path("accessModes"), spec.items("accessModes"));
    let is_known = |mode: &&Value| ACCESS_MODES.contains(&mode.text(""));
    for mode in modes.iter().filter(|mode| !is_known(mode)) {
        errors.push(FieldError::not_supported(&path, mode.clone(), &ACCESS_MODES));
    }
    let of_one_pod = modes.iter().any(|mode| mode == "ReadWriteOncePod");
    if of_one_pod && modes.iter().filter(is_known).any(|mode| mode != "ReadWriteOncePod") {
        errors.push(FieldError::forbidden(&path, "may not use ReadWriteOncePod with other access modes"));
    }
}

fn check_capacity(spec: &At, errors: &mut Errors) {
    errors.need(spec, "capacity");
    if !spec.has("capacity.storage") || spec.entries("capacity").count() > 1 {
        let (path, value) = (spec.path("capacity"), spec.show("capacity"));
        errors.push(FieldError::not_supported(&path, value, &["storage"]));
    }
    for (_, amount) in spec.each_entry("capacity") {
        check_size(&amount, errors);
        check_positive(&amount.path(""), amount.value(), errors);
    }
}

/// A size is not less than nothing.
pub(super) fn check_size(amount: &At, errors: &mut Errors) {
    if let Some(size) = quantities::read(amount.value()).filter(|size| size.is_negative()) {
        let detail = "must be a valid resource quantity";
        errors.push(FieldError::invalid(&amount.path(""), size.value(), detail));
    }
}

/// The amount is more than nothing.
pub(super) fn check_positive(path: &Path, amount: &Value, errors: &mut Errors) {
    if quantities::is_zero(amount) || quantities::is_negative(amount) {
        errors.push(FieldError::invalid(path, quantities::show(amount), "must be greater than zero"));
    }
}

fn check_affinity(spec: &At, errors: &mut Errors) {
    let Some(affinity) = spec.present("nodeAffinity") else { return };
    match affinity.present("required") {
        Some(selector) => check_node_selector(&selector, errors),
        None => {
            let detail = "must specify required node constraints";
            errors.push(FieldError::required(&affinity.path("required"), detail));
        }
    }
}

/// The root of a node is not wiped.
fn check_policy(spec: &At, errors: &mut Errors) {
    let path = spec.text("hostPath.path");
    let is_root = path.starts_with('/') && path.split('/').all(|step| matches!(step, "" | "." | ".."));
    if is_root && spec.text("persistentVolumeReclaimPolicy") == "Recycle" {
        let detail = "may not be 'recycle' for a hostPath mount of '/'";
        errors.push(FieldError::forbidden(&spec.path("persistentVolumeReclaimPolicy"), detail));
    }
}

fn check_attributes(spec: &At, errors: &mut Errors) {
    let Some(class) = spec.present("volumeAttributesClassName") else { return };
    match class.text("") {
        "" => errors.push(FieldError::required(&class.path(""), "an empty string is disallowed")),
        name => errors.obey(&class.path(""), name, object::dns1123_subdomain),
    }
    if !spec.has("csi") {
        let detail = "has to be specified when using volumeAttributesClassName";
        errors.push(FieldError::required(&spec.path("csi"), detail));
    }
}

/// A mode of volumes stays; its error has the field's name only.
pub(super) fn check_mode_stays(root: &At, old: &Value, errors: &mut Errors) {
    let mode = root.at("spec.volumeMode");
    if mode != old.at("spec.volumeMode") {
        let path = root.path("volumeMode");
        errors.push(FieldError::invalid(&path, mode.clone(), "field is immutable"));
    }
}

/// A class of attributes may become another one.
pub(super) fn check_attributes_stay(spec: &At, was: &Value, errors: &mut Errors) {
    if was.has("volumeAttributesClassName") && !spec.has("volumeAttributesClassName") {
        let detail = "update from non-nil value to nil is forbidden";
        errors.push(FieldError::forbidden(&spec.path("volumeAttributesClassName"), detail));
    }
}

/// Whether the source is another one; the secret for making it larger may come later.
fn is_moved(new: &Value, old: &Value) -> bool {
    let mut new = new.clone();
    if old.has("csi") && !old.has(EXPAND) {
        new.remove(EXPAND);
    }
    sources::names().any(|source| !object::alike(new.at(source), old.at(source)))
}

/// The old affinity, with today's names for the labels that the new one calls by these.
fn renamed(old: &Value, new: &Value) -> Value {
    let mut old = old.clone();
    let terms = old.items_mut("required.nodeSelectorTerms").iter_mut();
    for (was, term) in terms.zip(new.items("required.nodeSelectorTerms")) {
        let expressions = was.items_mut("matchExpressions").iter_mut();
        for (was, expression) in expressions.zip(term.items("matchExpressions")) {
            if node_labels::name_of_today(was.text("key")) == Some(expression.text("key")) {
                was.put("key", expression.text("key"));
            }
        }
    }
    old
}
