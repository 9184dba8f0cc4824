//! How a job finds its pods: by labels that it writes into their template itself, unless told otherwise.

use object::{FieldError, Value};
use serde_json::json;

use super::super::pod_spec::check_match;
use crate::rules::{At, Errors, Read, Write, labels};

const UID_LABEL: &str = "batch.kubernetes.io/controller-uid";

const LABELS: &str = "spec.template.metadata.labels";

/// The labels of a job's pods, and where in the job their values are.
const GENERATED: [(&str, &str); 4] = [
    ("controller-uid", "metadata.uid"),
    ("job-name", "metadata.name"),
    (UID_LABEL, "metadata.uid"),
    ("batch.kubernetes.io/job-name", "metadata.name"),
];

/// Writes the selector and the labels that it selects; what is there stays.
pub(super) fn generate(job: &mut Value) {
    let uid = job.text("metadata.uid").to_owned();
    for (label, source) in GENERATED {
        let value = job.text(source).to_owned();
        put_label(job, LABELS, label, value);
    }
    put_label(job, "spec.selector.matchLabels", UID_LABEL, uid);
    mirror_labels(job);
}

fn put_label(job: &mut Value, map: &str, label: &str, value: String) {
    job.put_new(map, json!({}));
    if let Some(labels) = job.at_mut(map).and_then(Value::as_object_mut) {
        labels.entry(label).or_insert(value.into());
    }
}

/// A job without labels has those of its pods.
pub(super) fn mirror_labels(job: &mut Value) {
    let labels = job.at(LABELS).clone();
    if job.is_empty("metadata.labels") && !labels.is_empty("") {
        job.put("metadata.labels", labels);
    }
}

/// Checks the selector, and that a generated one is the one that was generated.
pub(super) fn check(job: &At, errors: &mut Errors) {
    let (spec, template) = (job.field("spec"), job.field("spec.template"));
    if !errors.need(&spec, "selector") {
        return;
    }
    let selector = spec.field("selector");
    if !labels::check_selector(&selector, errors) {
        return;
    }
    if !spec.flag("manualSelector") {
        check_generated(job, &selector, errors);
    }
    check_match(&selector, &template, errors);
}

fn check_generated(job: &At, selector: &At, errors: &mut Errors) {
    let (present, at) = (job.at(LABELS), job.path(LABELS));
    let expected = |source| job.text(source);
    for (label, source) in GENERATED {
        match present.get(label) {
            None => {
                let detail = format!("must be '{}'", expected(source));
                errors.push(FieldError::required(&at.key(label), detail));
            }
            Some(value) if value != expected(source) => {
                let detail = format!("must be '{}'", expected(source));
                errors.push(FieldError::invalid(&at.key(label), present.clone(), detail));
            }
            Some(_) => {}
        }
    }
    let generated: Value = GENERATED.iter().map(|&(label, source)| (label, expected(source))).collect();
    if !labels::selects(selector, &generated) {
        errors.push(FieldError::invalid(
            &selector.path(""),
            selector.show(""),
            "`selector` not auto-generated",
        ));
    }
}
