//! Makes, changes and removes the groups.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::CgroupError;
use super::hierarchies::{Hierarchies, available};
use super::removal::{directories, end_processes, remove_tree, remove_unused};
use super::settings::{NodeResources, Setting, of_node, of_pod, of_shares};
use crate::pod_config::{PodResources, Qos, shares_of};

const PODS: &str = "kubepods";
const BURSTABLE: &str = "burstable";
const BEST_EFFORT: &str = "besteffort";
/// Controllers that groups hand on in version 2, where there are.
const HANDED_ON: [&str; 6] = ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"];
/// Files that a new cpuset of version 1 must take over before processes may enter.
const CPUSET: [&str; 2] = ["cpuset.cpus", "cpuset.mems"];

/// The control groups of a node's pods.
#[derive(Clone, Debug)]
pub struct Cgroups {
    hierarchies: Hierarchies,
    /// Below each hierarchy's root, without slashes at the ends; may be empty.
    prefix: String,
}

impl Cgroups {
    /// Those below a prefix: empty but where several agents share a host.
    pub fn new(hierarchies: Hierarchies, prefix: &str) -> Result<Self, CgroupError> {
        let prefix = prefix.trim_matches('/');
        if prefix.split('/').any(|part| part == ".." || part == ".") {
            return Err(CgroupError::Name(prefix.to_owned()));
        }
        Ok(Self { hierarchies, prefix: prefix.to_owned() })
    }

    /// Path of a pod's group below each hierarchy's root, as [`Context`](crate::pod_config::Context) needs it.
    pub fn pod_path(&self, uid: &str, qos: Qos) -> String {
        format!("{}/pod{uid}", self.class_path(qos))
    }

    fn class_path(&self, qos: Qos) -> String {
        let pods = self.pods_path();
        match qos {
            Qos::Guaranteed => pods,
            Qos::Burstable => format!("{pods}/{BURSTABLE}"),
            Qos::BestEffort => format!("{pods}/{BEST_EFFORT}"),
        }
    }

    fn pods_path(&self) -> String {
        match self.prefix.as_str() {
            "" => format!("/{PODS}"),
            prefix => format!("/{prefix}/{PODS}"),
        }
    }

    /// Makes the group of all pods and those of the classes, or updates their limits.
    pub fn set_up(&self, node: &NodeResources) -> Result<(), CgroupError> {
        self.make(&self.pods_path(), &of_node(node))?;
        self.make(&self.class_path(Qos::BestEffort), &[of_shares(shares_of(0))])?;
        self.make(&self.class_path(Qos::Burstable), &[])
    }

    /// Sets the weight of all burstable pods: what they ask for together, in thousandths of a CPU.
    pub fn set_burstable(&self, cpu_request: i64) -> Result<(), CgroupError> {
        self.make(&self.class_path(Qos::Burstable), &[of_shares(shares_of(cpu_request))])
    }

    /// Makes a pod's group, or updates its limits.
    pub fn set_pod(&self, uid: &str, qos: Qos, resources: &PodResources) -> Result<(), CgroupError> {
        self.make(&self.checked_pod(uid, qos)?, &of_pod(resources))
    }

    /// Removes a pod's group and those in it, wherever they are, and ends what still runs there. It is tried again
    /// until the patience is over; blocks meanwhile.
    pub fn remove_pod(&self, uid: &str, qos: Qos, patience: Duration) -> Result<(), CgroupError> {
        self.remove(&self.checked_pod(uid, qos)?, patience)
    }

    /// Removes the groups of all pods and classes, and ends what still runs there: of an agent that leaves the
    /// host. The group of the prefix stays while others use it.
    pub fn remove_all(&self, patience: Duration) -> Result<(), CgroupError> {
        self.remove(&self.pods_path(), patience)?;
        match self.prefix.as_str() {
            "" => Ok(()),
            prefix => self.mounts().into_iter().try_for_each(|mount| remove_unused(&mount.join(prefix))),
        }
    }

    /// UIDs of the pods that have groups, of any class.
    pub fn pods(&self) -> Result<Vec<(String, Qos)>, CgroupError> {
        let mut pods = Vec::new();
        for qos in [Qos::Guaranteed, Qos::Burstable, Qos::BestEffort] {
            for mount in self.mounts() {
                for name in directories(&mount.join(&self.class_path(qos)[1..]))? {
                    let uid = name.strip_prefix("pod").map(|uid| (uid.to_owned(), qos));
                    pods.extend(uid.filter(|pod| !pods.contains(pod)));
                }
            }
        }
        Ok(pods)
    }

    /// Ends the processes in the group that a container has in its pod's.
    pub fn end_processes(&self, uid: &str, qos: Qos, container: &str) -> Result<(), CgroupError> {
        let group = format!("{}/{container}", &self.checked_pod(uid, qos)?[1..]);
        self.mounts().into_iter().for_each(|mount| end_processes(&mount.join(&group)));
        Ok(())
    }

