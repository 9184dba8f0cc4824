//! Rules of deployments.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::pod_spec::{self, Keeper};
use crate::rules::{At, Counts, Errors, Read, Write, share};
use crate::{Strategy, warnings};

/// What both deployments and their replica sets say.
pub(super) const KEEPER: Keeper =
    Keeper { selector: "deployment", malformed: Some("invalid label selector"), kind: "ReplicaSet" };

const MORE_THAN_ALL: &str = "cannot be greater than status.replicas";

const COUNTS: Counts = Counts {
    natural: &[
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ],
    parts: &[
        ("updatedReplicas", "replicas", MORE_THAN_ALL),
        ("readyReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "replicas", MORE_THAN_ALL),
        ("availableReplicas", "readyReplicas", "cannot be greater than readyReplicas"),
    ],
    growing: &["collisionCount"],
};

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

    /// A new note on a deployment is a new state of it too.
    fn prepare_update(&self, new: &mut Value, old: &Value) {
        let notes = "metadata.annotations";
        if !object::alike(new.at(notes), old.at(notes)) {
            let generation = old.int("metadata.generation").unwrap_or_default();
            new.put("metadata.generation", generation + 1);
        }
    }

    fn validate(&self, object: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(object).field("spec"), Errors::new());
        pod_spec::check_always_running(&spec, &KEEPER, &mut errors);
        if let Some(strategy) = spec.present("strategy") {
            check_strategy(&strategy, &mut errors);
        }
        check_deadline(&spec, &mut errors);
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        &["metadata.labels"]
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        COUNTS.check(new, old)
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        warnings::of_keeper(new, old, "spec.template")
    }
}

fn check_strategy(strategy: &At, errors: &mut Errors) {
    match strategy.text("type") {
        "Recreate" => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            errors.forbid_present(strategy, "rollingUpdate", detail);
        }
        "RollingUpdate" => check_rolling(&strategy.field("rollingUpdate"), errors),
        _ => {}
    }
}

fn check_rolling(rolling: &At, errors: &mut Errors) {
    share::check(rolling, "maxUnavailable", errors);
    share::check_open(rolling, "maxSurge", errors);
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
