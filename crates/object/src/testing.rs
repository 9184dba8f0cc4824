//! What the tests of this crate share: a small schema, and arbitrary documents.

use std::sync::Arc;

use proptest::prelude::*;

use crate::{Field, List, Map, Rule, Schema, Shape, Type, TypeId, Types, Value};

/// Arbitrary JSON without floats that are whole, and with texts that YAML and Go find hard.
pub(crate) fn documents() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000..1000i32).prop_map(|n| Value::from(f64::from(n) + 0.5)),
        texts().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((texts(), inner), 0..5)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map>())),
        ]
    })
}

/// Arbitrary texts: ordinary, awkward, long.
pub(crate) fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-zA-Z0-9./:_-]{0,12}",
        2 => "[-yYnN0-9+._eExobT:~# '\"\\\\\n\t,?&*!|>{}%@`=<]{0,10}",
        1 => prop::collection::vec(any::<char>(), 0..6).prop_map(|chars| chars.into_iter().collect()),
        1 => prop::collection::vec("[a-z:#' -]{1,12}", 0..40).prop_map(|words| words.join(" ")),
        1 => prop::sample::select(vec![
            "", "yes", "0644", "null", "1e3", "2001-01-01", "1:30", "<<", "true", "tRue", ".inf", "- a", "a: b", "---", "...",
        ]).prop_map(str::to_owned),
    ]
}

/// A field with this shape and nothing else.
pub(crate) fn field(name: &str, shape: Shape) -> Field {
    Field {
        name: name.into(),
        shape,
        required: false,
        written: None,
        default: None,
        rules: vec![],
        retain_keys: false,
        pb: None,
    }
}

/// The same field with a default.
pub(crate) fn with_default(field: Field, default: Value) -> Field {
    Field { default: Some(default), ..field }
}

/// The same field, which Go writes whatever it holds.
pub(crate) fn always(field: Field) -> Field {
    Field { written: Some(field.shape.unset()), ..field }
}

/// The same field with rules.
pub(crate) fn with_rules(field: Field, rules: impl IntoIterator<Item = Rule>) -> Field {
    Field { rules: rules.into_iter().collect(), ..field }
}

/// A list that is replaced as a whole.
pub(crate) fn atomic(item: Shape) -> Shape {
    Shape::List(Box::new(item), List::default())
}

/// A list that strategic merges match by this key.
pub(crate) fn keyed(item: Shape, key: &str) -> Shape {
    let list = List { keys: vec![key.into()], merge_key: Some(key.into()), merge: true, ..List::default() };
    Shape::List(Box::new(item), list)
}

/// A list of scalars whose strategic merge is the union.
pub(crate) fn union(item: Shape) -> Shape {
    Shape::List(Box::new(item), List { set: true, merge: true, ..List::default() })
}

/// A map from text.
pub(crate) fn map(value: Shape) -> Shape {
    Shape::Map(Box::new(value), false)
}

/// A schema of these types, the first being the root; [`TypeId`]s are positions.
pub(crate) fn schema(types: impl IntoIterator<Item = (&'static str, Vec<Field>)>) -> Schema {
    let mut set = Types::default();
    for (name, fields) in types {
        set.by_name.insert(name.into(), TypeId(set.types.len() as u32));
        set.types.push(Type { name: name.into(), fields, ..Type::default() }.complete());
    }
    Schema { types: Arc::new(set), root: TypeId(0) }
}

/// A schema that resembles a workload: an object of metadata and a spec with containers.
pub(crate) fn workload() -> Schema {
    let (meta, spec, container, port, env) =
        (Shape::Object(TypeId(1)), Shape::Object(TypeId(2)), TypeId(3), TypeId(4), TypeId(5));
    schema([
        (
            "io.k8s.api.apps.v1.Deployment",
            vec![
                field("apiVersion", Shape::String),
                field("kind", Shape::String),
                always(field("metadata", meta)),
                field("spec", spec),
            ],
        ),
        (
            "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta",
            vec![
                field("name", Shape::String),
                field("labels", map(Shape::String)),
                field("finalizers", union(Shape::String)),
                field("creationTimestamp", Shape::Time),
            ],
        ),
        (
            "io.k8s.api.apps.v1.DeploymentSpec",
            vec![
                with_rules(
                    with_default(field("replicas", Shape::Int { bits: 32 }), 1.into()),
                    [Rule::Min(0), Rule::Max(1000)],
                ),
                with_rules(
                    with_default(field("policy", Shape::String), "Always".into()),
                    [Rule::Enum(vec!["Always".into(), "Never".into()])],
                ),
                always(with_rules(
                    field("containers", keyed(Shape::Object(container), "name")),
                    [Rule::Required],
                )),
                field("args", atomic(Shape::String)),
                with_rules(field("host", Shape::String), [Rule::Immutable, Rule::Format("dns-label".into())]),
                field("raw", Shape::Any),
                field("generation", Shape::Int { bits: 64 }),
                field("paused", Shape::Bool),
                field("weight", Shape::Number),
                field("payload", map(Shape::Bytes)),
                field("limits", map(Shape::Quantity)),
                field("surge", Shape::IntOrString),
                always(field("renewTime", Shape::MicroTime)),
                field("named", map(Shape::Object(container))),
                with_default(field("probe", Shape::Object(port)), serde_json::json!({})),
            ],
        ),
        (
            "io.k8s.api.core.v1.Container",
            vec![
                always(with_rules(
                    field("name", Shape::String),
                    [Rule::Required, Rule::Format("dns-label".into()), Rule::MaxBytes(20)],
                )),
                field("image", Shape::String),
                always(field("resources", Shape::Object(TypeId(6)))),
                field("command", atomic(Shape::String)),
                field("ports", keyed(Shape::Object(port), "containerPort")),
                field("env", keyed(Shape::Object(env), "name")),
            ],
        ),
        (
            "io.k8s.api.core.v1.ContainerPort",
            vec![
                field("containerPort", Shape::Int { bits: 32 }),
                field("name", Shape::String),
                with_default(field("protocol", Shape::String), "TCP".into()),
            ],
        ),
        ("io.k8s.api.core.v1.EnvVar", vec![field("name", Shape::String), field("value", Shape::String)]),
        ("io.k8s.api.core.v1.ResourceRequirements", vec![field("limits", map(Shape::Quantity))]),
    ])
}
