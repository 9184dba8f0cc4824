//! What built-in admission does to objects on their way, and what it refuses.

use client::PatchType;
use kinds::Kind;
use object::{Key, Value};
use serde_json::json;

use crate::{World, fixtures};

/// The status that a refused request was answered with, as `code: message`.
fn refused(answer: Result<Value, client::Error>) -> String {
    let error = answer.expect_err("refused");
    let status = error.status().expect("a Status");
    format!("{}: {}", status.code, status.message)
}

impl World {
    /// Creates an object and reads it back, by which the cache has it.
    async fn made(&self, kind: &Kind, object: Value) -> Value {
        let key = Key::new(if kind.namespaced() { "default" } else { "" }, name_of(&object));
        self.client.create(kind, &key.namespace, &object).await.expect("create");
        self.client.get(kind, &key).await.expect("get")
    }

    async fn try_pod(&self, name: &str, spec: Value) -> Result<Value, client::Error> {
        let pods = self.kind("", "Pod").clone();
        let mut pod = fixtures::object(&pods, name);
        for (field, value) in spec.as_object().into_iter().flatten() {
            pod["spec"][field] = value.clone();
        }
        self.client.create(&pods, "default", &pod).await
    }
}

fn name_of(object: &Value) -> String {
    object["metadata"]["name"].as_str().expect("a name").to_owned()
}

fn named(kind: &Kind, name: &str, fields: Value) -> Value {
    let mut object = fields;
    object["apiVersion"] = kind.api_version().into();
    object["kind"] = kind.kind.clone().into();
    object["metadata"]["name"] = name.into();
    object
}

#[tokio::test]
async fn limit_ranges_give_and_bound() {
    let world = World::new().await;
    let ranges = world.kind("", "LimitRange").clone();
    let limits = json!([
        {"type": "Container", "defaultRequest": {"cpu": "100m"}, "default": {"cpu": "200m"}, "max": {"cpu": "500m"}},
        {"type": "PersistentVolumeClaim", "max": {"storage": "2Gi"}},
    ]);
    world.made(&ranges, named(&ranges, "r", json!({"spec": {"limits": limits}}))).await;
    let pod = world.try_pod("a", json!({})).await.expect("admitted");
    let resources = &pod["spec"]["containers"][0]["resources"];
    assert_eq!(resources, &json!({"requests": {"cpu": "100m"}, "limits": {"cpu": "200m"}}));
    assert_eq!(pod["status"]["qosClass"], "Burstable");
    let told = "LimitRanger plugin set: cpu request for container main; cpu limit for container main";
    assert_eq!(pod["metadata"]["annotations"]["kubernetes.io/limit-ranger"], told);
    let large = json!([{"name": "m", "image": "a:1", "resources": {"requests": {"cpu": "1"}, "limits": {"cpu": "1"}}}]);
    let more = "maximum cpu usage per Container is 500m, but limit is 1";
    assert_eq!(
        refused(world.try_pod("b", json!({"containers": large})).await),
        format!("403: pods \"b\" is forbidden: {more}")
    );

    let (namespaces, pods) = (world.kind("", "Namespace").clone(), world.kind("", "Pod").clone());
    let resize = async |cpu: &str| {
        let patch =
            json!({"spec": {"containers": [{"name": "main", "resources": {"limits": {"cpu": cpu}}}]}});
        let key = Key::new("default", "a");
        world.client.patch(&pods, &key, Some("resize"), PatchType::Strategic, &patch).await
    };
    let more = "maximum cpu usage per Container is 500m, but limit is 600m";
    assert_eq!(refused(resize("600m").await), format!("403: pods \"a\" is forbidden: {more}"));
    resize("400m").await.expect("within bounds");
    world.made(&namespaces, named(&namespaces, "other", json!({}))).await;
    let accounts = world.kind("", "ServiceAccount").clone();
    world.client.create(&accounts, "other", &named(&accounts, "default", json!({}))).await.expect("create");
    let free = named(&pods, "b", json!({"spec": {"containers": large}}));
    world.client.create(&pods, "other", &free).await.expect("ranges are of their namespace");

    let claims = world.kind("", "PersistentVolumeClaim").clone();
    let claim = |name: &str, size: &str| {
        let mut claim = fixtures::object(&claims, name);
        claim["spec"]["resources"]["requests"]["storage"] = size.into();
        claim
    };
    let more = "maximum storage usage per PersistentVolumeClaim is 2Gi, but request is 3Gi";
    assert_eq!(
        refused(world.client.create(&claims, "default", &claim("c", "3Gi")).await),
        format!("403: persistentvolumeclaims \"c\" is forbidden: {more}")
    );
    world.client.create(&claims, "default", &claim("c", "2Gi")).await.expect("admitted");
    let lower = json!({"spec": {"limits": [{"type": "PersistentVolumeClaim", "max": {"storage": "1Gi"}}]}});
    let key = Key::new("default", "r");
    world.client.patch(&ranges, &key, None, PatchType::Merge, &lower).await.expect("patch");
    world.client.get(&ranges, &key).await.expect("get");
    let label = json!({"metadata": {"labels": {"a": "b"}}});
    let changed =
        world.client.patch(&claims, &Key::new("default", "c"), None, PatchType::Merge, &label).await;
    changed.expect("what is as before is not held against a change");
}

