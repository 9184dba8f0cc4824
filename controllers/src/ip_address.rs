//! Addresses of services: each is shown by an IPAddress object. Who holds an address is decided where the service is
//! written; the objects follow.

#[cfg(test)]
mod tests;

use std::any::Any;
use std::net::IpAddr;
use std::time::Duration;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, Note, NoteType, Outcome, Plan, Query, Watch};
use ipnet::IpNet;
use object::{Key, Time, Value};
use serde::Deserialize;
use serde_json::json;

use crate::ownership;
use crate::views::{IpAddress, Service, ServiceCidr};

const SERVICE: KindName = ("", "Service");
const ADDRESS: KindName = ("networking.k8s.io", "IPAddress");

const FAMILY: &str = "ipaddress.kubernetes.io/ip-family";
const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
/// The value of [`MANAGED_BY`] on the objects of this controller.
const OURSELVES: &str = "ipallocator.k8s.io";

/// When to look again whether an object that stands in the way is gone.
const WAIT: Duration = Duration::from_secs(1);

/// The controller. Its items are services and the objects themselves.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "ipallocator-repair-controller", kind: SERVICE, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![
        Watch::of::<Service>(Map::Items(items_of_service)),
        Watch::of::<IpAddress>(Map::Items(items_of_address)),
        Watch::of::<ServiceCidr>(Map::Items(|_, _| Vec::new())),
    ]
}

/// A service concerns itself and the objects of its addresses, also of those that it gave up.
fn items_of_service(_: &Snapshot, service: &dyn Any) -> Vec<Item> {
    let Some(service) = service.downcast_ref::<Service>() else { return Vec::new() };
    let addresses = service.addresses().map(|address| Item::new(ADDRESS, key_of(address)));
    std::iter::once(Item::new(SERVICE, service.metadata.key())).chain(addresses).collect()
}

/// An object concerns itself and the service that it names.
fn items_of_address(_: &Snapshot, address: &dyn Any) -> Vec<Item> {
    let Some(address) = address.downcast_ref::<IpAddress>() else { return Vec::new() };
    let service = address.service().map(|key| Item::new(SERVICE, key));
    std::iter::once(Item::new(ADDRESS, address.metadata.key())).chain(service).collect()
}

impl Service {
    /// Its addresses; none where it is headless.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.spec.cluster_ips.iter().filter_map(|text| text.parse().ok())
    }
}

impl IpAddress {
    /// The address.
    pub(crate) fn address(&self) -> Option<IpAddr> {
        self.metadata.name.parse().ok()
    }

    /// Whether it shows an address of a service, and holds nothing itself.
    pub(crate) fn is_of_services(&self) -> bool {
        self.metadata.labels.get(MANAGED_BY) == Some(OURSELVES)
    }

    /// The service that it names.
    fn service(&self) -> Option<Key> {
        let parent = &self.spec.parent_ref;
        let is_service = parent.group.is_empty() && parent.resource == "services";
        is_service.then(|| Key::new(parent.namespace.as_str(), parent.name.as_str()))
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, _: Time) -> Outcome {
    if item.kind == SERVICE {
        return show(snapshot, &item.key);
    }
    match snapshot.get::<IpAddress>(&item.key) {
        Some(shown) if shown.is_of_services() && !shown.metadata.is_terminating() => {
            remove_unless_held(snapshot, shown, memory)
        }
        _ => Outcome::nothing(),
    }
}

/// Makes the objects of a service's addresses, and repairs their labels.
fn show(snapshot: &Snapshot, key: &Key) -> Outcome {
    let mut plan = Plan::default();
    let Some(service) = snapshot.get::<Service>(key) else { return Outcome::nothing() };
    for address in service.addresses() {
        match snapshot.get::<IpAddress>(&key_of(address)) {
            None if service.metadata.is_terminating() => {}
            None => plan.act(Action::Create { kind: ADDRESS.into(), object: object(service, address) }),
            Some(shown) if !shown.is_of_services() => {
                let text = "was assigned to something else as well; please recreate service";
                plan.tell(warning(service, "ClusterIPAlreadyAllocated", address, text));
            }
            // the item of the object takes it away
            Some(shown) if shown.service().as_ref() != Some(key) => plan.wake_in(WAIT),
            Some(shown) if shown.metadata.labels.get(FAMILY) != Some(family(address)) => {
                let patch = json!({"metadata": {"labels": {FAMILY: family(address)}}});
                plan.act(ownership::patch(ADDRESS, &shown.metadata, patch));
            }
            Some(_) => {}
        }
        if !is_in_range(snapshot, address) {
            let text = "is not within any configured Service CIDR; please recreate service";
            plan.tell(warning(service, "ClusterIPOutOfRange", address, text));
        }
    }
    plan.into()
}

/// Removes the object of an address that the service which it names does not have, as the API says now.
fn remove_unless_held(snapshot: &Snapshot, shown: &IpAddress, memory: &mut Memory) -> Outcome {
    let has = |service: &Service| service.addresses().any(|address| Some(address) == shown.address());
    if let Some(key) = shown.service() {
        if snapshot.get::<Service>(&key).is_some_and(has) {
            return Outcome::nothing();
        }
        let question = Query::Get { kind: SERVICE.into(), key };
        match memory.answer(&question) {
            None => return Outcome::Ask(vec![question]),
            Some(Some(service)) if Service::deserialize(service).is_ok_and(|service| has(&service)) => {
                return Outcome::nothing();
            }
            Some(_) => {}
        }
    }
    Outcome::actions(vec![ownership::delete(ADDRESS, &shown.metadata)])
}

fn is_in_range(snapshot: &Snapshot, address: IpAddr) -> bool {
    let has = |block: IpNet| block.contains(&address);
    snapshot.table::<ServiceCidr>().iter().any(|range| range.blocks().any(has))
}

fn key_of(address: IpAddr) -> Key {
    Key::new("", address.to_string())
}

fn family(address: IpAddr) -> &'static str {
    if address.is_ipv6() { "IPv6" } else { "IPv4" }
}

fn object(service: &Service, address: IpAddr) -> Value {
    let Key { namespace, name } = service.metadata.key();
    let labels = json!({FAMILY: family(address), MANAGED_BY: OURSELVES});
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {"name": address.to_string(), "labels": labels},
        "spec": {"parentRef": {"resource": "services", "namespace": namespace, "name": name}},
    })
}

/// Trouble with an address, in upstream's words.
fn warning(service: &Service, reason: &'static str, address: IpAddr, text: &str) -> Note {
    Note {
        kind: SERVICE.into(),
        key: service.metadata.key(),
        uid: service.metadata.uid.clone(),
        severity: NoteType::Warning,
        reason,
        message: format!("Cluster IP [{}]: {address} {text}", family(address)),
        after: None,
    }
}
