//! Media types, paths and parameters.

use super::*;

#[tokio::test]
async fn media_types_that_nobody_reads() {
    let objects = "415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: \
                   application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let patches = "415 UnsupportedMediaType: the body of the request was in an unknown format - accepted media types include: \
                   application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json…";
    let accepted = "406 NotAcceptable: only the following media types are accepted: application/json, application/yaml, \
                    application/vnd.kubernetes.protobuf";
    let form = "application/x-www-form-urlencoded";
    check(vec![
        ("a form", post(MAPS, form, "a=b"), objects),
        ("YAML by another name", post(MAPS, "text/yaml", "a: b"), objects),
        ("a type that is no text", post(MAPS, "application/\u{e9}", "{}"), objects),
        ("options as a form", ask(Method::DELETE, MAP, "a=b").header("content-type", form), objects),
        ("JSON as a patch", patch(JSON, "{}"), patches),
        ("a patch of no type", ask(Method::PATCH, MAP, "{}"), patches),
        ("a patch in capitals", patch("Application/Merge-Patch+JSON", "{}"), patches),
        ("an answer in HTML", get(MAP).header("accept", "text/html"), accepted),
        ("an answer in text", get(MAP).header("accept", "text/*"), accepted),
        ("an answer nobody wants", get(MAP).header("accept", "application/json;q=0"), accepted),
        (
            "a table of long ago",
            get(MAPS).header("accept", "application/json;as=Table;g=meta.k8s.io;v=v1alpha1"),
            accepted,
        ),
        (
            "a patch that is empty",
            patch(MERGE_PATCH, ""),
            "400 BadRequest: error decoding patch: unexpected end of JSON input",
        ),
        ("a strategic one", patch(STRATEGIC_PATCH, ""), "400 BadRequest: unexpected end of JSON input"),
        (
            "a merge patch that is a list",
            patch(MERGE_PATCH, "[]"),
            "400 BadRequest: error decoding patch: json: cannot unmarshal \
            array into Go value of type map[string]interface {}",
        ),
        (
            "a strategic one",
            patch(STRATEGIC_PATCH, "[]"),
            "400 BadRequest: json: cannot unmarshal array into Go value of type \
            map[string]interface {}",
        ),
        ("a merge patch that is null", patch(MERGE_PATCH, "null"), "400 BadRequest: Invalid JSON Patch"),
        (
            "a JSON patch that is an object",
            patch(JSON_PATCH, "{}"),
            "400 BadRequest: error decoding patch: json: cannot unmarshal \
            object into Go value of type []handlers.jsonPatchOp",
        ),
        (
            "an operation that is a number",
            patch(JSON_PATCH, "[1]"),
            "400 BadRequest: error decoding patch: json: cannot unmarshal \
            number into Go value of type handlers.jsonPatchOp",
        ),
        (
            "an operation without a name",
            patch(JSON_PATCH, "[{}]"),
            "422 Invalid: the server rejected our request due to an error in our request",
        ),
    ])
    .await;
}

