//! Rules on `metadata`, the same for all kinds, with upstream's messages (apimachinery, `pkg/api/validation`).

use std::collections::HashSet;

use crate::names::{dns1123_label, label_value, qualified_name};
use crate::validate::MAX_ERRORS;
use crate::{FieldError, FieldErrors, Map, Path, Value};

/// Bytes of all annotations of an object together, keys and values.
const MAX_ANNOTATIONS: usize = 256 << 10;

/// Checks `metadata` of an object that is created or updated, once a name has been generated. `name_check` is the
/// kind's rule for names; `path` is where `metadata` stands.
pub fn validate_object_meta(
    meta: &Value,
    namespaced: bool,
    name_check: fn(&str) -> Vec<String>,
    path: &Path,
) -> FieldErrors {
    let mut errors = names(meta, name_check, path);
    errors.extend(namespace(meta, namespaced, path));
    if meta.get("generation").and_then(Value::as_i64).is_some_and(|generation| generation < 0) {
        errors.push(invalid(meta, "generation", path, "must be greater than or equal to 0"));
    }
    errors.extend(validate_labels(entries(meta, "labels"), &path.child("labels")));
    errors.extend(validate_annotations(entries(meta, "annotations"), &path.child("annotations")));
    errors.extend(owners(items(meta, "ownerReferences"), &path.child("ownerReferences")));
    errors.extend(finalizers(items(meta, "finalizers"), &path.child("finalizers")));
    errors
}

/// Checks how `metadata` changes; [`validate_object_meta`] runs as well. Whether a resource version must be given is
/// the caller's matter.
pub fn validate_object_meta_update(new: &Value, old: &Value, path: &Path) -> FieldErrors {
    const FIXED: [&str; 6] =
        ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"];
    let mut errors = FieldErrors::new();
    if !value(old, "deletionTimestamp").is_null() {
        errors.extend(new_finalizers(new, old, &path.child("finalizers")));
    }
    let generation = |meta: &Value| meta.get("generation").and_then(Value::as_i64).unwrap_or(0);
    if generation(new) < generation(old) {
        errors.push(invalid(new, "generation", path, "must not be decremented"));
    }
    let changed = FIXED.iter().filter(|name| !same(value(new, name), value(old, name)));
    errors.extend(changed.map(|name| invalid(new, name, path, "field is immutable")));
    errors
}

/// Checks the names of finalizers beyond [`validate_object_meta`], as upstream does of all its own kinds, but not of
/// custom resources: what is not one of Kubernetes' has a domain.
pub fn validate_finalizer_names(meta: &Value, path: &Path) -> FieldErrors {
    const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    let names = items(meta, "finalizers").iter().map(|name| name.as_str().unwrap_or_default());
    let wrong = names.enumerate().filter(|(_, name)| !name.contains('/') && !STANDARD.contains(name));
    let detail = "name is neither a standard finalizer name nor is it fully qualified";
    let error = |(index, name)| FieldError::invalid(&path.child("finalizers").index(index), name, detail);
    wrong.take(MAX_ERRORS).map(error).collect()
}

/// Checks annotations: keys are qualified names in any case, and all together are not too long.
pub fn validate_annotations<'a>(
    annotations: impl Iterator<Item = (&'a String, &'a Value)>,
    path: &Path,
) -> FieldErrors {
    let (mut errors, mut bytes) = (FieldErrors::new(), 0);
    for (key, value) in annotations {
        if errors.len() < MAX_ERRORS {
            errors.extend(invalids(path, key, qualified_name(&key.to_lowercase())));
        }
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MAX_ANNOTATIONS {
        errors.push(FieldError::too_long(path, MAX_ANNOTATIONS));
    }
    errors
}

/// Checks labels: keys are qualified names, values are label values.
pub fn validate_labels<'a>(
    labels: impl Iterator<Item = (&'a String, &'a Value)>,
    path: &Path,
) -> FieldErrors {
    let mut errors = FieldErrors::new();
    for (key, value) in labels {
        if errors.len() >= MAX_ERRORS {
            break;
        }
        errors.extend(invalids(path, key, qualified_name(key)));
        let value = value.as_str().unwrap_or_default();
        errors.extend(invalids(path, value, label_value(value)));
    }
    errors
}

fn names(meta: &Value, name_check: fn(&str) -> Vec<String>, path: &Path) -> FieldErrors {
    let (name, prefix) = (text(meta, "name"), text(meta, "generateName"));
    let mut errors = FieldErrors::new();
    if !prefix.is_empty() {
        errors.extend(invalids(&path.child("generateName"), prefix, name_check(&as_name(prefix))));
    }
    if name.is_empty() {
        errors.push(FieldError::required(&path.child("name"), "name or generateName is required"));
    } else {
        errors.extend(invalids(&path.child("name"), name, name_check(name)));
    }
    errors
}

/// A prefix may end in a dash, as more follows.
fn as_name(prefix: &str) -> String {
    match prefix.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{rest}a"),
        _ => prefix.to_owned(),
    }
}

