use drive::laws::{Scenario, World, check_laws, decide};
use object::{Meta, format_time};

use super::*;

fn at(second: i64) -> Time {
    Time::from_second(1_700_000_000 + second).unwrap()
}

/// A service with a port that is told by number and one that is told by name, changed by a merge patch.
fn service(change: Value) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "d", "uid": "svc", "labels": {"team": "x"}},
        "spec": {
            "selector": {"app": "web"}, "clusterIP": "10.0.0.1", "ipFamilies": ["IPv4"],
            "ports": [
                {"name": "http", "protocol": "TCP", "port": 80, "targetPort": 8080},
                {"name": "admin", "protocol": "TCP", "port": 81, "targetPort": "admin"},
            ],
        },
    });
    merge(&mut service, change);
    service
}

fn node(name: &str, zone: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {ZONE: zone}}})
}

/// A ready pod with an address on node `n`, changed by a merge patch.
fn pod(name: &str, change: Value) -> Value {
    let number: u32 = name.trim_start_matches(char::is_alphabetic).parse().unwrap_or_default();
    let ip = format!("10.1.{}.{}", number / 250, number % 250 + 1);
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "d", "uid": name, "labels": {"app": "web"}},
        "spec": {
            "nodeName": "n",
            "containers": [{"ports": [{"name": "admin", "containerPort": 9090, "protocol": "TCP"}]}],
        },
        "status": {
            "phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}],
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    });
    merge(&mut pod, change);
    pod
}

fn pods(numbers: std::ops::Range<u32>) -> impl Iterator<Item = Value> {
    numbers.map(|number| pod(&format!("p{number:03}"), json!({})))
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
            into.retain(|_, value| !value.is_null());
        }
        (into, from) => *into = from,
    }
}

/// A slice of the service of this UID with endpoints for the pods of these names, as the controller makes it.
fn slice(name: &str, owner: &str, admin: i32, members: &[String]) -> Value {
    let all: Vec<Value> = members.iter().map(|name| pod(name, json!({}))).collect();
    let endpoint = |pod: &Value| {
        json!({
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "nodeName": "n", "zone": "z",
            "targetRef": {
                "kind": "Pod", "namespace": "d", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"],
            },
        })
    };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": name, "namespace": "d", "uid": name,
            "labels": {"team": "x", SERVICE_NAME: "web", MANAGED_BY: OURSELVES},
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Service", "name": "web", "uid": owner,
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "addressType": "IPv4",
        "ports": [
            {"name": "http", "port": 8080, "protocol": "TCP"},
            {"name": "admin", "port": admin, "protocol": "TCP"},
        ],
        "endpoints": all.iter().map(endpoint).collect::<Vec<_>>(),
    })
}

fn names(numbers: std::ops::Range<u32>) -> Vec<String> {
    numbers.map(|number| format!("p{number:03}")).collect()
}

/// The ports of a slice as numbers and its endpoints as pods with an address, `!` where not ready; long lists as
/// first, last and length.
fn show(object: &Value) -> String {
    let list = |field: &str, show: fn(&Value) -> String| {
        let all: Vec<String> = object[field].as_array().unwrap().iter().map(show).collect();
        match all.as_slice() {
            [first, .., last] if all.len() > 4 => format!("{first}..{last} {}", all.len()),
            few => few.join(" "),
        }
    };
    let port = |port: &Value| port["port"].to_string();
    let endpoint = |endpoint: &Value| {
        let mark = if endpoint["conditions"]["ready"] == true { "" } else { "!" };
        format!("{mark}{}", endpoint["targetRef"]["name"].as_str().unwrap())
    };
    let shown = |field: &str, text: String| if object[field].is_null() { "-".to_owned() } else { text };
    let fields = object.as_object().unwrap();
    let ports = fields.get("ports").map(|_| list("ports", port)).unwrap_or_default();
    let endpoints = fields.get("endpoints").map(|_| list("endpoints", endpoint)).unwrap_or_default();
    format!("[{}] [{}]", shown("ports", ports), shown("endpoints", endpoints))
}

fn tell(action: &Action) -> String {
    match action {
        Action::Create { object, .. } => {
            format!("create {} {}", object["addressType"].as_str().unwrap(), show(object))
        }
        Action::Patch { key, patch, .. } => {
            let labels = if patch["metadata"]["labels"].is_null() { "" } else { " labels" };
            format!("patch {}{labels} {}", key.name, show(patch))
        }
        Action::Delete { key, .. } => format!("delete {}", key.name),
    }
}

