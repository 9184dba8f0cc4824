//! Labels of nodes that have other names today.

use object::Path;

use super::{At, Read};

/// A label of old, since when it is, and its name of today.
const RENAMED: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
];

/// What a label is called today, if it was renamed.
pub(crate) fn name_of_today(label: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, ..)| *old == label).map(|&(_, _, today)| today)
}

/// Says that the label at `path` was renamed, if it was.
pub(crate) fn warning(path: &Path, label: &str) -> Option<String> {
    let (_, since, today) = RENAMED.iter().find(|(old, ..)| *old == label)?;
    Some(format!("{path}: deprecated since {since}; use {today:?} instead"))
}

/// The same for each expression below, with the label's name in the text.
pub(crate) fn warnings(selector: &At) -> Vec<String> {
    let of = |expression: At| {
        let key = expression.value().text("key");
        let (_, since, today) = RENAMED.iter().find(|(old, ..)| *old == key)?;
        let path = expression.path("key");
        Some(format!("{path}: {key} is deprecated since {since}; use {today:?} instead"))
    };
    selector.each("matchExpressions").filter_map(of).collect()
}
