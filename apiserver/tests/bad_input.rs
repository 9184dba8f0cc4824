//! Bad input: each case with what it is answered, in upstream's code, reason and words. Nothing of it changes anything,
//! and the server goes on.

use std::convert::Infallible;
use std::sync::Arc;

use apiserver::{PodRange, ServiceRange};
use bytes::Bytes;
use client::Client;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use object::{Key, Value, wrap_unknown};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{World, fixtures};

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const JSON_PATCH: &str = "application/json-patch+json";
const MERGE_PATCH: &str = "application/merge-patch+json";
const STRATEGIC_PATCH: &str = "application/strategic-merge-patch+json";

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const MAP: &str = "/api/v1/namespaces/default/configmaps/m";
const PODS: &str = "/api/v1/namespaces/default/pods";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

/// The most bytes of a body.
const MAX_BODY: usize = 3 << 20;
/// How every message about a body that is no document begins.
const UNRECOGNIZED: &str = "400 BadRequest: the object provided is unrecognized (must be of type ";

/// A request.
struct Ask {
    method: Method,
    path: String,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<u8>,
}

impl Ask {
    fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The same with a query.
    fn with(mut self, query: &str) -> Self {
        self.path = format!("{}?{query}", self.path);
        self
    }

    /// What it is answered: code, reason and message of a refusal, the code alone of anything else.
    async fn answer(self, client: &Client) -> String {
        let mut request = Request::builder().method(self.method).uri(self.path);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(self.body)).expect("a request");
        let answer = client.kube().send(request).await.expect("an answer");
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        match serde_json::from_slice::<Value>(&body) {
            Ok(status) if code >= 400 => format!(
                "{code} {}: {}",
                status["reason"].as_str().unwrap_or_default(),
                status["message"].as_str().unwrap_or_default()
            ),
            _ => code.to_string(),
        }
    }
}

fn ask(method: Method, path: impl Into<String>, body: impl Into<Vec<u8>>) -> Ask {
    Ask { method, path: path.into(), headers: Vec::new(), body: body.into() }
}

fn get(path: impl Into<String>) -> Ask {
    ask(Method::GET, path, "")
}

fn post(path: &str, media_type: &'static str, body: impl Into<Vec<u8>>) -> Ask {
    ask(Method::POST, path, body).header("content-type", media_type)
}

fn patch(media_type: &'static str, body: impl Into<Vec<u8>>) -> Ask {
    ask(Method::PATCH, MAP, body).header("content-type", media_type)
}

/// A ConfigMap's JSON with this instead of its `data`.
fn map_with(data: &str) -> String {
    format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"x"}},"data":{data}}}"#)
}

/// A Deployment whose spec has these fields besides.
fn deployment_with(fields: &Value) -> String {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x"},
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]},
            },
        },
    });
    let spec = object["spec"].as_object_mut().expect("a literal object");
    spec.extend(fields.as_object().expect("fields").clone());
    object.to_string()
}

/// A world with a ConfigMap `m`, and the ConfigMap.
async fn world() -> (World, Value) {
    let world = World::new().await;
    let maps = world.kind("", "ConfigMap").clone();
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"a": "1"}});
    let map = world.client.create(&maps, "default", &map).await.expect("create");
    (world, map)
}

