//! What was decided about a request.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use object::{FieldError, FieldErrors, Time, Value, format_time};

use super::is_pem;
use crate::rules::{At, Errors, Read, Write};

/// Conditions that are true once they are there.
const FINAL: [&str; 3] = ["Approved", "Denied", "Failed"];
/// Conditions that only an approval sets.
const APPROVAL: [&str; 2] = ["Approved", "Denied"];
const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Conditions of an approval that a status has as often as before are what they were.
pub(super) fn keep_decision(new: &mut Value, old: &Value) {
    for kind in APPROVAL {
        let (now, was) = (of_kind(new.at("status"), kind), of_kind(old.at("status"), kind));
        if now.len() != was.len() {
            continue;
        }
        let conditions = new.items_mut("status.conditions").iter_mut();
        for (condition, was) in conditions.filter(|one| one.text("type") == kind).zip(was) {
            *condition = was;
        }
    }
}

/// Notes the times of conditions that do not say them: a change is as old as the status of the condition is.
pub(super) fn stamp(new: &mut Value, old: &Value, now: Time) {
    let now = format_time(now);
    let mut since: HashMap<(&str, &str), &str> = HashMap::new();
    for was in old.items("status.conditions") {
        if !was.is_empty("lastTransitionTime") {
            since.entry((was.text("type"), was.text("status"))).or_insert(was.text("lastTransitionTime"));
        }
    }
    for condition in new.items_mut("status.conditions") {
        if condition.is_empty("lastUpdateTime") {
            condition.put("lastUpdateTime", now.clone());
        }
        if condition.is_empty("lastTransitionTime") {
            let time =
                since.get(&(condition.text("type"), condition.text("status"))).copied().unwrap_or(&now);
            condition.put("lastTransitionTime", time.to_owned());
        }
    }
}

/// Checks a new status, which no approval made.
pub(super) fn check(status: &At, old: &Value) -> FieldErrors {
    let mut errors = Errors::new();
    check_conditions(status, old, &mut errors);
    check_certificate(status, old, &mut errors);
    check_lasting(status, old, &mut errors);
    check_decided(status, old, &mut errors);
    check_certificate_stays(status, old, &mut errors);
    errors.done()
}

/// Checks a new status that an approval made: it decides, and leaves the certificate to who signs.
pub(super) fn check_approval(status: &At, old: &Value) -> FieldErrors {
    let mut errors = Errors::new();
    check_conditions(status, old, &mut errors);
    check_lasting(status, old, &mut errors);
    errors.done()
}

/// Checks the conditions themselves. What the old ones have wrong may stay so.
fn check_conditions(status: &At, old: &Value, errors: &mut Errors) {
    let kinds: Vec<&str> = old.items("conditions").iter().map(|one| one.text("type")).collect();
    let nameless = kinds.contains(&"");
    status.each("conditions").for_each(|condition| check_condition(&condition, nameless, errors));
    if !APPROVAL.iter().all(|kind| kinds.contains(kind)) {
        check_exclusive(status, errors);
    }
    let mut seen = HashSet::new();
    if kinds.iter().all(|kind| seen.insert(*kind)) {
        errors.unique(status.each("conditions"), "type");
    }
}

fn check_condition(condition: &At, nameless: bool, errors: &mut Errors) {
    if !nameless {
        errors.need(condition, "type");
    }
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

/// The conditions of a type.
fn of_kind(status: &Value, kind: &str) -> Vec<Value> {
    status.items("conditions").iter().filter(|one| one.text("type") == kind).cloned().collect()
}

/// What was decided, or has failed, stays so.
fn check_lasting(status: &At, old: &Value, errors: &mut Errors) {
    for kind in FINAL {
        if of_kind(status, kind).len() < of_kind(old, kind).len() {
            refuse(status, "remove", kind, errors);
        }
    }
}

/// Nothing is decided but by an approval.
fn check_decided(status: &At, old: &Value, errors: &mut Errors) {
    for kind in APPROVAL {
        let (now, was) = (of_kind(status, kind), of_kind(old, kind));
        match now.len().cmp(&was.len()) {
            Ordering::Greater => refuse(status, "add", kind, errors),
            Ordering::Equal if now != was => refuse(status, "modify", kind, errors),
            _ => {}
        }
    }
}

fn refuse(status: &At, what: &str, kind: &str, errors: &mut Errors) {
    let detail = format!("updates may not {what} a condition of type {kind:?}");
    errors.push(FieldError::forbidden(&status.path("conditions"), detail));
}

/// A certificate is one, unless it was none before.
fn check_certificate(status: &At, old: &Value, errors: &mut Errors) {
    let changed = status.at("certificate") != old.at("certificate");
    if changed && !status.is_empty("certificate") && !is_pem(status.text("certificate"), "CERTIFICATE") {
        let detail = "must contain at least one CERTIFICATE PEM block";
        errors.push(FieldError::invalid(&status.path("certificate"), "<certificate data>", detail));
    }
}

fn check_certificate_stays(status: &At, old: &Value, errors: &mut Errors) {
    if status.at("certificate") != old.at("certificate") && !old.is_empty("certificate") {
        let detail = "updates may not modify existing certificate content";
        errors.push(FieldError::forbidden(&status.path("certificate"), detail));
    }
}
