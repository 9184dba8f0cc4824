//! Labels and label selectors: how they are shown, checked and matched.

use object::{FieldError, Value};

use super::{At, Errors, Read};

/// Labels as `a=b,c=d`, or `<none>`.
pub(crate) fn show(labels: &Value) -> String {
    let pairs = sorted_pairs(labels);
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

fn sorted_pairs(labels: &Value) -> Vec<String> {
    let mut pairs: Vec<_> = labels.entries("").map(|(k, v)| (k, v.as_str().unwrap_or_default())).collect();
    pairs.sort_unstable();
    pairs.into_iter().map(|(key, value)| format!("{key}={value}")).collect()
}

/// A `metav1.LabelSelector` in the notation of `kubectl -l`.
pub(crate) fn show_selector(selector: &Value) -> String {
    let expressions = selector.items("matchExpressions").iter().map(|e| (e.text("key"), show_expression(e)));
    let mut all: Vec<(&str, String)> = selector
        .entries("matchLabels")
        .map(|(key, value)| (key, format!("{key}={}", value.as_str().unwrap_or_default())))
        .chain(expressions)
        .collect();
    all.sort_by_key(|&(key, _)| key);
    all.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

fn show_expression(expression: &Value) -> String {
    let key = expression.text("key");
    let mut values: Vec<&str> = expression.items("values").iter().filter_map(Value::as_str).collect();
    values.sort_unstable();
    let values = values.join(",");
    match expression.text("operator") {
        "In" => format!("{key} in ({values})"),
        "NotIn" => format!("{key} notin ({values})"),
        "DoesNotExist" => format!("!{key}"),
        _ => key.to_owned(),
    }
}

/// Whether a `metav1.LabelSelector` selects these labels; an empty one selects all.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    selector.entries("matchLabels").all(|(key, value)| labels.get(key) == Some(value))
        && selector.items("matchExpressions").iter().all(|e| expression_selects(e, labels))
}

fn expression_selects(expression: &Value, labels: &Value) -> bool {
    let value = labels.get(expression.text("key"));
    let listed = value.is_some_and(|value| expression.items("values").contains(value));
    match expression.text("operator") {
        "In" => listed,
        "NotIn" => !listed,
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

/// Whether a `metav1.LabelSelector` names no requirement.
pub(crate) fn is_empty(selector: &Value) -> bool {
    selector.is_empty("matchLabels") && selector.is_empty("matchExpressions")
}

/// Checks a map of labels.
pub(crate) fn check(labels: &At, errors: &mut Errors) {
    for (key, value) in labels.entries("") {
        errors.obey(&labels.path(""), key, object::qualified_name);
        errors.obey(&labels.path(""), value.as_str().unwrap_or_default(), object::label_value);
    }
}

/// Checks a map of annotations.
pub(crate) fn check_annotations(annotations: &At, errors: &mut Errors) {
    let entries = annotations.value().as_object().into_iter().flatten();
    object::validate_annotations(entries, &annotations.path("")).into_iter().for_each(|e| errors.push(e));
}

/// Checks a `metav1.LabelSelector`. Says whether it is right.
pub(crate) fn check_selector(selector: &At, errors: &mut Errors) -> bool {
    let before = errors.count_so_far();
    check(&selector.field("matchLabels"), errors);
    for expression in selector.each("matchExpressions") {
        check_expression(&expression, errors);
    }
    errors.count_so_far() == before
}

fn check_expression(expression: &At, errors: &mut Errors) {
    check_values(expression, errors, &[]);
    errors.obey(&expression.path("key"), expression.text("key"), object::qualified_name);
    for value in expression.each("values") {
        errors.obey(&value.path(""), value.as_str().unwrap_or_default(), object::label_value);
    }
}

/// Checks that an expression has as many values as its operator wants; `ordering` are operators that compare
/// with one number.
pub(crate) fn check_values(expression: &At, errors: &mut Errors, ordering: &[&str]) {
    let (operator, values) = (expression.text("operator"), expression.path("values"));
    let given = expression.items("values").len();
    match operator {
        "In" | "NotIn" if given == 0 => {
            errors
                .push(FieldError::required(&values, "must be specified when `operator` is 'In' or 'NotIn'"));
        }
        "Exists" | "DoesNotExist" if given > 0 => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&values, detail));
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
        _ if ordering.contains(&operator) => {
            if given != 1 {
                let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
                errors.push(FieldError::required(&values, detail));
            }
        }
        _ => errors.push(FieldError::invalid(
            &expression.path("operator"),
            operator,
            "not a valid selector operator",
        )),
    }
}
