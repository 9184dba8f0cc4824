//! Certificates and keys that do not go together. What is looked at, and the texts, are those of Go's
//! `tls.X509KeyPair`; a key from which the public one would have to be computed is believed.

use crate::rules::der::{self, Item};
use crate::rules::pem::{self, Block};
use crate::rules::x509::{self, OF_CURVES, OF_RSA};

/// What is public of a key, as far as it is known.
#[derive(Debug, PartialEq)]
enum Public<'a> {
    /// The modulus.
    Rsa(&'a [u8]),
    /// The point, where it stands beside the key.
    Curve(Option<&'a [u8]>),
    /// Of another algorithm.
    Other(&'a [u8]),
}

/// What is wrong with a certificate and its key in PEM, if anything is.
pub(crate) fn pair(certificates: &[u8], key: &[u8]) -> Option<String> {
    judge(certificates, key).err()
}

fn judge(certificates: &[u8], key: &[u8]) -> Result<(), String> {
    let (certificates, keys) = (pem::blocks(certificates), pem::blocks(key));
    let leaf = certificates.iter().find(|block| block.kind == "CERTIFICATE");
    let leaf = leaf.ok_or_else(|| no_certificate(&certificates))?;
    let is_key = |block: &&Block| block.kind == "PRIVATE KEY" || block.kind.ends_with(" PRIVATE KEY");
    let key = keys.iter().find(is_key).ok_or_else(|| no_key(&keys))?;
    let public = of_certificate(&leaf.bytes).ok_or("x509: malformed certificate")?;
    let private = of_key(&key.bytes).ok_or("tls: failed to parse private key")?;
    let differ = match (public, private) {
        (Public::Rsa(one), Public::Rsa(other)) => one != other,
        (Public::Curve(one), Public::Curve(other)) => one.zip(other).is_some_and(|(one, other)| one != other),
        (Public::Other(one), Public::Other(other)) if one == other => false,
        _ => return Err("tls: private key type does not match public key type".to_owned()),
    };
    if differ { Err("tls: private key does not match public key".to_owned()) } else { Ok(()) }
}

fn no_certificate(found: &[Block]) -> String {
    match found {
        [] => "tls: failed to find any PEM data in certificate input".to_owned(),
        [only] if only.kind.ends_with("PRIVATE KEY") => {
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may \
             have been switched"
                .to_owned()
        }
        _ => format!(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the \
             following types: [{}]",
            kinds(found)
        ),
    }
}

fn no_key(found: &[Block]) -> String {
    match found {
        [] => "tls: failed to find any PEM data in key input".to_owned(),
        [only] if only.kind == "CERTIFICATE" => {
            "tls: found a certificate rather than a key in the PEM for the private key".to_owned()
        }
        _ => format!(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of \
             the following types: [{}]",
            kinds(found)
        ),
    }
}

fn kinds(blocks: &[Block]) -> String {
    blocks.iter().map(|block| block.kind.as_str()).collect::<Vec<_>>().join(" ")
}

/// The public key of a certificate.
fn of_certificate(bytes: &[u8]) -> Option<Public<'_>> {
    let [algorithm, key, ..] = x509::key_of_certificate(bytes)?.sequence()?[..] else { return None };
    let algorithm = algorithm.sequence()?.first()?.content;
    let key = key.bits()?;
    match algorithm {
        OF_RSA => Some(Public::Rsa(der::one(key)?.sequence()?.first()?.content)),
        OF_CURVES => Some(Public::Curve(Some(key))),
        other => Some(Public::Other(other)),
    }
}

/// The public part of a private key, in any of the three ways in which keys are written.
fn of_key(bytes: &[u8]) -> Option<Public<'_>> {
    match der::one(bytes)?.sequence()?[..] {
        // RFC 5958: version, algorithm, key
        [_, algorithm, key, ..] if algorithm.tag == der::SEQUENCE && key.tag == der::OCTETS => {
            match algorithm.sequence()?.first()?.content {
                OF_RSA | OF_CURVES => of_plain_key(key.content),
                other => Some(Public::Other(other)),
            }
        }
        _ => of_plain_key(bytes),
    }
}

/// The same, where the algorithm is not named.
fn of_plain_key(bytes: &[u8]) -> Option<Public<'_>> {
    match der::one(bytes)?.sequence()?[..] {
        // RFC 5915: version, key, and perhaps the curve and the point
        [_, key, ref more @ ..] if key.tag == der::OCTETS => {
            let point = more.iter().find(|field| field.tag == der::context(1));
            Some(Public::Curve(point.and_then(|point| der::one(point.content)).and_then(Item::bits)))
        }
        // RFC 8017: version, modulus, exponents, primes, coefficient
        [_, modulus, ref more @ ..] if modulus.tag == der::INTEGER && more.len() >= 6 => {
            Some(Public::Rsa(modulus.content))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
