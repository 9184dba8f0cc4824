//! The types of the built-in kinds, read from `schema.txt` at first use.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use object::{Field, List, Pb, PbKind, Rule, Schema, Shape, Type, TypeId, Types, Value};

static TYPES: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(parse(include_str!("schema.txt"))));

/// All types of the built-in kinds.
pub fn types() -> &'static Arc<Types> {
    &TYPES
}

/// The schema of the type with this full name, e.g. `io.k8s.api.core.v1.Pod`.
///
/// # Panics
/// Where the table has no such type: a mistake in the table, not in anyone's input.
pub fn schema(full_name: &str) -> Schema {
    let root = TYPES.find(full_name).unwrap_or_else(|| panic!("schema.txt has no type {full_name}"));
    Schema { types: TYPES.clone(), root }
}

/// The schema of the documents of this group, version and kind, e.g. of a request's body.
pub fn schema_by_kind(group: &str, version: &str, kind: &str) -> Option<Schema> {
    static BY_KIND: LazyLock<HashMap<(&str, &str, &str), TypeId>> = LazyLock::new(|| {
        let types = TYPES.types.iter().enumerate();
        types
            .flat_map(|(i, t)| t.gvk.iter().map(move |(g, v, k)| ((&**g, &**v, &**k), TypeId(i as u32))))
            .collect()
    });
    let root = *BY_KIND.get(&(group, version, kind))?;
    Some(Schema { types: TYPES.clone(), root })
}

/// What `package` lines declare.
struct Package<'a> {
    full: &'a str,
    group_version: Option<(&'a str, &'a str)>,
}

/// Where types and packages are found while the table is read.
#[derive(Default)]
struct Names<'a> {
    packages: HashMap<&'a str, Package<'a>>,
    types: HashMap<&'a str, TypeId>,
}

fn parse(text: &str) -> Types {
    let names = declarations(text);
    let mut types = Types::default();
    types.types.reserve(names.types.len());
    for (number, line) in text.lines().enumerate() {
        let read = match line.split_once(' ') {
            Some(("type", rest)) => names.head(rest).map(|head| types.types.push(head)),
            Some(("", rest)) => names.field(rest.trim_start()).and_then(|field| {
                types.types.last_mut().ok_or("a field outside of a type")?.fields.push(field);
                Ok(())
            }),
            _ => Ok(()),
        };
        if let Err(what) = read {
            panic!("schema.txt:{}: {what}: {line}", number + 1);
        }
    }
    types.types = types.types.into_iter().map(Type::complete).collect();
    types.by_name = types.types.iter().enumerate().map(|(i, t)| (t.name.clone(), TypeId(i as u32))).collect();
    types
}

/// A first pass: types may refer to later ones.
fn declarations(text: &str) -> Names<'_> {
    let mut names = Names::default();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("type ") {
            let id = TypeId(names.types.len() as u32);
            names.types.insert(rest.split(' ').next().unwrap_or_default(), id);
        } else if let Some((alias, rest)) = line.strip_prefix("package ").and_then(|l| l.split_once(" = ")) {
            let (full, group_version) = match rest.split_once(' ') {
                Some((full, gv)) => (full, gv.split_once('/')),
                None => (rest, None),
            };
            names.packages.insert(alias, Package { full, group_version });
        }
    }
    names
}

type Read<T> = Result<T, &'static str>;

