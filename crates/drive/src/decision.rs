//! What a controller is, what it may decide, and how its decisions are named.

use std::any::Any;
use std::collections::HashMap;
use std::time::Duration;

use cache::{Snapshot, View};
use object::{Key, Meta, Time, Value};

/// A kind by group and kind: `("apps", "Deployment")`.
pub type KindName = (&'static str, &'static str);

/// A kind that is known only at run time, by group and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupKind {
    /// API group, empty for core.
    pub group: String,
    /// Kind.
    pub kind: String,
}

impl GroupKind {
    /// A kind by its group and name.
    pub fn new(group: &str, kind: &str) -> Self {
        Self { group: group.to_owned(), kind: kind.to_owned() }
    }

    /// The kind that a reference or a document means by `apiVersion` and `kind`.
    pub fn versioned(api_version: &str, kind: &str) -> Self {
        Self::new(api_version.split_once('/').map_or("", |(group, _)| group), kind)
    }

    /// The kind of a document.
    pub fn of(document: &Value) -> Self {
        let text = |field: &str| document[field].as_str().unwrap_or_default();
        Self::versioned(text("apiVersion"), text("kind"))
    }
}

impl From<KindName> for GroupKind {
    fn from(name: KindName) -> Self {
        Self::new(name.0, name.1)
    }
}

impl PartialEq<KindName> for GroupKind {
    fn eq(&self, name: &KindName) -> bool {
        (self.group.as_str(), self.kind.as_str()) == *name
    }
}

/// What a reconcile is about: an object that need not exist.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// Its kind.
    pub kind: GroupKind,
    /// Its key.
    pub key: Key,
}

impl Item {
    /// An item of a kind.
    pub fn new(kind: impl Into<GroupKind>, key: Key) -> Self {
        Self { kind: kind.into(), key }
    }
}

/// How a changed object leads to the items to reconcile.
#[derive(Clone, Copy)]
pub enum Map {
    /// The object itself.
    Itself,
    /// Its controller owner, where that is of this kind.
    Controller(KindName),
    /// Computed, for items of the controller's kind. Called with the view as it was and as it is, where there is
    /// one; the snapshot is as it is.
    Of(fn(&Snapshot, &dyn Any) -> Vec<Key>),
    /// As [`Map::Of`], for items of any kind.
    Items(fn(&Snapshot, &dyn Any) -> Vec<Item>),
}

impl Map {
    /// The items to which a changed object leads.
    pub(crate) fn items(
        &self,
        kind: KindName,
        snapshot: &Snapshot,
        view: &dyn Any,
        meta: &Meta,
    ) -> Vec<Item> {
        match self {
            Map::Itself => vec![Item::new(kind, meta.key())],
            Map::Controller(owner) => {
                controlled(*owner, meta).map(|key| Item::new(*owner, key)).into_iter().collect()
            }
            Map::Of(map) => map(snapshot, view).into_iter().map(|key| Item::new(kind, key)).collect(),
            Map::Items(map) => map(snapshot, view),
        }
    }
}

/// The key of the controller owner, where it is of this kind.
fn controlled(owner: KindName, meta: &Meta) -> Option<Key> {
    let controller = meta.controller()?;
    (GroupKind::versioned(&controller.api_version, &controller.kind) == owner)
        .then(|| Key::new(meta.namespace.clone(), controller.name.clone()))
}

/// What a controller watches.
#[derive(Clone, Copy, Debug)]
pub enum Watched {
    /// A kind, by its view.
    View(cache::ViewKind),
    /// The metadata of all kinds: [`Snapshot::everything`].
    Everything,
}

/// What a controller watches; changes of it cause reconciles.
#[derive(Clone, Copy)]
pub struct Watch {
    /// What.
    pub what: Watched,
    /// From change to items.
    pub map: Map,
}

impl Watch {
    /// A watch on the kind of a view.
    pub fn of<V: View>(map: Map) -> Self {
        Self { what: Watched::View(cache::ViewKind::of::<V>()), map }
    }

    /// A watch on the metadata of all kinds.
    pub fn everything(map: Map) -> Self {
        Self { what: Watched::Everything, map }
    }

    /// Whether an object, as its informer tells it, is of what is watched.
    pub(crate) fn concerns(&self, object: &dyn Any) -> bool {
        match self.what {
            Watched::View(view) => view.meta(object).is_some(),
            Watched::Everything => object.is::<cache::Row>(),
        }
    }
}

/// What a controller remembers of an item between reconciles; may be lost without harm.
#[derive(Default)]
pub struct Memory {
    own: Option<Box<dyn Any + Send>>,
    answers: HashMap<Query, Option<Value>>,
    failure: Option<Failure>,
}

impl Memory {
    /// The memory as a `T`, made by default where there is none yet.
    pub fn get<T: Default + Send + 'static>(&mut self) -> &mut T {
        if !self.own.as_ref().is_some_and(|m| m.is::<T>()) {
            self.own = Some(Box::new(T::default()));
        }
        self.own.as_mut().and_then(|m| m.downcast_mut()).expect("just made")
    }

    /// The answer to a query asked earlier in this run; none where there is no such object.
    pub fn answer(&self, query: &Query) -> Option<&Option<Value>> {
        self.answers.get(query)
    }

    /// The driver has fetched an answer.
    pub fn answered(&mut self, query: Query, answer: Option<Value>) {
        self.answers.insert(query, answer);
    }

    /// Answers hold for one run only.
    pub fn forget_answers(&mut self) {
        self.answers.clear();
    }

    /// The action that failed in the last run; none where all were carried out.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The driver has carried out a run's actions, or failed.
    pub fn ended(&mut self, failure: Option<Failure>) {
        self.failure = failure;
    }
}

