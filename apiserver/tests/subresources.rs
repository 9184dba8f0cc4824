//! Parts of objects that have a path of their own, and what else a request's path decides about a write.

use std::sync::Arc;

use apiserver::{PodRange, ServiceRange};
use client::{ListParams, PatchType};
use http::Method;
use object::{Key, Value};
use serde_json::json;
use store::{Durability, Store, Txn, Write};

use crate::{World, fixtures};

type Answer = Result<Value, client::Error>;

/// The status that a refused request was answered with, as `code reason: message`.
fn refused(answer: Answer) -> String {
    let error = answer.expect_err("refused");
    let status = error.status().expect("a Status");
    format!("{} {:?}: {}", status.code, status.reason.expect("a reason"), status.message)
}

/// Group and resource that the details of a refusal name.
fn details(answer: Answer) -> (String, String) {
    let error = answer.expect_err("refused");
    let details = error.status().and_then(|status| status.details.clone()).expect("details");
    (details.group, details.kind)
}

fn key() -> Key {
    Key::new("default", "a")
}

async fn with_pod(spec: Value) -> World {
    let world = World::new().await;
    let pods = world.kind("", "Pod").clone();
    let mut pod = fixtures::object(&pods, "a");
    for (field, value) in spec.as_object().expect("a spec") {
        pod["spec"][field] = value.clone();
    }
    world.client.create(&pods, "default", &pod).await.expect("create");
    world
}

#[tokio::test]
async fn a_pod_is_debugged() {
    let world = with_pod(json!({})).await;
    let (pods, part) = (world.kind("", "Pod").clone(), "ephemeralcontainers");
    let patch = async |part: Option<&'static str>, patch: Value| {
        world.client.patch(&pods, &key(), part, PatchType::Strategic, &patch).await
    };
    let debugger = |image: &str| {
        let container = json!({"name": "d", "image": image, "targetContainerName": "main"});
        json!({"spec": {"ephemeralContainers": [container], "hostname": "x"}, "metadata": {"labels": {"a": "b"}}})
    };
    let pod = patch(Some(part), debugger("busybox")).await.expect("a debugger");
    let container = &pod["spec"]["ephemeralContainers"][0];
    assert_eq!((&container["name"], &container["imagePullPolicy"]), (&json!("d"), &json!("Always")));
    assert_eq!((&pod["spec"]["hostname"], &pod["metadata"]["labels"]), (&json!(null), &json!(null)));
    assert_eq!(pod["metadata"]["generation"], 2);
    assert_eq!(world.client.get_subresource(&pods, &key(), part).await.expect("the pod"), pod);
    let changed = refused(patch(Some(part), debugger("alpine")).await);
    assert_eq!(
        changed,
        "422 Invalid: Pod \"a\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral containers \"d\" may not be changed\n"
    );
    let usual = json!({"spec": {"ephemeralContainers": [{"name": "e", "image": "busybox"}]}});
    let usual = refused(patch(None, usual).await);
    assert!(usual.contains("spec: Forbidden: pod updates may not change fields other than"), "{usual}");
    let mut more = pod.clone();
    let other = json!({"name": "e", "image": "busybox"});
    more["spec"]["ephemeralContainers"].as_array_mut().expect("a list").push(other);
    let more = world.client.update_subresource(&pods, &key(), part, &more).await.expect("another one");
    assert_eq!(more["spec"]["ephemeralContainers"][1]["name"], "e");
    let created = world.client.create_subresource(&pods, &key(), part, &more).await;
    assert!(refused(created).starts_with("405 MethodNotAllowed"));
}