impl Names<'_> {
    /// `ALIAS.NAME [kind [everywhere]] [atomic]`
    fn head(&self, text: &str) -> Read<Type> {
        let mut words = text.split(' ');
        let (alias, name) = words.next().and_then(|n| n.split_once('.')).ok_or("a type without package")?;
        let package = self.packages.get(alias).ok_or("an unknown package")?;
        let mut head = Type { name: format!("{}.{name}", package.full), ..Type::default() };
        let gvk = |(group, version): (&str, &str)| (group.to_owned(), version.to_owned(), name.to_owned());
        for word in words {
            match word {
                "kind" => {
                    head.gvk = package.group_version.map(gvk).into_iter().collect();
                    head.fields = vec![text_field("apiVersion"), text_field("kind")];
                }
                "everywhere" => {
                    head.gvk = self.packages.values().filter_map(|p| p.group_version).map(gvk).collect();
                    head.gvk.sort();
                    head.gvk.dedup();
                }
                "atomic" => head.atomic = true,
                _ => return Err("an unknown word"),
            }
        }
        Ok(head)
    }

    /// `FIELD SHAPE [FACT…]`
    fn field(&self, text: &str) -> Read<Field> {
        let mut words = text.split(' ');
        let mut field = text_field(words.next().unwrap_or_default());
        field.shape = self.shape(words.next().ok_or("a field without shape")?)?;
        for fact in words {
            apply(&mut field, fact)?;
        }
        Ok(field)
    }

    fn shape(&self, text: &str) -> Read<Shape> {
        if let Some(item) = text.strip_prefix("[]") {
            return Ok(Shape::List(Box::new(self.shape(item)?), List::default()));
        }
        if let Some(value) = text.strip_prefix("{}") {
            return Ok(Shape::Map(Box::new(self.shape(value)?), false));
        }
        Ok(match text {
            "bool" => Shape::Bool,
            "int32" => Shape::Int { bits: 32 },
            "int64" => Shape::Int { bits: 64 },
            "number" => Shape::Number,
            "string" => Shape::String,
            "bytes" => Shape::Bytes,
            "time" => Shape::Time,
            "microTime" => Shape::MicroTime,
            "duration" => Shape::Duration,
            "quantity" => Shape::Quantity,
            "intOrString" => Shape::IntOrString,
            "any" => Shape::Any,
            _ => Shape::Object(*self.types.get(text).ok_or("an unknown shape")?),
        })
    }
}

fn apply(field: &mut Field, fact: &str) -> Read<()> {
    let (name, value) = fact.split_once('=').unwrap_or((fact, ""));
    let number = || value.parse::<i64>().map_err(|_| "not a number");
    match name {
        "required" => {
            field.required = true;
            field.written = Some(field.shape.unset());
        }
        "written" => field.written = Some(written(&field.shape, value)?),
        "omitted" => field.written = None,
        "retainKeys" => field.retain_keys = true,
        "default" => field.default = Some(default(&field.shape, value)?),
        "pb" => field.pb = Some(pb(&field.shape, value)?),
        "explicit" => field.pb.as_mut().ok_or("explicit before pb")?.explicit = true,
        "map" | "set" | "merge" | "atomic" => merge(&mut field.shape, name, value)?,
        "nonempty" => field.rules.push(Rule::Required),
        "immutable" => field.rules.push(Rule::Immutable),
        "enum" => field.rules.push(Rule::Enum(value.split(',').map(str::to_owned).collect())),
        "min" => field.rules.push(Rule::Min(number()?)),
        "max" => field.rules.push(Rule::Max(number()?)),
        "format" => field.rules.push(Rule::Format(value.to_owned())),
        "max-bytes" => field.rules.push(Rule::MaxBytes(value.parse().map_err(|_| "not a number")?)),
        _ => return Err("an unknown fact"),
    }
    Ok(())
}

fn text_field(name: &str) -> Field {
    Field {
        name: name.to_owned(),
        shape: Shape::String,
        required: false,
        written: None,
        default: None,
        rules: Vec::new(),
        retain_keys: false,
        pb: None,
    }
}

/// Null where that is said.
fn written(shape: &Shape, text: &str) -> Read<Value> {
    match text {
        "" => Ok(shape.unset()),
        "null" => Ok(Value::Null),
        _ => Err("neither written nor written=null"),
    }
}

fn merge(shape: &mut Shape, fact: &str, value: &str) -> Read<()> {
    match (shape, fact) {
        (Shape::Map(_, atomic), "atomic") => *atomic = true,
        (Shape::List(_, list), "set") => list.set = true,
        (Shape::List(_, list), "map") => list.keys = value.split(',').map(str::to_owned).collect(),
        (Shape::List(_, list), "merge") => {
            list.merge = true;
            list.merge_key = (!value.is_empty()).then(|| value.to_owned());
        }
        _ => return Err("a fact that does not suit the shape"),
    }
    Ok(())
}

/// JSON, but texts need no quotes.
fn default(shape: &Shape, text: &str) -> Read<Value> {
    if matches!(shape, Shape::String) && !text.starts_with('"') {
        return Ok(text.into());
    }
    serde_json::from_str(text).map_err(|_| "a default that is not JSON")
}

