//! Which hierarchies of control groups a host has.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::CgroupError;

/// Controllers that a pod's limits need.
const NEEDED: [&str; 2] = ["cpu", "memory"];

/// The hierarchies of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hierarchies {
    /// One hierarchy per controller, or few; a version 2 hierarchy beside them has none.
    V1(Vec<Hierarchy>),
    /// One hierarchy with all controllers, mounted here.
    V2(PathBuf),
}

/// One hierarchy of version 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hierarchy {
    /// Where it is mounted.
    pub mount: PathBuf,
    /// Its controllers; `name=…`, or nothing, for one without.
    pub controllers: Vec<String>,
}

/// What is known of a mount.
struct Mounted<'a> {
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl Hierarchies {
    /// Finds the hierarchies below a root directory: `/` but in tests. Where version 1 has the controllers that
    /// pods need, it is used; in a version 2 hierarchy beside it (hybrid) runc makes groups without limits.
    pub fn find(root: &Path) -> Result<Self, CgroupError> {
        let file = root.join("proc/self/mountinfo");
        let text = fs::read(&file).map_err(CgroupError::io("reading", &file))?;
        let text = String::from_utf8_lossy(&text);
        let mounts: Vec<Mounted<'_>> = text.lines().filter_map(Mounted::parse).collect();
        let at = |mounted: &Mounted<'_>| root.join(mounted.point.trim_start_matches('/'));
        let mut v1: Vec<Hierarchy> = Vec::new();
        for mounted in mounts.iter().filter(|mounted| mounted.kind == "cgroup") {
            let hierarchy = Hierarchy { mount: at(mounted), controllers: mounted.controllers() };
            // the same hierarchy may be mounted more than once
            if !v1.iter().any(|known| known.controllers == hierarchy.controllers) {
                v1.push(hierarchy);
            }
        }
        let v2 = mounts.iter().find(|mounted| mounted.kind == "cgroup2").map(at);
        if v1.iter().any(|hierarchy| hierarchy.has("memory") || hierarchy.has("cpu")) {
            v1.extend(v2.map(|mount| Hierarchy { mount, controllers: Vec::new() }));
            return Self::V1(v1).checked();
        }
        v2.map(Self::V2).ok_or(CgroupError::None)?.checked()
    }

    fn checked(self) -> Result<Self, CgroupError> {
        for controller in NEEDED {
            let there = match &self {
                Self::V1(all) => all.iter().any(|hierarchy| hierarchy.has(controller)),
                Self::V2(mount) => available(mount)?.iter().any(|known| known == controller),
            };
            if !there {
                return Err(CgroupError::Controller(controller));
            }
        }
        Ok(self)
    }
}

impl Hierarchy {
    /// Whether it has a controller.
    pub fn has(&self, controller: &str) -> bool {
        self.controllers.iter().any(|known| known == controller)
    }
}

/// The controllers that a version 2 group can hand on.
pub(super) fn available(group: &Path) -> Result<Vec<String>, CgroupError> {
    let file = group.join("cgroup.controllers");
    let text = fs::read_to_string(&file).map_err(CgroupError::io("reading", &file))?;
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

impl<'a> Mounted<'a> {
    /// Reads `ID PARENT DEV ROOT POINT OPTIONS… - KIND SOURCE OPTIONS`.
    fn parse(line: &'a str) -> Option<Self> {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        Some(Self { point: before.split(' ').nth(4)?, kind: after.next()?, options: after.nth(1)? })
    }

    fn controllers(&self) -> Vec<String> {
        let plain = |option: &&str| !matches!(*option, "rw" | "ro" | "xattr" | "none" | "clone_children");
        self.options.split(',').filter(plain).map(str::to_owned).collect()
    }
}
