//! What a claim got: devices, who uses them, what their drivers say.

use std::collections::HashSet;

use object::{FieldError, Value};

use super::{names, request};
use crate::rules::{At, Errors, Read, conditions};
use crate::strategies::pod_spec::check_node_selector;

const MOST_CONSUMERS: usize = 256;
const MOST_RESULTS: usize = 32;
const MOST_CONDITIONS: usize = 8;
const MOST_ADDRESSES: usize = 16;
const MOST_BINDING_CONDITIONS: usize = 4;
const LONGEST_DATA: usize = 10 * 1024;
const LONGEST_INTERFACE: usize = 256;
const LONGEST_HARDWARE_ADDRESS: usize = 128;
const SOURCES: [&str; 2] = ["FromClaim", "FromClass"];

/// Checks a new status of a claim.
pub(super) fn check(claim: &At, old: &Value, errors: &mut Errors) {
    let status = claim.field("status");
    check_consumers(&status, errors);
    check_statuses(&status, errors);
    check_reserved(claim, old, errors);
    match (status.present("allocation"), old.has("status.allocation")) {
        (Some(_), true) => errors.same(&status, old.at("status"), "allocation"),
        (Some(allocation), false) => check_allocation(&allocation, claim.at("spec.devices"), errors),
        (None, _) => {}
    }
}

fn check_consumers(status: &At, errors: &mut Errors) {
    if errors.at_most(status, "reservedFor", MOST_CONSUMERS) {
        for consumer in status.each("reservedFor") {
            for field in ["resource", "name", "uid"] {
                errors.need(&consumer, field);
            }
        }
        errors.distinct(status.each("reservedFor"), |consumer| consumer.show("uid"));
    }
}

/// Only what is allocated is used, and nobody starts to use what is to go.
fn check_reserved(claim: &At, old: &Value, errors: &mut Errors) {
    let (path, users) = (claim.path("status.reservedFor"), claim.items("status.reservedFor"));
    let known = old.items("status.reservedFor");
    if !users.is_empty() && !claim.has("status.allocation") {
        errors.push(FieldError::forbidden(&path, "may not be specified when `allocated` is not set"));
    } else if claim.has("metadata.deletionTimestamp") && users.iter().any(|user| !known.contains(user)) {
        let detail =
            "new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set";
        errors.push(FieldError::forbidden(&path, detail));
    }
}

/// A device as `driver/pool/device`, with its share where it is shared.
fn device_id(device: &Value) -> String {
    let parts = ["driver", "pool", "device", "shareID"].map(|field| device.text(field));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn check_statuses(status: &At, errors: &mut Errors) {
    let allocated: HashSet<String> =
        status.items("allocation.devices.results").iter().map(device_id).collect();
    for device in status.each("devices") {
        check_device(&device, errors);
        let id = device_id(&device);
        if !allocated.contains(&id) {
            let detail = "must be an allocated device in the claim";
            errors.push(FieldError::invalid(&device.path(""), id, detail));
        }
    }
    errors.distinct(status.each("devices"), |device| device_id(device).into());
}

fn check_device(device: &At, errors: &mut Errors) {
    check_identity(device, errors);
    if errors.at_most(device, "conditions", MOST_CONDITIONS) {
        conditions::check(device, "conditions", errors);
    }
    if device.has("data") {
        request::check_parameters(device, "data", LONGEST_DATA, errors);
    }
    check_network(&device.field("networkData"), errors);
}

fn check_identity(device: &At, errors: &mut Errors) {
    names::driver(device, "driver", errors);
    names::pool(device, "pool", errors);
    names::label(device, "device", errors);
    errors.text(device, "shareID", object::uuid);
}

fn check_network(data: &At, errors: &mut Errors) {
    let longest = [("interfaceName", LONGEST_INTERFACE), ("hardwareAddress", LONGEST_HARDWARE_ADDRESS)];
    for (field, longest) in longest {
        if data.text(field).len() > longest {
            errors.push(FieldError::too_long(&data.path(field), longest));
        }
    }
    if errors.at_most(data, "ips", MOST_ADDRESSES) {
        for address in data.each("ips") {
            errors.obey(&address.path(""), address.as_str().unwrap_or_default(), object::cidr);
        }
        errors.distinct(data.each("ips"), |address| address.show(""));
    }
}

fn check_allocation(allocation: &At, devices: &Value, errors: &mut Errors) {
    let result = allocation.field("devices");
    if errors.at_most(&result, "results", MOST_RESULTS) {
        result.each("results").for_each(|one| check_result(&one, devices, errors));
    }
    if errors.at_most(&result, "config", 2 * request::MOST_CONFIGS) {
        result.each("config").for_each(|config| check_config(&config, devices, errors));
    }
    if let Some(selector) = allocation.present("nodeSelector") {
        check_node_selector(&selector, errors);
    }
}

fn check_result(result: &At, devices: &Value, errors: &mut Errors) {
    request::check_reference(&result.path("request"), result.text("request"), devices, errors);
    check_identity(result, errors);
    check_binding(result, errors);
    result.each("tolerations").for_each(|toleration| request::check_toleration(&toleration, errors));
}

fn check_config(config: &At, devices: &Value, errors: &mut Errors) {
    if errors.need(config, "source") {
        errors.one_of(config, "source", &SOURCES);
    }
    request::check_references(config, devices, errors);
    request::check_opaque(config, errors);
}

/// Checks the conditions that a device waits for, and those that tell that it waits in vain.
pub(super) fn check_binding(device: &At, errors: &mut Errors) {
    const FIELDS: [&str; 2] = ["bindingConditions", "bindingFailureConditions"];
    for field in FIELDS {
        if !errors.at_most(device, field, MOST_BINDING_CONDITIONS) {
            return;
        }
        for kind in device.each(field) {
            errors.obey(&kind.path(""), kind.as_str().unwrap_or_default(), object::qualified_name);
        }
        errors.distinct(device.each(field), |kind| kind.show(""));
    }
    for kind in device.each(FIELDS[1]).filter(|kind| device.items(FIELDS[0]).contains(kind)) {
        let detail = "bindingFailureConditions must not overlap with bindingConditions";
        errors.push(FieldError::invalid(&kind.path(""), kind.show(""), detail));
    }
    for (field, other) in [(FIELDS[0], FIELDS[1]), (FIELDS[1], FIELDS[0])] {
        if device.is_empty(field) && !device.is_empty(other) {
            let detail = format!("{field} are required to use {other}");
            errors.push(FieldError::invalid(&device.path(field), device.show(field), detail));
        }
    }
}
