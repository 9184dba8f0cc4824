//! The hands of the driver: carries out single actions, answers queries, tells notes.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use client::events::{ObjectRef, Recorder, Severity};
use client::{Client, Error, ListParams};
use futures::StreamExt;
use futures::stream;
use kinds::{Kind, Kinds, Verb};
use object::{Key, Meta, PatchType, Time, Value, apply_patch};
use serde_json::json;

use crate::barrier::Wait;
use crate::{Action, GroupKind, Note, NoteType, Precondition, Propagation, Query};

/// Lists at a time when a namespace is searched.
const LISTS: usize = 8;
/// How many objects of a namespace are asked for at a time.
const PAGE: usize = 500;

/// Why an action was not carried out, or a query not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Refused {
    /// What the API answered.
    pub(crate) message: String,
    /// The snapshot was old, or the namespace is going: nothing to tell anybody.
    pub(crate) conflict: bool,
    /// It may have been carried out after all.
    pub(crate) unknown: bool,
}

impl Refused {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), conflict: false, unknown: false }
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        let details = error.status().and_then(|status| status.details.as_ref());
        let going =
            details.is_some_and(|d| d.causes.iter().any(|cause| cause.reason == "NamespaceTerminating"));
        Self {
            message: describe(&error),
            conflict: error.is_conflict() || going,
            unknown: error.is_unknown(),
        }
    }
}

/// An error with its causes.
fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}

/// Carries out what was decided. Every method makes one try.
#[async_trait]
pub(crate) trait Actor: Send + Sync + 'static {
    /// Carries out an action; what must be seen of it before its item runs again, none where nothing was written.
    async fn perform(&self, action: &Action) -> Result<Option<Wait>, Refused>;
    /// Answers a query by consistent reads.
    async fn answer(&self, query: &Query) -> Result<Option<Value>, Refused>;
    /// A revision of a kind that is not older than any write that has ended.
    async fn revision(&self, kind: &GroupKind) -> Result<u64, Refused>;
    /// Tells a note of a controller; must not take long.
    async fn tell(&self, controller: &'static str, note: &Note);
}

/// The hands on an API server.
pub(crate) struct ApiActor {
    client: Client,
    kinds: Arc<Kinds>,
    /// By controller; none where the API has no Events.
    recorders: HashMap<&'static str, Recorder>,
}

impl ApiActor {
    pub(crate) fn new(
        client: Client,
        kinds: Arc<Kinds>,
        controllers: impl Iterator<Item = &'static str>,
    ) -> Self {
        let events = kinds.kind("", "Event").cloned();
        let recorder = |name| events.clone().map(|kind| (name, Recorder::new(client.clone(), kind, name)));
        let recorders = controllers.filter_map(recorder).collect();
        Self { client, kinds, recorders }
    }

    fn kind(&self, name: &GroupKind) -> Result<&Arc<Kind>, Refused> {
        let kind = self.kinds.kind(&name.group, &name.kind);
        kind.ok_or_else(|| Refused::new(format!("no kind {:?} in API group {:?}", name.kind, name.group)))
    }

