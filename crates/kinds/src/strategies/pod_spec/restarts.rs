//! Rules of when containers start again: when they end, and when their resources change (KEP-5307, KEP-5532,
//! KEP-1287).

use std::collections::HashSet;

use object::FieldError;

use super::{At, Errors, Read};

const POLICIES: [&str; 3] = ["Always", "Never", "OnFailure"];
const ACTIONS: [&str; 2] = ["Restart", "RestartAllContainers"];
const OPERATORS: [&str; 2] = ["In", "NotIn"];
const MAX_RULES: usize = 20;
const MAX_CODES: usize = 255;

/// Checks what happens when a container ends.
pub(super) fn check_end(container: &At, errors: &mut Errors) {
    if let Some(policy) = container.present("restartPolicy") {
        must_be(&policy, "", &POLICIES, errors);
    } else if !container.is_empty("restartPolicyRules") {
        errors.need_as(container, "restartPolicy", "must specify restartPolicy when restart rules are used");
    }
    errors.at_most(container, "restartPolicyRules", MAX_RULES);
    for rule in container.each("restartPolicyRules") {
        must_be(&rule, "action", &ACTIONS, errors);
        match rule.present("exitCodes") {
            None => errors.push(FieldError::required(&rule.path("exitCodes"), "must be specified")),
            Some(codes) => {
                must_be(&codes, "operator", &OPERATORS, errors);
                errors.at_most(&codes, "values", MAX_CODES);
            }
        }
    }
}

/// The text is one of these, and not empty.
fn must_be(at: &At, field: &str, supported: &[&str], errors: &mut Errors) {
    let text = at.text(field);
    if !supported.contains(&text) {
        errors.push(FieldError::not_supported(&at.path(field), text, supported));
    }
}

/// Checks what happens when the resources of a container change. All that is wrong is told of the list.
pub(super) fn check_resize(spec: &At, container: &At, errors: &mut Errors) {
    let (list, mut seen) = (container.path("resizePolicy"), HashSet::new());
    for policy in container.each("resizePolicy") {
        let (resource, restart) = (policy.value().text("resourceName"), policy.text("restartPolicy"));
        if !seen.insert(resource) {
            errors.push(FieldError::duplicate(&policy.path(""), resource));
        }
        for (text, supported) in
            [(resource, ["cpu", "memory"]), (restart, ["NotRequired", "RestartContainer"])]
        {
            match text {
                "" => errors.push(FieldError::required(&list, "")),
                _ if !supported.contains(&text) => {
                    errors.push(FieldError::not_supported(&list, text, &supported));
                }
                _ => {}
            }
        }
        if spec.text("restartPolicy") == "Never" && restart != "NotRequired" {
            let detail = "must be 'NotRequired' when pod `restartPolicy` is 'Never'";
            errors.push(FieldError::invalid(&list, restart, detail));
        }
    }
}

/// A container that runs once before the others does not start again for its new size.
pub(super) fn check_resize_once(container: &At, errors: &mut Errors) {
    for policy in container.each("resizePolicy").filter(|p| p.text("restartPolicy") == "RestartContainer") {
        let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
        errors.push(FieldError::invalid(&policy.path("restartPolicy"), "RestartContainer", detail));
    }
}
