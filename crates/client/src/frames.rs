//! Reading a watch's stream: lines out of chunks, and frames out of lines.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};
use cache::{Change, Document};
use object::Status;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::read_status;
use crate::pages::{Unreadable, read_object};

/// The longest frame: far above what API servers let objects grow to.
const MAX_LINE: usize = 64 << 20;

/// Splits a stream of chunks into lines.
#[derive(Default)]
pub(crate) struct Lines {
    buffer: BytesMut,
    /// How much of the buffer is known to have no line's end.
    searched: usize,
}

/// A line is longer than any frame.
#[derive(Debug, thiserror::Error)]
#[error("a watch frame is over {MAX_LINE} bytes")]
pub(crate) struct TooLong;

impl Lines {
    /// Takes in a chunk.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Result<(), TooLong> {
        if self.buffer.len() + chunk.len() > MAX_LINE {
            return Err(TooLong);
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    /// The next whole line that is not empty.
    pub(crate) fn next(&mut self) -> Option<Bytes> {
        loop {
            let at = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
            let Some(at) = at else {
                self.searched = self.buffer.len();
                return None;
            };
            let line = self.buffer.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            if !line.trim_ascii().is_empty() {
                return Some(line);
            }
        }
    }
}

/// What a frame says.
#[derive(Debug)]
pub(crate) enum Frame {
    /// A change, or how far the watch has come.
    Change(Change),
    /// The watch failed.
    Error(Status),
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Reads a frame of a watch. Types that are not known read as an error: what they mean might matter.
pub(crate) fn read_frame(line: &Bytes) -> Result<Frame, Unreadable> {
    let frame: RawFrame<'_> = serde_json::from_slice(line)?;
    let object = || read_object(line, frame.object);
    Ok(match &*frame.r#type {
        "ADDED" | "MODIFIED" => Frame::Change(Change::Put(object()?)),
        "DELETED" => {
            let Document { key, revision, .. } = object()?;
            Frame::Change(Change::Gone { key, revision })
        }
        "BOOKMARK" => Frame::Change(Change::Progress(object()?.revision)),
        _ => Frame::Error(read_status(500, frame.object.get().as_bytes())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let text = b"{\"a\":1}\n\n{\"b\":2}\r\n{\"c\"";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for chunk in text.chunks(size) {
                lines.push(chunk).unwrap();
                got.extend(std::iter::from_fn(|| lines.next()));
            }
            assert_eq!(got, ["{\"a\":1}\n", "{\"b\":2}\r\n"], "chunks of {size}");
        }
    }

    fn frame(text: &str) -> Frame {
        read_frame(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
    }

    #[test]
    fn reads_frames() {
        let object = r#"{"metadata":{"name":"a","namespace":"ns","resourceVersion":"4"}}"#;
        let line = |kind: &str| format!("{{\"type\":\"{kind}\",\"object\":{object}}}\n");
        for kind in ["ADDED", "MODIFIED"] {
            let Frame::Change(Change::Put(document)) = frame(&line(kind)) else { panic!("{kind}") };
            assert_eq!(
                (document.key.to_string().as_str(), document.revision, &document.bytes[..]),
                ("ns/a", 4, object.as_bytes())
            );
        }
        assert!(matches!(frame(&line("DELETED")), Frame::Change(Change::Gone { revision: 4, .. })));
        assert!(matches!(frame(&line("BOOKMARK")), Frame::Change(Change::Progress(4))));
        assert!(matches!(frame(&line("NEW")), Frame::Error(_)));
        let gone = Status::expired("too old").to_value();
        let Frame::Error(status) = frame(&format!("{{\"type\":\"ERROR\",\"object\":{gone}}}")) else {
            panic!()
        };
        assert_eq!(status.code, 410);
        assert!(read_frame(&Bytes::from_static(b"{\"type\":\"ADDED\"}")).is_err());
    }
}
