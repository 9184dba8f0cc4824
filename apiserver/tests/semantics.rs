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
async fn a_pod_goes_when_its_node_says_so() {
    let world = World::new().await;
    let pods = world.kind("", "Pod").clone();
    let key = Key::new("default", "a");
    world.client.create(&pods, "default", &fixtures::object(&pods, "a")).await.expect("create");
    let binding = json!({"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}});
    world.client.create_subresource(&pods, &key, "binding", &binding).await.expect("binds");
    assert_eq!(
        refused(world.client.create_subresource(&pods, &key, "binding", &binding).await),
        "409 Conflict: Operation cannot be fulfilled on pods/binding \"a\": pod a is already assigned to node \"n1\""
    );
    world.client.delete(&pods, &key, &json!({})).await.expect("marks it");
    let marked = world.client.get(&pods, &key).await.expect("it waits for its node");
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    world.client.delete(&pods, &key, &json!({"gracePeriodSeconds": 0})).await.expect("the node is done");
    assert!(world.client.get(&pods, &key).await.is_err_and(|e| e.is_not_found()));
}

#[tokio::test]
async fn nothing_is_created_in_a_namespace_that_goes_or_is_not_there() {
    let world = World::new().await;
    let (namespaces, maps) = (world.kind("", "Namespace").clone(), world.kind("", "ConfigMap").clone());
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
    assert_eq!(
        refused(world.client.create(&maps, "team", &map).await),
        "404 NotFound: namespaces \"team\" not found"
    );
    assert_eq!(
        refused(
            world.client.delete(&namespaces, &Key::new("", "default"), &json!({})).await.map(|_| Value::Null)
        ),
        "403 Forbidden: namespaces \"default\" is forbidden: this namespace may not be deleted"
    );
    world.client.create(&namespaces, "", &fixtures::object(&namespaces, "team")).await.expect("create");
    world.client.create(&maps, "team", &map).await.expect("create");
    world.client.delete(&namespaces, &Key::new("", "team"), &json!({})).await.expect("marks it");
    let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "n"}});
    assert_eq!(
        refused(world.client.create(&maps, "team", &other).await),
        "403 Forbidden: configmaps \"n\" is forbidden: unable to create new content in namespace team because it is being terminated"
    );
}

#[tokio::test]
async fn generation_counts_wishes_and_nothing_else() {
    let world = World::new().await;
    let kind = world.kind("apps", "Deployment").clone();
    let key = Key::new("default", "d");
    world.client.create(&kind, "default", &fixtures::object(&kind, "d")).await.expect("create");
    let generation =
        |object: Result<Value, client::Error>| object.expect("patch")["metadata"]["generation"].clone();
    let patch = async |subresource, patch: Value| {
        generation(world.client.patch(&kind, &key, subresource, PatchType::Merge, &patch).await)
    };
    assert_eq!(patch(None, json!({"metadata": {"labels": {"a": "b"}}})).await, 1);
    assert_eq!(patch(None, json!({"spec": {"replicas": 3}})).await, 2);
    assert_eq!(patch(None, json!({"spec": {"replicas": 3}})).await, 2, "the same again");
    assert_eq!(patch(Some("status"), json!({"status": {"replicas": 3}, "spec": {"replicas": 9}})).await, 2);
    let scale = world
        .client
        .patch(&kind, &key, Some("scale"), PatchType::Merge, &json!({"spec": {"replicas": 5}}))
        .await;
    assert_eq!(scale.expect("scale")["spec"]["replicas"], 5);
    let deployment = world.client.get(&kind, &key).await.expect("get");
    assert_eq!(
        (deployment["metadata"]["generation"].clone(), deployment["spec"]["replicas"].clone()),
        (json!(3), json!(5))
    );
}

