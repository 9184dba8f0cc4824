//! What an update is not blamed for: a declarative rule that is broken by a field which is as it was (upstream's
//! declarative validation, KEP-5073, and its custom resources, KEP-4008). Rules can change while objects are stored.

use object::{FieldErrors, List, Schema, Shape, Types, Value, alike};

/// How many errors may be forgiven: each is looked for in the old object, and rules that change break few fields.
const MAX_FORGIVEN: usize = 64;

/// Takes out the errors of fields that did not change. Items of lists are the same ones where they have the same keys, or,
/// in sets, the same value; of other lists the items are known only where nothing changed at all.
pub(super) fn forgive(schema: &Schema, errors: &mut FieldErrors, new: &Value, old: &Value) {
    if errors.len() > MAX_FORGIVEN {
        return;
    }
    let root = Shape::Object(schema.root);
    errors.retain(|error| {
        let place = Place { types: &schema.types, shape: &root, new, old: Some(old) };
        place.find(error.path.as_str()).is_none_or(|place| !place.is_unchanged())
    });
}

/// A value of the new object and what it was before.
struct Place<'a> {
    types: &'a Types,
    shape: &'a Shape,
    new: &'a Value,
    /// None where nothing of the old object is the counterpart.
    old: Option<&'a Value>,
}

impl<'a> Place<'a> {
    /// The place at a path below this one; none where the path leads nowhere.
    fn find(mut self, mut path: &str) -> Option<Self> {
        while !path.is_empty() {
            (self, path) = self.step(path.strip_prefix('.').unwrap_or(path))?;
        }
        Some(self)
    }

    fn step<'p>(&self, path: &'p str) -> Option<(Self, &'p str)> {
        match (self.shape, self.new) {
            (Shape::Object(id), _) => {
                let (name, rest) = path.split_at(path.find(['.', '[']).unwrap_or(path.len()));
                let field = self.types.get(*id).field(name)?;
                let value = |of: &'a Value| of.get(name).unwrap_or(&Value::Null);
                // what was not there has no fields that could be as they were
                let old = self.old.filter(|old| old.is_object()).map(value);
                Some((self.at(&field.shape, value(self.new), old), rest))
            }
            (Shape::List(of, kind), Value::Array(items)) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                let index = index.parse().ok()?;
                let item = items.get(index)?;
                Some((self.at(of, item, self.counterpart(kind, item, index)), rest))
            }
            (Shape::Map(of, _), Value::Object(map)) => {
                // keys may contain whatever paths are made of: which one is meant shows in the map
                let behind = |key: &str| path.strip_prefix('[')?.strip_prefix(key)?.strip_prefix(']');
                let ends = |rest: &&str| rest.is_empty() || rest.starts_with(['.', '[']);
                let found = map.iter().find_map(|(key, value)| Some((key, value, behind(key).filter(ends)?)));
                let (key, value, rest) = found?;
                Some((self.at(of, value, self.old.and_then(|old| old.get(key))), rest))
            }
            _ => None,
        }
    }

    fn at(&self, shape: &'a Shape, new: &'a Value, old: Option<&'a Value>) -> Self {
        Self { types: self.types, shape, new, old }
    }

    /// What an item of this list was before.
    fn counterpart(&self, kind: &List, item: &Value, index: usize) -> Option<&'a Value> {
        let old = self.old?.as_array()?;
        if kind.set {
            return old.iter().find(|was| *was == item);
        }
        if kind.keys.is_empty() {
            return old.get(index).filter(|_| self.is_unchanged());
        }
        old.iter().find(|was| kind.keys.iter().all(|key| was.get(key) == item.get(key)))
    }

    fn is_unchanged(&self) -> bool {
        self.old.is_some_and(|old| alike(self.new, old))
    }
}

#[cfg(test)]
mod tests {
    use object::{FieldError, Path};
    use serde_json::json;

    use super::*;

    fn check(path: &str, new: Value, old: Value, forgiven: bool) {
        let kinds = kinds::built_in();
        let schema = &kinds.kind("", "Pod").expect("a row").schema;
        let mut errors = vec![FieldError::required(&Path::new(path), "")];
        forgive(schema, &mut errors, &new, &old);
        assert_eq!(errors.is_empty(), forgiven, "{path}: {new} was {old}");
    }

    #[test]
    fn a_field_is_blamed_where_it_changed() {
        let pod = |policy: &str, host: &str| json!({"spec": {"restartPolicy": policy, "hostname": host}});
        check("spec.restartPolicy", pod("Perhaps", "b"), pod("Perhaps", "a"), true);
        check("spec.restartPolicy", pod("Perhaps", "a"), pod("Maybe", "a"), false);
        check("spec.nodeName", pod("Perhaps", "b"), pod("Perhaps", "a"), true);
        check("spec.nonsense", pod("Perhaps", "a"), pod("Perhaps", "a"), false);
        let probe = |probe: Value| json!({"spec": {"containers": [{"name": "a", "livenessProbe": probe}]}});
        let at = "spec.containers[0].livenessProbe.exec.command";
        check(at, probe(json!({"exec": {}})), probe(Value::Null), false);
        check(at, probe(json!({"exec": {}})), probe(json!({})), false);
        check(at, probe(json!({"exec": {}, "periodSeconds": 5})), probe(json!({"exec": {}})), true);
    }

    #[test]
    fn items_are_known_by_their_keys() {
        let pod = |names: &[&str]| {
            let containers = names.iter().map(|name| json!({"name": name, "imagePullPolicy": "Perhaps"}));
            json!({"spec": {"containers": containers.collect::<Vec<_>>()}})
        };
        check("spec.containers[1].imagePullPolicy", pod(&["b", "a"]), pod(&["a"]), true);
        check("spec.containers[0].imagePullPolicy", pod(&["b", "a"]), pod(&["a"]), false);
        let tolerations = |operators: &[&str]| {
            let tolerations = operators.iter().map(|operator| json!({"operator": operator}));
            json!({"spec": {"tolerations": tolerations.collect::<Vec<_>>()}})
        };
        let at = "spec.tolerations[0].operator";
        check(at, tolerations(&["Is"]), tolerations(&["Is"]), true);
        check(at, tolerations(&["Is", "Exists"]), tolerations(&["Is"]), false);
    }

    #[test]
    fn entries_are_known_by_their_keys() {
        let pod = |key: &str, amount: &str| json!({"spec": {"overhead": {key: amount}}});
        check("spec.overhead[a.b/c]", pod("a.b/c", "x"), pod("a.b/c", "x"), true);
        check("spec.overhead[a]b]", pod("a]b", "x"), pod("a]b", "x"), true);
        check("spec.overhead[a]", pod("a", "x"), pod("a", "y"), false);
        check("spec.overhead[a]", pod("a", "x"), pod("b", "x"), false);
    }
}
