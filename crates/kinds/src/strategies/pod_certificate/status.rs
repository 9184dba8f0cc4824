//! What a signer has done about a request.

use jiff::SignedDuration;
use object::{FieldError, FieldErrorType, FieldErrors, Time, Value, format_time, parse_time};

use super::key;
use crate::rules::x509::Certificate;
use crate::rules::{At, Errors, Read, Write, conditions, pem};

/// How a request can end; of these conditions a status has one at most.
const ENDS: [&str; 3] = ["Issued", "Denied", "Failed"];
const MOST_CHAIN_BYTES: usize = 100 * 1024;
const SHORTEST_LIFETIME: SignedDuration = SignedDuration::from_hours(1);
/// How far from the ends of its time a certificate is to be renewed.
const MARGIN: SignedDuration = SignedDuration::from_mins(10);

/// Conditions that a status has as often as before are what they were; a new one is as old as its status.
pub(super) fn prepare(new: &mut Value, old: &Value, now: Time) {
    let of_kind = |object: &Value, kind: &str| -> Vec<Value> {
        let conditions = object.items("status.conditions").iter();
        conditions.filter(|condition| condition.text("type") == kind).cloned().collect()
    };
    for kind in ENDS {
        let was = of_kind(old, kind);
        if of_kind(new, kind).len() == was.len() {
            let conditions = new.items_mut("status.conditions").iter_mut();
            conditions.filter(|one| one.text("type") == kind).zip(was).for_each(|(one, was)| *one = was);
        }
    }
    for condition in new.items_mut("status.conditions") {
        if condition.is_empty("lastTransitionTime") {
            let same = |was: &&Value| {
                was.at("type") == condition.at("type") && was.at("status") == condition.at("status")
            };
            let was = old.items("status.conditions").iter().find(same);
            let since =
                was.map(|was| was.text("lastTransitionTime").to_owned()).filter(|time| !time.is_empty());
            condition.put("lastTransitionTime", since.unwrap_or_else(|| format_time(now)));
        }
    }
}

/// Checks a new status: a request ends once, in one of three ways.
pub(super) fn check(new: &Value, old: &Value) -> FieldErrors {
    let (status, mut errors) = (At::root(new).field("status"), Errors::new());
    check_conditions(&status, &mut errors);
    conditions::check(&status, "conditions", &mut errors);
    if errors.count_so_far() > 0 {
        return errors.done();
    }
    let is = |object: &Value, kind: &str| conditions::is_true(&At::root(object), "status.conditions", kind);
    let changed = !object::alike(new.at("status"), old.at("status"));
    if ENDS.iter().any(|kind| is(old, kind)) {
        if changed {
            errors.wrong(
                &status.path(""),
                "immutable after PodCertificateRequest is issued, denied, or failed",
            );
        }
    } else if is(new, "Denied") || is(new, "Failed") {
        if status.entries("").any(|(field, _)| field != "conditions" && !status.is_empty(field)) {
            let detail =
                "non-condition status fields must be empty when denying or failing the PodCertificateRequest";
            errors.wrong(&status.path(""), detail);
        }
    } else if is(new, "Issued") {
        return check_issued(new).err().unwrap_or_default();
    } else if changed {
        let detail = "status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"";
        errors.wrong(&status.path(""), detail);
    }
    errors.done()
}

fn check_conditions(status: &At, errors: &mut Errors) {
    let mut known = 0;
    for condition in status.each("conditions") {
        let kind = condition.text("type");
        if !ENDS.contains(&kind) {
            errors.push(FieldError::not_supported(&condition.path("type"), kind, &ENDS));
            continue;
        }
        known += 1;
        if known > 1 {
            let detail = "There may be at most one condition with type \"Issued\", \"Denied\", or \"Failed\"";
            errors.push(FieldError::invalid(&condition.path("type"), kind, detail));
        }
        if condition.text("status") != "True" {
            let path = condition.path("status");
            errors.push(FieldError::not_supported(&path, condition.show("status"), &["True"]));
        }
    }
}