    async fn create(&self, name: &GroupKind, object: &Value) -> Result<Option<Wait>, Refused> {
        let kind = self.kind(name)?;
        let meta = Meta::of(object);
        match self.client.create(kind, &meta.namespace, object).await {
            Ok(created) => Ok(written(name, &created)),
            Err(error) if error.is_already_exists() => {
                let existing = self.client.get(kind, &meta.key()).await?;
                let owner = |object: &Value| Meta::of(object).controller().map(|owner| owner.uid.clone());
                let ours = owner(object).is_some() && owner(object) == owner(&existing);
                if ours { Ok(written(name, &existing)) } else { Err(error.into()) }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn patch(
        &self,
        name: &GroupKind,
        key: &Key,
        subresource: Option<&str>,
        patch: &Value,
        when: &Precondition,
    ) -> Result<Option<Wait>, Refused> {
        let kind = self.kind(name)?;
        let patched = match subresource {
            Some("finalize") => self.finalize(kind, key, patch, when).await,
            _ => self.client.patch(kind, key, subresource, PatchType::Merge, &guarded(patch, when)).await,
        };
        patched.map(|object| written(name, &object)).map_err(stale_if_gone)
    }

    /// `finalize` cannot be patched: reads, merges and replaces what was read.
    async fn finalize(
        &self,
        kind: &Kind,
        key: &Key,
        patch: &Value,
        when: &Precondition,
    ) -> Result<Value, Error> {
        let old = self.client.get(kind, key).await?;
        if Meta::of(&old).uid != when.uid {
            return Err(object::Status::stale(&kind.group, &kind.plural, &key.name).into());
        }
        let merged = apply_patch(PatchType::Merge, &kind.schema, &old, patch);
        let new = merged.map_err(|error| object::Status::bad_request(error.to_string()))?;
        self.client.update_subresource(kind, key, "finalize", &new).await
    }

    async fn delete(
        &self,
        name: &GroupKind,
        key: &Key,
        when: &Precondition,
        propagation: Propagation,
        grace: Option<i64>,
    ) -> Result<Option<Wait>, Refused> {
        match self.client.delete(self.kind(name)?, key, &delete_options(when, propagation, grace)).await {
            Ok(answer) if answer["metadata"]["deletionTimestamp"].is_string() => Ok(written(name, &answer)),
            Ok(_) => Ok(Some(Wait::Gone { kind: name.clone(), key: key.clone(), uid: when.uid.clone() })),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Objects of this kind in a namespace, by a consistent list; in a list's items the kind is left out.
    async fn some_of(&self, kind: Arc<Kind>, namespace: &str) -> Result<Vec<Value>, Refused> {
        let params = ListParams { limit: PAGE, ..ListParams::default() };
        let mut list = self.client.list(&kind, namespace, &params).await?;
        let mut items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        for item in &mut items {
            item["apiVersion"] = kind.api_version().into();
            item["kind"] = kind.kind.as_str().into();
        }
        Ok(items)
    }

    async fn content(&self, namespace: &str) -> Result<Option<Value>, Refused> {
        let listable = |kind: &&Arc<Kind>| kind.namespaced() && kind.has(Verb::List) && !kind.policy.talk;
        let kinds: Vec<_> = self.kinds.iter().filter(listable).cloned().collect();
        let mut found = stream::iter(kinds).map(|kind| self.some_of(kind, namespace)).buffer_unordered(LISTS);
        while let Some(found) = found.next().await {
            let found = found?;
            if !found.is_empty() {
                return Ok(Some(found.into()));
            }
        }
        Ok(None)
    }
}

#[async_trait]
impl Actor for ApiActor {
    async fn perform(&self, action: &Action) -> Result<Option<Wait>, Refused> {
        match action {
            Action::Create { kind, object } => self.create(kind, object).await,
            Action::Patch { kind, key, subresource, patch, when } => {
                self.patch(kind, key, *subresource, patch, when).await
            }
            Action::Delete { kind, key, when, propagation, grace } => {
                self.delete(kind, key, when, *propagation, *grace).await
            }
        }
    }

    async fn answer(&self, query: &Query) -> Result<Option<Value>, Refused> {
        match query {
            Query::Content { namespace } => self.content(namespace).await,
            Query::Get { kind, key } => {
                let kind = self.kind(kind)?;
                let namespace = if kind.namespaced() { key.namespace.as_str() } else { "" };
                match self.client.get(kind, &Key::new(namespace, key.name.as_str())).await {
                    Ok(object) => Ok(Some(object)),
                    Err(error) if error.is_not_found() => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
        }
    }

    async fn revision(&self, kind: &GroupKind) -> Result<u64, Refused> {
        let params = ListParams { limit: 1, ..ListParams::default() };
        let list = self.client.list(self.kind(kind)?, "", &params).await?;
        revision_of(&list).ok_or_else(|| Refused::new("a list without a resource version"))
    }

    async fn tell(&self, controller: &'static str, note: &Note) {
        let (Some(recorder), Ok(kind)) = (self.recorders.get(controller), self.kind(&note.kind)) else {
            return;
        };
        let about = ObjectRef {
            api_version: kind.api_version(),
            kind: kind.kind.clone(),
            namespace: note.key.namespace.clone(),
            name: note.key.name.clone(),
            uid: note.uid.clone(),
            ..ObjectRef::default()
        };
        let severity = match note.severity {
            NoteType::Normal => Severity::Normal,
            NoteType::Warning => Severity::Warning,
        };
        recorder.record(Time::now(), &about, severity, note.reason, &note.message).await;
    }
}

fn revision_of(object: &Value) -> Option<u64> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

fn written(kind: &GroupKind, object: &Value) -> Option<Wait> {
    Some(Wait::Revision { kind: kind.clone(), revision: revision_of(object)? })
}

/// A patch that the API refuses where the precondition does not hold.
fn guarded(patch: &Value, when: &Precondition) -> Value {
    let mut patch = patch.clone();
    patch["metadata"]["uid"] = when.uid.as_str().into();
    if let Some(version) = &when.resource_version {
        patch["metadata"]["resourceVersion"] = version.as_str().into();
    }
    patch
}

fn delete_options(when: &Precondition, propagation: Propagation, grace: Option<i64>) -> Value {
    let policy = match propagation {
        Propagation::Background => "Background",
        Propagation::Foreground => "Foreground",
        Propagation::Orphan => "Orphan",
    };
    let mut options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions",
        "preconditions": {"uid": when.uid}, "propagationPolicy": policy,
    });
    if let Some(version) = &when.resource_version {
        options["preconditions"]["resourceVersion"] = version.as_str().into();
    }
    if let Some(seconds) = grace {
        options["gracePeriodSeconds"] = seconds.into();
    }
    options
}

/// To patch what is gone is a conflict: the snapshot was old.
fn stale_if_gone(error: Error) -> Refused {
    let gone = error.is_not_found();
    let refused = Refused::from(error);
    Refused { conflict: refused.conflict || gone, ..refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preconditions_travel_with_the_request() {
        let when = Precondition { uid: "u".into(), resource_version: Some("7".into()) };
        let patch = guarded(&json!({"status": {"a": 1}}), &when);
        assert_eq!(patch, json!({"metadata": {"uid": "u", "resourceVersion": "7"}, "status": {"a": 1}}));
        let options = delete_options(&when, Propagation::Foreground, Some(0));
        assert_eq!(options["preconditions"], json!({"uid": "u", "resourceVersion": "7"}));
        assert_eq!(
            (&options["propagationPolicy"], &options["gracePeriodSeconds"]),
            (&json!("Foreground"), &json!(0))
        );
        let lax = Precondition { uid: "u".into(), resource_version: None };
        assert_eq!(delete_options(&lax, Propagation::Orphan, None)["preconditions"], json!({"uid": "u"}));
    }
}
