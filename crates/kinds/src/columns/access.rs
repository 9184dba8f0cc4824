//! Columns of RBAC bindings.

use object::Value;

use super::{AGE, NAME, shown, wide};
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

fn subjects(binding: &Value, kind: &str) -> String {
    let of_kind = binding.items("subjects").iter().filter(|s| s.text("kind") == kind);
    let shown = of_kind.map(|s| match kind {
        "ServiceAccount" => format!("{}/{}", s.text("namespace"), s.text("name")),
        _ => s.text("name").to_owned(),
    });
    shown.collect::<Vec<_>>().join(", ")
}
