//! Bad input: each case with what it is answered, in upstream's code, reason and words. Nothing of it changes anything,
//! and the server goes on.

mod bodies;
mod requests;
mod server;
mod versions;

use std::convert::Infallible;
use std::sync::Arc;

use apiserver::{PodRange, ServiceRange};
use bytes::Bytes;
use client::Client;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use object::{Key, Value, wrap_unknown};
use serde_json::json;

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
