//! Rules of nodes.

mod status;

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use crate::rules::{At, Errors, Read, Write};
use crate::{Claim, Strategy, warnings};

/// Strategy of nodes.
pub(crate) struct Node;

impl Strategy for Node {
    /// `podCIDR` is the first of `podCIDRs`: who sets one sets both.
    fn default(&self, node: &mut Value) {
        if let Some(first) = node.items("spec.podCIDRs").first().cloned() {
            node.put_new("spec.podCIDR", first);
        } else if !node.is_empty("spec.podCIDR") {
            node.put("spec.podCIDRs", json!([node.text("spec.podCIDR")]));
        }
    }

    fn validate(&self, node: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(node).field("spec"), Errors::new());
        status::check_resources(&At::root(node).field("status"), &mut errors);
        check_taints(&spec, &mut errors);
        for block in spec.each("podCIDRs") {
            errors.obey(&block.path(""), block.as_str().unwrap_or_default(), object::cidr);
        }
        if spec.items("podCIDRs").first().is_some_and(|first| first != spec.at("podCIDR")) {
            let detail = "must be the first of `podCIDRs`";
            errors.push(FieldError::invalid(&spec.path("podCIDR"), spec.show("podCIDR"), detail));
        }
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (spec, was, mut errors) = (At::root(new).field("spec"), old.at("spec"), Errors::new());
        for (field, shown) in [("podCIDRs", "podCIDR"), ("providerID", "providerID")] {
            if !was.is_empty(field) && spec.at(field) != was.at(field) {
                let detail = format!("node updates may not change {shown} except from \"\" to valid");
                errors.push(FieldError::forbidden(&spec.path(field), detail));
            }
        }
        errors.done()
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        status::check(&At::root(new).field("status"), &mut errors);
        errors.done()
    }

    fn warnings(&self, new: &Value, _: Option<&Value>) -> Vec<String> {
        let obsolete = [
            ("spec.configSource", "the feature is removed"),
            ("spec.externalID", "this field is deprecated, and is unused by Kubernetes"),
        ];
        let set = obsolete.into_iter().filter(|(field, _)| !new.is_empty(field));
        let blocks = At::root(new).each("spec.podCIDRs");
        set.map(|(field, text)| format!("{field}: {text}"))
            .chain(blocks.flat_map(|block| warnings::block(&block.path(""), block.text(""))))
            .collect()
    }

    fn claims(&self, node: &Value) -> Vec<Claim> {
        let asked = node.text("spec.podCIDR");
        vec![Claim::PodCidr((!asked.is_empty()).then(|| asked.to_owned()))]
    }
}

/// A node has a taint of one key and effect once.
fn check_taints(spec: &At, errors: &mut Errors) {
    let mut seen = Vec::new();
    for taint in spec.each("taints") {
        let which = (taint.text("key").to_owned(), taint.text("effect").to_owned());
        if seen.contains(&which) {
            errors.push(FieldError::duplicate(&taint.path(""), taint.show("")));
        }
        seen.push(which);
    }
}
