//! A container to make.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// A container to make: what goes into its OCI specification beyond what the image says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerSpec {
    /// Id: unique in the containerd namespace.
    pub id: String,
    /// Name of a present image.
    pub image: String,
    /// Labels of the container record: how it is found again.
    pub labels: BTreeMap<String, String>,
    /// Containers of one group share a shim (OCI annotation `io.containerd.runc.v2.group`).
    pub group: String,
    /// Replaces the image's entry point; then the image's command counts no more.
    pub command: Vec<String>,
    /// Replaces the image's command.
    pub args: Vec<String>,
    /// Environment, set over the image's, in this order.
    pub env: Vec<(String, String)>,
    /// Replaces the image's working directory.
    pub working_dir: Option<String>,
    /// Who runs it.
    pub user: User,
    /// Host name, where the UTS namespace is new.
    pub hostname: Option<String>,
    /// Mounts over the root file system, besides the usual ones (`/proc`, `/dev`, `/sys`, …), in this order. One at
    /// `/dev/shm` replaces the usual one.
    pub mounts: Vec<Mount>,
    /// Namespaces.
    pub namespaces: Namespaces,
    /// Path of its cgroup below each hierarchy's root, as `/kubepods/pod1/c1`; made by runc.
    pub cgroup: String,
    /// What it may use.
    pub resources: Resources,
    /// What it may do.
    pub security: Security,
    /// Whether it has a terminal.
    pub tty: bool,
    /// Whether it has standard input.
    pub stdin: bool,
    /// Where its output goes, in the CRI's log format; its directory is made. None discards.
    pub log: Option<PathBuf>,
}

/// Who runs the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// User id; none takes the image's user, resolved by the root file system's `/etc/passwd`.
    pub uid: Option<u32>,
    /// Group id; none takes the image's, or that user's.
    pub gid: Option<u32>,
    /// Further group ids, besides those `/etc/group` gives the user.
    pub groups: Vec<u32>,
}

/// A mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mount {
    /// Absolute path in the container.
    pub destination: String,
    /// File system type: `bind`, `tmpfs`, ….
    pub kind: String,
    /// Path on the host, or the type's word for it.
    pub source: String,
    /// Options, as `rbind`, `ro`, `rprivate`, `size=65536k`.
    pub options: Vec<String>,
}

/// Where a namespace comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespace {
    /// A new one.
    #[default]
    New,
    /// The host's.
    Host,
    /// The one pinned at this path.
    At(PathBuf),
}

/// A container's namespaces; its mount namespace is always new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// Network.
    pub network: Namespace,
    /// Inter-process communication.
    pub ipc: Namespace,
    /// Host name.
    pub uts: Namespace,
    /// Processes.
    pub pid: Namespace,
}

/// Limits, in the cgroup v1 terms that the OCI specification uses; runc translates them for v2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resources {
    /// Relative weight, 2 to 262144.
    pub cpu_shares: Option<u64>,
    /// Microseconds per period; none is no limit.
    pub cpu_quota: Option<i64>,
    /// Microseconds.
    pub cpu_period: Option<u64>,
    /// Bytes.
    pub memory_limit: Option<i64>,
    /// CPUs, as `0-3`.
    pub cpuset: Option<String>,
    /// Huge page limits in bytes, by page size as `2MB`.
    pub hugepages: BTreeMap<String, u64>,
    /// Score adjustment of the out-of-memory killer; clamped to what this process may set.
    pub oom_score_adj: Option<i32>,
    /// Limit of processes.
    pub pids: Option<i64>,
}

/// What a container may do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// All capabilities and devices, nothing masked, sysfs and cgroups writable.
    pub privileged: bool,
    /// Whether the root file system is read-only.
    pub read_only: bool,
    /// Whether the process can gain privileges (setuid binaries).
    pub allow_escalation: bool,
    /// Capabilities beyond the default set, without `CAP_`; `ALL` is all.
    pub add: Vec<String>,
    /// Capabilities to take away; `ALL` is all. Applied before `add`.
    pub drop: Vec<String>,
    /// System calls.
    pub seccomp: Seccomp,
    /// Whether `/proc` is left unmasked.
    pub unmasked_proc: bool,
    /// AppArmor profile, where the host has AppArmor.
    pub apparmor: Option<String>,
}

/// Which system calls are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Seccomp {
    /// All.
    #[default]
    Unconfined,
    /// The usual ones of container runtimes.
    RuntimeDefault,
    /// What an OCI profile (JSON) in this file says.
    Localhost(PathBuf),
}
