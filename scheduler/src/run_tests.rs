//! The scheduler against an API server in memory.

use serde_json::{Value, json};

use crate::world::{World, pod};
use crate::{Options, run};

fn node(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "status": {"allocatable": {"cpu": "10", "memory": "10Gi", "pods": "110"}}})
}

fn is_bound(pod: &Value) -> bool {
    pod["spec"]["nodeName"].is_string()
}

#[tokio::test]
async fn pods_are_bound_or_told_why_not() {
    let world = World::new();
    world.put("nodes", node("a"));
    world.put("pods", pod("first", "100m"));
    let scenario = async {
        (0..150).for_each(|i| drop(world.put("pods", pod(&format!("p{i}"), "100m"))));
        world.until("99 more bindings", |w| w.count("pods", is_bound) == 100).await;
        let told = |pod: &Value| {
            let condition = &pod["status"]["conditions"][0];
            condition["reason"] == "Unschedulable"
                && condition["message"] == "0/1 nodes are available: 1 Insufficient cpu."
        };
        world.until("the reasons", |w| w.count("pods", told) == 51).await;
        world.until("their events", |w| w.count("events", |e| e["reason"] == "FailedScheduling") == 51).await;
        world.put("nodes", node("b"));
        world.until("the rest", |w| w.count("pods", is_bound) == 151).await;
        let scheduled =
            |e: &Value| e["message"].as_str().is_some_and(|m| m.starts_with("Successfully assigned d/"));
        world.until("all events", |w| w.count("events", scheduled) == 151).await;
        assert_eq!(world.count("pods", |pod| pod["spec"]["nodeName"] == "a"), 100);
    };
    run(world.client(), world.source(), world.kinds.clone(), Options::default(), scenario).await.unwrap();
    assert_eq!(world.requests("POST pods/binding"), 151);
}
