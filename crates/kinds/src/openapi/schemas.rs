//! Schemas of types.

use std::sync::Arc;

use object::{Field, List, Map, Rule, Schema, Shape, Type, TypeId, Types, Value};
use serde_json::json;

use super::Dialect;
use crate::{Kind, types};

const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
const QUANTITY: &str = "io.k8s.apimachinery.pkg.api.resource.Quantity";
pub(super) const INT_OR_STRING: &str = "io.k8s.apimachinery.pkg.util.intstr.IntOrString";

/// The schemas that a document needs, collected as they are referred to.
pub(super) struct Schemas {
    dialect: Dialect,
    done: Map,
    open: Vec<(Arc<Types>, TypeId)>,
}

impl Schemas {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, done: Map::new(), open: Vec::new() }
    }

    /// A reference to a built-in type that has this full name.
    pub(super) fn built_in(&mut self, name: &str) -> Value {
        match types().find(name) {
            Some(id) => self.object(types(), id),
            None => self.dialect.reference(name),
        }
    }

    /// A reference to a built-in type of `meta/v1`.
    pub(super) fn meta(&mut self, name: &str) -> Value {
        self.built_in(&format!("{META}.{name}"))
    }

    /// A reference to a schema's root.
    pub(super) fn root(&mut self, schema: &Schema) -> Value {
        self.object(&schema.types, schema.root)
    }

    /// A reference to the list of a kind: the table's own, or one made for it.
    pub(super) fn list_of(&mut self, kind: &Kind) -> Value {
        let name = format!("{}List", kind.schema.root().name);
        if let Some(id) = kind.schema.types.find(&name) {
            return self.object(&kind.schema.types, id);
        }
        let item = self.root(&kind.schema);
        let metadata = self.meta("ListMeta");
        let text = json!({"type": "string"});
        let list = json!({
            "type": "object",
            "required": ["items"],
            "properties": {
                "apiVersion": text,
                "kind": text,
                "metadata": metadata,
                "items": {"type": "array", "items": item},
            },
            "x-kubernetes-group-version-kind":
                [{"group": kind.group, "version": kind.version, "kind": format!("{}List", kind.kind)}],
        });
        self.done.insert(name.clone(), list);
        self.dialect.reference(&name)
    }

    /// Says that a kind's root is an object of the API where its type does not say so itself.
    pub(super) fn name_kind(&mut self, kind: &Kind) {
        self.root(&kind.schema);
        self.drain();
        let gvk = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
        if let Some(Value::Object(schema)) = self.done.get_mut(&kind.schema.root().name) {
            schema.entry("x-kubernetes-group-version-kind").or_insert_with(|| json!([gvk]));
        }
    }

    /// All schemas by name.
    pub(super) fn finish(mut self) -> Map {
        self.drain();
        self.done
    }

    fn drain(&mut self) {
        while let Some((types, id)) = self.open.pop() {
            let schema = self.type_schema(&types, id);
            self.done.insert(types.get(id).name.clone(), schema);
        }
    }

    fn object(&mut self, types: &Arc<Types>, id: TypeId) -> Value {
        let name = &types.get(id).name;
        if !self.done.contains_key(name) {
            self.done.insert(name.clone(), Value::Null);
            self.open.push((types.clone(), id));
        }
        self.dialect.reference(name)
    }

    fn type_schema(&mut self, types: &Arc<Types>, id: TypeId) -> Value {
        let Type { fields, atomic, gvk, .. } = types.get(id);
        let mut schema = Map::new();
        schema.insert("type".into(), "object".into());
        let required: Vec<&str> = fields.iter().filter(|f| f.required).map(|f| f.name.as_str()).collect();
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        if !fields.is_empty() {
            let properties: Map = fields.iter().map(|f| (f.name.clone(), self.field(types, f))).collect();
            schema.insert("properties".into(), properties.into());
        }
        if *atomic {
            schema.insert("x-kubernetes-map-type".into(), "atomic".into());
        }
        if !gvk.is_empty() {
            let named = gvk
                .iter()
                .map(|(group, version, kind)| json!({"group": group, "version": version, "kind": kind}));
            schema.insert("x-kubernetes-group-version-kind".into(), named.collect());
        }
        schema.into()
    }

    fn field(&mut self, types: &Arc<Types>, field: &Field) -> Value {
        let mut facts = facts(field);
        let mut schema = self.shape(types, &field.shape);
        if let Some(object) = schema.as_object_mut() {
            if !object.contains_key("$ref") || self.dialect == Dialect::V2 {
                object.append(&mut facts);
            } else if !facts.is_empty() {
                // In version 3 nothing may stand beside a reference; clients of version 2 know no other way.
                facts.insert("allOf".into(), json!([schema]));
                return facts.into();
            }
        }
        schema
    }

    fn shape(&mut self, types: &Arc<Types>, shape: &Shape) -> Value {
        match shape {
            Shape::Bool => json!({"type": "boolean"}),
            Shape::Int { bits } => json!({"type": "integer", "format": format!("int{bits}")}),
            Shape::Number => json!({"type": "number", "format": "double"}),
            Shape::String => json!({"type": "string"}),
            Shape::Bytes => json!({"type": "string", "format": "byte"}),
            Shape::Time => {
                self.named(&format!("{META}.Time"), json!({"type": "string", "format": "date-time"}))
            }
            Shape::MicroTime => {
                self.named(&format!("{META}.MicroTime"), json!({"type": "string", "format": "date-time"}))
            }
            Shape::Duration => self.named(&format!("{META}.Duration"), json!({"type": "string"})),
            Shape::Quantity => self.either(QUANTITY, "number", None),
            Shape::IntOrString => self.either(INT_OR_STRING, "integer", Some("int-or-string")),
            Shape::Any => json!({"x-kubernetes-preserve-unknown-fields": true}),
            Shape::Object(id) => self.object(types, *id),
            Shape::List(item, list) => {
                let mut schema = list_facts(list);
                schema.insert("type".into(), "array".into());
                schema.insert("items".into(), self.shape(types, item));
                schema.into()
            }
            Shape::Map(value, atomic) => {
                let mut schema = json!({"type": "object", "additionalProperties": self.shape(types, value)});
                if *atomic {
                    schema["x-kubernetes-map-type"] = "atomic".into();
                }
                schema
            }
        }
    }

    /// A type that is not an object.
    fn named(&mut self, name: &str, schema: Value) -> Value {
        self.done.entry(name).or_insert(schema);
        self.dialect.reference(name)
    }

    /// A text or something else, which only version 3 can say.
    fn either(&mut self, name: &str, other: &str, format: Option<&str>) -> Value {
        let mut schema = match self.dialect {
            Dialect::V2 => json!({"type": "string"}),
            Dialect::V3 => json!({"oneOf": [{"type": "string"}, {"type": other}]}),
        };
        if let Some(format) = format {
            schema["format"] = format.into();
        }
        self.named(name, schema)
    }
}