#[tokio::test]
async fn a_pod_is_resized() {
    let asks = |cpu: &str, memory: &str| json!([{"name": "main", "image": "a:1", "resources": {"requests": {"cpu": cpu, "memory": memory}}}]);
    let world = with_pod(json!({"containers": asks("1", "1Gi")})).await;
    let pods = world.kind("", "Pod").clone();
    let resize = async |containers: Value| {
        let patch = json!({"spec": {"containers": containers, "priority": 7}});
        world.client.patch(&pods, &key(), Some("resize"), PatchType::Strategic, &patch).await
    };
    let pod = resize(asks("2", "2Gi")).await.expect("it is resized");
    assert_eq!(pod["spec"]["containers"][0]["resources"], json!({"requests": {"cpu": "2", "memory": "2Gi"}}));
    assert_eq!((&pod["spec"]["priority"], &pod["metadata"]["generation"]), (&json!(0), &json!(2)));
    assert_eq!(resize(asks("2", "2Gi")).await.expect("nothing to do")["metadata"]["generation"], 2);
    let same = json!({"cpu": "2", "memory": "2Gi"});
    let exact = json!([{"name": "main", "resources": {"requests": same, "limits": same}}]);
    assert_eq!(
        refused(resize(exact).await),
        "422 Invalid: Pod \"a\" is invalid: spec: Invalid value: \"Burstable\": Pod QOS Class may not change as a result of resizing"
    );
    let other = json!([{"name": "other", "image": "a:1"}]);
    assert_eq!(
        refused(resize(other).await),
        "422 Invalid: Pod \"a\" is invalid: spec.containers: Forbidden: containers may not be added or removed on resize"
    );
    let usual = json!({"spec": {"containers": asks("3", "3Gi")}});
    let usual = world.client.patch(&pods, &key(), None, PatchType::Strategic, &usual).await;
    assert!(refused(usual).contains("spec: Forbidden: pod updates may not change fields other than"));
}

#[tokio::test]
async fn a_binding_is_no_new_wish() {
    let world = with_pod(json!({})).await;
    let pods = world.kind("", "Pod").clone();
    let target = json!({"kind": "Node", "name": "n1"});
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": target});
    world.client.create_subresource(&pods, &key(), "binding", &binding).await.expect("binds");
    let pod = world.client.get(&pods, &key()).await.expect("get");
    assert_eq!((&pod["spec"]["nodeName"], &pod["metadata"]["generation"]), (&json!("n1"), &json!(1)));
    world.client.delete(&pods, &key(), &json!({})).await.expect("marks it");
    assert_eq!(world.client.get(&pods, &key()).await.expect("get")["metadata"]["generation"], 2);
}

#[tokio::test]
async fn parts_are_discovered() {
    let world = World::new().await;
    let check = async |path: &str, name: &str, verbs: &[&str]| {
        let list = world.client.json(Method::GET, path.to_owned(), None).await.expect("discovery");
        let resources = list["resources"].as_array().expect("a list");
        let found = resources.iter().find(|resource| resource["name"] == name).expect("the part");
        assert_eq!(found["verbs"], json!(verbs), "{name}");
        found["kind"].clone()
    };
    let written = ["get", "patch", "update"];
    assert_eq!(check("/api/v1", "pods/ephemeralcontainers", &written).await, "Pod");
    assert_eq!(check("/api/v1", "pods/resize", &written).await, "Pod");
    check("/api/v1", "pods/status", &written).await;
    check("/api/v1", "namespaces/finalize", &["update"]).await;
    check("/apis/certificates.k8s.io/v1", "certificatesigningrequests/approval", &written).await;
    let openapi =
        world.client.json(Method::GET, "/openapi/v3/api/v1".to_owned(), None).await.expect("OpenAPI");
    let path = &openapi["paths"]["/api/v1/namespaces/{namespace}/pods/{name}/resize"];
    assert_eq!(path["patch"]["operationId"], "patchCoreV1NamespacedPodResize");
    assert!(path["post"].is_null());
    let finalize = &openapi["paths"]["/api/v1/namespaces/{name}/finalize"];
    assert!(finalize["put"].is_object() && finalize["get"].is_null(), "{finalize}");
}

