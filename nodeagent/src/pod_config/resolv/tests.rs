use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{Surroundings, pod};

fn check(spec: Value, expected: &str) {
    let mut whole = json!({"containers": []});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let conf = resolv_conf(&pod(whole), &Surroundings::new().dns).unwrap();
    assert_eq!(conf.to_string(), expected, "{spec}");
}

#[test]
fn each_policy() {
    let cluster = "search shop.svc.cluster.local svc.cluster.local cluster.local lan.example\n\
                   nameserver 10.96.0.10\noptions ndots:5\n";
    let host = "search lan.example\nnameserver 192.0.2.1\noptions edns0\n";
    check(json!({}), cluster);
    check(json!({"dnsPolicy": "ClusterFirst"}), cluster);
    check(json!({"dnsPolicy": "ClusterFirst", "hostNetwork": true}), host);
    check(json!({"dnsPolicy": "ClusterFirstWithHostNet", "hostNetwork": true}), cluster);
    check(json!({"dnsPolicy": "Default"}), host);
    check(json!({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["1.1.1.1"]}}), "nameserver 1.1.1.1\n");
    let odd = pod(json!({"containers": [], "dnsPolicy": "Odd"}));
    assert_eq!(resolv_conf(&odd, &ClusterDns::default()).unwrap_err().message, "invalid DNSPolicy=Odd");
}

#[test]
fn the_pods_own_configuration_is_added() {
    let config = json!({
        "nameservers": ["10.96.0.10", "1.1.1.1"],
        "searches": ["svc.cluster.local", "mine.example"],
        "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
    });
    check(
        json!({"dnsConfig": config}),
        "search shop.svc.cluster.local svc.cluster.local cluster.local lan.example mine.example\n\
         nameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2 rotate\n",
    );
}

#[test]
fn nothing_is_longer_than_resolvers_read() {
    let many = |text: &str, n: usize| (0..n).map(|i| format!("{text}{i}")).collect::<Vec<_>>();
    let config = json!({"nameservers": many("10.0.0.", 5), "searches": many("s", 40)});
    let spec = |config: &Value| pod(json!({"containers": [], "dnsPolicy": "None", "dnsConfig": config}));
    let conf = resolv_conf(&spec(&config), &ClusterDns::default()).unwrap();
    assert_eq!((conf.nameservers.len(), conf.searches.len()), (3, 32));
    let long = json!({"searches": many(&"x".repeat(199), 15)});
    let conf = resolv_conf(&spec(&long), &ClusterDns::default()).unwrap();
    assert_eq!(conf.searches.len(), 10);
}

#[test]
fn without_a_cluster_server_the_hosts_are_used() {
    let dns = ClusterDns { servers: Vec::new(), ..Surroundings::new().dns };
    let conf = resolv_conf(&pod(json!({"containers": []})), &dns).unwrap();
    assert_eq!(conf.nameservers, ["192.0.2.1"]);
}
