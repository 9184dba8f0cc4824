//! Garbage collection: what has owners goes with the last of them.
//!
//! An object whose owners are all gone is deleted. An owner with the finalizer `foregroundDeletion` waits for the
//! dependents that block it, and these are deleted; one with the finalizer `orphan` lets its dependents go. A
//! dependent that has another owner only loses the reference.

use std::any::Any;
use std::sync::Arc;

use cache::{Everything, Row, Snapshot};
use drive::{
    Action, Controller, GroupKind, Item, Map, Memory, Outcome, Plan, Precondition, Propagation, Query, Watch,
};
use object::{Key, Meta, OwnerRef, Time};
use serde_json::json;

use crate::ownership;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The controller. Its items are of any kind.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "garbage-collector", kind: ("", "Object"), watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![Watch::everything(Map::Items(concerned))]
}

/// What a changed object may lead to: something with itself, with owners that wait for it, with its dependents.
fn concerned(snapshot: &Snapshot, row: &dyn Any) -> Vec<Item> {
    let Some(row) = row.downcast_ref::<Row>() else { return Vec::new() };
    let all = snapshot.everything();
    let mut items = Vec::new();
    let present = all.by_uid(&row.meta.uid);
    if let Some(row) = present.filter(|row| task(all, row) != Task::Nothing) {
        items.push(item(row));
    }
    let owners = row.meta.owner_references.iter().filter_map(|owner| all.by_uid(&owner.uid));
    items.extend(owners.filter(|owner| waits(&owner.meta)).map(|owner| item(owner)));
    if present.is_none_or(|row| waits(&row.meta)) {
        items.extend(all.owned_by(&row.meta.uid).map(|dependent| item(dependent)));
    }
    items
}

fn item(row: &Row) -> Item {
    Item::new(kind(row), row.key.clone())
}

fn kind(row: &Row) -> GroupKind {
    GroupKind::new(&row.group, &row.kind)
}

/// What there is to do about an object, as far as its own state tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// It waits for the dependents that block it.
    AwaitDependents,
    /// It lets its dependents go.
    ReleaseDependents,
    /// An owner is gone or waits: see which.
    WeighOwners,
    /// All is well, or it is going already.
    Nothing,
}

fn task(all: &Everything, row: &Row) -> Task {
    let has = |finalizer: &str| row.meta.finalizers.iter().any(|f| f == finalizer);
    match row.meta.is_terminating() {
        true if has(ORPHAN) => Task::ReleaseDependents,
        true if has(FOREGROUND) => Task::AwaitDependents,
        true => Task::Nothing,
        false if row.meta.owner_references.iter().all(|owner| is_solid(all, row, owner)) => Task::Nothing,
        false => Task::WeighOwners,
    }
}

/// Whether an owner is there, in a place from which it can own, and does not wait for its dependents.
fn is_solid(all: &Everything, dependent: &Row, owner: &OwnerRef) -> bool {
    present(all, dependent, owner).is_some_and(|owner| !waits(&owner.meta))
}

/// The owner, where the snapshot has it. An owner in another namespace is none.
fn present<'a>(all: &'a Everything, dependent: &Row, owner: &OwnerRef) -> Option<&'a Arc<Row>> {
    let reaches =
        |row: &&Arc<Row>| row.key.namespace.is_empty() || row.key.namespace == dependent.key.namespace;
    all.by_uid(&owner.uid).filter(reaches)
}

/// Whether an object waits for its dependents to be deleted.
fn waits(meta: &Meta) -> bool {
    meta.is_terminating() && meta.finalizers.iter().any(|f| f == FOREGROUND)
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, _: Time) -> Outcome {
    let all = snapshot.everything();
    let Some(row) = all.get(&item.kind.group, &item.kind.kind, &item.key) else { return Outcome::nothing() };
    match task(all, row) {
        Task::Nothing => Outcome::nothing(),
        Task::AwaitDependents => await_dependents(all, row),
        Task::ReleaseDependents => release_dependents(all, row),
        Task::WeighOwners => match weigh(all, row, memory) {
            Ok(owners) => act_on(all, row, &owners),
            Err(queries) => Outcome::Ask(queries),
        },
    }
}

