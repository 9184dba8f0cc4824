//! The container that is meant.

use object::{Status, Value};

/// Lists of containers in a pod's spec, with what messages call them.
const LISTS: [(&str, &str); 3] =
    [("containers", ""), ("initContainers", "init"), ("ephemeralContainers", "ephemeral")];

/// The name of the container that the client means; naming none means the only one.
pub(super) fn choose(wanted: &str, pod: &Value) -> Result<String, Status> {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    if !wanted.is_empty() {
        let has = LISTS.iter().any(|(list, _)| names(pod, list).any(|name| name == wanted));
        let invalid = || Status::bad_request(format!("container {wanted} is not valid for pod {name}"));
        return if has { Ok(wanted.to_owned()) } else { Err(invalid()) };
    }
    let mut regular = names(pod, "containers");
    match (regular.next(), regular.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (None, _) => Err(Status::bad_request(format!("a container name must be specified for pod {name}"))),
        _ => Err(Status::bad_request(ambiguous(name, pod))),
    }
}

fn names<'p>(pod: &'p Value, list: &str) -> impl Iterator<Item = &'p str> {
    let containers = pod["spec"][list].as_array().map_or(&[][..], Vec::as_slice);
    containers.iter().filter_map(|container| container["name"].as_str())
}

fn ambiguous(name: &str, pod: &Value) -> String {
    let mut text = format!("a container name must be specified for pod {name}, choose one of:");
    for (list, called) in LISTS {
        let names: Vec<&str> = names(pod, list).collect();
        if names.is_empty() {
            continue;
        }
        if !called.is_empty() {
            text.push_str(&format!(" or one of the {called} containers:"));
        }
        text.push_str(&format!(" [{}]", names.join(" ")));
    }
    text
}
