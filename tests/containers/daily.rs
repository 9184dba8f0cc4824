//! A day's work with pods: sessions, copies, forwarded ports, proxies; each with kubectl and with the binary itself.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

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
    let serve = "(while :; do nc -l -p 9000 </tmp/much; done) & while :; do nc -l -p 9001 -e sha256sum; done";
    host.apply(&pod("box", serve, "", ""));
    host.wait("the pod runs", |c| is_ready(c, "box"));
    let much = noise();
    let here = host.dir().join("much");
    std::fs::write(&here, &much).expect("the rig's directory");
    let sum = format!("{:x}", Sha256::digest(&much));
    for client in CLIENTS {
        copies(&host, client, &here, &much, &sum);
        host.kubectl(&["exec", "box", "--", "mv", "/tmp/much-there", "/tmp/much"]);
        forwards(&host, client, &much, &sum);
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
    let log = host.dir().join("forward.log");
    let command = host.client(client, &["port-forward", to, &format!(":{port}")]);
    let mut process = Process::start(command, &log);
    let line = process.says("Forwarding from 127.0.0.1:", &log);
    let local = line.trim_start_matches("Forwarding from 127.0.0.1:").split(' ').next();
    let local = local.and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("{line:?}"));
    (process, local)
}

fn forwards(host: &Host, client: &str, much: &[u8], sum: &str) {
    let (_down, port) = forwarded(host, client, "pod/box", 9000);
    for slow in [false, true] {
        let read = host.inside(move || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it is forwarded");
            let mut paused = 0;
            let (mut all, mut piece) = (Vec::<u8>::with_capacity(MUCH), vec![0; 1 << 20]);
            loop {
                match stream.read(&mut piece).expect("it comes") {
                    0 => return all,
                    read => all.extend(&piece[..read]),
                }
                // a reader that does not keep up
                while slow && all.len() > paused * PIECE {
                    paused += 1;
                    pause();
                }
            }
        });
        let read = read.join().expect("reading ends");
        assert!(read == much, "{client}: {} bytes of {MUCH} came, or others", read.len());
    }
    let (_up, port) = forwarded(host, client, "box", 9001);
    let much = much.to_vec();
    let answer = host.inside(move || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("it is forwarded");
        stream.write_all(&much).expect("it goes");
        stream.shutdown(Shutdown::Write).expect("it ends");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    });
    assert_eq!(answer.join().expect("writing ends").ok(), Some(format!("{sum}  -\n")), "{client}");
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
        let file = host.dir().join("follow.log");
        let mut follow = Process::start(host.client(client, &["logs", "-f", "talks", "--tail=1"]), &file);
        follow.says("broken", &file);
    }
}
