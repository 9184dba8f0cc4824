use drive::laws::{Scenario, World, check_laws, decide};

use super::*;

fn service(name: &str, addresses: &[&str]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "d"},
        "spec": {"clusterIP": addresses[0], "clusterIPs": addresses},
    })
}

fn range() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
        "spec": {"cidrs": ["10.0.0.0/24", "fd00::/112"]},
    })
}

fn address(name: &str, labels: Value, resource: &str, of: &str) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": name, "labels": labels},
        "spec": {"parentRef": {"resource": resource, "namespace": "d", "name": of}},
    })
}

fn ours(family: &str) -> Value {
    json!({FAMILY: family, MANAGED_BY: OURSELVES})
}

/// Checks which objects there are at the end, as `name family service`.
fn check(name: &'static str, objects: Vec<Value>, others: fn(&mut World), expect: &[&str]) {
    let scenario = Scenario {
        horizon: Duration::from_secs(60),
        ignore: &["uid", "creationTimestamp"],
        others,
        ..Scenario::new(name, Time::UNIX_EPOCH, objects)
    };
    let end = check_laws(&CONTROLLER, &scenario);
    let shown = |object: &Value| {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let (metadata, parent) = (&object["metadata"], &object["spec"]["parentRef"]);
        [&metadata["name"], &metadata["labels"][FAMILY], &parent["name"]].map(text).join(" ")
    };
    assert_eq!(end.all("IPAddress").iter().map(shown).collect::<Vec<_>>(), expect, "{name}");
}

#[test]
fn every_address_is_shown() {
    let services = vec![
        service("a", &["10.0.0.1", "fd00::1"]),
        service("b", &["10.0.0.2"]),
        service("headless", &["None"]),
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "c", "namespace": "d"},
            "spec": {"type": "ExternalName", "externalName": "a.b"}}),
        range(),
    ];
    check("new", services, |_| {}, &["10.0.0.1 IPv4 a", "10.0.0.2 IPv4 b", "fd00::1 IPv6 a"]);
}

#[test]
fn what_shows_no_service_goes() {
    let objects = vec![
        range(),
        service("a", &["10.0.0.1"]),
        address("10.0.0.1", ours("IPv4"), "services", "a"),
        address("10.0.0.2", ours("IPv4"), "services", "gone"),
        address("10.0.0.3", ours("IPv4"), "services", "a"),
        address("10.0.0.4", ours("IPv4"), "gateways", "a"),
        address("10.0.0.5", json!({}), "services", "gone"),
    ];
    check("orphans", objects, |_| {}, &["10.0.0.1 IPv4 a", "10.0.0.5 - gone"]);
}

#[test]
fn what_is_wrong_is_repaired() {
    let objects = vec![
        range(),
        service("a", &["10.0.0.1"]),
        address("10.0.0.1", ours("IPv6"), "services", "a"),
        service("b", &["10.0.0.2"]),
        address("10.0.0.2", ours("IPv4"), "services", "a"),
    ];
    check("wrong", objects, |_| {}, &["10.0.0.1 IPv4 a", "10.0.0.2 IPv4 b"]);
}

#[test]
fn objects_follow_their_services() {
    let moves = |world: &mut World| {
        let services = world.all("Service");
        let find = |name: &str| services.iter().find(|service| service["metadata"]["name"] == name);
        if world.all("IPAddress").len() == 3
            && let (Some(a), Some(b)) = (find("a"), find("b"))
        {
            world.change(a, |a| a["spec"]["clusterIPs"] = json!(["10.0.0.1"]));
            world.remove(b);
        }
    };
    let services = vec![range(), service("a", &["10.0.0.1", "fd00::1"]), service("b", &["10.0.0.2"])];
    check("released", services, moves, &["10.0.0.1 IPv4 a"]);
}

#[test]
fn trouble_is_told() {
    let objects = vec![
        range(),
        service("a", &["10.0.0.1", "10.9.0.1"]),
        address("10.0.0.1", json!({}), "gateways", "other"),
        address("10.9.0.1", ours("IPv4"), "services", "a"),
    ];
    let world = World::new(Time::UNIX_EPOCH, objects);
    let item = Item::new(SERVICE, Key::new("d", "a"));
    let Outcome::Do { actions, notes, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default())
    else {
        unreachable!("all was answered")
    };
    assert_eq!(actions, []);
    let told: Vec<(&str, &str)> = notes.iter().map(|note| (note.reason, note.message.as_str())).collect();
    assert_eq!(
        told,
        [
            (
                "ClusterIPAlreadyAllocated",
                "Cluster IP [IPv4]: 10.0.0.1 was assigned to something else as well; please recreate service"
            ),
            (
                "ClusterIPOutOfRange",
                "Cluster IP [IPv4]: 10.9.0.1 is not within any configured Service CIDR; please recreate service"
            ),
        ]
    );
}
