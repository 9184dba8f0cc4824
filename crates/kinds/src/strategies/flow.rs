//! Rules of flow schemas: which requests are of which priority level.

mod level;

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use crate::Strategy;
use crate::rules::{At, Errors, Read};
use crate::strategy::METADATA;

pub(crate) use level::PriorityLevelConfiguration;

const LAST: i64 = 10_000;
const METHODS: [&str; 2] = ["ByNamespace", "ByUser"];
const VERBS: [&str; 9] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"];
/// The kinds of subjects, each with the field that names one.
const SUBJECTS: [(&str, &str); 3] =
    [("Group", "group"), ("ServiceAccount", "serviceAccount"), ("User", "user")];

/// Strategy of flow schemas.
pub(crate) struct FlowSchema;

impl Strategy for FlowSchema {
    fn validate(&self, schema: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(schema).field("spec"), Errors::new());
        let name = schema.text("metadata.name");
        check_precedence(&spec, name, &mut errors);
        check_method(&spec, &mut errors);
        check_level(&spec, &mut errors);
        spec.each("rules").for_each(|rule| check_rule(&rule, &mut errors));
        if fixed(name).is_some_and(|fixed| !object::alike(&fixed, spec.value())) {
            let detail = format!("spec of '{name}' must equal the fixed value");
            errors.push(FieldError::invalid(&spec.path(""), spec.show(""), detail));
        }
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        check_conditions(new)
    }
}

/// Each condition of a status has its own type.
fn check_conditions(object: &Value) -> FieldErrors {
    let (status, mut errors) = (At::root(object).field("status"), Errors::new());
    errors.unique(status.each("conditions"), "type");
    for condition in status.each("conditions") {
        errors.need_as(&condition, "type", "must not be empty");
    }
    errors.done()
}

/// What the schemas that every cluster has say.
fn fixed(name: &str) -> Option<Value> {
    let groups = |names: &[&str]| -> Vec<Value> {
        names.iter().map(|name| json!({ "kind": "Group", "group": { "name": name } })).collect()
    };
    let all = ["*"];
    let rules = |subjects: Vec<Value>| {
        let resources = json!({ "verbs": all, "apiGroups": all, "resources": all, "clusterScope": true, "namespaces": all });
        let others = json!({ "verbs": all, "nonResourceURLs": all });
        json!([{ "subjects": subjects, "resourceRules": [resources], "nonResourceRules": [others] }])
    };
    let level = json!({ "name": name });
    match name {
        "exempt" => Some(json!({
            "priorityLevelConfiguration": level, "matchingPrecedence": 1, "rules": rules(groups(&["system:masters"])),
        })),
        "catch-all" => Some(json!({
            "priorityLevelConfiguration": level, "matchingPrecedence": LAST, "distinguisherMethod": { "type": "ByUser" },
            "rules": rules(groups(&["system:unauthenticated", "system:authenticated"])),
        })),
        _ => None,
    }
}

fn check_precedence(spec: &At, name: &str, errors: &mut Errors) {
    errors.count(spec, "matchingPrecedence", |n| n > 0, "must be a positive value");
    errors.count(spec, "matchingPrecedence", |n| n <= LAST, &format!("must not be greater than {LAST}"));
    if name != "exempt" {
        let detail = "only the schema named 'exempt' may have matchingPrecedence 1";
        errors.count(spec, "matchingPrecedence", |n| n != 1, detail);
    }
}

fn check_method(spec: &At, errors: &mut Errors) {
    if spec.has("distinguisherMethod") && !METHODS.contains(&spec.text("distinguisherMethod.type")) {
        let (path, value) = (spec.path("distinguisherMethod.type"), spec.show("distinguisherMethod"));
        errors.push(FieldError::not_supported(&path, value, &METHODS));
    }
}

fn check_level(spec: &At, errors: &mut Errors) {
    const NAME: &str = "priorityLevelConfiguration.name";
    errors.need_as(spec, NAME, "must reference a priority level");
    errors.text(spec, NAME, object::dns1123_subdomain);
}

fn check_rule(rule: &At, errors: &mut Errors) {
    errors.need_as(rule, "subjects", "subjects must contain at least one value");
    rule.each("subjects").for_each(|subject| check_subject(&subject, errors));
    if rule.is_empty("resourceRules") && rule.is_empty("nonResourceRules") {
        let detail = "at least one of resourceRules and nonResourceRules has to be non-empty";
        errors.push(FieldError::required(&rule.path(""), detail));
    }
    rule.each("resourceRules").for_each(|rule| check_resources(&rule, errors));
    rule.each("nonResourceRules").for_each(|rule| check_urls(&rule, errors));
}

