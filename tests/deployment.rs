//! The life of a Deployment on three nodes, as kubectl's user sees it.

use serde_json::Value;

use crate::harness::{Cluster, condition, items, text};
use crate::user::User;

/// A Deployment of `replicas` with an image.
pub(crate) fn manifest(name: &str, replicas: u32, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      containers:
        - {{name: main, image: \"{image}\"}}
"
    )
}

/// The images of the pods that are neither finished nor going, sorted.
pub(crate) fn running_images(cluster: &User, app: &str) -> Vec<String> {
    let pods = cluster.json(&["get", "pods", "-l", &format!("app={app}")]);
    let alive = items(&pods).iter().filter(|p| p["metadata"]["deletionTimestamp"].is_null());
    let ready = alive.filter(|p| condition(p, "Ready") == "True");
    let mut images: Vec<String> =
        ready.map(|p| p["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()).collect();
    images.sort();
    images
}

fn owner(object: &Value) -> &str {
    object["metadata"]["ownerReferences"][0]["name"].as_str().unwrap_or_default()
}

#[test]
fn rolls_out_updates_undoes_scales_and_goes() {
    let cluster = Cluster::with_nodes(3);
    cluster.kubectl(&["create", "deployment", "web", "--image=web:1", "--replicas=3"]);
    cluster.rolled_out("web");
    assert_eq!(running_images(&cluster, "web"), ["web:1", "web:1", "web:1"]);
    let fresh = cluster.json(&["get", "deployment", "web"]);
    assert_eq!(fresh["metadata"]["generation"], 1, "nobody wished for anything else yet: {fresh}");
    assert_eq!(fresh["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "1");

    cluster.kubectl(&["set", "image", "deployment/web", "web=web:2"]);
    cluster.rolled_out("web");
    cluster.wait("only the second image runs", |c| running_images(c, "web") == ["web:2", "web:2", "web:2"]);
    let history = cluster.kubectl(&["rollout", "history", "deployment/web"]);
    assert!(history.contains('1') && history.contains('2'), "{history}");

    cluster.kubectl(&["rollout", "undo", "deployment/web"]);
    cluster.rolled_out("web");
    cluster.wait("the first image runs again", |c| running_images(c, "web") == ["web:1", "web:1", "web:1"]);
    let sets = cluster.json(&["get", "replicasets", "-l", "app=web"]);
    assert_eq!(items(&sets).len(), 2, "an undo uses the replica set that was there");
    assert!(items(&sets).iter().all(|set| owner(set) == "web"));

    cluster.kubectl(&["scale", "deployment/web", "--replicas=5"]);
    cluster.wait("five run", |c| running_images(c, "web").len() == 5);
    let table = cluster.kubectl(&["get", "deployment", "web"]);
    assert!(table.contains("5/5"), "{table}");

    cluster.kubectl(&["delete", "deployment", "web", "--wait=true"]);
    cluster.wait("everything it owned is gone", |c| {
        items(&c.json(&["get", "replicasets,pods", "-l", "app=web"])).is_empty()
    });
}

#[test]
fn an_update_to_a_missing_image_stops_at_its_surge_and_is_undone() {
    let cluster = Cluster::with_nodes(3);
    cluster.apply(&manifest("web", 4, "web:1"));
    cluster.rolled_out("web");
    cluster.kubectl(&["set", "image", "deployment/web", "main=missing:2"]);
    cluster.wait("the new pods wait for their image", |c| {
        c.kubectl(&["get", "pods", "-l", "app=web"]).contains("ImagePullBackOff")
    });
    let deployment = cluster.json(&["get", "deployment", "web"]);
    assert_eq!(deployment["status"]["availableReplicas"], 3, "at most a quarter is taken away: {deployment}");
    assert_eq!(deployment["status"]["updatedReplicas"], 2, "a quarter on top, and the one taken away");
    cluster.kubectl(&["rollout", "undo", "deployment/web"]);
    cluster.rolled_out("web");
    cluster.wait("the old image runs in full", |c| running_images(c, "web") == vec!["web:1"; 4]);
}

#[test]
fn a_paused_deployment_waits_and_recreate_leaves_no_overlap() {
    let cluster = Cluster::with_nodes(1);
    cluster.apply(&manifest("web", 2, "web:1"));
    cluster.rolled_out("web");
    cluster.kubectl(&["rollout", "pause", "deployment/web"]);
    cluster.kubectl(&["set", "image", "deployment/web", "main=web:2"]);
    cluster.wait("the controller has seen the change", |c| {
        let d = c.json(&["get", "deployment", "web"]);
        d["status"]["observedGeneration"] == d["metadata"]["generation"]
    });
    assert_eq!(running_images(&cluster, "web"), ["web:1", "web:1"]);
    cluster.kubectl(&["rollout", "resume", "deployment/web"]);
    cluster.rolled_out("web");
    let strategy = r#"{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}"#;
    cluster.kubectl(&["patch", "deployment", "web", "-p", strategy]);
    cluster.kubectl(&["set", "image", "deployment/web", "main=web:3"]);
    cluster.wait("the third image runs", |c| {
        let images = running_images(c, "web");
        assert!(images.iter().all(|i| i == &images[0]), "old and new at once: {images:?}");
        images == ["web:3", "web:3"]
    });
}

#[test]
fn a_pod_that_fits_nowhere_says_why() {
    let cluster = Cluster::with_nodes(2);
    let pod = "apiVersion: v1
kind: Pod
metadata: {name: big}
spec:
  containers:
    - {name: main, image: big, resources: {requests: {cpu: \"1000\"}}}
";
    cluster.apply(pod);
    cluster.wait("the reason is told", |c| {
        let pod = c.json(&["get", "pod", "big"]);
        let conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|c| {
            c["reason"] == "Unschedulable"
                && c["message"]
                    .as_str()
                    .unwrap_or_default()
                    .starts_with("0/2 nodes are available: 2 Insufficient cpu")
        })
    });
    cluster.wait("an event tells it too", |c| c.kubectl(&["get", "events"]).contains("FailedScheduling"));
    assert!(cluster.kubectl(&["describe", "pod", "big"]).contains("Insufficient cpu"));
    cluster.kubectl(&["delete", "pod", "big"]);
}

#[test]
fn a_namespace_goes_with_all_it_holds() {
    let cluster = Cluster::with_nodes(1);
    cluster.kubectl(&["create", "namespace", "team"]);
    cluster.wait("the default service account", |c| {
        c.try_kubectl(&["-n", "team", "get", "serviceaccount", "default"]).status.success()
    });
    let output = cluster.kubectl_with(&["-n", "team", "apply", "-f", "-"], &manifest("web", 2, "web:1"));
    assert!(output.status.success(), "{}", text(&output.stderr));
    cluster.kubectl(&["-n", "team", "rollout", "status", "deployment/web", "--timeout=60s"]);
    cluster.kubectl(&["-n", "team", "create", "configmap", "c", "--from-literal=a=b"]);
    cluster.kubectl(&["delete", "namespace", "team", "--timeout=60s"]);
    let gone = cluster.try_kubectl(&["get", "namespace", "team"]);
    assert!(text(&gone.stderr).contains("namespaces \"team\" not found"), "{}", text(&gone.stderr));
    cluster.kubectl(&["create", "namespace", "team"]);
    let left = cluster.kubectl(&["-n", "team", "get", "pods,deployments,replicasets", "-o", "name"]);
    assert_eq!(left, "", "a namespace made again is empty");
}

#[test]
fn a_node_that_falls_silent_is_not_ready() {
    let mut cluster = Cluster::with_nodes(1);
    cluster.kill_agent();
    let deadline = std::time::Duration::from_secs(50);
    cluster.kubectl(&[
        "wait",
        "node",
        "--all",
        "--for=condition=Ready=Unknown",
        &format!("--timeout={}s", deadline.as_secs() + 20),
    ]);
    let node = &items(&cluster.json(&["get", "nodes"]))[0].clone();
    let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    assert!(taints.iter().any(|t| t["key"] == "node.kubernetes.io/unreachable"), "{node}");
    cluster.start_agent(1);
    cluster.kubectl(&["wait", "node", "--all", "--for=condition=Ready", "--timeout=60s"]);
}
