//! A value together with its path, and the checks that many kinds need.

use std::collections::HashSet;
use std::ops::Deref;

use object::{FieldError, FieldErrorType, FieldErrors, Path, Value};

use super::Read;

/// A value with its path in the document.
#[derive(Clone)]
pub(crate) struct At<'a> {
    value: &'a Value,
    path: Path,
}

impl Deref for At<'_> {
    type Target = Value;

    fn deref(&self) -> &Value {
        self.value
    }
}

impl<'a> At<'a> {
    /// The document's root.
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { value, path: Path::root() }
    }

    /// The value itself.
    pub(crate) fn value(&self) -> &'a Value {
        self.value
    }

    /// The path of the value, or of a field below it.
    pub(crate) fn path(&self, below: &str) -> Path {
        if below.is_empty() { self.path.clone() } else { self.path.child(below) }
    }

    /// The same value, told of at another path.
    pub(crate) fn placed(&self, path: Path) -> At<'a> {
        At { value: self.value, path }
    }

    /// The field at `path`, null if absent.
    pub(crate) fn field(&self, path: &str) -> At<'a> {
        At { value: self.value.at(path), path: self.path.child(path) }
    }

    /// The field at `path`, if present.
    pub(crate) fn present(&self, path: &str) -> Option<At<'a>> {
        self.value.has(path).then(|| self.field(path))
    }

    /// The items of the list at `path`.
    pub(crate) fn each(&self, path: &str) -> impl Iterator<Item = At<'a>> + use<'a> {
        let list = self.path(path);
        self.value.items(path).iter().enumerate().map(move |(i, value)| At { value, path: list.index(i) })
    }

    /// The entries of the map at `path`.
    pub(crate) fn each_entry(&self, path: &str) -> impl Iterator<Item = (&'a str, At<'a>)> + use<'a> {
        let map = self.path(path);
        let entries = self.value.at(path).as_object().into_iter().flatten();
        entries.map(move |(key, value)| (key.as_str(), At { value, path: map.key(key) }))
    }

    /// The value at `path` for an error's text.
    pub(crate) fn show(&self, path: &str) -> Value {
        self.value.at(path).clone()
    }
}

/// What a port number may be.
pub(crate) const PORT: &str = "must be between 1 and 65535, inclusive";

/// A rule for a text: what is wrong with it, in the API's words.
pub(crate) type TextRule = fn(&str) -> Vec<String>;

/// A growing list of errors.
#[derive(Default)]
pub(crate) struct Errors(FieldErrors);

impl Errors {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The list.
    pub(crate) fn done(self) -> FieldErrors {
        self.0
    }

    /// How many there are by now.
    pub(crate) fn count_so_far(&self) -> usize {
        self.0.len()
    }

    /// Adds an error.
    pub(crate) fn push(&mut self, error: FieldError) {
        self.0.push(error);
    }

    /// Says what is wrong with a value without showing it.
    pub(crate) fn wrong(&mut self, path: &Path, detail: &str) {
        let (kind, detail) = (FieldErrorType::Invalid, detail.to_owned());
        self.push(FieldError { path: path.clone(), kind, value: None, detail });
    }

    /// The field must be there and not be empty. Says whether it is.
    pub(crate) fn need(&mut self, at: &At, field: &str) -> bool {
        self.need_as(at, field, "")
    }

    /// The field must be there and not be empty; `detail` is said where it is not. Says whether it is.
    pub(crate) fn need_as(&mut self, at: &At, field: &str, detail: &str) -> bool {
        let there = !at.is_empty(field);
        if !there {
            self.push(FieldError::required(&at.path(field), detail));
        }
        there
    }

    /// The field's text, if not empty, must obey `rule`.
    pub(crate) fn text(&mut self, at: &At, field: &str, rule: TextRule) {
        let text = at.text(field);
        if !text.is_empty() {
            self.obey(&at.path(field), text, rule);
        }
    }

    /// This text must obey `rule`.
    pub(crate) fn obey(&mut self, path: &Path, text: &str, rule: TextRule) {
        for detail in rule(text) {
            self.push(FieldError::invalid(path, text, detail));
        }
    }

    /// This text must obey `rule`; all that is wrong with it is one error.
    pub(crate) fn obey_joined(&mut self, path: &Path, text: &str, rule: TextRule) {
        let details = rule(text);
        if !details.is_empty() {
            self.push(FieldError::invalid(path, text, details.join(",")));
        }
    }

