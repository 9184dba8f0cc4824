//! What a pod gets from its service account, as upstream's admission of that name gives it: the secrets for pulling
//! images, and a token where the API's clients look for one.

use object::Value;
use serde_json::json;

use crate::rules::{Read, Write};

/// Where clients in pods look for their credentials.
const MOUNT_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// What the name of a volume with credentials begins with.
const VOLUME: &str = "kube-api-access-";
/// Seconds that a token lives: an hour, and a mark by which upstream tells such tokens from those asked for by hand.
const TOKEN_SECONDS: i64 = 3607;
/// Access bits of the files, in decimal as JSON needs them: 0644.
const FILE_MODE: i64 = 420;

/// Completes a pod by its account; `suffix` makes the volume's name unique.
pub(crate) fn run_as(pod: &mut Value, account: &Value, suffix: &str) {
    if pod.is_empty("spec.imagePullSecrets") && !account.is_empty("imagePullSecrets") {
        pod.put("spec.imagePullSecrets", account.at("imagePullSecrets").clone());
    }
    let own = pod.at("spec.automountServiceAccountToken").as_bool();
    let wanted = own.or(account.at("automountServiceAccountToken").as_bool());
    if wanted != Some(false) {
        mount(pod, suffix);
    }
}

/// Mounts credentials into every container that mounts nothing at their place.
fn mount(pod: &mut Value, suffix: &str) {
    let names = pod.items("spec.volumes").iter().map(|volume| volume.text("name"));
    let existing = names.into_iter().find(|name| name.starts_with(VOLUME)).map(str::to_owned);
    let name = existing.clone().unwrap_or_else(|| format!("{VOLUME}{suffix}"));
    let mut mounted = false;
    for list in ["spec.initContainers", "spec.containers"] {
        for container in pod.items_mut(list) {
            mounted |= mount_in(container, &name);
        }
    }
    if mounted && existing.is_none() {
        push(pod, "spec.volumes", volume(&name));
    }
}

/// Whether the container got a mount: it had none at the credentials' place.
fn mount_in(container: &mut Value, volume: &str) -> bool {
    if container.items("volumeMounts").iter().any(|mount| mount.text("mountPath") == MOUNT_PATH) {
        return false;
    }
    push(container, "volumeMounts", json!({ "name": volume, "readOnly": true, "mountPath": MOUNT_PATH }));
    true
}

fn push(object: &mut Value, path: &str, item: Value) {
    let mut items = object.items(path).to_vec();
    items.push(item);
    object.put(path, items);
}

/// A token, the authority's certificate, and the namespace's name.
fn volume(name: &str) -> Value {
    let field = json!({ "apiVersion": "v1", "fieldPath": "metadata.namespace" });
    json!({ "name": name, "projected": {
        "defaultMode": FILE_MODE,
        "sources": [
            { "serviceAccountToken": { "expirationSeconds": TOKEN_SECONDS, "path": "token" } },
            { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
            { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": field }] } },
        ],
    } })
}
