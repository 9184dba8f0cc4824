//! Certificates and keys, whole and in parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::*;

const MISMATCH: &str = "tls: private key does not match public key";

/// A certificate that signs itself, and its key.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBbzCCARWgAwIBAgIUMBRz2Pj9e6qy2cqXeToZhPiHydswCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBYTAgFw0yNjExMjgyMTI3MzdaGA8yMTI2MTEwNDIxMjczN1ow
DDEKMAgGA1UEAwwBYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABIA5ILiVJHOC
1nMAxZsjeXlXKNbydEKCwv8SDaOxKL7NS/pvO4qbsMiJ7akhGpAoYEF3EtoyahIu
neO18o9zRdmjUzBRMB0GA1UdDgQWBBT9N3f/XdSfQ9taIzeP6ulC3kpLjTAfBgNV
HSMEGDAWgBT9N3f/XdSfQ9taIzeP6ulC3kpLjTAPBgNVHRMBAf8EBTADAQH/MAoG
CCqGSM49BAMCA0gAMEUCIDoVEf3lwyjOcTJ1VpwjSD6uSVjjOImwglBFDkNBQ1jy
AiEA75J3y/iyUL7W5JHRDrOG8j8wjcIJdXo31NWb6wZJtFM=
-----END CERTIFICATE-----
";
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEINPayOX0qvXOdEW14pLlL0ON7oJcX58YrWanF2DtD61moAoGCCqGSM49
AwEHoUQDQgAEgDkguJUkc4LWcwDFmyN5eVco1vJ0QoLC/xINo7Eovs1L+m87ipuw
yIntqSEakChgQXcS2jJqEi6d47Xyj3NF2Q==
-----END EC PRIVATE KEY-----
";

fn check(certificates: &str, key: &str, expect: Option<&str>) {
    assert_eq!(pair(certificates.as_bytes(), key.as_bytes()).as_deref(), expect, "{certificates}{key}");
}

/// A block of PEM.
fn pem(kind: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN {kind}-----\n{}\n-----END {kind}-----\n", STANDARD.encode(bytes))
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("little").to_be_bytes();
    [&[tag, 0x82], &length[..], content].concat()
}

fn sequence(fields: &[Vec<u8>]) -> Vec<u8> {
    der(SEQUENCE, &fields.concat())
}

fn algorithm(id: &[u8]) -> Vec<u8> {
    sequence(&[der(0x06, id)])
}

/// A certificate with this key of this algorithm, and nothing else that means something.
fn certificate(id: &[u8], key: &[u8]) -> String {
    let key = sequence(&[algorithm(id), der(0x03, &[&[0], key].concat())]);
    let empty = || sequence(&[]);
    let signed = [der(0xa0, &[]), der(0x02, &[1]), empty(), empty(), empty(), empty(), key];
    pem("CERTIFICATE", &sequence(&[sequence(&signed), empty(), der(0x03, &[0])]))
}

fn wrapped(id: &[u8], key: &[u8]) -> String {
    pem("PRIVATE KEY", &sequence(&[der(0x02, &[0]), algorithm(id), der(0x04, key)]))
}

const SEQUENCE: u8 = der::SEQUENCE;
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

fn rsa_key(modulus: &[u8]) -> Vec<u8> {
    let mut fields = vec![der(0x02, &[0]), der(0x02, modulus)];
    fields.extend((0..7).map(|_| der(0x02, &[1])));
    sequence(&fields)
}

fn rsa_certificate(modulus: &[u8]) -> String {
    certificate(OF_RSA, &sequence(&[der(0x02, modulus), der(0x02, &[1, 0, 1])]))
}

fn curve_key(point: Option<&[u8]>) -> Vec<u8> {
    let point = point.map(|point| der(0xa1, &der(0x03, &[&[0], point].concat())));
    sequence(&[der(0x02, &[1]), der(0x04, &[9]), point.unwrap_or_default()])
}

#[test]
fn a_key_belongs_to_its_certificate() {
    check(CERTIFICATE, KEY, None);
    check(&format!("{CERTIFICATE}{}", certificate(OF_CURVES, &[4, 1])), KEY, None);
    check(CERTIFICATE, &pem("EC PRIVATE KEY", &curve_key(Some(&[4, 1]))), Some(MISMATCH));
    check(&certificate(OF_CURVES, &[4, 1]), &wrapped(OF_CURVES, &curve_key(Some(&[4, 1]))), None);
    check(&certificate(OF_CURVES, &[4, 1]), &wrapped(OF_CURVES, &curve_key(None)), None);
    check(&rsa_certificate(&[5, 1]), &pem("RSA PRIVATE KEY", &rsa_key(&[5, 1])), None);
    check(&rsa_certificate(&[5, 1]), &wrapped(OF_RSA, &rsa_key(&[5, 1])), None);
    check(&rsa_certificate(&[5, 1]), &wrapped(OF_RSA, &rsa_key(&[5, 2])), Some(MISMATCH));
    check(&certificate(ED25519, &[1]), &wrapped(ED25519, &[1]), None);
    let other = Some("tls: private key type does not match public key type");
    check(&rsa_certificate(&[5, 1]), KEY, other);
    check(&certificate(ED25519, &[1]), KEY, other);
    check(CERTIFICATE, &wrapped(ED25519, &[1]), other);
}

#[test]
fn what_is_no_certificate_or_key_is_told() {
    let (nothing, request) = ("nothing", pem("CERTIFICATE REQUEST", b"x"));
    check(nothing, KEY, Some("tls: failed to find any PEM data in certificate input"));
    check(
        KEY,
        KEY,
        Some(
            "tls: failed to find certificate PEM data in certificate input, but did find a private key; PEM inputs may have been switched",
        ),
    );
    check(
        &format!("{request}{KEY}"),
        KEY,
        Some(
            "tls: failed to find \"CERTIFICATE\" PEM block in certificate input after skipping PEM blocks of the following types: [CERTIFICATE REQUEST EC PRIVATE KEY]",
        ),
    );
    check(CERTIFICATE, nothing, Some("tls: failed to find any PEM data in key input"));
    check(
        CERTIFICATE,
        CERTIFICATE,
        Some("tls: found a certificate rather than a key in the PEM for the private key"),
    );
    check(
        CERTIFICATE,
        &format!("{request}{request}"),
        Some(
            "tls: failed to find PEM block with type ending in \"PRIVATE KEY\" in key input after skipping PEM blocks of the following types: [CERTIFICATE REQUEST CERTIFICATE REQUEST]",
        ),
    );
    check(&pem("CERTIFICATE", b"x"), KEY, Some("x509: malformed certificate"));
    check(CERTIFICATE, &pem("PRIVATE KEY", b"x"), Some("tls: failed to parse private key"));
    check(
        CERTIFICATE,
        &wrapped(OF_RSA, &wrapped(OF_RSA, b"x").into_bytes()),
        Some("tls: failed to parse private key"),
    );
}

#[test]
fn blocks_are_read_among_other_text() {
    let with_headers = KEY.replace("KEY-----\nMH", "KEY-----\nProc-Type: 4\n\nMH");
    check(&format!("a: b\r\n{}", CERTIFICATE.replace('\n', "\r\n")), &with_headers, None);
    let open = CERTIFICATE.replace("-----END", "");
    check(&open, KEY, Some("tls: failed to find any PEM data in certificate input"));
}
