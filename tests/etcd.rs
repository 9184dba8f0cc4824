//! What a cluster on etcd shows its users: several servers, an etcd that goes away, and addresses that are wrong.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::deployment::{manifest, running_images};
use crate::etcd_admin::Authority;
use crate::etcd_server::Server as Etcd;
use crate::harness::{
    BERTH, Cluster, Process, free_port, items, start_etcd, start_etcd_with, start_server, text,
};
use crate::host::Host;
use crate::user::User;

fn etcd() -> Etcd {
    start_etcd(|| Command::new("etcd"))
}

/// A directory with the keys of another server of the same cluster.
fn with_keys_of(other: &Path) -> TempDir {
    let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
    std::fs::create_dir(dir.path().join("pki")).expect("a directory");
    for name in ["ca.crt", "ca.key", "sa.key"] {
        let copied = std::fs::copy(other.join("pki").join(name), dir.path().join("pki").join(name));
        copied.expect("a key");
    }
    dir
}

/// Starts a server with these flags and waits for its line.
fn started(dir: &Path, flags: &[&str]) -> Process {
    let log = dir.join("server.log");
    let mut command = Command::new(BERTH);
    command.args(["server", "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir).args(flags);
    let mut server = Process::start(command, &log);
    server.says("ready", &log);
    server
}

/// Runs a server that must not start, and returns the one line that it says.
fn refused(dir: &Path, flags: &[&str]) -> String {
    let mut command = Command::new(BERTH);
    command.args(["server", "--log", "off", "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"]);
    let output = command.arg(dir).args(flags).output().expect("berth runs");
    assert!(!output.status.success() && output.stdout.is_empty(), "{flags:?} is accepted");
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    said
}

fn holder(user: &User, lease: &str) -> String {
    let lease = user.json(&["-n", "kube-system", "get", "lease", lease]);
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn two_servers_on_one_etcd_serve_one_cluster() {
    let mut cluster = Cluster::on(Some(etcd()));
    let dir = with_keys_of(cluster.dir());
    let listen = format!("127.0.0.1:{}", free_port());
    let mut server = start_server(dir.path(), &listen, cluster.etcd.as_ref());
    let other = User::new(dir.path(), None);
    // What one has acknowledged, the other shows.
    for round in 0..5 {
        let (here, there) = (format!("here-{round}"), format!("there-{round}"));
        cluster.kubectl(&["create", "configmap", &here, "--from-literal=a=b"]);
        other.kubectl(&["get", "configmap", &here]);
        other.kubectl(&["create", "configmap", &there, "--from-literal=a=b"]);
        cluster.kubectl(&["get", "configmap", &there]);
    }
    let taken = cluster.try_kubectl(&["create", "configmap", "there-0", "--from-literal=a=b"]);
    assert!(text(&taken.stderr).contains("already exists"));
    // Nodes at one, users at the other.
    cluster.start_agent(2);
    other.apply(&manifest("web", 3, "web:1"));
    other.rolled_out("web");
    // One of both leads, and when it is gone the other does.
    let leases = ["kube-controller-manager", "kube-scheduler"];
    let before = leases.map(|lease| holder(&other, lease));
    assert_eq!(before[0], std::fs::read_to_string(cluster.dir().join("server")).expect("its name"));
    cluster.kill_agent();
    cluster.server.kill();
    other.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    let config = other.kubeconfig();
    let log = dir.path().join("agent.log");
    let _agent =
        Process::berth(&["agent", "--kubeconfig", &config, "--runtime", "fake", "--fake-nodes", "2"], &log);
    other.wait("the other server's scheduler and controllers act", |c| {
        let pods = c.json(&["get", "pods", "-l", "app=web", "--field-selector=status.phase=Running"]);
        items(&pods).len() == 4
    });
    let own = std::fs::read_to_string(dir.path().join("server")).expect("its name");
    assert_eq!(leases.map(|lease| holder(&other, lease)), [own.as_str(), own.as_str()]);
    // A server that stops gives its leases back: nobody waits for them.
    cluster.restart_server();
    assert!(server.terminate(), "exit status 0");
    cluster.wait("the first server leads again", |c| leases.map(|lease| holder(c, lease)) == before);
}

#[test]
fn servers_that_start_at_once_agree_on_what_a_cluster_holds() {
    let cluster = Cluster::on(Some(etcd()));
    let store = format!("etcd://{}/fresh", cluster.etcd.as_ref().expect("an etcd").place());
    let dirs: Vec<TempDir> = (0..3).map(|_| with_keys_of(cluster.dir())).collect();
    let start = |dir: &TempDir| {
        let mut command = Command::new(BERTH);
        command.args(["server", "--no-agent", "--listen", "127.0.0.1:0", "--store", &store, "--data-dir"]);
        command.arg(dir.path());
        Process::start(command, &dir.path().join("server.log"))
    };
    let mut servers: Vec<Process> = dirs.iter().map(start).collect();
    for (server, dir) in servers.iter_mut().zip(&dirs) {
        server.says("ready", &dir.path().join("server.log"));
    }
    for dir in &dirs {
        let namespaces = User::new(dir.path(), None).json(&["get", "namespaces"]);
        assert_eq!(items(&namespaces).len(), 4);
    }
}

/// The names of the EndpointSlices of the service `kubernetes` with their ports.
fn slices(user: &User) -> Vec<String> {
    let list = user.json(&["get", "endpointslices", "-l", "kubernetes.io/service-name=kubernetes"]);
    let shown = |slice: &serde_json::Value| {
        let (name, port) = (&slice["metadata"]["name"], &slice["ports"][0]["port"]);
        format!("{}:{port}", name.as_str().unwrap_or_default())
    };
    let mut slices: Vec<String> = items(&list).iter().map(shown).collect();
    slices.sort();
    slices
}

#[test]
fn the_service_kubernetes_leads_to_the_servers_that_live() {
    let host = Host::on_etcd();
    let dir = with_keys_of(host.dir());
    let both = ["kubernetes-ipv4-6444:6444", "kubernetes:6443"];
    let mut second = host.second_server(dir.path(), 6444);
    assert_eq!(slices(&host), both);
    assert!(second.terminate(), "exit status 0");
    assert_eq!(slices(&host), ["kubernetes:6443"], "one that stops says so");
    let mut second = host.second_server(dir.path(), 6444);
    assert_eq!(slices(&host), both);
    second.kill();
    host.wait("one that dies is missed", |c| slices(c) == ["kubernetes:6443"]);
    let leases = host.json(&["-n", "kube-system", "get", "leases", "-l", "apiserver.kubernetes.io/identity"]);
    assert_eq!(items(&leases).len(), 1);
    let asked = host.inside(|| std::net::TcpStream::connect("10.96.0.1:443").is_ok());
    assert!(asked.join().expect("asking ends"), "the service answers");
}

#[test]
fn a_cluster_waits_for_an_etcd_that_is_away() {
    let mut cluster = Cluster::on(Some(etcd()));
    cluster.start_agent(2);
    cluster.apply(&manifest("web", 2, "web:1"));
    cluster.rolled_out("web");
    let config = cluster.kubeconfig();
    let mut watch = Command::new("kubectl");
    watch.args(["--kubeconfig", &config, "get", "configmaps", "--watch-only", "-o", "name"]);
    watch.env("HOME", cluster.dir());
    let log = cluster.dir().join("watch.txt");
    let output = std::fs::File::create(&log).expect("a file");
    let mut watch = watch.stdout(output).spawn().expect("kubectl is installed");
    let seen = || std::fs::read_to_string(&log).expect("the file");
    cluster.wait("the watch has begun", |c| {
        c.try_kubectl(&["delete", "configmap", "first"]);
        c.kubectl(&["create", "configmap", "first", "--from-literal=a=b"]);
        seen().contains("configmap/first")
    });
    for round in 0..2 {
        cluster.etcd.as_mut().expect("an etcd").kill();
        let answer = cluster.try_kubectl(&["get", "pods", "--request-timeout=20s"]);
        let said = text(&answer.stderr);
        assert!(
            !answer.status.success() && said.contains("the store is unavailable: etcd at http://"),
            "{said}"
        );
        let ready = cluster.try_kubectl(&["get", "--raw", "/readyz"]);
        assert!(!ready.status.success());
        cluster.kubectl(&["get", "--raw", "/livez"]);
        cluster.etcd.as_mut().expect("an etcd").run();
        let name = format!("after-{round}");
        cluster.wait("the cluster is back", |c| {
            c.try_kubectl(&["create", "configmap", &name, "--from-literal=a=b"]).status.success()
        });
        cluster.wait("the watch goes on", |_| seen().contains(&name));
        cluster.kubectl(&["scale", "deployment/web", &format!("--replicas={}", 3 + round)]);
        cluster.wait("the controllers go on", |c| running_images(c, "web").len() == 3 + round);
    }
    assert!(watch.try_wait().expect("wait").is_none(), "the watch was never cut");
    let _ = watch.kill();
    let _ = watch.wait();
    let seen = seen();
    let after: Vec<&str> = seen.lines().filter(|line| line.contains("after")).collect();
    assert_eq!(after, ["configmap/after-0", "configmap/after-1"], "each once: {seen}");
}

#[test]
fn a_wrong_store_is_one_clear_line_and_leaves_nothing() {
    let cluster = Cluster::on(Some(etcd()));
    let etcd = cluster.etcd.as_ref().expect("an etcd");
    let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
    let data = dir.path().join("data");
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    };
    let (garbage, url) = (file("garbage", "none"), format!("etcd://{}", etcd.place()));
    let left = || -> Vec<String> {
        let entries = std::fs::read_dir(&data).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .filter(|name| name != "server")
            .collect()
    };
    for (flags, expected) in [
        (vec!["--store", "etcd://127.0.0.1:1"], "etcd at http://127.0.0.1:1: "),
        (vec!["--store", "http://127.0.0.1:1"], "it does not begin with etcd://"),
        (vec!["--store", &url, "--store-cafile", "/nowhere"], "cannot read /nowhere: No such file"),
        (vec!["--store", &url, "--store-cafile", &garbage], "is no certificate in PEM"),
        (vec!["--store", &url], "it holds the data of cluster "),
    ] {
        let said = refused(&data, &flags);
        assert!(said.starts_with("error: ") && count(&said, expected) == 1, "{said}");
        assert_eq!(left(), [""; 0], "{flags:?} leaves files");
    }
    // Keys of another cluster.
    let other = Cluster::embedded();
    let keys = with_keys_of(other.dir());
    let said = refused(keys.path(), &["--store", &url]);
    assert!(count(&said, "it holds the data of cluster ") == 1 && count(&said, "copy ca.crt") == 1, "{said}");
    // A directory whose data would be forgotten.
    let mut other = other;
    assert!(other.server.terminate());
    assert!(refused(other.dir(), &["--store", &url]).contains("holds an embedded store"));
    // The cluster has noticed nothing, and another prefix is another cluster's.
    cluster.kubectl(&["get", "namespaces"]);
    started(&data, &["--store", &format!("{url}/elsewhere")]);
}

/// How often one text is in another.
fn count(said: &str, part: &str) -> usize {
    said.matches(part).count()
}

#[test]
fn a_server_shows_etcd_its_certificate() {
    let authority = Authority::new();
    let mut etcd = Etcd::prepare();
    etcd.start_with_tls(&authority);
    let (certificate, key) = authority.sign("berth");
    let url = format!("etcd://{}", etcd.place());
    let (ca, certificate, key) = (
        etcd.keep("ca", &authority.pem()),
        etcd.keep("berth.crt", &certificate),
        etcd.keep("berth.key", &key),
    );
    let anonymous = ["--store", &url, "--store-cafile", &ca];
    let known = [&anonymous[..], &["--store-certfile", &certificate, "--store-keyfile", &key]].concat();
    let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
    let mut server = started(dir.path(), &known);
    User::new(dir.path(), None).kubectl(&["create", "configmap", "a", "--from-literal=a=b"]);
    assert!(server.terminate(), "exit status 0");
    let said = refused(dir.path(), &anonymous);
    assert_eq!(count(&said, "TLS: received fatal alert: "), 1, "{said}");
    let _server = started(dir.path(), &known);
    User::new(dir.path(), None).kubectl(&["get", "configmap", "a"]);
}

#[test]
fn a_server_tells_etcd_its_name_and_password() {
    let etcd = etcd();
    tokio::runtime::Runtime::new().expect("a runtime").block_on(etcd.ask_for_passwords());
    let url = format!("etcd://{}", etcd.place());
    let (right, wrong) = (etcd.keep("right", "berth's\n"), etcd.keep("wrong", "somebody's\n"));
    let by = |file: &str| {
        ["--store", &url, "--store-user", "berth", "--store-password-file", file].map(str::to_owned)
    };
    let dir = TempDir::with_prefix("berth-e2e-").expect("temporary directory");
    let said = refused(dir.path(), &by(&wrong).each_ref().map(String::as_str));
    assert_eq!(count(&said, "authentication failed, invalid user ID or password"), 1, "{said}");
    let _server = started(dir.path(), &by(&right).each_ref().map(String::as_str));
    User::new(dir.path(), None).kubectl(&["create", "configmap", "a", "--from-literal=a=b"]);
}

/// Writes what cannot be kept for long, until the store refuses it; returns what kubectl says then.
fn fill(user: &User) -> String {
    for round in 0..200 {
        let big = serde_json::json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "big"},
            "data": {"a": format!("{round:04}").repeat(125_000)},
        });
        let verb = if round == 0 { "create" } else { "replace" };
        let answer = user.kubectl_with(&[verb, "-f", "-"], &big.to_string());
        if !answer.status.success() {
            return text(&answer.stderr);
        }
    }
    panic!("it is never full");
}

