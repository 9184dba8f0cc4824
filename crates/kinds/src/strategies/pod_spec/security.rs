//! Rules of who the containers of a pod are, and what they may do.

mod os;
mod profiles;
mod sysctls;
mod windows;

use object::{FieldError, Value};

use super::{At, CONTAINER_LISTS, Errors, Read, local_path};

pub(super) use os::check as check_os;
pub(super) use windows::check_host_process;

/// Checks what a container says of itself; `own_users` is whether the users of its pod are not those of the node.
pub(super) fn check_container(container: &At, own_users: bool, errors: &mut Errors) {
    let Some(security) = container.present("securityContext") else { return };
    for id in ["runAsUser", "runAsGroup"] {
        errors.between(&security, id, 0, i64::from(i32::MAX));
    }
    if security.text("procMount") == "Unmasked" && !own_users {
        let detail = "`hostUsers` must be false to use `Unmasked`";
        errors.push(FieldError::invalid(&security.path("procMount"), "Unmasked", detail));
    }
    profiles::check_seccomp(&security, errors);
    check_escalation(&security, errors);
    windows::check(&security, errors);
    profiles::check_apparmor(&security, errors);
}

/// Who may do everything cannot be kept from it.
fn check_escalation(security: &At, errors: &mut Errors) {
    if security.at("allowPrivilegeEscalation") != &Value::Bool(false) {
        return;
    }
    let mut refuse = |with: &str| {
        let detail = format!("cannot set `allowPrivilegeEscalation` to false and {with}");
        errors.push(FieldError::invalid(&security.path(""), security.show(""), detail));
    };
    if security.flag("privileged") {
        refuse("`privileged` to true");
    }
    for _ in security.items("capabilities.add").iter().filter(|capability| *capability == "CAP_SYS_ADMIN") {
        refuse("`capabilities.Add` CAP_SYS_ADMIN");
    }
}

/// Checks what a pod says of all its containers.
pub(super) fn check_pod(spec: &At, errors: &mut Errors) {
    let security = spec.field("securityContext");
    for id in ["fsGroup", "runAsUser", "runAsGroup"] {
        errors.between(&security, id, 0, i64::from(i32::MAX));
    }
    for group in security.each("supplementalGroups") {
        errors.between(&group, "", 0, i64::from(i32::MAX));
    }
    sysctls::check(spec, &security, errors);
    profiles::check_seccomp(&security, errors);
    windows::check(&security, errors);
    profiles::check_apparmor(&security, errors);
    if spec.flag("shareProcessNamespace") && spec.flag("hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        errors.push(FieldError::invalid(&spec.path("shareProcessNamespace"), true, detail));
    }
}

/// All containers of a pod, those that start first in front.
fn containers<'a>(spec: &At<'a>) -> impl Iterator<Item = At<'a>> + use<'a> {
    CONTAINER_LISTS.map(|list| spec.each(list)).into_iter().flatten()
}
