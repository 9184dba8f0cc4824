//! The documents by which clients find their way, in protobuf.

use http::Request;
use http::header::{ACCEPT, HOST};
use kinds::schema_by_kind;
use kube::client::Body;
use object::{Value, decode_proto, unwrap_unknown};

use crate::World;

#[tokio::test]
async fn protobuf_says_the_same() {
    let world = World::new().await;
    for path in ["/api", "/apis", "/apis/apps", "/api/v1", "/apis/apps/v1"] {
        let get = async |accept: &str| {
            let request = Request::get(path).header(ACCEPT, accept).header(HOST, "berth:6443");
            let request = request.body(Body::empty()).expect("a request");
            world.client.bytes(request).await.expect("an answer")
        };
        let mut plain: Value = serde_json::from_slice(&get("application/json").await).expect("JSON");
        let bytes = get("application/vnd.kubernetes.protobuf").await;
        let unknown = unwrap_unknown(&bytes).expect("an envelope");
        let fields = plain.as_object_mut().expect("an object");
        let stated = ["apiVersion", "kind"].map(|field| fields.remove(field).unwrap_or_default());
        let told = [unknown.api_version.as_str(), unknown.kind.as_str()];
        assert_eq!(stated.map(|text| text.as_str().unwrap_or_default().to_owned()), told, "{path}");
        let schema = schema_by_kind("", "v1", &unknown.kind).expect("a type");
        assert_eq!(decode_proto(&schema, unknown.raw).expect("a message"), plain, "{path}");
    }
}

/// The index names each document by an address that is right for ever.
#[tokio::test]
async fn the_addresses_of_the_index_are_for_ever() {
    let world = World::new().await;
    let get = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).expect("a request");
        world.client.kube().send(request).await.expect("an answer")
    };
    let index = world.client.json(http::Method::GET, "/openapi/v3".to_owned(), None).await.expect("an index");
    for path in ["api/v1", "apis/batch/v1"] {
        let address = index["paths"][path]["serverRelativeURL"].as_str().expect("an address");
        let answer = get(address).await;
        let headers = answer.headers();
        assert_eq!(
            (answer.status().as_u16(), &headers["cache-control"]),
            (200, &"public, immutable".parse().unwrap())
        );
        let expires = headers["expires"].to_str().expect("a text");
        let expires = jiff::fmt::rfc2822::parse(expires).expect("a time").timestamp();
        let days = (expires - jiff::Timestamp::now()).total(jiff::Unit::Hour).expect("a span") / 24.0;
        assert!((364.9..=365.0).contains(&days), "{days}");
        let (plain, _) = address.split_once('?').expect("a query");
        let answer = get(&format!("{plain}?hash=0")).await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["location"]),
            (301, &address.parse().unwrap())
        );
    }
}
