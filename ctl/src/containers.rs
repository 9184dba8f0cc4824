//! Which containers of a pod are meant.

use object::Value;

use crate::Error;
use crate::resource::{items, text};

/// Names the container that logs and commands are about, unless the command line does.
const DEFAULT: &str = "kubectl.kubernetes.io/default-container";
/// Lists of containers as kubectl tells them, with what it puts behind their names.
const TOLD: [(&str, &str); 3] =
    [("containers", ""), ("ephemeralContainers", " (ephem)"), ("initContainers", " (init)")];

/// A container, and what is to be said about its choice.
#[derive(Debug, PartialEq)]
pub(crate) struct Chosen {
    pub(crate) name: String,
    /// For standard error.
    pub(crate) notice: Option<String>,
}

/// Whether a pod has such a container, of any sort.
pub(crate) fn has(pod: &Value, name: &str) -> bool {
    TOLD.iter().any(|(list, _)| names(pod, list).any(|found| found == name))
}

/// The container that a pod's annotation names, or its first one. An annotation that names none is passed over.
pub(crate) fn default_of(pod: &Value) -> Result<Chosen, Error> {
    let stated = text(&pod["metadata"]["annotations"][DEFAULT]);
    if !stated.is_empty() && has(pod, stated) {
        return Ok(Chosen { name: stated.to_owned(), notice: None });
    }
    let Some(first) = names(pod, "containers").next() else {
        let meta = &pod["metadata"];
        let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
        return Err(Error::msg(format!("pod {namespace}/{name} does not have any containers")));
    };
    let all: Vec<String> = TOLD
        .iter()
        .flat_map(|(list, suffix)| names(pod, list).map(move |name| format!("{name}{suffix}")))
        .collect();
    let notice = (all.len() > 1).then(|| format!("Defaulted container {first:?} out of: {}", all.join(", ")));
    Ok(Chosen { name: first.to_owned(), notice })
}

/// All containers in the order in which they start.
pub(crate) fn all(pod: &Value) -> Vec<String> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    lists.iter().flat_map(|list| names(pod, list)).map(str::to_owned).collect()
}

fn names<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p str> {
    items(&pod["spec"][list]).iter().map(|container| text(&container["name"]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn defaults_are_told() {
        let check = |annotation: Value, init: &[&str], regular: &[&str], name: &str, notice: Option<&str>| {
            let list = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>();
            let pod = json!({
                "metadata": {"annotations": {DEFAULT: annotation}},
                "spec": {"initContainers": list(init), "containers": list(regular)},
            });
            let expect = Chosen { name: name.into(), notice: notice.map(str::to_owned) };
            assert_eq!(default_of(&pod).unwrap(), expect);
        };
        let none = Value::Null;
        check(none.clone(), &[], &["a"], "a", None);
        check(none.clone(), &[], &["a", "b"], "a", Some("Defaulted container \"a\" out of: a, b"));
        check(none, &["i"], &["a"], "a", Some("Defaulted container \"a\" out of: a, i (init)"));
        check(json!("b"), &[], &["a", "b"], "b", None);
        check(json!("x"), &[], &["a"], "a", None);
    }
}
