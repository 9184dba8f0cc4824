//! Request bodies: bounded, and decoded from JSON, YAML or protobuf into one form.

mod type_meta;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, Limited};
use object::{Parsed, PatchType, Schema, Status, Value, parse_json, parse_yaml, unwrap_unknown};
use parking_lot::Mutex;

pub(crate) use type_meta::check_type;
use type_meta::{no_kind, of_another_type, stated_type, unrecognized, version_of};

use crate::patch::Patch;

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

/// The media type of the body, without parameters; JSON where none is stated. What is no text is of no type.
pub(crate) fn media_type(headers: &HeaderMap) -> &str {
    let stated = headers.get(CONTENT_TYPE).map_or(JSON, |value| value.to_str().unwrap_or("*"));
    let stated = if stated.is_empty() { JSON } else { stated };
    stated.split(';').next().unwrap_or_default().trim()
}

/// The beginning of a body as messages show it: JSON as it is, anything else in hexadecimal digits.
fn summary(bytes: &[u8]) -> String {
    const SHOWN: usize = 30;
    let start = &bytes[..bytes.len().min(SHOWN)];
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => format!("{}{more}", String::from_utf8_lossy(start)),
        Some(_) => format!("{}{more}", start.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// Finds the schema of a type by its API version and kind.
pub(crate) type SchemaOf<'a> = &'a dyn Fn(&str, &str) -> Option<Schema>;

/// Why a body is not read.
enum Unread {
    /// It is of a media type that nobody reads.
    MediaType(Status),
    /// It is no document, and what the decoder says.
    Malformed(String),
    /// It is a document of a type that is not known: its API version and kind.
    Unknown(String, String),
}

/// Decodes a document of a kind the caller knows, by its API version and name. Protobuf needs that kind's schema; the
/// others do not.
pub(crate) fn decode(
    headers: &HeaderMap,
    bytes: &[u8],
    expected: (&str, &str),
    schema: SchemaOf<'_>,
) -> Result<Parsed, Status> {
    read(headers, bytes, schema).map_err(|unread| match unread {
        Unread::MediaType(status) => status,
        Unread::Malformed(why) => unrecognized(expected.1, &format!("{why} ({})", summary(bytes))),
        Unread::Unknown(version, kind) => Status::bad_request(of_another_type((&version, &kind), expected)),
    })
}

/// Decodes the options of a deletion, which may come as those of any group.
pub(crate) fn decode_options(
    headers: &HeaderMap,
    bytes: &[u8],
    schema: SchemaOf<'_>,
) -> Result<Value, Status> {
    const KIND: &str = "DeleteOptions";
    let unknown = |version: &str, kind: &str| Status::bad_request(no_kind(version, kind));
    let mut options = match read(headers, bytes, schema) {
        Ok(parsed) => parsed.value,
        Err(Unread::MediaType(status)) => return Err(status),
        Err(Unread::Malformed(why)) => return Err(Status::bad_request(why)),
        Err(Unread::Unknown(version, kind)) => return Err(unknown(&version, &kind)),
    };
    let (version, kind) = stated_type(&options).map_err(Status::bad_request)?;
    if !matches!(kind, "" | KIND) {
        return Err(unknown(if version.is_empty() { "meta.k8s.io/v1" } else { version }, kind));
    }
    if options.is_null() {
        options = Value::Object(object::Map::new());
    }
    if let Some(schema) = schema("v1", KIND) {
        object::conform(&schema, &mut options).map_err(|e| Status::bad_request(e.to_string()))?;
    }
    Ok(options)
}

fn read(headers: &HeaderMap, bytes: &[u8], schema: SchemaOf<'_>) -> Result<Parsed, Unread> {
    let malformed = |e: &dyn std::fmt::Display| Unread::Malformed(e.to_string());
    let parsed = match media_type(headers).to_ascii_lowercase().as_str() {
        JSON => parse_json(bytes)
            .map_err(|e| malformed(&format_args!("couldn't get version/kind; json parse error: {e}")))?,
        YAML => parse_yaml(bytes).map_err(|e| malformed(&e))?,
        PROTOBUF => {
            if bytes.is_empty() {
                return Err(malformed(&"empty data"));
            }
            let unknown = unwrap_unknown(bytes).map_err(|e| malformed(&e))?;
            let (api_version, kind) = (unknown.api_version, unknown.kind);
            let Some(schema) = schema(&api_version, &kind) else {
                return Err(Unread::Unknown(api_version, kind));
            };
            let mut value = object::decode_proto(&schema, unknown.raw).map_err(|e| malformed(&e))?;
            if let Some(map) = value.as_object_mut() {
                map.insert("apiVersion".into(), api_version.into());
                map.insert("kind".into(), kind.into());
            }
            Parsed { value, duplicates: Vec::new() }
        }
        _ => {
            let read = [JSON, YAML, PROTOBUF].join(", ");
            return Err(Unread::MediaType(Status::unsupported_media_type(&read)));
        }
    };
    stated_type(&parsed.value).map_err(Unread::Malformed)?;
    Ok(parsed)
}

/// The type of a patch, by the media type.
pub(crate) fn patch_type(headers: &HeaderMap) -> Result<PatchType, Status> {
    match media_type(headers) {
        "application/json-patch+json" => Ok(PatchType::Json),
        "application/merge-patch+json" => Ok(PatchType::Merge),
        "application/strategic-merge-patch+json" => Ok(PatchType::Strategic),
        _ => Err(Status::unsupported_media_type(
            "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json",
        )),
    }
}

/// Decodes a patch of this type, whose content is JSON.
pub(crate) fn decode_patch(kind: PatchType, bytes: &[u8]) -> Result<Patch, Status> {
    let parsed = parse_json(bytes).map_err(|e| match kind {
        PatchType::Strategic => Status::bad_request(e.to_string()),
        PatchType::Json | PatchType::Merge => Status::bad_request(format!("error decoding patch: {e}")),
    })?;
    // of a list of operations it is told neither by its name nor by its place
    let duplicates = if kind == PatchType::Json { Vec::new() } else { parsed.duplicates };
    Ok(Patch { kind, document: parsed.value, duplicates })
}

/// A decoding error in upstream's wrapping, about a document of this API version and kind.
pub(crate) fn cannot_handle((api_version, kind): (&str, &str), error: impl std::fmt::Display) -> Status {
    let version = version_of(api_version);
    Status::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::StreamExt;
    use proptest::prelude::*;

    use super::*;
    use crate::deletion::DeleteOptions;

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

    #[test]
    fn beginnings_of_bodies_are_shown() {
        assert_eq!(summary(b""), "<empty>");
        assert_eq!(summary(b"{\"a\":\xff"), "{\"a\":\u{fffd}");
        assert_eq!(summary(&[b'['; 31]), format!("{} ...", "5b".repeat(30)));
    }

    /// JSON of options of deletions, with values that do not belong.
    fn options() -> impl Strategy<Value = String> {
        let fields =
            ["gracePeriodSeconds", "propagationPolicy", "orphanDependents", "dryRun", "preconditions"];
        let field = prop::sample::select([&fields[..], &["apiVersion", "kind", "other"]].concat());
        let value = prop::sample::select(vec![
            "null",
            "{}",
            "[]",
            "{\"uid\":\"u\"}",
            "{\"uid\":1}",
            "[\"All\"]",
            "[null]",
            "\"Orphan\"",
            "\"v1\"",
            "\"DeleteOptions\"",
            "\"a/b/c\"",
            "-1",
            "9223372036854775808",
            "1.5",
            "true",
            "\"",
            "1e400",
        ]);
        prop::collection::vec((field, value), 0..6).prop_map(|entries| {
            let entries: Vec<String> =
                entries.iter().map(|(field, value)| format!("{field:?}:{value}")).collect();
            format!("{{{}}}", entries.join(","))
        })
    }

    proptest! {
        #[test]
        fn options_are_read_or_refused(text in options()) {
            match decode_options(&HeaderMap::new(), text.as_bytes(), &crate::pipeline::schema_of) {
                Err(status) => prop_assert_eq!(status.code, 400),
                Ok(options) => {
                    let options: DeleteOptions = serde_json::from_value(options).expect("they fit the schema");
                    if let Err(status) = options.check() {
                        prop_assert_eq!(status.code, 422);
                    }
                }
            }
        }

        #[test]
        fn what_is_taken_is_of_the_type_that_was_asked_for(text in options()) {
            let Ok(Parsed { mut value, .. }) = parse_json(text.as_bytes()) else { return Ok(()) };
            match check_type(&mut value, "v1", "DeleteOptions") {
                Ok(()) => prop_assert_eq!((&value["apiVersion"], &value["kind"]), (&"v1".into(), &"DeleteOptions".into())),
                Err(status) => prop_assert_eq!(status.code, 400),
            }
        }
    }
}
