use std::fs;

use super::*;
use crate::volumes::mounts::bind;
use crate::volumes::testing::with_own_mounts;

#[test]
fn what_is_mounted_from_elsewhere_survives() {
    with_own_mounts(|agent| {
        let dirs = PodDirs::new(agent, "u-1").unwrap();
        let (outside, inside) = (agent.join("outside"), dirs.root().join("a/b"));
        fs::create_dir_all(&inside).unwrap();
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "").unwrap();
        bind(&outside, &inside).unwrap();
        bind(&outside, &inside).unwrap();
        remove(&dirs).unwrap();
        assert!(!dirs.root().exists());
        assert!(outside.join("kept").exists());
    });
}

#[test]
fn while_a_mount_is_in_use_nothing_is_deleted() {
    with_own_mounts(|agent| {
        let dirs = PodDirs::new(agent, "u-1").unwrap();
        let inside = dirs.root().join("shm");
        fs::create_dir_all(&inside).unwrap();
        super::super::mount_tmpfs(&inside, "size=1m").unwrap();
        let held = fs::File::create(inside.join("open")).unwrap();
        let error = remove(&dirs).unwrap_err().to_string();
        assert!(error.contains("busy"), "{error}");
        assert!(inside.join("open").exists());
        drop(held);
        remove(&dirs).unwrap();
        assert!(!dirs.root().exists());
    });
}
