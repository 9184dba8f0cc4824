//! What the scheduler writes: bindings, the `PodScheduled` condition, Events.

use std::sync::Arc;

use client::Client;
use client::events::{ObjectRef, Recorder, Severity};
use kinds::{Kind, Kinds};
use object::{PatchType, Time, format_time};
use serde_json::json;

use crate::driver::{Bound, GATED, Job};
use crate::measures;
use crate::pod::{PodView, Told};
use crate::run::MissingKind;

/// Carries out jobs.
pub(crate) struct Writer {
    client: Client,
    pods: Arc<Kind>,
    events: Recorder,
}

impl Writer {
    pub(crate) fn new(client: Client, kinds: &Kinds, scheduler: &str) -> Result<Self, MissingKind> {
        let kind = |plural| kinds.resource("", plural).cloned().ok_or(MissingKind(plural));
        let events = Recorder::new(client.clone(), kind("events")?, scheduler);
        Ok(Self { client, pods: kind("pods")?, events })
    }

    /// Carries out a job; returns how a binding ended.
    pub(crate) async fn perform(&self, job: Job) -> Option<(Arc<PodView>, Bound)> {
        match job {
            Job::Bind { pod, node } => {
                let begun = tokio::time::Instant::now();
                let outcome = self.bind(&pod, node).await;
                measures::BINDING.observe(begun.elapsed().as_secs_f64());
                measures::attempt(if matches!(outcome, Bound::Done { .. }) { "scheduled" } else { "error" });
                return Some((pod, outcome));
            }
            Job::Announce { pod, node } => {
                let message = format!("Successfully assigned {} to {node}", pod.key);
                self.event(&pod, Severity::Normal, "Scheduled", &message).await;
            }
            Job::Tell { pod, told } => {
                measures::attempt("unschedulable");
                self.tell(&pod, &told).await;
            }
        }
        None
    }

    async fn bind(&self, pod: &PodView, node: String) -> Bound {
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": {"name": pod.key.name, "namespace": pod.key.namespace, "uid": &*pod.uid},
            "target": {"apiVersion": "v1", "kind": "Node", "name": node},
        });
        match self.client.create_subresource(&self.pods, &pod.key, "binding", &binding).await {
            Ok(_) => Bound::Done { node },
            Err(error) if error.is_conflict() || error.is_not_found() => {
                tracing::debug!(pod = %pod.key, node, %error, "not bound");
                Bound::Conflict
            }
            Err(error) => {
                tracing::warn!(pod = %pod.key, node, %error, "binding failed");
                Bound::Failed
            }
        }
    }

    async fn tell(&self, pod: &PodView, told: &Told) {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "reason": told.reason, "message": told.message,
            "lastTransitionTime": format_time(Time::now()),
        });
        let patch = json!({"metadata": {"uid": &*pod.uid}, "status": {"conditions": [condition]}});
        let patched =
            self.client.patch(&self.pods, &pod.key, Some("status"), PatchType::Strategic, &patch).await;
        match patched {
            Err(error) if !error.is_not_found() && !error.is_conflict() => {
                tracing::warn!(pod = %pod.key, %error, "condition not written");
            }
            _ => {}
        }
        if told.reason != GATED {
            self.event(pod, Severity::Warning, "FailedScheduling", &told.message).await;
        }
    }

    async fn event(&self, pod: &PodView, severity: Severity, reason: &str, message: &str) {
        let about = ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: pod.key.namespace.clone(),
            name: pod.key.name.clone(),
            uid: pod.uid.to_string(),
            ..ObjectRef::default()
        };
        self.events.record(Time::now(), &about, severity, reason, message).await;
    }
}
