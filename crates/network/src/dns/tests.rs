use std::collections::BTreeMap;
use std::sync::Arc;

use hickory_server::proto::rr::{Name, Record, RecordType};

use super::zone::{Answer, Zone};
use crate::{Endpoint, Protocol, Service, ServicePort, Services};

fn endpoint(address: &str, hostname: Option<&str>, ready: bool) -> Endpoint {
    let ports = BTreeMap::from([("http".to_owned(), 8080)]);
    Endpoint { address: address.parse().unwrap(), hostname: hostname.map(str::to_owned), ready, ports }
}

fn world() -> Services {
    let port = ServicePort { name: "http".to_owned(), protocol: Protocol::Tcp, port: 80, node_port: None };
    let endpoints = vec![
        endpoint("10.1.0.2", Some("db-0"), true),
        endpoint("10.1.0.3", None, true),
        endpoint("10.1.0.4", Some("db-2"), false),
    ];
    let headless = Service { ports: vec![port.clone()], endpoints, ..Service::default() };
    let web = Service { cluster_ips: vec!["10.96.0.1".parse().unwrap()], ..headless.clone() };
    let outside = Service { external_name: Some("example.org".to_owned()), ..Service::default() };
    let inner =
        Service { external_name: Some("web.shop.svc.cluster.local".to_owned()), ..Service::default() };
    [("web", web), ("db", headless), ("out", outside), ("inner", inner)]
        .map(|(name, service)| (("shop".to_owned(), name.to_owned()), service))
        .into()
}

fn show(records: &[Record]) -> Vec<String> {
    records.iter().map(|record| format!("{} {} {}", record.name, record.record_type(), record.data)).collect()
}

fn ask(name: &str, kind: RecordType) -> String {
    let zone = Zone::new(Name::from_ascii("cluster.local.").unwrap(), Arc::new(world()));
    match zone.answer(&Name::from_ascii(name).unwrap(), kind) {
        Answer::Records(found, beside) => [show(&found), show(&beside)].concat().join("; "),
        Answer::Alias(record, target) => format!("{} -> {target}", show(&[*record]).concat()),
        Answer::NoData => "no data".to_owned(),
        Answer::NoName => "no name".to_owned(),
        Answer::Foreign => "foreign".to_owned(),
    }
}

#[test]
fn names_are_answered_as_the_specification_says() {
    use RecordType::{A, AAAA, CNAME, MX, PTR, SOA, SRV, TXT};
    let expected = [
        ("web.shop.svc.cluster.local.", A, "web.shop.svc.cluster.local. A 10.96.0.1"),
        ("WEB.Shop.svc.Cluster.local.", A, "WEB.Shop.svc.Cluster.local. A 10.96.0.1"),
        ("web.shop.svc.cluster.local.", AAAA, "no data"),
        ("web.shop.svc.cluster.local.", MX, "no data"),
        ("web.other.svc.cluster.local.", A, "no name"),
        ("none.shop.svc.cluster.local.", A, "no name"),
        (
            "db.shop.svc.cluster.local.",
            A,
            "db.shop.svc.cluster.local. A 10.1.0.2; db.shop.svc.cluster.local. A 10.1.0.3",
        ),
        ("db-0.db.shop.svc.cluster.local.", A, "db-0.db.shop.svc.cluster.local. A 10.1.0.2"),
        ("db-2.db.shop.svc.cluster.local.", A, "no name"),
        ("10-1-0-3.db.shop.svc.cluster.local.", A, "10-1-0-3.db.shop.svc.cluster.local. A 10.1.0.3"),
        (
            "_http._tcp.web.shop.svc.cluster.local.",
            SRV,
            "_http._tcp.web.shop.svc.cluster.local. SRV 0 100 80 web.shop.svc.cluster.local.; \
             web.shop.svc.cluster.local. A 10.96.0.1",
        ),
        (
            "_http._tcp.db.shop.svc.cluster.local.",
            SRV,
            "_http._tcp.db.shop.svc.cluster.local. SRV 0 50 8080 db-0.db.shop.svc.cluster.local.; \
             _http._tcp.db.shop.svc.cluster.local. SRV 0 50 8080 10-1-0-3.db.shop.svc.cluster.local.; \
             db-0.db.shop.svc.cluster.local. A 10.1.0.2; 10-1-0-3.db.shop.svc.cluster.local. A 10.1.0.3",
        ),
        ("_http._tcp.web.shop.svc.cluster.local.", A, "no data"),
        ("_tcp.web.shop.svc.cluster.local.", A, "no data"),
        ("_http._udp.web.shop.svc.cluster.local.", SRV, "no name"),
        ("_other._tcp.web.shop.svc.cluster.local.", SRV, "no name"),
        (
            "out.shop.svc.cluster.local.",
            CNAME,
            "out.shop.svc.cluster.local. CNAME example.org. -> example.org.",
        ),
        ("10-1-0-9.shop.pod.cluster.local.", A, "10-1-0-9.shop.pod.cluster.local. A 10.1.0.9"),
        ("10-1-0.shop.pod.cluster.local.", A, "no name"),
        ("fd00--1.shop.pod.cluster.local.", AAAA, "fd00--1.shop.pod.cluster.local. AAAA fd00::1"),
        ("dns-version.cluster.local.", TXT, "dns-version.cluster.local. TXT 1.1.0"),
        ("cluster.local.", A, "no data"),
        ("svc.cluster.local.", A, "no data"),
        ("shop.svc.cluster.local.", A, "no data"),
        ("other.svc.cluster.local.", A, "no name"),
        ("example.org.shop.svc.cluster.local.", A, "no name"),
        ("example.org.", A, "foreign"),
        ("local.", SOA, "foreign"),
        ("1.0.96.10.in-addr.arpa.", PTR, "1.0.96.10.in-addr.arpa. PTR web.shop.svc.cluster.local."),
        ("1.0.96.10.in-addr.arpa.", A, "no data"),
        ("2.0.1.10.in-addr.arpa.", PTR, "2.0.1.10.in-addr.arpa. PTR db-0.db.shop.svc.cluster.local."),
        ("3.0.1.10.in-addr.arpa.", PTR, "foreign"),
        ("96.10.in-addr.arpa.", PTR, "foreign"),
    ];
    for (name, kind, answer) in expected {
        assert_eq!(ask(name, kind), answer, "{name} {kind}");
    }
}
