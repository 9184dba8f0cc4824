//! Columns of configuration: config maps, secrets, service accounts, quotas.

use object::Value;

use super::{AGE, NAME, shown, size, text};
use crate::Column;
use crate::rules::Read;

/// Columns of config maps.
pub(crate) const CONFIG_MAP: &[Column] =
    &[NAME, shown("Data", |o, _| (size(o, "data") + size(o, "binaryData")).into()), AGE];

/// Columns of secrets.
pub(crate) const SECRET: &[Column] =
    &[NAME, text("Type", "type"), shown("Data", |o, _| size(o, "data").into()), AGE];

/// Columns of service accounts.
pub(crate) const SERVICE_ACCOUNT: &[Column] =
    &[NAME, shown("Secrets", |o, _| size(o, "secrets").into()), AGE];

/// Columns of quotas.
pub(crate) const RESOURCE_QUOTA: &[Column] = &[
    NAME,
    shown("Request", |o, _| usage(o, false).into()),
    shown("Limit", |o, _| usage(o, true).into()),
    AGE,
];

/// `name: used/hard` of the resources that are limits, or of those that are not.
fn usage(quota: &Value, limits: bool) -> String {
    let mut hard: Vec<_> =
        quota.entries("status.hard").filter(|(r, _)| r.starts_with("limits.") == limits).collect();
    hard.sort_by_key(|&(resource, _)| resource);
    let used = quota.at("status.used");
    let shown = hard
        .into_iter()
        .map(|(resource, hard)| format!("{resource}: {}/{}", amount(used.get(resource)), amount(Some(hard))));
    shown.collect::<Vec<_>>().join(", ")
}

fn amount(value: Option<&Value>) -> String {
    match value {
        None => "0".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(number) => number.to_string(),
    }
}
