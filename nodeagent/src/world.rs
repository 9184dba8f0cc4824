//! An API server in memory, just enough to drive a component through its real loops: objects by resource and
//! key, create, get, patch, delete and `binding`, and a source that tells every change.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cache::{Change, Document, Follow, Source};
use client::Client;
use futures::StreamExt;
use futures::channel::mpsc;
use futures::stream::{self, BoxStream};
use http::{Method, Request, Response};
use http_body_util::{BodyExt, Full};
use kinds::{Kind, Kinds};
use kube::client::Body;
use object::{Key, PatchType, Status, Value, apply_patch};
use parking_lot::Mutex;
use serde_json::json;

/// Objects, and who follows them.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) kinds: Arc<Kinds>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    revision: u64,
    objects: BTreeMap<(String, Key), Value>,
    followers: Vec<(Follow, mpsc::UnboundedSender<Change>)>,
    requests: BTreeMap<String, usize>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { kinds: Arc::new(kinds::built_in()), state: Arc::default() }
    }

    pub(crate) fn client(&self) -> Client {
        let world = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let world = world.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
                let patch = parts.headers.get("content-type").and_then(|t| t.to_str().ok()).map(patch_type);
                let body = serde_json::from_slice(&body).unwrap_or_default();
                let answer = world.answer(&parts.method, parts.uri.path(), patch, body);
                let (code, value) = answer.map_or_else(|s| (s.code, s.to_value()), |v| (200, v));
                let response = Response::builder().status(code).header("content-type", "application/json");
                Ok::<_, Infallible>(
                    response.body(Full::new(Bytes::from(value.to_string()))).expect("a response"),
                )
            }
        });
        Client::from_kube(kube::Client::new(service, "default"))
    }

    pub(crate) fn source(&self) -> Arc<dyn Source> {
        Arc::new(self.clone())
    }

    pub(crate) fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        self.state.lock().objects.get(&(plural.to_owned(), Key::new(namespace, name))).cloned()
    }

    pub(crate) fn count(&self, plural: &str, holds: impl Fn(&Value) -> bool) -> usize {
        self.state.lock().objects.iter().filter(|((p, _), object)| p == plural && holds(object)).count()
    }

    /// How many requests of a kind there were: `PATCH pods/status`.
    pub(crate) fn requests(&self, what: &str) -> usize {
        self.state.lock().requests.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn put(&self, plural: &str, object: Value) -> Value {
        let key = key_of(&object);
        self.state.lock().put(plural, key, object)
    }

    pub(crate) fn delete(&self, plural: &str, namespace: &str, name: &str) {
        self.state.lock().remove(plural, &Key::new(namespace, name));
    }

    /// Waits until something holds.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..2000 {
            if holds(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} never happened: {:#?}", self.state.lock().objects);
    }

    fn answer(
        &self,
        method: &Method,
        path: &str,
        patch: Option<PatchType>,
        body: Value,
    ) -> Result<Value, Status> {
        let (kind, key, subresource) = self.locate(path).ok_or_else(Status::no_such_path)?;
        let plural = kind.plural.clone();
        let mut state = self.state.lock();
        let counted =
            format!("{method} {plural}{}", subresource.map(|s| format!("/{s}")).unwrap_or_default());
        *state.requests.entry(counted).or_default() += 1;
        let missing = || Status::not_found("", &kind.plural, &key.name);
        let old = state.objects.get(&(plural.clone(), key.clone())).cloned();
        match (method.as_str(), subresource) {
            ("POST", Some(_)) => {
                let mut pod = old.ok_or_else(missing)?;
                if pod["spec"]["nodeName"].is_string() {
                    return Err(Status::conflict("", "pods", &key.name, "is bound already"));
                }
                pod["spec"]["nodeName"] = body["target"]["name"].clone();
                Ok(state.put(&plural, key, pod))
            }
            ("POST", None) => {
                let key = key_of(&body);
                if state.objects.contains_key(&(plural.clone(), key.clone())) {
                    return Err(Status::already_exists("", &kind.plural, &key.name));
                }
                Ok(state.put(&plural, key, body))
            }
            ("PATCH", _) => {
                let old = old.ok_or_else(missing)?;
                let uid = &body["metadata"]["uid"];
                if uid.is_string() && *uid != old["metadata"]["uid"] {
                    return Err(Status::conflict("", "pods", &key.name, "another UID"));
                }
                let new = apply_patch(patch.unwrap_or(PatchType::Merge), &kind.schema, &old, &body);
                let new = new.map_err(|error| Status::bad_request(error.to_string()))?;
                Ok(state.put(&plural, key, new))
            }
            ("DELETE", _) => state.remove(&plural, &key).ok_or_else(missing),
            _ => old.ok_or_else(missing),
        }
    }

    fn locate<'a>(&self, path: &'a str) -> Option<(Arc<Kind>, Key, Option<&'a str>)> {
        let mut parts = path.trim_matches('/').split('/');
        let group = if parts.next()? == "api" { "" } else { parts.next()? };
        parts.next()?;
        let mut rest: Vec<&str> = parts.collect();
        let mut namespace = "";
        if rest.first() == Some(&"namespaces") && rest.len() > 2 {
            namespace = rest[1];
            rest.drain(..2);
        }
        let kind = self.kinds.resource(group, rest.first()?)?.clone();
        Some((kind, Key::new(namespace, *rest.get(1).unwrap_or(&"")), rest.get(2).copied()))
    }
}

