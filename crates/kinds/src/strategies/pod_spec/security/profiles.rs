//! Rules of profiles that a node applies to containers: of seccomp and of AppArmor.

use object::FieldError;

use super::{At, Errors, Read, local_path};

/// The longest path there is.
const MAX_PATH: usize = 4095;

/// Checks the `seccompProfile` of a security context.
pub(super) fn check_seccomp(security: &At, errors: &mut Errors) {
    let Some(profile) = security.present("seccompProfile") else { return };
    errors.need_as(&profile, "type", "type is required when seccompProfile is set");
    let (path, is_local) = (profile.path("localhostProfile"), profile.text("type") == "Localhost");
    match (is_local, profile.has("localhostProfile")) {
        (true, false) => {
            errors.push(FieldError::required(&path, "must be set when seccomp type is Localhost"));
        }
        (true, true) => errors.text(&profile, "localhostProfile", local_path),
        (false, true) => {
            let detail = "can only be set when seccomp type is Localhost";
            errors.push(FieldError::invalid(&path, profile.show(""), detail));
        }
        (false, false) => {}
    }
}

/// Checks the `appArmorProfile` of a security context.
pub(super) fn check_apparmor(security: &At, errors: &mut Errors) {
    let Some(profile) = security.present("appArmorProfile") else { return };
    errors.need_as(&profile, "type", "type is required when appArmorProfile is set");
    let (path, name) = (profile.path("localhostProfile"), profile.text("localhostProfile"));
    match profile.text("type") {
        "Localhost" if name != name.trim() => {
            errors.push(FieldError::invalid(&path, name, "must not be padded with whitespace"));
        }
        "Localhost" if name.is_empty() => {
            errors.push(FieldError::required(&path, "must be set when AppArmor type is Localhost"));
        }
        "RuntimeDefault" | "Unconfined" if profile.has("localhostProfile") => {
            errors.push(FieldError::invalid(&path, name, "can only be set when AppArmor type is Localhost"));
        }
        _ => {}
    }
    if profile.text("type") == "Localhost" && name.len() > MAX_PATH {
        errors.push(FieldError::too_long(&path, MAX_PATH));
    }
}
