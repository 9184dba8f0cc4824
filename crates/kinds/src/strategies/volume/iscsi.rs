//! Rules of iSCSI volumes.

use object::FieldError;

use crate::rules::at::TextRule;
use crate::rules::{At, Errors, Read};

const MAX_NAME_AND_PORTAL: usize = 64;

const TOO_LONG: &str = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if \
     iscsi.initiatorName is specified.";

/// Checks a source of iSCSI of the volume with this name.
pub(super) fn check(source: &At, volume: &str, errors: &mut Errors) {
    if is_too_long(source, volume) {
        let portal = source.text("targetPortal");
        errors.push(FieldError::invalid(&source.path("targetportal"), portal, TOO_LONG));
    }
    check_names(source, initiator, errors);
    if let Some(secret) = source.present("secretRef") {
        errors.need(&secret, "name");
    }
}

/// Checks a source of iSCSI of a pod's volume.
pub(in super::super) fn check_of_pod(source: &At, volume: &At, errors: &mut Errors) {
    check_names(source, initiator_by_format, errors);
    let name = volume.text("name");
    if is_too_long(source, name) {
        errors.push(FieldError::invalid(&volume.path("name"), name, TOO_LONG));
    }
}

fn is_too_long(source: &At, volume: &str) -> bool {
    let length = volume.len() + 1 + source.text("targetPortal").len();
    source.has("initiatorName") && length > MAX_NAME_AND_PORTAL
}

fn check_names(source: &At, rule: TextRule, errors: &mut Errors) {
    errors.text(source, "iqn", rule);
    errors.between(source, "lun", 0, 255);
    let identified = source.flag("chapAuthDiscovery") || source.flag("chapAuthSession");
    if identified && !source.has("secretRef") {
        errors.need(source, "secretRef");
    }
    if let Some(name) = source.present("initiatorName") {
        errors.obey(&source.path("initiatorname"), name.text(""), rule);
    }
}

/// A name in one of the three formats of RFC 3720, which are named where it has the start of none.
fn initiator_by_format(name: &str) -> Vec<String> {
    if ["iqn", "eui", "naa"].iter().any(|format| name.starts_with(format)) {
        return initiator(name);
    }
    vec!["must be valid format starting with iqn, eui, or naa".to_owned()]
}

/// A name in one of the three formats of RFC 3720.
fn initiator(name: &str) -> Vec<String> {
    let fine = match name.get(..3) {
        Some("iqn") => is_iqn(name).unwrap_or_default(),
        Some("eui") => has_digits(&name[3..], 16),
        Some("naa") => has_digits(&name[3..], 32),
        _ => false,
    };
    if fine { Vec::new() } else { vec!["must be valid format".to_owned()] }
}

/// `iqn.2001-04.com.example:storage`
fn is_iqn(name: &str) -> Option<bool> {
    let (authority, rest) = name.strip_prefix("iqn.")?.split_once(':')?;
    let (date, domain) = authority.split_once('.')?;
    let (year, month) = date.split_once('-')?;
    let is_number = |text: &str, length| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let is_domain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    let is_rest = |c: char| !c.is_whitespace() && !",;*&$|".contains(c);
    Some(
        is_number(year, 4)
            && is_number(month, 2)
            && !domain.is_empty()
            && domain.chars().all(is_domain)
            && !rest.is_empty()
            && rest.chars().all(is_rest),
    )
}

/// Any one character, and this many letters and digits.
fn has_digits(text: &str, count: usize) -> bool {
    let mut rest = text.chars();
    rest.next().is_some() && rest.as_str().len() == count && rest.all(|c| c.is_ascii_alphanumeric())
}
