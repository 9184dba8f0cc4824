//! What configuring a container depends on besides its pod.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use network::Services;
use object::Quantity;

use super::needs::Fetched;
use super::resolv::ClusterDns;

/// The node, as far as its containers see it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// Name of the Node object.
    pub name: String,
    /// The host's name.
    pub hostname: String,
    /// Bytes of memory.
    pub memory: u64,
    /// CPU that pods may use; the default of a container's limit.
    pub allocatable_cpu: Quantity,
    /// Memory that pods may use; the default of a container's limit.
    pub allocatable_memory: Quantity,
    /// Local storage that pods may use; the default of a container's limit.
    pub allocatable_ephemeral_storage: Quantity,
}

/// What one attempt at a container depends on besides its pod.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Which attempt.
    pub attempt: u32,
    /// Restarts in a row.
    pub streak: u32,
    /// Addresses of the pod: the host's for a pod in the host's network.
    pub pod_ips: &'a [IpAddr],
    /// Addresses of the node.
    pub host_ips: &'a [IpAddr],
    /// The node.
    pub node: &'a Node,
    /// User that the image names, as `user`, `0`, `1000:1000`; may be empty.
    pub image_user: &'a str,
    /// Where the pod's files are.
    pub dirs: &'a PodDirs,
    /// Directory with the pod's pinned namespaces: `net`, `ipc`, `uts`.
    pub sandbox: &'a Path,
    /// Directory with the logs of all pods: `/var/log/pods`.
    pub log_root: &'a Path,
    /// Directory of the seccomp profiles that pods name.
    pub seccomp_root: &'a Path,
    /// Services of the cluster.
    pub services: &'a Services,
    /// What the pod refers to.
    pub fetched: &'a Fetched,
    /// The pod's cgroup, below each hierarchy's root.
    pub cgroup: &'a str,
    /// Limit of processes of a container.
    pub pids: Option<i64>,
    /// Names in the cluster.
    pub dns: &'a ClusterDns,
}

/// Where the files of one pod are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodDirs {
    root: PathBuf,
}

impl PodDirs {
    /// Those of the pod with this UID below the agent's directory. None where the UID cannot be a file name.
    pub fn new(agent: &Path, uid: &str) -> Option<Self> {
        is_file_name(uid).then(|| Self { root: agent.join("pods").join(uid) })
    }

    /// The pod's directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Directory of all volumes.
    pub fn volumes(&self) -> PathBuf {
        self.root.join("volumes")
    }

    /// Directory of a volume, by its kind's [`plugin`](crate::volumes::plugin) and its name.
    pub fn volume(&self, plugin: &str, name: &str) -> PathBuf {
        self.volumes().join(plugin).join(name)
    }

    /// Where a part of a volume is mounted, for one of a container's mounts.
    pub fn sub_path(&self, volume: &str, container: &str, index: usize) -> PathBuf {
        self.root.join("volume-subpaths").join(volume).join(container).join(index.to_string())
    }

    /// The file that becomes `/etc/hosts`.
    pub fn hosts(&self) -> PathBuf {
        self.root.join("etc-hosts")
    }

    /// The file that becomes `/etc/resolv.conf`.
    pub fn resolv_conf(&self) -> PathBuf {
        self.root.join("resolv.conf")
    }

    /// The file that becomes `/etc/hostname`.
    pub fn hostname(&self) -> PathBuf {
        self.root.join("hostname")
    }

    /// The directory that becomes `/dev/shm`.
    pub fn shm(&self) -> PathBuf {
        self.root.join("shm")
    }

    /// Directory of a container's own files.
    pub fn container(&self, name: &str) -> PathBuf {
        self.root.join("containers").join(name)
    }
}

/// Whether a text is one plain part of a path.
pub(crate) fn is_file_name(text: &str) -> bool {
    !text.is_empty() && text != "." && text != ".." && text.len() <= 255 && !text.contains(['/', '\0'])
}
