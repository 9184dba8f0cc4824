use serde_json::json;

use super::*;
use crate::node_proxy::Endpoint;

fn authority(target: Result<Target, Status>) -> String {
    match target {
        Ok(target @ Target::Agent(_)) => format!("agent {}", target.authority()),
        Ok(target @ Target::Tls { .. }) => format!("https {}", target.authority()),
        Ok(target) => target.authority(),
        Err(status) => format!("{} {}", status.code, status.message),
    }
}

#[test]
fn paths_are_split_as_they_are() {
    let check = |path: &str, before: &str, behind: &str| assert_eq!(split(path), (before, behind));
    let pod = "/api/v1/namespaces/n/pods/p:80/proxy";
    check(pod, pod, "");
    check(&format!("{pod}/"), pod, "/");
    check(&format!("{pod}/a//b%2Fc/"), pod, "/a//b%2Fc/");
    check("/api/v1/nodes/n/proxy/metrics", "/api/v1/nodes/n/proxy", "/metrics");
}

#[test]
fn requests_find_a_pods_port() {
    let pod = json!({
        "spec": {"containers": [{}, {"ports": [{"containerPort": 8080}]}]}, "status": {"podIP": "10.0.0.7"},
    });
    let check = |pod: &Value, wanted: &str, expect: &str| {
        let target = Wanted::parse("Pod", wanted).and_then(|wanted| target::of_pod(pod, &wanted));
        assert_eq!(authority(target), expect, "{wanted}");
    };
    check(&pod, "p", "10.0.0.7:8080");
    check(&pod, "p:81", "10.0.0.7:81");
    check(&pod, "https:p:443", "https 10.0.0.7:443");
    check(&pod, "https:p:", "https 10.0.0.7:8080");
    check(&pod, "ftp:p:21", "400 invalid pod request \"ftp:p:21\"");
    check(&pod, ":80", "400 invalid pod request \":80\"");
    check(&pod, "p:web", "400 invalid pod port \"web\"");
    check(&json!({"status": {"podIP": "fd00::7"}}), "p", "[fd00::7]:80");
    for address in ["", "127.0.0.1", "169.254.169.254", "0.0.0.0"] {
        check(&json!({"status": {"podIP": address}}), "p", "400 address not allowed");
    }
}

#[test]
fn requests_find_a_ready_endpoint_of_a_service() {
    let service = json!({"spec": {"ports": [{"name": "web", "port": 80}, {"name": "admin", "port": 81}]}});
    let slice = |address: &str, ready: bool| {
        json!({
            "ports": [{"name": "web", "port": 8080}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": ready}}],
        })
    };
    let slices = [slice("10.0.0.1", true), slice("10.0.0.2", false), slice("10.0.0.3", true)];
    let check = |wanted: &str, draw: u64, expect: &str| {
        let target = Wanted::parse("Service", wanted)
            .and_then(|wanted| target::of_service(&service, &slices, &wanted, draw));
        assert_eq!(authority(target), expect, "{wanted}");
    };
    check("s:web", 0, "10.0.0.1:8080");
    check("s:80", 1, "10.0.0.3:8080");
    check("https:s:web", 2, "https 10.0.0.1:8080");
    check("s:82", 0, "503 no service port 82 found for service \"s\"");
    check("s:admin", 0, "503 no endpoints available for service \"s\"");
    check("s", 0, "503 no endpoints available for service \"s\"");
}

#[test]
fn requests_find_a_nodes_agent_or_another_port() {
    let check = |wanted: &str, expect: &str| {
        let agent = Endpoint { host: "192.0.2.1".into(), port: 10250, fingerprint: [0; 32] };
        let target = Wanted::parse("Node", wanted).and_then(|wanted| target::of_node(agent, &wanted));
        assert_eq!(authority(target), expect, "{wanted}");
    };
    check("n", "agent 192.0.2.1:10250");
    check("n:10250", "agent 192.0.2.1:10250");
    check("n:9100", "192.0.2.1:9100");
    check("n:web", "400 invalid node port \"web\"");
}

#[test]
fn headers_are_a_gateways() {
    let request = Request::get("https://api:6443/api/v1/nodes/n/proxy/x")
        .header("authorization", "Bearer secret")
        .header("impersonate-user", "anna")
        .header("connection", "x-mine, close")
        .header("x-mine", "1")
        .header("cookie", "a=b");
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let mut sent: Vec<String> = headers::onward(&parts, false)
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    sent.sort();
    let expect = [
        "cookie: a=b",
        "host: api:6443",
        "x-forwarded-host: api:6443",
        "x-forwarded-proto: https",
        "x-forwarded-uri: /api/v1/nodes/n/proxy/x",
    ];
    assert_eq!(sent, expect);

    let asked = [(http::header::HOST, HeaderValue::from_static("api:6443"))].into_iter().collect();
    let place = |place: &str| {
        let answer = Response::builder().header(LOCATION, place).body(()).unwrap();
        headers::back(&answer, "/p/proxy", &asked)[LOCATION].to_str().unwrap().to_owned()
    };
    assert_eq!(place("/login"), "/p/proxy/login");
    assert_eq!(place("login"), "login");
    assert_eq!(place("http://api:6443/login?x=/"), "/p/proxy/login?x=/");
    assert_eq!(place("http://elsewhere/login"), "http://elsewhere/login");
    assert_eq!(place("/p/proxy/a"), "/p/proxy/a");
}
