//! Rules of devices: claims to them, classes, and what drivers publish of them.

mod allocation;
mod names;
mod request;
mod slice;
mod taint_rule;

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read, immutable, labels, resources};
use crate::strategy::METADATA;

pub(crate) use taint_rule::DeviceTaintRule;

/// Metadata that a template may set.
const TEMPLATE_METADATA: [&str; 2] = ["annotations", "labels"];

/// Strategy of claims to devices.
pub(crate) struct ResourceClaim;

impl Strategy for ResourceClaim {
    fn default(&self, claim: &mut Value) {
        request::defaults(claim, "spec.devices.requests");
    }

    fn validate(&self, claim: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        request::check(&At::root(claim).field("spec.devices"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec"])
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        allocation::check(&At::root(new), old, &mut errors);
        errors.done()
    }
}

/// Strategy of templates of claims.
pub(crate) struct ResourceClaimTemplate;

impl Strategy for ResourceClaimTemplate {
    fn default(&self, template: &mut Value) {
        request::defaults(template, "spec.spec.devices.requests");
    }

    fn validate(&self, template: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(template).field("spec"), Errors::new());
        labels::check(&spec.field("metadata.labels"), &mut errors);
        for (field, _) in spec.entries("metadata").filter(|(field, _)| !TEMPLATE_METADATA.contains(field)) {
            errors.forbid(&spec.field("metadata"), field, "cannot be set");
        }
        request::check(&spec.field("spec.devices"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec"])
    }
}

/// Strategy of device classes.
pub(crate) struct DeviceClass;

impl Strategy for DeviceClass {
    fn validate(&self, class: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(class).field("spec"), Errors::new());
        request::check_selectors(&spec, &mut errors);
        if errors.at_most(&spec, "config", request::MOST_CONFIGS) {
            spec.each("config").for_each(|config| request::check_opaque(&config, &mut errors));
        }
        let name = spec.text("extendedResourceName");
        if spec.has("extendedResourceName") && !resources::is_extended(name) {
            let detail = "must be a valid extended resource name";
            errors.push(FieldError::invalid(&spec.path("extendedResourceName"), name, detail));
        }
        errors.done()
    }
}

/// Strategy of what a driver publishes of its devices.
pub(crate) struct ResourceSlice;

impl Strategy for ResourceSlice {
    fn validate(&self, slice: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        slice::check(&At::root(slice).field("spec"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec.pool.name", "spec.driver", "spec.nodeName"])
    }
}
