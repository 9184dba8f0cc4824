//! Rules of cron jobs.

mod schedule;

use jiff::tz::TimeZoneDatabase;
use object::{FieldError, FieldErrors, Value};

use super::{job, pod_spec};
use crate::rules::{At, Errors, Read, Write};
use crate::{Strategy, warnings};

/// A job's name is the cron job's with a time behind it.
const NAME_BYTES: usize = 52;

/// Strategy of cron jobs.
pub(crate) struct CronJob;

impl Strategy for CronJob {
    fn default(&self, object: &mut Value) {
        if let Some(template) = object.at_mut("spec.jobTemplate.spec.template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(object), Errors::new());
        let name = root.text("metadata.name");
        if name.len() > NAME_BYTES {
            let detail = "must be no more than 52 characters";
            errors.push(FieldError::invalid(&root.path("metadata.name"), name, detail));
        }
        let spec = root.field("spec");
        check_schedule(&spec, &mut errors);
        check_time_zone(&spec, &mut errors);
        check_template(&spec.field("jobTemplate.spec"), &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let mut warnings = warnings::of_keeper_name(new, old);
        if warnings::is_changed(new, old) {
            warnings.extend(job::spec_warnings(&At::root(new).field("spec.jobTemplate.spec")));
        }
        // a new one is refused
        if old.is_some() && new.text("spec.schedule").contains("TZ") {
            let see = "https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
            let text = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead";
            warnings.push(format!("{text}, see {see}"));
        }
        warnings
    }
}

fn check_schedule(spec: &At, errors: &mut Errors) {
    let (at, text) = (spec.path("schedule"), spec.text("schedule"));
    if text.is_empty() {
        return;
    }
    if let Err(why) = schedule::check(text) {
        errors.push(FieldError::invalid(&at, text, why));
    }
    if text.contains("TZ") {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.push(FieldError::invalid(&at, text, detail));
    }
}

fn check_time_zone(spec: &At, errors: &mut Errors) {
    let (at, name) = (spec.path("timeZone"), spec.text("timeZone"));
    if !spec.has("timeZone") {
        return;
    }
    if name.is_empty() {
        let detail = "timeZone must be nil or non-empty string";
        return errors.push(FieldError::invalid(&at, name, detail));
    }
    if name.eq_ignore_ascii_case("Local") {
        let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        return errors.push(FieldError::invalid(&at, name, detail));
    }
    if !name.split('/').all(is_zone_part) || !is_zone(name) {
        errors.push(FieldError::invalid(&at, name, format!("unknown time zone {name}")));
    }
}

/// What may stand between the slashes of a time zone's name.
fn is_zone_part(part: &str) -> bool {
    let fine = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    (1..=14).contains(&part.len())
        && part.chars().all(fine)
        && !part.starts_with('-')
        && !part.starts_with('.')
}

/// Names of zones differ by case; what the machine knows of zones is of no account.
fn is_zone(name: &str) -> bool {
    TimeZoneDatabase::bundled().get(name).is_ok_and(|zone| zone.iana_name() == Some(name))
}

/// The jobs' selectors are always generated.
fn check_template(spec: &At, errors: &mut Errors) {
    job::check_spec(spec, errors);
    if spec.has("selector") {
        let detail = "`selector` will be auto-generated";
        errors.push(FieldError::invalid(&spec.path("selector"), spec.show("selector"), detail));
    }
    if spec.flag("manualSelector") {
        let at = spec.path("manualSelector");
        errors.push(FieldError::not_supported(&at, true, &["nil", "false"]));
    }
}
