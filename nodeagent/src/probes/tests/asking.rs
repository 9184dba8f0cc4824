//! One try, against real servers.

use serde_json::{Value, json};

use super::super::ask::{Tried, ask};
use super::super::spec::ProbeKind;
use super::{Shell, probes, server, target};

/// Tries a readiness probe; `PORT` in what is expected is the port.
async fn check(port: u16, probe: Value, expected: Tried) {
    let what = probe.to_string();
    let probe = probes(json!({"readinessProbe": probe}), port).remove(0);
    let filled = |text: String| text.replace("PORT", &port.to_string());
    let expected = match expected {
        Tried::Failure(text) => Tried::Failure(filled(text)),
        Tried::Warning(text) => Tried::Warning(filled(text)),
        Tried::Error(text) => Tried::Error(filled(text)),
        Tried::Success => Tried::Success,
    };
    assert_eq!(ask(&probe, &target("id"), &Shell).await, expected, "{what}");
}

fn failure(text: &str) -> Tried {
    Tried::Failure(text.to_owned())
}

fn get(path: &str) -> Value {
    json!({"httpGet": {"port": "http", "path": path}})
}

#[tokio::test]
async fn http_goes_by_the_status() {
    let port = server::http().await;
    check(port, get("/ok"), Tried::Success).await;
    check(port, get("/cached"), Tried::Success).await;
    check(port, get("/large"), Tried::Success).await;
    check(port, get("/down"), failure("HTTP probe failed with statuscode: 503")).await;
    check(port, get("/none"), failure("HTTP probe failed with statuscode: 404")).await;
}

#[tokio::test]
async fn redirects_stay_on_the_host() {
    let port = server::http().await;
    check(port, get("/here"), failure("HTTP probe failed with statuscode: 503")).await;
    check(port, get("/same"), Tried::Success).await;
    let away = "Probe terminated redirects, Response body: bye";
    check(port, get("/away"), Tried::Warning(away.into())).await;
    let stopped = "Get \"http://127.0.0.1:PORT/loop\": stopped after 10 redirects";
    check(port, get("/loop"), failure(stopped)).await;
}

#[tokio::test]
async fn headers_are_the_usual_ones_unless_named() {
    let port = server::http().await;
    let told = |text: &str| Tried::Warning(format!("Probe terminated redirects, Response body: {text}"));
    let usual = "host=127.0.0.1:PORT user-agent=kube-probe/1.37 accept=*/* x=none connection=close";
    check(port, get("/headers"), told(usual)).await;
    let headers = [("Host", "h"), ("User-Agent", ""), ("Accept", "a/b"), ("X", "y")];
    let headers: Vec<_> = headers.iter().map(|(name, value)| json!({"name": name, "value": value})).collect();
    let named = json!({"httpGet": {"port": port, "path": "/headers", "httpHeaders": headers}});
    check(port, named, told("host=h user-agent=none accept=a/b x=y connection=close")).await;
}

#[tokio::test]
async fn https_believes_any_certificate() {
    let port = server::https().await;
    let get = |path: &str| json!({"httpGet": {"port": port, "path": path, "scheme": "HTTPS"}});
    check(port, get("/ok"), Tried::Success).await;
    check(port, get("/down"), failure("HTTP probe failed with statuscode: 503")).await;
}

#[tokio::test]
async fn servers_that_do_not_answer_fail() {
    let port = server::closed().await;
    let refused = "dial tcp 127.0.0.1:PORT: connect: connection refused";
    check(port, get("/"), failure(&format!("Get \"http://127.0.0.1:PORT/\": {refused}"))).await;
    check(port, json!({"tcpSocket": {"port": port}}), failure(refused)).await;
    let grpc = format!("error: failed to connect service at \"127.0.0.1:PORT\": {refused}");
    check(port, json!({"grpc": {"port": port}}), failure(&grpc)).await;
    let port = server::raw(None, true).await;
    check(port, get("/"), failure("Get \"http://127.0.0.1:PORT/\": EOF")).await;
    let port = server::raw(None, false).await;
    let late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
    check(port, get("/"), failure(&format!("Get \"http://127.0.0.1:PORT/\": {late}"))).await;
    check(port, json!({"grpc": {"port": port}}), failure("timeout: health rpc did not complete within 1s"))
        .await;
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab";
    let port = server::raw(Some(head), true).await;
    let probe = probes(json!({"readinessProbe": get("/")}), port).remove(0);
    let tried = ask(&probe, &target("id"), &Shell).await;
    assert!(matches!(tried, Tried::Error(_)), "{tried:?}");
}

#[tokio::test]
async fn connections_are_enough_for_tcp() {
    let (_listener, port) = server::listener().await;
    check(port, json!({"tcpSocket": {"port": "http"}}), Tried::Success).await;
    check(port, json!({"tcpSocket": {"port": "http", "host": "localhost"}}), Tried::Success).await;
}

#[tokio::test]
async fn grpc_asks_the_health_service() {
    let port = server::grpc().await;
    let grpc = |service: &str| json!({"grpc": {"port": port, "service": service}});
    check(port, json!({"grpc": {"port": port}}), Tried::Success).await;
    check(port, grpc("well"), Tried::Success).await;
    check(port, grpc("ill"), failure("service unhealthy (responded with \"NOT_SERVING\")")).await;
    check(port, grpc("other"), failure("error: health rpc probe failed: code 5: ")).await;
    let old = "error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ";
    check(port, grpc("old"), failure(old)).await;
}

#[tokio::test(start_paused = true)]
async fn commands_go_by_their_exit_code() {
    let exec = |command: &[&str]| json!({"exec": {"command": command}, "timeoutSeconds": 2});
    check(1, exec(&["exit", "0", "fine"]), Tried::Success).await;
    check(1, exec(&["exit", "3", "bad"]), failure("bad")).await;
    check(1, exec(&["exit", "3", &"x".repeat(20_000)]), failure(&"x".repeat(10 << 10))).await;
    check(1, exec(&["slow", "1"]), failure("command timed out: \"slow 1\" timed out after 2s")).await;
    check(1, exec(&["hang"]), failure("command timed out: \"hang\" timed out after 2s")).await;
    check(1, exec(&["refuse"]), Tried::Error("no such container".into())).await;
}

#[test]
fn events_say_what_was_answered() {
    let event = |tried: Tried| tried.event(ProbeKind::Startup);
    assert_eq!(event(Tried::Success), None);
    assert_eq!(event(failure("x")), Some(("Unhealthy", "Startup probe failed: x".into())));
    assert_eq!(event(Tried::Warning("x".into())), Some(("ProbeWarning", "Startup probe warning: x".into())));
    let errored = "Startup probe errored and resulted in unknown state: x";
    assert_eq!(event(Tried::Error("x".into())), Some(("Unhealthy", errored.into())));
}