fn namespace(meta: &Value, namespaced: bool, path: &Path) -> FieldErrors {
    let (namespace, path) = (text(meta, "namespace"), path.child("namespace"));
    match (namespaced, namespace.is_empty()) {
        (true, true) => vec![FieldError::required(&path, "")],
        (true, false) => invalids(&path, namespace, dns1123_label(namespace)).collect(),
        (false, true) => FieldErrors::new(),
        (false, false) => vec![FieldError::forbidden(&path, "not allowed on this type")],
    }
}

fn owners(owners: &[Value], path: &Path) -> FieldErrors {
    let (mut errors, mut controller, mut told) = (FieldErrors::new(), None, false);
    for owner in owners {
        if errors.len() < MAX_ERRORS {
            errors.extend(one_owner(owner, path));
        }
        if value(owner, "controller") != true {
            continue;
        }
        let this = format!("{}/{}", text(owner, "kind"), text(owner, "name"));
        match &controller {
            None => controller = Some(this),
            // the error shows all owners: once is enough
            Some(_) if told => {}
            Some(first) => {
                told = true;
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {this}"
                );
                errors.push(FieldError::invalid(path, owners.to_vec(), detail));
            }
        }
    }
    errors
}

fn one_owner(owner: &Value, path: &Path) -> FieldErrors {
    let (api_version, kind) = (text(owner, "apiVersion"), text(owner, "kind"));
    let version = api_version.split_once('/').map_or(api_version, |(_, version)| version);
    let mut errors = FieldErrors::new();
    if version.is_empty() {
        errors.push(FieldError::invalid(&path.child("apiVersion"), api_version, "version must not be empty"));
    }
    for name in ["kind", "name", "uid"] {
        if text(owner, name).is_empty() {
            errors.push(FieldError::invalid(&path.child(name), "", "must not be empty"));
        }
    }
    if (api_version, kind) == ("v1", "Event") {
        let detail = "/v1, Kind=Event is disallowed from being an owner";
        errors.push(FieldError::invalid(path, owner.clone(), detail));
    }
    errors
}

fn finalizers(finalizers: &[Value], path: &Path) -> FieldErrors {
    let names = || finalizers.iter().filter_map(Value::as_str);
    let wrong = names().flat_map(|name| invalids(path, name, qualified_name(name)));
    let mut errors: FieldErrors = wrong.take(MAX_ERRORS).collect();
    if ["orphan", "foregroundDeletion"].iter().all(|wanted| names().any(|name| name == *wanted)) {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        errors.push(FieldError::invalid(path, finalizers.to_vec(), detail));
    }
    errors
}

fn new_finalizers(new: &Value, old: &Value, path: &Path) -> FieldErrors {
    let old: HashSet<&str> = items(old, "finalizers").iter().filter_map(Value::as_str).collect();
    let new = items(new, "finalizers").iter().filter_map(Value::as_str);
    let mut added: Vec<&str> = new.filter(|name| !old.contains(name)).collect();
    if added.is_empty() {
        return FieldErrors::new();
    }
    added.sort_unstable();
    added.dedup();
    let listed: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        listed.join(", ")
    );
    vec![FieldError::forbidden(path, detail)]
}

/// Equal, where an absent text and an empty one are the same.
fn same(a: &Value, b: &Value) -> bool {
    let unset = |value: &Value| value.is_null() || value == "";
    a == b || (unset(a) && unset(b))
}

fn invalid(meta: &Value, name: &str, path: &Path, detail: &str) -> FieldError {
    FieldError::invalid(&path.child(name), value(meta, name).clone(), detail)
}

fn invalids(path: &Path, value: &str, messages: Vec<String>) -> impl Iterator<Item = FieldError> {
    messages.into_iter().map(move |message| FieldError::invalid(path, value, message))
}

fn value<'a>(object: &'a Value, name: &str) -> &'a Value {
    object.get(name).unwrap_or(&Value::Null)
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    value(object, name).as_str().unwrap_or_default()
}

fn items<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    value(object, name).as_array().map_or(&[], Vec::as_slice)
}

