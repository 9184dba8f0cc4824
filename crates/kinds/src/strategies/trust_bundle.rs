//! Rules of bundles of certificates that are trusted (KEP-3257).

use std::collections::BTreeMap;

use object::{FieldError, FieldErrors, Value};

use crate::Strategy;
use crate::rules::x509::Certificate;
use crate::rules::{At, Errors, Read, pem, signers};

/// The most bytes that a bundle may have.
const MOST_BYTES: usize = 1024 * 1024;
const OMITTED: &str = "<value omitted>";

/// Strategy of trust bundles.
pub(crate) struct ClusterTrustBundle;

impl Strategy for ClusterTrustBundle {
    fn validate(&self, bundle: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(bundle), Errors::new());
        let signer = root.text("spec.signerName");
        for detail in wrong_name(root.text("metadata.name"), signer) {
            let (path, name) = (root.path("metadata.name"), root.show("metadata.name"));
            errors.push(FieldError::invalid(&path, name, detail));
        }
        if !signer.is_empty() {
            signers::check(&root.path("spec.signerName"), signer, &mut errors);
        }
        errors.done()
    }

    fn validate_create(&self, bundle: &Value) -> FieldErrors {
        check_certificates(&At::root(bundle))
    }

    fn validate_update(&self, new: &Value, old: &Value) -> FieldErrors {
        let (root, mut errors) = (At::root(new), Errors::new());
        errors.same(&root, old, "spec.signerName");
        let mut errors = errors.done();
        // what was taken once is not read again: readers may become stricter
        if new.at("spec.trustBundle") != old.at("spec.trustBundle") {
            errors.extend(check_certificates(&root));
        }
        errors
    }
}

/// What is wrong with the name of a bundle that says itself who signed it.
pub(super) fn wrong_own_name(name: &str) -> Vec<String> {
    let signer = name.rsplit_once(':').map(|(signer, _)| signer.replace(':', "/"));
    wrong_name(name, signer.as_deref().unwrap_or_default())
}

/// What is wrong with the name of a bundle: it begins with the name of the signer, if there is one.
fn wrong_name(name: &str, signer: &str) -> Vec<String> {
    if signer.is_empty() {
        return match name.contains(':') {
            true => vec!["ClusterTrustBundle without signer name must not have \":\" in its name".to_owned()],
            false => object::dns1123_subdomain(name),
        };
    }
    let prefix = signer.replace('/', ":") + ":";
    match name.strip_prefix(&prefix) {
        Some(rest) => object::dns1123_subdomain(rest),
        None => {
            vec![format!("ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}")]
        }
    }
}

/// A bundle has certificates of authorities and nothing else, each once.
fn check_certificates(root: &At) -> FieldErrors {
    let (path, text) = (root.path("spec.trustBundle"), root.text("spec.trustBundle"));
    let wrong = |detail: String| FieldError::invalid(&path, OMITTED, detail);
    if text.len() > MOST_BYTES {
        return vec![FieldError::too_long(&path, MOST_BYTES)];
    }
    let blocks = pem::blocks(text.as_bytes());
    let errors: FieldErrors = blocks
        .iter()
        .enumerate()
        .filter_map(|(i, block)| wrong_block(block).map(|what| wrong(format!("entry {i} {what}"))))
        .collect();
    if !errors.is_empty() {
        return errors;
    }
    if blocks.is_empty() {
        return vec![wrong("at least one trust anchor must be provided".to_owned())];
    }
    let mut places: BTreeMap<&[u8], Vec<String>> = BTreeMap::new();
    for (i, block) in blocks.iter().enumerate() {
        places.entry(&block.bytes).or_default().push(i.to_string());
    }
    let doubled = places.values().filter(|places| places.len() > 1);
    doubled.map(|places| wrong(format!("duplicate trust anchor (indices [{}])", places.join(" ")))).collect()
}

fn wrong_block(block: &pem::Block) -> Option<String> {
    if block.kind != "CERTIFICATE" {
        return Some(format!("has bad block type: {}", block.kind));
    }
    if block.has_headers {
        return Some("has PEM block headers".to_owned());
    }
    match Certificate::read(&block.bytes) {
        None => Some("does not parse as X.509".to_owned()),
        Some(certificate) if !certificate.is_authority => Some("does not have the CA bit set".to_owned()),
        Some(_) => None,
    }
}
