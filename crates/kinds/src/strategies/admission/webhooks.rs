//! Rules of webhooks.

use object::{FieldError, FieldErrors, Path, Value};

use super::{client, expressions, rules, scopes};
use crate::Strategy;
use crate::rules::{At, Errors, Read, labels};

/// Strategy of validating and mutating webhook configurations.
pub(crate) struct Webhooks;

impl Strategy for Webhooks {
    fn validate(&self, configuration: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(configuration), Errors::new());
        root.each("webhooks").for_each(|hook| check_webhook(&hook, &mut errors));
        errors.unique(root.each("webhooks"), "name");
        errors.done()
    }
}

fn check_webhook(hook: &At, errors: &mut Errors) {
    check_name(&hook.path("name"), hook.text("name"), errors);
    hook.each("rules").for_each(|rule| rules::check(&rule, errors));
    errors.need_as(hook, "sideEffects", "must specify one of None, NoneOnDryRun");
    let detail = "the timeout value must be between 1 and 30 seconds";
    errors.number(hook, "timeoutSeconds", |n| (1..=30).contains(&n), detail);
    for selector in ["namespaceSelector", "objectSelector"] {
        labels::check_selector(&hook.field(selector), errors);
    }
    client::check(&hook.field("clientConfig"), errors);
    expressions::check_conditions(hook, &scopes::WEBHOOK, errors);
    client::check_reviews(hook, "admissionReviewVersions", "must specify one of v1, v1beta1", errors);
}

/// A webhook is named like a host in a domain.
fn check_name(path: &Path, name: &str, errors: &mut Errors) {
    if name.is_empty() {
        return;
    }
    errors.obey_joined(path, name, object::dns1123_subdomain);
    if object::dns1123_subdomain(name).is_empty() && name.split('.').count() < 3 {
        let detail = "should be a domain with at least three segments separated by dots";
        errors.push(FieldError::invalid(path, name, detail));
    }
}