/// Once no dependent blocks it any more, the object may go.
fn await_dependents(all: &Everything, row: &Row) -> Outcome {
    if all.owned_by(&row.meta.uid).any(|dependent| blocks(dependent, row)) {
        return Outcome::nothing();
    }
    Outcome::actions(vec![remove_finalizer(row, FOREGROUND)])
}

fn blocks(dependent: &Row, owner: &Row) -> bool {
    let mut owners = dependent.meta.owner_references.iter();
    owners.any(|o| o.uid == owner.meta.uid && o.block_owner_deletion == Some(true))
}

/// Takes the object out of its dependents' owners; then it may go.
fn release_dependents(all: &Everything, row: &Row) -> Outcome {
    let dependents = all.owned_by(&row.meta.uid);
    let mut actions: Vec<_> = dependents.map(|dependent| drop_owners(dependent, &[&row.meta.uid])).collect();
    actions.push(remove_finalizer(row, ORPHAN));
    Outcome::actions(actions)
}

fn remove_finalizer(row: &Row, finalizer: &str) -> Action {
    let left: Vec<_> = row.meta.finalizers.iter().filter(|f| *f != finalizer).collect();
    ownership::patch(kind(row), &row.meta, json!({"metadata": {"finalizers": left}}))
}

fn drop_owners(row: &Row, uids: &[&str]) -> Action {
    let left = row.meta.owner_references.iter().filter(|owner| !uids.contains(&owner.uid.as_str()));
    ownership::set_owners(kind(row), &row.meta, &left.cloned().collect::<Vec<_>>())
}

/// The owners of an object, by their UIDs.
#[derive(Debug, Default)]
struct Owners<'a> {
    /// There.
    solid: Vec<&'a str>,
    /// Gone.
    absent: Vec<&'a str>,
    /// Waiting for their dependents to be deleted.
    waiting: Vec<&'a str>,
}

/// Sorts the owners; that one is gone is believed only after a consistent read of it.
fn weigh<'a>(all: &Everything, row: &'a Row, memory: &Memory) -> Result<Owners<'a>, Vec<Query>> {
    let mut owners = Owners::default();
    let mut questions = Vec::new();
    for owner in &row.meta.owner_references {
        let waiting = match present(all, row, owner) {
            Some(present) => Some(waits(&present.meta)),
            None if all.by_uid(&owner.uid).is_some() => None,
            None => match memory.answer(&query(row, owner)) {
                None => {
                    questions.push(query(row, owner));
                    continue;
                }
                Some(answer) => {
                    let found = answer.as_ref().map(Meta::of).filter(|meta| meta.uid == owner.uid);
                    found.map(|meta| waits(&meta))
                }
            },
        };
        match waiting {
            None => owners.absent.push(&owner.uid),
            Some(true) => owners.waiting.push(&owner.uid),
            Some(false) => owners.solid.push(&owner.uid),
        }
    }
    if questions.is_empty() { Ok(owners) } else { Err(questions) }
}

fn query(row: &Row, owner: &OwnerRef) -> Query {
    let key = Key::new(row.key.namespace.as_str(), owner.name.as_str());
    Query::Get { kind: GroupKind::versioned(&owner.api_version, &owner.kind), key }
}

/// Deletes the object where no owner is left; where one is, only drops those that are gone or going.
fn act_on(all: &Everything, row: &Row, owners: &Owners<'_>) -> Outcome {
    let mut plan = Plan::default();
    let leaving = [owners.absent.as_slice(), &owners.waiting].concat();
    let has_dependents = all.owned_by(&row.meta.uid).next().is_some();
    if leaving.is_empty() {
        return Outcome::nothing();
    } else if !owners.solid.is_empty() {
        plan.act(drop_owners(row, &leaving));
    } else if !owners.waiting.is_empty() && has_dependents {
        let circular = all.owned_by(&row.meta.uid).any(|dependent| waits(&dependent.meta));
        if circular {
            plan.act(unblock(row));
        }
        plan.act(delete(row, Propagation::Foreground, !circular));
    } else {
        plan.act(delete(row, propagation(&row.meta), true));
    }
    plan.into()
}

