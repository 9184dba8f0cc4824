//! Annotations that stand where a field for a security profile should.

use object::Value;
use serde_json::json;

use super::containers;
use crate::rules::{At, Read};
use crate::warnings::notes;

const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const NO_SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
const OLD_APPARMOR: &str = "deprecated since v1.30; use the \"appArmorProfile\" field instead";
const SECCOMP_FIELD: &str = "securityContext.seccompProfile";
const APPARMOR_FIELD: &str = "securityContext.appArmorProfile";

/// The annotation of the whole pod without the field.
pub(super) fn seccomp_of_pod(pod: &At) -> Option<String> {
    let lacks = !pod.field("spec").has(SECCOMP_FIELD);
    lacks.then(|| notes::one(pod, SECCOMP_OF_POD, NO_SECCOMP)).flatten()
}

/// The annotation of a container without its field.
pub(super) fn seccomp(pod: &At, container: &At) -> Option<String> {
    let key = format!("{SECCOMP}{}", container.text("name"));
    (!container.has(SECCOMP_FIELD)).then(|| notes::one(pod, &key, NO_SECCOMP)).flatten()
}

/// The annotation of a container in a template without a field of either.
pub(super) fn apparmor_of_template(pod: &At, container: &At) -> Option<String> {
    let lacks = !pod.field("spec").has(APPARMOR_FIELD) && !container.has(APPARMOR_FIELD);
    let key = format!("{APPARMOR}{}", container.text("name"));
    lacks.then(|| notes::one(pod, &key, OLD_APPARMOR)).flatten()
}

/// The annotations of a pod's containers that say something else than the pod's own field.
pub(super) fn of_pod(pod: &At) -> Vec<String> {
    let spec = pod.field("spec");
    if spec.text("os.name") == "windows" {
        return Vec::new();
    }
    let whole = spec.at(APPARMOR_FIELD);
    let without = containers::all(&spec).filter(|container| !container.has(APPARMOR_FIELD));
    let differs = |container: &At| {
        let key = format!("{APPARMOR}{}", container.text("name"));
        let note = pod.at("metadata.annotations").get(&key)?.as_str()?;
        let alike = profile(note).is_some_and(|profile| object::alike(&profile, whole));
        (!alike).then(|| notes::one(pod, &key, OLD_APPARMOR)).flatten()
    };
    without.filter_map(|container| differs(&container)).collect()
}

/// The profile that an annotation names, if it is one.
fn profile(note: &str) -> Option<Value> {
    match note {
        "runtime/default" => Some(json!({ "type": "RuntimeDefault" })),
        "unconfined" => Some(json!({ "type": "Unconfined" })),
        _ => {
            let name = note.strip_prefix("localhost/")?;
            let named = !name.is_empty() && name.trim() == name;
            named.then(|| json!({ "type": "Localhost", "localhostProfile": name }))
        }
    }
}
