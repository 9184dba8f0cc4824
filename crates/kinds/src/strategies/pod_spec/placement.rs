//! Rules of where a pod may run: node selector, affinity, tolerations, gates.

use std::collections::HashSet;

use object::FieldError;

use super::{At, Errors, Read, label_keys, labels};

const POD_AFFINITIES: [&str; 2] = ["affinity.podAffinity", "affinity.podAntiAffinity"];
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Checks what a spec says about nodes.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    labels::check(&spec.field("nodeSelector"), errors);
    for toleration in spec.each("tolerations") {
        check_toleration(&toleration, errors);
    }
    check_node_affinity(&spec.field("affinity.nodeAffinity"), errors);
    for affinity in POD_AFFINITIES {
        check_pod_affinity(&spec.field(affinity), errors);
    }
    check_gates(spec, errors);
}

/// Checks a toleration of a node's taints.
pub(crate) fn check_toleration(toleration: &At, errors: &mut Errors) {
    let (operator, value) = (toleration.text("operator"), toleration.text("value"));
    if toleration.is_empty("key") && operator != "Exists" {
        let detail =
            "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        errors.push(FieldError::invalid(&toleration.path("operator"), operator, detail));
    }
    if toleration.has("tolerationSeconds") && toleration.text("effect") != "NoExecute" {
        let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        errors.push(FieldError::invalid(&toleration.path("effect"), toleration.text("effect"), detail));
    }
    match operator {
        "" | "Equal" => {
            let complaints = object::label_value(value);
            if !complaints.is_empty() {
                let path = toleration.path("operator");
                errors.push(FieldError::invalid(&path, value, complaints.join(";")));
            }
        }
        "Exists" if !value.is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(&toleration.path("operator"), value, detail));
        }
        "Lt" | "Gt" if value.parse::<i64>().is_err() => {
            let detail = "value must be a valid integer when `operator` is 'Lt' or 'Gt'";
            errors.push(FieldError::invalid(&toleration.path("value"), value, detail));
        }
        _ => {}
    }
}

fn check_node_affinity(affinity: &At, errors: &mut Errors) {
    if let Some(required) = affinity.present(REQUIRED) {
        check_node_selector(&required, errors);
    }
    for preferred in affinity.each(PREFERRED) {
        check_weight(&preferred, errors);
        check_node_term(&preferred.field("preference"), false, errors);
    }
}

/// Checks a selector of nodes.
pub(crate) fn check_node_selector(selector: &At, errors: &mut Errors) {
    if selector.is_empty("nodeSelectorTerms") {
        let detail = "must have at least one node selector term";
        errors.push(FieldError::required(&selector.path("nodeSelectorTerms"), detail));
    }
    for term in selector.each("nodeSelectorTerms") {
        check_node_term(&term, true, errors);
    }
}

/// The values of an affinity that is required are those of labels; others may be anything.
fn check_node_term(term: &At, strict: bool, errors: &mut Errors) {
    for expression in term.each("matchExpressions") {
        labels::check_values(&expression, errors, &["Gt", "Lt"]);
        errors.obey(&expression.path("key"), expression.text("key"), object::qualified_name);
        for value in expression.each("values").filter(|_| strict) {
            errors.obey(&value.path(""), value.text(""), object::label_value);
        }
    }
    for field in term.each("matchFields") {
        check_node_field(&field, errors);
    }
}

fn check_node_field(field: &At, errors: &mut Errors) {
    if !matches!(field.text("operator"), "In" | "NotIn") {
        let detail = "not a valid selector operator";
        errors.push(FieldError::invalid(&field.path("operator"), field.text("operator"), detail));
    } else if field.items("values").len() != 1 {
        let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
        errors.push(FieldError::required(&field.path("values"), detail));
    }
    if field.text("key") != "metadata.name" {
        let detail = "not a valid field selector key";
        return errors.push(FieldError::invalid(&field.path("key"), field.text("key"), detail));
    }
    for value in field.each("values") {
        errors.obey(&value.path(""), value.text(""), object::dns1123_subdomain);
    }
}

fn check_weight(preferred: &At, errors: &mut Errors) {
    errors.count(preferred, "weight", |w| (1..=100).contains(&w), "must be in the range 1-100");
}

fn check_pod_affinity(affinity: &At, errors: &mut Errors) {
    for term in affinity.each(REQUIRED) {
        check_pod_term(&term, errors);
    }
    for preferred in affinity.each(PREFERRED) {
        check_weight(&preferred, errors);
        check_pod_term(&preferred.field("podAffinityTerm"), errors);
    }
}

fn check_pod_term(term: &At, errors: &mut Errors) {
    for selector in ["labelSelector", "namespaceSelector"] {
        labels::check_selector(&term.field(selector), errors);
    }
    for namespace in term.each("namespaces") {
        // upstream tells of all at one path
        errors.obey(&term.path("namespace"), namespace.text(""), object::dns1123_label);
    }
    label_keys::check(term, errors);
    errors.need_as(term, "topologyKey", "can not be empty");
    errors.obey(&term.path("topologyKey"), term.text("topologyKey"), object::qualified_name);
}

/// Gates differ, and are named as labels are.
fn check_gates(spec: &At, errors: &mut Errors) {
    let mut names = HashSet::new();
    for gate in spec.each("schedulingGates") {
        let name = gate.value().text("name");
        errors.obey(&gate.path(""), name, object::qualified_name);
        if !names.insert(name) {
            errors.push(FieldError::duplicate(&gate.path(""), name));
        }
    }
}

/// Checks what is wrong with the terms of a pod, but not of a template of one: a pod's labels complete its selectors.
pub(crate) fn check_terms_of_pod(pod: &At, errors: &mut Errors) {
    let (spec, labels) = (pod.field("spec"), pod.field("metadata.labels"));
    for affinity in POD_AFFINITIES.map(|field| spec.field(field)) {
        for term in affinity.each(REQUIRED) {
            label_keys::check_of_pod(&term, &labels, errors);
        }
        for preferred in affinity.each(PREFERRED) {
            label_keys::check_of_pod(&preferred.field("podAffinityTerm"), &labels, errors);
        }
    }
    for constraint in spec.each("topologySpreadConstraints") {
        label_keys::check_of_pod(&constraint, &labels, errors);
    }
}
