use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{main_of, pod};

const VOLUMES: &str = "/agent/pods/u-1/volumes";

fn with(mounts: Value, more: Value) -> Pod {
    let mut container = json!({"name": "main", "volumeMounts": mounts});
    container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    pod(json!({"containers": [container], "volumes": [
        {"name": "tmp", "emptyDir": {}},
        {"name": "conf", "configMap": {"name": "c"}},
        {"name": "host", "hostPath": {"path": "/srv"}},
        {"name": "claim", "persistentVolumeClaim": {"claimName": "x"}},
    ]}))
}

fn mounts_of(pod: &Pod) -> Result<Vec<Mount>, ConfigError> {
    let dirs = PodDirs::new(Path::new("/agent"), "u-1").unwrap();
    let environment =
        Environment { variables: vec![("DIR".into(), "logs".into())], ..Environment::default() };
    mounts(pod, main_of(pod), &environment, &Usual { dirs: &dirs, attempt: 1 })
}

/// `SOURCE DESTINATION OPTIONS` of the mount at a path.
fn at(pod: &Pod, path: &str) -> String {
    let mounts = mounts_of(pod).unwrap();
    let mut found = mounts.iter().filter(|mount| mount.destination == path);
    let mount = found.next().expect(path);
    assert!(found.next().is_none(), "{path} is mounted twice");
    format!("{} {}", mount.source, mount.options.join(","))
}

#[test]
fn volumes_and_the_usual_files() {
    let pod = with(
        json!([
            {"name": "tmp", "mountPath": "/a/b"},
            {"name": "host", "mountPath": "/a", "readOnly": true, "mountPropagation": "HostToContainer"},
            {"name": "conf", "mountPath": "conf", "mountPropagation": "Bidirectional"},
        ]),
        json!({"terminationMessagePath": "/run/last"}),
    );
    assert_eq!(at(&pod, "/a/b"), format!("{VOLUMES}/kubernetes.io~empty-dir/tmp rbind,rprivate,rw"));
    assert_eq!(at(&pod, "/a"), "/srv rbind,rslave,ro");
    assert_eq!(at(&pod, "/conf"), format!("{VOLUMES}/kubernetes.io~configmap/conf rbind,rshared,ro"));
    assert_eq!(at(&pod, "/etc/hosts"), "/agent/pods/u-1/etc-hosts rbind,rprivate,rw");
    assert_eq!(at(&pod, "/etc/resolv.conf"), "/agent/pods/u-1/resolv.conf rbind,rprivate,rw");
    assert_eq!(at(&pod, "/etc/hostname"), "/agent/pods/u-1/hostname rbind,rprivate,rw");
    assert_eq!(at(&pod, "/dev/shm"), "/agent/pods/u-1/shm rbind,rprivate,rw");
    assert_eq!(at(&pod, "/run/last"), "/agent/pods/u-1/containers/main/1 rbind,rprivate,rw");
    let paths: Vec<String> = mounts_of(&pod).unwrap().into_iter().map(|mount| mount.destination).collect();
    let place = |path: &str| paths.iter().position(|known| known == path).unwrap();
    assert!(place("/a") < place("/a/b"), "{paths:?}");
}

#[test]
fn the_pods_own_mounts_take_the_place_of_the_usual() {
    let pod = with(
        json!([{"name": "host", "mountPath": "/etc/hosts", "subPath": "hosts"}]),
        json!({"securityContext": {"readOnlyRootFilesystem": true}}),
    );
    assert_eq!(at(&pod, "/etc/hosts"), "/agent/pods/u-1/volume-subpaths/host/main/0 rbind,rprivate,rw");
    assert_eq!(at(&pod, "/etc/hostname"), "/agent/pods/u-1/hostname rbind,rprivate,ro");
}

#[test]
fn parts_of_volumes() {
    let parts = |mount: Value| {
        let pod = with(json!([mount]), json!({}));
        let dirs = PodDirs::new(Path::new("/agent"), "u-1").unwrap();
        let variables = vec![("DIR".into(), "logs".into()), ("UP".into(), "..".into())];
        let environment = Environment { variables, ..Environment::default() };
        let found = sub_paths(&pod, main_of(&pod), &environment, &dirs);
        found.map(|parts| parts.into_iter().map(|part| part.path).collect::<Vec<_>>()).map_err(|e| e.message)
    };
    let mount = |field: &str, path: &str| json!({"name": "tmp", "mountPath": "/x", field: path});
    assert_eq!(parts(mount("subPath", "a/b")), Ok(vec!["a/b".to_owned()]));
    assert_eq!(parts(mount("subPath", "$(DIR)")), Ok(vec!["$(DIR)".to_owned()]));
    assert_eq!(parts(mount("subPathExpr", "$(DIR)/x")), Ok(vec!["logs/x".to_owned()]));
    assert_eq!(parts(mount("subPath", "")), Ok(vec![]));
    assert_eq!(parts(mount("subPathExpr", "$(NONE)")), Err("missing value for \"NONE\"".into()));
    let up = "unable to provision SubPath `a/../b`: must not contain '..'";
    assert_eq!(parts(mount("subPath", "a/../b")), Err(up.into()));
    assert!(parts(mount("subPathExpr", "$(UP)/x")).is_err());
    assert!(parts(mount("subPath", "/etc")).is_err());
}

#[test]
fn what_cannot_be_mounted() {
    let rows = [
        (
            json!({"name": "none", "mountPath": "/x"}),
            "cannot find volume \"none\" to mount into container \"main\"",
        ),
        (json!({"name": "claim", "mountPath": "/x"}), "persistentVolumeClaim are not supported by this node"),
        (
            json!({"name": "tmp", "mountPath": "/x", "readOnly": true, "recursiveReadOnly": "Enabled"}),
            "requested recursive read-only mode, which is not supported by this node",
        ),
        (
            json!({"name": "tmp", "mountPath": "/x", "mountPropagation": "Odd"}),
            "invalid MountPropagation mode: \"Odd\"",
        ),
    ];
    for (mount, expected) in rows {
        let error = mounts_of(&with(json!([mount]), json!({}))).unwrap_err();
        assert!(error.message.ends_with(expected), "{error}");
        assert_eq!(error.reason.as_str(), "CreateContainerConfigError");
    }
}
