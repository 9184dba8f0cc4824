//! Flow schemas and priority levels.

use super::*;

fn schema(spec: Value) -> Value {
    let subject = json!({ "kind": "User", "user": { "name": "u" } });
    let resources = json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"], "namespaces": ["*"] });
    let base = json!({
        "matchingPrecedence": 50, "priorityLevelConfiguration": { "name": "level" },
        "rules": [{ "subjects": [subject], "resourceRules": [resources] }],
    });
    json!({ "metadata": { "name": "flow" }, "spec": changed(base, &spec) })
}

#[test]
fn flow_schemas_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("FlowSchema", schema(spec), expect);
    check(json!({}), &[]);
    check(
        json!({ "matchingPrecedence": -1 }),
        &["spec.matchingPrecedence: Invalid value: -1: must be a positive value"],
    );
    check(
        json!({ "matchingPrecedence": 10001 }),
        &["spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000"],
    );
    check(
        json!({ "matchingPrecedence": 1 }),
        &[
            "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
        ],
    );
    check(
        json!({ "distinguisherMethod": { "type": "x" }, "priorityLevelConfiguration": { "name": "" } }),
        &[
            "spec.distinguisherMethod.type: Unsupported value: {\"type\":\"x\"}: supported values: \"ByNamespace\", \"ByUser\"",
            "spec.priorityLevelConfiguration.name: Required value: must reference a priority level",
        ],
    );
    check(
        json!({ "rules": [{}] }),
        &[
            "spec.rules[0].subjects: Required value: subjects must contain at least one value",
            "spec.rules[0]: Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
        ],
    );
    let mut mandatory = schema(json!({}));
    mandatory["metadata"]["name"] = json!("exempt");
    let text =
        format!("spec: Invalid value: {}: spec of 'exempt' must equal the fixed value", mandatory["spec"]);
    check_create("FlowSchema", mandatory, &[&text]);
    check_status(
        "FlowSchema",
        json!({}),
        json!({ "status": { "conditions": [{ "type": "a" }, { "type": "a" }, {}] } }),
        &[
            "status.conditions[1].type: Duplicate value: \"a\"",
            "status.conditions[2].type: Required value: must not be empty",
        ],
    );
}

#[test]
fn rules_of_flow_schemas_are_checked() {
    let check = |rule: Value, expect: &[&str]| {
        let base = schema(json!({}))["spec"]["rules"][0].clone();
        let paths: Vec<String> = expect.iter().map(|text| format!("spec.rules[0].{text}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        check_create("FlowSchema", schema(json!({ "rules": [changed(base, &rule)] })), &paths);
    };
    check(
        json!({ "subjects": [{ "kind": "x" }, { "kind": "User", "group": { "name": "g" } }] }),
        &[
            "subjects[0].kind: Unsupported value: \"x\": supported values: \"Group\", \"ServiceAccount\", \"User\"",
            "subjects[1].user: Required value: user is required when subject kind is 'User'",
            "subjects[1].group: Forbidden: group is forbidden when subject kind is not 'Group'",
        ],
    );
    check(
        json!({ "subjects": [{ "kind": "ServiceAccount", "serviceAccount": { "name": "*" } }] }),
        &["subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account"],
    );
    let verbs = "\"create\", \"delete\", \"deletecollection\", \"get\", \"list\", \"patch\", \"proxy\", \"update\", \"watch\"";
    check(
        json!({ "resourceRules": [{ "verbs": ["x"], "apiGroups": ["*", "a"] }] }),
        &[
            &format!("resourceRules[0].verbs: Unsupported value: [\"x\"]: supported values: {verbs}"),
            "resourceRules[0].apiGroups: Invalid value: [\"*\",\"a\"]: if '*' is present, must not specify other api groups",
            "resourceRules[0].resources: Required value: resource rules must supply at least one resource",
            "resourceRules[0].namespaces: Required value: resource rules that are not cluster scoped must supply at least one namespace",
        ],
    );
    check(
        json!({ "nonResourceRules": [{ "verbs": ["get"], "nonResourceURLs": ["/a/*", "", "a", "/a b", "//", "/a*"] }] }),
        &[
            "nonResourceRules[0].nonResourceURLs[1]: Invalid value: \"\": must not be empty",
            "nonResourceRules[0].nonResourceURLs[2]: Invalid value: \"a\": must start with slash",
            "nonResourceRules[0].nonResourceURLs[3]: Invalid value: \"/a b\": must not contain white-space",
            "nonResourceRules[0].nonResourceURLs[4]: Invalid value: \"//\": must not contain double slash",
            "nonResourceRules[0].nonResourceURLs[5]: Invalid value: \"/a*\": wildcard can only do suffix matching",
        ],
    );
}

#[test]
fn priority_levels_are_checked() {
    let check = |name: &str, spec: Value, expect: &[&str]| {
        let object = json!({ "metadata": { "name": name }, "spec": spec });
        check_create("PriorityLevelConfiguration", object, expect);
    };
    let limited = |limited: Value| {
        let base = json!({ "limitResponse": { "type": "Reject" } });
        json!({ "type": "Limited", "limited": changed(base, &limited) })
    };
    check("a", limited(json!({})), &[]);
    check("exempt", json!({ "type": "Exempt", "exempt": { "lendablePercent": 50 } }), &[]);
    check("catch-all", limited(json!({ "nominalConcurrencyShares": 5 })), &[]);
    let spec =
        created("PriorityLevelConfiguration", json!({ "spec": limited(json!({})) }))["spec"].to_string();
    check(
        "catch-all",
        limited(json!({})),
        &[&format!("spec: Invalid value: {spec}: spec of 'catch-all' must equal the fixed value")],
    );
    check(
        "exempt",
        limited(json!({})),
        &[
            "spec.type: Invalid value: \"Limited\": type must be 'Exempt' if and only if name is 'exempt'",
            &format!(
                "spec: Invalid value: {spec}: spec of 'exempt' except the 'spec.exempt' field must equal the fixed value"
            ),
        ],
    );
    check(
        "a",
        json!({ "type": "x" }),
        &["spec.type: Unsupported value: \"x\": supported values: \"Exempt\", \"Limited\""],
    );
    check(
        "a",
        json!({ "type": "Limited", "exempt": {} }),
        &[
            "spec.exempt: Forbidden: must be nil if the type is Limited",
            "spec.limited: Required value: must not be empty when type is Limited",
        ],
    );
    check(
        "a",
        limited(
            json!({ "nominalConcurrencyShares": -1, "lendablePercent": 101, "borrowingLimitPercent": -1 }),
        ),
        &[
            "spec.limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
            "spec.limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
            "spec.limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
        ],
    );
    let response = |response: Value| limited(json!({ "limitResponse": response }));
    check(
        "a",
        response(json!({ "queuing": {} })),
        &[
            "spec.limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited",
        ],
    );
    check(
        "a",
        response(json!({ "type": "Queue" })),
        &[
            "spec.limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited",
        ],
    );
    let queuing = |queuing: Value| response(json!({ "type": "Queue", "queuing": queuing }));
    check("a", queuing(json!({})), &[]);
    check(
        "a",
        queuing(json!({ "queues": 512, "handSize": 8 })),
        &[
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: required entropy bits of deckSize 512 and handSize 8 should not be greater than 60",
        ],
    );
    check(
        "a",
        queuing(json!({ "queues": 4 })),
        &[
            "spec.limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)",
        ],
    );
}
