//! How objects get from one version to another.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use object::{FieldError, Value};

use crate::rules::{At, Errors, Read, pem, x509};
use crate::strategies::admission::client;

const WEBHOOK: &str = "webhook.clientConfig";
const REVIEWS: &str = "webhook.conversionReviewVersions";

/// Checks the conversion of a spec.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    let Some(conversion) = spec.present("conversion") else { return };
    let strategy = conversion.text("strategy");
    if spec.flag("preserveUnknownFields") && strategy != "None" {
        let detail = "must be None if spec.preserveUnknownFields is true";
        errors.push(FieldError::invalid(&conversion.path("strategy"), strategy, detail));
    }
    if errors.need(&conversion, "strategy") {
        errors.one_of(&conversion, "strategy", &["None", "Webhook"]);
    }
    if strategy == "Webhook" {
        check_webhook(&conversion, errors);
    } else {
        for (field, told) in [(WEBHOOK, "webhookClientConfig"), (REVIEWS, "conversionReviewVersions")] {
            let is_set = if field == WEBHOOK { conversion.has(field) } else { !conversion.is_empty(field) };
            if is_set {
                let detail = "should not be set when strategy is not set to Webhook";
                errors.push(FieldError::forbidden(&conversion.path(told), detail));
            }
        }
    }
}

fn check_webhook(conversion: &At, errors: &mut Errors) {
    let path = conversion.path("webhookClientConfig");
    match conversion.present(WEBHOOK) {
        None => errors.push(FieldError::required(&path, "required when strategy is set to Webhook")),
        Some(config) => client::check(&config.placed(path), errors),
    }
    let webhook = conversion.field("webhook").placed(conversion.path(""));
    client::check_reviews(&webhook, "conversionReviewVersions", "", errors);
}

/// Checks the authorities that a webhook of objects in use is known by. Where they were wrong before, they may be so again.
pub(super) fn check_authorities(new: &Value, old: &Value, errors: &mut Errors) {
    const AUTHORITIES: &str = "spec.conversion.webhook.clientConfig.caBundle";
    let (is, was) = (new.text(AUTHORITIES), old.text(AUTHORITIES));
    if new.text("spec.conversion.strategy") != "Webhook" || is.is_empty() {
        return;
    }
    let is_excused = !was.is_empty() && not_authorities(was).is_some();
    if let Some(why) = not_authorities(is).filter(|_| !is_excused) {
        let path = At::root(new).path("spec.conversion.webhookClientConfig.caBundle");
        errors.push(FieldError::invalid(&path, is, format!("unable to load root certificates: {why}")));
    }
}

/// Why there is no certificate in a bundle, if there is none.
fn not_authorities(bundle: &str) -> Option<&'static str> {
    let blocks = STANDARD.decode(bundle).map(|bytes| pem::blocks(&bytes)).unwrap_or_default();
    let mut certificates = blocks.iter().filter(|block| block.kind == "CERTIFICATE" && !block.has_headers);
    if certificates.clone().any(|block| x509::Certificate::read(&block.bytes).is_some()) {
        return None;
    }
    Some(match certificates.next() {
        Some(_) => "failed to parse certificate: x509: malformed certificate",
        None => "unable to parse bytes as PEM block",
    })
}
