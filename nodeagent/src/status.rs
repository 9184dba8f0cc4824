//! A pod's status as the API has it: read from documents, and written back.

use object::{Time, Value};
use serde::{Deserialize, Serialize};

/// `status` of a pod: the fields that the node agent writes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// Generation of the spec that this status is about.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
    /// Phase.
    pub phase: Phase,
    /// One word on why the pod is in this phase.
    #[serde(skip_serializing_if = "is_default")]
    pub reason: String,
    /// A sentence on it.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// When the agent took the pod on.
    #[serde(skip_serializing_if = "is_default")]
    pub start_time: Option<Time>,
    /// Address of the node.
    #[serde(rename = "hostIP", skip_serializing_if = "is_default")]
    pub host_ip: String,
    /// Addresses of the node.
    #[serde(rename = "hostIPs", skip_serializing_if = "is_default")]
    pub host_ips: Vec<Ip>,
    /// Address of the pod.
    #[serde(rename = "podIP", skip_serializing_if = "is_default")]
    pub pod_ip: String,
    /// Addresses of the pod.
    #[serde(rename = "podIPs", skip_serializing_if = "is_default")]
    pub pod_ips: Vec<Ip>,
    /// `Guaranteed`, `Burstable` or `BestEffort`.
    #[serde(skip_serializing_if = "is_default")]
    pub qos_class: String,
    /// Conditions.
    #[serde(skip_serializing_if = "is_default")]
    pub conditions: Vec<Condition>,
    /// Init containers.
    #[serde(skip_serializing_if = "is_default")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Containers.
    #[serde(skip_serializing_if = "is_default")]
    pub container_statuses: Vec<ContainerStatus>,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// Not all containers have been started.
    #[default]
    Pending,
    /// Bound, and something runs or will be restarted.
    Running,
    /// All containers ended well and stay ended.
    Succeeded,
    /// All containers ended, one of them badly, and stay ended.
    Failed,
    /// The node cannot be asked.
    Unknown,
}

impl Phase {
    /// Whether the pod never runs again.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// An address in a list of addresses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ip {
    /// The address.
    pub ip: String,
}

/// A condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// Type.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True` or `False`.
    pub status: String,
    /// When `status` changed last.
    #[serde(skip_serializing_if = "is_default")]
    pub last_transition_time: Option<Time>,
    /// One word.
    #[serde(skip_serializing_if = "is_default")]
    pub reason: String,
    /// A sentence.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// Generation of the spec that the condition is about.
    #[serde(skip_serializing_if = "is_default")]
    pub observed_generation: i64,
}

/// One container's status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Name.
    pub name: String,
    /// State.
    pub state: State,
    /// How the attempt before this one ended.
    pub last_state: State,
    /// Whether it serves.
    pub ready: bool,
    /// Attempts before this one.
    pub restart_count: u32,
    /// Image as asked for.
    pub image: String,
    /// Image as found.
    #[serde(rename = "imageID")]
    pub image_id: String,
    /// Container as found.
    #[serde(rename = "containerID", skip_serializing_if = "is_default")]
    pub container_id: String,
    /// Whether it has come up.
    pub started: bool,
}

/// A container's state: one of three, or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Not running yet, or not running again yet.
    #[serde(skip_serializing_if = "is_default")]
    pub waiting: Option<Waiting>,
    /// Running.
    #[serde(skip_serializing_if = "is_default")]
    pub running: Option<Running>,
    /// Ended.
    #[serde(skip_serializing_if = "is_default")]
    pub terminated: Option<Terminated>,
}

/// Why a container does not run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// One word.
    pub reason: String,
    /// A sentence.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
}

/// Since when a container runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Since when.
    pub started_at: Option<Time>,
}

/// How a container ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// Exit code.
    pub exit_code: i32,
    /// One word.
    #[serde(skip_serializing_if = "is_default")]
    pub reason: String,
    /// A sentence.
    #[serde(skip_serializing_if = "is_default")]
    pub message: String,
    /// When it started.
    #[serde(skip_serializing_if = "is_default")]
    pub started_at: Option<Time>,
    /// When it ended.
    #[serde(skip_serializing_if = "is_default")]
    pub finished_at: Option<Time>,
    /// Container as found.
    #[serde(rename = "containerID", skip_serializing_if = "is_default")]
    pub container_id: String,
}

