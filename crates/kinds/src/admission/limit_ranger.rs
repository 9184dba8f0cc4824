//! `LimitRanger`: what the limit ranges of its namespace give to a new pod, and what they bound. Of a change, what was
//! so before is not held against it.

use std::collections::{HashMap, HashSet};

use object::{Map, Quantity, Value};
use serde_json::json;

use super::amounts::Amounts;
use super::{Needs, Review};
use crate::rules::{Read, Write, quantities};

/// Where it is told what was given.
const ANNOTATION: &str = "kubernetes.io/limit-ranger";
/// How much of what is wrong is told.
const MAX_TOLD: usize = 1000;
/// The containers that have requests and limits, and how they are called.
const CONTAINERS: [(&str, &str); 2] =
    [("spec.containers", "container"), ("spec.initContainers", "init container")];

/// The limit ranges of the namespace.
pub fn needs<'a>(_: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    Needs::InNamespace(("", "limitranges"))
}

/// The ranges that count: none for what is about to go.
fn ranges<'a>(review: &Review<'a>) -> &'a [Value] {
    let goes = review.old.is_some_and(|old| old.has("metadata.deletionTimestamp"));
    if goes { &[] } else { review.documents }
}

/// Gives the containers of a pod the requests and limits that they lack.
pub fn fill(pod: &mut Value, review: &Review<'_>) -> Result<(), String> {
    for range in ranges(review) {
        let given = [
            ("requests", "request", defaults(range, "defaultRequest")),
            ("limits", "limit", defaults(range, "default")),
        ];
        let mut told = Vec::new();
        for (list, what) in CONTAINERS {
            for container in pod.items_mut(list) {
                for (field, word, amounts) in &given {
                    let names = give(container, field, amounts);
                    if !names.is_empty() {
                        let name = container.text("name");
                        told.push(format!("{} {word} for {what} {name}", names.join(", ")));
                    }
                }
            }
        }
        if !told.is_empty() {
            pod.put_new("metadata.annotations", json!({}));
            if let Some(annotations) = pod.at_mut("metadata.annotations").and_then(Value::as_object_mut) {
                let text = format!("LimitRanger plugin set: {}", told.join("; "));
                annotations.insert(ANNOTATION.to_owned(), text.into());
            }
        }
    }
    Ok(())
}

/// What a range gives to containers.
fn defaults(range: &Value, field: &str) -> Map {
    let items = range.items("spec.limits").iter().filter(|item| item.text("type") == "Container");
    items
        .filter_map(|item| item.at(field).as_object())
        .flatten()
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
}

/// Adds the amounts that are lacking; their names.
fn give(container: &mut Value, field: &str, amounts: &Map) -> Vec<String> {
    let path = format!("resources.{field}");
    let mut present = container.at(&path).as_object().cloned().unwrap_or_default();
    let mut names: Vec<String> =
        amounts.keys().filter(|name| !present.contains_key(*name)).cloned().collect();
    if !names.is_empty() {
        present.extend(names.iter().map(|name| (name.clone(), amounts[name].clone())));
        container.put(&path, present);
    }
    names.sort();
    names
}

/// Checks the containers of a pod, and the pod as a whole.
pub fn check_pod(pod: &Value, review: &Review<'_>) -> Result<(), String> {
    each_range(review, |item, wrong| match item.text("type") {
        "Container" => {
            for (list, _) in CONTAINERS {
                let before = review.old.map(|old| old.items(list)).unwrap_or_default();
                let before: HashMap<&str, &Value> =
                    before.iter().map(|was| (was.text("name"), was)).collect();
                for container in pod.items(list) {
                    let was = before.get(container.text("name")).map(|was| Amounts::of(was.at("resources")));
                    check(item, &RULES, &Amounts::of(container.at("resources")), was.as_ref(), wrong);
                }
            }
        }
        "Pod" => {
            check(item, &RULES, &Amounts::of_pod(pod), review.old.map(Amounts::of_pod).as_ref(), wrong);
        }
        _ => {}
    })
}

/// Checks what a claim asks for; limits of a claim mean nothing.
pub fn check_claim(claim: &Value, review: &Review<'_>) -> Result<(), String> {
    let asked = |claim: &Value| Amounts::of(&json!({"requests": claim.at("spec.resources.requests")}));
    each_range(review, |item, wrong| {
        if item.text("type") == "PersistentVolumeClaim" {
            check(item, &RULES_OF_CLAIMS, &asked(claim), review.old.map(asked).as_ref(), wrong);
        }
    })
}

