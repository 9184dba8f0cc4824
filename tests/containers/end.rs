//! How containers end, and what follows.

use std::time::{Duration, Instant};

use super::{get_pod, is_ready, pod, restarts, status, told};
use crate::host::Host;

const NEVER: &str = "restartPolicy: Never,";
const LIMIT: &str = "resources: {limits: {memory: 32Mi}},";
/// The first process of its namespace is sent no signal that it does not handle: this one cannot be asked to end.
const DEAF: &str = "exec sleep 1000";
const POLITE: &str = "trap 'exit 0' TERM; while :; do sleep 0.1; done";

#[test]
fn ends_are_told_and_followed_by_the_right_thing() {
    let host = Host::start();
    let pods = [
        pod("done", "exit 0", NEVER, ""),
        pod("wrong", "echo because >/dev/termination-log; exit 3", NEVER, ""),
        pod("greedy", "exec busybox tail /dev/zero", NEVER, LIMIT),
        pod("again", "echo attempt; exit 1", "", ""),
        pod("on-failure", "exit 0", "restartPolicy: OnFailure,", ""),
        pod("deaf", DEAF, "", ""),
        pod("polite", POLITE, "", ""),
    ];
    host.apply(&pods.concat());
    for (name, phase, reason, code) in [
        ("done", "Succeeded", "Completed", 0),
        ("wrong", "Failed", "Error", 3),
        ("greedy", "Failed", "OOMKilled", 137),
        ("on-failure", "Succeeded", "Completed", 0),
    ] {
        host.wait(&format!("{name} has ended"), |c| get_pod(c, name)["status"]["phase"] == phase);
        let pod = get_pod(&host, name);
        let ended = &status(&pod)["state"]["terminated"];
        assert_eq!((&ended["reason"], &ended["exitCode"]), (&reason.into(), &code.into()), "{name}: {pod}");
        assert_eq!(restarts(&pod), 0, "{name}");
    }
    assert_eq!(status(&get_pod(&host, "wrong"))["state"]["terminated"]["message"], "because\n");
    a_pod_that_fails_is_started_again(&host);
    pods_are_given_their_grace(&host);
}

fn a_pod_that_fails_is_started_again(host: &Host) {
    host.wait("the second start waits", |c| {
        let pod = get_pod(c, "again");
        restarts(&pod) == 1 && status(&pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    });
    let pod = get_pod(host, "again");
    let message = status(&pod)["state"]["waiting"]["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("back-off 10s restarting failed container=main pod=again_default"),
        "{message}"
    );
    let last = &status(&pod)["lastState"]["terminated"];
    assert_eq!((&last["reason"], &last["exitCode"]), (&"Error".into(), &1.into()), "{pod}");
    assert!(host.kubectl(&["get", "pod", "again"]).contains("CrashLoopBackOff"));
    host.wait("the back-off is told", |c| {
        told(c, "again", "BackOff", "Back-off restarting failed container main in pod again_default")
    });
    assert_eq!(host.kubectl(&["logs", "again", "--previous"]), "attempt\n");
    host.wait("the third start comes", |c| restarts(&get_pod(c, "again")) == 2);
}

/// One that heeds the signal goes at once, one that does not when its time is up.
fn pods_are_given_their_grace(host: &Host) {
    for name in ["deaf", "polite"] {
        host.wait("it runs", |c| is_ready(c, name));
    }
    let delete = |name: &str, grace: u64| {
        let began = Instant::now();
        host.kubectl(&["delete", "pod", name, &format!("--grace-period={grace}"), "--timeout=60s"]);
        began.elapsed()
    };
    // The API keeps the time of an end in whole seconds.
    let took = delete("deaf", 3);
    assert!((2..10).contains(&took.as_secs()), "it cannot be asked to end: {took:?}");
    let took = delete("polite", 40);
    assert!(took < Duration::from_secs(20), "it ends when asked to: {took:?}");
    host.wait("its end is told", |c| told(c, "deaf", "Killing", "Stopping container main"));
    host.kubectl(&["delete", "pod", "again", "done", "--timeout=60s"]);
    host.wait("no container runs", |_| host.processes().is_empty());
}
