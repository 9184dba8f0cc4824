//! A process of ours in its administrator's hands: its version, its log, whom it tells that it runs, and its measures.

use std::net::SocketAddr;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;
use tempfile::TempDir;

use crate::deployment::manifest;
use crate::harness::{BERTH, Cluster, PATIENCE, Process, check_kubectl, free_port, text};
use crate::load::get_page;
use crate::user::User;

fn directory() -> TempDir {
    TempDir::with_prefix("berth-e2e-").expect("temporary directory")
}

/// A part that serves the API from this directory, with these flags too.
fn command(part: &str, dir: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(BERTH);
    command.args([part, "--no-agent", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir).args(flags);
    command.env_remove("BERTH_LOG").env_remove("NOTIFY_SOCKET");
    command
}

#[test]
fn every_part_tells_the_same_version() {
    let cluster = Cluster::with_nodes(1);
    let told: Value = serde_json::from_str(&cluster.kubectl(&["get", "--raw", "/version"])).expect("JSON");
    let version = told["gitVersion"].as_str().unwrap_or_default();
    let pattern = Regex::new(r"^v1\.37\.\d+\+berth\.[0-9.]+$").expect("a pattern");
    assert!(pattern.is_match(version), "{told}");
    let own = Command::new(BERTH).arg("--version").output().expect("berth runs");
    assert_eq!(text(&own.stdout), format!("berth {version}\n"));
    let node = cluster.json(&["get", "node", "fake-0"]);
    assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], version);
}

/// What a server logs from its start to its end.
fn logged(flags: &[&str], environment: &[(&str, &str)]) -> String {
    let dir = directory();
    let log = dir.path().join("server.log");
    let mut command = command("server", dir.path(), flags);
    command.envs(environment.iter().copied());
    let mut server = Process::start(command, &log);
    server.says("ready", &log);
    assert!(server.terminate(), "exit status 0");
    std::fs::read_to_string(log).expect("the log")
}

#[test]
fn the_log_has_the_format_and_the_level_that_was_asked_for() {
    let lines = logged(&["--log-format", "json"], &[]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    assert!(lines.iter().any(|line| line["level"] == "INFO" && line["fields"]["message"] == "stopping"));
    let lines = logged(&["--log", "info"], &[]);
    assert!(lines.lines().any(|line| line.contains(" INFO ") && line.ends_with("stopping")), "{lines}");
    let lines = logged(&["--log", "warn"], &[]);
    assert!(!lines.contains("INFO"), "{lines}");
    let lines = logged(&[], &[("BERTH_LOG", "warn,berth=info")]);
    assert!(lines.lines().all(|line| !line.contains("INFO") || line.contains(" berth::")), "{lines}");
    assert!(lines.contains(" INFO berth::parts: stopping"), "{lines}");
}

#[test]
fn a_log_that_cannot_be_had_is_one_clear_line() {
    let dir = directory();
    for (flags, expected) in [
        (
            ["--log", "wran"],
            "invalid value 'wran' for '--log <LOG>': \"wran\" is none of off, error, warn, info, debug, trace, nor \
             TARGET=LEVEL",
        ),
        (
            ["--log", "apiserver=loud"],
            "invalid value 'apiserver=loud' for '--log <LOG>': error parsing level filter: expected one of \"off\", \
             \"error\", \"warn\", \"info\", \"debug\", \"trace\", or a number 0-5",
        ),
        (
            ["--log-format", "yaml"],
            "invalid value 'yaml' for '--log-format <LOG_FORMAT>' [possible values: text, json]",
        ),
    ] {
        let output = command("server", &dir.path().join("data"), &flags).output().expect("berth runs");
        assert!(!output.status.success() && output.stdout.is_empty(), "{flags:?} is accepted");
        assert_eq!(text(&output.stderr), format!("error: {expected}\n"));
    }
    assert_eq!(std::fs::read_dir(dir.path()).expect("the directory").count(), 0, "nothing is half-begun");
}

#[test]
fn a_service_manager_is_told_of_start_and_end() {
    let dir = directory();
    let path = dir.path().join("manager");
    let manager = UnixDatagram::bind(&path).expect("a socket");
    manager.set_read_timeout(Some(PATIENCE)).expect("set");
    let told = || {
        let mut buffer = [0; 256];
        let length = manager.recv(&mut buffer).expect("it is told in time");
        text(&buffer[..length]).trim_end().to_owned()
    };
    let log = dir.path().join("server.log");
    let mut command = command("server", dir.path(), &[]);
    command.env("NOTIFY_SOCKET", &path);
    let mut server = Process::start(command, &log);
    assert_eq!(told(), "READY=1");
    assert_eq!(User::new(dir.path(), None).kubectl(&["get", "--raw", "/readyz"]), "ok");
    assert!(server.terminate(), "exit status 0");
    assert_eq!(told(), "STOPPING=1");
}

/// A part that runs alone, and where its measures are shown.
fn part(name: &str, user: &User) -> (Process, SocketAddr) {
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let (config, shown_at) = (user.kubeconfig(), address.to_string());
    let args = [name, "--kubeconfig", &config, "--metrics-address", &shown_at];
    (Process::berth(&args, &user.dir().join(format!("{name}.log"))), address)
}

#[test]
fn parts_that_run_alone_show_measures_of_their_own() {
    check_kubectl();
    let dir = directory();
    let log = dir.path().join("apiserver.log");
    let mut server = Process::start(command("apiserver", dir.path(), &[]), &log);
    server.says("ready", &log);
    let user = User::new(dir.path(), None);
    let (_controllers, of_controllers) = part("controllers", &user);
    let (_scheduler, of_scheduler) = part("scheduler", &user);
    let args = ["agent", "--kubeconfig", &user.kubeconfig(), "--runtime", "fake"];
    let _agent = Process::berth(&args, &dir.path().join("agent.log"));
    user.apply(&manifest("web", 1, "web:1"));
    user.rolled_out("web");
    let worked = "workqueue_work_duration_seconds_count{name=\"deployment-controller\"} ";
    let scheduled = "scheduler_schedule_attempts_total{result=\"scheduled\"} 1\n";
    let served = "apiserver_request_total{";
    let shown = |place: SocketAddr| {
        let page = get_page(place, "/metrics").unwrap_or_default();
        assert!(page.is_empty() || page.ends_with("# EOF\n"), "{page}");
        [worked, scheduled, served].map(|measure| page.contains(measure))
    };
    user.wait("the controllers show theirs", |_| shown(of_controllers) == [true, false, false]);
    user.wait("the scheduler shows its own", |_| shown(of_scheduler) == [false, true, false]);
    let page = user.kubectl(&["get", "--raw", "/metrics"]);
    assert_eq!([worked, scheduled, served].map(|measure| page.contains(measure)), [false, false, true]);
    assert!(get_page(of_scheduler, "/").is_err_and(|said| said.contains(" 404 ")));
}
