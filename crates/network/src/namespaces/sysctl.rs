//! Kernel settings of a pod.

use std::fs;
use std::path::{Path, PathBuf};

use crate::Error;

/// How the names of an IPC namespace's settings begin.
const OF_IPC: [&str; 4] = ["kernel/shm", "kernel/msg", "kernel/sem", "fs/mqueue/"];

/// Sets a sysctl for the namespaces of the calling thread.
///
/// The name is separated by dots or slashes, as sysctl(8) has it. Refused are those that are not of a network
/// namespace (where the pod has its `net`) or IPC namespace (where it has its `ipc`): they would change the
/// node.
pub(super) fn set(name: &str, value: &str, net: bool, ipc: bool) -> Result<(), Error> {
    let path = slashed(name);
    let own = net && path.starts_with("net/") || ipc && OF_IPC.iter().any(|prefix| path.starts_with(prefix));
    if !own || path.split('/').any(|part| part.is_empty() || part == "." || part == "..") {
        return Err(Error::Sysctl(name.to_owned()));
    }
    let file = PathBuf::from("/proc/sys").join(path);
    fs::write(&file, value).map_err(Error::file("writing", &file))
}

/// Sets a sysctl of the calling thread's network namespace, unless it has that value already: `/proc/sys` may
/// well be read-only.
pub(crate) fn ensure(path: &Path, value: &str) -> Result<(), Error> {
    if fs::read_to_string(path).is_ok_and(|current| current.trim() == value) {
        return Ok(());
    }
    fs::write(path, value).map_err(Error::file("writing", path))
}

/// The name with slashes for separators. Where a dot separates, a slash stands for a dot within a part.
fn slashed(name: &str) -> String {
    let first = name.find(['.', '/']).and_then(|at| name.as_bytes().get(at));
    if first == Some(&b'/') {
        return name.to_owned();
    }
    let swap = |letter| match letter {
        '.' => '/',
        '/' => '.',
        other => other,
    };
    name.chars().map(swap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_separated_by_what_comes_first() {
        assert_eq!(slashed("net.core.somaxconn"), "net/core/somaxconn");
        assert_eq!(slashed("net/ipv4/conf/eth0.1/rp_filter"), "net/ipv4/conf/eth0.1/rp_filter");
        assert_eq!(slashed("net.ipv4.conf.eth0/1.rp_filter"), "net/ipv4/conf/eth0.1/rp_filter");
    }

    #[test]
    fn only_the_pods_own_are_set() {
        for (name, net, ipc) in [
            ("vm.swappiness", true, true),
            ("net.core.somaxconn", false, true),
            ("kernel.shmmax", true, false),
            ("net/../vm/swappiness", true, true),
            ("net..core", true, true),
            ("", true, true),
        ] {
            assert!(matches!(set(name, "1", net, ipc), Err(Error::Sysctl(_))), "{name}");
        }
    }
}
