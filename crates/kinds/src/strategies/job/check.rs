//! Rules of a job's spec, and of a template of one.

use object::FieldError;

use super::super::pod_spec::check_template;
use super::{INDEXED, failure, success};
use crate::rules::{At, Errors, Read};

/// Completions from which on failures must be counted with care.
pub(super) const MANY: i64 = 100_000;
/// Pods at once that are too many for so many completions.
pub(super) const MANY_AT_ONCE: i64 = 10_000;
/// The bytes that the name of a manager may have.
const MANAGER_BYTES: usize = 63;

/// Checks a job's spec.
pub(crate) fn check_spec(spec: &At, errors: &mut Errors) {
    check_manager(spec, errors);
    if spec.text("completionMode") == INDEXED {
        check_indexed(spec, errors)
    } else {
        check_plain(spec, errors)
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        let detail = "when maxFailedIndexes is specified";
        errors.push(FieldError::required(&spec.path("backoffLimitPerIndex"), detail));
    }
    if let Some(policy) = spec.present("podFailurePolicy") {
        failure::check(spec, &policy, errors);
    }
    check_replacement(spec, errors);
    check_template(&spec.field("template"), errors);
    check_restarts(spec, errors);
}

/// The name of a manager: a domain and a path.
fn check_manager(spec: &At, errors: &mut Errors) {
    let Some(manager) = spec.present("managedBy") else { return };
    let (name, at) = (spec.text("managedBy"), manager.path(""));
    match name.split_once('/') {
        _ if name.is_empty() => errors.push(FieldError::required(&at, "")),
        Some((domain, path)) if !domain.is_empty() && !path.is_empty() => {
            errors.obey(&at, domain, object::dns1123_subdomain);
            errors.obey(&at, path, object::http_path);
        }
        _ => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.push(FieldError::invalid(&at, name, detail));
        }
    }
    if name.len() > MANAGER_BYTES {
        errors.push(FieldError::too_long(&at, MANAGER_BYTES));
    }
}

/// What only jobs whose pods have an index may say.
fn check_plain(spec: &At, errors: &mut Errors) {
    for field in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
        if spec.has(field) {
            let detail = "requires indexed completion mode";
            errors.push(FieldError::invalid(&spec.path(field), spec.show(field), detail));
        }
    }
}

fn check_indexed(spec: &At, errors: &mut Errors) {
    let completions = spec.int("completions");
    if completions.is_none() {
        errors.push(FieldError::required(&spec.path("completions"), "when completion mode is Indexed"));
    }
    let detail = format!("must be less than or equal to {MANY} when completion mode is Indexed");
    errors.number(spec, "parallelism", |n| n <= MANY, &detail);
    let detail = "must be less than or equal to completions";
    errors.number(spec, "maxFailedIndexes", |n| completions.is_none_or(|all| n <= all), detail);
    let detail = format!("must be less than or equal to {MANY}");
    errors.number(spec, "maxFailedIndexes", |n| n <= MANY, &detail);
    if completions > Some(MANY) && spec.has("backoffLimitPerIndex") {
        check_many(spec, errors);
    }
    if let Some(policy) = spec.present("successPolicy") {
        success::check(spec, &policy, errors);
    }
}

fn check_many(spec: &At, errors: &mut Errors) {
    if !spec.has("maxFailedIndexes") {
        let detail = format!("must be specified when completions is above {MANY}");
        errors.push(FieldError::required(&spec.path("maxFailedIndexes"), detail));
    }
    let detail = format!(
        "must be less than or equal to {MANY_AT_ONCE} when completions are above {MANY} \
         and used with backoff limit per index"
    );
    for field in ["parallelism", "maxFailedIndexes"] {
        errors.number(spec, field, |n| n <= MANY_AT_ONCE, &detail);
    }
}

/// With a policy for failures, a pod is replaced when it has failed.
fn check_replacement(spec: &At, errors: &mut Errors) {
    let supported: &[&str] =
        if spec.has("podFailurePolicy") { &["Failed"] } else { &["Failed", "TerminatingOrFailed"] };
    errors.one_of(spec, "podReplacementPolicy", supported);
}

fn check_restarts(spec: &At, errors: &mut Errors) {
    let (at, policy) = (spec.path("template.spec.restartPolicy"), spec.text("template.spec.restartPolicy"));
    match policy {
        "" | "Always" => {
            errors.push(FieldError::required(&at, "valid values: \"OnFailure\", \"Never\""));
        }
        "OnFailure" if spec.has("podFailurePolicy") => {
            let detail = "only \"Never\" is supported when podFailurePolicy is specified";
            errors.push(FieldError::invalid(&at, policy, detail));
        }
        "OnFailure" | "Never" => {}
        _ => errors.push(FieldError::not_supported(&at, policy, &["OnFailure", "Never"])),
    }
}

/// The hostname of the last pod of a job whose pods have an index must be one.
pub(super) fn check_hostnames(job: &At, errors: &mut Errors) {
    let (name, completions) = (job.text("metadata.name"), job.int("spec.completions").unwrap_or_default());
    if job.text("spec.completionMode") != INDEXED || completions <= 0 {
        return;
    }
    let last = format!("{name}-{}", completions - 1);
    if !object::dns1123_label(&last).is_empty() {
        let detail = format!("will not able to create pod with invalid DNS label: {last}");
        errors.push(FieldError::invalid(&job.path("metadata.name"), name, detail));
    }
}
