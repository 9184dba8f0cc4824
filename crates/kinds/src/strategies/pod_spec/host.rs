//! Rules of a pod as a host: what it is called, what it looks names up by, and what it shares with its node.

use object::FieldError;

use super::{At, CONTAINER_LISTS, Errors, Read};

const LONGEST_NAME: usize = 64;
const MOST_SEARCHES: usize = 32;
const LONGEST_SEARCHES: usize = 2048;

/// Checks a pod as a host.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    check_searches(spec, errors);
    check_users(spec, errors);
    check_name(spec, errors);
}

/// Users of a pod that are none of the node's go with none of the node's namespaces.
fn check_users(spec: &At, errors: &mut Errors) {
    const DETAIL: &str = "when `hostUsers` is false";
    if !spec.has("hostUsers") || spec.flag("hostUsers") {
        return;
    }
    for (field, told) in [("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.flag(field) {
            errors.push(FieldError::forbidden(&spec.path(told), DETAIL));
        }
    }
    for container in CONTAINER_LISTS.iter().flat_map(|list| spec.each(list)) {
        errors.forbid(&container, "volumeDevices", DETAIL);
    }
}

/// A name that takes the place of all others goes with nothing else that says one.
fn check_name(spec: &At, errors: &mut Errors) {
    let Some(name) = spec.present("hostnameOverride") else { return };
    for field in ["setHostnameAsFQDN", "hostNetwork"] {
        if spec.flag(field) {
            let detail = format!("may not be specified when {field} is true");
            errors.push(FieldError::forbidden(&name.path(""), detail));
        }
    }
    if name.text("").len() > LONGEST_NAME {
        errors.push(FieldError::too_long(&name.path(""), LONGEST_NAME));
    }
    errors.obey(&name.path(""), name.text(""), object::dns1123_subdomain);
}

fn check_searches(spec: &At, errors: &mut Errors) {
    let searches = spec.field("dnsConfig.searches");
    let mut wrong = |detail| errors.push(FieldError::invalid(&searches.path(""), searches.show(""), detail));
    let count = searches.items("").len();
    if count > MOST_SEARCHES {
        wrong(format!("must not have more than {MOST_SEARCHES} search paths"));
    }
    let length = searches.each("").map(|search| search.text("").len() + 1).sum::<usize>().saturating_sub(1);
    if length > LONGEST_SEARCHES {
        wrong(format!(
            "must not have more than {LONGEST_SEARCHES} characters (including spaces) in the search list"
        ));
    }
    for search in searches.each("").filter(|search| search.text("") != ".") {
        let text = search.text("");
        let domain = text.strip_suffix('.').unwrap_or(text);
        errors.obey(&search.path(""), domain, object::dns1123_subdomain_with_underscore);
    }
}
