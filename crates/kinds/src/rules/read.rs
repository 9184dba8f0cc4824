//! Typed reads and writes of documents by dotted path; what is absent or ill-typed reads as empty.

use object::{Map, Value};

static NULL: Value = Value::Null;

/// Reads by dotted path; the empty path is the value itself.
pub(crate) trait Read {
    /// The value at `path`, null if absent.
    fn at(&self, path: &str) -> &Value;
    /// The text at `path`, empty if absent.
    fn text(&self, path: &str) -> &str;
    /// The whole number at `path`.
    fn int(&self, path: &str) -> Option<i64>;
    /// Whether `path` holds true.
    fn flag(&self, path: &str) -> bool;
    /// The list at `path`, empty if absent.
    fn items(&self, path: &str) -> &[Value];
    /// The entries of the object at `path`, none if absent.
    fn entries(&self, path: &str) -> impl Iterator<Item = (&str, &Value)>;
    /// Whether there is a value other than null at `path`.
    fn has(&self, path: &str) -> bool;
    /// Whether `path` is absent, null, or an empty text, list or object.
    fn is_empty(&self, path: &str) -> bool;
}

impl Read for Value {
    fn at(&self, path: &str) -> &Value {
        if path.is_empty() {
            return self;
        }
        path.split('.').try_fold(self, |value, name| value.get(name)).unwrap_or(&NULL)
    }

    fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    fn int(&self, path: &str) -> Option<i64> {
        self.at(path).as_i64()
    }

    fn flag(&self, path: &str) -> bool {
        self.at(path).as_bool().unwrap_or_default()
    }

    fn items(&self, path: &str) -> &[Value] {
        self.at(path).as_array().map(Vec::as_slice).unwrap_or_default()
    }

    fn entries(&self, path: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.at(path).as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    fn has(&self, path: &str) -> bool {
        !self.at(path).is_null()
    }

    fn is_empty(&self, path: &str) -> bool {
        match self.at(path) {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            Value::Array(list) => list.is_empty(),
            Value::Object(map) => map.is_empty(),
            Value::Bool(_) | Value::Number(_) => false,
        }
    }
}

/// Writes by dotted path.
pub(crate) trait Write {
    /// Writes `value` at `path` and makes the objects on the way.
    fn put(&mut self, path: &str, value: impl Into<Value>);
    /// Writes `value` at `path` where nothing is.
    fn put_new(&mut self, path: &str, value: impl Into<Value>);
    /// Takes the field at `path` out.
    fn remove(&mut self, path: &str) -> Option<Value>;
    /// The value at `path`, if there is one.
    fn at_mut(&mut self, path: &str) -> Option<&mut Value>;
    /// The items of the list at `path`, none if absent.
    fn items_mut(&mut self, path: &str) -> &mut [Value];
    /// Makes the field at `path` what it is in `old`, also where it is absent there.
    fn keep(&mut self, path: &str, old: &Value);
}

impl Write for Value {
    fn put(&mut self, path: &str, value: impl Into<Value>) {
        let mut here = self;
        for name in path.split('.') {
            if !here.is_object() {
                *here = Value::Object(Map::new());
            }
            here = &mut here[name];
        }
        *here = value.into();
    }

    fn put_new(&mut self, path: &str, value: impl Into<Value>) {
        if !self.has(path) {
            self.put(path, value);
        }
    }

    fn remove(&mut self, path: &str) -> Option<Value> {
        let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
        self.at_mut(parent)?.as_object_mut()?.remove(name)
    }

    fn at_mut(&mut self, path: &str) -> Option<&mut Value> {
        if path.is_empty() {
            return Some(self);
        }
        path.split('.').try_fold(self, |value, name| value.get_mut(name))
    }

    fn items_mut(&mut self, path: &str) -> &mut [Value] {
        self.at_mut(path).and_then(Value::as_array_mut).map(Vec::as_mut_slice).unwrap_or_default()
    }

    fn keep(&mut self, path: &str, old: &Value) {
        match old.at(path) {
            Value::Null => drop(self.remove(path)),
            value => self.put(path, value.clone()),
        }
    }
}
