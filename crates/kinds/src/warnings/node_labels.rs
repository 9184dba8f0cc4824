//! Selectors by labels of nodes that have other names today.

use object::Path;

use crate::rules::{At, Read, node_labels};

/// Says that the label at `path` is deprecated, if it is.
pub(crate) fn label(path: &Path, label: &str) -> Option<String> {
    Some(format!("{path}: {}", node_labels::deprecation(label)?))
}

/// The same where the path does not name the label.
pub(super) fn named(path: &Path, label: &str) -> Option<String> {
    Some(format!("{path}: {label} is {}", node_labels::deprecation(label)?))
}

/// What is odd about a node selector term; its values are looked at where nothing else checks them.
pub(crate) fn term(term: &At, with_values: bool) -> Vec<String> {
    term.each("matchExpressions").flat_map(|expression| of_expression(&expression, with_values)).collect()
}

fn of_expression(expression: &At, with_values: bool) -> Vec<String> {
    let mut warnings: Vec<_> = named(&expression.path("key"), expression.text("key")).into_iter().collect();
    for value in expression.each("values").filter(|_| with_values) {
        let (path, text) = (value.path(""), value.text(""));
        warnings.extend(
            object::label_value(text).iter().map(|detail| format!("{path}: {text} is invalid, {detail}")),
        );
    }
    warnings
}

/// What is odd about a `metav1.LabelSelector` of nodes.
pub(crate) fn selector(selector: &At) -> Vec<String> {
    let mut warnings = term(selector, false);
    let path = selector.path("matchLabels");
    let labels = selector.entries("matchLabels").map(|(label, _)| label);
    warnings.extend(labels.filter_map(|name| label(&path.child(name), name)));
    warnings
}
