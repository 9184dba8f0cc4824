//! `RuntimeClass`: what a pod's runtime costs, and on which nodes it is.

use object::{Map, Quantity, Value};

use super::tolerations;
use super::{Needs, Review};
use crate::rules::{Read, Write, quantities};

/// The class that the pod names.
pub fn needs<'a>(pod: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    match pod.has("spec.runtimeClassName") {
        true => Needs::Named(("node.k8s.io", "runtimeclasses"), pod.text("spec.runtimeClassName")),
        false => Needs::Nothing,
    }
}

/// The pod's class, which must be there where it names one.
fn class<'a>(pod: &Value, review: &Review<'a>) -> Result<Option<&'a Value>, String> {
    match (pod.has("spec.runtimeClassName"), review.documents.first()) {
        (false, _) => Ok(None),
        (true, Some(class)) => Ok(Some(class)),
        (true, None) => {
            Err(format!("pod rejected: RuntimeClass {:?} not found", pod.text("spec.runtimeClassName")))
        }
    }
}

/// Gives a new pod its class's overhead, and the nodes and taints of the class.
pub fn complete(pod: &mut Value, review: &Review<'_>) -> Result<(), String> {
    let Some(class) = class(pod, review)? else { return Ok(()) };
    if class.has("overhead") {
        let fixed = class.at("overhead.podFixed");
        if pod.has("spec.overhead") && !same(pod.at("spec.overhead"), fixed) {
            return Err(DIFFERS.to_owned());
        }
        if !fixed.is_null() {
            pod.put("spec.overhead", fixed.clone());
        }
    }
    if class.has("scheduling") {
        place(pod, class.at("scheduling"))?;
    }
    Ok(())
}

const DIFFERS: &str = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";

fn place(pod: &mut Value, scheduling: &Value) -> Result<(), String> {
    let mut selector: Map = pod.at("spec.nodeSelector").as_object().cloned().unwrap_or_default();
    for (key, value) in scheduling.entries("nodeSelector") {
        if let Some(own) = selector.get(key).filter(|own| *own != value) {
            let (own, wanted) = (own.text(""), value.text(""));
            return Err(format!(
                "conflict: runtimeClass.scheduling.nodeSelector[{key}] = {wanted}; pod.spec.nodeSelector[{key}] = {own}"
            ));
        }
        selector.insert(key.to_owned(), value.clone());
    }
    if !selector.is_empty() {
        pod.put("spec.nodeSelector", selector);
    }
    let merged = tolerations::merge(pod.items("spec.tolerations"), scheduling.items("tolerations"));
    if !merged.is_empty() {
        pod.put("spec.tolerations", merged);
    }
    Ok(())
}

/// The overhead of a pod is its class's.
pub fn check(pod: &Value, review: &Review<'_>) -> Result<(), String> {
    let overhead = pod.at("spec.overhead");
    match class(pod, review)?.filter(|class| class.has("overhead")) {
        Some(class) if !same(overhead, class.at("overhead.podFixed")) => Err(DIFFERS.to_owned()),
        None if !overhead.is_null() => {
            Err("pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead"
                .to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether two lists name the same amounts.
fn same(one: &Value, other: &Value) -> bool {
    let amounts = |list: &Value| -> Vec<(String, Option<Quantity>)> {
        let mut amounts: Vec<_> =
            list.entries("").map(|(name, amount)| (name.to_owned(), quantities::read(amount))).collect();
        amounts.sort_by(|a, b| a.0.cmp(&b.0));
        amounts
    };
    amounts(one) == amounts(other)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{mutate, pod, refusal};
    use super::*;

    fn named(mut spec: Value) -> Value {
        spec["runtimeClassName"] = "vm".into();
        pod(spec)
    }

    #[test]
    fn a_class_says_what_it_costs() {
        let class = [json!({"handler": "vm", "overhead": {"podFixed": {"cpu": "250m"}}})];
        let completed = |spec: Value| mutate(complete, named(spec), &class);
        let with = named(json!({"overhead": {"cpu": "250m"}}));
        assert_eq!(completed(json!({})), Ok(with.clone()));
        assert_eq!(refusal(check, &with, None, &class), "");
        assert!(completed(json!({"overhead": {"cpu": "0.25"}})).is_ok());
        assert_eq!(completed(json!({"overhead": {"cpu": "1"}})), Err(DIFFERS.into()));
        assert_eq!(refusal(check, &named(json!({})), None, &class), DIFFERS);
        let text = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
        assert_eq!(refusal(check, &pod(json!({"overhead": {"cpu": "1"}})), None, &[]), text);
        assert_eq!(refusal(check, &pod(json!({})), None, &[]), "");
        let missing = "pod rejected: RuntimeClass \"vm\" not found";
        assert_eq!(mutate(complete, named(json!({})), &[]), Err(missing.into()));
    }

    #[test]
    fn a_class_says_where_it_runs() {
        let tolerations = json!([{"key": "vm", "operator": "Exists"}]);
        let class = [
            json!({"handler": "vm", "scheduling": {"nodeSelector": {"vm": "yes"}, "tolerations": tolerations}}),
        ];
        let completed = |spec: Value| mutate(complete, named(spec), &class);
        assert_eq!(
            completed(json!({"nodeSelector": {"disk": "ssd"}})),
            Ok(named(json!({"nodeSelector": {"disk": "ssd", "vm": "yes"}, "tolerations": tolerations})))
        );
        let conflict =
            "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no";
        assert_eq!(completed(json!({"nodeSelector": {"vm": "no"}})), Err(conflict.into()));
    }
}
