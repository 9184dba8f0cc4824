//! OpenAPI documents, derived from the table: what `kubectl explain`, client-side apply and field validation
//! read. Version 3 has a document for each group and version, version 2 one for all.

mod gnostic;
mod operations;
mod parameters;
mod paths;
mod schemas;

pub use gnostic::openapi_v2_proto;
use object::{Map, Value};
use serde_json::json;

use crate::{Kind, Kinds};
use schemas::Schemas;

/// Which version of OpenAPI is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dialect {
    V2,
    V3,
}

impl Dialect {
    /// A reference to a schema.
    fn reference(self, name: &str) -> Value {
        match self {
            Dialect::V2 => json!({"$ref": format!("#/definitions/{name}")}),
            Dialect::V3 => json!({"$ref": format!("#/components/schemas/{name}")}),
        }
    }
}

/// The OpenAPI v3 document of a group and version; without paths where the table has no kind of it.
pub fn openapi_v3(kinds: &Kinds, group: &str, version: &str) -> Value {
    let rows = kinds.served().filter(|k| k.group == group && k.version == version);
    let (paths, schemas) = describe(Dialect::V3, rows.map(AsRef::as_ref));
    json!({
        "openapi": "3.0.0",
        "info": info(),
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// The OpenAPI v2 document (Swagger) of all kinds.
pub fn openapi_v2(kinds: &Kinds) -> Value {
    let (paths, schemas) = describe(Dialect::V2, kinds.served().map(AsRef::as_ref));
    json!({
        "swagger": "2.0",
        "info": info(),
        "paths": paths,
        "definitions": schemas,
    })
}

fn info() -> Value {
    json!({"title": "Kubernetes", "version": "unversioned"})
}

/// The paths of these kinds, and every schema that they lead to.
fn describe<'k>(dialect: Dialect, rows: impl Iterator<Item = &'k Kind>) -> (Map, Map) {
    let mut schemas = Schemas::new(dialect);
    let mut paths = Map::new();
    for kind in rows {
        paths.extend(paths::of(dialect, kind, &mut schemas));
    }
    (paths, schemas.finish())
}

#[cfg(test)]
mod tests;