/// Checks rows of what, request and answer; an answer that ends in `…` may go on. At the end all is as before.
async fn check(rows: Vec<(&str, Ask, &str)>) {
    let (world, before) = world().await;
    let mut wrong = Vec::new();
    for (what, ask, expect) in rows {
        let answer = ask.answer(&world.client).await;
        assert!(answer.len() < 4 << 20, "{what}: an answer is no larger than what was asked may be");
        let fine = match expect.strip_suffix('…') {
            Some(start) => answer.starts_with(start),
            None => answer == expect,
        };
        if !fine {
            let answer: String = answer.chars().take(500).collect();
            wrong.push(format!("{what}:\n  expected {expect}\n     found {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let maps = world.kind("", "ConfigMap").clone();
    let after = world.client.get(&maps, &Key::new("default", "m")).await.expect("the map is there");
    assert_eq!(after, before, "nothing changed");
    assert_eq!(
        get("/api/v1/namespaces/default/configmaps/x").answer(&world.client).await.get(..3),
        Some("404")
    );
}

#[tokio::test]
async fn bodies_that_are_no_documents() {
    let deep = |open: &str, close: &str| open.repeat(10_000) + &close.repeat(10_000);
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        laughs += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{}", level - 1); 9].join(", "));
    }
    let unrecognized = |rest: &str| format!("{UNRECOGNIZED}{rest}");
    let json = |rest: &str| {
        unrecognized(&format!("JSON, YAML or protobuf): couldn't get version/kind; json parse error: {rest}"))
    };
    let yaml =
        |rest: &str| unrecognized(&format!("JSON, YAML or protobuf): error converting YAML to JSON: {rest}"));
    let proto = |rest: &str| unrecognized(&format!("JSON, YAML or protobuf): {rest}"));
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
        ("text behind it", post(MAPS, JSON, map_with("{}") + " x"), text(json("trailing characters…"))),
        ("a byte order mark", post(MAPS, JSON, "\u{feff}{}"), text(json("expected value at line 1 column 1 (efbbbf7b7d)"))),
        ("NUL bytes", post(MAPS, JSON, "\0{}"), text(json("expected value at line 1 column 1 (007b7d)"))),
        ("not UTF-8", post(MAPS, JSON, &b"{\"kind\":\"\xff\"}"[..]), text(json("invalid unicode code point…"))),
        ("half a surrogate", post(MAPS, JSON, map_with("{\"a\":\"\\ud800\"}")), text(json("…"))),
        ("deep lists", post(MAPS, JSON, deep("[", "]")), text(json("exceeded max depth…"))),
        ("deep objects", post(MAPS, JSON, deep("{\"a\":", "}")), text(json("exceeded max depth…"))),
        ("a number beyond floats", post(MAPS, JSON, map_with("{\"a\":1e400}")), text(json("number out of range…"))),
        ("gzip, which nobody undoes", post(MAPS, JSON, &gzip[..]).header("content-encoding", "gzip"),
            text(json("expected value at line 1 column 1 (1f8b08000000000000ffabae050043bfa6a302000000)"))),
        ("deep YAML", post(MAPS, YAML, deep("[", "]")), text(yaml("yaml: …"))),
        ("deep block YAML", post(MAPS, YAML, "- ".repeat(10_000)), text(yaml("yaml: …"))),
        ("a billion laughs", post(MAPS, YAML, laughs), text(yaml("yaml: …"))),
        ("two documents", post(MAPS, YAML, "a: 1\n---\nb: 2"), text(yaml("yaml: expected one document, found 2…"))),
        ("YAML that is not UTF-8", post(MAPS, YAML, &b"a: \xff"[..]), text(yaml("yaml: invalid utf-8…"))),
        ("no protobuf", post(MAPS, PROTOBUF, ""), text(proto("empty data (<empty>)"))),
        ("protobuf without its envelope", post(MAPS, PROTOBUF, "{}"), text(proto(
            "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] ({})"))),
        ("protobuf cut short", post(MAPS, PROTOBUF, &b"k8s\0\x0a\x7f"[..]),
            text(proto("protobuf: unexpected end of input (6b3873000a7f)"))),
        ("deep protobuf", post(DEFINITIONS, PROTOBUF, nested), text(proto("protobuf: messages nest too deep (6b387300…"))),
        ("groups of protobuf", post(MAPS, PROTOBUF, groups), text(proto("protobuf: illegal tag 1 (6b387300…"))),
        ("protobuf of an unknown kind", post(MAPS, PROTOBUF, wrap_unknown("v1", "Nothing", b"")),
            "400 BadRequest: no kind \"Nothing\" is registered for version \"v1\""),
        ("a list", post(MAPS, JSON, "[]"), text(unrecognized(
            "ConfigMap): couldn't get version/kind; json parse error: json: cannot unmarshal array into Go value of type \
             struct { APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }"))),
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
        "JSON, YAML or protobuf): couldn't get version/kind; json parse error: exceeded max number of objects and lists…",
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
            text_of("ConfigMap): unexpected GroupVersion string: a/b/c")),
        ("a kind that is a number", post(MAPS, JSON, "{\"kind\":1}"), text_of("ConfigMap): couldn't get version/kind; json parse \
            error: json: cannot unmarshal number into Go struct field .kind of type string")),
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
            invalid(&format!("\"x\\0\" is invalid: metadata.name: Invalid value: \"x\\u0000\": {subdomain}"))),
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
        ("an unknown page", get("/nothing"), nowhere),
        ("an unknown group", get("/apis/nothing.io/v1/things"), nowhere),
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
        ("a page of a revision too", list("continue=e30&resourceVersion=5"), "400 BadRequest: specifying resource version is not \
            allowed when using continue"),
        ("a revision of the future", list("resourceVersion=999999999"), "504 Timeout: Timeout: Too large resource version: 999999999, current: …"),
        ("a match of its own", list("resourceVersion=1&resourceVersionMatch=About"), "422 Invalid: ListOptions.meta.k8s.io \"\" is \
            invalid: resourceVersionMatch: Unsupported value: \"About\": supported values: \"Exact\", \"NotOlderThan\", \"\""),
        ("a trial of some kind", ask(Method::DELETE, format!("{MAP}?dryRun=Some"), ""), "422 Invalid: DeleteOptions.meta.k8s.io \"\" is \
            invalid: dryRun: Unsupported value: [\"Some\"]: supported values: \"All\""),
        ("a validation of some kind", patch(MERGE_PATCH, "{}").with("fieldValidation=Often"), "422 Invalid: PatchOptions.meta.k8s.io \"\" \
            is invalid: fieldValidation: Unsupported value: \"Often\": supported values: \"Ignore\", \"Strict\", \"Warn\""),
        ("a manager's long name", patch(MERGE_PATCH, "{}").with(&format!("fieldManager={long}")), "422 Invalid: \
            PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be more than 128 bytes"),
        ("a policy of some kind", options(json!({"propagationPolicy": "Later"})), "422 Invalid: DeleteOptions.meta.k8s.io \"\" is \
            invalid: propagationPolicy: Unsupported value: \"Later\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""),
        ("both ways to say it", options(json!({"propagationPolicy": "Orphan", "orphanDependents": true})), "422 Invalid: \
            DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: \"Orphan\": orphanDependents and \
            deletionPropagation cannot be both set"),
        ("a grace period that is text", options(json!({"gracePeriodSeconds": "30"})), "400 BadRequest: …"),
        ("another object's UID", options(json!({"preconditions": {"uid": "u"}})), "409 Conflict: Operation cannot be fulfilled on \
            ConfigMap \"m\": the UID in the precondition (u) does not match the UID in record (…"),
    ])
    .await;
}