    /// Whether the kernel ended a process in the group that a container has in its pod's for want of memory. The
    /// group is there until the container's task is deleted; of one that is not there, nobody knows.
    pub fn oom_killed(&self, uid: &str, qos: Qos, container: &str) -> Result<bool, CgroupError> {
        let group = format!("{}/{container}", &self.checked_pod(uid, qos)?[1..]);
        let file = match &self.hierarchies {
            Hierarchies::V1(all) => match all.iter().find(|hierarchy| hierarchy.has("memory")) {
                Some(memory) => memory.mount.join(group).join("memory.oom_control"),
                None => return Ok(false),
            },
            Hierarchies::V2(mount) => mount.join(group).join("memory.events"),
        };
        match fs::read_to_string(&file) {
            Ok(text) => Ok(text
                .lines()
                .any(|line| line.strip_prefix("oom_kill ").is_some_and(|count| count.trim() != "0"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(CgroupError::io("reading", &file)(error)),
        }
    }

    fn checked_pod(&self, uid: &str, qos: Qos) -> Result<String, CgroupError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        match !uid.is_empty() && uid.bytes().all(plain) {
            true => Ok(self.pod_path(uid, qos)),
            false => Err(CgroupError::Name(uid.to_owned())),
        }
    }

    fn mounts(&self) -> Vec<&Path> {
        match &self.hierarchies {
            Hierarchies::V1(all) => all.iter().map(|hierarchy| hierarchy.mount.as_path()).collect(),
            Hierarchies::V2(mount) => vec![mount],
        }
    }

    fn make(&self, path: &str, settings: &[Setting]) -> Result<(), CgroupError> {
        match &self.hierarchies {
            Hierarchies::V1(all) => {
                for hierarchy in all {
                    let group = make_v1(&hierarchy.mount, path, hierarchy.has("cpuset"))?;
                    for setting in settings.iter().filter(|setting| hierarchy.has(setting.controller)) {
                        write(&group.join(setting.file.0), &setting.value.0)?;
                    }
                }
                Ok(())
            }
            Hierarchies::V2(mount) => {
                let group = make_v2(mount, path)?;
                let controllers = available(&group)?;
                let offered = |setting: &&Setting| controllers.iter().any(|c| c == setting.controller);
                let named = settings.iter().filter(|setting| !setting.file.1.is_empty());
                named.filter(offered).try_for_each(|s| write(&group.join(s.file.1), &s.value.1))
            }
        }
    }

    fn remove(&self, path: &str, patience: Duration) -> Result<(), CgroupError> {
        let deadline = Instant::now() + patience;
        self.mounts().into_iter().try_for_each(|mount| remove_tree(&mount.join(&path[1..]), deadline))
    }
}

/// The groups from the root's child down to a path.
fn steps<'a>(mount: &'a Path, path: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    let mut group = mount.to_owned();
    path.split('/').filter(|name| !name.is_empty()).map(move |name| {
        group.push(name);
        group.clone()
    })
}

fn make_v1(mount: &Path, path: &str, cpuset: bool) -> Result<PathBuf, CgroupError> {
    let mut parent = mount.to_owned();
    for group in steps(mount, path) {
        make_directory(&group)?;
        if cpuset {
            CPUSET.iter().try_for_each(|file| take_over(&parent.join(file), &group.join(file)))?;
        }
        parent = group;
    }
    Ok(parent)
}

fn make_v2(mount: &Path, path: &str) -> Result<PathBuf, CgroupError> {
    let mut parent = mount.to_owned();
    for group in steps(mount, path) {
        hand_on(&parent)?;
        make_directory(&group)?;
        parent = group;
    }
    // the pod's containers are groups of their own
    hand_on(&parent)?;
    Ok(parent)
}

/// Lets a group's children have the controllers that it has.
fn hand_on(group: &Path) -> Result<(), CgroupError> {
    let file = group.join("cgroup.subtree_control");
    let enabled = fs::read_to_string(&file).map_err(CgroupError::io("reading", &file))?;
    for controller in available(group)? {
        let known = HANDED_ON.contains(&controller.as_str());
        if known && !enabled.split_whitespace().any(|enabled| enabled == controller) {
            write(&file, &format!("+{controller}"))?;
        }
    }
    Ok(())
}

fn make_directory(group: &Path) -> Result<(), CgroupError> {
    match fs::create_dir(group) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(CgroupError::io("making", group)(error))
        }
        _ => Ok(()),
    }
}

/// Gives a group the parent's value where it has none.
fn take_over(parent: &Path, own: &Path) -> Result<(), CgroupError> {
    let read = |file: &Path| fs::read_to_string(file).map_err(CgroupError::io("reading", file));
    if !read(own)?.trim().is_empty() {
        return Ok(());
    }
    write(own, read(parent)?.trim())
}

fn write(file: &Path, value: &str) -> Result<(), CgroupError> {
    fs::write(file, value).map_err(CgroupError::io("writing", file))
}

#[cfg(test)]
mod tests;