/// Breaks a circle of owners that wait for each other.
fn unblock(row: &Row) -> Action {
    let free = |owner: &OwnerRef| OwnerRef { block_owner_deletion: Some(false), ..owner.clone() };
    let owners: Vec<_> = row.meta.owner_references.iter().map(free).collect();
    ownership::set_owners(kind(row), &row.meta, &owners)
}

/// As its finalizers say.
fn propagation(meta: &Meta) -> Propagation {
    let has = |finalizer: &str| meta.finalizers.iter().any(|f| f == finalizer);
    match () {
        () if has(ORPHAN) => Propagation::Orphan,
        () if has(FOREGROUND) => Propagation::Foreground,
        () => Propagation::Background,
    }
}

/// Deletes an object, where `unchanged` only as it was weighed.
fn delete(row: &Row, propagation: Propagation, unchanged: bool) -> Action {
    let resource_version = unchanged.then(|| row.meta.resource_version.clone());
    let when = Precondition { uid: row.meta.uid.clone(), resource_version };
    Action::Delete { kind: kind(row), key: row.key.clone(), when, propagation, grace: None }
}

#[cfg(test)]
mod tests {
    use drive::laws::{Scenario, World, check_laws};
    use object::{Value, format_time};

    use super::*;

    fn now() -> Time {
        Time::from_second(1_700_000_000).unwrap()
    }

    /// An object of kind `Thing` from `name`, flags and owners: `a`, `b<a` (owned, blocking), `b<-a` (not
    /// blocking), `a!fg` and `a!orphan` (going, with that finalizer), `a!` (going).
    fn thing(text: &str) -> Value {
        let mut words = text.split('<');
        let (name, going) = words
            .next()
            .unwrap()
            .split_once('!')
            .map_or((text.split('<').next().unwrap(), None), |(n, g)| (n, Some(g)));
        let owners: Vec<Value> = words
            .map(|owner| {
                let (owner, blocking) = owner.strip_prefix('-').map_or((owner, true), |owner| (owner, false));
                json!({"apiVersion": "t/v1", "kind": "Thing", "name": owner, "uid": format!("uid-{owner}"), "blockOwnerDeletion": blocking})
            })
            .collect();
        let mut thing = json!({
            "apiVersion": "t/v1", "kind": "Thing",
            "metadata": {"name": name, "namespace": "d", "uid": format!("uid-{name}"), "ownerReferences": owners},
        });
        if let Some(going) = going {
            let finalizer = match going {
                "fg" => FOREGROUND,
                "orphan" => ORPHAN,
                _ => "test/held",
            };
            thing["metadata"]["finalizers"] = json!([finalizer]);
            thing["metadata"]["deletionTimestamp"] = format_time(now()).into();
        }
        thing
    }

    /// What is left of these things, with their owners.
    fn check(things: &str, left: &str) {
        let name = Box::leak(things.to_owned().into_boxed_str());
        let scenario = Scenario::new(name, now(), things.split(' ').map(thing).collect());
        assert_eq!(tell(&check_laws(&CONTROLLER, &scenario)), left, "{things}");
    }

    fn tell(world: &World) -> String {
        let tell = |thing: &Value| {
            let meta = Meta::of(thing);
            let owners = meta.owner_references.iter().map(|owner| format!("<{}", owner.name));
            format!("{}{}", meta.name, owners.collect::<String>())
        };
        world.all("Thing").iter().map(tell).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn collects_by_the_laws() {
        check("a b<a c<b", "a b<a c<b");
        check("b<a c<b d", "d");
        check("b<a<x x", "b<x x");
        check("a! b<a", "a b<a");
        check("a!fg", "");
        check("a!fg b<a c<b", "");
        check("a!fg b<a<x x", "b<x x");
        check("a!fg b<-a", "");
        check("a!fg b!<a", "a b<a");
        check("a!orphan b<a c<a<x x", "b c<x x");
        check("a!fg<c b<a c<b", "");
        check("a<c b<a c<b", "a<c b<a c<b");
    }
}
