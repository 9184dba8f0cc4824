//! What an autoscaler goes by.

use object::FieldError;

use super::super::pod_spec::check_resource_name;
use crate::rules::{At, Errors, Read, quantities};

/// A type of metrics, its field and its rules.
type Source = (&'static str, &'static str, fn(&At, &mut Errors));

/// The types of metrics, each with its field and its rules. Of several fields the first is checked.
const SOURCES: [Source; 5] = [
    ("Object", "object", check_object),
    ("External", "external", check_external),
    ("Pods", "pods", check_pods),
    ("Resource", "resource", check_resource),
    ("ContainerResource", "containerResource", check_container),
];

/// Checks the name of an object of any kind.
pub(super) fn check_reference(reference: &At, errors: &mut Errors) {
    for field in ["kind", "name"] {
        errors.need(reference, field);
        errors.text(reference, field, object::path_segment);
    }
    let version = reference.text("apiVersion");
    if version.matches('/').count() > 1 {
        let detail = format!("unexpected GroupVersion string: {version}");
        errors.push(FieldError::invalid(&reference.path("apiVersion"), version, detail));
    }
}

/// Checks a metric.
pub(super) fn check(metric: &At, errors: &mut Errors) {
    let (kind, at) = (metric.text("type"), metric.path("type"));
    errors.need_as(metric, "type", "must specify a metric source type");
    let expected = SOURCES.iter().find(|(known, ..)| *known == kind).map_or("", |(_, field, _)| field);
    if expected.is_empty() {
        let mut known = SOURCES.map(|(known, ..)| known);
        known.sort_unstable();
        errors.push(FieldError::not_supported(&at, kind, &known));
    } else if !metric.has(expected) {
        let detail = "must populate information for the given metric source";
        errors.push(FieldError::required(&metric.path(expected), detail));
    }
    let present: Vec<_> = SOURCES.iter().filter(|(_, field, _)| metric.has(field)).collect();
    if let Some((_, field, check)) = present.first() {
        check(&metric.field(field), errors);
    }
    for (_, field, _) in present.iter().filter(|(_, field, _)| present.len() > 1 && *field != expected) {
        let detail = "must populate the given metric source only";
        errors.push(FieldError::forbidden(&metric.path(field), detail));
    }
}

fn check_object(source: &At, errors: &mut Errors) {
    check_reference(&source.field("describedObject"), errors);
    check_metric(source, errors);
    need_one(source, ["value", "averageValue"], "must set either a target value or averageValue", errors);
}

fn check_external(source: &At, errors: &mut Errors) {
    check_metric(source, errors);
    let fields = [("value", "a target value for metric"), ("averageValue", "a per-pod target")];
    either_or(source, fields, errors);
}

fn check_pods(source: &At, errors: &mut Errors) {
    check_metric(source, errors);
    let detail = "must specify a positive target averageValue";
    need_one(source, ["averageValue", "averageValue"], detail, errors);
}

fn check_resource(source: &At, errors: &mut Errors) {
    errors.need_as(source, "name", "must specify a resource name");
    check_usage(source, errors);
}

fn check_container(source: &At, errors: &mut Errors) {
    if errors.need_as(source, "name", "must specify a resource name") {
        check_resource_name(&source.path("name"), source.text("name"), errors);
    }
    if errors.need_as(source, "container", "must specify a container") {
        errors.text(source, "container", object::dns1123_label);
    }
    check_usage(source, errors);
}

/// How much of a resource is wanted: an amount, or a share of what is asked for.
fn check_usage(source: &At, errors: &mut Errors) {
    check_target(source, errors);
    let fields = [("averageValue", "a target raw value"), ("averageUtilization", "a target utilization")];
    either_or(source, fields, errors);
}

/// The metric of a source, and what is wanted of it.
fn check_metric(source: &At, errors: &mut Errors) {
    let metric = source.field("metric");
    if errors.need_as(&metric, "name", "must specify a metric name") {
        errors.text(&metric, "name", object::path_segment);
    }
    check_target(source, errors);
}

fn check_target(source: &At, errors: &mut Errors) {
    let target = source.field("target");
    errors.need_as(&target, "type", "must specify a metric target type");
    let kind = target.text("type");
    if !matches!(kind, "Utilization" | "Value" | "AverageValue") {
        let detail = "must be either Utilization, Value, or AverageValue";
        errors.push(FieldError::invalid(&target.path("type"), kind, detail));
    }
    for field in ["value", "averageValue"] {
        let amount = target.at(field);
        if !amount.is_null() && (quantities::is_zero(amount) || quantities::is_negative(amount)) {
            let value = quantities::show(amount);
            errors.push(FieldError::invalid(&target.path(field), value, "must be positive"));
        }
    }
    errors.number(&target, "averageUtilization", |n| n >= 1, "must be greater than 0");
}

/// One of two fields of the target must be there; the second is the one that is named where neither is.
fn need_one(source: &At, fields: [&str; 2], detail: &str, errors: &mut Errors) {
    let target = source.field("target");
    if fields.iter().all(|field| !target.has(field)) {
        errors.push(FieldError::required(&target.path(fields[1]), detail));
    }
}

/// One of two fields of the target must be there, and not the other; each with what it is called.
fn either_or(source: &At, [one, other]: [(&str, &str); 2], errors: &mut Errors) {
    let detail = format!("must set either {} or {}", one.1, other.1);
    need_one(source, [one.0, other.0], &detail, errors);
    let target = source.field("target");
    if target.has(other.0) {
        let detail = format!("may not set both {} and {}", one.1, other.1);
        errors.forbid_present(&target, one.0, &detail);
    }
}
