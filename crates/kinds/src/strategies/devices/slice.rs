//! What a driver publishes: devices, where they are, what they share.

use object::{FieldError, Value};

use super::{allocation, names};
use crate::rules::{At, Errors, Read, quantities};
use crate::strategies::pod_spec::check_node_selector;

const MOST_DEVICES: usize = 128;
/// The same where devices have taints, counters or lists.
const MOST_RICH_DEVICES: usize = 64;
const MOST_COUNTER_SETS: usize = 8;
const MOST_COUNTERS: usize = 32;
const MOST_CONSUMED_SETS: usize = 2;
const MOST_TAINTS: usize = 16;
const MOST_PROPERTIES: usize = 32;
const MOST_VALUES: usize = 48;
const MOST_OPTIONS: usize = 10;
const LONGEST_VALUE: usize = 64;
const LISTS: [&str; 4] = ["bools", "ints", "strings", "versions"];
const PLACES: [&str; 4] = ["nodeName", "nodeSelector", "allNodes", "perDeviceNodeSelection"];
const ON_OR_ABSENT: &str = "must be either unset or set to true";

/// Checks the spec of a slice.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    names::driver(spec, "driver", errors);
    names::pool(spec, "pool.name", errors);
    errors.count(spec, "pool.resourceSliceCount", |n| n > 0, "must be greater than zero");
    errors.count(spec, "pool.generation", |n| n >= 0, "must be greater than or equal to zero");
    check_place(spec, errors);
    if spec.has("sharedCounters") && spec.has("devices") {
        let detail = "only one of `sharedCounters` or `devices` is allowed";
        errors.push(FieldError::invalid(&spec.path(""), "", detail));
    }
    check_devices(spec, errors);
    check_counter_sets(spec, errors);
}

/// All devices of a slice are reached from the same nodes, or each says from where.
fn check_place(spec: &At, errors: &mut Errors) {
    let set = places(spec, &PLACES, "must be either unset or set to a non-empty string", errors);
    if spec.has("nodeSelector") && spec.items("nodeSelector.nodeSelectorTerms").len() != 1 {
        let path = spec.path("nodeSelector.nodeSelectorTerms");
        let value = spec.show("nodeSelector.nodeSelectorTerms");
        errors.push(FieldError::invalid(&path, value, "must have exactly one node selector term"));
    }
    let detail =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    one_place(spec, &set, detail, ", but multiple fields are set", errors);
}

/// Which of `fields` say where devices are; checks each.
fn places<'f>(at: &At, fields: &[&'f str], no_name: &str, errors: &mut Errors) -> Vec<&'f str> {
    let mut set = Vec::new();
    for field in fields.iter().copied().filter(|field| at.has(field)) {
        match (field, at.at(field)) {
            ("nodeName", Value::String(name)) if name.is_empty() => {
                errors.push(FieldError::invalid(&at.path(field), "", no_name));
                continue;
            }
            ("nodeName", _) => errors.text(at, field, object::dns1123_subdomain),
            ("nodeSelector", _) => check_node_selector(&at.field(field), errors),
            (_, Value::Bool(false)) => {
                errors.push(FieldError::invalid(&at.path(field), false, ON_OR_ABSENT));
                continue;
            }
            _ => {}
        }
        set.push(field);
    }
    set
}

fn one_place(at: &At, set: &[&str], detail: &str, many: &str, errors: &mut Errors) {
    match set {
        [] => errors.push(FieldError::required(&at.path(""), detail)),
        [_] => {}
        _ => {
            let shown: Vec<String> = set.iter().map(|field| format!("`{field}`")).collect();
            let shown = format!("{{{}}}", shown.join(", "));
            errors.push(FieldError::invalid(&at.path(""), shown, format!("{detail}{many}")));
        }
    }
}

fn check_devices(spec: &At, errors: &mut Errors) {
    let rich = |device: &Value| {
        let lists =
            || device.entries("attributes").any(|(_, value)| LISTS.iter().any(|list| value.has(list)));
        !device.is_empty("taints") || !device.is_empty("consumesCounters") || lists()
    };
    let most = if spec.items("devices").iter().any(rich) { MOST_RICH_DEVICES } else { MOST_DEVICES };
    if errors.at_most(spec, "devices", most) {
        let each_says = spec.flag("perDeviceNodeSelection");
        spec.each("devices").for_each(|device| check_device(&device, each_says, errors));
        errors.distinct(spec.each("devices"), |device| device.show("name"));
    }
}

