//! Devices and claims to them.

use super::*;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start \
     and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

fn claim(devices: Value) -> Value {
    let request = json!({ "name": "gpu", "exactly": { "deviceClassName": "gpu.example.com" } });
    json!({ "spec": { "devices": changed(json!({ "requests": [request] }), &devices) } })
}

fn asks(ask: Value) -> Value {
    let ask = changed(json!({ "deviceClassName": "gpu.example.com" }), &ask);
    claim(json!({ "requests": [{ "name": "gpu", "exactly": ask }] }))
}

#[test]
fn claims_ask_for_one_device_unless_they_say_more() {
    let check = |ask: Value, count: Value| {
        let object = created("ResourceClaim", asks(ask));
        assert_eq!(object["spec"]["devices"]["requests"][0]["exactly"]["count"], count, "{object}");
    };
    check(json!({}), json!(1));
    check(json!({ "count": 2 }), json!(2));
    check(json!({ "allocationMode": "All" }), Value::Null);
}

#[test]
fn claims_are_checked() {
    let check = |devices: Value, expect: &[&str]| check_create("ResourceClaim", claim(devices), expect);
    check(json!({}), &[]);
    check(
        json!({ "requests": [{ "name": "A" }] }),
        &[
            &format!("spec.devices.requests[0].name: Invalid value: \"A\": {LABEL}"),
            "spec.devices.requests[0]: Required value: exactly one of `exactly` or `firstAvailable` is required",
        ],
    );
    let ask = json!({ "deviceClassName": "c" });
    let both =
        json!({ "name": "a", "exactly": ask, "firstAvailable": [{ "name": "b", "deviceClassName": "c" }] });
    check(
        json!({ "requests": [both] }),
        &[
            "spec.devices.requests[0]: Invalid value: null: exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set",
        ],
    );
    let one = json!({ "name": "a", "exactly": ask });
    check(json!({ "requests": [one, one] }), &["spec.devices.requests[1]: Duplicate value: \"a\""]);
    let alternatives: Vec<Value> =
        (0..9).map(|i| json!({ "name": format!("b{i}"), "deviceClassName": "c" })).collect();
    check(
        json!({ "requests": [{ "name": "a", "firstAvailable": alternatives }] }),
        &["spec.devices.requests[0].firstAvailable: Too many: 9: must have at most 8 items"],
    );
    check(
        json!({ "constraints": [{ "requests": ["gpu", "gpu", "x"], "matchAttribute": "numa" }] }),
        &[
            "spec.devices.constraints[0].requests[2]: Invalid value: \"x\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            "spec.devices.constraints[0].requests[1]: Duplicate value: \"gpu\"",
            "spec.devices.constraints[0].matchAttribute: Invalid value: \"numa\": a fully qualified name must be a domain and a name separated by a slash",
        ],
    );
    check(
        json!({ "constraints": [{}] }),
        &[
            "spec.devices.constraints[0]: Required value: exactly one of \"matchAttribute\" or \"distinctAttribute\" is required, but multiple fields are set",
        ],
    );
    check(
        json!({ "config": [{}, { "opaque": { "driver": "d.example", "parameters": [1] } }] }),
        &[
            "spec.devices.config[0].opaque: Required value",
            "spec.devices.config[1].opaque.parameters: Invalid value: \"<value omitted>\": must be a valid JSON object",
        ],
    );
    let alternatives = json!([{ "name": "b", "deviceClassName": "c" }]);
    check(
        json!({ "requests": [{ "name": "a", "firstAvailable": alternatives }], "constraints": [{ "requests": ["a/b"], "matchAttribute": "d.example/numa" }] }),
        &[],
    );
}

