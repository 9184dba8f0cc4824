//! `berth store`: the files of a server's store, in an operator's hands.

use std::fs;
use std::path::PathBuf;

use crate::harness::{BERTH, Cluster, Process, text};

/// Runs `berth store` on the cluster's directory; what it did is the caller's to judge.
fn store(cluster: &Cluster, args: &[&str]) -> std::process::Output {
    let mut command = cluster.program(BERTH);
    command.arg("store").args(args).arg("--data-dir").arg(cluster.dir());
    command.output().expect("berth runs")
}

/// The same; it must succeed.
fn stored(cluster: &Cluster, args: &[&str]) -> String {
    let output = store(cluster, args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// The same; it must fail. Returns what it said.
fn refused(cluster: &Cluster, args: &[&str]) -> String {
    let output = store(cluster, args);
    assert!(!output.status.success(), "{args:?}: {}", text(&output.stdout));
    text(&output.stderr)
}

/// The newest of the store's files whose names begin so.
fn newest(cluster: &Cluster, stem: &str) -> PathBuf {
    let files =
        fs::read_dir(cluster.dir().join("store")).expect("the store").map(|file| file.expect("a file"));
    let named = files.filter(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with(stem) && !name.ends_with(".damaged")
    });
    named.map(|file| file.path()).max().expect(stem)
}

#[test]
fn a_cluster_goes_back_to_its_snapshot() {
    let mut cluster = Cluster::embedded();
    cluster.kubectl(&["create", "configmap", "kept", "--from-literal=a=1"]);
    let copy = cluster.dir().join("copy").display().to_string();
    assert!(stored(&cluster, &["snapshot", &copy]).contains("at revision"));
    assert!(refused(&cluster, &["snapshot", &copy]).contains("exists already"));
    assert!(refused(&cluster, &["restore", &copy, "--replace"]).contains("is in use by process"));
    cluster.kubectl(&["create", "configmap", "late", "--from-literal=a=1"]);
    let seen = cluster.json(&["get", "configmap", "late"]);
    let seen: u64 =
        seen["metadata"]["resourceVersion"].as_str().and_then(|text| text.parse().ok()).expect("one");
    assert!(cluster.server.terminate());
    assert!(refused(&cluster, &["restore", &copy]).contains("--replace"));
    stored(&cluster, &["restore", &copy, "--replace"]);
    stored(&cluster, &["check"]);
    cluster.restart_server();
    cluster.kubectl(&["get", "configmap", "kept"]);
    assert!(!cluster.try_kubectl(&["get", "configmap", "late"]).status.success());
    let path = format!("/api/v1/configmaps?watch=true&resourceVersion={seen}");
    let watch = cluster.try_kubectl(&["get", "--raw", &path]);
    let said = text(&watch.stdout);
    assert!(said.contains("too old resource version"), "who saw what is gone lists again: {said}");
}

#[test]
fn a_damaged_store_is_refused_with_what_to_do_and_repaired() {
    let mut cluster = Cluster::embedded();
    cluster.kubectl(&["create", "configmap", "kept", "--from-literal=a=1"]);
    assert!(cluster.server.terminate());
    let file = newest(&cluster, "log-");
    let mut bytes = fs::read(&file).expect("read");
    let at = bytes.windows(4).position(|window| window == b"kept").expect("the last write");
    bytes[at] ^= 1;
    fs::write(&file, bytes).expect("write");
    let log = cluster.dir().join("refused.log");
    let (dir, listen) = (cluster.dir().display().to_string(), cluster.listen().to_owned());
    let mut server = Process::berth(&["server", "--no-agent", "--data-dir", &dir, "--listen", &listen], &log);
    assert!(!server.ended(), "a damaged store is not served");
    let said = fs::read_to_string(&log).expect("the log");
    assert!(said.contains("is corrupt at offset") && said.contains("berth store repair"), "{said}");
    assert!(refused(&cluster, &["check"]).contains("is corrupt at offset"));
    assert!(stored(&cluster, &["repair"]).contains("are given up; kept as"));
    cluster.restart_server();
    cluster.kubectl(&["create", "configmap", "kept", "--from-literal=a=1"]);
}