/// The values of an enumeration, as documents of the API list them.
fn sorted(values: &[String]) -> Vec<String> {
    let mut values = values.to_vec();
    values.sort();
    values
}

/// What a field says beyond its shape.
fn facts(field: &Field) -> Map {
    let mut facts = Map::new();
    if let Some(default) = &field.default {
        facts.insert("default".into(), default.clone());
    }
    for rule in &field.rules {
        match rule {
            Rule::Enum(values) => facts.insert("enum".into(), sorted(values).into()),
            Rule::Min(min) => facts.insert("minimum".into(), (*min).into()),
            Rule::Max(max) => facts.insert("maximum".into(), (*max).into()),
            _ => None,
        };
    }
    let merge = matches!(&field.shape, Shape::List(_, list) if list.merge);
    let strategy = match (merge, field.retain_keys) {
        (true, true) => "merge,retainKeys",
        (true, false) => "merge",
        (false, true) => "retainKeys",
        (false, false) => return facts,
    };
    facts.insert("x-kubernetes-patch-strategy".into(), strategy.into());
    facts
}

/// How a list merges.
fn list_facts(list: &List) -> Map {
    let mut facts = Map::new();
    let kind = match (list.keys.is_empty(), list.set) {
        (false, _) => "map",
        (true, true) => "set",
        (true, false) => "atomic",
    };
    facts.insert("x-kubernetes-list-type".into(), kind.into());
    if !list.keys.is_empty() {
        facts.insert("x-kubernetes-list-map-keys".into(), list.keys.clone().into());
    }
    if let Some(key) = &list.merge_key {
        facts.insert("x-kubernetes-patch-merge-key".into(), key.clone().into());
    }
    facts
}