#[test]
fn what_a_claim_asks_for_is_checked() {
    let check = |ask: Value, expect: &[&str]| {
        let paths: Vec<String> =
            expect.iter().map(|text| format!("spec.devices.requests[0].exactly.{text}")).collect();
        check_create("ResourceClaim", asks(ask), &paths.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({ "deviceClassName": "" }), &["deviceClassName: Required value"]);
    check(
        json!({ "allocationMode": "All", "count": 2 }),
        &["count: Invalid value: 2: must not be specified when allocationMode is 'All'"],
    );
    check(json!({ "count": -1 }), &["count: Invalid value: -1: must be greater than zero"]);
    check(
        json!({ "allocationMode": "Some" }),
        &["allocationMode: Unsupported value: \"Some\": supported values: \"All\", \"ExactCount\""],
    );
    let long = "x".repeat(10 * 1024 + 1);
    check(
        json!({ "selectors": [{}, { "cel": { "expression": long } }] }),
        &[
            "selectors[0].cel: Required value",
            "selectors[1].cel.expression: Too long: may not be more than 10240 bytes",
        ],
    );
    check(
        json!({ "tolerations": [{ "operator": "Exists", "value": "x" }, { "operator": "Is" }] }),
        &[
            "tolerations[0].value: Invalid value: \"x\": must be empty for operator `Exists`",
            "tolerations[1].operator: Unsupported value: \"Is\": supported values: \"Equal\", \"Exists\"",
        ],
    );
}

#[test]
fn claims_and_templates_stay_as_they_are() {
    let changes =
        json!({ "spec": { "devices": { "constraints": [{ "matchAttribute": "d.example/numa" }] } } });
    let new = created("ResourceClaim", changed(claim(json!({})), &changes));
    let text = format!("spec: Invalid value: {}: field is immutable", new["spec"]);
    check_update("ResourceClaim", claim(json!({})), changes, &[&text]);
    let template = json!({ "spec": claim(json!({})) });
    check_create("ResourceClaimTemplate", template.clone(), &[]);
    check_create(
        "ResourceClaimTemplate",
        changed(
            template.clone(),
            &json!({ "spec": { "metadata": { "name": "a", "labels": { "a": "b" } } } }),
        ),
        &["spec.metadata.name: Forbidden: cannot be set"],
    );
    let labels = json!({ "spec": { "metadata": { "labels": { "a": "b" } } } });
    let new = created("ResourceClaimTemplate", changed(template.clone(), &labels));
    let text = format!("spec: Invalid value: {}: field is immutable", new["spec"]);
    check_update("ResourceClaimTemplate", template, labels, &[&text]);
}

#[test]
fn device_classes_are_checked() {
    check_create("DeviceClass", json!({ "spec": { "extendedResourceName": "example.com/gpu" } }), &[]);
    check_create(
        "DeviceClass",
        json!({ "spec": { "selectors": [{ "cel": {} }], "config": [{ "opaque": {} }], "extendedResourceName": "cpu" } }),
        &[
            "spec.selectors[0].cel: Required value",
            "spec.config[0].opaque.driver: Required value",
            "spec.config[0].opaque.parameters: Required value",
            "spec.extendedResourceName: Invalid value: \"cpu\": must be a valid extended resource name",
        ],
    );
}

#[test]
fn what_a_claim_got_is_checked() {
    let got = json!({ "request": "gpu", "driver": "d.example", "pool": "p", "device": "g0" });
    let with = |results: Value| json!({ "status": { "allocation": { "devices": { "results": results } } } });
    let check = |old: Value, changes: Value, expect: &[&str]| {
        check_status("ResourceClaim", changed(claim(json!({})), &old), changes, expect);
    };
    check(json!({}), with(json!([got])), &[]);
    check(
        json!({}),
        with(json!([{ "request": "x", "driver": "d.example", "pool": "p", "device": "g0", "shareID": "1" }])),
        &[
            "status.allocation.devices.results[0].request: Invalid value: \"x\": must be the name of a request in the claim or the name of a request and a subrequest separated by '/'",
            "status.allocation.devices.results[0].shareID: Invalid value: \"1\": must be a lowercase UUID in 8-4-4-4-12 format",
        ],
    );
    check(
        with(json!([got])),
        with(json!([])),
        &["status.allocation: Invalid value: {\"devices\":{\"results\":[]}}: field is immutable"],
    );
    check(
        json!({}),
        json!({ "status": { "reservedFor": [{ "resource": "pods", "name": "a", "uid": "1" }] } }),
        &["status.reservedFor: Forbidden: may not be specified when `allocated` is not set"],
    );
    check(
        changed(with(json!([got])), &json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } })),
        json!({ "status": { "reservedFor": [{ "resource": "pods", "name": "a", "uid": "1" }, { "uid": "1" }] } }),
        &[
            "status.reservedFor[1].resource: Required value",
            "status.reservedFor[1].name: Required value",
            "status.reservedFor[1]: Duplicate value: \"1\"",
            "status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set",
        ],
    );
    let other =
        json!({ "driver": "d.example", "pool": "p", "device": "g1", "networkData": { "ips": ["x"] } });
    check(
        with(json!([got])),
        json!({ "status": { "devices": [other] } }),
        &[
            "status.devices[0].networkData.ips[0]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            "status.devices[0]: Invalid value: \"d.example/p/g1\": must be an allocated device in the claim",
        ],
    );
    check(
        json!({}),
        json!({ "status": { "allocation": { "devices": { "config": [{ "source": "x", "opaque": { "driver": "d.example", "parameters": {} } }] } } } }),
        &[
            "status.allocation.devices.config[0].source: Unsupported value: \"x\": supported values: \"FromClaim\", \"FromClass\"",
        ],
    );
}

