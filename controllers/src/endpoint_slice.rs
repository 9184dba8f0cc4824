//! Endpoint slices: tell where the pods that a service selects can be reached, for the service proxies and the name
//! server.
//!
//! Each address family of a service, and each way in which its ports resolve, has slices of its own. A slice keeps
//! its endpoints in their order as long as they are wanted; new ones go where the fewest slices change.

mod endpoints;
mod layout;

use std::any::Any;
use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, Outcome, Plan, Watch};
use object::{Key, Map as Fields, Time, Value};
use serde_json::json;

use crate::naming;
use crate::ownership;
use crate::views::{EndpointSlice, Node, Pod, Service};
use endpoints::{Family, Members};
use layout::{Content, Layout};

const KIND: KindName = ("", "Service");
const SLICE: KindName = ("discovery.k8s.io", "EndpointSlice");

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const HEADLESS: &str = "service.kubernetes.io/headless";
/// The value of [`MANAGED_BY`] on the slices of this controller.
const OURSELVES: &str = "endpointslice-controller.k8s.io";
const ZONE: &str = "topology.kubernetes.io/zone";

/// Characters of a slice name's suffix.
const SUFFIX: usize = 5;
/// When to look again for the node of a pod that was left out because there is none.
const NODE_WAIT: Duration = Duration::from_secs(5);

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "endpointslice-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![
        Watch::of::<Service>(Map::Itself),
        Watch::of::<Pod>(Map::Of(services_of_pod)),
        Watch::of::<EndpointSlice>(Map::Of(service_of_slice)),
        Watch::of::<Node>(Map::Of(services_of_node)),
    ]
}

/// A pod that has an address concerns the services that select it.
fn services_of_pod(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let Some(pod) = pod.downcast_ref::<Pod>().filter(|pod| pod.has_address()) else { return Vec::new() };
    let services = snapshot.table::<Service>().namespace(&pod.metadata.namespace);
    services.filter(|service| service.selects(pod)).map(|service| service.metadata.key()).collect()
}

fn service_of_slice(_: &Snapshot, slice: &dyn Any) -> Vec<Key> {
    slice.downcast_ref::<EndpointSlice>().and_then(EndpointSlice::service).into_iter().collect()
}

/// A node concerns the services whose slices tell another zone for it.
fn services_of_node(snapshot: &Snapshot, node: &dyn Any) -> Vec<Key> {
    let Some(node) = node.downcast_ref::<Node>() else { return Vec::new() };
    let name = Some(node.metadata.name.as_str());
    let moved = |slice: &&EndpointSlice| {
        let mut there = slice.endpoints.iter().filter(|endpoint| endpoint.node_name.as_deref() == name);
        there.any(|endpoint| endpoint.zone.as_deref() != node.zone())
    };
    snapshot.table::<EndpointSlice>().iter().filter(moved).filter_map(EndpointSlice::service).collect()
}

impl Node {
    /// The zone it is in, where that is known.
    fn zone(&self) -> Option<&str> {
        self.metadata.labels.get(ZONE).filter(|zone| !zone.is_empty())
    }
}

impl Service {
    /// Whether its endpoints are found by a selector.
    fn is_selecting(&self) -> bool {
        self.spec.kind != "ExternalName" && !self.spec.selector.is_empty()
    }

    /// Whether a pod of its namespace is behind it.
    fn selects(&self, pod: &Pod) -> bool {
        let labels = &pod.metadata.labels;
        self.is_selecting()
            && self.spec.selector.iter().all(|(key, value)| labels.get(key) == Some(value.as_str()))
    }

    /// Whether it has no address of its own.
    fn is_headless(&self) -> bool {
        matches!(self.spec.cluster_ip.as_str(), "" | "None")
    }

    /// The labels of its slices: its own, and those that are reserved.
    fn slice_labels(&self) -> BTreeMap<String, String> {
        let mut labels = self.metadata.labels.to_map();
        labels.remove(HEADLESS);
        if self.is_headless() {
            labels.insert(HEADLESS.to_owned(), String::new());
        }
        labels.insert(SERVICE_NAME.to_owned(), self.metadata.name.clone());
        labels.insert(MANAGED_BY.to_owned(), OURSELVES.to_owned());
        labels
    }
}

impl EndpointSlice {
    /// The name of the service it is about, where it is this controller's slice.
    fn service_name(&self) -> Option<&str> {
        let label = |name: &str| self.metadata.labels.get(name);
        label(MANAGED_BY).filter(|manager| *manager == OURSELVES)?;
        label(SERVICE_NAME)
    }

    /// The service it is about, where it is this controller's slice.
    fn service(&self) -> Option<Key> {
        self.service_name().map(|name| Key::new(self.metadata.namespace.as_str(), name))
    }

