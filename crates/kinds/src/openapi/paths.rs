//! The paths of a kind, with their operations.

use object::{Map, Value};
use serde_json::json;

use super::Dialect;
use super::operations::{Action, Subject, operation};
use super::parameters::PRETTY;
use super::schemas::Schemas;
use crate::{Kind, Subresource, Verb, schema_by_kind};

/// All paths of a kind; the schemas they refer to are collected in `schemas`.
pub(super) fn of(dialect: Dialect, kind: &Kind, schemas: &mut Schemas) -> Map {
    schemas.name_kind(kind);
    let mut writer = Writer { dialect, kind, schemas, paths: Map::new() };
    writer.collection();
    writer.item();
    for subresource in &kind.subresources {
        writer.subresource(subresource);
    }
    if kind.namespaced() && kind.has(Verb::List) {
        writer.all_namespaces();
    }
    writer.paths
}

struct Writer<'k, 's> {
    dialect: Dialect,
    kind: &'k Kind,
    schemas: &'s mut Schemas,
    paths: Map,
}

/// An operation to write: its method, what it does, its body and its answer.
type Row = (&'static str, Action, Value, Value);

impl<'k> Writer<'k, '_> {
    fn collection(&mut self) {
        let (object, list, status) = self.documents();
        let options = self.schemas.meta("DeleteOptions");
        let kind = self.kind;
        let all: [(Verb, Row); 3] = [
            (Verb::List, ("get", Action::List, Value::Null, list)),
            (Verb::Create, ("post", Action::Post, object.clone(), object)),
            (Verb::DeleteCollection, ("delete", Action::DeleteCollection, options, status)),
        ];
        let rows = all.into_iter().filter(|(verb, _)| kind.has(*verb)).map(|(_, row)| row).collect();
        self.path(&self.root(), "", self.own_gvk(), rows);
    }

    fn item(&mut self) {
        let (object, _, status) = self.documents();
        let options = self.schemas.meta("DeleteOptions");
        let kind = self.kind;
        let all: [(Verb, Row); 4] = [
            (Verb::Get, ("get", Action::Get, Value::Null, object.clone())),
            (Verb::Update, ("put", Action::Put, object.clone(), object.clone())),
            (Verb::Patch, ("patch", Action::Patch, any_object(), object)),
            (Verb::Delete, ("delete", Action::Delete, options, status)),
        ];
        let rows = all.into_iter().filter(|(verb, _)| kind.has(*verb)).map(|(_, row)| row).collect();
        self.path(&format!("{}/{{name}}", self.root()), "", self.own_gvk(), rows);
    }

    /// Lists of a namespaced kind over all namespaces.
    fn all_namespaces(&mut self) {
        let (_, list, _) = self.documents();
        let rows = vec![("get", Action::List, Value::Null, list)];
        self.path(&self.kind.path(""), "ForAllNamespaces", self.own_gvk(), rows);
    }

    fn subresource(&mut self, subresource: &Subresource) {
        let path = format!("{}/{{name}}/{}", self.root(), subresource.name());
        let suffix = capital(subresource.name());
        let own = self.own_gvk();
        let (object, _, _) = self.documents();
        match subresource {
            Subresource::Part(part) => {
                let verb = |method: &str| match method {
                    "put" => Verb::Update,
                    "patch" => Verb::Patch,
                    _ => Verb::Get,
                };
                let rows =
                    whole(object).into_iter().filter(|(method, ..)| part.verbs.contains(&verb(method)));
                self.path(&path, &suffix, own, rows.collect());
            }
            Subresource::Scale { .. } => {
                let scale = self.document("autoscaling/v1", "Scale");
                self.path(&path, &suffix, ("autoscaling", "v1", "Scale"), whole(scale));
            }
            Subresource::Call { kind, .. } if *kind == self.kind.kind => {
                self.path(&path, &suffix, own, whole(object));
            }
            Subresource::Call { api_version, kind, .. } => {
                let document = self.document(api_version, kind);
                let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
                let rows = vec![("post", Action::Post, document.clone(), document)];
                self.path(&path, &suffix, (group, version, kind), rows);
            }
            Subresource::Connect { kind, verbs, options, .. } => {
                let reads = !verbs.contains(&Verb::Create);
                let action = if reads { Action::Get } else { Action::Connect };
                let method = |verb: &Verb| match verb {
                    Verb::Create => "post",
                    Verb::Update => "put",
                    Verb::Patch => "patch",
                    Verb::Delete => "delete",
                    _ => "get",
                };
                let rows =
                    verbs.iter().map(|verb| (method(verb), action, Value::Null, Value::Null)).collect();
                self.path(&path, &suffix, (own.0, own.1, kind), rows);
                self.options(&path, options);
            }
        }
    }

    /// Writes a path with these operations, if there are any.
    fn path(&mut self, path: &str, suffix: &str, gvk: (&str, &str, &str), rows: Vec<Row>) {
        if rows.is_empty() {
            return;
        }
        let tag = self.tag();
        let mut item = Map::new();
        for (method, action, body, answer) in rows {
            let method_word = if action == Action::Connect { capital(method) } else { String::new() };
            let id = self.operation_id(&method_word, suffix);
            let subject = Subject { gvk, tag: &tag, id: &id, body, answer };
            item.insert(method.into(), operation(self.dialect, action, &subject));
        }
        let parts = ["namespace", "name"].into_iter().filter(|part| path.contains(&format!("{{{part}}}")));
        let mut parameters: Vec<Value> = parts.map(|part| self.dialect.path_part(part)).collect();
        parameters.push(self.dialect.query(PRETTY));
        item.insert("parameters".into(), parameters.into());
        self.paths.insert(path.to_owned(), item.into());
    }

    /// Adds query parameters that all operations of a path have.
    fn options(&mut self, path: &str, options: &[(&'static str, &'static str)]) {
        let Some(Value::Array(parameters)) = self.paths.get_mut(path).and_then(|p| p.get_mut("parameters"))
        else {
            return;
        };
        parameters.extend(options.iter().map(|option| self.dialect.query(*option)));
    }

    /// References to the object, its list, and `Status`.
    fn documents(&mut self) -> (Value, Value, Value) {
        let object = self.schemas.root(&self.kind.schema);
        let list = if self.kind.has(Verb::List) { self.schemas.list_of(self.kind) } else { Value::Null };
        (object, list, self.schemas.meta("Status"))
    }

    /// A reference to a document of another kind.
    fn document(&mut self, api_version: &str, kind: &str) -> Value {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        match schema_by_kind(group, version, kind) {
            Some(schema) => self.schemas.root(&schema),
            None => any_object(),
        }
    }

    fn own_gvk(&self) -> (&'k str, &'k str, &'k str) {
        (&self.kind.group, &self.kind.version, &self.kind.kind)
    }

    fn root(&self) -> String {
        self.kind.path("{namespace}")
    }

    /// `core_v1`, `rbacAuthorization_v1`
    fn tag(&self) -> String {
        format!("{}_{}", group_name(&self.kind.group), self.kind.version)
    }

    /// `CoreV1NamespacedPodStatus`, less the verb; `CoreV1GetNamespacedPodExec` where the method is part of it.
    fn operation_id(&self, method: &str, suffix: &str) -> String {
        let group = capital(&group_name(&self.kind.group));
        let version = capital(&self.kind.version);
        let scope = if self.kind.namespaced() && suffix != "ForAllNamespaces" { "Namespaced" } else { "" };
        format!("{group}{version}{method}{scope}{}{suffix}", self.kind.kind)
    }
}

/// Reads and writes of one document.
fn whole(document: Value) -> Vec<Row> {
    vec![
        ("get", Action::Get, Value::Null, document.clone()),
        ("put", Action::Put, document.clone(), document.clone()),
        ("patch", Action::Patch, any_object(), document),
    ]
}

fn any_object() -> Value {
    json!({"type": "object"})
}

/// A group in identifiers: `core`, `apps`, `rbacAuthorization`.
fn group_name(group: &str) -> String {
    if group.is_empty() {
        return "core".to_owned();
    }
    let mut parts = group.strip_suffix(".k8s.io").unwrap_or(group).split('.');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &capital(part))
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}