fn slice(spec: Value) -> Value {
    let base = json!({ "driver": "d.example", "pool": { "name": "p", "generation": 1, "resourceSliceCount": 1 }, "nodeName": "n" });
    json!({ "spec": changed(base, &spec) })
}

#[test]
fn slices_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("ResourceSlice", slice(spec), expect);
    check(json!({}), &[]);
    check(
        json!({ "driver": "", "pool": { "name": "", "generation": -1, "resourceSliceCount": 0 } }),
        &[
            "spec.driver: Required value",
            "spec.pool.name: Required value",
            "spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero",
            "spec.pool.generation: Invalid value: -1: must be greater than or equal to zero",
        ],
    );
    let places =
        "exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required";
    check(json!({ "nodeName": null }), &[&format!("spec: Required value: {places}")]);
    check(
        json!({ "allNodes": true }),
        &[&format!(
            "spec: Invalid value: \"{{`nodeName`, `allNodes`}}\": {places}, but multiple fields are set"
        )],
    );
    check(
        json!({ "nodeName": "", "allNodes": false, "perDeviceNodeSelection": true }),
        &[
            "spec.nodeName: Invalid value: \"\": must be either unset or set to a non-empty string",
            "spec.allNodes: Invalid value: false: must be either unset or set to true",
        ],
    );
    check(
        json!({ "nodeName": null, "nodeSelector": { "nodeSelectorTerms": [] } }),
        &[
            "spec.nodeSelector.nodeSelectorTerms: Required value: must have at least one node selector term",
            "spec.nodeSelector.nodeSelectorTerms: Invalid value: []: must have exactly one node selector term",
        ],
    );
    check(
        json!({ "devices": [], "sharedCounters": [{ "name": "a", "counters": {} }] }),
        &[
            "spec: Invalid value: \"\": only one of `sharedCounters` or `devices` is allowed",
            "spec.sharedCounters[0].counters: Required value",
        ],
    );
    for (fields, path, value) in [
        (json!({ "pool": { "name": "q" } }), "pool.name", "\"q\""),
        (json!({ "driver": "e.example" }), "driver", "\"e.example\""),
        (json!({ "nodeName": "m" }), "nodeName", "\"m\""),
    ] {
        let text = format!("spec.{path}: Invalid value: {value}: field is immutable");
        check_update("ResourceSlice", slice(json!({})), json!({ "spec": fields }), &[&text]);
    }
}