fn check_device(device: &At, each_says: bool, errors: &mut Errors) {
    names::label(device, "name", errors);
    check_sizes(device, errors);
    for (name, attribute) in device.each_entry("attributes") {
        names::qualified(&device.path("attributes"), name, errors);
        check_attribute(&attribute, errors);
    }
    for (name, capacity) in device.each_entry("capacity") {
        names::qualified(&device.path("capacity"), name, errors);
        check_capacity(&capacity, device.flag("allowMultipleAllocations"), errors);
    }
    if errors.at_most(device, "taints", MOST_TAINTS) {
        device.each("taints").for_each(|taint| check_taint(&taint, errors));
    }
    check_consumption(device, errors);
    check_device_place(device, each_says, errors);
    allocation::check_binding(device, errors);
}

fn check_sizes(device: &At, errors: &mut Errors) {
    let properties = device.entries("attributes").count() + device.entries("capacity").count();
    let of_attribute = |value: &Value| LISTS.iter().map(|list| value.items(list).len()).sum::<usize>().max(1);
    let values: usize = device.entries("attributes").map(|(_, value)| of_attribute(value)).sum();
    for (actual, most, what) in [
        (properties, MOST_PROPERTIES, "attributes and capacities"),
        (values, MOST_VALUES, "attribute values"),
    ] {
        if actual > most {
            let detail = format!("the total number of {what} must not exceed {most}");
            errors.push(FieldError::invalid(&device.path(""), actual, detail));
        }
    }
}

fn check_attribute(attribute: &At, errors: &mut Errors) {
    let set = attribute.entries("").filter(|(_, value)| !value.is_null()).count();
    if set != 1 {
        let value = if set == 0 { "".into() } else { attribute.show("") };
        errors.push(FieldError::invalid(&attribute.path(""), value, "exactly one value must be specified"));
    }
    for list in LISTS.into_iter().filter(|list| attribute.has(list) && attribute.is_empty(list)) {
        let detail = "must not be empty if specified";
        errors.push(FieldError::invalid(&attribute.path(list), attribute.show(list), detail));
    }
    let one = |field| attribute.present(field).into_iter();
    one("version").chain(attribute.each("versions")).for_each(|version| check_version(&version, errors));
    one("string").chain(attribute.each("strings")).for_each(|text| check_length(&text, errors));
}

fn check_version(version: &At, errors: &mut Errors) {
    if !names::is_version(version.as_str().unwrap_or_default()) {
        let detail = "must be a string compatible with semver.org spec 2.0.0";
        errors.push(FieldError::invalid(&version.path(""), version.show(""), detail));
    }
    check_length(version, errors);
}

fn check_length(text: &At, errors: &mut Errors) {
    if text.as_str().is_some_and(|text| text.len() > LONGEST_VALUE) {
        errors.push(FieldError::too_long(&text.path(""), LONGEST_VALUE));
    }
}

fn check_capacity(capacity: &At, shared: bool, errors: &mut Errors) {
    let Some(policy) = capacity.present("requestPolicy") else { return };
    let (values, range) = (!policy.is_empty("validValues"), policy.has("validRange"));
    if !shared {
        let detail = "allowMultipleAllocations must be true";
        errors.push(FieldError::forbidden(&policy.path(""), detail));
    } else if values && range {
        let detail = "exactly one policy can be specified, cannot specify \"validValues\" and \"validRange\" at \
                      the same time";
        errors.push(FieldError::forbidden(&policy.path(""), detail));
    } else if values {
        check_options(&policy, capacity.at("value"), errors);
    } else if range {
        check_range(&policy, capacity.at("value"), errors);
    }
}

fn needs_default(policy: &At, of: &str, errors: &mut Errors) -> bool {
    if !policy.has("default") {
        let detail = format!("required when {of} is defined");
        errors.push(FieldError::required(&policy.path("default"), detail));
    }
    policy.has("default")
}

/// Whether the first amount is more than the second.
fn more(one: &Value, other: &Value) -> bool {
    quantities::compare(one, other).is_some_and(|order| order.is_gt())
}