impl Source for World {
    fn follow(&self, what: Follow) -> BoxStream<'static, Change> {
        let mut state = self.state.lock();
        let (sender, receiver) = mpsc::unbounded();
        let listed = state.objects.iter().filter(|((plural, _), object)| shows(&what, plural, object));
        let objects = listed.map(|((_, key), object)| document(key, object)).collect();
        let reset = Change::Reset { objects, revision: state.revision };
        state.followers.push((what, sender));
        stream::iter([reset]).chain(receiver).boxed()
    }
}

impl State {
    fn put(&mut self, plural: &str, key: Key, mut object: Value) -> Value {
        self.revision += 1;
        object["metadata"]["resourceVersion"] = self.revision.to_string().into();
        if !object["metadata"]["uid"].is_string() {
            object["metadata"]["uid"] = format!("uid-{}", self.revision).into();
        }
        self.tell(plural, &object, |_| Change::Put(document(&key, &object)));
        self.objects.insert((plural.to_owned(), key), object.clone());
        object
    }

    fn remove(&mut self, plural: &str, key: &Key) -> Option<Value> {
        let object = self.objects.remove(&(plural.to_owned(), key.clone()))?;
        self.revision += 1;
        self.tell(plural, &object, |revision| Change::Gone { key: key.clone(), revision });
        Some(object)
    }

    fn tell(&self, plural: &str, object: &Value, change: impl Fn(u64) -> Change) {
        for (_, sender) in self.followers.iter().filter(|(what, _)| shows(what, plural, object)) {
            let _ = sender.unbounded_send(change(self.revision));
        }
    }
}

fn shows(what: &Follow, plural: &str, object: &Value) -> bool {
    what.kind.plural == plural && (what.fields != "spec.nodeName!=" || object["spec"]["nodeName"].is_string())
}

fn document(key: &Key, object: &Value) -> Document {
    let revision = object["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse().ok()).unwrap_or(0);
    Document { key: key.clone(), bytes: object.to_string().into_bytes().into(), revision }
}

fn key_of(object: &Value) -> Key {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    Key::new(text("namespace"), text("name"))
}

fn patch_type(media_type: &str) -> PatchType {
    match media_type {
        "application/strategic-merge-patch+json" => PatchType::Strategic,
        _ => PatchType::Merge,
    }
}

/// A pod of one container.
pub(crate) fn pod(name: &str, cpu: &str) -> Value {
    let container = json!({"name": "c", "image": "i", "resources": {"requests": {"cpu": cpu}}});
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "d", "uid": format!("uid-{name}"), "generation": 1},
        "spec": {"schedulerName": "default-scheduler", "restartPolicy": "Always", "containers": [container]},
        "status": {"phase": "Pending"}})
}