#[test]
fn devices_are_checked() {
    let check = |device: Value, expect: &[&str]| {
        let device = changed(json!({ "name": "g0" }), &device);
        let paths: Vec<String> = expect.iter().map(|text| format!("spec.devices[0]{text}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        check_create("ResourceSlice", slice(json!({ "devices": [device] })), &paths);
    };
    check(
        json!({ "attributes": { "numa": { "int": 0 }, "d.example/driver": { "version": "1.2.3-rc.1+b" } } }),
        &[],
    );
    check(
        json!({ "attributes": { "a": {}, "b": { "int": 1, "bool": true }, "c": { "version": "1.02.3" }, "d": { "strings": [] } } }),
        &[
            ".attributes[a]: Invalid value: \"\": exactly one value must be specified",
            ".attributes[b]: Invalid value: {\"bool\":true,\"int\":1}: exactly one value must be specified",
            ".attributes[c].version: Invalid value: \"1.02.3\": must be a string compatible with semver.org spec 2.0.0",
            ".attributes[d].strings: Invalid value: []: must not be empty if specified",
        ],
    );
    check(
        json!({ "attributes": { "/a": { "int": 1 }, "a/": { "int": 1 }, "a/b/c": { "int": 1 } } }),
        &[
            ".attributes: Invalid value: \"\": the domain must not be empty",
            ".attributes: Invalid value: \"\": the name must not be empty",
            ".attributes: Invalid value: \"a/b/c\": must not contain more than one slash",
        ],
    );
    let many: Value = (0..33).map(|i| (format!("a{i}"), json!({ "int": i }))).collect::<object::Map>().into();
    check(
        json!({ "attributes": many }),
        &[": Invalid value: 33: the total number of attributes and capacities must not exceed 32"],
    );
    let policy = |policy: Value, shared: bool| json!({ "capacity": { "m": { "value": "4", "requestPolicy": policy } }, "allowMultipleAllocations": shared });
    check(
        policy(json!({}), false),
        &[".capacity[m].requestPolicy: Forbidden: allowMultipleAllocations must be true"],
    );
    check(
        policy(json!({ "validValues": ["2", "1", "5"], "default": "3" }), true),
        &[
            ".capacity[m].requestPolicy.validValues[1]: Invalid value: \"1\": values must be sorted in ascending order",
            ".capacity[m].requestPolicy.validValues[2]: Invalid value: \"5\": option is larger than capacity value: 4",
            ".capacity[m].requestPolicy.validValues: Invalid value: \"3\": default value is not valid according to the requestPolicy",
        ],
    );
    check(
        policy(json!({ "validRange": { "min": "1" } }), true),
        &[".capacity[m].requestPolicy.default: Required value: required when validRange is defined"],
    );
    check(
        policy(json!({ "validRange": { "min": "2", "max": "8", "step": "0" }, "default": "1" }), true),
        &[
            ".capacity[m].requestPolicy.validRange.default: Invalid value: \"1\": default is less than min: 2",
            ".capacity[m].requestPolicy.validRange.max: Invalid value: \"8\": max is larger than capacity value: 4",
            ".capacity[m].requestPolicy.validRange.step: Invalid value: \"0\": must be greater than zero",
        ],
    );
    check(json!({ "taints": [{ "key": "a" }] }), &[".taints[0].effect: Required value"]);
    check(
        json!({ "nodeName": "n" }),
        &[
            ": Invalid value: null: `nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec",
        ],
    );
    check(
        json!({ "bindingConditions": ["a", "a"] }),
        &[
            ".bindingConditions[1]: Duplicate value: \"a\"",
            ".bindingFailureConditions: Invalid value: null: bindingFailureConditions are required to use bindingConditions",
        ],
    );
    check(
        json!({ "consumesCounters": [{ "counterSet": "a", "counters": { "m": { "value": "1" } } }, { "counterSet": "a", "counters": { "m": { "value": "1" } } }] }),
        &[".consumesCounters[1]: Duplicate value: \"a\""],
    );
}

#[test]
fn rules_taint_devices() {
    let rule = |spec: Value| {
        let base = json!({"taint": {"key": "example.com/broken", "effect": "NoExecute"}});
        json!({"metadata": {"creationTimestamp": "2030-01-01T00:00:00Z"}, "spec": changed(base, &spec)})
    };
    let check = |spec: Value, expect: &[&str]| check_create("DeviceTaintRule", rule(spec), expect);
    check(json!({}), &[]);
    check(json!({"deviceSelector": {"driver": "gpu.example.com", "pool": "a/b", "device": "gpu-0"}}), &[]);
    check(
        json!({"deviceSelector": {"driver": "", "device": "A"}}),
        &[
            "spec.deviceSelector.driver: Required value",
            &format!("spec.deviceSelector.device: Invalid value: \"A\": {LABEL}"),
        ],
    );
    check(
        json!({"taint": {"effect": "Never"}}),
        &[
            "spec.taint.effect: Unsupported value: \"Never\": supported values: \"NoExecute\", \"NoSchedule\", \"None\"",
        ],
    );
    let made = created("DeviceTaintRule", rule(json!({})));
    assert_eq!(made["spec"]["taint"]["timeAdded"], "2030-01-01T00:00:00Z");
    let again = updated("DeviceTaintRule", rule(json!({"taint": {"value": "v"}})), &made);
    assert_eq!(again["spec"]["taint"]["timeAdded"], "2030-01-01T00:00:00Z");
    let said = created("DeviceTaintRule", rule(json!({"taint": {"timeAdded": "2029-01-01T00:00:00Z"}})));
    assert_eq!(said["spec"]["taint"]["timeAdded"], "2029-01-01T00:00:00Z");
    let conditions: Vec<Value> = (0..9)
        .map(|i| {
            json!({"type": format!("T{i}"), "status": "True", "reason": "R", "lastTransitionTime": "2030-01-01T00:00:00Z"})
        })
        .collect();
    let new = json!({"status": {"conditions": conditions}});
    let errors = row("DeviceTaintRule").strategy.validate_status(&new, &made);
    assert_eq!(texts(errors), ["status.conditions: Too many: 9: must have at most 8 items"]);
}