#[tokio::test]
async fn requests_are_decided_once_and_namespaces_finalized_by_name() {
    let world = World::new().await;
    let requests = world.kind("certificates.k8s.io", "CertificateSigningRequest").clone();
    let key = Key::new("", "a");
    world.client.create(&requests, "", &fixtures::object(&requests, "a")).await.expect("create");
    let approve = async |conditions: Value| {
        let patch = json!({"metadata": {"annotations": {"by": "me"}}, "status": {"conditions": conditions}});
        world.client.patch(&requests, &key, Some("approval"), PatchType::Merge, &patch).await
    };
    let condition = |kind: &str| json!({"type": kind, "status": "True", "reason": "Tested"});
    assert_eq!(
        refused(approve(json!([condition("Approved"), condition("Denied")])).await),
        "422 Invalid: CertificateSigningRequest.certificates.k8s.io \"a\" is invalid: status.conditions[1].type: Invalid value: \
         \"Denied\": Approved and Denied conditions are mutually exclusive"
    );
    let denied = approve(json!([condition("Denied")])).await.expect("denied");
    assert!(denied["status"]["conditions"][0]["lastUpdateTime"].is_string(), "{denied}");
    assert_eq!(denied["metadata"]["annotations"]["by"], "me");
    let again = approve(json!([condition("Approved")])).await;
    assert!(refused(again).contains("updates may not remove a condition of type \"Denied\""));
    let namespaces = world.kind("", "Namespace").clone();
    world.client.create(&namespaces, "", &fixtures::object(&namespaces, "team")).await.expect("create");
    let team = Key::new("", "team");
    let mut namespace = world.client.get(&namespaces, &team).await.expect("get");
    namespace["spec"]["finalizers"] = json!(["kubernetes", "hold"]);
    assert_eq!(
        refused(world.client.update_subresource(&namespaces, &team, "finalize", &namespace).await),
        "422 Invalid: Namespace \"team\" is invalid: spec.finalizers[1]: Invalid value: \"hold\": name is neither a \
         standard finalizer name nor is it fully qualified"
    );
    let patch = json!({"spec": {"finalizers": []}});
    let patched = world.client.patch(&namespaces, &team, Some("finalize"), PatchType::Merge, &patch).await;
    assert!(refused(patched).starts_with("405 MethodNotAllowed"));
}

#[tokio::test]
async fn a_status_is_labelled_by_the_rules_of_labels() {
    let world = with_pod(json!({})).await;
    let pods = world.kind("", "Pod").clone();
    let patch = json!({"metadata": {"labels": {"-": "x"}}});
    let patched = world.client.patch(&pods, &key(), Some("status"), PatchType::Merge, &patch).await;
    assert!(
        refused(patched)
            .starts_with("422 Invalid: Pod \"a\" is invalid: metadata.labels: Invalid value: \"-\"")
    );
    let status = json!({"status": {"qosClass": null, "phase": "Running"}});
    let pod = world.client.patch(&pods, &key(), Some("status"), PatchType::Merge, &status).await;
    let pod = pod.expect("a status");
    assert_eq!(
        (&pod["status"]["qosClass"], &pod["status"]["phase"]),
        (&json!("BestEffort"), &json!("Running"))
    );
}

#[tokio::test]
async fn events_obey_the_group_that_they_come_by() {
    let world = World::new().await;
    let core = world.kind("", "Event").clone();
    let served = world.kinds.at("events.k8s.io", "v1", "events").expect("a row").clone();
    let mut old = fixtures::object(&served, "old");
    for field in ["action", "eventTime", "reportingController", "reportingInstance"] {
        old.as_object_mut().expect("an object").remove(field);
    }
    old["deprecatedCount"] = 3.into();
    assert_eq!(
        refused(world.client.create(&served, "default", &old).await),
        "422 Invalid: Event \"old\" is invalid: [eventTime: Required value, count: Invalid value: \"\": needs to be unset]"
    );
    let mut plain = fixtures::object(&core, "old");
    plain["count"] = 3.into();
    world.client.create(&core, "default", &plain).await.expect("the core group takes it");
    world.client.create(&served, "default", &fixtures::object(&served, "new")).await.expect("create");
    let patch = async |patch: Value| {
        let key = Key::new("default", "new");
        world.client.patch(&served, &key, None, PatchType::Merge, &patch).await
    };
    let series =
        |count: u64| json!({"series": {"count": count, "lastObservedTime": "2020-01-01T00:00:01.000000Z"}});
    patch(series(2)).await.expect("the series goes on");
    assert_eq!(
        refused(patch(series(1)).await),
        "422 Invalid: Event \"new\" is invalid: series.count: Invalid value: \"\": should be at least 2"
    );
    assert_eq!(
        refused(patch(json!({"note": "other"})).await),
        "422 Invalid: Event \"new\" is invalid: message: Invalid value: \"other\": field is immutable"
    );
    let changed = json!({"message": "other"});
    let changed =
        world.client.patch(&core, &Key::new("default", "new"), None, PatchType::Merge, &changed).await;
    assert_eq!(changed.expect("the core group changes it")["message"], "other");
}

