//! Strategic merge patch: a merge patch that knows from the schema which lists merge, and by which key, and takes
//! directives (apimachinery, `pkg/util/strategicpatch`).

use std::collections::HashSet;
use std::fmt::Write;

use super::list;
use super::{PatchError, not_an_object};
use crate::{List, Map, Schema, Shape, TypeId, Types, Value};

/// `$patch: replace`, `$patch: delete`, in objects and in items of merging lists.
pub(super) const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

pub(super) fn apply(schema: &Schema, object: &Value, patch: &Value) -> Result<Value, PatchError> {
    let (object, patch) = match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => (object.clone(), patch.clone()),
        (_, Value::Object(patch)) => (Map::new(), patch.clone()),
        (Value::Object(object), Value::Null) => (object.clone(), Map::new()),
        (_, patch) => return Err(PatchError::Malformed(not_an_object(patch))),
    };
    let merge = Merge { types: &schema.types };
    merge.objects(object, patch, Scope::Type(schema.root)).map(Value::Object)
}

/// What is known about the fields of an object.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// They are those of a type.
    Type(TypeId),
    /// All have this shape.
    Map(&'a Shape),
    /// Nothing: objects merge, lists are replaced.
    Free,
}

/// What is known about a list.
#[derive(Clone, Copy, Default)]
pub(super) struct ListScope<'a> {
    /// Its items' shape.
    pub(super) item: Option<&'a Shape>,
    /// How it merges.
    pub(super) rule: Option<&'a List>,
}

impl<'a> ListScope<'a> {
    fn of(shape: Option<&'a Shape>) -> Self {
        match shape {
            Some(Shape::List(item, rule)) => Self { item: Some(item), rule: Some(rule) },
            _ => Self::default(),
        }
    }

    pub(super) fn key(&self) -> Option<&'a str> {
        self.rule.and_then(|rule| rule.merge_key.as_deref())
    }

    pub(super) fn merges(&self) -> bool {
        self.rule.is_some_and(|rule| rule.merge || rule.merge_key.is_some())
    }
}

pub(super) struct Merge<'a> {
    types: &'a Types,
}

impl<'a> Merge<'a> {
    fn shape(&self, scope: Scope<'a>, name: &str) -> Option<&'a Shape> {
        match scope {
            Scope::Type(id) => self.types.get(id).field(name).map(|field| &field.shape),
            Scope::Map(of) => Some(of),
            Scope::Free => None,
        }
    }

    pub(super) fn scope(shape: Option<&'a Shape>) -> Scope<'a> {
        match shape {
            Some(Shape::Object(id)) => Scope::Type(*id),
            Some(Shape::Map(of, _)) => Scope::Map(of),
            _ => Scope::Free,
        }
    }

    pub(super) fn objects(
        &self,
        mut original: Map,
        mut patch: Map,
        scope: Scope<'a>,
    ) -> Result<Map, PatchError> {
        if let Some(directive) = patch.get(DIRECTIVE) {
            return match directive.as_str() {
                Some("replace") => {
                    patch.remove(DIRECTIVE);
                    Ok(cleaned_fields(patch))
                }
                Some("delete") => Ok(Map::new()),
                _ => Err(unknown_directive(directive, &patch)),
            };
        }
        retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(&mut original, &mut patch, scope)?;
        for (name, value) in patch {
            match directive_of(&name, DELETE_FROM) {
                None => self.field(&mut original, name, value, scope)?,
                Some(Some(list)) => delete_scalars(&mut original, list, value)?,
                Some(None) => return Err(malformed("primitive list")),
            }
        }
        Ok(original)
    }

    fn field(
        &self,
        original: &mut Map,
        name: String,
        patch: Value,
        scope: Scope<'a>,
    ) -> Result<(), PatchError> {
        if patch.is_null() {
            original.remove(&name);
            return Ok(());
        }
        let shape = self.shape(scope, &name);
        let merged = match (original.get_mut(&name).map(Value::take), patch) {
            (Some(Value::Object(old)), Value::Object(patch)) => {
                Some(Value::Object(self.objects(old, patch, Self::scope(shape))?))
            }
            (Some(Value::Array(old)), Value::Array(patch)) => {
                Some(Value::Array(list::merge(self, old, patch, ListScope::of(shape))?))
            }
            (_, patch) => cleaned(patch),
        };
        match merged {
            Some(value) => original.insert(name, value),
            None => original.remove(&name),
        };
        Ok(())
    }

    /// Takes `$setElementOrder` and the lists it orders out of the patch.
    fn ordered_lists(&self, original: &mut Map, patch: &mut Map, scope: Scope<'a>) -> Result<(), PatchError> {
        let orders: Vec<String> = patch.keys().filter(|name| name.starts_with(SET_ORDER)).cloned().collect();
        for directive in orders {
            let malformed = || malformed("setElementOrder list");
            let name = directive_of(&directive, SET_ORDER).flatten().ok_or_else(malformed)?;
            let Some(Value::Array(order)) = patch.remove(&directive) else { return Err(malformed()) };
            if patch.get(name).is_some_and(Value::is_null) {
                continue;
            }
            let (old, new) = (take_list(original, name)?, take_list(patch, name)?);
            if old.is_some() || new.is_some() {
                let scope = ListScope::of(self.shape(scope, name));
                let merged = list::merge_in_order(self, old, new, &order, scope)?;
                original.insert(name.to_owned(), Value::Array(merged));
            }
        }
        Ok(())
    }
}

/// `Some(Some(field))` for `$directive/field`, `Some(None)` where the field is missing, `None` for other names.
fn directive_of<'n>(name: &'n str, directive: &str) -> Option<Option<&'n str>> {
    name.strip_prefix(directive).map(|rest| rest.strip_prefix('/').filter(|field| !field.is_empty()))
}

