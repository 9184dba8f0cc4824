//! Operations: what a method does at a path.

use object::{Map, Value};
use serde_json::json;

use super::Dialect;
use super::parameters::{DELETE, DELETE_COLLECTION, LIST, PATCH, WRITE};

/// Media types of bodies.
const BODIES: [&str; 3] = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
/// Media types of patches.
const PATCHES: [&str; 5] = [
    "application/apply-patch+yaml",
    "application/apply-patch+cbor",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
];

/// What an operation does; upstream's `x-kubernetes-action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    List,
    Post,
    DeleteCollection,
    Get,
    Put,
    Patch,
    Delete,
    Connect,
}

impl Action {
    fn name(self) -> &'static str {
        match self {
            Action::List => "list",
            Action::Post => "post",
            Action::DeleteCollection => "deletecollection",
            Action::Get => "get",
            Action::Put => "put",
            Action::Patch => "patch",
            Action::Delete => "delete",
            Action::Connect => "connect",
        }
    }

    /// The first word of the operation's id.
    fn id_verb(self) -> &'static str {
        match self {
            Action::List => "list",
            Action::Post => "create",
            Action::DeleteCollection => "deleteCollection",
            Action::Get => "read",
            Action::Put => "replace",
            Action::Patch => "patch",
            Action::Delete => "delete",
            Action::Connect => "connect",
        }
    }

    fn parameters(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Action::List => LIST,
            Action::Post | Action::Put => WRITE,
            Action::Patch => PATCH,
            Action::Delete => DELETE,
            Action::DeleteCollection => DELETE_COLLECTION,
            Action::Get | Action::Connect => &[],
        }
    }
}

/// Where an operation belongs and what it takes and gives.
pub(super) struct Subject<'a> {
    /// Group, version and kind of the documents.
    pub(super) gvk: (&'a str, &'a str, &'a str),
    /// `core_v1`
    pub(super) tag: &'a str,
    /// What follows the verb in the operation's id.
    pub(super) id: &'a str,
    /// Schema of the body, for operations that have one.
    pub(super) body: Value,
    /// Schema of the answer; null: text or a stream.
    pub(super) answer: Value,
}

/// The description of an operation.
pub(super) fn operation(dialect: Dialect, action: Action, subject: &Subject<'_>) -> Value {
    let (group, version, kind) = subject.gvk;
    let mut parameters: Vec<Value> = action.parameters().iter().map(|p| dialect.query(*p)).collect();
    let mut operation = Map::new();
    let id = format!("{}{}", action.id_verb(), subject.id);
    operation.insert("operationId".into(), id.into());
    operation.insert("tags".into(), json!([subject.tag]));
    operation.insert("responses".into(), responses(dialect, &subject.answer));
    operation.insert("x-kubernetes-action".into(), action.name().into());
    operation.insert(
        "x-kubernetes-group-version-kind".into(),
        json!({"group": group, "version": version, "kind": kind}),
    );
    if !subject.body.is_null() {
        let media: &[&str] = if action == Action::Patch { &PATCHES } else { &BODIES };
        match dialect {
            Dialect::V2 => {
                parameters
                    .push(json!({"in": "body", "name": "body", "required": true, "schema": subject.body}));
                operation.insert("consumes".into(), media.into());
            }
            Dialect::V3 => {
                operation.insert("requestBody".into(), json!({"content": content(media, &subject.body)}));
            }
        }
    }
    if dialect == Dialect::V2 {
        operation.insert("produces".into(), BODIES[..].into());
        operation.insert("schemes".into(), json!(["https"]));
    }
    if !parameters.is_empty() {
        operation.insert("parameters".into(), parameters.into());
    }
    operation.into()
}

fn responses(dialect: Dialect, answer: &Value) -> Value {
    let mut ok = json!({"description": "OK"});
    match dialect {
        _ if answer.is_null() => {}
        Dialect::V2 => ok["schema"] = answer.clone(),
        Dialect::V3 => ok["content"] = content(&BODIES, answer),
    }
    json!({"200": ok, "401": {"description": "Unauthorized"}})
}

fn content(media: &[&str], schema: &Value) -> Value {
    media.iter().map(|media| (media.to_string(), json!({"schema": schema}))).collect::<Map>().into()
}
