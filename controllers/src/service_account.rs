//! Service accounts: every namespace has one named `default`.

use std::any::Any;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, Outcome, Watch};
use object::{Key, Time};
use serde_json::json;

use crate::views::{Namespace, ServiceAccount};

const NAMESPACE: KindName = ("", "Namespace");
const NAME: &str = "default";

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "serviceaccount-controller", kind: NAMESPACE, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<Namespace>(Map::Itself), Watch::of::<ServiceAccount>(Map::Of(namespace_of))]
}

fn namespace_of(_: &Snapshot, account: &dyn Any) -> Vec<Key> {
    let account = account.downcast_ref::<ServiceAccount>().filter(|account| account.metadata.name == NAME);
    account.map(|account| Key::new("", account.metadata.namespace.as_str())).into_iter().collect()
}

fn reconcile(snapshot: &Snapshot, item: &Item, _: &mut Memory, _: Time) -> Outcome {
    let account = Key::new(item.key.name.as_str(), NAME);
    match snapshot.get::<Namespace>(&item.key) {
        Some(namespace) if !namespace.metadata.is_terminating() => {}
        _ => return Outcome::nothing(),
    }
    if snapshot.get::<ServiceAccount>(&account).is_some() {
        return Outcome::nothing();
    }
    let metadata = json!({"name": account.name, "namespace": account.namespace});
    let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
    Outcome::actions(vec![Action::Create { kind: ("", "ServiceAccount").into(), object }])
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, check_laws};

    use super::*;

    #[test]
    fn every_namespace_gets_its_account() {
        let namespace =
            |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let mut going = namespace("going");
        going["metadata"]["deletionTimestamp"] = "2020-01-01T00:00:00Z".into();
        let objects = vec![namespace("a"), namespace("b"), going];
        let end = check_laws(&CONTROLLER, &Scenario::new("new", Time::UNIX_EPOCH, objects));
        assert_eq!(end.all("ServiceAccount").len(), 2);
    }
}
