//! Rules of probes and lifecycle hooks.

use object::FieldError;

use super::{At, Errors, Read};

const PROBE_HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "sleep"];

/// Checks the probes of a container.
pub(super) fn check_probes(container: &At, errors: &mut Errors) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.present(name) else { continue };
        if let Some(handler) = check_handlers(&probe, &PROBE_HANDLERS, errors) {
            check_handler(handler, &probe.field(handler), errors);
        }
        let grace = "terminationGracePeriodSeconds";
        errors.number(&probe, grace, |n| n > 0, "must be greater than 0");
        if name == "readinessProbe" {
            errors.number(&probe, grace, |_| false, "must not be set for readinessProbes");
        } else {
            errors.number(&probe, "successThreshold", |n| n == 1, "must be 1");
        }
    }
}

/// Checks the hooks of a container that has `grace` seconds to end.
pub(super) fn check_lifecycle(container: &At, grace: Option<i64>, errors: &mut Errors) {
    for name in ["lifecycle.postStart", "lifecycle.preStop"] {
        let Some(hook) = container.present(name) else { continue };
        match check_handlers(&hook, &HOOK_HANDLERS, errors) {
            Some("sleep") => check_sleep(&hook, grace, errors),
            Some(handler) => check_handler(handler, &hook.field(handler), errors),
            None => {}
        }
    }
}

/// There is exactly one handler; gives the first.
fn check_handlers<'a>(at: &At, handlers: &[&'a str], errors: &mut Errors) -> Option<&'a str> {
    const MANY: &str = "may not specify more than 1 handler type";
    errors.exactly_one(at, handlers, "must specify a handler type", MANY);
    handlers.iter().copied().find(|handler| at.has(handler))
}

fn check_handler(handler: &str, at: &At, errors: &mut Errors) {
    match handler {
        "httpGet" => check_http(at, errors),
        "tcpSocket" => errors.port(at, "port"),
        _ => {}
    }
}

fn check_http(http: &At, errors: &mut Errors) {
    errors.port(http, "port");
    for header in http.each("httpHeaders") {
        errors.obey(&http.path("httpHeaders"), header.text("name"), object::http_header_name);
    }
}

/// Nothing sleeps longer than there is time.
fn check_sleep(hook: &At, grace: Option<i64>, errors: &mut Errors) {
    let seconds = hook.int("sleep.seconds").unwrap_or_default();
    if let Some(grace) = grace.filter(|grace| seconds < 0 || seconds > *grace) {
        let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        errors.push(FieldError::invalid(&hook.path("sleep"), seconds, detail));
    }
}
