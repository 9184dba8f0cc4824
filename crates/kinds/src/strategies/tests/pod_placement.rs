//! Where pods may run, what they claim there, and what they are as hosts.

use super::*;

const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const NO_NAME: &str = "name part must be non-empty";
const VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and \
     must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for \
     validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

/// A pod with this spec, and the label `app`.
fn pod(spec: Value) -> Value {
    let good = json!({ "containers": [{ "name": "a", "image": "x" }] });
    json!({ "metadata": { "name": "p", "labels": { "app": "web" } }, "spec": changed(good, &spec) })
}

/// Checks what is wrong with the spec of a pod; the errors are those below it.
fn check(spec: Value, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|text| format!("spec.{text}")).collect();
    check_create("Pod", pod(spec), &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

/// A constraint with changes.
fn spread(changes: Value) -> Value {
    let good = json!({ "topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": { "matchLabels": { "a": "b" } } });
    json!({ "topologySpreadConstraints": [changed(good, &changes)] })
}

#[test]
fn spreading_is_checked() {
    let at = "topologySpreadConstraints[0]";
    check(spread(json!({ "minDomains": 2, "nodeTaintsPolicy": "Honor", "topologyKey": "a b" })), &[]);
    check(
        spread(
            json!({ "nodeAffinityPolicy": "X", "nodeTaintsPolicy": "Y", "maxSkew": 0, "topologyKey": "" }),
        ),
        &[
            &format!(
                "{at}.nodeAffinityPolicy: Unsupported value: \"X\": supported values: \"Honor\", \"Ignore\""
            ),
            &format!(
                "{at}.nodeTaintsPolicy: Unsupported value: \"Y\": supported values: \"Honor\", \"Ignore\""
            ),
            &format!("{at}.maxSkew: Invalid value: 0: must be greater than zero"),
            &format!("{at}.topologyKey: Required value: can not be empty"),
        ],
    );
    check(
        spread(json!({ "minDomains": 0, "whenUnsatisfiable": "ScheduleAnyway" })),
        &[
            &format!("{at}.minDomains: Invalid value: 0: must be greater than zero"),
            &format!(
                "{at}.minDomains: Invalid value: 0: can only use minDomains if whenUnsatisfiable=DoNotSchedule, not ScheduleAnyway"
            ),
        ],
    );
    let one = spread(json!({}))["topologySpreadConstraints"][0].clone();
    check(
        json!({ "topologySpreadConstraints": [one.clone(), one] }),
        &[&format!("{at}.{{topologyKey, whenUnsatisfiable}}: Duplicate value: \"{{zone, DoNotSchedule}}\"")],
    );
}

#[test]
fn keys_complete_a_selector() {
    let at = "topologySpreadConstraints[0]";
    check(spread(json!({ "matchLabelKeys": ["app"] })), &[]);
    check(
        spread(json!({ "matchLabelKeys": ["app"], "labelSelector": null })),
        &[&format!("{at}.matchLabelKeys: Forbidden: must not be specified when labelSelector is not set")],
    );
    check(
        spread(json!({ "matchLabelKeys": ["a b"] })),
        &[&format!("{at}.matchLabelKeys[0]: Invalid value: \"a b\": {NAME}")],
    );
    let named = "exists in both matchLabelKeys and labelSelector";
    let selector = json!({ "matchLabels": { "app": "web", "x": "y" } });
    check(
        spread(json!({ "matchLabelKeys": ["x", "app"], "labelSelector": selector })),
        &[&format!("{at}[1]: Invalid value: \"app\": {named}")],
    );
    let twice =
        json!({ "matchLabels": { "x": "y" }, "matchExpressions": [{ "key": "x", "operator": "Exists" }] });
    check(
        spread(json!({ "matchLabelKeys": ["x"], "labelSelector": twice })),
        &[&format!("{at}[0]: Invalid value: \"x\": {named}")],
    );
    let term = json!({ "topologyKey": "zone", "labelSelector": {}, "matchLabelKeys": ["app"], "mismatchLabelKeys": ["app"] });
    let terms = "affinity.podAffinity.preferredDuringSchedulingIgnoredDuringExecution";
    check(
        json!({ "affinity": { "podAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{ "weight": 1, "podAffinityTerm": term }] } } }),
        &[&format!(
            "{terms}[0].podAffinityTerm.matchLabelKeys[0]: Invalid value: \"app\": exists in both matchLabelKeys and mismatchLabelKeys"
        )],
    );
}

#[test]
fn affinity_to_pods_is_checked() {
    let at = "affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]";
    let check = |term: Value, expect: &[&str]| {
        let terms = json!([changed(json!({ "topologyKey": "zone" }), &term)]);
        let affinity = json!({ "requiredDuringSchedulingIgnoredDuringExecution": terms });
        check(json!({ "affinity": { "podAntiAffinity": affinity } }), expect);
    };
    check(json!({}), &[]);
    check(
        json!({ "topologyKey": "", "namespaces": ["a.b"], "mismatchLabelKeys": ["x"] }),
        &[
            &format!("{at}.namespace: Invalid value: \"a.b\": must not contain dots"),
            &format!(
                "{at}.mismatchLabelKeys: Forbidden: must not be specified when labelSelector is not set"
            ),
            &format!("{at}.topologyKey: Required value: can not be empty"),
            &format!("{at}.topologyKey: Invalid value: \"\": {NO_NAME}"),
            &format!("{at}.topologyKey: Invalid value: \"\": {NAME}"),
        ],
    );
    let selector = json!({ "matchExpressions": [{ "key": "", "operator": "Exists" }] });
    check(
        json!({ "labelSelector": selector }),
        &[
            &format!("{at}.labelSelector.matchExpressions[0].key: Invalid value: \"\": {NO_NAME}"),
            &format!("{at}.labelSelector.matchExpressions[0].key: Invalid value: \"\": {NAME}"),
        ],
    );
}

#[test]
fn affinity_to_nodes_is_checked() {
    let at = "affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]";
    let required = |term: Value| json!({ "affinity": { "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": [term] } } } });
    let preferred = |term: Value| json!({ "affinity": { "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [{ "weight": 1, "preference": term }] } } });
    let odd = json!({ "matchExpressions": [{ "key": "a", "operator": "In", "values": ["b c"] }] });
    check(preferred(odd.clone()), &[]);
    check(required(odd), &[&format!("{at}.matchExpressions[0].values[0]: Invalid value: \"b c\": {VALUE}")]);
    let field = |field: Value| required(json!({ "matchFields": [field] }));
    check(field(json!({ "key": "metadata.name", "operator": "In", "values": ["n"] })), &[]);
    check(
        field(json!({ "key": "metadata.name", "operator": "In", "values": ["N"] })),
        &[&format!("{at}.matchFields[0].values[0]: Invalid value: \"N\": {SUBDOMAIN}")],
    );
    check(
        field(json!({ "key": "spec", "operator": "Gt", "values": ["1"] })),
        &[
            &format!("{at}.matchFields[0].operator: Invalid value: \"Gt\": not a valid selector operator"),
            &format!("{at}.matchFields[0].key: Invalid value: \"spec\": not a valid field selector key"),
        ],
    );
}

#[test]
fn gates_and_tolerations_are_checked() {
    check(
        json!({ "schedulingGates": [{ "name": "" }, { "name": "a" }, { "name": "a" }] }),
        &[
            &format!("schedulingGates[0]: Invalid value: \"\": {NO_NAME}"),
            &format!("schedulingGates[0]: Invalid value: \"\": {NAME}"),
            "schedulingGates[2]: Duplicate value: \"a\"",
        ],
    );
    check(
        json!({ "tolerations": [{ "key": "a", "operator": "Exists", "value": "b" }] }),
        &["tolerations[0].operator: Invalid value: \"b\": value must be empty when `operator` is 'Exists'"],
    );
}

#[test]
fn claims_of_devices_are_checked() {
    let check = |claims: Value, expect: &[&str]| check(json!({ "resourceClaims": claims }), expect);
    check(
        json!([{ "name": "a", "resourceClaimName": "c" }, { "name": "b", "resourceClaimTemplateName": "t" }]),
        &[],
    );
    check(
        json!([{ "name": "a", "resourceClaimName": "C" }, { "name": "a", "resourceClaimName": "c" }]),
        &[
            &format!("resourceClaims[0].resourceClaimName: Invalid value: \"C\": {SUBDOMAIN}"),
            "resourceClaims[1].name: Duplicate value: \"a\"",
        ],
    );
    check(
        json!([{ "name": "" }]),
        &[
            "resourceClaims[0].name: Required value",
            "resourceClaims[0]: Invalid value: {\"name\":\"\"}: must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
        ],
    );
    check(
        json!([{ "name": "a", "resourceClaimName": "c", "resourceClaimTemplateName": "t" }]),
        &[
            "resourceClaims[0]: Invalid value: {\"name\":\"a\",\"resourceClaimName\":\"c\",\"resourceClaimTemplateName\":\"t\"}: at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
        ],
    );
}

#[test]
fn names_of_hosts_are_checked() {
    check(json!({ "hostnameOverride": "a.example" }), &[]);
    check(
        json!({ "hostnameOverride": "A!", "setHostnameAsFQDN": true, "hostNetwork": true }),
        &[
            "hostnameOverride: Forbidden: may not be specified when setHostnameAsFQDN is true",
            "hostnameOverride: Forbidden: may not be specified when hostNetwork is true",
            &format!("hostnameOverride: Invalid value: \"A!\": {SUBDOMAIN}"),
        ],
    );
    check(
        json!({ "hostnameOverride": format!("{}.example", "a".repeat(57)) }),
        &["hostnameOverride: Too long: may not be more than 64 bytes"],
    );
    let at = "dnsConfig.searches";
    let searches = |list: Value| json!({ "dnsConfig": { "searches": list } });
    check(searches(json!([".", "a.example.", "_b._tcp.a_c"])), &[]);
    let name = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and \
                must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
                '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
    for wrong in ["A B", "a_", "__a", "a..b", ""] {
        check(searches(json!([wrong])), &[&format!("{at}[0]: Invalid value: \"{wrong}\": {name}")]);
    }
    let many = vec!["a"; 33];
    check(
        searches(json!(many)),
        &[&format!("{at}: Invalid value: {}: must not have more than 32 search paths", json!(many))],
    );
    let long = vec!["a".repeat(250); 9];
    check(
        searches(json!(long)),
        &[&format!(
            "{at}: Invalid value: {}: must not have more than 2048 characters (including spaces) in the search list",
            json!(long)
        )],
    );
}

#[test]
fn users_of_a_pod_alone_go_with_nothing_of_the_node() {
    let detail = "when `hostUsers` is false";
    let device =
        json!([{ "name": "a", "image": "x", "volumeDevices": [{ "name": "c", "devicePath": "/a" }] }]);
    let volume = json!([{ "name": "c", "persistentVolumeClaim": { "claimName": "c" } }]);
    let all = json!({ "hostNetwork": true, "hostPID": true, "hostIPC": true, "containers": device, "volumes": volume });
    check(all.clone(), &[]);
    check(
        changed(all, &json!({ "hostUsers": false })),
        &[
            &format!("hostNetwork: Forbidden: {detail}"),
            &format!("HostPID: Forbidden: {detail}"),
            &format!("HostIPC: Forbidden: {detail}"),
            &format!("containers[0].volumeDevices: Forbidden: {detail}"),
        ],
    );
    check(json!({ "hostUsers": false }), &[]);
}

#[test]
fn metadata_of_templates_is_checked() {
    let template = json!({ "metadata": { "labels": { "a b": "c" }, "annotations": { "d e": "" } }, "spec": { "containers": [{ "name": "a", "image": "x" }] } });
    check_create(
        "PodTemplate",
        json!({ "template": template }),
        &[
            &format!("template.labels: Invalid value: \"a b\": {NAME}"),
            &format!("template.annotations: Invalid value: \"d e\": {NAME}"),
        ],
    );
}
