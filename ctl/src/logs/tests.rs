use clap::Parser;
use serde_json::json;

use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    logs: Logs,
}

fn parse(line: &str) -> Logs {
    Line::try_parse_from(std::iter::once("logs").chain(line.split_whitespace())).expect("flags").logs
}

fn pod(containers: &[&str]) -> Value {
    let list: Vec<_> = containers.iter().map(|name| json!({"name": name})).collect();
    json!({"metadata": {"name": "web"}, "spec": {"containers": list, "initContainers": [{"name": "i"}]}})
}

#[test]
fn flags_become_queries() {
    let check = |line: &str, expect: &str| {
        let mut logs = parse(line);
        logs.check().expect("goes together");
        let query = logs.query("a");
        let given = query.iter().filter(|(_, value)| !value.is_empty());
        let shown: Vec<_> = given.map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(shown.join("&"), expect, "{line}");
    };
    check("web", "container=a");
    check(
        "web -f -p --timestamps --tail=0 --limit-bytes 9",
        "container=a&follow=true&limitBytes=9&previous=true&tailLines=0&timestamps=true",
    );
    check("web --since=1m30s --tail -1", "container=a&sinceSeconds=90");
    check("web --since-time=2026-01-01T00:00:00Z", "container=a&sinceTime=2026-01-01T00:00:00Z");
    check("web --insecure-skip-tls-verify-backend", "container=a&insecureSkipTLSVerifyBackend=true");
    check("deployment/web --all-pods", "container=a");
    check("-l app=web", "container=a&tailLines=10");
    check("-l app=web --tail=-1", "container=a");
}

#[test]
fn what_does_not_go_together() {
    let check = |line: &str, expect: &str| {
        assert_eq!(parse(line).check().expect_err(line).to_string(), format!("error: {expect}"));
    };
    check(
        "",
        "expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for \
         the logs command",
    );
    check("web -l a=b", "only a selector (-l) or a POD name is allowed");
    check("web a -c b", "only one of -c or an inline [CONTAINER] arg is allowed");
    check("web -c a --all-containers", "--all-containers=true should not be specified with container name a");
    check(
        "web --since=1s --since-time=2026-01-01T00:00:00Z",
        "at most one of `sinceTime` or `sinceSeconds` may be specified",
    );
    check("web --tail=-2", "TailLines must be greater than or equal to -1");
}

#[test]
fn containers_that_are_meant() {
    let check = |line: &str, pod: &Value, expect: &str| {
        let mut logs = parse(line);
        logs.check().expect("goes together");
        let shown = match logs.sources(pod) {
            Ok((sources, notice)) => {
                let names: Vec<_> = sources.iter().map(|s| format!("{}/{}", s.pod, s.container)).collect();
                format!("{} {}", names.join(" "), notice.unwrap_or_default())
            }
            Err(e) => e.to_string(),
        };
        assert_eq!(shown.trim_end(), expect, "{line}");
    };
    check("web", &pod(&["a"]), "web/a Defaulted container \"a\" out of: a, i (init)");
    check("web i", &pod(&["a"]), "web/i");
    check("web --all-containers", &pod(&["a", "b"]), "web/i web/a web/b");
    check("web -c x", &pod(&["a"]), "error: container x is not valid for pod web");
}
