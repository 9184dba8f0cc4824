//! Bodies: what is no document, too much, or something else than it should be.

use super::*;

#[tokio::test]
async fn bodies_that_are_no_documents() {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", "));
    }
    let unrecognized = |rest: &str| format!("{UNRECOGNIZED}{rest}");
    let json = |rest: &str| {
        unrecognized(&format!("ConfigMap): couldn't get version/kind; json parse error: {rest}"))
    };
    let other = |rest: &str| unrecognized(&format!("ConfigMap): {rest}"));
    let schema = (0..200).fold(json!({}), |inner, _| json!({ "not": inner }));
    let definition = json!({"spec": {"versions": [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]}});
    let raw = object::encode_proto(
        &kinds::schema_by_kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition").expect("a schema"),
        &definition,
    );
    let nested = wrap_unknown("apiextensions.k8s.io/v1", "CustomResourceDefinition", &raw);
    let groups = wrap_unknown("v1", "ConfigMap", &[0x0b].repeat(10_000));
    let gzip = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00";
    let text = |rest: String| -> &'static str { rest.leak() };
    check(vec![
        ("no body", post(MAPS, JSON, ""), text(json("unexpected end of JSON input (<empty>)"))),
        ("a body cut short", post(MAPS, JSON, "{\"kind\":"), text(json("unexpected end of JSON input ({\"kind\":)"))),
        ("text behind it", post(MAPS, JSON, map_with("{}") + " x"), text(json(
            "invalid character 'x' after top-level value ({\"apiVersion\":\"v1\",\"kind\":\"Con ...)"))),
        ("a byte order mark", post(MAPS, JSON, "\u{feff}{}"), text(json(
            "invalid character 'ï' looking for beginning of value (efbbbf7b7d)"))),
        ("NUL bytes", post(MAPS, JSON, "\0{}"), text(json(
            "invalid character '\\x00' looking for beginning of value (007b7d)"))),
        ("a word of Python's", post(MAPS, JSON, "{\"data\": True}"), text(json(
            "invalid character 'T' looking for beginning of value ({\"data\": True})"))),
        ("not UTF-8", post(MAPS, JSON, &b"{\"kind\":\"\xff\"}"[..]), text(json("invalid unicode code point…"))),
        ("half a surrogate", post(MAPS, JSON, map_with("{\"a\":\"\\ud800\"}")), text(json("…"))),
        ("deep lists", post(MAPS, JSON, deep("[", "]")), text(json("exceeded max depth…"))),
        ("deep objects", post(MAPS, JSON, deep("{\"a\":", "}")), text(json("exceeded max depth…"))),
        ("a number beyond floats", post(MAPS, JSON, map_with("{\"a\":1e400}")), text(json("number out of range…"))),
        ("gzip, which nobody undoes", post(MAPS, JSON, &gzip[..]).header("content-encoding", "gzip"),
            text(json("invalid character '\\x1f' looking for beginning of value (1f8b08000000000000ffabae050043bfa6a302000000)"))),
        ("deep YAML", post(MAPS, YAML, deep("[", "]")), text(other("yaml: …"))),
        ("deep block YAML", post(MAPS, YAML, "- ".repeat(10_000)), text(other("yaml: …"))),
        ("a billion laughs", post(MAPS, YAML, laughs), text(other("yaml: …"))),
        ("YAML that is not UTF-8", post(MAPS, YAML, &b"a: \xff"[..]), text(other("yaml: invalid utf-8…"))),
        ("no protobuf", post(MAPS, PROTOBUF, ""), text(other("empty data (<empty>)"))),
        ("protobuf without its envelope", post(MAPS, PROTOBUF, "{}"), text(other(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})"))),
        ("protobuf cut short", post(MAPS, PROTOBUF, &b"k8s\0\x0a\x7f"[..]),
            text(other("protobuf: unexpected end of input (6b3873000a7f)"))),
        ("deep protobuf", post(DEFINITIONS, PROTOBUF, nested), text(unrecognized("CustomResourceDefinition): protobuf: messages nest too deep (6b387300…"))),
        ("groups of protobuf", post(MAPS, PROTOBUF, groups), text(other("protobuf: illegal tag 1 (6b387300…"))),
        ("protobuf of an unknown kind", post(MAPS, PROTOBUF, wrap_unknown("v1", "Nothing", b"")),
            "400 BadRequest: Nothing in version \"v1\" cannot be handled as a ConfigMap: no kind \"Nothing\" is registered for \
             version \"v1\""),
        ("a list", post(MAPS, JSON, "[]"), text(json(
            "json: cannot unmarshal array into Go value of type struct { APIVersion string \
             \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" } (5b5d)"))),
        ("null", post(MAPS, JSON, "null"),
            "422 Invalid: ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"),
    ])
    .await;
}

#[tokio::test]
async fn bodies_that_are_too_much() {
    let big = || map_with(&format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_BODY)));
    let operation = |i: usize| json!({"op": "add", "path": format!("/data/k{i}"), "value": "x"});
    let operations = Value::Array((0..10_001).map(operation).collect()).to_string();
    let copies: Vec<Value> =
        (0..200).map(|i| json!({"op": "copy", "from": "/data", "path": format!("/data/c{i}")})).collect();
    let deep = "{\"a\":".repeat(10_000) + &"}".repeat(10_000);
    let labels: Value = (0..50_000).map(|i| (format!("-{i}"), json!(""))).collect::<object::Map>().into();
    let many = json!({"metadata": {"name": "x", "labels": labels}}).to_string();
    let owner = |i: usize| json!({"apiVersion": "v1", "kind": "Pod", "name": "p", "uid": format!("u{i}"), "controller": true});
    let owners: Vec<Value> = (0..20_000).map(owner).collect();
    let owned = json!({"metadata": {"name": "x", "ownerReferences": owners}}).to_string();
    let keys: object::Map = (0..200_000).map(|i| (format!("k{i}"), json!(0))).collect();
    let keys = Value::from(keys).to_string();
    let containers = |count: usize| {
        let containers = vec!["{}"; count].join(",");
        format!(r#"{{"metadata":{{"name":"x"}},"spec":{{"containers":[{containers}]}}}}"#)
    };
    let parts = text_of(
        "Pod): couldn't get version/kind; json parse error: exceeded max number of objects and lists…",
    );
    let rejected = "422 Invalid: the server rejected our request due to an error in our request";
    let limit = "413 RequestEntityTooLarge: Request entity too large: limit is 3145728";
    check(vec![
        ("an object", post(MAPS, JSON, big()), limit),
        ("YAML", post(MAPS, YAML, big()), limit),
        ("protobuf", post(MAPS, PROTOBUF, wrap_unknown("v1", "ConfigMap", big().as_bytes())), limit),
        ("an update", ask(Method::PUT, MAP, big()).header("content-type", JSON), limit),
        ("a patch", patch(MERGE_PATCH, big()), limit),
        ("options", ask(Method::DELETE, MAP, big()).header("content-type", JSON), limit),
        ("options for many", ask(Method::DELETE, MAPS, big()).header("content-type", JSON), limit),
        ("a call", post(&format!("{PODS}/p/eviction"), JSON, big()), limit),
        (
            "operations",
            patch(JSON_PATCH, operations),
            "413 RequestEntityTooLarge: Request entity too large: \
            The allowed maximum operations in a JSON patch is 10000, got 10001",
        ),
        ("copies of copies", patch(JSON_PATCH, Value::from(copies).to_string()), rejected),
        (
            "a deep JSON patch",
            patch(JSON_PATCH, format!("[{{\"op\":\"add\",\"path\":\"/data\",\"value\":{deep}}}]")),
            "400 BadRequest: error decoding patch: exceeded max depth…",
        ),
        (
            "a deep merge patch",
            patch(MERGE_PATCH, deep.clone()),
            "400 BadRequest: error decoding patch: exceeded max depth…",
        ),
        ("a deep strategic patch", patch(STRATEGIC_PATCH, deep), "400 BadRequest: exceeded max depth…"),
        (
            "a deep path",
            patch(JSON_PATCH, json!([{"op": "add", "path": "/a".repeat(200), "value": {}}]).to_string()),
            rejected,
        ),
        (
            "more errors than anybody reads",
            post(MAPS, JSON, many),
            "422 Invalid: ConfigMap \"x\" is invalid: [metadata.labels: \
            Invalid value: \"-0\": …",
        ),
        (
            "very many keys",
            post(MAPS, JSON, keys),
            "422 Invalid: ConfigMap \"\" is invalid: metadata.name: Required value: name or \
            generateName is required",
        ),
        ("more containers than there may be", post(PODS, JSON, containers(1_000_000)), parts),
        (
            "as many as there may be",
            post(PODS, JSON, containers(90_000)),
            "422 Invalid: Pod \"x\" is invalid: [spec.containers[0]…",
        ),
        (
            "owners that all control",
            post(MAPS, JSON, owned),
            "422 Invalid: ConfigMap \"x\" is invalid: \
            metadata.ownerReferences: Invalid value: [{…",
        ),
    ])
    .await;
}

#[tokio::test]
async fn bodies_that_say_something_else() {
    let deployment = |fields: Value| post(DEPLOYMENTS, JSON, deployment_with(&fields));
    let cannot = "400 BadRequest: Deployment in version \"v1\" cannot be handled as a Deployment: ";
    let number = |found: &str| -> &'static str {
        format!("{cannot}json: cannot unmarshal {found} into Go struct field DeploymentSpec.spec.replicas of type int32").leak()
    };
    let text = |rest: &str| -> &'static str { format!("{cannot}{rest}").leak() };
    let raw =
        |field: &str| post(DEPLOYMENTS, JSON, deployment_with(&json!({"replicas": 77})).replace("77", field));
    let cpu = |quantity: &str| {
        let container = json!({"name": "c", "image": "i", "resources": {"limits": {"cpu": quantity}}});
        let pod =
            json!({"metadata": {"name": "x"}, "spec": {"containers": [container], "enableServiceLinks": 5}});
        post(PODS, JSON, pod.to_string())
    };
    let links = "400 BadRequest: Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number into Go \
                 struct field PodSpec.spec.enableServiceLinks of type bool";
    let quantity = |rest: &str| -> &'static str {
        format!("400 BadRequest: Pod in version \"v1\" cannot be handled as a Pod: {rest}").leak()
    };
    let named = |meta: Value| post(MAPS, JSON, json!({"metadata": meta}).to_string());
    let invalid = |rest: &str| -> &'static str { format!("422 Invalid: ConfigMap {rest}").leak() };
    let subdomain = "a lowercase RFC 1123 subdomain must consist of…";
    check(vec![
        ("another kind", post(PODS, JSON, map_with("{}")), "400 BadRequest: ConfigMap in version \"v1\" cannot be handled as a \
            Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion"),
        ("another group", post(MAPS, JSON, deployment_with(&json!({}))), "400 BadRequest: Deployment in version \"v1\" cannot be \
            handled as a ConfigMap: converting (v1.Deployment) to (core.ConfigMap): unknown conversion"),
        ("a kind that is not there", post(MAPS, JSON, "{\"kind\":\"Nothing\",\"apiVersion\":\"v1\"}"),
            "400 BadRequest: Nothing in version \"v1\" cannot be handled as a ConfigMap: no kind \"Nothing\" is registered for \
             version \"v1\""),
        ("a version that is not there", post(MAPS, JSON, "{\"kind\":\"ConfigMap\",\"apiVersion\":\"v7\"}"),
            "400 BadRequest: ConfigMap in version \"v7\" cannot be handled as a ConfigMap: no kind \"ConfigMap\" is registered for \
             version \"v7\""),
        ("another version", post("/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers", JSON,
            "{\"kind\":\"HorizontalPodAutoscaler\",\"apiVersion\":\"autoscaling/v1\"}"),
            "400 BadRequest: the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)"),
        ("a version of three parts", post(MAPS, JSON, "{\"apiVersion\":\"a/b/c\"}"),
            text_of("ConfigMap): unexpected GroupVersion string: a/b/c ({\"apiVersion\":\"a/b/c\"})")),
        ("a kind that is a number", post(MAPS, JSON, "{\"kind\":1}"), text_of("ConfigMap): couldn't get version/kind; json parse \
            error: json: cannot unmarshal number into Go struct field .kind of type string ({\"kind\":1})")),
        ("a number beyond 64 bits", raw("9223372036854775808"), number("number 9223372036854775808")),
        ("a number beyond 32 bits", raw("2147483648"), number("number 2147483648")),
        ("a fraction", raw("1.5"), number("number 1.5")),
        ("a float that is whole", raw("3.0"), number("number 3.0")),
        ("text for a number", raw("\"3\""), number("string")),
        ("a list for a number", raw("[]"), number("array")),
        ("a number below zero", raw("-1"), "422 Invalid: Deployment.apps \"x\" is invalid: spec.replicas: Invalid value: -1: must \
            be greater than or equal to 0"),
        ("a map for a list", deployment(json!({"template": {"spec": {"containers": {}}}})), text("json: cannot unmarshal object into \
            Go struct field PodSpec.spec.template.spec.containers of type []v1.Container")),
        ("a time that is none", post(MAPS, JSON, json!({"metadata": {"name": "x", "creationTimestamp": "2024-02-30T00:00:00Z"}}).to_string()),
            "400 BadRequest: ConfigMap in version \"v1\" cannot be handled as a ConfigMap: parsing time \
             \"2024-02-30T00:00:00Z\": day out of range"),
        ("base64 that is none", post("/api/v1/namespaces/default/secrets", JSON, "{\"metadata\":{\"name\":\"x\"},\"data\":{\"a\":\"a*==\"}}"),
            "400 BadRequest: Secret in version \"v1\" cannot be handled as a Secret: illegal base64 data at input byte 1"),
        ("a quantity that is none", cpu("1x"), quantity("quantities must match the regular expression \
            '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")),
        ("a suffix that is none", cpu("1K"), quantity("unable to parse quantity's suffix")),
        ("an exponent out of this world costs nothing", cpu("1e999999999999999999999"), links),
        ("more exa than there are", cpu("9999999999999999999999Ei"), links),
        ("digits without end", cpu(&"9".repeat(1 << 20)), links),
        ("a key twice", post(&format!("{MAPS}?fieldValidation=Strict"), JSON, map_with("{\"a\":\"1\",\"a\":\"2\"}")),
            "400 BadRequest: ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \
             \"data.a\""),
        ("a field that is not there", post(&format!("{MAPS}?fieldValidation=Strict"), JSON, map_with("{}").replace("\"data\"", "\"dat\"")),
            "400 BadRequest: ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dat\""),
        ("a name in capitals", named(json!({"name": "X"})),
            invalid(&format!("\"X\" is invalid: metadata.name: Invalid value: \"X\": {subdomain}"))),
        ("a name with NUL", named(json!({"name": "x\0"})),
            invalid(&format!("\"x\\0\" is invalid: metadata.name: Invalid value: \"x\\x00\": {subdomain}"))),
        ("a long name", named(json!({"name": "x".repeat(254)})), invalid("\"xxx…")),
        ("a long prefix of names", named(json!({"generateName": "x".repeat(254)})), invalid("\"xxx…")),
        ("a label with a space", named(json!({"name": "x", "labels": {"a": "b c"}})), invalid(
            "\"x\" is invalid: metadata.labels: Invalid value: \"b c\": a valid label must be an empty string or…")),
        ("another namespace", named(json!({"name": "x", "namespace": "other"})), "400 BadRequest: the namespace of the provided \
            object does not match the namespace sent on the request"),
    ])
    .await;
}

fn text_of(rest: &str) -> &'static str {
    format!("{UNRECOGNIZED}{rest}").leak()
}
