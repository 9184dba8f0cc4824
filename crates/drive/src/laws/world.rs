//! A cluster's objects in memory, just real enough to carry out actions: revisions, UIDs, generations,
//! preconditions, merge patches, finalizers.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use bytes::Bytes;
use cache::{Document, Snapshot};
use kinds::Kinds;
use object::{Key, Map, Meta, Time, Value, format_time};
use serde_json::json;

use crate::{Action, GroupKind, Precondition, Propagation, Query, Watch, Watched};

/// Why the world refused an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// An object of that name exists, and another one controls it.
    AlreadyExists,
    /// There is no such object.
    NotFound,
    /// A precondition does not hold.
    Conflict,
}

/// The objects of a cluster. UIDs follow from kind, name and how often the name was used, so that two runs that
/// create the same objects give them the same UIDs.
#[derive(Clone, Debug)]
pub struct World {
    /// The time; the harness moves it.
    pub now: Time,
    objects: BTreeMap<(GroupKind, Key), Value>,
    births: BTreeMap<(GroupKind, Key), u32>,
    revision: u64,
}

impl World {
    /// A world of these objects; what the API server sets and they lack is filled in.
    pub fn new(now: Time, objects: Vec<Value>) -> Self {
        let mut world = Self { now, objects: BTreeMap::new(), births: BTreeMap::new(), revision: 0 };
        objects.into_iter().for_each(|object| world.add(object));
        world
    }

    /// Adds or replaces an object.
    pub fn add(&mut self, mut object: Value) {
        let id = id_of(&object);
        let births = self.births.entry(id.clone()).or_default();
        *births += 1;
        let uid = format!("{}/{}#{births}", id.0.kind.to_lowercase(), id.1);
        let metadata = object["metadata"].as_object_mut().expect("objects have metadata");
        metadata.entry("uid").or_insert_with(|| uid.into());
        metadata.entry("creationTimestamp").or_insert_with(|| format_time(self.now).into());
        metadata.entry("generation").or_insert_with(|| 1.into());
        self.store(id, object);
    }

    fn store(&mut self, id: (GroupKind, Key), mut object: Value) {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        self.objects.insert(id, object);
    }

    /// The revision of the last change.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// An object.
    pub fn get(&self, group: &str, kind: &str, key: &Key) -> Option<&Value> {
        self.objects.get(&(GroupKind::new(group, kind), key.clone()))
    }

    /// The objects of a kind, by key.
    pub fn all(&self, kind: &str) -> Vec<Value> {
        self.objects.iter().filter(|((k, _), _)| k.kind == kind).map(|(_, object)| object.clone()).collect()
    }

    /// Changes an object; where nothing changes there is no new revision.
    pub fn change(&mut self, object: &Value, change: impl FnOnce(&mut Value)) {
        let id = id_of(object);
        let Some(old) = self.objects.get(&id) else { return };
        let mut new = old.clone();
        change(&mut new);
        if &new == old {
            return;
        }
        if desired(&new) != desired(old) {
            new["metadata"]["generation"] = (Meta::of(old).generation + 1).into();
        }
        if Meta::of(&new).is_terminating() && !is_held(&new) {
            self.remove(object);
        } else {
            self.store(id, new);
        }
    }

    /// Removes an object.
    pub fn remove(&mut self, object: &Value) {
        self.objects.remove(&id_of(object));
        self.revision += 1;
    }

    /// Marks an object as terminating.
    pub fn terminate(&mut self, object: &Value) {
        let now = format_time(self.now);
        self.change(object, |object| {
            object["metadata"]
                .as_object_mut()
                .expect("metadata")
                .entry("deletionTimestamp")
                .or_insert(now.into());
            if object["kind"] == "Namespace" {
                object["status"]["phase"] = "Terminating".into();
            }
        });
    }

    /// Removes the objects all of whose owners are gone, as the garbage collector would in time.
    pub fn collect(&mut self) {
        loop {
            let live: Vec<String> = self.objects.values().map(|o| Meta::of(o).uid).collect();
            let orphaned = |object: &&Value| {
                let owners = Meta::of(object).owner_references;
                !owners.is_empty() && owners.iter().all(|owner| !live.contains(&owner.uid))
            };
            let gone: Vec<Value> = self.objects.values().filter(orphaned).cloned().collect();
            if gone.is_empty() {
                return;
            }
            gone.iter().for_each(|object| self.remove(object));
        }
    }

