//! Whether a rule allows a request.

use super::{Attributes, PolicyRule};

const ALL: &str = "*";

/// Whether a list holds a value or the wildcard.
pub(super) fn has(list: &[String], value: &str) -> bool {
    list.iter().any(|item| item == ALL || item == value)
}

/// Whether a resource of a rule (`pods`, `pods/log`, `*/scale`, `*`) covers a resource and subresource.
pub(super) fn resource_matches(rule: &str, resource: &str, subresource: &str) -> bool {
    if rule == ALL {
        return true;
    }
    match (rule.split_once('/'), subresource) {
        (None, "") => rule == resource,
        (Some((parent, sub)), wanted) if !wanted.is_empty() => {
            sub == wanted && (parent == resource || parent == ALL)
        }
        _ => false,
    }
}

/// Whether a path of a rule covers a path.
pub(super) fn path_matches(rule: &str, path: &str) -> bool {
    rule == path || (rule.ends_with('*') && path.starts_with(rule.trim_end_matches('*')))
}

impl PolicyRule {
    /// Whether the rule allows the request.
    pub fn allows(&self, request: &Attributes<'_>) -> bool {
        if !has(&self.verbs, request.verb) {
            return false;
        }
        if !request.is_resource() {
            return self.non_resource_urls.iter().any(|url| path_matches(url, request.path));
        }
        has(&self.api_groups, request.group)
            && self.resources.iter().any(|r| resource_matches(r, request.resource, request.subresource))
            && (self.resource_names.is_empty() || self.resource_names.iter().any(|n| n == request.name))
    }
}