/// Checks against one range after the other; the first that is broken is told of.
fn each_range(review: &Review<'_>, check: impl Fn(&Value, &mut Vec<String>)) -> Result<(), String> {
    for range in ranges(review) {
        let mut wrong = Vec::new();
        range.items("spec.limits").iter().for_each(|item| check(item, &mut wrong));
        told_once(wrong)?;
    }
    Ok(())
}

/// All that is wrong, as upstream joins errors.
fn told_once(wrong: Vec<String>) -> Result<(), String> {
    let mut told = HashSet::new();
    let mut once = wrong;
    once.retain(|text| told.len() < MAX_TOLD && told.insert(text.clone()));
    match once.len() {
        0 => Ok(()),
        1 => Err(once.remove(0)),
        _ => Err(format!("[{}]", once.join(", "))),
    }
}

/// A bound of a resource.
struct Bound<'a> {
    /// Whose: the type of the range's item.
    of: &'a str,
    resource: &'a str,
    amount: Quantity,
}

/// What is wrong with a request and a limit, given a bound.
type Rule = fn(&Bound<'_>, Option<Quantity>, Option<Quantity>) -> Option<String>;

/// The fields of a range's item, each with its rule.
const RULES: [(&str, Rule); 3] =
    [("min", at_least), ("max", at_most), ("maxLimitRequestRatio", not_far_above)];
const RULES_OF_CLAIMS: [(&str, Rule); 2] = [("min", at_least), ("max", request_at_most)];

fn check(item: &Value, rules: &[(&str, Rule)], is: &Amounts, was: Option<&Amounts>, wrong: &mut Vec<String>) {
    for (field, rule) in rules {
        for (resource, amount) in item.entries(field) {
            let Some(amount) = quantities::read(amount) else { continue };
            let bound = Bound { of: item.text("type"), resource, amount };
            if was.is_none_or(|was| !is.same(was, resource)) {
                wrong.extend(rule(&bound, is.request(resource), is.limit(resource)));
            }
        }
    }
}

fn at_least(bound: &Bound<'_>, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let Bound { of, resource, amount: min } = bound;
    let rule = format!("minimum {resource} usage per {of} is {min}");
    match (request, limit) {
        (None, _) => Some(format!("{rule}.  No request is specified")),
        (Some(request), _) if request < *min => Some(format!("{rule}, but request is {request}")),
        (_, Some(limit)) if limit < *min => Some(format!("{rule}, but limit is {limit}")),
        _ => None,
    }
}

fn at_most(bound: &Bound<'_>, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let Bound { of, resource, amount: max } = bound;
    let rule = format!("maximum {resource} usage per {of} is {max}");
    match (limit, request) {
        (None, _) => Some(format!("{rule}.  No limit is specified")),
        (Some(limit), _) if limit > *max => Some(format!("{rule}, but limit is {limit}")),
        (_, Some(request)) if request > *max => Some(format!("{rule}, but request is {request}")),
        _ => None,
    }
}

fn request_at_most(bound: &Bound<'_>, request: Option<Quantity>, _: Option<Quantity>) -> Option<String> {
    let Bound { of, resource, amount: max } = bound;
    let rule = format!("maximum {resource} usage per {of} is {max}");
    match request {
        None => Some(format!("{rule}.  No request is specified")),
        Some(request) if request > *max => Some(format!("{rule}, but request is {request}")),
        Some(_) => None,
    }
}

/// A limit may be so many times the request.
fn not_far_above(bound: &Bound<'_>, request: Option<Quantity>, limit: Option<Quantity>) -> Option<String> {
    let Bound { of, resource, amount: most } = bound;
    let rule = format!("{resource} max limit to request ratio per {of} is {most}");
    let stated = |amount: Option<Quantity>| amount.filter(|amount| !amount.is_zero());
    let Some(request) = stated(request) else {
        return Some(format!("{rule}, but no request is specified or request is 0"));
    };
    let Some(limit) = stated(limit) else {
        return Some(format!("{rule}, but no limit is specified or limit is 0"));
    };
    let ratio = limit.to_f64() / request.to_f64();
    exceeds(limit, request, *most).then(|| format!("{rule}, but provided ratio is {ratio:.6}"))
}

/// Whether one amount is more than `most` times the other: in thousandths, where these are small enough to be exact.
fn exceeds(limit: Quantity, request: Quantity, most: Quantity) -> bool {
    let exact = i64::MAX / 1000;
    let whole = limit.value() > exact || request.value() > exact;
    let read = |amount: Quantity| i128::from(if whole { amount.value() } else { amount.milli_value() });
    read(limit) * 1000 > read(request) * i128::from(most.milli_value())
}

#[cfg(test)]
mod tests;