fn check_options(policy: &At, value: &Value, errors: &mut Errors) {
    if !needs_default(policy, "validValues", errors) {
        return;
    }
    let (options, default) = (policy.items("validValues"), policy.at("default"));
    let invalid = |at: &At, detail: String| FieldError::invalid(&at.path(""), quantities::show(at), detail);
    for (option, before) in policy.each("validValues").skip(1).zip(options) {
        if more(before, &option) {
            errors.push(invalid(&option, "values must be sorted in ascending order".to_owned()));
        }
    }
    if errors.at_most(policy, "validValues", MOST_OPTIONS) {
        for option in policy.each("validValues").filter(|option| more(option, value)) {
            let detail = format!("option is larger than capacity value: {}", quantities::show(value));
            errors.push(invalid(&option, detail));
        }
        errors.distinct(policy.each("validValues"), |option| quantities::show(option).into());
    }
    if !options.iter().any(|option| quantities::compare(option, default).is_some_and(|o| o.is_eq())) {
        let detail = "default value is not valid according to the requestPolicy";
        let path = policy.path("validValues");
        errors.push(FieldError::invalid(&path, quantities::show(default), detail));
    }
}

fn check_range(policy: &At, value: &Value, errors: &mut Errors) {
    if !needs_default(policy, "validRange", errors) {
        return;
    }
    let range = policy.field("validRange");
    let (default, min, max) = (policy.at("default"), range.at("min"), range.at("max"));
    if min.is_null() {
        let detail = "required when validRange is defined";
        return errors.push(FieldError::required(&range.path("min"), detail));
    }
    let bounds = [
        (min, value, "min", min, "min is larger than capacity value"),
        (min, default, "default", default, "default is less than min"),
        (min, max, "max", min, "min is larger than max"),
        (max, value, "max", max, "max is larger than capacity value"),
        (default, max, "default", default, "default is more than max"),
    ];
    for (one, other, field, shown, what) in bounds.into_iter().filter(|bound| more(bound.0, bound.1)) {
        let limit = if what == "default is less than min" { one } else { other };
        let detail = format!("{what}: {}", quantities::show(limit));
        errors.push(FieldError::invalid(&range.path(field), quantities::show(shown), detail));
    }
    let step = range.at("step");
    if !step.is_null() && (quantities::is_zero(step) || quantities::is_negative(step)) {
        let path = range.path("step");
        errors.push(FieldError::invalid(&path, quantities::show(step), "must be greater than zero"));
    }
}

/// Checks a taint of devices.
pub(super) fn check_taint(taint: &At, errors: &mut Errors) {
    errors.obey(&taint.path("key"), taint.text("key"), object::qualified_name);
    errors.text(taint, "value", object::label_value);
    errors.need(taint, "effect");
}

fn check_consumption(device: &At, errors: &mut Errors) {
    if errors.at_most(device, "consumesCounters", MOST_CONSUMED_SETS) {
        device.each("consumesCounters").for_each(|set| check_counters(&set, "counterSet", errors));
        errors.distinct(device.each("consumesCounters"), |set| set.show("counterSet"));
    }
}

fn check_counter_sets(spec: &At, errors: &mut Errors) {
    if errors.at_most(spec, "sharedCounters", MOST_COUNTER_SETS) {
        spec.each("sharedCounters").for_each(|set| check_counters(&set, "name", errors));
        errors.distinct(spec.each("sharedCounters"), |set| set.show("name"));
    }
}

/// Checks a set of counters; `name` is the field of the set's name.
fn check_counters(set: &At, name: &str, errors: &mut Errors) {
    if errors.need(set, name) {
        names::label(set, name, errors);
    }
    if errors.need(set, "counters") && errors.at_most(set, "counters", MOST_COUNTERS) {
        for (counter, _) in set.entries("counters") {
            errors.obey(&set.path("counters"), counter, object::dns1123_label);
        }
    }
}

fn check_device_place(device: &At, each_says: bool, errors: &mut Errors) {
    let fields = &PLACES[..3];
    if each_says {
        let set = places(device, fields, "must not be empty", errors);
        let detail = "exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when \
                      `perDeviceNodeSelection` is set to true in the ResourceSlice spec";
        one_place(device, &set, detail, "", errors);
    } else if fields.iter().any(|field| device.has(field)) {
        let detail = "`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set \
                      to true in the ResourceSlice spec";
        errors.push(FieldError::invalid(&device.path(""), Value::Null, detail));
    }
}
