//! `PersistentVolumeClaimResize`: a claim grows where its class lets it.

use object::Value;

use super::{Needs, Review};
use crate::rules::{Read, quantities};

const SIZE: &str = "spec.resources.requests.storage";
/// The annotation is older than the field.
const CLASS: &str = "volume.beta.kubernetes.io/storage-class";

/// The class of a claim that grows.
pub fn needs<'a>(claim: &'a Value, old: Option<&'a Value>) -> Needs<'a> {
    match old.is_some_and(|old| grows(claim, old)) {
        true => Needs::Named(("storage.k8s.io", "storageclasses"), class(claim)),
        false => Needs::Nothing,
    }
}

fn grows(claim: &Value, old: &Value) -> bool {
    let size = |claim: &Value| quantities::read(claim.at(SIZE)).unwrap_or_default();
    size(claim) > size(old)
}

fn class(claim: &Value) -> &str {
    let annotation = claim.at("metadata.annotations").get(CLASS).and_then(Value::as_str);
    annotation.unwrap_or_else(|| claim.text("spec.storageClassName"))
}

/// Checks that a claim that grows may.
pub fn check(claim: &Value, review: &Review<'_>) -> Result<(), String> {
    let Some(old) = review.old.filter(|old| grows(claim, old)) else { return Ok(()) };
    if old.text("status.phase") != "Bound" {
        return Err("Only bound persistent volume claims can be expanded".to_owned());
    }
    let lets = review.documents.first().is_some_and(|class| class.flag("allowVolumeExpansion"));
    if lets && class(claim) == class(old) {
        return Ok(());
    }
    Err("only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::refusal;
    use super::*;

    #[test]
    fn claims_grow_where_their_class_lets_them() {
        let claim = |size: &str, phase: &str| {
            json!({
                "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": size}}},
                "status": {"phase": phase},
            })
        };
        let class = |lets: bool| [json!({"metadata": {"name": "fast"}, "allowVolumeExpansion": lets})];
        let bound = claim("1Gi", "Bound");
        let check = |size: &str, old: &Value, classes: &[Value]| {
            refusal(check, &claim(size, "Bound"), Some(old), classes)
        };
        assert_eq!(check("2Gi", &bound, &class(true)), "");
        let text = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
        assert_eq!(check("2Gi", &bound, &class(false)), text);
        assert_eq!(check("2Gi", &bound, &[]), text);
        assert_eq!(check("1024Mi", &bound, &[]), "", "no change");
        let pending = claim("1Gi", "Pending");
        assert_eq!(
            check("2Gi", &pending, &class(true)),
            "Only bound persistent volume claims can be expanded"
        );
        assert_eq!(
            needs(&claim("2Gi", "Bound"), Some(&bound)),
            Needs::Named(("storage.k8s.io", "storageclasses"), "fast")
        );
        assert_eq!(needs(&bound, Some(&bound)), Needs::Nothing);
    }
}
