use http::Method;
use serde_json::json;

use super::*;

/// The kubelet's path that a request on `pods/p` of a pod with these containers becomes, or what is wrong.
fn check(what: &str, pod: &Value, expect: &str) {
    let (name, query) = what.split_once('?').unwrap_or((what, ""));
    let path = format!("/api/v1/namespaces/n/pods/p/{name}");
    let info = RequestInfo::parse(&Method::GET, &path, Some(query)).unwrap();
    let decided = Wish::read(&info).and_then(|wish| {
        let container = match wish.stream {
            Stream::PortForward => None,
            _ => Some(container::choose(&wish.container, pod)?),
        };
        Ok(wish.path(&Key::new("n", "p"), container.as_deref()))
    });
    assert_eq!(decided.unwrap_or_else(|status| format!("{} {}", status.code, status.message)), expect);
}

fn pod(containers: &[&str], init: &[&str]) -> Value {
    let list = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
    json!({
        "metadata": {"name": "p"},
        "spec": {"containers": list(containers), "initContainers": list(init)},
    })
}

#[test]
fn logs_are_asked_for_as_of_a_kubelet() {
    let one = pod(&["a"], &[]);
    let log = |query: &str, expect: &str| check(&format!("log?{query}"), &one, expect);
    log("", "/containerLogs/n/p/a");
    log(
        "follow=true&previous=false&timestamps=1&tailLines=0&limitBytes=5",
        "/containerLogs/n/p/a?follow=true&timestamps=true&limitBytes=5&tailLines=0",
    );
    log(
        "sinceTime=2026-11-21T10%3A00%3A00%2B01%3A00",
        "/containerLogs/n/p/a?sinceTime=2026-11-21T09%3A00%3A00Z",
    );
    log("sinceSeconds=7", "/containerLogs/n/p/a?sinceSeconds=7");
    log("tailLines=many", "400 strconv.ParseInt: parsing \"many\": invalid syntax");
    let invalid = |query, why: &str| log(query, &format!("422 PodLogOptions \"p\" is invalid: {why}"));
    invalid("tailLines=-1", "tailLines: Invalid value: -1: must be greater than or equal to 0");
    invalid("limitBytes=0", "limitBytes: Invalid value: 0: must be greater than 0");
    invalid("sinceSeconds=0", "sinceSeconds: Invalid value: 0: must be greater than 0");
    let both = Wish::read(
        &RequestInfo::parse(
            &Method::GET,
            "/api/v1/namespaces/n/pods/p/log",
            Some("sinceSeconds=1&sinceTime=2026-11-21T10:00:00Z"),
        )
        .unwrap(),
    );
    let text = both.unwrap_err().message;
    assert!(text.contains("at most one of `sinceTime` or `sinceSeconds` may be specified"), "{text}");
}

#[test]
fn commands_are_asked_for_as_of_a_kubelet() {
    let one = pod(&["a"], &[]);
    check(
        "exec?command=sh&command=-c&command=echo+a%26b&stdout=true&stderr=true",
        &one,
        "/exec/n/p/a?command=sh&command=-c&command=echo%20a%26b&output=1&error=1",
    );
    check(
        "exec?command=sh&stdin=1&stdout=1&stderr=1&tty=1",
        &one,
        "/exec/n/p/a?command=sh&input=1&output=1&tty=1",
    );
    check("exec?stdout=1", &one, "400 you must specify at least 1 command for the container");
    check("exec?command=sh", &one, "400 you must specify at least 1 of stdin, stdout, stderr");
    check("attach?stdin=true&stdout=true", &one, "/attach/n/p/a?input=1&output=1");
    check("portforward", &one, "/portForward/n/p");
    check("portforward?ports=80,443&ports=1", &one, "/portForward/n/p?port=80%2C443%2C1");
    check("portforward?ports=x", &one, "400 unable to parse \"x\" as a port");
}

#[test]
fn the_container_must_be_clear() {
    check("log?container=i", &pod(&["a", "b"], &["i"]), "/containerLogs/n/p/i");
    check("log?container=c", &pod(&["a"], &[]), "400 container c is not valid for pod p");
    check(
        "log",
        &pod(&["a", "b"], &[]),
        "400 a container name must be specified for pod p, choose one of: [a b]",
    );
    check(
        "log",
        &pod(&["a", "b"], &["i", "j"]),
        "400 a container name must be specified for pod p, choose one of: [a b] or one of the init containers: [i j]",
    );
}

#[test]
fn a_node_says_where_it_listens() {
    let print = "0f".repeat(32);
    let node = json!({
        "metadata": {"name": "n1", "annotations": {endpoint::FINGERPRINT: print}},
        "status": {
            "addresses": [{"type": "Hostname", "address": "h"}, {"type": "InternalIP", "address": "10.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        },
    });
    let good = endpoint::of(&node).unwrap();
    assert_eq!((good.host.as_str(), good.port, good.fingerprint), ("10.0.0.1", 10250, [15; 32]));
    let check = |pointer: &str, value: Value, expect: &str| {
        let mut node = node.clone();
        *node.pointer_mut(pointer).unwrap() = value;
        assert_eq!(endpoint::of(&node).unwrap_err().to_string(), expect);
    };
    check("/status/addresses", json!([]), "node \"n1\" has no address of type InternalIP or Hostname");
    let no_port = "node \"n1\" has no port in status.daemonEndpoints.kubeletEndpoint";
    check("/status/daemonEndpoints/kubeletEndpoint/Port", json!(0), no_port);
    check("/status/daemonEndpoints", Value::Null, no_port);
    check(
        "/metadata/annotations",
        Value::Null,
        "node \"n1\" has no fingerprint of its serving certificate in the annotation berth.dev/serving-sha256",
    );
    for bad in ["0f", "0g0f", &"é".repeat(64)] {
        check(
            "/metadata/annotations/berth.dev~1serving-sha256",
            json!(bad),
            "node \"n1\" has an annotation berth.dev/serving-sha256 that is no SHA-256 in hexadecimal",
        );
    }
}
