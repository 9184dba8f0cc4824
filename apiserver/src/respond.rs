//! Answers in the form that the client asked for.

mod compress;
mod every;
mod indent;
mod list;
mod table;
mod warnings;
mod watch;
mod web_socket;

use std::sync::Arc;

pub(crate) use compress::compress;
pub(crate) use every::finish;
pub(crate) use warnings::warn;
pub(crate) use web_socket::WebSocket;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Response, StatusCode};
use indent::indent;
use kinds::Kind;
use list::List;
use object::{Excerpt, Reason, Status, Time, Value};
use serde_json::json;

use crate::accept::{Encoding, Form, JSON, PROTOBUF, STREAMED, Shape, YAML, negotiate};
use crate::api::Answer;
use crate::body::{Body, full};
use crate::pipeline::schema_of;
use crate::request::RequestInfo;
use crate::write::show;

/// What encoding an answer needs besides it.
#[derive(Clone)]
pub(crate) struct Encoder {
    /// Whose objects are shown.
    pub(crate) kind: Arc<Kind>,
    /// The row as which they are shown.
    pub(crate) served: Arc<Kind>,
    pub(crate) form: Form,
    /// `includeObject` of a Table: `None`, `Metadata`, `Object`.
    pub(crate) include_object: String,
    pub(crate) now: Time,
    /// Becomes true when the server stops.
    pub(crate) stopping: tokio::sync::watch::Receiver<bool>,
}

impl Encoder {
    /// Negotiates the form of the answer to a request on a resource.
    pub(crate) fn form(parts: &Parts, info: &RequestInfo, kind: &Kind) -> Result<Form, Status> {
        // what is only answered has no metadata to show
        let shows = !kind.policy.talk;
        let form = negotiate(parts, |form| match (form.shape, form.encoding) {
            (_, Encoding::OpenApi) | (Shape::Discovery, _) => false,
            (Shape::Table(_), Encoding::Protobuf) => false,
            (Shape::Whole, _) => true,
            (Shape::Table(_) | Shape::Metadata(_) | Shape::MetadataList(_), _) => shows,
        })?;
        if info.verb == "watch" && form.encoding == Encoding::Yaml {
            return Err(Status::not_acceptable(STREAMED));
        }
        if matches!(form.shape, Shape::Table(_)) {
            table::check_included(info.param("includeObject"))?;
        }
        // nobody indents events
        Ok(if info.verb == "watch" { form.unindented() } else { form })
    }

    /// The whole response, but for `Warning` headers.
    pub(crate) fn respond(&self, answer: Answer) -> Response<Body> {
        match answer {
            Answer::Saved { code, saved } => self.object(code, saved.document()),
            Answer::Entry(entry) => self.object(200, entry.document()),
            Answer::Document { code, value } => self.value(code, value),
            Answer::Status(status) => status_response(&status, self.form.encoding),
            Answer::List { list, token } => self.list(list, token),
            Answer::Watch { watcher, bookmarks, until } => {
                self.stream(watch::stream(self.clone(), watcher, bookmarks, until))
            }
            Answer::Broken(status) => self.stream(full(watch::broken(&status, self.form.encoding))),
        }
    }

    /// Whether stored documents are served as they are, or indented.
    fn is_as_stored(&self) -> bool {
        self.form.unindented() == Form::JSON && self.served.storage.is_none()
    }

    /// A document as it is served, where it is a stored one.
    fn shown(&self, value: Value) -> Value {
        if self.is_own(&value) { show(&self.served, value) } else { value }
    }

    fn object(&self, code: u16, document: Bytes) -> Response<Body> {
        match self.form.encoding {
            Encoding::Json if self.is_as_stored() => return response(code, JSON, full(document)),
            Encoding::Indented if self.is_as_stored() => return indented(code, &document),
            _ => {}
        }
        match serde_json::from_slice::<Value>(&document) {
            Ok(value) => self.value(code, value),
            Err(e) => status_response(&Status::internal(e), self.form.encoding),
        }
    }

    /// A stored document, or one that is only answered.
    fn value(&self, code: u16, value: Value) -> Response<Body> {
        let document = match self.form.shape {
            Shape::Table(_) if self.is_own(&value) => {
                let version = json!({"resourceVersion": value["metadata"]["resourceVersion"]});
                self.table(version, true).with(vec![self.row(value)])
            }
            Shape::Metadata(_) if self.is_own(&value) => self.metadata(value),
            Shape::MetadataList(_) if self.is_own(&value) => {
                let found = format!("not a list ({})", go_type(&self.served));
                return self.misshapen("PartialObjectMetadataList", &found);
            }
            _ => self.shown(value),
        };
        document_response(code, &document, self.form.encoding)
    }

    /// 406, where a shape was asked for that this answer cannot have.
    fn misshapen(&self, requested: &str, found: &str) -> Response<Body> {
        let text = format!("you requested {requested}, but the requested object is {found}");
        status_response(&Status::new(406, Reason::NotAcceptable, text), self.form.encoding)
    }

    fn is_own(&self, value: &Value) -> bool {
        type_of(value) == (self.kind.api_version().as_str(), self.kind.kind.as_str())
    }