#[tokio::test]
async fn paths_that_lead_nowhere() {
    let nowhere = "404 NotFound: the server could not find the requested resource";
    let not_allowed = "405 MethodNotAllowed: the server does not allow this method on the requested resource";
    let long = "x".repeat(10_000);
    check(vec![
        ("an unknown page", get("/nothing"), "404"),
        ("an unknown group", get("/apis/nothing.io/v1/things"), "404"),
        ("an unknown version", get("/apis/apps/v7/deployments"), nowhere),
        ("an unknown resource", get("/api/v1/namespaces/default/things"), nowhere),
        ("an unknown subresource", get(format!("{MAP}/thing")), nowhere),
        ("a subresource below one", get(format!("{DEPLOYMENTS}/d/scale/status")), nowhere),
        ("an encoded slash", get("/api/v1/namespaces/default%2Fpods/x"), nowhere),
        ("an encoded slash in a name", get("/api/v1/namespaces/default/configmaps/m%2Fx"), nowhere),
        ("a way up", get("/api/v1/namespaces/other/../default/configmaps"), nowhere),
        ("an encoded way up", get("/api/v1/namespaces/%2e%2e/configmaps"), nowhere),
        ("nothing between slashes", get("/api/v1/namespaces//configmaps"), nowhere),
        ("two slashes", get("/api//v1/configmaps"), nowhere),
        (
            "a name that is a way up",
            get("/api/v1/namespaces/default/configmaps/.."),
            "400 BadRequest: Name parameter invalid: \"..\": may not be '..'",
        ),
        (
            "a name with a percent sign",
            ask(Method::DELETE, "/api/v1/namespaces/default/configmaps/a%25", ""),
            "400 BadRequest: Name parameter invalid: \"a%\": may not contain '%'",
        ),
        (
            "a name that is not UTF-8",
            get("/api/v1/namespaces/default/configmaps/%ff"),
            "400 BadRequest: invalid UTF-8 in the request URI: …",
        ),
        (
            "a name with NUL",
            get("/api/v1/namespaces/default/configmaps/m%00"),
            "404 NotFound: configmaps \"m\\0\" not found",
        ),
        (
            "a long name",
            get(format!("/api/v1/namespaces/default/configmaps/{long}")),
            "404 NotFound: configmaps \"xxx…",
        ),
        (
            "a long selector",
            get(format!("{MAPS}?labelSelector={long}")),
            "400 BadRequest: unable to parse requirement: key: Invalid \
            value: \"xxx…",
        ),
        ("a slash at the end", get(format!("{MAP}/")), "200"),
        ("a list that is replaced", ask(Method::PUT, MAPS, "{}"), not_allowed),
        ("a list that is patched", ask(Method::PATCH, MAPS, "{}"), not_allowed),
        ("an object that is posted to", post(MAP, JSON, "{}"), not_allowed),
        ("an unknown method", ask(Method::from_bytes(b"BREW").expect("a method"), MAP, ""), not_allowed),
        ("a page that is posted to", post("/version", JSON, "{}"), not_allowed),
    ])
    .await;
}

