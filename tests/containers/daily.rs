//! A day's work with pods: sessions, copies, forwarded ports, proxies; each with kubectl and with the binary itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::{QUICKSTART, is_ready, pod};
use crate::harness::{Process, text};
use crate::host::Host;
use crate::terminal::Terminal;
use crate::user::pause;

const CLIENTS: [&str; 2] = ["kubectl", "berth"];
/// What busybox's shell shows when it waits.
const PROMPT: &str = "# ";
const FOREVER: &str = "while :; do sleep 1; done";
/// Bytes that are sent each way.
const MUCH: usize = 200_000_000;
/// Bytes after which a slow reader pauses.
const PIECE: usize = 4_000_000;

#[test]
fn a_terminal_in_a_pod() {
    let host = Host::start();
    host.apply(&pod("stays", FOREVER, "", ""));
    host.wait("the pod runs", |c| is_ready(c, "stays"));
    for client in CLIENTS {
        let run = ["run", "-it", "--rm", "box", "--image=web:1", "--restart=Never", "--", "sh"];
        session(Terminal::run(host.client(client, &run), 80, 24), &["pod \"box\" deleted"]);
        assert_eq!(host.kubectl(&["get", "pod", "box", "--ignore-not-found"]), "");
        let exec = ["exec", "-it", "stays", "--", "sh"];
        session(Terminal::run(host.client(client, &exec), 80, 24), &["exit code 3"]);
    }
    a_pod_is_attached_to(&host);
    a_pod_run_without_a_terminal(&host);
}

/// Uses a shell, and leaves it with exit code 3.
fn session(mut terminal: Terminal, at_the_end: &[&str]) {
    // a prompt may come before anyone is attached
    terminal.types("\n");
    terminal.shows(PROMPT);
    terminal.types("echo $((6 * 7))\n");
    terminal.shows("42");
    terminal.types("stty size\n");
    terminal.shows("24 80");
    terminal.resize(132, 50);
    // the new size is on its way to the container
    terminal
        .types("while ! stty size | grep 132; do :; done\n".replace("grep", "/bin/busybox grep").as_str());
    terminal.shows("50 132");
    // a key that is a signal: the program says itself that it has the terminal, for before that the shell
    // has it, and to its line editor the key is a character like others
    terminal.types("sh -c 'echo list''ens; exec sleep 1000'\n");
    terminal.shows("listens");
    terminal.types("\x03");
    terminal.shows(PROMPT);
    terminal.types("exit 3\n");
    for text in at_the_end {
        terminal.shows(text);
    }
    assert_eq!(terminal.ended(), Some(3));
}

fn a_pod_is_attached_to(host: &Host) {
    for client in CLIENTS {
        let name = format!("listens-{client}");
        host.apply(&pod(
            &name,
            "while read line; do echo heard $line; done",
            "restartPolicy: Never,",
            "stdin: true,",
        ));
        host.wait("the pod runs", |c| is_ready(c, &name));
        let mut attach = host.client(client, &["attach", "-i", &name]);
        let mut attached = attach.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut stdin = attached.stdin.take().expect("piped");
        let mut stdout = attached.stdout.take().expect("piped");
        stdin.write_all(b"one\n").expect("it reads");
        let mut heard = [0; 10];
        stdout.read_exact(&mut heard).expect("it answers");
        assert_eq!(&heard, b"heard one\n", "{client}");
        drop(stdin);
        attached.kill().expect("it runs");
        attached.wait().expect("it ends");
        host.wait("the log has it", |c| c.kubectl(&["logs", &name]) == "heard one\n");
    }
}

fn a_pod_run_without_a_terminal(host: &Host) {
    for client in CLIENTS {
        let run = [
            "run",
            "-i",
            "--rm",
            "once",
            "--image=web:1",
            "--restart=Never",
            "--",
            "sh",
            "-c",
            "cat; exit 4",
        ];
        let mut run = host.client(client, &run);
        let mut run = run.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        run.stdin.take().expect("piped").write_all(b"said\n").expect("it reads");
        let output = run.wait_with_output().expect("it ends");
        assert!(text(&output.stdout).starts_with("said\n"), "{client}: {output:?}");
        assert_eq!(output.status.code(), Some(4), "{client}: {output:?}");
    }
}

