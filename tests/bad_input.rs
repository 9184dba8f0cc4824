//! Bad input gets a clear error, changes nothing and loses nothing.

use std::process::Command;

use crate::deployment::manifest;
use crate::harness::{BERTH, Cluster, store_flags, text};

/// Applies a manifest that must be refused, and checks what kubectl says.
fn refused(cluster: &Cluster, manifest: &str, expected: &[&str]) {
    let output = cluster.kubectl_with(&["create", "--validate=true", "-f", "-"], manifest);
    let said = text(&output.stderr);
    assert!(!output.status.success(), "accepted: {manifest}");
    for part in expected {
        assert!(said.contains(part), "expected {part:?} in: {said}");
    }
}

#[test]
fn manifests_are_refused_with_the_field_and_the_reason() {
    let cluster = Cluster::start();
    let good = manifest("web", 1, "web:1");
    refused(&cluster, &good.replace("replicas: 1", "replicaz: 1"), &["unknown field", "replicaz"]);
    refused(
        &cluster,
        &good.replace("replicas: 1", "replicas: -1"),
        &["spec.replicas: Invalid value: -1: must be greater than or equal to 0"],
    );
    refused(
        &cluster,
        &good.replace("{name: web}", "{name: Web_1}"),
        &["metadata.name: Invalid value: \"Web_1\"", "RFC 1123"],
    );
    refused(
        &cluster,
        &good.replace("{app: web}}\n    spec", "{app: other}}\n    spec"),
        &["`selector` does not match template `labels`"],
    );
    refused(
        &cluster,
        &good.replace("image: \"web:1\"", "image: \"\""),
        &["spec.template.spec.containers[0].image: Required value"],
    );
    refused(&cluster, "kind: [unclosed", &["error"]);
    refused(
        &cluster,
        &good.replace("apps/v1", "apps/v9"),
        &["no matches for kind \"Deployment\" in version \"apps/v9\""],
    );
    assert_eq!(cluster.kubectl(&["get", "deployments", "-o", "name"]), "", "nothing was created");
}

#[test]
fn bodies_are_decoded_strictly() {
    let cluster = Cluster::start();
    // kubectl drops duplicates of YAML and checks types before it sends anything; a raw body goes as it is.
    let refused = |resource: &str, body: &str, expected: &str| {
        let path = format!("{resource}?fieldValidation=Strict");
        let output = cluster.kubectl_with(&["create", "--raw", &path, "-f", "-"], body);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(expected), "expected {expected:?} in: {said}");
    };
    refused(
        "/api/v1/namespaces/default/configmaps",
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1","a":"2"}}"#,
        "strict decoding error: duplicate field \"data.a\"",
    );
    refused(
        "/apis/apps/v1/namespaces/default/deployments",
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":"many"}}"#,
        "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
    );
    refused(
        "/apis/apps/v1/namespaces/default/deployments",
        r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicaz":1}}"#,
        "unknown field \"spec.replicaz\"",
    );
    assert_eq!(cluster.kubectl(&["get", "deployments", "-o", "name"]), "");
}

#[test]
fn a_ten_megabyte_manifest_is_refused_and_costs_nothing() {
    let cluster = Cluster::start();
    let big = "x".repeat(10 << 20);
    let manifest = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: big}}\ndata: {{x: {big}}}\n");
    let output = cluster.kubectl_with(&["create", "--validate=false", "-f", "-"], &manifest);
    assert!(!output.status.success());
    let said = text(&output.stderr);
    assert!(said.contains("too large"), "{said}");
    cluster.kubectl(&["create", "configmap", "small", "--from-literal=a=b"]);
    assert!(!cluster.try_kubectl(&["get", "configmap", "big"]).status.success());
}

#[test]
fn a_second_server_is_refused_clearly() {
    let cluster = Cluster::start();
    let data = cluster.dir().display().to_string();
    let second = Command::new(BERTH)
        .args(["server", "--data-dir", &data, "--listen", "127.0.0.1:0", "--no-agent"])
        .args(store_flags(cluster.etcd.as_ref()))
        .output()
        .expect("berth runs");
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("is in use by "), "{}", text(&second.stderr));
    cluster.kubectl(&["get", "namespaces"]);
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let cluster = Cluster::start();
    let other = tempfile::TempDir::new().expect("temporary directory");
    let data = other.path().display().to_string();
    let second = Command::new(BERTH)
        .args(["server", "--data-dir", &data, "--listen", cluster.listen(), "--no-agent"])
        .output()
        .expect("berth runs");
    assert!(!second.status.success());
    assert!(text(&second.stderr).contains("the port is in use"), "{}", text(&second.stderr));
}

#[test]
fn whoever_shows_no_certificate_sees_only_health() {
    let cluster = Cluster::start();
    // Basic authentication does not exist: such credentials count as none.
    let config = cluster.dir().join("nobody.kubeconfig");
    let server = cluster.listen();
    let text_of = format!(
        "apiVersion: v1
kind: Config
current-context: nobody
contexts: [{{name: nobody, context: {{cluster: c, user: nobody}}}}]
users: [{{name: nobody, user: {{username: nobody, password: none}}}}]
clusters: [{{name: c, cluster: {{server: \"https://{server}\", insecure-skip-tls-verify: true}}}}]
"
    );
    std::fs::write(&config, text_of).expect("kubeconfig");
    let config = config.display().to_string();
    let kubectl = |args: &[&str]| {
        let mut all = vec!["--kubeconfig", &config];
        all.extend(args);
        let output = Command::new("kubectl").args(all).env("HOME", cluster.dir()).output();
        let output = output.expect("kubectl is installed");
        (output.status.success(), text(&output.stdout) + &text(&output.stderr))
    };
    assert_eq!(kubectl(&["get", "--raw", "/readyz"]), (true, "ok".to_owned()));
    let (ok, said) = kubectl(&["get", "--raw", "/api/v1/secrets"]);
    assert!(!ok && said.contains("system:anonymous"), "{said}");
}

#[test]
fn addresses_that_clash_are_one_clear_line() {
    let refused = |flags: &[&str], expected: &str| {
        let dir = tempfile::TempDir::new().expect("temporary directory");
        let mut command = Command::new(BERTH);
        command.args(["server", "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir.path());
        let output = command.args(flags).output().expect("berth runs");
        assert!(!output.status.success());
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"));
        let left = std::fs::read_dir(dir.path()).expect("the directory").count();
        assert_eq!(left, 0, "nothing is half-begun");
    };
    refused(
        &["--cluster-cidr=10.96.128.0/17"],
        "--cluster-cidr 10.96.128.0/17 overlaps with --service-cidr 10.96.0.0/12",
    );
    refused(
        &["--service-cidr=10.244.9.0/24"],
        "--cluster-cidr 10.244.0.0/16 overlaps with --service-cidr 10.244.9.0/24",
    );
    refused(
        &["--node-cidr-mask-size=12"],
        "--node-cidr-mask-size 12: must be between 16, the prefix length of --cluster-cidr, and 28",
    );
    let output = Command::new(BERTH)
        .args(["controllers", "--kubeconfig", "/absent", "--metrics-address", "0.0.0.0:0"])
        .output()
        .expect("berth runs");
    let expected =
        "error: --metrics-address 0.0.0.0:0: must be of this machine's loopback, as anybody may read it\n";
    assert_eq!(text(&output.stderr), expected);
}
