//! Containers.

use std::collections::HashSet;

use super::profiles;
use crate::rules::{At, Read};
use crate::warnings::claims;

/// Resources that are bytes.
pub(super) const BYTES: [&str; 2] = ["memory", "ephemeral-storage"];

/// All containers of a pod, those that start first in front.
pub(super) fn all<'a>(spec: &At<'a>) -> impl Iterator<Item = At<'a>> + use<'a> {
    let lists = ["initContainers", "containers", "ephemeralContainers"].map(|list| spec.each(list));
    lists.into_iter().flatten()
}

/// What is odd about a container on its own.
pub(super) fn of_container(pod: &At, container: &At, in_template: bool) -> Vec<String> {
    let mut warnings: Vec<_> = profiles::seccomp(pod, container).into_iter().collect();
    if in_template {
        warnings.extend(profiles::apparmor_of_template(pod, container));
    }
    let amounts = BYTES.iter().flat_map(|key| [("limits", key), ("requests", key)]);
    warnings.extend(amounts.filter_map(|(amounts, key)| claims::of_amount(container, amounts, key)));
    warnings.extend(hidden_variables(container));
    warnings
}

/// Variables that hide an earlier one without making use of it.
fn hidden_variables(container: &At) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut warnings = Vec::new();
    for variable in container.each("env") {
        let name = variable.value().text("name");
        if !seen.insert(name) && !extends_itself(&variable) {
            let text =
                format!("hides previous definition of {name:?}, which may be dropped when using apply");
            warnings.push(format!("{}: {text}", variable.path("")));
        }
    }
    warnings
}

/// Whether a variable's value is more than its earlier one.
fn extends_itself(variable: &At) -> bool {
    let (value, earlier) = (variable.text("value"), format!("$({})", variable.text("name")));
    !variable.has("valueFrom") && value != earlier && value.contains(&earlier)
}
