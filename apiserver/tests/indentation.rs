//! JSON for people: the same documents in more lines, lists of any size in pieces.

use bytes::Bytes;
use futures::StreamExt;
use http::Request;
use http::request::Builder;
use http_body_util::BodyStream;
use kube::client::Body;
use object::Value;
use serde_json::json;

use crate::World;

const MAPS: &str = "/api/v1/namespaces/default/configmaps";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";
const METADATA: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";

impl World {
    /// The pieces of an answer.
    async fn pieces(&self, request: Builder) -> Vec<Bytes> {
        let request = request.body(Body::empty()).expect("a request");
        let answer = self.client.kube().send(request).await.expect("an answer");
        let pieces = BodyStream::new(answer.into_body());
        pieces.map(|piece| piece.expect("a piece").into_data().expect("data")).collect().await
    }

    async fn text(&self, request: Builder) -> String {
        String::from_utf8(self.pieces(request).await.concat()).expect("a text")
    }
}

/// The lines of a document in any order of its fields.
fn lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().map(|line| line.strip_suffix(',').unwrap_or(line)).collect();
    lines.sort_unstable();
    lines
}

#[tokio::test]
async fn people_see_the_same_in_more_lines() {
    let world = World::new().await;
    let maps = world.kind("", "ConfigMap").clone();
    for index in 0..300 {
        let text = format!("{{\"a\": [{index}, \"\\\\\"]}}").repeat(index);
        let map = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m{index:03}")},
            "data": {"a": text, "b": "\u{1}\n\u{e9}"},
        });
        world.client.create(&maps, "default", &map).await.expect("create");
    }
    for (path, accept) in [
        (format!("{MAPS}/m007"), "*/*"),
        (format!("{MAPS}/m007"), TABLE),
        (MAPS.to_owned(), "application/json"),
        (MAPS.to_owned(), TABLE),
        (format!("{MAPS}?limit=7"), METADATA),
        (format!("{MAPS}?labelSelector=a"), "application/json"),
        (format!("{MAPS}?labelSelector=a"), TABLE),
        (format!("{MAPS}/none"), "application/json"),
        ("/apis/events.k8s.io/v1/events".to_owned(), "application/json"),
        ("/api/v1".to_owned(), "application/json"),
        (
            "/apis".to_owned(),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
        ),
    ] {
        let ask = || Request::get(&path).header("accept", accept);
        let plain = world.text(ask()).await;
        let document: Value = serde_json::from_str(&plain).expect("JSON");
        assert_eq!(plain.trim_end().lines().count(), 1, "{path} as {accept}");
        let expect = serde_json::to_string_pretty(&document).expect("JSON");
        for request in [
            ask().header("user-agent", "curl/8.5.0"),
            Request::get(format!("{path}{}pretty=true", if path.contains('?') { '&' } else { '?' }))
                .header("accept", accept),
            Request::get(&path).header("accept", accept.replace(',', ";pretty=1,") + ";pretty=1"),
        ] {
            let indented = world.text(request).await;
            let same: Value = serde_json::from_str(&indented).expect("JSON");
            let ages = |text: &str| text.contains("Age");
            assert!(same == document || ages(&plain), "{path} as {accept}: {indented:.500}");
            assert!(
                lines(&indented) == lines(&expect) || ages(&plain),
                "{path} as {accept}: {indented:.500}"
            );
            assert_eq!(lines(&indented).len(), lines(&expect).len(), "{path} as {accept}");
            assert!(indented.starts_with("{\n  \"") && indented.ends_with("\n}"), "{path} as {accept}");
        }
    }
    let pieces = world.pieces(Request::get(format!("{MAPS}?pretty=1"))).await;
    let total: usize = pieces.iter().map(Bytes::len).sum();
    let largest = pieces.iter().map(Bytes::len).max().expect("a piece");
    assert!(total > 10 * largest, "{} pieces, {largest} bytes of {total}", pieces.len());
    // nobody indents events, or another encoding
    let watch = format!("{MAPS}?watch=1&resourceVersion=0&timeoutSeconds=1&limit=1&pretty=true");
    let events = world.text(Request::get(watch).header("accept", "application/json;pretty=1")).await;
    assert_eq!(events.lines().count(), 300);
    world.server.stop().await;
}
