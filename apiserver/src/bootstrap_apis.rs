//! The APIServices of what the server serves itself: one for each version of a group. They are made when it starts, as
//! upstream's autoregister controller makes those that it manages on start: one that somebody deletes is back after the
//! next start.

use kinds::Kinds;
use object::{Map, Meta, Value};
use serde_json::json;

pub(crate) const GROUP: &str = "apiregistration.k8s.io";

/// Upstream's label of those that nobody made by hand, and its value for those that are managed when a server starts.
pub(crate) const MANAGED: (&str, &str) = ("kube-aggregator.kubernetes.io/automanaged", "onstart");

/// How much each group goes before others, and what its versions are preferred by.
const PRIORITIES: [(&str, u32, &[(&str, u32)]); 21] = [
    ("", 18000, &[("v1", 1)]),
    ("apps", 17800, &[("v1", 15)]),
    ("events.k8s.io", 17750, &[("v1", 15)]),
    ("authentication.k8s.io", 17700, &[("v1", 15)]),
    ("authorization.k8s.io", 17600, &[("v1", 15)]),
    ("autoscaling", 17500, &[("v1", 15), ("v2", 30)]),
    ("batch", 17400, &[("v1", 15)]),
    ("certificates.k8s.io", 17300, &[("v1", 15)]),
    ("networking.k8s.io", 17200, &[("v1", 15)]),
    ("policy", 17100, &[("v1", 15)]),
    ("rbac.authorization.k8s.io", 17000, &[("v1", 15)]),
    ("storage.k8s.io", 16800, &[("v1", 15)]),
    ("admissionregistration.k8s.io", 16700, &[("v1", 15)]),
    ("apiextensions.k8s.io", 16700, &[("v1", 15)]),
    ("scheduling.k8s.io", 16600, &[("v1", 15)]),
    ("coordination.k8s.io", 16500, &[("v1", 15)]),
    ("node.k8s.io", 16300, &[("v1", 15)]),
    ("discovery.k8s.io", 16200, &[("v1", 15)]),
    ("resource.k8s.io", 16200, &[("v1", 20)]),
    ("flowcontrol.apiserver.k8s.io", 16100, &[("v1", 21)]),
    ("storagemigration.k8s.io", 15800, &[("v1", 15)]),
];

/// The APIServices of the versions that the table of kinds has. That of APIServices themselves has none.
pub(crate) fn documents(kinds: &Kinds) -> Vec<Value> {
    let is_served = |group: &str, version: &str| {
        kinds.served().any(|kind| kind.group == group && kind.version == version)
    };
    let of_group = |(group, priority, versions): &(&str, u32, &[(&str, u32)])| {
        let served = versions.iter().filter(|(version, _)| is_served(group, version));
        served.map(|(version, own)| document((group, version), (*priority, *own))).collect::<Vec<_>>()
    };
    PRIORITIES.iter().flat_map(of_group).collect()
}

fn document((group, version): (&str, &str), (group_priority, version_priority): (u32, u32)) -> Value {
    let mut spec = json!({
        "version": version, "groupPriorityMinimum": group_priority, "versionPriority": version_priority,
    });
    if !group.is_empty() {
        spec["group"] = group.into();
    }
    let labels: Map = [(MANAGED.0.to_owned(), MANAGED.1.into())].into_iter().collect();
    json!({
        "apiVersion": format!("{GROUP}/v1"), "kind": "APIService",
        "metadata": {"name": format!("{version}.{group}"), "labels": labels}, "spec": spec,
    })
}

/// What becomes of one that exists; none where it is as it should be, or not managed.
pub(crate) fn reconciled(existing: &Value, wanted: &Value) -> Option<Value> {
    let managed = Meta::of(existing).labels.get(MANAGED.0).is_some();
    if !managed || existing["spec"] == wanted["spec"] {
        return None;
    }
    let mut better = existing.clone();
    better["spec"] = wanted["spec"].clone();
    Some(better)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_version_that_is_served_has_one() {
        let kinds = kinds::built_in();
        let made: BTreeSet<String> = documents(&kinds).iter().map(|service| Meta::of(service).name).collect();
        let served = kinds.served().filter(|kind| kind.group != GROUP);
        let served: BTreeSet<String> =
            served.map(|kind| format!("{}.{}", kind.version, kind.group)).collect();
        assert_eq!(made, served);
    }

    #[test]
    fn those_that_are_managed_get_their_spec_back() {
        let wanted = document(("apps", "v1"), (17800, 15));
        assert_eq!(reconciled(&wanted, &wanted), None);
        let mut changed = wanted.clone();
        changed["spec"]["versionPriority"] = 1.into();
        assert_eq!(reconciled(&changed, &wanted), Some(wanted.clone()));
        changed["metadata"]["labels"] = json!({});
        assert_eq!(reconciled(&changed, &wanted), None);
    }
}
