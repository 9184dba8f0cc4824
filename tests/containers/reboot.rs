//! A machine that is started again: all its pods run again, as their policies have it, and nothing is lost.

use super::{cluster_ip, get_pod, is_ready, pod, restarts, status, told, web};
use crate::harness::items;
use crate::host::Host;

const FOREVER: &str = "while :; do sleep 1; done";

#[test]
fn the_pods_of_a_machine_run_again_after_a_reboot() {
    let mut host = Host::start();
    host.apply(&web("web", 3));
    let volume = "volumes: [{name: kept, emptyDir: {}}, {name: lost, emptyDir: {medium: Memory}}],";
    let mounts = "volumeMounts: [{name: kept, mountPath: /kept}, {name: lost, mountPath: /lost}],";
    let counts = "echo begun >>/kept/starts; test -e /lost/x && echo still; touch /lost/x; exec sleep 10000";
    let init = "initContainers: [{name: init, image: 'web:1', command: [sh, -c, 'echo init >>/kept/starts'], \
        volumeMounts: [{name: kept, mountPath: /kept}]}],";
    host.apply(&pod("counts", counts, &format!("{volume}\n  {init}"), mounts));
    host.apply(&pod("fails", "exit 3", "", ""));
    host.apply(&pod("done", "echo well done", "restartPolicy: Never,", ""));
    host.apply(&pod("once", FOREVER, "restartPolicy: Never,", ""));
    host.rolled_out("web");
    for name in ["counts", "once"] {
        host.wait("the pod runs", |c| is_ready(c, name));
    }
    host.wait("a pod fails again and again", |c| restarts(&get_pod(c, "fails")) >= 2);
    host.wait("the pod is done", |c| get_pod(c, "done")["status"]["phase"] == "Succeeded");
    let service = cluster_ip(&host, "web");
    let before = host.json(&["get", "node", "host"]);
    let names = |host: &Host| {
        let pods = host.json(&["get", "pods"]);
        items(&pods).iter().map(|pod| pod["metadata"]["uid"].to_string()).collect::<Vec<_>>()
    };
    let pods_before = names(&host);

    host.reboot();

    host.wait("every pod of the deployment runs again", |c| {
        let pods = c.json(&["get", "pods", "-l", "app=web"]);
        let again = |pod: &serde_json::Value| restarts(pod) == 1 && status(pod)["ready"] == true;
        items(&pods).iter().filter(|pod| again(pod)).count() == 3
    });
    host.wait("the service answers", |_| host.get(&service, 80).is_ok());
    host.wait("what was to run for ever runs again", |c| {
        is_ready(c, "counts") && restarts(&get_pod(c, "counts")) == 1
    });
    assert_eq!(host.kubectl(&["exec", "counts", "--", "cat", "/kept/starts"]), "init\nbegun\ninit\nbegun\n");
    assert_eq!(host.kubectl(&["logs", "counts"]), "", "what lay in memory is gone");
    let last = status(&get_pod(&host, "counts"))["lastState"]["terminated"].clone();
    assert_eq!((&last["exitCode"], &last["reason"]), (&255.into(), &"Unknown".into()), "{last}");
    let time = |field: &str| last[field].as_str().expect("a time").to_owned();
    assert!(time("startedAt") <= time("finishedAt"), "it ended before it began: {last}");
    host.wait("what was to run once has failed", |c| get_pod(c, "once")["status"]["phase"] == "Failed");
    assert_eq!(get_pod(&host, "done")["status"]["phase"], "Succeeded");
    assert_eq!(host.kubectl(&["logs", "done"]), "well done\n");
    assert_eq!(names(&host), pods_before, "no pod was replaced");
    let after = host.json(&["get", "node", "host"]);
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(after["spec"]["podCIDR"], before["spec"]["podCIDR"]);
    host.wait("the reboot is told", |c| {
        told(c, "host", "Rebooted", "Node host has been rebooted, boot id: ")
    });
    host.kubectl(&["delete", "pods,deployments", "--all", "--wait=false"]);
    host.wait("no container is left", |_| host.processes().is_empty());
    host.wait("no pod is left", |c| items(&c.json(&["get", "pods"])).is_empty());
}
