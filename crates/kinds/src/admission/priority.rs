//! `Priority`: a pod's class as a number, and one default class at most.

use object::Value;

use super::{Needs, Resource, Review};
use crate::SYSTEM_PRIORITIES;
use crate::rules::{Read, Write};

const CLASSES: Resource = ("scheduling.k8s.io", "priorityclasses");
/// What the text of a default class holds.
const DEFAULT: &str = "\"globalDefault\":true";
/// Whom a pod may push aside, where its class does not say.
const POLICY: &str = "PreemptLowerPriority";

/// A pod needs its class, or the default one.
pub fn needs<'a>(pod: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    match pod.text("spec.priorityClassName") {
        "" => default_class(pod, None),
        name => Needs::Named(CLASSES, name),
    }
}

/// The default class.
pub fn default_class<'a>(_: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    Needs::Marked(CLASSES, DEFAULT)
}

/// Gives a new pod the priority of its class; it may state no other.
pub fn resolve(pod: &mut Value, review: &Review<'_>) -> Result<(), String> {
    if !pod.has("spec") {
        return Ok(());
    }
    let (value, policy) = match pod.text("spec.priorityClassName").to_owned() {
        name if name.is_empty() => match the_default(review.documents) {
            Some(class) => {
                pod.put("spec.priorityClassName", class.text("metadata.name"));
                read(class)
            }
            None => (0, POLICY),
        },
        // the classes of the system count before their objects are there
        name => match (review.documents.first(), SYSTEM_PRIORITIES.iter().find(|(known, ..)| *known == name))
        {
            (Some(class), _) => read(class),
            (None, Some((_, value, _))) => (*value, POLICY),
            (None, None) => return Err(format!("no PriorityClass with name {name} was found")),
        },
    };
    if let Some(stated) = pod.int("spec.priority").filter(|stated| *stated != value) {
        return Err(computed("integer value of priority", stated, value));
    }
    let stated = pod.text("spec.preemptionPolicy");
    if pod.has("spec.preemptionPolicy") && stated != policy {
        return Err(computed("string value of PreemptionPolicy", stated, policy));
    }
    pod.put("spec.priority", value);
    pod.put("spec.preemptionPolicy", policy);
    Ok(())
}

fn computed(what: &str, stated: impl std::fmt::Display, right: impl std::fmt::Display) -> String {
    format!(
        "the {what} ({stated}) must not be provided in pod spec; \
         priority admission controller computed {right} from the given PriorityClass name"
    )
}

fn read(class: &Value) -> (i64, &str) {
    let policy = Some(class.text("preemptionPolicy")).filter(|policy| !policy.is_empty());
    (class.int("value").unwrap_or_default(), policy.unwrap_or(POLICY))
}

/// The default class; of several, which a race can leave, the one of the least value.
fn the_default(classes: &[Value]) -> Option<&Value> {
    let defaults = classes.iter().filter(|class| class.flag("globalDefault"));
    defaults.min_by_key(|class| class.int("value").unwrap_or_default())
}

/// A changed pod keeps what it does not state.
pub fn keep(pod: &mut Value, review: &Review<'_>) -> Result<(), String> {
    for field in ["spec.priority", "spec.preemptionPolicy"] {
        if let Some(was) = review.old.map(|old| old.at(field)).filter(|was| !was.is_null()) {
            pod.put_new(field, was.clone());
        }
    }
    Ok(())
}

/// No two classes are the default.
pub fn check_class(class: &Value, review: &Review<'_>) -> Result<(), String> {
    let Some(present) = the_default(review.documents).filter(|_| class.flag("globalDefault")) else {
        return Ok(());
    };
    let name = present.text("metadata.name");
    if review.old.is_some() && name == class.text("metadata.name") {
        return Ok(());
    }
    Err(format!("PriorityClass {name} is already marked as default. Only one default can exist"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{mutate, pod, refusal};
    use super::*;

    fn class(name: &str, value: i64, default: bool) -> Value {
        json!({
            "metadata": {"name": name}, "value": value, "globalDefault": default, "preemptionPolicy": "Never",
        })
    }

    /// Class, priority and policy of a pod.
    type Said = Result<(Value, Value, Value), String>;

    #[test]
    fn a_pod_has_the_priority_of_its_class() {
        let resolved = |spec: Value, classes: &[Value]| -> Said {
            let pod = mutate(resolve, pod(spec), classes)?;
            let spec = |field: &str| pod["spec"][field].clone();
            Ok((spec("priorityClassName"), spec("priority"), spec("preemptionPolicy")))
        };
        let is = |name: Value, priority: i64, policy: &str| Ok((name, json!(priority), json!(policy)));
        assert_eq!(resolved(json!({}), &[]), is(Value::Null, 0, POLICY));
        let defaults = [class("b", 7, true), class("c", 5, true)];
        assert_eq!(resolved(json!({}), &defaults), is(json!("c"), 5, "Never"));
        let named = |name: &str| json!({"priorityClassName": name});
        assert_eq!(resolved(named("b"), &[class("b", 7, false)]), is(json!("b"), 7, "Never"));
        let system = "system-node-critical";
        assert_eq!(resolved(named(system), &[]), is(json!(system), 2_000_001_000, POLICY));
        assert_eq!(resolved(named("x"), &[]), Err("no PriorityClass with name x was found".into()));
        let stated = json!({"priorityClassName": "b", "priority": 7, "preemptionPolicy": "Never"});
        assert_eq!(resolved(stated, &[class("b", 7, false)]), is(json!("b"), 7, "Never"));
        let wrong = "the integer value of priority (5) must not be provided in pod spec; \
                     priority admission controller computed 0 from the given PriorityClass name";
        assert_eq!(resolved(json!({"priority": 5}), &[]), Err(wrong.into()));
        let wrong = "the string value of PreemptionPolicy (Never) must not be provided in pod spec; \
                     priority admission controller computed PreemptLowerPriority from the given PriorityClass name";
        assert_eq!(resolved(json!({"preemptionPolicy": "Never"}), &[]), Err(wrong.into()));
    }

    #[test]
    fn one_class_is_the_default() {
        let (old, new) = (class("old", 1, true), class("new", 2, true));
        let check = |class: &Value, before: Option<&Value>| {
            refusal(check_class, class, before, std::slice::from_ref(&old))
        };
        let text = "PriorityClass old is already marked as default. Only one default can exist";
        assert_eq!(check(&new, None), text);
        assert_eq!(check(&new, Some(&class("new", 2, false))), text);
        assert_eq!(check(&old, Some(&old)), "");
        assert_eq!(check(&class("new", 2, false), None), "");
        assert_eq!(refusal(check_class, &new, None, &[]), "");
    }
}
