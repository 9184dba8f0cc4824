use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::layout::{Key, Layout, Pick};
use super::script::{changes, rebuild};
use crate::{Endpoint, Protocol, Service, ServicePort, Services};

fn service(ip: &str, node_port: Option<u16>, endpoints: &[&str]) -> Service {
    Service {
        cluster_ips: vec![ip.parse().unwrap()],
        ports: vec![ServicePort { name: String::new(), protocol: Protocol::Tcp, port: 80, node_port }],
        endpoints: endpoints.iter().map(|address| endpoint(address)).collect(),
        ..Service::default()
    }
}

fn endpoint(address: &str) -> Endpoint {
    let ports = BTreeMap::from([(String::new(), 8080)]);
    Endpoint { address: address.parse().unwrap(), hostname: None, ready: true, ports }
}

fn services(all: &[(&str, Service)]) -> Services {
    all.iter().map(|(name, service)| (("default".to_owned(), (*name).to_owned()), service.clone())).collect()
}

fn layout(all: &[(&str, Service)]) -> Layout {
    Layout::of(&services(all), "10.0.0.0/24".parse().unwrap())
}

/// Checks the commands from one state to another, both batches with a line between where the first has any.
fn check(from: &[(&str, Service)], to: &[(&str, Service)], expect: &str) {
    let found = changes("t", &layout(from), &layout(to));
    let between = if found.prepare.is_empty() { "" } else { "then\n" };
    let script = [&found.prepare, between, &found.switch].concat();
    let expect: String = expect.lines().map(|line| format!("{}\n", line.trim())).collect();
    assert_eq!(script, expect);
}

#[test]
fn no_change_is_no_command() {
    let one = [("a", service("10.96.0.1", Some(30000), &["10.0.0.2"]))];
    check(&one, &one, "");
}

#[test]
fn the_first_service_brings_its_map_and_chains() {
    check(
        &[],
        &[("a", service("10.96.0.1", None, &["10.1.0.3", "10.0.0.2"]))],
        "add map ip t endpoints2 { typeof ip daddr . meta l4proto . th dport . numgen random mod 65536 : ip daddr . th dport; }
        add chain ip t n2
        add rule ip t n2 meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 2 map @endpoints2
        add chain ip t n2c
        add rule ip t n2c meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport . jhash ip saddr mod 2 map @endpoints2
        then
        add element ip t addresses { 10.96.0.1 }
        add element ip t hairpins { 10.0.0.2 . 10.0.0.2 }
        add element ip t services { 10.96.0.1 . tcp . 80 : jump n2 }
        add element ip t endpoints2 { 10.96.0.1 . tcp . 80 . 0 : 10.0.0.2 . 8080, 10.96.0.1 . tcp . 80 . 1 : 10.1.0.3 . 8080 }",
    );
}

#[test]
fn a_replaced_endpoint_is_one_element() {
    let other = ("b", service("10.96.0.2", Some(30000), &["10.1.0.9"]));
    check(
        &[("a", service("10.96.0.1", None, &["10.1.0.2", "10.1.0.3"])), other.clone()],
        &[("a", service("10.96.0.1", None, &["10.1.0.2", "10.1.0.4"])), other],
        "delete element ip t endpoints2 { 10.96.0.1 . tcp . 80 . 1 }
        add element ip t endpoints2 { 10.96.0.1 . tcp . 80 . 1 : 10.1.0.4 . 8080 }",
    );
}

#[test]
fn what_is_led_elsewhere_leaves_nothing_behind() {
    let other = |ip: &str| service(ip, None, &["10.1.0.8"]);
    let pair = |ip: &str| service(ip, None, &["10.1.0.8", "10.1.0.9"]);
    check(
        &[("a", pair("10.96.0.1")), ("b", other("10.96.0.2")), ("c", pair("10.96.0.3"))],
        &[("a", other("10.96.0.1")), ("b", other("10.96.0.2")), ("c", pair("10.96.0.3"))],
        "delete element ip t services { 10.96.0.1 . tcp . 80 }
        delete element ip t endpoints2 { 10.96.0.1 . tcp . 80 . 0, 10.96.0.1 . tcp . 80 . 1 }
        add element ip t services { 10.96.0.1 . tcp . 80 : jump n1 }
        add element ip t endpoints1 { 10.96.0.1 . tcp . 80 . 0 : 10.1.0.8 . 8080 }",
    );
}

#[test]
fn a_service_without_endpoints_keeps_its_address_and_closes_its_port() {
    check(
        &[("a", service("10.96.0.1", Some(30000), &["10.1.0.2"]))],
        &[("a", service("10.96.0.1", Some(30000), &[]))],
        "delete element ip t nodeports { tcp . 30000 }
        delete element ip t services { 10.96.0.1 . tcp . 80 }
        delete element ip t endpoints1 { 10.96.0.1 . tcp . 80 . 0 }
        delete element ip t nodes1 { tcp . 30000 . 0 }
        add element ip t closed { tcp . 30000 }
        flush chain ip t n1
        flush chain ip t n1c
        delete chain ip t n1
        delete chain ip t n1c
        delete map ip t endpoints1
        flush chain ip t p1
        flush chain ip t p1c
        delete chain ip t p1
        delete chain ip t p1c
        delete map ip t nodes1",
    );
}

#[test]
fn only_ready_ipv4_endpoints_with_the_port_count() {
    let mut one = service("10.96.0.1", None, &["10.1.0.2", "10.1.0.3", "fd00::1", "10.1.0.4"]);
    one.endpoints[1].ready = false;
    one.endpoints[3].ports.clear();
    one.cluster_ips.push("fd00::96".parse::<IpAddr>().unwrap());
    one.affinity = Some(Duration::from_secs(10));
    let layout = layout(&[("a", one)]);
    let key = Key::Cluster("10.96.0.1".parse().unwrap(), Protocol::Tcp, 80);
    assert_eq!(layout.targets.keys().collect::<Vec<_>>(), [&key]);
    assert_eq!(*layout.targets[&key].endpoints, [("10.1.0.2".parse().unwrap(), 8080)]);
    assert_eq!(layout.targets[&key].pick, Pick::Client);
}

#[test]
fn the_first_of_two_claims_holds() {
    let layout = layout(&[
        ("a", service("10.96.0.1", Some(30000), &["10.1.0.2"])),
        ("b", service("10.96.0.2", Some(30000), &["10.1.0.3"])),
    ]);
    assert_eq!(layout.targets[&Key::Node(Protocol::Tcp, 30000)].endpoints[0].0.to_string(), "10.1.0.2");
}

#[test]
fn a_headless_service_costs_nothing() {
    let mut headless = service("10.96.0.1", None, &["10.0.0.2"]);
    headless.cluster_ips.clear();
    assert_eq!(layout(&[("a", headless)]), Layout::default());
}

#[test]
fn a_rebuild_replaces_the_table_in_one_transaction() {
    let all = layout(&[("a", service("10.96.0.1", None, &["10.0.0.2"]))]);
    let script = rebuild("t", "10.0.0.0/24".parse().unwrap(), "10.0.0.1".parse().unwrap(), &all);
    assert!(script.starts_with("table ip t { }\ndelete table ip t\ntable ip t {\n"), "{script}");
    let changes = changes("t", &Layout::default(), &all);
    assert!(script.ends_with(&(changes.prepare + &changes.switch)), "{script}");
}