#[tokio::test]
async fn revisions_of_long_ago_are_gone() {
    let store = Arc::new(store::Memory::new());
    let world = async || World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    world().await.server.stop().await;
    // what happened before it began is not in the cache of a server
    let world = world().await;
    let token = "eyJydiI6MSwibnMiOiIiLCJuYW1lIjoiYSJ9";
    for (query, expect) in [
        (
            "resourceVersion=1&resourceVersionMatch=Exact",
            "410 Expired: The resourceVersion for the provided list is too old.",
        ),
        (
            &format!("continue={token}"),
            "410 Expired: The provided continue parameter is too old to display a consistent list result. You can start",
        ),
    ] {
        let answer = get(format!("{MAPS}?{query}")).answer(&world.client).await;
        assert!(answer.starts_with(expect), "{query}: {answer}");
    }
}

/// A watch that cannot begin is answered, and its one event says why, in any form.
#[tokio::test]
async fn watches_from_long_ago_end_with_an_error() {
    let store = Arc::new(store::Memory::new());
    let world = async || World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    world().await.server.stop().await;
    let world = world().await;
    let told = async |accept: &str| {
        let request =
            Request::builder().uri(format!("{MAPS}?watch=1&resourceVersion=1")).header("accept", accept);
        let request = request.body(Body::from(Vec::new())).expect("a request");
        let answer = world.client.kube().send(request).await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 200, "{accept}");
        answer.into_body().collect().await.expect("it ends").to_bytes()
    };
    for accept in ["application/json", "application/json;as=Table;v=v1;g=meta.k8s.io"] {
        let event: Value = serde_json::from_slice(&told(accept).await).expect("one event");
        let status = &event["object"];
        assert_eq!((&event["type"], &status["kind"]), (&json!("ERROR"), &json!("Status")), "{accept}");
        assert_eq!((&status["code"], &status["reason"]), (&json!(410), &json!("Expired")), "{accept}");
        let text = status["message"].as_str().expect("a message");
        assert!(text.starts_with("too old resource version: 1 ("), "{text}");
    }
    let frame = told("application/vnd.kubernetes.protobuf").await;
    let (length, event) = frame.split_at(4);
    assert_eq!(length, u32::try_from(event.len()).expect("a small event").to_be_bytes());
    for part in [&b"ERROR"[..], b"k8s\0", b"Expired", b"too old resource version: 1 ("] {
        assert!(event.windows(part.len()).any(|window| window == part), "{event:?}");
    }
}

