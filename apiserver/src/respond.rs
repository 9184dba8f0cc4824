//! Answers in the form that the client asked for.

mod list;
mod table;
mod watch;

use std::sync::Arc;

use bytes::Bytes;
use cache::{List, Watcher};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use kinds::Kind;
use object::{Excerpt, Schema, Status, Time, Value};
use serde_json::json;

use crate::accept::{Form, negotiate};
use crate::api::Answer;
use crate::body::{Body, full};
use crate::request::RequestInfo;

const JSON: &str = "application/json";

/// What encoding an answer needs besides it.
#[derive(Clone)]
pub(crate) struct Encoder {
    pub(crate) kind: Arc<Kind>,
    pub(crate) form: Form,
    /// `includeObject` of a Table: `None`, `Metadata`, `Object`.
    pub(crate) include_object: String,
    pub(crate) now: Time,
    /// Looks up the schema of a document of another kind.
    pub(crate) schema: fn(&str, &str) -> Option<Schema>,
    /// Becomes true when the server stops.
    pub(crate) stopping: tokio::sync::watch::Receiver<bool>,
}

impl Encoder {
    /// Negotiates the form of the answer to a request on a resource.
    pub(crate) fn form(headers: &HeaderMap, info: &RequestInfo, kind: &Kind) -> Result<Form, Status> {
        let streams = info.verb == "watch";
        // What is only answered has no metadata to show.
        let shows = !kind.policy.talk;
        let can = [
            (Form::Json, true),
            (Form::Yaml, !streams),
            (Form::Protobuf, !streams),
            (Form::Table, shows),
            (Form::Metadata, shows),
        ];
        let can: Vec<Form> = can.into_iter().filter(|(_, can)| *can).map(|(form, _)| form).collect();
        negotiate(headers, &can)
    }

    /// The whole response, but for `Warning` headers.
    pub(crate) fn respond(&self, answer: Answer) -> Response<Body> {
        match answer {
            Answer::Saved { code, saved } => self.object(code, saved.document()),
            Answer::Entry(entry) => self.object(200, entry.document()),
            Answer::Document { code, value } => self.value(code, &value),
            Answer::Status(status) => status_response(&status),
            Answer::List { list, token } => self.list(list, token),
            Answer::Watch { watcher, bookmarks, until } => self.watch(watcher, bookmarks, until),
        }
    }

    fn object(&self, code: u16, document: Bytes) -> Response<Body> {
        if self.form == Form::Json {
            return response(code, JSON, full(document));
        }
        match serde_json::from_slice::<Value>(&document) {
            Ok(value) => self.value(code, &value),
            Err(e) => status_response(&Status::internal(e)),
        }
    }

    fn value(&self, code: u16, value: &Value) -> Response<Body> {
        match self.form {
            Form::Json | Form::Discovery | Form::OpenApi => json_response(code, value),
            Form::Yaml => response(code, "application/yaml", full(object::to_yaml(value))),
            Form::Protobuf => {
                let (api_version, kind) = type_of(value);
                match (self.schema)(api_version, kind) {
                    Some(schema) => {
                        let raw = object::encode_proto(&schema, value);
                        let wrapped = object::wrap_unknown(api_version, kind, &raw);
                        response(code, "application/vnd.kubernetes.protobuf", full(wrapped))
                    }
                    None => status_response(&Status::not_acceptable("application/json, application/yaml")),
                }
            }
            Form::Table if self.is_own(value) => {
                let (mut table, meta) = (Vec::new(), &value["metadata"]);
                let version = json!({"resourceVersion": meta["resourceVersion"]});
                self.write_table(std::slice::from_ref(value), &version, true, &mut table);
                response(code, JSON, full(table))
            }
            Form::Metadata if self.is_own(value) => {
                let mut out = Vec::new();
                table::write_metadata(value, &mut out);
                response(code, JSON, full(out))
            }
            Form::Table | Form::Metadata => json_response(code, value),
        }
    }

    fn is_own(&self, value: &Value) -> bool {
        type_of(value) == (self.kind.api_version().as_str(), self.kind.kind.as_str())
    }

    fn list(&self, list: List, token: Option<String>) -> Response<Body> {
        let mut meta = json!({"resourceVersion": list.revision.to_string()});
        if let Some(token) = token {
            meta["continue"] = token.into();
            if list.remaining > 0 {
                meta["remainingItemCount"] = list.remaining.into();
            }
        }
        let list_kind = format!("{}List", self.kind.kind);
        let api_version = self.kind.api_version();
        let items = list.items;
        match self.form {
            Form::Json => list::whole(&list::head(&list_kind, &api_version, &meta), items),
            Form::Table => {
                let (encoder, head) = (self.clone(), self.table_head(&meta, true));
                list::stream(head, items, self.row_excerpt(), move |object, out| {
                    encoder.write_row(object, out)
                })
            }
            Form::Metadata => {
                let head = list::head("PartialObjectMetadataList", "meta.k8s.io/v1", &meta);
                list::stream(head, items, Excerpt::of(&["metadata"]), table::write_metadata)
            }
            Form::Yaml | Form::Protobuf | Form::Discovery | Form::OpenApi => {
                let items: Vec<Value> = items.iter().filter_map(|entry| list::parsed(entry)).collect();
                self.value(
                    200,
                    &json!({"kind": list_kind, "apiVersion": api_version, "metadata": meta, "items": items}),
                )
            }
        }
    }

    fn watch(&self, watcher: Watcher, bookmarks: bool, until: tokio::time::Instant) -> Response<Body> {
        response(200, JSON, watch::stream(self.clone(), watcher, bookmarks, until))
    }
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

/// A JSON document.
pub(crate) fn json_response(code: u16, value: &Value) -> Response<Body> {
    response(code, JSON, full(value.to_string()))
}

/// A Status, with `Retry-After` and `WWW-Authenticate` where they belong.
pub(crate) fn status_response(status: &Status) -> Response<Body> {
    let mut response = json_response(status.code, &status.to_value());
    if let Some(seconds) = status.details.as_ref().and_then(|d| d.retry_after_seconds) {
        response.headers_mut().insert("retry-after", seconds.into());
    }
    response
}

/// Adds `Warning` headers (RFC 7234, code 299 as upstream sends them).
pub(crate) fn warn(response: &mut Response<Body>, warnings: &[String]) {
    for text in warnings {
        let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " ");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{escaped}\"")) {
            response.headers_mut().append("warning", value);
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;

    use super::*;

    #[test]
    fn what_is_only_answered_has_no_table() {
        let kinds = kinds::built_in();
        let check = |group, kind, accept: &'static str, code: Option<u16>| {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            let info = RequestInfo { verb: "create", ..RequestInfo::default() };
            let form = Encoder::form(&headers, &info, kinds.kind(group, kind).expect("a row"));
            assert_eq!(form.err().map(|status| status.code), code, "{kind} {accept}");
        };
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io";
        check("", "Pod", table, None);
        check("authorization.k8s.io", "SelfSubjectAccessReview", table, Some(406));
        check("authorization.k8s.io", "SelfSubjectAccessReview", "application/json", None);
    }
}
