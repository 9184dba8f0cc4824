//! Defaults of a pod spec that depend on other fields.

use object::Value;
use serde_json::json;

use super::{CONTAINER_LISTS, Read, Write};

/// Whether a volume says nothing but its name.
fn is_sourceless(volume: &Value) -> bool {
    volume.entries("").all(|(field, value)| field == "name" || value.is_null())
}

/// Defaults of the spec of a pod, or of a template of one.
pub(crate) fn spec_defaults(spec: &mut Value) {
    mirror_service_account(spec);
    for volume in spec.items_mut("volumes") {
        if is_sourceless(volume) {
            volume.put("emptyDir", json!({}));
        }
        if let Some(image) = volume.at_mut("image").filter(|image| image.is_object()) {
            default_pull_policy(image, "pullPolicy", "reference");
        }
    }
    for list in CONTAINER_LISTS {
        spec.items_mut(list).iter_mut().for_each(container_defaults);
    }
}

/// `serviceAccount` is an older name of `serviceAccountName`; both are served.
fn mirror_service_account(spec: &mut Value) {
    if spec.is_empty("serviceAccountName") && !spec.is_empty("serviceAccount") {
        spec.put("serviceAccountName", spec.text("serviceAccount").to_owned());
    }
    if !spec.is_empty("serviceAccountName") {
        spec.put("serviceAccount", spec.text("serviceAccountName").to_owned());
    }
}

fn container_defaults(container: &mut Value) {
    container.put_new("resources", json!({}));
    default_pull_policy(container, "imagePullPolicy", "image");
}

/// What is called the newest may be another one by now.
fn default_pull_policy(of: &mut Value, policy: &str, image: &str) {
    if of.is_empty(policy) {
        let default = if is_latest(of.text(image)) { "Always" } else { "IfNotPresent" };
        of.put(policy, default);
    }
}

/// Whether an image reference means the newest image: tag `latest`, or neither tag nor digest.
fn is_latest(image: &str) -> bool {
    let name = image.rsplit('/').next().unwrap_or_default();
    match name.split_once(':') {
        _ if name.contains('@') => false,
        Some((_, tag)) => tag == "latest",
        None => true,
    }
}

/// What a container may use at most is what it asks for, where it does not say what it asks for.
pub(crate) fn requests_from_limits(spec: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in spec.items_mut(list) {
            let limits = container.at("resources.limits").as_object().cloned().unwrap_or_default();
            let mut requests = container.at("resources.requests").as_object().cloned().unwrap_or_default();
            for (resource, limit) in limits {
                requests.entry(resource).or_insert(limit);
            }
            if !requests.is_empty() {
                container.put("resources.requests", requests);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_latest;

    #[test]
    fn an_image_without_tag_is_the_latest() {
        let check = |image, expect| assert_eq!(is_latest(image), expect, "{image}");
        check("nginx", true);
        check("nginx:latest", true);
        check("nginx:1.27", false);
        check("localhost:5000/nginx", true);
        check("localhost:5000/nginx:1", false);
        check("nginx@sha256:0123", false);
        check("nginx:latest@sha256:0123", false);
    }
}
