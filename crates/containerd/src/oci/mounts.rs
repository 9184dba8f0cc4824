//! The usual mounts and the container's.

use serde_json::{Value, json};

use crate::spec::ContainerSpec;

pub(super) fn build(spec: &ContainerSpec) -> Vec<Value> {
    let access = if spec.security.privileged { "rw" } else { "ro" };
    let usual: [(&str, &str, &str, &[&str]); 7] = [
        ("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        ("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        (
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        ("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]),
        ("/dev/shm", "tmpfs", "shm", &["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
        ("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", access]),
        ("/sys/fs/cgroup", "cgroup", "cgroup", &["nosuid", "noexec", "nodev", "relatime", access]),
    ];
    let replaced = |destination: &str| spec.mounts.iter().any(|mount| mount.destination == destination);
    let usual = usual.into_iter().filter(|(destination, ..)| !replaced(destination)).map(
        |(destination, kind, source, options)| {
            json!({ "destination": destination, "type": kind, "source": source, "options": options })
        },
    );
    let own = spec.mounts.iter().map(|mount| {
        json!({
            "destination": mount.destination, "type": mount.kind, "source": mount.source,
            "options": mount.options,
        })
    });
    usual.chain(own).collect()
}

/// The root's propagation, so that shared mounts can be.
pub(super) fn propagation(spec: &ContainerSpec) -> Option<&'static str> {
    let any =
        |option: &str| spec.mounts.iter().any(|mount| mount.options.iter().any(|other| other == option));
    match (any("rshared"), any("rslave")) {
        (true, _) => Some("rshared"),
        (false, true) => Some("rslave"),
        (false, false) => None,
    }
}
