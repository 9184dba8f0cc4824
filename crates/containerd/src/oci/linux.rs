//! Namespaces, cgroup, resources, devices, masked paths.

use serde_json::{Map, Value, json};

use super::devices::Device;
use super::host::Host;
use super::{mounts, seccomp};
use crate::error::Error;
use crate::spec::{ContainerSpec, Namespace, Resources};

const MASKED: [&str; 10] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
];

const READ_ONLY: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

pub(super) fn build(spec: &ContainerSpec, host: &Host) -> Result<Value, Error> {
    let security = &spec.security;
    let mut linux = json!({
        "namespaces": namespaces(spec, host),
        "resources": resources(&spec.resources, security.privileged, host),
    });
    if !spec.cgroup.is_empty() {
        linux["cgroupsPath"] = json!(spec.cgroup);
    }
    if security.privileged {
        linux["devices"] = host.devices.iter().map(Device::json).collect();
    } else {
        if !security.unmasked_proc {
            linux["maskedPaths"] = json!(MASKED);
            linux["readonlyPaths"] = json!(READ_ONLY);
        }
        if let Some(profile) = seccomp::profile(security, host)? {
            linux["seccomp"] = profile;
        }
    }
    if let Some(propagation) = mounts::propagation(spec) {
        linux["rootfsPropagation"] = json!(propagation);
    }
    Ok(linux)
}

fn namespaces(spec: &ContainerSpec, host: &Host) -> Vec<Value> {
    let namespaces = &spec.namespaces;
    let kinds = [
        ("network", &namespaces.network),
        ("ipc", &namespaces.ipc),
        ("uts", &namespaces.uts),
        ("pid", &namespaces.pid),
        ("mount", &Namespace::New),
    ];
    let entry = |(kind, from): (&str, &Namespace)| match from {
        Namespace::New => Some(json!({ "type": kind })),
        Namespace::At(path) => Some(json!({ "type": kind, "path": path })),
        Namespace::Host => None,
    };
    let cgroup = (host.unified_cgroups && !spec.security.privileged).then(|| json!({ "type": "cgroup" }));
    kinds.into_iter().filter_map(entry).chain(cgroup).collect()
}

/// With version 2 all processes of a container go together when its memory is used up, and none is swapped out, as with
/// Kubernetes since 1.28.
fn resources(resources: &Resources, all_devices: bool, host: &Host) -> Value {
    let unified = present([
        ("memory.oom.group", host.unified_cgroups.then(|| "1".into())),
        ("memory.swap.max", host.swap_limits.then(|| "0".into())),
    ]);
    let pages = |(size, limit): (&String, &u64)| json!({ "pageSize": size, "limit": limit });
    json!({
        "devices": [{ "allow": all_devices, "access": "rwm" }],
        "cpu": present([
            ("shares", resources.cpu_shares.map(Value::from)),
            ("quota", resources.cpu_quota.map(Value::from)),
            ("period", resources.cpu_period.map(Value::from)),
            ("cpus", resources.cpuset.clone().map(Value::from)),
        ]),
        "memory": present([("limit", resources.memory_limit.map(Value::from))]),
        "hugepageLimits": resources.hugepages.iter().map(pages).collect::<Vec<_>>(),
        "pids": { "limit": resources.pids.unwrap_or(0) },
        "unified": unified,
    })
}

fn present<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(fields.collect::<Map<_, _>>())
}