fn entries<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value(object, name).as_object().into_iter().flat_map(Map::iter)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::names::dns1123_subdomain;

    fn check_all(errors: FieldErrors, expect: &[&str]) {
        let found: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), expect.len(), "{found:?}");
        for (found, expect) in found.iter().zip(expect) {
            assert!(found.starts_with(expect), "{found}\n{expect}");
        }
    }

    fn check(meta: Value, namespaced: bool, expect: &[&str]) {
        check_all(validate_object_meta(&meta, namespaced, dns1123_subdomain, &Path::new("metadata")), expect);
    }

    /// Metadata of a cluster-scoped object with one more field.
    fn with(name: &str, value: Value) -> Value {
        json!({"name": "a", name: value})
    }

    #[test]
    fn names_and_namespaces() {
        check(json!({"name": "a"}), false, &[]);
        check(json!({"name": "a", "namespace": "b", "generateName": "a-"}), true, &[]);
        check(json!({}), false, &["metadata.name: Required value: name or generateName is required"]);
        check(
            json!({"name": "A"}),
            false,
            &["metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain"],
        );
        check(
            with("generateName", json!("A-")),
            false,
            &["metadata.generateName: Invalid value: \"A-\": a lower"],
        );
        check(json!({"name": "a"}), true, &["metadata.namespace: Required value"]);
        check(
            with("namespace", json!("b.c")),
            true,
            &["metadata.namespace: Invalid value: \"b.c\": must not contain"],
        );
        check(
            with("namespace", json!("b")),
            false,
            &["metadata.namespace: Forbidden: not allowed on this type"],
        );
    }

    #[test]
    fn maps() {
        let check = |name, value: Value, expect: &[&str]| check(with(name, value), false, expect);
        check("labels", json!({"a/b": "c"}), &[]);
        check(
            "labels",
            json!({"a b": "c d"}),
            &[
                "metadata.labels: Invalid value: \"a b\": name part must consist of",
                "metadata.labels: Invalid value: \"c d\": a valid label must be",
            ],
        );
        check("annotations", json!({"A/b": "any thing"}), &[]);
        check(
            "annotations",
            json!({"a b": ""}),
            &["metadata.annotations: Invalid value: \"a b\": name part must"],
        );
        let large = "x".repeat(MAX_ANNOTATIONS);
        check(
            "annotations",
            json!({ "a": large }),
            &["metadata.annotations: Too long: may not be more than 262144 bytes"],
        );
        check(
            "generation",
            json!(-1),
            &["metadata.generation: Invalid value: -1: must be greater than or equal to 0"],
        );
    }

    #[test]
    fn lists() {
        let check = |name, value: Value, expect: &[&str]| check(with(name, value), false, expect);
        let owner = |name: &str, controller| json!({"apiVersion": "apps/v1", "kind": "K", "name": name, "uid": "u", "controller": controller});
        check("ownerReferences", json!([owner("a", true), owner("b", false)]), &[]);
        check(
            "ownerReferences",
            json!([owner("a", true), owner("b", true)]),
            &["metadata.ownerReferences: Invalid value: ["],
        );
        check(
            "ownerReferences",
            json!([{}]),
            &[
                "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty",
                "metadata.ownerReferences.kind: Invalid value: \"\": must not be empty",
                "metadata.ownerReferences.name: Invalid value: \"\": must not be empty",
                "metadata.ownerReferences.uid: Invalid value: \"\": must not be empty",
            ],
        );
        check(
            "ownerReferences",
            json!([{"apiVersion": "v1", "kind": "Event", "name": "a", "uid": "u"}]),
            &["metadata.ownerReferences: Invalid value: {"],
        );
        check("finalizers", json!(["orphan", "a.b/c", "x"]), &[]);
        check("finalizers", json!(["a b"]), &["metadata.finalizers: Invalid value: \"a b\": name part must"]);
        check(
            "finalizers",
            json!(["orphan", "foregroundDeletion"]),
            &["metadata.finalizers: Invalid value: ["],
        );
    }

    #[test]
    fn finalizers_have_domains_or_are_known() {
        let check = |names: Value, expect: &[&str]| {
            let meta = with("finalizers", names);
            check_all(validate_finalizer_names(&meta, &Path::new("metadata")), expect);
        };
        check(json!(["kubernetes", "orphan", "foregroundDeletion", "a.b/c"]), &[]);
        let text = "name is neither a standard finalizer name nor is it fully qualified";
        check(
            json!(["a/b", "x", ""]),
            &[
                &format!("metadata.finalizers[1]: Invalid value: \"x\": {text}"),
                &format!("metadata.finalizers[2]: Invalid value: \"\": {text}"),
            ],
        );
    }

    #[test]
    fn updates() {
        let check = |new: Value, old: Value, expect: &[&str]| {
            check_all(validate_object_meta_update(&new, &old, &Path::new("metadata")), expect);
        };
        let old = json!({"name": "a", "uid": "u", "generation": 2, "finalizers": ["x"]});
        check(old.clone(), old.clone(), &[]);
        check(
            json!({"name": "b", "generation": 1}),
            old.clone(),
            &[
                "metadata.generation: Invalid value: 1: must not be decremented",
                "metadata.name: Invalid value: \"b\": field is immutable",
                "metadata.uid: Invalid value: null: field is immutable",
            ],
        );
        let mut going = old;
        going["deletionTimestamp"] = json!("2024-01-01T00:00:00Z");
        let mut new = going.clone();
        new["finalizers"] = json!(["x", "z", "y"]);
        let text = "no new finalizers can be added if the object is being deleted, found new finalizers []string{\"y\", \"z\"}";
        check(new.clone(), going.clone(), &[&format!("metadata.finalizers: Forbidden: {text}")]);
        new["finalizers"] = json!([]);
        check(new, going, &[]);
    }
}
