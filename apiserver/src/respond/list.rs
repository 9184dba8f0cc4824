//! Lists in pieces: whatever their size, little of them is in memory at once beyond the cache.

use std::sync::Arc;
use std::vec::IntoIter;

use bytes::Bytes;
use cache::Entry;
use futures::stream;
use http::Response;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, StreamBody};
use object::{Excerpt, Map, Value};

use super::indent::indent;
use super::response;
use crate::accept::JSON;
use crate::body::{Body, BodyError};

/// What is shown of an object.
pub(super) type Item = Box<dyn Fn(Value) -> Value + Send>;

/// How much of a list is in memory at once beyond the cache.
const CHUNK: usize = 64 * 1024;

/// What stands around the items of a list.
struct Frame {
    before: &'static [u8],
    between: &'static [u8],
    /// Behind the last item, and where there is none.
    behind: &'static [u8],
    behind_none: &'static [u8],
}

const PLAIN: Frame = Frame { before: b"", between: b",", behind: b"]}\n", behind_none: b"]}\n" };

const INDENTED: Frame =
    Frame { before: b"\n    ", between: b",\n    ", behind: b"\n  ]\n}", behind_none: b"]\n}" };

/// How deep the items of a list lie.
const DEPTH: usize = 2;

/// A list, or a Table, without its items.
pub(super) struct List {
    document: Map,
    /// The name of the field that has the items.
    items: &'static str,
}

impl List {
    /// A list of a type, with its metadata.
    pub(super) fn new(kind: &str, api_version: &str, meta: Value, items: &'static str) -> Self {
        let mut list = Self { document: Map::new(), items };
        list.set("kind", kind.into());
        list.set("apiVersion", api_version.into());
        list.set("metadata", meta);
        list
    }

    /// Sets another field.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        self.document.insert(name.to_owned(), value);
    }

    /// The document with these items.
    pub(super) fn with(mut self, items: Vec<Value>) -> Value {
        self.set(self.items, items.into());
        self.document.into()
    }

    /// The JSON before the items.
    fn head(self) -> Vec<u8> {
        let items = self.items;
        let mut head = Value::from(self.document).to_string().into_bytes();
        head.pop();
        head.extend_from_slice(format!(r#","{items}":["#).as_bytes());
        head
    }

    /// Of stored documents as they are, whose length is known beforehand.
    pub(super) fn response_as_stored(self, items: Vec<Arc<Entry>>) -> Response<Body> {
        let head = self.head();
        let commas = items.len().saturating_sub(1);
        let documents: usize = items.iter().map(|entry| entry.item_len()).sum();
        let length = head.len() + PLAIN.behind.len() + commas + documents;
        let mut response = Pieces::of(head, items, write_as_stored, &PLAIN).response();
        response.headers_mut().insert(CONTENT_LENGTH, length.into());
        response
    }

    /// Of stored documents as they are, but indented.
    pub(super) fn response_indented(self, items: Vec<Arc<Entry>>) -> Response<Body> {
        Pieces::of(indented_head(self.head()), items, indented(write_as_stored), &INDENTED).response()
    }

    /// Of what `item` makes of this much of each object.
    pub(super) fn response(
        self,
        items: Vec<Arc<Entry>>,
        excerpt: Excerpt,
        item: impl Fn(Value) -> Value + Send + 'static,
        is_indented: bool,
    ) -> Response<Body> {
        let write = move |entry: &Entry, out: &mut Vec<u8>| match excerpt.read(&entry.document()) {
            Ok(object) => serde_json::to_writer(out, &item(object)).is_ok(),
            Err(_) => false,
        };
        match is_indented {
            false => Pieces::of(self.head(), items, write, &PLAIN).response(),
            true => Pieces::of(indented_head(self.head()), items, indented(write), &INDENTED).response(),
        }
    }
}

fn write_as_stored(entry: &Entry, out: &mut Vec<u8>) -> bool {
    entry.write_item_to(out);
    true
}

/// The same item, indented.
fn indented(write: impl Fn(&Entry, &mut Vec<u8>) -> bool) -> impl Fn(&Entry, &mut Vec<u8>) -> bool {
    move |entry, out| {
        let mut item = Vec::new();
        let is_shown = write(entry, &mut item);
        indent(&item, DEPTH, out);
        is_shown
    }
}

fn indented_head(head: Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2 * head.len());
    indent(&head, 0, &mut out);
    out
}

/// What `item` makes of this much of each object, all at once.
pub(super) fn collect(
    items: Vec<Arc<Entry>>,
    excerpt: &Excerpt,
    item: impl Fn(Value) -> Value,
) -> Vec<Value> {
    items.iter().filter_map(|entry| excerpt.read(&entry.document()).ok()).map(item).collect()
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
    frame: &'static Frame,
}

impl<W: Fn(&Entry, &mut Vec<u8>) -> bool> Pieces<W> {
    fn of(head: Vec<u8>, items: Vec<Arc<Entry>>, write: W, frame: &'static Frame) -> Self {
        Self { items: items.into_iter(), write, out: head, begun: false, frame }
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
            Some((Ok::<_, BodyError>(http_body::Frame::data(piece)), more.then_some(pieces)))
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
            out.extend_from_slice(if self.begun { self.frame.between } else { self.frame.before });
            match (self.write)(&entry, &mut out) {
                true => self.begun = true,
                false => out.truncate(before),
            }
        }
        if !self.is_more() {
            out.extend_from_slice(if self.begun { self.frame.behind } else { self.frame.behind_none });
        }
        out.into()
    }
}