    /// What a reader with these watches sees.
    pub fn snapshot(&self, watches: &[Watch]) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for watch in watches {
            if let Watched::View(view) = watch.what {
                view.declare(&mut snapshot);
            }
            for ((kind, key), object) in &self.objects {
                let bytes = Bytes::from(object.to_string());
                let revision = object["metadata"]["resourceVersion"].as_str().and_then(|r| r.parse().ok());
                let document = Document { key: key.clone(), bytes, revision: revision.unwrap_or_default() };
                match watch.what {
                    Watched::View(view) if *kind == (view.group, view.kind) => {
                        view.put(&mut snapshot, &document).expect("the object decodes");
                    }
                    Watched::View(_) => {}
                    Watched::Everything => {
                        let everything = snapshot.everything_mut();
                        if is_followed(kind) {
                            everything
                                .put(&kind.group, &kind.kind, &document)
                                .expect("the object has metadata");
                        }
                    }
                }
            }
        }
        snapshot
    }

    /// Answers a query.
    pub fn answer(&self, query: &Query) -> Option<Value> {
        match query {
            Query::Get { kind, key } => {
                let clusterwide = Key::new("", key.name.as_str());
                let find = |key| self.get(&kind.group, &kind.kind, key);
                find(key).or_else(|| find(&clusterwide)).cloned()
            }
            Query::Content { namespace } => {
                let mut content = self.objects.iter().filter(|((_, key), _)| key.namespace == *namespace);
                content.next().map(|(_, object)| json!([object]))
            }
        }
    }

    /// Carries out an action, as the driver and the API server would.
    pub fn apply(&mut self, action: &Action) -> Result<(), Refusal> {
        match action {
            Action::Create { object, .. } => self.create(object),
            Action::Patch { kind, key, subresource, patch, when } => {
                let old = self.guarded(kind, key, when)?.ok_or(Refusal::NotFound)?;
                self.change(&old, |object| merge(object, &visible(patch, *subresource)));
                Ok(())
            }
            Action::Delete { kind, key, when, propagation, .. } => {
                if let Some(old) = self.guarded(kind, key, when)? {
                    self.delete(&old, *propagation);
                }
                Ok(())
            }
        }
    }

    fn create(&mut self, object: &Value) -> Result<(), Refusal> {
        match self.objects.get(&id_of(object)) {
            None => {
                self.add(object.clone());
                Ok(())
            }
            Some(old) if controller(old).is_some() && controller(old) == controller(object) => Ok(()),
            Some(_) => Err(Refusal::AlreadyExists),
        }
    }

    fn guarded(&self, kind: &GroupKind, key: &Key, when: &Precondition) -> Result<Option<Value>, Refusal> {
        let Some(object) = self.get(&kind.group, &kind.kind, key) else { return Ok(None) };
        let meta = Meta::of(object);
        let stale = when.resource_version.as_ref().is_some_and(|version| *version != meta.resource_version);
        if meta.uid != when.uid || stale { Err(Refusal::Conflict) } else { Ok(Some(object.clone())) }
    }

    fn delete(&mut self, object: &Value, propagation: Propagation) {
        let finalizer = match propagation {
            Propagation::Background => None,
            Propagation::Foreground => Some("foregroundDeletion"),
            Propagation::Orphan => Some("orphan"),
        };
        if finalizer.is_none() && !is_held(object) {
            return self.remove(object);
        }
        self.change(object, |object| {
            let mut finalizers = Meta::of(object).finalizers.into_vec();
            finalizers
                .extend(finalizer.filter(|f| !finalizers.iter().any(|old| old == f)).map(str::to_owned));
            object["metadata"]["finalizers"] = json!(finalizers);
        });
        self.terminate(object);
    }

    /// The objects without their resource versions, without the fields of these names wherever they are, and
    /// with conditions in the order of their types.
    pub fn essence(&self, without: &[&str]) -> BTreeMap<String, Value> {
        let essence = |((kind, key), object): (&(GroupKind, Key), &Value)| {
            let mut object = object.clone();
            strip(&mut object, &[without, &["resourceVersion"]].concat());
            (format!("{} {key}", kind.kind), object)
        };
        self.objects.iter().map(essence).collect()
    }
}

/// Whether the metadata of a kind's objects is followed; kinds that the table lacks are as custom resources.
fn is_followed(kind: &GroupKind) -> bool {
    static KINDS: LazyLock<Kinds> = LazyLock::new(kinds::built_in);
    KINDS.kind(&kind.group, &kind.kind).is_none_or(|kind| kind.is_followed())
}

fn id_of(object: &Value) -> (GroupKind, Key) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let metadata = &object["metadata"];
    (GroupKind::of(object), Key::new(text(&metadata["namespace"]), text(&metadata["name"])))
}

fn controller(object: &Value) -> Option<String> {
    Meta::of(object).controller().map(|owner| owner.uid.clone())
}

/// Whether finalizers keep a terminating object.
fn is_held(object: &Value) -> bool {
    let namespace = object["kind"] == "Namespace"
        && object["spec"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
    namespace || !Meta::of(object).finalizers.is_empty()
}

/// What the generation counts.
fn desired(object: &Value) -> Map {
    let mut object = object.as_object().cloned().unwrap_or_default();
    object.remove("metadata");
    object.remove("status");
    object
}

/// The part of a patch that the endpoint takes.
fn visible(patch: &Value, subresource: Option<&str>) -> Value {
    let mut patch = patch.clone();
    let fields = patch.as_object_mut().expect("a merge patch is an object");
    match subresource {
        None => drop(fields.remove("status")),
        Some("status") => fields.retain(|name, _| matches!(name.as_str(), "metadata" | "status")),
        Some(_) => fields.retain(|name, _| name == "spec"),
    }
    patch
}

/// See [`World::essence`].
fn strip(value: &mut Value, fields: &[&str]) {
    match value {
        Value::Object(map) => {
            map.retain(|name, _| !fields.contains(&name.as_str()));
            map.values_mut().for_each(|value| strip(value, fields));
        }
        Value::Array(items) => {
            items.iter_mut().for_each(|item| strip(item, fields));
            if items.iter().all(|item| item["type"].is_string()) {
                items.sort_by_key(|item| item["type"].to_string());
            }
        }
        _ => {}
    }
}

/// RFC 7386.
fn merge(into: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *into = patch.clone();
        return;
    };
    if !into.is_object() {
        *into = json!({});
    }
    let fields = into.as_object_mut().expect("just made");
    for (name, value) in patch {
        if value.is_null() {
            fields.remove(name);
        } else {
            merge(fields.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}
