//! The root CA: every namespace has a copy of the config map `kube-root-ca.crt` of `kube-system`, by which pods
//! know the API server. [`crate::run`] writes the original.

use std::any::Any;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, Outcome, Watch};
use object::{Key, Time, Value};
use serde_json::json;

use crate::ownership;
use crate::views::{ConfigMap, Namespace};

pub(crate) const CONFIG_MAP: KindName = ("", "ConfigMap");
const NAMESPACE: KindName = ("", "Namespace");
const NAME: &str = "kube-root-ca.crt";
const HOME: &str = "kube-system";

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "root-ca-certificate-publisher-controller", kind: NAMESPACE, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<Namespace>(Map::Itself), Watch::of::<ConfigMap>(Map::Of(namespaces_of))]
}

/// A copy concerns its namespace, the original every one.
fn namespaces_of(snapshot: &Snapshot, map: &dyn Any) -> Vec<Key> {
    match map.downcast_ref::<ConfigMap>().map(|map| &map.metadata).filter(|meta| meta.name == NAME) {
        None => Vec::new(),
        Some(meta) if meta.namespace == HOME => {
            snapshot.table::<Namespace>().iter().map(|namespace| namespace.metadata.key()).collect()
        }
        Some(meta) => vec![Key::new("", meta.namespace.as_str())],
    }
}

/// The key of the original.
pub(crate) fn original() -> Key {
    Key::new(HOME, NAME)
}

/// The config map of this bundle.
pub(crate) fn config_map(key: &Key, bundle: &str) -> Value {
    let about = "CA bundle for connections to the API server from inside the cluster; kept up by Berth.";
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": key.name, "namespace": key.namespace, "annotations": {"kubernetes.io/description": about},
        },
        "data": {"ca.crt": bundle},
    })
}

fn reconcile(snapshot: &Snapshot, item: &Item, _: &mut Memory, _: Time) -> Outcome {
    let bundle = snapshot.get::<ConfigMap>(&original()).and_then(|map| map.data.ca.as_ref());
    let namespace =
        snapshot.get::<Namespace>(&item.key).filter(|namespace| !namespace.metadata.is_terminating());
    let (Some(bundle), Some(_)) = (bundle, namespace) else { return Outcome::nothing() };
    let key = Key::new(item.key.name.as_str(), NAME);
    match snapshot.get::<ConfigMap>(&key) {
        None => {
            let object = config_map(&key, bundle);
            Outcome::actions(vec![Action::Create { kind: CONFIG_MAP.into(), object }])
        }
        Some(copy) if copy.data.ca.as_ref() == Some(bundle) => Outcome::nothing(),
        Some(copy) => {
            let patch = json!({"data": {"ca.crt": bundle}});
            Outcome::actions(vec![ownership::patch(CONFIG_MAP, &copy.metadata, patch)])
        }
    }
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, check_laws};

    use super::*;

    #[test]
    fn every_namespace_gets_a_copy() {
        let namespace =
            |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let objects = vec![
            namespace(HOME),
            namespace("a"),
            namespace("b"),
            config_map(&original(), "new"),
            config_map(&Key::new("a", NAME), "old"),
        ];
        let end = check_laws(&CONTROLLER, &Scenario::new("publish", Time::UNIX_EPOCH, objects));
        let maps = end.all("ConfigMap");
        assert_eq!(maps.len(), 3);
        assert!(maps.iter().all(|map| map["data"]["ca.crt"] == "new"));
        let without = vec![namespace("a")];
        let end = check_laws(&CONTROLLER, &Scenario::new("no bundle", Time::UNIX_EPOCH, without));
        assert!(end.all("ConfigMap").is_empty());
    }
}
