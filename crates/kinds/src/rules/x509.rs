//! The outline of certificates (RFC 5280) and of requests for them (RFC 2986). Nothing here verifies a signature.

use object::{Time, parse_time};

use super::der::{self, Item};

/// Object identifier of RSA keys.
pub(crate) const OF_RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// Object identifier of keys on a curve that is named beside it.
pub(crate) const OF_CURVES: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const OF_ED25519: &[u8] = &[0x2b, 0x65, 0x70];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];
/// Names of curves, by their object identifiers.
const CURVES: [(&[u8], &str); 4] = [
    (&[0x2b, 0x81, 0x04, 0x00, 0x21], "P-224"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07], "P-256"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x22], "P-384"),
    (&[0x2b, 0x81, 0x04, 0x00, 0x23], "P-521"),
];

/// What a public key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// On the curve of this name.
    Curve(&'static str),
    /// Ed25519.
    Ed25519,
    /// RSA, with a modulus of so many bits, counted in whole bytes.
    Rsa(usize),
    /// Of another algorithm.
    Other,
}

impl Key {
    /// Reads a public key with its algorithm.
    pub(crate) fn read(key: Item<'_>) -> Option<Self> {
        let [algorithm, bits, ..] = key.sequence()?[..] else { return None };
        let algorithm = algorithm.sequence()?;
        match algorithm.first()?.content {
            OF_ED25519 => Some(Self::Ed25519),
            OF_CURVES => {
                let curve = algorithm.get(1)?.content;
                CURVES.iter().find(|(id, _)| *id == curve).map(|(_, name)| Self::Curve(name))
            }
            OF_RSA => {
                let modulus = der::one(bits.bits()?)?.sequence()?.first()?.content;
                Some(Self::Rsa(modulus.iter().skip_while(|byte| **byte == 0).count() * 8))
            }
            _ => Some(Self::Other),
        }
    }
}

/// What is looked at of a certificate.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    /// The content of the public key with its algorithm.
    pub(crate) key: &'a [u8],
    /// Whether it may sign others.
    pub(crate) is_authority: bool,
    pub(crate) not_before: Time,
    pub(crate) not_after: Time,
}

impl<'a> Certificate<'a> {
    /// Reads a certificate.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let fields = fields(bytes)?;
        let [_, _, _, validity, _, key, ref more @ ..] = fields[..] else { return None };
        let [from, until, ..] = validity.sequence()?[..] else { return None };
        Key::read(key)?;
        let extensions = more.iter().find(|field| field.tag == der::context(3));
        Some(Self {
            key: key.content,
            is_authority: extensions.and_then(|all| is_authority(*all)).unwrap_or_default(),
            not_before: time(from)?,
            not_after: time(until)?,
        })
    }
}

/// The public key of a certificate with its algorithm.
pub(crate) fn key_of_certificate(bytes: &[u8]) -> Option<Item<'_>> {
    fields(bytes)?.get(5).copied()
}

/// The public key of a request with its algorithm.
pub(crate) fn key_of_request(bytes: &[u8]) -> Option<Item<'_>> {
    let [request, _, _] = der::one(bytes)?.sequence()?[..] else { return None };
    let [_, _, key, ..] = request.sequence()?[..] else { return None };
    Some(key)
}

/// The fields of what is signed of a certificate, without its version, which old ones do not say.
fn fields(bytes: &[u8]) -> Option<Vec<Item<'_>>> {
    let mut signed = der::one(bytes)?.sequence()?.first()?.sequence()?;
    if signed.first()?.tag == der::context(0) {
        signed.remove(0);
    }
    Some(signed)
}

/// Whether extensions say that a certificate may sign others.
fn is_authority(extensions: Item<'_>) -> Option<bool> {
    for extension in der::one(extensions.content)?.sequence()? {
        let parts = extension.sequence()?;
        if parts.first()?.content == BASIC_CONSTRAINTS {
            let constraints = der::one(parts.last()?.content)?.sequence()?;
            let says = constraints.first().filter(|first| first.tag == der::BOOLEAN);
            return Some(says.is_some_and(|says| says.content != [0]));
        }
    }
    None
}

/// A time: years of two digits are those of 1950 to 2049.
fn time(item: Item<'_>) -> Option<Time> {
    let text = str::from_utf8(item.content).ok()?;
    let text = match item.tag {
        der::UTC_TIME if text.get(..2)? < "50" => format!("20{text}"),
        der::UTC_TIME => format!("19{text}"),
        der::GENERALIZED_TIME => text.to_owned(),
        _ => return None,
    };
    let (year, month, day) = (text.get(..4)?, text.get(4..6)?, text.get(6..8)?);
    let (hour, minute, second) = (text.get(8..10)?, text.get(10..12)?, text.get(12..)?);
    parse_time(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}"))
}
