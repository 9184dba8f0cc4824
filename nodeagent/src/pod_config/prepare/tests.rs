use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::*;
use crate::pod_config::testing::{Surroundings, main_of, pod};
use crate::volumes::testing::with_own_mounts;

#[test]
fn a_pods_files() {
    with_own_mounts(|agent| {
        let around = Surroundings::below(agent);
        let (dirs, host) = (&around.dirs, agent.join("hosts"));
        let pod = pod(json!({
            "volumes": [{"name": "tmp", "emptyDir": {}}],
            "containers": [{"name": "main",
                "volumeMounts": [{"name": "tmp", "mountPath": "/x", "subPath": "deep/er"}]}],
        }));
        let prepare =
            |ips: &[IpAddr]| prepare_pod(&pod, dirs, &around.node, &around.dns, ips, &host).unwrap();
        prepare(&around.pod_ips[..1]);
        assert_eq!(fs::read_to_string(dirs.hostname()).unwrap(), "web\n");
        assert!(fs::read_to_string(dirs.resolv_conf()).unwrap().contains("nameserver 10.96.0.10\n"));
        let inode = fs::metadata(dirs.hosts()).unwrap().ino();
        prepare(&around.pod_ips);
        assert!(fs::read_to_string(dirs.hosts()).unwrap().contains("fd00::5\tweb\n"));
        assert_eq!(fs::metadata(dirs.hosts()).unwrap().ino(), inode);
        assert_eq!(fs::metadata(dirs.shm()).unwrap().mode() & 0o7777, 0o1777);
        let volume = dirs.volume("kubernetes.io~empty-dir", "tmp");
        fs::create_dir_all(&volume).unwrap();
        let context = around.context();
        prepare_container(&pod, main_of(&pod), &context).unwrap();
        prepare_container(&pod, main_of(&pod), &context).unwrap();
        assert!(volume.join("deep/er").is_dir());
        let message = fs::metadata(dirs.container("main").join("2")).unwrap();
        assert_eq!((message.len(), message.mode() & 0o777), (0, 0o666));
        volumes::remove(dirs).unwrap();
        assert!(!dirs.root().exists());
    });
}

#[test]
fn in_the_hosts_network_the_hosts_file_counts() {
    with_own_mounts(|agent| {
        let around = Surroundings::below(agent);
        let host = agent.join("hosts");
        fs::write(&host, "192.0.2.1\tgateway\n").unwrap();
        let pod = pod(json!({"containers": [], "hostNetwork": true, "hostIPC": true}));
        prepare_pod(&pod, &around.dirs, &around.node, &around.dns, &[], &host).unwrap();
        let hosts = fs::read_to_string(around.dirs.hosts()).unwrap();
        assert_eq!(hosts, "# Kubernetes-managed hosts file (host network).\n192.0.2.1\tgateway\n");
        assert_eq!(fs::read_to_string(around.dirs.hostname()).unwrap(), "host-a\n");
        assert!(!around.dirs.shm().exists());
    });
}
