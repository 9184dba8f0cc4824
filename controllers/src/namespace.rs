//! Namespaces: empties those that are going, pods first, and then lets them go.

use std::any::Any;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cache::{Row, Snapshot};
use drive::{
    Action, Controller, GroupKind, Item, KindName, Map, Memory, Outcome, Plan, Precondition, Query, Watch,
};
use object::{Key, Meta, Time, Value, format_time};
use serde_json::json;

use crate::ownership;
use crate::views::{Condition, Namespace};

const KIND: KindName = ("", "Namespace");
/// The finalizer that holds a namespace until it is empty.
const FINALIZER: &str = "kubernetes";
/// The most objects deleted by one decision.
const BURST: usize = 500;
/// How often it is looked whether something that finalizers hold is gone, where no change tells.
const HELD: Duration = Duration::from_secs(5);

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "namespace-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::of::<Namespace>(Map::Itself), Watch::everything(Map::Items(namespace_of))]
}

/// What is in a namespace concerns it once it is going.
fn namespace_of(snapshot: &Snapshot, row: &dyn Any) -> Vec<Item> {
    let Some(row) = row.downcast_ref::<Row>() else { return Vec::new() };
    let key = Key::new("", row.key.namespace.as_str());
    let going = snapshot.get::<Namespace>(&key).is_some_and(|namespace| namespace.metadata.is_terminating());
    if going { vec![Item::new(KIND, key)] } else { Vec::new() }
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    let Some(namespace) = snapshot.get::<Namespace>(&item.key) else { return Outcome::nothing() };
    if !namespace.metadata.is_terminating() || !namespace.spec.finalizers.iter().any(|f| f == FINALIZER) {
        return Outcome::nothing();
    }
    let content: Vec<_> = snapshot.everything().namespace(&item.key.name).collect();
    let mut plan = Plan::default();
    if !content.is_empty() {
        let left: Vec<_> = content.iter().map(|row| Left::of_row(row)).collect();
        tell(&mut plan, namespace, &left, now);
        empty(&mut plan, &content);
        return plan.into();
    }
    let question = Query::Content { namespace: item.key.name.clone() };
    match memory.answer(&question) {
        None => return Outcome::Ask(vec![question]),
        Some(Some(rest)) => {
            let left: Vec<_> = rest.as_array().into_iter().flatten().map(Left::of).collect();
            tell(&mut plan, namespace, &left, now);
            empty_unfollowed(&mut plan, snapshot, &left);
        }
        Some(None) => {
            tell(&mut plan, namespace, &[], now);
            plan.act(release(namespace));
        }
    }
    plan.into()
}

/// An object that is still there.
struct Left<'a> {
    kind: GroupKind,
    meta: Cow<'a, Meta>,
}

impl<'a> Left<'a> {
    fn of_row(row: &'a Row) -> Self {
        Self { kind: GroupKind::new(&row.group, &row.kind), meta: Cow::Borrowed(&row.meta) }
    }

    fn of(object: &Value) -> Self {
        Self { kind: GroupKind::of(object), meta: Cow::Owned(Meta::of(object)) }
    }
}

/// Deletes what is there: pods, and once there are none the rest.
fn empty(plan: &mut Plan, content: &[&Arc<Row>]) {
    let pods = content.iter().any(|row| is_pod(row));
    let next = content.iter().filter(|row| is_pod(row) == pods && !row.meta.is_terminating());
    for row in next.take(BURST) {
        plan.act(ownership::delete(GroupKind::new(&row.group, &row.kind), &row.meta));
    }
}

/// Deletes what is of kinds whose changes are not followed, and looks again: no change will tell. What is of other
/// kinds will be seen.
fn empty_unfollowed(plan: &mut Plan, snapshot: &Snapshot, left: &[Left]) {
    let unfollowed = |kind: &GroupKind| snapshot.everything().revision(&kind.group, &kind.kind) == 0;
    for Left { kind, meta } in left.iter().filter(|left| unfollowed(&left.kind)) {
        if meta.is_terminating() {
            plan.wake_in(HELD);
        } else {
            plan.act(ownership::delete(kind.clone(), meta));
            plan.wake_in(Duration::ZERO);
        }
    }
}

