//! `DefaultIngressClass`: an ingress that names no class gets the default one.

use object::Value;

use super::{Needs, Review, default_class};
use crate::rules::{Read, Write};

const MARK: &str = "ingressclass.kubernetes.io/is-default-class";
/// The annotation is older than the field.
const CLASS: &str = "kubernetes.io/ingress.class";

/// The default class, for an ingress without one.
pub fn needs<'a>(ingress: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    match has_class(ingress) {
        true => Needs::Nothing,
        false => Needs::Marked(("networking.k8s.io", "ingressclasses"), default_class::MARK),
    }
}

fn has_class(ingress: &Value) -> bool {
    ingress.has("spec.ingressClassName") || ingress.at("metadata.annotations").get(CLASS).is_some()
}

/// Gives a new ingress the default class.
pub fn complete(ingress: &mut Value, review: &Review<'_>) -> Result<(), String> {
    if let Some(class) = default_class::newest(review.documents, &[MARK]).filter(|_| !has_class(ingress)) {
        ingress.put("spec.ingressClassName", class);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::mutate;
    use super::*;

    #[test]
    fn ingresses_without_a_class_get_the_default() {
        let classes = [json!({"metadata": {"name": "web", "annotations": {MARK: "true"}}})];
        let class = |ingress: Value| {
            let ingress = mutate(complete, ingress, &classes).expect("admitted");
            ingress["spec"]["ingressClassName"].clone()
        };
        assert_eq!(class(json!({"spec": {}})), "web");
        assert_eq!(class(json!({"spec": {"ingressClassName": "own"}})), "own");
        assert_eq!(class(json!({"metadata": {"annotations": {CLASS: "old"}}, "spec": {}})), Value::Null);
    }
}