#[tokio::test]
async fn preconditions_guard_writes() {
    let world = World::new().await;
    let maps = world.kind("", "ConfigMap").clone();
    let key = Key::new("default", "m");
    world.client.create(&maps, "default", &fixtures::object(&maps, "m")).await.expect("create");
    let options = json!({"preconditions": {"uid": "another"}});
    assert!(refused(world.client.delete(&maps, &key, &options).await).starts_with("409 Conflict"));
    let patch = json!({"metadata": {"uid": "another"}, "data": {"a": "b"}});
    let answer = world.client.patch(&maps, &key, None, PatchType::Merge, &patch).await;
    assert!(refused(answer).starts_with("409 Conflict"));
    let patch = json!({"metadata": {"resourceVersion": "1"}, "data": {"a": "b"}});
    let answer = world.client.patch(&maps, &key, None, PatchType::Merge, &patch).await;
    assert!(refused(answer).starts_with("409 Conflict"));
    let options = json!({"propagationPolicy": "Foreground"});
    world.client.delete(&maps, &key, &options).await.expect("marks it");
    let held = world.client.get(&maps, &key).await.expect("it waits for the garbage collector");
    assert_eq!(held["metadata"]["finalizers"], json!(["foregroundDeletion"]));
}

#[tokio::test]
async fn unknown_selectors_and_paths_are_refused() {
    let world = World::new().await;
    let get = async |path: &str| refused(world.client.json(http::Method::GET, path.to_owned(), None).await);
    assert_eq!(
        get("/api/v1/pods?fieldSelector=spec.nonsense%3Da").await,
        "400 BadRequest: field label not supported: spec.nonsense"
    );
    assert!(get("/api/v1/pods?labelSelector=a%3D%3D%3Db").await.starts_with("400 BadRequest"));
    assert_eq!(
        get("/apis/apps/v2/deployments").await,
        "404 NotFound: the server could not find the requested resource"
    );
    assert!(get("/api/v1/pods?continue=nonsense").await.starts_with("400 BadRequest"));
    assert!(get("/api/v1/pods?limit=-1").await.starts_with("400 BadRequest"));
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let world = World::new().await;
    let maps = world.kind("", "ConfigMap").clone();
    world.client.create(&maps, "default", &fixtures::object(&maps, "m")).await.expect("create");
    let ask = async |method: http::Method, query: &str, body: Option<Value>| {
        let path = format!("/api/v1/namespaces/default/configmaps{query}");
        refused(world.client.json(method, path, body.as_ref()).await)
    };
    let (get, post, delete) = (http::Method::GET, http::Method::POST, http::Method::DELETE);
    let list = "422 Invalid: ListOptions.meta.k8s.io \"\" is invalid: ";
    for (query, why) in [
        (
            "?resourceVersionMatch=Exact",
            "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "?resourceVersion=0&resourceVersionMatch=Exact",
            "resourceVersionMatch: Forbidden: resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
        ),
        ("?sendInitialEvents=true", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        (
            "?watch=1&sendInitialEvents=true",
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
    ] {
        assert_eq!(ask(get.clone(), query, None).await, format!("{list}{why}"));
    }
    assert_eq!(
        ask(post, "?fieldValidation=Often&dryRun=Some", Some(json!({}))).await,
        "422 Invalid: CreateOptions.meta.k8s.io \"\" is invalid: [dryRun: Unsupported value: [\"Some\"]: supported values: \"All\", \
         fieldValidation: Unsupported value: \"Often\": supported values: \"Ignore\", \"Strict\", \"Warn\"]"
    );
    let delete_options = "422 Invalid: DeleteOptions.meta.k8s.io \"\" is invalid: ";
    for (options, why) in [
        (json!({"dryRun": ["Some"]}), "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\""),
        (
            json!({"propagationPolicy": "Later"}),
            "propagationPolicy: Unsupported value: \"Later\": supported values: \"Background\", \"Foreground\", \"Orphan\", \"nil\"",
        ),
    ] {
        assert_eq!(ask(delete.clone(), "/m", Some(options)).await, format!("{delete_options}{why}"));
    }
    assert!(world.client.get(&maps, &Key::new("default", "m")).await.is_ok(), "nothing was deleted");
}

#[tokio::test]
async fn paths_mean_one_thing() {
    let world = World::new().await;
    let maps = world.kind("", "ConfigMap").clone();
    world.client.create(&maps, "default", &fixtures::object(&maps, "m")).await.expect("create");
    let ask = async |method: http::Method, path: &str, body: Option<Value>| {
        world.client.json(method, path.to_owned(), body.as_ref()).await
    };
    let (get, put, delete) = (http::Method::GET, http::Method::PUT, http::Method::DELETE);
    let named = "/api/v1/namespaces/default/configmaps/m";
    let got =
        ask(get.clone(), &format!("{named}?watch=1"), None).await.expect("an object is got, not watched");
    assert_eq!(got["kind"], "ConfigMap");
    assert!(
        refused(ask(get, "/api/v1/configmaps/m", None).await)
            .starts_with("404 NotFound: the server could not find")
    );
    assert!(refused(ask(delete, "/api/v1/configmaps", None).await).starts_with("405 MethodNotAllowed"));
    assert_eq!(
        refused(ask(put, named, Some(json!({"data": {}}))).await),
        "400 BadRequest: the name of the object (m based on URL) was undeterminable: name must be provided"
    );
}

#[tokio::test]
async fn a_status_is_there_from_the_start() {
    let world = World::new().await;
    for (group, kind, expect) in [
        ("apps", "Deployment", json!({})),
        ("policy", "PodDisruptionBudget", json!({})),
        ("apps", "ReplicaSet", json!({"replicas": 0})),
    ] {
        let kind = world.kind(group, kind).clone();
        let created =
            world.client.create(&kind, "default", &fixtures::object(&kind, "a")).await.expect("create");
        assert_eq!(created["status"], expect, "{kind:?}");
    }
}

#[tokio::test]
async fn pods_run_as_an_account_that_is_there() {
    let world = World::new().await;
    let pods = world.kind("", "Pod").clone();
    let created = world.client.create(&pods, "default", &fixtures::object(&pods, "a")).await.expect("create");
    let volume = created["spec"]["volumes"][0]["name"].as_str().expect("a volume").to_owned();
    assert!(volume.starts_with("kube-api-access-") && volume.len() == 21, "{volume}");
    let mount = &created["spec"]["containers"][0]["volumeMounts"][0];
    assert_eq!(
        mount,
        &json!({"name": volume, "readOnly": true, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"})
    );
    let mut other = fixtures::object(&pods, "x");
    other["spec"]["serviceAccountName"] = "robot".into();
    assert_eq!(
        refused(world.client.create(&pods, "default", &other).await),
        "403 Forbidden: pods \"x\" is forbidden: error looking up service account default/robot: \
         serviceaccount \"robot\" not found"
    );
    let accounts = world.kind("", "ServiceAccount").clone();
    let robot = json!({
        "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"},
        "automountServiceAccountToken": false, "imagePullSecrets": [{"name": "s"}],
    });
    world.client.create(&accounts, "default", &robot).await.expect("create");
    let created = world.client.create(&pods, "default", &other).await.expect("the account is there now");
    assert_eq!(created["spec"]["imagePullSecrets"], json!([{"name": "s"}]));
    assert!(created["spec"]["volumes"].is_null());
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

#[tokio::test]
async fn evictions_ask_the_budget() {
    let world = World::new().await;
    let (pods, budgets) =
        (world.kind("", "Pod").clone(), world.kind("policy", "PodDisruptionBudget").clone());
    for name in ["p1", "p2"] {
        let mut pod = fixtures::object(&pods, name);
        pod["metadata"]["labels"] = json!({"app": "a"});
        world.client.create(&pods, "default", &pod).await.expect("create");
        let ready =
            json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        let key = Key::new("default", name);
        let patched = world.client.patch(&pods, &key, Some("status"), PatchType::Merge, &ready).await;
        patched.expect("a status");
    }
    world.client.create(&budgets, "default", &fixtures::object(&budgets, "b")).await.expect("create");
    let key = Key::new("default", "b");
    let status = |allowed: u64| {
        json!({"status": {
            "observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": 2, "desiredHealthy": 1, "expectedPods": 2,
        }})
    };
    let evict = async |name: &str| {
        let eviction = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name}});
        world.client.create_subresource(&pods, &Key::new("default", name), "eviction", &eviction).await
    };
    let unseen = evict("p1").await.expect_err("the budget was not looked at yet");
    assert_eq!(unseen.status().map(|status| status.code), Some(429));
    let set = world.client.patch(&budgets, &key, Some("status"), PatchType::Merge, &status(1)).await;
    set.expect("a status");
    evict("p1").await.expect("the first is allowed");
    let budget = world.client.get(&budgets, &key).await.expect("get");
    assert_eq!(budget["status"]["disruptionsAllowed"], 0);
    assert!(budget["status"]["disruptedPods"]["p1"].is_string());
    let gone = world.client.get(&pods, &Key::new("default", "p1")).await;
    assert!(gone.is_err_and(|e| e.is_not_found()), "no node has it");
    assert_eq!(
        refused(evict("p2").await),
        "429 TooManyRequests: Cannot evict pod as it would violate the pod's disruption budget."
    );
    assert!(refused(evict("p3").await).starts_with("404 NotFound: pods \"p3\" not found"));
    let refusal = evict("p2").await.expect_err("refused");
    let details = refusal.status().and_then(|status| status.details.clone()).expect("details");
    assert_eq!((details.retry_after_seconds, details.causes[0].reason.as_str()), (None, "DisruptionBudget"));
    let set = world.client.patch(&budgets, &key, Some("status"), PatchType::Merge, &status(1)).await;
    set.expect("a status");
    let p2 = Key::new("default", "p2");
    let with = async |options: Value| {
        let eviction = json!({
            "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p2"}, "deleteOptions": options,
        });
        world.client.create_subresource(&pods, &p2, "eviction", &eviction).await
    };
    assert!(refused(with(json!({"preconditions": {"uid": "another"}})).await).starts_with("409 Conflict"));
    with(json!({"dryRun": ["All"]})).await.expect("a trial");
    let pod = world.client.get(&pods, &p2).await.expect("it is there");
    let conditions = pod["status"]["conditions"].as_array().expect("conditions");
    assert!(conditions.iter().all(|condition| condition["type"] != "DisruptionTarget"));
    let allowed =
        world.client.get(&budgets, &key).await.expect("get")["status"]["disruptionsAllowed"].clone();
    assert_eq!(allowed, 1, "neither the refusal nor the trial counted");
    let version = pod["metadata"]["resourceVersion"].clone();
    with(json!({"preconditions": {"resourceVersion": version}})).await.expect("the pod that is meant");
}

