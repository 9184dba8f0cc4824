//! Capabilities (capabilities(7)).

use crate::error::Error;
use crate::spec::Security;

/// All, in the kernel's order: a capability's place is its bit.
const ALL: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];

/// What every container gets.
const DEFAULT: [&str; 14] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
];

/// A container's capabilities, without `CAP_`, of those the host can give.
pub(super) fn capabilities(security: &Security, available: u64) -> Result<Vec<&'static str>, Error> {
    let (drop, add) = (bits(&security.drop)?, bits(&security.add)?);
    let granted = match security.privileged {
        true => u64::MAX,
        false => (DEFAULT.iter().fold(0, |set, name| set | bit(name)) & !drop) | add,
    };
    let held =
        |(place, name): (usize, &&'static str)| ((granted & available) >> place & 1 == 1).then_some(*name);
    Ok(ALL.iter().enumerate().filter_map(held).collect())
}

fn bits(names: &[String]) -> Result<u64, Error> {
    names.iter().try_fold(0, |set, name| {
        let upper = name.to_ascii_uppercase();
        match upper.strip_prefix("CAP_").unwrap_or(&upper) {
            "ALL" => Ok(u64::MAX),
            known if bit(known) != 0 => Ok(set | bit(known)),
            _ => Err(Error::Spec(format!("unknown capability to add or drop: {name:?}"))),
        }
    })
}

fn bit(name: &str) -> u64 {
    ALL.iter().position(|other| *other == name).map_or(0, |place| 1 << place)
}