#[tokio::test]
async fn parameters_that_make_no_sense() {
    let list = |query: &str| get(format!("{MAPS}?{query}"));
    let options = |body: Value| ask(Method::DELETE, MAP, body.to_string()).header("content-type", JSON);
    let long = "x".repeat(129);
    check(vec![
        ("a selector with two words", list("labelSelector=a%20b"), "400 BadRequest: unable to parse requirement: found 'b', \
            expected: in, notin, =, ==, !=, gt, lt"),
        ("a selector that ends in a comma", list("labelSelector=a,"), "400 BadRequest: found '', expected: identifier after ','"),
        ("a selector with a bad key", list("labelSelector=-a%3Db"), "400 BadRequest: unable to parse requirement: key: Invalid value: \
            \"-a\": name part must consist of…"),
        ("a set that is not closed", list("labelSelector=a%20in%20(b"), "400 BadRequest: unable to parse requirement: found '', \
            expected: ',' or ')'"),
        ("a field without value", list("fieldSelector=metadata.name"), "400 BadRequest: invalid selector: 'metadata.name'; can't \
            understand 'metadata.name'"),
        ("a field that nobody selects by", list("fieldSelector=data.a%3Db"), "400 BadRequest: \"data.a\" is not a known \
            field selector: only \"metadata.name\", \"metadata.namespace\""),
        ("a limit that is no number", list("limit=many"), "400 BadRequest: strconv.ParseInt: parsing \"many\": invalid syntax"),
        ("a timeout that is no number", list("timeoutSeconds=1e9"), "400 BadRequest: strconv.ParseInt: parsing \"1e9\": invalid \
            syntax"),
        ("a revision that is no number", list("resourceVersion=new"), "400 BadRequest: …"),
        ("a page of nobody's", list("continue=%2e%2e%2f"), "400 BadRequest: invalid continue token: continue key is not valid…"),
        ("a page that is JSON of another kind", list("continue=e30"), "400 BadRequest: invalid continue token: continue key is not valid…"),
        ("a page of nobody's and a revision", list("continue=e30&resourceVersion=5"), "400 BadRequest: invalid continue token: \
            continue key is not valid…"),
        ("a revision of the future", list("resourceVersion=999999999"), "504 Timeout: Timeout: Too large resource version: 999999999, current: …"),
        ("a match of its own", list("resourceVersion=1&resourceVersionMatch=About"), "422 Invalid: ListOptions.meta.k8s.io \"\" is \
            invalid: resourceVersionMatch: Unsupported value: \"About\": supported values: \"Exact\", \"NotOlderThan\", \"\""),
        ("a trial of some kind", ask(Method::DELETE, format!("{MAP}?dryRun=Some"), ""), "422 Invalid: DeleteOptions.meta.k8s.io \"\" is \
            invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \"All\""),
        ("a validation of some kind", patch(MERGE_PATCH, "{}").with("fieldValidation=Often"), "422 Invalid: PatchOptions.meta.k8s.io \"\" \
            is invalid: fieldValidation: Unsupported value: \"Often\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""),
        ("a manager's long name", patch(MERGE_PATCH, "{}").with(&format!("fieldManager={long}")), "422 Invalid: \
            PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes"),
        ("a manager's name that rings", patch(MERGE_PATCH, "{}").with("fieldManager=%07a%c3%a9%e2%80%8b"), "422 Invalid: \
            PatchOptions.meta.k8s.io \"\" is invalid: [fieldManager: Invalid value: \"\\aaé\\u200b\": invalid character U+0007 \
            (at position 0), fieldManager: Invalid value: \"\\aaé\\u200b\": invalid character U+200B (at position 4)]"),
        ("force without apply", patch(MERGE_PATCH, "{\"data\":{\"a\":\"2\"}}").with("force=true"), "422 Invalid: \
            PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"),
        ("no force either", patch(JSON_PATCH, "[]").with("force=false"), "422 Invalid: PatchOptions.meta.k8s.io \"\" is invalid: \
            force: Forbidden: may not be specified for non-apply patch"),
        ("a policy of some kind", options(json!({"propagationPolicy": "Later"})), "422 Invalid: DeleteOptions.meta.k8s.io \"\" is \
            invalid: propagationPolicy: Unsupported value: \"Later\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""),
        ("both ways to say it", options(json!({"propagationPolicy": "Orphan", "orphanDependents": true})), "422 Invalid: \
            DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents and \
            deletionPropagation cannot be both set"),
        ("a grace period that is text", options(json!({"gracePeriodSeconds": "30"})), "400 BadRequest: json: cannot unmarshal \
            string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
        ("options that are none", ask(Method::DELETE, MAP, "{\"a\"").header("content-type", JSON), "400 BadRequest: couldn't get \
            version/kind; json parse error: unexpected end of JSON input"),
        ("options that are a list", options(json!([])), "400 BadRequest: couldn't get version/kind; json parse error: json: cannot \
            unmarshal array into Go value of type struct {…"),
        ("a pod for options", options(json!({"kind": "Pod", "apiVersion": "v1"})), "400 BadRequest: no kind \"Pod\" is \
            registered for version \"v1\""),
        ("a pod of no version", options(json!({"kind": "Pod"})), "400 BadRequest: no kind \"Pod\" is registered for version \
            \"meta.k8s.io/v1\""),
        ("options of other verbs for many", ask(Method::DELETE, MAPS, json!({"kind": "CreateOptions"}).to_string())
            .header("content-type", JSON), "400 BadRequest: no kind \"CreateOptions\" is registered for version…"),
        ("another object's UID", options(json!({"preconditions": {"uid": "u"}})), "409 Conflict: Operation cannot be fulfilled on \
            ConfigMap \"m\": the UID in the precondition (u) does not match the UID in record (…"),
    ])
    .await;
}
