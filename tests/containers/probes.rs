//! Probes decide who is sent requests, and who is started anew.

use super::{cluster_ip, get_pod, is_ready, pod, restarts, status, told};
use crate::host::Host;

const EXEC: &str =
    "readinessProbe: {exec: {command: [test, -e, /tmp/ready]}, periodSeconds: 1, failureThreshold: 1},";
const HTTP: &str = "readinessProbe: {httpGet: {path: /, port: 8080}, periodSeconds: 1, failureThreshold: 1},";
const TCP: &str = "readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1, failureThreshold: 1},";
const LIVE: &str =
    "livenessProbe: {exec: {command: [test, -e, /tmp/alive]}, periodSeconds: 1, failureThreshold: 2},";
const STARTUP: &str =
    "startupProbe: {exec: {command: [test, -e, /tmp/up]}, periodSeconds: 1, failureThreshold: 60},
    livenessProbe: {exec: {command: [test, -e, /nowhere]}, periodSeconds: 1, failureThreshold: 1},";

const SERVICE: &str = "---
apiVersion: v1
kind: Service
metadata: {name: http}
spec: {selector: {app: http}, ports: [{port: 80, targetPort: 8080}]}
";

#[test]
fn probes_gate_requests_and_restart_containers() {
    let host = Host::start();
    let forever = "while :; do sleep 0.1; done";
    let live = ">/tmp/alive; trap 'exit 0' TERM; while :; do sleep 0.1; done";
    let pods = [
        pod("exec", forever, "", EXEC),
        pod("http", "exec serve", "", HTTP),
        pod("tcp", "until test -e /tmp/go; do sleep 0.1; done; exec serve", "", TCP),
        pod("live", live, "", LIVE),
        pod("startup", forever, "", STARTUP),
        SERVICE.to_owned(),
    ];
    host.apply(&pods.concat());
    let service = cluster_ip(&host, "http");
    for (name, part) in [
        ("exec", "Readiness probe failed: "),
        ("http", "Readiness probe failed: HTTP probe failed with statuscode: 404"),
        ("tcp", "Readiness probe failed: dial tcp "),
        ("startup", "Startup probe failed: "),
    ] {
        host.wait(&format!("{name} is not well"), |c| told(c, name, "Unhealthy", part));
        assert!(!is_ready(&host, name), "{name}");
    }
    assert!(host.get(&service, 80).is_err(), "no request reaches a pod that is not ready");
    let tell = |name: &str, script: &str| host.kubectl(&["exec", name, "--", "sh", "-c", script]);
    tell("exec", ">/tmp/ready");
    tell("http", "echo well >/www/index.html");
    tell("tcp", ">/tmp/go");
    for name in ["exec", "http", "tcp", "live"] {
        host.wait(&format!("{name} is ready"), |c| is_ready(c, name));
    }
    host.wait("requests reach the pod", |_| host.get(&service, 80).as_deref() == Ok("well\n"));
    tell("exec", "busybox rm /tmp/ready");
    host.wait("it is not ready any more", |c| !is_ready(c, "exec"));
    for name in ["exec", "http", "tcp", "live", "startup"] {
        assert_eq!(restarts(&get_pod(&host, name)), 0, "{name}");
    }
    a_container_that_is_not_live_is_restarted(&host);
    assert_eq!(status(&get_pod(&host, "startup"))["started"], false);
    tell("startup", ">/tmp/up");
    host.wait("liveness is asked for once it is up", |c| restarts(&get_pod(c, "startup")) > 0);
}

fn a_container_that_is_not_live_is_restarted(host: &Host) {
    let before = status(&get_pod(host, "live"))["containerID"].clone();
    host.kubectl(&["exec", "live", "--", "busybox", "rm", "/tmp/alive"]);
    host.wait("it is restarted", |c| restarts(&get_pod(c, "live")) == 1 && is_ready(c, "live"));
    let pod = get_pod(host, "live");
    assert_ne!(status(&pod)["containerID"], before);
    assert_eq!(status(&pod)["lastState"]["terminated"]["containerID"], before, "{pod}");
    host.wait("why is told", |c| told(c, "live", "Unhealthy", "Liveness probe failed: "));
    let killing = "Container main failed liveness probe, will be restarted";
    host.wait("what is done too", |c| told(c, "live", "Killing", killing));
}