#[test]
fn a_full_etcd_makes_the_cluster_read_only_until_there_is_room() {
    const FULL: &str = "etcdserver: mvcc: database space exceeded";
    let etcd = start_etcd_with(|| Command::new("etcd"), &["--quota-backend-bytes=16777216"]);
    let cluster = Cluster::on(Some(etcd));
    let said = fill(&cluster);
    assert!(count(&said, FULL) == 1 && count(&said, "read-only") == 1, "{said}");
    let create = || cluster.try_kubectl(&["create", "configmap", "small", "--from-literal=a=b"]);
    let said = text(&create().stderr);
    assert!(
        said.contains("the store is read-only since a failure: etcd at ") && said.contains(FULL),
        "{said}"
    );
    // Whoever may ask for no more is told that it is the store; whoever may, why.
    let ready = || cluster.try_kubectl(&["get", "--raw", "/readyz"]);
    let said = text(&ready().stderr);
    assert!(said.contains("[-]etcd failed: reason withheld"), "{said}");
    assert!(cluster.kubectl(&["get", "componentstatuses"]).contains(FULL));
    cluster.kubectl(&["get", "--raw", "/livez"]);
    cluster.kubectl(&["get", "configmap", "big"]);
    // Deletions go on: they are no sign of room.
    cluster.kubectl(&["delete", "configmap", "big"]);
    assert!(!create().status.success() && !ready().status.success());
    let etcd = cluster.etcd.as_ref().expect("an etcd");
    tokio::runtime::Runtime::new().expect("a runtime").block_on(etcd.make_room());
    cluster.wait("the server is ready again", |_| ready().status.success());
    assert!(create().status.success());
    let log = std::fs::read_to_string(cluster.dir().join("server.log")).expect("the log");
    let told = |level: &str, words: &str| {
        log.lines().filter(|line| line.contains(level) && line.contains(words)).count()
    };
    assert_eq!(told(" WARN ", "the store is read-only: etcd at "), 1, "{log}");
    assert_eq!(told(" INFO ", "the store takes writes again"), 1, "{log}");
}
