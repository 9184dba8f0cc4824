//! A second machine joins: its pods and services are one network with the first's.

use std::time::{Duration, Instant};

use super::{cluster_ip, is_ready, pod, pod_ip, told};
use crate::harness::{condition, text};
use crate::host::{ADDRESS, Host};
use crate::neighbour::Neighbour;
use crate::user::User;

const TWO: &str = "192.0.2.11";

/// A web server on a node that says its own name.
fn server(name: &str, node: &str) -> String {
    let serve = "hostname >/www/index.html; exec serve";
    pod(name, serve, &format!("nodeSelector: {{kubernetes.io/hostname: {node}}},"), "")
}

fn service(name: &str) -> String {
    format!(
        "---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{selector: {{app: {name}}}, ports: [{{port: 80, targetPort: 8080}}]}}
"
    )
}

fn token(host: &Host, flags: &[&str]) -> String {
    host.with("berth", &[&["token", "create"], flags].concat()).trim().to_owned()
}

fn ready(user: &User, node: &str) -> bool {
    let node = user.try_kubectl(&["get", "node", node, "-o", "json"]);
    serde_json::from_slice(&node.stdout).is_ok_and(|node| condition(&node, "Ready") == "True")
}

#[test]
fn a_second_machine_joins_and_is_one_network_with_the_first() {
    let host = Host::start();
    let mut two = Neighbour::of(&host, "two", TWO);
    bad_tokens_are_refused(&host, &two);
    networks_of_its_own_are_in_the_way(&host, &two);
    let command = token(&host, &["--print-join-command"]);
    assert!(
        command.starts_with(&format!("berth agent --server https://{ADDRESS}:6443 --token ")),
        "{command}"
    );
    let once = token(&host, &["--uses=1"]);
    two.start(Some(&once));
    host.wait("the second node is Ready", |c| ready(c, "two"));
    let said = text(&Neighbour::of(&host, "three", "192.0.2.12").refused(&once).stderr);
    assert!(said.ends_with("error: the server does not sign: the bootstrap token is used up\n"), "{said}");
    assert!(two.left().contains(&"kubeconfig".to_owned()), "{:?}", two.left());
    assert!(!two.left().iter().any(|name| name.contains("joining")), "{:?}", two.left());
    let blocks = host.kubectl(&["get", "nodes", "-o", "jsonpath={.items[*].spec.podCIDR}"]);
    assert_eq!(blocks, "10.244.0.0/24 10.244.1.0/24");

    host.apply(&[server("near", "host"), server("far", "two"), service("near"), service("far")].concat());
    for name in ["near", "far"] {
        host.wait(&format!("{name} runs"), |c| is_ready(c, name));
    }
    let (near, far) = (pod_ip(&host, "near"), pod_ip(&host, "far"));
    assert!(near.starts_with("10.244.0.") && far.starts_with("10.244.1."), "{near} {far}");
    let from = |pod: &str, place: &str| {
        let url = format!("http://{place}/");
        host.at_last("kubectl", &["exec", pod, "--", "wget", "-q", "-O", "-", &url])
    };
    assert_eq!(from("near", &format!("{far}:8080")), "far\n");
    assert_eq!(from("far", &format!("{near}:8080")), "near\n");
    assert_eq!(from("near", &cluster_ip(&host, "far")), "far\n", "by way of its service");
    assert_eq!(from("far", "near"), "near\n", "by the service's name");
    assert_eq!(from("far", &cluster_ip(&host, "far")), "far\n", "by way of the service it is behind");
    host.wait("the host reaches it", |_| host.get(&far, 8080).is_ok());
    // Logs, commands and copies reach the second node too.
    assert!(host.kubectl(&["logs", "far"]).contains("serving /www on port 8080"));
    let file = host.dir().join("copied");
    std::fs::write(&file, "over there").expect("the rig's directory");
    host.kubectl(&["cp", &file.display().to_string(), "far:/tmp/copied"]);
    assert_eq!(host.kubectl(&["exec", "far", "--", "cat", "/tmp/copied"]), "over there");
    assert!(
        host.kubectl(&["get", "--raw", "/api/v1/nodes/two/proxy/metrics"]).contains("kubelet_running_pods")
    );

    an_agent_that_begins_again_needs_no_token(&host, &mut two);
}

fn an_agent_that_begins_again_needs_no_token(host: &Host, two: &mut Neighbour) {
    let before = host.json(&["get", "pod", "far"])["status"]["containerStatuses"][0]["containerID"].clone();
    two.crash();
    two.start(None);
    host.wait("it has begun again", |c| told(c, "two", "Starting", "Starting kubelet.") && ready(c, "two"));
    host.at_last("kubectl", &["exec", "far", "--", "echo"]);
    let after = host.json(&["get", "pod", "far"])["status"]["containerStatuses"][0]["containerID"].clone();
    assert_eq!(before, after, "nothing was touched");
    host.kubectl(&["delete", "pod", "far", "near", "--timeout=60s"]);
}

/// A machine that leads somewhere else to what the cluster uses does not join, and nothing of it is left.
fn networks_of_its_own_are_in_the_way(host: &Host, two: &Neighbour) {
    for (route, why) in [
        (
            "10.244.1.128/25",
            "the addresses of the node's pods, 10.244.1.0/24, overlap with the machine's route 10.244.1.128/25 dev \
             eth0: choose others by --cluster-cidr of the server, or --pod-cidr",
        ),
        (
            "10.96.0.0/16",
            "the addresses of services, 10.96.0.0/12, overlap with the machine's route 10.96.0.0/16 dev eth0: \
             choose others by --service-cidr of the server",
        ),
    ] {
        two.run("ip", &["route", "add", route, "via", "192.0.2.1"]);
        let output = two.refused(&token(host, &[]));
        two.run("ip", &["route", "del", route]);
        let said = text(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        assert!(!output.status.success() && last == format!("error: {why}"), "{said}");
        assert_eq!(two.left(), Vec::<String>::new());
        let gone = host.try_kubectl(&["get", "node", "two"]);
        assert!(text(&gone.stderr).contains("NotFound"), "{}", text(&gone.stdout));
    }
}

fn bad_tokens_are_refused(host: &Host, two: &Neighbour) {
    let refused = |token: &str, why: &str| {
        let output = two.refused(token);
        let said = text(&output.stderr);
        let last = said.lines().last().unwrap_or_default();
        assert!(!output.status.success() && last.contains(why), "{token}: {said}");
        assert!(!two.left().iter().any(|name| name.contains("kubeconfig")), "{:?}", two.left());
    };
    let good = token(host, &[]);
    let (bearer, hash) = good.rsplit_once('.').expect("a hash");
    refused("nonsense", "--token: must be ID.SECRET.HASH");
    let wrong = "the token was refused: it is wrong, expired or used up";
    refused(&format!("abcdef.0123456789abcdef.{hash}"), wrong);
    refused(&format!("{bearer}.{}", "0".repeat(64)), "is not of the token's cluster");
    let brief = token(host, &["--ttl=1s"]);
    let made = Instant::now();
    // one that is still good would make it a node
    host.wait("its time is over", |_| made.elapsed() > Duration::from_secs(2));
    refused(&brief, wrong);
    host.with("berth", &["token", "delete", bearer]);
    refused(&good, wrong);
    let list = host.with("berth", &["token", "list"]);
    assert!(list.starts_with("TOKEN ID ") && !list.contains(&bearer[..6]), "{list}");
    assert!(!host.try_kubectl(&["get", "node", "two"]).status.success());
}
