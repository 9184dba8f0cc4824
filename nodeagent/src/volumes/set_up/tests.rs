use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{Surroundings, pod};
use crate::volumes::mounts::{is_mount_point, mounts_below};
use crate::volumes::remove;
use crate::volumes::testing::with_own_mounts;

const GROUP: u32 = 4321;

fn pod_with(volumes: Value, group: Option<u32>) -> Pod {
    pod(json!({"containers": [], "volumes": volumes, "securityContext": {"fsGroup": group}}))
}

fn prepare_at(around: &Surroundings, pod: &Pod, second: i64) -> Result<(), VolumeError> {
    let now = Time::from_second(second).unwrap();
    prepare(&around.dirs, pod, &around.fetched, &around.node, now)
}

/// Mode, group and whether something is mounted.
fn about(path: &Path) -> (u32, u32, bool) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.mode() & 0o7777, metadata.gid(), is_mount_point(path).unwrap())
}

#[test]
fn every_kind_is_made_kept_and_removed() {
    with_own_mounts(|agent| {
        let around = Surroundings::below(agent).with_sources("conf", json!({"a": "1"}));
        let outside = agent.join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "x").unwrap();
        let volumes = json!([
            {"name": "disk", "emptyDir": {}},
            {"name": "mem", "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            {"name": "conf", "configMap": {"name": "conf"}},
            {"name": "sec", "secret": {"secretName": "conf"}},
            {"name": "host", "hostPath": {"path": outside, "type": "Directory"}},
        ]);
        let pod = pod_with(volumes, Some(GROUP));
        prepare_at(&around, &pod, 0).unwrap();
        let at = |plugin: &str, name: &str| around.dirs.volume(&format!("kubernetes.io~{plugin}"), name);
        let (disk, memory) = (at("empty-dir", "disk"), at("empty-dir", "mem"));
        assert_eq!(about(&disk), (0o2777, GROUP, false));
        assert_eq!(about(&memory), (0o3777, GROUP, true));
        assert_eq!(about(&at("configmap", "conf")), (0o2777, GROUP, false));
        assert_eq!(about(&at("secret", "sec")), (0o3777, GROUP, true));
        assert_eq!(fs::read_to_string(at("secret", "sec").join("a")).unwrap(), "1");
        let too_big = fs::write(memory.join("big"), vec![0; 2 << 20]).unwrap_err();
        assert_eq!(too_big.kind(), std::io::ErrorKind::StorageFull);
        // again: what containers wrote stays, nothing is mounted twice
        fs::write(disk.join("mine"), "x").unwrap();
        let mounted = mounts_below(around.dirs.root()).unwrap();
        prepare_at(&around, &pod, 1).unwrap();
        assert_eq!(mounts_below(around.dirs.root()).unwrap(), mounted);
        assert_eq!(mounted.len(), 2);
        assert!(disk.join("mine").exists());
        std::os::unix::fs::symlink(&outside, disk.join("link")).unwrap();
        remove(&around.dirs).unwrap();
        assert!(!around.dirs.root().exists());
        assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "x");
        remove(&around.dirs).unwrap();
    });
}

#[test]
fn changes_are_shown_and_losses_are_not() {
    with_own_mounts(|agent| {
        let around = Surroundings::below(agent).with_sources("conf", json!({"a": "1"}));
        let pod = pod_with(
            json!([{"name": "v", "configMap": {"name": "conf"}}, {"name": "e", "emptyDir": {}}]),
            None,
        );
        prepare_at(&around, &pod, 0).unwrap();
        let file = around.dirs.volume("kubernetes.io~configmap", "v").join("a");
        let again = |around: &Surroundings| {
            let now = Time::from_second(5).unwrap();
            refresh(&around.dirs, &pod, &around.fetched, &around.node, now)
        };
        assert_eq!(again(&around).unwrap(), [""; 0]);
        let mut around = around.with_sources("conf", json!({"a": "2"}));
        assert_eq!(again(&around).unwrap(), ["v"]);
        assert_eq!(fs::read_to_string(&file).unwrap(), "2");
        around.fetched.config_maps.insert("conf".into(), None);
        let error = again(&around).unwrap_err().to_string();
        assert_eq!(error, "MountVolume.SetUp failed for volume \"v\" : configmap \"conf\" not found");
        assert_eq!(fs::read_to_string(&file).unwrap(), "2");
    });
}

#[test]
fn what_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let around = Surroundings::below(dir.path());
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let failed = "MountVolume.SetUp failed for volume \"v\" : ";
    let rows = [
        (json!({"secret": {"secretName": "s"}}), "secret \"s\" not found".to_owned()),
        (
            json!({"nfs": {"server": "s", "path": "/"}}),
            "volumes of kind nfs are not supported by this node".into(),
        ),
        (
            json!({"emptyDir": {"medium": "HugePages"}}),
            "storage medium \"HugePages\" is not supported by this node".into(),
        ),
        (
            json!({"hostPath": {"path": file, "type": "Directory"}}),
            format!("hostPath type check failed: {} is not a directory", file.display()),
        ),
    ];
    for (mut volume, expected) in rows {
        volume["name"] = json!("v");
        let error = prepare_at(&around, &pod_with(json!([volume]), None), 0).unwrap_err();
        assert_eq!(error.to_string(), format!("{failed}{expected}"));
        assert_eq!(error.reason().as_str(), "FailedMount");
    }
    let error = prepare_at(&around, &pod_with(json!([{"name": "../x", "emptyDir": {}}]), None), 0);
    assert!(error.is_err());
}
