//! The way of a request. The stages stand in the order in which they run: identity, authentication, flow control,
//! authorization, routing, and then, for resources, decoding to encoding in [`Api::resource`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use kinds::{Kind, Subresource};
use object::{Parsed, Schema, Status, Time, Value};

use crate::accept;
use crate::api::{Answer, Api, Call};
use crate::body::{self, Body, Rest};
use crate::flow::Class;
use crate::identity::Identity;
use crate::listen::Peer;
use crate::measures::{About, Open};
use crate::prepare::Part;
use crate::request::RequestInfo;
use crate::respond::{Encoder, WebSocket, compress, finish, status_response, text_response, warn};
use crate::write::{Change, delete_options};

/// Upstream's bound on requests that are not long-running.
const DEADLINE: Duration = Duration::from_secs(60);

impl Api {
    /// Answers a request from a peer.
    pub async fn handle(self: &Arc<Self>, request: Request<Body>, peer: &Peer) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let (body, rest) = Rest::of(body);
        let mut response = match self.stages(&parts, body, peer).await {
            Ok(response) => response,
            Err(status) => {
                rest.discard().await;
                self.refusal(&status, &parts)
            }
        };
        finish(&parts, &mut response);
        response
    }

    /// A failure. Of nothing, where the API has nothing, it says so without a Status, as upstream does.
    fn refusal(&self, status: &Status, parts: &Parts) -> Response<Body> {
        match *status == Status::no_such_path() && !self.is_of_the_api(parts.uri.path()) {
            true => text_response(404, "404 page not found\n"),
            false => status_response(status, accept::of_error(parts)),
        }
    }

    async fn stages(
        self: &Arc<Self>,
        parts: &Parts,
        body: Body,
        peer: &Peer,
    ) -> Result<Response<Body>, Status> {
        let info = RequestInfo::parse(&parts.method, parts.uri.path(), parts.uri.query())?;
        let (about, begun) = (About::of(&info, &self.kinds), Instant::now());
        let open = info.long_running().then(|| Open::begin(&about));
        let mut answer = self.authorized(&info, parts, body, peer).await;
        let code = answer.as_ref().map_or_else(status_code, Response::status);
        about.answered(code, open.is_none().then(|| begun.elapsed()));
        if let (Ok(response), Some(open)) = (&mut answer, open) {
            hold(response, open);
        }
        answer
    }

    /// The stages from authentication on.
    async fn authorized(
        self: &Arc<Self>,
        info: &RequestInfo,
        parts: &Parts,
        body: Body,
        peer: &Peer,
    ) -> Result<Response<Body>, Status> {
        let caller = self.authenticator.authenticate(&parts.headers, peer.identity.as_ref(), Time::now())?;
        let turn = self.flow.admit(class(info)).await?;
        let identity = self.impersonate(caller, &parts.headers)?;
        self.authorize(&identity, info)?;
        let answering = async {
            match self.route(info)? {
                Some(kind) => self.resource(info, kind, &identity, parts, body).await,
                None => self.page(info, parts).await,
            }
        };
        let mut response = if info.long_running() {
            answering.await?
        } else {
            let late = |_| Err(Status::timeout("request did not complete within the allotted timeout"));
            let answer = tokio::time::timeout(DEADLINE, answering).await.unwrap_or_else(late)?;
            // on the machine itself compression costs more than it saves
            if peer.addr.ip().is_loopback() { answer } else { compress(&parts.headers, answer).await }
        };
        hold(&mut response, turn);
        Ok(response)
    }

    /// The kind that a path names; none for paths that are no resource.
    fn route(&self, info: &RequestInfo) -> Result<Option<Arc<Kind>>, Status> {
        if !info.is_resource {
            return Ok(None);
        }
        let served = self.kinds.at(&info.group, &info.version, &info.resource);
        let kind = served.ok_or_else(Status::no_such_path)?;
        let in_namespace = !info.namespace.is_empty();
        let misplaced = match kind.namespaced() {
            true => !in_namespace && !info.name.is_empty(),
            false => in_namespace && kind.plural != "namespaces",
        };
        if misplaced { Err(Status::no_such_path()) } else { Ok(Some(kind.clone())) }
    }

    /// The stages of a request on a resource.
    async fn resource(
        self: &Arc<Self>,
        info: &RequestInfo,
        served: Arc<Kind>,
        identity: &Identity,
        parts: &Parts,
        body: Body,
    ) -> Result<Response<Body>, Status> {
        let kind = self.kinds.stored(&served).clone();
        let subresource = kind.subresource(&info.subresource);
        if let Some(Subresource::Connect { name: "proxy", .. }) = subresource {
            return self.proxy(info, &kind, parts, body).await;
        }
        if parts.method == Method::HEAD {
            return Err(Status::method_not_allowed());
        }
        if let Some(Subresource::Connect { verbs, .. }) = subresource {
            return self.connect(info, &kind, verbs, parts).await;
        }
        let form = Encoder::form(parts, info, &kind)?;
        let socket = match info.verb {
            "watch" => WebSocket::asked(parts)?,
            _ => None,
        };
        let mut call = Call::new(info, (kind.clone(), served.clone()), identity, Time::now())?;
        call.warnings.extend(served.deprecated.clone());
        let (body, rest) = Rest::of(body);
        let answer = match self.verb(&mut call, &parts.headers, body).await {
            Ok(answer) => answer,
            Err(status) if call.warnings.is_empty() => return Err(status),
            Err(status) => {
                rest.discard().await;
                let mut response = status_response(&status, accept::of_error(parts));
                warn(&mut response, &call.warnings);
                return Ok(response);
            }
        };
        let (kind, served) = match kind.subresource(&info.subresource) {
            Some(Subresource::Scale { .. }) => {
                let scale = Arc::new(kind.of_scale());
                (scale.clone(), scale)
            }
            _ => (kind, served),
        };
        let encoder = Encoder {
            kind,
            served,
            form,
            include_object: info.param("includeObject").to_owned(),
            now: call.now,
            stopping: self.stopping.subscribe(),
        };
        let mut response = encoder.respond(answer);
        if let Some(socket) = socket {
            let place = self.streams.place()?;
            return Ok(socket.serve(response.into_body(), form.encoding, place));
        }
        warn(&mut response, &call.warnings);
        Ok(response)
    }

    async fn verb(
        self: &Arc<Self>,
        call: &mut Call<'_>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        let kind = call.kind.clone();
        let info = call.info;
        if !info.subresource.is_empty() {
            let subresource = kind.subresource(&info.subresource).ok_or_else(Status::no_such_path)?;
            return self.on_subresource(call, subresource, headers, body).await;
        }
        if !kind.verbs.iter().any(|verb| verb.name() == info.verb) {
            return Err(Status::method_not_allowed());
        }
        match info.verb {
            "get" if kind.policy.observed => self.component(call).await,
            "list" if kind.policy.observed => self.list_components(call).await,
            "get" => self.get(call).await,
            "list" => self.list(call).await,
            "watch" => self.watch(call).await,
            "create" => {
                if kind.namespaced() && info.namespace.is_empty() || !info.name.is_empty() {
                    return Err(Status::method_not_allowed());
                }
                let object = self.decoded(call, headers, body).await?;
                if kind.policy.talk { self.talk(call, object).await } else { self.create(call, object).await }
            }
            "update" | "patch" => self.write(call, Part::Main, headers, body).await,
            "delete" => {
                let bytes = body::collect(body).await?;
                let options = delete_options(headers, &bytes, call, &schema_of)?;
                call.dry_run |= !options.dry_run.is_empty();
                call.warnings.extend(options.warning(&kind));
                self.delete(call, &options).await
            }
            "deletecollection" if kind.namespaced() && info.namespace.is_empty() => {
                Err(Status::method_not_allowed())
            }
            "deletecollection" => self.delete_collection(call, headers, body).await,
            _ => Err(Status::method_not_allowed()),
        }
    }

    /// Reads the whole object from the body, in the shape in which it is stored.
    async fn decoded(&self, call: &mut Call<'_>, headers: &HeaderMap, body: Body) -> Result<Value, Status> {
        let bytes = body::collect(body).await?;
        let served = call.served.clone();
        let version = served.api_version();
        let expected = (version.as_str(), served.kind.as_str());
        let mut parsed = body::decode(headers, &bytes, expected, &schema_of)?;
        self.shape(call, &mut parsed.value, &parsed.duplicates, &|why| body::cannot_handle(expected, why))?;
        Ok(parsed.value)
    }

    /// PUT and PATCH on an object, or on the part of it that a subresource is.
    async fn write(
        &self,
        call: &mut Call<'_>,
        part: Part,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        if call.info.name.is_empty() {
            return Err(Status::method_not_allowed());
        }
        if call.info.verb == "update" {
            let object = self.decoded(call, headers, body).await?;
            return self.update(call, part, Change::Replace(&object)).await;
        }
        let patch = call.patch(headers, body).await?;
        self.update(call, part, Change::Patch(&patch)).await
    }

    async fn on_subresource(
        self: &Arc<Self>,
        call: &mut Call<'_>,
        subresource: &Subresource,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        let verb = call.info.verb;
        match subresource {
            Subresource::Part(part) if !part.verbs.iter().any(|known| known.name() == verb) => {
                Err(Status::method_not_allowed())
            }
            Subresource::Part(_) if verb == "get" => self.get(call).await,
            Subresource::Part(part) => self.write(call, Part::Of(part), headers, body).await,
            Subresource::Scale { .. } => self.scale(call, subresource, headers, body).await,
            Subresource::Call { name, api_version, kind } if verb == "create" => {
                let document = read_as(call, (api_version, kind), headers, body).await?;
                self.call(call, name, document).await
            }
            _ => Err(Status::method_not_allowed()),
        }
    }

    async fn delete_collection(
        &self,
        call: &mut Call<'_>,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Answer, Status> {
        let bytes = body::collect(body).await?;
        let options = delete_options(headers, &bytes, call, &schema_of)?;
        call.dry_run |= !options.dry_run.is_empty();
        call.warnings.extend(options.warning(&call.kind));
        let Answer::List { list, token } = self.list(call).await? else {
            return Err(Status::method_not_allowed());
        };
        for entry in &list.items {
            let info = RequestInfo {
                name: entry.key.name.clone(),
                namespace: entry.key.namespace.clone(),
                ..call.info.clone()
            };
            let (kind, served) = (call.kind.clone(), call.served.clone());
            let one = Call { info: &info, kind, served, warnings: Vec::new(), ..*call };
            match self.delete(&one, &options).await {
                Err(status) if status.code != 404 => return Err(status),
                _ => {}
            }
        }
        Ok(Answer::List { list, token })
    }
}

