//! `Warning` headers, as clients read them.

use http::{Method, Request};
use kube::client::Body;
use object::Value;
use serde_json::json;

use crate::World;

const DEPRECATED: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";
const TWICE: &str = "imagePullSecrets[1].name: duplicate name \"s\"";

/// Checks the code and the warnings of the answer to a request.
async fn check(world: &World, method: Method, path: &str, body: Value, code: u16, expect: &[&str]) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let media = if method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
    let request = Request::builder().method(&method).uri(path).header("content-type", media);
    let request = request.body(Body::from(bytes)).expect("a request");
    let answer = world.client.kube().send(request).await.expect("an answer");
    let told = answer.headers().get_all("warning").iter();
    let told: Vec<&str> = told.map(|value| value.to_str().expect("plain text")).collect();
    let expect: Vec<String> =
        expect.iter().map(|text| format!("299 - \"{}\"", text.replace('"', "\\\""))).collect();
    assert_eq!(
        (answer.status().as_u16(), told),
        (code, expect.iter().map(String::as_str).collect()),
        "{method} {path}"
    );
}

#[tokio::test]
async fn every_request_on_a_deprecated_api_is_warned_of_it() {
    let world = World::new().await;
    let (all, one) = ("/api/v1/namespaces/default/endpoints", "/api/v1/namespaces/default/endpoints/a");
    let endpoints = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "a"}});
    let none = || Value::Null;
    check(&world, Method::GET, one, none(), 404, &[DEPRECATED]).await;
    check(&world, Method::POST, all, endpoints.clone(), 201, &[DEPRECATED]).await;
    check(&world, Method::POST, all, endpoints.clone(), 409, &[DEPRECATED]).await;
    check(&world, Method::GET, all, none(), 200, &[DEPRECATED]).await;
    check(&world, Method::GET, &format!("{all}?watch=1&timeoutSeconds=1"), none(), 200, &[DEPRECATED]).await;
    check(&world, Method::PUT, one, endpoints, 200, &[DEPRECATED]).await;
    let odd = json!({"subsets": [{"addresses": [{"ip": "FD00::1"}]}]});
    let form = "subsets[0].addresses[0].ip: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")";
    check(&world, Method::PATCH, one, odd, 200, &[DEPRECATED, form]).await;
    check(&world, Method::DELETE, one, none(), 200, &[DEPRECATED]).await;
    check(&world, Method::DELETE, all, none(), 200, &[DEPRECATED]).await;
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    check(&world, Method::GET, slices, none(), 200, &[]).await;
}

#[tokio::test]
async fn who_writes_is_warned_of_what_is_odd() {
    let world = World::new().await;
    let (all, one) =
        ("/apis/apps/v1/namespaces/default/deployments", "/apis/apps/v1/namespaces/default/deployments/a");
    let template = json!({
        "metadata": {"labels": {"app": "a"}},
        "spec": {"containers": [{"name": "a", "image": "a:1"}], "imagePullSecrets": [{"name": "s"}, {"name": "s"}]},
    });
    let spec = json!({"selector": {"matchLabels": {"app": "a"}}, "template": template});
    let owner = json!({"apiVersion": "v1", "kind": "Pod", "name": "o", "uid": "u"});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "a", "ownerReferences": [owner, owner]}, "spec": spec, "more": 1,
    });
    let secrets = format!("spec.template.spec.{TWICE}");
    let owners = ".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and \
                 may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: [u]";
    let unknown = "unknown field \"more\"";
    check(&world, Method::POST, all, object.clone(), 201, &[unknown, owners, &secrets]).await;
    check(&world, Method::POST, &format!("{all}?fieldValidation=Strict"), object, 400, &[]).await;
    let named = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "b"}, "more": 1});
    check(&world, Method::POST, all, named, 422, &[unknown]).await;
    check(&world, Method::PATCH, one, json!({"metadata": {"labels": {"a": "b"}}}), 200, &[]).await;
    check(&world, Method::PATCH, one, json!({"spec": {"paused": true}}), 200, &[&secrets]).await;
    check(&world, Method::PATCH, &format!("{one}/scale"), json!({"spec": {"replicas": 3}}), 200, &[&secrets])
        .await;
    check(&world, Method::PATCH, &format!("{one}/status"), json!({"status": {"replicas": 3}}), 200, &[])
        .await;
}

#[tokio::test]
async fn statuses_are_looked_at_where_they_hold_addresses() {
    let world = World::new().await;
    let (all, one) = ("/api/v1/namespaces/default/pods", "/api/v1/namespaces/default/pods/a/status");
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"},
        "spec": {"containers": [{"name": "a", "image": "a:1"}], "imagePullSecrets": [{"name": "s"}, {"name": "s"}]},
    });
    check(&world, Method::POST, all, pod, 201, &[&format!("spec.{TWICE}")]).await;
    let text =
        "status.podIPs[0].ip: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")";
    let address = json!({"status": {"podIP": "FD00::1", "podIPs": [{"ip": "FD00::1"}]}});
    check(&world, Method::PATCH, one, address, 200, &[text]).await;
}
