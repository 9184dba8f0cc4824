//! Rules of iSCSI volumes.

use object::FieldError;

use crate::rules::{At, Errors, Read};

const MAX_NAME_AND_PORTAL: usize = 64;

/// Checks a source of iSCSI of the volume with this name.
pub(super) fn check(source: &At, volume: &str, errors: &mut Errors) {
    let portal = source.text("targetPortal");
    if source.has("initiatorName") && volume.len() + 1 + portal.len() > MAX_NAME_AND_PORTAL {
        let detail = "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if \
                      iscsi.initiatorName is specified.";
        errors.push(FieldError::invalid(&source.path("targetportal"), portal, detail));
    }
    errors.text(source, "iqn", initiator);
    errors.between(source, "lun", 0, 255);
    let secret = source.present("secretRef");
    if secret.is_none() && (source.flag("chapAuthDiscovery") || source.flag("chapAuthSession")) {
        errors.need(source, "secretRef");
    }
    if let Some(secret) = secret {
        errors.need(&secret, "name");
    }
    if let Some(name) = source.present("initiatorName") {
        errors.obey(&source.path("initiatorname"), name.text(""), initiator);
    }
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