/// An HTTP/1.1 connection as the administrator.
async fn connect(world: &World) -> SendRequest<BoxBody<Bytes, Infallible>> {
    let pem = |name: &str| std::fs::read(world.dir.path().join("pki").join(name)).expect("a file");
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(world.server.ca().as_bytes()).expect("PEM"))
        .expect("an authority");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let certificate = CertificateDer::from_pem_slice(&pem("admin.crt")).expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(&pem("admin.key")).expect("PEM");
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .expect("a pair");
    let stream = TcpStream::connect(world.server.address()).await.expect("connects");
    let name = ServerName::try_from("127.0.0.1").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("handshake");
    let (sender, http) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("handshake");
    tokio::spawn(http);
    sender
}

#[tokio::test]
async fn a_body_that_is_too_large_leaves_the_connection_usable() {
    let (world, _) = world().await;
    let mut connection = connect(&world).await;
    let mut send = async |method: Method, path: &str, media_type: &str, body: BoxBody<Bytes, Infallible>| {
        let request = Request::builder().method(method).uri(path).header("host", "berth");
        let request = request.header("content-type", media_type).body(body).expect("a request");
        connection.ready().await.expect("the connection is open");
        let answer = connection.send_request(request).await.expect("an answer");
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (code, String::from_utf8_lossy(&body).into_owned())
    };
    let stated = |bytes: Vec<u8>| Full::new(Bytes::from(bytes)).boxed();
    let in_pieces = |bytes: Vec<u8>| {
        let pieces: Vec<_> = bytes.chunks(64 << 10).map(Bytes::copy_from_slice).collect();
        BodyExt::boxed(StreamBody::new(futures::stream::iter(
            pieces.into_iter().map(|piece| Ok(Frame::data(piece))),
        )))
    };
    for length in [MAX_BODY + 1, MAX_BODY + (2 << 20)] {
        for body in [stated(vec![b' '; length]), in_pieces(vec![b' '; length])] {
            let (code, told) = send(Method::PATCH, MAP, MERGE_PATCH, body).await;
            assert_eq!(code, 413);
            assert!(told.contains("Request entity too large: limit is 3145728"), "{told}");
        }
        let (code, _) = send(Method::GET, MAP, JSON, stated(Vec::new())).await;
        assert_eq!(code, 200, "the same connection answers");
    }
    let (code, told) = send(Method::POST, MAPS, JSON, in_pieces(vec![b' '; MAX_BODY])).await;
    assert_eq!(code, 400, "the limit itself is within it: {told}");
}

