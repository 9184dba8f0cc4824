//! What only one object may hold: addresses and node ports of services, asked for and drawn, given up and raced for.

use std::collections::BTreeSet;
use std::sync::Arc;

use apiserver::{PodRange, ServiceRange};
use client::{Error, PatchType};
use futures::future::join_all;
use kinds::Kind;
use object::{Key, Value};
use serde_json::json;
use store::{Durability, Page, Range, Store, Txn, Write};

use crate::World;

/// A world with services, of one family or of both.
struct Services {
    world: World,
    kind: Arc<Kind>,
    addresses: Arc<Kind>,
    ranges: Arc<Kind>,
}

impl Services {
    async fn new(blocks: &[&str]) -> Self {
        Self::on_store(Arc::new(store::Memory::new()), blocks).await
    }

    async fn on_store(store: Arc<store::Memory>, blocks: &[&str]) -> Self {
        let blocks: Vec<_> = blocks.iter().map(|block| block.parse().expect("a block")).collect();
        let services = ServiceRange {
            addresses: blocks[0],
            secondary: blocks.get(1).copied(),
            ..ServiceRange::default()
        };
        let world = World::on(store, PodRange::default(), services).await;
        let kind = |group, kind| world.kind(group, kind).clone();
        let (of, networking) = (kind("", "Service"), "networking.k8s.io");
        let (addresses, ranges) = (kind(networking, "IPAddress"), kind(networking, "ServiceCIDR"));
        Self { world, kind: of, addresses, ranges }
    }

    async fn create(&self, name: &str, spec: Value) -> Result<Value, Error> {
        self.world.client.create(&self.kind, "default", &service(name, spec)).await
    }

    /// Creations of many at once.
    async fn race(&self, spec: &Value) -> (Vec<Value>, Vec<Error>) {
        let create = |n: usize| {
            let (client, kind) = (self.world.client.clone(), self.kind.clone());
            let object = service(&format!("s{n}"), spec.clone());
            tokio::spawn(async move { client.create(&kind, "default", &object).await })
        };
        let racing: Vec<_> = (0..40).map(create).collect();
        let (mut won, mut lost) = (Vec::new(), Vec::new());
        for answer in join_all(racing).await {
            match answer.expect("no panic") {
                Ok(made) => won.push(made),
                Err(error) => lost.push(error),
            }
        }
        (won, lost)
    }

    async fn patch(&self, name: &str, spec: Value) -> Result<Value, Error> {
        let (key, patch) = (Key::new("default", name), json!({"spec": spec}));
        self.world.client.patch(&self.kind, &key, None, PatchType::Merge, &patch).await
    }

    async fn delete(&self, name: &str) {
        self.world.client.delete(&self.kind, &Key::new("default", name), &json!({})).await.expect("deletes");
    }

    async fn claim_address(&self, name: &str) -> Result<Value, Error> {
        let object = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": name},
            "spec": {"parentRef": {"resource": "gateways", "group": "example.com", "name": "g"}},
        });
        self.world.client.create(&self.addresses, "", &object).await
    }

    /// A dry run of a creation.
    async fn try_out(&self, name: &str, spec: Value) -> Result<Value, Error> {
        let path = "/api/v1/namespaces/default/services?dryRun=All".to_owned();
        self.world.client.json(http::Method::POST, path, Some(&service(name, spec))).await
    }
}

fn service(name: &str, spec: Value) -> Value {
    let mut service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"ports": [{"port": 80}]},
    });
    let fields = service["spec"].as_object_mut().expect("an object");
    fields.extend(spec.as_object().expect("an object").clone());
    service
}

/// Why a request was refused.
fn refused(answer: Result<Value, Error>) -> String {
    let error = answer.expect_err("refused");
    let status = error.status().expect("a Status");
    let text = &status.message;
    let text = text.split_once(" is invalid: ").map_or(text.as_str(), |(_, why)| why);
    format!("{} {text}", status.code)
}

