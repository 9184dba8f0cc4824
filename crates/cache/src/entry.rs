//! An object as the watch cache holds it: served bytes around a seam, and the little that selection needs.

use bytes::{BufMut, Bytes, BytesMut};
use kinds::Kind;
use object::{Encoded, Key, Labels, Texts};

use crate::extract::extract;

/// What a head ends with.
const SEAM: &[u8] = b"\"metadata\":{";

const FIELD: &[u8] = b"\"resourceVersion\":\"";

/// The longest text of a revision.
const MAX_DIGITS: usize = 20;

/// An object at a revision. The served document is `head`, the `resourceVersion` member, `tail`.
#[derive(Debug)]
pub struct Entry {
    /// The object's key.
    pub key: Key,
    /// The revision that wrote it.
    pub revision: u64,
    /// The revision that created it.
    pub created: u64,
    /// The served document up to where the revision goes.
    pub head: Bytes,
    /// The rest of the served document.
    pub tail: Bytes,
    labels: Labels,
    /// The values of the kind's selectable fields, in the kind's order.
    fields: Texts,
}

impl Entry {
    /// An entry of canonical bytes (see [`Encoded`]); none where they are not an object's.
    pub fn new(kind: &Kind, key: Key, bytes: Bytes, revision: u64, created: u64) -> Option<Self> {
        let found = extract(&bytes, kind.selectable.iter().flat_map(|field| kind.places(field)))?;
        let encoded = Encoded::from_bytes(bytes)?;
        let mut values = found.values.iter().map(Option::as_deref);
        let fields = Texts::new(kind.selectable.iter().map(|field| {
            let said = values.by_ref().take(kind.places(field).count());
            let first = said.fold(None, |first, value| first.or(value.filter(|text| !text.is_empty())));
            first.unwrap_or_else(|| kind.places(field).next().map_or("", |place| kind.zero(place)))
        }));
        let (head, tail) = (encoded.head(), encoded.tail());
        Some(Self { key, revision, created, head, tail, labels: found.labels, fields })
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key)
    }

    /// The value of the selectable field at this place in the kind's order.
    pub fn field(&self, place: usize) -> Option<&str> {
        self.fields.get(place)
    }

    /// Writes the served document.
    pub fn write_to(&self, out: &mut impl BufMut) {
        self.write_at(self.revision, out);
    }

    /// Writes the document as served at another revision: a deletion shows the last state at the revision that
    /// ended it.
    pub fn write_at(&self, revision: u64, out: &mut impl BufMut) {
        self.write_from(0, revision, out);
    }

    /// Writes what stands behind the first bytes of the head.
    fn write_from(&self, start_of_head: usize, revision: u64, out: &mut impl BufMut) {
        let (digits, start) = digits(revision);
        out.put_slice(&self.head[start_of_head..]);
        out.put_slice(FIELD);
        out.put_slice(&digits[start..]);
        out.put_slice(self.seam_end());
        out.put_slice(&self.tail);
    }

    /// Writes the document as an item of a list, which states the type once for all of them.
    pub fn write_item_to(&self, out: &mut impl BufMut) {
        out.put_slice(b"{");
        self.write_from(self.type_len(), self.revision, out);
    }

    /// Length of the item in bytes.
    pub fn item_len(&self) -> usize {
        1 + self.served_len() - self.type_len()
    }

    /// How much of the head stands before the metadata.
    fn type_len(&self) -> usize {
        self.head.len() - SEAM.len()
    }

    /// The served document in one piece.
    pub fn document(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.served_len());
        self.write_to(&mut out);
        out.freeze()
    }

    /// Length of the served document in bytes.
    pub fn served_len(&self) -> usize {
        let (digits, start) = digits(self.revision);
        self.head.len() + FIELD.len() + (digits.len() - start) + self.seam_end().len() + self.tail.len()
    }

    /// What the entry takes in memory, roughly.
    pub(crate) fn cost(&self) -> usize {
        let texts = self.labels.size() + self.fields.size();
        let key = self.key.namespace.len() + self.key.name.len();
        size_of::<Self>() + self.head.len() + self.tail.len() + texts + key
    }

    /// Closes the member; a comma follows unless the metadata has nothing else.
    fn seam_end(&self) -> &'static [u8] {
        if self.tail.first() == Some(&b'}') { b"\"" } else { b"\"," }
    }
}

/// The decimal digits of a number: those of the array from the given index on.
fn digits(mut number: u64) -> ([u8; MAX_DIGITS], usize) {
    let mut digits = [b'0'; MAX_DIGITS];
    let mut start = MAX_DIGITS;
    loop {
        start -= 1;
        digits[start] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            return (digits, start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::pods;

    fn entry(document: &'static str) -> Entry {
        Entry::new(&pods(), Key::new("default", "a"), document.into(), 12, 3).unwrap()
    }

    #[test]
    fn serves_the_revision_inside_the_metadata() {
        let entry = entry(r#"{"kind":"Pod","metadata":{"name":"a"},"spec":{}}"#);
        let served = r#"{"kind":"Pod","metadata":{"resourceVersion":"12","name":"a"},"spec":{}}"#;
        assert_eq!(entry.document(), served);
        assert_eq!(entry.served_len(), served.len());
        let mut item = Vec::new();
        entry.write_item_to(&mut item);
        assert_eq!(item, br#"{"metadata":{"resourceVersion":"12","name":"a"},"spec":{}}"#);
        assert_eq!(entry.item_len(), item.len());
        let mut deleted = Vec::new();
        entry.write_at(u64::MAX, &mut deleted);
        assert_eq!(deleted, served.replace("12", "18446744073709551615").as_bytes());
    }

    #[test]
    fn serves_empty_metadata() {
        let entry = entry(r#"{"metadata":{}}"#);
        assert_eq!(entry.document(), r#"{"metadata":{"resourceVersion":"12"}}"#);
        assert_eq!(entry.served_len(), entry.document().len());
    }

    #[test]
    fn knows_labels_and_selectable_fields() {
        let entry = entry(r#"{"metadata":{"labels":{"b":"2","a":"1"}},"spec":{"nodeName":"n1"}}"#);
        assert_eq!((entry.label("a"), entry.label("b"), entry.label("c")), (Some("1"), Some("2"), None));
        assert_eq!([0, 1, 2].map(|place| entry.field(place)), [Some("n1"), Some(""), None]);
    }

    #[test]
    fn refuses_bytes_that_are_no_object() {
        for bytes in ["", "{}", "[1]", "{\"metadata\":{"] {
            assert!(Entry::new(&pods(), Key::default(), bytes.into(), 1, 1).is_none(), "{bytes}");
        }
    }
}
