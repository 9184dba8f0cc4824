//! Images from a registry, as people deploy them.

use std::fs::File;
use std::path::Path;

use containerd::testing::{ARCHITECTURE, PASSWORD, Registry, Security, TestImage};
use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::statvfs;

use super::{get_pod, is_ready, status, told};
use crate::deployment::running_images;
use crate::harness::{BERTH, items, text};
use crate::host::Host;

/// A Deployment of sleepers.
fn sleepers(image: &str, policy: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: box}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: box}}}}
  template:
    metadata: {{labels: {{app: box}}}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{{name: main, image: \"{image}\", imagePullPolicy: {policy}, command: [sleep, '3600']}}]
"
    )
}

fn sleeper(name: &str, image: &str, fields: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  {fields}
  containers: [{{name: main, image: \"{image}\", command: [sleep, '3600']}}]
"
    )
}

fn push(registry: &Registry, tag: &str) -> String {
    let image = TestImage::with(ARCHITECTURE, &[(tag, tag.as_bytes().to_vec())]).expect("an image");
    registry.push("team/box", tag, &image).expect("pushed");
    format!("{}/team/box:{tag}", registry.place())
}

fn image(host: &Host, args: &[&str]) -> std::process::Output {
    let mut command = host.program(BERTH);
    command.arg("image").args(args).args(["--containerd"]).arg(host.dir().join("containerd.sock"));
    command.arg("--run-dir").arg(host.dir().join("run")).output().expect("berth runs")
}

#[test]
fn a_deployment_comes_from_a_registry_and_is_updated_from_it() {
    let host = Host::start();
    let registry = host.registry(&Security::None);
    let (one, two) = (push(&registry, "one"), push(&registry, "two"));
    host.apply(&sleepers(&one, "Always"));
    host.rolled_out("box");
    let pods = host.json(&["get", "pods", "-l", "app=box"]);
    let pulled = format!("Successfully pulled image \"{one}\" in ");
    host.wait("the pull is told", |c| {
        let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        items(&pods).iter().any(|pod| told(c, &name(pod), "Pulled", &pulled))
    });
    let id = status(&items(&pods)[0])["imageID"].as_str().unwrap_or_default().to_owned();
    assert!(id.contains("sha256:"), "{id}");
    host.kubectl(&["set", "image", "deployment/box", &format!("main={two}")]);
    host.rolled_out("box");
    host.wait("only the second runs", |c| running_images(c, "box") == vec![two.as_str(); 2]);
    host.kubectl(&["exec", "deployment/box", "--", "test", "-f", "/two"]);
    // By digest, and one that is nowhere.
    let listed = text(&image(&host, &["list"]).stdout);
    assert!(listed.starts_with("IMAGE") && listed.contains("/team/box "), "{listed}");
    let missing = format!("{}/team/box:three", registry.place());
    host.apply(&sleeper("missing", &missing, ""));
    host.wait("it backs off", |c| {
        let pod = get_pod(c, "missing");
        status(&pod)["state"]["waiting"]["reason"] == "ImagePullBackOff"
    });
    let why = format!(
        "Failed to pull image \"{missing}\": failed to pull and unpack image \"{missing}\": failed to resolve reference \
         \"{missing}\": {missing}: not found"
    );
    host.wait("the reason is told", |c| told(c, "missing", "Failed", &why));
    // It comes by itself once it is there.
    push(&registry, "three");
    host.wait("the next try succeeds", |c| is_ready(c, "missing"));
}

#[test]
fn a_registry_with_a_password_opens_to_secrets() {
    let host = Host::start();
    let registry = host.registry(&Security::Password);
    let name = push(&registry, "one");
    host.apply(&sleeper("without", &name, ""));
    let denied = "pull access denied, repository does not exist or may require authorization";
    host.wait("it is refused", |c| told(c, "without", "Failed", denied));
    let (server, user) = (registry.place(), PASSWORD);
    let secret = |name: &str, password: &str| {
        let (server, user) = (format!("--docker-server={server}"), format!("--docker-username={}", user.0));
        let password = format!("--docker-password={password}");
        host.kubectl(&["create", "secret", "docker-registry", name, &server, &user, &password]);
    };
    secret("wrong", "wrong");
    host.apply(&sleeper("wrong", &name, "imagePullSecrets: [{name: wrong}, {name: absent}]"));
    host.wait("a wrong password is refused", |c| told(c, "wrong", "Failed", denied));
    let absent = "Unable to retrieve some image pull secrets (absent)";
    host.wait("and what is missing is told", |c| told(c, "wrong", "FailedToRetrieveImagePullSecret", absent));
    secret("right", user.1);
    host.apply(&sleeper("right", &name, "imagePullSecrets: [{name: right}]"));
    host.wait("the right one opens", |c| is_ready(c, "right"));
    // Pods of an account get its secrets.
    let two = push(&registry, "two");
    host.kubectl(&["patch", "serviceaccount", "default", "-p", r#"{"imagePullSecrets":[{"name":"right"}]}"#]);
    host.apply(&sleeper("account", &two, ""));
    host.wait("the account's secret opens too", |c| is_ready(c, "account"));
    // By hand.
    let three = push(&registry, "three");
    let refused = image(&host, &["pull", &three]);
    assert!(!refused.status.success() && text(&refused.stderr).contains(denied), "{}", text(&refused.stderr));
    let pulled = image(&host, &["pull", &three, "--creds", &format!("{}:{}", user.0, user.1)]);
    assert_eq!(text(&pulled.stdout), format!("{three}\n"), "{}", text(&pulled.stderr));
    host.apply(&sleeper("never", &three, "restartPolicy: Never"));
    host.wait("what is there needs no password", |c| is_ready(c, "never"));
    assert_eq!(text(&image(&host, &["remove", &three]).stdout), format!("{three}\n"));
    let gone = image(&host, &["rm", &three]);
    assert_eq!(text(&gone.stderr), format!("error: there is no image \"{three}\"\n"));
}

/// Fills the disk that a file is on until this much of it is used, in percent.
fn fill(ballast: &Path, percent: u64) {
    let file = File::create(ballast).expect("a file");
    let disk = statvfs(ballast).expect("a disk");
    let used = disk.blocks() - disk.blocks_free();
    let wanted = (used + disk.blocks_available()) * percent / 100;
    let bytes = (wanted - used) * disk.fragment_size();
    fallocate(&file, FallocateFlags::empty(), 0, bytes.cast_signed()).expect("there is room");
}

#[test]
fn images_that_nobody_uses_go_when_the_disk_gets_full() {
    const MB: u64 = 1 << 20;
    let host = Host::on_disk(600 * MB, &["--image-gc-period=1", "--image-gc-min-age=4"]);
    let registry = host.registry(&Security::None);
    // a tenth of the disk
    let big = |tag: &str| {
        let content = vec![0; usize::try_from(57 * MB).expect("a size")];
        let image = TestImage::with(ARCHITECTURE, &[(tag, content)]).expect("an image");
        registry.push("team/big", tag, &image).expect("pushed");
        format!("{}/team/big:{tag}", registry.place())
    };
    let (one, two) = (big("one"), big("two"));
    host.apply(&sleeper("stays", "web:1", ""));
    host.wait("the pod runs", |c| is_ready(c, "stays"));
    let there = |tag: &str| {
        let listed = text(&image(&host, &["list"]).stdout);
        listed.lines().any(|line| line.split_whitespace().nth(1) == Some(tag))
    };
    let ballast = host.dir().join("ballast");

    fill(&ballast, 86);
    host.wait("an unused image goes", |_| !there("2"));
    let why = "Insufficient free disk space on the node's image filesystem (8";
    host.wait("what cannot be freed is told", |c| told(c, "host", "FreeDiskSpaceFailed", why));
    assert!(there("1"), "what is used stays");

    fill(&ballast, 67);
    for name in [&one, &two] {
        let pulled = image(&host, &["pull", name]);
        assert!(pulled.status.success(), "{}", text(&pulled.stderr));
    }
    host.wait("the older image goes", |_| !there("one"));
    assert!(there("two"), "there is room again");
    assert!(is_ready(&host, "stays"));
}
