//! Rules of the API that no single row shows.

use client::PatchType;
use object::{Key, Value};
use serde_json::json;

use crate::{World, fixtures};

/// The status that a refused request was answered with, as `code reason: message`.
fn refused(answer: Result<Value, client::Error>) -> String {
    let error = answer.expect_err("refused");
    let status = error.status().expect("a Status");
    format!("{} {:?}: {}", status.code, status.reason.expect("a reason"), status.message)
}

#[tokio::test]
async fn a_pod_waits_for_the_account_of_a_new_namespace() {
    let world = World::new().await;
    let (namespaces, pods) = (world.kind("", "Namespace").clone(), world.kind("", "Pod").clone());
    let accounts = world.kind("", "ServiceAccount").clone();
    let mut pod = fixtures::object(&pods, "a");
    pod["metadata"]["namespace"] = "team".into();
    assert_eq!(
        refused(world.client.create(&pods, "team", &pod).await),
        "404 NotFound: namespaces \"team\" not found"
    );
    world.client.create(&namespaces, "", &fixtures::object(&namespaces, "team")).await.expect("create");
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let creating = world.client.create(&pods, "team", &pod);
    let (created, _) = tokio::join!(creating, world.client.create(&accounts, "team", &account));
    created.expect("the account came in time");
}

#[tokio::test]
async fn nodes_get_blocks_of_addresses_that_no_other_has() {
    let addresses = "10.244.0.0/23".parse().unwrap();
    let world = World::with_pods(apiserver::PodRange { addresses, node_prefix: 24 }).await;
    let nodes = world.kind("", "Node");
    let node = |name: &str, block: &str| {
        let spec = if block.is_empty() { json!({}) } else { json!({"podCIDR": block}) };
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}, "spec": spec})
    };
    let create = async |name: &str, block: &str| world.client.create(nodes, "", &node(name, block)).await;
    let block = |node: &Value| node["spec"]["podCIDR"].as_str().unwrap_or_default().to_owned();
    let a = create("a", "").await.unwrap();
    assert_eq!((block(&a), &a["spec"]["podCIDRs"]), ("10.244.0.0/24".into(), &json!(["10.244.0.0/24"])));
    let taken = refused(create("b", "10.244.0.0/24").await);
    assert!(taken.contains("provided block is already allocated to another node"), "{taken}");
    assert_eq!(refused(create("a", "10.244.0.0/24").await), "409 AlreadyExists: nodes \"a\" already exists");
    assert_eq!(block(&create("b", "").await.unwrap()), "10.244.1.0/24");
    let late = create("late", "").await.expect("a node without addresses for pods is of use too");
    assert_eq!(block(&late), "");
    world.client.delete(nodes, &Key::new("", "a"), &json!({})).await.unwrap();
    let patch = json!({"metadata": {"annotations": {"begun": "again"}}});
    let late =
        world.client.patch(nodes, &Key::new("", "late"), None, PatchType::Merge, &patch).await.unwrap();
    assert_eq!(block(&late), "10.244.0.0/24", "what a node left is given to another");
    let moved = json!({"spec": {"podCIDR": "10.9.0.0/24", "podCIDRs": ["10.9.0.0/24"]}});
    let moved = world.client.patch(nodes, &Key::new("", "late"), None, PatchType::Merge, &moved).await;
    let moved = refused(moved);
    assert!(moved.contains("node updates may not change podCIDR except from \"\" to valid"), "{moved}");
}