fn take_list(map: &mut Map, name: &str) -> Result<Option<Vec<Value>>, PatchError> {
    match map.get(name) {
        None => Ok(None),
        Some(Value::Array(_)) => match map.remove(name) {
            Some(Value::Array(items)) => Ok(Some(items)),
            _ => Ok(None),
        },
        Some(other) => {
            let found = go_type(other);
            Err(PatchError::Unmergeable(format!("expected a []interface {{}}, but received a {found}")))
        }
    }
}

fn delete_scalars(original: &mut Map, name: &str, gone: Value) -> Result<(), PatchError> {
    match (original.get_mut(name), gone) {
        (_, Value::Null) => {
            original.remove(name);
        }
        (Some(Value::Array(items)), Value::Array(gone)) => list::delete(items, &gone)?,
        _ => {}
    }
    Ok(())
}

/// Directives that stand beside fields.
fn is_directive(name: &str) -> bool {
    name.starts_with(RETAIN_KEYS) || name.starts_with(DELETE_FROM) || name.starts_with(SET_ORDER)
}

/// `$retainKeys`: fields that it does not list go; the patch may set only fields that it lists.
fn retain_keys(original: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
    let Some(keep) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || malformed("retainKeys");
    let keep: HashSet<&str> =
        keep.as_array().ok_or_else(malformed)?.iter().filter_map(Value::as_str).collect();
    let fits = |(name, value): (&String, &Value)| {
        value.is_null() || is_directive(name) || keep.contains(name.as_str())
    };
    if !patch.iter().all(fits) {
        return Err(malformed());
    }
    original.retain(|name, _| keep.contains(name.as_str()));
    Ok(())
}

/// A value that has nothing to merge with: without nulls in objects and without directives; `None` where it is one
/// itself.
pub(super) fn cleaned(value: Value) -> Option<Value> {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => None,
        Value::Object(map) => Some(Value::Object(cleaned_fields(map))),
        Value::Array(items) => Some(items.into_iter().filter_map(cleaned).collect()),
        scalar => Some(scalar),
    }
}

fn cleaned_fields(map: Map) -> Map {
    let fields = map.into_iter().filter(|(name, value)| !(value.is_null() || is_directive(name)));
    fields.filter_map(|(name, value)| cleaned(value).map(|value| (name, value))).collect()
}

pub(super) fn unmergeable(message: &str) -> PatchError {
    PatchError::Unmergeable(message.to_owned())
}

