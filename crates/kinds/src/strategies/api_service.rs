//! Rules of API services: who serves a version of a group.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::admission::client;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write};
use crate::strategy::METADATA;

const STATUSES: [&str; 3] = ["False", "True", "Unknown"];

/// Strategy of API services.
pub(crate) struct ApiService;

impl Strategy for ApiService {
    /// What the server serves itself is there at once.
    fn prepare_create(&self, service: &mut Value) {
        service.put("status", json!({}));
        if service.is_empty("spec.service") {
            let now = service.at("metadata.creationTimestamp").clone();
            let available = json!({
                "type": "Available", "status": "True", "lastTransitionTime": now, "reason": "Local",
                "message": "Local APIServices are always available",
            });
            service.put("status.conditions", json!([available]));
        }
    }

    fn validate(&self, service: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(service), Errors::new());
        let spec = root.field("spec");
        check_name(&root, &mut errors);
        check_version(&spec, &mut errors);
        match spec.present("service") {
            None => check_local(&spec, &mut errors),
            Some(service) => check_remote(&spec, &service, &mut errors),
        }
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        for condition in At::root(new).field("status").each("conditions") {
            let status = condition.text("status");
            if !STATUSES.contains(&status) {
                errors.push(FieldError::not_supported(&condition.path("status"), status, &STATUSES));
            }
        }
        errors.done()
    }
}

fn check_name(root: &At, errors: &mut Errors) {
    let name = root.text("metadata.name");
    let right = format!("{}.{}", root.text("spec.version"), root.text("spec.group"));
    if name != right {
        let detail = format!("must be `spec.version+\".\"+spec.group`: {right:?}");
        errors.push(FieldError::invalid(&root.path("metadata.name"), name, detail));
    }
}

fn check_version(spec: &At, errors: &mut Errors) {
    if spec.is_empty("group") && spec.text("version") != "v1" {
        let detail = "only v1 may have an empty group and it better be legacy kube";
        errors.push(FieldError::required(&spec.path("group"), detail));
    }
    errors.text(spec, "group", object::dns1123_subdomain);
    errors.obey(&spec.path("version"), spec.text("version"), object::dns1035_label);
    for (field, most) in [("groupPriorityMinimum", 20_000), ("versionPriority", 1_000)] {
        let detail = format!("must be positive and less than {most}");
        errors.count(spec, field, |n| (1..=most).contains(&n), &detail);
    }
}

fn check_local(spec: &At, errors: &mut Errors) {
    if !spec.is_empty("caBundle") {
        let bytes = spec.text("caBundle").trim_end_matches('=').len() * 3 / 4;
        let detail = "local APIServices may not have a caBundle";
        errors.push(FieldError::invalid(&spec.path("caBundle"), format!("{bytes} bytes"), detail));
    }
    if spec.flag("insecureSkipTLSVerify") {
        let detail = "local APIServices may not have insecureSkipTLSVerify";
        errors.push(FieldError::invalid(&spec.path("insecureSkipTLSVerify"), true, detail));
    }
}

fn check_remote(spec: &At, service: &At, errors: &mut Errors) {
    errors.need(service, "namespace");
    errors.need(service, "name");
    client::check_port(service, errors);
    if spec.flag("insecureSkipTLSVerify") && !spec.is_empty("caBundle") {
        let detail = "may not be true if caBundle is present";
        errors.push(FieldError::invalid(&spec.path("insecureSkipTLSVerify"), true, detail));
    }
}
