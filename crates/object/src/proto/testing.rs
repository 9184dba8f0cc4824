//! A schema with every shape and encoding.

use std::sync::Arc;

use crate::testing::{atomic, field, map};
use crate::{Field, Pb, PbKind, Schema, Shape, Type, TypeId, Types};

fn pb(field: Field, outer: &[u32], tag: u32, kind: PbKind) -> Field {
    Field { pb: Some(Pb { outer: outer.to_vec(), tag, kind, explicit: false }), ..field }
}

fn message(name: &str, shape: Shape, tag: u32) -> Field {
    pb(field(name, shape), &[], tag, PbKind::Message)
}

/// A type that refers to itself in field `child`.
pub(crate) fn schema() -> Schema {
    let scalar = |name, shape, tag, kind| pb(field(name, shape), &[], tag, kind);
    let mut explicit = scalar("explicit", Shape::Int { bits: 32 }, 3, PbKind::Int32);
    explicit.pb.as_mut().unwrap().explicit = true;
    let written = Field { written: Some("".into()), ..scalar("written", Shape::String, 4, PbKind::String) };
    let fields = vec![
        scalar("name", Shape::String, 1, PbKind::String),
        scalar("count", Shape::Int { bits: 64 }, 2, PbKind::Int64),
        explicit,
        written,
        scalar("flag", Shape::Bool, 5, PbKind::Bool),
        scalar("ratio", Shape::Number, 6, PbKind::Double),
        scalar("data", Shape::Bytes, 7, PbKind::Bytes),
        message("time", Shape::Time, 8),
        message("micro", Shape::MicroTime, 9),
        message("length", Shape::Duration, 10),
        message("amount", Shape::Quantity, 11),
        message("port", Shape::IntOrString, 12),
        message("raw", Shape::Any, 13),
        message("child", Shape::Object(TypeId(0)), 14),
        message("children", atomic(Shape::Object(TypeId(0))), 15),
        scalar("words", atomic(Shape::String), 16, PbKind::String),
        scalar("numbers", atomic(Shape::Int { bits: 32 }), 17, PbKind::Int32),
        message("wrapped", atomic(Shape::String), 18),
        scalar("labels", map(Shape::String), 19, PbKind::String),
        message("amounts", map(Shape::Quantity), 20),
        message("lists", map(atomic(Shape::String)), 21),
        pb(field("inlined", Shape::String), &[22], 1, PbKind::String),
        pb(field("deeper", Shape::String), &[22, 2], 1, PbKind::String),
        pb(field("orBool", Shape::Any), &[], 23, PbKind::SchemaOrBool),
        pb(field("orArray", Shape::Any), &[], 24, PbKind::SchemaOrArray),
        pb(field("orStrings", Shape::Any), &[], 25, PbKind::SchemaOrStrings),
        field("untagged", Shape::String),
    ];
    let kind = Type { name: "T".into(), fields, ..Type::default() };
    let types = Types { types: vec![kind.complete()], ..Types::default() };
    Schema { types: Arc::new(types), root: TypeId(0) }
}
