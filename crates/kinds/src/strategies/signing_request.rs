//! Rules of certificate signing requests.

mod status;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::{FieldError, FieldErrors, Path, Time, Value};

use crate::rules::{At, Errors, Read, signers};
use crate::{Part, Strategy};

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
/// The signer of requests that name none, which no request may name.
const LEGACY_SIGNER: &str = "kubernetes.io/legacy-unknown";
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
        if !is_pem(spec.text("request"), "CERTIFICATE REQUEST") {
            let detail = "PEM block type must be CERTIFICATE REQUEST";
            errors.push(FieldError::invalid(&spec.path("request"), spec.show("request"), detail));
        }
        check_usages(&spec, &mut errors);
        check_signer(&spec.path("signerName"), spec.text("signerName"), &mut errors);
        let detail = "may not specify a duration less than 600 seconds (10 minutes)";
        errors.number(&spec, "expirationSeconds", |seconds| seconds >= SHORTEST, detail);
        errors.done()
    }

    fn prepare_part(&self, part: &Part, new: &mut Value, old: &Value, now: Time) {
        if *part == Part::STATUS {
            status::keep_decision(new, old);
        }
        status::stamp(new, old, now);
    }

    fn validate_status(&self, new: &Value, old: &Value) -> FieldErrors {
        status::check(&At::root(new).field("status"), old.at("status"))
    }

    fn validate_part(&self, part: &Part, new: &Value, old: &Value) -> FieldErrors {
        match *part {
            Part::APPROVAL => status::check_approval(&At::root(new).field("status"), old.at("status")),
            _ => FieldErrors::new(),
        }
    }
}

/// Whether a text in base64 holds one of these blocks; other lines may stand before it.
fn is_pem(text: &str, kind: &str) -> bool {
    let decoded = STANDARD.decode(text).unwrap_or_default();
    let start = format!("-----BEGIN {kind}-----");
    decoded.split(|byte| *byte == b'\n').any(|line| line.trim_ascii_end() == start.as_bytes())
}

fn check_usages(spec: &At, errors: &mut Errors) {
    if spec.is_empty("usages") {
        errors.push(FieldError::required(&spec.path("usages"), ""));
    }
    for usage in spec.each("usages") {
        let text = usage.as_str().unwrap_or_default();
        if !USAGES.contains(&text) {
            errors.push(FieldError::not_supported(&usage.path(""), text, &USAGES));
        }
    }
    errors.distinct(spec.each("usages"), |usage| usage.show(""));
}

fn check_signer(path: &Path, name: &str, errors: &mut Errors) {
    if name.is_empty() {
        return errors.push(FieldError::required(path, ""));
    }
    if name == LEGACY_SIGNER {
        let detail = "the legacy signerName is not allowed via this API version";
        return errors.push(FieldError::invalid(path, name, detail));
    }
    signers::check(path, name, errors);
}