#[test]
fn much_is_copied_and_forwarded_byte_for_byte() {
    let host = Host::start();
    let serve = "ln -s /tmp/much /www/much; serve & (while :; do nc -l -p 9000 </tmp/much; done) & \
                 while :; do nc -l -p 9001 -e sha256sum; done";
    let service = "---
apiVersion: v1
kind: Service
metadata: {name: box}
spec: {selector: {app: box}, ports: [{port: 80, targetPort: 8080}]}
";
    host.apply(&[&pod("box", serve, "", ""), service].concat());
    host.wait("the pod runs", |c| is_ready(c, "box"));
    let much = noise();
    let here = host.dir().join("much");
    std::fs::write(&here, &much).expect("the rig's directory");
    let sum = format!("{:x}", Sha256::digest(&much));
    for client in CLIENTS {
        copies(&host, client, &here, &much, &sum);
        host.kubectl(&["exec", "box", "--", "mv", "/tmp/much-there", "/tmp/much"]);
        forwards(&host, client, &much, &sum);
        match client {
            "kubectl" => fetches(&host, &much),
            _ => resumes(&host, &much),
        }
        host.kubectl(&["exec", "box", "--", "rm", "/tmp/much"]);
    }
}

/// Bytes that cannot be guessed, nor made smaller.
fn noise() -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..MUCH / 8).flat_map(|_| next()).collect()
}

fn copies(host: &Host, client: &str, here: &Path, much: &[u8], sum: &str) {
    host.with(client, &["cp", &here.display().to_string(), "box:/tmp/much-there"]);
    let there = host.kubectl(&["exec", "box", "--", "sha256sum", "/tmp/much-there"]);
    assert_eq!(there, format!("{sum}  /tmp/much-there\n"), "{client}");
    let back = host.dir().join("back");
    host.with(client, &["cp", "box:/tmp/much-there", &back.display().to_string()]);
    assert!(std::fs::read(&back).expect("copied") == much, "{client}");
    std::fs::remove_file(&back).expect("copied");
    // A directory, with what it holds and what it leads to.
    let tree = host.dir().join("tree");
    std::fs::create_dir_all(tree.join("a/b")).expect("the rig's directory");
    std::fs::write(tree.join("a/b/one"), "1").expect("the rig's directory");
    std::fs::write(tree.join("two"), "2").expect("the rig's directory");
    host.with(client, &["cp", &tree.display().to_string(), "default/box:/tmp", "-c", "main"]);
    assert_eq!(host.kubectl(&["exec", "box", "--", "cat", "/tmp/tree/a/b/one", "/tmp/tree/two"]), "12");
    host.kubectl(&["exec", "box", "--", "ln", "-s", "/etc/passwd", "/tmp/tree/link"]);
    let copy = host.dir().join("copy");
    host.with(client, &["cp", "box:/tmp/tree", &copy.display().to_string()]);
    assert_eq!(std::fs::read_to_string(copy.join("a/b/one")).expect("copied"), "1");
    assert!(!copy.join("link").exists());
    std::fs::remove_dir_all(&copy).expect("copied");
    host.kubectl(&["exec", "box", "--", "rm", "-r", "/tmp/tree"]);
    if client != "kubectl" {
        // kubectl leaves before it has heard of it
        let output = host.try_berth(&["cp", "box:/absent", "/tmp/x"]);
        let said = text(&output.stderr);
        assert!(
            !output.status.success() && said.contains("No such file") && said.contains("exit code 1"),
            "{said}"
        );
    }
    for (source, target, why) in [
        ("/absent", "box:/tmp", "doesn't exist in local filesystem"),
        ("absent:/x", "/tmp/x", "not found"),
        ("/tmp", "/tmp", "one of src or dest must be a"),
    ] {
        let output = host.client(client, &["cp", source, target]).output().expect("it runs");
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{client} cp {source} {target}: {said}");
    }
}

