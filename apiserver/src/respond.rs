//! Answers in the form that the client asked for.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use cache::{Entry, List, WatchItem, Watcher};
use futures::stream;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kinds::Kind;
use object::{Schema, Status, Time, Value};
use serde_json::json;

use crate::accept::{Form, negotiate};
use crate::api::Answer;
use crate::body::{Body, BodyError, full};
use crate::request::RequestInfo;

const JSON: &str = "application/json";

/// How much of a list is in memory at once beyond the cache.
const CHUNK: usize = 64 * 1024;

/// Time between bookmarks on a quiet watch.
const BOOKMARK_EVERY: Duration = Duration::from_secs(50);

/// What encoding an answer needs besides it.
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
                json_response(code, &self.table(std::slice::from_ref(value), &value["metadata"], true))
            }
            Form::Metadata if self.is_own(value) => json_response(code, &metadata_only(value)),
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
        match self.form {
            Form::Json => stream_list(&self.kind.api_version(), &list_kind, &meta, list.items),
            Form::Table => {
                let objects: Vec<Value> = parsed(&list.items).collect();
                json_response(200, &self.table(&objects, &meta, true))
            }
            Form::Metadata => {
                let items: Vec<Value> = parsed(&list.items).map(|object| metadata_only(&object)).collect();
                let kind = "PartialObjectMetadataList";
                json_response(
                    200,
                    &json!({"kind": kind, "apiVersion": "meta.k8s.io/v1", "metadata": meta, "items": items}),
                )
            }
            Form::Yaml | Form::Protobuf | Form::Discovery | Form::OpenApi => {
                let items: Vec<Value> = parsed(&list.items).collect();
                self.value(200, &json!({"kind": list_kind, "apiVersion": self.kind.api_version(), "metadata": meta, "items": items}))
            }
        }
    }

    /// A Table of these objects; watches send the column definitions only once.
    fn table(&self, objects: &[Value], meta: &Value, with_columns: bool) -> Value {
        let columns: Vec<Value> = match with_columns {
            true => kinds::table_columns(&self.kind),
            false => Vec::new(),
        };
        let rows: Vec<Value> = objects.iter().map(|object| self.row(object)).collect();
        let mut table = json!({
            "kind": "Table", "apiVersion": "meta.k8s.io/v1",
            "metadata": {"resourceVersion": meta["resourceVersion"]},
            "columnDefinitions": columns, "rows": rows,
        });
        for field in ["continue", "remainingItemCount"] {
            if let Some(value) = meta.get(field) {
                table["metadata"][field] = value.clone();
            }
        }
        table
    }

    fn row(&self, object: &Value) -> Value {
        let cells = kinds::table_row(&self.kind, object, self.now);
        match self.include_object.as_str() {
            "None" => json!({"cells": cells}),
            "Object" => json!({"cells": cells, "object": object}),
            _ => json!({"cells": cells, "object": metadata_only(object)}),
        }
    }

    fn watch(&self, watcher: Watcher, bookmarks: bool, until: tokio::time::Instant) -> Response<Body> {
        let state = WatchState {
            encoder: WatchEncoder {
                encoder: Encoder {
                    kind: self.kind.clone(),
                    form: self.form,
                    include_object: self.include_object.clone(),
                    now: self.now,
                    schema: self.schema,
                    stopping: self.stopping.clone(),
                },
                columns_sent: false,
            },
            watcher,
            bookmarks,
            until,
            stopping: self.stopping.clone(),
        };
        let frames = stream::unfold(state, |mut state| async move {
            let bytes = state.next().await?;
            Some((Ok::<_, BodyError>(Frame::data(bytes)), state))
        });
        response(200, JSON, StreamBody::new(frames).boxed_unsync())
    }
}

struct WatchState {
    encoder: WatchEncoder,
    watcher: Watcher,
    bookmarks: bool,
    until: tokio::time::Instant,
    stopping: tokio::sync::watch::Receiver<bool>,
}

impl WatchState {
    /// The next frames in one piece; none when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        let mut quiet_until = tokio::time::Instant::now() + BOOKMARK_EVERY;
        loop {
            let items = tokio::select! {
                items = self.watcher.next() => items?,
                () = tokio::time::sleep_until(quiet_until), if self.bookmarks => {
                    quiet_until += BOOKMARK_EVERY;
                    self.watcher.bookmark().into_iter().collect()
                }
                () = tokio::time::sleep_until(self.until) => return None,
                _ = self.stopping.wait_for(|stop| *stop) => return None,
            };
            let mut out = Vec::new();
            for item in items {
                if self.bookmarks || !matches!(item, WatchItem::Bookmark(_)) {
                    self.encoder.write(&item, &mut out);
                }
            }
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    }
}

struct WatchEncoder {
    encoder: Encoder,
    columns_sent: bool,
}

impl WatchEncoder {
    fn write(&mut self, item: &WatchItem, out: &mut Vec<u8>) {
        let plain = self.encoder.form == Form::Json;
        if plain
            || matches!(item, WatchItem::Bookmark(_) | WatchItem::InitialEventsEnd(_))
                && self.encoder.form != Form::Table
        {
            item.encode(&self.encoder.kind, out);
            return;
        }
        let mut frame = Vec::new();
        item.encode(&self.encoder.kind, &mut frame);
        let Ok(mut frame) = serde_json::from_slice::<Value>(&frame) else { return };
        let object = frame["object"].take();
        self.encoder.now = Time::now();
        frame["object"] = match self.encoder.form {
            Form::Table if frame["type"] == "BOOKMARK" => self.encoder.table(&[], &object["metadata"], false),
            Form::Table => {
                let first = !std::mem::replace(&mut self.columns_sent, true);
                self.encoder.table(std::slice::from_ref(&object), &object["metadata"], first)
            }
            _ => metadata_only(&object),
        };
        if serde_json::to_writer(&mut *out, &frame).is_ok() {
            out.push(b'\n');
        }
    }
}

fn parsed(entries: &[Arc<Entry>]) -> impl Iterator<Item = Value> {
    entries.iter().filter_map(|entry| serde_json::from_slice(&entry.document()).ok())
}

fn type_of(value: &Value) -> (&str, &str) {
    (value["apiVersion"].as_str().unwrap_or_default(), value["kind"].as_str().unwrap_or_default())
}

fn metadata_only(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

/// A list in pieces of about [`CHUNK`], whatever its size.
fn stream_list(api_version: &str, kind: &str, meta: &Value, items: Vec<Arc<Entry>>) -> Response<Body> {
    let head = format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{meta},"items":["#);
    const TAIL: &[u8] = b"]}\n";
    let commas = items.len().saturating_sub(1);
    let length = head.len() + TAIL.len() + commas + items.iter().map(|e| e.served_len()).sum::<usize>();
    let pieces = stream::unfold(
        (Some(head), items.into_iter().enumerate().peekable()),
        |(head, mut items)| async move {
            let first = head.is_some();
            if !first && items.peek().is_none() {
                return None;
            }
            let mut out = head
                .map_or_else(|| BytesMut::with_capacity(CHUNK + CHUNK / 4), |h| BytesMut::from(h.as_bytes()));
            while out.len() < CHUNK
                && let Some((index, entry)) = items.next()
            {
                if index > 0 {
                    out.extend_from_slice(b",");
                }
                entry.write_to(&mut out);
            }
            if items.peek().is_none() {
                out.extend_from_slice(TAIL);
            }
            Some((Ok::<_, BodyError>(Frame::data(out.freeze())), (None, items)))
        },
    );
    let mut response = response(200, JSON, StreamBody::new(pieces).boxed_unsync());
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
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
