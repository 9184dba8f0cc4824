//! Rules of what the containers of one operating system do not have (KEP-2802).

use object::FieldError;

use super::{At, Errors, Read, containers};

const NOT_WINDOWS: &str = "cannot be set for a windows pod";
const NOT_LINUX: &str = "windows options cannot be set for a linux pod";
const OF_POD: [&str; 11] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "fsGroup",
    "fsGroupChangePolicy",
    "sysctls",
    "runAsUser",
    "runAsGroup",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "seLinuxChangePolicy",
];
const OF_CONTAINER: [&str; 10] = [
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

/// Checks a spec against the operating system that it names.
pub(crate) fn check(spec: &At, errors: &mut Errors) {
    let Some(os) = spec.present("os") else { return };
    match os.text("name") {
        "" => errors.push(FieldError::required(&os.path("name"), "")),
        "linux" => check_linux(spec, errors),
        "windows" => check_windows(spec, errors),
        other => errors.push(FieldError::not_supported(&os.path(""), other, &["linux", "windows"])),
    }
}

fn check_linux(spec: &At, errors: &mut Errors) {
    errors.forbid_present(spec, "securityContext.windowsOptions", NOT_LINUX);
    for container in containers(spec) {
        errors.forbid_present(&container, "securityContext.windowsOptions", NOT_LINUX);
    }
}

fn check_windows(spec: &At, errors: &mut Errors) {
    let security = spec.field("securityContext");
    for field in OF_POD.iter().filter(|field| **field != "sysctls" || !security.is_empty(field)) {
        errors.forbid_present(&security, field, NOT_WINDOWS);
    }
    errors.forbid_present(spec, "hostUsers", NOT_WINDOWS);
    for field in ["hostPID", "hostIPC"].into_iter().filter(|field| spec.flag(field)) {
        errors.push(FieldError::forbidden(&spec.path(field), NOT_WINDOWS));
    }
    errors.forbid_present(spec, "shareProcessNamespace", NOT_WINDOWS);
    for security in containers(spec).map(|container| container.field("securityContext")) {
        for field in OF_CONTAINER {
            errors.forbid_present(&security, field, NOT_WINDOWS);
        }
    }
}
