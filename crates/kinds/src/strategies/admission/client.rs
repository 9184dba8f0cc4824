//! How the server reaches a webhook.

use std::collections::HashSet;

use object::{FieldError, Path};

use crate::rules::{At, Errors, Read};

const FORM: &str = "; desired format: https://host[/path]";

/// Checks a client configuration: a URL or a service.
pub(crate) fn check(config: &At, errors: &mut Errors) {
    match (config.present("url"), config.present("service")) {
        (Some(url), None) => check_url(&url, errors),
        (None, Some(service)) => check_service(&service, errors),
        _ => {
            errors.push(FieldError::required(&config.path(""), "exactly one of url or service is required"));
        }
    }
}

fn check_url(url: &At, errors: &mut Errors) {
    let (path, text) = (url.path(""), url.as_str().unwrap_or_default());
    let (rest, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (scheme, rest) = rest.split_once("://").unwrap_or(("", rest));
    let authority = if scheme.is_empty() { "" } else { rest.split('/').next().unwrap_or_default() };
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let scheme = scheme.to_lowercase();
    for (wrong, value, detail) in [
        (scheme != "https", &*scheme, &*format!("'https' is the only allowed URL scheme{FORM}")),
        (host.is_empty(), host, &*format!("host must be provided{FORM}")),
        (!user.is_empty(), user, "user information is not permitted in the URL"),
        (!fragment.is_empty(), fragment, "fragments are not permitted in the URL"),
        (!query.is_empty(), query, "query parameters are not permitted in the URL"),
    ] {
        if wrong {
            errors.push(FieldError::invalid(&path, value, detail));
        }
    }
}

fn check_service(service: &At, errors: &mut Errors) {
    errors.need_as(service, "name", "service name is required");
    errors.need_as(service, "namespace", "service namespace is required");
    check_port(service, errors);
    check_path(&service.path("path"), service.text("path"), errors);
}

/// Checks the port of a service.
pub(crate) fn check_port(service: &At, errors: &mut Errors) {
    let right = |port| object::port_num(port).is_empty();
    errors.number(service, "port", right, "port is not valid: must be between 1 and 65535, inclusive");
}

fn check_path(at: &Path, path: &str, errors: &mut Errors) {
    if matches!(path, "" | "/") {
        return;
    }
    let mut wrong = |detail: String| errors.push(FieldError::invalid(at, path, detail));
    let steps = path.strip_prefix('/').unwrap_or_else(|| {
        wrong("must start with a '/'".to_owned());
        &path[path.chars().next().map_or(0, char::len_utf8)..]
    });
    for (i, step) in steps.strip_suffix('/').unwrap_or(steps).split('/').enumerate() {
        if step.is_empty() {
            wrong(format!("segment[{i}] may not be empty"));
            continue;
        }
        object::dns1123_subdomain(step)
            .into_iter()
            .for_each(|complaint| wrong(format!("segment[{i}]: {complaint}")));
    }
}

/// The versions of reviews that the server speaks.
const REVIEWS: [&str; 2] = ["v1", "v1beta1"];

/// Checks the versions of reviews that a webhook takes; `missing` is told where there are none.
pub(crate) fn check_reviews(at: &At, field: &str, missing: &str, errors: &mut Errors) {
    if !errors.need_as(at, field, missing) {
        return;
    }
    let mut seen = HashSet::new();
    for version in at.each(field) {
        let text = version.value().text("");
        if seen.insert(text) {
            errors.obey(&version.path(""), text, object::dns1035_label);
        } else {
            errors.push(FieldError::invalid(&version.path(""), text, "duplicate version"));
        }
    }
    if !REVIEWS.iter().any(|known| seen.contains(known)) {
        let detail = format!("must include at least one of {}", REVIEWS.join(", "));
        errors.push(FieldError::invalid(&at.path(field), at.show(field), detail));
    }
}
