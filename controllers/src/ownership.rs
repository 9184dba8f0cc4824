//! Whose object it is: owner references, adoption and release.

use drive::{Action, GroupKind, KindName, Note, NoteType, Precondition, Query};
use object::{Key, Meta, OwnerRef, Value};
use serde_json::json;

use crate::selector::Selector;

/// A workload that controls objects which its selector selects.
pub(crate) struct Owner<'a> {
    pub(crate) kind: KindName,
    pub(crate) meta: &'a Meta,
    pub(crate) selector: &'a Selector,
}

/// What a workload and an object are to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// The workload's own.
    Keep,
    /// Nobody's, and selected: to be adopted.
    Adopt,
    /// The workload's own, but no longer selected: to be released.
    Release,
    /// Not its business.
    Ignore,
}

impl Owner<'_> {
    /// What an object is to this workload.
    pub(crate) fn claim(&self, meta: &Meta) -> Claim {
        let selected = self.selector.matches(&meta.labels);
        let going = self.meta.is_terminating();
        match meta.controller() {
            Some(owner) if owner.uid != self.meta.uid => Claim::Ignore,
            Some(_) if selected => Claim::Keep,
            Some(_) if going => Claim::Ignore,
            Some(_) => Claim::Release,
            None if selected && !going && !meta.is_terminating() => Claim::Adopt,
            None => Claim::Ignore,
        }
    }

    /// The question whether this workload still is what the snapshot says; asked before it adopts anything.
    pub(crate) fn query(&self) -> Query {
        Query::Get { kind: self.kind.into(), key: self.meta.key() }
    }

    /// Whether the answer says that this workload is alive.
    pub(crate) fn is_confirmed(&self, answer: &Option<Value>) -> bool {
        answer
            .as_ref()
            .map(Meta::of)
            .is_some_and(|fresh| fresh.uid == self.meta.uid && !fresh.is_terminating())
    }

    /// Makes this workload the controller of an object.
    pub(crate) fn adopt(&self, kind: impl Into<GroupKind>, meta: &Meta) -> Action {
        let mut owners = meta.owner_references.to_vec();
        owners.push(reference(self.kind, self.meta));
        set_owners(kind, meta, &owners)
    }

    /// Gives an object up.
    pub(crate) fn release(&self, kind: impl Into<GroupKind>, meta: &Meta) -> Action {
        let owners: Vec<_> =
            meta.owner_references.iter().filter(|o| o.uid != self.meta.uid).cloned().collect();
        set_owners(kind, meta, &owners)
    }

    /// Something to tell about this workload.
    pub(crate) fn note(&self, severity: NoteType, reason: &'static str, message: String) -> Note {
        let (key, uid) = (self.meta.key(), self.meta.uid.clone());
        Note { kind: self.kind.into(), key, uid, severity, reason, message, after: None }
    }
}

/// The reference of a dependent to its controller.
pub(crate) fn reference(kind: KindName, meta: &Meta) -> OwnerRef {
    OwnerRef {
        api_version: if kind.0.is_empty() { "v1".to_owned() } else { format!("{}/v1", kind.0) },
        kind: kind.1.to_owned(),
        name: meta.name.clone(),
        uid: meta.uid.clone(),
        controller: Some(true),
        block_owner_deletion: Some(true),
    }
}

/// Replaces an object's owners, as they were read.
pub(crate) fn set_owners(kind: impl Into<GroupKind>, meta: &Meta, owners: &[OwnerRef]) -> Action {
    let owners = if owners.is_empty() { Value::Null } else { owners_value(owners) };
    patch(kind, meta, json!({"metadata": {"ownerReferences": owners}}))
}

/// Owner references as JSON, without fields that are not set.
pub(crate) fn owners_value(owners: &[OwnerRef]) -> Value {
    owners.iter().map(owner_value).collect()
}

fn owner_value(owner: &OwnerRef) -> Value {
    let mut value = json!(owner);
    value.as_object_mut().expect("a struct is an object").retain(|_, field| !field.is_null());
    value
}

/// A patch of an object as it was read.
pub(crate) fn patch(kind: impl Into<GroupKind>, meta: &Meta, patch: Value) -> Action {
    let when = Precondition { uid: meta.uid.clone(), resource_version: Some(meta.resource_version.clone()) };
    Action::Patch { kind: kind.into(), key: meta.key(), subresource: None, patch, when }
}

/// A patch of an object's status as it was read.
pub(crate) fn patch_status(kind: impl Into<GroupKind>, meta: &Meta, status: Value) -> Action {
    let when = Precondition { uid: meta.uid.clone(), resource_version: Some(meta.resource_version.clone()) };
    Action::Patch {
        kind: kind.into(),
        key: meta.key(),
        subresource: Some("status"),
        patch: json!({"status": status}),
        when,
    }
}

/// The deletion of an object, whatever changed of it.
pub(crate) fn delete(kind: impl Into<GroupKind>, meta: &Meta) -> Action {
    let when = Precondition { uid: meta.uid.clone(), resource_version: None };
    Action::Delete {
        kind: kind.into(),
        key: meta.key(),
        when,
        propagation: drive::Propagation::Background,
        grace: None,
    }
}

/// The key of an object's controller, where it is of this kind.
pub(crate) fn controller_key(kind: KindName, meta: &Meta) -> Option<Key> {
    let controller = meta.controller()?;
    (GroupKind::versioned(&controller.api_version, &controller.kind) == kind)
        .then(|| Key::new(meta.namespace.clone(), controller.name.clone()))
}