    /// Whether it was made for this service, and not for another one of the same name.
    fn is_owned_by(&self, service: &Service) -> bool {
        let owns = |owner: &object::OwnerRef| {
            owner.uid == service.metadata.uid && owner.kind == KIND.1 && owner.api_version == "v1"
        };
        self.metadata.owner_references.iter().any(owns)
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, _: &mut Memory, _: Time) -> Outcome {
    let Some(service) = snapshot.get::<Service>(&item.key) else { return Outcome::nothing() };
    let (own, foreign) = slices(snapshot, service);
    let mut plan = Plan::default();
    if service.is_selecting() {
        serve(&mut plan, snapshot, service, &own);
        remove(&mut plan, foreign);
    } else {
        remove(&mut plan, own);
    }
    plan.into()
}

/// The slices that are there for the service's name, oldest first: its own, and those of another of that name.
fn slices<'a>(
    snapshot: &'a Snapshot,
    service: &'a Service,
) -> (Vec<&'a EndpointSlice>, Vec<&'a EndpointSlice>) {
    let named = |slice: &&EndpointSlice| slice.service_name() == Some(service.metadata.name.as_str());
    let all = snapshot.table::<EndpointSlice>().namespace(&service.metadata.namespace).filter(named);
    let mut slices: Vec<_> = all.filter(|slice| !slice.metadata.is_terminating()).collect();
    slices.sort_by_key(|slice| age(slice));
    slices.into_iter().partition(|slice| slice.is_owned_by(service))
}

/// The order in which slices are filled, reused and removed.
fn age(slice: &EndpointSlice) -> (Option<Time>, &str) {
    (slice.metadata.creation_timestamp, &slice.metadata.name)
}

/// Brings the slices to what they should hold. What is new is created before what it replaces goes.
fn serve(plan: &mut Plan, snapshot: &Snapshot, service: &Service, slices: &[&EndpointSlice]) {
    let families = Family::of_service(service);
    let mut surplus: Vec<_> =
        slices.iter().copied().filter(|slice| !families.iter().any(|family| family.has(slice))).collect();
    let (mut kept, mut fresh) = (Vec::new(), Vec::new());
    for &family in &families {
        let members = Members::of(snapshot, service, family);
        if members.node_missing {
            plan.wake_in(NODE_WAIT);
        }
        let present: Vec<_> = slices.iter().copied().filter(|slice| family.has(slice)).collect();
        let mut layout = Layout::of(members.groups, &present);
        layout.hold_the_place();
        layout.reuse();
        kept.extend(layout.kept);
        fresh.extend(layout.fresh.into_iter().map(|content| (family, content)));
        surplus.extend(layout.vacated);
    }
    if !service.metadata.is_terminating() {
        create(plan, snapshot, service, &fresh);
    }
    let labels = service.slice_labels();
    kept.iter().filter_map(|(slice, content)| update(slice, content, &labels)).for_each(|a| plan.act(a));
    remove(plan, surplus);
}

fn remove(plan: &mut Plan, slices: Vec<&EndpointSlice>) {
    slices.into_iter().for_each(|slice| plan.act(ownership::delete(SLICE, &slice.metadata)));
}

/// Creates slices in the first free slots.
fn create(plan: &mut Plan, snapshot: &Snapshot, service: &Service, fresh: &[(Family, Content)]) {
    let present = snapshot.table::<EndpointSlice>();
    let mut taken = HashSet::new();
    for (family, content) in fresh {
        let free = |name: &String| {
            let key = Key::new(service.metadata.namespace.as_str(), name.as_str());
            present.get(&key).is_none() && taken.insert(name.clone())
        };
        let name = (0..).map(|slot| name(service, *family, slot)).find(free).expect("slots do not end");
        plan.act(Action::Create { kind: SLICE.into(), object: object(service, *family, &name, content) });
    }
}

/// The name of the slice in a slot. It follows from service, family and slot, so that creating a slice again cannot
/// make a second one.
fn name(service: &Service, family: Family, slot: u32) -> String {
    let parts = [service.metadata.uid.as_str(), family.name(), &slot.to_string()];
    format!("{}-{}", service.metadata.name, naming::hash(&parts, SUFFIX))
}

fn object(service: &Service, family: Family, name: &str, content: &Content) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "generateName": format!("{}-", service.metadata.name),
            "namespace": service.metadata.namespace,
            "labels": service.slice_labels(),
            "ownerReferences": ownership::owners_value(&[ownership::reference(KIND, &service.metadata)]),
        },
        "addressType": family.name(),
        "ports": content.ports,
        "endpoints": content.endpoints,
    })
}

/// Changes the fields of a slice that are not as they should be; none where all are.
fn update(slice: &EndpointSlice, content: &Content, labels: &BTreeMap<String, String>) -> Option<Action> {
    let mut patch = Fields::new();
    let had = slice.metadata.labels.to_map();
    if had != *labels {
        let gone = had.keys().filter(|key| !labels.contains_key(*key));
        let mut changes: Fields = gone.map(|key| (key.clone(), Value::Null)).collect();
        changes.extend(labels.iter().map(|(key, value)| (key.clone(), value.as_str().into())));
        patch.insert("metadata".to_owned(), json!({"labels": changes}));
    }
    if layout::port_key(&slice.ports) != layout::port_key(&content.ports) {
        patch.insert("ports".to_owned(), json!(content.ports));
    }
    if slice.endpoints != content.endpoints {
        patch.insert("endpoints".to_owned(), json!(content.endpoints));
    }
    (!patch.is_empty()).then(|| ownership::patch(SLICE, &slice.metadata, patch.into()))
}

#[cfg(test)]
mod tests;
