//! How objects get from one version to another.

use object::FieldError;

use crate::rules::{At, Errors, Read};
use crate::strategies::admission::client;

const WEBHOOK: &str = "webhook.clientConfig";
const REVIEWS: &str = "webhook.conversionReviewVersions";

/// Checks the conversion of a spec.
pub(super) fn check(spec: &At, errors: &mut Errors) {
    let Some(conversion) = spec.present("conversion") else { return };
    if errors.need(&conversion, "strategy") {
        errors.one_of(&conversion, "strategy", &["None", "Webhook"]);
    }
    if conversion.text("strategy") == "Webhook" {
        check_webhook(&conversion, errors);
    } else {
        for (field, told) in [(WEBHOOK, "webhookClientConfig"), (REVIEWS, "conversionReviewVersions")] {
            if !conversion.is_empty(field) {
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
