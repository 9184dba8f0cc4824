//! Subresources that are documents of other kinds, and kinds that are only answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use kinds::Subresource;
use object::{FieldError, LabelSelector, Meta, Path, Status, Value, format_time, get_path, set_path};
use serde_json::json;

use crate::access_review;
use crate::api::{Answer, Api, Call};
use crate::body::{self, Body};
use crate::pipeline::schema_of;
use crate::prepare::Part;
use crate::request::RequestInfo;
use crate::write::{Change, not_found};

impl Api {
    /// `/scale`: the object's count as an `autoscaling/v1` Scale.
    pub(crate) async fn scale(
        &self,
        call: &mut Call<'_>,
        subresource: &Subresource,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        let Subresource::Scale { spec, status, selector } = *subresource else {
            return Err(Status::no_such_path());
        };
        let stored = self.objects.get(&call.kind, &call.key()).await?;
        let stored = stored.ok_or_else(|| not_found(&call.served, &call.key()))?;
        let now = scale_of(&stored.value, spec, status, selector);
        let mut wanted = match call.info.verb {
            "get" => return Ok(Answer::document(200, now)),
            "update" => {
                let bytes = body::collect(body).await?;
                body::decode(headers, &bytes, &schema_of)?.value
            }
            "patch" => {
                let bytes = body::collect(body).await?;
                let patch = body::decode_patch(headers, &bytes)?;
                let schema = schema_of("autoscaling/v1", "Scale").ok_or_else(Status::no_such_path)?;
                let mut patched = patch.apply(&schema, &call.served, &call.key(), &now)?;
                // Only a version that the client states guards the write; the one that was read does not.
                if patch.document["metadata"]["resourceVersion"].is_null() {
                    object::remove_path(&mut patched, "metadata.resourceVersion");
                }
                patched
            }
            _ => return Err(Status::method_not_allowed()),
        };
        body::check_type(&mut wanted, "autoscaling/v1", "Scale")?;
        if let Some(schema) = schema_of("autoscaling/v1", "Scale") {
            object::conform(&schema, &mut wanted).map_err(|e| {
                Status::bad_request(format!("Scale in version \"v1\" cannot be handled as a Scale: {e}"))
            })?;
        }
        let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
        if replicas < 0 {
            let text = "must be greater than or equal to 0";
            let error = FieldError::invalid(&Path::new("spec.replicas"), replicas, text);
            return Err(Status::invalid("autoscaling", "Scale", &call.info.name, &[error]));
        }
        let version = wanted["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let kind = call.kind.clone();
        let name = call.info.name.clone();
        let edit = |object: &mut Value| {
            if !version.is_empty() && Meta::of(object).resource_version != version {
                return Err(Status::stale(&kind.group, &kind.plural, &name));
            }
            set_path(object, spec, replicas.into());
            Ok(())
        };
        let answer = self.update(call, Part::Main, Change::Server(&edit)).await?;
        let object = match answer {
            Answer::Saved { saved, .. } => {
                serde_json::from_slice(&saved.document()).map_err(Status::internal)?
            }
            Answer::Document { value, .. } => value,
            other => return Ok(other),
        };
        Ok(Answer::document(200, scale_of(&object, spec, status, selector)))
    }

    /// A call that takes a document: `/binding`, `/eviction`, `/token`.
    pub(crate) async fn call(
        self: &Arc<Self>,
        call: &mut Call<'_>,
        name: &str,
        document: Value,
    ) -> Result<Answer, Status> {
        match (call.kind.kind.as_str(), name) {
            ("Pod", "binding") => self.bind(call, &document).await,
            ("Pod", "eviction") => self.evict(call, &document).await,
            ("ServiceAccount", "token") => self.token(call, document).await,
            _ => Err(Status::no_such_path()),
        }
    }

    /// Binds a pod to a node, once.
    async fn bind(&self, call: &mut Call<'_>, binding: &Value) -> Result<Answer, Status> {
        let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
        let target_kind = binding["target"]["kind"].as_str().unwrap_or_default();
        let path = Path::new("target");
        let mut errors = Vec::new();
        if !matches!(target_kind, "" | "Node") {
            errors.push(FieldError::not_supported(&path.child("kind"), target_kind, &["Node", "<empty>"]));
        }
        if node.is_empty() {
            errors.push(FieldError::required(&path.child("name"), ""));
        }
        if !errors.is_empty() {
            return Err(Status::invalid("", "Binding", &call.info.name, &errors));
        }
        let uid = binding["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let (name, now) = (call.info.name.clone(), call.now);
        let edit = |pod: &mut Value| {
            let meta = Meta::of(pod);
            let conflict = |why: String| Err(Status::conflict("", "pods/binding", &name, &why));
            if !uid.is_empty() && uid != meta.uid {
                return conflict(format!(
                    "Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
                    meta.uid
                ));
            }
            if meta.is_terminating() {
                return conflict(format!("pod {name} is being deleted, cannot be assigned to a host"));
            }
            if let Some(bound) = pod["spec"]["nodeName"].as_str().filter(|n| !n.is_empty()) {
                return conflict(format!("pod {name} is already assigned to node {bound:?}"));
            }
            if pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty()) {
                return conflict(format!("pod {name} has non-empty .spec.schedulingGates"));
            }
            pod["spec"]["nodeName"] = node.clone().into();
            set_scheduled(pod, &format_time(now));
            Ok(())
        };
        self.update(call, Part::Server, Change::Server(&edit)).await?;
        Ok(Answer::Status(Status { code: 201, reason: None, message: String::new(), details: None }))
    }

    /// `bindings`: the older way to bind, with the pod's name in the document alone.
    async fn bind_by_name(&self, call: &mut Call<'_>, binding: &Value) -> Result<Answer, Status> {
        let pods = self.kinds.kind("", "Pod").ok_or_else(Status::no_such_path)?.clone();
        let info = RequestInfo { name: Meta::of(binding).name, ..call.info.clone() };
        let mut of_pod =
            Call { info: &info, served: pods.clone(), kind: pods, warnings: Vec::new(), ..*call };
        self.bind(&mut of_pod, binding).await
    }

    /// Kinds that are only answered.
    pub(crate) async fn talk(&self, call: &mut Call<'_>, document: Value) -> Result<Answer, Status> {
        if call.kind.kind == "Binding" {
            return self.bind_by_name(call, &document).await;
        }
        let rules = self.rules.read();
        let namespace = call.namespace();
        let value = match call.kind.kind.as_str() {
            "TokenReview" => self.review_token(document, call.now)?,
            kind => access_review::answer(kind, document, namespace, call.identity, &rules)
                .unwrap_or_else(|| Err(Status::method_not_allowed()))?,
        };
        Ok(Answer::document(201, value))
    }
}

fn scale_of(object: &Value, spec: &str, status: &str, selector: &str) -> Value {
    let meta = &object["metadata"];
    let number = |path: &str| get_path(object, path).and_then(Value::as_i64).unwrap_or(0);
    let selector = get_path(object, selector).and_then(selector_of);
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": {"replicas": number(spec)},
        "status": {"replicas": number(status), "selector": selector.map(|s| s.to_string()).unwrap_or_default()},
    })
}

/// A selector in a document: labels and expressions, or of older kinds labels alone.
fn selector_of(value: &Value) -> Option<LabelSelector> {
    let labels: Option<BTreeMap<String, String>> = serde_json::from_value(value.clone()).ok();
    match labels {
        Some(labels) => Some(LabelSelector::of_labels(&labels)),
        None => LabelSelector::from_value(value).ok().flatten(),
    }
}

/// Sets the pod's condition `PodScheduled` to true.
fn set_scheduled(pod: &mut Value, now: &str) {
    let condition =
        json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now});
    set_condition(pod, condition);
}

/// Puts a condition in the place of the one of its type, or behind the others. One whose status is as before keeps the
/// time of its change.
pub(crate) fn set_condition(object: &mut Value, mut condition: Value) {
    if !object["status"]["conditions"].is_array() {
        object["status"]["conditions"] = json!([]);
    }
    let Some(conditions) = object["status"]["conditions"].as_array_mut() else { return };
    match conditions.iter_mut().find(|c| c["type"] == condition["type"]) {
        Some(found) => {
            if found["status"] == condition["status"] {
                condition["lastTransitionTime"] = found["lastTransitionTime"].take();
            }
            *found = condition;
        }
        None => conditions.push(condition),
    }
}
