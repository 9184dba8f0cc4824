//! Rules of migrations of what is stored.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::at::TextRule;
use crate::rules::{At, Errors, Read, conditions, immutable};
use crate::strategy::METADATA;

/// Conditions of which not both may be true, and what to say where they are.
const EITHER: [(&str, &str, &str); 3] = [
    ("Succeeded", "Failed", "Both success and failed conditions cannot be true at the same time"),
    ("Succeeded", "Running", "Running condition cannot be true when success condition is true"),
    ("Failed", "Running", "Running condition cannot be true when failed condition is true"),
];
/// Conditions that stay true, and what to say where they do not.
const FINAL: [(&str, &str); 2] = [
    ("Succeeded", "Success condition cannot be set to false once it is true"),
    ("Failed", "Failed condition cannot be set to false once it is true"),
];

/// Strategy of migrations.
pub(crate) struct StorageVersionMigration;

impl Strategy for StorageVersionMigration {
    fn validate(&self, migration: &Value) -> FieldErrors {
        let (what, mut errors) = (At::root(migration).field("spec.resource"), Errors::new());
        if what.is_empty("resource") {
            let detail = "resource is required to be set";
            errors.push(FieldError::required(&what.path("resource"), detail));
        }
        for (field, rule) in
            [("resource", object::dns1035_label as TextRule), ("group", object::dns1123_subdomain)]
        {
            if !what.is_empty(field) {
                errors.obey_joined(&what.path(field), what.text(field), rule);
            }
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec"])
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        let (status, was) = (At::root(new).field("status"), At::root(old).field("status"));
        let mut errors = Errors::new();
        errors.text(&status, "resourceVersion", resource_version);
        conditions::check(&status, "conditions", &mut errors);
        if !was.is_empty("resourceVersion") {
            errors.same(&status, was.value(), "resourceVersion");
        }
        let holds = |at: &At, kind| conditions::is_true(at, "conditions", kind);
        let both = EITHER.iter().filter(|(one, other, _)| holds(&status, one) && holds(&status, other));
        let lost = FINAL.iter().filter(|(kind, _)| holds(&was, kind) && !holds(&status, kind));
        for detail in both.map(|(.., detail)| detail).chain(lost.map(|(_, detail)| detail)) {
            let (path, value) = (status.path("conditions"), status.show("conditions"));
            errors.push(FieldError::invalid(&path, value, *detail));
        }
        errors.done()
    }
}

fn resource_version(text: &str) -> Vec<String> {
    let fine = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    let wrong = || format!("resource version is not well formed: {text}");
    (!fine).then(wrong).into_iter().collect()
}