fn actions(objects: Vec<Value>) -> Vec<Action> {
    let world = World::new(at(60), objects);
    let item = Item::new(KIND, Key::new("d", "web"));
    let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default()) else {
        panic!()
    };
    actions
}

/// What one decision does, in words, where there is a node `n` in zone `z`.
fn check(objects: impl IntoIterator<Item = Value>, expect: &[&str]) {
    let told: Vec<String> =
        actions(objects.into_iter().chain([node("n", "z")]).collect()).iter().map(tell).collect();
    assert_eq!(told, expect);
}

#[test]
fn decides_which_pods_are_endpoints() {
    let unready = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}]}});
    let going = json!({"metadata": {"deletionTimestamp": format_time(at(0))}});
    let one = |change: Value| vec![service(json!({})), pod("a", change)];
    let placeholder: &[&str] = &["create IPv4 [] []"];
    let rows: Vec<(Vec<Value>, &[&str])> = vec![
        (one(json!({})), &["create IPv4 [8080 9090] [a]"]),
        (one(unready.clone()), &["create IPv4 [8080 9090] [!a]"]),
        (one(going.clone()), &["create IPv4 [8080 9090] [!a]"]),
        (one(json!({"metadata": {"labels": {"app": "other"}}})), placeholder),
        (one(json!({"metadata": {"namespace": "e"}})), placeholder),
        (one(json!({"status": {"phase": "Succeeded"}})), placeholder),
        (one(json!({"status": {"phase": "Failed"}})), placeholder),
        (one(json!({"status": {"podIP": null, "podIPs": null}})), placeholder),
        (one(json!({"status": {"podIPs": null}})), &["create IPv4 [8080 9090] [a]"]),
        (one(json!({"status": {"podIPs": [{"ip": "fd00::1"}]}})), placeholder),
        (one(json!({"spec": {"nodeName": "gone"}})), placeholder),
        (one(json!({"spec": {"containers": null}})), &["create IPv4 [8080] [a]"]),
    ];
    for (objects, expect) in rows {
        check(objects, expect);
    }
    let published =
        |change: Value| vec![service(json!({"spec": {"publishNotReadyAddresses": true}})), pod("a", change)];
    check(published(unready), &["create IPv4 [8080 9090] [a]"]);
    check(published(going), &["create IPv4 [8080 9090] [a]"]);
    check(published(json!({"spec": {"nodeName": "gone"}})), &["create IPv4 [8080 9090] [a]"]);
}

#[test]
fn decides_by_the_service() {
    let rows: Vec<(Value, &[&str])> = vec![
        (json!({}), &[]),
        (json!({"spec": {"selector": null}}), &["delete s"]),
        (json!({"spec": {"type": "ExternalName"}}), &["delete s"]),
        (json!({"spec": {"ipFamilies": null}}), &[]),
        (json!({"spec": {"ipFamilies": ["IPv6"]}}), &["create IPv6 [] []", "delete s"]),
        (json!({"spec": {"ports": [{"port": 80}]}}), &["patch s [80] [-]"]),
        (json!({"spec": {"ports": [{"port": 80, "targetPort": "none"}]}}), &["patch s [] [-]"]),
        (json!({"spec": {"ports": null, "clusterIP": "None"}}), &["patch s labels [] [-]"]),
        (json!({"metadata": {"labels": {"team": "y"}}}), &["patch s labels [-] [-]"]),
        (json!({"metadata": {"uid": "new"}}), &["create IPv4 [8080 9090] [p000]", "delete s"]),
        (json!({"metadata": {"deletionTimestamp": format_time(at(0)), "uid": "new"}}), &["delete s"]),
    ];
    for (change, expect) in rows {
        check(vec![service(change), pod("p000", json!({})), slice("s", "svc", 9090, &names(0..1))], expect);
    }
    check(vec![pod("p000", json!({})), slice("s", "svc", 9090, &names(0..1))], &[]);
}