    /// The field, if not empty, must be one of `supported`.
    pub(crate) fn one_of(&mut self, at: &At, field: &str, supported: &[&str]) {
        let text = at.text(field);
        if !text.is_empty() && !supported.contains(&text) {
            self.push(FieldError::not_supported(&at.path(field), text, supported));
        }
    }

    /// The number, if present, must be at least `min`.
    pub(crate) fn at_least(&mut self, at: &At, field: &str, min: i64) {
        let detail = format!("must be greater than or equal to {min}");
        self.number(at, field, |n| n >= min, &detail);
    }

    /// The number, if present, must be between these.
    pub(crate) fn between(&mut self, at: &At, field: &str, min: i64, max: i64) {
        let detail = format!("must be between {min} and {max}, inclusive");
        self.number(at, field, |n| (min..=max).contains(&n), &detail);
    }

    /// The number, if present, must be right; `detail` says what is.
    pub(crate) fn number(&mut self, at: &At, field: &str, right: impl Fn(i64) -> bool, detail: &str) {
        if let Some(n) = at.int(field).filter(|&n| !right(n)) {
            self.push(FieldError::invalid(&at.path(field), n, detail));
        }
    }

    /// The number, 0 if absent, must be right; `detail` says what is.
    pub(crate) fn count(&mut self, at: &At, field: &str, right: impl Fn(i64) -> bool, detail: &str) {
        let n = at.int(field).unwrap_or_default();
        if !right(n) {
            self.push(FieldError::invalid(&at.path(field), n, detail));
        }
    }

    /// A port: a number of 1 to 65535, or a port's name; 0 if absent.
    pub(crate) fn port(&mut self, at: &At, field: &str) {
        match at.at(field) {
            Value::String(name) => self.obey(&at.path(field), name, object::port_name),
            _ => self.count(at, field, |n| (1..=65535).contains(&n), PORT),
        }
    }

    /// The field may not be there.
    pub(crate) fn forbid(&mut self, at: &At, field: &str, detail: &str) {
        if !at.is_empty(field) {
            self.push(FieldError::forbidden(&at.path(field), detail));
        }
    }

    /// The field may not be there, not even empty.
    pub(crate) fn forbid_present(&mut self, at: &At, field: &str, detail: &str) {
        if at.has(field) {
            self.push(FieldError::forbidden(&at.path(field), detail));
        }
    }

    /// The texts at `field` of all items must differ.
    pub(crate) fn unique<'a>(&mut self, items: impl Iterator<Item = At<'a>>, field: &str) {
        let mut seen = HashSet::new();
        for item in items {
            let text = item.value().text(field);
            if !text.is_empty() && !seen.insert(text) {
                self.push(FieldError::duplicate(&item.path(field), text));
            }
        }
    }

    /// The keys of all items must differ.
    pub(crate) fn distinct<'a>(&mut self, items: impl Iterator<Item = At<'a>>, key: impl Fn(&At) -> Value) {
        let mut seen = HashSet::new();
        for item in items {
            let key = key(&item);
            if !seen.insert(key.to_string()) {
                self.push(FieldError::duplicate(&item.path(""), key));
            }
        }
    }

    /// The list or map may have at most `max` entries. Says whether it has.
    pub(crate) fn at_most(&mut self, at: &At, field: &str, max: usize) -> bool {
        let actual = at.items(field).len().max(at.entries(field).count());
        if actual > max {
            self.push(FieldError::too_many(&at.path(field), actual, max));
        }
        actual <= max
    }

    /// Exactly one of the fields is set; `none` and `many` are the errors' texts where none is, or more are.
    pub(crate) fn exactly_one(&mut self, at: &At, fields: &[&str], none: &str, many: &str) {
        let mut set = fields.iter().filter(|field| at.has(field));
        match set.next() {
            None => self.push(FieldError::required(&at.path(""), none)),
            Some(_) => set.for_each(|field| self.push(FieldError::forbidden(&at.path(field), many))),
        }
    }

    /// The field must be what it was. An empty object is not as good as none: it may select all where none
    /// selects nothing.
    pub(crate) fn same(&mut self, new: &At, old: &Value, field: &str) {
        let (is, was) = (new.at(field), old.at(field));
        if is.is_object() != was.is_object() || !object::alike(is, was) {
            self.push(FieldError::invalid(&new.path(field), new.show(field), "field is immutable"));
        }
    }
}

/// The errors of fields that must be what they were.
pub(crate) fn immutable(new: &Value, old: &Value, fields: &[&str]) -> FieldErrors {
    let mut errors = Errors::new();
    for field in fields {
        errors.same(&At::root(new), old, field);
    }
    errors.done()
}
