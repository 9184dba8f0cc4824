//! Pods have addresses, and reach each other and their host.

use super::{cluster_ip, get_pod, is_ready, pod, pod_ip};
use crate::harness::{BERTH, text};
use crate::host::{ADDRESS, Host};

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: one}
spec: {type: NodePort, selector: {app: one}, ports: [{port: 80, targetPort: 8080}]}
";

#[test]
fn pods_and_their_host_reach_each_other() {
    let host = Host::start();
    let serve = "echo $HOSTNAME >/www/index.html; exec serve";
    let as_host = "echo host >/www/index.html; PORT=8081 exec serve";
    let pods = [
        pod("one", serve, "", "env: [{name: HOSTNAME, value: one}],"),
        pod("two", serve, "", "env: [{name: HOSTNAME, value: two}],"),
        pod("on-host", as_host, "hostNetwork: true,", ""),
        SERVICE.to_owned(),
    ];
    host.apply(&pods.concat());
    for name in ["one", "two", "on-host"] {
        host.wait(&format!("{name} runs"), |c| is_ready(c, name));
    }
    let (one, two) = (pod_ip(&host, "one"), pod_ip(&host, "two"));
    assert_ne!(one, two);
    assert!([&one, &two].iter().all(|ip| ip.starts_with("10.244.0.")), "{one} {two}");
    let on_host = get_pod(&host, "on-host");
    assert_eq!(on_host["status"]["podIP"], ADDRESS);
    assert_eq!(on_host["status"]["hostIP"], ADDRESS);

    let service = cluster_ip(&host, "one");
    let from = |pod: &str, address: &str| {
        let url = format!("http://{address}/");
        let ask = ["exec", pod, "--", "wget", "-q", "-O", "-", &url];
        host.wait(&format!("{pod} reaches {address}"), |c| c.try_kubectl(&ask).status.success());
        host.kubectl(&ask)
    };
    assert_eq!(from("one", &format!("{two}:8080")), "two\n");
    assert_eq!(from("two", &format!("{one}:8080")), "one\n");
    assert_eq!(from("one", &format!("{ADDRESS}:8081")), "host\n");
    assert_eq!(from("on-host", &format!("{two}:8080")), "two\n");
    assert_eq!(from("one", &service), "one\n", "by way of the service it is behind");
    assert_eq!(from("on-host", &service), "one\n");
    assert_eq!(host.get(&two, 8080).as_deref(), Ok("two\n"), "from the host itself");
    let port = host.kubectl(&["get", "service", "one", "-o", "jsonpath={.spec.ports[0].nodePort}"]);
    let port: u16 = port.parse().expect("a port");
    assert_eq!(host.get(ADDRESS, port).as_deref(), Ok("one\n"), "by the node's port");
    let names = host.kubectl(&["exec", "two", "--", "cat", "/etc/hosts"]);
    assert!(names.contains(&two) && names.contains("two"), "{names}");
    assert_eq!(host.kubectl(&["exec", "two", "--", "hostname"]), "two\n");
}

#[test]
fn addresses_that_the_machine_leads_elsewhere_are_refused() {
    let host = Host::start();
    for (flag, range) in [("--cluster-cidr", "192.0.0.0/16"), ("--service-cidr", "192.0.2.128/25")] {
        let dir = host.dir().join("other");
        let mut command = host.program(BERTH);
        command.args(["server", "--listen", "127.0.0.1:6444", &format!("{flag}={range}"), "--data-dir"]);
        let output = command.arg(dir).output().expect("berth runs");
        let route = "192.0.2.0/24 dev eth0";
        let expected = format!(
            "error: {flag} {range} overlaps with this machine's route {route}: choose another by {flag}\n"
        );
        assert_eq!(text(&output.stderr), expected);
    }
}