/// Checks what was issued. The first mistake is told, for the rest may follow from it.
fn check_issued(request: &Value) -> Result<(), FieldErrors> {
    let status = At::root(request).field("status");
    let (path, chain) = (status.path("certificateChain"), status.text("certificateChain"));
    if chain.len() > MOST_CHAIN_BYTES {
        return Err(vec![FieldError::too_long(&path, MOST_CHAIN_BYTES)]);
    }
    let wrong = |detail: &str| vec![FieldError::invalid(&path, chain, detail)];
    let blocks = pem::blocks(chain.as_bytes());
    let (leaf, others) = blocks
        .split_first()
        .ok_or_else(|| wrong("issued certificate chain must contain at least one certificate"))?;
    let only = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks";
    if leaf.kind != "CERTIFICATE" {
        return Err(wrong(only));
    }
    let leaf = Certificate::read(&leaf.bytes)
        .ok_or_else(|| wrong("leaf certificate does not parse as valid X.509"))?;
    if key(request).is_none_or(|key| key != leaf.key) {
        return Err(wrong("leaf certificate was not issued to the requested public key"));
    }
    check_times(&status, &leaf, request.int("spec.maxExpirationSeconds"))?;
    for block in others {
        if block.kind != "CERTIFICATE" {
            return Err(wrong(only));
        }
        if Certificate::read(&block.bytes).is_none() {
            return Err(wrong("intermediate certificate does not parse as valid X.509"));
        }
    }
    Ok(())
}

/// The times of a status are those of the certificate, which lives neither too short nor too long.
fn check_times(status: &At, leaf: &Certificate, longest: Option<i64>) -> Result<(), FieldErrors> {
    let given = |field: &str| parse_time(status.text(field));
    let consistent = "must be present and consistent with the issued certificate";
    let needed = [
        ("notBefore", consistent),
        ("notAfter", consistent),
        ("beginRefreshAt", "must be present and in the range [notbefore+10min, notafter-10min]"),
    ];
    let (Some(from), Some(until), Some(refresh)) =
        (given("notBefore"), given("notAfter"), given("beginRefreshAt"))
    else {
        let missing = needed.into_iter().filter(|(field, _)| given(field).is_none());
        return Err(missing
            .map(|(field, detail)| FieldError::required(&status.path(field), detail))
            .collect());
    };
    let wrong = |field: &str, detail: &str| {
        vec![FieldError::invalid(&status.path(field), status.show(field), detail)]
    };
    if from != leaf.not_before {
        return Err(wrong("notBefore", "must be set to the NotBefore time encoded in the leaf certificate"));
    }
    if until != leaf.not_after {
        return Err(wrong("notAfter", "must be set to the NotAfter time encoded in the leaf certificate"));
    }
    let lifetime = until.duration_since(from);
    let unfit = |detail: String| {
        let (path, kind) = (status.path("certificateChain"), FieldErrorType::Invalid);
        vec![FieldError { path, kind, value: Some(lifetime.as_nanos().to_string().into()), detail }]
    };
    if lifetime < SHORTEST_LIFETIME {
        return Err(unfit("leaf certificate lifetime must be >= 1 hour".to_owned()));
    }
    if let Some(longest) = longest.filter(|longest| lifetime > SignedDuration::from_secs(*longest)) {
        let detail = format!("leaf certificate lifetime must be <= spec.maxExpirationSeconds ({longest})");
        return Err(unfit(detail));
    }
    if refresh.duration_since(from) < MARGIN {
        return Err(wrong("beginRefreshAt", "must be at least 10 minutes after status.notBefore"));
    }
    if until.duration_since(refresh) < MARGIN {
        return Err(wrong("beginRefreshAt", "must be at least 10 minutes before status.notAfter"));
    }
    Ok(())
}
