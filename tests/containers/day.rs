//! A scripted day: a team deploys from its registry, looks into what runs, copies a file, forwards a port, rolls out, adds
//! a machine and starts one again. With kubectl, and again with the binary in its place.

use std::process::Stdio;

use containerd::testing::{ARCHITECTURE, Registry, Security, TestImage};

use super::is_ready;
use crate::harness::{condition, items, text};
use crate::host::Host;
use crate::neighbour::Neighbour;

#[test]
fn a_day_with_kubectl() {
    day("kubectl");
}

#[test]
fn a_day_with_berth() {
    day("berth");
}

fn push(registry: &Registry, tag: &str) -> String {
    let image =
        TestImage::with(ARCHITECTURE, &[("index.html", format!("{tag}\n").into_bytes())]).expect("an image");
    registry.push("team/site", tag, &image).expect("pushed");
    format!("{}/team/site:{tag}", registry.place())
}

fn site(image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: site}}
spec:
  replicas: 2
  selector: {{matchLabels: {{app: site}}}}
  template:
    metadata: {{labels: {{app: site}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
        - name: site
          image: {image}
          command: [sh, -c, 'echo open on $HOSTNAME; exec httpd -f -p 8080 -h /']
          ports: [{{name: http, containerPort: 8080}}]
          readinessProbe: {{httpGet: {{path: /index.html, port: http}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: site}}
spec:
  selector: {{app: site}}
  ports: [{{port: 80, targetPort: http}}]
"
    )
}

fn day(client: &str) {
    let mut host = Host::start();
    let registry = host.registry(&Security::None);
    let (one, two) = (push(&registry, "one"), push(&registry, "two"));
    let file = host.dir().join("site.yaml");
    std::fs::write(&file, site(&one)).expect("the rig's directory");
    let file = file.display().to_string();

    deploys(&host, client, &file);
    debugs(&host, client);
    copies_and_forwards(&host, client);
    rolls_out(&host, client, &two);
    adds_a_machine(&host, client);

    host.reboot();
    host.wait("what was deployed is there again after the reboot", |c| {
        let pods = c.json(&["get", "pods", "-l", "app=site"]);
        items(&pods).len() == 3 && items(&pods).iter().all(|pod| condition(pod, "Ready") == "True")
    });
    let service = host.with(client, &["get", "service", "site", "-o", "jsonpath={.spec.clusterIP}"]);
    host.wait("and serves", |_| host.get(&service, 80).is_ok());
    host.with(client, &["delete", "-f", &file]);
    host.wait("nothing is left", |c| {
        c.with(client, &["get", "all", "-l", "app=site", "-o", "name"]).is_empty()
    });
    host.wait("no container is left", |_| host.processes().is_empty());
}

fn deploys(host: &Host, client: &str, file: &str) {
    let run = |args: &[&str]| host.with(client, args);
    assert_eq!(run(&["apply", "-f", file]), "deployment.apps/site created\nservice/site created\n");
    run(&["rollout", "status", "deployment/site", "--timeout=60s"]);
    let pods = run(&["get", "pods", "-l", "app=site"]);
    assert_eq!(pods.matches("1/1     Running").count(), 2, "{pods}");
}

fn debugs(host: &Host, client: &str) {
    let run = |args: &[&str]| host.with(client, args);
    assert!(run(&["logs", "deployment/site"]).starts_with("open on site-"));
    assert!(run(&["describe", "deployment", "site"]).contains("ScalingReplicaSet"));
    assert_eq!(run(&["exec", "deployment/site", "--", "cat", "/index.html"]), "one\n");
    let failed = host.client(client, &["exec", "deployment/site", "--", "sh", "-c", "exit 5"]).output();
    assert_eq!(failed.expect("it runs").status.code(), Some(5));
    let ask = "wget -q -O - http://site/index.html";
    let look = ["run", "-i", "--rm", "look", "--image=web:1", "--restart=Never", "--", "sh", "-c", ask];
    let looked = host.client(client, &look).stdin(Stdio::null()).output().expect("it runs");
    assert!(text(&looked.stdout).starts_with("one\n"), "{}", text(&looked.stderr));
    // Something that does not come up says why.
    run(&["run", "broken", "--image=web:none", "--image-pull-policy=Never"]);
    host.wait("it says why", |c| c.with(client, &["get", "pod", "broken"]).contains("ErrImageNeverPull"));
    run(&["delete", "pod", "broken", "--now"]);
}

fn copies_and_forwards(host: &Host, client: &str) {
    let pods = host.json(&["get", "pods", "-l", "app=site"]);
    let pod = items(&pods)[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    let here = host.dir().join("hotfix.html");
    std::fs::write(&here, "hotfix\n").expect("the rig's directory");
    host.with(client, &["cp", &here.display().to_string(), &format!("{pod}:/hotfix.html")]);
    let (_forward, port) = super::daily::forwarded(host, client, &format!("pod/{pod}"), 8080);
    let asked = host.inside(move || super::daily::ask(port, "/hotfix.html")).join().expect("asking ends");
    assert!(asked.as_ref().is_ok_and(|answer| answer.ends_with("hotfix\n")), "{asked:?}");
}

fn rolls_out(host: &Host, client: &str, image: &str) {
    let run = |args: &[&str]| host.with(client, args);
    let shown = |what: &str| {
        let ask = ["exec", "deployment/site", "--", "cat", "/index.html"];
        host.wait(what, |c| {
            text(&c.client(client, &ask).output().expect("it runs").stdout) == format!("{what}\n")
        });
    };
    run(&["set", "image", "deployment/site", &format!("site={image}")]);
    run(&["rollout", "status", "deployment/site", "--timeout=60s"]);
    shown("two");
    run(&["rollout", "undo", "deployment/site"]);
    run(&["rollout", "status", "deployment/site", "--timeout=60s"]);
    shown("one");
    run(&["scale", "deployment", "site", "--replicas=3"]);
    run(&["rollout", "status", "deployment/site", "--timeout=60s"]);
}

fn adds_a_machine(host: &Host, client: &str) {
    let token = host.with("berth", &["token", "create", "--ttl=10m"]).trim().to_owned();
    let mut two = Neighbour::of(host, "two", "192.0.2.11");
    two.start(Some(&token));
    host.wait("it is a node", |c| c.with(client, &["get", "nodes", "-o", "name"]).contains("node/two"));
    host.with(client, &["wait", "node/two", "--for=condition=Ready", "--timeout=60s"]);
    let there = r#"{"spec":{"nodeName":"two"}}"#;
    host.kubectl(&["run", "there", "--image=web:1", "--overrides", there, "--", "sleep", "1000"]);
    host.wait("a pod runs there", |c| is_ready(c, "there"));
    let ask = ["exec", "there", "--", "wget", "-q", "-O", "-", "http://site/index.html"];
    assert_eq!(host.at_last(client, &ask), "one\n");
    host.with(client, &["delete", "pod", "there", "--now", "--timeout=60s"]);
    // The machine is taken out again, before the other one is started again without it.
    two.crash();
    host.with(client, &["delete", "node", "two"]);
}
