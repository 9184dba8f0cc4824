//! ServiceCIDRs: ready for services to have addresses of them, and kept until no address would be left without a block
//! that it lies in (KEP-1880).

#[cfg(test)]
mod tests;

use std::any::Any;
use std::net::IpAddr;
use std::time::Duration;

use cache::Snapshot;
use drive::{Controller, Item, KindName, Map, Memory, Outcome, Plan, Watch};
use ipnet::IpNet;
use object::{Key, Time, format_time};
use serde_json::json;

use crate::ownership;
use crate::views::{Condition, IpAddress, Service, ServiceCidr};

const KIND: KindName = ("networking.k8s.io", "ServiceCIDR");
const FINALIZER: &str = "networking.k8s.io/service-cidr-finalizer";
const READY: &str = "Ready";

/// How long a ServiceCIDR that is deleted stays at least: by then every API server knows, and gives out no more
/// addresses of it.
const GRACE: Duration = Duration::from_secs(10);

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "service-cidr-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![
        Watch::of::<ServiceCidr>(Map::Of(going_and_itself)),
        Watch::of::<IpAddress>(Map::Of(going_with)),
        Watch::of::<Service>(Map::Of(going_with)),
    ]
}

/// A ServiceCIDR that comes or goes concerns also those that wait to go.
fn going_and_itself(snapshot: &Snapshot, range: &dyn Any) -> Vec<Key> {
    let itself = range.downcast_ref::<ServiceCidr>().map(|range| range.metadata.key());
    going(snapshot).map(|range| range.metadata.key()).chain(itself).collect()
}

/// An address concerns the ServiceCIDRs that wait for it to go.
fn going_with(snapshot: &Snapshot, object: &dyn Any) -> Vec<Key> {
    let addresses: Vec<IpAddr> = match (object.downcast_ref::<Service>(), object.downcast_ref::<IpAddress>())
    {
        (Some(service), _) => service.addresses().collect(),
        (_, Some(address)) => address.address().into_iter().collect(),
        _ => Vec::new(),
    };
    let has = |range: &&ServiceCidr| addresses.iter().any(|address| range.contains(*address));
    going(snapshot).filter(has).map(|range| range.metadata.key()).collect()
}

fn going(snapshot: &Snapshot) -> impl Iterator<Item = &ServiceCidr> {
    snapshot.table::<ServiceCidr>().iter().filter(|range| range.metadata.is_terminating())
}

impl ServiceCidr {
    /// Its blocks.
    pub(crate) fn blocks(&self) -> impl Iterator<Item = IpNet> {
        self.spec.cidrs.iter().filter_map(|text| text.parse().ok())
    }

    fn contains(&self, address: IpAddr) -> bool {
        self.blocks().any(|block| block.contains(&address))
    }

    fn is_kept(&self) -> bool {
        self.metadata.finalizers.iter().any(|finalizer| finalizer == FINALIZER)
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, _: &mut Memory, now: Time) -> Outcome {
    let Some(range) = snapshot.get::<ServiceCidr>(&item.key) else { return Outcome::nothing() };
    match range.metadata.deletion_timestamp {
        Some(_) if !range.is_kept() => Outcome::nothing(),
        Some(since) => let_go(snapshot, range, since, now),
        None if range.is_kept() => say(range, "True", "", "Kubernetes Service CIDR is ready", now),
        None => {
            let mut finalizers = range.metadata.finalizers.to_vec();
            finalizers.push(FINALIZER.to_owned());
            set_finalizers(range, &finalizers)
        }
    }
}

/// Ends the wait of a ServiceCIDR that is deleted, when its time has come and nobody needs it.
fn let_go(snapshot: &Snapshot, range: &ServiceCidr, since: Time, now: Time) -> Outcome {
    if is_needed(snapshot, range) {
        let message = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new \
                       ServiceCIDR";
        return say(range, "False", "Terminating", message, now);
    }
    let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
    if passed < GRACE {
        let mut plan = Plan::default();
        plan.wake_in(GRACE - passed);
        return plan.into();
    }
    let others = range.metadata.finalizers.iter().filter(|finalizer| *finalizer != FINALIZER);
    set_finalizers(range, &others.cloned().collect::<Vec<_>>())
}

/// Whether an address would be left that lies in no other ServiceCIDR that stays.
fn is_needed(snapshot: &Snapshot, range: &ServiceCidr) -> bool {
    let others = || {
        let stays = |other: &&ServiceCidr| !other.metadata.is_terminating();
        snapshot.table::<ServiceCidr>().iter().filter(stays).flat_map(ServiceCidr::blocks)
    };
    let only_here = |block: &IpNet| !others().any(|other| other.contains(block));
    let blocks: Vec<IpNet> = range.blocks().filter(only_here).collect();
    let needs = |address: IpAddr| {
        blocks.iter().any(|block| block.contains(&address)) && !others().any(|other| other.contains(&address))
    };
    let shown = snapshot.table::<IpAddress>().iter().filter(|address| address.is_of_services());
    let held = snapshot.table::<Service>().iter().flat_map(Service::addresses);
    !blocks.is_empty() && held.chain(shown.filter_map(IpAddress::address)).any(needs)
}

fn set_finalizers(range: &ServiceCidr, finalizers: &[String]) -> Outcome {
    let patch = json!({"metadata": {"finalizers": finalizers}});
    Outcome::actions(vec![ownership::patch(KIND, &range.metadata, patch)])
}

/// Writes the condition `Ready`, unless it says so already.
fn say(range: &ServiceCidr, status: &str, reason: &str, message: &str, now: Time) -> Outcome {
    let old = Condition::find(&range.status.conditions, READY);
    if old.is_some_and(|old| old.status == status && old.reason == reason && old.message == message) {
        return Outcome::nothing();
    }
    let kept = old.filter(|old| old.status == status).and_then(|old| old.last_transition_time.clone());
    let ready = Condition {
        kind: READY.to_owned(),
        status: status.to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        last_transition_time: Some(kept.unwrap_or_else(|| format_time(now))),
        ..Condition::default()
    };
    let others = range.status.conditions.iter().filter(|condition| condition.kind != READY).cloned();
    let conditions: Vec<Condition> = others.chain([ready]).collect();
    let mut conditions = Condition::to_value(&conditions);
    // conditions of this kind are metav1's, which always have a reason
    for condition in conditions.as_array_mut().into_iter().flatten() {
        let reason = condition["reason"].take();
        condition["reason"] = if reason.is_null() { "".into() } else { reason };
    }
    let status = json!({"conditions": conditions});
    Outcome::actions(vec![ownership::patch_status(KIND, &range.metadata, status)])
}
