//! Columns of RBAC bindings and certificates.

use jiff::SignedDuration;
use object::Value;

use super::duration::human_duration;
use super::{AGE, NAME, shown, text, wide};
use crate::Column;
use crate::rules::Read;

/// Columns of role bindings and cluster role bindings.
pub(crate) const BINDING: &[Column] = &[
    NAME,
    shown("Role", |o, _| format!("{}/{}", o.text("roleRef.kind"), o.text("roleRef.name")).into()),
    AGE,
    wide(shown("Users", |o, _| subjects(o, "User").into())),
    wide(shown("Groups", |o, _| subjects(o, "Group").into())),
    wide(shown("ServiceAccounts", |o, _| subjects(o, "ServiceAccount").into())),
];

/// Columns of certificate signing requests.
pub(crate) const SIGNING_REQUEST: &[Column] = &[
    NAME,
    AGE,
    shown("SignerName", |o, _| or_none(o.text("spec.signerName")).into()),
    shown("Requestor", |o, _| o.text("spec.username").into()),
    shown("RequestedDuration", |o, _| {
        let asked = o.int("spec.expirationSeconds");
        let asked = asked.map(|seconds| human_duration(SignedDuration::from_secs(seconds)));
        asked.unwrap_or_else(|| "<none>".to_owned()).into()
    }),
    shown("Condition", |o, _| condition(o).into()),
];

/// Columns of trust bundles.
pub(crate) const TRUST_BUNDLE: &[Column] =
    &[NAME, shown("SignerName", |o, _| or_none(o.text("spec.signerName")).into())];

/// Columns of requests for the certificates of pods.
pub(crate) const POD_CERTIFICATE_REQUEST: &[Column] = &[
    NAME,
    text("PodName", "spec.podName"),
    text("ServiceAccountName", "spec.serviceAccountName"),
    text("NodeName", "spec.nodeName"),
    text("SignerName", "spec.signerName"),
    shown("State", |o, _| {
        o.items("status.conditions").last().map_or("Pending", |condition| condition.text("type")).into()
    }),
    AGE,
];

fn or_none(text: &str) -> &str {
    if text.is_empty() { "<none>" } else { text }
}

/// How far a request is, as upstream tells it.
fn condition(request: &Value) -> String {
    let has = |kind: &str| request.items("status.conditions").iter().any(|one| one.text("type") == kind);
    let mut text = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (false, true) => "Approved",
        (false, false) => "Pending",
    }
    .to_owned();
    if has("Failed") {
        text.push_str(",Failed");
    }
    if !request.text("status.certificate").is_empty() {
        text.push_str(",Issued");
    }
    text
}

fn subjects(binding: &Value, kind: &str) -> String {
    let of_kind = binding.items("subjects").iter().filter(|s| s.text("kind") == kind);
    let shown = of_kind.map(|s| match kind {
        "ServiceAccount" => format!("{}/{}", s.text("namespace"), s.text("name")),
        _ => s.text("name").to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}
