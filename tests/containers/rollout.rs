//! Updates under a steady client.

use super::{cluster_ip, told, web};
use crate::deployment::running_images;
use crate::harness::items;
use crate::host::Host;
use crate::load::Load;

fn serving(host: &Host, replicas: u32) -> Load {
    host.apply(&web("web", replicas));
    host.rolled_out("web");
    let service = cluster_ip(host, "web");
    host.wait("the service answers", |_| host.get(&service, 80).is_ok());
    Load::start(host, &service, 80)
}

#[test]
fn an_update_and_its_undoing_fail_no_request() {
    let host = Host::start();
    let load = serving(&host, 4);
    host.kubectl(&["set", "image", "deployment/web", "web=web:2"]);
    host.rolled_out("web");
    host.wait("only the second image runs", |c| running_images(c, "web") == vec!["web:2"; 4]);
    host.kubectl(&["rollout", "undo", "deployment/web"]);
    host.rolled_out("web");
    host.kubectl(&["scale", "deployment/web", "--replicas=2"]);
    host.wait("two are left", |c| items(&c.json(&["get", "pods", "-l", "app=web"])).len() == 2);
    load.go_on(&host);
    let seen = load.stop();
    assert!(
        seen.failures.is_empty(),
        "of {} requests: {:?}\n{}",
        seen.answered,
        seen.failures,
        host.diagnosis()
    );
    assert_eq!(seen.answers.into_iter().collect::<Vec<_>>(), ["one\n", "two\n"]);
}

#[test]
fn an_update_to_a_missing_image_leaves_the_old_pods_serving() {
    let host = Host::start();
    let load = serving(&host, 4);
    host.kubectl(&["set", "image", "deployment/web", "web=missing:2"]);
    host.wait("the new pods wait for their image", |c| {
        c.kubectl(&["get", "pods", "-l", "app=web"]).matches("ImagePullBackOff").count() == 2
    });
    let pods = host.json(&["get", "pods", "-l", "app=web"]);
    let new = items(&pods).iter().find(|pod| pod["spec"]["containers"][0]["image"] == "missing:2");
    let new = new.and_then(|pod| pod["metadata"]["name"].as_str()).expect("a new pod").to_owned();
    host.wait("the failure is told", |c| told(c, &new, "Failed", "Failed to pull image \"missing:2\""));
    host.wait("and the way of it", |c| told(c, &new, "Failed", "Error: ErrImagePull"));
    let deployment = host.json(&["get", "deployment", "web"]);
    assert_eq!(deployment["status"]["availableReplicas"], 3, "a quarter is taken away: {deployment}");
    assert_eq!(deployment["status"]["updatedReplicas"], 2, "a quarter on top, and the one taken away");
    load.go_on(&host);
    host.kubectl(&["rollout", "undo", "deployment/web"]);
    host.rolled_out("web");
    host.wait("the old image runs in full", |c| running_images(c, "web") == vec!["web:1"; 4]);
    let seen = load.stop();
    assert!(
        seen.failures.is_empty(),
        "of {} requests: {:?}\n{}",
        seen.answered,
        seen.failures,
        host.diagnosis()
    );
    assert_eq!(seen.answers.into_iter().collect::<Vec<_>>(), ["one\n"]);
}