#[test]
fn changes_as_few_slices_as_it_can() {
    let all = |slices: Vec<Value>, there: std::ops::Range<u32>| {
        slices.into_iter().chain([service(json!({}))]).chain(pods(there)).collect::<Vec<_>>()
    };
    let part = |name: &str, numbers: std::ops::Range<u32>| slice(name, "svc", 9090, &names(numbers));
    check(all(vec![part("s", 0..3)], 0..3), &[]);
    check(all(vec![part("s", 0..3)], 0..4), &["patch s [-] [p000 p001 p002 p003]"]);
    check(all(vec![part("s", 0..3)], 1..3), &["patch s [-] [p001 p002]"]);
    check(all(vec![part("s", 0..3)], 5..7), &["patch s [-] [p005 p006]"]);
    check(all(vec![part("s", 0..3)], 0..0), &["patch s [] []"]);
    check(all(vec![part("s", 0..2), part("t", 1..3)], 0..3), &["patch t [-] [p002]"]);
    check(
        all(vec![part("s", 0..90), part("t", 90..150), part("u", 150..200)], 0..230),
        &["patch t [-] [p090..p229 90]"],
    );
    check(
        all(vec![part("s", 0..90), part("t", 90..150), part("u", 150..200)], 10..230),
        &["patch s [-] [p010..p219 100]", "patch t [-] [p090..p229 70]"],
    );
    check(
        all(vec![part("s", 0..100)], 0..250),
        &["create IPv4 [8080 9090] [p100..p199 100]", "create IPv4 [8080 9090] [p200..p249 50]"],
    );
    check(
        all(vec![part("s", 0..3), part("t", 3..6)], 3..7),
        &["patch t [-] [p003 p004 p005 p006]", "delete s"],
    );
}

#[test]
fn pods_with_other_ports_have_other_slices() {
    let container = |number: u32, protocol: &str| {
        let port = json!({"name": "admin", "containerPort": number, "protocol": protocol});
        json!({"spec": {"containers": [{"ports": [port]}]}})
    };
    let sidecar = json!({"spec": {
        "containers": null,
        "initContainers": [
            {"ports": [{"name": "admin", "containerPort": 1}]},
            {"restartPolicy": "Always", "ports": [{"name": "admin", "containerPort": 9090}]},
        ],
    }});
    check(
        vec![
            service(json!({})),
            pod("a", json!({})),
            pod("b", container(9091, "TCP")),
            pod("c", sidecar),
            pod("e", container(1, "UDP")),
        ],
        &["create IPv4 [8080 9090] [a c]", "create IPv4 [8080 9091] [b]", "create IPv4 [8080] [e]"],
    );
}

#[test]
fn a_slice_tells_all_there_is_to_tell() {
    let pod = pod("a", json!({"spec": {"hostname": "h", "subdomain": "web"}}));
    let headless = service(json!({"spec": {"clusterIP": "None", "ports": [
        {"port": 80, "targetPort": 80, "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"},
    ]}}));
    let actions = actions(vec![headless, pod, node("n", "z")]);
    let [Action::Create { object, .. }] = actions.as_slice() else { panic!("{actions:?}") };
    let name = object["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("web-") && name.len() == 9, "{name}");
    let expect = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": name, "generateName": "web-", "namespace": "d",
            "labels": {"team": "x", SERVICE_NAME: "web", MANAGED_BY: OURSELVES, HEADLESS: ""},
            "ownerReferences": [{
                "apiVersion": "v1", "kind": "Service", "name": "web", "uid": "svc",
                "controller": true, "blockOwnerDeletion": true,
            }],
        },
        "addressType": "IPv4",
        "ports": [{"name": "", "port": 80, "protocol": "TCP", "appProtocol": "kubernetes.io/h2c"}],
        "endpoints": [{
            "addresses": ["10.1.0.1"],
            "conditions": {"ready": true, "serving": true, "terminating": false},
            "hostname": "h", "nodeName": "n", "zone": "z",
            "targetRef": {"kind": "Pod", "namespace": "d", "name": "a", "uid": "a"},
        }],
    });
    assert_eq!(*object, expect);
}

#[test]
fn a_node_that_moves_concerns_services_of_its_pods() {
    let keys = |zone: &str| {
        let node = node("n", zone);
        let world = World::new(at(0), vec![slice("s", "svc", 9090, &names(0..1)), node.clone()]);
        services_of_node(&world.snapshot(&watches()), &serde_json::from_value::<Node>(node).unwrap())
    };
    assert_eq!(keys("z"), []);
    assert_eq!(keys("y"), [Key::new("d", "web")]);
}