/// A service's policy, families and addresses; of an address that was drawn only the family.
fn stack(service: &Value) -> String {
    let spec = &service["spec"];
    let list = |field: &str| {
        let items = spec[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        items.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(spec["clusterIP"].as_str(), list("clusterIPs").first().map(String::as_str), "{service}");
    let policy = spec["ipFamilyPolicy"].as_str().unwrap_or("-");
    format!("{policy} {} {}", list("ipFamilies").join(","), list("clusterIPs").len())
}

fn node_ports(service: &Value) -> Vec<u64> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports.map(|port| port["nodePort"].as_u64().unwrap_or_default()).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

const V4: &str = "10.96.0.0/24";
const V6: &str = "fd00:10:96::/112";

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_address_is_won_by_one_service() {
    let services = Services::new(&[V4]).await;
    let spec = json!({"clusterIP": "10.96.0.7"});
    let (won, lost) = services.race(&spec).await;
    assert_eq!(won.len(), 1);
    let taken = "422 spec.clusterIPs: Invalid value: [\"10.96.0.7\"]: failed to allocate IP 10.96.0.7: provided IP is \
                 already allocated";
    lost.into_iter().for_each(|error| assert_eq!(refused(Err(error)), taken));
    services.delete(text(&won[0]["metadata"]["name"])).await;
    services.create("next", spec).await.expect("it is free at once");
    services.world.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_addresses_and_ports_are_given_out_once() {
    let services = Services::new(&["10.96.0.0/27"]).await;
    let (won, lost) = services.race(&json!({"type": "NodePort"})).await;
    let addresses: BTreeSet<&str> = won.iter().map(|won| text(&won["spec"]["clusterIP"])).collect();
    assert_eq!(addresses.len(), 29, "all but the network's, the server's own and the broadcast");
    assert_eq!(won.iter().flat_map(node_ports).collect::<BTreeSet<_>>().len(), 29);
    let full = "500 Internal error occurred: failed to allocate a serviceIP: range is full";
    lost.into_iter().for_each(|error| assert_eq!(refused(Err(error)), full));
    services.delete(text(&won[0]["metadata"]["name"])).await;
    let again = services.create("again", json!({})).await.expect("one is free");
    assert_eq!(again["spec"]["clusterIP"], won[0]["spec"]["clusterIP"]);
    services.world.server.stop().await;
}

#[tokio::test]
async fn draws_leave_the_first_numbers_to_those_who_ask() {
    let services = Services::new(&[V4]).await;
    for n in 0..20 {
        let made = services.create(&format!("s{n}"), json!({"type": "NodePort"})).await.expect("create");
        let address: std::net::Ipv4Addr = text(&made["spec"]["clusterIP"]).parse().expect("an address");
        assert!(address.octets()[3] > 16, "{address}");
        assert!(node_ports(&made)[0] >= 30086, "{made}");
    }
    let asked =
        json!({"type": "NodePort", "clusterIP": "10.96.0.2", "ports": [{"port": 80, "nodePort": 30000}]});
    services.create("asked", asked).await.expect("create");
    for (name, ip) in [("far", "10.97.0.1"), ("network", "10.96.0.0"), ("all", "10.96.0.255")] {
        let why = "the provided network does not match the current range";
        let expect =
            format!("422 spec.clusterIPs: Invalid value: [\"{ip}\"]: failed to allocate IP {ip}: {why}");
        assert_eq!(refused(services.create(name, json!({"clusterIP": ip})).await), expect);
    }
    services.world.server.stop().await;
}

#[tokio::test]
async fn services_have_the_families_that_the_cluster_has() {
    let single = Services::new(&[V4]).await;
    let dual = Services::new(&[V6, V4]).await;
    let refused_on_single = "422 spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not \
                             configured for dual-stack services";
    let rows = [
        (json!({}), "SingleStack IPv4 1", "SingleStack IPv6 1"),
        (
            json!({"ipFamilyPolicy": "PreferDualStack"}),
            "PreferDualStack IPv4 1",
            "PreferDualStack IPv6,IPv4 2",
        ),
        (json!({"ipFamilyPolicy": "RequireDualStack"}), refused_on_single, "RequireDualStack IPv6,IPv4 2"),
        (
            json!({"ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv4"]}),
            "PreferDualStack IPv4 1",
            "PreferDualStack IPv4,IPv6 2",
        ),
        (json!({"clusterIP": "None", "selector": {"a": "b"}}), "SingleStack IPv4 1", "SingleStack IPv6 1"),
        (json!({"clusterIP": "None"}), "RequireDualStack IPv4,IPv6 1", "RequireDualStack IPv6,IPv4 1"),
        (json!({"type": "ExternalName", "externalName": "a.b", "ports": null}), "-  0", "-  0"),
    ];
    for (row, (spec, on_single, on_dual)) in rows.into_iter().enumerate() {
        for (services, expect) in [(&single, on_single), (&dual, on_dual)] {
            let answer = services.create(&format!("s{row}"), spec.clone()).await;
            let shown = match answer {
                Ok(made) => stack(&made),
                Err(error) => refused(Err(error)),
            };
            assert_eq!(shown, expect, "{spec}");
        }
    }
    single.world.server.stop().await;
    dual.world.server.stop().await;
}

#[tokio::test]
async fn a_second_address_comes_and_goes() {
    let services = Services::new(&[V4, V6]).await;
    let (first, second) = ("10.96.0.7", "fd00:10:96::7");
    services.create("a", json!({"clusterIP": first})).await.expect("create");
    let both = json!({"ipFamilyPolicy": "PreferDualStack", "clusterIPs": [first, second]});
    let upgraded = services.patch("a", both.clone()).await.expect("upgrade");
    assert_eq!(stack(&upgraded), "PreferDualStack IPv4,IPv6 2");
    assert_eq!(upgraded["spec"]["clusterIPs"], json!([first, second]));
    let other = json!({"clusterIP": second, "ipFamilyPolicy": "SingleStack"});
    let taken = refused(services.create("b", other.clone()).await);
    assert!(taken.contains("provided IP is already allocated"), "{taken}");
    let downgraded = services.patch("a", json!({"ipFamilyPolicy": "SingleStack"})).await.expect("downgrade");
    assert_eq!(downgraded["spec"]["clusterIPs"], json!([first]));
    services.create("b", other).await.expect("what was given up is free");
    let taken = refused(services.patch("a", both).await);
    assert!(taken.contains("provided IP is already allocated"), "{taken}");
    let drawn = services.patch("a", json!({"ipFamilyPolicy": "RequireDualStack"})).await.expect("upgrade");
    assert_eq!(stack(&drawn), "RequireDualStack IPv4,IPv6 2");
    let named = json!({"type": "ExternalName", "externalName": "a.b"});
    assert_eq!(stack(&services.patch("a", named).await.expect("a change of type")), "-  0");
    services.create("c", json!({"clusterIP": first})).await.expect("the first is free as well");
    let back = services.patch("a", json!({"type": "ClusterIP"})).await.expect("back");
    assert_eq!(stack(&back), "SingleStack IPv4 1");
    let moved = refused(services.patch("a", json!({"clusterIP": "10.96.0.9"})).await);
    assert_eq!(moved, "422 spec.clusterIPs[0]: Invalid value: [\"10.96.0.9\"]: may not change once set");
    services.world.server.stop().await;
}

#[tokio::test]
async fn a_failed_write_and_a_dry_run_hold_nothing() {
    let services = Services::new(&[V4, V6]).await;
    services.create("first", json!({"clusterIP": "10.96.0.7"})).await.expect("create");
    let clash = json!({
        "ipFamilyPolicy": "PreferDualStack", "clusterIP": "10.96.0.7", "clusterIPs": ["10.96.0.7", "fd00:10:96::7"],
        "type": "NodePort", "ports": [{"port": 80, "nodePort": 30007}],
    });
    refused(services.create("second", clash).await);
    let spec = json!({
        "clusterIP": "fd00:10:96::7", "type": "NodePort", "ports": [{"port": 80, "nodePort": 30007}],
    });
    let shown = services.try_out("third", spec.clone()).await.expect("a dry run");
    assert_eq!(node_ports(&shown), [30007]);
    services.create("third", spec.clone()).await.expect("nothing was held");
    let why = refused(services.try_out("fourth", spec).await);
    assert!(
        why.contains("failed to allocate IP fd00:10:96::7: provided IP is already allocated")
            && why
                .contains("spec.ports[0].nodePort: Invalid value: 30007: provided port is already allocated"),
        "{why}"
    );
    services.world.server.stop().await;
}

#[tokio::test]
async fn node_ports_are_of_one_service() {
    let services = Services::new(&[V4]).await;
    let dns = json!([
        {"name": "udp", "port": 53, "protocol": "UDP"}, {"name": "tcp", "port": 53, "protocol": "TCP"},
    ]);
    let made = services.create("dns", json!({"type": "NodePort", "ports": dns})).await.expect("create");
    let [udp, tcp] = node_ports(&made)[..] else { panic!("{made}") };
    assert_eq!(udp, tcp, "one number, one port");
    let port = |protocol: &str, port: u64| json!([{"port": 1, "protocol": protocol, "nodePort": port}]);
    for protocol in ["TCP", "UDP", "SCTP"] {
        let taken = services.create("x", json!({"type": "NodePort", "ports": port(protocol, udp)})).await;
        let expect =
            format!("422 spec.ports[0].nodePort: Invalid value: {udp}: provided port is already allocated");
        assert_eq!(refused(taken), expect);
    }
    let out = services.create("x", json!({"type": "NodePort", "ports": port("TCP", 80)})).await;
    assert_eq!(
        refused(out),
        "422 spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid \
         ports is 30000-32767"
    );
    let swapped = |a: u64, b: u64| json!([{"name": "a", "port": 1, "nodePort": a}, {"name": "b", "port": 2, "nodePort": b}]);
    let pair = json!({"type": "NodePort", "ports": swapped(30001, 30002)});
    services.create("pair", pair).await.expect("create");
    let made = services.patch("pair", json!({"ports": swapped(30002, 30001)})).await.expect("swap");
    assert_eq!(node_ports(&made), [30002, 30001]);
    let made = services.patch("pair", json!({"type": "ClusterIP"})).await.expect("a change of type");
    assert_eq!(node_ports(&made), [0, 0]);
    let none = json!({"type": "LoadBalancer", "allocateLoadBalancerNodePorts": false});
    let made = services.create("balanced", none).await.expect("create");
    assert_eq!(node_ports(&made), [0]);
    let asked = json!([{"port": 80, "nodePort": 30001}]);
    let made = services.patch("balanced", json!({"ports": asked})).await.expect("it was released");
    assert_eq!(node_ports(&made), [30001]);
    services.world.server.stop().await;
}

#[tokio::test]
async fn health_ports_are_given_out_like_node_ports() {
    let services = Services::new(&[V4]).await;
    let local = |more: Value| {
        let mut spec = json!({"type": "LoadBalancer", "externalTrafficPolicy": "Local"});
        spec.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        spec
    };
    let health = |service: &Value| service["spec"]["healthCheckNodePort"].as_u64().unwrap_or_default();
    let drawn = services.create("drawn", local(json!({}))).await.expect("create");
    assert!(health(&drawn) >= 30086 && !node_ports(&drawn).contains(&health(&drawn)), "{drawn}");
    let asked = local(json!({"healthCheckNodePort": 30005}));
    services.create("asked", asked.clone()).await.expect("create");
    let taken = "500 Internal error occurred: failed to allocate requested HealthCheck NodePort 30005: provided port is \
                 already allocated";
    assert_eq!(refused(services.create("again", asked.clone()).await), taken);
    let port = json!({"type": "NodePort", "ports": [{"port": 80, "nodePort": 30005}]});
    assert!(
        refused(services.create("port", port.clone()).await).contains("provided port is already allocated")
    );
    let own = local(json!({"healthCheckNodePort": 30006, "ports": [{"port": 80, "nodePort": 30006}]}));
    assert!(refused(services.create("own", own).await).contains("provided port is already allocated"));
    let freed = services.patch("asked", json!({"externalTrafficPolicy": "Cluster"})).await.expect("patch");
    assert_eq!(health(&freed), 0);
    services.create("port", port).await.expect("it was released");
    let moved = services.patch("drawn", json!({"healthCheckNodePort": 30007})).await;
    assert_eq!(refused(moved), "422 spec.healthCheckNodePort: Forbidden: field is immutable");
    services.world.server.stop().await;
}

#[tokio::test]
async fn an_address_is_held_by_a_service_or_by_an_object() {
    let services = Services::new(&[V4]).await;
    services.create("web", json!({"clusterIP": "10.96.0.7"})).await.expect("create");
    assert_eq!(
        refused(services.claim_address("10.96.0.7").await),
        "409 ipaddresses.networking.k8s.io \"10.96.0.7\" already exists"
    );
    services.claim_address("10.96.0.8").await.expect("create");
    services.claim_address("192.0.2.1").await.expect("it need not be in a range");
    let taken = refused(services.create("db", json!({"clusterIP": "10.96.0.8"})).await);
    assert!(taken.contains("provided IP is already allocated"), "{taken}");
    let view = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {
            "name": "10.96.0.7", "labels": {"ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io"},
        },
        "spec": {"parentRef": {"resource": "services", "namespace": "default", "name": "web"}},
    });
    let client = &services.world.client;
    client.create(&services.addresses, "", &view).await.expect("a view claims nothing");
    let key = Key::new("", "10.96.0.7");
    let bare = json!({"metadata": {"labels": null}});
    let answer = client.patch(&services.addresses, &key, None, PatchType::Merge, &bare).await;
    assert_eq!(
        refused(answer),
        "409 Operation cannot be fulfilled on ipaddresses.networking.k8s.io \"10.96.0.7\": a service holds the address"
    );
    client.delete(&services.addresses, &key, &json!({})).await.expect("delete");
    assert!(
        services.create("other", json!({"clusterIP": "10.96.0.7"})).await.is_err(),
        "the service holds it"
    );
    client.delete(&services.addresses, &Key::new("", "10.96.0.8"), &json!({})).await.expect("delete");
    services.create("db", json!({"clusterIP": "10.96.0.8"})).await.expect("it is free at once");
    services.world.server.stop().await;
}

