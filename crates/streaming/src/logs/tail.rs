//! Where the last lines of a file begin, found from its end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::record::{HEAD, parse};

/// Bytes read at a time.
const BLOCK: u64 = 64 * 1024;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// At this offset.
    At(u64),
    /// Before this file: so many ends of lines are still to be passed on the way back.
    Earlier(u64),
}

/// Goes back in the first `size` bytes of `file`, past `ends` ends of lines less one: the place is right behind the
/// last of them. An end is a record with the tag `F`; in the `newest` file also the last record, whatever its tag: the
/// line is not complete yet.
pub(crate) fn find(file: &File, size: u64, newest: bool, ends: u64) -> io::Result<Start> {
    let mut search = Search { left: ends, last: newest, after: size };
    let mut block = Vec::new();
    let mut end = size;
    while end > 0 {
        let start = end.saturating_sub(BLOCK);
        // the head of a line may reach into the block behind
        let reach = (end + HEAD as u64 * 2).min(size);
        block.resize(usize::try_from(reach - start).unwrap_or_default(), 0);
        file.read_exact_at(&mut block, start)?;
        let own = usize::try_from(end - start).unwrap_or_default();
        for at in (0..own).rev().filter(|at| block[*at] == b'\n') {
            let next = start + at as u64 + 1;
            if let Some(place) = search.line(&block[at + 1..], next) {
                return Ok(Start::At(place));
            }
        }
        if start == 0
            && let Some(place) = search.line(&block, 0)
        {
            return Ok(Start::At(place));
        }
        end = start;
    }
    Ok(Start::Earlier(search.left))
}

struct Search {
    /// Ends of lines to pass.
    left: u64,
    /// Whether the next record is the log's last one.
    last: bool,
    /// Where the line behind the one at hand begins.
    after: u64,
}

impl Search {
    /// Takes the line that begins at `start` with `text`. Gives the place behind it when it is the last to pass.
    fn line(&mut self, text: &[u8], start: u64) -> Option<u64> {
        if start == self.after {
            return None; // the end of the file
        }
        let head = text[..text.len().min(HEAD * 2)].split(|byte| *byte == b'\n').next().unwrap_or_default();
        let ends = match parse(head) {
            None => false,
            Some(record) => std::mem::take(&mut self.last) || record.full,
        };
        let behind = std::mem::replace(&mut self.after, start);
        if ends {
            self.left = self.left.saturating_sub(1);
        }
        (ends && self.left == 0).then_some(behind)
    }
}
