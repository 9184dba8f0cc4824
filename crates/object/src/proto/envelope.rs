//! The envelope of an API object's protobuf encoding: four bytes and `runtime.Unknown`.

use super::ProtoError;
use super::wire::{Reader, Wire, put_bytes};

/// What every protobuf body begins with.
const PREFIX: &[u8] = b"k8s\0";

/// An API object in its envelope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unknown<'a> {
    /// API version of the object, e.g. `apps/v1`.
    pub api_version: String,
    /// Kind of the object.
    pub kind: String,
    /// The object's message.
    pub raw: &'a [u8],
    /// How `raw` is compressed; empty: it is not.
    pub content_encoding: String,
    /// Media type of `raw`; empty: protobuf.
    pub content_type: String,
}

/// Opens the envelope.
pub fn unwrap_unknown(bytes: &[u8]) -> Result<Unknown<'_>, ProtoError> {
    let mut reader = Reader(bytes.strip_prefix(PREFIX).ok_or(ProtoError::NoEnvelope)?);
    let mut unknown = Unknown::default();
    while let Some((tag, wire)) = reader.field()? {
        match (tag, wire) {
            (1, Wire::Bytes(meta)) => type_meta(&mut unknown, meta)?,
            (2, Wire::Bytes(raw)) => unknown.raw = raw,
            (3, Wire::Bytes(text)) => unknown.content_encoding = utf8("contentEncoding", text)?,
            (4, Wire::Bytes(text)) => unknown.content_type = utf8("contentType", text)?,
            (1..=4, _) => return Err(ProtoError::WireType("runtime.Unknown".into())),
            _ => {}
        }
    }
    Ok(unknown)
}

/// Puts an object's message into the envelope.
pub fn wrap_unknown(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut meta = Vec::with_capacity(api_version.len() + kind.len() + 4);
    put_bytes(&mut meta, 1, api_version.as_bytes());
    put_bytes(&mut meta, 2, kind.as_bytes());
    let mut out = Vec::with_capacity(raw.len() + meta.len() + 24);
    out.extend_from_slice(PREFIX);
    put_bytes(&mut out, 1, &meta);
    put_bytes(&mut out, 2, raw);
    put_bytes(&mut out, 3, b"");
    put_bytes(&mut out, 4, b"");
    out
}

/// Appends a frame of a watch: the length in four bytes, big-endian, and a `metav1.WatchEvent` with an object in its
/// envelope.
pub fn write_watch_event(kind: &str, wrapped: &[u8], out: &mut Vec<u8>) {
    let mut raw = Vec::with_capacity(wrapped.len() + 8);
    put_bytes(&mut raw, 1, wrapped);
    let mut event = Vec::with_capacity(raw.len() + kind.len() + 16);
    put_bytes(&mut event, 1, kind.as_bytes());
    put_bytes(&mut event, 2, &raw);
    out.extend_from_slice(&u32::try_from(event.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&event);
}

fn type_meta(unknown: &mut Unknown<'_>, bytes: &[u8]) -> Result<(), ProtoError> {
    let mut reader = Reader(bytes);
    while let Some((tag, wire)) = reader.field()? {
        match (tag, wire) {
            (1, Wire::Bytes(text)) => unknown.api_version = utf8("apiVersion", text)?,
            (2, Wire::Bytes(text)) => unknown.kind = utf8("kind", text)?,
            (1 | 2, _) => return Err(ProtoError::WireType("typeMeta".into())),
            _ => {}
        }
    }
    Ok(())
}

/// Text of a field.
pub(super) fn utf8(field: &str, bytes: &[u8]) -> Result<String, ProtoError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| ProtoError::Value(field.to_owned()))
}
