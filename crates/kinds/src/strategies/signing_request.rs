//! Rules of certificate signing requests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::{At, Errors, Read};

/// Strategy of certificate signing requests.
pub(crate) struct CertificateSigningRequest;

/// What a certificate can be for, as upstream names it.
const USAGES: [&str; 23] = [
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
];
/// The shortest time that can be asked for, in seconds.
const SHORTEST: i64 = 600;

impl Strategy for CertificateSigningRequest {
    /// Who asks is not for the asker to say.
    fn requested_by(&self, request: &mut Value, user: &Value) {
        let Some(spec) = request["spec"].as_object_mut() else { return };
        for (field, known) in
            [("username", "username"), ("uid", "uid"), ("groups", "groups"), ("extra", "extra")]
        {
            match &user[known] {
                Value::Null => drop(spec.remove(field)),
                value => drop(spec.insert(field.to_owned(), value.clone())),
            }
        }
    }

    /// A request stays as it was made.
    fn prepare_update(&self, new: &mut Value, old: &Value) {
        new["spec"] = old["spec"].clone();
    }

    fn validate(&self, request: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(request).field("spec"), Errors::new());
        let text = spec.text("request");
        let decoded = STANDARD.decode(text).unwrap_or_default();
        if !decoded.starts_with(b"-----BEGIN CERTIFICATE REQUEST-----") {
            let detail = "PEM block type must be CERTIFICATE REQUEST";
            errors.push(FieldError::invalid(&spec.path("request"), spec.show("request"), detail));
        }
        let usages = spec.items("usages");
        if usages.is_empty() {
            errors.push(FieldError::required(&spec.path("usages"), ""));
        }
        for usage in spec.each("usages") {
            let text = usage.as_str().unwrap_or_default();
            if !USAGES.contains(&text) {
                errors.push(FieldError::not_supported(&usage.path(""), text, &USAGES));
            }
        }
        let signer = spec.text("signerName");
        let (domain, path) = signer.split_once('/').unwrap_or_default();
        if signer.is_empty() {
            errors.push(FieldError::required(&spec.path("signerName"), ""));
        } else if domain.is_empty() || path.is_empty() || !domain.contains('.') {
            let detail = "must be a fully qualified domain and path of the form 'example.com/signer-name'";
            errors.push(FieldError::invalid(&spec.path("signerName"), signer, detail));
        }
        if spec.int("expirationSeconds").is_some_and(|seconds| seconds < SHORTEST) {
            let detail = "may not specify a duration less than 600 seconds (10 minutes)";
            errors.push(FieldError::invalid(
                &spec.path("expirationSeconds"),
                spec.show("expirationSeconds"),
                detail,
            ));
        }
        errors.done()
    }
}
