//! Streams of pods: `log`, `exec`, `attach`, `portforward`. What is meant is decided here, purely, from the query,
//! the pod and its node; [`crate::node_proxy`] carries the bytes.

mod container;
pub(crate) mod endpoint;
mod wish;

use http::request::Parts;
use http::{Response, StatusCode};
use kinds::{Kind, Verb};
use object::{Key, Status, Value};

use crate::api::Api;
use crate::backend::failed;
use crate::body::{Body, full};
use crate::request::RequestInfo;
use crate::write::not_found;
use wish::{Stream, Wish};

impl Api {
    /// Connects the client with a container of a pod, or with the pod's ports.
    pub(crate) async fn connect(
        &self,
        info: &RequestInfo,
        pods: &Kind,
        verbs: &[Verb],
        parts: &Parts,
    ) -> Result<Response<Body>, Status> {
        if !verbs.iter().any(|verb| verb.name() == info.verb) {
            return Err(Status::method_not_allowed());
        }
        let wish = Wish::read(info)?;
        let key = Key::new(info.namespace.as_str(), info.name.as_str());
        self.reach(self.objects.revision().await?).await?;
        let pod = self.cached("pods", &key).ok_or_else(|| not_found(pods, &key))?;
        let container = match wish.stream {
            Stream::PortForward => None,
            _ => Some(container::choose(&wish.container, &pod)?),
        };
        let Some(node) = pod["spec"]["nodeName"].as_str().filter(|name| !name.is_empty()) else {
            return unplaced(&wish, &key);
        };
        let node = Key::new("", node);
        let document = self.cached("nodes", &node);
        let document = document.ok_or_else(|| Status::not_found("", "nodes", &node.name))?;
        let to = endpoint::of(&document).map_err(|why| failed(why.to_string()))?;
        let path = wish.path(&key, container.as_deref());
        match wish.stream {
            Stream::Log => self.nodes.read(&to, &path).await,
            _ => self.nodes.upgrade(&to, &path, parts).await,
        }
    }

    pub(crate) fn cached(&self, resource: &str, key: &Key) -> Option<Value> {
        serde_json::from_slice(&self.cache.get(resource, key)?.document()).ok()
    }
}

/// What a pod without a node answers: it has no log yet, and nothing to connect to.
fn unplaced(wish: &Wish, pod: &Key) -> Result<Response<Body>, Status> {
    if wish.stream == Stream::Log {
        let mut empty = Response::new(full(""));
        *empty.status_mut() = StatusCode::NO_CONTENT;
        return Ok(empty);
    }
    Err(Status::bad_request(format!("pod {} does not have a host assigned", pod.name)))
}

#[cfg(test)]
mod tests;
