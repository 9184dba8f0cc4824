//! Where a node's agent listens, and by which certificate it is known.

use object::Value;

use crate::node_proxy::Endpoint;

/// Annotation in which a node's agent states the SHA-256 of its serving certificate (DER), in hexadecimal.
pub(super) const FINGERPRINT: &str = "berth.dev/serving-sha256";

/// Why a node cannot be connected to.
#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Unreachable {
    /// It reports neither an internal address nor a host name.
    #[error("node {0:?} has no address of type InternalIP or Hostname")]
    NoAddress(String),
    /// It reports no port.
    #[error("node {0:?} has no port in status.daemonEndpoints.kubeletEndpoint")]
    NoPort(String),
    /// It does not say by which certificate it is to be known.
    #[error("node {0:?} has no fingerprint of its serving certificate in the annotation {FINGERPRINT}")]
    NoFingerprint(String),
    /// The annotation is not 64 hexadecimal digits.
    #[error("node {0:?} has an annotation {FINGERPRINT} that is no SHA-256 in hexadecimal")]
    BadFingerprint(String),
}

/// The address of a node, which its agent states in the status, with the certificate that it must show.
pub(crate) fn of(node: &Value) -> Result<Endpoint, Unreachable> {
    let name = || node["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let addresses = node["status"]["addresses"].as_array().map_or(&[][..], Vec::as_slice);
    let address = |kind: &str| {
        let found = addresses.iter().find(|address| address["type"] == kind)?;
        found["address"].as_str().filter(|address| !address.is_empty())
    };
    let host = address("InternalIP").or_else(|| address("Hostname"));
    let host = host.ok_or_else(|| Unreachable::NoAddress(name()))?.to_owned();
    let port = node["status"]["daemonEndpoints"]["kubeletEndpoint"]["Port"].as_u64();
    let port = port.and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0);
    let port = port.ok_or_else(|| Unreachable::NoPort(name()))?;
    let stated = node["metadata"]["annotations"][FINGERPRINT].as_str();
    let stated = stated.ok_or_else(|| Unreachable::NoFingerprint(name()))?;
    let fingerprint = digest(stated).ok_or_else(|| Unreachable::BadFingerprint(name()))?;
    Ok(Endpoint { host, port, fingerprint })
}

/// Thirty-two bytes from their hexadecimal digits.
fn digest(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u8> =
        text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    if digits.len() == 64 { bytes.try_into().ok() } else { None }
}
