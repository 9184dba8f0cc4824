//! `proxy`: HTTP requests to what pods and services serve, and to nodes, through the API server. Where a request goes is
//! decided in [`target`], purely, from the path and documents; headers are changed in [`headers`] as gateways do.

mod headers;
mod target;

use cache::{Filter, ListQuery};
use http::header::LOCATION;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode};
use kinds::Kind;
use object::{Key, LabelSelector, Status, Value};

use crate::api::Api;
use crate::backend::{self, Error, Running, Trust, failed, upgrade_of};
use crate::body::{Body, full};
use crate::connect::endpoint;
use crate::request::RequestInfo;
use crate::write::not_found;
use target::{Target, Wanted};

/// Verbs that other HTTP methods than these would be.
const METHODS: [&str; 6] = ["get", "create", "update", "patch", "delete", "options"];

impl Api {
    /// Passes a request on, and what is answered back.
    pub(crate) async fn proxy(
        &self,
        info: &RequestInfo,
        kind: &Kind,
        parts: &Parts,
        body: Body,
    ) -> Result<Response<Body>, Status> {
        if info.name.is_empty() || !METHODS.contains(&info.verb) {
            return Err(Status::method_not_allowed());
        }
        let (prefix, path) = split(parts.uri.path());
        let upgrade = upgrade_of(parts);
        if path.is_empty() && upgrade.is_none() {
            return moved(parts);
        }
        self.reach(self.objects.revision().await?).await?;
        let target = self.target(info, kind)?;
        let mut request = Request::new(body);
        *request.method_mut() = parts.method.clone();
        *request.uri_mut() = uri(path, parts.uri.query())?;
        *request.headers_mut() = headers::onward(parts, upgrade.is_some());
        let place = upgrade.as_ref().map(|_| self.streams.place()).transpose()?;
        let sent = self.send(&target, request).await;
        let (answer, connection) = sent.map_err(|error| match target {
            Target::Agent(_) => failed(format!("error dialing backend: {error}")),
            _ => Status::unavailable(format!("error trying to reach service: {error}")),
        })?;
        let back = headers::back(&answer, prefix, &parts.headers);
        Ok(match (upgrade, place) {
            (Some(client), Some(place)) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => {
                self.streams.join(client, answer, connection, place, back)
            }
            _ => self.streams.pass_on(answer, connection, back),
        })
    }

    /// Where a request goes.
    fn target(&self, info: &RequestInfo, kind: &Kind) -> Result<Target, Status> {
        let wanted = Wanted::parse(&kind.kind, &info.name)?;
        let namespace = if kind.namespaced() { info.namespace.as_str() } else { "" };
        let key = Key::new(namespace, wanted.name);
        let document = self.cached(&kind.plural, &key).ok_or_else(|| not_found(kind, &key))?;
        match kind.kind.as_str() {
            "Pod" => target::of_pod(&document, &wanted),
            "Service" => target::of_service(&document, &self.slices(&key), &wanted, rand::random()),
            _ => {
                let agent = endpoint::of(&document).map_err(|why| failed(why.to_string()))?;
                target::of_node(agent, &wanted)
            }
        }
    }

    /// The EndpointSlices of a service.
    fn slices(&self, service: &Key) -> Vec<Value> {
        let Some(kind) = self.kinds.kind("discovery.k8s.io", "EndpointSlice") else { return Vec::new() };
        let labels = format!("kubernetes.io/service-name={}", service.name);
        let Ok(labels) = labels.parse::<LabelSelector>() else { return Vec::new() };
        let filter = Filter { namespace: service.namespace.clone(), labels, ..Filter::default() };
        let query = ListQuery { filter, limit: 0, after: None, at: None };
        let found = self.cache.list(kind, &query).map(|list| list.items).unwrap_or_default();
        found.iter().filter_map(|entry| serde_json::from_slice(&entry.document()).ok()).collect()
    }

    async fn send(
        &self,
        target: &Target,
        request: Request<Body>,
    ) -> Result<(Response<hyper::body::Incoming>, Running), Error> {
        match target {
            Target::Agent(agent) => self.nodes.ask(agent, Ok(request)).await,
            Target::Plain { host, port } => {
                let stream = backend::dial(host, *port, &target.authority()).await?;
                backend::ask(stream, request, false).await
            }
            Target::Tls { host, port } => {
                let stream = backend::dial_tls(host, *port, &target.authority(), None, Trust::Anyone).await?;
                backend::ask(stream, request, false).await
            }
        }
    }
}

/// A path up to `proxy`, and what is behind it, which begins with a slash or is empty. Nothing is decoded.
fn split(path: &str) -> (&str, &str) {
    // `/api/v1/nodes/NAME/proxy`, `/api/v1/namespaces/NAMESPACE/pods/NAME/proxy`
    let before = if path.starts_with("/api/v1/namespaces/") { 8 } else { 6 };
    let mut slashes = path.match_indices('/').map(|(at, _)| at);
    path.split_at(slashes.nth(before - 1).unwrap_or(path.len()))
}

fn uri(path: &str, query: Option<&str>) -> Result<http::Uri, Status> {
    let path = if path.is_empty() { "/" } else { path };
    let text = query.map_or(path.to_owned(), |query| format!("{path}?{query}"));
    let parsed: Result<PathAndQuery, _> = text.try_into();
    parsed.map(http::Uri::from).map_err(|error| Status::bad_request(format!("invalid path: {error}")))
}

/// Sends the client to the path with a slash at its end, so that relative links of pages work.
fn moved(parts: &Parts) -> Result<Response<Body>, Status> {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let place = HeaderValue::try_from(format!("{}/{query}", parts.uri.path()));
    let mut response = Response::new(full(""));
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response.headers_mut().insert(LOCATION, place.map_err(Status::internal)?);
    Ok(response)
}

#[cfg(test)]
mod tests;
