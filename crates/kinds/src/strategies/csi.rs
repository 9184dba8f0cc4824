//! Rules of what drivers of volumes say: of themselves, of nodes, and of the room that is left.

use std::collections::{HashMap, HashSet};

use object::{FieldError, FieldErrors, Value};

use super::pod_spec::check_amount;
use crate::rules::{At, Errors, Read, Write, immutable, labels};
use crate::{Strategy, warnings};

const MAX_DRIVER_NAME: usize = 63;
const MAX_NODE_ID: usize = 256;
const MODES: [&str; 2] = ["Ephemeral", "Persistent"];

/// Checks the name of a driver, if there is one: a domain, also with capitals.
pub(super) fn check_driver_name(at: &At, field: &str, errors: &mut Errors) {
    let (path, name) = (at.path(field), at.text(field));
    if name.len() > MAX_DRIVER_NAME {
        errors.push(FieldError::too_long(&path, MAX_DRIVER_NAME));
    }
    if !name.is_empty() {
        for detail in object::dns1123_subdomain(&name.to_lowercase()) {
            errors.push(FieldError::invalid(&path, name, detail));
        }
    }
}

/// Strategy of drivers.
pub(crate) struct CsiDriver;

impl Strategy for CsiDriver {
    fn validate(&self, driver: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(driver).field("spec"), Errors::new());
        check_token_requests(&spec, &mut errors);
        for mode in spec.items("volumeLifecycleModes").iter().filter(|mode| !MODES.contains(&mode.text(""))) {
            let path = spec.path("volumeLifecycleModes");
            errors.push(FieldError::not_supported(&path, mode.clone(), &MODES));
        }
        let detail = "must be greater than or equal to 10 seconds";
        errors.number(&spec, "nodeAllocatableUpdatePeriodSeconds", |n| n >= 10, detail);
        if spec.has("serviceAccountTokenInSecrets") && spec.is_empty("tokenRequests") {
            let (path, value) =
                (spec.path("serviceAccountTokenInSecrets"), spec.show("serviceAccountTokenInSecrets"));
            let detail = "serviceAccountTokenInSecrets is set but no tokenRequests are specified";
            errors.push(FieldError::invalid(&path, value, detail));
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, was, mut errors) = (At::root(new).field("spec"), old.at("spec"), Errors::new());
        if spec.at("attachRequired") != was.at("attachRequired") {
            let path = spec.path("attachedRequired");
            errors.push(FieldError::invalid(&path, spec.show("attachRequired"), "field is immutable"));
        }
        errors.same(&spec, was, "volumeLifecycleModes");
        errors.done()
    }
}

/// Tokens are for different audiences, and last.
fn check_token_requests(spec: &At, errors: &mut Errors) {
    let mut audiences = HashSet::new();
    for request in spec.each("tokenRequests") {
        let audience = request.value().text("audience");
        if !audiences.insert(audience) {
            errors.push(FieldError::duplicate(&request.path("audience"), audience));
            continue;
        }
        let short = "may not specify a duration less than 10 minutes";
        errors.number(&request, "expirationSeconds", |seconds| seconds >= 600, short);
        let long = "may not specify a duration larger than 2^32 seconds";
        errors.number(&request, "expirationSeconds", |seconds| seconds <= 1 << 32, long);
    }
}

/// Strategy of what drivers say of nodes.
pub(crate) struct CsiNode;

impl Strategy for CsiNode {
    fn validate(&self, node: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(node).field("spec"), Errors::new());
        errors.unique(spec.each("drivers"), "name");
        for driver in spec.each("drivers") {
            check_driver_name(&driver, "name", &mut errors);
            if driver.text("nodeID").len() > MAX_NODE_ID {
                let (path, detail) = (driver.path("nodeID"), "must be 256 characters or less");
                errors.push(FieldError::invalid(&path, driver.text("nodeID"), detail));
            }
            check_topology_keys(&driver, &mut errors);
        }
        errors.done()
    }

    /// A driver may come, go and have other room, but not change.
    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(new).field("spec"), Errors::new());
        let before: HashMap<_, _> =
            old.items("spec.drivers").iter().map(|was| (was.text("name"), was)).collect();
        for driver in spec.items("drivers") {
            let Some(was) = before.get(driver.text("name")) else { continue };
            let (driver, was) = (without_room(driver), without_room(was));
            if !object::alike(&driver, &was) {
                errors.push(FieldError::invalid(&spec.path("drivers"), driver, "field is immutable"));
            }
        }
        errors.done()
    }
}

fn without_room(driver: &Value) -> Value {
    let mut driver = driver.clone();
    driver.remove("allocatable");
    driver
}

fn check_topology_keys(driver: &At, errors: &mut Errors) {
    let (path, mut seen) = (driver.path(""), HashSet::new());
    for key in driver.items("topologyKeys").iter().map(|key| key.text("")) {
        if key.is_empty() {
            errors.push(FieldError::required(&path, ""));
        }
        if !seen.insert(key) {
            errors.push(FieldError::duplicate(&path, key));
        }
        errors.obey(&path, key, object::qualified_name);
    }
}

/// Strategy of the room that is left.
pub(crate) struct CsiStorageCapacity;

impl Strategy for CsiStorageCapacity {
    fn validate(&self, capacity: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(capacity), Errors::new());
        labels::check_selector(&root.field("nodeTopology"), &mut errors);
        let class = root.text("storageClassName");
        errors.obey(&root.path("storageClassName"), class, object::dns1123_subdomain);
        check_amount(&root.field("capacity"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["nodeTopology", "storageClassName"])
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        warnings::node_selector(&At::root(new).field("nodeTopology"))
    }
}
