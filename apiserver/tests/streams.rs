//! Streams of pods, with a node that is played.

mod node;

use std::time::Duration;

use apiserver::Identity;
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use object::{Key, Value};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{World, fixtures};
use node::FakeNode;

const LOG: &str = "/api/v1/namespaces/default/pods/web/log";
const EXEC: &str = "/api/v1/namespaces/default/pods/web/exec?command=cat&stdin=1&stdout=1";
/// Within this a thing that must happen has happened.
const SOON: Duration = Duration::from_secs(30);

/// A world with a pod `web` on a node.
async fn world(fingerprint: &str, port: u16) -> World {
    let world = World::new().await;
    let (nodes, pods) = (world.kind("", "Node").clone(), world.kind("", "Pod").clone());
    let mut node = fixtures::object(&nodes, "n1");
    node["metadata"]["annotations"] = json!({"berth.dev/serving-sha256": fingerprint});
    node["status"] = json!({
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    });
    world.client.create(&nodes, "", &node).await.expect("create");
    let mut pod = fixtures::object(&pods, "web");
    pod["spec"]["nodeName"] = "n1".into();
    world.client.create(&pods, "default", &pod).await.expect("create");
    world
}

/// A world whose node is there.
async fn with_node() -> (World, FakeNode) {
    let node = FakeNode::bind().await;
    let world = world(&node.fingerprint, node.port).await;
    let node = node.serve(world.server.ca());
    (world, node)
}

impl World {
    async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        let mut request = Request::builder().method(method).uri(path).header("host", "berth");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Empty::new()).expect("a request");
        self.connect::<Empty<Bytes>>().await.send_request(request).await.expect("an answer")
    }

    /// Code and message of a refusal.
    async fn refused(&self, path: &str, headers: &[(&str, &str)]) -> String {
        let answer = self.send(Method::GET, path, headers).await;
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        let status: Value = serde_json::from_slice(&body).expect("a Status");
        format!("{code} {}", status["message"].as_str().unwrap_or_default())
    }
}

const WEBSOCKET: &[(&str, &str)] = &[
    ("connection", "keep-alive, Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-protocol", "v5.channel.k8s.io"),
];

#[tokio::test]
async fn logs_come_as_they_are_written() {
    let (world, node) = with_node().await;
    let mut answer = world.send(Method::GET, &format!("{LOG}?follow=true&tailLines=3"), &[]).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let mut next = async || {
        let frame = tokio::time::timeout(SOON, answer.frame()).await.expect("in time")?;
        Some(frame.expect("a frame").into_data().expect("data"))
    };
    let first = next().await.expect("the first line, before there is a second");
    assert_eq!(first, "GET /containerLogs/default/web/main?follow=true&tailLines=3\n");
    node.write_more();
    assert_eq!(next().await.expect("the second line"), "more\n");
    assert!(next().await.is_none());
}

#[tokio::test]
async fn followed_logs_end_with_the_server() {
    let (world, _node) = with_node().await;
    let mut answer = world.send(Method::GET, &format!("{LOG}?follow=true"), &[]).await;
    assert!(answer.frame().await.is_some());
    let stopping = tokio::spawn(world.server.stop());
    let end = tokio::time::timeout(SOON, answer.frame()).await.expect("the stream ends");
    assert!(end.is_none(), "{end:?}");
    stopping.await.expect("stops");
}

#[tokio::test]
async fn bytes_go_both_ways() {
    const TOTAL: usize = 10 << 20;
    let (world, node) = with_node().await;
    for (method, headers) in [
        (Method::GET, WEBSOCKET),
        (
            Method::POST,
            &[
                ("connection", "Upgrade"),
                ("upgrade", "SPDY/3.1"),
                ("x-stream-protocol-version", "v4.channel.k8s.io"),
            ],
        ),
    ] {
        let mut answer = world.send(method.clone(), EXEC, headers).await;
        assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
        let asked = node.asked();
        assert_eq!(asked["path"], format!("{method} /exec/default/web/main?command=cat&input=1&output=1"));
        for (name, value) in headers.iter().filter(|(name, _)| *name != "connection") {
            assert_eq!(asked[*name], *value);
            if name.contains("protocol") || *name == "upgrade" {
                assert_eq!(answer.headers()[*name], *value, "the node's answer");
            }
        }
        let stream = TokioIo::new(hyper::upgrade::on(&mut answer).await.expect("upgrades"));
        let (mut reading, mut writing) = tokio::io::split(stream);
        let sending = tokio::spawn(async move {
            let block: Vec<u8> = (0..=255).cycle().take(TOTAL).collect();
            writing.write_all(&block).await.expect("sends");
            writing.shutdown().await.expect("ends its side");
        });
        let mut echo = Vec::new();
        tokio::time::timeout(SOON, reading.read_to_end(&mut echo)).await.expect("in time").expect("reads");
        sending.await.expect("sent");
        let same = echo.iter().enumerate().all(|(index, byte)| *byte == (index % 256) as u8);
        assert!(echo.len() == TOTAL && same, "{} bytes", echo.len());
    }
}

