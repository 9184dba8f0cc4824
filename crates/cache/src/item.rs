//! What a watch tells, and its frames on the wire.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kinds::Kind;

use crate::Entry;

/// One thing that a watch tells.
#[derive(Clone, Debug)]
pub enum WatchItem {
    /// The object came to be, or came to match the selectors.
    Added(Arc<Entry>),
    /// The object changed and matches as before.
    Modified(Arc<Entry>),
    /// The object went, or matches no more.
    Deleted {
        /// Its last state that matched.
        entry: Arc<Entry>,
        /// The revision of the change; the served document carries it.
        revision: u64,
    },
    /// Everything up to this revision was told.
    Bookmark(u64),
    /// The state as of this revision was told; changes follow.
    InitialEventsEnd(u64),
}

impl WatchItem {
    /// The revision that a client resumes from after this.
    pub fn revision(&self) -> u64 {
        match self {
            Self::Added(entry) | Self::Modified(entry) => entry.revision,
            Self::Deleted { revision, .. } | Self::Bookmark(revision) | Self::InitialEventsEnd(revision) => {
                *revision
            }
        }
    }

    /// The bytes of the document that is served with it.
    pub(crate) fn served_len(&self) -> usize {
        match self {
            Self::Added(entry) | Self::Modified(entry) | Self::Deleted { entry, .. } => entry.served_len(),
            Self::Bookmark(_) | Self::InitialEventsEnd(_) => 0,
        }
    }

    /// The event's type on the wire.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Added(_) => "ADDED",
            Self::Modified(_) => "MODIFIED",
            Self::Deleted { .. } => "DELETED",
            Self::Bookmark(_) | Self::InitialEventsEnd(_) => "BOOKMARK",
        }
    }

    /// Appends the JSON frame: one line, as `metav1.WatchEvent` is streamed. Copies slices that were encoded once,
    /// at the commit.
    pub fn encode(&self, kind: &Kind, out: &mut impl BufMut) {
        out.put_slice(b"{\"type\":\"");
        out.put_slice(self.type_name().as_bytes());
        out.put_slice(b"\",\"object\":");
        self.write_object(kind, out);
        out.put_slice(b"}\n");
    }

    /// The document that is served with it, alone.
    pub fn document(&self, kind: &Kind) -> Bytes {
        let mut out = BytesMut::with_capacity(self.served_len());
        self.write_object(kind, &mut out);
        out.freeze()
    }

    fn write_object(&self, kind: &Kind, out: &mut impl BufMut) {
        match self {
            Self::Added(entry) | Self::Modified(entry) => entry.write_to(out),
            Self::Deleted { entry, revision } => entry.write_at(*revision, out),
            Self::Bookmark(revision) => bookmark(kind, *revision, "", out),
            Self::InitialEventsEnd(revision) => {
                let mark = ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}";
                bookmark(kind, *revision, mark, out);
            }
        }
    }
}

/// An object of the kind with nothing but a revision (API concepts, "Watch bookmarks"). Kinds and versions are
/// words that JSON need not escape.
fn bookmark(kind: &Kind, revision: u64, more: &str, out: &mut impl BufMut) {
    let (name, version) = (&kind.kind, kind.api_version());
    let object = format!(
        "{{\"kind\":\"{name}\",\"apiVersion\":\"{version}\",\"metadata\":{{\"resourceVersion\":\"{revision}\"{more}}}}}"
    );
    out.put_slice(object.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{pod, pods};

    fn frame(item: WatchItem) -> String {
        let mut out = Vec::new();
        item.encode(&pods(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn frames() {
        let entry = Arc::new(pod("ns", "a", "n1", &[], 7));
        let object = String::from_utf8(entry.document().to_vec()).unwrap();
        assert_eq!(
            frame(WatchItem::Added(entry.clone())),
            format!("{{\"type\":\"ADDED\",\"object\":{object}}}\n")
        );
        assert_eq!(
            frame(WatchItem::Modified(entry.clone())),
            format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}\n")
        );
        let gone = object.replace("\"7\"", "\"9\"");
        let item = WatchItem::Deleted { entry, revision: 9 };
        assert_eq!(frame(item), format!("{{\"type\":\"DELETED\",\"object\":{gone}}}\n"));
    }

    #[test]
    fn bookmarks() {
        let plain = r#"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"5"}}}"#;
        assert_eq!(frame(WatchItem::Bookmark(5)), format!("{plain}\n"));
        let end = r#"{"type":"BOOKMARK","object":{"kind":"Pod","apiVersion":"v1","metadata":{"resourceVersion":"5","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
        assert_eq!(frame(WatchItem::InitialEventsEnd(5)), format!("{end}\n"));
    }
}
