//! Rules of pods.

mod affinity;
mod annotations;
mod ephemeral;
mod qos;
mod resize;
mod status;
mod update;

use object::{FieldError, FieldErrors, Time, Value};
use serde_json::json;

use super::pod_spec;
use crate::rules::{At, Errors, Read, Write};
use crate::{Part, Strategy, warnings};

const GRACE: &str = "terminationGracePeriodSeconds";

/// Strategy of pods.
pub(crate) struct Pod;

impl Strategy for Pod {
    fn default(&self, pod: &mut Value) {
        let Some(spec) = pod.at_mut("spec") else { return };
        pod_spec::spec_defaults(spec);
        spec.put_new("enableServiceLinks", true);
        if spec.int(GRACE).is_some_and(|seconds| seconds < 0) {
            spec.put(GRACE, 1);
        }
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
        let class = qos::class(pod);
        pod.put("status", json!({ "phase": "Pending", "qosClass": class }));
    }

    fn validate(&self, pod: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(pod), Errors::new());
        let spec = root.field("spec");
        pod_spec::check_annotations(&root.field("metadata.annotations"), &spec, &mut errors);
        pod_spec::check_spec(&spec, &mut errors);
        pod_spec::check_volumes_of_pod(&root, &mut errors);
        pod_spec::check_terms_of_pod(&root, &mut errors);
        pod_spec::check_images(&spec, &mut errors);
        errors.done()
    }

    fn validate_create(&self, pod: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(pod).field("spec"), Errors::new());
        errors.forbid(&spec, "ephemeralContainers", "cannot be set on create");
        if !spec.is_empty("nodeName") && !spec.is_empty("schedulingGates") {
            let detail = "cannot be set until all schedulingGates have been cleared";
            errors.push(FieldError::forbidden(&spec.path("nodeName"), detail));
        }
        pod_spec::check_new_containers(&spec, &mut errors);
        pod_spec::check_profiles_match(&At::root(pod).field("metadata.annotations"), &spec, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        update::check(new, old)
    }

    fn prepare_part(&self, part: &Part, new: &mut Value, old: &Value, _now: Time) {
        if *part == Part::STATUS {
            status::prepare(new, old);
        }
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        status::check(new, old)
    }

    fn validate_part(&self, part: &Part, new: &Value, old: &Value) -> FieldErrors {
        match *part {
            Part::EPHEMERAL_CONTAINERS => ephemeral::check(new, old),
            Part::RESIZE => resize::check(new, old),
            _ => FieldErrors::new(),
        }
    }

    /// Updates are many, and hardly by people.
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        if old.is_some() { Vec::new() } else { warnings::of_pod(new) }
    }

    fn status_warnings(&self, new: &Value) -> Vec<String> {
        warnings::pod_addresses(new)
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