/// Reads a document of another type than the call's kind, by its API version and kind.
pub(crate) async fn read_as(
    call: &mut Call<'_>,
    expected: (&str, &str),
    headers: &HeaderMap,
    body: Body,
) -> Result<Value, Status> {
    let bytes = body::collect(body).await?;
    let Parsed { mut value, duplicates } = body::decode(headers, &bytes, expected, &schema_of)?;
    let schema = schema_of(expected.0, expected.1).ok_or_else(Status::no_such_path)?;
    call.conform(&mut value, &duplicates, expected, &schema, &|why| body::cannot_handle(expected, why))?;
    Ok(value)
}

/// The class of a request in flow control.
fn class(info: &RequestInfo) -> Class {
    match info.path.as_str() {
        "/healthz" | "/livez" | "/readyz" => Class::Exempt,
        _ => Class::of(info.verb, &info.subresource),
    }
}

fn status_code(status: &Status) -> StatusCode {
    StatusCode::from_u16(status.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Keeps something until a request's answer is sent: its turn, or what counts it.
fn hold(response: &mut Response<Body>, held: impl Send + 'static) {
    let body = std::mem::take(response.body_mut());
    *response.body_mut() = body
        .map_frame(move |frame| {
            let _held = &held;
            frame
        })
        .boxed_unsync();
}

/// The schema of a document by its API version and kind, for protobuf bodies.
pub(crate) fn schema_of(api_version: &str, kind: &str) -> Option<Schema> {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    // the types of `meta` stand in the core group, and for all; its older version has the same
    let (group, version) = if group == "meta.k8s.io" { ("", "v1") } else { (group, version) };
    kinds::schema_by_kind(group, version, kind)
}
