//! Bootstrap tokens (KEP-19): what a machine shows once, to ask for a certificate of its own. Each is a Secret of
//! `kube-system`, `bootstrap-token-ID`, and the token is `ID.SECRET`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use object::Time;
use serde::Deserialize;

use crate::identity::{AUTHENTICATED, Identity};

/// Where the Secrets are.
pub const NAMESPACE: &str = "kube-system";
/// What their names begin with.
pub const PREFIX: &str = "bootstrap-token-";
/// Their type.
pub const TYPE: &str = "bootstrap.kubernetes.io/token";
/// The group of all who show such a token.
pub const BOOTSTRAPPERS: &str = "system:bootstrappers";
/// What their users' names begin with, before the token's id.
pub const USER_PREFIX: &str = "system:bootstrap:";

/// Why a token is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// There is no Secret of this id, or it is of another type.
    #[error("there is no bootstrap token {0:?}")]
    Unknown(String),
    /// The secret part is another.
    #[error("the secret of bootstrap token {0:?} is another")]
    Wrong(String),
    /// Its time is over.
    #[error("bootstrap token {0:?} has expired")]
    Expired(String),
    /// It is not for this.
    #[error("bootstrap token {0:?} is not for authentication")]
    Unusable(String),
}

/// Id and secret of a text that looks like a bootstrap token.
pub(super) fn split(token: &str) -> Option<(&str, &str)> {
    let (id, secret) = token.split_once('.')?;
    let fits = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
    };
    (fits(id, 6) && fits(secret, 16)).then_some((id, secret))
}

/// A Secret, as far as tokens need it.
#[derive(Deserialize)]
struct Document {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    data: BTreeMap<String, String>,
}

impl Document {
    fn text(&self, key: &str) -> Option<String> {
        let bytes = STANDARD.decode(self.data.get(key)?).ok()?;
        String::from_utf8(bytes).ok()
    }

    /// Whether its time is over; an end that cannot be read is over.
    fn is_over(&self, now: Time) -> bool {
        let until = self.text("expiration");
        until.is_some_and(|until| !until.parse::<Time>().is_ok_and(|until| now < until))
    }
}

/// Whether a Secret is a token whose time is over.
pub(crate) fn is_expired(document: &[u8], now: Time) -> bool {
    let document = serde_json::from_slice::<Document>(document);
    document.is_ok_and(|document| document.kind == TYPE && document.is_over(now))
}

/// Whom a token speaks for, by the document of its Secret.
pub(super) fn identity(
    id: &str,
    secret: &str,
    document: Option<&[u8]>,
    now: Time,
) -> Result<Identity, Refused> {
    let document: Option<Document> = document.and_then(|document| serde_json::from_slice(document).ok());
    let document = document.filter(|document| document.kind == TYPE);
    let document = document.ok_or_else(|| Refused::Unknown(id.to_owned()))?;
    let text = |key: &str| {
        let bytes = STANDARD.decode(document.data.get(key)?).ok()?;
        String::from_utf8(bytes).ok()
    };
    let same =
        text("token-secret").is_some_and(|known| constant_time_eq(known.as_bytes(), secret.as_bytes()));
    if document.text("token-id").as_deref() != Some(id) || !same {
        return Err(Refused::Wrong(id.to_owned()));
    }
    if document.is_over(now) {
        return Err(Refused::Expired(id.to_owned()));
    }
    if document.text("usage-bootstrap-authentication").as_deref() != Some("true") {
        return Err(Refused::Unusable(id.to_owned()));
    }
    let extra = document.text("auth-extra-groups").unwrap_or_default();
    let extra = extra.split(',').filter(|group| group.starts_with("system:bootstrappers:"));
    let groups = [BOOTSTRAPPERS].into_iter().chain(extra).chain([AUTHENTICATED]);
    let groups: Vec<&str> = groups.collect();
    Ok(Identity::new(format!("{USER_PREFIX}{id}"), &groups))
}

/// Compares without telling by time where two texts differ.
fn constant_time_eq(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tokens_are_told_by_their_form() {
        assert_eq!(split("abcdef.0123456789abcdef"), Some(("abcdef", "0123456789abcdef")));
        for other in ["abcdef", "abcde.0123456789abcdef", "abcdef.0123456789abcde", "ABCDEF.0123456789abcdef"]
        {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn secrets_are_judged() {
        let now: Time = "2026-11-28T10:00:00Z".parse().unwrap();
        let good = [
            ("token-id", "abcdef"),
            ("token-secret", "0123456789abcdef"),
            ("expiration", "2026-11-28T11:00:00Z"),
            ("usage-bootstrap-authentication", "true"),
            ("auth-extra-groups", "system:bootstrappers:workers,system:masters"),
        ];
        let judge = |changed: &[(&str, &str)], kind: &str| {
            let mut data: BTreeMap<&str, String> =
                good.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
            data.extend(changed.iter().map(|(key, value)| (*key, STANDARD.encode(value))));
            let document = json!({"type": kind, "data": data}).to_string();
            identity("abcdef", "0123456789abcdef", Some(document.as_bytes()), now)
        };
        let identity = judge(&[], TYPE).unwrap();
        assert_eq!(identity.user, "system:bootstrap:abcdef");
        assert_eq!(identity.groups, [BOOTSTRAPPERS, "system:bootstrappers:workers", AUTHENTICATED]);
        let expired = json!({"type": TYPE, "data": {"expiration": STANDARD.encode("2026-11-28T09:00:00Z")}});
        assert!(is_expired(expired.to_string().as_bytes(), now));
        assert!(!is_expired(br#"{"type":"Opaque","data":{}}"#, now));
        let refused = |changed: &[(&str, &str)], kind: &str| judge(changed, kind).unwrap_err();
        let id = || "abcdef".to_owned();
        assert_eq!(refused(&[], "Opaque"), Refused::Unknown(id()));
        assert_eq!(refused(&[("token-secret", "0123456789abcdee")], TYPE), Refused::Wrong(id()));
        assert_eq!(refused(&[("expiration", "2026-11-28T10:00:00Z")], TYPE), Refused::Expired(id()));
        assert_eq!(refused(&[("expiration", "soon")], TYPE), Refused::Expired(id()));
        assert_eq!(refused(&[("usage-bootstrap-authentication", "no")], TYPE), Refused::Unusable(id()));
    }
}
