//! Rules of events, and the stricter ones of those who write them by `events.k8s.io`.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read};

/// The longest text of most fields, in bytes.
const LONGEST: usize = 128;
/// The longest message, in bytes.
const LONGEST_MESSAGE: usize = 1024;
const TYPES: [&str; 2] = ["Normal", "Warning"];
/// What only events of the older form say.
const OLDER: [&str; 3] = ["firstTimestamp", "lastTimestamp", "count"];
/// The stored name of `reportingController`.
const CONTROLLER: &str = "reportingComponent";
/// What an event tells once, and under which name it is told of.
const FIXED: [(&str, &str); 13] = [
    ("involvedObject", "involvedObject"),
    ("reason", "reason"),
    ("message", "message"),
    ("source", "source"),
    ("firstTimestamp", "firstTimestamp"),
    ("lastTimestamp", "lastTimestamp"),
    ("count", "count"),
    ("type", "type"),
    ("eventTime", "eventTime"),
    ("action", "action"),
    ("related", "related"),
    (CONTROLLER, "reportingController"),
    ("reportingInstance", "reportingInstance"),
];

/// Strategy of events.
pub(crate) struct Event;

impl Strategy for Event {
    fn validate(&self, event: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(event), Errors::new());
        let is_new = event.has("eventTime");
        check_place(&root, is_new, &mut errors);
        if is_new {
            check_report(&root, &mut errors);
        }
        errors.done()
    }
}

/// Strategy of events as `events.k8s.io` takes them, whatever the version in which they are stored.
pub(crate) struct StrictEvent;

impl Strategy for StrictEvent {
    fn validate_create(&self, event: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(event), Errors::new());
        check_series(&root, &mut errors);
        errors.need(&root, "eventTime");
        let kind = event.text("type");
        if !TYPES.contains(&kind) {
            let detail = format!("has invalid value: {kind}");
            errors.push(FieldError::invalid(&root.path("type"), "", detail));
        }
        let is_set = |field: &&str| !event.is_empty(field) && event.int(field) != Some(0);
        let named = ["source.component", "source.host"].iter().any(|field| !event.is_empty(field));
        for field in OLDER.into_iter().filter(is_set).chain(named.then_some("source")) {
            errors.push(FieldError::invalid(&root.path(field), "", "needs to be unset"));
        }
        errors.done()
    }

    /// Of an event that was told, only the series goes on.
    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(new), Errors::new());
        if !object::alike(new.at("series"), old.at("series")) {
            check_series(&root, &mut errors);
        }
        for (field, told) in FIXED {
            if !object::alike(new.at(field), old.at(field)) {
                errors.push(FieldError::invalid(&root.path(told), root.show(field), "field is immutable"));
            }
        }
        errors.done()
    }
}

/// An event lives in the namespace of what it is about; cluster-scoped things have theirs in `default`, or, in the newer
/// form, in `kube-system`. There the namespace of what it is about counts only where there is none.
fn check_place(event: &At, is_new: bool, errors: &mut Errors) {
    let (about, own) = (event.text("involvedObject.namespace"), event.text("metadata.namespace"));
    let right = match (is_new, about) {
        (true, "") => matches!(own, "default" | "kube-system"),
        (true, _) => true,
        (false, "") => matches!(own, "" | "default"),
        (false, about) => about == own,
    };
    if !right {
        let at = event.path("involvedObject.namespace");
        errors.push(FieldError::invalid(&at, about, "does not match event.namespace"));
    }
}

/// An event of the newer form says who did what, and why.
fn check_report(event: &At, errors: &mut Errors) {
    let controller = event.path("reportingController");
    if event.is_empty(CONTROLLER) {
        errors.push(FieldError::required(&controller, ""));
    }
    errors.obey(&controller, event.text(CONTROLLER), object::qualified_name);
    for field in ["reportingInstance", "action", "reason"] {
        errors.need(event, field);
        check_length(event, field, LONGEST, errors);
    }
    check_length(event, "message", LONGEST_MESSAGE, errors);
}

fn check_length(event: &At, field: &str, most: usize, errors: &mut Errors) {
    if event.text(field).len() > most {
        let detail = format!("can have at most {most} characters");
        errors.push(FieldError::invalid(&event.path(field), "", detail));
    }
}

/// A series has at least two events, of which the last was seen.
fn check_series(event: &At, errors: &mut Errors) {
    let Some(series) = event.present("series") else { return };
    if series.int("count").unwrap_or_default() < 2 {
        errors.push(FieldError::invalid(&series.path("count"), "", "should be at least 2"));
    }
    errors.need(&series, "lastObservedTime");
}
