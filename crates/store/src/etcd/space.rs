//! Where Berth's keys lie among etcd's: below a prefix.

use bytes::Bytes;
use etcd_client::proto::PbKeyValue;

use crate::{KeyValue, Range};

/// The keys below a prefix. With `/berth` the key `/pods/a/b` is etcd's `/berth/pods/a/b`.
#[derive(Clone, Debug)]
pub(super) struct Space {
    prefix: String,
}

impl Space {
    pub(super) fn new(prefix: &str) -> Space {
        Space { prefix: prefix.trim_end_matches('/').to_owned() }
    }

    /// etcd's key.
    pub(super) fn key(&self, key: &[u8]) -> Vec<u8> {
        [self.prefix.as_bytes(), key].concat()
    }

    /// First and last (exclusive) of all keys.
    pub(super) fn all(&self) -> (Vec<u8>, Vec<u8>) {
        // `0` follows `/`
        (self.key(b"/"), self.key(b"0"))
    }

    /// First and last (exclusive) of a range that holds no key.
    pub(super) fn nothing(&self) -> (Vec<u8>, Vec<u8>) {
        (self.key(b"/"), self.key(b"/\0"))
    }

    /// First and last (exclusive) of a range's keys, of those above `after` where given; none if nothing can lie there.
    pub(super) fn bounds(&self, range: &Range, after: Option<&[u8]>) -> Option<(Vec<u8>, Vec<u8>)> {
        let (first, last) = self.all();
        let above = after.map(|after| [&self.key(after)[..], b"\0"].concat());
        let start = first.max(self.key(&range.start)).max(above.unwrap_or_default());
        let end = if range.end.is_empty() { last } else { last.min(self.key(&range.end)) };
        (start < end).then_some((start, end))
    }

    /// What was found, as Berth's; none for a key that is not Berth's.
    pub(super) fn item(&self, found: PbKeyValue) -> Option<KeyValue> {
        let key = Bytes::from(found.key);
        key.starts_with(self.prefix.as_bytes()).then(|| KeyValue {
            key: key.slice(self.prefix.len()..),
            value: found.value.into(),
            create_revision: found.create_revision as u64,
            mod_revision: found.mod_revision as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(bounds: Option<(Vec<u8>, Vec<u8>)>) -> String {
        let (start, end) = bounds.unwrap_or_default();
        format!("{}..{}", start.escape_ascii(), end.escape_ascii())
    }

    #[test]
    fn ranges_stay_within_the_prefix() {
        let space = Space::new("/berth/");
        let bounds = |range: &Range, after: Option<&[u8]>| shown(space.bounds(range, after));
        assert_eq!(bounds(&Range::all(), None), "/berth/../berth0");
        assert_eq!(bounds(&Range::prefix("/pods/"), None), "/berth/pods/../berth/pods0");
        assert_eq!(bounds(&Range::prefix("/pods/"), Some(b"/pods/a")), "/berth/pods/a\\x00../berth/pods0");
        assert_eq!(bounds(&Range::prefix("/pods/"), Some(b"/q")), "..");
        assert_eq!(bounds(&Range::prefix("x"), None), "..");
        assert_eq!(bounds(&Range { start: "/c".into(), end: "/b".into() }, None), "..");
        assert_eq!(shown(Space::new("").bounds(&Range::all(), None)), "/..0");
    }
}
