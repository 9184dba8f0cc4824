//! Watches: what happened since the last look, in one piece.

use std::time::Duration;

use bytes::Bytes;
use cache::{WatchItem, Watcher};
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use object::{Time, Value};
use serde_json::json;
use tokio::time::Instant;

use super::{Encoder, table};
use crate::accept::Form;
use crate::body::{Body, BodyError};

/// Time between bookmarks on a quiet watch.
const BOOKMARK_EVERY: Duration = Duration::from_secs(50);

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
                if self.bookmarks || !matches!(item, WatchItem::Bookmark(_)) {
                    self.write(&item, &mut out);
                }
            }
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    }

    fn write(&mut self, item: &WatchItem, out: &mut Vec<u8>) {
        let marks = matches!(item, WatchItem::Bookmark(_) | WatchItem::InitialEventsEnd(_));
        let form = self.encoder.form;
        if form == Form::Json || marks && form != Form::Table {
            item.encode(&self.encoder.kind, out);
            return;
        }
        let mut frame = Vec::new();
        item.encode(&self.encoder.kind, &mut frame);
        let Ok(frame) = serde_json::from_slice::<Value>(&frame) else { return };
        let object = &frame["object"];
        out.extend_from_slice(format!(r#"{{"type":"{}","object":"#, item.type_name()).as_bytes());
        match form {
            Form::Table => {
                self.encoder.now = Time::now();
                let version = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                let objects = if marks { &[][..] } else { std::slice::from_ref(object) };
                let with_columns = !marks && !std::mem::replace(&mut self.columns_sent, true);
                self.encoder.write_table(objects, &version, with_columns, out);
                out.truncate(out.trim_ascii_end().len());
            }
            _ => table::write_metadata(object, out),
        }
        out.extend_from_slice(b"}\n");
    }
}
