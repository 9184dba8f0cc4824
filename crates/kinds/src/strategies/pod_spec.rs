//! Rules of a pod's spec, shared by pods and by everything that holds a template of one.

mod containers;
mod defaults;
mod env;
mod handlers;
mod placement;
mod resources;
mod sandbox;
mod template;
mod volumes;

use crate::rules::{At, Errors, Read, Write, labels, quantities};

pub(super) use containers::path_without_backsteps;
pub(super) use defaults::{requests_from_limits, spec_defaults};
pub(super) use placement::{check_node_selector, check_toleration};
pub(super) use resources::{check_amount, check_name as check_resource_name, is_countable};
pub(super) use template::{
    Keeper, check_always_running, check_kept, check_match, check_template, push_mismatch,
};

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
