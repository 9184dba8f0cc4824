//! Rules of where a pod may run: node selector, affinity, tolerations, spreading.

use object::FieldError;

use super::{At, Errors, Read, labels};

/// Checks what a spec says about nodes.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    labels::check(&spec.field("nodeSelector"), errors);
    for toleration in spec.each("tolerations") {
        check_toleration(&toleration, errors);
    }
    check_node_affinity(&spec.field("affinity.nodeAffinity"), errors);
    for kind in ["affinity.podAffinity", "affinity.podAntiAffinity"] {
        check_pod_affinity(&spec.field(kind), errors);
    }
    check_spread(spec, errors);
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
        "" | "Equal" => errors.obey(&toleration.path("operator"), value, object::label_value),
        "Exists" if !value.is_empty() => {
            let detail = "value must be empty when `operator` is 'Exists'";
            errors.push(FieldError::invalid(&toleration.path("operator"), toleration.show(""), detail));
        }
        "Lt" | "Gt" if value.parse::<i64>().is_err() => {
            let detail = "value must be a valid integer when `operator` is 'Lt' or 'Gt'";
            errors.push(FieldError::invalid(&toleration.path("value"), value, detail));
        }
        _ => {}
    }
}

fn check_node_affinity(affinity: &At, errors: &mut Errors) {
    if let Some(required) = affinity.present("requiredDuringSchedulingIgnoredDuringExecution") {
        check_node_selector(&required, errors);
    }
    for preferred in affinity.each("preferredDuringSchedulingIgnoredDuringExecution") {
        check_weight(&preferred, errors);
        check_node_term(&preferred.field("preference"), errors);
    }
}

/// Checks a selector of nodes.
pub(crate) fn check_node_selector(selector: &At, errors: &mut Errors) {
    if selector.is_empty("nodeSelectorTerms") {
        let detail = "must have at least one node selector term";
        errors.push(FieldError::required(&selector.path("nodeSelectorTerms"), detail));
    }
    for term in selector.each("nodeSelectorTerms") {
        check_node_term(&term, errors);
    }
}

fn check_node_term(term: &At, errors: &mut Errors) {
    for expression in term.each("matchExpressions") {
        labels::check_values(&expression, errors, &["Gt", "Lt"]);
        errors.text(&expression, "key", object::qualified_name);
    }
    for field in term.each("matchFields") {
        if field.text("key") != "metadata.name" {
            let detail = "not a valid field selector key";
            errors.push(FieldError::invalid(&field.path("key"), field.text("key"), detail));
        }
        if !matches!(field.text("operator"), "In" | "NotIn") {
            let detail = "not a valid selector operator";
            errors.push(FieldError::invalid(&field.path("operator"), field.text("operator"), detail));
        } else if field.items("values").len() != 1 {
            let detail = "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
            errors.push(FieldError::required(&field.path("values"), detail));
        }
    }
}

fn check_weight(preferred: &At, errors: &mut Errors) {
    errors.count(preferred, "weight", |w| (1..=100).contains(&w), "must be in the range 1-100");
}

fn check_pod_affinity(affinity: &At, errors: &mut Errors) {
    for term in affinity.each("requiredDuringSchedulingIgnoredDuringExecution") {
        check_pod_term(&term, errors);
    }
    for preferred in affinity.each("preferredDuringSchedulingIgnoredDuringExecution") {
        check_weight(&preferred, errors);
        check_pod_term(&preferred.field("podAffinityTerm"), errors);
    }
}

fn check_pod_term(term: &At, errors: &mut Errors) {
    for selector in ["labelSelector", "namespaceSelector"] {
        labels::check_selector(&term.field(selector), errors);
    }
    for namespace in term.each("namespaces") {
        errors.obey(&namespace.path(""), namespace.as_str().unwrap_or_default(), object::dns1123_label);
    }
    check_topology_key(term, errors);
}

fn check_topology_key(at: &At, errors: &mut Errors) {
    if at.is_empty("topologyKey") {
        errors.push(FieldError::required(&at.path("topologyKey"), "can not be empty"));
    }
    errors.text(at, "topologyKey", object::qualified_name);
}

fn check_spread(spec: &At, errors: &mut Errors) {
    let mut seen = Vec::new();
    for constraint in spec.each("topologySpreadConstraints") {
        errors.count(&constraint, "maxSkew", |n| n > 0, "must be greater than zero");
        errors.number(&constraint, "minDomains", |n| n > 0, "must be greater than zero");
        check_topology_key(&constraint, errors);
        if constraint.is_empty("whenUnsatisfiable") {
            let (at, known) = (constraint.path("whenUnsatisfiable"), ["DoNotSchedule", "ScheduleAnyway"]);
            errors.push(FieldError::not_supported(&at, "", &known));
        }
        labels::check_selector(&constraint.field("labelSelector"), errors);
        let pair =
            (constraint.text("topologyKey").to_owned(), constraint.text("whenUnsatisfiable").to_owned());
        if seen.contains(&pair) {
            let shown = format!("{{{}, {}}}", pair.0, pair.1);
            errors.push(FieldError::duplicate(&constraint.path("{topologyKey, whenUnsatisfiable}"), shown));
        }
        seen.push(pair);
    }
}

fn check_gates(spec: &At, errors: &mut Errors) {
    errors.unique(spec.each("schedulingGates"), "name");
    for gate in spec.each("schedulingGates") {
        errors.text(&gate, "name", object::qualified_name);
    }
}
