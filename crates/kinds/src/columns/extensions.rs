//! Columns of what extends the API: webhooks and policies, other servers.

use object::Value;

use super::{AGE, NAME, UNSET, column, shown, size};
use crate::rules::{Read, labels};
use crate::{Cell, Column};

/// Columns of webhook configurations.
pub(crate) const WEBHOOKS: &[Column] = &[NAME, sized("Webhooks", |o, _| size(o, "webhooks").into()), AGE];

/// Columns of validating policies.
pub(crate) const VALIDATING_POLICY: &[Column] =
    &[NAME, sized("Validations", |o, _| size(o, "spec.validations").into()), PARAM_KIND, AGE];

/// Columns of mutating policies.
pub(crate) const MUTATING_POLICY: &[Column] =
    &[NAME, sized("Mutations", |o, _| size(o, "spec.mutations").into()), PARAM_KIND, AGE];

/// Columns of bindings of policies.
pub(crate) const POLICY_BINDING: &[Column] = &[
    NAME,
    column("PolicyName", "string", Cell::Path("spec.policyName")),
    shown("ParamRef", |o, _| param_ref(o).into()),
    AGE,
];

/// Columns of API services.
pub(crate) const API_SERVICE: &[Column] =
    &[NAME, shown("Service", |o, _| service(o).into()), shown("Available", |o, _| available(o).into()), AGE];

const PARAM_KIND: Column = shown("ParamKind", |o, _| param_kind(o).into());

/// A count that is computed.
const fn sized(name: &'static str, cell: fn(&Value, object::Time) -> Value) -> Column {
    column(name, "integer", Cell::Of(cell))
}

fn param_kind(policy: &Value) -> String {
    match policy.at("spec.paramKind") {
        Value::Null => UNSET.to_owned(),
        kind => format!("{}/{}", kind.text("apiVersion"), kind.text("kind")),
    }
}

/// What a binding takes its parameters from.
fn param_ref(binding: &Value) -> String {
    let reference = binding.at("spec.paramRef");
    let (namespace, name) = (reference.text("namespace"), reference.text("name"));
    match (namespace, name) {
        (_, "") if reference.has("selector") => labels::show_selector(reference.at("selector")),
        (_, "") => UNSET.to_owned(),
        ("", name) => format!("*/{name}"),
        _ => format!("{namespace}/{name}"),
    }
}

fn service(service: &Value) -> String {
    match service.at("spec.service") {
        Value::Null => "Local".to_owned(),
        service => format!("{}/{}", service.text("namespace"), service.text("name")),
    }
}

fn available(service: &Value) -> String {
    let mut conditions = service.items("status.conditions").iter();
    match conditions.find(|one| one.text("type") == "Available") {
        None => "Unknown".to_owned(),
        Some(one) if one.text("status") == "True" || one.is_empty("reason") => one.text("status").to_owned(),
        Some(one) => format!("{} ({})", one.text("status"), one.text("reason")),
    }
}