#[tokio::test]
async fn refusals_name_what_was_asked_for() {
    let world = World::new().await;
    let served = world.kinds.at("events.k8s.io", "v1", "events").expect("a row").clone();
    let missing = Key::new("default", "missing");
    let named = ("events.k8s.io".to_owned(), "events".to_owned());
    let get = || world.client.get(&served, &missing);
    assert_eq!(refused(get().await), "404 NotFound: events.events.k8s.io \"missing\" not found");
    assert_eq!(details(get().await), named);
    let delete = world.client.delete(&served, &missing, &json!({})).await;
    assert_eq!(refused(delete), "404 NotFound: events.events.k8s.io \"missing\" not found");
    let event = fixtures::object(&served, "a");
    let created = world.client.create(&served, "default", &event).await.expect("create");
    let twice = || world.client.create(&served, "default", &event);
    assert_eq!(refused(twice().await), "409 AlreadyExists: events.events.k8s.io \"a\" already exists");
    assert_eq!(details(twice().await), named);
    let mut stale = created.clone();
    stale["metadata"]["resourceVersion"] = "1".into();
    let update = world.client.update(&served, &key(), &stale).await;
    assert!(
        refused(update).starts_with("409 Conflict: Operation cannot be fulfilled on events.events.k8s.io \"a\": the object has been modified")
    );
    let options = json!({"preconditions": {"uid": "another"}});
    let delete = world.client.delete(&served, &key(), &options).await;
    assert!(refused(delete).starts_with(
        "409 Conflict: Operation cannot be fulfilled on Event \"a\": the UID in the precondition (another)"
    ));
    let gone = world.client.delete(&served, &key(), &json!({})).await.expect("deleted");
    assert_eq!(
        (&gone["details"]["group"], &gone["details"]["kind"]),
        (&json!("events.k8s.io"), &json!("events"))
    );
    let core = world.kind("", "Event").clone();
    let missing = world.client.get(&core, &missing).await;
    assert_eq!(refused(missing), "404 NotFound: events \"missing\" not found");
}

