//! Services.

use super::*;
use crate::{Claim, IpFamily, settle_families};

/// The families of a cluster that has both.
const BOTH: [IpFamily; 2] = [IpFamily::V4, IpFamily::V6];

fn service(spec: Value) -> Value {
    let base = json!({ "type": "ClusterIP", "sessionAffinity": "None", "ports": [{ "port": 80, "protocol": "TCP" }] });
    json!({ "metadata": { "name": "web" }, "spec": changed(base, &spec) })
}

fn check(spec: Value, expect: &[&str]) {
    check_create("Service", service(spec), expect);
}

#[test]
fn what_a_service_does_not_say_is_filled_in() {
    let check = |spec: Value, path: &str, expect: Value| check_field("Service", service(spec), path, expect);
    check(json!({}), "spec.ports", json!([{ "port": 80, "protocol": "TCP", "targetPort": 80 }]));
    check(json!({ "clusterIP": "10.0.0.9" }), "spec.clusterIPs", json!(["10.0.0.9"]));
    check(json!({}), "spec.externalTrafficPolicy", Value::Null);
    check(json!({ "type": "NodePort" }), "spec.externalTrafficPolicy", json!("Cluster"));
    check(json!({ "type": "LoadBalancer" }), "spec.allocateLoadBalancerNodePorts", json!(true));
    check(json!({}), "spec.internalTrafficPolicy", json!("Cluster"));
    check(
        json!({ "type": "ExternalName", "externalName": "a.b" }),
        "spec.internalTrafficPolicy",
        Value::Null,
    );
    check(
        json!({ "sessionAffinity": "ClientIP" }),
        "spec.sessionAffinityConfig",
        json!({ "clientIP": { "timeoutSeconds": 10800 } }),
    );
}