#[tokio::test]
async fn addresses_are_of_all_ranges_that_are_ready() {
    let services = Services::new(&[V4]).await;
    let client = &services.world.client;
    let own = client.get(&services.ranges, &Key::new("", "kubernetes")).await.expect("it is there");
    assert_eq!(own["spec"]["cidrs"], json!([V4]));
    assert_eq!(own["status"]["conditions"][0]["type"], "Ready");
    assert_eq!(own["status"]["conditions"][0]["status"], "True");
    let far = json!({"clusterIP": "10.200.0.7"});
    refused(services.create("early", far.clone()).await);
    let range = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": "more", "finalizers": ["example.com/held"]}, "spec": {"cidrs": ["10.200.0.0/24"]},
    });
    client.create(&services.ranges, "", &range).await.expect("create");
    services.create("far", far.clone()).await.expect("the range is known at once");
    let key = Key::new("", "more");
    client.delete(&services.ranges, &key, &json!({})).await.expect("marks it");
    let marked = client.get(&services.ranges, &key).await.expect("it waits");
    assert!(marked["metadata"]["deletionTimestamp"].is_string());
    let late = refused(services.create("late", json!({"clusterIP": "10.200.0.8"})).await);
    assert!(late.contains("the provided network does not match the current range"), "{late}");
    services.world.server.stop().await;
}

