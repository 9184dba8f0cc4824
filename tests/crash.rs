//! `kill -9` at any moment changes nothing of the outcome.

use crate::deployment::{manifest, running_images};
use crate::harness::{Cluster, Process, items};

#[test]
fn a_server_killed_in_mid_rollout_changes_nothing_of_the_outcome() {
    let mut cluster = Cluster::with_nodes(3);
    cluster.apply(&manifest("web", 6, "web:1"));
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    for round in 2..6 {
        let image = format!("web:{round}");
        cluster.kubectl(&["set", "image", "deployment/web", &format!("main={image}")]);
        cluster.wait("the rollout is under way", |c| running_images(c, "web").contains(&image));
        cluster.restart_server();
        cluster.wait("the rollout is done", |c| running_images(c, "web") == vec![image.as_str(); 6]);
        cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
        let pods = cluster.json(&["get", "pods", "-l", "app=web"]);
        let restarts: u64 = items(&pods)
            .iter()
            .map(|p| p["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap_or(0))
            .sum();
        assert_eq!(restarts, 0, "no container restarts for a server's sake");
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let mut cluster = Cluster::start();
    for round in 0..5 {
        let names: Vec<String> = (0..8).map(|i| format!("c-{round}-{i}")).collect();
        for name in &names {
            cluster.kubectl(&["create", "configmap", name, "--from-literal=round=1"]);
        }
        cluster.restart_server();
        let list = cluster.json(&["get", "configmaps"]);
        for name in &names {
            assert!(
                items(&list).iter().any(|c| c["metadata"]["name"] == name.as_str()),
                "{name} was acknowledged and lost"
            );
        }
    }
}

#[test]
fn an_agent_killed_and_started_again_restarts_no_container() {
    let mut cluster = Cluster::with_nodes(2);
    cluster.apply(&manifest("web", 4, "web:1"));
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let ids = |c: &Cluster| {
        let pods = c.json(&["get", "pods", "-l", "app=web"]);
        let mut ids: Vec<String> = items(&pods)
            .iter()
            .map(|p| {
                p["status"]["containerStatuses"][0]["containerID"].as_str().unwrap_or_default().to_owned()
            })
            .collect();
        ids.sort();
        ids
    };
    let before = ids(&cluster);
    cluster.kill_agent();
    cluster.start_agent(2);
    cluster.kubectl(&["scale", "deployment/web", "--replicas=5"]);
    cluster.wait("the new agent acts", |c| running_images(c, "web").len() == 5);
    let after = ids(&cluster);
    assert!(before.iter().all(|id| after.contains(id)), "{before:?} {after:?}");
}

#[test]
fn a_server_stops_cleanly_when_asked() {
    let mut cluster = Cluster::start();
    cluster.kubectl(&["create", "configmap", "kept", "--from-literal=a=b"]);
    let log = cluster.dir().join("watch.log");
    let path = "/api/v1/namespaces/default/configmaps?watch=true&fieldSelector=metadata.name%3Dkept";
    let mut watch = Process::start(cluster.client("kubectl", &["get", "--raw", path]), &log);
    watch.says("\"kept\"", &log);
    assert!(cluster.server.terminate(), "exit status 0");
    assert!(watch.ended(), "a watch ends as one that is over: {:?}", std::fs::read_to_string(&log));
    cluster.restart_server();
    cluster.kubectl(&["get", "configmap", "kept"]);
}
