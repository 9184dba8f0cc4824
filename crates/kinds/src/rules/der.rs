//! The little of DER (X.690) that finds fields by their place.

/// Tag of a truth value.
pub(crate) const BOOLEAN: u8 = 0x01;
/// Tag of a whole number.
pub(crate) const INTEGER: u8 = 0x02;
/// Tag of a string of octets.
pub(crate) const OCTETS: u8 = 0x04;
/// Tag of a sequence.
pub(crate) const SEQUENCE: u8 = 0x30;
/// Tag of a time with two digits of the year.
pub(crate) const UTC_TIME: u8 = 0x17;
/// Tag of a time with the whole year.
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
const BITS: u8 = 0x03;

/// The tag of a field that its number in the sequence names.
pub(crate) fn context(number: u8) -> u8 {
    0xa0 | number
}

/// A value with its tag.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
}

impl<'a> Item<'a> {
    /// The fields of a sequence.
    pub(crate) fn sequence(self) -> Option<Vec<Item<'a>>> {
        let mut rest = (self.tag == SEQUENCE).then_some(self.content)?;
        let mut items = Vec::new();
        while !rest.is_empty() {
            let (item, more) = split(rest)?;
            items.push(item);
            rest = more;
        }
        Some(items)
    }

    /// The bytes of a string of bits.
    pub(crate) fn bits(self) -> Option<&'a [u8]> {
        (self.tag == BITS).then(|| self.content.split_first()).flatten().map(|(_, bytes)| bytes)
    }
}

/// The one value that these bytes are.
pub(crate) fn one(bytes: &[u8]) -> Option<Item<'_>> {
    split(bytes).filter(|(_, rest)| rest.is_empty()).map(|(item, _)| item)
}

/// The first value, and what comes behind it.
fn split(bytes: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&[tag, length], rest) = bytes.split_first_chunk()?;
    let (length, rest) = match length {
        ..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (digits.iter().fold(0, |sum, &digit| (sum << 8) | usize::from(digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((Item { tag, content }, rest))
}
