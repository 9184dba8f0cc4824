//! Rules of jobs.

mod check;
mod failure;
mod indexes;
mod selector;
mod status;
mod success;
mod update;

use object::{FieldErrors, Value};

use super::pod_spec;
use crate::rules::{At, Errors, Read, Write};
use crate::{Strategy, warnings};

pub(super) use check::check_spec;

const INDEXED: &str = "Indexed";

/// Retries of a job that does not count its failures index by index.
const RETRIES: i64 = 6;

/// Strategy of jobs.
pub(crate) struct Job;

impl Strategy for Job {
    fn default(&self, job: &mut Value) {
        selector::mirror_labels(job);
        if let Some(spec) = job.at_mut("spec") {
            spec_defaults(spec);
        }
    }

    fn prepare_create(&self, job: &mut Value) {
        if job.has("spec") && !job.flag("spec.manualSelector") {
            selector::generate(job);
        }
    }

    fn validate(&self, job: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(job), Errors::new());
        selector::check(&root, &mut errors);
        check_spec(&root.field("spec"), &mut errors);
        check::check_hostnames(&root, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        update::check(new, old)
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        status::check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = warnings::of_keeper_name(new, old);
        if warnings::is_changed(new, old) {
            warnings.extend(spec_warnings(&At::root(new).field("spec")));
        }
        warnings
    }
}

fn spec_defaults(spec: &mut Value) {
    if !spec.has("completions") && !spec.has("parallelism") {
        spec.put("completions", 1);
    }
    let retries = if spec.has("backoffLimitPerIndex") { i64::from(i32::MAX) } else { RETRIES };
    let replacement = if spec.has("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    spec.put_new("parallelism", 1);
    spec.put_new("backoffLimit", retries);
    spec.put_new("completionMode", "NonIndexed");
    spec.put_new("suspend", false);
    spec.put_new("manualSelector", false);
    spec.put_new("podReplacementPolicy", replacement);
    if let Some(template) = spec.at_mut("template.spec") {
        pod_spec::spec_defaults(template);
    }
}

/// Warns of a job that may become too large to keep account of, and of its template.
pub(super) fn spec_warnings(spec: &At) -> Vec<String> {
    let count = |field| spec.int(field).unwrap_or_default();
    let vast = count("completions") > check::MANY && count("parallelism") > check::MANY_AT_ONCE;
    let mut warnings = Vec::new();
    if spec.text("completionMode") == INDEXED && vast {
        let text = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, \
                    Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
        warnings.push(format!("{}: {text}", spec.path("")));
    }
    warnings.extend(warnings::of_template(&spec.field("template")));
    warnings
}
