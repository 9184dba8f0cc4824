//! Parts of an object that have a path of their own (`/status`, `/approval`, …): a write there takes a document of the
//! object itself, and of it some fields only.

use object::Value;

use crate::Verb;
use crate::rules::{Read, Write};

/// A part of an object: what a subresource takes of a document of the object itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Name in the path.
    pub name: &'static str,
    /// What may be asked of it.
    pub verbs: &'static [Verb],
    /// Dotted paths of the fields that a write takes; `*` stands for each item of a list. All else stays.
    pub paths: &'static [&'static str],
    /// Whether a write has to leave the whole object valid, as an update of it has, and not its own fields alone.
    pub whole: bool,
}

const READ_AND_WRITTEN: &[Verb] = &[Verb::Get, Verb::Patch, Verb::Update];
const LABELS: &str = "metadata.labels";
const ANNOTATIONS: &str = "metadata.annotations";

impl Part {
    /// `/status`.
    pub const STATUS: Part = Part {
        name: "status",
        verbs: READ_AND_WRITTEN,
        paths: &["status", LABELS, ANNOTATIONS],
        whole: false,
    };
    /// `/finalize` of namespaces.
    pub const FINALIZE: Part = Part {
        name: "finalize",
        verbs: &[Verb::Update],
        paths: &["spec.finalizers", LABELS, ANNOTATIONS],
        whole: false,
    };
    /// `/approval` of certificate signing requests.
    pub const APPROVAL: Part = Part {
        name: "approval",
        verbs: READ_AND_WRITTEN,
        paths: &["status.conditions", LABELS, ANNOTATIONS],
        whole: false,
    };
    /// `/ephemeralcontainers` of pods (KEP-277).
    pub const EPHEMERAL_CONTAINERS: Part = Part {
        name: "ephemeralcontainers",
        verbs: READ_AND_WRITTEN,
        paths: &["spec.ephemeralContainers"],
        whole: true,
    };
    /// `/resize` of pods (KEP-1287, KEP-5419).
    pub const RESIZE: Part = Part {
        name: "resize",
        verbs: READ_AND_WRITTEN,
        paths: &[
            "spec.resources",
            "spec.containers.*.resources",
            "spec.containers.*.resizePolicy",
            "spec.initContainers.*.resources",
            "spec.initContainers.*.resizePolicy",
        ],
        whole: true,
    };

    /// What a write of `new` makes of `old`. A list whose items have other names, or stand elsewhere, is taken as it
    /// is, for the rules to refuse.
    pub fn taken(&self, new: &Value, old: &Value) -> Value {
        let mut object = old.clone();
        for path in self.paths {
            take(&mut object, new, path);
        }
        object
    }
}

fn take(into: &mut Value, from: &Value, path: &str) {
    let Some((list, rest)) = path.split_once(".*.") else { return into.keep(path, from) };
    let names = |object: &Value| -> Vec<String> {
        object.items(list).iter().map(|item| item.text("name").to_owned()).collect()
    };
    if names(into) != names(from) {
        return into.keep(list, from);
    }
    for (item, new) in into.items_mut(list).iter_mut().zip(from.items(list)) {
        take(item, new, rest);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(part: &Part, old: Value, new: Value, expect: Value) {
        assert_eq!(part.taken(&new, &old), expect, "{}", part.name);
    }

    #[test]
    fn a_write_takes_its_own_fields() {
        let old =
            json!({"metadata": {"name": "a", "labels": {"a": "1"}}, "spec": {"x": 1}, "status": {"y": 1}});
        let new = json!({"metadata": {"name": "b", "annotations": {"b": "2"}}, "spec": {"x": 2}, "status": {"y": 2}});
        let expect = json!({"metadata": {"name": "a", "annotations": {"b": "2"}}, "spec": {"x": 1}, "status": {"y": 2}});
        check(&Part::STATUS, old.clone(), new, expect);
        let gone = json!({"metadata": {"name": "a"}, "spec": {"x": 1}});
        check(&Part::STATUS, old, json!({}), gone);
        let held = json!({"spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Terminating"}});
        check(
            &Part::FINALIZE,
            held,
            json!({"status": {}}),
            json!({"spec": {}, "status": {"phase": "Terminating"}}),
        );
    }

    #[test]
    fn a_write_takes_fields_of_the_items_of_a_list() {
        let pod = |name: &str, image: &str, resources: Value| json!({"spec": {"containers": [{"name": name, "image": image, "resources": resources}]}});
        let (less, more) = (json!({"limits": {"cpu": "1"}}), json!({"limits": {"cpu": "2"}}));
        check(
            &Part::RESIZE,
            pod("a", "x", less.clone()),
            pod("a", "y", more.clone()),
            pod("a", "x", more.clone()),
        );
        let other = pod("b", "y", more);
        check(&Part::RESIZE, pod("a", "x", less), other.clone(), other);
    }
}
