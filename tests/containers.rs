//! Real containers, end to end: each test has a host of its own, with containerd and a network.

mod crash;
mod daily;
mod day;
mod end;
mod images;
mod join;
mod network;
mod probes;
mod quickstart;
mod reboot;
mod rollout;
mod start;

use serde_json::Value;

use crate::harness::items;
use crate::host::Host;
use crate::user::User;

const QUICKSTART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/quickstart.yaml");

/// A Deployment of web servers that serve their image's `/etc/motd`, and its Service.
fn web(name: &str, replicas: u32) -> String {
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
        - name: web
          image: web:1
          command: [sh, -c, 'cat /etc/motd >/www/index.html; exec serve']
          readinessProbe: {{httpGet: {{path: /, port: 8080}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{app: {name}}}
  ports: [{{port: 80, targetPort: 8080}}]
"
    )
}

/// A Pod of one container `main` that runs a shell script, with more of the Pod's and of the container's fields in
/// YAML's flow style. It dies at once when deleted.
fn pod(name: &str, script: &str, pod_fields: &str, container_fields: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec: {{
  {pod_fields}
  terminationGracePeriodSeconds: 0,
  containers: [{{name: main, image: \"web:1\", {container_fields} command: [sh, -c, \"{script}\"]}}]
}}
"
    )
}

/// The status of a pod's first container.
fn status(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

fn get_pod(user: &User, name: &str) -> Value {
    user.json(&["get", "pod", name])
}

fn is_ready(user: &User, name: &str) -> bool {
    status(&get_pod(user, name))["ready"] == true
}

fn restarts(pod: &Value) -> u64 {
    status(pod)["restartCount"].as_u64().unwrap_or_default()
}

/// The reasons and messages of an object's events.
fn events(user: &User, name: &str) -> Vec<(String, String)> {
    let list = user.json(&["get", "events", "--field-selector", &format!("involvedObject.name={name}")]);
    let word = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
    items(&list).iter().map(|event| (word(event, "reason"), word(event, "message"))).collect()
}

/// Whether an object has an event of this reason with this in its message.
fn told(user: &User, name: &str, reason: &str, part: &str) -> bool {
    events(user, name).iter().any(|(found, message)| found == reason && message.contains(part))
}

/// The address of a Service.
fn cluster_ip(user: &User, service: &str) -> String {
    user.kubectl(&["get", "service", service, "-o", "jsonpath={.spec.clusterIP}"])
}

/// The address of a pod, once it has one.
fn pod_ip(user: &User, name: &str) -> String {
    let mut ip = String::new();
    user.wait("the pod has an address", |c| {
        ip = get_pod(c, name)["status"]["podIP"].as_str().unwrap_or_default().to_owned();
        !ip.is_empty()
    });
    ip
}

/// What tells whether a container was touched: its id, restarts, and first process.
type Untouched = Vec<(String, u64, u32)>;

/// The containers of an app's pods, which must all run.
fn containers(host: &Host, app: &str) -> Untouched {
    let processes = host.processes();
    let pods = host.json(&["get", "pods", "-l", &format!("app={app}")]);
    let container = |pod: &Value| {
        let id = status(pod)["containerID"].as_str().unwrap_or_default();
        let bare = id.trim_start_matches("containerd://");
        let process = *processes.get(bare).unwrap_or_else(|| panic!("{id:?} does not run: {processes:?}"));
        (bare.to_owned(), restarts(pod), process)
    };
    let mut containers: Untouched = items(&pods).iter().map(container).collect();
    containers.sort();
    containers
}