#[tokio::test]
async fn pods_have_the_priority_of_their_class() {
    let world = World::new().await;
    let classes = world.kind("scheduling.k8s.io", "PriorityClass").clone();
    let said = |pod: &Value| (pod["spec"]["priorityClassName"].clone(), pod["spec"]["priority"].clone());
    let plain = world.try_pod("plain", json!({})).await.expect("admitted");
    assert_eq!(said(&plain), (Value::Null, json!(0)));
    let class = |name: &str, value: u32, default: bool| {
        named(&classes, name, json!({"value": value, "globalDefault": default, "preemptionPolicy": "Never"}))
    };
    assert_eq!(
        refused(world.try_pod("a", json!({"priorityClassName": "high"})).await),
        "403: pods \"a\" is forbidden: no PriorityClass with name high was found"
    );
    world.client.create(&classes, "", &class("high", 1000, false)).await.expect("create");
    let pod = world.try_pod("a", json!({"priorityClassName": "high"})).await.expect("the class is there now");
    assert_eq!(said(&pod), (json!("high"), json!(1000)));
    assert_eq!(pod["spec"]["preemptionPolicy"], "Never");
    assert!(
        refused(world.try_pod("b", json!({"priority": 5})).await).starts_with("403: pods \"b\" is forbidden")
    );

    world.made(&classes, class("usual", 7, true)).await;
    let pod = world.try_pod("c", json!({})).await.expect("admitted");
    assert_eq!(said(&pod), (json!("usual"), json!(7)));
    assert_eq!(
        refused(world.client.create(&classes, "", &class("other", 1, true)).await),
        "403: priorityclasses.scheduling.k8s.io \"other\" is forbidden: \
         PriorityClass usual is already marked as default. Only one default can exist"
    );
    let pod = world.try_pod("d", json!({"priorityClassName": "system-node-critical"})).await;
    assert_eq!(
        said(&pod.expect("system components run")),
        (json!("system-node-critical"), json!(2_000_001_000))
    );

    let pods = world.kind("", "Pod").clone();
    let mut bare = world.client.get(&pods, &Key::new("default", "c")).await.expect("get");
    for field in ["priority", "preemptionPolicy", "tolerations"] {
        bare["spec"].as_object_mut().expect("a spec").remove(field);
    }
    bare["metadata"]["labels"] = json!({"changed": "yes"});
    let changed = world.client.update(&pods, &Key::new("default", "c"), &bare).await.expect("update");
    assert_eq!(said(&changed), (json!("usual"), json!(7)), "what admission filled in stays");
    assert_eq!(changed["spec"]["tolerations"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn runtime_classes_complete_pods() {
    let world = World::new().await;
    let classes = world.kind("node.k8s.io", "RuntimeClass").clone();
    let with_class = || json!({"runtimeClassName": "vm"});
    assert_eq!(
        refused(world.try_pod("a", with_class()).await),
        "403: pods \"a\" is forbidden: pod rejected: RuntimeClass \"vm\" not found"
    );
    let class = json!({
        "handler": "vm", "overhead": {"podFixed": {"cpu": "250m"}}, "scheduling": {"nodeSelector": {"vm": "yes"}},
    });
    world.client.create(&classes, "", &named(&classes, "vm", class)).await.expect("create");
    let pod = world.try_pod("a", with_class()).await.expect("the class is there now");
    assert_eq!(pod["spec"]["overhead"], json!({"cpu": "250m"}));
    assert_eq!(pod["spec"]["nodeSelector"], json!({"vm": "yes"}));
    assert_eq!(
        refused(world.try_pod("b", json!({"overhead": {"cpu": "1"}})).await),
        "403: pods \"b\" is forbidden: \
         pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
    );
}

#[tokio::test]
async fn classes_are_filled_in() {
    let world = World::new().await;
    let (claims, classes) = (
        world.kind("", "PersistentVolumeClaim").clone(),
        world.kind("storage.k8s.io", "StorageClass").clone(),
    );
    let none = world.made(&claims, fixtures::object(&claims, "none")).await;
    assert_eq!(none["spec"]["storageClassName"], Value::Null);
    let mark = json!({"storageclass.kubernetes.io/is-default-class": "true"});
    let class = json!({"metadata": {"annotations": mark}, "provisioner": "example.com/disk"});
    world.made(&classes, named(&classes, "disk", class)).await;
    let claim = world.made(&claims, fixtures::object(&claims, "some")).await;
    assert_eq!(claim["spec"]["storageClassName"], "disk");

    let status = json!({"status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}});
    let key = Key::new("default", "some");
    world.client.patch(&claims, &key, Some("status"), PatchType::Merge, &status).await.expect("a status");
    let grow = json!({"spec": {"resources": {"requests": {"storage": "2Gi"}}}});
    let grown = async || world.client.patch(&claims, &key, None, PatchType::Merge, &grow).await;
    assert_eq!(
        refused(grown().await),
        "403: persistentvolumeclaims \"some\" is forbidden: only dynamically provisioned pvc can be resized and \
         the storageclass that provisions the pvc must support resize"
    );
    let lets = json!({"allowVolumeExpansion": true});
    let disk = Key::new("", "disk");
    world.client.patch(&classes, &disk, None, PatchType::Merge, &lets).await.expect("patch");
    world.client.get(&classes, &disk).await.expect("get");
    grown().await.expect("the class lets it");

    let (ingresses, classes) = (
        world.kind("networking.k8s.io", "Ingress").clone(),
        world.kind("networking.k8s.io", "IngressClass").clone(),
    );
    let mut class = fixtures::object(&classes, "web");
    class["metadata"]["annotations"] = json!({"ingressclass.kubernetes.io/is-default-class": "true"});
    world.made(&classes, class).await;
    let ingress = world.made(&ingresses, fixtures::object(&ingresses, "i")).await;
    assert_eq!(ingress["spec"]["ingressClassName"], "web");
}

#[tokio::test]
async fn new_nodes_are_tainted() {
    let world = World::new().await;
    let nodes = world.kind("", "Node").clone();
    let node = world.made(&nodes, named(&nodes, "n1", json!({}))).await;
    let taint = json!([{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]);
    assert_eq!(node["spec"]["taints"], taint);
    let off = json!({"spec": {"taints": null}});
    let node = world.client.patch(&nodes, &Key::new("", "n1"), None, PatchType::Merge, &off).await;
    assert_eq!(node.expect("patch")["spec"]["taints"], Value::Null);
}

#[tokio::test]
async fn what_is_not_carried_out_is_admitted_alike() {
    let world = World::new().await;
    let pods = world.kind("", "Pod").clone();
    let path = "/api/v1/namespaces/default/pods?dryRun=All".to_owned();
    let mut pod = fixtures::object(&pods, "a");
    let ask = async |pod: &Value| world.client.json(http::Method::POST, path.clone(), Some(pod)).await;
    let answer = ask(&pod).await.expect("admitted");
    assert_eq!(
        (&answer["spec"]["priority"], &answer["spec"]["serviceAccountName"]),
        (&json!(0), &json!("default"))
    );
    pod["spec"]["runtimeClassName"] = "vm".into();
    assert!(refused(ask(&pod).await).ends_with("RuntimeClass \"vm\" not found"));
    let gone = world.client.get(&pods, &Key::new("default", "a")).await;
    assert!(gone.is_err_and(|e| e.is_not_found()));
    let mut begun = fixtures::object(&pods, "x");
    begun["metadata"] = json!({"generateName": "web-"});
    begun["spec"]["runtimeClassName"] = "vm".into();
    assert_eq!(
        refused(ask(&begun).await),
        "403: pods \"web-\" is forbidden: pod rejected: RuntimeClass \"vm\" not found"
    );
}