/// An action that failed.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was tried.
    pub action: Action,
    /// What the API answered.
    pub message: String,
    /// Whether a precondition did not hold: the snapshot was old, and another try is all there is to do.
    pub conflict: bool,
}

/// A controller: a name, the kinds it watches, and a pure function.
pub struct Controller {
    /// Name, as in metrics, events and the user agent: `deployment-controller`.
    pub name: &'static str,
    /// The kind its items are of.
    pub kind: KindName,
    /// What it watches; every kind whose views `reconcile` reads must be here.
    pub watches: fn() -> Vec<Watch>,
    /// Decides what to do about an item. Must be deterministic in its arguments.
    pub reconcile: fn(&Snapshot, &Item, &mut Memory, Time) -> Outcome,
}

/// What a reconcile decided.
#[derive(Debug)]
pub enum Outcome {
    /// Carry these out in order, stop at the first failure; come back after `wake`.
    Do {
        /// The actions.
        actions: Vec<Action>,
        /// When to look again, even if nothing changes.
        wake: Option<Duration>,
        /// What to tell in Events.
        notes: Vec<Note>,
    },
    /// The snapshot is not enough: fetch these and call again.
    Ask(Vec<Query>),
}

impl Outcome {
    /// Nothing to do.
    pub fn nothing() -> Self {
        Self::Do { actions: Vec::new(), wake: None, notes: Vec::new() }
    }

    /// Only these actions.
    pub fn actions(actions: Vec<Action>) -> Self {
        Self::Do { actions, wake: None, notes: Vec::new() }
    }
}

/// An [`Outcome::Do`] in the making.
#[derive(Debug, Default)]
pub struct Plan {
    /// The actions so far.
    pub actions: Vec<Action>,
    /// When to look again.
    pub wake: Option<Duration>,
    /// The notes so far.
    pub notes: Vec<Note>,
}

impl Plan {
    /// Adds an action.
    pub fn act(&mut self, action: Action) {
        self.actions.push(action);
    }

    /// Adds an action, and what to tell once it succeeded.
    pub fn act_and_tell(&mut self, action: Action, note: Note) {
        self.notes.push(Note { after: Some(self.actions.len()), ..note });
        self.actions.push(action);
    }

    /// Adds what to tell whatever happens.
    pub fn tell(&mut self, note: Note) {
        self.notes.push(note);
    }

    /// Asks to be called again after `wait`; the shortest stands.
    pub fn wake_in(&mut self, wait: Duration) {
        self.wake = Some(self.wake.map_or(wait, |old| old.min(wait)));
    }
}

impl From<Plan> for Outcome {
    fn from(plan: Plan) -> Self {
        Self::Do { actions: plan.actions, wake: plan.wake, notes: plan.notes }
    }
}

/// What must hold of the object that an action changes; otherwise the action fails as a conflict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// Its UID.
    pub uid: String,
    /// Its resource version; none where any will do.
    pub resource_version: Option<String>,
}

/// Whether and how dependents go with a deleted object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// The object first, dependents later.
    Background,
    /// Dependents first.
    Foreground,
    /// Dependents stay.
    Orphan,
}

/// A write to the API.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Create an object; `AlreadyExists` of an object with the same controller UID counts as done.
    Create {
        /// Kind.
        kind: GroupKind,
        /// The whole object, with name and namespace.
        object: Value,
    },
    /// Merge-patch an object (RFC 7386), or its subresource.
    Patch {
        /// Kind.
        kind: GroupKind,
        /// Which.
        key: Key,
        /// `status`, `scale`, …; none for the object itself.
        subresource: Option<&'static str>,
        /// The patch.
        patch: Value,
        /// Guard.
        when: Precondition,
    },
    /// Delete an object; `NotFound` counts as done.
    Delete {
        /// Kind.
        kind: GroupKind,
        /// Which.
        key: Key,
        /// Guard.
        when: Precondition,
        /// Dependents.
        propagation: Propagation,
        /// Seconds; none for the kind's default.
        grace: Option<i64>,
    },
}

/// `Normal` or `Warning`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteType {
    /// Progress.
    Normal,
    /// Trouble.
    Warning,
}

/// Something to tell about an object; becomes an Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Kind of the object it is about.
    pub kind: GroupKind,
    /// Which.
    pub key: Key,
    /// UID.
    pub uid: String,
    /// Severity.
    pub severity: NoteType,
    /// One word in CamelCase, as upstream names it.
    pub reason: &'static str,
    /// A sentence.
    pub message: String,
    /// Index of the action whose success it reports; none where it is told whatever happens.
    pub after: Option<usize>,
}

/// A question that the snapshot cannot answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Query {
    /// The object as it is now, by a consistent read.
    Get {
        /// Kind.
        kind: GroupKind,
        /// Which; where the kind is cluster-scoped the namespace means nothing.
        key: Key,
    },
    /// What is in a namespace, by consistent lists: an array of objects of one kind, with that kind said in each,
    /// and not necessarily all of them; none where the namespace is empty.
    Content {
        /// The namespace.
        namespace: String,
    },
}