/// Forwards a port of a pod or service for as long as the process lives; the local one is chosen.
pub(super) fn forwarded(host: &Host, client: &str, to: &str, port: u16) -> (Process, u16) {
    forwarded_by(host, client, &[], to, port)
}

/// The same with these variables.
fn forwarded_by(
    host: &Host,
    client: &str,
    variables: &[(&str, &str)],
    to: &str,
    port: u16,
) -> (Process, u16) {
    let log = host.dir().join("forward.log");
    let mut command = host.client(client, &["port-forward", to, &format!(":{port}")]);
    command.envs(variables.iter().copied());
    if client == "kubectl" {
        // it says which protocol it uses
        command.arg("-v=4");
    }
    let mut process = Process::start(command, &log);
    let line = process.says("Forwarding from 127.0.0.1:", &log);
    let local = line.trim_start_matches("Forwarding from 127.0.0.1:").split(' ').next();
    let local = local.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
    (process, local)
}

/// Has kubectl forward ports by WebSocket or by SPDY.
const WEBSOCKETS: &str = "KUBECTL_PORT_FORWARD_WEBSOCKETS";
/// The minor version of kubectl from which on it knows more than SPDY.
const WEBSOCKETS_SINCE: u64 = 30;

/// By which protocols a client forwards ports: kubectl by those that it is told to use.
fn protocols(client: &str) -> &'static [&'static [(&'static str, &'static str)]] {
    match client {
        "kubectl" => &[&[(WEBSOCKETS, "true")], &[(WEBSOCKETS, "false")]],
        _ => &[&[]],
    }
}

/// Whether kubectl has forwarded by WebSocket, by its own word, just where it was told to.
fn check_protocol(host: &Host, variables: &[(&str, &str)]) {
    let said = std::fs::read_to_string(host.dir().join("forward.log")).expect("its log");
    let expect = variables.contains(&(WEBSOCKETS, "true")) && kubectl_minor() >= WEBSOCKETS_SINCE;
    assert_eq!(said.contains("negotiated protocol: "), expect, "{variables:?}: {said}");
}

fn forwards(host: &Host, client: &str, much: &[u8], sum: &str) {
    for variables in protocols(client) {
        let _ = std::fs::remove_file(host.dir().join("forward.log"));
        let (_down, port) = forwarded_by(host, client, variables, "pod/box", 9000);
        for slow in [false, true] {
            let read = host.inside(move || {
                read_all(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it is forwarded"), slow)
            });
            let read = read.join().expect("reading ends");
            assert!(read == much, "{client} {variables:?}: {} bytes of {MUCH} came, or others", read.len());
        }
        let (_up, port) = forwarded_by(host, client, variables, "box", 9001);
        let much = much.to_vec();
        let answer = host.inside(move || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it is forwarded");
            stream.write_all(&much).expect("it goes");
            stream.shutdown(Shutdown::Write).expect("it ends");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).map(|_| answer)
        });
        let answer = answer.join().expect("writing ends").ok();
        assert_eq!(answer, Some(format!("{sum}  -\n")), "{client} {variables:?}");
        if client == "kubectl" {
            check_protocol(host, variables);
        }
    }
}

/// All that comes, read as fast as it comes, or with pauses as by a reader that does not keep up.
fn read_all(mut stream: impl Read, slow: bool) -> Vec<u8> {
    let mut paused = 0;
    let (mut all, mut piece) = (Vec::<u8>::with_capacity(MUCH), vec![0; 1 << 20]);
    loop {
        match stream.read(&mut piece).expect("it comes") {
            0 => return all,
            read => all.extend(&piece[..read]),
        }
        while slow && all.len() > paused * PIECE {
            paused += 1;
            pause();
        }
    }
}

