//! Rules of a pod's spec, shared by pods and by everything that holds a template of one.

mod containers;
mod defaults;
mod env;
mod handlers;
mod placement;
mod resources;
mod sandbox;
mod volumes;

use object::FieldError;

use crate::rules::{At, Errors, Read, Write, labels, quantities};

pub(super) use defaults::{requests_from_limits, spec_defaults};
pub(super) use resources::check_amount;

/// The container lists of a spec, those that start first in front.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Checks a pod spec.
pub(super) fn check_spec(spec: &At, errors: &mut Errors) {
    if spec.is_null() {
        errors.need(spec, "containers");
    }
    let volumes = volumes::check(spec, errors);
    containers::check(spec, &volumes, errors);
    sandbox::check(spec, errors);
    placement::check(spec, errors);
}

/// Checks a template of a pod that a controller keeps running.
pub(super) fn check_template(template: &At, errors: &mut Errors) {
    labels::check(&template.field("metadata.labels"), errors);
    check_spec(&template.field("spec"), errors);
}

/// Checks the template and selector of a deployment or replica set.
pub(super) fn check_always_running(spec: &At, errors: &mut Errors) {
    let (selector, template) = (spec.field("selector"), spec.field("template"));
    if !spec.has("selector") {
        errors.push(FieldError::required(&selector.path(""), ""));
    } else if labels::is_empty(&selector) {
        let detail = "empty selector is invalid for deployment";
        errors.push(FieldError::invalid(&selector.path(""), selector.show(""), detail));
    } else if labels::check_selector(&selector, errors)
        && !labels::selects(&selector, template.at("metadata.labels"))
    {
        let detail = "`selector` does not match template `labels`";
        let at = template.path("metadata.labels");
        errors.push(FieldError::invalid(&at, template.show("metadata.labels"), detail));
    }
    check_template(&template, errors);
    if !template.is_empty("spec.restartPolicy") {
        errors.one_of(&template, "spec.restartPolicy", &["Always"]);
    }
    errors.forbid_present(
        &template,
        "spec.activeDeadlineSeconds",
        "activeDeadlineSeconds in ReplicaSet is not Supported",
    );
}
