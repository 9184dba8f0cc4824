//! What a container, or a pod as a whole, asks for and may use.

use std::collections::BTreeMap;

use object::{Quantity, Value};

use crate::rules::{Read, quantities};

/// What can be stated of a pod as a whole; it then counts instead of the sum over its containers.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// Amounts by resource.
type List = BTreeMap<String, Quantity>;

/// Requests and limits.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    requests: List,
    limits: List,
}

impl Amounts {
    /// Those of a container's, or a claim's, `resources`.
    pub(super) fn of(resources: &Value) -> Self {
        Self { requests: list(resources, "requests"), limits: list(resources, "limits") }
    }

    /// Those of a pod.
    pub(super) fn of_pod(pod: &Value) -> Self {
        Self { requests: total(pod, "requests"), limits: total(pod, "limits") }
    }

    /// How much of this resource is asked for.
    pub(super) fn request(&self, resource: &str) -> Option<Quantity> {
        self.requests.get(resource).copied()
    }

    /// How much of it may be used.
    pub(super) fn limit(&self, resource: &str) -> Option<Quantity> {
        self.limits.get(resource).copied()
    }

    /// Whether both are the same as there.
    pub(super) fn same(&self, other: &Self, resource: &str) -> bool {
        self.request(resource) == other.request(resource) && self.limit(resource) == other.limit(resource)
    }
}

fn list(resources: &Value, field: &str) -> List {
    let amounts = resources.entries(field);
    amounts.filter_map(|(name, amount)| Some((name.to_owned(), quantities::read(amount)?))).collect()
}

/// The sum over the containers, or what must be there while they start, whichever is more: an init container runs
/// beside the sidecars before it.
fn total(pod: &Value, field: &str) -> List {
    let (mut sum, mut sidecars, mut start) = (List::new(), List::new(), List::new());
    for container in pod.items("spec.containers") {
        add(&mut sum, &list(container.at("resources"), field));
    }
    for container in pod.items("spec.initContainers") {
        let mut own = list(container.at("resources"), field);
        if container.text("restartPolicy") == "Always" {
            add(&mut sum, &own);
            add(&mut sidecars, &own);
            own.clear();
        }
        add(&mut own, &sidecars);
        raise(&mut start, &own);
    }
    raise(&mut sum, &start);
    let stated = list(pod.at("spec.resources"), field);
    sum.extend(stated.into_iter().filter(|(name, _)| OF_PODS.contains(&name.as_str())));
    sum
}

fn add(to: &mut List, more: &List) {
    for (name, amount) in more {
        *to.entry(name.clone()).or_default() += *amount;
    }
}

fn raise(to: &mut List, at_least: &List) {
    for (name, amount) in at_least {
        let present = to.entry(name.clone()).or_insert(*amount);
        *present = (*present).max(*amount);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_needs_what_its_containers_do_or_its_start() {
        let container = |cpu: &str| json!({"resources": {"requests": {"cpu": cpu}}});
        let sidecar = |cpu: &str| json!({"restartPolicy": "Always", "resources": {"requests": {"cpu": cpu}}});
        let cpu = |spec: Value| {
            let request = Amounts::of_pod(&json!({"spec": spec})).request("cpu");
            request.map(|amount| amount.to_string()).unwrap_or_default()
        };
        let two = json!([container("100m"), container("200m")]);
        assert_eq!(cpu(json!({"containers": two})), "300m");
        assert_eq!(cpu(json!({"containers": two, "initContainers": [container("1")]})), "1");
        let inits = json!([sidecar("50m"), container("300m"), sidecar("100m")]);
        assert_eq!(cpu(json!({"containers": two, "initContainers": inits})), "450m");
        let inits = json!([sidecar("50m"), container("900m"), sidecar("100m")]);
        assert_eq!(cpu(json!({"containers": two, "initContainers": inits})), "950m");
        let stated = json!({"containers": two, "resources": {"requests": {"cpu": "2"}}});
        assert_eq!(cpu(stated), "2");
        assert_eq!(cpu(json!({"containers": [{}]})), "");
    }
}
