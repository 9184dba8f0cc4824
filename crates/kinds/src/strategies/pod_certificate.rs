//! Rules of requests for the certificates of pods (KEP-4317).

mod status;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object::{FieldError, FieldErrors, Time, Value};

use crate::rules::x509::{self, Key};
use crate::rules::{At, Errors, Read, Write, immutable, signers};
use crate::strategy::METADATA;
use crate::{Part, Strategy};

/// How long a certificate is good for, unless asked otherwise, in seconds.
const DEFAULT_EXPIRATION: i64 = 86_400;
const SHORTEST: i64 = 3_600;
const LONGEST: i64 = 91 * 86_400;
/// The longest time of the project's own signers.
const LONGEST_OF_KUBERNETES: i64 = 86_400;
const LONGEST_UID: usize = 128;
const MOST_REQUEST_BYTES: usize = 10 * 1024;
const MOST_ANNOTATION_BYTES: usize = 256 * 1024;

/// Strategy of requests for the certificates of pods.
pub(crate) struct PodCertificateRequest;

impl Strategy for PodCertificateRequest {
    fn default(&self, request: &mut Value) {
        request.put_new("spec.maxExpirationSeconds", DEFAULT_EXPIRATION);
    }

    fn validate_create(&self, request: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(request).field("spec"), Errors::new());
        if errors.need(&spec, "signerName") {
            signers::check(&spec.path("signerName"), spec.text("signerName"), &mut errors);
        }
        check_annotations(&spec, "unverifiedUserAnnotations", &mut errors);
        for (name, uid) in
            [("podName", "podUID"), ("serviceAccountName", "serviceAccountUID"), ("nodeName", "nodeUID")]
        {
            errors.obey(&spec.path(name), spec.text(name), object::dns1123_subdomain);
            check_uid(&spec, uid, &mut errors);
        }
        check_expiration(&spec, &mut errors);
        check_key(&spec, &mut errors);
        errors.done()
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        immutable(new, old, &["spec"])
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn prepare_part(&self, part: &Part, new: &mut Value, old: &Value, now: Time) {
        self.keep_of_status(part, new, old);
        status::prepare(new, old, now);
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        status::check(new, old)
    }
}

/// The public key that a request asks a certificate for.
fn key(request: &Value) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(request.text("spec.stubPKCS10Request")).ok()?;
    Some(x509::key_of_request(&bytes)?.content.to_vec())
}

/// What the author of a pod tells the signer is named as annotations are, but always by a domain.
pub(super) fn check_annotations(spec: &At, field: &str, errors: &mut Errors) {
    let (path, mut bytes) = (spec.path(field), 0);
    for (key, value) in spec.entries(field) {
        let lower = key.to_lowercase();
        let before = errors.count_so_far();
        errors.obey(&path, &lower, object::qualified_name);
        if errors.count_so_far() == before && !lower.contains('/') {
            let detail = "must be a domain-prefixed key (such as \"acme.io/foo\")";
            errors.push(FieldError::invalid(&path, lower, detail));
        }
        bytes += key.len() + value.as_str().map_or(0, str::len);
    }
    if bytes > MOST_ANNOTATION_BYTES {
        errors.push(FieldError::too_long(&path, MOST_ANNOTATION_BYTES));
    }
}

fn check_uid(spec: &At, field: &str, errors: &mut Errors) {
    match spec.text(field).len() {
        0 => errors.push(FieldError::invalid(&spec.path(field), "", "must not be empty")),
        1..=LONGEST_UID => {}
        _ => errors.push(FieldError::too_long(&spec.path(field), LONGEST_UID)),
    }
}

/// The shortest and the longest time, in seconds, that a certificate of this signer may be asked for.
pub(super) fn expirations(signer: &str) -> (i64, i64) {
    (SHORTEST, if signers::is_kubernetes(signer) { LONGEST_OF_KUBERNETES } else { LONGEST })
}

fn check_expiration(spec: &At, errors: &mut Errors) {
    let (shortest, longest) = expirations(spec.text("signerName"));
    let detail = format!("must be in the range [{shortest}, {longest}]");
    errors.number(spec, "maxExpirationSeconds", |n| (shortest..=longest).contains(&n), &detail);
}

/// The request is one of PKCS #10 for a key of a kind that is strong enough.
fn check_key(spec: &At, errors: &mut Errors) {
    let (path, shown) = (spec.path("stubPKCS10Request"), spec.show("stubPKCS10Request"));
    let bytes = STANDARD.decode(spec.text("stubPKCS10Request")).unwrap_or_default();
    if bytes.len() > MOST_REQUEST_BYTES {
        return errors.push(FieldError::too_long(&path, MOST_REQUEST_BYTES));
    }
    let (value, detail) = match x509::key_of_request(&bytes).and_then(Key::read) {
        None => (shown, "must be a valid PKCS#10 request"),
        Some(Key::Ed25519 | Key::Curve("P-256" | "P-384" | "P-521") | Key::Rsa(3072 | 4096)) => return,
        Some(Key::Curve(name)) => {
            (format!("curve {name}").into(), "elliptic public keys must use curve P256, P384, or P521")
        }
        Some(Key::Rsa(bits)) => {
            (format!("{bits}-bit modulus").into(), "RSA keys must have modulus size 3072 or 4096")
        }
        Some(Key::Other) => (shown, "unknown public key type; supported types are Ed25519, ECDSA, and RSA"),
    };
    errors.push(FieldError::invalid(&path, value, detail));
}
