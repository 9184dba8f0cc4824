//! What a change may do to where a gated pod may run: narrow it (KEP-3838).

use object::{FieldError, Value};

use crate::rules::{At, Errors, Read};

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";

/// Checks a change of a gated pod's node selector and node affinity.
pub(super) fn check(spec: &At, was: &Value, errors: &mut Errors) {
    let (is, kept) = (spec.at("nodeSelector"), was.at("nodeSelector"));
    if kept.entries("").any(|(key, value)| is.get(key) != Some(value)) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        errors.push(FieldError::invalid(&spec.path("nodeSelector"), is.clone(), detail));
    }
    let list = format!("affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms");
    let old = was.items(&list);
    if !old.is_empty() && old.len() != spec.items(&list).len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return errors.push(FieldError::invalid(&spec.path(&list), spec.show(&list), detail));
    }
    for (is, was) in spec.each(&list).zip(old) {
        if !only_adds(&is, was) {
            let detail = "only additions are allowed (no mutations or deletions)";
            errors.push(FieldError::invalid(&is.path(""), is.show(""), detail));
        }
    }
}

/// Whether a term selects by what it selected by, and perhaps more; one that selects nothing stays.
fn only_adds(is: &Value, was: &Value) -> bool {
    const LISTS: [&str; 2] = ["matchExpressions", "matchFields"];
    let is_empty = |term: &Value| LISTS.iter().all(|list| term.items(list).is_empty());
    let begins = |list: &&str| is.items(list).starts_with(was.items(list));
    (!is_empty(was) || is_empty(is)) && LISTS.iter().all(begins)
}
