//! The quality-of-service class of a pod.

use object::Value;

use crate::rules::{Read, quantities};

/// What counts for the class.
const RESOURCES: [&str; 2] = ["cpu", "memory"];

/// `Guaranteed`: every container may use exactly what it asks for. `BestEffort`: none says anything.
/// Else `Burstable`.
pub(super) fn class(pod: &Value) -> &'static str {
    let whole_pod = pod.at("spec.resources");
    let holders: Vec<&Value> = if says_something(whole_pod) {
        vec![whole_pod]
    } else {
        ["containers", "initContainers"]
            .iter()
            .flat_map(|l| pod.at("spec").items(l))
            .map(|c| c.at("resources"))
            .collect()
    };
    if !holders.iter().any(|r| says_something(r)) {
        "BestEffort"
    } else if holders.iter().all(|r| is_guaranteed(r)) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// The class that a pod has by its status, or else by its spec.
pub(super) fn told(pod: &Value) -> &str {
    match pod.text("status.qosClass") {
        "" => class(pod),
        class => class,
    }
}

fn says_something(resources: &Value) -> bool {
    let amounts =
        ["requests", "limits"].iter().flat_map(|list| RESOURCES.map(|name| resources.at(list).at(name)));
    amounts.into_iter().any(|amount| !quantities::is_zero(amount))
}

fn is_guaranteed(resources: &Value) -> bool {
    RESOURCES.iter().all(|name| {
        let (request, limit) = (resources.at("requests").at(name), resources.at("limits").at(name));
        let same =
            request.is_null() || quantities::compare(request, limit).is_some_and(|order| order.is_eq());
        !quantities::is_zero(limit) && same
    })
}
