//! The quickstart, with kubectl and with `berth` in its place.

use super::{QUICKSTART, cluster_ip};
use crate::deployment::running_images;
use crate::harness::{items, text};
use crate::host::{ADDRESS, Host};

const PAGE: &str = "<h1>It runs on Berth.</h1>\n";

#[test]
fn the_quickstart_serves_and_leaves_nothing() {
    let host = Host::start();
    let tables = || host.run("nft", &["list", "ruleset"]);
    let links = || host.run("ip", &["-o", "link"]).lines().count();
    host.wait("the API's own service", |_| tables().contains(ADDRESS));
    let (tables_before, links_before) = (tables(), links());
    host.kubectl(&["apply", "-f", QUICKSTART]);
    host.rolled_out("web");
    let service = cluster_ip(&host, "web");
    host.wait("the service answers", |_| host.get(&service, 80).is_ok());
    assert_eq!(host.get(&service, 80).as_deref(), Ok(PAGE));

    assert!(host.kubectl(&["logs", "deployment/web"]).ends_with("serving /www on port 8080\n"));
    let pods = host.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[*].metadata.name}"]);
    let pod = pods.split(' ').next().unwrap_or_default().to_owned();
    for name in ["web", "web.default", "web.default.svc.cluster.local"] {
        let page = host.kubectl(&["exec", &pod, "--", "wget", "-q", "-O", "-", &format!("http://{name}/")]);
        assert_eq!(page, PAGE, "by the name {name}");
    }
    let failed = host.try_kubectl(&["exec", &pod, "--", "sh", "-c", "echo out; echo err >&2; exit 7"]);
    assert_eq!(failed.status.code(), Some(7));
    assert_eq!(text(&failed.stdout), "out\n");
    assert!(text(&failed.stderr).starts_with("err\n"), "{}", text(&failed.stderr));
    let mut said = host.kubectl_with(&["exec", "-i", &pod, "--", "cat"], "in\n");
    assert_eq!(text(&std::mem::take(&mut said.stdout)), "in\n", "{}", text(&said.stderr));
    a_pod_reaches_the_api(&host, &pod);

    host.kubectl(&["delete", "-f", QUICKSTART]);
    host.wait("no container is left", |_| host.processes().is_empty());
    host.wait("no link is left", |_| links() == links_before);
    host.wait("no rule is left", |_| tables() == tables_before);
    for left in ["logs", "node/pods", "node/held", "run/sandboxes", "run/made"] {
        let empty = |path| std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none());
        host.wait(left, |c| empty(c.dir().join(left)));
    }
}

/// By the service's address, trusting the CA and with the token that the pod was given.
fn a_pod_reaches_the_api(host: &Host, pod: &str) {
    let given = |file: &str| {
        let path = format!("/var/run/secrets/kubernetes.io/serviceaccount/{file}");
        host.kubectl(&["exec", pod, "--", "cat", &path])
    };
    assert_eq!(given("namespace"), "default");
    let ca = host.dir().join("pod-ca.crt");
    std::fs::write(&ca, given("ca.crt")).expect("the rig's directory");
    let server = format!("https://{}", cluster_ip(host, "kubernetes"));
    let mut kubectl = host.program("kubectl");
    kubectl.args(["--kubeconfig", "/dev/null", "--server", &server, "--token", &given("token")]);
    kubectl.arg("--certificate-authority").arg(ca).args(["get", "pods"]).env("HOME", host.dir());
    let said = text(&kubectl.output().expect("kubectl runs").stderr);
    let known = "User \"system:serviceaccount:default:default\" cannot list resource \"pods\"";
    assert!(said.contains(known), "{said}");
    let found = host.kubectl(&["exec", pod, "--", "nslookup", "kubernetes.default.svc.cluster.local"]);
    assert!(found.contains(&cluster_ip(host, "kubernetes")), "{found}");
}

#[test]
fn the_quickstart_with_berth_in_kubectls_place() {
    let host = Host::start();
    host.berth(&["apply", "-f", QUICKSTART]);
    host.berth(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let pods = host.berth(&["get", "pods", "-l", "app=web"]);
    assert_eq!(pods.matches("Running").count(), 3, "{pods}");
    assert!(host.berth(&["logs", "deployment/web"]).ends_with("serving /www on port 8080\n"));
    let page = host.berth(&["exec", "deployment/web", "--", "cat", "/www/index.html"]);
    assert_eq!(page, PAGE);
    let failed = host.try_berth(&["exec", "deployment/web", "--", "sh", "-c", "exit 7"]);
    assert_eq!(failed.status.code(), Some(7), "{}", text(&failed.stderr));

    host.berth(&["scale", "deployment", "web", "--replicas=5"]);
    host.berth(&["wait", "deployment/web", "--for=jsonpath={.status.readyReplicas}=5", "--timeout=60s"]);
    host.berth(&["set", "image", "deployment/web", "web=web:2"]);
    host.berth(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert_eq!(host.berth(&["exec", "deployment/web", "--", "cat", "/etc/motd"]), "two\n");
    let history = host.berth(&["rollout", "history", "deployment/web"]);
    assert!(history.contains("\n1 ") && history.contains("\n2 "), "{history}");
    host.berth(&["rollout", "undo", "deployment/web"]);
    host.berth(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    host.wait("the first image runs again", |c| running_images(c, "web") == vec!["web:1"; 5]);
    let before = super::containers(&host, "web");
    host.berth(&["rollout", "restart", "deployment/web"]);
    host.berth(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    host.wait("the old pods are gone", |c| items(&c.json(&["get", "pods", "-l", "app=web"])).len() == 5);
    let after = super::containers(&host, "web");
    assert!(after.iter().all(|new| !before.contains(new)), "{before:?} {after:?}");

    host.berth(&["delete", "-f", QUICKSTART]);
    host.wait("nothing is left", |c| c.berth(&["get", "all", "-l", "app=web", "-o", "name"]).is_empty());
    host.wait("no container is left", |_| host.processes().is_empty());
}
