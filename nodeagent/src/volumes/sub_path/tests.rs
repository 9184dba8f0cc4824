use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;
use crate::volumes::testing::with_own_mounts;

fn part(agent: &Path, path: &str) -> SubPath {
    SubPath {
        volume: "v".into(),
        root: agent.join("volume"),
        path: path.into(),
        target: agent.join("sub/v/main/0"),
    }
}

#[test]
fn directories_are_made_and_files_are_found() {
    with_own_mounts(|agent| {
        let volume = agent.join("volume");
        fs::create_dir(&volume).unwrap();
        fs::set_permissions(&volume, Permissions::from_mode(0o2777)).unwrap();
        let new = part(agent, "a/./b/");
        bind_sub_path(&new).unwrap();
        assert_eq!(fs::metadata(volume.join("a/b")).unwrap().mode() & 0o7777, 0o2777);
        fs::write(new.target.join("seen"), "").unwrap();
        assert!(volume.join("a/b/seen").exists());
        fs::write(volume.join("file"), "text").unwrap();
        let file = part(agent, "file");
        bind_sub_path(&file).unwrap();
        assert_eq!(fs::read_to_string(&file.target).unwrap(), "text");
        bind_sub_path(&file).unwrap();
        assert_eq!(super::super::mounts::mounts_below(agent).unwrap(), [file.target]);
    });
}

#[test]
fn no_link_leads_out() {
    with_own_mounts(|agent| {
        let volume = agent.join("volume");
        fs::create_dir_all(volume.join("real")).unwrap();
        fs::create_dir(agent.join("secret")).unwrap();
        for (name, target) in
            [("up", "../secret"), ("absolute", "/etc"), ("inside", "real"), ("lost", "none")]
        {
            symlink(target, volume.join(name)).unwrap();
        }
        bind_sub_path(&part(agent, "inside/new")).unwrap();
        assert!(volume.join("real/new").exists());
        for path in ["up", "up/x", "absolute", "absolute/ssl", "lost/x"] {
            let target = agent.join("sub/other");
            let error = bind_sub_path(&SubPath { target: target.clone(), ..part(agent, path) });
            assert!(error.is_err(), "{path}");
            assert!(!target.exists());
        }
        assert_eq!(fs::read_dir(agent.join("secret")).unwrap().count(), 0);
    });
}
