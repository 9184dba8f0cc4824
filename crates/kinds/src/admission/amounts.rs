//! What a container, or a pod as a whole, asks for and may use.

use object::{Quantity, Value};

use crate::rules::Read;
use crate::rules::sums::{self, List};

/// What can be stated of a pod as a whole; it then counts instead of the sum over its containers.
const OF_PODS: [&str; 2] = ["cpu", "memory"];

/// Requests and limits.
#[derive(Debug, Default)]
pub(super) struct Amounts {
    requests: List,
    limits: List,
}

impl Amounts {
    /// Those of a container's, or a claim's, `resources`.
    pub(super) fn of(resources: &Value) -> Self {
        Self { requests: sums::list(resources, "requests"), limits: sums::list(resources, "limits") }
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

/// Of a resource that can be stated of the pod as a whole, that; else what the containers need.
fn total(pod: &Value, field: &str) -> List {
    let mut total = sums::of_containers(pod.at("spec"), field);
    let stated = sums::list(pod.at("spec.resources"), field);
    total.extend(stated.into_iter().filter(|(name, _)| OF_PODS.contains(&name.as_str())));
    total
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
