//! Rules of priority levels: how much of the server each gets.

use object::{FieldError, FieldErrors, Value};
use serde_json::json;

use super::check_conditions;
use crate::Strategy;
use crate::rules::{At, Errors, Read, Write};
use crate::strategy::METADATA;

const TYPES: [&str; 2] = ["Exempt", "Limited"];
const RESPONSES: [&str; 2] = ["Queue", "Reject"];
const MOST_QUEUES: i64 = 10_000_000;
/// How many bits of a request's hash choose its queues.
const HASH_BITS: f64 = 60.0;

/// Strategy of priority levels.
pub(crate) struct PriorityLevelConfiguration;

impl Strategy for PriorityLevelConfiguration {
    fn validate(&self, level: &Value) -> FieldErrors {
        let (spec, mut errors) = (At::root(level).field("spec"), Errors::new());
        let name = level.text("metadata.name");
        check_spec(&spec, name, &mut errors);
        check_fixed(&spec, name, &mut errors);
        errors.done()
    }

    fn status_keeps(&self) -> &'static [&'static str] {
        METADATA
    }

    fn validate_status(&self, new: &Value, _: &Value) -> FieldErrors {
        check_conditions(new)
    }
}

fn check_spec(spec: &At, name: &str, errors: &mut Errors) {
    let kind = spec.text("type");
    if (name == "exempt") != (kind == "Exempt") {
        let detail = "type must be 'Exempt' if and only if name is 'exempt'";
        errors.push(FieldError::invalid(&spec.path("type"), kind, detail));
    }
    match kind {
        "Exempt" => {
            errors.forbid_present(spec, "limited", "must be nil if the type is not Limited");
            check_shares(&spec.field("exempt"), errors);
        }
        "Limited" => {
            errors.forbid_present(spec, "exempt", "must be nil if the type is Limited");
            check_limited(spec, errors);
        }
        _ => errors.push(FieldError::not_supported(&spec.path("type"), kind, &TYPES)),
    }
}

/// The levels that every cluster has stay as they are, but for what the exempt one lends.
fn check_fixed(spec: &At, name: &str, errors: &mut Errors) {
    let (mut found, except) = (spec.show(""), " except the 'spec.exempt' field");
    let (fixed, except) = match name {
        "exempt" => (json!({ "type": "Exempt" }), except),
        "catch-all" => {
            let limited = json!({
                "nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": { "type": "Reject" },
            });
            (json!({ "type": "Limited", "limited": limited }), "")
        }
        _ => return,
    };
    if !except.is_empty() {
        found.remove("exempt");
    }
    if found != fixed {
        let detail = format!("spec of '{name}'{except} must equal the fixed value");
        errors.push(FieldError::invalid(&spec.path(""), spec.show(""), detail));
    }
}

fn check_shares(at: &At, errors: &mut Errors) {
    errors.number(at, "nominalConcurrencyShares", |n| n >= 0, "must be a non-negative integer");
    errors.between(at, "lendablePercent", 0, 100);
}

fn check_limited(spec: &At, errors: &mut Errors) {
    let Some(limited) = spec.present("limited") else {
        let detail = "must not be empty when type is Limited";
        return errors.push(FieldError::required(&spec.path("limited"), detail));
    };
    check_shares(&limited, errors);
    let detail = "if specified, must be a non-negative integer";
    errors.number(&limited, "borrowingLimitPercent", |n| n >= 0, detail);
    check_response(&limited.field("limitResponse"), errors);
}

fn check_response(response: &At, errors: &mut Errors) {
    match (response.text("type"), response.present("queuing")) {
        ("Reject", _) => {
            let detail = "must be nil if limited.limitResponse.type is not Limited";
            errors.forbid_present(response, "queuing", detail);
        }
        ("Queue", Some(queuing)) => check_queuing(&queuing, errors),
        ("Queue", None) => {
            let detail = "must not be empty if limited.limitResponse.type is Limited";
            errors.push(FieldError::required(&response.path("queuing"), detail));
        }
        (kind, _) => errors.push(FieldError::not_supported(&response.path("type"), kind, &RESPONSES)),
    }
}

fn check_queuing(queuing: &At, errors: &mut Errors) {
    for field in ["queueLengthLimit", "queues", "handSize"] {
        errors.count(queuing, field, |n| n > 0, "must be positive");
    }
    errors.count(queuing, "queues", |n| n <= MOST_QUEUES, &format!("must not be greater than {MOST_QUEUES}"));
    let number = |field| queuing.int(field).unwrap_or_default();
    let (queues, hand) = (number("queues"), number("handSize"));
    if hand > queues {
        let detail = format!("should not be greater than queues ({queues})");
        errors.push(FieldError::invalid(&queuing.path("handSize"), hand, detail));
    } else if hand > 0 && bits_to_choose(hand, queues) > HASH_BITS {
        let detail = format!(
            "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
        );
        errors.push(FieldError::invalid(&queuing.path("handSize"), hand, detail));
    }
}

/// How many bits it takes to choose `hand` of `queues`.
fn bits_to_choose(hand: i64, queues: i64) -> f64 {
    let number = |n: i64| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    (number(queues).log2() * number(hand)).ceil()
}
