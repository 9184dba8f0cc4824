//! Ranges of keys, and pages of a listing.

use std::ops::Bound;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{KeyValue, Revision};

/// What a map's range takes.
type Bounds<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// The keys from `start` up to, not including, `end`, in byte order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Range {
    /// The first key of the range.
    pub start: Bytes,
    /// The first key after the range; empty means that there is no upper bound.
    pub end: Bytes,
}

impl Range {
    /// Every key that starts with `prefix`; an empty prefix is every key.
    pub fn prefix(prefix: impl Into<Bytes>) -> Range {
        let start = prefix.into();
        let kept = start.iter().rposition(|byte| *byte != 0xff).map_or(0, |last| last + 1);
        let mut end = BytesMut::from(&start[..kept]);
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        Range { start, end: end.freeze() }
    }

    /// This one key.
    pub fn key(key: impl Into<Bytes>) -> Range {
        let start = key.into();
        let mut end = BytesMut::with_capacity(start.len() + 1);
        end.extend_from_slice(&start);
        end.put_u8(0);
        Range { start, end: end.freeze() }
    }

    /// Every key.
    pub fn all() -> Range {
        Range { start: Bytes::new(), end: Bytes::new() }
    }

    /// Whether `key` lies in the range.
    pub fn contains(&self, key: &[u8]) -> bool {
        key >= &self.start[..] && (self.end.is_empty() || key < &self.end[..])
    }

    /// The bounds of the range that lie after `after`; `None` if nothing can lie there.
    pub(crate) fn bounds<'a>(&'a self, after: Option<&'a [u8]>) -> Option<Bounds<'a>> {
        let (first, low) = match after {
            Some(after) if after >= &self.start[..] => (after, Bound::Excluded(after)),
            _ => (&self.start[..], Bound::Included(&self.start[..])),
        };
        if self.end.is_empty() {
            return Some((low, Bound::Unbounded));
        }
        (first < &self.end[..]).then_some((low, Bound::Excluded(&self.end[..])))
    }
}

/// Which part of a listing is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The most items to return; 0 means all.
    pub limit: usize,
    /// Only keys above this one: the last key of the page before.
    pub after: Option<Bytes>,
}

impl Page {
    /// Everything in one page.
    pub fn all() -> Page {
        Page::default()
    }
}

/// The answer of a listing: one moment of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The items in key order.
    pub items: Vec<KeyValue>,
    /// The revision of the store at the moment of the listing.
    pub revision: Revision,
    /// Whether the range holds further keys after the last item.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes() {
        assert_eq!(Range::prefix("/a/").end, "/a0");
        assert_eq!(Range::prefix(&b"a\xff\xff"[..]).end, "b");
        assert_eq!(Range::prefix(&b"\xff"[..]).end, "");
        assert!(Range::prefix(&b"\xff"[..]).contains(b"\xff\xff"));
        assert!(!Range::prefix("/a/").contains(b"/a"));
        assert!(Range::prefix("/a/").contains(b"/a/\xff"));
    }

    #[test]
    fn one_key_and_all() {
        assert!(Range::key("k").contains(b"k"));
        assert!(!Range::key("k").contains(b"k\0"));
        assert!(Range::all().contains(b"\xff"));
    }

    #[test]
    fn bounds_of_nothing() {
        let range = Range { start: "b".into(), end: "a".into() };
        assert!(range.bounds(None).is_none());
        assert!(Range::prefix("a").bounds(Some(b"b")).is_none());
        assert!(Range::prefix("a").bounds(Some(b"ab")).is_some());
    }
}
