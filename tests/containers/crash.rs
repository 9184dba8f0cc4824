//! `kill -9` of what manages containers touches no container, and stops no rollout.

use super::{cluster_ip, containers, status, web};
use crate::deployment::running_images;
use crate::harness::items;
use crate::host::Host;
use crate::load::Load;

const REPLICAS: usize = 4;

/// A Deployment to be updated, and one that must not notice.
fn with_deployments(host: &Host) {
    host.apply(&web("steady", 2));
    host.apply(&web("web", REPLICAS as u32));
    host.rolled_out("steady");
    host.rolled_out("web");
    let service = cluster_ip(host, "steady");
    host.wait("the service answers", |_| host.get(&service, 80).is_ok());
}

/// Updates `web` and has `crash` happen in the middle of it: the update ends well, and all else stays as it was.
fn survives(host: &mut Host, image: &str, crash: impl FnOnce(&mut Host)) {
    let steady = containers(host, "steady");
    let load = Load::start(host, &cluster_ip(host, "steady"), 80);
    host.kubectl(&["set", "image", "deployment/web", &format!("web={image}")]);
    host.wait("the rollout is under way", |c| {
        running_images(c, "web").iter().any(|running| running == image)
    });
    let begun = ready(host, image);
    crash(host);
    host.rolled_out("web");
    host.wait("only the new pods are left", |c| {
        let pods = c.json(&["get", "pods", "-l", "app=web"]);
        running_images(c, "web") == vec![image; REPLICAS] && items(&pods).len() == REPLICAS
    });
    load.go_on(host);
    let seen = load.stop();
    assert!(seen.failures.is_empty(), "of {} requests: {:?}", seen.answered, seen.failures);
    assert_eq!(containers(host, "steady"), steady, "the same containers with the same processes");
    let after = ready(host, image);
    assert!(begun.iter().all(|id| after.contains(id)), "{begun:?} {after:?}\n{}", host.diagnosis());
    // A container whose start was cut off has another attempt.
    let most = containers(host, "web").into_iter().map(|(_, restarts, _)| restarts).max();
    assert!(most <= Some(1), "{}", host.diagnosis());
    host.wait("no more containers run than pods are there", |_| host.processes().len() == REPLICAS + 2);
}

/// The containers of the pods with this image that are Ready.
fn ready(host: &Host, image: &str) -> Vec<String> {
    let pods = host.json(&["get", "pods", "-l", "app=web"]);
    let new = items(&pods).iter().filter(|pod| pod["spec"]["containers"][0]["image"] == image);
    let ready = new.map(status).filter(|status| status["ready"] == true);
    ready.filter_map(|status| status["containerID"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_server_or_containerd_killed_in_mid_rollout_restarts_no_container() {
    let mut host = Host::start();
    with_deployments(&host);
    survives(&mut host, "web:2", Host::crash_server);
    survives(&mut host, "web:1", Host::crash_containerd);
}

#[test]
fn an_agent_killed_in_mid_rollout_restarts_no_container() {
    let mut host = Host::with_separate_agent();
    with_deployments(&host);
    survives(&mut host, "web:2", Host::crash_agent);
    survives(&mut host, "web:1", Host::crash_server);
}
