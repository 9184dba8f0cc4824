//! Expressions of policies, webhooks, selectors of devices and schemas: what they may name, and what they must be.

use object::Value;
use serde_json::json;

use super::check_create;

/// What is said of an expression that names what is not there.
fn undeclared(expression: &str, name: &str) -> String {
    let at = expression.find(name).expect("the name is in the expression");
    let mark = ".".repeat(at);
    format!(
        "compilation failed: ERROR: <input>:1:{}: undeclared reference to '{name}' (in container '')\n | {expression}\n | \
         {mark}^",
        at + 1
    )
}

/// Checks what is wrong with an object; each error is the rest of a path below `at`.
fn check(kind: &str, object: Value, at: &str, expect: &[&str]) {
    let expect: Vec<String> = expect.iter().map(|error| format!("{at}{error}")).collect();
    check_create(kind, object, &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

fn policy(kind: &str, spec: Value, expect: &[&str]) {
    let rule =
        json!({ "operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"] });
    let base = json!({ "matchConstraints": { "resourceRules": [rule] } });
    let policy = json!({ "metadata": { "name": "p" }, "spec": super::changed(base, &spec) });
    check(kind, policy, "spec.", expect);
}

fn validating(spec: Value, expect: &[&str]) {
    let base = json!({ "validations": [{ "expression": "true" }] });
    policy("ValidatingAdmissionPolicy", super::changed(base, &spec), expect);
}

#[test]
fn policies_name_the_request_and_its_objects() {
    for expression in [
        "object.spec.replicas <= 5 && oldObject == null",
        "request.userInfo.groups.exists(g, g == 'admins') && request.operation in ['CREATE', 'UPDATE']",
        "!has(request.dryRun) || request.kind.group == '' && request.requestResource.resource != 'pods'",
        "namespaceObject.metadata.labels.exists(k, k.startsWith('team')) && namespaceObject.status.phase == 'Active'",
        "authorizer.group('apps').resource('deployments').namespace('a').check('create').allowed()",
        "authorizer.requestResource.check('custom').reason() == ''",
        "authorizer.serviceAccount('a', 'b').path('/healthz').check('get').allowed()",
        "object.spec.containers.all(c, quantity(c.resources.limits.memory).isLessThan(quantity('1Gi')))",
    ] {
        validating(json!({ "validations": [{ "expression": expression }] }), &[]);
        validating(json!({ "matchConditions": [{ "name": "a", "expression": expression }] }), &[]);
        let hook = json!({ "name": "a.b.c", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                           "clientConfig": { "url": "https://a" },
                           "matchConditions": [{ "name": "a", "expression": expression }] });
        check("MutatingWebhookConfiguration", json!({ "webhooks": [hook] }), "", &[]);
    }
    let check = |expression: &str, error: &str| {
        validating(
            json!({ "validations": [{ "expression": expression }] }),
            &[&format!("validations[0].expression: Invalid value: {expression:?}: {error}")],
        );
    };
    check("object.spec.replicas", "must evaluate to bool but got dyn");
    check("[1]", "must evaluate to bool but got list(int)");
    check("params.max > 1", &undeclared("params.max > 1", "params"));
    check(
        "variables.a",
        "compilation failed: ERROR: <input>:1:10: undefined field 'a'\n | variables.a\n | .........^",
    );
    check(
        "request.object == null",
        "compilation failed: ERROR: <input>:1:8: undefined field 'object'\n | request.object == null\n | .......^",
    );
}

#[test]
fn policies_have_parameters_where_they_say_of_which_kind() {
    let kind = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
    let validations =
        json!([{ "expression": "params.data.max == '1'", "messageExpression": "params.data.why + ''" }]);
    validating(json!({ "paramKind": kind, "validations": validations }), &[]);
}

#[test]
fn variables_follow_one_another() {
    let variables = json!([
        { "name": "names", "expression": "object.spec.containers.map(c, string(c.name))" },
        { "name": "first", "expression": "variables.names[0]" },
        { "name": "wrong", "expression": "variables.later" },
        { "name": "later", "expression": "1" },
    ]);
    let validations = json!([
        { "expression": "variables.first.startsWith('a') && variables.later == 1 && variables.wrong" },
        { "expression": "variables.first == 1" },
    ]);
    validating(
        json!({ "variables": variables, "validations": validations }),
        &[
            "variables[2].expression: Invalid value: \"variables.later\": compilation failed: ERROR: <input>:1:10: \
             undefined field 'later'\n | variables.later\n | .........^",
            "validations[1].expression: Invalid value: \"variables.first == 1\": compilation failed: ERROR: \
             <input>:1:17: found no matching overload for '_==_' applied to '(string, int)'\n | variables.first == 1\n | \
             ................^",
        ],
    );
}

#[test]
fn messages_are_texts_and_ask_nobody_for_leave() {
    let check = |message: &str, error: &str| {
        validating(
            json!({ "validations": [{ "expression": "true", "messageExpression": message }] }),
            &[&format!("validations[0].messageExpression: Invalid value: {message:?}: {error}")],
        );
    };
    check("1", "must evaluate to string but got int");
    let message = "authorizer.path('/').check('get').reason()";
    check(message, &undeclared(message, "authorizer"));
    let annotation = |value: &str| json!({ "auditAnnotations": [{ "key": "a", "valueExpression": value }] });
    validating(annotation("object.kind == 'Pod' ? 'pod' : string(1)"), &[]);
    validating(annotation("null"), &[]);
    validating(
        annotation("1"),
        &[
            "auditAnnotations[0].valueExpression: Invalid value: \"1\": must evaluate to one of [string null_type] but got int",
        ],
    );
}

#[test]
fn policies_that_change_make_objects_or_patches() {
    let check = |mutation: Value, expect: &[&str]| {
        let spec = json!({ "reinvocationPolicy": "Never", "mutations": [mutation] });
        policy("MutatingAdmissionPolicy", spec, expect);
    };
    let apply = |expression: &str| json!({ "patchType": "ApplyConfiguration", "applyConfiguration": { "expression": expression } });
    let patch =
        |expression: &str| json!({ "patchType": "JSONPatch", "jsonPatch": { "expression": expression } });
    check(apply("Object{metadata: Object.metadata{labels: Object.metadata.labels{env: 'test'}}}"), &[]);
    check(
        patch(
            "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), value: \
             object.metadata.name}]",
        ),
        &[],
    );
    check(
        apply("object"),
        &[
            "mutations[0].applyConfiguration.expression: Invalid value: \"object\": must evaluate to Object but got dyn",
        ],
    );
    check(
        patch("['a']"),
        &[
            "mutations[0].jsonPatch.expression: Invalid value: \"['a']\": must evaluate to list(JSONPatch) but got list(string)",
        ],
    );
}

#[test]
fn selectors_choose_devices() {
    let check = |expression: &str, expect: &[&str]| {
        let class = json!({ "metadata": { "name": "a" },
                            "spec": { "selectors": [{ "cel": { "expression": expression } }] } });
        check("DeviceClass", class, "spec.selectors[0].cel.expression: Invalid value: ", expect);
    };
    for expression in [
        "device.driver == 'gpu.example.com' && device.attributes['gpu.example.com'].model == 'a'",
        "device.capacity['gpu.example.com'].memory.compareTo(quantity('8Gi')) >= 0",
        "cel.bind(gpu, device.attributes['gpu.example.com'], gpu.fast && semver('1.0.0').isLessThan(gpu.version))",
        "device.attributes['gpu.example.com'].fast",
        "device.allowMultipleAllocations",
    ] {
        check(expression, &[]);
    }
    check("device.driver", &["\"device.driver\": must evaluate to bool or the unknown type, not string"]);
    check(
        "device.name == 'a'",
        &[
            "\"device.name == 'a'\": compilation failed: ERROR: <input>:1:7: undefined field 'name'\n | device.name == \
           'a'\n | ......^",
        ],
    );
    check("object.a", &[&format!("\"object.a\": {}", undeclared("object.a", "object"))]);
}

/// Checks rules of a property `a`, each error below the property's path.
fn rules(property: Value, expect: &[&str]) {
    let schema = json!({ "type": "object", "properties": { "a": property } });
    let definition = json!({
        "metadata": { "name": "widgets.stable.example" },
        "spec": {
            "group": "stable.example", "scope": "Namespaced",
            "names": { "plural": "widgets", "kind": "Widget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    check("CustomResourceDefinition", definition, "spec.validation.openAPIV3Schema.properties[a]", expect);
}

fn ruled(mut schema: Value, rule: &str) -> Value {
    schema["x-kubernetes-validations"] = json!([{ "rule": rule, "message": "no" }]);
    schema
}

#[test]
fn rules_of_a_schema_know_what_it_describes() {
    let object = json!({ "type": "object", "properties": {
        "min": { "type": "integer" }, "max": { "type": "integer" }, "share": { "type": "number" },
        "names": { "type": "array", "items": { "type": "string" } },
        "ports": { "type": "object", "additionalProperties": {
            "type": "object", "properties": { "port": { "x-kubernetes-int-or-string": true } } } },
        "until": { "type": "string", "format": "date-time" }, "every": { "type": "string", "format": "duration" },
        "raw": { "type": "string", "format": "byte" },
        "namespace": { "type": "string" }, "a-b.c/d__e": { "type": "boolean" }, "1st": { "type": "string" },
        "any": { "x-kubernetes-preserve-unknown-fields": true },
        "pod": { "type": "object", "x-kubernetes-embedded-resource": true,
                 "x-kubernetes-preserve-unknown-fields": true },
    } });
    for rule in [
        "self.min <= self.max && self.share < 0.5",
        "self.names.all(n, n.startsWith('a')) && size(self.names) < 3",
        "self.ports.all(k, self.ports[k].port == 1 || self.ports[k].port == 'http')",
        "self.until > timestamp('2024-01-01T00:00:00Z') && self.every < duration('1h') && self.raw == b'a'",
        "self.__namespace__ == 'a' && self.a__dash__b__dot__c__slash__d__underscores__e",
        "has(self.pod.metadata.name) && self.pod.kind == 'Pod'",
        "self == oldSelf",
    ] {
        rules(ruled(object.clone(), rule), &[]);
    }
    let wrong = |rule: &str, error: &str| {
        let shown = json!({ "message": "no", "rule": rule });
        rules(
            ruled(object.clone(), rule),
            &[&format!(".x-kubernetes-validations[0].rule: Invalid value: {shown}: {error}")],
        );
    };
    wrong("self.min", "cel expression must evaluate to a bool");
    wrong("other", &undeclared("other", "other"));
    for (rule, field, at) in [("self.any == 1", "any", 5), ("self.pod.spec == 1", "spec", 9)] {
        let mark = ".".repeat(at - 1);
        wrong(
            rule,
            &format!(
                "compilation failed: ERROR: <input>:1:{at}: undefined field '{field}'\n | {rule}\n | {mark}^"
            ),
        );
    }
}

#[test]
fn rules_at_the_root_know_the_names_of_the_object() {
    let schema =
        ruled(json!({ "type": "object" }), "self.metadata.name.startsWith('a') && self.kind == 'Widget'");
    let definition = json!({
        "metadata": { "name": "widgets.stable.example" },
        "spec": {
            "group": "stable.example", "scope": "Namespaced",
            "names": { "plural": "widgets", "kind": "Widget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }],
        },
    });
    check_create("CustomResourceDefinition", definition, &[]);
}

#[test]
fn what_was_before_is_known_only_where_it_can_be_found() {
    let list = |kind: Option<&str>| {
        let item = ruled(
            json!({ "type": "object", "properties": { "k": { "type": "string" } }, "required": ["k"] }),
            "self == oldSelf",
        );
        let mut list = json!({ "type": "array", "items": item });
        if let Some(kind) = kind {
            list["x-kubernetes-list-type"] = json!(kind);
            list["x-kubernetes-list-map-keys"] = json!(["k"]);
        }
        list
    };
    rules(list(Some("map")), &[]);
    rules(
        list(None),
        &[
            ".items.x-kubernetes-validations[0].rule: Invalid value: \"self == oldSelf\": oldSelf cannot be used on the \
           uncorrelatable portion of the schema within spec.validation.openAPIV3Schema.properties[a]",
        ],
    );
    let mut first = ruled(json!({ "type": "string" }), "!oldSelf.hasValue() || self == oldSelf.value()");
    first["x-kubernetes-validations"][0]["optionalOldSelf"] = json!(true);
    rules(first, &[]);
}

#[test]
fn messages_of_rules_are_texts() {
    let rule = |message: &str| json!({ "type": "string", "x-kubernetes-validations": [{ "rule": "self != ''", "messageExpression": message }] });
    rules(rule("'not ' + self"), &[]);
    rules(
        rule("1"),
        &[".x-kubernetes-validations[0].messageExpression: Invalid value: \
           {\"messageExpression\":\"1\",\"rule\":\"self != ''\"}: messageExpression must evaluate to a string"],
    );
}