/// What a pod serves is fetched through the API server, as the pod's and as its service's.
fn fetches(host: &Host, much: &[u8]) {
    for (place, slow) in [("pods/box:8080", false), ("services/box:80", true)] {
        let path = format!("/api/v1/namespaces/default/{place}/proxy/much");
        let mut get = host.client("kubectl", &["get", "--raw", &path]);
        let mut get = get.stdout(Stdio::piped()).spawn().expect("it starts");
        let read = read_all(get.stdout.take().expect("piped"), slow);
        assert!(get.wait().expect("it ends").success(), "{path}");
        assert!(read == much, "{path}: {} bytes of {MUCH} came, or others", read.len());
    }
}

/// A copy whose connection breaks goes on where it was.
fn resumes(host: &Host, much: &[u8]) {
    let back = host.dir().join("back");
    let copy = |retries: &str| {
        let place = broken_once(host, 6443);
        let config = std::fs::read_to_string(host.kubeconfig()).expect("a kubeconfig");
        let by_way = host.dir().join("broken.kubeconfig");
        let server = config.lines().find(|line| line.trim_start().starts_with("server:")).expect("a server");
        std::fs::write(&by_way, config.replace(server.trim(), &format!("server: https://{place}")))
            .expect("a kubeconfig");
        let mut cp = host.program(crate::harness::BERTH);
        cp.arg("--kubeconfig").arg(&by_way).args(["cp", retries, "box:/tmp/much"]).arg(&back);
        cp.output().expect("it runs")
    };
    let output = copy("--retries=1");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.starts_with("Resuming copy at ") && said.ends_with(" bytes, retry 1/1\n"), "{said}");
    assert!(std::fs::read(&back).expect("copied") == much, "it is another");
    assert!(!copy("--retries=0").status.success(), "it is not tried again unless that is asked for");
    std::fs::remove_file(&back).expect("copied");
}

/// A place on the host's loopback that leads to a port there, and breaks a connection once: the first that brings much.
fn broken_once(host: &Host, to: u16) -> SocketAddr {
    let (tell, told) = mpsc::sync_channel(1);
    host.inside(move || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        tell.send(listener.local_addr().expect("a port")).expect("it is waited for");
        let whole = Arc::new(AtomicBool::new(true));
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { return };
            let (mut asks, mut asked) =
                (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
            std::thread::spawn(move || std::io::copy(&mut asks, &mut asked));
            let whole = whole.clone();
            std::thread::spawn(move || answer_some(server, client, &whole));
        }
    });
    told.recv().expect("a port")
}

