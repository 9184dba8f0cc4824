//! Rules of deployments.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::pod_spec;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, share};

/// Strategy of deployments.
pub(crate) struct Deployment;

impl Strategy for Deployment {
    fn default(&self, object: &mut Value) {
        let Some(spec) = object.at_mut("spec") else { return };
        spec.put_new("strategy.type", "RollingUpdate");
        if spec.text("strategy.type") == "RollingUpdate" {
            spec.put_new("strategy.rollingUpdate", json!({}));
            spec.put_new("strategy.rollingUpdate.maxUnavailable", "25%");
            spec.put_new("strategy.rollingUpdate.maxSurge", "25%");
        }
        if let Some(template) = spec.at_mut("template.spec") {
            pod_spec::spec_defaults(template);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(object).field("spec"), Errors::new());
        pod_spec::check_always_running(&spec, &mut errors);
        if let Some(strategy) = spec.present("strategy") {
            check_strategy(&strategy, &mut errors);
        }
        check_deadline(&spec, &mut errors);
        errors.done()
    }
}

fn check_strategy(strategy: &At, errors: &mut Errors) {
    if strategy.text("type") == "Recreate" {
        let detail = "may not be specified when strategy `type` is 'Recreate'";
        return errors.forbid_present(strategy, "rollingUpdate", detail);
    }
    let rolling = strategy.field("rollingUpdate");
    share::check(&rolling, "maxUnavailable", errors);
    share::check(&rolling, "maxSurge", errors);
    if share::is_zero(rolling.at("maxUnavailable")) && share::is_zero(rolling.at("maxSurge")) {
        let (at, value) = (rolling.path("maxUnavailable"), rolling.show("maxUnavailable"));
        errors.push(FieldError::invalid(&at, value, "may not be 0 when `maxSurge` is 0"));
    }
}

fn check_deadline(spec: &At, errors: &mut Errors) {
    let ready = spec.int("minReadySeconds").unwrap_or_default();
    let detail = "must be greater than minReadySeconds";
    errors.number(spec, "progressDeadlineSeconds", |deadline| deadline > ready, detail);
}