impl State {
    /// Waiting for a reason.
    pub fn waiting(reason: &str, message: impl Into<String>) -> Self {
        Self {
            waiting: Some(Waiting { reason: reason.to_owned(), message: message.into() }),
            ..Self::default()
        }
    }
}

impl Status {
    /// The condition of this type.
    pub fn condition(&self, kind: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.kind == kind)
    }

    /// The status of a container or init container.
    pub fn container(&self, name: &str) -> Option<&ContainerStatus> {
        self.container_statuses.iter().chain(&self.init_container_statuses).find(|c| c.name == name)
    }

    /// The strategic merge patch of `status` that makes `self` of `old`; none where they agree. Conditions of
    /// other writers stay.
    pub fn patch_from(&self, old: &Self) -> Option<Value> {
        let kept: Vec<_> =
            old.conditions.iter().filter(|c| self.condition(&c.kind).is_some()).cloned().collect();
        let old = Self { conditions: kept, ..old.clone() };
        if same_but_for_order(self, &old) {
            return None;
        }
        let (mut new, was) = (to_map(self), to_map(&old));
        forget_in_conditions(&mut new, &was);
        for (name, _) in was {
            new.entry(name).or_insert(Value::Null);
        }
        replace_list(&mut new, "podIPs", self.pod_ips != old.pod_ips && !old.pod_ips.is_empty());
        replace_list(&mut new, "hostIPs", self.host_ips != old.host_ips && !old.host_ips.is_empty());
        Some(Value::Object(new))
    }
}

/// Strategic merge joins conditions of one type field by field: what a condition no longer says is nulled.
fn forget_in_conditions(new: &mut object::Map, was: &object::Map) {
    let Some(Value::Array(conditions)) = new.get_mut("conditions") else { return };
    let before = was.get("conditions").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for condition in conditions.iter_mut().filter_map(Value::as_object_mut) {
        let old = before.iter().find(|old| old.get("type") == condition.get("type"));
        for name in old.and_then(Value::as_object).into_iter().flat_map(object::Map::keys) {
            condition.entry(name.clone()).or_insert(Value::Null);
        }
    }
}

/// Strategic merge keeps list items by key; where the old ones must go, the patch says so.
fn replace_list(status: &mut object::Map, name: &str, replace: bool) {
    if let Some(Value::Array(items)) = status.get_mut(name).filter(|_| replace) {
        items.insert(0, serde_json::json!({"$patch": "replace"}));
    }
}

fn same_but_for_order(new: &Status, old: &Status) -> bool {
    let conditions = new.conditions.iter().all(|c| old.condition(&c.kind) == Some(c));
    let without = |status: &Status| Status { conditions: Vec::new(), ..status.clone() };
    conditions && without(new) == without(old)
}

fn to_map(status: &Status) -> object::Map {
    match serde_json::to_value(status) {
        Ok(Value::Object(map)) => map,
        _ => object::Map::new(),
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use object::{PatchType, apply_patch};
    use serde_json::json;

    use super::*;

    /// What a merge makes of `old` by the patch to `new` needs no further patch.
    fn check(what: &str, old: Value, new: Value) {
        let schema = kinds::schema("io.k8s.api.core.v1.Pod");
        let (was, wanted): (Status, Status) =
            (serde_json::from_value(old.clone()).unwrap(), serde_json::from_value(new).unwrap());
        let patch = json!({"status": wanted.patch_from(&was).expect(what)});
        let merged = apply_patch(PatchType::Strategic, &schema, &json!({"status": old}), &patch).unwrap();
        let merged: Status = serde_json::from_value(merged["status"].clone()).unwrap();
        assert_eq!(wanted.patch_from(&merged), None, "{what}: {patch}");
    }

    #[test]
    fn one_patch_is_enough() {
        let since = "2026-01-01T00:00:00Z";
        let waiting = json!({"phase": "Pending", "conditions": [
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "a", "lastTransitionTime": since},
            {"type": "Other", "status": "True", "lastTransitionTime": since},
        ]});
        let ready = json!({"phase": "Running", "podIP": "10.0.0.1", "podIPs": [{"ip": "10.0.0.1"}], "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": since},
        ]});
        check("a reason goes", waiting.clone(), ready.clone());
        check("a reason comes, an address goes", ready.clone(), waiting);
        let moved = json!({"phase": "Running", "podIP": "10.0.0.2", "podIPs": [{"ip": "10.0.0.2"}]});
        check("an address changes", ready, moved);
    }
}