#[tokio::test]
async fn streams_end_with_the_server() {
    let (world, _node) = with_node().await;
    let mut answer = world.send(Method::GET, EXEC, WEBSOCKET).await;
    let mut stream = TokioIo::new(hyper::upgrade::on(&mut answer).await.expect("upgrades"));
    stream.write_all(b"x").await.expect("sends");
    assert_eq!(stream.read_u8().await.expect("echoes"), b'x');
    let stopping = tokio::spawn(world.server.stop());
    let end = tokio::time::timeout(SOON, stream.read_u8()).await.expect("the stream ends");
    assert!(end.is_err());
    stopping.await.expect("stops");
}

#[tokio::test]
async fn a_nodes_refusal_is_passed_on() {
    let (world, _node) = with_node().await;
    let attach = "/api/v1/namespaces/default/pods/web/attach?stdout=1";
    assert_eq!(world.refused(attach, WEBSOCKET).await, "403 not here");
    assert_eq!(world.refused(&format!("{LOG}?previous=true"), &[]).await, "400 no previous container");
}

#[tokio::test]
async fn what_cannot_be_reached_is_told() {
    let node = FakeNode::bind().await;
    let port = node.port;
    let world = world(&node.fingerprint, port).await;
    drop(node);
    let refused = format!("dial tcp 127.0.0.1:{port}: connect: connection refused");
    assert_eq!(
        world.refused(LOG, &[]).await,
        format!("500 Get \"https://127.0.0.1:{port}/containerLogs/default/web/main\": {refused}")
    );
    assert_eq!(world.refused(EXEC, WEBSOCKET).await, format!("500 error dialing backend: {refused}"));
    assert_eq!(world.refused(EXEC, &[]).await, "400 Upgrade request required");
    let pods = "/api/v1/namespaces/default/pods";
    assert_eq!(world.refused(&format!("{pods}/none/log"), &[]).await, "404 pods \"none\" not found");
    assert_eq!(
        world.refused(&format!("{LOG}?container=x"), &[]).await,
        "400 container x is not valid for pod web"
    );
    let unplaced = fixtures::object(world.kind("", "Pod"), "new");
    world.client.create(world.kind("", "Pod"), "default", &unplaced).await.expect("create");
    assert_eq!(
        world.refused(&format!("{pods}/new/exec?command=sh&stdout=1"), WEBSOCKET).await,
        "400 pod new does not have a host assigned"
    );
    let answer = world.send(Method::GET, &format!("{pods}/new/log"), &[]).await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn another_certificate_is_refused() {
    let node = FakeNode::bind().await;
    let world = world(&"ab".repeat(32), node.port).await;
    let node = node.serve(world.server.ca());
    let why =
        "tls: the node's certificate is not the one that its annotation berth.dev/serving-sha256 states";
    let told = world.refused(LOG, &[]).await;
    assert!(told.starts_with("500 Get \"https://") && told.ends_with(why), "{told}");
    let told = world.refused(EXEC, WEBSOCKET).await;
    assert_eq!(told, format!("500 error dialing backend: {why}"));
    assert!(node.was_not_asked());
}

#[tokio::test]
async fn streams_have_rules_of_their_own() {
    let (world, _node) = with_node().await;
    let roles = world.kind("rbac.authorization.k8s.io", "Role").clone();
    let bindings = world.kind("rbac.authorization.k8s.io", "RoleBinding").clone();
    let jane = world.server.client(Identity::new("jane", &["system:authenticated"]));
    let ask = async |path: &str| match jane.json(Method::GET, path.to_owned(), None).await {
        Err(client::Error::Api(status)) => format!("{} {}", status.code, status.message),
        other => format!("{other:?}"),
    };
    let role = |resource: &str| {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r"},
            "rules": [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}],
        })
    };
    let binding = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "r"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"}],
    });
    world.client.create(&roles, "default", &role("pods")).await.expect("create");
    world.client.create(&bindings, "default", &binding).await.expect("create");
    let pod = "/api/v1/namespaces/default/pods/web";
    let until = tokio::time::Instant::now() + SOON;
    while !ask(pod).await.starts_with("Ok(") {
        assert!(tokio::time::Instant::now() < until, "the rules are not known");
        tokio::task::yield_now().await;
    }
    let forbidden = |what: &str| {
        format!(
            "403 pods \"web\" is forbidden: User \"jane\" cannot get resource \"pods/{what}\" in API group \"\" in \
             the namespace \"default\""
        )
    };
    assert_eq!(ask(LOG).await, forbidden("log"));
    assert_eq!(ask(EXEC).await, forbidden("exec"));
    let key = Key::new("default", "r");
    world.client.update(&roles, &key, &role("pods/log")).await.expect("update");
    let allowed = "Ok(String(\"all\"))";
    while ask(LOG).await != allowed {
        assert!(tokio::time::Instant::now() < until, "the rules are not known");
        tokio::task::yield_now().await;
    }
    assert_eq!(ask(EXEC).await, forbidden("exec"));
}
