//! Lists in pieces: whatever their size, little of them is in memory at once beyond the cache.

use std::sync::Arc;
use std::vec::IntoIter;

use bytes::Bytes;
use cache::Entry;
use futures::stream;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use object::{Excerpt, Value};

use super::response;
use crate::accept::JSON;
use crate::body::{Body, BodyError};

/// Appends what is shown of an object.
pub(super) type Write = Box<dyn Fn(&Value, &mut Vec<u8>) + Send>;

/// How much of a list is in memory at once beyond the cache.
const CHUNK: usize = 64 * 1024;

/// What stands behind the items.
const TAIL: &[u8] = b"]}\n";

/// What stands before the items of a list.
pub(super) fn head(kind: &str, api_version: &str, meta: &Value) -> String {
    format!(r#"{{"kind":"{kind}","apiVersion":"{api_version}","metadata":{meta},"items":["#)
}

/// A list of served documents as they are, whose length is known beforehand.
pub(super) fn whole(head: &str, items: Vec<Arc<Entry>>) -> Response<Body> {
    let commas = items.len().saturating_sub(1);
    let documents: usize = items.iter().map(|entry| entry.served_len()).sum();
    let length = head.len() + TAIL.len() + commas + documents;
    let pieces = Pieces::of(head, items, |entry: &Entry, out: &mut Vec<u8>| {
        entry.write_to(out);
        true
    });
    let mut response = pieces.response();
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

/// A list of what `write` makes of this much of each object.
pub(super) fn stream(
    head: &str,
    items: Vec<Arc<Entry>>,
    excerpt: Excerpt,
    write: impl Fn(&Value, &mut Vec<u8>) + Send + 'static,
) -> Response<Body> {
    Pieces::of(head, items, excerpted(excerpt, write)).response()
}

/// The same list in one piece.
pub(super) fn collect(
    head: &str,
    items: Vec<Arc<Entry>>,
    excerpt: Excerpt,
    write: impl Fn(&Value, &mut Vec<u8>),
) -> Vec<u8> {
    let mut pieces = Pieces::of(head, items, excerpted(excerpt, write));
    let mut all = pieces.next().to_vec();
    while pieces.is_more() {
        all.extend_from_slice(&pieces.next());
    }
    all
}

/// What writes an entry by this much of its object.
fn excerpted(
    excerpt: Excerpt,
    write: impl Fn(&Value, &mut Vec<u8>),
) -> impl Fn(&Entry, &mut Vec<u8>) -> bool {
    move |entry, out| match excerpt.read(&entry.document()) {
        Ok(object) => {
            write(&object, out);
            true
        }
        Err(_) => false,
    }
}

/// The way from item to item.
struct Pieces<W> {
    items: IntoIter<Arc<Entry>>,
    /// Appends an item; false where there is nothing to show of it.
    write: W,
    /// What the next piece begins with.
    out: Vec<u8>,
    /// Whether an item has been written.
    begun: bool,
}

impl<W: Fn(&Entry, &mut Vec<u8>) -> bool> Pieces<W> {
    fn of(head: &str, items: Vec<Arc<Entry>>, write: W) -> Self {
        Self { items: items.into_iter(), write, out: head.into(), begun: false }
    }

    fn is_more(&self) -> bool {
        !self.items.as_slice().is_empty()
    }

    fn response(self) -> Response<Body>
    where
        W: Send + 'static,
    {
        let pieces = stream::unfold(Some(self), |pieces| async move {
            let mut pieces = pieces?;
            let piece = pieces.next();
            let more = pieces.is_more();
            Some((Ok::<_, BodyError>(Frame::data(piece)), more.then_some(pieces)))
        });
        response(200, JSON, StreamBody::new(pieces).boxed_unsync())
    }

    /// About [`CHUNK`] bytes; the last one ends with the tail.
    fn next(&mut self) -> Bytes {
        let mut out = std::mem::take(&mut self.out);
        out.reserve(CHUNK + CHUNK / 4);
        while out.len() < CHUNK
            && let Some(entry) = self.items.next()
        {
            let before = out.len();
            if self.begun {
                out.push(b',');
            }
            match (self.write)(&entry, &mut out) {
                true => self.begun = true,
                false => out.truncate(before),
            }
        }
        if !self.is_more() {
            out.extend_from_slice(TAIL);
        }
        out.into()
    }
}