    fn list(&self, list: cache::List, token: Option<String>) -> Response<Body> {
        let mut meta = json!({"resourceVersion": list.revision.to_string()});
        if let Some(token) = token {
            meta["continue"] = token.into();
            if list.remaining > 0 {
                meta["remainingItemCount"] = list.remaining.into();
            }
        }
        let items = list.items;
        let list_of = |kind: &str, api_version: &str| List::new(kind, api_version, meta.clone(), "items");
        let whole = list_of(&format!("{}List", self.served.kind), &self.served.api_version());
        let is_indented = self.form.encoding == Encoding::Indented;
        if self.is_as_stored() {
            return if is_indented {
                whole.response_indented(items)
            } else {
                whole.response_as_stored(items)
            };
        }
        let encoder = self.clone();
        let (around, excerpt, item): (_, _, list::Item) = match self.form.shape {
            Shape::Table(_) => {
                (self.table(meta, true), self.row_excerpt(), Box::new(move |object| encoder.row(object)))
            }
            Shape::MetadataList(version) => (
                list_of("PartialObjectMetadataList", version.api_version()),
                Excerpt::of(&["metadata"]),
                Box::new(move |object| encoder.metadata(object)),
            ),
            Shape::Metadata(_) => {
                let found = format!("a list ({}List)", go_type(&self.served));
                return self.misshapen("PartialObjectMetadata", &found);
            }
            Shape::Whole | Shape::Discovery => {
                (whole, Excerpt::default(), Box::new(move |object| untyped(encoder.shown(object))))
            }
        };
        match self.form.encoding {
            Encoding::Json | Encoding::Indented => around.response(items, excerpt, item, is_indented),
            encoding => document_response(200, &around.with(list::collect(items, &excerpt, item)), encoding),
        }
    }

    /// The response of a watch with these frames.
    fn stream(&self, frames: Body) -> Response<Body> {
        let media_type = match self.form.encoding {
            Encoding::Protobuf => "application/vnd.kubernetes.protobuf;stream=watch",
            _ => JSON,
        };
        response(200, media_type, frames)
    }
}

/// The type that upstream has for the objects of a kind, as its messages name it.
fn go_type(kind: &Kind) -> String {
    let package = match kind.group.split('.').next().unwrap_or_default() {
        "" | "events" => "core",
        package => package,
    };
    format!("*{package}.{}", kind.kind)
}

/// An item of a list, whose type the list states for all.
fn untyped(mut item: Value) -> Value {
    if let Some(map) = item.as_object_mut() {
        map.remove("apiVersion");
        map.remove("kind");
    }
    item
}

/// A document in protobuf, in the envelope that says what it is; none where its type is unknown.
pub(super) fn proto(value: &Value) -> Option<Vec<u8>> {
    let (api_version, kind) = type_of(value);
    // some of the documents by which clients find their way state no version
    let version = if api_version.is_empty() { "v1" } else { api_version };
    let raw = object::encode_proto(&schema_of(version, kind)?, value);
    Some(object::wrap_unknown(api_version, kind, &raw))
}

fn type_of(value: &Value) -> (&str, &str) {
    (value["apiVersion"].as_str().unwrap_or_default(), value["kind"].as_str().unwrap_or_default())
}

/// A response with a body of a media type.
pub(crate) fn response(code: u16, media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    response
}

/// A text.
pub(crate) fn text_response(code: u16, text: &str) -> Response<Body> {
    let mut response = response(code, "text/plain; charset=utf-8", full(text.to_owned()));
    let options = HeaderName::from_static("x-content-type-options");
    response.headers_mut().insert(options, HeaderValue::from_static("nosniff"));
    response
}

/// A JSON document for people, whoever asks for it.
pub(crate) fn indented(code: u16, json: &[u8]) -> Response<Body> {
    let mut out = Vec::with_capacity(2 * json.len());
    indent(json, 0, &mut out);
    response(code, JSON, full(out))
}

fn json_response(code: u16, value: &Value) -> Response<Body> {
    response(code, JSON, full(value.to_string()))
}

/// A document in an encoding; one that protobuf cannot carry is JSON.
pub(crate) fn document_response(code: u16, value: &Value, encoding: Encoding) -> Response<Body> {
    match encoding {
        Encoding::Yaml => response(code, YAML, full(object::to_yaml(value))),
        Encoding::Protobuf => match proto(value) {
            Some(wrapped) => response(code, PROTOBUF, full(wrapped)),
            None => json_response(code, value),
        },
        Encoding::Indented => indented(code, value.to_string().as_bytes()),
        Encoding::Json | Encoding::OpenApi => json_response(code, value),
    }
}

/// A Status, with `Retry-After` where it belongs.
pub(crate) fn status_response(status: &Status, encoding: Encoding) -> Response<Body> {
    let mut response = document_response(status.code, &status.to_value(), encoding);
    if let Some(seconds) = status.details.as_ref().and_then(|d| d.retry_after_seconds) {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn what_is_only_answered_has_no_table() {
        let kinds = kinds::built_in();
        let check = |group, kind, accept: &'static str, code: Option<u16>| {
            let request = http::Request::get("/").header(ACCEPT, accept).body(()).expect("a request");
            let info = RequestInfo { verb: "create", ..RequestInfo::default() };
            let form = Encoder::form(&request.into_parts().0, &info, kinds.kind(group, kind).expect("a row"));
            assert_eq!(form.err().map(|status| status.code), code, "{kind} {accept}");
        };
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        check("", "Pod", table, None);
        check("authorization.k8s.io", "SelfSubjectAccessReview", table, Some(406));
        check("authorization.k8s.io", "SelfSubjectAccessReview", "application/json", None);
    }
}
