//! What containers are given, and what they wait for.

use super::{events, get_pod, is_ready, pod, status, told};
use crate::host::Host;

const FOREVER: &str = "while :; do sleep 1; done";

#[test]
fn containers_start_in_order_with_what_they_were_promised() {
    let host = Host::start();
    let shared = host.dir().join("shared");
    std::fs::create_dir(&shared).expect("the rig's directory");
    host.apply(&promised(&shared.display().to_string()));
    a_pod_waits_for_what_is_missing(&host);
    host.wait("the pod is done", |c| get_pod(c, "given")["status"]["phase"] == "Succeeded");
    let pod = get_pod(&host, "given");
    let address = pod["status"]["podIP"].as_str().unwrap_or_default();
    let log = host.kubectl(&["logs", "given", "-c", "writer"]);
    let word = "blue hush";
    assert_eq!(log, format!("first\nsecond\n{word} given {address} host\n{word}\nsmooth\n"));
    assert_eq!(host.kubectl(&["logs", "given", "-c", "reader"]), "by way of a file\n");
    let file = std::fs::read_to_string(shared.join("copied")).expect("written by way of hostPath");
    assert_eq!(file, "smooth\n");
    assert_eq!(host.kubectl(&["logs", "given", "-c", "second"]), "");
}

/// A pod that tells what it was given: by init containers, variables and volumes.
fn promised(shared: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: config}}
data: {{color: blue, surface: \"smooth\\n\"}}
---
apiVersion: v1
kind: Secret
metadata: {{name: secret}}
stringData: {{word: hush}}
---
apiVersion: v1
kind: Pod
metadata: {{name: given}}
spec:
  restartPolicy: Never
  volumes:
    - {{name: between, emptyDir: {{}}}}
    - {{name: host, hostPath: {{path: {shared}, type: Directory}}}}
    - {{name: config, configMap: {{name: config}}}}
    - {{name: secret, secret: {{secretName: secret}}}}
  initContainers:
    - name: first
      image: web:1
      command: [sh, -c, echo first >/between/order]
      volumeMounts: [{{name: between, mountPath: /between}}]
    - name: second
      image: web:1
      command: [sh, -c, echo second >>/between/order]
      volumeMounts: [{{name: between, mountPath: /between}}]
  containers:
    - name: writer
      image: web:1
      command:
        - sh
        - -c
        - |
          cat /between/order
          echo $color $WORD $NAME $ADDRESS $NODE
          echo $(cat /config/color) $(cat /secret/word)
          cat /config/surface >/host/copied
          cat /host/copied
          echo by way of a file >/between/word
      envFrom: [{{configMapRef: {{name: config}}}}]
      env:
        - {{name: WORD, valueFrom: {{secretKeyRef: {{name: secret, key: word}}}}}}
        - {{name: NAME, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
        - {{name: ADDRESS, valueFrom: {{fieldRef: {{fieldPath: status.podIP}}}}}}
        - {{name: NODE, valueFrom: {{fieldRef: {{fieldPath: spec.nodeName}}}}}}
      volumeMounts:
        - {{name: between, mountPath: /between}}
        - {{name: host, mountPath: /host}}
        - {{name: config, mountPath: /config}}
        - {{name: secret, mountPath: /secret}}
    - name: reader
      image: web:1
      command: [sh, -c, until test -e /between/word; do sleep 0.1; done; cat /between/word]
      volumeMounts: [{{name: between, mountPath: /between}}]
"
    )
}

fn a_pod_waits_for_what_is_missing(host: &Host) {
    let variable = "env: [{name: A, valueFrom: {configMapKeyRef: {name: later, key: a}}}],";
    let volume = "volumes: [{name: later, configMap: {name: later}}],";
    let mounts = "volumeMounts: [{name: later, mountPath: /later}],";
    host.apply(&(pod("variable", FOREVER, "", variable) + &pod("volume", FOREVER, volume, mounts)));
    host.wait("the variable's source is missed", |c| {
        let waiting = status(&get_pod(c, "variable"))["state"]["waiting"].clone();
        waiting["reason"] == "CreateContainerConfigError"
            && waiting["message"] == "configmap \"later\" not found"
    });
    let missing = "MountVolume.SetUp failed for volume \"later\" : configmap \"later\" not found";
    host.wait("the volume's source is missed", |c| told(c, "volume", "FailedMount", missing));
    assert_eq!(status(&get_pod(host, "volume"))["state"]["waiting"]["reason"], "ContainerCreating");
    host.kubectl(&["create", "configmap", "later", "--from-literal=a=b"]);
    for name in ["variable", "volume"] {
        host.wait("what was missing is found", |c| is_ready(c, name));
        assert_eq!(super::restarts(&get_pod(host, name)), 0, "{:?}", events(host, name));
    }
    assert_eq!(host.kubectl(&["exec", "volume", "--", "cat", "/later/a"]), "b");
    assert_eq!(host.kubectl(&["exec", "variable", "--", "sh", "-c", "echo $A"]), "b\n");
}