/// The service's slices in the end, by how many endpoints they have.
fn settled(name: &'static str, objects: Vec<Value>, others: fn(&mut World)) -> (World, Vec<usize>) {
    let objects = objects.into_iter().chain([node("n", "z")]).collect();
    let end = check_laws(&CONTROLLER, &Scenario { others, ..Scenario::new(name, at(0), objects) });
    let slices = end.all("EndpointSlice");
    let mut sizes: Vec<usize> = slices.iter().map(|s| s["endpoints"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    (end, sizes)
}

/// Whether the world's slices have an endpoint for each of its pods, and nothing else.
fn is_complete(world: &World) -> bool {
    let slices = world.all("EndpointSlice");
    let endpoints = slices.iter().flat_map(|slice| slice["endpoints"].as_array().unwrap());
    let mut told: Vec<String> =
        endpoints.map(|e| e["targetRef"]["name"].as_str().unwrap().to_owned()).collect();
    told.sort();
    told == world.all("Pod").iter().map(|pod| Meta::of(pod).name).collect::<Vec<_>>()
}

#[test]
fn laws_at_the_beginning() {
    let (end, sizes) =
        settled("many", [service(json!({}))].into_iter().chain(pods(0..250)).collect(), |_| {});
    assert!(is_complete(&end));
    assert_eq!(sizes, [50, 100, 100]);
    let (_, sizes) = settled("none", vec![service(json!({}))], |_| {});
    assert_eq!(sizes, [0]);
    let families = json!({"spec": {"ipFamilies": ["IPv4", "IPv6"]}});
    let (_, sizes) = settled("families", vec![service(families), pod("a", json!({}))], |_| {});
    assert_eq!(sizes, [0, 1]);
    let mixed = pods(0..6).enumerate().map(|(n, pod)| if n % 2 == 0 { pod } else { without_containers(pod) });
    let (end, sizes) = settled("ports", [service(json!({}))].into_iter().chain(mixed).collect(), |_| {});
    assert!(is_complete(&end));
    assert_eq!(sizes, [3, 3]);
}

fn without_containers(mut pod: Value) -> Value {
    pod["spec"]["containers"] = json!([]);
    pod
}

#[test]
fn laws_when_pods_come_and_go() {
    let part = |name: &str, numbers: std::ops::Range<u32>| slice(name, "svc", 9090, &names(numbers));
    let slices = [part("s", 0..90), part("t", 90..150), part("u", 150..200)];
    let with = |numbers: std::ops::Range<u32>| {
        slices.iter().cloned().chain([service(json!({}))]).chain(pods(numbers)).collect::<Vec<_>>()
    };
    let (end, sizes) = settled("more", with(10..400), |_| {});
    assert!(is_complete(&end));
    assert_eq!(sizes, [50, 60, 80, 100, 100]);
    let (end, sizes) = settled("fewer", with(95..100), |_| {});
    assert!(is_complete(&end));
    assert_eq!(sizes, [5]);
    let (end, sizes) = settled("others", with(300..520), |_| {});
    assert!(is_complete(&end));
    assert_eq!(sizes, [20, 100, 100]);
    let (_, sizes) = settled("gone", with(0..0), |_| {});
    assert_eq!(sizes, [0]);
}

#[test]
fn laws_when_the_service_changes() {
    let there = |change: Value| {
        let slices = [(0..100, "s"), (100..150, "t")].map(|(n, name)| slice(name, "svc", 9090, &names(n)));
        slices.into_iter().chain([service(change)]).chain(pods(0..150)).collect::<Vec<_>>()
    };
    let (end, sizes) = settled("port", there(json!({"spec": {"ports": [{"port": 80}]}})), |_| {});
    assert!(is_complete(&end) && sizes == [50, 100]);
    let names: Vec<String> = end.all("EndpointSlice").iter().map(|slice| Meta::of(slice).name).collect();
    assert_eq!(names, ["s", "t"]);
    let (end, sizes) = settled("another of the name", there(json!({"metadata": {"uid": "new"}})), |_| {});
    assert!(is_complete(&end) && sizes == [50, 100]);
    let (_, sizes) = settled("no selector", there(json!({"spec": {"selector": null}})), |_| {});
    assert!(sizes.is_empty());
    let labelled = json!({"metadata": {"labels": {"team": null, "tier": "1"}}});
    let (end, _) = settled("labels", there(labelled), |_| {});
    let labels = json!({"tier": "1", SERVICE_NAME: "web", MANAGED_BY: OURSELVES});
    assert!(end.all("EndpointSlice").iter().all(|slice| slice["metadata"]["labels"] == labels));
}

#[test]
fn laws_when_others_act() {
    let (end, sizes) = settled("a rollout", vec![service(json!({})), pod("p001", json!({}))], |world| {
        let slices = world.all("EndpointSlice");
        let told = |name: &str| slices.iter().any(|slice| slice["endpoints"].to_string().contains(name));
        if told("p001") && !told("p002") {
            world.add(pod("p002", json!({})));
        } else if told("p001") {
            world.remove(&pod("p001", json!({})));
        }
    });
    assert!(is_complete(&end));
    assert_eq!(sizes, [1]);
    let (_, sizes) = settled("the service goes", vec![service(json!({})), pod("a", json!({}))], |world| {
        if !world.all("EndpointSlice").is_empty() {
            world.remove(&service(json!({})));
        }
        world.collect();
    });
    assert!(sizes.is_empty());
}
