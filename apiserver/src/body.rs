//! Request bodies: bounded, and decoded from JSON, YAML or protobuf into one form.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use kinds::Kind;
use object::{Parsed, PatchType, Status, Value, parse_json, parse_yaml, unwrap_unknown};
use parking_lot::Mutex;

/// The most a body may hold, in bytes (upstream's limit).
pub(crate) const MAX_BODY: usize = 3 * 1024 * 1024;

/// A body of requests and answers.
pub type Body = http_body_util::combinators::UnsyncBoxBody<Bytes, BodyError>;

/// A body that could not be read to its end.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct BodyError(Box<dyn std::error::Error + Send + Sync>);

impl BodyError {
    /// Wraps whatever made a body fail.
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// A whole body in memory.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Body {
    http_body_util::Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// How long a refused client may take to send the rest of its body.
const REST: Duration = Duration::from_secs(1);

/// A request's body, of which a [`Rest`] may be left.
struct Shared(Arc<Mutex<Body>>);

impl http_body::Body for Shared {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        Pin::new(&mut *self.0.lock()).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.lock().is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.lock().size_hint()
    }
}

/// What is left of a request's body when its reader is done with it.
pub(crate) struct Rest(Arc<Mutex<Body>>);

impl Rest {
    /// A body for its reader, and what that leaves.
    pub(crate) fn of(body: Body) -> (Body, Self) {
        let shared = Arc::new(Mutex::new(body));
        (Shared(shared.clone()).boxed_unsync(), Self(shared))
    }

    /// Throws the rest away, within bounds. An answer that overtakes the body makes HTTP/2 reset the stream, which
    /// some clients take for a failure.
    pub(crate) async fn discard(self) {
        let mut body = Shared(self.0);
        let reading = async {
            let mut read = 0;
            while read < MAX_BODY
                && let Some(Ok(frame)) = body.frame().await
            {
                read += frame.data_ref().map_or(0, Bytes::len);
            }
        };
        let _ = tokio::time::timeout(REST, reading).await;
    }
}

/// Reads a body up to [`MAX_BODY`].
pub(crate) async fn collect(body: Body) -> Result<Bytes, Status> {
    match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(e) if e.is::<http_body_util::LengthLimitError>() => Err(Status::too_large(MAX_BODY)),
        Err(e) => Err(Status::bad_request(format!("the request's body could not be read: {e}"))),
    }
}

/// The media type of the body, without parameters; JSON where none is stated.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let stated = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or(JSON);
    stated.split(';').next().unwrap_or_default().trim()
}

/// Decodes a document of a kind the caller knows. Protobuf needs that kind's schema; the others do not.
pub(crate) fn decode(
    headers: &HeaderMap,
    bytes: &[u8],
    schema: &dyn Fn(&str, &str) -> Option<object::Schema>,
) -> Result<Parsed, Status> {
    let malformed = |e: &dyn std::fmt::Display| {
        Status::bad_request(format!(
            "the object provided is unrecognized (must be of type JSON, YAML or protobuf): {e}"
        ))
    };
    match media_type(headers) {
        JSON => parse_json(bytes).map_err(|e| malformed(&e)),
        YAML | "application/x-yaml" | "text/yaml" => parse_yaml(bytes).map_err(|e| malformed(&e)),
        PROTOBUF => {
            let unknown = unwrap_unknown(bytes).map_err(|e| malformed(&e))?;
            let schema = schema(&unknown.api_version, &unknown.kind).ok_or_else(|| {
                Status::bad_request(format!(
                    "no kind {:?} is registered for version {:?}",
                    unknown.kind, unknown.api_version
                ))
            })?;
            let mut value = object::decode_proto(&schema, unknown.raw).map_err(|e| malformed(&e))?;
            if let Some(map) = value.as_object_mut() {
                map.insert("apiVersion".into(), unknown.api_version.into());
                map.insert("kind".into(), unknown.kind.into());
            }
            Ok(Parsed { value, duplicates: Vec::new() })
        }
        _ => Err(Status::unsupported_media_type(&[JSON, YAML, PROTOBUF].join(", "))),
    }
}

/// Decodes a patch: its type by the media type, its content as JSON (or YAML, which contains JSON).
pub(crate) fn decode_patch(headers: &HeaderMap, bytes: &[u8]) -> Result<(PatchType, Value), Status> {
    let kind = match media_type(headers) {
        "application/json-patch+json" => PatchType::Json,
        "application/merge-patch+json" => PatchType::Merge,
        "application/strategic-merge-patch+json" => PatchType::Strategic,
        _ => {
            return Err(Status::unsupported_media_type(
                "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json",
            ));
        }
    };
    let parsed = parse_json(bytes).map_err(|e| Status::bad_request(format!("error decoding patch: {e}")))?;
    Ok((kind, parsed.value))
}

/// Fills in or checks `apiVersion` and `kind` of a document against the kind the path names.
pub(crate) fn check_type(value: &mut Value, api_version: &str, kind: &str) -> Result<(), Status> {
    let Some(map) = value.as_object_mut() else {
        return Err(Status::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: json: cannot unmarshal {} into Go value of type {kind}",
            version_of(api_version),
            json_type(value),
        )));
    };
    for (field, expected) in [("apiVersion", api_version), ("kind", kind)] {
        match map.get(field).and_then(Value::as_str).unwrap_or_default() {
            "" => {
                map.insert(field.into(), expected.into());
            }
            found if found == expected => {}
            found if field == "apiVersion" => {
                return Err(Status::bad_request(format!(
                    "the API version in the data ({found}) does not match the expected API version ({expected})"
                )));
            }
            found => {
                return Err(Status::bad_request(format!(
                    "the kind in the data ({found}) does not match the expected kind ({expected})"
                )));
            }
        }
    }
    Ok(())
}

/// A decoding error in upstream's wrapping.
pub(crate) fn cannot_handle(kind: &Kind, error: impl std::fmt::Display) -> Status {
    Status::bad_request(format!(
        "{} in version {:?} cannot be handled as a {}: {error}",
        kind.kind, kind.version, kind.kind
    ))
}

fn version_of(api_version: &str) -> &str {
    api_version.rsplit('/').next().unwrap_or(api_version)
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::StreamExt;

    use super::*;

    #[tokio::test]
    async fn what_the_reader_left_is_read() {
        let read = Arc::new(AtomicUsize::new(0));
        let frames = futures::stream::iter(["a", "b", "c"]).map({
            let read = read.clone();
            move |text| {
                read.fetch_add(1, Ordering::Relaxed);
                Ok::<_, BodyError>(Frame::data(Bytes::from_static(text.as_bytes())))
            }
        });
        let (mut body, rest) = Rest::of(http_body_util::StreamBody::new(frames).boxed_unsync());
        assert!(body.frame().await.is_some());
        drop(body);
        rest.discard().await;
        assert_eq!(read.load(Ordering::Relaxed), 3);
    }
}
