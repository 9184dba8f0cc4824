//! `DefaultStorageClass`: a claim that names no class gets the default one.

use object::Value;

use super::{Needs, Review, default_class};
use crate::rules::{Read, Write};

const MARKS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
/// The annotation is older than the field.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The default class, for a claim without one.
pub fn needs<'a>(claim: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    match has_class(claim) {
        true => Needs::Nothing,
        false => Needs::Marked(("storage.k8s.io", "storageclasses"), default_class::MARK),
    }
}

/// Even the empty name is one: it means none.
fn has_class(claim: &Value) -> bool {
    claim.has("spec.storageClassName") || claim.at("metadata.annotations").get(CLASS).is_some()
}

/// Gives a new claim the default class.
pub fn complete(claim: &mut Value, review: &Review<'_>) -> Result<(), String> {
    if let Some(class) = default_class::newest(review.documents, &MARKS).filter(|_| !has_class(claim)) {
        claim.put("spec.storageClassName", class);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::mutate;
    use super::*;

    #[test]
    fn claims_without_a_class_get_the_default() {
        let classes = [json!({"metadata": {"name": "fast", "annotations": {MARKS[1]: "true"}}})];
        let class = |claim: Value| {
            let claim = mutate(complete, claim, &classes).expect("admitted");
            claim["spec"]["storageClassName"].clone()
        };
        assert_eq!(class(json!({"spec": {}})), "fast");
        assert_eq!(class(json!({"spec": {"storageClassName": ""}})), "");
        assert_eq!(class(json!({"metadata": {"annotations": {CLASS: "slow"}}, "spec": {}})), Value::Null);
    }
}
