//! Rules of a pod's spec, shared by pods and by everything that holds a template of one.

mod amount_ref;
mod annotations;
mod claims;
mod containers;
mod defaults;
mod env;
mod field_ref;
mod handlers;
mod host;
mod label_keys;
mod mounts;
mod placement;
mod ports;
mod resources;
mod restarts;
mod sandbox;
mod security;
mod spread;
mod template;
mod volumes;

use crate::rules::{At, Errors, Read, Write, labels, quantities};
use containers::local_path;

pub(super) use annotations::{
    APPARMOR, MIRROR, check as check_annotations, check_match as check_profiles_match,
};
pub(super) use containers::{check_images, check_new as check_new_containers, path_without_backsteps};
pub(super) use defaults::{requests_from_limits, spec_defaults};
pub(super) use placement::{check_node_selector, check_terms_of_pod, check_toleration};
pub(super) use resources::{check_amount, check_name as check_resource_name, is_countable};
pub(super) use template::{
    Keeper, check_always_running, check_kept, check_match, check_template, push_mismatch,
};
pub(super) use volumes::check_of_pod as check_volumes_of_pod;

/// The container lists of a spec, those that start first in front.
pub(super) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Checks a pod spec.
pub(super) fn check_spec(spec: &At, errors: &mut Errors) {
    if spec.is_null() {
        errors.need(spec, "containers");
    }
    let volumes = volumes::check(spec, errors);
    claims::check(spec, errors);
    let claims = resources::names_of_claims(spec);
    containers::check(spec, &volumes, &claims, errors);
    resources::check_whole(spec, &claims, errors);
    sandbox::check(spec, errors);
    security::check_pod(spec, errors);
    placement::check(spec, errors);
    spread::check(spec, errors);
    security::check_host_process(spec, errors);
    host::check(spec, errors);
    resources::check_overhead(spec, errors);
    security::check_os(spec, errors);
    env::check_files(spec, errors);
}
