//! Rules of what only containers of Windows have.

use object::FieldError;

use super::{At, Errors, Read, containers};

const MAX_SPEC: usize = 64 * 1024;
const MAX_DOMAIN: usize = 256;
const MAX_USER: usize = 104;
const MAX_NETBIOS: usize = 15;
const ONLY_DOTS: &str = "runAsUserName's User cannot contain only periods or spaces";
const BAD_CHARS: &str = "runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]";

/// Checks the `windowsOptions` of a security context.
pub(super) fn check(security: &At, errors: &mut Errors) {
    let Some(options) = security.present("windowsOptions") else { return };
    if options.has("gmsaCredentialSpecName") {
        let name = "gmsaCredentialSpecName";
        errors.obey(&options.path(name), options.text(name), object::dns1123_subdomain);
    }
    let wrong = match options.text("gmsaCredentialSpec").len() {
        0 => Some("gmsaCredentialSpec cannot be an empty string"),
        length if length > MAX_SPEC => Some("gmsaCredentialSpec size must be under 64 KiB"),
        _ => None,
    };
    if let Some(detail) = wrong.filter(|_| options.has("gmsaCredentialSpec")) {
        let path = options.path("gmsaCredentialSpec");
        errors.push(FieldError::invalid(&path, options.show("gmsaCredentialSpec"), detail));
    }
    if options.has("runAsUserName") {
        errors.obey(&options.path("runAsUserName"), options.text("runAsUserName"), account);
    }
}

/// `USER`, or `DOMAIN\USER`.
fn account(name: &str) -> Vec<String> {
    if name.is_empty() {
        return vec!["runAsUserName cannot be an empty string".to_owned()];
    }
    if name.chars().any(|c| c.is_ascii_control()) {
        return vec!["runAsUserName cannot contain control characters".to_owned()];
    }
    match name.split('\\').collect::<Vec<_>>()[..] {
        [name] => user(name),
        [of, name] => [domain(of), user(name)].concat(),
        _ => vec!["runAsUserName cannot contain more than one backslash".to_owned()],
    }
}

fn domain(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if name.len() >= MAX_DOMAIN {
        wrong.push(format!("runAsUserName's Domain length must be under {MAX_DOMAIN} characters"));
    }
    if !is_netbios(name) && !name.split('.').all(is_dns_label) {
        wrong.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format".to_owned());
    }
    wrong
}

fn is_netbios(name: &str) -> bool {
    let length = name.chars().count();
    (1..=MAX_NETBIOS).contains(&length)
        && !name.starts_with('.')
        && !name.contains(|c| "\\/:*?\"<>|".contains(c))
}

fn is_dns_label(label: &str) -> bool {
    let edge = |c: char| c.is_ascii_alphanumeric();
    (1..=63).contains(&label.len())
        && label.starts_with(edge)
        && label.ends_with(edge)
        && label.chars().all(|c| edge(c) || c == '-')
}

fn user(name: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    match name.len() {
        0 => wrong.push("runAsUserName's User cannot be empty".to_owned()),
        length if length > MAX_USER => {
            wrong.push(format!("runAsUserName's User length must not be longer than {MAX_USER} characters"));
        }
        _ => {}
    }
    if !name.is_empty() && name.chars().all(|c| ". ".contains(c)) {
        wrong.push(ONLY_DOTS.to_owned());
    }
    if name.contains(|c| "\"/\\:;|=,+*?<>@[]".contains(c)) {
        wrong.push(BAD_CHARS.to_owned());
    }
    wrong
}

/// Containers that are processes of the node are all of a pod, or none, and are in the node's network.
pub(crate) fn check_host_process(spec: &At, errors: &mut Errors) {
    const FIELD: &str = "securityContext.windowsOptions.hostProcess";
    let whole = spec.at(FIELD).as_bool();
    let (mut all, mut of_host) = (0, 0);
    for container in containers(spec) {
        let own = container.at(FIELD).as_bool();
        if let (Some(whole), Some(own)) = (whole, own.filter(|own| whole.is_some_and(|whole| whole != *own)))
        {
            let detail =
                format!("pod hostProcess value must be identical if both are specified, was {whole}");
            errors.push(FieldError::invalid(&container.path(FIELD), own, detail));
        }
        all += 1;
        of_host += u32::from(own.or(whole).unwrap_or_default());
    }
    if of_host > 0 && of_host != all {
        let detail =
            "If pod contains any hostProcess containers then all containers must be HostProcess containers";
        errors.push(FieldError::invalid(&spec.path(""), "", detail));
    }
    if of_host > 0 && !spec.flag("hostNetwork") {
        let detail = "hostNetwork must be true if pod contains any hostProcess containers";
        errors.push(FieldError::invalid(&spec.path("hostNetwork"), false, detail));
    }
}
