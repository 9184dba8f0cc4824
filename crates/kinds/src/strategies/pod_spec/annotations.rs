//! Annotations of pods, and of templates of pods, that mean something.

use object::{FieldError, Path};

use super::{At, CONTAINER_LISTS, Errors, Read, local_path};

/// On a pod that a node made from a file of its own.
pub(crate) const MIRROR: &str = "kubernetes.io/config.mirror";
/// What annotations with the AppArmor profile of a container begin with.
pub(crate) const APPARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP: &str = "container.seccomp.security.alpha.kubernetes.io/";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";

/// How an annotation and a field say the same: the kind of profile, and what else the annotation may be.
struct Profile {
    what: &'static str,
    path: &'static str,
    default: &'static [&'static str],
}

const OF_SECCOMP: Profile = Profile {
    what: "seccomp",
    path: "securityContext.seccompProfile",
    default: &["runtime/default", "docker/default"],
};
const OF_APPARMOR: Profile =
    Profile { what: "apparmor", path: "securityContext.appArmorProfile", default: &["runtime/default"] };

/// Checks the annotations of a pod with this spec.
pub(crate) fn check(annotations: &At, spec: &At, errors: &mut Errors) {
    let path = annotations.path("");
    for (key, value) in annotations.entries("") {
        let value = value.as_str().unwrap_or_default();
        match key {
            MIRROR if spec.is_empty("nodeName") => {
                let detail = "must set spec.nodeName if mirror pod annotation is set";
                errors.push(FieldError::invalid(&path.key(key), value, detail));
            }
            DELETION_COST if !is_cost(value) => {
                errors.push(FieldError::invalid(&path.key(key), value, "must be a 32bit integer"));
            }
            _ if key == SECCOMP_OF_POD || key.starts_with(SECCOMP) => {
                check_seccomp(&path.child(key), value, errors);
            }
            _ => {}
        }
        if let Some(container) = key.strip_prefix(APPARMOR) {
            check_apparmor(&path.key(key), container, value, spec, errors);
        }
    }
}

/// A number as it is written: neither `+1` nor `01`.
fn is_cost(value: &str) -> bool {
    let starts_well = value == "0" || value.starts_with(|c: char| c == '-' || ('1'..='9').contains(&c));
    starts_well && value.parse::<i32>().is_ok()
}

fn check_seccomp(path: &Path, value: &str, errors: &mut Errors) {
    if let Some(profile) = value.strip_prefix("localhost/") {
        errors.obey(path, profile, local_path);
    } else if value != "unconfined" && !OF_SECCOMP.default.contains(&value) {
        errors.push(FieldError::invalid(path, value, "must be a valid seccomp profile"));
    }
}

fn check_apparmor(path: &Path, container: &str, value: &str, spec: &At, errors: &mut Errors) {
    let mut containers = CONTAINER_LISTS.iter().flat_map(|list| spec.items(list));
    if !containers.any(|one| one.text("name") == container) {
        errors.push(FieldError::invalid(path, container, "container not found"));
    }
    if !matches!(value, "" | "runtime/default" | "unconfined") && !value.starts_with("localhost/") {
        let detail = format!("invalid AppArmor profile name: {value:?}");
        errors.push(FieldError::invalid(path, value, detail));
    }
}

/// What a new pod says of a profile in an annotation and in a field is the same.
pub(crate) fn check_match(annotations: &At, spec: &At, errors: &mut Errors) {
    if annotations.is_empty("") {
        return;
    }
    let note = |key: &str| annotations.at("").get(key).and_then(|value| value.as_str());
    let containers = || CONTAINER_LISTS.into_iter().flat_map(|list| spec.each(list));
    if let Some(note) = note(SECCOMP_OF_POD) {
        OF_SECCOMP.check(note, &spec.field(OF_SECCOMP.path), None, errors);
    }
    for container in containers() {
        if let Some(note) = note(&format!("{SECCOMP}{}", container.text("name"))) {
            OF_SECCOMP.check(note, &container.field(OF_SECCOMP.path), None, errors);
        }
    }
    for container in containers().filter(|_| spec.text("os.name") != "windows") {
        if let Some(note) = note(&format!("{APPARMOR}{}", container.text("name"))) {
            let whole = spec.field(OF_APPARMOR.path);
            OF_APPARMOR.check(note, &container.field(OF_APPARMOR.path), Some(whole), errors);
        }
    }
}

impl Profile {
    /// Checks an annotation against a field; what the field does not say, `whole` may say for all containers.
    fn check(&self, note: &str, field: &At, whole: Option<At>, errors: &mut Errors) {
        let said = whole.filter(|_| field.is_null()).unwrap_or_else(|| field.clone());
        let wrong = match (said.text("type"), note.strip_prefix("localhost/")) {
            ("Unconfined", _) if note != "unconfined" => "type",
            ("RuntimeDefault", _) if !self.default.contains(&note) => "type",
            ("Localhost", None) => "type",
            ("Localhost", Some(name)) if said.at("localhostProfile") != name => "localhostProfile",
            _ => return,
        };
        let aspect = if wrong == "type" { "type" } else { "profile" };
        let detail = format!("{} {aspect} in annotation and field must match", self.what);
        errors.push(FieldError::forbidden(&field.path(wrong), detail));
    }
}
