//! Webhooks, policies, custom resources, other servers.

use super::*;

fn hook(changes: Value) -> Value {
    let base = json!({
        "name": "a.b.example", "sideEffects": "None", "admissionReviewVersions": ["v1"],
        "clientConfig": { "url": "https://a.example/x" },
        "rules": [{ "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] }],
    });
    changed(base, &changes)
}

fn check_hook(changes: Value, expect: &[&str]) {
    let paths: Vec<String> = expect.iter().map(|text| format!("webhooks[0].{text}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    for kind in ["ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"] {
        check_create(kind, json!({ "webhooks": [hook(changes.clone())] }), &paths);
    }
}

#[test]
fn webhooks_are_checked() {
    check_hook(json!({}), &[]);
    check_hook(
        json!({ "name": "a.b" }),
        &["name: Invalid value: \"a.b\": should be a domain with at least three segments separated by dots"],
    );
    check_hook(
        json!({ "sideEffects": null, "timeoutSeconds": 31 }),
        &[
            "sideEffects: Required value: must specify one of None, NoneOnDryRun",
            "timeoutSeconds: Invalid value: 31: the timeout value must be between 1 and 30 seconds",
        ],
    );
    check_hook(
        json!({ "admissionReviewVersions": ["v2", "v2"] }),
        &[
            "admissionReviewVersions[1]: Invalid value: \"v2\": duplicate version",
            "admissionReviewVersions: Invalid value: [\"v2\",\"v2\"]: must include at least one of v1, v1beta1",
        ],
    );
    check_hook(
        json!({ "admissionReviewVersions": [] }),
        &["admissionReviewVersions: Required value: must specify one of v1, v1beta1"],
    );
    check_hook(
        json!({ "matchConditions": [{ "expression": " " }, { "name": "a", "expression": "true" }, { "name": "a", "expression": "true" }] }),
        &[
            "matchConditions[0].expression: Required value",
            "matchConditions[0].name: Required value",
            "matchConditions[2].name: Duplicate value: \"a\"",
        ],
    );
    check_create(
        "ValidatingWebhookConfiguration",
        json!({ "webhooks": [hook(json!({})), hook(json!({}))] }),
        &["webhooks[1].name: Duplicate value: \"a.b.example\""],
    );
}

#[test]
fn clients_of_webhooks_are_checked() {
    let check = |config: Value, expect: &[&str]| check_hook(json!({ "clientConfig": config }), expect);
    let form = "desired format: https://host[/path]";
    check(
        json!({ "url": null }),
        &["clientConfig: Required value: exactly one of url or service is required"],
    );
    check(
        json!({ "url": "http://u@/x?q#f" }),
        &[
            &format!(
                "clientConfig.url: Invalid value: \"http\": 'https' is the only allowed URL scheme; {form}"
            ),
            &format!("clientConfig.url: Invalid value: \"\": host must be provided; {form}"),
            "clientConfig.url: Invalid value: \"u\": user information is not permitted in the URL",
            "clientConfig.url: Invalid value: \"f\": fragments are not permitted in the URL",
            "clientConfig.url: Invalid value: \"q\": query parameters are not permitted in the URL",
        ],
    );
    check(
        json!({ "url": null, "service": { "path": "a//b", "port": 0 } }),
        &[
            "clientConfig.service.name: Required value: service name is required",
            "clientConfig.service.namespace: Required value: service namespace is required",
            "clientConfig.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
            "clientConfig.service.path: Invalid value: \"a//b\": must start with a '/'",
            "clientConfig.service.path: Invalid value: \"a//b\": segment[0] may not be empty",
            "clientConfig.service.path: Invalid value: \"a//b\": segment[1] may not be empty",
        ],
    );
}

#[test]
fn rules_of_webhooks_are_checked() {
    let check = |rule: Value, expect: &[&str]| {
        let base =
            json!({ "operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"] });
        let paths: Vec<String> = expect.iter().map(|text| format!("rules[0].{text}")).collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        check_hook(json!({ "rules": [changed(base, &rule)] }), &paths);
    };
    check(
        json!({ "operations": [], "apiGroups": [], "apiVersions": [], "resources": [] }),
        &[
            "operations: Required value",
            "apiGroups: Required value",
            "apiVersions: Required value",
            "resources: Required value",
        ],
    );
    check(
        json!({ "operations": ["*", "READ"], "apiVersions": ["v1", ""] }),
        &[
            "operations: Invalid value: [\"*\",\"READ\"]: if '*' is present, must not specify other operations",
            "operations[1]: Unsupported value: \"READ\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"DELETE\", \"UPDATE\"",
            "apiVersions[1]: Required value",
        ],
    );
    check(json!({ "resources": ["pods", "*"] }), &[]);
    check(
        json!({ "resources": ["*", "pods"] }),
        &[
            "resources: Invalid value: [\"*\",\"pods\"]: if '*' is present, must not specify other resources without subresources",
        ],
    );
    check(
        json!({ "resources": ["pods/*", "pods/log", "*/*"] }),
        &[
            "resources[1]: Invalid value: \"pods/log\": if 'pods/*' is present, must not specify pods/log",
            "resources: Invalid value: [\"pods/*\",\"pods/log\",\"*/*\"]: if '*/*' is present, must not specify other resources",
        ],
    );
}

fn policy(spec: Value) -> Value {
    let rule =
        json!({ "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] });
    let base = json!({ "matchConstraints": { "resourceRules": [rule] } });
    json!({ "metadata": { "name": "p" }, "spec": changed(base, &spec) })
}

#[test]
fn validating_policies_are_checked() {
    let check = |spec: Value, expect: &[&str]| {
        let base = json!({ "validations": [{ "expression": "true" }] });
        check_create("ValidatingAdmissionPolicy", policy(changed(base, &spec)), expect);
    };
    check(json!({}), &[]);
    let one = "Required value: validations or auditAnnotations must contain at least one item";
    check_create(
        "ValidatingAdmissionPolicy",
        json!({ "metadata": { "name": "p" }, "spec": {} }),
        &[
            "spec.matchConstraints: Required value",
            &format!("spec.validations: {one}"),
            &format!("spec.auditAnnotations: {one}"),
        ],
    );
    check(
        json!({ "matchConstraints": { "resourceRules": [] }, "paramKind": { "apiVersion": "a/" } }),
        &[
            "spec.paramKind.apiVersion: Invalid value: \"a/\": version must be specified",
            "spec.paramKind.kind: Required value",
            "spec.matchConstraints.resourceRules: Required value",
        ],
    );
    check(
        json!({ "variables": [{ "name": "in", "expression": "1" }, { "name": " " }] }),
        &[
            "spec.variables[0].name: Invalid value: \"in\": name is not a valid CEL identifier",
            "spec.variables[1].name: Required value: name is not specified",
            "spec.variables[1].expression: Required value: expression is not specified",
        ],
    );
    check(
        json!({ "validations": [{ "messageExpression": " ", "message": "a\nb", "reason": "x" }] }),
        &[
            "spec.validations[0].expression: Required value: expression is not specified",
            "spec.validations[0].messageExpression: Invalid value: \" \": must be non-empty if specified",
            "spec.validations[0].message: Invalid value: \"a\\nb\": message must not contain line breaks",
            "spec.validations[0].reason: Unsupported value: \"x\": supported values: \"Forbidden\", \"Invalid\", \"RequestEntityTooLarge\"",
        ],
    );
    check(
        json!({ "auditAnnotations": [{ "key": "a", "valueExpression": "'x'" }, { "key": "a" }] }),
        &[
            "spec.auditAnnotations[1].valueExpression: Required value: valueExpression is not specified",
            "spec.auditAnnotations[1].key: Duplicate value: \"a\"",
        ],
    );
    check_status(
        "ValidatingAdmissionPolicy",
        json!({}),
        json!({ "status": { "typeChecking": { "expressionWarnings": [{}] }, "conditions": [{ "type": "a", "status": "x" }] } }),
        &[
            "status.typeChecking.expressionWarnings[0].warning: Required value",
            "status.typeChecking.expressionWarnings[0].fieldRef: Required value",
            "status.conditions[0].status: Unsupported value: \"x\": supported values: \"False\", \"True\", \"Unknown\"",
            "status.conditions[0].lastTransitionTime: Required value: must be set",
            "status.conditions[0].reason: Required value: must be set",
        ],
    );
}

#[test]
fn mutating_policies_are_checked() {
    let check = |spec: Value, expect: &[&str]| {
        let mutation = json!({ "patchType": "JSONPatch", "jsonPatch": { "expression": "[JSONPatch{op: 'remove', path: '/a'}]" } });
        let base = json!({ "reinvocationPolicy": "Never", "mutations": [mutation] });
        check_create("MutatingAdmissionPolicy", policy(changed(base, &spec)), expect);
    };
    check(json!({}), &[]);
    check(
        json!({ "mutations": [], "reinvocationPolicy": null }),
        &[
            "spec.reinvocationPolicy: Required value",
            "spec.mutations: Required value: mutations must contain at least one item",
        ],
    );
    check(
        json!({ "mutations": [{}, { "patchType": "x" }, { "patchType": "JSONPatch", "applyConfiguration": {} }] }),
        &[
            "spec.mutations[0].patchType: Required value",
            "spec.mutations[1].patchType: Unsupported value: \"x\": supported values: \"ApplyConfiguration\", \"JSONPatch\"",
            "spec.mutations[2].applyConfiguration: Invalid value: \"{applyConfiguration}\": must not be specified when patchType is JSONPatch",
            "spec.mutations[2].jsonPatch: Required value: must be specified when patchType is JSONPatch",
        ],
    );
    let rule =
        json!({ "operations": ["DELETE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] });
    check(
        json!({ "matchConstraints": { "resourceRules": [rule] } }),
        &[
            "spec.matchConstraints.resourceRules.operations: Unsupported value: \"DELETE\": supported values: \"*\", \"CONNECT\", \"CREATE\", \"UPDATE\"",
        ],
    );
}

#[test]
fn bindings_of_policies_are_checked() {
    let check = |spec: Value, expect: &[&str]| {
        let base = json!({ "policyName": "p", "validationActions": ["Deny"] });
        check_create("ValidatingAdmissionPolicyBinding", json!({ "spec": changed(base, &spec) }), expect);
    };
    check(json!({}), &[]);
    check(
        json!({ "policyName": "", "validationActions": [] }),
        &[
            "spec.policyName: Required value",
            "spec.validationActions: Required value: at least one validation action is required",
        ],
    );
    check(
        json!({ "validationActions": ["Deny", "Warn", "Deny", "x"] }),
        &[
            "spec.validationActions[3]: Unsupported value: \"x\": supported values: \"Audit\", \"Deny\", \"Warn\"",
            "spec.validationActions[2]: Duplicate value: \"Deny\"",
            "spec.validationActions: Invalid value: [\"Deny\",\"Warn\",\"Deny\",\"x\"]: must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)",
        ],
    );
    let one = "name and selector are mutually exclusive";
    check(
        json!({ "paramRef": { "name": "a", "selector": {}, "parameterNotFoundAction": "Deny" } }),
        &[
            &format!("spec.paramRef.name: Forbidden: {one}"),
            &format!("spec.paramRef.selector: Forbidden: {one}"),
        ],
    );
    check(
        json!({ "paramRef": {} }),
        &[
            "spec.paramRef: Required value: one of name or selector must be specified",
            "spec.paramRef.parameterNotFoundAction: Required value",
        ],
    );
    check_create("MutatingAdmissionPolicyBinding", json!({ "spec": { "policyName": "p" } }), &[]);
}

pub(super) fn version(changes: Value) -> Value {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": { "size": { "type": "integer" } } } } });
    let base =
        json!({ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } });
    changed(base, &changes)
}

pub(super) fn definition(spec: Value) -> Value {
    let base = json!({
        "group": "stable.example", "scope": "Namespaced", "names": { "plural": "widgets", "kind": "Widget" },
        "versions": [version(json!({}))],
    });
    json!({ "metadata": { "name": "widgets.stable.example" }, "spec": changed(base, &spec) })
}

pub(super) fn check_definition(spec: Value, expect: &[&str]) {
    check_create("CustomResourceDefinition", definition(spec), expect);
}

#[test]
fn definitions_are_completed() {
    let check = |path: &str, expect: Value| {
        check_field("CustomResourceDefinition", definition(json!({})), path, expect);
    };
    check("spec.names.singular", json!("widget"));
    check("spec.names.listKind", json!("WidgetList"));
    check("spec.conversion.strategy", json!("None"));
    check("status.storedVersions", json!(["v1"]));
    let old = created("CustomResourceDefinition", definition(json!({})));
    let versions = json!([version(json!({ "storage": false })), version(json!({ "name": "v2" }))]);
    let new = updated(
        "CustomResourceDefinition",
        changed(old.clone(), &json!({ "spec": { "versions": versions } })),
        &old,
    );
    assert_eq!(new["status"]["storedVersions"], json!(["v1", "v2"]));
}

#[test]
fn definitions_are_checked() {
    let check = check_definition;
    check(json!({}), &[]);
    check(
        json!({ "group": "x" }),
        &[
            "metadata.name: Invalid value: \"widgets.stable.example\": must be spec.names.plural+\".\"+spec.group",
            "spec.group: Invalid value: \"x\": should be a domain with at least one dot",
        ],
    );
    check(
        json!({ "scope": "Everywhere" }),
        &["spec.scope: Unsupported value: \"Everywhere\": supported values: \"Cluster\", \"Namespaced\""],
    );
    check(
        json!({ "names": { "listKind": "Widget" } }),
        &["spec.names.listKind: Invalid value: \"Widget\": kind and listKind may not be the same"],
    );
    check(
        json!({ "preserveUnknownFields": true }),
        &[
            "spec.preserveUnknownFields: Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
        ],
    );
    let twice = json!([version(json!({})), version(json!({}))]);
    check(
        json!({ "versions": twice }),
        &[
            &format!("spec.versions: Invalid value: {twice}: must contain unique version names"),
            &format!(
                "spec.versions: Invalid value: {twice}: must have exactly one version marked as storage version"
            ),
        ],
    );
    check(
        json!({ "versions": [version(json!({ "schema": null, "deprecationWarning": "x" }))] }),
        &[
            "spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required",
            "spec.versions[0].deprecationWarning: Invalid value: \"x\": can only be set for deprecated versions",
        ],
    );
    let mut ours = definition(json!({ "group": "a.k8s.io" }));
    ours["metadata"]["name"] = json!("widgets.a.k8s.io");
    check_create(
        "CustomResourceDefinition",
        ours.clone(),
        &[
            "metadata.annotations[api-approved.kubernetes.io]: Required value: protected groups must have approval annotation \"api-approved.kubernetes.io\", see https://github.com/kubernetes/enhancements/pull/1111",
        ],
    );
    ours["metadata"]["annotations"] = json!({ "api-approved.kubernetes.io": "https://example.com/1" });
    check_create("CustomResourceDefinition", ours, &[]);
    let schema =
        json!({ "openAPIV3Schema": { "properties": { "a": { "type": "string", "format": "colour" } } } });
    check_warnings(
        "CustomResourceDefinition",
        definition(json!({ "versions": [version(json!({ "schema": schema }))] })),
        &["unrecognized format \"colour\""],
    );
}

#[test]
fn definitions_keep_what_objects_are_stored_by() {
    let check = |old: Value, changes: Value, expect: &[&str]| {
        check_update("CustomResourceDefinition", definition(old), changes, expect);
    };
    check(
        json!({}),
        json!({ "spec": { "names": { "plural": "gadgets" } } }),
        &[
            "metadata.name: Invalid value: \"widgets.stable.example\": must be spec.names.plural+\".\"+spec.group",
            "spec.names.plural: Invalid value: \"gadgets\": field is immutable",
        ],
    );
    let missing = "missing from spec.versions; v1 was previously a storage version, and must remain in spec.versions until a storage migration ensures no data remains persisted in v1 and removes v1 from status.storedVersions";
    check(
        json!({}),
        json!({ "spec": { "versions": [version(json!({ "name": "v2" }))] } }),
        &[&format!("status.storedVersions[0]: Invalid value: \"v1\": {missing}")],
    );
    let mut old = created("CustomResourceDefinition", definition(json!({})));
    old["status"]["conditions"] = json!([{ "type": "Established", "status": "True" }]);
    let new = changed(old.clone(), &json!({ "spec": { "scope": "Cluster" } }));
    assert_eq!(
        texts(row("CustomResourceDefinition").strategy.validate_update(&new, &old)),
        ["spec.scope: Invalid value: \"Cluster\": field is immutable"]
    );
}

#[test]
fn parts_of_versions_are_checked() {
    let check = |changes: Value, expect: &[&str]| {
        check_definition(json!({ "versions": [version(changes)] }), expect);
    };
    check(
        json!({ "additionalPrinterColumns": [{ "type": "x", "format": "y", "jsonPath": "a" }] }),
        &[
            "spec.additionalPrinterColumns[0].name: Required value",
            "spec.additionalPrinterColumns[0].type: Invalid value: \"x\": must be one of boolean,date,integer,number,string",
            "spec.additionalPrinterColumns[0].format: Invalid value: \"y\": must be one of byte,date,date-time,double,float,int32,int64,password",
            "spec.additionalPrinterColumns[0].JSONPath: Invalid value: \"a\": must be a simple json path starting with .",
        ],
    );
    check(
        json!({ "subresources": { "scale": { "specReplicasPath": ".a", "labelSelectorPath": ".b" } } }),
        &[
            "spec.subresources.scale.specReplicasPath: Invalid value: \".a\": should be a json path under .spec",
            "spec.subresources.scale.statusReplicasPath: Required value",
            "spec.subresources.scale.labelSelectorPath: Invalid value: \".b\": should be a json path under either .spec or .status",
        ],
    );
    check(json!({ "selectableFields": [{ "jsonPath": ".spec.size" }] }), &[]);
    check(
        json!({ "selectableFields": [{ "jsonPath": ".spec.x" }, { "jsonPath": ".spec" }] }),
        &[
            "spec.selectableFields[0].jsonPath: Invalid value: \".spec.x\": is an invalid path: does not refer to a valid field",
            "spec.selectableFields[1].jsonPath: Invalid value: \".spec\": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.",
        ],
    );
    let none =
        version(json!({ "name": "v2", "storage": false, "schema": { "openAPIV3Schema": { "type": null } } }));
    check_definition(
        json!({ "versions": [version(json!({})), none] }),
        &["spec.versions[1].schema.openAPIV3Schema.type: Required value: must not be empty at the root"],
    );
}

#[test]
fn conversions_are_checked() {
    let check = |conversion: Value, expect: &[&str]| {
        check_definition(json!({ "conversion": conversion }), expect);
    };
    check(
        json!({ "strategy": "x" }),
        &["spec.conversion.strategy: Unsupported value: \"x\": supported values: \"None\", \"Webhook\""],
    );
    check(
        json!({ "strategy": "None", "webhook": { "clientConfig": {}, "conversionReviewVersions": ["v1"] } }),
        &[
            "spec.conversion.webhookClientConfig: Forbidden: should not be set when strategy is not set to Webhook",
            "spec.conversion.conversionReviewVersions: Forbidden: should not be set when strategy is not set to Webhook",
        ],
    );
    check(
        json!({ "strategy": "Webhook" }),
        &[
            "spec.conversion.webhookClientConfig: Required value: required when strategy is set to Webhook",
            "spec.conversion.conversionReviewVersions: Required value",
        ],
    );
}

/// Checks a property `a` of the root of a schema.
pub(super) fn check_schema(property: Value, expect: &[&str]) {
    let schema = json!({ "type": "object", "properties": { "a": property } });
    let mut one = version(json!({}));
    one["schema"]["openAPIV3Schema"] = schema;
    let paths: Vec<String> =
        expect.iter().map(|text| format!("spec.validation.openAPIV3Schema.properties[a]{text}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    check_definition(json!({ "versions": [one] }), &paths);
}

#[test]
fn schemas_are_structural() {
    let check = check_schema;
    check(
        json!({ "x-kubernetes-int-or-string": true, "anyOf": [{ "type": "integer" }, { "type": "string" }] }),
        &[],
    );
    check(json!({}), &[".type: Required value: must not be empty for specified object fields"]);
    check(json!({ "type": "array" }), &[".items: Required value: must be specified"]);
    check(
        json!({ "type": "array", "items": {} }),
        &[".items.type: Required value: must not be empty for specified array items"],
    );
    check(
        json!({ "type": "object", "x-kubernetes-embedded-resource": true }),
        &[
            ".properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields",
        ],
    );
    check(
        json!({ "type": "object", "allOf": [{ "type": "object", "properties": { "b": { "minimum": 1 } } }] }),
        &[".allOf[0].type: Forbidden: must be empty to be structural"],
    );
    let root = |schema: Value, expect: &[&str]| {
        let schema = json!({ "openAPIV3Schema": schema });
        check_definition(json!({ "versions": [version(json!({ "schema": schema }))] }), expect);
    };
    root(
        json!({ "type": "array", "nullable": true }),
        &[
            "spec.validation.openAPIV3Schema.nullable: Forbidden: nullable cannot be true at the root",
            "spec.validation.openAPIV3Schema.items: Required value: must be specified",
            "spec.validation.openAPIV3Schema.type: Invalid value: \"array\": must be object at the root",
        ],
    );
    root(
        json!({ "properties": { "metadata": { "type": "object", "properties": { "labels": { "type": "object" } } } } }),
        &[
            "spec.validation.openAPIV3Schema.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified",
        ],
    );
}

#[test]
fn schemas_are_checked() {
    let check = check_schema;
    check(
        json!({ "type": "text" }),
        &[
            ".type: Unsupported value: \"text\": supported values: \"array\", \"boolean\", \"integer\", \"number\", \"object\", \"string\"",
        ],
    );
    check(
        json!({ "type": "object", "properties": { "b": { "type": "string" } }, "additionalProperties": false, "$ref": "x", "uniqueItems": true }),
        &[
            ".$ref: Forbidden: $ref is not supported",
            ".uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
            ".additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
        ],
    );
    check(
        json!({ "type": "array", "items": { "type": "object", "properties": { "k": { "type": "string" } } }, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "l"] }),
        &[
            ".x-kubernetes-list-map-keys: Invalid value: [\"k\",\"l\"]: entries must all be names of item properties",
            ".items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property",
        ],
    );
    check(
        json!({ "type": "array", "items": { "type": "object", "properties": {} }, "x-kubernetes-list-type": "set" }),
        &[
            ".items.x-kubernetes-map-type: Invalid value: null: must be atomic as item of a list with x-kubernetes-list-type=set",
        ],
    );
    check(
        json!({ "type": "string", "x-kubernetes-list-type": "bag" }),
        &[
            ".type: Invalid value: \"string\": must be array if x-kubernetes-list-type is specified",
            ".x-kubernetes-list-type: Unsupported value: \"bag\": supported values: \"atomic\", \"set\", \"map\"",
        ],
    );
    check(
        json!({ "type": "string", "x-kubernetes-validations": [{ "rule": " " }, { "rule": "true\n&& true" }, { "rule": "true", "reason": "x" }] }),
        &[
            ".x-kubernetes-validations[0].rule: Required value: rule is not specified",
            ".x-kubernetes-validations[1].message: Required value: message must be specified if rule contains line breaks",
            ".x-kubernetes-validations[2].reason: Unsupported value: \"x\": supported values: \"FieldValueDuplicate\", \"FieldValueForbidden\", \"FieldValueInvalid\", \"FieldValueRequired\"",
        ],
    );
}

fn service(spec: Value) -> Value {
    let base =
        json!({ "group": "a.example", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10 });
    json!({ "metadata": { "name": "v1.a.example", "creationTimestamp": "2026-01-01T00:00:00Z" }, "spec": changed(base, &spec) })
}

#[test]
fn api_services_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("APIService", service(spec), expect);
    check(json!({}), &[]);
    check(json!({ "service": { "namespace": "n", "name": "s" }, "insecureSkipTLSVerify": true }), &[]);
    check(
        json!({ "version": "v2", "groupPriorityMinimum": 20001, "versionPriority": 0 }),
        &[
            "metadata.name: Invalid value: \"v1.a.example\": must be `spec.version+\".\"+spec.group`: \"v2.a.example\"",
            "spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000",
            "spec.versionPriority: Invalid value: 0: must be positive and less than 1000",
        ],
    );
    check(
        json!({ "caBundle": "eHh4", "insecureSkipTLSVerify": true }),
        &[
            "spec.caBundle: Invalid value: \"3 bytes\": local APIServices may not have a caBundle",
            "spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify",
        ],
    );
    check(
        json!({ "service": { "port": 0 }, "caBundle": "eHh4", "insecureSkipTLSVerify": true }),
        &[
            "spec.service.namespace: Required value",
            "spec.service.name: Required value",
            "spec.service.port: Invalid value: 0: port is not valid: must be between 1 and 65535, inclusive",
            "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present",
        ],
    );
    let available = json!({
        "type": "Available", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z", "reason": "Local",
        "message": "Local APIServices are always available",
    });
    check_field("APIService", service(json!({})), "status.conditions", json!([available]));
    check_status(
        "APIService",
        service(json!({})),
        json!({ "status": { "conditions": [{ "status": "x" }] } }),
        &[
            "status.conditions[0].status: Unsupported value: \"x\": supported values: \"False\", \"True\", \"Unknown\"",
        ],
    );
}
