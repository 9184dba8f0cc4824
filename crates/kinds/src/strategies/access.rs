//! Rules of roles and their bindings.

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read, Write, labels};

const GROUP: &str = "rbac.authorization.k8s.io";

/// Strategy of roles.
pub(crate) struct Role;

impl Strategy for Role {
    fn validate(&self, role: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        for rule in At::root(role).each("rules") {
            check_rule(&rule, true, &mut errors);
        }
        errors.done()
    }
}

/// Strategy of cluster roles.
pub(crate) struct ClusterRole;

impl Strategy for ClusterRole {
    fn validate(&self, role: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(role), Errors::new());
        for rule in root.each("rules") {
            check_rule(&rule, false, &mut errors);
        }
        if let Some(aggregation) = root.present("aggregationRule") {
            if aggregation.is_empty("clusterRoleSelectors") {
                let detail = "at least one clusterRoleSelector required if aggregationRule is non-nil";
                errors.push(FieldError::required(&aggregation.path("clusterRoleSelectors"), detail));
            }
            for selector in aggregation.each("clusterRoleSelectors") {
                labels::check_selector(&selector, &mut errors);
            }
        }
        errors.done()
    }
}

fn check_rule(rule: &At, namespaced: bool, errors: &mut Errors) {
    if rule.is_empty("verbs") {
        errors.push(FieldError::required(&rule.path("verbs"), "verbs must contain at least one value"));
    }
    if !rule.is_empty("nonResourceURLs") {
        let about_resources =
            ["apiGroups", "resources", "resourceNames"].iter().any(|field| !rule.is_empty(field));
        let wrong = [
            (namespaced, "namespaced rules cannot apply to non-resource URLs"),
            (about_resources, "rules cannot apply to both regular resources and non-resource URLs"),
        ];
        for (_, detail) in wrong.into_iter().filter(|(is, _)| *is) {
            errors.push(FieldError::invalid(
                &rule.path("nonResourceURLs"),
                rule.show("nonResourceURLs"),
                detail,
            ));
        }
        return;
    }
    for (field, detail) in [
        ("apiGroups", "resource rules must supply at least one api group"),
        ("resources", "resource rules must supply at least one resource"),
    ] {
        if rule.is_empty(field) {
            errors.push(FieldError::required(&rule.path(field), detail));
        }
    }
}

/// Strategy of role bindings and cluster role bindings.
pub(crate) struct RoleBinding {
    /// The kinds of roles that can be bound.
    pub(crate) roles: &'static [&'static str],
}

impl Strategy for RoleBinding {
    fn default(&self, binding: &mut Value) {
        if binding.has("roleRef") && binding.is_empty("roleRef.apiGroup") {
            binding.put("roleRef.apiGroup", GROUP);
        }
        for subject in binding.items_mut("subjects") {
            if matches!(subject.text("kind"), "User" | "Group") && subject.is_empty("apiGroup") {
                subject.put("apiGroup", GROUP);
            }
        }
    }

    fn validate(&self, binding: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(binding), Errors::new());
        let role = root.field("roleRef");
        must_be(&role, "apiGroup", &[GROUP], &mut errors);
        must_be(&role, "kind", self.roles, &mut errors);
        errors.text(&role, "name", object::path_segment);
        for subject in root.each("subjects") {
            check_subject(&subject, &mut errors);
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let root = At::root(new);
        if object::alike(new.at("roleRef"), old.at("roleRef")) {
            return FieldErrors::new();
        }
        vec![FieldError::invalid(&root.path("roleRef"), root.show("roleRef"), "cannot change roleRef")]
    }
}

fn must_be(at: &At, field: &str, supported: &[&str], errors: &mut Errors) {
    let text = at.text(field);
    if !supported.contains(&text) {
        errors.push(FieldError::not_supported(&at.path(field), text, supported));
    }
}

fn check_subject(subject: &At, errors: &mut Errors) {
    match subject.text("kind") {
        "ServiceAccount" => {
            errors.text(subject, "name", object::dns1123_subdomain);
            must_be(subject, "apiGroup", &[""], errors);
            errors.need(subject, "namespace");
        }
        "User" | "Group" => must_be(subject, "apiGroup", &[GROUP], errors),
        _ => must_be(subject, "kind", &["ServiceAccount", "User", "Group"], errors),
    }
}