#[tokio::test]
async fn health_is_told_by_check() {
    let world = World::new().await;
    let ask = async |path: &str| {
        let request = http::Request::get(path).body(kube::client::Body::empty()).expect("a request");
        let answer = world.client.bytes(request).await;
        match answer {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => error.status().map(|status| status.code.to_string()).unwrap_or_default(),
        }
    };
    assert_eq!(ask("/livez").await, "ok");
    assert_eq!(ask("/livez/ping").await, "ok");
    assert_eq!(ask("/readyz/store").await, "ok");
    assert_eq!(ask("/livez?verbose").await, "[+]ping ok\nlivez check passed\n");
    let all = "[+]ping ok\n[+]cache excluded: ok\n[+]store ok\n[+]shutdown ok\nreadyz check passed\n";
    assert_eq!(ask("/readyz?verbose&exclude=cache").await, all);
    assert_eq!(ask("/livez/nonsense").await, "404");
}

#[tokio::test]
async fn older_kinds_are_scaled_too() {
    let world = World::new().await;
    let kind = world.kind("", "ReplicationController").clone();
    world.client.create(&kind, "default", &fixtures::object(&kind, "r")).await.expect("create");
    let scale = world.client.get_subresource(&kind, &Key::new("default", "r"), "scale").await.expect("scale");
    assert_eq!(
        (&scale["spec"]["replicas"], &scale["status"]["selector"]),
        (&json!(1), &json!("app=a")),
        "{scale}"
    );
}

#[tokio::test]
async fn what_an_annotation_becomes_is_checked_like_a_field() {
    let world = World::new().await;
    let served = world.kinds.at("autoscaling", "v1", "horizontalpodautoscalers").expect("a row").clone();
    for (name, document) in [
        ("metrics", r#"[{"type":"Pods","pods":{"metricName":"m","selector":5,"targetAverageValue":"1"}}]"#),
        ("behavior", r#"{"ScaleUp":{"StabilizationWindowSeconds":"zero"}}"#),
    ] {
        let mut object = fixtures::object(&served, "a");
        object["metadata"]["annotations"] =
            json!({format!("autoscaling.alpha.kubernetes.io/{name}"): document});
        let answer = world.client.create(&served, "default", &object).await;
        assert!(
            refused(answer).starts_with("400 BadRequest: HorizontalPodAutoscaler in version \"v1\""),
            "{name}"
        );
    }
}
