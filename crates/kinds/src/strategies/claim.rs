//! Rules of persistent volume claims.

use object::{FieldError, FieldErrors, Path, Value};
use serde_json::json;

use super::volume::{self, CLASS};
use crate::rules::{At, Errors, Read, Write, labels, quantities, resources};
use crate::{Strategy, warnings};

const STORAGE: &str = "resources.requests.storage";
const ATTRIBUTES: &str = "volumeAttributesClassName";
const SNAPSHOTS: &str = "snapshot.storage.k8s.io";
const RESIZES: [&str; 5] = [
    "ControllerResizeInProgress",
    "ControllerResizeInfeasible",
    "NodeResizeInProgress",
    "NodeResizeInfeasible",
    "NodeResizePending",
];

/// Strategy of claims.
pub(crate) struct PersistentVolumeClaim;

impl Strategy for PersistentVolumeClaim {
    fn prepare_create(&self, claim: &mut Value) {
        claim.put("status", json!({ "phase": "Pending" }));
        if let Some(spec) = claim.at_mut("spec") {
            settle_sources(spec, &Value::Null);
        }
    }

    fn prepare_update(&self, new: &mut Value, old: &Value) {
        if let Some(spec) = new.at_mut("spec") {
            settle_sources(spec, old.at("spec"));
        }
    }

