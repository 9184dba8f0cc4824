//! What users are told by Events about the pods of this node, in upstream's words.

use client::events::{ObjectRef, Recorder, Severity};
use object::Time;
use tokio::sync::mpsc;

use crate::plan::Effect;
use crate::pod::Pod;
use crate::runtime::RuntimeError;
use crate::status::{ContainerStatus, Status};

/// An Event to come.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// The container it is about, if any.
    pub(crate) container: Option<String>,
    /// How serious.
    pub(crate) severity: Severity,
    /// One word.
    pub(crate) reason: &'static str,
    /// A sentence.
    pub(crate) message: String,
}

impl Note {
    /// A note about a container.
    pub(crate) fn of(container: &str, severity: Severity, reason: &'static str, message: String) -> Self {
        Self { container: Some(container.to_owned()), severity, reason, message }
    }

    /// What the Event refers to.
    pub(crate) fn about(&self, pod: &Pod) -> ObjectRef {
        ObjectRef {
            api_version: "v1".to_owned(),
            kind: "Pod".to_owned(),
            namespace: pod.key.namespace.clone(),
            name: pod.key.name.clone(),
            uid: pod.uid.to_string(),
            resource_version: String::new(),
            field_path: self.container.as_deref().map(|name| field_path(pod, name)).unwrap_or_default(),
        }
    }
}

fn field_path(pod: &Pod, container: &str) -> String {
    let init = pod.spec.init.iter().any(|c| c.name == container);
    format!("spec.{}{{{container}}}", if init { "initContainers" } else { "containers" })
}

/// A note on its way to users, and what it is about.
pub(crate) type Telling = (ObjectRef, Note);

/// Tells users what comes, for ever.
pub(crate) async fn record(recorder: Recorder, mut notes: mpsc::Receiver<Telling>) {
    while let Some((about, note)) = notes.recv().await {
        recorder.record(Time::now(), &about, note.severity, note.reason, &note.message).await;
    }
}

/// What is told of an effect, once it was performed or failed.
pub(crate) fn of_effect(effect: &Effect, outcome: &Result<(), RuntimeError>) -> Vec<Note> {
    use Severity::{Normal, Warning};
    match (effect, outcome) {
        (Effect::StartContainer { name, .. }, Ok(())) => vec![
            Note::of(name, Normal, "Created", format!("Created container: {name}")),
            Note::of(name, Normal, "Started", format!("Started container {name}")),
        ],
        (Effect::StartContainer { name, .. }, Err(error)) => {
            vec![Note::of(name, Warning, "Failed", format!("Error: {}", error.message))]
        }
        (Effect::StopContainer { name, why, .. }, Ok(())) => {
            let message = why.clone().unwrap_or_else(|| format!("Stopping container {name}"));
            vec![Note::of(name, Normal, "Killing", message)]
        }
        (Effect::CreateSandbox, Err(error)) => {
            let message = error.message.clone();
            vec![Note { container: None, severity: Warning, reason: error.reason, message }]
        }
        _ => Vec::new(),
    }
}

/// What is told of containers' way from the status last reported to the next: failed pulls and back-offs.
pub(crate) fn of_change(pod: &Pod, new: &Status) -> Vec<Note> {
    let all = new.init_container_statuses.iter().chain(&new.container_statuses);
    all.flat_map(|now| of_container(pod, pod.status.container(&now.name), now)).collect()
}

fn of_container(pod: &Pod, old: Option<&ContainerStatus>, new: &ContainerStatus) -> Vec<Note> {
    let waits = |status: &ContainerStatus| status.state.waiting.as_ref().map(|w| w.reason.clone());
    let Some(waiting) = &new.state.waiting else { return Vec::new() };
    if old.and_then(waits).as_ref() == Some(&waiting.reason) {
        return Vec::new();
    }
    let warning = |message: String| Note::of(&new.name, Severity::Warning, "Failed", message);
    match waiting.reason.as_str() {
        "CrashLoopBackOff" => {
            let Pod { key, uid, .. } = pod;
            let message = format!(
                "Back-off restarting failed container {} in pod {}_{}({uid})",
                new.name, key.name, key.namespace
            );
            vec![Note::of(&new.name, Severity::Warning, "BackOff", message)]
        }
        "ErrImagePull" => vec![
            warning(format!("Failed to pull image {:?}: {}", new.image, waiting.message)),
            warning("Error: ErrImagePull".to_owned()),
        ],
        "ImagePullBackOff" => {
            let message = format!("Back-off pulling image {:?}", new.image);
            vec![
                Note::of(&new.name, Severity::Normal, "BackOff", message),
                warning("Error: ImagePullBackOff".to_owned()),
            ]
        }
        "ErrImageNeverPull" | "InvalidImageName" => vec![warning(waiting.message.clone())],
        _ => Vec::new(),
    }
}
