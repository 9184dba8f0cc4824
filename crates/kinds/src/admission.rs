//! Built-in admission: what upstream's plugins of these names (`plugin/pkg/admission`) do to new and changed objects,
//! as decisions over the object and the documents that they ask for. An error completes the sentence of a 403.

pub mod default_ingress_class;
pub mod default_storage_class;
pub mod default_toleration_seconds;
pub mod limit_ranger;
pub mod persistent_volume_claim_resize;
pub mod priority;
pub mod runtime_class;
pub mod service_account;
pub mod taint_nodes_by_condition;

mod amounts;
mod default_class;
mod tolerations;

use object::Value;

/// A resource: its group and its plural.
pub type Resource = (&'static str, &'static str);

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// It is new.
    Create,
    /// It is changed, but not by a subresource.
    Update,
    /// It is changed by `/resize`.
    Resize,
}

/// The documents that a decision rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs<'a> {
    /// None.
    Nothing,
    /// The object of this name: of the same namespace, or of the cluster.
    Named(Resource, &'a str),
    /// The same, of what each new namespace gets in a moment.
    Awaited(Resource, &'a str),
    /// All in the same namespace.
    InNamespace(Resource),
    /// Those of the cluster in whose canonical text this stands: of many, few are worth decoding.
    Marked(Resource, &'static str),
}

/// What a decision knows beside the object itself.
#[derive(Clone, Copy, Debug)]
pub struct Review<'a> {
    /// The object's namespace; empty where it is of the cluster.
    pub namespace: &'a str,
    /// The object as it was, where it is changed.
    pub old: Option<&'a Value>,
    /// What it [`Needs`], as far as that is there, by name.
    pub documents: &'a [Value],
    /// Random characters, for names.
    pub suffix: &'a str,
}

/// Which documents a decision needs; of a change it is given the object as it was as well.
pub type Need = for<'a> fn(&'a Value, Option<&'a Value>) -> Needs<'a>;
/// Completes an object, or says why it is refused.
pub type Mutate = fn(&mut Value, &Review<'_>) -> Result<(), String>;
/// Says why an object, which is valid, is refused.
pub type Validate = fn(&Value, &Review<'_>) -> Result<(), String>;

/// Needs nothing.
pub fn nothing<'a>(_: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    Needs::Nothing
}

#[cfg(test)]
mod testing;
