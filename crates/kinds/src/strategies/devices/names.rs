//! Names around devices: of drivers, pools, attributes.

use object::{FieldError, Path};

use crate::rules::{At, Errors, Read};

const LONGEST_DRIVER: usize = 63;
const LONGEST_POOL: usize = 253;
const LONGEST_ID: usize = 32;

/// Checks the name of a driver: a subdomain, in any case.
pub(super) fn driver(at: &At, field: &str, errors: &mut Errors) {
    if errors.need(at, field) {
        check_driver(&at.path(field), at.text(field), errors);
    }
}

fn check_driver(path: &Path, name: &str, errors: &mut Errors) {
    if name.len() > LONGEST_DRIVER {
        errors.push(FieldError::too_long(path, LONGEST_DRIVER));
    }
    for detail in object::dns1123_subdomain(&name.to_lowercase()) {
        errors.push(FieldError::invalid(path, name, detail));
    }
}

/// Checks the name of a pool: subdomains with slashes between.
pub(super) fn pool(at: &At, field: &str, errors: &mut Errors) {
    if !errors.need(at, field) {
        return;
    }
    let (path, name) = (at.path(field), at.text(field));
    if name.len() > LONGEST_POOL {
        errors.push(FieldError::too_long(&path, LONGEST_POOL));
    }
    name.split('/').for_each(|part| errors.obey(&path, part, object::dns1123_subdomain));
}

/// Checks a label of 63 characters, such as the name of a device or a request.
pub(super) fn label(at: &At, field: &str, errors: &mut Errors) {
    errors.obey(&at.path(field), at.text(field), object::dns1123_label);
}

/// Checks the name of an attribute or a capacity: an identifier, maybe after a domain and a slash.
pub(super) fn qualified(path: &Path, name: &str, errors: &mut Errors) {
    match name.split('/').collect::<Vec<_>>()[..] {
        [id] => check_id(path, id, errors),
        ["", _] => errors.push(FieldError::invalid(path, "", "the domain must not be empty")),
        [_, ""] => errors.push(FieldError::invalid(path, "", "the name must not be empty")),
        [domain, id] => {
            check_driver(path, domain, errors);
            check_id(path, id, errors);
        }
        _ => errors.push(FieldError::invalid(path, name, "must not contain more than one slash")),
    }
}

/// Checks the name of an attribute that must have its domain.
pub(super) fn fully_qualified(path: &Path, name: &str, errors: &mut Errors) {
    qualified(path, name, errors);
    if !name.contains('/') {
        let detail = "a fully qualified name must be a domain and a name separated by a slash";
        errors.push(FieldError::invalid(path, name, detail));
    }
}

fn check_id(path: &Path, id: &str, errors: &mut Errors) {
    if id.len() > LONGEST_ID {
        errors.push(FieldError::too_long(path, LONGEST_ID));
    }
    errors.obey(path, id, object::c_identifier);
}

/// Whether a text is a version as semver.org has it.
pub(super) fn is_version(text: &str) -> bool {
    let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
    let (core, before) = text.split_once('-').map_or((text, None), |(core, before)| (core, Some(before)));
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let number = |part: &str| digits(part) && (part == "0" || !part.starts_with('0'));
    core.split('.').count() == 3
        && core.split('.').all(number)
        && before.is_none_or(|ids| ids.split('.').all(|id| word(id) && (!digits(id) || number(id))))
        && build.is_none_or(|ids| ids.split('.').all(word))
}
