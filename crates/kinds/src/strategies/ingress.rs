//! Rules of ingresses and their classes.

use std::net::IpAddr;

use object::{FieldError, FieldErrors, Path, Value};

use crate::Strategy;
use crate::rules::at::PORT;
use crate::rules::{At, Errors, Read};

/// The annotation is older than the field `ingressClassName`.
const CLASS: &str = "kubernetes.io/ingress.class";
const NOT_IN_PATHS: [&str; 5] = ["//", "/./", "/../", "%2f", "%2F"];
const NOT_AT_THE_END: [&str; 2] = ["/..", "/."];

/// Strategy of ingresses.
pub(crate) struct Ingress;

impl Strategy for Ingress {
    fn validate(&self, ingress: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        check_spec(&At::root(ingress).field("spec"), &mut errors);
        errors.done()
    }

    fn validate_create(&self, ingress: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        let (class, named) = (annotation(ingress), ingress.at("spec.ingressClassName"));
        if class.is_some_and(|class| !named.is_null() && named != class) {
            let detail = "must match `ingressClassName` when both are specified";
            let path = Path::new("annotations").child(CLASS);
            errors.push(FieldError::invalid(&path, class.unwrap_or_default(), detail));
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, _old: &Value) -> FieldErrors {
        let (balancer, mut errors) = (At::root(new).field("status.loadBalancer"), Errors::new());
        for point in balancer.each("ingress") {
            errors.text(&point, "ip", object::ip);
            errors.text(&point, "hostname", object::dns1123_subdomain);
            errors.text(&point, "hostname", not_an_address);
        }
        errors.done()
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let deprecated = annotation(new).is_some() && !new.has("spec.ingressClassName");
        let text =
            || format!("annotation {CLASS:?} is deprecated, please use 'spec.ingressClassName' instead");
        (old.is_none() && deprecated).then(text).into_iter().collect()
    }
}

fn annotation(ingress: &Value) -> Option<&str> {
    ingress.at("metadata.annotations").get(CLASS)?.as_str()
}

fn check_spec(spec: &At, errors: &mut Errors) {
    if spec.is_empty("rules") && !spec.has("defaultBackend") {
        let detail = "either `defaultBackend` or `rules` must be specified";
        errors.push(FieldError::invalid(&spec.path(""), spec.show("rules"), detail));
    }
    if let Some(backend) = spec.present("defaultBackend") {
        check_backend(&backend, errors);
    }
    for rule in spec.each("rules") {
        errors.text(&rule, "host", not_an_address);
        errors.text(&rule, "host", host);
        for path in rule.each("http.paths") {
            check_path(&path, errors);
        }
    }
    for tls in spec.each("tls") {
        for name in tls.each("hosts") {
            errors.obey(&name.path(""), name.as_str().unwrap_or_default(), host);
        }
        errors.text(&tls, "secretName", object::dns1123_subdomain);
    }
    if let Some(class) = spec.present("ingressClassName") {
        errors.obey(&class.path(""), class.text(""), object::dns1123_subdomain);
    }
}

fn not_an_address(text: &str) -> Vec<String> {
    let wrong = text.parse::<IpAddr>().is_ok();
    wrong.then(|| "must be a DNS name, not an IP address".to_owned()).into_iter().collect()
}

/// The name of a host, or of all below a domain.
fn host(text: &str) -> Vec<String> {
    if text.contains('*') {
        object::wildcard_dns1123_subdomain(text)
    } else {
        object::dns1123_subdomain(text)
    }
}

fn check_path(path: &At, errors: &mut Errors) {
    if !path.has("pathType") {
        let detail = "pathType must be specified";
        return errors.push(FieldError::required(&path.path("pathType"), detail));
    }
    if path.text("pathType") == "ImplementationSpecific" {
        errors.text(path, "path", object::absolute_path);
    } else if matches!(path.text("pathType"), "Exact" | "Prefix") {
        errors.obey(&path.path("path"), path.text("path"), straight_path);
    }
    check_backend(&path.field("backend"), errors);
}

/// An absolute path without detours.
fn straight_path(path: &str) -> Vec<String> {
    let mut wrong = object::absolute_path(path);
    let inside = NOT_IN_PATHS.iter().filter(|part| path.contains(**part));
    wrong.extend(inside.map(|part| format!("must not contain '{part}'")));
    let at_the_end = NOT_AT_THE_END.iter().filter(|part| path.ends_with(**part));
    wrong.extend(at_the_end.map(|part| format!("cannot end with '{part}'")));
    wrong
}

fn check_backend(backend: &At, errors: &mut Errors) {
    let mut wrong = |detail| errors.push(FieldError::invalid(&backend.path(""), "", detail));
    match (backend.present("resource"), backend.present("service")) {
        (Some(_), Some(_)) => wrong("cannot set both resource and service backends"),
        (None, None) => wrong("resource or service backend is required"),
        (Some(resource), None) => check_reference(&resource, errors),
        (None, Some(service)) => check_service(backend, &service, errors),
    }
}

fn check_service(backend: &At, service: &At, errors: &mut Errors) {
    errors.text(service, "name", object::dns1123_label);
    match (service.text("port.name"), service.int("port.number").unwrap_or_default()) {
        ("", 0) => {
            let detail = "port name or number is required";
            errors.push(FieldError::required(&backend.path(""), detail));
        }
        ("", _) => errors.number(service, "port.number", |n| (1..=65535).contains(&n), PORT),
        (_, 0) => errors.text(service, "port.name", object::port_name),
        _ => {
            let detail = "cannot set both port name & port number";
            errors.push(FieldError::invalid(&backend.path(""), "", detail));
        }
    }
}

fn check_reference(reference: &At, errors: &mut Errors) {
    if let Some(group) = reference.present("apiGroup") {
        errors.obey(&group.path(""), group.text(""), object::dns1123_subdomain);
    }
    for field in ["kind", "name"] {
        errors.need(reference, field);
        errors.text(reference, field, object::path_segment);
    }
}

/// Strategy of ingress classes.
pub(crate) struct IngressClass;

impl Strategy for IngressClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(class).field("spec"), Errors::new());
        if errors.need(&spec, "controller") {
            check_controller(&spec, &mut errors);
        }
        if let Some(parameters) = spec.present("parameters") {
            check_reference(&parameters, &mut errors);
            check_scope(&parameters, &mut errors);
        }
        errors.done()
    }
}

/// A controller is a domain and a path.
fn check_controller(spec: &At, errors: &mut Errors) {
    let (path, text) = (spec.path("controller"), spec.text("controller"));
    match text.split_once('/') {
        Some((domain, rest)) if !domain.is_empty() && !rest.is_empty() => {
            errors.obey(&path, domain, object::dns1123_subdomain);
            errors.obey(&path, rest, object::http_path);
        }
        _ => {
            let detail = "must be a domain-prefixed path (such as \"acme.io/foo\")";
            errors.push(FieldError::invalid(&path, text, detail));
        }
    }
}

fn check_scope(parameters: &At, errors: &mut Errors) {
    let scope = parameters.text("scope");
    let detail = format!("`parameters.scope` is set to '{scope}'");
    match (scope, parameters.present("namespace")) {
        ("Namespace", None) => errors.push(FieldError::required(&parameters.path("namespace"), detail)),
        ("Namespace", Some(name)) => errors.obey(&name.path(""), name.text(""), object::dns1123_label),
        ("Cluster", Some(name)) => errors.push(FieldError::forbidden(&name.path(""), detail)),
        _ => {}
    }
}
