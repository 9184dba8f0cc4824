//! What an expression may name.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::{Type, library};

/// The type of a patch, as a value of an expression.
const PATCH: &str = "JSONPatch";
/// The type of an object that an expression makes, and the first part of the names of all types inside.
const OBJECT: &str = "Object";

/// The variables of an expression, and the objects among their types.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    variables: BTreeMap<String, Type>,
    objects: HashMap<Arc<str>, BTreeMap<String, Type>>,
    /// Whether values may be given names, by `cel.bind`.
    binds: bool,
    /// Whether objects and patches may be made.
    patches: bool,
}

/// A value that an expression makes: what its fields are.
pub(crate) enum Made {
    /// Any field, of any type.
    Open,
    /// These fields.
    Of(Arc<str>),
}

impl Scope {
    /// Nothing but the library.
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with a variable, in the place of another of that name.
    pub fn with(mut self, variable: &str, kind: Type) -> Self {
        self.set(variable, kind);
        self
    }

    /// Puts a variable in the place of another of that name.
    pub fn set(&mut self, variable: &str, kind: Type) {
        self.variables.insert(variable.to_owned(), kind);
    }

    /// Takes a variable away.
    pub fn remove(&mut self, variable: &str) {
        self.variables.remove(variable);
    }

    /// Declares the fields of the objects with a name, and gives their type.
    pub fn object<'f>(&mut self, name: &str, fields: impl IntoIterator<Item = (&'f str, Type)>) -> Type {
        let fields = fields.into_iter().map(|(name, kind)| (name.to_owned(), kind)).collect();
        self.objects.insert(name.into(), fields);
        Type::named(name)
    }

    /// Adds a field to the objects with a name.
    pub fn add_field(&mut self, object: &str, field: &str, kind: Type) {
        self.objects.entry(object.into()).or_default().insert(field.to_owned(), kind);
    }

    /// The same where `cel.bind` may give names to values.
    pub fn with_names(mut self) -> Self {
        self.binds = true;
        self
    }

    /// The same where objects and patches may be made, as policies do that change what is written.
    pub fn with_patches(mut self) -> Self {
        let text = ["op", "path", "from"].map(|field| (field, Type::String));
        self.object(PATCH, text.into_iter().chain([("value", Type::Dyn)]));
        self.patches = true;
        self
    }

    pub(crate) fn binds(&self) -> bool {
        self.binds
    }

    /// The type of a variable, or of a type that is named as a value.
    pub(crate) fn variable(&self, name: &str) -> Option<Type> {
        let types = || {
            Some(Type::Type(Arc::new(match name {
                "list" => Type::list(Type::Dyn),
                "map" => Type::map(Type::Dyn, Type::Dyn),
                "type" => Type::Type(Arc::new(Type::Dyn)),
                "optional_type" => Type::optional(Type::Dyn),
                "dyn" => return None,
                name => library::named(name)?,
            })))
        };
        self.variables.get(name).cloned().or_else(types)
    }

    /// The type of a field of the objects with a name; nothing where these have no fields.
    pub(crate) fn field(&self, object: &str, field: &str) -> Option<Option<Type>> {
        Some(self.objects.get(object)?.get(field).cloned())
    }

    /// What can be made by a name.
    pub(crate) fn made(&self, name: &str) -> Option<Made> {
        let is_object = name == OBJECT || name.strip_prefix(OBJECT).is_some_and(|rest| rest.starts_with('.'));
        match self.objects.get_key_value(name) {
            _ if self.patches && is_object => Some(Made::Open),
            Some((name, _)) => Some(Made::Of(name.clone())),
            None => None,
        }
    }
}
