//! The API as kubectl's everyday verbs use it.

use crate::harness::{Cluster, text};

#[test]
fn everyday_verbs_answer_as_expected() {
    let cluster = Cluster::start();
    assert!(cluster.kubectl(&["version"]).contains("v1.37"), "kubectl version");
    let resources = cluster.kubectl(&["api-resources"]);
    for expected in ["deployments", "deploy", "apps/v1", "configmaps", "clusterroles"] {
        assert!(resources.contains(expected), "{expected} in {resources}");
    }
    let explained = cluster.kubectl(&["explain", "deployment.spec.strategy"]);
    assert!(explained.contains("rollingUpdate"), "{explained}");

    cluster.kubectl(&["create", "configmap", "c", "--from-literal=a=b"]);
    cluster.kubectl(&["label", "configmap", "c", "tier=front"]);
    assert_eq!(cluster.kubectl(&["get", "configmap", "-l", "tier=front", "-o", "name"]), "configmap/c\n");
    assert_eq!(cluster.kubectl(&["get", "configmap", "-l", "tier=back", "-o", "name"]), "");
    for (kind, patch) in [
        ("merge", r#"{"data":{"merge":"1"}}"#),
        ("strategic", r#"{"data":{"strategic":"1"}}"#),
        ("json", r#"[{"op":"add","path":"/data/json","value":"1"}]"#),
    ] {
        cluster.kubectl(&["patch", "configmap", "c", "--type", kind, "-p", patch]);
    }
    let data = cluster.json(&["get", "configmap", "c"])["data"].clone();
    assert_eq!(data, serde_json::json!({"a": "b", "merge": "1", "strategic": "1", "json": "1"}));

    let stale = cluster.json(&["get", "configmap", "c"]);
    cluster.kubectl(&["annotate", "configmap", "c", "x=y"]);
    let output = cluster.kubectl_with(&["replace", "-f", "-"], &stale.to_string());
    let said = text(&output.stderr);
    assert!(said.contains("the object has been modified"), "{said}");

    let dry = cluster.kubectl(&[
        "create",
        "configmap",
        "dry",
        "--from-literal=a=b",
        "--dry-run=server",
        "-o",
        "name",
    ]);
    assert_eq!(dry, "configmap/dry\n");
    assert!(!cluster.try_kubectl(&["get", "configmap", "dry"]).status.success());
    cluster.kubectl(&["delete", "configmap", "c"]);
}

#[test]
fn rules_are_evaluated_on_every_request() {
    let cluster = Cluster::start();
    let can = |args: &[&str]| text(&cluster.try_kubectl(args).stdout).trim().to_owned();
    assert_eq!(can(&["auth", "can-i", "delete", "nodes"]), "yes");
    let anna = |verb: &str| can(&["auth", "can-i", verb, "pods", "--as", "anna"]);
    assert_eq!(anna("list"), "no");
    cluster.kubectl(&["create", "role", "reader", "--verb=get,list", "--resource=pods"]);
    cluster.kubectl(&["create", "rolebinding", "anna-reads", "--role=reader", "--user=anna"]);
    cluster.wait("the binding counts", |_| anna("list") == "yes");
    assert_eq!(anna("delete"), "no");
    assert!(cluster.try_kubectl(&["get", "pods", "--as", "anna"]).status.success());
    let said = text(&cluster.try_kubectl(&["get", "secrets", "--as", "anna"]).stderr);
    assert!(
        said.contains(
            "User \"anna\" cannot list resource \"secrets\" in API group \"\" in the namespace \"default\""
        ),
        "{said}"
    );
}

#[test]
fn services_get_addresses_that_nobody_else_has() {
    let cluster = Cluster::start();
    for name in ["a", "b", "c"] {
        cluster.kubectl(&["create", "service", "clusterip", name, "--tcp=80:8080"]);
    }
    let addresses = cluster.kubectl(&["get", "services", "-o", "jsonpath={.items[*].spec.clusterIP}"]);
    let mut addresses: Vec<&str> = addresses.split_whitespace().collect();
    assert_eq!(addresses.len(), 4, "three and the API server's own");
    addresses.sort();
    addresses.dedup();
    assert_eq!(addresses.len(), 4, "all different");
    let taken = cluster.kubectl(&["get", "service", "a", "-o", "jsonpath={.spec.clusterIP}"]);
    let manifest = format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: d}}\nspec: {{clusterIP: {taken}, ports: [{{port: 80}}]}}\n"
    );
    let output = cluster.kubectl_with(&["create", "-f", "-"], &manifest);
    assert!(text(&output.stderr).contains("provided IP is already allocated"), "{}", text(&output.stderr));
    cluster.kubectl(&["delete", "service", "a", "b", "c"]);
    let output = cluster.kubectl_with(&["create", "-f", "-"], &manifest);
    assert!(output.status.success(), "a released address is free again: {}", text(&output.stderr));
}

#[test]
fn what_is_on_disk_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let cluster = Cluster::embedded();
    let check = |path: &std::path::Path| {
        let mode = std::fs::metadata(path).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} has mode {mode:o}", path.display());
    };
    check(&cluster.dir().join("admin.kubeconfig"));
    let mut files = 0;
    for file in std::fs::read_dir(cluster.dir().join("store")).expect("the store") {
        check(&file.expect("an entry").path());
        files += 1;
    }
    assert!(files > 0, "a store is files");
    for key in ["ca.key", "sa.key"] {
        check(&cluster.dir().join("pki").join(key));
    }
}

#[test]
fn the_parts_are_measured() {
    let cluster = Cluster::with_nodes(1);
    cluster.kubectl(&["create", "configmap", "c", "--from-literal=a=b"]);
    cluster.kubectl(&["create", "deployment", "web", "--image=web:1"]);
    cluster.rolled_out("web");
    let text_of = || cluster.kubectl(&["get", "--raw", "/metrics"]);
    cluster.wait("all that happened is counted", |_| {
        let metrics = text_of();
        let labels = r#"group="",version="v1",resource="configmaps",subresource="",code="201""#;
        let expected = [
            format!("apiserver_request_total{{verb=\"POST\",{labels}}} "),
            "apiserver_longrunning_requests{verb=\"WATCH\",".to_owned(),
            "apiserver_request_duration_seconds_bucket{le=\"".to_owned(),
            "apiserver_storage_objects{resource=\"deployments\"} 1\n".to_owned(),
            "scheduler_schedule_attempts_total{result=\"scheduled\"} 1\n".to_owned(),
            "workqueue_work_duration_seconds_count{name=\"deployment-controller\"} ".to_owned(),
            "process_resident_memory_bytes ".to_owned(),
        ];
        expected.iter().all(|line| metrics.contains(line))
    });
    let metrics = text_of();
    assert!(metrics.ends_with("# EOF\n"));
    for line in metrics.lines().filter(|line| !line.starts_with('#')) {
        let number = line.rsplit_once(' ').map(|(_, number)| number.parse::<f64>());
        assert!(matches!(number, Some(Ok(_))), "{line:?}");
    }
    let said = text(&cluster.try_kubectl(&["get", "--raw", "/metrics", "--as", "anna"]).stderr);
    assert!(said.contains("User \"anna\" cannot get path \"/metrics\""), "{said}");
}