fn answer_some(mut from: TcpStream, mut to: TcpStream, whole: &AtomicBool) {
    let (mut piece, mut carried) = (vec![0; 64 << 10], 0);
    while let Ok(read @ 1..) = from.read(&mut piece) {
        carried += read;
        if carried > MUCH / 2 && whole.swap(false, Ordering::Relaxed) || to.write_all(&piece[..read]).is_err()
        {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

#[test]
fn services_and_pods_are_reached_through_the_api() {
    let host = Host::start();
    host.kubectl(&["apply", "-f", QUICKSTART]);
    host.rolled_out("web");
    let name = host.kubectl(&["get", "pods", "-l", "app=web", "-o", "jsonpath={.items[0].metadata.name}"]);
    let page = "<h1>It runs on Berth.</h1>\n";
    let raw = |path: &str| host.kubectl(&["get", "--raw", path]);
    let pods = "/api/v1/namespaces/default/pods";
    let services = "/api/v1/namespaces/default/services";
    for path in [
        format!("{pods}/{name}/proxy/"),
        format!("{pods}/{name}:8080/proxy/index.html"),
        format!("{services}/web:80/proxy/"),
        format!("{services}/web:http/proxy/index.html"),
    ] {
        assert_eq!(raw(&path), page, "{path}");
    }
    assert_eq!(raw("/api/v1/nodes/host/proxy/healthz"), "ok");
    host.wait("the node's pods are counted", |_| {
        let metrics = raw("/api/v1/nodes/host/proxy/metrics");
        let started =
            "kubelet_runtime_operations_duration_seconds_count{operation_type=\"start_container\"} 3\n";
        metrics.contains("kubelet_running_pods 3\n") && metrics.contains(started)
    });
    for (path, why) in [
        (format!("{pods}/{name}:81/proxy/"), "error trying to reach service: dial tcp"),
        (format!("{services}/web:81/proxy/"), "no service port 81 found for service"),
        (format!("{pods}/absent/proxy/"), "not found"),
    ] {
        let output = host.try_kubectl(&["get", "--raw", &path]);
        assert!(text(&output.stderr).contains(why), "{path}: {}", text(&output.stderr));
    }
    for client in CLIENTS {
        let (_service, port) = forwarded(&host, client, "service/web", 80);
        assert_eq!(host.get("127.0.0.1", port).as_deref(), Ok(page), "{client}");
        let log = host.dir().join("proxy.log");
        let mut proxy = Process::start(host.client(client, &["proxy", "--port=0"]), &log);
        let line = proxy.says("Starting to serve on 127.0.0.1:", &log);
        let port = line.trim().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let ask = |path: String| {
            host.inside(move || ask(port, &path)).join().expect("asking ends").expect("it answers")
        };
        let version = ask("/version".into());
        assert!(version.contains("\"gitVersion\""), "{client}: {version}");
        assert!(ask(format!("{services}/web:http/proxy/")).ends_with(page), "{client}");
        assert!(ask(format!("{pods}/{name}/exec?command=id")).starts_with("HTTP/1.1 403"), "{client}");
    }
}

/// What an HTTP server on loopback answers, head and all.
pub(super) fn ask(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[test]
fn logs_are_shown_as_they_are_asked_for() {
    let host = Host::start();
    let lines = "for i in 1 2 3 4 5; do echo line $i; done; echo broken; sleep 1000";
    host.apply(&pod("talks", lines, "", ""));
    let fails = "echo try; sleep 1; exit 1";
    host.apply(&pod("fails", fails, "", ""));
    host.wait("it talks", |c| c.try_kubectl(&["logs", "talks"]).stdout.ends_with(b"broken\n"));
    host.wait("it failed before", |c| super::restarts(&super::get_pod(c, "fails")) > 0);
    for client in CLIENTS {
        let log = |args: &[&str]| host.with(client, &[&["logs"], args].concat());
        assert_eq!(log(&["talks", "--tail=2"]), "line 5\nbroken\n", "{client}");
        assert_eq!(log(&["talks", "--tail=0"]), "", "{client}");
        assert_eq!(log(&["talks", "--limit-bytes=9"]), "line 1\nli", "{client}");
        assert_eq!(log(&["talks", "--since=1h", "--tail=1"]), "broken\n", "{client}");
        assert_eq!(
            log(&["-l", "app=talks", "--prefix", "--tail=1"]),
            "[pod/talks/main] broken\n",
            "{client}"
        );
        assert_eq!(log(&["pod/talks", "--all-containers", "--tail=1"]), "broken\n", "{client}");
        assert_eq!(log(&["fails", "--previous"]), "try\n", "{client}");
        let stamped = log(&["talks", "--timestamps", "--tail=1"]);
        let (time, rest) = stamped.split_once(' ').expect("a time");
        assert!(time.ends_with('Z') && time.contains('T') && rest == "broken\n", "{client}: {stamped}");
    }
    for client in CLIENTS {
        follows(&host, client);
        logs_of_many(&host, client);
    }
}

/// What a container writes while its log is followed is shown, and later chosen by its time.
fn follows(host: &Host, client: &str) {
    let file = host.dir().join("follow.log");
    let mut follow = host.client(client, &["logs", "-f", "talks", "--tail=1"]);
    let out = std::fs::File::create(&file).expect("the rig's directory");
    let mut follow = follow.stdout(out).spawn().expect("it starts");
    let shown = || std::fs::read_to_string(&file).expect("it is there");
    host.wait("what was there is shown", |_| shown().ends_with('\n'));
    let before = shown();
    let begun = Instant::now();
    host.wait("another second has begun", |_| begun.elapsed() > Duration::from_secs(1));
    let line = format!("asked for by {client}");
    host.kubectl(&["exec", "talks", "--", "sh", "-c", &format!("echo {line} >/proc/1/fd/1")]);
    host.wait("the new line is shown", |_| shown() == format!("{before}{line}\n"));
    follow.kill().expect("it runs");
    follow.wait().expect("it ends");
    let stamped = host.with(client, &["logs", "talks", "--timestamps", "--tail=1"]);
    let time = stamped.split(' ').next().expect("a time");
    let since = host.with(client, &["logs", "talks", &format!("--since-time={time}")]);
    assert_eq!(since, format!("{line}\n"), "{client}");
}

/// The minor version of kubectl from which on it shows the logs of all pods of a workload.
const ALL_PODS: u64 = 32;

/// Logs of pods with two containers each.
fn logs_of_many(host: &Host, client: &str) {
    let container = |name: &str| {
        format!("{{name: {name}, image: \"web:1\", command: [sh, -c, echo from {name}; sleep 1000]}}")
    };
    host.apply(&format!(
        "---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: pair}}
spec: {{replicas: 2, selector: {{matchLabels: {{app: pair}}}}, template: {{metadata: {{labels: {{app: pair}}}}, spec: {{
  terminationGracePeriodSeconds: 0, containers: [{}, {}]}}}}}}
",
        container("a"),
        container("b")
    ));
    host.rolled_out("pair");
    let log = |args: &[&str]| host.client(client, &[&["logs"], args].concat()).output().expect("it runs");
    let shown = |args: &[&str]| {
        let output = log(args);
        assert!(output.status.success(), "{client} {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    };
    host.wait("both have written", |_| shown(&["-l", "app=pair", "--all-containers"]).lines().count() == 4);
    assert_eq!(shown(&["-l", "app=pair", "-c", "b"]), "from b\nfrom b\n", "{client}");
    assert_eq!(
        shown(&["deployment/pair", "-c", "a", "--insecure-skip-tls-verify-backend"]),
        "from a\n",
        "{client}"
    );
    if client != "kubectl" || kubectl_minor() >= ALL_PODS {
        let names =
            host.kubectl(&["get", "pods", "-l", "app=pair", "-o", "jsonpath={.items[*].metadata.name}"]);
        let mut expect: Vec<String> = names.split(' ').map(|name| format!("[pod/{name}/b] from b")).collect();
        let all = shown(&["deployment/pair", "--all-pods", "-c", "b"]);
        let mut lines: Vec<&str> = all.lines().collect();
        expect.sort();
        lines.sort();
        assert_eq!(lines, expect, "{client}");
    }
    let many = log(&["-f", "-l", "app=pair", "--all-containers", "--max-log-requests=3"]);
    let refusal = "you are attempting to follow 4 log streams, but maximum allowed concurrency is 3, use \
                   --max-log-requests to increase the limit";
    assert!(
        !many.status.success() && text(&many.stderr).contains(refusal),
        "{client}: {}",
        text(&many.stderr)
    );
    let failing = ["-l", "app=pair", "-c", "a", "--previous"];
    let why = "previous terminated container \"a\" in pod ";
    let refused = log(&failing);
    assert!(!refused.status.success() && text(&refused.stderr).contains(why), "{client}: {refused:?}");
    let ignored = shown(&[&failing[..], &["--ignore-errors"]].concat());
    let passed_over = |line: &str| line.starts_with(&format!("error: {why}"));
    assert!(ignored.lines().count() == 2 && ignored.lines().all(passed_over), "{client}: {ignored}");
}

/// The minor version of kubectl.
fn kubectl_minor() -> u64 {
    let output = Command::new("kubectl").args(["version", "--client", "-o", "json"]).output();
    let version: serde_json::Value =
        serde_json::from_slice(&output.expect("kubectl is installed").stdout).expect("JSON");
    let minor = version["clientVersion"]["minor"].as_str().unwrap_or_default();
    minor.trim_end_matches('+').parse().expect("a number")
}
