//! Replica sets: keeps as many pods as asked for.

mod members;
mod status;

use std::any::Any;
use std::collections::HashSet;

use cache::Snapshot;
use drive::{Action, Controller, Item, KindName, Map, Memory, NoteType, Outcome, Plan, Watch};
use object::{Key, Time, Value};
use serde_json::json;

use crate::naming;
use crate::ownership::{self, Owner};
use crate::pods;
use crate::views::{Pod, ReplicaSet};
use members::Members;

pub(crate) const KIND: KindName = ("apps", "ReplicaSet");
pub(crate) use status::some;

pub(crate) const POD: KindName = ("", "Pod");

/// The most pods created or deleted by one decision.
const BURST: usize = 500;
/// The most names of deleted pods that are remembered.
const MAX_USED: usize = 4096;

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "replicaset-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<ReplicaSet>(Map::Itself), Watch::of::<Pod>(Map::Of(sets_of))]
}

/// A pod concerns its controller; one without concerns every set that selects it.
fn sets_of(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let Some(pod) = pod.downcast_ref::<Pod>() else { return Vec::new() };
    if pod.metadata.controller().is_some() {
        return ownership::controller_key(KIND, &pod.metadata).into_iter().collect();
    }
    let sets = snapshot.table::<ReplicaSet>().namespace(&pod.metadata.namespace);
    sets.filter(|set| set.spec.selector.matches(&pod.metadata.labels)).map(|set| set.metadata.key()).collect()
}

impl ReplicaSet {
    pub(crate) fn owner(&self) -> Owner<'_> {
        Owner { kind: KIND, meta: &self.metadata, selector: &self.spec.selector }
    }

    pub(crate) fn desired(&self) -> i64 {
        self.spec.replicas.unwrap_or(1)
    }
}

/// Names of pods that were seen and then went: they are not given again, as far as memory reaches.
#[derive(Default)]
struct Names {
    present: HashSet<String>,
    used: HashSet<String>,
}

impl Names {
    fn see(&mut self, present: HashSet<String>) {
        let gone = self.present.difference(&present).cloned();
        if self.used.len() > MAX_USED {
            self.used.clear();
        }
        self.used.extend(gone);
        self.present = present;
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    let Some(set) = snapshot.get::<ReplicaSet>(&item.key) else { return Outcome::nothing() };
    let members = Members::of(snapshot, set);
    let adoption = if members.adopt.is_empty() { None } else { memory.answer(&set.owner().query()) };
    let confirmed = match adoption {
        _ if members.adopt.is_empty() => true,
        None => return Outcome::Ask(vec![set.owner().query()]),
        Some(answer) => set.owner().is_confirmed(answer),
    };
    let mut plan = Plan::default();
    claim(&mut plan, set, &members, confirmed);
    let failed = status::failure(set, memory.failure());
    if let Some((note, _)) = &failed {
        plan.tell(note.clone());
    }
    status::update(&mut plan, set, &members, failed.map(|(_, condition)| condition), now);
    memory.get::<Names>().see(members.owned_names());
    if confirmed && !set.metadata.is_terminating() {
        manage(&mut plan, snapshot, set, &members, memory.get(), now);
    }
    plan.into()
}

/// Adopts and releases.
fn claim(plan: &mut Plan, set: &ReplicaSet, members: &Members<'_>, confirmed: bool) {
    if confirmed {
        members.adopt.iter().for_each(|pod| plan.act(set.owner().adopt(POD, &pod.metadata)));
    }
    members.release.iter().for_each(|pod| plan.act(set.owner().release(POD, &pod.metadata)));
}

/// Creates what is missing, deletes what is too much.
fn manage(
    plan: &mut Plan,
    snapshot: &Snapshot,
    set: &ReplicaSet,
    members: &Members<'_>,
    names: &Names,
    now: Time,
) {
    let desired = usize::try_from(set.desired()).unwrap_or(0);
    let present = members.active.len();
    if present < desired {
        create(plan, snapshot, set, names, (desired - present).min(BURST));
    } else {
        delete(plan, snapshot, set, members, present - desired, now);
    }
}

/// Creates pods in the first free slots. Names follow from owner, template and slot, so that creating a pod
/// again cannot make a second one.
fn create(plan: &mut Plan, snapshot: &Snapshot, set: &ReplicaSet, names: &Names, count: usize) {
    let base = naming::pod_base(&set.metadata.name);
    let seed = naming::hash(&[&set.metadata.uid, &naming::canonical(&set.spec.template)], 12);
    let pods = snapshot.table::<Pod>();
    let mut taken = HashSet::new();
    let free = (0..).map(|slot| naming::pod_name(&base, &seed, slot)).filter(|name| {
        !names.used.contains(name)
            && pods.get(&Key::new(set.metadata.namespace.as_str(), name.as_str())).is_none()
            && taken.insert(name.clone())
    });
    for name in free.take(count) {
        let note = set.owner().note(NoteType::Normal, "SuccessfulCreate", format!("Created pod: {name}"));
        let object = pod(set, &base, &name);
        plan.act_and_tell(Action::Create { kind: POD.into(), object }, note);
    }
}

/// A pod of the set's template.
fn pod(set: &ReplicaSet, base: &str, name: &str) -> Value {
    let template = &set.spec.template;
    let mut metadata = json!({
        "name": name,
        "generateName": base,
        "namespace": set.metadata.namespace,
        "ownerReferences": ownership::owners_value(&[ownership::reference(KIND, &set.metadata)]),
    });
    for field in ["labels", "annotations", "finalizers"] {
        let value = &template["metadata"][field];
        if !value.is_null() {
            metadata[field] = value.clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]})
}

/// Deletes the least useful pods.
fn delete(
    plan: &mut Plan,
    snapshot: &Snapshot,
    set: &ReplicaSet,
    members: &Members<'_>,
    count: usize,
    now: Time,
) {
    if count == 0 {
        return;
    }
    let doubled = members::by_node(snapshot, set);
    let rank = |pod: &Pod| doubled.get(pod.spec.node_name.as_str()).copied().unwrap_or(0);
    let mut order: Vec<(&Pod, usize)> = members.active.iter().map(|pod| (*pod, rank(pod))).collect();
    order.sort_by(|left, right| pods::deletion_order(*left, *right, now));
    for (pod, _) in order.into_iter().take(count.min(BURST)) {
        let message = format!("Deleted pod: {}", pod.metadata.name);
        let note = set.owner().note(NoteType::Normal, "SuccessfulDelete", message);
        plan.act_and_tell(ownership::delete(POD, &pod.metadata), note);
    }
}

#[cfg(test)]
mod tests;