fn is_pod(row: &Row) -> bool {
    row.group.is_empty() && &*row.kind == "Pod"
}

/// Takes our finalizer off, so that the API server deletes the namespace.
fn release(namespace: &Namespace) -> Action {
    let left: Vec<_> = namespace.spec.finalizers.iter().filter(|f| *f != FINALIZER).collect();
    Action::Patch {
        kind: KIND.into(),
        key: namespace.metadata.key(),
        subresource: Some("finalize"),
        patch: json!({"spec": {"finalizers": left}}),
        when: Precondition { uid: namespace.metadata.uid.clone(), resource_version: None },
    }
}

/// Keeps the conditions up that tell what the namespace waits for.
fn tell(plan: &mut Plan, namespace: &Namespace, left: &[Left<'_>], now: Time) {
    let mut conditions = namespace.status.conditions.clone();
    for next in findings(left) {
        set(&mut conditions, next, now);
    }
    if conditions != namespace.status.conditions {
        let status = json!({"conditions": Condition::to_value(&conditions)});
        plan.act(ownership::patch_status(KIND, &namespace.metadata, status));
    }
}

fn set(conditions: &mut Vec<Condition>, next: Condition, now: Time) {
    let now = Some(format_time(now));
    match conditions.iter_mut().find(|c| c.kind == next.kind) {
        None => conditions.push(Condition { last_transition_time: now, ..next }),
        Some(old) => {
            let since = if old.status == next.status { old.last_transition_time.take() } else { now };
            *old = Condition { last_transition_time: since, ..next };
        }
    }
}

fn findings(left: &[Left<'_>]) -> [Condition; 5] {
    let remaining =
        count(left.iter().map(|Left { kind, .. }| format!("{}.{}", plural(&kind.kind), kind.group)));
    let finalizers = count(left.iter().flat_map(|left| left.meta.finalizers.clone()));
    let list = |counts: &BTreeMap<String, usize>, words: &str| {
        counts
            .iter()
            .map(|(what, count)| format!("{what} {words} {count} resource instances"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    [
        no(
            "NamespaceDeletionDiscoveryFailure",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        no(
            "NamespaceDeletionGroupVersionParsingFailure",
            "ParsedGroupVersions",
            "All legacy kube types successfully parsed",
        ),
        no(
            "NamespaceDeletionContentFailure",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        if remaining.is_empty() {
            no("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed")
        } else {
            let message = format!("Some resources are remaining: {}", list(&remaining, "has"));
            yes("NamespaceContentRemaining", "SomeResourcesRemain", message)
        },
        if finalizers.is_empty() {
            no(
                "NamespaceFinalizersRemaining",
                "ContentHasNoFinalizers",
                "All content-preserving finalizers finished",
            )
        } else {
            let list = list(&finalizers, "in");
            let message = format!("Some content in the namespace has finalizers remaining: {list}");
            yes("NamespaceFinalizersRemaining", "SomeFinalizersRemain", message)
        },
    ]
}

fn count(things: impl Iterator<Item = String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    things.for_each(|thing| *counts.entry(thing).or_default() += 1);
    counts
}

fn yes(kind: &str, reason: &str, message: String) -> Condition {
    let (kind, reason) = (kind.to_owned(), reason.to_owned());
    Condition { kind, status: "True".to_owned(), reason, message, ..Default::default() }
}

fn no(kind: &str, reason: &str, message: &str) -> Condition {
    Condition { status: "False".to_owned(), ..yes(kind, reason, message.to_owned()) }
}

/// The resource of a kind, by the rule that all but a few irregular ones follow; for messages only.
fn plural(kind: &str) -> String {
    let kind = kind.to_lowercase();
    match kind.as_str() {
        "endpoints" => kind,
        _ if kind.ends_with("ss") => format!("{kind}es"),
        _ if kind.ends_with('y') && !kind.ends_with("ay") => format!("{}ies", &kind[..kind.len() - 1]),
        _ => format!("{kind}s"),
    }
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, World, check_laws, decide};

    use super::*;

    fn now() -> Time {
        Time::from_second(1_700_000_000).unwrap()
    }

    fn namespace(going: bool) -> Value {
        let mut namespace = json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}, "spec": {"finalizers": ["kubernetes"]},
        });
        if going {
            namespace["metadata"]["deletionTimestamp"] = format_time(now()).into();
        }
        namespace
    }

    fn thing(version: &str, kind: &str, name: &str) -> Value {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": "n"}})
    }

    fn held(version: &str, kind: &str) -> Value {
        let mut thing = thing(version, kind, "held");
        thing["metadata"]["deletionTimestamp"] = format_time(now()).into();
        thing["metadata"]["finalizers"] = json!(["x/y"]);
        thing
    }

    /// What is deleted first, and what the conditions say that are true.
    fn check(objects: Vec<Value>, deleted: &[&str], told: &[&str]) {
        let world = World::new(now(), objects);
        let item = Item::new(KIND, Key::new("", "n"));
        let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default()) else {
            panic!()
        };
        let (mut deletes, mut messages) = (Vec::new(), Vec::new());
        for action in actions {
            match action {
                Action::Delete { kind, .. } => deletes.push(kind.kind),
                Action::Patch { patch, .. } => {
                    let conditions = patch["status"]["conditions"].as_array().cloned().unwrap_or_default();
                    let is_true = conditions.into_iter().filter(|c| c["status"] == "True");
                    messages.extend(is_true.map(|c| c["message"].as_str().unwrap().to_owned()));
                }
                Action::Create { .. } => panic!(),
            }
        }
        assert_eq!(deletes, deleted);
        assert_eq!(messages, told);
    }

    #[test]
    fn empties_pods_first() {
        let (pod, map) = (thing("v1", "Pod", "p"), thing("v1", "ConfigMap", "c"));
        check(vec![namespace(false), pod.clone(), map.clone()], &[], &[]);
        check(vec![namespace(true)], &[], &[]);
        let both = "Some resources are remaining: configmaps. has 1 resource instances, pods. has 1 resource instances";
        check(vec![namespace(true), pod, map.clone()], &["Pod"], &[both]);
        let policy = thing("networking.k8s.io/v1", "NetworkPolicy", "p");
        let rest = "Some resources are remaining: configmaps. has 1 resource instances, \
                    networkpolicies.networking.k8s.io has 1 resource instances";
        check(vec![namespace(true), map.clone(), policy], &["ConfigMap", "NetworkPolicy"], &[rest]);
        let waits = [
            "Some resources are remaining: configmaps. has 1 resource instances, pods. has 1 resource instances",
            "Some content in the namespace has finalizers remaining: x/y in 1 resource instances",
        ];
        check(vec![namespace(true), held("v1", "Pod"), map], &[], &waits);
    }

    #[test]
    fn what_is_not_followed_goes_last() {
        let (event, held) = (thing("v1", "Event", "e"), held("v1", "Event"));
        let both = "Some resources are remaining: pods. has 1 resource instances";
        check(vec![namespace(true), thing("v1", "Pod", "p"), event.clone()], &["Pod"], &[both]);
        let rest = "Some resources are remaining: events. has 1 resource instances";
        check(vec![namespace(true), event], &["Event"], &[rest]);
        let waits = "Some content in the namespace has finalizers remaining: x/y in 1 resource instances";
        check(vec![namespace(true), held], &[], &[rest, waits]);
    }

    #[test]
    fn keeps_the_laws() {
        let objects = vec![
            namespace(true),
            thing("v1", "Pod", "a"),
            thing("v1", "Pod", "b"),
            thing("v1", "ConfigMap", "c"),
            thing("apps/v1", "Deployment", "d"),
            thing("v1", "Event", "e"),
            thing("v1", "Event", "f"),
        ];
        let end = check_laws(&CONTROLLER, &Scenario::new("empties", now(), objects));
        assert!(end.essence(&[]).is_empty());
        let stuck = vec![namespace(true), held("v1", "Pod"), thing("v1", "ConfigMap", "c")];
        let end = check_laws(&CONTROLLER, &Scenario::new("waits for a pod", now(), stuck));
        assert_eq!(end.essence(&[]).len(), 3);
    }
}
