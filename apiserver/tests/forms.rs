//! The forms in which each kind is served: all say the same.

use http::Request;
use http::header::ACCEPT;
use kinds::{Kind, Verb, schema_by_kind};
use kube::client::Body;
use object::{Value, decode_proto, unwrap_unknown};
use serde_json::json;

use crate::{World, fixtures};

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// Checks the forms of one kind.
pub(crate) async fn check(world: &World, kind: &Kind) {
    let namespace = if kind.namespaced() { "default" } else { "" };
    let asks = Asks { world, kind };
    let name = if kind.storage.is_some() { "formed-too" } else { "formed" };
    let object = fixtures::object(kind, name);
    let sent = asks.send_proto(&kind.path(namespace), &object).await;
    let path = format!("{}/{}", kind.path(namespace), fixtures::name(kind, name));
    let plain: Value = serde_json::from_slice(&asks.get(&path, "application/json").await).expect("JSON");
    assert_eq!(sent, plain, "{kind:?}: what was answered is what is there");
    assert_eq!(read_proto(&asks.get(&path, PROTOBUF).await), plain, "{kind:?}: protobuf");
    let mut conformed = plain.clone();
    assert_eq!(object::conform(&kind.schema, &mut conformed), Ok(Vec::new()), "{kind:?}");
    assert_eq!(conformed, plain, "{kind:?}: as Go writes it");
    let yaml = asks.get(&path, "application/yaml").await;
    assert_eq!(object::parse_yaml(&yaml).expect("YAML").value, plain, "{kind:?}: YAML");
    let metadata = asks.json(&path, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").await;
    assert_eq!(metadata["metadata"], plain["metadata"], "{kind:?}: metadata");
    let as_metadata = format!("{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    assert_eq!(read_proto(&asks.get(&path, &as_metadata).await), metadata, "{kind:?}: metadata in protobuf");
    let table = asks.json(&path, "application/json;as=Table;g=meta.k8s.io;v=v1").await;
    let cells = |table: &Value| table["rows"][0]["cells"].as_array().map(Vec::len);
    assert_eq!(cells(&table), table["columnDefinitions"].as_array().map(Vec::len), "{kind:?}: {table}");
    let with_object = format!("{path}?includeObject=Object");
    let whole = asks.json(&with_object, "application/json;as=Table;g=meta.k8s.io;v=v1").await;
    assert_eq!(whole["rows"][0]["object"], plain, "{kind:?}: an object in a table");
    asks.lists(&kind.path(namespace), &plain).await;
    world
        .client
        .delete(kind, &object::Key::new(namespace, fixtures::name(kind, name)), &json!({}))
        .await
        .ok();
}

struct Asks<'a> {
    world: &'a World,
    kind: &'a Kind,
}

impl Asks<'_> {
    async fn get(&self, path: &str, accept: &str) -> Vec<u8> {
        let request = Request::get(path).header(ACCEPT, accept).body(Body::empty()).expect("a request");
        let answer = self.world.client.bytes(request).await;
        answer.unwrap_or_else(|e| panic!("{:?}: {path} as {accept}: {e}", self.kind)).to_vec()
    }

    async fn json(&self, path: &str, accept: &str) -> Value {
        serde_json::from_slice(&self.get(path, accept).await).expect("JSON")
    }

    /// Creates an object, with protobuf both ways.
    async fn send_proto(&self, path: &str, object: &Value) -> Value {
        let raw = object::encode_proto(&self.kind.schema, object);
        let body = object::wrap_unknown(&self.kind.api_version(), &self.kind.kind, &raw);
        let request = Request::post(path).header(ACCEPT, PROTOBUF).header("content-type", PROTOBUF);
        let answer = self.world.client.bytes(request.body(body.into()).expect("a request")).await;
        read_proto(&answer.unwrap_or_else(|e| panic!("{:?}: create: {e}", self.kind)))
    }

    /// A list in each form, and a watch of it in protobuf.
    async fn lists(&self, path: &str, object: &Value) {
        if !self.kind.has(Verb::List) {
            return;
        }
        let path = format!(
            "{path}?fieldSelector=metadata.name%3D{}",
            object["metadata"]["name"].as_str().expect("a name")
        );
        let plain = self.json(&path, "application/json").await;
        assert_eq!(plain["items"], untyped(json!({"items": [object]}))["items"], "{:?}", self.kind);
        let list = read_proto(&self.get(&path, PROTOBUF).await);
        assert_eq!(untyped(list), untyped(plain), "{:?}: a list in protobuf", self.kind);
        let metadata = "as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
        let metadata = self.get(&path, &format!("{PROTOBUF};{metadata}")).await;
        assert_eq!(read_proto(&metadata)["items"][0]["metadata"], object["metadata"], "{:?}", self.kind);
        let watch = format!("{path}&watch=1&timeoutSeconds=1");
        let initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        let as_metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        let events = self.get(&format!("{watch}&{initial}"), as_metadata).await;
        let events: Vec<Value> =
            serde_json::Deserializer::from_slice(&events).into_iter().flatten().collect();
        let told: Vec<_> = events.iter().map(|event| (&event["type"], &event["object"]["kind"])).collect();
        let kind = json!("PartialObjectMetadata");
        let expect = [(&json!("ADDED"), &kind), (&json!("BOOKMARK"), &kind)];
        assert_eq!(told, expect, "{:?}", self.kind);
        let watch = format!("{watch}&resourceVersion=0");
        let events = self.get(&watch, PROTOBUF).await;
        let (length, event) = events.split_first_chunk::<4>().expect("a frame");
        let event = &event[..u32::from_be_bytes(*length) as usize];
        let schema = kinds::schema("io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent");
        // the type in the event, and behind it the object in its envelope
        let start = event.windows(4).position(|bytes| bytes == b"k8s\0").expect("an object");
        assert_eq!(
            decode_proto(&schema, &event[..7]).expect("a message")["type"],
            "ADDED",
            "{:?}",
            self.kind
        );
        assert_eq!(&read_proto(&event[start..]), object, "{:?}: a watch in protobuf", self.kind);
    }
}

/// A document out of its envelope, as Go's types hold it.
fn read_proto(bytes: &[u8]) -> Value {
    let unknown = unwrap_unknown(bytes).expect("an envelope");
    let (group, version) = unknown.api_version.split_once('/').unwrap_or(("", &unknown.api_version));
    let group = if group == "meta.k8s.io" { "" } else { group };
    let schema = schema_by_kind(group, version, &unknown.kind).expect("a type");
    let mut value = decode_proto(&schema, unknown.raw).expect("a message");
    assert_eq!(object::conform(&schema, &mut value), Ok(Vec::new()), "{}", unknown.kind);
    value["apiVersion"] = unknown.api_version.into();
    value["kind"] = unknown.kind.into();
    value
}

/// A list whose items do not say of which kind they are: it says so for all of them.
fn untyped(mut list: Value) -> Value {
    for item in list["items"].as_array_mut().map(Vec::as_mut_slice).unwrap_or_default() {
        let fields = item.as_object_mut().expect("an object");
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    list
}