#[tokio::test]
async fn no_input_makes_the_server_fail() {
    let (world, _) = world().await;
    let mut state = 1_u64;
    let mut random = move |end: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % end
    };
    let page =
        world.client.json(Method::GET, "/api/v1/namespaces?limit=1".into(), None).await.expect("a page");
    let token = page["metadata"]["continue"].as_str().expect("more").to_owned();
    let mut seeds: Vec<(Method, &str, &str, Vec<u8>)> = vec![
        (Method::GET, "/api/v1/namespaces?limit=1&continue=", "", token.into_bytes()),
        (Method::GET, "/api/v1/configmaps?labelSelector=", "", b"a%20in%20(b,c),!d".to_vec()),
        (
            Method::GET,
            "/api/v1/configmaps?fieldSelector=",
            "",
            b"metadata.name%3Dx,metadata.namespace!%3Dy".to_vec(),
        ),
        (Method::GET, "/api/v1/configmaps?resourceVersionMatch=Exact&resourceVersion=", "", b"10".to_vec()),
        (Method::GET, "/", "", b"api/v1/namespaces/default/configmaps/m".to_vec()),
        (
            Method::DELETE,
            "/api/v1/namespaces/default/configmaps/x",
            JSON,
            br#"{"gracePeriodSeconds":0,"dryRun":["All"]}"#.to_vec(),
        ),
        (Method::PATCH, MAP, MERGE_PATCH, br#"{"data":{"a":null},"metadata":{"uid":"u"}}"#.to_vec()),
    ];
    let kinds: Vec<_> = ["Pod", "Service", "ConfigMap"].map(|kind| world.kind("", kind).clone()).into();
    let mut bodies = Vec::new();
    for kind in &kinds {
        let object = fixtures::object(kind, "f");
        let raw = object::encode_proto(&kind.schema, &object);
        bodies.push((format!("{}?dryRun=All", kind.path("default")), JSON, object.to_string().into_bytes()));
        bodies.push((
            format!("{}?dryRun=All", kind.path("default")),
            YAML,
            object::to_yaml(&object).into_bytes(),
        ));
        bodies.push((
            format!("{}?dryRun=All", kind.path("default")),
            PROTOBUF,
            wrap_unknown(&kind.api_version(), &kind.kind, &raw),
        ));
    }
    seeds
        .extend(bodies.iter().map(|(path, media, body)| (Method::POST, path.as_str(), *media, body.clone())));
    for (method, path, media_type, seed) in &seeds {
        for _ in 0..60 {
            let mut bytes = seed.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(4) {
                    0 => bytes[at] = b"{}[]\",:0e-./%\x00\xff"[random(15)],
                    1 => bytes[at] ^= 1 << random(8),
                    2 if bytes.len() > 1 => drop(bytes.remove(at)),
                    _ => bytes.insert(at, seed[random(seed.len())]),
                }
            }
            let ask = if media_type.is_empty() {
                let Ok(uri) = format!("{path}{}", String::from_utf8_lossy(&bytes)).parse::<http::Uri>()
                else {
                    continue;
                };
                ask(method.clone(), uri.to_string(), "")
            } else {
                ask(method.clone(), *path, bytes.clone()).header("content-type", media_type)
            };
            let answer = ask.answer(&world.client).await;
            let code = answer.get(..3).unwrap_or_default();
            assert!(
                code < "500" || answer.contains("Too large resource version"),
                "{path} {:?}: {answer}",
                bytes.escape_ascii()
            );
        }
    }
    assert_eq!(get(MAPS).answer(&world.client).await, "200", "the server goes on");
}