/// `[N/…]N[:KIND]`
fn pb(shape: &Shape, text: &str) -> Read<Pb> {
    let (tags, kind) = text.split_once(':').unwrap_or((text, ""));
    let kind = match kind {
        "" => pb_kind(shape),
        "message" => PbKind::Message,
        "schema-or-array" => PbKind::SchemaOrArray,
        "schema-or-bool" => PbKind::SchemaOrBool,
        "schema-or-strings" => PbKind::SchemaOrStrings,
        _ => return Err("an unknown protobuf kind"),
    };
    let mut outer = Vec::new();
    let mut tag = 0;
    for (i, part) in tags.split('/').enumerate() {
        if i > 0 {
            outer.push(tag);
        }
        tag = part.parse().map_err(|_| "a tag that is not a number")?;
    }
    Ok(Pb { outer, tag, kind, explicit: false })
}

/// How protobuf carries a shape; of lists and maps, each item.
fn pb_kind(shape: &Shape) -> PbKind {
    match shape {
        Shape::Bool => PbKind::Bool,
        Shape::Int { bits: 32 } => PbKind::Int32,
        Shape::Int { .. } => PbKind::Int64,
        Shape::Number => PbKind::Double,
        Shape::String => PbKind::String,
        Shape::Bytes => PbKind::Bytes,
        Shape::List(item, _) => pb_kind(item),
        // a list inside a map is a message around the list
        Shape::Map(value, _) if matches!(**value, Shape::List(..)) => PbKind::Message,
        Shape::Map(value, _) => pb_kind(value),
        _ => PbKind::Message,
    }
}

#[cfg(test)]
mod against_k8s_openapi;
#[cfg(test)]
mod tags;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_found_and_sorted() {
        for (name, id) in &types().by_name {
            let kind = types().get(*id);
            assert_eq!(&kind.name, name);
            assert!(kind.fields.is_sorted_by(|a, b| a.name < b.name), "{name}");
        }
        assert_eq!(types().by_name.len(), types().types.len());
    }

    #[test]
    fn facts_are_read() {
        let pod = schema("io.k8s.api.core.v1.PodSpec");
        let containers = pod.root().field("containers").unwrap();
        assert!(containers.required && containers.rules.contains(&Rule::Required));
        let Shape::List(_, list) = &containers.shape else { panic!("not a list") };
        assert_eq!(
            (list.keys.as_slice(), list.merge_key.as_deref()),
            (&["name".to_owned()][..], Some("name"))
        );
        assert_eq!(pod.root().field("restartPolicy").unwrap().default, Some("Always".into()));
        assert!(pod.root().field("volumes").unwrap().retain_keys);
        assert_eq!(containers.written, Some(Value::Null));
        let selector = schema("io.k8s.api.apps.v1.DeploymentSpec").root().field("selector").cloned();
        assert_eq!(selector.unwrap().written, Some(Value::Null));
        let ip = schema("io.k8s.api.core.v1.PodIP").root().field("ip").cloned().unwrap();
        assert!(ip.required && ip.written.is_none());
        let options = schema("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions");
        assert!(options.root().gvk.contains(&("apps".into(), "v1".into(), "DeleteOptions".into())));
    }

    /// A list merges by keys that its items have, and every key is there or has a default.
    #[test]
    fn list_keys_exist() {
        for kind in &types().types {
            for field in &kind.fields {
                let Shape::List(item, list) = &field.shape else { continue };
                let Shape::Object(item) = **item else { continue };
                for key in list.keys.iter().chain(&list.merge_key) {
                    assert!(types().get(item).field(key).is_some(), "{}.{}: {key}", kind.name, field.name);
                }
            }
        }
    }

    /// No two fields of a message share a tag.
    #[test]
    fn tags_are_unique() {
        for kind in &types().types {
            let mut tags: Vec<_> =
                kind.fields.iter().filter_map(|f| f.pb.as_ref()).map(|p| (&p.outer, p.tag)).collect();
            let all = tags.len();
            tags.sort();
            tags.dedup();
            assert_eq!(tags.len(), all, "{}", kind.name);
        }
    }
}