/// The patch does not write this part as it must be.
pub(super) fn malformed(part: &str) -> PatchError {
    PatchError::Malformed(format!("invalid patch format of {part}"))
}

pub(super) fn unknown_directive(directive: &Value, item: &Map) -> PatchError {
    let (directive, item) = (go_text(directive), go_map(item));
    PatchError::Unmergeable(format!("unknown patch type: {directive} in map: {item}"))
}

pub(super) fn no_merge_key(item: &Map, key: &str) -> PatchError {
    PatchError::Unmergeable(format!("map: {} does not contain declared merge key: {key}", go_map(item)))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// A value as Go's `%v` prints it.
pub fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => go_list(items),
        Value::Object(map) => go_map(map),
        scalar => scalar.to_string(),
    }
}

pub(super) fn go_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(go_text).collect::<Vec<_>>().join(" "))
}

fn go_map(map: &Map) -> String {
    let mut text = "map[".to_owned();
    for (index, (name, value)) in map.iter().enumerate() {
        let space = if index == 0 { "" } else { " " };
        write!(text, "{space}{name}:{}", go_text(value)).expect("a String takes all writes");
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::workload;

    fn check(object: Value, patch: Value, expect: Value) {
        let spec = |value: &Value| json!({ "spec": value });
        assert_eq!(apply(&workload(), &spec(&object), &spec(&patch)), Ok(spec(&expect)), "{patch}");
    }

    fn check_error(object: Value, patch: Value, expect: &str) {
        let error =
            apply(&workload(), &json!({ "spec": object }), &json!({ "spec": patch })).expect_err(expect);
        assert_eq!(error.to_string(), expect);
    }

    #[test]
    fn failures_are_of_three_kinds() {
        let check = |containers: Value, patch: Value, expect: PatchError| {
            let object = json!({"spec": {"limits": {"cpu": "1"}, "containers": containers}});
            assert_eq!(apply(&workload(), &object, &json!({ "spec": patch })), Err(expect), "{patch}");
        };
        check(json!([]), json!({"limits": {"$retainKeys": "a"}}), malformed("retainKeys"));
        check(
            json!([["b"]]),
            json!({"containers": [["a"]]}),
            PatchError::Unprocessable("lists of lists are not supported".to_owned()),
        );
        check(
            json!([{"name": "a"}]),
            json!({"containers": [{}]}),
            unmergeable("map: map[] does not contain declared merge key: name"),
        );
    }

    #[test]
    fn objects_merge() {
        check(
            json!({"replicas": 1, "host": "a"}),
            json!({"replicas": 2}),
            json!({"replicas": 2, "host": "a"}),
        );
        check(json!({"replicas": 1, "host": "a"}), json!({"host": null, "no": null}), json!({"replicas": 1}));
        check(
            json!({"limits": {"a": "1"}}),
            json!({"limits": {"b": "2"}}),
            json!({"limits": {"a": "1", "b": "2"}}),
        );
        check(
            json!({"raw": {"a": [1], "b": 1}}),
            json!({"raw": {"a": [2]}}),
            json!({"raw": {"a": [2], "b": 1}}),
        );
        check(json!({}), json!({"limits": {"a": null, "b": "1"}}), json!({"limits": {"b": "1"}}));
        check(json!({"host": "a"}), json!({"host": {"a": null}}), json!({"host": {}}));
        check(json!({"args": ["a", "b"]}), json!({"args": ["c"]}), json!({"args": ["c"]}));
    }

    #[test]
    fn directives_in_objects() {
        let limits = || json!({"limits": {"a": "1"}});
        check(limits(), json!({"limits": {"$patch": "replace", "b": "2"}}), json!({"limits": {"b": "2"}}));
        check(limits(), json!({"limits": {"$patch": "delete"}}), json!({"limits": {}}));
        check(json!({}), json!({"limits": {"$patch": "delete"}}), json!({}));
        check(
            json!({"limits": {"a": "1", "b": "2", "c": "3"}}),
            json!({"limits": {"$retainKeys": ["a", "b"], "b": "4"}}),
            json!({"limits": {"a": "1", "b": "4"}}),
        );
        check_error(
            limits(),
            json!({"limits": {"$retainKeys": ["a"], "b": "1"}}),
            "invalid patch format of retainKeys",
        );
        check_error(limits(), json!({"limits": {"$retainKeys": "a"}}), "invalid patch format of retainKeys");
        check_error(
            limits(),
            json!({"limits": {"$patch": "merge", "b": "1"}}),
            "unknown patch type: merge in map: map[$patch:merge b:1]",
        );
    }

    #[test]
    fn keyed_lists_merge() {
        let containers = |items: Value| json!({ "containers": items });
        let check = |object, patch, expect| check(containers(object), containers(patch), containers(expect));
        let ab = || json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]);
        check(
            ab(),
            json!([{"name": "b", "image": "3"}]),
            json!([{"name": "a", "image": "1"}, {"name": "b", "image": "3"}]),
        );
        // new items of the patch stand before what the server has, as upstream orders them
        check(
            ab(),
            json!([{"name": "c"}]),
            json!([{"name": "c"}, {"name": "a", "image": "1"}, {"name": "b", "image": "2"}]),
        );
        check(ab(), json!([{"name": "a", "$patch": "delete"}]), json!([{"name": "b", "image": "2"}]));
        check(ab(), json!([{"$patch": "replace"}, {"name": "c"}]), json!([{"name": "c"}]));
        check(ab(), json!([{"name": "a", "$patch": "replace", "command": ["x"]}]), json!([]));
        check(ab(), json!([]), ab());
        check(json!([]), ab(), ab());
        check(
            json!([{"name": "a", "env": [{"name": "x", "value": "1"}], "ports": [{"containerPort": 80}]}]),
            json!([{"name": "a", "env": [{"name": "y", "value": "2"}, {"name": "x", "value": null}],
                    "ports": [{"containerPort": 80, "name": "http"}]}]),
            json!([{"name": "a", "env": [{"name": "y", "value": "2"}, {"name": "x"}],
                    "ports": [{"containerPort": 80, "name": "http"}]}]),
        );
        check(
            json!([]),
            json!([{"name": "a", "$retainKeys": ["name"], "$setElementOrder/env": [], "env": [{"name": "x", "$patch": "delete"}]}]),
            json!([{"name": "a", "env": []}]),
        );
        check(json!([{"name": "a"}, {"name": "a"}]), json!([{"name": "a", "$patch": "delete"}]), json!([]));
    }

    #[test]
    fn keyed_lists_fail() {
        let containers = |items: Value| json!({ "containers": items });
        let check_error =
            |object, patch, expect: &str| check_error(containers(object), containers(patch), expect);
        let a = || json!([{"name": "a"}]);
        check_error(
            a(),
            json!([{"image": "1"}]),
            "map: map[image:1] does not contain declared merge key: name",
        );
        check_error(
            a(),
            json!([{"$patch": "replace"}, {}]),
            "map: map[] does not contain declared merge key: name",
        );
        check_error(
            a(),
            json!([{"$patch": "delete"}]),
            "map: map[$patch:delete] does not contain declared merge key: name",
        );
        check_error(
            a(),
            json!([{"name": "a", "$patch": "merge"}]),
            "merging lists cannot yet be specified in the patch",
        );
        check_error(
            a(),
            json!([{"name": "a", "$patch": "x"}]),
            "unknown patch type: x in map: map[$patch:x name:a]",
        );
        check_error(a(), json!(["a"]), "list element types are not identical: [[map[name:a]] [a]]");
        check_error(a(), json!([["a"]]), "list element types are not identical: [[map[name:a]] [[a]]]");
        check_error(json!([]), json!([["a"]]), "lists of lists are not supported");
    }

    #[test]
    fn scalar_lists_merge() {
        let check = |object: Value, patch: Value, expect: Value| {
            let meta = |value: Value| json!({ "metadata": value });
            let found = apply(&workload(), &meta(json!({ "finalizers": object })), &meta(patch.clone()));
            assert_eq!(found, Ok(meta(json!({ "finalizers": expect }))), "{patch}");
        };
        check(json!(["a", "b"]), json!({"finalizers": ["b", "c"]}), json!(["a", "b", "c"]));
        check(json!(["a"]), json!({"finalizers": ["c"]}), json!(["c", "a"]));
        check(
            json!(["a", "b", "c"]),
            json!({"$deleteFromPrimitiveList/finalizers": ["b", "x"]}),
            json!(["a", "c"]),
        );
        check(
            json!(["a", "b"]),
            json!({"$setElementOrder/finalizers": ["b", "a", "c"], "finalizers": ["c"]}),
            json!(["b", "a", "c"]),
        );
        check(
            json!(["a", "b", "z"]),
            json!({"$setElementOrder/finalizers": ["b", "a"]}),
            json!(["b", "a", "z"]),
        );
    }

    #[test]
    fn element_orders() {
        let list = |names: &[&str]| Value::Array(names.iter().map(|name| json!({ "name": name })).collect());
        let check = |object: &[&str], patch: Option<&[&str]>, order: &[&str], expect: &[&str]| {
            let mut body = json!({ "$setElementOrder/containers": list(order) });
            if let Some(patch) = patch {
                body["containers"] = list(patch);
            }
            check(json!({ "containers": list(object) }), body, json!({ "containers": list(expect) }));
        };
        check(&["a", "b", "c"], None, &["c", "a", "b"], &["c", "a", "b"]);
        check(&["a", "b"], Some(&["x"]), &["a", "x", "b"], &["a", "x", "b"]);
        check(&["s", "a", "b"], Some(&["x"]), &["b", "x", "a"], &["s", "b", "x", "a"]);
        check(&[], Some(&["a", "b"]), &["a", "b"], &["a", "b"]);
        let wrong =
            json!({"$setElementOrder/containers": list(&["a", "b"]), "containers": list(&["b", "a"])});
        let error = "The order in patch list:\n[map[name:b] map[name:a]]\n doesn't match $setElementOrder list:\n[map[name:a] map[name:b]]\n";
        check_error(json!({}), wrong, error);
    }

    #[test]
    fn order_with_deletions_and_malformed_orders() {
        check(
            json!({"containers": [{"name": "a"}, {"name": "b"}]}),
            json!({"$setElementOrder/containers": [{"name": "b"}], "containers": [{"name": "a", "$patch": "delete"}]}),
            json!({"containers": [{"name": "b"}]}),
        );
        check(json!({}), json!({"$setElementOrder/containers": [{"name": "b"}]}), json!({}));
        check(
            json!({"containers": []}),
            json!({"$setElementOrder/containers": [{"name": "b"}]}),
            json!({"containers": []}),
        );
        check(
            json!({"containers": [{"name": "a"}]}),
            json!({"$setElementOrder/containers": [], "containers": null}),
            json!({}),
        );
        let malformed = "invalid patch format of setElementOrder list";
        check_error(json!({}), json!({"$setElementOrder/containers": "a"}), malformed);
        check_error(json!({}), json!({"$setElementOrder": []}), malformed);
        check_error(
            json!({}),
            json!({"$deleteFromPrimitiveList": []}),
            "invalid patch format of primitive list",
        );
        check_error(
            json!({"containers": [{"name": "a"}]}),
            json!({"$setElementOrder/containers": [{}]}),
            "map: map[] does not contain declared merge key: name",
        );
    }

    #[test]
    fn many_containers() {
        let container = |i: usize| {
            let env: Vec<Value> = (0..10).map(|j| json!({"name": format!("e{j}"), "value": "v"})).collect();
            json!({"name": format!("c{i}"), "image": "i", "env": env, "command": ["a", "b"]})
        };
        let object = json!({"spec": {"containers": (0..100).map(container).collect::<Vec<_>>()}});
        let names: Vec<Value> = (0..100).map(|i| json!({"name": format!("c{i}")})).collect();
        let changed: Vec<Value> = (0..100).map(|i| json!({"name": format!("c{i}"), "image": "j"})).collect();
        let patch = json!({"spec": {"containers": changed, "$setElementOrder/containers": names}});
        let merged = apply(&workload(), &object, &patch).unwrap();
        let containers = merged["spec"]["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 100);
        for (i, found) in containers.iter().enumerate() {
            let mut expect = container(i);
            expect["image"] = "j".into();
            assert_eq!(found, &expect);
        }
    }
}
