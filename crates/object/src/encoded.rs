//! The stored form of an object: canonical bytes with a seam for the revision, which is known only at commit.

use std::io::Write;

use bytes::Bytes;

use crate::{Map, Value};

const SEAM: &[u8] = b"\"metadata\":{";
const FIRST: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// Canonical bytes of an object without `metadata.resourceVersion`, and where that belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The object: `apiVersion`, `kind` and `metadata` first, then all other keys sorted; no white space.
    pub bytes: Bytes,
    /// Offset in bytes just behind `"metadata":{`.
    pub split: u32,
}

/// The canonical bytes of an object. `metadata` is written even where the object has none.
pub fn encode(object: &Value) -> Encoded {
    let empty = Map::new();
    let map = object.as_object().unwrap_or(&empty);
    let metadata = map.get("metadata").and_then(Value::as_object).unwrap_or(&empty);
    let mut out = Vec::with_capacity(1024);
    out.push(b'{');
    for name in &FIRST[..2] {
        if let Some(value) = map.get(*name) {
            write_entry(&mut out, name, value);
        }
    }
    write_comma(&mut out);
    out.extend_from_slice(SEAM);
    let split = u32::try_from(out.len()).unwrap_or(u32::MAX);
    write_entries(&mut out, metadata, &["resourceVersion"]);
    out.push(b'}');
    write_entries(&mut out, map, &FIRST);
    out.push(b'}');
    // kept for as long as the object lives: without the spare room of its making
    Encoded { bytes: out.into_boxed_slice().into(), split }
}

fn write_entries(out: &mut Vec<u8>, map: &Map, but: &[&str]) {
    for (name, value) in map.iter().filter(|(name, _)| !but.contains(&name.as_str())) {
        write_entry(out, name, value);
    }
}

fn write_entry(out: &mut Vec<u8>, name: &str, value: &Value) {
    write_comma(out);
    serde_json::to_writer(&mut *out, name).expect("a Vec takes all writes");
    out.push(b':');
    serde_json::to_writer(out, value).expect("a Vec takes all writes");
}

fn write_comma(out: &mut Vec<u8>) {
    if out.last() != Some(&b'{') {
        out.push(b',');
    }
}

impl Encoded {
    /// Canonical bytes read back; `None` where they have no seam. The first occurrence is the right one: only
    /// `apiVersion` and `kind` stand before it, and inside their texts a quote would be escaped.
    pub fn from_bytes(bytes: Bytes) -> Option<Encoded> {
        let at = bytes.windows(SEAM.len()).position(|window| window == SEAM)?;
        let split = u32::try_from(at + SEAM.len()).ok()?;
        Some(Encoded { bytes, split })
    }

    /// The bytes before the seam, shared.
    pub fn head(&self) -> Bytes {
        self.bytes.slice(..self.split as usize)
    }

    /// The bytes behind the seam, shared.
    pub fn tail(&self) -> Bytes {
        self.bytes.slice(self.split as usize..)
    }

    /// The object as clients get it at this revision.
    pub fn served(&self, revision: u64) -> Vec<u8> {
        let (head, tail) = self.bytes.split_at(self.split as usize);
        let comma = if tail.first() == Some(&b'}') { "" } else { "," };
        let mut out = Vec::with_capacity(self.bytes.len() + 42);
        out.extend_from_slice(head);
        write!(out, "\"resourceVersion\":\"{revision}\"{comma}").expect("a Vec takes all writes");
        out.extend_from_slice(tail);
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::documents;

    fn check(object: Value, stored: &str, served: &str) {
        let encoded = encode(&object);
        assert_eq!(std::str::from_utf8(&encoded.bytes).unwrap(), stored);
        assert_eq!(String::from_utf8(encoded.served(17)).unwrap(), served);
        assert_eq!(Encoded::from_bytes(encoded.bytes.clone()), Some(encoded));
    }

    #[test]
    fn canonical_bytes() {
        check(
            json!({"spec": {"b": 1, "a": 2}, "data": {}, "kind": "K", "apiVersion": "v1",
                   "metadata": {"name": "n", "resourceVersion": "5", "labels": {"z": "1", "a": "2"}}}),
            r#"{"apiVersion":"v1","kind":"K","metadata":{"labels":{"a":"2","z":"1"},"name":"n"},"data":{},"spec":{"a":2,"b":1}}"#,
            r#"{"apiVersion":"v1","kind":"K","metadata":{"resourceVersion":"17","labels":{"a":"2","z":"1"},"name":"n"},"data":{},"spec":{"a":2,"b":1}}"#,
        );
    }

    #[test]
    fn little_or_no_metadata() {
        let served = r#"{"kind":"K","metadata":{"resourceVersion":"17"}}"#;
        check(
            json!({"kind": "K", "metadata": {"resourceVersion": "1"}}),
            r#"{"kind":"K","metadata":{}}"#,
            served,
        );
        check(json!({"kind": "K"}), r#"{"kind":"K","metadata":{}}"#, served);
        check(json!({}), r#"{"metadata":{}}"#, r#"{"metadata":{"resourceVersion":"17"}}"#);
    }

    #[test]
    fn texts_that_look_like_the_seam() {
        check(
            json!({"kind": "\"metadata\":{", "metadata": {"name": "a"}, "a": {"metadata": {}}}),
            r#"{"kind":"\"metadata\":{","metadata":{"name":"a"},"a":{"metadata":{}}}"#,
            r#"{"kind":"\"metadata\":{","metadata":{"resourceVersion":"17","name":"a"},"a":{"metadata":{}}}"#,
        );
    }

    #[test]
    fn bytes_without_seam() {
        assert_eq!(Encoded::from_bytes(Bytes::from_static(b"{}")), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost(spec in documents(), labels in documents(), revision: u64) {
            let mut object = json!({"apiVersion": "v1", "kind": "K", "metadata": {"labels": labels}, "spec": spec});
            let encoded = encode(&object);
            prop_assert_eq!([encoded.head(), encoded.tail()].concat(), encoded.bytes.to_vec());
            let served: Value = serde_json::from_slice(&encoded.served(revision)).unwrap();
            object["metadata"]["resourceVersion"] = revision.to_string().into();
            prop_assert_eq!(served, object);
        }
    }
}
