//! The quickstart, with `berth` in kubectl's place.

use crate::deployment::running_images;
use crate::harness::Cluster;

const QUICKSTART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/manifests/quickstart.yaml");

#[test]
fn the_quickstart_goes_the_same_way() {
    let cluster = Cluster::with_nodes(3);
    let created = cluster.berth(&["apply", "-f", QUICKSTART]);
    assert_eq!(created, "configmap/web created\ndeployment.apps/web created\nservice/web created\n");
    let status = cluster.berth(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    assert!(status.ends_with("deployment \"web\" successfully rolled out\n"), "{status}");
    let again = cluster.kubectl(&["apply", "-f", QUICKSTART]);
    assert_eq!(again, "configmap/web unchanged\ndeployment.apps/web unchanged\nservice/web unchanged\n");
    assert_eq!(cluster.berth(&["apply", "-f", QUICKSTART]), again);

    cluster.berth(&["set", "image", "deployment/web", "web=web:2"]);
    cluster.berth(&["rollout", "status", "deploy/web", "--timeout=60s"]);
    cluster.berth(&["rollout", "undo", "deploy/web"]);
    cluster.wait("the first image runs again", |c| running_images(c, "web") == vec!["web:1"; 3]);
    cluster.berth(&["scale", "deployment", "web", "--replicas=5"]);
    cluster.wait("five run", |c| running_images(c, "web").len() == 5);
    cluster.berth(&["wait", "deployment/web", "--for=condition=Available", "--timeout=60s"]);

    cluster.berth(&["delete", "-f", QUICKSTART]);
    cluster.wait("nothing is left", |c| {
        c.berth(&["get", "pods,deployments,replicasets", "-o", "name"]).is_empty()
    });
}

#[test]
fn answers_look_like_kubectls() {
    let cluster = Cluster::with_nodes(2);
    cluster.kubectl(&["apply", "-f", QUICKSTART]);
    cluster.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let commands: &[&[&str]] = &[
        &["get", "configmap", "web", "-o", "yaml"],
        &["get", "configmap", "web", "-o", "json"],
        &["get", "deployment,service", "-o", "name"],
        &["get", "services", "-o", "jsonpath={.items[*].spec.ports[0].port}"],
        &["get", "pods", "-l", "app=web", "-o", "jsonpath={range .items[*]}{.metadata.name}{\"\\n\"}{end}"],
        &["get", "nodes", "--no-headers", "-o", "name"],
        &["api-resources"],
    ];
    for command in commands {
        assert_eq!(cluster.berth(command), cluster.kubectl(command), "{command:?}");
    }
    // Ages move on between two calls; all else is the same.
    for command in [&["get", "all", "-o", "wide"][..], &["get", "namespaces"], &["get", "pods", "-A"]] {
        let columns = |table: String| -> Vec<Vec<String>> {
            let is_age =
                |word: &str| word.ends_with('s') && word.trim_end_matches(['s', 'm']).parse::<u32>().is_ok();
            let words =
                |line: &str| line.split_whitespace().filter(|w| !is_age(w)).map(str::to_owned).collect();
            table.lines().map(words).collect()
        };
        assert_eq!(columns(cluster.berth(command)), columns(cluster.kubectl(command)), "{command:?}");
    }
}
