//! Where pods may run.

use crate::rules::{At, Read};
use crate::warnings::node_labels;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// Labels of nodes that have other names today, and spread that counts no pod.
pub(super) fn labels(spec: &At) -> Vec<String> {
    let chosen = spec.each_entry("nodeSelector");
    let mut warnings: Vec<_> =
        chosen.filter_map(|(label, at)| node_labels::label(&at.path(""), label)).collect();
    let affinity = spec.field("affinity.nodeAffinity");
    let terms = affinity.each(&format!("{REQUIRED}.nodeSelectorTerms"));
    warnings.extend(terms.flat_map(|term| node_labels::term(&term, false)));
    let terms = affinity.each(PREFERRED).map(|term| term.field("preference"));
    warnings.extend(terms.flat_map(|term| node_labels::term(&term, true)));
    for spread in spec.each("topologySpreadConstraints") {
        warnings.extend(node_labels::named(&spread.path("topologyKey"), spread.text("topologyKey")));
        warnings.extend(matches_nothing(&spread));
    }
    warnings
}

/// Affinity to no pod.
pub(super) fn selectors(spec: &At) -> Vec<String> {
    let mut warnings = Vec::new();
    for affinity in ["affinity.podAffinity", "affinity.podAntiAffinity"].map(|field| spec.field(field)) {
        let preferred = affinity.each(PREFERRED).map(|term| term.field("podAffinityTerm"));
        warnings.extend(affinity.each(REQUIRED).chain(preferred).filter_map(|term| matches_nothing(&term)));
    }
    warnings
}

fn matches_nothing(term: &At) -> Option<String> {
    let path = term.path("labelSelector");
    (!term.has("labelSelector")).then(|| format!("{path}: a null labelSelector results in matching no pod"))
}
