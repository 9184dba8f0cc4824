//! The node's serving certificate, and how TLS is spoken.

use std::fmt::Write as _;
use std::sync::Arc;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use sha2::{Digest as _, Sha256};

use crate::Error;

/// A new self-signed serving certificate (ECDSA P-256) for `names`, which are host names and addresses, and a
/// configuration that serves it and asks clients for a certificate of the CA in `ca_pem`.
///
/// The text is the hex SHA-256 of the certificate's DER: whoever publishes it lets the API server pin the node. The
/// certificate never expires in practice, for the pin is what is trusted and it lives as long as the process.
/// A client without a certificate passes the handshake, and is refused when it asks for something.
pub fn tls(ca_pem: &str, names: &[String]) -> Result<(Arc<ServerConfig>, String), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(ca_pem)?), provider.clone())
        .allow_unauthenticated()
        .build()
        .map_err(Error::Verifier)?;
    let (certificate, key) = certificate(names).map_err(Error::Certificate)?;
    let pin = hex(&Sha256::digest(&certificate));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Error::Tls)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![certificate], key)
        .map_err(Error::Tls)?;
    // upgrades are a thing of HTTP/1.1
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), pin))
}

fn roots(ca_pem: &str) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        roots.add(certificate.map_err(Error::Ca)?).map_err(Error::Tls)?;
    }
    if roots.is_empty() {
        return Err(Error::Ca(rustls_pki_types::pem::Error::NoItemsFound));
    }
    Ok(roots)
}

type Pair = (CertificateDer<'static>, PrivateKeyDer<'static>);

fn certificate(names: &[String]) -> Result<Pair, rcgen::Error> {
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.remove(DnType::CommonName);
    params.distinguished_name.push(DnType::CommonName, names.first().map_or("node", String::as_str));
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // writing to a string cannot fail
        let _ = write!(text, "{byte:02x}");
        text
    })
}
