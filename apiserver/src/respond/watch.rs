//! Watches: what happened since the last look, in one piece.

use std::time::Duration;

use bytes::Bytes;
use cache::{WatchItem, Watcher};
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use object::{Status, Time, Value};
use serde_json::json;
use tokio::time::Instant;

use super::{Encoder, proto};
use crate::accept::{Encoding, Form, Shape};
use crate::body::{Body, BodyError};

/// Time between bookmarks on a quiet watch.
const BOOKMARK_EVERY: Duration = Duration::from_secs(50);

/// The one frame of a watch that cannot begin; the Status is never a Table.
pub(super) fn broken(status: &Status, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    frame("ERROR", &status.to_value(), encoding, &mut out);
    out
}

fn frame(type_name: &str, document: &Value, encoding: Encoding, out: &mut Vec<u8>) {
    match encoding {
        Encoding::Protobuf => {
            // what cannot be written so was refused before
            if let Some(wrapped) = proto(document) {
                object::write_watch_event(type_name, &wrapped, out);
            }
        }
        _ => {
            let frame = format!("{{\"type\":\"{type_name}\",\"object\":{document}}}\n");
            out.extend_from_slice(frame.as_bytes());
        }
    }
}

struct Watch {
    encoder: Encoder,
    watcher: Watcher,
    bookmarks: bool,
    until: Instant,
    /// Whether the client has the definitions of the Table's columns.
    columns_sent: bool,
}

/// The frames of a watch until it is over.
pub(super) fn stream(encoder: Encoder, watcher: Watcher, bookmarks: bool, until: Instant) -> Body {
    let state = Watch { encoder, watcher, bookmarks, until, columns_sent: false };
    let frames = stream::unfold(state, |mut state| async move {
        let bytes = state.next().await?;
        Some((Ok::<_, BodyError>(Frame::data(bytes)), state))
    });
    StreamBody::new(frames).boxed_unsync()
}

impl Watch {
    /// The next frames in one piece; none when the watch is over.
    async fn next(&mut self) -> Option<Bytes> {
        let mut quiet_until = Instant::now() + BOOKMARK_EVERY;
        loop {
            let items = tokio::select! {
                items = self.watcher.next() => items?,
                () = tokio::time::sleep_until(quiet_until), if self.bookmarks => {
                    quiet_until += BOOKMARK_EVERY;
                    self.watcher.bookmark().into_iter().collect()
                }
                () = tokio::time::sleep_until(self.until) => return None,
                _ = self.encoder.stopping.wait_for(|stop| *stop) => return None,
            };
            let mut out = Vec::new();
            for item in items {
                if self.bookmarks || !is_mark(&item) {
                    self.write(&item, &mut out);
                }
            }
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    }

    fn write(&mut self, item: &WatchItem, out: &mut Vec<u8>) {
        let Form { shape, encoding } = self.encoder.form;
        let as_encoded = self.encoder.is_as_stored() || is_mark(item) && shape == Shape::Whole;
        if as_encoded && encoding == Encoding::Json {
            return item.encode(&self.encoder.served, out);
        }
        let Ok(object) = serde_json::from_slice::<Value>(&item.document(&self.encoder.served)) else {
            return;
        };
        let document = match shape {
            Shape::Table(_) => self.table_of(object),
            Shape::Metadata(_) | Shape::MetadataList(_) => self.encoder.metadata(object),
            Shape::Whole | Shape::Discovery => self.encoder.shown(object),
        };
        frame(item.type_name(), &document, encoding, out);
    }

    /// A Table with the object as its row, which a bookmark is too: what it marks is said by its metadata.
    fn table_of(&mut self, object: Value) -> Value {
        self.encoder.now = Time::now();
        let version = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
        let with_columns = !std::mem::replace(&mut self.columns_sent, true);
        self.encoder.table(version, with_columns).with(vec![self.encoder.row(object)])
    }
}

/// Whether an item is for those alone who asked for bookmarks.
fn is_mark(item: &WatchItem) -> bool {
    matches!(item, WatchItem::Bookmark(_) | WatchItem::InitialEventsEnd(_))
}
