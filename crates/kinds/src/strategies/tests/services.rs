//! Services.

use super::*;
use crate::Claim;

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
    check(json!({}), "spec.ipFamilies", json!(["IPv4"]));
    check(json!({}), "spec.ipFamilyPolicy", json!("SingleStack"));
    check(json!({ "clusterIP": "fd00::1" }), "spec.ipFamilies", json!(["IPv6"]));
    check(json!({ "clusterIP": "10.0.0.9" }), "spec.clusterIPs", json!(["10.0.0.9"]));
    check(json!({}), "spec.externalTrafficPolicy", Value::Null);
    check(json!({ "type": "NodePort" }), "spec.externalTrafficPolicy", json!("Cluster"));
    check(json!({ "type": "LoadBalancer" }), "spec.allocateLoadBalancerNodePorts", json!(true));
    check(json!({ "type": "ExternalName", "externalName": "a.b" }), "spec.ipFamilies", Value::Null);
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
    let named = json!({ "type": "ExternalName", "externalName": "a.b", "clusterIP": "10.0.0.9" });
    check(named, "spec.clusterIPs", Value::Null);
    let moved = json!({ "spec": { "clusterIP": "10.0.0.8", "clusterIPs": ["10.0.0.8"] } });
    let expect = "spec.clusterIPs[0]: Invalid value: [\"10.0.0.8\"]: may not change once set";
    check_update("Service", service(json!({ "clusterIP": "10.0.0.9" })), moved, &[expect]);
}

#[test]
fn services_claim_addresses_and_ports() {
    let check = |spec: Value, expect: &[Claim]| {
        let object = created("Service", service(spec));
        assert_eq!(row("Service").strategy.claims(&object), expect, "{object}");
    };
    let any = Claim::ClusterIp(None);
    check(json!({}), std::slice::from_ref(&any));
    check(json!({ "clusterIP": "10.0.0.9" }), &[Claim::ClusterIp("10.0.0.9".parse().ok())]);
    check(json!({ "clusterIP": "None" }), &[]);
    check(json!({ "type": "ExternalName" }), &[]);
    check(json!({ "type": "NodePort" }), &[any.clone(), Claim::NodePort { index: 0, port: None }]);
    let asked = json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false, "ports": [{ "port": 1, "nodePort": 30001 }] });
    check(asked, &[any, Claim::NodePort { index: 0, port: Some(30001) }]);
}