/// A deployment as no request could write it: it breaks a rule of its schema, and one of its kind's.
fn invalid_deployment(world: &World) -> Value {
    let kind = world.kind("apps", "Deployment");
    let mut deployment = fixtures::object(kind, "a");
    object::conform(&kind.schema, &mut deployment).expect("conforms");
    object::apply_defaults(&kind.schema, &mut deployment);
    kind.strategy.default(&mut deployment);
    let spec = &mut deployment["spec"];
    spec["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Perhaps".into();
    spec["template"]["metadata"]["labels"] = json!({"app": "other"});
    deployment["metadata"]["finalizers"] = json!(["example.com/hold"]);
    deployment["metadata"]["generation"] = 1.into();
    deployment["metadata"]["uid"] = "u".into();
    deployment
}

async fn store_as_is(store: &store::Memory, key: &str, document: &Value) {
    let write = Write::Put { key: key.to_owned().into(), value: object::encode(document).bytes };
    let txn = Txn { compares: Vec::new(), writes: vec![write], durability: Durability::Durable };
    store.commit(txn).await.expect("a commit");
}

#[tokio::test]
async fn an_update_is_not_blamed_for_what_was_wrong_before() {
    let store = Arc::new(store::Memory::new());
    let world = World::on(store.clone(), PodRange::default(), ServiceRange::default()).await;
    let kind = world.kind("apps", "Deployment").clone();
    store_as_is(&store, "/deployments.apps/default/a", &invalid_deployment(&world)).await;
    let patch = async |part: Option<&'static str>, patch: Value| {
        world.client.patch(&kind, &key(), part, PatchType::Strategic, &patch).await
    };
    patch(None, json!({"metadata": {"labels": {"a": "b"}}})).await.expect("a label");
    patch(Some("status"), json!({"status": {"replicas": 1}})).await.expect("a status");
    let bad_label = patch(None, json!({"metadata": {"labels": {"-": "b"}}})).await;
    assert!(refused(bad_label).contains("metadata.labels: Invalid value: \"-\""));
    let mismatch = "spec.template.metadata.labels: Invalid value: {\"app\":\"other\"}: `selector` does not match template `labels`";
    let prefix = "422 Invalid: Deployment.apps \"a\" is invalid: ";
    assert_eq!(refused(patch(None, json!({"spec": {"replicas": 2}})).await), format!("{prefix}{mismatch}"));
    let right = json!({"spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "a"}}}}});
    let deployment =
        patch(None, right).await.expect("the kind's rule is kept now, and the other was broken before");
    assert_eq!(deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"], "Perhaps");
    let other = json!([{"name": "main", "imagePullPolicy": "Maybe"}]);
    let changed = patch(None, json!({"spec": {"template": {"spec": {"containers": other}}}})).await;
    let why = refused(changed);
    assert!(
        why.contains("spec.template.spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\""),
        "{why}"
    );
    let first = json!([{"name": "first", "image": "a:1"}]);
    let added = patch(None, json!({"spec": {"template": {"spec": {"containers": first}}}})).await;
    let containers = added.expect("a container more")["spec"]["template"]["spec"]["containers"].clone();
    assert_eq!(containers.as_array().map(Vec::len), Some(2), "{containers}");
    world.client.delete(&kind, &key(), &json!({})).await.expect("marks it");
    patch(None, json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["example.com/hold"]}}))
        .await
        .expect("the last finalizer");
    assert!(world.client.get(&kind, &key()).await.is_err_and(|e| e.is_not_found()));
}

#[tokio::test]
async fn parts_of_the_control_plane_are_listed() {
    let world = World::new().await;
    let kind = world.kind("", "ComponentStatus").clone();
    let list = world.client.list(&kind, "", &ListParams::default()).await.expect("list");
    assert_eq!(list["kind"], "ComponentStatusList");
    let told = |list: &Value| -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let items = list["items"].as_array().expect("items").iter();
        items.map(|item| (text(&item["metadata"]["name"]), text(&item["conditions"][0]["status"]))).collect()
    };
    let expect = |scheduler: &str, controllers: &str| {
        [("scheduler", scheduler), ("controller-manager", controllers), ("etcd-0", "True")]
            .map(|(name, status)| (name.to_owned(), status.to_owned()))
    };
    assert_eq!(told(&list), expect("Unknown", "Unknown"), "nobody told of them");
    let leases = world.kind("coordination.k8s.io", "Lease").clone();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "kube-scheduler"},
        "spec": {"holderIdentity": "s", "leaseDurationSeconds": 15, "renewTime": "2020-01-01T00:00:00.000000Z"},
    });
    world.client.create(&leases, "kube-system", &lease).await.expect("a lease");
    world.server.hosts("kube-controller-manager");
    let list = world.client.list(&kind, "", &ListParams::default()).await.expect("list");
    assert_eq!(told(&list), expect("False", "True"));
    let one = world.client.get(&kind, &Key::new("", "scheduler")).await.expect("get");
    let why = "Lease kube-system/kube-scheduler was last renewed at \"2020-01-01T00:00:00.000000Z\", for 15 seconds";
    assert_eq!(
        one,
        json!({
            "apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": "scheduler"},
            "conditions": [{"type": "Healthy", "status": "False", "error": why}],
        })
    );
    let missing = world.client.get(&kind, &Key::new("", "nobody")).await;
    assert_eq!(refused(missing), "404 NotFound: componentstatuses \"nobody\" not found");
    let params = ListParams { fields: "metadata.name=etcd-0".into(), ..ListParams::default() };
    let list = world.client.list(&kind, "", &params).await.expect("list");
    assert_eq!(told(&list), [("etcd-0".to_owned(), "True".to_owned())]);
}