fn check_subject(subject: &At, errors: &mut Errors) {
    let kind = subject.text("kind");
    let Some((_, own)) = SUBJECTS.into_iter().find(|(known, _)| *known == kind) else {
        let known = SUBJECTS.map(|(known, _)| known);
        return errors.push(FieldError::not_supported(&subject.path("kind"), kind, &known));
    };
    match subject.present(own) {
        None => {
            let detail = format!("{own} is required when subject kind is '{kind}'");
            errors.push(FieldError::required(&subject.path(own), detail));
        }
        Some(named) if own == "serviceAccount" => check_account(&named, errors),
        Some(named) => drop(errors.need(&named, "name")),
    }
    for (other, field) in SUBJECTS.into_iter().filter(|(_, field)| *field != own) {
        let detail = format!("{field} is forbidden when subject kind is not '{other}'");
        errors.forbid_present(subject, field, &detail);
    }
}

fn check_account(account: &At, errors: &mut Errors) {
    if errors.need(account, "name") && account.text("name") != "*" {
        errors.text(account, "name", object::dns1123_subdomain);
    }
    errors.need_as(account, "namespace", "must specify namespace for service account");
    errors.text(account, "namespace", object::dns1123_label);
}

/// A list that must not be empty, and where `*` stands alone.
fn check_list(rule: &At, field: &str, missing: &str, others: &str, errors: &mut Errors) {
    let list = rule.items(field);
    if errors.need_as(rule, field, missing) && list.len() > 1 && list.iter().any(|item| item == "*") {
        let detail = format!("if '*' is present, must not specify other {others}");
        errors.push(FieldError::invalid(&rule.path(field), rule.show(field), detail));
    }
}

fn check_verbs(rule: &At, errors: &mut Errors) {
    check_list(rule, "verbs", "verbs must contain at least one value", "verbs", errors);
    let verbs: Vec<&str> = rule.items("verbs").iter().filter_map(Value::as_str).collect();
    if !verbs.contains(&"*") && verbs.iter().any(|verb| !VERBS.contains(verb)) {
        errors.push(FieldError::not_supported(&rule.path("verbs"), rule.show("verbs"), &VERBS));
    }
}

fn check_resources(rule: &At, errors: &mut Errors) {
    check_verbs(rule, errors);
    let missing = |what: &str| format!("resource rules must supply at least one {what}");
    check_list(rule, "apiGroups", &missing("api group"), "api groups", errors);
    check_list(rule, "resources", &missing("resource"), "resources", errors);
    if !rule.is_empty("namespaces") || !rule.flag("clusterScope") {
        let missing = "resource rules that are not cluster scoped must supply at least one namespace";
        check_list(rule, "namespaces", missing, "namespaces", errors);
    }
    if !rule.items("namespaces").iter().any(|namespace| namespace == "*") {
        rule.each("namespaces").for_each(|namespace| check_namespace(&namespace, errors));
    }
}

fn check_namespace(namespace: &At, errors: &mut Errors) {
    let name = namespace.as_str().unwrap_or_default();
    for complaint in object::dns1123_label(name) {
        let detail = format!("each member of this list must be '*' or a DNS-1123 label; {complaint}");
        errors.push(FieldError::invalid(&namespace.path(""), name, detail));
    }
}

fn check_urls(rule: &At, errors: &mut Errors) {
    check_verbs(rule, errors);
    let missing = "nonResourceURLs must contain at least one value";
    check_list(rule, "nonResourceURLs", missing, "non-resource URLs", errors);
    if rule.items("nonResourceURLs").iter().any(|url| url == "*") {
        return;
    }
    for url in rule.each("nonResourceURLs") {
        if let Some(wrong) = wrong_url(url.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(&url.path(""), url.show(""), wrong));
        }
    }
}

/// What is wrong with a path that may end in `/*`.
fn wrong_url(url: &str) -> Option<&'static str> {
    match url {
        "" => Some("must not be empty"),
        "/" => None,
        _ if !url.starts_with('/') => Some("must start with slash"),
        _ if url.contains(' ') => Some("must not contain white-space"),
        _ if url.contains("//") => Some("must not contain double slash"),
        _ if url.strip_suffix("/*").unwrap_or(url).contains('*') => {
            Some("wildcard can only do suffix matching")
        }
        _ => None,
    }
}