    fn validate(&self, claim: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        check_spec(&At::root(claim).field("spec"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (root, was, mut errors) = (At::root(new), old.at("spec"), Errors::new());
        let spec = root.field("spec");
        check_annotation(&root, old, &mut errors);
        if !object::alike(&settled(new, old), was) {
            let detail = "spec is immutable after creation except resources.requests and \
                          volumeAttributesClassName for bound claims";
            errors.push(FieldError::forbidden(&spec.path(""), detail));
        }
        check_shrinking(&root, was, &mut errors);
        volume::check_mode_stays(&root, old, &mut errors);
        volume::check_attributes_stay(&spec, was, &mut errors);
        if was.has(ATTRIBUTES) && spec.at(ATTRIBUTES) == "" {
            let detail = "update from non-nil value to an empty string is forbidden";
            errors.push(FieldError::forbidden(&spec.path(ATTRIBUTES), detail));
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, _old: &Value) -> FieldErrors {
        let (status, mut errors) = (At::root(new).field("status"), Errors::new());
        for (_, size) in status.each_entry("capacity") {
            volume::check_size(&size, &mut errors);
        }
        for (resource, resize) in status.entries("allocatedResourceStatuses") {
            let path = status.path("allocatedResourceStatus");
            check_resource(&path, resource, &mut errors);
            if !RESIZES.contains(&resize.text("")) {
                errors.push(FieldError::not_supported(&path, resource, &RESIZES));
            }
        }
        for (resource, size) in status.each_entry("allocatedResources") {
            if check_resource(&status.path("allocatedResources"), resource, &mut errors) {
                volume::check_size(&size, &mut errors);
            }
        }
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let root = At::root(new);
        let mut warnings = warnings::deprecated_notes(&root, &volume::NOTES[..1]);
        warnings.extend(warnings::of_claim(&root.field("spec")));
        warnings
    }
}

/// Checks the spec of a claim, or of a template of one.
pub(super) fn check_spec(spec: &At, errors: &mut Errors) {
    if spec.is_empty("accessModes") {
        errors.push(FieldError::required(&spec.path("accessModes"), "at least 1 access mode is required"));
    }
    labels::check_selector(&spec.field("selector"), errors);
    volume::check_known_access_modes(spec, errors);
    let path = spec.path("resources").key("storage");
    if spec.has(STORAGE) {
        volume::check_positive(&path, spec.at(STORAGE), errors);
    } else {
        errors.push(FieldError::required(&path, ""));
    }
    errors.text(spec, "storageClassName", object::dns1123_subdomain);
    check_sources(spec, errors);
    errors.text(spec, ATTRIBUTES, object::dns1123_subdomain);
}

fn check_sources(spec: &At, errors: &mut Errors) {
    let (source, reference) = (spec.present("dataSource"), spec.present("dataSourceRef"));
    for either in source.iter().chain(&reference) {
        check_source(either, errors);
    }
    let Some((source, reference)) = source.zip(reference) else { return };
    let same = ["apiGroup", "kind", "name"].iter().all(|field| source.at(field) == reference.at(field));
    let detail = match reference.text("namespace") {
        "" if same => return,
        "" => "must match dataSourceRef",
        _ => "may not be specified when dataSourceRef.namespace is specified",
    };
    errors.push(FieldError::invalid(&spec.path(""), source.path("").as_str(), detail));
}

fn check_source(source: &At, errors: &mut Errors) {
    errors.need(source, "name");
    errors.need(source, "kind");
    if source.is_empty("apiGroup") && source.text("kind") != "PersistentVolumeClaim" {
        let detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup";
        errors.push(FieldError::invalid(&source.path(""), source.text("kind"), detail));
    }
    errors.text(source, "apiGroup", object::dns1123_subdomain);
    errors.text(source, "namespace", object::dns1123_label);
}

/// A claim names what it is made from in two fields, of which the older one knows claims and snapshots only: what
/// else is said there alone is dropped, and so is what is in another namespace; the field that is absent is filled in.
fn settle_sources(spec: &mut Value, old: &Value) {
    if !spec.is_empty("dataSourceRef.namespace") && !old.has("dataSourceRef") {
        spec.remove("dataSourceRef");
    }
    let is_new = !old.has("dataSource") && !old.has("dataSourceRef") && !spec.has("dataSourceRef");
    if is_new && !is_claim_or_snapshot(spec.at("dataSource")) {
        spec.remove("dataSource");
    }
    let (source, mut reference) = (spec.at("dataSource").clone(), spec.at("dataSourceRef").clone());
    if reference.is_null() && !source.is_null() {
        spec.put("dataSourceRef", source);
    } else if source.is_null() && !reference.is_null() && reference.is_empty("namespace") {
        reference.remove("namespace");
        spec.put("dataSource", reference);
    }
}

fn is_claim_or_snapshot(source: &Value) -> bool {
    matches!(
        (source.text("apiGroup"), source.text("kind")),
        ("", "PersistentVolumeClaim") | (SNAPSHOTS, "VolumeSnapshot")
    )
}

fn annotation(claim: &Value) -> Option<&str> {
    claim.at("metadata.annotations").get(CLASS)?.as_str()
}

/// The class of the annotation stays, or moves into the field.
fn check_annotation(root: &At, old: &Value, errors: &mut Errors) {
    let (now, was, class) = (annotation(root.value()), annotation(old), root.at("spec.storageClassName"));
    let moves = !old.has("spec.storageClassName")
        && was.is_some_and(|was| class == was && now.is_none_or(|now| now == was));
    if !moves && now.unwrap_or_default() != was.unwrap_or_default() {
        let path = root.path("metadata.annotations").child(CLASS);
        errors.push(FieldError::invalid(&path, now.unwrap_or_default(), "field is immutable"));
    }
}

/// The new spec with every field that may change set back: what is filled in once, and of a bound claim its size and
/// the class of its attributes.
fn settled(new: &Value, old: &Value) -> Value {
    let (mut rest, was) = (new.at("spec").clone(), old.at("spec"));
    if was.is_empty("volumeName") {
        rest.keep("volumeName", was);
    }
    let class = new.at("spec.storageClassName");
    if !was.has("storageClassName") && annotation(old).is_none_or(|old| class == old) {
        rest.keep("storageClassName", was);
    }
    if new.text("status.phase") == "Bound" {
        for field in [STORAGE, ATTRIBUTES].into_iter().filter(|field| new.at("spec").has(field)) {
            rest.keep(field, was);
        }
    }
    rest
}

/// A claim may ask for less than it did, where it has not got that much.
fn check_shrinking(root: &At, was: &Value, errors: &mut Errors) {
    let (spec, nothing) = (root.field("spec"), json!("0"));
    let has = root.value().at("status.capacity").get("storage").unwrap_or(&nothing);
    let asks = spec.at(STORAGE);
    let shrinks = quantities::compare(asks, was.at(STORAGE)).is_some_and(|order| order.is_lt());
    if shrinks && quantities::compare(asks, has).is_some_and(|order| order.is_le()) {
        let detail = "field can not be less than status.capacity";
        errors.push(FieldError::forbidden(&spec.path(STORAGE), detail));
    }
}

/// What of a claim can be resized: its storage, and what vendors name. Says whether this is it.
fn check_resource(path: &Path, resource: &str, errors: &mut Errors) -> bool {
    let before = errors.count_so_far();
    errors.obey(path, resource, object::qualified_name);
    if errors.count_so_far() == before && resources::is_native(resource) && resource != "storage" {
        errors.push(FieldError::not_supported(path, resource, &["storage"]));
    }
    errors.count_so_far() == before
}
