//! What was decided about a request.

use object::{FieldError, Value};

use super::is_pem;
use crate::rules::{At, Errors, Read};

/// Conditions that are true once they are there.
const FINAL: [&str; 3] = ["Approved", "Denied", "Failed"];
/// Conditions that only an approval sets.
const APPROVAL: [&str; 2] = ["Approved", "Denied"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Checks a new status, which no approval made.
pub(super) fn check(status: &At, old: &Value, errors: &mut Errors) {
    status.each("conditions").for_each(|condition| check_condition(&condition, errors));
    check_exclusive(status, errors);
    errors.unique(status.each("conditions"), "type");
    check_kept(status, old, errors);
    check_certificate(status, old, errors);
}

fn check_condition(condition: &At, errors: &mut Errors) {
    errors.need(condition, "type");
    let is_final = FINAL.contains(&condition.text("type"));
    let known: &[&str] = if is_final { &["True"] } else { &STATUSES };
    if errors.need(condition, "status") {
        errors.one_of(condition, "status", known);
    }
}

fn check_exclusive(status: &At, errors: &mut Errors) {
    let kinds: Vec<&str> = status.items("conditions").iter().map(|one| one.text("type")).collect();
    let Some(first) = kinds.iter().find(|kind| APPROVAL.contains(kind)) else { return };
    for other in status.each("conditions") {
        let kind = other.text("type");
        if APPROVAL.contains(&kind) && kind != *first {
            let detail = "Approved and Denied conditions are mutually exclusive";
            errors.push(FieldError::invalid(&other.path("type"), kind, detail));
        }
    }
}

fn check_kept(status: &At, old: &Value, errors: &mut Errors) {
    let path = status.path("conditions");
    for kind in FINAL {
        let of = |status: &Value| -> Vec<Value> {
            let conditions = status.items("conditions").iter();
            conditions.filter(|one| one.text("type") == kind).cloned().collect()
        };
        let (now, was) = (of(status), of(old));
        let approval = APPROVAL.contains(&kind);
        let what = match now.len().cmp(&was.len()) {
            std::cmp::Ordering::Less => "remove",
            std::cmp::Ordering::Greater if approval => "add",
            std::cmp::Ordering::Equal if approval && now != was => "modify",
            _ => continue,
        };
        let detail = format!("updates may not {what} a condition of type {kind:?}");
        errors.push(FieldError::forbidden(&path, detail));
    }
}

fn check_certificate(status: &At, old: &Value, errors: &mut Errors) {
    let path = status.path("certificate");
    if status.at("certificate") == old.at("certificate") {
        return;
    }
    if !status.is_empty("certificate") && !is_pem(status.text("certificate"), "CERTIFICATE") {
        let detail = "must contain at least one CERTIFICATE PEM block";
        errors.push(FieldError::invalid(&path, "<certificate data>", detail));
    }
    if !old.is_empty("certificate") {
        errors.push(FieldError::forbidden(&path, "updates may not modify existing certificate content"));
    }
}
