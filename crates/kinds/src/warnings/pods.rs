//! Pods, and templates of pods.

mod containers;
mod lists;
mod paths;
mod placement;
mod ports;
mod profiles;

use object::Value;

use super::{address, names, notes, of_claim, volumes};
use crate::rules::{At, Read};

/// Annotations that became fields.
const NOTES: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    (
        "security.alpha.kubernetes.io/unsafe-sysctls",
        "non-functional in v1.11+; use the \"sysctls\" field instead",
    ),
];

/// What is odd about a new pod.
pub(crate) fn of_pod(pod: &Value) -> Vec<String> {
    let root = At::root(pod);
    let mut warnings = profiles::of_pod(&root);
    let used = "this is used in the Pod's hostname, which can result in surprising behavior";
    warnings.extend(names::hostname(pod, used));
    warnings.extend(of_any(&root, false));
    warnings
}

/// What is odd about a template of pods.
pub(crate) fn of_template(template: &At) -> Vec<String> {
    if template.is_null() { Vec::new() } else { of_any(template, true) }
}

/// What is odd about the addresses that the status of a pod tells of.
pub(crate) fn addresses(pod: &Value) -> Vec<String> {
    let status = At::root(pod).field("status");
    let all = status.each("podIPs").chain(status.each("hostIPs"));
    all.filter_map(|one| address(&one.path("ip"), one.text("ip"))).collect()
}

/// In upstream's order.
fn of_any(pod: &At, is_template: bool) -> Vec<String> {
    let spec = pod.field("spec");
    let parts = [
        placement::labels(&spec),
        notes::deprecated(pod, &NOTES),
        spec.each("volumes").flat_map(|volume| of_volume(&volume)).collect(),
        paths::overlaps(&spec),
        lists::repeated(&spec),
        lists::overhead(&spec),
        profiles::seccomp_of_pod(pod).into_iter().collect(),
        containers::all(&spec).flat_map(|one| containers::of_container(pod, &one, is_template)).collect(),
        ports::of_pod(&spec),
        lists::grace(&spec).into_iter().collect(),
        placement::selectors(&spec),
        lists::addresses(&spec),
    ];
    parts.concat()
}

fn of_volume(volume: &At) -> Vec<String> {
    let mut warnings = volumes::gone(volume);
    if volume.has("gitRepo") {
        let text = "deprecated in v1.11, and disabled by default in v1.33+";
        warnings.push(format!("{}: {text}", volume.path("gitRepo")));
    }
    warnings.extend(of_claim(&volume.field("ephemeral.volumeClaimTemplate.spec")));
    warnings
}
