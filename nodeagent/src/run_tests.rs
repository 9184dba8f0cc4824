//! Fake nodes against an API server in memory.

use std::time::Duration;

use serde_json::json;

use crate::world::{World, pod};
use crate::{FakeOptions, run_fake};

async fn agent(world: &World, nodes: usize, scenario: impl Future<Output = ()> + Send) {
    let options = FakeOptions { nodes, ..FakeOptions::default() };
    run_fake(world.client(), world.source(), world.kinds.clone(), options, scenario).await.unwrap();
}

fn bound(world: &World, name: &str, node: &str) {
    let mut pod = pod(name, "1");
    pod["spec"]["nodeName"] = node.into();
    pod["status"]["conditions"] = json!([{"type": "x", "status": "True"}]);
    world.put("pods", pod);
}

fn is_ready(pod: &serde_json::Value) -> bool {
    let mut conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.any(|c| c["type"] == "Ready" && c["status"] == "True")
}

#[tokio::test]
async fn nodes_register_and_come_back() {
    let world = World::new();
    agent(&world, 20, async {
        world.until("leases", |w| w.count("leases", |_| true) == 20).await;
        let node = world.get("nodes", "", "fake-3").unwrap();
        let lease = world.get("leases", "kube-node-lease", "fake-3").unwrap();
        assert_eq!(lease["metadata"]["ownerReferences"][0]["uid"], node["metadata"]["uid"]);
        assert!(is_ready(&node));
        world.delete("nodes", "", "fake-3");
        world.until("the node's return", |w| w.get("nodes", "", "fake-3").is_some()).await;
    })
    .await;
}

#[tokio::test]
async fn pods_run_survive_a_restart_and_leave() {
    let world = World::new();
    agent(&world, 2, async {
        (0..50).for_each(|i| bound(&world, &format!("p{i}"), &format!("fake-{}", i % 2)));
        bound(&world, "other", "elsewhere");
        world.until("readiness", |w| w.count("pods", is_ready) == 50).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    })
    .await;
    let before = world.get("pods", "d", "p7").unwrap();
    assert_eq!(before["status"]["phase"], "Running");
    assert!(
        before["status"]["conditions"].as_array().unwrap().iter().any(|c| c["type"] == "x"),
        "{before:#}"
    );
    let patches = world.requests("PATCH pods/status");

    agent(&world, 2, async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(world.requests("PATCH pods/status"), patches, "a new agent has nothing to tell");
        for name in ["p7", "p8"] {
            let mut pod = world.get("pods", "d", name).unwrap();
            pod["metadata"]["deletionTimestamp"] = object::format_time(object::Time::now()).into();
            pod["metadata"]["deletionGracePeriodSeconds"] = 30.into();
            world.put("pods", pod);
        }
        world
            .until("their leave", |w| {
                w.get("pods", "d", "p7").is_none() && w.get("pods", "d", "p8").is_none()
            })
            .await;
        assert_eq!(world.count("pods", is_ready), 48);
    })
    .await;
}
