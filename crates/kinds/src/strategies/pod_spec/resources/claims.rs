//! Rules of claims of devices that a container names: each is one of the pod's, and is named once.

use std::collections::BTreeSet;

use object::FieldError;

use super::{At, Errors, Read};

/// The names of a pod's claims, sorted.
pub(crate) fn names<'a>(spec: &At<'a>) -> Vec<&'a str> {
    let names = spec.value().items("resourceClaims").iter().map(|claim| claim.text("name"));
    names.filter(|name| !name.is_empty()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// Checks the claims that a container names; `known` are the pod's.
pub(super) fn check(resources: &At, known: &[&str], errors: &mut Errors) {
    let mut seen = BTreeSet::new();
    for claim in resources.each("claims") {
        let name = claim.text("name");
        if name.is_empty() {
            errors.push(FieldError::required(&claim.path(""), ""));
            continue;
        }
        check_once(&claim, name, &mut seen, errors);
        if !known.contains(&name) {
            errors.push(unknown(&claim, name, known));
        }
    }
}

/// A claim is named as a whole, or once for each of its requests.
fn check_once(claim: &At, name: &str, seen: &mut BTreeSet<String>, errors: &mut Errors) {
    let mut twice = |what: &str| errors.push(FieldError::duplicate(&claim.path(""), what));
    if seen.contains(name) {
        return twice(name);
    }
    let request = claim.text("request");
    if request.is_empty() {
        let parts = seen.iter().filter(|key| key.split_once('/').is_some_and(|(whole, _)| whole == name));
        parts.for_each(|_| twice(name));
        seen.insert(name.to_owned());
        return;
    }
    let key = format!("{name}/{request}");
    if seen.contains(&key) {
        twice(&key);
    }
    errors.text(claim, "request", object::dns1123_label);
    seen.insert(key);
}

fn unknown(claim: &At, name: &str, known: &[&str]) -> FieldError {
    let names = match known {
        [] => " which is empty".to_owned(),
        _ => format!(": {}", known.join(", ")),
    };
    let detail = format!("must be one of the names in pod.spec.resourceClaims{names}");
    FieldError { detail, ..FieldError::not_found(&claim.path(""), name) }
}