#[tokio::test]
async fn the_range_of_the_flags_is_told_of() {
    let store = Arc::new(store::Memory::new());
    for (flags, told, drawn) in [
        (&[V4][..], json!([V4]), "10.96.0."),
        (&[V4, V6], json!([V4, V6]), "10.96.0."),
        (&["10.97.0.0/24"], json!([V4, V6]), "10.97.0."),
    ] {
        let services = Services::on_store(store.clone(), flags).await;
        let own = services.world.client.get(&services.ranges, &Key::new("", "kubernetes")).await;
        assert_eq!(own.expect("it is there")["spec"]["cidrs"], told, "{flags:?}: only a second one is added");
        let made = services.create("a", json!({})).await.expect("create");
        assert!(text(&made["spec"]["clusterIP"]).starts_with(drawn), "{made}");
        services.delete("a").await;
        services.world.server.stop().await;
    }
}

#[tokio::test]
async fn what_a_store_holds_wrongly_is_put_right_at_the_start() {
    let memory = Arc::new(store::Memory::new());
    let before = Services::on_store(memory.clone(), &[V4]).await;
    let port = |number: u64| json!({"type": "NodePort", "ports": [{"port": 1, "nodePort": number}]});
    before.create("a", port(30007)).await.expect("create");
    before.world.server.stop().await;
    let put = |key: &'static str, owner: &'static str| Write::Put { key: key.into(), value: owner.into() };
    for write in [
        Write::Delete { key: "/.port/30007".into() },
        // of an object that is not there, of one that has other claims, and as an older version wrote it
        put("/.address/10.96.0.77", "/services/default/gone"),
        put("/.port/30008", "/services/default/a"),
        put("/.port/30009/TCP", "/services/default/a"),
    ] {
        let txn = Txn { compares: Vec::new(), writes: vec![write], durability: Durability::Durable };
        memory.commit(txn).await.expect("a write");
    }
    let after = Services::on_store(memory.clone(), &[V4]).await;
    let taken = refused(after.create("b", port(30007)).await);
    assert!(taken.contains("provided port is already allocated"), "{taken}");
    after.create("c", json!({"clusterIP": "10.96.0.77"})).await.expect("it is free");
    after.create("d", port(30008)).await.expect("it is free");
    let ports = memory.list(&Range::prefix("/.port/"), &Page::all()).await.expect("a list").items;
    let keys: Vec<&[u8]> = ports.iter().map(|item| &item.key[..]).collect();
    assert_eq!(keys, [b"/.port/30007".as_slice(), b"/.port/30008"]);
    after.world.server.stop().await;
}