#[test]
fn services_are_checked() {
    check(json!({}), &[]);
    check(json!({ "ports": null }), &["spec.ports: Required value"]);
    check(json!({ "ports": null, "clusterIP": "None" }), &[]);
    check(
        json!({ "ports": [{ "port": 1, "protocol": "TCP" }, { "port": 1, "protocol": "TCP", "name": "x" }] }),
        &[
            "spec.ports[0].name: Required value",
            "spec.ports[1]: Duplicate value: {\"port\":1,\"protocol\":\"TCP\"}",
        ],
    );
    check(
        json!({ "ports": [{ "port": 1, "nodePort": 30000 }] }),
        &["spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"],
    );
    check(
        json!({ "clusterIP": "x" }),
        &[
            "spec.clusterIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ],
    );
    check(
        json!({ "type": "NodePort", "clusterIP": "None" }),
        &["spec.clusterIPs[0]: Invalid value: \"None\": may not be set to 'None' for NodePort services"],
    );
    check(json!({ "type": "ExternalName" }), &["spec.externalName: Required value"]);
    check(
        json!({ "externalTrafficPolicy": "Local" }),
        &[
            "spec.externalTrafficPolicy: Invalid value: \"Local\": may only be set for externally-accessible services",
        ],
    );
}

#[test]
fn names_of_services_are_labels() {
    assert_eq!(row("Service").policy.name, crate::NameRule::Label);
}

#[test]
fn what_leads_to_a_service_from_outside_is_checked() {
    for (ip, detail) in super::endpoints::USELESS {
        let expect = format!("spec.externalIPs[0]: Invalid value: \"{ip}\": {detail}");
        check(json!({ "externalIPs": [ip] }), &[&expect]);
    }
    check(
        json!({ "externalIPs": ["x"] }),
        &[
            "spec.externalIPs[0]: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
        ],
    );
    let only = "may only be used when `type` is 'LoadBalancer'";
    check(
        json!({ "allocateLoadBalancerNodePorts": false, "loadBalancerClass": "", "loadBalancerSourceRanges": ["x"] }),
        &[
            &format!("spec.LoadBalancerSourceRanges: Forbidden: {only}"),
            "spec.LoadBalancerSourceRanges[0]: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
            &format!("spec.allocateLoadBalancerNodePorts: Forbidden: {only}"),
            &format!("spec.loadBalancerClass: Forbidden: {only}"),
        ],
    );
    let noted = |kind: &str, ranges: &str| {
        let notes = json!({ "service.beta.kubernetes.io/load-balancer-source-ranges": ranges });
        changed(service(json!({ "type": kind })), &json!({ "metadata": { "annotations": notes } }))
    };
    let at = "metadata.annotations[service.beta.kubernetes.io/load-balancer-source-ranges]";
    check_create("Service", noted("LoadBalancer", " 10.0.0.0/8 , fd00::/8"), &[]);
    check_create("Service", noted("ClusterIP", " "), &[&format!("{at}: Forbidden: {only}")]);
    check_create(
        "Service",
        noted("LoadBalancer", "10.0.0.0/8,x"),
        &[&format!(
            "{at}: Invalid value: \"x\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"
        )],
    );
}

#[test]
fn what_a_service_says_of_its_traffic_is_checked() {
    check(json!({ "trafficDistribution": "PreferSameNode" }), &[]);
    check(
        json!({ "trafficDistribution": "X" }),
        &[
            "spec.trafficDistribution: Unsupported value: \"X\": supported values: \"PreferClose\", \"PreferSameZone\", \"PreferSameNode\"",
        ],
    );
    let protocol = |name: &str| json!({ "ports": [{ "port": 80, "appProtocol": name }] });
    check(protocol("example.com/a"), &[]);
    check(
        protocol("/a"),
        &["spec.ports[0].appProtocol: Invalid value: \"/a\": prefix part must be non-empty"],
    );
    let named = |name: &str| json!({ "type": "ExternalName", "externalName": name });
    check(named("a.example."), &[]);
    check(named("."), &["spec.externalName: Required value"]);
    check(named("a.."), &[&format!("spec.externalName: Invalid value: \"a.\": {SUBDOMAIN}")]);
    let notes = json!({ "service.kubernetes.io/topology-aware-hints": "a", "service.kubernetes.io/topology-mode": "b" });
    check_create(
        "Service",
        changed(service(json!({})), &json!({ "metadata": { "annotations": notes } })),
        &[
            "metadata.annotations[service.kubernetes.io/topology-mode]: Invalid value: \"b\": must match annotations[service.kubernetes.io/topology-aware-hints] when both are specified",
        ],
    );
    let affinity = json!({ "sessionAffinity": "ClientIP", "sessionAffinityConfig": { "clientIP": {} } });
    let full = json!({ "clientIP": { "timeoutSeconds": 10800 } });
    check_field("Service", service(affinity), "spec.sessionAffinityConfig", full);
}

#[test]
fn an_update_keeps_what_was_allocated() {
    let old = created(
        "Service",
        service(json!({
        "type": "NodePort", "clusterIP": "10.0.0.9", "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 30080 }] })),
    );
    let check = |spec: Value, path: &str, expect: Value| {
        let new = updated("Service", service(spec), &old);
        assert_eq!(new.at(path), &expect, "{new}");
        assert_eq!(texts(wrong(&row("Service"), &new)), [""; 0]);
    };
    check(json!({ "type": "NodePort" }), "spec.clusterIPs", json!(["10.0.0.9"]));
    check(
        json!({ "type": "NodePort" }),
        "spec.ports",
        json!([{ "port": 80, "protocol": "TCP", "targetPort": 80, "nodePort": 30080 }]),
    );
    let cluster = json!({ "clusterIP": "10.0.0.9", "externalTrafficPolicy": "Cluster",
        "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 30080 }] });
    check(cluster.clone(), "spec.ports", json!([{ "port": 80, "protocol": "TCP", "targetPort": 80 }]));
    check(cluster, "spec.externalTrafficPolicy", Value::Null);
    let named = json!({ "type": "ExternalName", "externalName": "a.b", "clusterIP": "10.0.0.9",
        "ports": [{ "port": 80, "protocol": "TCP", "nodePort": 30080 }] });
    check(named, "spec.clusterIPs", Value::Null);
    let moved = json!({ "spec": { "clusterIP": "10.0.0.8", "clusterIPs": ["10.0.0.8"] } });
    let expect = "spec.clusterIPs[0]: Invalid value: [\"10.0.0.8\"]: may not change once set";
    check_update("Service", service(json!({ "clusterIP": "10.0.0.9" })), moved, &[expect]);
}

#[test]
fn ports_keep_their_node_ports_by_name() {
    let ports = |ports: Value| service(json!({ "type": "NodePort", "ports": ports }));
    let old = created(
        "Service",
        ports(
            json!([{ "name": "a", "port": 1, "nodePort": 30001 }, { "name": "b", "port": 2, "nodePort": 30002 }]),
        ),
    );
    let check = |now: Value, expect: [i64; 2]| {
        let new = updated("Service", ports(now), &old);
        let numbers: Vec<i64> =
            new.items("spec.ports").iter().map(|port| port.int("nodePort").unwrap_or_default()).collect();
        assert_eq!(numbers, expect, "{new}");
    };
    check(json!([{ "name": "b", "port": 5 }, { "name": "c", "port": 1 }]), [30002, 0]);
    check(json!([{ "name": "a", "port": 1 }, { "name": "b", "port": 2, "nodePort": 30001 }]), [0, 30001]);
    let mut freed = ports(json!([{ "name": "a", "port": 1 }]));
    freed.put("spec.type", "LoadBalancer");
    freed.put("spec.allocateLoadBalancerNodePorts", false);
    assert_eq!(
        updated("Service", freed, &old).at("spec.ports"),
        &json!([{ "name": "a", "port": 1, "protocol": "TCP", "targetPort": 1 }])
    );
}

#[test]
fn health_ports_come_and_go_with_what_needs_them() {
    let balanced = |policy: &str, port: Value| json!({ "type": "LoadBalancer", "externalTrafficPolicy": policy, "healthCheckNodePort": port });
    let at = "spec.healthCheckNodePort";
    let useless = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    check(balanced("Local", json!(30001)), &[]);
    check(balanced("Cluster", json!(30001)), &[&format!("{at}: Invalid value: 30001: {useless}")]);
    check(
        json!({ "type": "NodePort", "healthCheckNodePort": 30001 }),
        &[&format!("{at}: Invalid value: 30001: {useless}")],
    );
    check(
        balanced("Local", json!(70000)),
        &[&format!("{at}: Invalid value: 70000: must be between 1 and 65535, inclusive")],
    );
    let old = created("Service", service(balanced("Local", json!(30001))));
    let updated = |spec: Value| updated("Service", service(spec), &old).at(at).clone();
    assert_eq!(updated(balanced("Local", Value::Null)), 30001, "left out, and kept");
    assert_eq!(updated(balanced("Cluster", json!(30001))), Value::Null, "of no use any more");
    assert_eq!(updated(json!({ "healthCheckNodePort": 30001 })), Value::Null);
    check_update(
        "Service",
        service(balanced("Local", json!(30001))),
        json!({ "spec": { "healthCheckNodePort": 30002 } }),
        &[&format!("{at}: Forbidden: field is immutable")],
    );
}

#[test]
fn what_load_balancers_are_made_by_stays() {
    let class = |class: &str| json!({ "type": "LoadBalancer", "loadBalancerClass": class });
    check_update(
        "Service",
        service(class("example.com/a")),
        json!({ "spec": class("example.com/b") }),
        &["spec.loadBalancerClass: Invalid value: \"example.com/b\": may not change once set"],
    );
}

#[test]
fn addresses_and_families_fit() {
    let pair = |first: &str, second: &str| json!({ "clusterIP": first, "clusterIPs": [first, second] });
    let at = "spec.clusterIPs";
    check(pair("10.0.0.9", "fd00::9"), &[]);
    check(
        json!({ "clusterIPs": ["10.0.0.9"] }),
        &[&format!("{at}: Invalid value: [\"10.0.0.9\"]: must be empty when `clusterIP` is not specified")],
    );
    check(
        json!({ "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.8"] }),
        &[&format!("{at}: Invalid value: [\"10.0.0.8\"]: first value must match `clusterIP`")],
    );
    check(
        pair("None", "10.0.0.9"),
        &[&format!("{at}: Invalid value: [\"None\",\"10.0.0.9\"]: 'None' must be the first and only value")],
    );
    check(
        pair("10.0.0.9", "10.0.0.8"),
        &[&format!(
            "{at}: Invalid value: [\"10.0.0.9\",\"10.0.0.8\"]: may specify no more than one IP for each IP family"
        )],
    );
    check(
        json!({ "clusterIP": "10.0.0.9", "ipFamilies": ["IPv6"] }),
        &[&format!(
            "{at}[0]: Invalid value: \"10.0.0.9\": expected an IPv6 value as indicated by `ipFamilies[0]`"
        )],
    );
    check(json!({ "ipFamilies": ["IPv4", "IPv4"] }), &["spec.ipFamilies[1]: Duplicate value: \"IPv4\""]);
    check(
        json!({ "ipFamilies": ["IPX"], "ipFamilyPolicy": "Triple" }),
        &[
            "spec.ipFamilyPolicy: Unsupported value: \"Triple\": supported values: \"PreferDualStack\", \
             \"RequireDualStack\", \"SingleStack\"",
            "spec.ipFamilies[0]: Unsupported value: \"IPX\": supported values: \"IPv4\", \"IPv6\"",
        ],
    );
    check(
        json!({ "type": "ExternalName", "externalName": "a.b", "clusterIP": "10.0.0.9", "ipFamilies": ["IPv4"] }),
        &[
            "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
            "spec.ipFamilies: Forbidden: may not be set for ExternalName services",
        ],
    );
    check_update(
        "Service",
        service(pair("10.0.0.9", "fd00::9")),
        json!({ "spec": pair("10.0.0.9", "fd00::8") }),
        &[&format!("{at}[1]: Invalid value: [\"10.0.0.9\",\"fd00::8\"]: may not change once set")],
    );
    check_update(
        "Service",
        service(json!({ "clusterIP": "10.0.0.9" })),
        json!({ "spec": { "clusterIP": "None" } }),
        &[&format!("{at}[0]: Invalid value: [\"None\"]: may not change once set")],
    );
}

/// What a cluster of these families makes of a service, `policy families addresses`, or what is wrong with it.
fn settled(mut service: Value, old: Option<&Value>, cluster: &[IpFamily]) -> String {
    let errors = texts(settle_families(&mut service, old, cluster));
    let list = |field: &str| {
        let items = service.items(field).iter().filter_map(Value::as_str);
        items.collect::<Vec<_>>().join(",")
    };
    match errors[..] {
        [] => format!(
            "{} {} {}",
            service.text("spec.ipFamilyPolicy"),
            list("spec.ipFamilies"),
            list("spec.clusterIPs")
        )
        .trim()
        .to_owned(),
        _ => errors.join("; "),
    }
}

#[test]
fn families_are_completed_by_what_the_cluster_has() {
    let check = |spec: Value, on_v4: &str, on_both: &str| {
        let object = created("Service", service(spec));
        let (v4, both) = (settled(object.clone(), None, &BOTH[..1]), settled(object.clone(), None, &BOTH));
        assert_eq!((v4.as_str(), both.as_str()), (on_v4, on_both), "{object}");
    };
    let policy = |policy: &str| json!({ "ipFamilyPolicy": policy });
    let headless = |selector: Value| json!({ "clusterIP": "None", "selector": selector });
    check(json!({}), "SingleStack IPv4", "SingleStack IPv4");
    check(policy("PreferDualStack"), "PreferDualStack IPv4", "PreferDualStack IPv4,IPv6");
    check(
        policy("RequireDualStack"),
        "spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for dual-stack services",
        "RequireDualStack IPv4,IPv6",
    );
    check(
        json!({ "ipFamilies": ["IPv6"] }),
        "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        "SingleStack IPv6",
    );
    check(
        json!({ "ipFamilyPolicy": "PreferDualStack", "ipFamilies": ["IPv6"] }),
        "spec.ipFamilies[0]: Invalid value: \"IPv6\": not configured on this cluster",
        "PreferDualStack IPv6,IPv4",
    );
    check(
        json!({ "clusterIP": "fd00::1" }),
        "spec.clusterIPs[0]: Invalid value: [\"fd00::1\"]: IPv6 is not configured on this cluster",
        "SingleStack IPv6 fd00::1",
    );
    let two = "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' \
               when multiple IP families are specified";
    check(json!({ "ipFamilies": ["IPv4", "IPv6"] }), two, two);
    check(headless(json!({ "a": "b" })), "SingleStack IPv4 None", "SingleStack IPv4 None");
    check(headless(Value::Null), "RequireDualStack IPv4,IPv6 None", "RequireDualStack IPv4,IPv6 None");
    check(
        json!({ "clusterIP": "None", "ipFamilyPolicy": "SingleStack", "ipFamilies": ["IPv6"] }),
        "SingleStack IPv6 None",
        "SingleStack IPv6 None",
    );
    check(json!({ "type": "ExternalName", "externalName": "a.b" }), "", "");
}

#[test]
fn a_second_family_comes_and_goes_by_policy() {
    let with = |spec: Value| {
        let mut object = created("Service", service(spec));
        assert_eq!(texts(settle_families(&mut object, None, &BOTH)), [""; 0]);
        object
    };
    let single = with(json!({ "clusterIP": "10.0.0.9" }));
    let pair = json!({ "clusterIP": "10.0.0.9", "clusterIPs": ["10.0.0.9", "fd00::9"] });
    let dual = with(changed(pair, &json!({ "ipFamilyPolicy": "PreferDualStack" })));
    let check = |old: &Value, changes: Value, cluster: &[IpFamily], expect: &str| {
        let new = updated("Service", changed(old.clone(), &json!({ "spec": changes })), old);
        assert_eq!(settled(new, Some(old), cluster), expect);
    };
    let policy = |policy: &str| json!({ "ipFamilyPolicy": policy });
    check(&single, policy("PreferDualStack"), &BOTH, "PreferDualStack IPv4,IPv6 10.0.0.9");
    check(&single, policy("PreferDualStack"), &BOTH[..1], "PreferDualStack IPv4 10.0.0.9");
    check(&dual, policy("SingleStack"), &BOTH, "SingleStack IPv4 10.0.0.9");
    check(
        &dual,
        json!({ "selector": { "a": "b" } }),
        &BOTH[..1],
        "PreferDualStack IPv4,IPv6 10.0.0.9,fd00::9",
    );
    let released = |what: &str| {
        format!(
            "spec.ipFamilyPolicy: Invalid value: \"PreferDualStack\": must be 'SingleStack' to release the secondary {what}"
        )
    };
    check(&dual, json!({ "clusterIPs": ["10.0.0.9"] }), &BOTH, &released("cluster IP"));
    check(&dual, json!({ "ipFamilies": ["IPv4"] }), &BOTH, &released("IP family"));
    let named = json!({ "type": "ExternalName", "externalName": "a.b" });
    check(&dual, named.clone(), &BOTH, "");
    let old = updated("Service", changed(dual.clone(), &json!({ "spec": named })), &dual);
    check(&old, json!({ "type": "ClusterIP" }), &BOTH, "SingleStack IPv4");
}

#[test]
fn services_claim_addresses_and_ports() {
    let check = |spec: Value, expect: &[Claim]| {
        let mut object = created("Service", service(spec));
        assert_eq!(texts(settle_families(&mut object, None, &BOTH)), [""; 0]);
        assert_eq!(row("Service").strategy.claims(&object), expect, "{object}");
    };
    let address = |index: usize, address: &str| Claim::ClusterIp {
        index,
        family: BOTH[index],
        address: address.parse().ok(),
    };
    let any = [Claim::Families, address(0, "")];
    let and = |more: Claim| [any.to_vec(), vec![more]].concat();
    check(json!({}), &any);
    check(json!({ "clusterIP": "10.0.0.9" }), &[Claim::Families, address(0, "10.0.0.9")]);
    check(
        json!({ "clusterIP": "10.0.0.9", "ipFamilyPolicy": "RequireDualStack" }),
        &[Claim::Families, address(0, "10.0.0.9"), address(1, "")],
    );
    check(json!({ "clusterIP": "None" }), &[Claim::Families]);
    check(json!({ "type": "ExternalName" }), &[]);
    check(json!({ "type": "NodePort" }), &and(Claim::NodePort { index: 0, port: None }));
    let asked = json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{ "port": 1, "nodePort": 30001 }] });
    check(asked, &and(Claim::NodePort { index: 0, port: Some(30001) }));
    let local = json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "externalTrafficPolicy": "Local" });
    check(local.clone(), &and(Claim::HealthPort(None)));
    check(changed(local, &json!({ "healthCheckNodePort": 30002 })), &and(Claim::HealthPort(Some(30002))));
}
