//! Rules of volumes that are put together of several sources.

use std::collections::HashSet;

use object::FieldError;

use super::super::super::{pod_certificate, trust_bundle};
use super::files::{check_downward_items, check_items, check_mode, file_path};
use super::{At, Errors, Read};
use crate::rules::{labels, signers};

const KEYS: [&str; 6] = ["RSA3072", "RSA4096", "ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519"];
const FILES_OF_CERTIFICATES: [&str; 3] = ["credentialBundlePath", "keyPath", "certificateChainPath"];
const SHORTEST_TOKEN: i64 = 10 * 60;
const LONGEST_TOKEN: i64 = 1 << 32;

/// The paths that are taken by now.
type Paths<'a> = HashSet<&'a str>;

/// Checks a projected volume. No two of its files have the same path, but for those of tokens, as upstream.
pub(super) fn check(projected: &At, errors: &mut Errors) {
    check_mode(projected, "defaultMode", errors);
    let mut paths = Paths::new();
    for source in projected.each("sources") {
        check_source(projected, &source, &mut paths, errors);
    }
}

fn check_source<'a>(projected: &At, source: &At<'a>, paths: &mut Paths<'a>, errors: &mut Errors) {
    let mut count = 0;
    let mut present = |kind: &str| source.present(kind).inspect(|_| count += 1);
    for kind in ["secret", "configMap"] {
        if let Some(files) = present(kind) {
            errors.need(&files, "name");
            check_items(&files, errors);
            let taken = files.each("items").map(|item| item.value().text("path"));
            claim(projected, taken, Some(files.text("name")), paths, errors);
        }
    }
    if let Some(downward) = present("downwardAPI") {
        check_downward_items(&downward, errors);
        claim(projected, downward.each("items").map(|item| item.value().text("path")), None, paths, errors);
    }
    if let Some(token) = present("serviceAccountToken") {
        check_token(projected, &token, errors);
    }
    if let Some(bundle) = present("clusterTrustBundle") {
        check_bundle(&bundle, errors);
        claim(projected, [bundle.value().text("path")], None, paths, errors);
    }
    if let Some(certificate) = present("podCertificate") {
        check_certificate(&certificate, errors);
        let taken = FILES_OF_CERTIFICATES.map(|field| certificate.value().text(field));
        claim(projected, taken.into_iter().filter(|path| !path.is_empty()), None, paths, errors);
    }
    if count > 1 {
        let detail = "may not specify more than 1 volume type per source";
        errors.push(FieldError::forbidden(&source.path(""), detail));
    }
}

/// Takes paths; where one is taken already, shows `instead` of it, if given.
fn claim<'a>(
    projected: &At,
    taken: impl IntoIterator<Item = &'a str>,
    instead: Option<&str>,
    paths: &mut Paths<'a>,
    errors: &mut Errors,
) {
    for path in taken.into_iter().filter(|path| !path.is_empty()) {
        if !paths.insert(path) {
            let value = instead.unwrap_or(path);
            errors.push(FieldError::invalid(&projected.path(""), value, "conflicting duplicate paths"));
        }
    }
}

/// Upstream tells of the path of a token at the volume.
fn check_token(projected: &At, token: &At, errors: &mut Errors) {
    let mut duration = |right: fn(i64) -> bool, detail| {
        errors.number(token, "expirationSeconds", right, detail);
    };
    duration(|s| s >= SHORTEST_TOKEN, "may not specify a duration less than 10 minutes");
    duration(|s| s <= LONGEST_TOKEN, "may not specify a duration larger than 2^32 seconds");
    let told = token.placed(projected.path(""));
    errors.need(&told, "path");
    errors.text(&told, "path", file_path);
}

/// A bundle is named, or there is one of all bundles of a signer.
fn check_bundle(bundle: &At, errors: &mut Errors) {
    match (bundle.present("name"), bundle.present("signerName")) {
        (Some(_), Some(_)) => {
            let detail = "only one of name and signerName may be used";
            errors.push(FieldError::invalid(&bundle.path(""), bundle.show(""), detail));
        }
        (Some(name), None) => check_bundle_name(bundle, &name, errors),
        (None, Some(signer)) => {
            errors.need_as(bundle, "signerName", "must be a valid signer name");
            check_signer(&signer, errors);
            labels::check_selector(&bundle.field("labelSelector"), errors);
        }
        (None, None) => {
            let detail = "either name or signerName must be specified";
            errors.push(FieldError::required(&bundle.path(""), detail));
        }
    }
    errors.need(bundle, "path");
    errors.text(bundle, "path", file_path);
}

fn check_bundle_name(bundle: &At, name: &At, errors: &mut Errors) {
    errors.need_as(bundle, "name", "must be a valid object name");
    for complaint in trust_bundle::wrong_own_name(name.text("")) {
        let detail = format!("not a valid clustertrustbundlename: {complaint}");
        errors.push(FieldError::invalid(&name.path(""), name.text(""), detail));
    }
    if bundle.has("labelSelector") {
        let detail = "labelSelector must be unset if name is specified";
        let (path, value) = (bundle.path("labelSelector"), bundle.show("labelSelector"));
        errors.push(FieldError::invalid(&path, value, detail));
    }
}

fn check_signer(signer: &At, errors: &mut Errors) {
    match signer.text("") {
        "" => errors.push(FieldError::required(&signer.path(""), "")),
        name => signers::check(&signer.path(""), name, errors),
    }
}

fn check_certificate(certificate: &At, errors: &mut Errors) {
    check_signer(&certificate.field("signerName"), errors);
    pod_certificate::check_annotations(certificate, "userAnnotations", errors);
    if !KEYS.contains(&certificate.text("keyType")) {
        let (path, key) = (certificate.path("keyType"), certificate.text("keyType"));
        errors.push(FieldError::not_supported(&path, key, &KEYS));
    }
    let (shortest, longest) = pod_certificate::expirations(certificate.text("signerName"));
    let field = "maxExpirationSeconds";
    let detail = format!("if provided, {field} must be >= {shortest}");
    errors.number(certificate, field, |s| s >= shortest, &detail);
    let detail = format!("if provided, {field} must be <= {longest}");
    errors.number(certificate, field, |s| s <= longest, &detail);
    for path in FILES_OF_CERTIFICATES {
        errors.text(certificate, path, file_path);
    }
    if FILES_OF_CERTIFICATES.iter().all(|path| certificate.is_empty(path)) {
        let detail = "specify at least one of credentialBundlePath, keyPath, and certificateChainPath";
        errors.push(FieldError::required(&certificate.path(""), detail));
    }
}
