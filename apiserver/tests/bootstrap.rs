//! What a cluster holds from its first moment, and what of it comes back.

use std::sync::Arc;
use std::time::Duration;

use apiserver::{PodRange, ServiceRange};
use object::{Key, Meta, PatchType, Value};
use serde_json::json;

use crate::World;

const DEADLINE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn the_service_of_the_server_comes_back() {
    let world = World::new().await;
    let (kind, key) = (world.kind("", "Service").clone(), Key::new("default", "kubernetes"));
    let before = world.client.get(&kind, &key).await.expect("it is there");
    world.client.delete(&kind, &key, &Value::Null).await.expect("a deletion");
    let back = async {
        loop {
            match world.client.get(&kind, &key).await {
                Ok(found) => return found,
                Err(error) => assert!(error.is_not_found(), "{error}"),
            }
            tokio::task::yield_now().await;
        }
    };
    let after = tokio::time::timeout(DEADLINE, back).await.expect("it comes back");
    assert_ne!(Meta::of(&after).uid, Meta::of(&before).uid);
    assert_eq!(after["spec"], before["spec"]);
}

/// One that is deleted is back after the next start, and not before, as upstream.
#[tokio::test]
async fn a_start_settles_what_it_manages_among_api_services() {
    let store = Arc::new(store::Memory::new());
    let world = World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    let kind = world.kind("apiregistration.k8s.io", "APIService").clone();
    let service = |name: &str| Key::new("", name);
    let changes = [
        ("v1.apps", json!({"spec": {"versionPriority": 1}})),
        (
            "v1.batch",
            json!({
                "metadata": {"labels": {"kube-aggregator.kubernetes.io/automanaged": null}},
                "spec": {"versionPriority": 1},
            }),
        ),
    ];
    for (name, patch) in &changes {
        world.client.patch(&kind, &service(name), None, PatchType::Merge, patch).await.expect("a patch");
    }
    world.client.delete(&kind, &service("v1.policy"), &Value::Null).await.expect("a deletion");
    for (group, label) in [("left.example.com", "onstart"), ("other.example.com", "true")] {
        let object = json!({
            "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
            "metadata": {
                "name": format!("v1.{group}"),
                "labels": {"kube-aggregator.kubernetes.io/automanaged": label},
            },
            "spec": {"group": group, "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 10},
        });
        world.client.create(&kind, "", &object).await.expect("a creation");
    }
    world.server.stop().await;

    let world = World::on(store, PodRange::default(), ServiceRange::default()).await;
    let found = async |name: &str| world.client.get(&kind, &service(name)).await;
    let priority = async |name: &str| found(name).await.expect(name)["spec"]["versionPriority"].clone();
    assert_eq!(priority("v1.apps").await, 15, "what is managed is as it should be");
    assert_eq!(priority("v1.batch").await, 1, "what is not is left alone");
    assert_eq!(priority("v1.policy").await, 15, "what is missing is made");
    assert!(found("v1.left.example.com").await.is_err_and(|error| error.is_not_found()));
    assert_eq!(priority("v1.other.example.com").await, 10, "that is managed by somebody else");
}
