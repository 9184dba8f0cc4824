//! Rules of probes and lifecycle hooks.

use super::{At, Errors, Read};

const PROBE_HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "sleep"];

/// Checks the probes of a container.
pub(super) fn check_probes(container: &At, errors: &mut Errors) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.present(name) else { continue };
        check_handler(&probe, &PROBE_HANDLERS, errors);
        if name == "readinessProbe" {
            errors.number(
                &probe,
                "terminationGracePeriodSeconds",
                |_| false,
                "must not be set for readinessProbes",
            );
        } else {
            errors.number(&probe, "terminationGracePeriodSeconds", |n| n > 0, "must be greater than 0");
            errors.number(&probe, "successThreshold", |n| n == 1, "must be 1");
        }
    }
}

/// Checks the hooks of a container.
pub(super) fn check_lifecycle(container: &At, errors: &mut Errors) {
    for name in ["lifecycle.postStart", "lifecycle.preStop"] {
        if let Some(hook) = container.present(name) {
            check_handler(&hook, &HOOK_HANDLERS, errors);
        }
    }
}

fn check_handler(at: &At, handlers: &[&str], errors: &mut Errors) {
    errors.exactly_one(
        at,
        handlers,
        "must specify a handler type",
        "may not specify more than 1 handler type",
    );
    if let Some(http) = at.present("httpGet") {
        check_http(&http, errors);
    }
    if let Some(socket) = at.present("tcpSocket") {
        errors.port(&socket, "port");
    }
    if let Some(sleep) = at.present("sleep") {
        errors.at_least(&sleep, "seconds", 0);
    }
}

fn check_http(http: &At, errors: &mut Errors) {
    errors.port(http, "port");
    for header in http.each("httpHeaders") {
        errors.obey(&header.path("name"), header.text("name"), object::http_header_name);
    }
}
