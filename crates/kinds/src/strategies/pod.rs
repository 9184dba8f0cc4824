//! Rules of pods.

mod account;
mod qos;
mod update;

use object::{FieldErrors, Value};
use serde_json::json;

use super::pod_spec;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write};

/// Seconds that a pod stays on a node that has become unusable, where it does not say itself.
const UNUSABLE_NODE_SECONDS: i64 = 300;

/// Strategy of pods.
pub(crate) struct Pod;

impl Strategy for Pod {
    fn default(&self, pod: &mut Value) {
        let Some(spec) = pod.at_mut("spec") else { return };
        pod_spec::spec_defaults(spec);
        spec.put_new("enableServiceLinks", true);
        pod_spec::requests_from_limits(spec);
        if spec.flag("hostNetwork") {
            host_ports(spec);
        }
    }

    fn prepare_create(&self, pod: &mut Value) {
        if !pod.has("spec") {
            return;
        }
        pod.put_new("spec.serviceAccountName", "default");
        pod.put("spec.serviceAccount", pod.text("spec.serviceAccountName").to_owned());
        pod.put_new("spec.priority", 0);
        pod.put_new("spec.preemptionPolicy", "PreemptLowerPriority");
        for taint in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            tolerate(pod, taint);
        }
        let class = qos::class(pod);
        pod.put("status", json!({ "phase": "Pending", "qosClass": class }));
    }

    fn service_account<'v>(&self, pod: &'v Value) -> Option<&'v str> {
        Some(pod.text("spec.serviceAccountName")).filter(|name| !name.is_empty())
    }

    fn run_as(&self, pod: &mut Value, account: &Value, suffix: &str) {
        account::run_as(pod, account, suffix);
    }

    fn validate(&self, pod: &Value) -> FieldErrors {
        let mut errors = Errors::new();
        pod_spec::check_spec(&At::root(pod).field("spec"), &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        update::check(new, old)
    }

    /// A pod that no node has, or that has finished, goes at once.
    fn grace(&self, pod: &Value, asked: Option<i64>) -> Option<i64> {
        let finished = matches!(pod.text("status.phase"), "Succeeded" | "Failed");
        if pod.is_empty("spec.nodeName") || finished {
            return Some(0);
        }
        let seconds = asked.or(pod.int("spec.terminationGracePeriodSeconds")).unwrap_or_default();
        Some(if seconds < 0 { 1 } else { seconds })
    }
}

/// In the node's network a container's port is the node's.
fn host_ports(spec: &mut Value) {
    for list in ["initContainers", "containers"] {
        for container in spec.items_mut(list) {
            for port in container.items_mut("ports") {
                let own = port.at("containerPort").clone();
                port.put_new("hostPort", own);
            }
        }
    }
}

/// Lets the pod stay on its node for a while after the node got this taint, unless it has an opinion on that.
fn tolerate(pod: &mut Value, taint: &str) {
    let covers = |t: &Value| {
        (t.is_empty("key") || t.text("key") == taint)
            && (t.is_empty("effect") || t.text("effect") == "NoExecute")
    };
    let mut tolerations = pod.items("spec.tolerations").to_vec();
    if tolerations.iter().any(covers) {
        return;
    }
    tolerations.push(json!({
        "key": taint,
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": UNUSABLE_NODE_SECONDS,
    }));
    pod.put("spec.tolerations", tolerations);
}
