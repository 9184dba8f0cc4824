use std::path::PathBuf;

use serde_json::json;

use super::*;
use crate::pod_config::testing::{Surroundings, main_of, pod_of};

#[test]
fn a_whole_container() {
    let pod = pod_of(json!({
        "command": ["sh", "-c", "echo $(WHO) $(NONE) $$(WHO)"], "args": ["$(WHO)"], "workingDir": "/srv",
        "env": [{"name": "WHO", "value": "me"}], "tty": true, "stdin": true,
        "securityContext": {"runAsUser": 7}, "resources": {"limits": {"memory": "1Mi"}},
    }));
    let around = Surroundings::new();
    let spec = container(&pod, main_of(&pod), &around.context()).unwrap().spec;
    let id = container_id("u-1", "main", 2);
    assert_eq!(spec.cgroup, format!("/kubepods/podu-1/{id}"));
    assert_eq!(spec.id, id);
    assert_eq!((spec.image.as_str(), spec.group.as_str()), ("app:1", "u-1"));
    assert_eq!(spec.command, ["sh", "-c", "echo me $(NONE) $(WHO)"]);
    assert_eq!(spec.args, ["me"]);
    assert_eq!(spec.env, [("WHO".to_owned(), "me".to_owned())]);
    assert_eq!((spec.working_dir.as_deref(), spec.hostname), (Some("/srv"), None));
    assert_eq!((spec.tty, spec.stdin, spec.user.uid), (true, true, Some(7)));
    assert_eq!(spec.log, Some(PathBuf::from("/var/log/pods/shop_web_u-1/main/2.log")));
    assert_eq!((spec.resources.memory_limit, spec.resources.pids), (Some(1 << 20), Some(1024)));
    let labels = [
        ("berth.dev/attempt", "2"),
        ("berth.dev/streak", "1"),
        ("io.kubernetes.container.name", "main"),
        ("io.kubernetes.pod.name", "web"),
        ("io.kubernetes.pod.namespace", "shop"),
        ("io.kubernetes.pod.uid", "u-1"),
    ];
    assert_eq!(spec.labels.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect::<Vec<_>>(), labels);
}

#[test]
fn devices_are_refused() {
    let pod = pod_of(json!({"volumeDevices": [{"name": "d", "devicePath": "/dev/x"}]}));
    let around = Surroundings::new();
    let error = container(&pod, main_of(&pod), &around.context()).unwrap_err();
    assert_eq!(error.message, "volumeDevices are not supported by this node");
}
