//! Subresources that are documents of other kinds, and kinds that are only answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use kinds::Subresource;
use object::{FieldError, Key, LabelSelector, Meta, Path, Status, Value, format_time, get_path, set_path};
use serde_json::json;

use crate::access_review;
use crate::api::{Answer, Api, Call};
use crate::body::Body;
use crate::deletion::another_uid;
use crate::patch::Patch;
use crate::pipeline::{read_as, schema_of};
use crate::prepare::Part;
use crate::request::RequestInfo;
use crate::write::{Change, OTHER_NAMESPACE, check_place, check_uid, invalid_unless_empty, not_found};

/// API version and kind of what `/scale` takes.
const SCALE: (&str, &str) = ("autoscaling/v1", "Scale");

impl Api {
    /// `/scale`: the object's count as an `autoscaling/v1` Scale.
    pub(crate) async fn scale(
        &self,
        call: &mut Call<'_>,
        paths: &Subresource,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        match call.info.verb {
            "get" => Ok(Answer::document(200, self.scale_now(call, paths).await?)),
            "update" => {
                let wanted = read_as(call, SCALE, headers, body).await?;
                self.rescale(call, paths, &wanted).await
            }
            "patch" => {
                let patch = call.patch(headers, body).await?;
                let wanted = patched(call, &patch, &self.scale_now(call, paths).await?)?;
                self.rescale(call, paths, &wanted).await
            }
            _ => Err(Status::method_not_allowed()),
        }
    }

    async fn scale_now(&self, call: &Call<'_>, paths: &Subresource) -> Result<Value, Status> {
        let stored = self.objects.get(&call.kind, &call.key()).await?;
        let stored = stored.ok_or_else(|| not_found(&call.served, &call.key()))?;
        Ok(scale_of(&stored.value, paths))
    }

    /// Gives the object the count that a Scale wants, where that is about it and its version.
    async fn rescale(
        &self,
        call: &mut Call<'_>,
        paths: &Subresource,
        wanted: &Value,
    ) -> Result<Answer, Status> {
        let Subresource::Scale { spec, .. } = *paths else { return Err(Status::no_such_path()) };
        let (served, key, is_whole) = (call.served.clone(), call.key(), call.info.verb == "update");
        let meta = Meta::of(wanted);
        check_place(&key, &meta)?;
        let replicas = wanted["spec"]["replicas"].as_i64().unwrap_or(0);
        let edit = |object: &mut Value| {
            let found = Meta::of(object);
            if is_whole {
                check_uid(&served, &key, &meta.uid, &found.uid)?;
            } else if !meta.uid.is_empty() && meta.uid != found.uid {
                let resource = format!("{}/scale", served.plural);
                let why = another_uid(&meta.uid, &found.uid);
                return Err(Status::conflict(&served.group, &resource, &key.name, &why));
            }
            if replicas < 0 {
                let text = "must be greater than or equal to 0";
                let error = FieldError::invalid(&Path::new("spec.replicas"), replicas, text);
                return Err(Status::invalid("autoscaling", "Scale", &key.name, &[error]));
            }
            if !meta.resource_version.is_empty() && found.resource_version != meta.resource_version {
                return Err(Status::stale(&served.group, &served.plural, &key.name));
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
        Ok(Answer::document(200, scale_of(&object, paths)))
    }

    /// A call that takes a document: `/binding`, `/eviction`, `/token`.
    pub(crate) async fn call(
        self: &Arc<Self>,
        call: &mut Call<'_>,
        name: &str,
        mut document: Value,
    ) -> Result<Answer, Status> {
        take_namespace(call, &mut document)?;
        match (call.kind.kind.as_str(), name) {
            ("Pod", "binding") => self.bind(call, &document).await,
            ("Pod", "eviction") => self.evict(call, &document).await,
            ("ServiceAccount", "token") => self.token(call, document).await,
            _ => Err(Status::no_such_path()),
        }
    }

    /// Binds a pod to a node, once.
    async fn bind(&self, call: &mut Call<'_>, binding: &Value) -> Result<Answer, Status> {
        if Meta::of(binding).name != call.info.name {
            return Err(Status::bad_request("name in URL does not match name in Binding object"));
        }
        if let Some(kind) = self.kinds.kind("", "Binding") {
            invalid_unless_empty(kind, &call.key(), kind.strategy.validate(binding))?;
        }
        let node = binding["target"]["name"].as_str().unwrap_or_default().to_owned();
        let uid = binding["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
        let (name, now) = (call.info.name.clone(), call.now);
        let edit = |pod: &mut Value| {
            let meta = Meta::of(pod);
            let conflict = |why: String| Err(Status::conflict("", "pods/binding", &name, &why));
            if !uid.is_empty() && uid != meta.uid {
                return conflict(another_uid(&uid, &meta.uid));
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
    pub(crate) async fn talk(&self, call: &mut Call<'_>, mut document: Value) -> Result<Answer, Status> {
        take_namespace(call, &mut document)?;
        if call.kind.kind == "Binding" {
            return self.bind_by_name(call, &document).await;
        }
        invalid_unless_empty(&call.kind, &Key::default(), call.kind.strategy.validate(&document))?;
        let rules = self.rules.read();
        let value = match call.kind.kind.as_str() {
            "TokenReview" => self.review_token(document, call.now)?,
            kind => access_review::answer(kind, document, call.identity, &rules)
                .unwrap_or_else(|| Err(Status::method_not_allowed()))?,
        };
        Ok(Answer::document(201, value))
    }
}

/// A document that is only answered is about the path's namespace, whether it says so or not.
fn take_namespace(call: &Call<'_>, document: &mut Value) -> Result<(), Status> {
    let stated = Meta::of(document).namespace;
    match call.namespace() {
        "" if stated.is_empty() => {}
        "" => drop(object::remove_path(document, "metadata.namespace")),
        namespace if stated.is_empty() => set_path(document, "metadata.namespace", namespace.into()),
        namespace if stated == namespace => {}
        _ => return Err(Status::bad_request(OTHER_NAMESPACE)),
    }
    Ok(())
}

/// The Scale that a patch makes of the one that there is.
fn patched(call: &mut Call<'_>, patch: &Patch, now: &Value) -> Result<Value, Status> {
    let schema = schema_of(SCALE.0, SCALE.1).ok_or_else(Status::no_such_path)?;
    let made = patch.apply(&schema, now)?;
    let mut wanted = made.clone();
    call.conform(&mut wanted, &patch.duplicates, SCALE, &schema, &|why| patch.unreadable(&made, &why))?;
    // Only a version that the client states guards the write; the one that was read does not.
    if patch.document["metadata"]["resourceVersion"].is_null() {
        object::remove_path(&mut wanted, "metadata.resourceVersion");
    }
    Ok(wanted)
}

fn scale_of(object: &Value, paths: &Subresource) -> Value {
    let Subresource::Scale { spec, status, selector } = *paths else { return Value::Null };
    let meta = &object["metadata"];
    let number = |path: &str| get_path(object, path).and_then(Value::as_i64).unwrap_or(0);
    let selector = get_path(object, selector).and_then(selector_of);
    let mut scale = json!({
        "kind": SCALE.1, "apiVersion": SCALE.0,
        "metadata": {
            "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"], "creationTimestamp": meta["creationTimestamp"],
        },
        "spec": {"replicas": number(spec)},
        "status": {"replicas": number(status), "selector": selector.map(|s| s.to_string()).unwrap_or_default()},
    });
    if let Some(schema) = schema_of(SCALE.0, SCALE.1) {
        // of what fits, which the counts of objects do
        let _ = object::conform(&schema, &mut scale);
    }
    scale
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
