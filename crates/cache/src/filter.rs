//! Which objects a list or a watch shows.

use kinds::Kind;
use object::{FieldSelector, Key, LabelSelector};

use crate::Entry;

/// A namespace and selectors.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// One namespace, or all where empty.
    pub namespace: String,
    /// Labels that an object must have.
    pub labels: LabelSelector,
    /// Fields that an object must have: `metadata.name`, `metadata.namespace` and the kind's selectable ones. Any
    /// other field reads as empty.
    pub fields: FieldSelector,
}

/// A filter with its fields resolved to positions in [`Entry::field`]. Matching allocates nothing.
#[derive(Debug)]
pub(crate) struct Matcher {
    namespace: Box<str>,
    labels: LabelSelector,
    terms: Vec<Term>,
}

/// One requirement on a field.
#[derive(Debug)]
struct Term {
    at: At,
    value: Box<str>,
    equal: bool,
}

/// Where a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum At {
    Name,
    Namespace,
    Field(usize),
    Nowhere,
}

impl At {
    fn of(kind: &Kind, field: &str) -> Self {
        match field {
            "metadata.name" => At::Name,
            "metadata.namespace" => At::Namespace,
            _ => kind.selectable.iter().position(|f| f == field).map_or(At::Nowhere, At::Field),
        }
    }

    fn value(self, entry: &Entry) -> &str {
        match self {
            At::Name => &entry.key.name,
            At::Namespace => &entry.key.namespace,
            At::Field(index) => entry.field(index).unwrap_or_default(),
            At::Nowhere => "",
        }
    }
}

impl Matcher {
    pub(crate) fn new(kind: &Kind, filter: &Filter) -> Self {
        let terms = filter.fields.requirements().iter().map(|requirement| Term {
            at: At::of(kind, &requirement.field),
            value: requirement.value.as_str().into(),
            equal: requirement.equals,
        });
        let terms: Vec<Term> = terms.collect();
        let by_field = terms.iter().find(|term| term.equal && term.at == At::Namespace);
        let namespace = match by_field {
            Some(term) if filter.namespace.is_empty() => term.value.clone(),
            _ => filter.namespace.as_str().into(),
        };
        Self { namespace, labels: filter.labels.clone(), terms }
    }

    /// Whether an object is shown.
    pub(crate) fn matches(&self, entry: &Entry) -> bool {
        (self.namespace.is_empty() || *self.namespace == *entry.key.namespace)
            && self.terms.iter().all(|term| (term.at.value(entry) == &*term.value) == term.equal)
            && self.labels.matches_with(|key| entry.label(key))
    }

    /// Whether it shows all objects of its namespace.
    pub(crate) fn is_plain(&self) -> bool {
        self.terms.is_empty() && self.labels.is_everything()
    }

    /// The least key that can be shown; none where any can.
    pub(crate) fn first(&self) -> Option<Key> {
        (!self.namespace.is_empty()).then(|| Key::new(&*self.namespace, self.name().unwrap_or_default()))
    }

    /// Whether no key above this one can be shown.
    pub(crate) fn is_past(&self, key: &Key) -> bool {
        !self.namespace.is_empty()
            && (*key.namespace != *self.namespace || self.name().is_some_and(|name| *key.name > *name))
    }

    /// The one name that can be shown, if so.
    fn name(&self) -> Option<&str> {
        self.terms.iter().find(|term| term.equal && term.at == At::Name).map(|term| &*term.value)
    }

    /// A field and the one value of it that can be shown, if so.
    pub(crate) fn index(&self) -> Option<(At, &str)> {
        let indexed = |term: &&Term| term.equal && matches!(term.at, At::Name | At::Field(_));
        self.terms.iter().find(indexed).map(|term| (term.at, &*term.value))
    }
}
